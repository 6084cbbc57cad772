/* The golden record from C; see README.md beside this file. */

#include <crosspage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct SharedData {
  int processId;
  char message[500];
  bool dataReady;
  int counter;
  double temperature;
  float coordinates[3];
  char userName[50];
  long long timestamp;
  int dataArray[10];
} SharedData;

static const crosspage_field fields[] = {
    CROSSPAGE_FIELD(SharedData, processId),   CROSSPAGE_FIELD(SharedData, message),
    CROSSPAGE_FIELD(SharedData, dataReady),   CROSSPAGE_FIELD(SharedData, counter),
    CROSSPAGE_FIELD(SharedData, temperature), CROSSPAGE_FIELD(SharedData, coordinates),
    CROSSPAGE_FIELD(SharedData, userName),    CROSSPAGE_FIELD(SharedData, timestamp),
    CROSSPAGE_FIELD(SharedData, dataArray),
};
static const crosspage_struct shared_data = CROSSPAGE_LAYOUT(SharedData, fields);

static const SharedData golden = {
    .processId = 4242,
    .message = "Grüße, 世界",
    .dataReady = true,
    .counter = 42,
    .temperature = 23.5,
    .coordinates = {10.5f, 20.3f, 30.8f},
    .userName = "Zoë",
    .timestamp = 1763800000000,
    .dataArray = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100},
};

/* What lies in the padding is nobody's. */
static bool same(const SharedData *a, const SharedData *b) {
  return a->processId == b->processId && memcmp(a->message, b->message, sizeof a->message) == 0 &&
         a->dataReady == b->dataReady && a->counter == b->counter && a->temperature == b->temperature &&
         memcmp(a->coordinates, b->coordinates, sizeof a->coordinates) == 0 &&
         memcmp(a->userName, b->userName, sizeof a->userName) == 0 && a->timestamp == b->timestamp &&
         memcmp(a->dataArray, b->dataArray, sizeof a->dataArray) == 0;
}

static crosspage_error error = CROSSPAGE_ERROR_INIT;

static int write_golden(const char *page) {
  crosspage_latest_writer *writer = NULL;
  if (crosspage_latest_writer_create(page, &shared_data, NULL, &writer, &error)) return 1;
  const int failed = crosspage_latest_writer_write(writer, &golden, sizeof golden, NULL, &error);
  crosspage_latest_writer_free(writer);
  return failed != 0;
}

static int check(const SharedData *data) {
  if (!same(data, &golden)) {
    strcpy(error.message, "not the golden record");
    return 1;
  }
  puts("golden ok");
  return 0;
}

static int read_golden(const char *page) {
  crosspage_latest_reader *reader = NULL;
  SharedData data;
  if (crosspage_latest_reader_open(page, &shared_data, NULL, &reader, &error)) return 1;
  const int failed = crosspage_latest_reader_read(reader, &data, sizeof data, NULL, &error);
  crosspage_latest_reader_free(reader);
  return failed != 0 || check(&data);
}

static int hold_golden(const char *segment) {
  crosspage_foreign_view *view = NULL;
  if (crosspage_foreign_create(segment, &shared_data, 1024, NULL, &view, &error)) return 1;
  const int failed = crosspage_foreign_write_with_ready(view, "dataReady", &golden, sizeof golden, &error);
  if (!failed) {
    puts("golden held");
    fflush(stdout);
    getchar();
  }
  crosspage_foreign_free(view);
  /* On Windows it went with the view. */
  const bool stays = strncmp(segment, "win:", 4) != 0;
  return failed != 0 || (stays && crosspage_remove(segment, false, &error) != 0);
}

static int view_golden(const char *segment) {
  crosspage_foreign_view *view = NULL;
  SharedData data;
  if (crosspage_foreign_open(segment, &shared_data, NULL, &view, &error)) return 1;
  const int64_t ten_seconds = INT64_C(10000000000);
  const int failed = crosspage_foreign_read_ready(view, "dataReady", ten_seconds, &data, sizeof data, &error);
  crosspage_foreign_free(view);
  return failed != 0 || check(&data);
}

static int print_layout(void) {
  crosspage_layout *layout = NULL;
  if (crosspage_layout_from_struct(&shared_data, &layout, &error)) return 1;
  unsigned char canonical[4096];
  const size_t size = crosspage_layout_canonical(layout, canonical, sizeof canonical);
  crosspage_layout_free(layout);
  for (size_t i = 0; i < size && i < sizeof canonical; ++i) printf("%02x", canonical[i]);
  puts("");
  return 0;
}

int main(int argc, char **argv) {
  const char *action = argc == 3 ? argv[1] : "";
  int failed = 1;
  if (strcmp(action, "write") == 0) failed = write_golden(argv[2]);
  else if (strcmp(action, "read") == 0) failed = read_golden(argv[2]);
  else if (strcmp(action, "hold") == 0) failed = hold_golden(argv[2]);
  else if (strcmp(action, "view") == 0) failed = view_golden(argv[2]);
  else if (strcmp(action, "layout") == 0) failed = print_layout();
  else strcpy(error.message, "golden write|read|layout PAGE, golden hold|view SEGMENT");
  if (failed) fprintf(stderr, "error: %s\n", error.message);
  return failed;
}
