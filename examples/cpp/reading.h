#ifndef READING_H
#define READING_H

#include <crosspage.hpp>

#include <cstdint>

// What a sensor says now and then.
struct Reading {
  std::uint64_t counter;
  double temperature;
  char sensor[16];
};
CROSSPAGE_UNITS(Reading, (temperature, "°C"));

#endif
