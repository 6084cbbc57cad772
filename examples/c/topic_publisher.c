/* Publishes messages for programs in any language: every subscriber gets every message.
 *
 *     gcc topic_publisher.c -lcrosspage -o topic_publisher
 */
#include <inttypes.h>
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
  crosspage_topic_publisher *publisher;
  if (crosspage_topic_publisher_attach("events", CROSSPAGE_MESSAGE_STRUCT, &shared_data, NULL, &publisher, &error))
    return failed(&error);
  puts("Waiting for a subscriber...");
  fflush(stdout);
  if (crosspage_topic_publisher_wait_subscribers(publisher, 1, CROSSPAGE_FOREVER, NULL, &error)) return failed(&error);

  SharedData data = {.dataReady = true, .counter = 42, .temperature = 23.5, .userName = "C"};
  strcpy(data.message, "Hello from C!");
  do {
    uint64_t sequence;
    data.timestamp = (long long)time(NULL) * 1000;
    if (crosspage_topic_publisher_publish(publisher, &data, sizeof data, &sequence, &error)) break;
    printf("message %" PRIu64 " published: counter %d. Press Enter for the next, Ctrl-D to end.\n", sequence,
           data.counter++);
    fflush(stdout);
  } while (getchar() != EOF);
  crosspage_topic_publisher_free(publisher);
  return error.code ? failed(&error) : 0;
}
