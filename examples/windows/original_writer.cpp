// The original project's writer, with nothing but the Windows API: it knows nothing of crosspage, and
// examples/python/latest_reader.py reads it all the same, as `crosspage show` does.
//
//     x86_64-w64-mingw32-g++-posix -std=c++17 -static original_writer.cpp -o original_writer.exe
//     original_writer.exe [NAME]
//
// The segment lives as long as somebody has it open: this program waits for Enter.

#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

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

static int failed(const char *what) {
  std::cerr << "error: " << what << " failed with code " << GetLastError() << "\n";
  return 1;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "Local\\IPCSharedMemory";
  const HANDLE mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, 1024, name);
  if (!mapping) return failed("CreateFileMapping");
  auto *data = static_cast<SharedData *>(MapViewOfFile(mapping, FILE_MAP_ALL_ACCESS, 0, 0, 1024));
  if (!data) return failed("MapViewOfFile");
  std::cout << "Shared memory \"" << name << "\" created successfully\n\n";

  data->dataReady = false;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  data->processId = static_cast<int>(GetCurrentProcessId());
  std::snprintf(data->message, sizeof data->message,
                "Hello from C++ Process!\n"
                "This is inter-process communication demonstration.\n"
                "Data is being shared through shared memory segment.\n"
                "Process ID: %d",
                data->processId);
  data->counter = 42;
  data->temperature = 23.5;
  const float coordinates[] = {10.5f, 20.3f, 30.8f};
  for (int i = 0; i < 3; ++i) data->coordinates[i] = coordinates[i];
  const char *user = std::getenv("USERNAME");
  std::snprintf(data->userName, sizeof data->userName, "%s", user ? user : "unknown");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  data->timestamp = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  for (int i = 0; i < 10; ++i) data->dataArray[i] = 10 * (i + 1);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  data->dataReady = true;

  std::cout << "=== C++ Program Output ===\n"
            << "Process ID: " << data->processId << "\n"
            << "Counter: " << data->counter << "\n"
            << "Temperature: " << data->temperature << " \xc2\xb0" "C\n"
            << "Coordinates: [" << data->coordinates[0] << ", " << data->coordinates[1] << ", " << data->coordinates[2] << "]\n"
            << "Username: " << data->userName << "\n"
            << "Timestamp: " << data->timestamp << " ms\n"
            << "Data Array: [";
  for (int i = 0; i < 10; ++i) std::cout << (i ? ", " : "") << data->dataArray[i];
  const std::string dashes(50, '-');
  std::cout << "]\n\nMessage written to shared memory:\n" << dashes << "\n" << data->message << "\n" << dashes
            << "\n\nData written to shared memory successfully!\n"
            << "Python program can now read this data.\n"
            << "Press Enter to cleanup and exit..." << std::flush;
  std::string line;
  std::getline(std::cin, line);
  UnmapViewOfFile(data);
  CloseHandle(mapping);
  std::cout << "Shared memory closed.\n";
}
