#pragma once
#include <crosspage.hpp>
#include <cstdint>

enum class Mode : std::uint8_t {
  Idle = 0,
  Driving = 2,
};
CROSSPAGE_ENUM(Mode, Idle, Driving);

struct Joint {
  float angle;
  double torque;
};
CROSSPAGE_STRUCT(Joint, angle, torque);
CROSSPAGE_UNITS(Joint, (angle, "rad"));

#pragma pack(push, 1)
struct Tool {
  std::uint8_t id;
  double weight;
};
#pragma pack(pop)
CROSSPAGE_STRUCT(Tool, id, weight);

struct Robot {
  std::int32_t processId;
  double temperature;
  bool ready;
  std::uint64_t big;
  char label[8];
  char names[3][4];
  float position[3];
  std::int16_t grid[2][3];
  std::uint8_t cube[2][3][4];
  Mode mode;
  Mode modes[2];
  std::uint16_t class_;
  Joint arm[2];
  Tool tool;
};
CROSSPAGE_STRUCT(Robot, processId, temperature, ready, big, label, names, position, grid, cube, mode, modes, class_, arm, tool);
CROSSPAGE_UNITS(Robot, (processId, nullptr, "says \"who\""), (temperature, "°C"), (label, "x"), (position, "m", "of the base"), (modes, nullptr, "of both"), (tool, nullptr, "in hand"));
