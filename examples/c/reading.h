#ifndef READING_H
#define READING_H

#include <crosspage.h>

/* What a sensor says now and then. */
typedef struct Reading {
  uint64_t counter;
  double temperature;
  char sensor[16];
} Reading;

static const crosspage_field Reading_fields[] = {
    CROSSPAGE_FIELD(Reading, counter),
    CROSSPAGE_FIELD_UNIT(Reading, temperature, "°C"),
    CROSSPAGE_FIELD(Reading, sensor),
};
static const crosspage_struct Reading_layout = CROSSPAGE_LAYOUT(Reading, Reading_fields);

#endif
