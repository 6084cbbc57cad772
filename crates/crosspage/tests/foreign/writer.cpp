// The original project's writer, for POSIX and System V. It knows nothing of crosspage.
//
//   writer posix NAME once     the original SharedData in 1,024 bytes; holds until its input ends
//   writer posix NAME ready    the same, a value each half millisecond, by the ready flag
//   writer posix NAME bursts   the same without caring for the flag, in bursts with pauses
//   writer posix NAME check    the reader of that convention: takes 2,000 values, says how many are torn
//   writer sysv KEY once       {processId, message[900], dataReady}
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <thread>
#include <unistd.h>

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

struct SystemVData {
    int processId;
    char message[900];
    bool dataReady;
};

static const char MESSAGE[] =
    "Hello from C++ Process!\n"
    "This is inter-process communication demonstration.\n"
    "Data is being shared through shared memory segment.\n"
    "Process ID: ";

static bool input_ended() {
    struct pollfd input = {0, POLLIN, 0};
    char byte;
    return poll(&input, 1, 0) > 0 && read(0, &byte, 1) == 0;
}

static void fill(volatile SharedData* data, int n) {
    data->counter = n;
    data->temperature = n;
    data->timestamp = n;
    for (int i = 0; i < 10; i++) data->dataArray[i] = n;
}

static int posix(const char* name, const std::string& mode) {
    int fd = shm_open(name, O_CREAT | O_RDWR, 0600);
    if (fd < 0 || ftruncate(fd, 1024) != 0) return perror("shm_open"), 1;
    auto* data = static_cast<SharedData*>(mmap(nullptr, 1024, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    if (data == MAP_FAILED) return perror("mmap"), 1;
    data->processId = getpid();
    snprintf(data->message, sizeof data->message, "%s%d", MESSAGE, getpid());
    data->counter = 42;
    data->temperature = 23.5;
    data->coordinates[0] = 10.5f;
    data->coordinates[1] = 20.3f;
    data->coordinates[2] = 30.8f;
    strcpy(data->userName, "Zo\xc3\xab");
    data->timestamp = 98765;
    for (int i = 0; i < 10; i++) data->dataArray[i] = 10 * (i + 1);
    data->dataReady = true;
    if (mode == "once") {
        puts("ready");
        fflush(stdout);
        while (getchar() != EOF) {}
    } else {
        fill(data, 1);
        puts("ready");
        fflush(stdout);
        for (int n = 2; !input_ended(); n++) {
            if (mode == "ready") {
                data->dataReady = false;
                std::atomic_thread_fence(std::memory_order_seq_cst);
                fill(data, n);
                std::atomic_thread_fence(std::memory_order_seq_cst);
                data->dataReady = true;
                std::this_thread::sleep_for(std::chrono::microseconds(500));
            } else {
                for (int i = 0; i < 20; i++) fill(data, n++);
                std::this_thread::sleep_for(std::chrono::microseconds(300));
            }
        }
    }
    return 0; // The segment stays: whoever tests removes it.
}

// Takes each value once its flag is set, and says so behind the struct, at byte 1000: only then does
// the other side write the next.
static int check(const char* name) {
    int fd = shm_open(name, O_RDWR, 0600);
    if (fd < 0) return perror("shm_open"), 1;
    auto* data = static_cast<volatile SharedData*>(mmap(nullptr, 1024, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    if (data == MAP_FAILED) return perror("mmap"), 1;
    auto* taken = reinterpret_cast<volatile int*>(reinterpret_cast<volatile char*>(data) + 1000);
    puts("ready");
    fflush(stdout);
    int torn = 0;
    for (int n = 1; n <= 2000; n++) {
        // The counter first: a flag that is seen set before it may still be that of the value before.
        auto ready = [&] {
            if (data->counter != n) return false;
            std::atomic_thread_fence(std::memory_order_seq_cst);
            return data->dataReady;
        };
        for (unsigned turn = 1; !ready(); turn++) {
            if (turn % 1024 == 0) sched_yield();
            if (turn % 65536 == 0 && input_ended()) return 1;
        }
        std::atomic_thread_fence(std::memory_order_seq_cst);
        bool whole = data->timestamp == n && data->temperature == n;
        for (int i = 0; i < 10; i++) whole = whole && data->dataArray[i] == n;
        torn += !whole;
        std::atomic_thread_fence(std::memory_order_seq_cst);
        *taken = n;
    }
    printf("%d torn\n", torn);
    return 0;
}

static int sysv(int key) {
    int id = shmget(key, 1024, IPC_CREAT | 0600);
    if (id < 0) return perror("shmget"), 1;
    void* base = shmat(id, nullptr, 0);
    if (base == reinterpret_cast<void*>(-1)) return perror("shmat"), 1;
    auto* data = static_cast<SystemVData*>(base);
    data->processId = getpid();
    snprintf(data->message, sizeof data->message, "%s%d", MESSAGE, getpid());
    data->dataReady = true;
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {}
    return 0;
}

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    if (std::string(argv[1]) == "sysv") return sysv(atoi(argv[2]));
    return std::string(argv[3]) == "check" ? check(argv[2]) : posix(argv[2], argv[3]);
}
