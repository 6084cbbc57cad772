/* The conformance suite's player for C; see README.md beside this file. */

#include <crosspage.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

/* ---- Structs -------------------------------------------------------------------------------------- */

typedef enum Mode { MODE_IDLE = 0, MODE_RUNNING = 1, MODE_FAILED = -3 } Mode;
typedef struct Pose {
  double x, y;
  Mode mode;
} Pose;
typedef struct Sample {
  bool flag;
  int8_t tiny;
  uint16_t port;
  int32_t number;
  uint64_t stamp;
  float ratio;
  double temperature;
  char name[12];
  int32_t axes[3];
  uint8_t grid[2][3];
  Pose pose;
  Mode mode;
} Sample;
/* One that is held in the page. */
typedef struct Image {
  int32_t number;
  uint8_t pixels[8192];
} Image;
/* Some of Sample's fields, elsewhere. */
typedef struct Brief {
  double temperature;
  int32_t number;
} Brief;
/* One of them of another type. */
typedef struct Drifted {
  float temperature;
  int32_t number;
} Drifted;
typedef struct Status {
  uint32_t level;
  bool ready;
  Mode mode;
} Status;
/* The same of a program that knows more modes. */
typedef struct Newer {
  uint32_t level;
  bool ready;
  int32_t mode;
} Newer;

/* One that ends in a tail. */
typedef struct Scan {
  uint64_t stamp;
  float points[];
} Scan;

static const crosspage_enumerator modes[] = {{"idle", MODE_IDLE}, {"running", MODE_RUNNING}, {"failed", MODE_FAILED}};
static const crosspage_enum mode = CROSSPAGE_ENUM(Mode, modes);
static const crosspage_field pose_fields[] = {CROSSPAGE_FIELD(Pose, x), CROSSPAGE_FIELD(Pose, y),
                                              CROSSPAGE_FIELD_ENUM(Pose, mode, mode)};
static const crosspage_struct pose = CROSSPAGE_LAYOUT(Pose, pose_fields);
static const crosspage_field sample_fields[] = {
    CROSSPAGE_FIELD(Sample, flag),
    CROSSPAGE_FIELD(Sample, tiny),
    CROSSPAGE_FIELD(Sample, port),
    CROSSPAGE_FIELD(Sample, number),
    CROSSPAGE_FIELD(Sample, stamp),
    CROSSPAGE_FIELD(Sample, ratio),
    CROSSPAGE_FIELD(Sample, temperature),
    CROSSPAGE_FIELD(Sample, name),
    CROSSPAGE_FIELD(Sample, axes),
    CROSSPAGE_FIELD_2D(Sample, grid),
    CROSSPAGE_FIELD_STRUCT(Sample, pose, pose),
    CROSSPAGE_FIELD_ENUM(Sample, mode, mode),
};
static const crosspage_struct sample = CROSSPAGE_LAYOUT(Sample, sample_fields);
CROSSPAGE_STRUCT(Image, number, pixels);
CROSSPAGE_STRUCT(Brief, temperature, number);
CROSSPAGE_STRUCT(Drifted, temperature, number);
static const crosspage_field status_fields[] = {CROSSPAGE_FIELD(Status, level), CROSSPAGE_FIELD(Status, ready),
                                                CROSSPAGE_FIELD_ENUM(Status, mode, mode)};
static const crosspage_struct status = CROSSPAGE_LAYOUT(Status, status_fields);
CROSSPAGE_STRUCT(Newer, level, ready, mode);
static const crosspage_field scan_fields[] = {CROSSPAGE_FIELD(Scan, stamp), CROSSPAGE_FIELD_TAIL(Scan, points)};
static const crosspage_struct scan = CROSSPAGE_LAYOUT(Scan, scan_fields);

static const struct {
  const char *name;
  uint32_t kind;
  const crosspage_struct *layout;
} kinds[] = {
    {"sample", CROSSPAGE_MESSAGE_STRUCT, &sample},        {"image", CROSSPAGE_MESSAGE_STRUCT, &Image_layout},
    {"brief", CROSSPAGE_MESSAGE_STRUCT, &Brief_layout},   {"drifted", CROSSPAGE_MESSAGE_STRUCT, &Drifted_layout},
    {"status", CROSSPAGE_MESSAGE_STRUCT, &status},        {"newer", CROSSPAGE_MESSAGE_STRUCT, &Newer_layout},
    {"bytes", CROSSPAGE_MESSAGE_BYTES, NULL},             {"array", CROSSPAGE_MESSAGE_ARRAY, NULL},
    {"scan", CROSSPAGE_MESSAGE_STRUCT, &scan},            {"any", CROSSPAGE_MESSAGE_ANY, NULL},
};

/* ---- Answers -------------------------------------------------------------------------------------- */

static crosspage_error error = CROSSPAGE_ERROR_INIT;
static char answer[1 << 16];

#define SAY(...) snprintf(answer + strlen(answer), sizeof answer - strlen(answer), __VA_ARGS__)

/* What the player itself cannot do; never the library's. */
static int usage(const char *what) {
  snprintf(error.message, sizeof error.message, "%s", what);
  error.hint[0] = '\0';
  return -100;
}

static const char *name_of(int code) {
  static const char *const names[] = {
      "ok",        "not_found", "permission_denied", "timed_out", "layout_mismatch", "already_owned", "replaced",
      "corrupt",   "full",      "too_large",         "no_space",  "unsupported",     "invalid",       "in_use",
      "closed",    "forked",    "no_value",          "io",        "internal"};
  return code > 0 && code <= CROSSPAGE_ERR_INTERNAL ? names[code] : "usage";
}

/* Numbers that count up as `from-to`: "1-100,105". */
typedef struct Runs {
  char text[4096];
  int64_t from, to;
  bool any;
} Runs;

static void end_run(Runs *runs) {
  const size_t at = strlen(runs->text);
  if (!runs->any) return;
  snprintf(runs->text + at, sizeof runs->text - at, runs->from == runs->to ? "%s%" PRId64 : "%s%" PRId64 "-%" PRId64,
           at ? "," : "", runs->from, runs->to);
}

static void add(Runs *runs, int64_t n) {
  if (runs->any && runs->to + 1 == n) {
    runs->to = n;
    return;
  }
  end_run(runs);
  runs->any = true;
  runs->from = runs->to = n;
}

/* ---- Bytes ---------------------------------------------------------------------------------------- */

static void fill_pattern(uint8_t *bytes, size_t n, uint64_t k) {
  for (size_t i = 0; i < n; ++i) bytes[i] = (uint8_t)((i * 7 + k) % 251);
}

/* `-` is nothing, `N*K` a pattern of N bytes, else hex. The caller frees it. */
static uint8_t *bytes_of(const char *word, size_t *size) {
  const char *star = strchr(word, '*');
  *size = strcmp(word, "-") == 0 ? 0 : star ? (size_t)strtoull(word, NULL, 10) : strlen(word) / 2;
  uint8_t *bytes = malloc(*size + 1);
  if (star) fill_pattern(bytes, *size, strtoull(star + 1, NULL, 10));
  for (size_t i = 0; !star && i < *size; ++i) {
    const char digits[] = {word[2 * i], word[2 * i + 1], '\0'};
    bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return bytes;
}

/* Length and CRC-32. */
static const char *sum(const void *data, size_t size) {
  static char text[40];
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; ++i) {
    crc ^= ((const uint8_t *)data)[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
  }
  snprintf(text, sizeof text, "%zu/%08" PRIx32, size, ~crc);
  return text;
}

/* ---- Fields as text: values separated by commas; floats are their bits as hex, texts their bytes --- */

static size_t count_of(const crosspage_field *field) {
  size_t n = 1;
  for (uint32_t i = 0; i < field->ndims; ++i) n *= (size_t)field->dims[i];
  return n;
}

static uint32_t scalar_of(const crosspage_field *field) {
  return field->type == CROSSPAGE_TYPE_ENUM ? field->enumeration->repr : field->type;
}

static bool is_pixels(const crosspage_field *field) {
  return field->type == CROSSPAGE_TYPE_U8 && count_of(field) > 64;
}

static void print_cells(const crosspage_field *field, const uint8_t *at, char *out, size_t room) {
  const size_t n = count_of(field), size = (size_t)field->size / (n ? n : 1);
#define CELL(...) snprintf(out + strlen(out), room - strlen(out), __VA_ARGS__)
#define NUMBER(type, format) \
  {                          \
    type value;              \
    memcpy(&value, at, sizeof value); \
    CELL("%" format, value); \
    break;                   \
  }
  if (is_pixels(field)) {
    CELL("%s", sum(at, n));
    return;
  }
  for (size_t i = 0; i < n; ++i, at += size) {
    if (*out) CELL(",");
    switch (scalar_of(field)) {
      case CROSSPAGE_TYPE_BOOL: CELL("%d", *(const bool *)at); break;
      case CROSSPAGE_TYPE_I8: NUMBER(int8_t, PRId8)
      case CROSSPAGE_TYPE_U8: NUMBER(uint8_t, PRIu8)
      case CROSSPAGE_TYPE_U16: NUMBER(uint16_t, PRIu16)
      case CROSSPAGE_TYPE_I32: NUMBER(int32_t, PRId32)
      case CROSSPAGE_TYPE_U32: NUMBER(uint32_t, PRIu32)
      case CROSSPAGE_TYPE_U64: NUMBER(uint64_t, PRIu64)
      case CROSSPAGE_TYPE_F32: NUMBER(uint32_t, "08" PRIx32)
      case CROSSPAGE_TYPE_F64: NUMBER(uint64_t, "016" PRIx64)
      case CROSSPAGE_TYPE_TEXT:
        for (size_t j = 0; j < size && at[j]; ++j) CELL("%02x", at[j]);
        break;
      case CROSSPAGE_TYPE_STRUCT:
        for (size_t j = 0; j < field->nested->count; ++j) {
          const crosspage_field *inner = &field->nested->fields[j];
          print_cells(inner, at + inner->offset, out, room);
        }
        break;
      default: CELL("?");
    }
  }
#undef NUMBER
}

/* A tail has as many elements as the message has bytes for. */
static crosspage_field with_length(const crosspage_field *tail, size_t n) {
  crosspage_field field = *tail;
  field.dims[0] = n;
  field.size *= n;
  return field;
}

static bool is_tail(const crosspage_field *field) { return field->ndims && field->dims[0] == 0; }

/* A field that is all zero is not told of. */
static void print_struct(const crosspage_struct *layout, const uint8_t *value, size_t size) {
  for (size_t i = 0; i < layout->count; ++i) {
    crosspage_field field = layout->fields[i];
    if (is_tail(&field)) field = with_length(&field, (size - (size_t)field.offset) / (size_t)field.size);
    char cells[512] = "";
    print_cells(&field, value + field.offset, cells, sizeof cells);
    if (strspn(cells, "0,") != strlen(cells)) SAY(" %s=%s", field.name, cells);
  }
}

static void parse_cells(const crosspage_field *field, uint8_t *at, char **words) {
  const size_t n = count_of(field), size = (size_t)field->size / (n ? n : 1);
#define NUMBER(type, convert)           \
  {                                     \
    const type value = (type)(convert); \
    memcpy(at, &value, sizeof value);   \
    break;                              \
  }
  for (size_t i = 0; i < n; ++i, at += size) {
    if (field->type == CROSSPAGE_TYPE_STRUCT) {
      for (size_t j = 0; j < field->nested->count; ++j) {
        const crosspage_field *inner = &field->nested->fields[j];
        parse_cells(inner, at + inner->offset, words);
      }
      continue;
    }
    char *word = *words, *comma = strchr(word, ',');
    if (comma) *comma = '\0';
    *words = comma ? comma + 1 : word + strlen(word);
    if (is_pixels(field) || field->type == CROSSPAGE_TYPE_TEXT) {
      size_t length;
      uint8_t *bytes = bytes_of(word, &length);
      memcpy(at, bytes, length < field->size ? length : (size_t)field->size);
      free(bytes);
      return;
    }
    switch (scalar_of(field)) {
      case CROSSPAGE_TYPE_BOOL: NUMBER(bool, strtol(word, NULL, 10) != 0)
      case CROSSPAGE_TYPE_I8:
      case CROSSPAGE_TYPE_U8: NUMBER(uint8_t, strtol(word, NULL, 10))
      case CROSSPAGE_TYPE_U16: NUMBER(uint16_t, strtol(word, NULL, 10))
      case CROSSPAGE_TYPE_I32:
      case CROSSPAGE_TYPE_U32: NUMBER(uint32_t, strtoll(word, NULL, 10))
      case CROSSPAGE_TYPE_U64: NUMBER(uint64_t, strtoull(word, NULL, 10))
      case CROSSPAGE_TYPE_F32: NUMBER(uint32_t, strtoull(word, NULL, 16))
      case CROSSPAGE_TYPE_F64: NUMBER(uint64_t, strtoull(word, NULL, 16))
    }
  }
#undef NUMBER
}

static int64_t number_of(const crosspage_struct *layout, const void *value) {
  for (size_t i = 0; i < layout->count; ++i) {
    const crosspage_field *field = &layout->fields[i];
    if (strcmp(field->name, "number") == 0) return *(const int32_t *)((const uint8_t *)value + field->offset);
  }
  return -1;
}

static void set_number(const crosspage_struct *layout, void *value, int64_t n) {
  for (size_t i = 0; i < layout->count; ++i) {
    const crosspage_field *field = &layout->fields[i];
    if (strcmp(field->name, "number") == 0) *(int32_t *)((uint8_t *)value + field->offset) = (int32_t)n;
  }
}

/* ---- Bodies: what is published -------------------------------------------------------------------- */

typedef struct Body {
  uint8_t *data;
  size_t size;
  crosspage_array array;
  uint64_t shape[8];
} Body;

static int parse_body(uint32_t kind, const crosspage_struct *layout, char **words, size_t count, Body *body) {
  memset(body, 0, sizeof *body);
  if (kind == CROSSPAGE_MESSAGE_STRUCT) {
    body->size = (size_t)layout->size;
    body->data = calloc(1, body->size + 1024);
    for (size_t i = 0; i < count; ++i) {
      char *cells = strchr(words[i], '=');
      if (cells) *cells++ = '\0';
      const crosspage_field *field = layout->fields;
      while (field != layout->fields + layout->count && strcmp(field->name, words[i]) != 0) ++field;
      if (!cells || field == layout->fields + layout->count) return usage("what body?");
      if (is_tail(field)) {
        size_t n = 1;
        for (const char *c = cells; *c; ++c) n += *c == ',';
        const crosspage_field tail = with_length(field, n);
        parse_cells(&tail, body->data + tail.offset, &cells);
        body->size = (size_t)(tail.offset + tail.size);
      } else {
        parse_cells(field, body->data + field->offset, &cells);
      }
    }
    return 0;
  }
  if (count != (kind == CROSSPAGE_MESSAGE_ARRAY ? 3 : 1)) return usage("what body?");
  body->data = bytes_of(words[count - 1], &body->size);
  if (kind == CROSSPAGE_MESSAGE_ARRAY) {
    snprintf(body->array.dtype, sizeof body->array.dtype, "%s", words[0]);
    if (strcmp(words[1], "-") != 0)
      for (char *n = strtok(words[1], "x"); n; n = strtok(NULL, "x"))
        body->shape[body->array.ndims++] = strtoull(n, NULL, 10);
  }
  return 0;
}

/* The message with this number, and of this size where each has its own. */
static void nth_body(uint32_t kind, const crosspage_struct *layout, int64_t n, size_t size, Body *body) {
  memset(body, 0, sizeof *body);
  body->size = kind == CROSSPAGE_MESSAGE_STRUCT ? (size_t)layout->size : size;
  body->data = calloc(1, body->size + 1);
  if (kind == CROSSPAGE_MESSAGE_STRUCT) set_number(layout, body->data, n);
  else fill_pattern(body->data, size, (uint64_t)n);
  strcpy(body->array.dtype, "|u1");
  body->array.ndims = 1;
  body->shape[0] = size;
}

/* ---- Handles -------------------------------------------------------------------------------------- */

typedef struct Handle {
  char name[16];
  uint32_t kind;
  const crosspage_struct *layout;
  crosspage_topic_publisher *publisher;
  crosspage_topic_subscriber *subscriber;
  crosspage_layout *owned; /* of a subscriber of anything, once it is known */
} Handle;

typedef struct Held {
  char slot[16];
  const Handle *from;
  crosspage_topic_message message; /* is not moved */
} Held;

static Handle handles[16];
static Held held[32];

static Handle *handle_named(const char *name) {
  for (size_t i = 0; i < sizeof handles / sizeof *handles; ++i)
    if (strcmp(handles[i].name, name) == 0) return &handles[i];
  return NULL;
}

static Held *held_at(const char *slot) {
  for (size_t i = 0; i < sizeof held / sizeof *held; ++i)
    if (strcmp(held[i].slot, slot) == 0) return &held[i];
  return NULL;
}

static void let_go(Held *one) {
  crosspage_topic_release(&one->message);
  one->slot[0] = '\0';
}

static void close_handle(Handle *handle) {
  crosspage_topic_publisher_free(handle->publisher);
  crosspage_topic_subscriber_free(handle->subscriber);
  crosspage_layout_free(handle->owned);
  memset(handle, 0, sizeof *handle);
}

/* `-`: for ever. */
static int64_t timeout_of(const char *word) {
  return strcmp(word, "-") == 0 ? CROSSPAGE_FOREVER : (int64_t)(strtod(word, NULL) * 1e9);
}

static int attach(bool publishes, char **words, size_t count) {
  crosspage_topic_options options = CROSSPAGE_TOPIC_OPTIONS_INIT;
  for (size_t i = 3; i < count; ++i) {
    char *value = strchr(words[i], '=');
    if (!value) return usage("NAME=VALUE");
    *value++ = '\0';
    const char *name = words[i];
    const uint64_t n = strtoull(value, NULL, 10);
    const uint32_t yes = strcmp(value, "yes") == 0 ? CROSSPAGE_YES : CROSSPAGE_NO;
    if (strcmp(name, "policy") == 0)
      options.policy = strcmp(value, "block") == 0 ? CROSSPAGE_POLICY_BLOCK : CROSSPAGE_POLICY_OVERWRITE;
    else if (strcmp(name, "capacity") == 0) options.capacity = n;
    else if (strcmp(name, "max_message") == 0) options.max_message = n;
    else if (strcmp(name, "max_held") == 0) options.max_held = n ? (uint32_t)n : CROSSPAGE_NONE;
    else if (strcmp(name, "history") == 0) options.history = n ? (uint32_t)n : CROSSPAGE_NONE;
    else if (strcmp(name, "send_time") == 0) options.send_time = yes;
    else if (strcmp(name, "checksum") == 0) options.checksum = yes;
    else if (strcmp(name, "max_participants") == 0) options.max_participants = (uint32_t)n;
    else if (strcmp(name, "lifetime") == 0)
      options.lifetime = strcmp(value, "keep") == 0 ? CROSSPAGE_LIFETIME_KEEP : CROSSPAGE_LIFETIME_WHILE_USED;
    else if (strcmp(name, "match") == 0) options.match = CROSSPAGE_MATCH_NAME;
    else if (strcmp(name, "timeout") == 0)
      options.timeout_ns = timeout_of(value) ? timeout_of(value) : CROSSPAGE_NO_WAIT;
    else return usage("what option?");
  }
  Handle *handle = handle_named("");
  size_t kind = 0;
  while (kind < sizeof kinds / sizeof *kinds && strcmp(kinds[kind].name, words[2]) != 0) ++kind;
  if (!handle || kind == sizeof kinds / sizeof *kinds) return usage("what kind?");
  handle->kind = kinds[kind].kind;
  handle->layout = kinds[kind].layout;
  const int code =
      publishes ? crosspage_topic_publisher_attach(words[1], handle->kind, handle->layout, &options,
                                                   &handle->publisher, &error)
                : crosspage_topic_subscriber_attach(words[1], handle->kind, handle->layout, &options,
                                                    &handle->subscriber, &error);
  if (code == 0) snprintf(handle->name, sizeof handle->name, "%s", words[0]);
  return code;
}

static int send_body(const Handle *to, Body *body, bool waits, uint64_t *sequence) {
  body->array.shape = body->shape;
  if (to->kind == CROSSPAGE_MESSAGE_ARRAY)
    return (waits ? crosspage_topic_publisher_publish_array : crosspage_topic_publisher_try_publish_array)(
        to->publisher, &body->array, body->data, body->size, sequence, &error);
  return (waits ? crosspage_topic_publisher_publish : crosspage_topic_publisher_try_publish)(
      to->publisher, body->data, body->size, sequence, &error);
}

static int loan_body(const Handle *to, Body *body, bool commits) {
  crosspage_topic_loan loan;
  body->array.shape = body->shape;
  const int code = to->kind == CROSSPAGE_MESSAGE_ARRAY
                       ? crosspage_topic_publisher_loan_array(to->publisher, &body->array, &loan, &error)
                       : crosspage_topic_publisher_loan(to->publisher, body->size, &loan, &error);
  if (code) return code;
  memcpy(loan.data, body->data, body->size);
  if (commits) return crosspage_topic_commit(&loan, NULL, &error);
  crosspage_topic_discard(&loan);
  return 0;
}

/* publish_many, publish_each and fill: FIRST COUNT SIZE. */
static int send_many(const Handle *to, const char *verb, char **words, size_t count) {
  const int64_t first = count > 0 ? strtoll(words[0], NULL, 10) : 0, n = count > 1 ? strtoll(words[1], NULL, 10) : 0;
  const size_t size = (size_t)strtoull(words[count - 1], NULL, 10);
  uint64_t sequence = 0;
  int code = 0;
  Body body;
  if (strcmp(verb, "publish_many") == 0) {
    if (to->kind != CROSSPAGE_MESSAGE_STRUCT) return usage("of structs");
    const size_t each = (size_t)to->layout->size;
    uint8_t *all = calloc((size_t)n, each);
    for (int64_t i = 0; i < n; ++i) set_number(to->layout, all + (size_t)i * each, first + i);
    size_t published = 0;
    code = crosspage_topic_publisher_publish_many(to->publisher, all, each, (size_t)n, &published, &error);
    free(all);
    SAY(" %zu", published);
    return code;
  }
  const bool fills = strcmp(verb, "fill") == 0;
  int64_t i = first;
  while (code == 0 && (fills || i < first + n)) {
    nth_body(to->kind, to->layout, i, size, &body);
    code = send_body(to, &body, !fills, &sequence);
    free(body.data);
    i += code == 0;
  }
  if (fills && code == CROSSPAGE_ERR_TIMED_OUT) code = 0;
  if (fills) SAY(" %" PRId64, i - first);
  else SAY(" %" PRIu64, sequence);
  return code;
}

static int told(int code, const crosspage_topic_event *event) {
  if (code == 0) SAY(" %s %" PRIu32, event->kind == CROSSPAGE_TOPIC_MATCHED ? "matched" : "gone", event->pid);
  return code;
}

static int act_publisher(const Handle *to, const char *verb, char **words, size_t count) {
  Body body = {0};
  uint64_t sequence = 0;
  size_t found = 0;
  int code;
  if (strcmp(verb, "subscribers") == 0) {
    SAY(" %zu", crosspage_topic_publisher_subscribers(to->publisher));
    return 0;
  }
  if (strcmp(verb, "wait_subscribers") == 0) {
    code = crosspage_topic_publisher_wait_subscribers(to->publisher, (size_t)strtoull(words[0], NULL, 10),
                                                      timeout_of(words[1]), &found, &error);
    SAY(" %zu", found);
    return code;
  }
  if (strcmp(verb, "event") == 0 && count == 1) {
    crosspage_topic_event event;
    code = crosspage_topic_publisher_wait_event(to->publisher, timeout_of(words[0]), &event, &error);
    return told(code, &event);
  }
  if (strcmp(verb, "publish_many") == 0 || strcmp(verb, "publish_each") == 0 || strcmp(verb, "fill") == 0)
    return send_many(to, verb, words, count);
  const bool waits = strcmp(verb, "publish") == 0, loans = strcmp(verb, "loan") == 0;
  if (!waits && !loans && strcmp(verb, "try_publish") != 0 && strcmp(verb, "abandon") != 0)
    return usage("a publisher does not do this");
  code = parse_body(to->kind, to->layout, words, count, &body);
  if (code == 0 && (loans || *verb == 'a')) {
    code = loan_body(to, &body, loans);
  } else if (code == 0) {
    code = send_body(to, &body, waits, &sequence);
    if (!waits && code == CROSSPAGE_ERR_TIMED_OUT) {
      SAY(" none");
      code = 0;
    } else if (code == 0) {
      SAY(" %" PRIu64, sequence);
    }
  }
  free(body.data);
  return code;
}

/* The layout that structs come in. */
static const crosspage_struct *layout_of(Handle *from) {
  if (!from->layout && crosspage_topic_subscriber_layout(from->subscriber, &from->owned, NULL) == 0)
    from->layout = crosspage_layout_struct(from->owned);
  return from->layout;
}

static void print_message(Handle *from, const crosspage_topic_message *message) {
  SAY(" seq=%" PRIu64 " from=%" PRIu32, message->meta.sequence, message->meta.publisher_pid);
  if (message->meta.sent_at_ns) {
    const double age = (double)time(NULL) - (double)message->meta.sent_at_ns / 1e9;
    SAY(" sent=%s", age > -60 && age < 60 ? "now" : "wrongly");
  }
  if (message->kind == CROSSPAGE_MESSAGE_STRUCT) {
    if (layout_of(from)) print_struct(from->layout, message->data, message->size);
    return;
  }
  if (message->kind == CROSSPAGE_MESSAGE_ARRAY) {
    SAY(" dtype=%s shape=%s", message->array.dtype, message->array.ndims ? "" : "-");
    for (uint32_t i = 0; i < message->array.ndims; ++i)
      SAY("%s%" PRIu64, i ? "x" : "", message->array.shape[i]);
  }
  SAY(" bytes=%s", sum(message->data, message->size));
}

static int drain(Handle *from) {
  typedef struct One {
    uint32_t publisher;
    Runs sequences, numbers;
  } One;
  static One all[8];
  memset(all, 0, sizeof all);
  size_t count = 0, publishers = 0;
  crosspage_topic_message message;
  int code;
  while ((code = crosspage_topic_subscriber_try_recv(from->subscriber, &message, &error)) == 0) {
    size_t i = 0;
    while (i < publishers && all[i].publisher != message.meta.publisher_pid) ++i;
    if (i == publishers) all[publishers++].publisher = message.meta.publisher_pid;
    const bool is_struct = message.kind == CROSSPAGE_MESSAGE_STRUCT && layout_of(from);
    add(&all[i].sequences, (int64_t)message.meta.sequence);
    add(&all[i].numbers, is_struct ? number_of(from->layout, message.data)
                                   : message.size ? *(const uint8_t *)message.data : 0);
    crosspage_topic_release(&message);
    ++count;
  }
  if (code != CROSSPAGE_ERR_NO_VALUE) return code;
  SAY(" %zu", count);
  for (size_t i = 0; i < publishers; ++i) {
    end_run(&all[i].sequences);
    end_run(&all[i].numbers);
    SAY(" %" PRIu32 ":%s:%s", all[i].publisher, all[i].sequences.text, all[i].numbers.text);
  }
  return 0;
}

static int recv_many(Handle *from, size_t max, int64_t timeout) {
  if (from->kind == CROSSPAGE_MESSAGE_ANY) return usage("of a type");
  static Runs runs;
  memset(&runs, 0, sizeof runs);
  size_t count = 0;
  int code = 0;
  if (from->kind == CROSSPAGE_MESSAGE_STRUCT) {
    const size_t each = (size_t)from->layout->size;
    uint8_t *values = malloc(max * each);
    code = crosspage_topic_subscriber_recv_many_into(from->subscriber, timeout, values, each, max, NULL, &count,
                                                     &error);
    for (size_t i = 0; code == 0 && i < count; ++i) add(&runs, number_of(from->layout, values + i * each));
    free(values);
  } else {
    crosspage_topic_message message;
    code = crosspage_topic_subscriber_recv(from->subscriber, timeout, &message, &error);
    for (; code == 0; ++count) {
      add(&runs, message.size ? *(const uint8_t *)message.data : 0);
      crosspage_topic_release(&message);
      if (count + 1 < max) code = crosspage_topic_subscriber_try_recv(from->subscriber, &message, &error);
      else code = CROSSPAGE_ERR_NO_VALUE;
    }
    if (code == CROSSPAGE_ERR_NO_VALUE) code = 0;
  }
  end_run(&runs);
  SAY(" %zu %s", count, runs.text);
  return code;
}

static int act_subscriber(Handle *from, const char *verb, char **words, size_t count) {
  crosspage_topic_subscriber *subscriber = from->subscriber;
  crosspage_topic_message message;
  size_t found = 0;
  int code;
  if (strcmp(verb, "recv") == 0 && count == 1) {
    code = crosspage_topic_subscriber_recv(subscriber, timeout_of(words[0]), &message, &error);
    if (code == 0) print_message(from, &message), crosspage_topic_release(&message);
    return code;
  }
  if (strcmp(verb, "try_recv") == 0) {
    code = crosspage_topic_subscriber_try_recv(subscriber, &message, &error);
    if (code == 0) print_message(from, &message), crosspage_topic_release(&message);
    else if (code == CROSSPAGE_ERR_NO_VALUE) SAY(" none"), code = 0;
    return code;
  }
  if (strcmp(verb, "hold") == 0 && count == 2) {
    Held *one = held_at("");
    if (!one) return usage("all is held");
    code = crosspage_topic_subscriber_recv(subscriber, timeout_of(words[1]), &one->message, &error);
    if (code == 0) {
      snprintf(one->slot, sizeof one->slot, "%s", words[0]);
      one->from = from;
      print_message(from, &one->message);
    }
    return code;
  }
  if (strcmp(verb, "recv_many") == 0 && count == 2)
    return recv_many(from, (size_t)strtoull(words[0], NULL, 10), timeout_of(words[1]));
  if (strcmp(verb, "drain") == 0) return drain(from);
  if (strcmp(verb, "lost") == 0) return SAY(" %" PRIu64, crosspage_topic_subscriber_lost(subscriber)), 0;
  if (strcmp(verb, "publishers") == 0) return SAY(" %zu", crosspage_topic_subscriber_publishers(subscriber)), 0;
  if (strcmp(verb, "wait_publishers") == 0 && count == 2) {
    code = crosspage_topic_subscriber_wait_publishers(subscriber, (size_t)strtoull(words[0], NULL, 10),
                                                      timeout_of(words[1]), &found, &error);
    SAY(" %zu", found);
    return code;
  }
  if (strcmp(verb, "event") == 0 && count == 1) {
    crosspage_topic_event event;
    code = crosspage_topic_subscriber_wait_event(subscriber, timeout_of(words[0]), &event, &error);
    return told(code, &event);
  }
  return usage("a subscriber does not do this");
}

static int act(char **words, size_t count) {
  const char *verb = words[0];
  if (count >= 4 && (strcmp(verb, "publisher") == 0 || strcmp(verb, "subscriber") == 0))
    return attach(*verb == 'p', words + 1, count - 1);
  if (strcmp(verb, "reset") == 0) {
    for (size_t i = 0; i < sizeof held / sizeof *held; ++i)
      if (held[i].slot[0]) let_go(&held[i]);
    for (size_t i = 0; i < sizeof handles / sizeof *handles; ++i) close_handle(&handles[i]);
    return 0;
  }
  if (count < 2) return usage("what?");
  if (strcmp(verb, "remove") == 0) return crosspage_remove(words[1], count > 2, &error);
  if (strcmp(verb, "check") == 0 || strcmp(verb, "release") == 0) {
    Held *one = held_at(words[1]);
    if (!one) return usage("nothing is held there");
    if (*verb == 'r') let_go(one);
    else print_message((Handle *)one->from, &one->message);
    return 0;
  }
  Handle *handle = handle_named(words[1]);
  if (!handle) return usage("no such handle");
  if (strcmp(verb, "close") == 0) return close_handle(handle), 0;
  return handle->publisher ? act_publisher(handle, verb, words + 2, count - 2)
                           : act_subscriber(handle, verb, words + 2, count - 2);
}

int main(void) {
  static char line[1 << 16];
#ifdef _WIN32
  _setmode(_fileno(stdout), _O_BINARY);
#endif
  printf("ready %d\n", (int)getpid());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    char *words[64];
    size_t count = 0;
    for (char *word = strtok(line, " \r\n"); word && count < 64; word = strtok(NULL, " \r\n")) words[count++] = word;
    if (count == 0) continue;
    if (strcmp(words[0], "quit") == 0) break;
    answer[0] = '\0';
    const int code = act(words, count);
    if (code) {
      snprintf(answer, sizeof answer, "%s%s%s", error.message, error.hint[0] ? " / hint: " : "", error.hint);
      for (char *c = answer; *c; ++c)
        if (*c == '\n') *c = ' ';
      printf("error %s %s\n", name_of(code), answer);
    } else {
      printf("ok%s\n", answer);
    }
    fflush(stdout);
  }
  /* Handles are left to the end of the process, as many a program does. */
  return 0;
}
