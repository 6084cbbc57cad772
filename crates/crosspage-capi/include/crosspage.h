/* crosspage: typed shared memory that Rust, C, C++ and Python processes agree on.
 *
 * Conventions, the same for every function:
 *
 *   - What can fail returns an int: 0, or one of the CROSSPAGE_ERR_ numbers. What cannot fail returns
 *     its result, or nothing.
 *   - The last parameter of what can fail is a crosspage_error for the reason, or NULL. It is written
 *     on failure only. Outputs are written on success only.
 *   - Handles (crosspage_latest_writer, ...) are opaque. Whoever got one frees it with its _free;
 *     freeing NULL does nothing. A handle belongs to one thread at a time; but _close may be called
 *     from any thread, at once ends what waits on the handle, and makes all later calls fail with
 *     CROSSPAGE_ERR_CLOSED. A child after fork() attaches anew: its parent's handles refuse.
 *   - Option structs start with their size and are made by their _INIT macro, or as
 *     `{.struct_size = sizeof options, .writers = 4}`. In all of them 0 means "not given". NULL stands
 *     for a struct in which nothing is given.
 *   - Values are passed with their size, which must be that of the layout.
 *   - A time-out is in nanoseconds: 0 never waits, CROSSPAGE_FOREVER waits for ever.
 *   - Strings are UTF-8 and end with a NUL. A `char *` that a function returns is freed with
 *     crosspage_string_free; a `const char *` belongs to what it was asked of.
 *   - Callbacks must return: no exception and no longjmp may leave them.
 */
#ifndef CROSSPAGE_H
#define CROSSPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CROSSPAGE_VERSION_MAJOR 0
#define CROSSPAGE_VERSION_MINOR 1
#define CROSSPAGE_VERSION_PATCH 0

/* The version of the library that is loaded, such as "0.1.0". */
const char *crosspage_version(void);

/* ---- Errors ------------------------------------------------------------------------------------ */

/* What kind of failure it was. The numbers are append-only. */
enum {
  CROSSPAGE_OK = 0,
  CROSSPAGE_ERR_NOT_FOUND = 1,         /* no segment, field, type or file of this name */
  CROSSPAGE_ERR_PERMISSION_DENIED = 2, /* the operating system refused the access */
  CROSSPAGE_ERR_TIMED_OUT = 3,
  CROSSPAGE_ERR_LAYOUT_MISMATCH = 4,   /* the message lists every difference */
  CROSSPAGE_ERR_ALREADY_OWNED = 5,     /* somebody alive holds the role */
  CROSSPAGE_ERR_REPLACED = 6,          /* the page was replaced or removed: reopen */
  CROSSPAGE_ERR_CORRUPT = 7,           /* the bytes break the format or a checksum */
  CROSSPAGE_ERR_FULL = 8,              /* participants, pins or capacity are used up */
  CROSSPAGE_ERR_TOO_LARGE = 9,
  CROSSPAGE_ERR_NO_SPACE = 10,         /* the file system has no room */
  CROSSPAGE_ERR_UNSUPPORTED = 11,
  CROSSPAGE_ERR_INVALID = 12,          /* a bad name, argument, option or value */
  CROSSPAGE_ERR_IN_USE = 13,
  CROSSPAGE_ERR_CLOSED = 14,
  CROSSPAGE_ERR_FORKED = 15,           /* the handle belongs to the parent process */
  CROSSPAGE_ERR_NO_VALUE = 16,         /* nothing has been written yet */
  CROSSPAGE_ERR_IO = 17,
  CROSSPAGE_ERR_INTERNAL = 18,         /* a defect in crosspage */
  CROSSPAGE_ERR_CANCELLED = -1         /* your callback returned something other than 0 */
};

/* Why a call failed. The message may be as long as `size` allows: whoever expects long ones (a list of
 * many differences between layouts) passes the head of a larger buffer and says so in `size`. What
 * does not fit ends in an ellipsis. */
typedef struct crosspage_error {
  uint32_t size;      /* of this struct, or of the buffer that it heads */
  int32_t code;       /* what the function returned */
  int32_t os_code;    /* errno, or GetLastError(), where one was the cause; otherwise 0 */
  uint32_t reserved;
  char hint[496];     /* what to do next, or "" */
  char message[1536]; /* what happened, without the hint */
} crosspage_error;

#define CROSSPAGE_ERROR_INIT {sizeof(crosspage_error), 0, 0, 0, {0}, {0}}

/* ---- Layouts: tables that describe a struct; they need no library ------------------------------ */

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
  CROSSPAGE_TYPE_TEXT = 12, /* char[N]: UTF-8, padded with NUL, may fill all N bytes */
  CROSSPAGE_TYPE_STRUCT = 13,
  CROSSPAGE_TYPE_ENUM = 14
} crosspage_type;

#define CROSSPAGE_MAX_DIMS 4

typedef struct crosspage_struct crosspage_struct;

/* One named value of an enum. */
typedef struct crosspage_enumerator {
  const char *name;
  int64_t value; /* of a u64 enum: its bits */
} crosspage_enumerator;

/* An enum: an integer with named values. Without values only its integer type is known. */
typedef struct crosspage_enum {
  uint32_t struct_size; /* sizeof(crosspage_enum) */
  uint32_t repr;        /* CROSSPAGE_TYPE_I8 ... CROSSPAGE_TYPE_U64 */
  const char *name;
  const crosspage_enumerator *values;
  size_t count;
} crosspage_enum;

/* One member of a struct. `size` is that of the whole member, arrays included, so the length of a text
 * is size divided by all dims. In messages of a topic the last member may be a tail, T[]: its first dim is 0, and its
 * size that of one element; there are as many as the message has bytes for. */
typedef struct crosspage_field {
  const char *name;
  uint64_t offset;
  uint64_t size;
  uint32_t type;  /* a crosspage_type; of an array: its element's */
  uint32_t ndims; /* 0: no array, 1: T[N] or a tail T[], 2: T[N][M], ... */
  uint64_t dims[CROSSPAGE_MAX_DIMS];
  const crosspage_struct *nested;    /* of CROSSPAGE_TYPE_STRUCT */
  const crosspage_enum *enumeration; /* of CROSSPAGE_TYPE_ENUM */
  const char *unit;                  /* or NULL */
  const char *doc;                   /* or NULL */
} crosspage_field;

/* A struct: what is stored in a page, compared and printed. */
struct crosspage_struct {
  uint32_t struct_size; /* sizeof(crosspage_struct) */
  uint32_t field_size;  /* sizeof(crosspage_field): the distance from one field to the next */
  const char *name;
  uint64_t size;
  uint64_t align;
  const crosspage_field *fields;
  size_t count;
};

#ifndef __cplusplus
#include "crosspage/each.h"

/* In C a struct is described by a table (C++ has crosspage.hpp, which needs none). Where all members are
 * numbers, bools, char[N], enums or arrays of these with one dimension, one line makes it, as
 * Telemetry_layout:
 *
 *     CROSSPAGE_STRUCT(Telemetry, counter, temperature, label);
 *
 * Otherwise it is written out:
 *
 *     static const crosspage_field shared_data_fields[] = {
 *         CROSSPAGE_FIELD(SharedData, processId),
 *         CROSSPAGE_FIELD(SharedData, message),
 *         CROSSPAGE_FIELD_UNIT(SharedData, temperature, "°C"),
 *     };
 *     static const crosspage_struct shared_data = CROSSPAGE_LAYOUT(SharedData, shared_data_fields);
 *
 * CROSSPAGE_FIELD finds the type of numbers, bools, char[N], enums (as their integers) and arrays of
 * these with one dimension; the others have a macro of their own, and each has one that ends in _DOC and
 * takes a unit and a meaning (or NULL) besides. A pointer, or another type that
 * cannot be shared, does not compile. A member that the table leaves out is not noticed: name all. */
#define CROSSPAGE_STRUCT(Struct, ...)                                                       \
  static const crosspage_field Struct##_fields_[] = {                                       \
      CROSSPAGE_EACH(CROSSPAGE_FIELD, Struct, __VA_ARGS__)};                                \
  static const crosspage_struct Struct##_layout = CROSSPAGE_LAYOUT(Struct, Struct##_fields_)

#define CROSSPAGE_LAYOUT(Struct, table)                                              \
  {sizeof(crosspage_struct), sizeof(crosspage_field), #Struct, sizeof(Struct),       \
   _Alignof(Struct),         table,                   sizeof(table) / sizeof((table)[0])}

#define CROSSPAGE_FIELD(Struct, member) CROSSPAGE_FIELD_DOC(Struct, member, NULL, NULL)
#define CROSSPAGE_FIELD_UNIT(Struct, member, unit) CROSSPAGE_FIELD_DOC(Struct, member, unit, NULL)
#define CROSSPAGE_FIELD_DOC(Struct, member, unit, doc)                                     \
  {#member,                                                                                \
   offsetof(Struct, member),                                                               \
   sizeof(CROSSPAGE_(Struct, member)) + CROSSPAGE_NO_POINTER_(CROSSPAGE_(Struct, member)), \
   CROSSPAGE_TYPE_OF_(CROSSPAGE_(Struct, member)),                                         \
   CROSSPAGE_ELEMENT_(CROSSPAGE_(Struct, member)) ? 1 : 0,                                 \
   {CROSSPAGE_LENGTH_(CROSSPAGE_(Struct, member))},                                        \
   NULL,                                                                                   \
   NULL,                                                                                   \
   unit,                                                                                   \
   doc}

/* T[N][M] of numbers or bools. */
#define CROSSPAGE_FIELD_2D(Struct, member) CROSSPAGE_FIELD_2D_DOC(Struct, member, NULL, NULL)
#define CROSSPAGE_FIELD_2D_DOC(Struct, member, unit, doc)                                      \
  {#member,                                                                                    \
   offsetof(Struct, member),                                                                   \
   sizeof(CROSSPAGE_(Struct, member)),                                                         \
   CROSSPAGE_TYPE_OF_(CROSSPAGE_(Struct, member)[0]),                                          \
   2,                                                                                          \
   {CROSSPAGE_COUNT_(CROSSPAGE_(Struct, member)), CROSSPAGE_COUNT_(CROSSPAGE_(Struct, member)[0])}, \
   NULL,                                                                                       \
   NULL,                                                                                       \
   unit,                                                                                       \
   doc}

/* T[] of numbers or bools, without a length: the last member, in messages only. */
#define CROSSPAGE_FIELD_TAIL(Struct, member) CROSSPAGE_FIELD_TAIL_DOC(Struct, member, NULL, NULL)
#define CROSSPAGE_FIELD_TAIL_DOC(Struct, member, unit, doc) \
  {#member,                                                 \
   offsetof(Struct, member),                                \
   sizeof(CROSSPAGE_(Struct, member)[0]),                   \
   CROSSPAGE_TYPE_OF_(CROSSPAGE_(Struct, member)[0]),       \
   1,                                                       \
   {0},                                                     \
   NULL,                                                    \
   NULL,                                                    \
   unit,                                                    \
   doc}

/* char[N][M]: N texts. */
#define CROSSPAGE_FIELD_TEXTS(Struct, member) CROSSPAGE_FIELD_TEXTS_DOC(Struct, member, NULL, NULL)
#define CROSSPAGE_FIELD_TEXTS_DOC(Struct, member, unit, doc) \
  CROSSPAGE_FIELD_OTHER_(Struct, member, CROSSPAGE_TYPE_TEXT, 1, NULL, NULL, unit, doc)

/* A nested struct, or an array of them, with the crosspage_struct of its own. */
#define CROSSPAGE_FIELD_STRUCT(Struct, member, layout) \
  CROSSPAGE_FIELD_STRUCT_DOC(Struct, member, layout, NULL, NULL)
#define CROSSPAGE_FIELD_STRUCT_DOC(Struct, member, layout, unit, doc) \
  CROSSPAGE_FIELD_OTHER_(Struct, member, CROSSPAGE_TYPE_STRUCT, 0, &(layout), NULL, unit, doc)
#define CROSSPAGE_FIELD_STRUCTS(Struct, member, layout) \
  CROSSPAGE_FIELD_STRUCTS_DOC(Struct, member, layout, NULL, NULL)
#define CROSSPAGE_FIELD_STRUCTS_DOC(Struct, member, layout, unit, doc) \
  CROSSPAGE_FIELD_OTHER_(Struct, member, CROSSPAGE_TYPE_STRUCT, 1, &(layout), NULL, unit, doc)

/* An enum with names:
 *
 *     static const crosspage_enumerator mode_values[] = {{"idle", MODE_IDLE}, {"running", MODE_RUNNING}};
 *     static const crosspage_enum mode = CROSSPAGE_ENUM(Mode, mode_values);
 */
#define CROSSPAGE_ENUM(Enum, table) \
  {sizeof(crosspage_enum), CROSSPAGE_TYPE_OF_((Enum)0), #Enum, table, sizeof(table) / sizeof((table)[0])}
#define CROSSPAGE_FIELD_ENUM(Struct, member, enumeration) \
  CROSSPAGE_FIELD_ENUM_DOC(Struct, member, enumeration, NULL, NULL)
#define CROSSPAGE_FIELD_ENUM_DOC(Struct, member, enumeration, unit, doc) \
  CROSSPAGE_FIELD_OTHER_(Struct, member, CROSSPAGE_TYPE_ENUM, 0, NULL, &(enumeration), unit, doc)
#define CROSSPAGE_FIELD_ENUMS(Struct, member, enumeration) \
  CROSSPAGE_FIELD_ENUMS_DOC(Struct, member, enumeration, NULL, NULL)
#define CROSSPAGE_FIELD_ENUMS_DOC(Struct, member, enumeration, unit, doc) \
  CROSSPAGE_FIELD_OTHER_(Struct, member, CROSSPAGE_TYPE_ENUM, 1, NULL, &(enumeration), unit, doc)

/* What ends in _ is not for use by itself. */
#define CROSSPAGE_(Struct, member) (((Struct *)0)->member)
#define CROSSPAGE_COUNT_(array) (sizeof(array) / sizeof((array)[0]))
#define CROSSPAGE_FIELD_OTHER_(Struct, member, type, ndims, nested, enumeration, unit, doc)         \
  {#member, offsetof(Struct, member), sizeof(CROSSPAGE_(Struct, member)), type, ndims,              \
   {CROSSPAGE_COUNT_##ndims##_(CROSSPAGE_(Struct, member))}, nested, enumeration, unit, doc}
#define CROSSPAGE_COUNT_0_(member) 0
#define CROSSPAGE_COUNT_1_(member) CROSSPAGE_COUNT_(member)
#define CROSSPAGE_INT_(T)                                                                           \
  (sizeof(T) == 2 ? CROSSPAGE_TYPE_I16 : sizeof(T) == 4 ? CROSSPAGE_TYPE_I32 : CROSSPAGE_TYPE_I64)
#define CROSSPAGE_UINT_(T)                                                                          \
  (sizeof(T) == 2 ? CROSSPAGE_TYPE_U16 : sizeof(T) == 4 ? CROSSPAGE_TYPE_U32 : CROSSPAGE_TYPE_U64)
/* An array counts as a pointer to its element in _Generic, which is how its type is found ... */
#define CROSSPAGE_TYPE_OF_(member)                                                                  \
  _Generic((member),                                                                                \
      _Bool: CROSSPAGE_TYPE_BOOL, _Bool *: CROSSPAGE_TYPE_BOOL,                                     \
      char: ((char)-1 < 0 ? CROSSPAGE_TYPE_I8 : CROSSPAGE_TYPE_U8), char *: CROSSPAGE_TYPE_TEXT,    \
      signed char: CROSSPAGE_TYPE_I8, signed char *: CROSSPAGE_TYPE_I8,                             \
      unsigned char: CROSSPAGE_TYPE_U8, unsigned char *: CROSSPAGE_TYPE_U8,                         \
      short: CROSSPAGE_INT_(short), short *: CROSSPAGE_INT_(short),                                 \
      unsigned short: CROSSPAGE_UINT_(short), unsigned short *: CROSSPAGE_UINT_(short),             \
      int: CROSSPAGE_INT_(int), int *: CROSSPAGE_INT_(int),                                         \
      unsigned: CROSSPAGE_UINT_(int), unsigned *: CROSSPAGE_UINT_(int),                             \
      long: CROSSPAGE_INT_(long), long *: CROSSPAGE_INT_(long),                                     \
      unsigned long: CROSSPAGE_UINT_(long), unsigned long *: CROSSPAGE_UINT_(long),                 \
      long long: CROSSPAGE_INT_(long long), long long *: CROSSPAGE_INT_(long long),                 \
      unsigned long long: CROSSPAGE_UINT_(long long),                                               \
      unsigned long long *: CROSSPAGE_UINT_(long long),                                             \
      float: CROSSPAGE_TYPE_F32, float *: CROSSPAGE_TYPE_F32,                                       \
      double: CROSSPAGE_TYPE_F64, double *: CROSSPAGE_TYPE_F64)
/* ... but the address of a pointer is no pointer to an array. */
#define CROSSPAGE_NO_POINTER_(member)                                                               \
  (sizeof(char[_Generic(&(member),                                                                  \
      _Bool **: -1, char **: -1, signed char **: -1, unsigned char **: -1, short **: -1,            \
      unsigned short **: -1, int **: -1, unsigned **: -1, long **: -1, unsigned long **: -1,        \
      long long **: -1, unsigned long long **: -1, float **: -1, double **: -1,                     \
      default: 1)]) - 1)
/* The size of an array's element; 0 of a number or text. */
#define CROSSPAGE_ELEMENT_(member)                                                                  \
  _Generic((member),                                                                                \
      _Bool *: sizeof(_Bool), signed char *: 1, unsigned char *: 1, short *: sizeof(short),         \
      unsigned short *: sizeof(short), int *: sizeof(int), unsigned *: sizeof(int),                 \
      long *: sizeof(long), unsigned long *: sizeof(long), long long *: sizeof(long long),          \
      unsigned long long *: sizeof(long long), float *: sizeof(float), double *: sizeof(double),    \
      default: 0)
#define CROSSPAGE_LENGTH_(member)                                                                   \
  (CROSSPAGE_ELEMENT_(member)                                                                       \
       ? sizeof(member) / (CROSSPAGE_ELEMENT_(member) + !CROSSPAGE_ELEMENT_(member)) : 0)
#endif /* !__cplusplus */

/* ---- Layouts at run time ----------------------------------------------------------------------- */

typedef struct crosspage_layout crosspage_layout;

/* A layout from a table, checked. */
int crosspage_layout_from_struct(const crosspage_struct *table, crosspage_layout **out, crosspage_error *error);

/* A layout from "PATH#TYPE": a schema file, a program with debug information, or a header. */
int crosspage_layout_from_source(const char *source, crosspage_layout **out, crosspage_error *error);

void crosspage_layout_free(crosspage_layout *layout);

/* The layout as a table, which lives as long as the layout. */
const crosspage_struct *crosspage_layout_struct(const crosspage_layout *layout);

/* What lies at a path such as "arm.joints[2]": `field` gets its type, and its offset from the start of
 * the whole struct; its name is NULL. Not found names the nearest field. Whether a message has so many elements in its
 * tail is for you to check. */
int crosspage_layout_find(const crosspage_layout *layout, const char *path, crosspage_field *field,
                          crosspage_error *error);

/* The canonical form: the same bytes for one struct from every language; two layouts agree exactly where
 * these do (but for units and names of enums). Writes up to `capacity` bytes to `out`, and returns how many
 * there are. */
size_t crosspage_layout_canonical(const crosspage_layout *layout, void *out, size_t capacity);

/* {"type","size","align","fields":[{"name","type","offset","size","unit"}]} */
char *crosspage_layout_json(const crosspage_layout *layout);

/* A value as JSON. Whatever its bytes are, there is one. */
int crosspage_value_json(const crosspage_layout *layout, const void *value, size_t size, char **out,
                         crosspage_error *error);

void crosspage_string_free(char *string);

/* ---- Options that several handles share -------------------------------------------------------- */

#define CROSSPAGE_FOREVER (-1)

enum { CROSSPAGE_PERMISSIONS_OWNER = 1, CROSSPAGE_PERMISSIONS_GROUP = 2, CROSSPAGE_PERMISSIONS_ALL = 3 };
enum { CROSSPAGE_LIFETIME_KEEP = 1, CROSSPAGE_LIFETIME_WHILE_USED = 2 };
enum { CROSSPAGE_MATCH_EXACT = 1, CROSSPAGE_MATCH_NAME = 2 };
enum { CROSSPAGE_YES = 1, CROSSPAGE_NO = 2 };
enum { CROSSPAGE_LANGUAGE_C = 1, CROSSPAGE_LANGUAGE_CPP = 2 };

/* ---- latest: the newest complete value of a struct --------------------------------------------- */

typedef struct crosspage_latest_writer crosspage_latest_writer;
typedef struct crosspage_latest_reader crosspage_latest_reader;

typedef struct crosspage_latest_options {
  uint32_t struct_size;      /* sizeof(crosspage_latest_options) */
  uint32_t writers;          /* living writers that a new page allows; 1 */
  uint32_t max_pins;         /* values that readers can pin at once; 0 (CROSSPAGE_NO_PINS states that) */
  uint32_t max_participants; /* handles that a new page has room for; 128 */
  uint32_t checksum;         /* CROSSPAGE_YES: readers verify an XXH3-64 of each value; or CROSSPAGE_NO */
  uint32_t permissions;      /* who may attach to a new page; CROSSPAGE_PERMISSIONS_OWNER */
  uint32_t lifetime;         /* of a new page; CROSSPAGE_LIFETIME_KEEP */
  uint32_t match;            /* CROSSPAGE_MATCH_NAME: only the fields named here, wherever they lie */
  uint32_t read_only;        /* CROSSPAGE_YES: a reader maps read-only, takes no place, waits by polling */
  uint32_t language;         /* of this program, for messages; CROSSPAGE_LANGUAGE_C */
  int64_t timeout_ns;        /* how long a reader waits for the page to exist; 0 */
} crosspage_latest_options;

#define CROSSPAGE_NO_PINS UINT32_MAX
#define CROSSPAGE_LATEST_OPTIONS_INIT {sizeof(crosspage_latest_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* What is known of a value beside its bytes. */
typedef struct crosspage_meta {
  uint64_t version;       /* counts up by one with each write; the first is 1 */
  uint64_t written_at_ns; /* since 1970, by the writer's clock */
  uint32_t writer_pid;    /* as numbered in its own PID namespace */
  uint32_t reserved;
} crosspage_meta;

/* Makes the page, or takes over its writer's role if nobody alive holds it. A page of another layout is
 * replaced, unless a writer lives. */
int crosspage_latest_writer_create(const char *locator, const crosspage_struct *layout,
                                   const crosspage_latest_options *options, crosspage_latest_writer **out,
                                   crosspage_error *error);

/* Joins the page as a writer, or makes it. A page of another layout is an error. */
int crosspage_latest_writer_attach(const char *locator, const crosspage_struct *layout,
                                   const crosspage_latest_options *options, crosspage_latest_writer **out,
                                   crosspage_error *error);

/* Publishes a value. Never blocks, and allocates nothing (unless matched by name). `version` may be NULL. */
int crosspage_latest_writer_write(crosspage_latest_writer *writer, const void *value, size_t size,
                                  uint64_t *version, crosspage_error *error);

/* Changes a value; returns 0, or anything else to leave things as they are. */
typedef int (*crosspage_edit)(void *context, void *value);

/* Reads the current value into `scratch`, lets `edit` change it there, and publishes it, atomically among
 * writers: if another publishes meanwhile, `edit` is called again with the newer value. Before the first
 * write: CROSSPAGE_ERR_NO_VALUE. */
int crosspage_latest_writer_update(crosspage_latest_writer *writer, void *scratch, size_t size,
                                   crosspage_edit edit, void *context, uint64_t *version,
                                   crosspage_error *error);

/* Lets `fill` write the next value in place: for large values. It finds zeros there, aligned to 64. */
int crosspage_latest_writer_write_with(crosspage_latest_writer *writer, size_t size, crosspage_edit fill,
                                       void *context, uint64_t *version, crosspage_error *error);

/* Detaches. The value stays. */
void crosspage_latest_writer_close(const crosspage_latest_writer *writer);
void crosspage_latest_writer_free(crosspage_latest_writer *writer);

/* Joins a page that exists (or comes to exist within options->timeout_ns). With `layout` NULL values
 * come in the page's own. */
int crosspage_latest_reader_open(const char *locator, const crosspage_struct *layout,
                                 const crosspage_latest_options *options, crosspage_latest_reader **out,
                                 crosspage_error *error);

/* Copies the newest complete value. Never blocks, and allocates nothing (unless matched by name).
 * Before the first write: CROSSPAGE_ERR_NO_VALUE. `meta` may be NULL. */
int crosspage_latest_reader_read(const crosspage_latest_reader *reader, void *value, size_t size,
                                 crosspage_meta *meta, crosspage_error *error);

/* Waits for a value of another version than `since` (0: any), and copies it. */
int crosspage_latest_reader_wait_changed(const crosspage_latest_reader *reader, uint64_t since,
                                         int64_t timeout_ns, void *value, size_t size, crosspage_meta *meta,
                                         crosspage_error *error);

/* A value that stays in the page as it is until it is unpinned. */
typedef struct crosspage_latest_pin {
  const void *value; /* aligned to 64 */
  size_t size;
  crosspage_meta meta;
  uint64_t internal[10];
} crosspage_latest_pin;

/* Pins the newest value: for large ones, on pages made with max_pins. The pin may be moved, and outlives
 * the handle. A bool in it that is neither 0 nor 1 is CROSSPAGE_ERR_INVALID; reading copies it as true. */
int crosspage_latest_reader_pin(const crosspage_latest_reader *reader, crosspage_latest_pin *pin,
                                crosspage_error *error);
void crosspage_latest_unpin(crosspage_latest_pin *pin);

/* Attaches to the page that has the name now, after CROSSPAGE_ERR_REPLACED. No pin may be held. */
int crosspage_latest_reader_reopen(crosspage_latest_reader *reader, crosspage_error *error);

/* What an event loop can wait on: a file descriptor for poll, epoll, Qt; on Windows a HANDLE. */
#ifdef _WIN32
typedef void *crosspage_wait_fd;
#else
typedef int crosspage_wait_fd;
#endif

/* Readable (on Windows: signalled) while there may be a value of another version than was read last, until that is
 * read; and once the page is gone or the reader is closed. It belongs to the reader, until that is reopened: do
 * nothing but wait on it. The first call starts a thread. */
int crosspage_latest_reader_wait_fd(const crosspage_latest_reader *reader, crosspage_wait_fd *fd, crosspage_error *error);

/* The layout that values come in. */
int crosspage_latest_reader_layout(const crosspage_latest_reader *reader, crosspage_layout **out,
                                   crosspage_error *error);

/* Detaches; what waits on the handle ends with CROSSPAGE_ERR_CLOSED. */
void crosspage_latest_reader_close(const crosspage_latest_reader *reader);
void crosspage_latest_reader_free(crosspage_latest_reader *reader);

/* ---- topic: every message to every subscriber, in order per publisher ---------------------------- */

/* Publishers and subscribers are any number, started in any order; who attaches first makes the page. By
 * default (CROSSPAGE_POLICY_OVERWRITE) a publisher never waits, and a subscriber that is slow loses the oldest
 * messages and learns exactly how many. With CROSSPAGE_POLICY_BLOCK nothing is lost: a publisher waits for the
 * slowest subscriber that lives and is attached. */

typedef struct crosspage_topic_publisher crosspage_topic_publisher;
typedef struct crosspage_topic_subscriber crosspage_topic_subscriber;

/* What the messages of a topic are. */
enum {
  CROSSPAGE_MESSAGE_ANY = 0,    /* of a subscriber: whatever is published */
  CROSSPAGE_MESSAGE_STRUCT = 1, /* with a layout */
  CROSSPAGE_MESSAGE_BYTES = 2,  /* each message of its own length */
  CROSSPAGE_MESSAGE_ARRAY = 3   /* numpy's ndarray: type and shape travel with each message */
};

enum { CROSSPAGE_POLICY_OVERWRITE = 1, CROSSPAGE_POLICY_BLOCK = 2 };

/* The first who states an option decides it for the page; the first publisher decides what nobody stated. */
typedef struct crosspage_topic_options {
  uint32_t struct_size;      /* sizeof(crosspage_topic_options) */
  uint32_t policy;           /* towards slow subscribers; CROSSPAGE_POLICY_OVERWRITE */
  uint32_t max_held;         /* messages of one publisher that a subscriber holds in place; 8. More are copies. */
  uint32_t history;          /* past messages of each publisher that a new subscriber gets first; 0 */
  uint32_t max_participants; /* handles that a new page has room for; 128 */
  uint32_t send_time;        /* CROSSPAGE_YES: messages carry the time they were sent; CROSSPAGE_NO */
  uint32_t checksum;         /* CROSSPAGE_YES: subscribers verify an XXH3-64 of each message; CROSSPAGE_NO */
  uint32_t permissions;      /* who may attach to a new page; CROSSPAGE_PERMISSIONS_OWNER */
  uint32_t lifetime;         /* of a new page; CROSSPAGE_LIFETIME_WHILE_USED */
  uint32_t match;            /* CROSSPAGE_MATCH_NAME: only the fields named here, wherever they lie */
  uint32_t language;         /* of this program, for messages; CROSSPAGE_LANGUAGE_C */
  uint32_t reserved;
  uint64_t capacity;    /* bytes that a publisher keeps; 256 KiB for small structs, otherwise 16 MiB */
  uint64_t max_message; /* of one message in bytes; capacity, with CROSSPAGE_POLICY_BLOCK 1 GiB */
  int64_t timeout_ns;   /* how long publishing waits for room; for ever. CROSSPAGE_NO_WAIT: not at all */
} crosspage_topic_options;

#define CROSSPAGE_NONE UINT32_MAX /* of max_held and history: states 0 */
#define CROSSPAGE_NO_WAIT INT64_MIN
#define CROSSPAGE_TOPIC_OPTIONS_INIT {sizeof(crosspage_topic_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* The type and shape of an array:
 *
 *     const uint64_t shape[] = {1080, 1920, 3};
 *     crosspage_array frame = {"|u1", 3, shape};
 */
typedef struct crosspage_array {
  char dtype[20]; /* as numpy writes it: "<f4", "|u1" */
  uint32_t ndims;
  const uint64_t *shape; /* the length of each dimension; in C's order, without gaps */
} crosspage_array;

/* What is known of a message beside its bytes. */
typedef struct crosspage_topic_meta {
  uint64_t sequence;      /* counts up by one with each message of its publisher; the first is 1 */
  uint64_t sent_at_ns;    /* since 1970, by the publisher's clock; 0 without the option send_time */
  uint32_t publisher_pid; /* as numbered in its own PID namespace */
  uint32_t held;          /* 1: the message lies in the page, and its memory is held */
} crosspage_topic_meta;

/* Joins the topic as a publisher, or makes it. `layout` is for CROSSPAGE_MESSAGE_STRUCT, otherwise NULL.
 * CROSSPAGE_MESSAGE_ANY is for subscribers only. */
int crosspage_topic_publisher_attach(const char *locator, uint32_t kind, const crosspage_struct *layout,
                                     const crosspage_topic_options *options, crosspage_topic_publisher **out,
                                     crosspage_error *error);

/* Publishes a struct (with a tail: `size` bytes of it), or bytes of any length. Allocates nothing (unless matched by name). Waits only with
 * CROSSPAGE_POLICY_BLOCK, where a subscriber that lives is behind by all the capacity; after the options'
 * timeout_ns CROSSPAGE_ERR_TIMED_OUT names it, and nothing was published. Bytes that are larger than max_message (with
 * CROSSPAGE_POLICY_OVERWRITE: than the capacity) are CROSSPAGE_ERR_TOO_LARGE. `sequence` may be NULL. */
int crosspage_topic_publisher_publish(crosspage_topic_publisher *publisher, const void *value, size_t size,
                                      uint64_t *sequence, crosspage_error *error);

/* As publish, without waiting: CROSSPAGE_ERR_TIMED_OUT where there is no room. */
int crosspage_topic_publisher_try_publish(crosspage_topic_publisher *publisher, const void *value, size_t size,
                                          uint64_t *sequence, crosspage_error *error);

/* Publishes a struct whose last member is a tail of `count` elements, which lie elsewhere: `value` is the struct up to the
 * tail, `size` bytes or more. Its padding is not looked at. */
int crosspage_topic_publisher_publish_tail(crosspage_topic_publisher *publisher, const void *value, size_t size,
                                           const void *tail, size_t count, uint64_t *sequence,
                                           crosspage_error *error);
int crosspage_topic_publisher_try_publish_tail(crosspage_topic_publisher *publisher, const void *value, size_t size,
                                               const void *tail, size_t count, uint64_t *sequence,
                                               crosspage_error *error);

/* Publishes `count` structs of `size` bytes each that lie one after the other: cheaper than one by one.
 * `published` says how many it were: fewer where the time-out ended meanwhile. */
int crosspage_topic_publisher_publish_many(crosspage_topic_publisher *publisher, const void *values, size_t size,
                                           size_t count, size_t *published, crosspage_error *error);

/* Publishes an array of `size` bytes. */
int crosspage_topic_publisher_publish_array(crosspage_topic_publisher *publisher, const crosspage_array *array,
                                            const void *data, size_t size, uint64_t *sequence,
                                            crosspage_error *error);
int crosspage_topic_publisher_try_publish_array(crosspage_topic_publisher *publisher, const crosspage_array *array,
                                                const void *data, size_t size, uint64_t *sequence,
                                                crosspage_error *error);

/* Memory of the page, to be filled and committed: a large message that nobody copies. */
typedef struct crosspage_topic_loan {
  void *data; /* aligned to 64; NULL once the loan is committed or discarded */
  size_t size;
  uint64_t internal[12];
} crosspage_topic_loan;

/* Lends memory for one message: of `size` bytes (of a struct: its size), or for an array. It holds anything until
 * it is filled. Waits as publish does. CROSSPAGE_ERR_FULL: all that there is is out on loan;
 * CROSSPAGE_ERR_UNSUPPORTED: the page lays the struct out in another way (CROSSPAGE_MATCH_NAME). Each loan is
 * committed or discarded, if need be after its publisher was freed (then committing is CROSSPAGE_ERR_CLOSED). It may
 * be moved. */
int crosspage_topic_publisher_loan(crosspage_topic_publisher *publisher, size_t size, crosspage_topic_loan *loan,
                                   crosspage_error *error);
int crosspage_topic_publisher_loan_array(crosspage_topic_publisher *publisher, const crosspage_array *array,
                                         crosspage_topic_loan *loan, crosspage_error *error);

/* Publishes what was filled in. The loan is over, also where this fails. */
int crosspage_topic_commit(crosspage_topic_loan *loan, uint64_t *sequence, crosspage_error *error);
/* Ends the loan, as if it had never been. */
void crosspage_topic_discard(crosspage_topic_loan *loan);

/* Changes how long publishing waits for room from now on. */
void crosspage_topic_publisher_set_timeout(crosspage_topic_publisher *publisher, int64_t timeout_ns);

/* How many subscribers live. */
size_t crosspage_topic_publisher_subscribers(const crosspage_topic_publisher *publisher);
/* Waits for `n` subscribers, and says how many there are. `found` may be NULL. */
int crosspage_topic_publisher_wait_subscribers(const crosspage_topic_publisher *publisher, size_t n,
                                               int64_t timeout_ns, size_t *found, crosspage_error *error);

/* Who came or went: a publisher learns of subscribers, a subscriber of publishers. */
typedef struct crosspage_topic_event {
  uint32_t kind; /* CROSSPAGE_TOPIC_MATCHED, CROSSPAGE_TOPIC_GONE */
  uint32_t pid;
  char language[16]; /* which it attached from; ends in a NUL */
} crosspage_topic_event;

enum {
  CROSSPAGE_TOPIC_MATCHED = 1, /* it is attached; each is told of once, also one that came first */
  CROSSPAGE_TOPIC_GONE = 2     /* one that had matched has left, or died; what it published stays */
};

/* Waits until a subscriber comes or goes; with a timeout of 0 it takes what there is, and is CROSSPAGE_ERR_TIMED_OUT
 * otherwise. One that is killed is found within a second. May be called by any thread. */
int crosspage_topic_publisher_wait_event(const crosspage_topic_publisher *publisher, int64_t timeout_ns,
                                         crosspage_topic_event *event, crosspage_error *error);

/* What waits on the handle ends with CROSSPAGE_ERR_CLOSED, as does every later call. What was published stays for who
 * is attached. */
void crosspage_topic_publisher_close(const crosspage_topic_publisher *publisher);
void crosspage_topic_publisher_free(crosspage_topic_publisher *publisher);

/* Joins the topic as a subscriber, or makes it; it gets what is published from now on (and the history). With
 * CROSSPAGE_MESSAGE_ANY it takes what comes, and decides nothing: it may come first. */
int crosspage_topic_subscriber_attach(const char *locator, uint32_t kind, const crosspage_struct *layout,
                                      const crosspage_topic_options *options, crosspage_topic_subscriber **out,
                                      crosspage_error *error);

/* A message. It does not change, and is there until it is released. It is not to be copied or moved: small ones
 * lie in `internal`. */
typedef struct crosspage_topic_message {
  const void *data; /* aligned to 8, and to 64 where it is longer than that; NULL once it is released */
  size_t size;
  crosspage_topic_meta meta;
  crosspage_array array; /* of CROSSPAGE_MESSAGE_ARRAY; its shape lives as long as the message */
  uint32_t kind;         /* CROSSPAGE_MESSAGE_STRUCT, ... */
  uint32_t reserved;
  uint64_t internal[24];
} crosspage_topic_message;

/* Takes the next message, if there is one; otherwise CROSSPAGE_ERR_NO_VALUE. Of a large one the memory in the page
 * is held, and nothing is copied, while the subscriber holds no more than max_held; what is more comes as a copy.
 * The message outlives the handle, and may be released by any thread. */
int crosspage_topic_subscriber_try_recv(crosspage_topic_subscriber *subscriber, crosspage_topic_message *message,
                                        crosspage_error *error);

/* Waits for the next message, and takes it. */
int crosspage_topic_subscriber_recv(crosspage_topic_subscriber *subscriber, int64_t timeout_ns,
                                    crosspage_topic_message *message, crosspage_error *error);
void crosspage_topic_release(crosspage_topic_message *message);

/* The same for structs, into a place of the caller's: for small ones, and without an allocation. `meta` may be
 * NULL. */
int crosspage_topic_subscriber_try_recv_into(crosspage_topic_subscriber *subscriber, void *value, size_t size,
                                             crosspage_topic_meta *meta, crosspage_error *error);
int crosspage_topic_subscriber_recv_into(crosspage_topic_subscriber *subscriber, int64_t timeout_ns, void *value,
                                         size_t size, crosspage_topic_meta *meta, crosspage_error *error);

/* Waits for a message, and takes it and what is there beside it, up to `max` structs of `size` bytes each. `metas`
 * has room for `max`, or is NULL. */
int crosspage_topic_subscriber_recv_many_into(crosspage_topic_subscriber *subscriber, int64_t timeout_ns,
                                              void *values, size_t size, size_t max, crosspage_topic_meta *metas,
                                              size_t *count, crosspage_error *error);

/* How many messages were overwritten before this subscriber took them. */
uint64_t crosspage_topic_subscriber_lost(const crosspage_topic_subscriber *subscriber);

/* What the messages are; CROSSPAGE_MESSAGE_ANY while nobody has said. */
int crosspage_topic_subscriber_kind(crosspage_topic_subscriber *subscriber, uint32_t *kind, crosspage_error *error);
/* The layout that structs come in; CROSSPAGE_ERR_NO_VALUE while nobody has said what the messages are. */
int crosspage_topic_subscriber_layout(crosspage_topic_subscriber *subscriber, crosspage_layout **out,
                                      crosspage_error *error);

/* Readable (on Windows: signalled) while there may be a message, until try_recv finds none; and once the subscriber
 * is closed. It belongs to the subscriber: do nothing but wait on it. The first call starts a thread. */
int crosspage_topic_subscriber_wait_fd(crosspage_topic_subscriber *subscriber, crosspage_wait_fd *fd,
                                       crosspage_error *error);

/* How many publishers live. */
size_t crosspage_topic_subscriber_publishers(const crosspage_topic_subscriber *subscriber);
/* Waits for `n` publishers, and says how many there are. `found` may be NULL. */
int crosspage_topic_subscriber_wait_publishers(const crosspage_topic_subscriber *subscriber, size_t n,
                                               int64_t timeout_ns, size_t *found, crosspage_error *error);
/* The same as of a publisher, of publishers. */
int crosspage_topic_subscriber_wait_event(const crosspage_topic_subscriber *subscriber, int64_t timeout_ns,
                                          crosspage_topic_event *event, crosspage_error *error);

/* What waits on the handle ends with CROSSPAGE_ERR_CLOSED, as does every later call. No publisher waits for it any
 * more; messages stay until they are released. */
void crosspage_topic_subscriber_close(const crosspage_topic_subscriber *subscriber);
void crosspage_topic_subscriber_free(crosspage_topic_subscriber *subscriber);

/* ---- foreign: segments that somebody else made, or will read without crosspage ----------------- */

typedef struct crosspage_foreign_view crosspage_foreign_view;

typedef struct crosspage_foreign_options {
  uint32_t struct_size; /* sizeof(crosspage_foreign_options) */
  uint32_t permissions; /* of a new segment; CROSSPAGE_PERMISSIONS_OWNER */
  uint32_t read_only;   /* CROSSPAGE_YES: needs no permission to write */
  uint32_t reserved;
  int64_t timeout_ns;   /* how long open waits for the segment to exist; 0 */
} crosspage_foreign_options;

#define CROSSPAGE_FOREIGN_OPTIONS_INIT {sizeof(crosspage_foreign_options), 0, 0, 0, 0}

/* The segment at "posix:/name", "sysv:5678", ... as a struct. There is no promise against tearing. */
int crosspage_foreign_open(const char *locator, const crosspage_struct *layout,
                           const crosspage_foreign_options *options, crosspage_foreign_view **out,
                           crosspage_error *error);

/* Makes the segment with `bytes` bytes, or takes the one that is there. */
int crosspage_foreign_create(const char *locator, const crosspage_struct *layout, size_t bytes,
                             const crosspage_foreign_options *options, crosspage_foreign_view **out,
                             crosspage_error *error);

/* Copies the struct as it lies there now. */
int crosspage_foreign_read(const crosspage_foreign_view *view, void *value, size_t size, crosspage_error *error);

/* Copies the struct as soon as two copies agree. */
int crosspage_foreign_read_stable(const crosspage_foreign_view *view, int64_t timeout_ns, void *value,
                                  size_t size, crosspage_error *error);

/* Copies the struct as soon as its field `flag` is set. */
int crosspage_foreign_read_ready(const crosspage_foreign_view *view, const char *flag, int64_t timeout_ns,
                                 void *value, size_t size, crosspage_error *error);

int crosspage_foreign_write(crosspage_foreign_view *view, const void *value, size_t size, crosspage_error *error);

/* Clears `flag`, writes the other fields, sets the flag. */
int crosspage_foreign_write_with_ready(crosspage_foreign_view *view, const char *flag, const void *value,
                                       size_t size, crosspage_error *error);

/* Reads the struct into `scratch`, lets `edit` change it there, and writes the fields that changed. What
 * others change meanwhile in the same fields is overwritten. */
int crosspage_foreign_update(crosspage_foreign_view *view, void *scratch, size_t size, crosspage_edit edit,
                             void *context, crosspage_error *error);

/* Bytes of the segment, which may be more than the struct's. */
size_t crosspage_foreign_size(const crosspage_foreign_view *view);
/* Whether create made the segment, rather than finding it. */
bool crosspage_foreign_created(const crosspage_foreign_view *view);

/* What waits on the view ends with CROSSPAGE_ERR_CLOSED, as does every later call; it is unmapped when
 * it is freed. The segment stays. */
void crosspage_foreign_close(const crosspage_foreign_view *view);
void crosspage_foreign_free(crosspage_foreign_view *view);

/* ---- Waiting for several handles at once --------------------------------------------------------- */

/* One of them: a reader or a subscriber, the other NULL. `ready` is set by crosspage_wait_any. */
typedef struct crosspage_wait_item {
  const crosspage_latest_reader *reader;
  crosspage_topic_subscriber *subscriber;
  uint32_t ready; /* 1: it has news */
  uint32_t reserved;
} crosspage_wait_item;

/* Waits until any of them has news, and says which: a subscriber has when there is a message, a reader when there is
 * a value of another version than it read last, and either when its next call is an error. What is ready is not
 * taken: call try_recv or read, which may find nothing where all there is are pieces of a message. Starts no thread.
 * The calling thread uses all these handles meanwhile; each subscriber may be there once. */
int crosspage_wait_any(crosspage_wait_item *items, size_t count, int64_t timeout_ns, crosspage_error *error);

/* ---- Every page there is ----------------------------------------------------------------------- */

typedef struct crosspage_participant {
  const char *role; /* "writer", "reader", ... */
  const char *language;
  uint32_t pid;
  uint32_t alive; /* 1 also when that cannot be found out */
} crosspage_participant;

typedef struct crosspage_page_info {
  uint32_t struct_size; /* sizeof(crosspage_page_info) as the library knows it */
  uint32_t mode;        /* permission bits */
  const char *name;
  const char *locator;
  const char *pattern; /* "latest", ... */
  const char *type;    /* the struct's name; of a topic also "bytes" or "ndarray"; "" while nobody has said */
  const char *owner;   /* a user */
  uint64_t size;       /* of the whole page in bytes */
  uint32_t lifetime;   /* CROSSPAGE_LIFETIME_KEEP, ... */
  uint32_t participant_count;
  const crosspage_participant *participants;
  uint64_t version; /* of its value; 0 before the first write */
  int64_t age_ns;   /* of its value; -1 where there is none */
} crosspage_page_info;

/* Called for each page, by name; what it gets lives until it returns. Anything but 0 ends the list. */
typedef int (*crosspage_page_callback)(void *context, const crosspage_page_info *page);
int crosspage_list(crosspage_page_callback each, void *context, crosspage_error *error);
/* Called once, for the page at `locator`, which is not attached to. */
int crosspage_inspect(const char *locator, crosspage_page_callback each, void *context, crosspage_error *error);

/* Removes a segment, page or foreign. A page whose participants live is only removed with `force`. */
int crosspage_remove(const char *locator, bool force, crosspage_error *error);

/* Called for each piece of garbage. */
typedef void (*crosspage_garbage_callback)(void *context, const char *name, const char *reason);

/* Removes what nobody can use any more; with `dry_run` only says what. `each` may be NULL. */
int crosspage_gc(bool dry_run, crosspage_garbage_callback each, void *context, crosspage_error *error);

/* ---- Logging ----------------------------------------------------------------------------------- */

enum {
  CROSSPAGE_LOG_ERROR = 1,
  CROSSPAGE_LOG_WARN = 2,
  CROSSPAGE_LOG_INFO = 3,
  CROSSPAGE_LOG_DEBUG = 4,
  CROSSPAGE_LOG_TRACE = 5
};

/* Called from any thread. */
typedef void (*crosspage_log_callback)(void *context, int level, const char *message);

/* Messages up to `level` go to `callback` from now on; NULL ends that. When this returns, the callback
 * that was set before is not called any more. Without one, messages go to stderr if the environment has
 * CROSSPAGE_LOG=error, warn, info, debug or trace. Not to be called from a callback. */
void crosspage_set_log(crosspage_log_callback callback, void *context, int level);

/* ---- For tests --------------------------------------------------------------------------------- */

typedef struct crosspage_namespace crosspage_namespace;

/* Plain names that this thread uses are in a fresh namespace until the handle is freed (on the same
 * thread); then every page in it is removed. */
int crosspage_testing_namespace(crosspage_namespace **out, crosspage_error *error);
/* For child processes: CROSSPAGE_NAMESPACE=this. */
const char *crosspage_namespace_name(const crosspage_namespace *ns);
void crosspage_namespace_free(crosspage_namespace *ns);

#ifdef __cplusplus
}
#endif

#endif /* CROSSPAGE_H */
