#pragma once
#include <crosspage.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t Mode;
#define Mode_Idle ((Mode)0)
#define Mode_Driving ((Mode)2)
static const crosspage_enumerator Mode_values[] = {
    {"Idle", (int64_t)Mode_Idle},
    {"Driving", (int64_t)Mode_Driving},
};
static const crosspage_enum Mode_enum = CROSSPAGE_ENUM(Mode, Mode_values);

typedef struct Joint {
  float angle;
  double torque;
} Joint;
static const crosspage_field Joint_fields[] = {
    CROSSPAGE_FIELD_DOC(Joint, angle, "rad", NULL),
    CROSSPAGE_FIELD(Joint, torque),
};
static const crosspage_struct Joint_layout = CROSSPAGE_LAYOUT(Joint, Joint_fields);

#pragma pack(push, 1)
typedef struct Tool {
  uint8_t id;
  double weight;
} Tool;
#pragma pack(pop)
static const crosspage_field Tool_fields[] = {
    CROSSPAGE_FIELD(Tool, id),
    CROSSPAGE_FIELD(Tool, weight),
};
static const crosspage_struct Tool_layout = CROSSPAGE_LAYOUT(Tool, Tool_fields);

typedef struct Robot {
  int32_t processId;
  double temperature;
  bool ready;
  uint64_t big;
  char label[8];
  char names[3][4];
  float position[3];
  int16_t grid[2][3];
  uint8_t cube[2][3][4];
  Mode mode;
  Mode modes[2];
  uint16_t class_;
  Joint arm[2];
  Tool tool;
} Robot;
static const crosspage_field Robot_fields[] = {
    CROSSPAGE_FIELD_DOC(Robot, processId, NULL, "says \"who\""),
    CROSSPAGE_FIELD_DOC(Robot, temperature, "°C", NULL),
    CROSSPAGE_FIELD(Robot, ready),
    CROSSPAGE_FIELD(Robot, big),
    CROSSPAGE_FIELD_DOC(Robot, label, "x", NULL),
    CROSSPAGE_FIELD_TEXTS(Robot, names),
    CROSSPAGE_FIELD_DOC(Robot, position, "m", "of the base"),
    CROSSPAGE_FIELD_2D(Robot, grid),
    {"cube", offsetof(Robot, cube), sizeof(((Robot *)0)->cube), CROSSPAGE_TYPE_U8, 3, {2, 3, 4}, NULL, NULL, NULL, NULL},
    CROSSPAGE_FIELD_ENUM(Robot, mode, Mode_enum),
    CROSSPAGE_FIELD_ENUMS_DOC(Robot, modes, Mode_enum, NULL, "of both"),
    CROSSPAGE_FIELD(Robot, class_),
    CROSSPAGE_FIELD_STRUCTS(Robot, arm, Joint_layout),
    CROSSPAGE_FIELD_STRUCT_DOC(Robot, tool, Tool_layout, NULL, "in hand"),
};
static const crosspage_struct Robot_layout = CROSSPAGE_LAYOUT(Robot, Robot_fields);
