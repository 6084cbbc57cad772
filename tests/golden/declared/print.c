/* Prints the canonical layouts of robot.h, scan.h and cloud.h as hex, a line each. */
#include "cloud.h"
#include "robot.h"
#include "scan.h"

#include <stdio.h>

static int print(const crosspage_struct *table) {
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_layout *layout = NULL;
  if (crosspage_layout_from_struct(table, &layout, &error) != 0) {
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

int main(void) { return print(&Robot_layout) || print(&Scan_layout) || print(&Cloud_layout); }
