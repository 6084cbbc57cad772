// foreign, from C++: against segments made and read with the system's own calls.
#ifdef _WIN32
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <process.h>
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include <fstream>
#include <thread>

#include "check.hpp"
#include "shared_data.hpp"

using namespace std::chrono_literals;
using crosspage::foreign::DynView;
using crosspage::foreign::View;

#ifndef _WIN32
struct Sysv {
  int processId;
  char message[900];
  bool dataReady;
  int counter;
};
#if !CROSSPAGE_PLAIN_STRUCTS
CROSSPAGE_STRUCT(Sysv, processId, message, dataReady, counter);
#endif
#endif

template <class F>
static crosspage::error thrown_by(F &&call) {
  try {
    call();
  } catch (const crosspage::error &e) {
    return e;
  }
  return {};
}

static std::string own_name() { return "crosspage-capi-test-" + std::to_string(getpid()); }

#ifdef _WIN32
static const std::string locators = "win:Local\\";
static const std::string elsewhere = "posix:/IPCSharedMemory";
#else
static const std::string locators = "posix:/";
static const std::string elsewhere = "win:Local\\IPCSharedMemory";
#endif

// A segment that knows nothing of crosspage, as the original writer makes it.
struct Segment {
  std::string name = own_name();
  std::string locator = locators + name;
  char *bytes = nullptr;
#ifdef _WIN32
  HANDLE mapping;
  explicit Segment(bool create) {
    const std::string full = "Local\\" + name;
    mapping = create ? CreateFileMappingA(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, 1024, full.c_str())
                     : OpenFileMappingA(FILE_MAP_ALL_ACCESS, FALSE, full.c_str());
    CHECK(mapping != nullptr && !(create && GetLastError() == ERROR_ALREADY_EXISTS));
    bytes = static_cast<char *>(MapViewOfFile(mapping, FILE_MAP_ALL_ACCESS, 0, 0, 1024));
    CHECK(bytes != nullptr);
  }
  ~Segment() {
    UnmapViewOfFile(bytes);
    CloseHandle(mapping);
  }
#else
  explicit Segment(bool create) {
    const std::string full = "/" + name;
    const int fd = shm_open(full.c_str(), create ? O_CREAT | O_EXCL | O_RDWR : O_RDWR, 0600);
    CHECK(fd >= 0);
    if (create) CHECK(ftruncate(fd, 1024) == 0);
    void *at = mmap(nullptr, 1024, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    bytes = static_cast<char *>(at);
    close(fd);
  }
  ~Segment() {
    munmap(bytes, 1024);
    shm_unlink(("/" + name).c_str());
  }
#endif
  Segment(const Segment &) = delete;
  Segment &operator=(const Segment &) = delete;
};

static void others_segment() {
  const Segment segment(true);
  auto *raw = reinterpret_cast<SharedData *>(segment.bytes);
  raw->counter = 42;
  std::strcpy(raw->message, "Hello");
  raw->timestamp = 98765;
  raw->dataArray[9] = 100;

  auto view = View<SharedData>::open(segment.locator);
#ifdef _WIN32
  CHECK_EQ(view.size(), 4096u);  // whole pages
#else
  CHECK_EQ(view.size(), 1024u);
#endif
  CHECK(!view.created());
  const SharedData data = view.read();
  CHECK_EQ(data.counter, 42);
  CHECK_EQ(crosspage::view(data.message), "Hello");
  CHECK_EQ(data.timestamp, 98765);
  CHECK_EQ(data.dataArray[9], 100);
  CHECK_EQ(view.read_stable(1s).counter, 42);

  CHECK(thrown_by([&] { view.read_ready("dataReady", 20ms); }).is_timed_out());
  std::thread writer([&] {
    std::this_thread::sleep_for(30ms);
    raw->counter = 43;
    __atomic_store_n(&raw->dataReady, true, __ATOMIC_RELEASE);
  });
  CHECK_EQ(view.read_ready("dataReady").counter, 43);
  writer.join();
  CHECK(thrown_by([&] { view.read_ready("dataRedy", 0s); }).is_not_found());

  SharedData next = data;
  next.counter = 44;
  view.write(next);
  CHECK_EQ(raw->counter, 44);
  raw->processId = 7;
  view.update([&](SharedData &now) {
    CHECK_EQ(now.counter, 44);
    raw->processId = 8;  // meanwhile, by another program: not changed here, so it stays
    now.counter = 45;
  });
  CHECK_EQ(raw->counter, 45);
  CHECK_EQ(raw->processId, 8);
  CHECK(thrown_by([&] { view.update([](SharedData &now) { return now.counter = 46, false; }); }).is_cancelled());
  CHECK_EQ(raw->counter, 45);
  raw->counter = 44;
  auto reading = View<SharedData>::options().read_only(true).open(segment.locator);
  CHECK_EQ(reading.read().counter, 44);
  CHECK(thrown_by([&] { reading.write(next); }).is_permission_denied());

  std::memset(&raw->dataReady, 7, 1);
  unsigned char flag;
  const SharedData odd = view.read();
  std::memcpy(&flag, &odd.dataReady, 1);
  CHECK_EQ(flag, 1);

  const std::string schema = own_name() + ".toml";
  std::ofstream(schema) << "[struct.Data]\nfields = [ { name = \"processId\", type = \"i32\" },\n"
                           "  { name = \"message\", type = \"text[500]\" }, { name = \"dataReady\", type = \"bool\" },\n"
                           "  { name = \"counter\", type = \"i32\" } ]\n";
  auto dynamic = DynView::open(segment.locator, crosspage::Layout::from_source(schema + "#Data"));
  CHECK_EQ(dynamic.read()["counter"].as<int>(), 44);
  CHECK_EQ(dynamic.read_stable(1s)["message"].as<std::string>(), "Hello");
  const auto schema_layout = crosspage::Layout::from_source(schema + "#Data");
  CHECK_EQ(DynView::options().read_only(true).open(segment.locator, schema_layout).read()["counter"].as<int>(), 44);
  CHECK(thrown_by([&] { DynView::open_wait(locators + "crosspage-nowhere", schema_layout, 10ms); }).is_timed_out());
  std::remove(schema.c_str());

  std::thread closer([&] {
    std::this_thread::sleep_for(30ms);
    view.close();
  });
  raw->dataReady = false;
  CHECK(thrown_by([&] { view.read_ready("dataReady"); }).is_closed());
  closer.join();
}

static void own_segment() {
  const std::string locator = locators + own_name();
  CHECK(thrown_by([&] { View<SharedData>::open(locator); }).is_not_found());
  CHECK(thrown_by([&] { View<SharedData>::open_wait(locator, 20ms); }).is_timed_out());
  auto view = View<SharedData>::options().permissions(crosspage::Permissions::group).create(locator, 1024);
  CHECK(view.created());
  const Segment segment(false);
  SharedData data{};
  data.counter = 42;
  data.dataArray[9] = 100;
  view.write_with_ready(data, "dataReady");
  int counter, last;
  std::memcpy(&counter, segment.bytes + 508, 4);
  std::memcpy(&last, segment.bytes + 592 + 36, 4);
  CHECK_EQ(counter, 42);
  CHECK_EQ(last, 100);
  CHECK_EQ(segment.bytes[504], 1);
  CHECK(thrown_by([&] { View<SharedData>::create(locator, 100); }).kind() != crosspage::errc{});
}

#ifndef _WIN32
static void system_v() {
  const key_t key = 0x43500000 + (getpid() & 0xffff);
  const int id = shmget(key, 1024, IPC_CREAT | IPC_EXCL | 0600);
  CHECK(id >= 0);
  auto *raw = static_cast<Sysv *>(shmat(id, nullptr, 0));
  raw->counter = 42;
  auto view = View<Sysv>::open("sysv:" + std::to_string(key));
  CHECK_EQ(view.read().counter, 42);
  Sysv data{};
  data.counter = 43;
  view.write_with_ready(data, "dataReady");
  CHECK_EQ(raw->counter, 43);
  CHECK(raw->dataReady);
  shmdt(raw);
  shmctl(id, IPC_RMID, nullptr);
}

#endif

int main() {
  others_segment();
  own_segment();
#ifndef _WIN32
  system_v();
#endif
  CHECK(thrown_by([] { View<SharedData>::open(elsewhere); }).is_unsupported());
}
