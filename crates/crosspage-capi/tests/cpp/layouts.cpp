// Prints the layout tables of many structs, and links no library. The expected output is beside it.
#include <cinttypes>
#include <cstdio>

#include <crosspage/layout.hpp>

#if CROSSPAGE_PLAIN_STRUCTS
#define DECLARE(...) static_assert(true, "")
#else
#define DECLARE(...) CROSSPAGE_STRUCT(__VA_ARGS__)
#endif

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
CROSSPAGE_UNITS(SharedData, (temperature, "°C"), (timestamp, "ms", "when it was written"));
DECLARE(SharedData, processId, message, dataReady, counter, temperature, coordinates, userName, timestamp,
        dataArray);

namespace packed {
#pragma pack(push, 1)
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
#pragma pack(pop)
DECLARE(SharedData, processId, message, dataReady, counter, temperature, coordinates, userName, timestamp,
        dataArray);
}  // namespace packed

namespace app {
enum class Mode : std::uint8_t { idle, running = 7, failed = 255 };
CROSSPAGE_ENUM(Mode, idle, running, failed);
enum Level { low = -1, high = 1 };
enum class Opaque : std::int64_t {};

template <class T>
struct Vec {
  T x, y, z;
};
DECLARE(Vec<float>, x, y, z);

struct Joint {
  double angle;
  std::array<Vec<float>, 2> ends;
};
DECLARE(Joint, angle, ends);

struct __attribute__((packed)) Attribute {
  char flag;
  double value;
};
DECLARE(Attribute, flag, value);

struct Everything {
  bool b;
  char c;
  signed char sc;
  unsigned char uc;
  short s;
  unsigned short us;
  int i;
  unsigned u;
  long l;
  unsigned long ul;
  long long ll;
  unsigned long long ull;
  float f;
  double d;
  std::byte raw[3];
  char text[5];
  char lines[4][20];
  std::array<char, 7> name;
  std::array<std::array<std::int16_t, 3>, 2> grid;
  float matrix[3][4];
  std::int16_t tensor[2][3][4];
  Mode mode;
  Level levels[2];
  Opaque opaque;
  Joint joints[6];
  Attribute attribute;
  alignas(32) int aligned;
  int größe = 4;
};
DECLARE(Everything, b, c, sc, uc, s, us, i, u, l, ul, ll, ull, f, d, raw, text, lines, name, grid, matrix, tensor, mode,
        levels, opaque, joints, attribute, aligned, größe);
}  // namespace app

// No aggregate, so it needs the line in C++20 too.
class Point {
 public:
  Point(int x_, int y_) : x(x_), y(y_) {}
  int x, y;
  int sum() const { return x + y; }
};
CROSSPAGE_STRUCT(Point, x, y);

struct Wide {
#define TEN(p) int p##0, p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9
  TEN(a); TEN(b); TEN(c); TEN(d); TEN(e); TEN(f); TEN(g); TEN(h); TEN(i); TEN(j); TEN(k); TEN(l);
  char last[8];
  int m1, m2, m3, m4, m5, m6, m7;
};
#define NAMES(p) p##0, p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9
DECLARE(Wide, NAMES(a), NAMES(b), NAMES(c), NAMES(d), NAMES(e), NAMES(f), NAMES(g), NAMES(h), NAMES(i), NAMES(j),
        NAMES(k), NAMES(l), last, m1, m2, m3, m4, m5, m6, m7);

static const char *type_names[] = {"?",   "bool", "i8",  "i16", "i32",  "i64",    "u8",  "u16",
                                   "u32", "u64",  "f32", "f64", "text", "struct", "enum"};

static void print(const crosspage_struct &s, int indent) {
  std::printf("%*s%s: %" PRIu64 " bytes, align %" PRIu64 "\n", indent, "", s.name, s.size, s.align);
  for (std::size_t i = 0; i < s.count; ++i) {
    const crosspage_field &f = s.fields[i];
    std::uint64_t elements = 1;
    for (std::uint32_t d = 0; d < f.ndims; ++d) elements *= f.dims[d];
    std::printf("%*s%" PRIu64 " %s %s", indent + 2, "", f.offset, f.name, type_names[f.type]);
    if (f.type == CROSSPAGE_TYPE_TEXT) std::printf("[%" PRIu64 "]", f.size / elements);
    for (std::uint32_t d = 0; d < f.ndims; ++d) std::printf("[%" PRIu64 "]", f.dims[d]);
    if (f.unit) std::printf(" in %s", f.unit);
    if (f.doc) std::printf(" (%s)", f.doc);
    std::printf("\n");
    if (f.nested) print(*f.nested, indent + 4);
    if (f.enumeration) {
      std::printf("%*s%s: %s", indent + 4, "", f.enumeration->name, type_names[f.enumeration->repr]);
      for (std::size_t v = 0; v < f.enumeration->count; ++v)
        std::printf(" %s=%" PRId64, f.enumeration->values[v].name, f.enumeration->values[v].value);
      std::printf("\n");
    }
  }
}

int main() {
  struct Local {
    int a;
    double b;
  };
  print(crosspage::layout_of<SharedData>(), 0);
  print(crosspage::layout_of<packed::SharedData>(), 0);
  print(crosspage::layout_of<app::Everything>(), 0);
  print(crosspage::layout_of<Point>(), 0);
#if CROSSPAGE_PLAIN_STRUCTS
  print(crosspage::layout_of<Local>(), 0);
#else
  std::printf("Local: %zu bytes, align %zu\n  0 a i32\n  %zu b f64\n", sizeof(Local), alignof(Local),
              offsetof(Local, b));
#endif
  const crosspage_struct &wide = crosspage::layout_of<Wide>();
  std::printf("%s: %zu members, last %s at %" PRIu64 "\n", wide.name, wide.count, wide.fields[127].name,
              wide.fields[127].offset);
}
