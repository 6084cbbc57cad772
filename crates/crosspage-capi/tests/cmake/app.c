#include <crosspage.h>
#include <stdio.h>

int main(void) {
  puts(crosspage_version());
  return 0;
}
