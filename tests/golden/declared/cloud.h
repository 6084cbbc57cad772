#pragma once
#include <crosspage.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t Kind;
#define Kind_Inner ((Kind)0)
#define Kind_Outer ((Kind)1)
static const crosspage_enumerator Kind_values[] = {
    {"Inner", (int64_t)Kind_Inner},
    {"Outer", (int64_t)Kind_Outer},
};
static const crosspage_enum Kind_enum = CROSSPAGE_ENUM(Kind, Kind_values);

typedef struct Corner {
  double at[2];
  Kind kind;
  char label[3];
} Corner;
static const crosspage_field Corner_fields[] = {
    CROSSPAGE_FIELD(Corner, at),
    CROSSPAGE_FIELD_ENUM(Corner, kind, Kind_enum),
    CROSSPAGE_FIELD(Corner, label),
};
static const crosspage_struct Corner_layout = CROSSPAGE_LAYOUT(Corner, Corner_fields);

typedef struct Cloud {
  uint8_t count;
  Corner class_[];
} Cloud;
static const crosspage_field Cloud_fields[] = {
    CROSSPAGE_FIELD(Cloud, count),
    {"class", offsetof(Cloud, class_), sizeof(((Cloud *)0)->class_[0]), CROSSPAGE_TYPE_STRUCT, 1, {0}, &Corner_layout, NULL, NULL, NULL},
};
static const crosspage_struct Cloud_layout = CROSSPAGE_LAYOUT(Cloud, Cloud_fields);
