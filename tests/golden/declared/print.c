/* Prints the canonical layout of robot.h as hex. */
#include "robot.h"

#include <stdio.h>

int main(void) {
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_layout *layout = NULL;
  if (crosspage_layout_from_struct(&Robot_layout, &layout, &error) != 0) {
    fprintf(stderr, "error: %s\n", error.message);
    return 1;
  }
  unsigned char canonical[4096];
  size_t size = crosspage_layout_canonical(layout, canonical, sizeof canonical);
  for (size_t i = 0; i < size && i < sizeof canonical; ++i) printf("%02x", canonical[i]);
  puts("");
  crosspage_layout_free(layout);
  return 0;
}
