// Prints the canonical layouts of robot.hpp, scan.hpp and cloud.hpp as hex, a line each.
#include "cloud.hpp"
#include "robot.hpp"
#include "scan.hpp"

#include <cstdio>

template <class T>
void print() {
  for (const auto byte : crosspage::canonical<T>()) std::printf("%02x", static_cast<unsigned>(byte) & 0xff);
  std::puts("");
}

int main() {
  print<Robot>();
  print<ScanWithTail>();
  print<CloudWithTail>();
}
