// A peer in another process: peer COMMAND PAGE.
//   write       writes counter 1, 2, 3, ... as fast as it can, every field telling the same number
//   check N     reads until it has seen N values, and that no field of any tells another number
//   publish N   publishes N messages, as write does values, and waits for whoever is slow
//   receive N   receives N messages, and checks that none is missing and all are whole
//   publish-tails N, receive-tails N   the same with structs that end in a tail
//   mismatch-*  attaches with a struct that differs from SharedData, and prints the error
#include <algorithm>
#include <iostream>

#include "shared_data.hpp"

#if CROSSPAGE_PLAIN_STRUCTS
#define DECLARE(...) static_assert(true, "")
#else
#define DECLARE(...) CROSSPAGE_STRUCT(__VA_ARGS__)
#endif
#define FIELDS processId, message, dataReady, counter, temperature, coordinates, userName, timestamp, dataArray

namespace pack1 {
#pragma pack(push, 1)
struct SharedData { int processId; char message[500]; bool dataReady; int counter; double temperature;
  float coordinates[3]; char userName[50]; long long timestamp; int dataArray[10]; };
#pragma pack(pop)
DECLARE(SharedData, FIELDS);
}

#define PACKING 1
namespace labelled {
#pragma pack(push, PACKING)
struct SharedData { int processId; char message[500]; bool dataReady; int counter; double temperature;
  float coordinates[3]; char userName[50]; long long timestamp; int dataArray[10]; };
#pragma pack(pop)
DECLARE(SharedData, FIELDS);
}

namespace renamed {
struct SharedData { int processId; char message[500]; bool dataReady; int count; double temperature;
  float coordinates[3]; char userName[50]; long long timestamp; int dataArray[10]; };
DECLARE(SharedData, processId, message, dataReady, count, temperature, coordinates, userName, timestamp, dataArray);
}

namespace longer {
struct SharedData { int processId; char message[500]; bool dataReady; int counter; double temperature;
  float coordinates[3]; char userName[64]; long long timestamp; int dataArray[10]; };
DECLARE(SharedData, FIELDS);
}

struct Scan { std::uint64_t stamp; bool moving; };
DECLARE(Scan, stamp, moving);
CROSSPAGE_TAIL(Scan, points);
using Scans = crosspage::with_tail<Scan, std::array<float, 3>>;
// The points of message n: more and more, from none.
static std::vector<std::array<float, 3>> points_of(int n) {
  const auto at = static_cast<float>(n);
  return std::vector<std::array<float, 3>>(static_cast<std::size_t>(n) * 7 % 1000, {at, at + 0.5f, -at});
}

template <class T>
static int mismatch(const char *page) {
  try {
    crosspage::latest::Reader<T>::open(page);
    std::cout << "no mismatch\n";
  } catch (const crosspage::error &e) {
    std::cout << e.what() << "\n";
    return e.is_layout_mismatch() ? 0 : 1;
  }
  return 0;
}

static void fill(SharedData &d, int n) {
  d.processId = d.counter = n;
  d.dataReady = n % 2;
  d.temperature = n;
  for (float &x : d.coordinates) x = static_cast<float>(n % 1000);
  std::memset(d.message, 'a' + n % 26, sizeof d.message);
  std::memset(d.userName, 'a' + n % 26, sizeof d.userName);
  d.timestamp = n;
  for (int &x : d.dataArray) x = n;
}

static bool whole(const SharedData &d) {
  SharedData expected{};
  fill(expected, d.counter);
  return std::memcmp(d.message, expected.message, sizeof d.message) == 0 &&
         std::memcmp(d.userName, expected.userName, sizeof d.userName) == 0 &&
         std::memcmp(d.coordinates, expected.coordinates, sizeof d.coordinates) == 0 &&
         std::memcmp(d.dataArray, expected.dataArray, sizeof d.dataArray) == 0 && d.processId == d.counter &&
         d.timestamp == d.counter && d.temperature == d.counter && d.dataReady == (d.counter % 2 != 0);
}

int main(int argc, char **argv) try {
  const std::string command = argc > 2 ? argv[1] : "";
  const char *page = argc > 2 ? argv[2] : "";
  if (command == "write") {
    auto writer = crosspage::latest::Writer<SharedData>::create(page);
    SharedData data{};
    for (int n = 1;; ++n) {
      fill(data, n);
      writer.write(data);
      if (n == 1) std::cout << "writing" << std::endl;
    }
  } else if (command == "check" && argc > 3) {
    auto reader = crosspage::latest::Reader<SharedData>::open_wait(page, std::chrono::seconds(10));
    std::uint64_t version = 0;
    for (int n = std::atoi(argv[3]); n > 0; --n) {
      const auto now = reader.wait_changed(version, std::chrono::seconds(10));
      if (now.version < version || !whole(now.value)) throw std::runtime_error("a torn value");
      version = now.version;
    }
    std::cout << "whole" << std::endl;
  } else if (command == "publish" && argc > 3) {
    auto publisher = crosspage::topic::Publisher<SharedData>::options()
                         .policy(crosspage::topic::Policy::block)
                         .capacity(64 * 1024)
                         .attach(page);
    publisher.wait_subscribers(1, std::chrono::seconds(10));
    SharedData data{};
    for (int n = 1; n <= std::atoi(argv[3]); ++n) {
      fill(data, n);
      publisher.publish(data);
    }
  } else if (command == "receive" && argc > 3) {
    auto subscriber = crosspage::topic::Subscriber<SharedData>::attach(page);
    std::cout << "attached" << std::endl;
    for (int n = 1; n <= std::atoi(argv[3]); ++n) {
      const auto message = subscriber.recv(std::chrono::seconds(10));
      if (message.value.counter != n || !whole(message.value)) throw std::runtime_error("a wrong message");
    }
    std::cout << "whole" << std::endl;
  } else if (command == "publish-tails" && argc > 3) {
    auto publisher = crosspage::topic::Publisher<Scans>::attach(page);
    publisher.wait_subscribers(1, std::chrono::seconds(10));
    for (int n = 0; n < std::atoi(argv[3]); ++n) {
      const auto points = points_of(n);
      publisher.publish({static_cast<std::uint64_t>(n), n % 2 == 0}, points.data(), points.size());
    }
  } else if (command == "receive-tails" && argc > 3) {
    auto subscriber = crosspage::topic::Subscriber<Scans>::attach(page);
    for (int n = 0; n < std::atoi(argv[3]); ++n) {
      const auto message = subscriber.recv(std::chrono::seconds(10));
      const auto points = points_of(n);
      if (message.header.stamp != static_cast<std::uint64_t>(n) || message.header.moving != (n % 2 == 0) ||
          !std::equal(points.begin(), points.end(), message.tail().begin(), message.tail().end()))
        throw std::runtime_error("a wrong message");
    }
    std::cout << "whole" << std::endl;
  } else if (command == "mismatch-pack1") {
    return mismatch<pack1::SharedData>(page);
  } else if (command == "mismatch-labelled") {
    return mismatch<labelled::SharedData>(page);
  } else if (command == "mismatch-renamed") {
    return mismatch<renamed::SharedData>(page);
  } else if (command == "mismatch-longer") {
    return mismatch<longer::SharedData>(page);
  } else {
    throw std::runtime_error("unknown command");
  }
  return 0;
} catch (const std::exception &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
