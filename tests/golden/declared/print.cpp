// Prints the canonical layout of robot.hpp as hex.
#include "robot.hpp"

#include <cstdio>

int main() {
  for (const auto byte : crosspage::canonical<Robot>()) std::printf("%02x", static_cast<unsigned>(byte) & 0xff);
  std::puts("");
}
