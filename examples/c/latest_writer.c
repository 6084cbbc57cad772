/* Writes a struct for programs in any language, and counts on with each Enter.
 *
 *     gcc latest_writer.c -lcrosspage -o latest_writer
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared_data.h"

static int failed(const crosspage_error *error) {
  fprintf(stderr, "error: %s\n", error->message);
  if (error->hint[0]) fprintf(stderr, "hint: %s\n", error->hint);
  return 1;
}

int main(void) {
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_latest_writer *writer;
  if (crosspage_latest_writer_create("telemetry", &shared_data, NULL, &writer, &error)) return failed(&error);

  SharedData data = {.dataReady = true, .counter = 42, .temperature = 23.5, .userName = "C"};
  strcpy(data.message, "Hello from C!");
  do {
    data.timestamp = (long long)time(NULL) * 1000;
    if (crosspage_latest_writer_write(writer, &data, sizeof data, NULL, &error)) break;
    printf("counter %d written. Press Enter to count on, Ctrl-D to end: the value stays for whoever reads later.\n",
           data.counter++);
    fflush(stdout);
  } while (getchar() != EOF);
  crosspage_latest_writer_free(writer);
  return error.code ? failed(&error) : 0;
}
