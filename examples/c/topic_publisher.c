/* Publishes readings of a sensor: every subscriber, in any language, gets every one of them.
 *
 *     gcc topic_publisher.c -lcrosspage -o topic_publisher
 *     ./topic_publisher [TOPIC] [COUNT]
 */
#define _POSIX_C_SOURCE 199309L /* nanosleep */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reading.h"

#ifdef _WIN32
#include <windows.h>
static void wait_ms(unsigned ms) { Sleep(ms); }
#else
#include <time.h>
static void wait_ms(unsigned ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL); }
#endif

static int failed(const crosspage_error *error) {
  fprintf(stderr, "error: %s\n", error->message);
  if (error->hint[0]) fprintf(stderr, "hint: %s\n", error->hint);
  return 1;
}

int main(int argc, char **argv) {
  const char *topic = argc > 1 ? argv[1] : "readings";
  const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 50;
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_topic_publisher *publisher;
  if (crosspage_topic_publisher_attach(topic, CROSSPAGE_MESSAGE_STRUCT, &Reading_layout, NULL, &publisher, &error))
    return failed(&error);
  if (crosspage_topic_publisher_wait_subscribers(publisher, 1, CROSSPAGE_FOREVER, NULL, &error)) return failed(&error);

  Reading reading = {.temperature = 23.5, .sensor = "kitchen"};
  for (reading.counter = 1; reading.counter <= count; reading.counter++) {
    if (crosspage_topic_publisher_publish(publisher, &reading, sizeof reading, NULL, &error)) return failed(&error);
    wait_ms(100);
  }
  crosspage_topic_publisher_free(publisher); /* what it has published stays for who is attached */
  printf("published %" PRIu64 "\n", count);
  return 0;
}
