/* Writes the struct into a plain segment, for programs that know nothing of crosspage. The field dataReady
 * says when the rest is there.
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
  if (crosspage_foreign_create(SEGMENT, &shared_data, 1024, NULL, &view, &error) == 0 &&
      crosspage_foreign_write_with_ready(view, "dataReady", &data, sizeof data, &error) == 0) {
    printf("counter 42 and 23.5 °C are in %s (%zu bytes)\n", SEGMENT, crosspage_foreign_size(view));
    puts("Press Enter to remove it and exit...");
    fflush(stdout);
    getchar();
  }
  crosspage_foreign_free(view);
#ifndef _WIN32 /* there it is gone with the last program that has it open */
  if (error.code == 0) crosspage_remove(SEGMENT, false, &error);
#endif
  if (error.code) fprintf(stderr, "error: %s\n", error.message);
  return error.code != 0;
}
