#pragma once
#include <crosspage.hpp>
#include <array>
#include <cstdint>

struct Scan {
  std::uint64_t stamp;
  char frame[4];
};
CROSSPAGE_STRUCT(Scan, stamp, frame);
CROSSPAGE_UNITS(Scan, (stamp, "ns"));
CROSSPAGE_TAIL(Scan, points);
// With the tail `points` (`f32[][3]`, in m, in the frame)
using ScanWithTail = crosspage::with_tail<Scan, std::array<float, 3>>;
