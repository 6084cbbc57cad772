#ifndef SHARED_DATA_H
#define SHARED_DATA_H

#include <crosspage.h>

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

static const crosspage_field shared_data_fields[] = {
    CROSSPAGE_FIELD(SharedData, processId),
    CROSSPAGE_FIELD(SharedData, message),
    CROSSPAGE_FIELD(SharedData, dataReady),
    CROSSPAGE_FIELD(SharedData, counter),
    CROSSPAGE_FIELD_UNIT(SharedData, temperature, "°C"),
    CROSSPAGE_FIELD(SharedData, coordinates),
    CROSSPAGE_FIELD(SharedData, userName),
    CROSSPAGE_FIELD_UNIT(SharedData, timestamp, "ms"),
    CROSSPAGE_FIELD(SharedData, dataArray),
};
static const crosspage_struct shared_data = CROSSPAGE_LAYOUT(SharedData, shared_data_fields);

/* Where the programs named foreign_... meet those that know nothing of crosspage. */
#ifdef _WIN32
#define SEGMENT "win:Local\\IPCSharedMemory"
#else
#define SEGMENT "posix:/IPCSharedMemory"
#endif

#endif
