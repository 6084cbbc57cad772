// Shows every value of the page `telemetry`, whoever writes it, in whatever language. Start it before or
// after the writer.
//
//     g++ -std=c++20 latest_reader.cpp -lcrosspage -o latest_reader

#include <crosspage.hpp>

#include <iostream>

#include "shared_data.h"

int main() try {
  auto reader = crosspage::latest::Reader<SharedData>::open_wait("telemetry", std::nullopt);
  for (std::uint64_t version = 0;;) {
    const auto now = reader.wait_changed(version);
    version = now.version;
    std::cout << version << ": from process " << now.writer << ": counter " << now.value.counter << ", "
              << now.value.temperature << " °C, from " << crosspage::to_string_lossy(now.value.userName) << "\n"
              << crosspage::to_string_lossy(now.value.message) << std::endl;
  }
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
