// The same reads and writes as in ../src/method/crosspage.rs, through the C++ face. Loaded by
// ../src/method/cpp.rs.

#include <crosspage.hpp>

struct Sample {
  std::uint64_t words[80];
};

using Reader = crosspage::latest::Reader<Sample>;
using Writer = crosspage::latest::Writer<Sample>;

// What was computed counts as used.
template <class T>
static void keep(const T &value) {
  asm volatile("" : : "r"(&value) : "memory");
}

extern "C" {

void *bench_open(const char *name) noexcept { return new Reader(Reader::open(name)); }
void bench_read(const void *reader) noexcept { keep(static_cast<const Reader *>(reader)->read()); }

void *bench_create(const char *name) noexcept {
  return new Writer(
      Writer::options().lifetime(crosspage::Lifetime::while_used).create(name));
}
void bench_close(const void *reader, const void *writer) noexcept {
  delete static_cast<const Reader *>(reader);
  delete static_cast<const Writer *>(writer);
}
void bench_write(void *writer, const Sample *value) noexcept { keep(static_cast<Writer *>(writer)->write(*value)); }
}
