/* The C ABI from C: latest, foreign, layouts, the rest. */
#include "check.h"

/* The ABI: these sizes are frozen (64 bits). */
_Static_assert(sizeof(crosspage_error) == 2048, "crosspage_error");
_Static_assert(sizeof(crosspage_field) == 96 || sizeof(void *) != 8, "crosspage_field");
_Static_assert(sizeof(crosspage_struct) == 48 || sizeof(void *) != 8, "crosspage_struct");
_Static_assert(sizeof(crosspage_enum) == 32 || sizeof(void *) != 8, "crosspage_enum");
_Static_assert(sizeof(crosspage_latest_options) == 48, "crosspage_latest_options");
_Static_assert(sizeof(crosspage_meta) == 24, "crosspage_meta");
_Static_assert(sizeof(crosspage_latest_pin) == 120 || sizeof(void *) != 8, "crosspage_latest_pin");
_Static_assert(sizeof(crosspage_foreign_options) == 24, "crosspage_foreign_options");
_Static_assert(sizeof(crosspage_page_info) == 88 || sizeof(void *) != 8, "crosspage_page_info");

static int add(void *context, void *value) {
  ((SharedData *)value)->counter += *(int *)context;
  return 0;
}

static int refuse(void *context, void *value) {
  (void)context;
  ((SharedData *)value)->counter = -1;
  return 5;
}

static int count_pages(void *context, const crosspage_page_info *page) {
  if (strcmp(page->type, "SharedData") == 0 && page->participant_count == 2 &&
      strcmp(page->participants[0].language, "C") == 0)
    ++*(int *)context;
  return 0;
}

static void latest(void) {
  crosspage_latest_options options = {.struct_size = sizeof options, .max_pins = 1};
  crosspage_latest_writer *writer;
  crosspage_latest_reader *reader;
  CHECK(crosspage_latest_reader_open("c", &shared_data, NULL, &reader, &error) == CROSSPAGE_ERR_NOT_FOUND);
  CHECK(error.code == CROSSPAGE_ERR_NOT_FOUND && strstr(error.message, "\"c\"") != NULL);
  CHECK(crosspage_latest_writer_create("c", &shared_data, &options, &writer, &error) == 0);
  CHECK(crosspage_latest_reader_open("c", &shared_data, NULL, &reader, &error) == 0);

  SharedData data = {.counter = 42, .message = "hello"}, other = {0};
  crosspage_meta meta;
  uint64_t version = 0;
  CHECK(crosspage_latest_reader_read(reader, &other, sizeof other, &meta, &error) == CROSSPAGE_ERR_NO_VALUE);
  CHECK(crosspage_latest_writer_write(writer, &data, sizeof data, &version, &error) == 0 && version == 1);
  CHECK(crosspage_latest_reader_read(reader, &other, sizeof other, &meta, &error) == 0);
  CHECK(other.counter == 42 && strcmp(other.message, "hello") == 0 && meta.version == 1);
  CHECK(crosspage_latest_writer_write(writer, &data, sizeof data, NULL, NULL) == 0);

  int five = 5;
  CHECK(crosspage_latest_writer_update(writer, &data, sizeof data, add, &five, &version, &error) == 0 && version == 3);
  CHECK(crosspage_latest_writer_update(writer, &data, sizeof data, refuse, NULL, NULL, &error) ==
        CROSSPAGE_ERR_CANCELLED);
  CHECK(crosspage_latest_writer_write_with(writer, sizeof data, refuse, NULL, NULL, &error) == CROSSPAGE_ERR_CANCELLED);
  CHECK(crosspage_latest_reader_wait_changed(reader, 2, CROSSPAGE_FOREVER, &other, sizeof other, &meta, &error) == 0);
  CHECK(other.counter == 47 && meta.version == 3);
  CHECK(crosspage_latest_reader_wait_changed(reader, 3, 1000000, &other, sizeof other, &meta, &error) ==
        CROSSPAGE_ERR_TIMED_OUT);

  crosspage_latest_pin pin;
  CHECK(crosspage_latest_reader_pin(reader, &pin, &error) == 0);
  CHECK(((const SharedData *)pin.value)->counter == 47 && pin.size == sizeof(SharedData) && pin.meta.version == 3);
  CHECK(((uintptr_t)pin.value & 63) == 0);
  CHECK(crosspage_latest_writer_write_with(writer, sizeof data, add, &five, &version, &error) == 0 && version == 4);
  CHECK(((const SharedData *)pin.value)->counter == 47);
  crosspage_latest_unpin(&pin);
  crosspage_latest_unpin(&pin);

  int pages = 0;
  CHECK(crosspage_list(count_pages, &pages, &error) == 0 && pages == 1);
  CHECK(crosspage_remove("c", false, &error) == CROSSPAGE_ERR_IN_USE);

  /* What is wrong is said, and nothing happens. */
  CHECK(crosspage_latest_writer_write(writer, &data, 17, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(strstr(error.message, "17 bytes, SharedData has 632") != NULL);
  CHECK(crosspage_latest_writer_write(writer, NULL, sizeof data, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_writer_write(NULL, &data, sizeof data, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_writer_update(writer, &data, sizeof data, NULL, NULL, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_reader_read(NULL, &other, sizeof other, NULL, NULL) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_reader_open(NULL, &shared_data, NULL, &reader, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_reader_open("\xff", &shared_data, NULL, &reader, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_reader_open("c", &shared_data, NULL, NULL, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_latest_writer_create("d", NULL, NULL, &writer, &error) == CROSSPAGE_ERR_INVALID);
  options.checksum = 3;
  CHECK(crosspage_latest_writer_create("d", &shared_data, &options, &writer, &error) == CROSSPAGE_ERR_INVALID);

  crosspage_latest_writer_close(writer);
  CHECK(crosspage_latest_writer_write(writer, &data, sizeof data, NULL, &error) == CROSSPAGE_ERR_CLOSED);
  crosspage_latest_writer_free(writer);
  CHECK(crosspage_latest_reader_read(reader, &other, sizeof other, NULL, &error) == 0 && other.counter == 5);
  crosspage_latest_reader_close(reader);
  CHECK(crosspage_latest_reader_read(reader, &other, sizeof other, NULL, &error) == CROSSPAGE_ERR_CLOSED);
  crosspage_latest_reader_free(reader);
  crosspage_latest_writer_free(NULL);
  crosspage_latest_reader_free(NULL);
  crosspage_latest_writer_close(NULL);
  crosspage_latest_reader_close(NULL);
  CHECK(crosspage_remove("c", false, &error) == 0);
}

/* Options of an older and of a newer header. */
static void growth(void) {
  struct {
    crosspage_latest_options known;
    uint64_t unknown;
  } newer = {CROSSPAGE_LATEST_OPTIONS_INIT, 0};
  newer.known.struct_size = sizeof newer;
  crosspage_latest_writer *writer;
  CHECK(crosspage_latest_writer_create("g", &shared_data, &newer.known, &writer, &error) == 0);
  crosspage_latest_writer_free(writer);
  newer.unknown = 1;
  CHECK(crosspage_latest_writer_create("g", &shared_data, &newer.known, &writer, &error) == CROSSPAGE_ERR_UNSUPPORTED);
  struct {
    uint32_t struct_size, writers;
  } older = {sizeof older, 1};
  CHECK(crosspage_latest_writer_create("g", &shared_data, (const void *)&older, &writer, &error) == 0);
  crosspage_latest_writer_free(writer);
  older.struct_size = 0;
  CHECK(crosspage_latest_writer_create("g", &shared_data, (const void *)&older, &writer, &error) ==
        CROSSPAGE_ERR_INVALID);
}

/* Long messages need room, and short of it are cut between characters. */
static void long_errors(void) {
  static crosspage_field fields[100];
  static char names[100][32];
  for (int i = 0; i < 100; i++) {
    snprintf(names[i], sizeof names[i], "a_field_of_many_%d", i);
    fields[i] = (crosspage_field){.name = names[i], .offset = (uint64_t)i * 4, .size = 4, .type = CROSSPAGE_TYPE_I32};
  }
  crosspage_struct many = {sizeof many, sizeof fields[0], "Many", 400, 4, fields, 100};
  crosspage_latest_writer *writer;
  crosspage_latest_reader *reader;
  CHECK(crosspage_latest_writer_create("many", &many, NULL, &writer, &error) == 0);
  for (int i = 0; i < 100; i++) fields[i].type = CROSSPAGE_TYPE_F32;
  CHECK(crosspage_latest_reader_open("many", &many, NULL, &reader, &error) == CROSSPAGE_ERR_LAYOUT_MISMATCH);
  CHECK(strlen(error.message) == sizeof error.message - 1);
  CHECK(strcmp(error.message + sizeof error.message - 4, "…") == 0);
  static union {
    crosspage_error head;
    char bytes[20000];
  } large;
  memset(&large, 'x', sizeof large);
  large.head.size = sizeof large;
  CHECK(crosspage_latest_reader_open("many", &many, NULL, &reader, &large.head) == CROSSPAGE_ERR_LAYOUT_MISMATCH);
  const char *message = large.bytes + offsetof(crosspage_error, message);
  CHECK(strstr(message, "a_field_of_many_99") != NULL && strlen(message) > 5000);
  large.head.size = 16 + 496 + 8;
  memset(large.bytes + 16, 'x', 1000);
  CHECK(crosspage_latest_reader_open("many", &many, NULL, &reader, &large.head) == CROSSPAGE_ERR_LAYOUT_MISMATCH);
  CHECK(strcmp(message, "layo…") == 0 && message[8] == 'x');
  crosspage_latest_writer_free(writer);
}

static void layouts(void) {
  crosspage_layout *layout;
  crosspage_field field;
  CHECK(crosspage_layout_from_struct(&shared_data, &layout, &error) == 0);
  const crosspage_struct *table = crosspage_layout_struct(layout);
  CHECK(table->count == 9 && table->size == 632 && strcmp(table->fields[4].unit, "°C") == 0);
  CHECK(crosspage_layout_find(layout, "data_array[3]", &field, &error) == 0);
  CHECK(field.offset == 604 && field.type == CROSSPAGE_TYPE_I32 && field.ndims == 0 && field.size == 4);
  CHECK(crosspage_layout_find(layout, "mesage", &field, &error) == CROSSPAGE_ERR_NOT_FOUND);
  CHECK(strstr(error.hint, "message") != NULL);
  CHECK(crosspage_layout_canonical(layout, NULL, 0) > 100);

  SharedData data = {.temperature = 23.5, .coordinates = {10.5f, 20.3f, 30.8f}};
  char *json;
  CHECK(crosspage_value_json(layout, &data, sizeof data, &json, &error) == 0);
  CHECK(strstr(json, "\"coordinates\":[10.5,20.3,30.8]") != NULL);
  crosspage_string_free(json);
  json = crosspage_layout_json(layout);
  CHECK(strstr(json, "\"name\":\"temperature\",\"type\":\"f64\",\"offset\":512,\"size\":8,\"unit\":\"°C\"") != NULL);
  crosspage_string_free(json);
  crosspage_string_free(NULL);
  crosspage_layout_free(layout);
  crosspage_layout_free(NULL);

  /* Tables that no struct has. */
  crosspage_field wrong[2] = {shared_data_fields[0], shared_data_fields[3]};
  crosspage_struct bad = {sizeof bad, sizeof wrong[0], "Bad", 632, 8, wrong, 2};
  wrong[1].offset = 2;
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(strstr(error.message, "overlaps") != NULL);
  wrong[1].offset = 630;
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  wrong[1] = shared_data_fields[3];
  wrong[1].size = 5;
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  wrong[1].type = 99;
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  wrong[1] = shared_data_fields[3];
  wrong[1].ndims = 5;
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  wrong[1].ndims = 2; /* a tail of nothing: its elements have a dimension of 0 */
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  wrong[1] = shared_data_fields[3];
  wrong[1].type = CROSSPAGE_TYPE_STRUCT;
  wrong[1].nested = &bad; /* itself, without end */
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  wrong[1].nested = NULL;
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  wrong[1] = shared_data_fields[3];
  wrong[1].name = "process_id";
  CHECK(crosspage_layout_from_struct(&bad, &layout, &error) == CROSSPAGE_ERR_INVALID);
  CHECK(crosspage_layout_from_struct(NULL, &layout, &error) == CROSSPAGE_ERR_INVALID);
}

int main(void) {
  CHECK(strcmp(crosspage_version(), "0.1.0") == 0);
  crosspage_namespace *ns;
  CHECK(crosspage_testing_namespace(&ns, &error) == 0);
  latest();
  growth();
  long_errors();
  layouts();
  crosspage_namespace_free(ns);
  crosspage_namespace_free(NULL);
  return 0;
}
