/* Writes the struct into a plain POSIX segment, for programs that know nothing of crosspage. The field
 * dataReady says when the rest is there.
 *
 *     gcc foreign_writer.c -lcrosspage -o foreign_writer
 */
#include <stdio.h>
#include <string.h>

#include "shared_data.h"

int main(void) {
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_foreign_view *view = NULL;
  SharedData data = {.counter = 42, .temperature = 23.5};
  strcpy(data.message, "Hello from C!");
  if (crosspage_foreign_create("posix:/IPCSharedMemory", &shared_data, 1024, NULL, &view, &error) == 0 &&
      crosspage_foreign_write_with_ready(view, "dataReady", &data, sizeof data, &error) == 0) {
    printf("counter 42 and 23.5 °C are in posix:/IPCSharedMemory (%zu bytes)\n", crosspage_foreign_size(view));
    puts("`crosspage rm posix:/IPCSharedMemory` removes it");
  } else {
    fprintf(stderr, "error: %s\n", error.message);
  }
  crosspage_foreign_free(view);
  return error.code != 0;
}
