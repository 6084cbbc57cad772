/* Prints the tables that the macros make. With -DBAD_x: what must not compile. */
#include <inttypes.h>
#include <stdio.h>

#include <crosspage.h>

typedef enum Mode { MODE_IDLE = -1, MODE_RUNNING = 7 } Mode;
typedef struct Point {
  float x, y;
} Point;
typedef struct Everything {
  bool b;
  char c;
  signed char sc;
  unsigned char uc;
  short s;
  unsigned short us;
  int i;
  unsigned u;
  long long ll;
  unsigned long long ull;
  float f;
  double d;
  char text[5];
  uint8_t bytes[7];
  double list[3];
  bool flags[4];
  int grid[2][3];
  char lines[3][10];
  Point point;
  Point points[4];
  Mode mode;
  Mode modes[2];
  Mode plain;
  int noted_grid[2][3];
  char noted_lines[2][4];
  Point noted_point;
  Point noted_points[2];
  Mode noted_mode;
  Mode noted_modes[2];
} Everything;

CROSSPAGE_STRUCT(Point, x, y);
static const crosspage_enumerator mode_values[] = {{"idle", MODE_IDLE}, {"running", MODE_RUNNING}};
static const crosspage_enum mode = CROSSPAGE_ENUM(Mode, mode_values);
static const crosspage_field fields[] = {
    CROSSPAGE_FIELD(Everything, b),
    CROSSPAGE_FIELD(Everything, c),
    CROSSPAGE_FIELD(Everything, sc),
    CROSSPAGE_FIELD(Everything, uc),
    CROSSPAGE_FIELD(Everything, s),
    CROSSPAGE_FIELD(Everything, us),
    CROSSPAGE_FIELD(Everything, i),
    CROSSPAGE_FIELD(Everything, u),
    CROSSPAGE_FIELD(Everything, ll),
    CROSSPAGE_FIELD(Everything, ull),
    CROSSPAGE_FIELD_UNIT(Everything, f, "m"),
    CROSSPAGE_FIELD_DOC(Everything, d, "s", "how long"),
    CROSSPAGE_FIELD(Everything, text),
    CROSSPAGE_FIELD(Everything, bytes),
    CROSSPAGE_FIELD(Everything, list),
    CROSSPAGE_FIELD(Everything, flags),
    CROSSPAGE_FIELD_2D(Everything, grid),
    CROSSPAGE_FIELD_TEXTS(Everything, lines),
    CROSSPAGE_FIELD_STRUCT(Everything, point, Point_layout),
    CROSSPAGE_FIELD_STRUCTS(Everything, points, Point_layout),
    CROSSPAGE_FIELD_ENUM(Everything, mode, mode),
    CROSSPAGE_FIELD_ENUMS(Everything, modes, mode),
    CROSSPAGE_FIELD(Everything, plain),
    CROSSPAGE_FIELD_2D_DOC(Everything, noted_grid, "m", "of the floor"),
    CROSSPAGE_FIELD_TEXTS_DOC(Everything, noted_lines, NULL, "to print"),
    CROSSPAGE_FIELD_STRUCT_DOC(Everything, noted_point, Point_layout, "m", NULL),
    CROSSPAGE_FIELD_STRUCTS_DOC(Everything, noted_points, Point_layout, NULL, "of both"),
    CROSSPAGE_FIELD_ENUM_DOC(Everything, noted_mode, mode, NULL, "now"),
    CROSSPAGE_FIELD_ENUMS_DOC(Everything, noted_modes, mode, NULL, "then"),
};
static const crosspage_struct everything = CROSSPAGE_LAYOUT(Everything, fields);

#if defined(BAD_pointer)
typedef struct Bad { int *member; } Bad;
#elif defined(BAD_text_pointer)
typedef struct Bad { const char *member; } Bad;
#elif defined(BAD_void_pointer)
typedef struct Bad { void *member; } Bad;
#elif defined(BAD_long_double)
typedef struct Bad { long double member; } Bad;
#elif defined(BAD_nested)
typedef struct Bad { Point member; } Bad;
#else
typedef struct Bad { int member; } Bad;
#endif
static const crosspage_field bad[] = {CROSSPAGE_FIELD(Bad, member)};

int main(void) {
  printf("%s: %" PRIu64 " bytes, align %" PRIu64 "\n", everything.name, everything.size, everything.align);
  for (size_t i = 0; i < everything.count; i++) {
    const crosspage_field *f = &everything.fields[i];
    printf("%" PRIu64 " %s: type %" PRIu32 ", %" PRIu64 " bytes", f->offset, f->name, f->type, f->size);
    for (uint32_t d = 0; d < f->ndims; d++) printf(", [%" PRIu64 "]", f->dims[d]);
    if (f->nested) printf(", %s", f->nested->name);
    if (f->enumeration) printf(", %s of type %" PRIu32, f->enumeration->name, f->enumeration->repr);
    if (f->unit) printf(", in %s", f->unit);
    if (f->doc) printf(", %s", f->doc);
    printf("\n");
  }
  printf("%s\n", bad[0].name);
  crosspage_layout *layout = NULL;
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  if (crosspage_layout_from_struct(&everything, &layout, &error)) {
    printf("refused: %s\n", error.message);
    return 1;
  }
  crosspage_layout_free(layout);
  return 0;
}
