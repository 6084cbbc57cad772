/* CHECK(condition), and what a failure prints: the last error, too. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../examples/c/shared_data.h"

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
      fprintf(stderr, "last error: %d %s\n", (int)error.code, error.message);     \
      exit(1);                                                                    \
    }                                                                             \
  } while (0)

static crosspage_error error = CROSSPAGE_ERROR_INIT;

#endif
