/* Reads a segment that some program filled which may know nothing of crosspage, and waits for it.
 *
 *     gcc foreign_reader.c -lcrosspage -o foreign_reader
 */
#include <stdio.h>

#include "shared_data.h"

#define SECONDS INT64_C(1000000000)

int main(void) {
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_foreign_options options = CROSSPAGE_FOREIGN_OPTIONS_INIT;
  options.timeout_ns = 10 * SECONDS;
  crosspage_foreign_view *view = NULL;
  SharedData data;
  if (crosspage_foreign_open(SEGMENT, &shared_data, &options, &view, &error) == 0 &&
      crosspage_foreign_read_ready(view, "dataReady", 10 * SECONDS, &data, sizeof data, &error) == 0) {
    printf("counter %d, %g °C: %.*s\n", data.counter, data.temperature, (int)sizeof data.message, data.message);
  } else {
    fprintf(stderr, "error: %s\n", error.message);
  }
  crosspage_foreign_free(view);
  return error.code != 0;
}
