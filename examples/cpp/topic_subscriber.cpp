// Shows the readings that are published, by whatever program, in whatever language. Start it before or after the
// publisher.
//
//     g++ -std=c++20 topic_subscriber.cpp -lcrosspage -o topic_subscriber
//     ./topic_subscriber [TOPIC] [COUNT]

#include <crosspage.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "reading.h"

int main(int argc, char **argv) try {
  const char *topic = argc > 1 ? argv[1] : "readings";
  const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 50;
  auto subscriber = crosspage::topic::Subscriber<Reading>::attach(topic);
  std::cout << "waiting for a publisher of " << topic << std::endl;
  for (std::uint64_t received = 0; received < count;) {
    crosspage::error error;  // to tell a time-out from what is worse; `for (auto &message : subscriber)` waits for ever
    const auto message = subscriber.recv(std::chrono::seconds(1), error);
    if (message) {
      std::cout << message->value.counter << " " << crosspage::to_string_lossy(message->value.sensor) << " "
                << message->value.temperature << " °C" << std::endl;
      ++received;
    } else if (!error.is_timed_out()) {
      throw error;
    } else if (received > 0 && subscriber.publishers() == 0) {
      break;  // there was a publisher, and it has ended
    }
  }
  std::cout << "lost " << subscriber.lost() << "\n";
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
