// The struct of the original project.
#ifndef SHARED_DATA_HPP
#define SHARED_DATA_HPP

#include <crosspage.hpp>

struct SharedData {
  int processId;
  char message[500];
  bool dataReady;
  int counter;
  double temperature;
  float coordinates[3];
  char userName[50];
  long long timestamp;
  int dataArray[10];
};
#if !CROSSPAGE_PLAIN_STRUCTS
CROSSPAGE_STRUCT(SharedData, processId, message, dataReady, counter, temperature, coordinates, userName, timestamp,
                 dataArray);
#endif

#endif
