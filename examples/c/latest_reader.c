/* Shows every value of the page `telemetry`, whoever writes it, in whatever language. Start it before or
 * after the writer.
 *
 *     gcc latest_reader.c -lcrosspage -o latest_reader
 */
#include <inttypes.h>
#include <stdio.h>

#include "shared_data.h"

static int failed(const crosspage_error *error) {
  fprintf(stderr, "error: %s\n", error->message);
  if (error->hint[0]) fprintf(stderr, "hint: %s\n", error->hint);
  return 1;
}

int main(void) {
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_latest_options options = CROSSPAGE_LATEST_OPTIONS_INIT;
  options.timeout_ns = CROSSPAGE_FOREVER;
  crosspage_latest_reader *reader;
  if (crosspage_latest_reader_open("telemetry", &shared_data, &options, &reader, &error)) return failed(&error);

  SharedData data;
  crosspage_meta meta = {0};
  while (crosspage_latest_reader_wait_changed(reader, meta.version, CROSSPAGE_FOREVER, &data, sizeof data, &meta,
                                              &error) == 0) {
    printf("%" PRIu64 ": from process %" PRIu32 ": counter %d, %g °C, from %.*s\n", meta.version, meta.writer_pid,
           data.counter, data.temperature, (int)sizeof data.userName, data.userName);
    fflush(stdout);
  }
  crosspage_latest_reader_free(reader);
  return failed(&error);
}
