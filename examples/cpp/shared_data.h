#ifndef SHARED_DATA_H
#define SHARED_DATA_H

// An ordinary struct; nothing in it knows of crosspage.
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

// Where the programs named foreign_... meet those that know nothing of crosspage.
#ifdef _WIN32
inline constexpr char segment[] = "win:Local\\IPCSharedMemory";
#else
inline constexpr char segment[] = "posix:/IPCSharedMemory";
#endif

#endif
