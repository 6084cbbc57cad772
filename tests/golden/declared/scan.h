#pragma once
#include <crosspage.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Scan {
  uint64_t stamp;
  char frame[4];
  float points[][3];
} Scan;
static const crosspage_field Scan_fields[] = {
    CROSSPAGE_FIELD_DOC(Scan, stamp, "ns", NULL),
    CROSSPAGE_FIELD(Scan, frame),
    {"points", offsetof(Scan, points), sizeof(((Scan *)0)->points[0]), CROSSPAGE_TYPE_F32, 2, {0, 3}, NULL, NULL, "m", "in the frame"},
};
static const crosspage_struct Scan_layout = CROSSPAGE_LAYOUT(Scan, Scan_fields);
