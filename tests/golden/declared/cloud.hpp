#pragma once
#include <crosspage.hpp>
#include <array>
#include <cstdint>

enum class Kind : std::uint8_t {
  Inner = 0,
  Outer = 1,
};
CROSSPAGE_ENUM(Kind, Inner, Outer);

struct Corner {
  double at[2];
  Kind kind;
  char label[3];
};
CROSSPAGE_STRUCT(Corner, at, kind, label);

struct Cloud {
  std::uint8_t count;
};
CROSSPAGE_STRUCT(Cloud, count);
CROSSPAGE_TAIL(Cloud, class_);
// With the tail `class` (`Corner[]`)
using CloudWithTail = crosspage::with_tail<Cloud, Corner>;
