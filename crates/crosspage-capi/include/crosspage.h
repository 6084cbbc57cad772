/* crosspage: typed shared memory that Rust, C, C++ and Python processes agree on. */
#ifndef CROSSPAGE_H
#define CROSSPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Layouts: tables that describe a struct; they need no library ------------------------- */

/* The type of a field. The numbers are append-only. */
typedef enum crosspage_type {
  CROSSPAGE_TYPE_BOOL = 1,
  CROSSPAGE_TYPE_I8 = 2,
  CROSSPAGE_TYPE_I16 = 3,
  CROSSPAGE_TYPE_I32 = 4,
  CROSSPAGE_TYPE_I64 = 5,
  CROSSPAGE_TYPE_U8 = 6,
  CROSSPAGE_TYPE_U16 = 7,
  CROSSPAGE_TYPE_U32 = 8,
  CROSSPAGE_TYPE_U64 = 9,
  CROSSPAGE_TYPE_F32 = 10,
  CROSSPAGE_TYPE_F64 = 11,
  CROSSPAGE_TYPE_TEXT = 12,  /* char[N]: UTF-8, padded with NUL, may fill all N bytes */
  CROSSPAGE_TYPE_STRUCT = 13,
  CROSSPAGE_TYPE_ENUM = 14
} crosspage_type;

typedef struct crosspage_struct crosspage_struct;

/* One named value of an enum. */
typedef struct crosspage_enumerator {
  const char *name;
  int64_t value; /* of a u64 enum: its bits */
} crosspage_enumerator;

/* An enum: an integer with named values. Without values only its integer type is known. */
typedef struct crosspage_enum {
  uint32_t struct_size; /* sizeof(crosspage_enum) */
  uint32_t repr;        /* CROSSPAGE_TYPE_I8 … CROSSPAGE_TYPE_U64 */
  const char *name;
  const crosspage_enumerator *values;
  size_t count;
} crosspage_enum;

/* One member of a struct. `size` is that of the whole member, arrays included, so the length of
 * a text is size / (dims[0] * dims[1]). */
typedef struct crosspage_field {
  const char *name;
  uint64_t offset;
  uint64_t size;
  uint32_t type;                     /* a crosspage_type; of an array: its element's */
  uint32_t ndims;                    /* 0: no array, 1: T[N], 2: T[N][M] */
  uint64_t dims[2];
  const crosspage_struct *nested;    /* CROSSPAGE_TYPE_STRUCT */
  const crosspage_enum *enumeration; /* CROSSPAGE_TYPE_ENUM */
  const char *unit;                  /* or NULL */
  const char *doc;                   /* or NULL */
} crosspage_field;

/* A struct: what is stored in a page, compared and printed. */
struct crosspage_struct {
  uint32_t struct_size; /* sizeof(crosspage_struct) */
  uint32_t field_size;  /* sizeof(crosspage_field): the distance between two fields */
  const char *name;
  uint64_t size;
  uint64_t align;
  const crosspage_field *fields; /* in the order of their offsets */
  size_t count;
};

#ifdef __cplusplus
}
#endif

#endif /* CROSSPAGE_H */
