/* C that is no C++: `class` is a name, and structs are known by `struct`. */
#include <stdbool.h>
#include <stdint.h>

struct Tagged {
    int class;
    _Bool ready;
    char name[8];
    uint8_t raw[4];
    double values[2][3];
};

#pragma pack(push, 1)
struct Pair {
    int a, b;
};
#pragma pack(pop)

#ifdef WIDE
typedef double number;
#else
typedef float number;
#endif
struct Flagged {
    number n;
};
