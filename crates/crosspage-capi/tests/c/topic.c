/* The C ABI from C: topic. */
#include "check.h"

/* The ABI: these sizes are frozen (64 bits). */
_Static_assert(sizeof(crosspage_topic_options) == 72, "crosspage_topic_options");
_Static_assert(sizeof(crosspage_topic_meta) == 24, "crosspage_topic_meta");
_Static_assert(sizeof(crosspage_array) == 32 || sizeof(void *) != 8, "crosspage_array");
_Static_assert(sizeof(crosspage_topic_loan) == 112 || sizeof(void *) != 8, "crosspage_topic_loan");
_Static_assert(sizeof(crosspage_topic_message) == 272 || sizeof(void *) != 8, "crosspage_topic_message");

#define SECOND INT64_C(1000000000)

typedef struct Count {
  uint64_t n;
  double half;
  bool even;
} Count;
CROSSPAGE_STRUCT(Count, n, half, even);

static Count count(uint64_t n) { return (Count){.n = n, .half = (double)n / 2, .even = n % 2 == 0}; }

static crosspage_topic_publisher *publisher(const char *name, uint32_t kind, const crosspage_topic_options *options) {
  crosspage_topic_publisher *out = NULL;
  const crosspage_struct *layout = kind == CROSSPAGE_MESSAGE_STRUCT ? &Count_layout : NULL;
  CHECK(crosspage_topic_publisher_attach(name, kind, layout, options, &out, &error) == 0);
  return out;
}

static crosspage_topic_subscriber *subscriber(const char *name, uint32_t kind, const crosspage_topic_options *options) {
  crosspage_topic_subscriber *out = NULL;
  const crosspage_struct *layout = kind == CROSSPAGE_MESSAGE_STRUCT ? &Count_layout : NULL;
  CHECK(crosspage_topic_subscriber_attach(name, kind, layout, options, &out, &error) == 0);
  return out;
}

static void structs(void) {
  crosspage_topic_options options = {.struct_size = sizeof options, .send_time = CROSSPAGE_YES, .max_held = 3};
  crosspage_topic_subscriber *any = subscriber("structs", CROSSPAGE_MESSAGE_ANY, NULL); /* comes first */
  uint32_t kind = 99;
  CHECK(crosspage_topic_subscriber_kind(any, &kind, &error) == 0 && kind == CROSSPAGE_MESSAGE_ANY);
  crosspage_layout *layout;
  CHECK(crosspage_topic_subscriber_layout(any, &layout, &error) == CROSSPAGE_ERR_NO_VALUE);
  Count value = count(7);
  CHECK(crosspage_topic_subscriber_try_recv_into(any, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_INVALID);
  crosspage_topic_publisher *p = publisher("structs", CROSSPAGE_MESSAGE_STRUCT, &options);
  crosspage_topic_subscriber *s = subscriber("structs", CROSSPAGE_MESSAGE_STRUCT, NULL);
  size_t found = 0;
  CHECK(crosspage_topic_publisher_wait_subscribers(p, 2, SECOND, &found, &error) == 0 && found == 2);
  CHECK(crosspage_topic_publisher_subscribers(p) == 2 && crosspage_topic_subscriber_publishers(s) == 1);
  CHECK(crosspage_topic_subscriber_wait_publishers(any, 1, 0, NULL, &error) == 0);
  CHECK(crosspage_topic_publisher_wait_subscribers(p, 3, 1000000, NULL, &error) == CROSSPAGE_ERR_TIMED_OUT);

  crosspage_topic_event event;
  CHECK(crosspage_topic_publisher_wait_event(p, SECOND, &event, &error) == 0);
  CHECK(event.kind == CROSSPAGE_TOPIC_MATCHED && event.pid != 0 && strcmp(event.language, "C") == 0);
  CHECK(crosspage_topic_publisher_wait_event(p, 0, &event, &error) == 0);
  CHECK(crosspage_topic_publisher_wait_event(p, 0, &event, &error) == CROSSPAGE_ERR_TIMED_OUT);
  CHECK(crosspage_topic_subscriber_wait_event(s, 0, &event, &error) == 0 && event.kind == CROSSPAGE_TOPIC_MATCHED);
  CHECK(crosspage_topic_subscriber_wait_event(s, 0, &event, &error) == CROSSPAGE_ERR_TIMED_OUT);

  crosspage_topic_meta meta;
  uint64_t sequence = 0;
  CHECK(crosspage_topic_subscriber_try_recv_into(s, &value, sizeof value, &meta, &error) == CROSSPAGE_ERR_NO_VALUE);
  CHECK(value.n == 7 && strstr(error.message, "no message") != NULL);
  CHECK(crosspage_topic_subscriber_recv_into(s, 1000000, &value, sizeof value, &meta, &error) ==
        CROSSPAGE_ERR_TIMED_OUT);
  CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, &sequence, &error) == 0 && sequence == 1);
  value = count(8);
  CHECK(crosspage_topic_publisher_try_publish(p, &value, sizeof value, &sequence, &error) == 0 && sequence == 2);
  CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, NULL) == 0);
  CHECK(crosspage_topic_subscriber_try_recv_into(s, &value, sizeof value, &meta, &error) == 0);
  CHECK(value.n == 7 && value.half == 3.5 && !value.even && meta.sequence == 1 && meta.sent_at_ns != 0);
  CHECK(meta.publisher_pid != 0 && meta.held == 0);
  CHECK(crosspage_topic_subscriber_recv_into(s, CROSSPAGE_FOREVER, &value, sizeof value, NULL, &error) == 0);
  CHECK(value.n == 8 && value.even);

  /* Many at once. */
  Count many[10], back[20];
  crosspage_topic_meta metas[20];
  for (uint64_t i = 0; i < 10; i++) many[i] = count(100 + i);
  size_t n = 0;
  CHECK(crosspage_topic_publisher_publish_many(p, many, sizeof many[0], 10, &n, &error) == 0 && n == 10);
  CHECK(crosspage_topic_publisher_publish_many(p, NULL, sizeof many[0], 0, &n, &error) == 0 && n == 0);
  CHECK(crosspage_topic_subscriber_recv_many_into(s, 0, back, sizeof back[0], 4, metas, &n, &error) == 0 && n == 4);
  CHECK(back[0].n == 8 && back[1].n == 100 && metas[0].sequence == 3 && metas[3].sequence == 6);
  CHECK(crosspage_topic_subscriber_recv_many_into(s, SECOND, back, sizeof back[0], 20, NULL, &n, &error) == 0);
  CHECK(n == 7 && back[0].n == 103 && back[6].n == 109);
  CHECK(crosspage_topic_subscriber_recv_many_into(s, 1000, back, sizeof back[0], 20, NULL, &n, &error) ==
        CROSSPAGE_ERR_TIMED_OUT);
  CHECK(crosspage_topic_subscriber_lost(s) == 0);

  /* Whoever declared nothing gets the same, with its layout. */
  crosspage_topic_message message;
  for (sequence = 1; sequence <= 13; sequence++) {
    CHECK(crosspage_topic_subscriber_recv(any, SECOND, &message, &error) == 0);
    CHECK(message.kind == CROSSPAGE_MESSAGE_STRUCT && message.size == sizeof(Count));
    CHECK(message.meta.sequence == sequence && ((uintptr_t)message.data & 7) == 0);
    if (sequence == 1) CHECK(((const Count *)message.data)->n == 7);
    crosspage_topic_release(&message);
    CHECK(message.data == NULL);
    crosspage_topic_release(&message);
  }
  CHECK(crosspage_topic_subscriber_try_recv(any, &message, &error) == CROSSPAGE_ERR_NO_VALUE);
  CHECK(crosspage_topic_subscriber_kind(any, &kind, &error) == 0 && kind == CROSSPAGE_MESSAGE_STRUCT);
  CHECK(crosspage_topic_subscriber_layout(any, &layout, &error) == 0);
  CHECK(crosspage_layout_struct(layout)->count == 3 && strcmp(crosspage_layout_struct(layout)->name, "Count") == 0);
  crosspage_layout_free(layout);
  CHECK(crosspage_topic_subscriber_try_recv_into(any, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_NO_VALUE);

  crosspage_topic_subscriber_free(any);
  crosspage_topic_subscriber_free(s);
  crosspage_topic_publisher_free(p);
}

static void byte_messages(void) {
  crosspage_topic_publisher *p = publisher("bytes", CROSSPAGE_MESSAGE_BYTES, NULL);
  crosspage_topic_subscriber *s = subscriber("bytes", CROSSPAGE_MESSAGE_BYTES, NULL);
  crosspage_topic_message message, empty;
  static char large[300000];
  memset(large, 'x', sizeof large);
  CHECK(crosspage_topic_publisher_publish(p, "hello", 5, NULL, &error) == 0);
  CHECK(crosspage_topic_publisher_publish(p, NULL, 0, NULL, &error) == 0);
  CHECK(crosspage_topic_publisher_publish(p, large, sizeof large, NULL, &error) == 0);
  CHECK(crosspage_topic_publisher_publish(p, NULL, 5, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_subscriber_try_recv(s, &message, &error) == 0);
  CHECK(message.size == 5 && memcmp(message.data, "hello", 5) == 0 && message.kind == CROSSPAGE_MESSAGE_BYTES);
  CHECK(message.array.ndims == 0 && message.array.dtype[0] == 0 && message.meta.sent_at_ns == 0);
  CHECK(crosspage_topic_subscriber_try_recv(s, &empty, &error) == 0);
  CHECK(empty.size == 0 && empty.data != NULL);
  crosspage_topic_release(&message);
  crosspage_topic_release(&empty);
  CHECK(crosspage_topic_subscriber_recv(s, SECOND, &message, &error) == 0);
  CHECK(message.size == sizeof large && memcmp(message.data, large, sizeof large) == 0);
  crosspage_topic_subscriber_free(s); /* a message outlives its handle */
  CHECK(memcmp(message.data, large, sizeof large) == 0);
  crosspage_topic_release(&message);
  crosspage_topic_publisher_free(p);
}

/* A struct whose last member has as many elements as each message says. */
typedef struct Points {
  uint32_t id;
  float points[];
} Points;
static const crosspage_field points_fields[] = {
    CROSSPAGE_FIELD(Points, id),
    CROSSPAGE_FIELD_TAIL(Points, points),
};
static const crosspage_struct points_layout = CROSSPAGE_LAYOUT(Points, points_fields);

static void tails(void) {
  crosspage_topic_publisher *p;
  crosspage_topic_subscriber *any = subscriber("tails", CROSSPAGE_MESSAGE_ANY, NULL);
  CHECK(crosspage_topic_publisher_attach("tails", CROSSPAGE_MESSAGE_STRUCT, &points_layout, NULL, &p, &error) == 0);
  static union {
    Points points;
    uint32_t words[101];
  } value;
  crosspage_topic_message message;
  for (uint32_t n = 0; n <= 100; n += 25) {
    value.points.id = n;
    for (uint32_t i = 0; i < n; i++) value.points.points[i] = (float)i / 2;
    CHECK(crosspage_topic_publisher_publish(p, &value, sizeof(Points) + n * sizeof(float), NULL, &error) == 0);
  }
  CHECK(crosspage_topic_publisher_publish(p, &value, 5, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish(p, NULL, 8, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish_many(p, &value, 8, 1, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish_tail(p, &value, 3, NULL, 0, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish_tail(p, &value, 4, NULL, 1, NULL, &error) == CROSSPAGE_ERR_INVALID);
  crosspage_topic_loan loan;
  CHECK(crosspage_topic_publisher_loan(p, 4 + 4000, &loan, &error) == 0 && loan.size == 4004);
  memset(loan.data, 0, loan.size);
  CHECK(crosspage_topic_commit(&loan, NULL, &error) == 0);
  for (uint32_t n = 0; n <= 100; n += 25) {
    CHECK(crosspage_topic_subscriber_recv(any, SECOND, &message, &error) == 0);
    const Points *points = message.data;
    CHECK(message.kind == CROSSPAGE_MESSAGE_STRUCT && message.size == 4 + 4 * n && points->id == n);
    for (uint32_t i = 0; i < n; i++) CHECK(points->points[i] == (float)i / 2);
    if (n == 25) {
      crosspage_layout *layout;
      crosspage_field field;
      char *json;
      CHECK(crosspage_topic_subscriber_layout(any, &layout, &error) == 0);
      const crosspage_field *tail = &crosspage_layout_struct(layout)->fields[1];
      CHECK(tail->ndims == 1 && tail->dims[0] == 0 && tail->size == 4 && tail->type == CROSSPAGE_TYPE_F32);
      CHECK(crosspage_layout_find(layout, "points[7]", &field, &error) == 0 && field.offset == 32 && field.ndims == 0);
      CHECK(crosspage_value_json(layout, message.data, message.size, &json, &error) == 0);
      CHECK(strncmp(json, "{\"id\":25,\"points\":[0.0,0.5,1.0,", 31) == 0);
      crosspage_string_free(json);
      CHECK(crosspage_value_json(layout, message.data, 3, &json, &error) == CROSSPAGE_ERR_INVALID);
      crosspage_layout_free(layout);
    }
    crosspage_topic_release(&message);
  }
  CHECK(crosspage_topic_subscriber_recv(any, SECOND, &message, &error) == 0 && message.size == 4004);
  crosspage_topic_release(&message);
  /* Its elements from elsewhere. */
  const float halves[] = {0.5f, 1.5f};
  uint64_t sequence;
  CHECK(crosspage_topic_publisher_publish_tail(p, &value, sizeof(Points), halves, 2, &sequence, &error) == 0);
  CHECK(sequence == 7);
  CHECK(crosspage_topic_publisher_try_publish_tail(p, &value, sizeof(Points), NULL, 0, NULL, &error) == 0);
  CHECK(crosspage_topic_subscriber_recv(any, SECOND, &message, &error) == 0 && message.size == 12);
  CHECK(memcmp((const char *)message.data + 4, halves, sizeof halves) == 0);
  crosspage_topic_release(&message);
  CHECK(crosspage_topic_subscriber_recv(any, SECOND, &message, &error) == 0 && message.size == 4);
  crosspage_topic_release(&message);
  CHECK(crosspage_topic_subscriber_try_recv_into(any, &value, 4, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(strstr(error.message, "tail") != NULL);
  crosspage_topic_subscriber_free(any);
  crosspage_topic_publisher_free(p);

  /* Only a last member, and only in messages. */
  crosspage_latest_writer *writer;
  CHECK(crosspage_latest_writer_create("tails-latest", &points_layout, NULL, &writer, &error) != 0);
  crosspage_field wrong_fields[] = {points_fields[1], points_fields[0]};
  wrong_fields[0].offset = 0;
  wrong_fields[1].offset = 4;
  const crosspage_struct wrong = {sizeof wrong, sizeof wrong_fields[0], "Wrong", 8, 4, wrong_fields, 2};
  CHECK(crosspage_topic_publisher_attach("tails-wrong", CROSSPAGE_MESSAGE_STRUCT, &wrong, NULL, &p, &error) ==
        CROSSPAGE_ERR_INVALID);
}

static void loans(void) {
  crosspage_topic_publisher *p = publisher("loans", CROSSPAGE_MESSAGE_BYTES, NULL);
  crosspage_topic_subscriber *s = subscriber("loans", CROSSPAGE_MESSAGE_ANY, NULL);
  crosspage_topic_loan loan, other;
  crosspage_topic_message first, second;
  uint64_t sequence = 0;
  CHECK(crosspage_topic_publisher_loan(p, 1000000, &loan, &error) == 0);
  CHECK(loan.size == 1000000 && ((uintptr_t)loan.data & 63) == 0);
  memset(loan.data, 'a', loan.size);
  CHECK(crosspage_topic_publisher_loan(p, 10, &other, &error) == 0 && other.data != loan.data);
  CHECK(crosspage_topic_commit(&loan, &sequence, &error) == 0 && sequence == 1 && loan.data == NULL);
  CHECK(crosspage_topic_commit(&loan, &sequence, &error) == CROSSPAGE_ERR_INVALID);
  crosspage_topic_discard(&loan);
  crosspage_topic_discard(&other); /* as if it had never been */
  crosspage_topic_discard(NULL);
  CHECK(crosspage_topic_publisher_loan(p, 1000000, &loan, &error) == 0);
  memset(loan.data, 'b', loan.size);
  CHECK(crosspage_topic_commit(&loan, &sequence, &error) == 0 && sequence == 2);

  /* What is held does not change, whatever is published meanwhile. */
  CHECK(crosspage_topic_subscriber_recv(s, SECOND, &first, &error) == 0 && first.meta.held == 1);
  CHECK(crosspage_topic_subscriber_recv(s, SECOND, &second, &error) == 0 && second.meta.held == 1);
  for (int i = 0; i < 100; i++) {
    CHECK(crosspage_topic_publisher_loan(p, 1000000, &loan, &error) == 0);
    CHECK(loan.data != NULL);
    memset(loan.data, 'c', loan.size);
    CHECK(crosspage_topic_commit(&loan, NULL, &error) == 0);
  }
  CHECK(((uintptr_t)first.data & 63) == 0 && first.meta.sequence == 1 && second.meta.sequence == 2);
  for (size_t i = 0; i < first.size; i++) CHECK(((const char *)first.data)[i] == 'a');
  for (size_t i = 0; i < second.size; i++) CHECK(((const char *)second.data)[i] == 'b');
  crosspage_topic_release(&first);
  crosspage_topic_release(&second);
  crosspage_topic_release(NULL);

  /* A loan outlives its publisher's handle, but nobody gets it. */
  CHECK(crosspage_topic_publisher_loan(p, 100, &loan, &error) == 0);
  CHECK(crosspage_topic_publisher_loan(p, 100, &other, &error) == 0);
  crosspage_topic_publisher_free(p);
  memset(loan.data, 'd', loan.size);
  CHECK(crosspage_topic_commit(&loan, NULL, &error) == CROSSPAGE_ERR_CLOSED);
  memset(other.data, 'd', other.size);
  crosspage_topic_discard(&other);
  crosspage_topic_subscriber_free(s);
}

static void arrays(void) {
  crosspage_topic_publisher *p = publisher("arrays", CROSSPAGE_MESSAGE_ARRAY, NULL);
  crosspage_topic_subscriber *s = subscriber("arrays", CROSSPAGE_MESSAGE_ARRAY, NULL);
  const float values[2][3] = {{1, 2, 3}, {4, 5, 6}};
  const uint64_t shape[] = {2, 3};
  crosspage_array array = {"<f4", 2, shape};
  crosspage_topic_message message;
  crosspage_topic_loan loan;
  CHECK(crosspage_topic_publisher_publish_array(p, &array, values, sizeof values, NULL, &error) == 0);
  CHECK(crosspage_topic_publisher_try_publish_array(p, &array, values, sizeof values, NULL, &error) == 0);
  CHECK(crosspage_topic_publisher_publish_array(p, &array, values, sizeof values - 1, NULL, &error) ==
        CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish(p, values, sizeof values, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_loan(p, sizeof values, &loan, &error) == CROSSPAGE_ERR_INVALID);
  const uint64_t frame[] = {480, 640, 3};
  array = (crosspage_array){"|u1", 3, frame};
  CHECK(crosspage_topic_publisher_loan_array(p, &array, &loan, &error) == 0 && loan.size == 480 * 640 * 3);
  memset(loan.data, 200, loan.size);
  CHECK(crosspage_topic_commit(&loan, NULL, &error) == 0);
  const double scalar = 2.5;
  array = (crosspage_array){"<f8", 0, NULL};
  CHECK(crosspage_topic_publisher_publish_array(p, &array, &scalar, sizeof scalar, NULL, &error) == 0);

  for (uint64_t i = 1; i <= 2; i++) {
    CHECK(crosspage_topic_subscriber_recv(s, SECOND, &message, &error) == 0);
    CHECK(message.kind == CROSSPAGE_MESSAGE_ARRAY && message.size == sizeof values && message.meta.sequence == i);
    CHECK(strcmp(message.array.dtype, "<f4") == 0 && message.array.ndims == 2);
    CHECK(message.array.shape[0] == 2 && message.array.shape[1] == 3);
    CHECK(memcmp(message.data, values, sizeof values) == 0 && ((uintptr_t)message.data & 63) == 0);
    crosspage_topic_release(&message);
  }
  CHECK(crosspage_topic_subscriber_recv(s, SECOND, &message, &error) == 0);
  CHECK(message.array.ndims == 3 && message.array.shape[2] == 3 && message.size == 480 * 640 * 3);
  CHECK(((const unsigned char *)message.data)[message.size - 1] == 200);
  crosspage_topic_release(&message);
  CHECK(crosspage_topic_subscriber_recv(s, SECOND, &message, &error) == 0);
  CHECK(message.array.ndims == 0 && message.size == 8 && *(const double *)message.data == 2.5);
  crosspage_topic_release(&message);

  /* What is no array. */
  memset(array.dtype, 'x', sizeof array.dtype);
  CHECK(crosspage_topic_publisher_publish_array(p, &array, &scalar, 8, NULL, &error) == CROSSPAGE_ERR_INVALID);
  array = (crosspage_array){"<f8", 1, NULL};
  CHECK(crosspage_topic_publisher_publish_array(p, &array, &scalar, 8, NULL, &error) == CROSSPAGE_ERR_INVALID);
  array = (crosspage_array){"<f8", UINT32_MAX, shape};
  CHECK(crosspage_topic_publisher_publish_array(p, &array, &scalar, 8, NULL, &error) == CROSSPAGE_ERR_INVALID);
  array = (crosspage_array){"nonsense", 1, shape};
  CHECK(crosspage_topic_publisher_publish_array(p, &array, &scalar, 8, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish_array(p, NULL, &scalar, 8, NULL, &error) == CROSSPAGE_ERR_INVALID);
  const uint64_t huge[] = {UINT64_MAX, UINT64_MAX};
  array = (crosspage_array){"<f8", 2, huge};
  CHECK(crosspage_topic_publisher_loan_array(p, &array, &loan, &error) != 0);
  CHECK(crosspage_topic_publisher_publish_array(p, &array, &scalar, SIZE_MAX, NULL, &error) != 0);
  crosspage_topic_subscriber_free(s);
  crosspage_topic_publisher_free(p);
}

/* A slow subscriber loses the oldest messages, and learns exactly how many. */
static void overwriting(void) {
  crosspage_topic_options options = CROSSPAGE_TOPIC_OPTIONS_INIT;
  options.capacity = 64 * 1024;
  options.policy = CROSSPAGE_POLICY_OVERWRITE;
  crosspage_topic_publisher *p = publisher("overwrite", CROSSPAGE_MESSAGE_STRUCT, &options);
  crosspage_topic_subscriber *s = subscriber("overwrite", CROSSPAGE_MESSAGE_STRUCT, NULL);
  Count value;
  crosspage_topic_meta meta = {0};
  for (uint64_t i = 1; i <= 20000; i++) {
    value = count(i);
    CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == 0);
  }
  uint64_t received = 0, last = 0;
  while (crosspage_topic_subscriber_try_recv_into(s, &value, sizeof value, &meta, &error) == 0) {
    CHECK(value.n == meta.sequence && value.n > last && value.half == (double)value.n / 2);
    last = value.n;
    received++;
    CHECK(last == received + crosspage_topic_subscriber_lost(s));
  }
  CHECK(error.code == CROSSPAGE_ERR_NO_VALUE && last == 20000);
  CHECK(received > 100 && received < 20000 && received + crosspage_topic_subscriber_lost(s) == 20000);
  crosspage_topic_subscriber_free(s);
  crosspage_topic_publisher_free(p);

  crosspage_topic_publisher *b = publisher("too-large", CROSSPAGE_MESSAGE_BYTES, &options);
  static char large[128 * 1024];
  CHECK(crosspage_topic_publisher_publish(b, large, sizeof large, NULL, &error) == CROSSPAGE_ERR_TOO_LARGE);
  CHECK(strstr(error.message, "65536") != NULL);
  crosspage_topic_publisher_free(b);
}

/* Nothing is lost: a publisher waits for the slowest subscriber. */
static void blocking(void) {
  crosspage_topic_options options = CROSSPAGE_TOPIC_OPTIONS_INIT;
  options.capacity = 64 * 1024;
  options.policy = CROSSPAGE_POLICY_BLOCK;
  options.timeout_ns = CROSSPAGE_NO_WAIT;
  crosspage_topic_publisher *p = publisher("block", CROSSPAGE_MESSAGE_STRUCT, &options);
  Count value = count(0);
  /* Nobody is attached, so nobody is waited for. */
  for (int i = 0; i < 10000; i++) CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == 0);
  crosspage_topic_subscriber *s = subscriber("block", CROSSPAGE_MESSAGE_STRUCT, NULL);
  uint64_t published = 0;
  do value = count(published + 1);
  while (crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == 0 && ++published < 10000);
  CHECK(error.code == CROSSPAGE_ERR_TIMED_OUT && published > 100 && published < 10000);
  crosspage_topic_publisher_set_timeout(p, CROSSPAGE_FOREVER);
  CHECK(crosspage_topic_publisher_try_publish(p, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_TIMED_OUT);
  crosspage_topic_publisher_set_timeout(p, 10000000);
  CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_TIMED_OUT);
  for (uint64_t i = 1; i <= published; i++) {
    CHECK(crosspage_topic_subscriber_try_recv_into(s, &value, sizeof value, NULL, &error) == 0);
    CHECK(value.n == i);
  }
  CHECK(crosspage_topic_subscriber_try_recv_into(s, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_NO_VALUE);
  CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == 0);
  CHECK(crosspage_topic_subscriber_lost(s) == 0);
  crosspage_topic_subscriber_free(s);
  /* Whoever has left is not waited for either. */
  for (int i = 0; i < 10000; i++) CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == 0);
  crosspage_topic_publisher_free(p);
}

static void history(void) {
  crosspage_topic_options options = CROSSPAGE_TOPIC_OPTIONS_INIT;
  options.history = 3;
  options.lifetime = CROSSPAGE_LIFETIME_KEEP;
  options.permissions = CROSSPAGE_PERMISSIONS_GROUP;
  options.checksum = CROSSPAGE_YES;
  crosspage_topic_publisher *p = publisher("history", CROSSPAGE_MESSAGE_STRUCT, &options);
  Count value, many[10];
  for (uint64_t i = 0; i < 10; i++) many[i] = count(i + 1);
  CHECK(crosspage_topic_publisher_publish_many(p, many, sizeof value, 10, NULL, &error) == 0);
  crosspage_topic_publisher_free(p); /* a publisher's messages outlive it */
  crosspage_topic_subscriber *s = subscriber("history", CROSSPAGE_MESSAGE_STRUCT, NULL);
  for (uint64_t i = 8; i <= 10; i++) {
    CHECK(crosspage_topic_subscriber_try_recv_into(s, &value, sizeof value, NULL, &error) == 0 && value.n == i);
  }
  CHECK(crosspage_topic_subscriber_try_recv_into(s, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_NO_VALUE);
  crosspage_topic_subscriber *refused;
  options.history = CROSSPAGE_NONE;
  options.permissions = 0; /* which Wine does not tell as they were given */
  CHECK(crosspage_topic_subscriber_attach("history", CROSSPAGE_MESSAGE_ANY, NULL, &options, &refused, &error) ==
        CROSSPAGE_ERR_INVALID);
  CHECK(strstr(error.message, "history") != NULL && strstr(error.message, "3") != NULL);
  crosspage_topic_subscriber_free(s);
  CHECK(crosspage_remove("history", false, &error) == 0);
}

/* What is wrong is said, and nothing happens. */
static void several_at_once(void) {
  const Count value = {7, 3.5, false};
  Count read;
  crosspage_latest_writer *w;
  crosspage_latest_reader *r;
  crosspage_wait_fd fd, again;
  crosspage_wait_item items[2];
  crosspage_topic_publisher *p = publisher("several", CROSSPAGE_MESSAGE_STRUCT, NULL);
  crosspage_topic_subscriber *s = subscriber("several", CROSSPAGE_MESSAGE_STRUCT, NULL);
  CHECK(crosspage_latest_writer_create("several-page", &Count_layout, NULL, &w, &error) == 0);
  CHECK(crosspage_latest_reader_open("several-page", &Count_layout, NULL, &r, &error) == 0);
  memset(items, 0, sizeof items);
  items[0].reader = r;
  items[1].subscriber = s;
  CHECK(crosspage_wait_any(items, 2, 0, &error) == CROSSPAGE_ERR_TIMED_OUT);
  CHECK(crosspage_wait_any(items, 2, 1000000, &error) == CROSSPAGE_ERR_TIMED_OUT);
  CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == 0);
  CHECK(crosspage_wait_any(items, 2, CROSSPAGE_FOREVER, &error) == 0);
  CHECK(!items[0].ready && items[1].ready == 1);
  CHECK(crosspage_latest_writer_write(w, &value, sizeof value, NULL, &error) == 0);
  CHECK(crosspage_topic_subscriber_try_recv_into(s, &read, sizeof read, NULL, &error) == 0);
  CHECK(crosspage_wait_any(items, 2, CROSSPAGE_FOREVER, &error) == 0);
  CHECK(items[0].ready == 1 && !items[1].ready);
  CHECK(crosspage_latest_reader_wait_fd(r, &fd, &error) == 0);
  CHECK(crosspage_latest_reader_wait_fd(r, &again, &error) == 0 && fd == again);
  CHECK(crosspage_latest_reader_read(r, &read, sizeof read, NULL, &error) == 0 && read.n == 7);
  CHECK(crosspage_wait_any(items, 2, 1000000, &error) == CROSSPAGE_ERR_TIMED_OUT);
  CHECK(!items[0].ready && !items[1].ready);

  items[0].subscriber = s;
  CHECK(crosspage_wait_any(items, 2, 0, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(strstr(error.message, "item 0") != NULL);
  items[0].reader = NULL;
  items[0].subscriber = NULL;
  CHECK(crosspage_wait_any(items, 1, 0, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_wait_any(NULL, 1, 0, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_wait_any(NULL, 0, 0, &error) == CROSSPAGE_ERR_TIMED_OUT);
  CHECK(crosspage_wait_any(NULL, 0, CROSSPAGE_FOREVER, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_reader_wait_fd(NULL, &fd, &error) == CROSSPAGE_ERR_INVALID);
  crosspage_latest_writer_free(w);
  crosspage_latest_reader_free(r);
  crosspage_topic_publisher_free(p);
  crosspage_topic_subscriber_free(s);
}

static void bad_arguments(void) {
  crosspage_topic_options options = CROSSPAGE_TOPIC_OPTIONS_INIT;
  crosspage_topic_publisher *p;
  crosspage_topic_subscriber *s;
  Count value = count(1);
  crosspage_topic_message message;
  crosspage_topic_loan loan = {0};
  size_t n = 0;
  CHECK(crosspage_topic_publisher_attach(NULL, CROSSPAGE_MESSAGE_BYTES, NULL, NULL, &p, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_attach("bad", CROSSPAGE_MESSAGE_ANY, NULL, NULL, &p, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_attach("bad", CROSSPAGE_MESSAGE_STRUCT, NULL, NULL, &p, &error) ==
        CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_attach("bad", CROSSPAGE_MESSAGE_BYTES, &Count_layout, NULL, &p, &error) ==
        CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_attach("bad", 4, NULL, NULL, &p, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_attach("bad", CROSSPAGE_MESSAGE_BYTES, NULL, NULL, NULL, &error) ==
        CROSSPAGE_ERR_INVALID);
  options.policy = 3;
  CHECK(crosspage_topic_subscriber_attach("bad", CROSSPAGE_MESSAGE_ANY, NULL, &options, &s, &error) ==
        CROSSPAGE_ERR_INVALID);
  options.policy = 0;
  options.struct_size = 3;
  CHECK(crosspage_topic_subscriber_attach("bad", CROSSPAGE_MESSAGE_ANY, NULL, &options, &s, &error) ==
        CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_subscriber_attach("a b", CROSSPAGE_MESSAGE_ANY, NULL, NULL, &s, &error) ==
        CROSSPAGE_ERR_INVALID);

  p = publisher("bad", CROSSPAGE_MESSAGE_STRUCT, NULL);
  s = subscriber("bad", CROSSPAGE_MESSAGE_STRUCT, NULL);
  CHECK(crosspage_topic_publisher_publish(p, &value, 5, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(strstr(error.message, "5 bytes, Count has 24") != NULL);
  CHECK(crosspage_topic_publisher_publish(p, NULL, sizeof value, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish(NULL, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish_many(p, &value, 5, 1, &n, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_publish_array(p, NULL, &value, 5, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_loan(p, 5, &loan, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_loan(p, sizeof value, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_publisher_loan(NULL, sizeof value, &loan, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_commit(&loan, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_commit(NULL, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_subscriber_try_recv(s, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_subscriber_try_recv(NULL, &message, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_subscriber_try_recv_into(s, &value, 5, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_subscriber_recv_into(s, 0, NULL, sizeof value, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_topic_subscriber_recv_many_into(s, 0, NULL, sizeof value, 1, NULL, &n, &error) ==
        CROSSPAGE_ERR_INVALID);
  crosspage_topic_publisher *other;
  CHECK(crosspage_topic_publisher_attach("bad", CROSSPAGE_MESSAGE_BYTES, NULL, NULL, &other, &error) != 0);
  CHECK(crosspage_topic_publisher_attach("bad", CROSSPAGE_MESSAGE_STRUCT, &shared_data, NULL, &other, &error) ==
        CROSSPAGE_ERR_LAYOUT_MISMATCH);

  CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == 0);
  crosspage_topic_publisher_close(p);
  CHECK(crosspage_topic_publisher_publish(p, &value, sizeof value, NULL, &error) == CROSSPAGE_ERR_CLOSED);
  CHECK(crosspage_topic_subscriber_recv_into(s, 0, &value, sizeof value, NULL, &error) == 0);
  crosspage_topic_subscriber_close(s);
  CHECK(crosspage_topic_subscriber_recv_into(s, CROSSPAGE_FOREVER, &value, sizeof value, NULL, &error) ==
        CROSSPAGE_ERR_CLOSED);
  crosspage_topic_publisher_free(p);
  crosspage_topic_subscriber_free(s);
  crosspage_topic_publisher_free(NULL);
  crosspage_topic_subscriber_free(NULL);
  crosspage_topic_publisher_close(NULL);
  crosspage_topic_subscriber_close(NULL);
  crosspage_topic_publisher_set_timeout(NULL, 0);
  CHECK(crosspage_topic_publisher_subscribers(NULL) == 0 && crosspage_topic_subscriber_publishers(NULL) == 0);
  CHECK(crosspage_topic_subscriber_lost(NULL) == 0);
}

int main(void) {
  crosspage_namespace *ns;
  CHECK(crosspage_testing_namespace(&ns, &error) == 0);
  structs();
  byte_messages();
  tails();
  loans();
  arrays();
  overwriting();
  blocking();
  history();
  several_at_once();
  bad_arguments();
  crosspage_namespace_free(ns);
  return 0;
}
