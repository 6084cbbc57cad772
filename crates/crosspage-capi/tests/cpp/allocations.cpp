// Nothing is allocated on the hot paths, here or in the library: malloc is counted.
#include <cstddef>

static std::size_t calls = 0;

extern "C" {
void *__libc_malloc(std::size_t) noexcept;
void *__libc_calloc(std::size_t, std::size_t) noexcept;
void *__libc_realloc(void *, std::size_t) noexcept;
void *__libc_memalign(std::size_t, std::size_t) noexcept;
void *malloc(std::size_t n) noexcept { return ++calls, __libc_malloc(n); }
void *calloc(std::size_t n, std::size_t m) noexcept { return ++calls, __libc_calloc(n, m); }
void *realloc(void *p, std::size_t n) noexcept { return ++calls, __libc_realloc(p, n); }
void *memalign(std::size_t a, std::size_t n) noexcept { return ++calls, __libc_memalign(a, n); }
void *aligned_alloc(std::size_t a, std::size_t n) noexcept { return ++calls, __libc_memalign(a, n); }
int posix_memalign(void **p, std::size_t a, std::size_t n) noexcept { return *p = memalign(a, n), *p ? 0 : 12; }
}


#include "check.hpp"
#include "shared_data.hpp"

using namespace std::chrono_literals;

int main() {
  crosspage::testing::Namespace ns;
  auto writer = crosspage::latest::Writer<SharedData>::options().max_pins(1).create("page");
  const std::size_t made = calls;
  CHECK(made > 0);  // they are counted
  auto reader = crosspage::latest::Reader<SharedData>::open("page");
  SharedData data{};

  std::size_t before = calls;
  CHECK(!reader.read());
  writer.write(data);
  writer.write_with([](SharedData &d) { d.counter = 1; });
  writer.update([](SharedData &d) { d.counter++; });  // the first one makes room
  const std::size_t first_update = calls - before;
  before = calls;
  for (int i = 0; i < 100; ++i) {
    writer.write(data);
    writer.write_with([](SharedData &d) { d.counter = 1; });
    writer.update([](SharedData &d) { d.counter++; });
    CHECK_EQ(reader.read()->value.counter, 2);
    reader.read_into(data);
    reader.wait_changed(0, 1s);
    CHECK_EQ((*reader.read_pinned())->counter, 2);
  }
  CHECK_EQ(calls - before, 0u);
  CHECK(first_update <= 2);
}
