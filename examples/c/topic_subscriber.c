/* Shows the readings that are published, by whatever program, in whatever language. Start it before or after the
 * publisher.
 *
 *     gcc topic_subscriber.c -lcrosspage -o topic_subscriber
 *     ./topic_subscriber [TOPIC] [COUNT]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reading.h"

#define SECOND INT64_C(1000000000)

static int failed(const crosspage_error *error) {
  fprintf(stderr, "error: %s\n", error->message);
  if (error->hint[0]) fprintf(stderr, "hint: %s\n", error->hint);
  return 1;
}

int main(int argc, char **argv) {
  const char *topic = argc > 1 ? argv[1] : "readings";
  const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 50;
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_topic_subscriber *subscriber;
  if (crosspage_topic_subscriber_attach(topic, CROSSPAGE_MESSAGE_STRUCT, &Reading_layout, NULL, &subscriber, &error))
    return failed(&error);
  printf("waiting for a publisher of %s\n", topic);
  fflush(stdout);

  for (uint64_t received = 0; received < count;) {
    Reading reading;
    int code = crosspage_topic_subscriber_recv_into(subscriber, SECOND, &reading, sizeof reading, NULL, &error);
    if (code == CROSSPAGE_ERR_TIMED_OUT) {
      if (received > 0 && crosspage_topic_subscriber_publishers(subscriber) == 0) break; /* it has ended */
      continue;
    }
    if (code) return failed(&error);
    printf("%" PRIu64 " %.*s %g °C\n", reading.counter, (int)sizeof reading.sensor, reading.sensor,
           reading.temperature);
    fflush(stdout);
    received++;
  }
  printf("lost %" PRIu64 "\n", crosspage_topic_subscriber_lost(subscriber));
  crosspage_topic_subscriber_free(subscriber);
  return 0;
}
