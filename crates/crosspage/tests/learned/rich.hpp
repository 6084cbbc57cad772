// Structs of a program that knows nothing of crosspage: what can be shared, and what cannot.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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

namespace app {

enum class Mode : std::uint8_t { idle, running = 7, failed = 255 };
enum Level { low = -1, high = 1 };
enum Plain { first, second };

template <class T>
struct Vec {
    T x, y, z;
};

struct Joint {
    double angle;
    std::array<Vec<float>, 2> ends;
};

struct __attribute__((packed)) Packed {
    char flag;
    double value;
    short tail;
};

#pragma pack(push, 4)
struct Four {
    int a;
    double b;
    char c;
};
#pragma pack(pop)

struct Base {
    std::int16_t id;
    char tag;
    bool known;
};

struct Everything : Base {
    bool b;
    signed char sc;
    unsigned char uc;
    unsigned short us;
    const unsigned u = 0;
    volatile long long ll;
    unsigned long long ull;
    float f;
    std::byte raw[3];
    char text[5];
    char lines[4][20];
    std::array<char, 7> name;
    std::array<std::array<std::int16_t, 3>, 2> grid;
    float matrix[3][4];
    Mode mode;
    Level levels[2];
    Plain plain;
    Joint joints[6];
    Packed packed;
    std::atomic<int> atomic;
    std::atomic<bool> flag;
    struct {
        short in1, in2;
    } nested;
    struct {
        int anonymous;
    };
    static int shared_by_all;
    int sum() const { return anonymous; }
};

struct Aligned {
    char c;
    alignas(32) int aligned;
};

struct Outer {
    struct Inner;
    int x;
};

struct Outer::Inner {
    float q;
};

struct OnlyDeclared;

}  // namespace app

typedef struct {
    int a;
} Typedef;

namespace one {
struct Twice {
    int a;
};
}  // namespace one
namespace two {
struct Twice {
    double a;
};
}  // namespace two

union Union {
    int i;
    float f;
};

// What cannot be shared.
struct Pointer { int ok; struct { const char *next; } in; };
struct Reference { int &r; };
struct Function { void (*call)(int); };
struct BitField { int a : 3; };
struct HasUnion { int a; Union u; };
struct AnonymousUnion { int a; union { int x; float y; }; };
struct LongDouble { long double l; };
struct WideChar { wchar_t w[4]; };
struct Utf16 { char16_t c; };
struct Flexible { int n; char data[]; };
struct WithString { int n; std::string s; };
struct WithVector { int n; std::vector<int> v; };
struct Virtual { int n; virtual void f() {} };
struct VirtualBase : virtual app::Base { int n; };
struct Empty {};
struct HasEmpty { int n; Empty e[2]; };
template <int N> struct Deep { Deep<N - 1> in; };
template <> struct Deep<0> { int n; };
struct CaseOnly { int user_name; int userName; };
