// Reads a segment that some program filled which may know nothing of crosspage, and waits for it.
//
//     g++ -std=c++20 foreign_reader.cpp -lcrosspage -o foreign_reader

#include <crosspage.hpp>

#include <iostream>

#include "shared_data.h"

int main() try {
  using namespace std::chrono_literals;
  auto view = crosspage::foreign::View<SharedData>::open_wait(segment, 10s);
  const SharedData data = view.read_ready("dataReady", 10s);
  std::cout << "counter " << data.counter << ", " << data.temperature << " °C: "
            << crosspage::to_string_lossy(data.message) << "\n";
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
