// The golden record from a C++ program that knows nothing of crosspage, as the original project's two
// programs know nothing of it; see README.md beside this file.

#ifdef _WIN32
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

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

static SharedData golden() {
  SharedData d{};
  d.processId = 4242;
  std::strcpy(d.message, "Grüße, 世界");
  d.counter = 42;
  d.temperature = 23.5;
  const float coordinates[] = {10.5f, 20.3f, 30.8f};
  std::memcpy(d.coordinates, coordinates, sizeof coordinates);
  std::strcpy(d.userName, "Zoë");
  d.timestamp = 1763800000000;
  for (int i = 0; i < 10; ++i) d.dataArray[i] = 10 * (i + 1);
  return d;
}

static bool same(const SharedData &a, const SharedData &b) {
  return a.processId == b.processId && std::strcmp(a.message, b.message) == 0 && a.counter == b.counter &&
         a.temperature == b.temperature && std::memcmp(a.coordinates, b.coordinates, sizeof a.coordinates) == 0 &&
         std::strcmp(a.userName, b.userName) == 0 && a.timestamp == b.timestamp &&
         std::memcmp(a.dataArray, b.dataArray, sizeof a.dataArray) == 0;
}

// `size` bytes of the segment, for as long as this program lives.
static void *map(const std::string &name, bool create, std::size_t size) {
#ifdef _WIN32
  const HANDLE mapping =
      create ? CreateFileMappingA(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, size, name.c_str())
             : OpenFileMappingA(FILE_MAP_READ, FALSE, name.c_str());
  if (!mapping) throw std::runtime_error(name + ": code " + std::to_string(GetLastError()));
  void *at = MapViewOfFile(mapping, create ? FILE_MAP_ALL_ACCESS : FILE_MAP_READ, 0, 0, size);
  if (!at) throw std::runtime_error(name + " cannot be mapped");
#else
  const int fd = shm_open(name.c_str(), create ? O_CREAT | O_EXCL | O_RDWR : O_RDONLY, 0600);
  if (fd < 0 || (create && ftruncate(fd, static_cast<off_t>(size)) != 0)) throw std::runtime_error(std::strerror(errno));
  void *at = mmap(nullptr, size, create ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) throw std::runtime_error(std::strerror(errno));
#endif
  return at;
}

int main(int argc, char **argv) try {
  if (argc != 3) throw std::runtime_error("plain hold|view SEGMENT");
  const std::string action = argv[1], segment = argv[2];
  const std::string name = segment.substr(segment.find(':') + 1);
  if (action == "hold") {
    auto *data = static_cast<SharedData *>(map(name, true, 1024));
    *data = golden();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    *static_cast<volatile bool *>(&data->dataReady) = true;
    std::puts("golden held");
    std::fflush(stdout);
    std::getchar();
#ifndef _WIN32
    shm_unlink(name.c_str());
#endif
  } else if (action == "view") {
    const auto *data = static_cast<const SharedData *>(map(name, false, sizeof(SharedData)));
    for (int i = 0; i < 1000 && !*static_cast<const volatile bool *>(&data->dataReady); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!data->dataReady || !same(*data, golden())) throw std::runtime_error("not the golden record");
    std::puts("golden ok");
  } else {
    throw std::runtime_error(action + ": there are hold and view");
  }
  return 0;
} catch (const std::exception &e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
