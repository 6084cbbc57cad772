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

// So large that its messages stay in the page.
struct Large {
  std::uint64_t words[4096];
};

template <class T>
static void publish_and_receive(const char *name, std::size_t allowed) {
  auto publisher = crosspage::topic::Publisher<T>::attach(name);
  auto subscriber = crosspage::topic::Subscriber<T>::attach(name);
  const auto value = std::make_unique<T>();
  const auto many = std::make_unique<T[]>(8);
  std::size_t received = 0;
  const auto round = [&] {
    CHECK(!subscriber.try_recv());
    publisher.publish(*value);
    publisher.try_publish(*value);
    publisher.publish_many(many.get(), 8);
    {
      auto loan = publisher.loan();
      std::memset(static_cast<void *>(&*loan), 0, sizeof(T));
      loan.commit();
      auto dropped = publisher.loan();
    }
    CHECK(subscriber.try_recv().has_value());
    CHECK(subscriber.recv(1s).sequence != 0);
    received += 2 + subscriber.recv_many(many.get(), 8, 1s);
    for (auto &message : subscriber) {
      ++received;
      if (message.sequence % 11 == 0) break;
    }
  };
  for (int i = 0; i < 100; ++i) round();  // the page grows up to its capacity
  received = 0;
  const std::size_t before = calls;
  for (int i = 0; i < 100; ++i) round();
  const std::size_t counted = calls - before;
  if (counted > allowed) std::fprintf(stderr, "%s: %zu allocations\n", name, counted);
  CHECK(counted <= allowed);
  CHECK_EQ(received, 100u * 11);
}

int main() {
  crosspage::testing::Namespace ns;
  // The message that comes first in a new turn of the ring is received by way of a buffer.
  publish_and_receive<SharedData>("small", 4);
  publish_and_receive<Large>("large", 0);
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
