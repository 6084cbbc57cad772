// Shows every message of the topic `events`, whoever publishes it, in whatever language. Start it before or after
// the publisher.
//
//     g++ -std=c++20 topic_subscriber.cpp -lcrosspage -o topic_subscriber

#include <crosspage.hpp>

#include <iostream>

#include "shared_data.h"

int main() try {
  auto subscriber = crosspage::topic::Subscriber<SharedData>::attach("events");
  std::cout << "Waiting for messages..." << std::endl;
  std::uint64_t lost = 0;
  for (const auto &message : subscriber) {
    std::cout << "message " << message.sequence << " from process " << message.publisher << ": counter "
              << message.value.counter << ", " << message.value.temperature << " °C, from "
              << crosspage::to_string_lossy(message.value.userName) << std::endl;
    if (subscriber.lost() != lost) {
      lost = subscriber.lost();
      std::cout << lost << " messages were overwritten before this program took them" << std::endl;
    }
  }
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
