// Publishes messages for programs in any language: every subscriber gets every message.
//
//     g++ -std=c++20 topic_publisher.cpp -lcrosspage -o topic_publisher

#include <crosspage.hpp>

#include <chrono>
#include <iostream>
#include <string>

#include "shared_data.h"

int main() try {
  auto publisher = crosspage::topic::Publisher<SharedData>::attach("events");
  std::cout << "Waiting for a subscriber..." << std::endl;
  publisher.wait_subscribers(1);

  SharedData data{};
  data.dataReady = true;
  data.counter = 42;
  data.temperature = 23.5;
  crosspage::assign(data.message, "Hello from C++!");
  crosspage::assign(data.userName, "C++");
  std::string line;
  do {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    data.timestamp = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    std::cout << "message " << publisher.publish(data) << " published: counter " << data.counter++
              << ". Press Enter for the next, Ctrl-D to end." << std::endl;
  } while (std::getline(std::cin, line));
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
