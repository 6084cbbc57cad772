// The golden record from C++; see README.md beside this file.

#include <crosspage.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

struct SharedData {
  int processId;
  char message[500];
  bool dataReady;
  int counter;
  double temperature;
  float coordinates[3];
  char userName[50];
  long long timestamp;
  int dataArray[10];
};

#if __cplusplus < 202002L
CROSSPAGE_STRUCT(SharedData, processId, message, dataReady, counter, temperature, coordinates, userName, timestamp,
                 dataArray);
#endif

static SharedData golden() {
  SharedData d{};
  d.processId = 4242;
  crosspage::assign(d.message, "Grüße, 世界");
  d.dataReady = true;
  d.counter = 42;
  d.temperature = 23.5;
  d.coordinates[0] = 10.5f;
  d.coordinates[1] = 20.3f;
  d.coordinates[2] = 30.8f;
  crosspage::assign(d.userName, "Zoë");
  d.timestamp = 1763800000000;
  for (int i = 0; i < 10; ++i) d.dataArray[i] = 10 * (i + 1);
  return d;
}

static bool same(const SharedData& a, const SharedData& b) {
  return a.processId == b.processId && crosspage::view(a.message) == crosspage::view(b.message) &&
         a.dataReady == b.dataReady && a.counter == b.counter && a.temperature == b.temperature &&
         std::memcmp(a.coordinates, b.coordinates, sizeof a.coordinates) == 0 &&
         crosspage::view(a.userName) == crosspage::view(b.userName) && a.timestamp == b.timestamp &&
         std::memcmp(a.dataArray, b.dataArray, sizeof a.dataArray) == 0;
}

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("golden write|read|layout PAGE, golden hold|view SEGMENT");
  const std::string action = argv[1];
  const char* page = argv[2];
  if (action == "write") {
    crosspage::latest::Writer<SharedData>::create(page).write(golden());
  } else if (action == "read") {
    auto snapshot = crosspage::latest::Reader<SharedData>::open(page).read();
    if (!snapshot) throw std::runtime_error("nothing was written");
    if (!same(snapshot->value, golden())) throw std::runtime_error("not the golden record");
    std::puts("golden ok");
  } else if (action == "hold") {
    {
      auto view = crosspage::foreign::View<SharedData>::create(page, 1024);
      view.write_with_ready(golden(), "dataReady");
      std::puts("golden held");
      std::fflush(stdout);
      std::getchar();
    }
    // On Windows it went with the view.
    if (std::string(page).rfind("win:", 0) != 0) crosspage::remove(page);
  } else if (action == "view") {
    const SharedData data =
        crosspage::foreign::View<SharedData>::open(page).read_ready("dataReady", std::chrono::seconds(10));
    if (!same(data, golden())) throw std::runtime_error("not the golden record");
    std::puts("golden ok");
  } else if (action == "layout") {
    crosspage_layout* layout = nullptr;
    if (crosspage_layout_from_struct(&crosspage::layout_of<SharedData>(), &layout, nullptr) != 0)
      throw std::runtime_error("the struct is refused");
    unsigned char canonical[4096];
    const std::size_t size = crosspage_layout_canonical(layout, canonical, sizeof canonical);
    crosspage_layout_free(layout);
    for (std::size_t i = 0; i < size && i < sizeof canonical; ++i) std::printf("%02x", canonical[i]);
    std::puts("");
  } else {
    throw std::runtime_error(action + ": there are write, read, hold, view and layout");
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
