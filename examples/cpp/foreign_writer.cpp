// Writes the struct into a plain segment, for programs that know nothing of crosspage: Python's mmap and
// struct.unpack, a C program with shm_open or OpenFileMapping. The field dataReady says when the rest is there.
//
//     g++ -std=c++20 foreign_writer.cpp -lcrosspage -o foreign_writer

#include <crosspage.hpp>

#include <iostream>

#include "shared_data.h"

static void write_and_wait() {
  auto view = crosspage::foreign::View<SharedData>::create(segment, 1024);
  SharedData data{};
  crosspage::assign(data.message, "Hello from C++ Process!");
  data.counter = 42;
  data.temperature = 23.5;
  view.write_with_ready(data, "dataReady");
  std::cout << "counter 42 and 23.5 °C are in " << segment << " (" << view.size() << " bytes)\n"
            << "Press Enter to remove it and exit..." << std::endl;
  std::cin.get();
}

int main() try {
  write_and_wait();
#ifndef _WIN32  // there it is gone with the last program that has it open
  crosspage::remove(segment);
#endif
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
