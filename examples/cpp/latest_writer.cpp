// Writes one struct for programs in any language: examples/python/latest_reader.py reads it, and so do
// latest_reader in C, C++ and `crosspage show telemetry`.
//
//     g++ -std=c++20 latest_writer.cpp -lcrosspage -o latest_writer

#include <crosspage.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "shared_data.h"

#ifdef _WIN32
#include <process.h>
#define getpid _getpid
static std::string user_name() {
  const char *name = std::getenv("USERNAME");
  return name ? name : "unknown";
}
#else
#include <pwd.h>
#include <unistd.h>
static std::string user_name() {
  const passwd *user = getpwuid(geteuid());
  return user ? user->pw_name : "unknown";
}
#endif

static SharedData example() {
  SharedData data{};
  data.processId = static_cast<int>(getpid());
  crosspage::assign(data.message, "Hello from C++ Process!\n"
                                  "This is inter-process communication demonstration.\n"
                                  "Data is being shared through shared memory segment.\n"
                                  "Process ID: " + std::to_string(data.processId));
  data.dataReady = true;
  data.counter = 42;
  data.temperature = 23.5;
  const float coordinates[] = {10.5f, 20.3f, 30.8f};
  for (int i = 0; i < 3; ++i) data.coordinates[i] = coordinates[i];
  crosspage::assign_truncated(data.userName, user_name());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  data.timestamp = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  for (int i = 0; i < 10; ++i) data.dataArray[i] = 10 * (i + 1);
  return data;
}

int main() try {
  auto writer = crosspage::latest::Writer<SharedData>::create("telemetry");
  std::cout << "Page \"telemetry\" created successfully\n\n";

  const SharedData data = example();
  std::cout << "=== C++ Program Output ===\n"
            << "Process ID: " << data.processId << "\n"
            << "Counter: " << data.counter << "\n"
            << "Temperature: " << data.temperature << " °C\n"
            << "Coordinates: [" << data.coordinates[0] << ", " << data.coordinates[1] << ", " << data.coordinates[2] << "]\n"
            << "Username: " << crosspage::view(data.userName) << "\n"
            << "Timestamp: " << data.timestamp << " ms\n"
            << "Data Array: [";
  for (int i = 0; i < 10; ++i) std::cout << (i ? ", " : "") << data.dataArray[i];
  std::cout << "]\n\n";

  writer.write(data);
  const std::string dashes(50, '-');
  std::cout << "Message written to shared memory:\n" << dashes << "\n" << crosspage::view(data.message) << "\n" << dashes
            << "\n\nData written to shared memory successfully!\n"
            << "Python program can now read this data.\n"
            << "Press Enter to cleanup and exit..." << std::flush;
  std::string line;
  std::getline(std::cin, line);
  std::cout << "Writer detached. The value stays; `crosspage rm telemetry` removes it.\n";
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
