// Writes the struct into a plain POSIX segment, for programs that know nothing of crosspage: Python's mmap
// and struct.unpack, a C program with shm_open. The field dataReady says when the rest is there.
//
//     g++ -std=c++20 foreign_writer.cpp -lcrosspage -o foreign_writer

#include <crosspage.hpp>

#include <iostream>

#include "shared_data.h"

int main() try {
  auto view = crosspage::foreign::View<SharedData>::create("posix:/IPCSharedMemory", 1024);
  SharedData data{};
  crosspage::assign(data.message, "Hello from C++ Process!");
  data.counter = 42;
  data.temperature = 23.5;
  view.write_with_ready(data, "dataReady");
  std::cout << "counter 42 and 23.5 °C are in posix:/IPCSharedMemory (" << view.size() << " bytes)\n"
            << "`crosspage rm posix:/IPCSharedMemory` removes it\n";
  return 0;
} catch (const crosspage::error &e) {
  std::cerr << "error: " << e.what() << "\n";
  return 1;
}
