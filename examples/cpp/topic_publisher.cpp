// Publishes readings of a sensor: every subscriber, in any language, gets every one of them.
//
//     g++ -std=c++20 topic_publisher.cpp -lcrosspage -o topic_publisher
//     ./topic_publisher [TOPIC] [COUNT]

#include <crosspage.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "reading.h"

int main(int argc, char **argv) try {
  const char *topic = argc > 1 ? argv[1] : "readings";
  const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 50;
  auto publisher = crosspage::topic::Publisher<Reading>::attach(topic);
  publisher.wait_subscribers(1);
  for (std::uint64_t i = 1; i <= count; ++i) {
    publisher.publish({i, 23.5, "kitchen"});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::cout << "published " << count << "\n";  // what it has published stays for who is attached
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
