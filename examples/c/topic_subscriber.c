/* Shows every message of the topic `events`, whoever publishes it, in whatever language. Start it before or after
 * the publisher.
 *
 *     gcc topic_subscriber.c -lcrosspage -o topic_subscriber
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
  crosspage_topic_subscriber *subscriber;
  if (crosspage_topic_subscriber_attach("events", CROSSPAGE_MESSAGE_STRUCT, &shared_data, NULL, &subscriber, &error))
    return failed(&error);
  puts("Waiting for messages...");
  fflush(stdout);

  SharedData data;
  crosspage_topic_meta meta;
  uint64_t lost = 0;
  while (crosspage_topic_subscriber_recv_into(subscriber, CROSSPAGE_FOREVER, &data, sizeof data, &meta, &error) == 0) {
    printf("message %" PRIu64 " from process %" PRIu32 ": counter %d, %g °C, from %.*s\n", meta.sequence,
           meta.publisher_pid, data.counter, data.temperature, (int)sizeof data.userName, data.userName);
    if (crosspage_topic_subscriber_lost(subscriber) != lost) {
      lost = crosspage_topic_subscriber_lost(subscriber);
      printf("%" PRIu64 " messages were overwritten before this program took them\n", lost);
    }
    fflush(stdout);
  }
  crosspage_topic_subscriber_free(subscriber);
  return failed(&error);
}
