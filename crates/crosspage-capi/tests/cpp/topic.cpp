// topic, from C++ with exceptions: one process, several handles.
#ifdef _WIN32
#include <windows.h>
#else
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <thread>

#include "check.hpp"
#include "shared_data.hpp"

using namespace std::chrono_literals;
using crosspage::errc;
using crosspage::topic::Event;
using crosspage::topic::Kind;
using crosspage::topic::Loan;
using crosspage::topic::Message;
using crosspage::topic::Policy;
using crosspage::topic::Publisher;
using crosspage::topic::Subscriber;

#if CROSSPAGE_PLAIN_STRUCTS
#define DECLARE(...) static_assert(true, "")
#else
#define DECLARE(...) CROSSPAGE_STRUCT(__VA_ARGS__)
#endif

struct Count {
  std::uint64_t n;
  double half;
  bool even;
};
DECLARE(Count, n, half, even);
static Count count(std::uint64_t n) { return {n, static_cast<double>(n) / 2, n % 2 == 0}; }

struct Half {
  double half;
};
DECLARE(Half, half);

// So large that its messages stay in the page.
struct Large {
  std::uint64_t words[1 << 16];
  bool good;
};
DECLARE(Large, words, good);
static_assert(!std::is_copy_constructible_v<Message<Large>> && !std::is_copy_constructible_v<Message<Count>>);
static_assert(std::is_nothrow_move_constructible_v<Message<Large>> && std::is_nothrow_move_assignable_v<Message<Large>>);

class Point {
 public:
  Point(int x_, int y_) : x(x_), y(y_) {}
  int x, y;
};
CROSSPAGE_STRUCT(Point, x, y);

struct Scan {
  std::uint64_t stamp;
  bool moving;
};
DECLARE(Scan, stamp, moving);
CROSSPAGE_TAIL(Scan, points);
using Scans = crosspage::with_tail<Scan, std::array<float, 3>>;

struct Motor {
  std::uint32_t speed;
  bool ready;
};
DECLARE(Motor, speed, ready);
static_assert(!std::is_copy_constructible_v<Message<Scans>> && std::is_nothrow_move_constructible_v<Message<Scans>>);

template <class F>
static crosspage::error thrown_by(F &&call) {
  try {
    call();
  } catch (const crosspage::error &e) {
    return e;
  }
  return {};
}

static void structs() {
  auto early = Subscriber<Count>::attach("structs");  // comes first
  auto publisher = Publisher<Count>::options().send_time(true).attach("structs");
  CHECK_EQ(publisher.wait_subscribers(1, 1s), 1u);
  CHECK_EQ(early.publishers(), 1u);
  CHECK_EQ(early.wait_publishers(1), 1u);
  CHECK(thrown_by([&] { publisher.wait_subscribers(2, 10ms); }).is_timed_out());
  CHECK(!early.try_recv());
  CHECK(thrown_by([&] { early.recv(0s); }).is_timed_out());
  CHECK(thrown_by([&] { early.recv(10ms); }).is_timed_out());
  const auto before = std::chrono::system_clock::now();
  CHECK_EQ(publisher.publish({42, 21, true}), 1u);
  CHECK_EQ(publisher.try_publish(count(43)).value_or(0), 2u);
  auto message = early.recv();
  CHECK_EQ(message.value.n, 42u);
  CHECK_EQ(message.value.half, 21.0);
  CHECK_EQ(message.value.even, true);
  CHECK_EQ(message.sequence, 1u);
  CHECK_EQ(message.publisher, static_cast<std::uint32_t>(getpid()));
  CHECK(message.sent_at && *message.sent_at >= before && *message.sent_at - before < 10s);
  message = early.recv(1s);
  CHECK_EQ(message.value.n, 43u);

  // Many at once, and a late subscriber, who gets what comes from now on.
  auto late = Subscriber<Count>::attach("structs");
  std::vector<Count> many;
  for (std::uint64_t i = 0; i < 10; ++i) many.push_back(count(i));
  CHECK_EQ(publisher.publish_many(many.data(), many.size()), 10u);
  CHECK_EQ(publisher.publish_many(many.data(), 0), 0u);
  Count back[20];
  CHECK_EQ(early.recv_many(back, 4), 4u);
  CHECK_EQ(early.recv_many(back + 4, 16, 1s), 6u);
  for (std::uint64_t i = 0; i < 10; ++i) CHECK(back[i].n == i && back[i].even == (i % 2 == 0));
  CHECK(thrown_by([&] { early.recv_many(back, 20, 10ms); }).is_timed_out());
  const auto all = late.recv_many(100, 1s);
  CHECK_EQ(all.size(), 10u);
  CHECK(all[9].value.n == 9 && all[9].sequence == 12);
  CHECK(late.recv_many(0, 1s).empty());
  CHECK(thrown_by([&] { late.recv_many(1, 0s); }).is_timed_out());
#if CROSSPAGE_PLAIN_STRUCTS
  CHECK_EQ(publisher.publish_many(many), 10u);
  CHECK_EQ(late.recv_many(std::span(back)), 10u);
  while (early.try_recv()) {}
#endif
  CHECK_EQ(late.lost() + early.lost(), 0u);

  // A class that is no aggregate.
  auto points = Publisher<Point>::attach("points");
  auto to = Subscriber<Point>::attach("points");
  points.publish(Point(3, 4));
  CHECK_EQ(to.recv().value.y, 4);
}

static void large_structs() {
  auto publisher = Publisher<Large>::attach("large");
  auto subscriber = Subscriber<Large>::attach("large");
  {
    auto loan = publisher.loan();
    CHECK(loan && reinterpret_cast<std::uintptr_t>(&*loan) % 64 == 0);
    for (auto &word : loan->words) word = 1;
    (*loan).good = true;
    CHECK_EQ(loan.commit(), 1u);
    CHECK(!loan);
    CHECK(thrown_by([&] { loan.commit(); }).is_invalid());
  }
  {
    auto dropped = publisher.loan();  // as if it had never been
    dropped->words[0] = 99;
  }
  const auto large = std::make_unique<Large>();
  large->words[0] = 2;
  large->good = true;
  CHECK_EQ(publisher.publish(*large), 2u);
  auto first = subscriber.recv(1s);
  CHECK(reinterpret_cast<std::uintptr_t>(&first.value) % alignof(Large) == 0);
  auto second = subscriber.try_recv();
  CHECK(second && second->sequence == 2 && second->value.words[0] == 2);
  CHECK(first.sequence == 1 && first.value.words[0] == 1 && first.value.good);
  // What is held does not change.
  for (std::uint64_t i = 3; i < 60; ++i) {
    auto loan = publisher.loan();
    for (auto &word : loan->words) word = i;
    loan->good = true;
    loan.commit();
  }
  for (const auto word : first.value.words) CHECK(word == 1);
  CHECK_EQ(second->value.words[0], 2u);
  first = std::move(*second);
  CHECK(first.sequence == 2 && first.value.words[0] == 2);
  second.reset();
  CHECK(first.value.words[0] == 2);
  { auto moved = std::move(subscriber); }  // messages outlive their handle
  CHECK(first.value.words[0] == 2);

  // A loan may be moved, and outlive its publisher, but then nobody gets it.
  auto one = publisher.loan();
  auto other = publisher.loan();
  one->words[0] = 7;
  other = std::move(one);
  CHECK(!one && other->words[0] == 7);
  { auto moved = std::move(publisher); }
  other->words[0] = 8;
  CHECK(thrown_by([&] { other.commit(); }).is_closed());
}

static void bools_of_a_peer() {
  auto publisher = Publisher<Large>::attach("bools");
  auto subscriber = Subscriber<Large>::attach("bools");
  auto loan = publisher.loan();
  loan->words[0] = 5;
  std::memset(static_cast<void *>(&loan->good), 7, 1);
  loan.commit();
  const auto message = subscriber.recv(1s);
  unsigned char stored;
  std::memcpy(&stored, &message.value.good, 1);
  CHECK_EQ(stored, 1);
  CHECK_EQ(message.value.words[0], 5u);

  auto small = Publisher<Count>::attach("small-bools");
  auto to = Subscriber<Count>::attach("small-bools");
  auto one = small.loan();
  *one = count(1);
  std::memset(static_cast<void *>(&one->even), 7, 1);
  one.commit();
  const auto back = to.recv(1s);
  std::memcpy(&stored, &back.value.even, 1);
  CHECK_EQ(stored, 1);
}

static void byte_messages() {
  auto publisher = Publisher<crosspage::bytes>::attach("bytes");
  auto subscriber = Subscriber<crosspage::bytes>::attach("bytes");
  CHECK_EQ(publisher.publish("hello"), 1u);
  CHECK_EQ(publisher.publish("", 0), 2u);
  const std::vector<unsigned char> large(3'000'000, 7);
  CHECK_EQ(publisher.publish(large.data(), large.size()), 3u);
  CHECK_EQ(publisher.try_publish(large.data(), 10).value_or(0), 4u);
  {
    auto loan = publisher.loan(5);
    CHECK(loan.size() == 5 && reinterpret_cast<std::uintptr_t>(loan.data()) % 64 == 0);
    std::memcpy(loan.data(), "loan!", 5);
    CHECK_EQ((*loan).size(), 5u);
    loan.commit();
  }
#if CROSSPAGE_PLAIN_STRUCTS
  publisher.publish(std::as_bytes(std::span(large).first(100)));
#else
  publisher.publish(large.data(), 100);
#endif
  const auto hello = subscriber.recv(1s);
  CHECK_EQ(hello.text(), "hello");
  CHECK(hello.value.size() == 5 && hello.value[1] == std::byte('e') && hello.sequence == 1 && !hello.sent_at);
  CHECK_EQ(subscriber.recv().value.size(), 0u);
  auto rest = subscriber.recv_many(3, 1s);
  CHECK_EQ(rest.size(), 3u);
  CHECK(rest[0].value.size() == large.size() && rest[0].value[2'999'999] == std::byte(7));
  CHECK_EQ(rest[1].value.size(), 10u);
  CHECK_EQ(rest[2].text(), "loan!");
  std::size_t sum = 0;
  for (const std::byte one : subscriber.recv(1s).value) sum += std::to_integer<std::size_t>(one);
  CHECK_EQ(sum, 700u);
}

static void arrays() {
  auto publisher = Publisher<crosspage::ndarray>::attach("arrays");
  auto subscriber = Subscriber<crosspage::ndarray>::attach("arrays");
  const float matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
  CHECK_EQ(publisher.publish(&matrix[0][0], {2, 3}), 1u);
  const std::vector<std::uint64_t> shape = {6};
  CHECK_EQ(publisher.publish(&matrix[0][0], shape), 2u);
  const double scalar = 2.5;
  CHECK_EQ(publisher.try_publish(&scalar, {}).value_or(0), 3u);
  const double complex[] = {1, 2, 3, 4};
  CHECK_EQ(publisher.publish("<c16", {2}, complex, sizeof complex), 4u);
  {
    auto frame = publisher.loan<std::uint8_t>({480, 640, 3});
    CHECK_EQ(frame.size(), 480u * 640 * 3);
    for (auto &pixel : frame.as<std::uint8_t>()) pixel = 200;
    CHECK(thrown_by([&] { frame.as<float>(); }).is_invalid());
    CHECK_EQ(frame.commit(), 5u);
    CHECK(frame.as<std::uint8_t>().empty());
  }
  CHECK_EQ(publisher.loan("|b1", {10}).size(), 10u);

  const auto first = subscriber.recv(1s);
  CHECK_EQ(first.value.dtype(), "<f4");
  CHECK(first.value.shape().size() == 2 && first.value.shape()[0] == 2 && first.value.shape()[1] == 3);
  const auto numbers = first.value.as<float>();
  CHECK(numbers.size() == 6 && numbers[4] == 5);
  CHECK(reinterpret_cast<std::uintptr_t>(first.value.data()) % 64 == 0);
  const auto wrong = thrown_by([&] { first.value.as<double>(); });
  CHECK(wrong.is_invalid());
  CHECK_EQ(std::string(wrong.what()), "the array's dtype is <f4, not <f8");
  CHECK_EQ(subscriber.recv(1s).value.shape().size(), 1u);
  const auto third = subscriber.recv(1s);
  CHECK(third.value.shape().size() == 0 && third.value.shape().elements() == 1 && third.value.as<double>()[0] == 2.5);
  auto fourth = subscriber.recv(1s);
  CHECK(fourth.value.dtype() == "<c16" && fourth.value.size() == sizeof complex);
  fourth = subscriber.recv(1s);
  CHECK(fourth.sequence == 5 && fourth.value.as<std::uint8_t>()[480 * 640 * 3 - 1] == 200);
  CHECK(!subscriber.try_recv());

  CHECK(thrown_by([&] { publisher.publish("<f4", {3}, matrix, 5); }).is_invalid());
  CHECK(thrown_by([&] { publisher.publish("nonsense", {3}, matrix, 12); }).is_invalid());
  CHECK(thrown_by([&] { publisher.publish(std::string(20, 'x'), {3}, matrix, 12); }).is_invalid());
  CHECK(thrown_by([&] { publisher.loan<double>({1ull << 40, 1ull << 40}); }).kind() != errc{});
  CHECK(thrown_by([&] { publisher.publish(&scalar, {1ull << 40, 1ull << 40}); }).kind() != errc{});
}

static void whatever_comes() {
  auto subscriber = Subscriber<crosspage::dynamic>::attach("whatever");  // first, and without a type
  CHECK(!subscriber.kind());
  CHECK(thrown_by([&] { subscriber.layout(); }).is_no_value());
  CHECK(!subscriber.try_recv());
  auto publisher = Publisher<SharedData>::attach("whatever");
  SharedData data{};
  data.counter = 42;
  data.temperature = 23.5;
  crosspage::assign(data.userName, "Zoë");
  publisher.publish(data);
  const auto message = subscriber.recv(1s);
  CHECK_EQ(message["counter"].as<int>(), 42);
  CHECK_EQ(message["temperature"].as<double>(), 23.5);
  CHECK_EQ(message.value["userName"].as<std::string>(), "Zoë");
  CHECK(thrown_by([&] { message["countr"]; }).is_not_found());
  CHECK(message.kind() == Kind::structure && message.sequence == 1 && message.bytes().empty());
  CHECK_CONTAINS(message.value.to_json(), R"("counter":42)");
  CHECK(subscriber.kind() == Kind::structure);
  CHECK_EQ(subscriber.layout().name(), "SharedData");
  for (int i = 0; i < 20; ++i) publisher.publish(data);
  CHECK_EQ(subscriber.recv_many(30, 1s).size(), 20u);

  // A tail has as many elements as the message has bytes for.
  crosspage_field fields[2] = {};
  fields[0] = {"id", 0, 4, CROSSPAGE_TYPE_U32, 0, {}, nullptr, nullptr, nullptr, nullptr};
  fields[1] = {"points", 4, 8, CROSSPAGE_TYPE_F32, 2, {0, 2}, nullptr, nullptr, nullptr, nullptr};
  const crosspage_struct layout = {sizeof layout, sizeof fields[0], "Points", 4, 4, fields, 2};
  crosspage_topic_publisher *tails = nullptr;
  CHECK_EQ(crosspage_topic_publisher_attach("tails", CROSSPAGE_MESSAGE_STRUCT, &layout, nullptr, &tails, nullptr), 0);
  auto points = Subscriber<crosspage::dynamic>::attach("tails");
  const float values[] = {0, 1, 2, 3, 4, 5, 6};
  for (const std::size_t size : {28u, 4u, 20u})
    CHECK_EQ(crosspage_topic_publisher_publish(tails, values, size, nullptr, nullptr), 0);
  const auto three = points.recv(1s);
  CHECK_EQ(three["points"].size(), 3u);
  CHECK_EQ(three["points[2][1]"].as<float>(), 6.0f);
  CHECK_EQ((three["points"].as<std::vector<std::array<float, 2>>>()[1][1]), 4.0f);
  CHECK(thrown_by([&] { three["points[3]"]; }).is_not_found());
  CHECK(thrown_by([&] { three["points[99999999999]"]; }).is_not_found());
  const auto none = points.recv(1s);
  CHECK_EQ(none["points"].size(), 0u);
  CHECK(none["points"].as<std::vector<std::array<float, 2>>>().empty());
  CHECK_CONTAINS(points.recv(1s).value.to_json(), R"("points":[[1.0,2.0],[3.0,4.0]]})");
  crosspage_topic_publisher_free(tails);

  auto text = Publisher<crosspage::bytes>::attach("some-bytes");
  auto any = Subscriber<crosspage::dynamic>::attach("some-bytes");
  text.publish("hello");
  const auto bytes = any.recv(1s);
  CHECK(bytes.kind() == Kind::bytes && bytes.bytes().size() == 5 && bytes.bytes()[0] == std::byte('h'));
  CHECK(thrown_by([&] { bytes["counter"]; }).is_invalid());
  CHECK(thrown_by([&] { any.layout(); }).is_invalid());

  auto arrays = Publisher<crosspage::ndarray>::attach("some-arrays");
  auto some = Subscriber<crosspage::dynamic>::attach("some-arrays");
  const int numbers[] = {1, 2, 3};
  arrays.publish(numbers, {3});
  const auto array = some.recv(1s);
  CHECK(array.kind() == Kind::ndarray && array.array().as<int>()[2] == 3);
}

// A slow subscriber loses the oldest messages, and learns exactly how many.
static void overwriting() {
  auto publisher = Publisher<Count>::options().policy(Policy::overwrite).capacity(64 * 1024).attach("overwriting");
  auto subscriber = Subscriber<Count>::attach("overwriting");
  for (std::uint64_t i = 1; i <= 20'000; ++i) CHECK(publisher.publish(count(i)) == i);
  std::uint64_t received = 0, last = 0;
  while (const auto message = subscriber.try_recv()) {
    CHECK(message->value.n == message->sequence && message->value.n > last);
    last = message->value.n;
    CHECK(last == ++received + subscriber.lost());
  }
  CHECK(last == 20'000 && received < 20'000 && received > 100);

  auto bytes = Publisher<crosspage::bytes>::options().capacity(64 * 1024).attach("too-large");
  const std::vector<char> large(128 * 1024);
  const auto refused = thrown_by([&] { bytes.publish(large.data(), large.size()); });
  CHECK(refused.is_too_large());
  CHECK_CONTAINS(refused.what(), "65536");
}

// Nothing is lost: a publisher waits for the slowest subscriber.
static void blocking() {
  auto publisher = Publisher<Count>::options().policy(Policy::block).capacity(64 * 1024).attach("blocking");
  // Nobody is attached, so nobody is waited for.
  for (std::uint64_t i = 0; i < 10'000; ++i) publisher.publish(count(i));
  auto subscriber = Subscriber<Count>::attach("blocking");
  std::uint64_t published = 0;
  while (publisher.try_publish(count(published))) ++published;
  CHECK(published > 100 && published < 10'000);
  publisher.set_timeout(10ms);
  const auto full = thrown_by([&] { publisher.publish(count(published)); });
  CHECK(full.is_timed_out());
  CHECK_CONTAINS(full.what(), std::to_string(getpid()));  // who holds it up
  publisher.set_timeout(std::nullopt);
  std::thread slow([&] {
    for (std::uint64_t i = 0; i < 30'000; ++i) {
      const auto message = subscriber.recv(10s);
      CHECK(message.value.n == i);
    }
  });
  for (; published < 30'000; ++published) publisher.publish(count(published));
  slow.join();
  CHECK_EQ(subscriber.lost(), 0u);
  CHECK(!subscriber.try_recv());

  // A message that is larger than the capacity travels in fragments.
  auto bytes = Publisher<crosspage::bytes>::options().policy(Policy::block).capacity(64 * 1024).attach("fragments");
  auto whole = Subscriber<crosspage::bytes>::attach("fragments");
  std::string large(1'000'000, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 + i / 1000);
  std::thread sender([&] { bytes.publish(large); });
  const auto message = whole.recv(10s);
  sender.join();
  CHECK(message.text() == large);

  // Whoever never waits says so when it attaches.
  auto never = Publisher<Count>::options().policy(Policy::block).capacity(64 * 1024).timeout(0s).attach("never");
  auto lazy = Subscriber<Count>::attach("never");
  CHECK(thrown_by([&] {
          for (std::uint64_t i = 0; i < 10'000; ++i) never.publish(count(i));
        }).is_timed_out());
  // A subscriber that is closed is waited for no longer, though it lives on.
  std::thread leaving([&] {
    std::this_thread::sleep_for(50ms);
    lazy.close();
  });
  never.set_timeout(10s);
  for (std::uint64_t i = 0; i < 10'000; ++i) never.publish(count(i));
  leaving.join();
  auto another = Subscriber<Count>::attach("never");
  while (never.try_publish(count(1))) {}
  // Who is closed ends its wait.
  never.set_timeout(std::nullopt);
  std::thread closer([&] {
    std::this_thread::sleep_for(50ms);
    never.close();
  });
  CHECK(thrown_by([&] { never.publish(count(1)); }).is_closed());
  closer.join();
}

static void in_a_loop() {
  auto publisher = Publisher<Count>::options().policy(Policy::block).attach("loop");
  auto subscriber = Subscriber<Count>::attach("loop");
  std::thread sender([&] {
    for (std::uint64_t i = 1; i <= 1000; ++i) publisher.publish(count(i));
  });
  std::uint64_t n = 0;
  for (const auto &message : subscriber) {
    CHECK(message.value.n == ++n);
    if (n == 1000) break;
  }
  sender.join();

  // close() by another thread is the end of it, and no error.
  std::thread closer([&] {
    std::this_thread::sleep_for(50ms);
    publisher.publish(count(1));
    std::this_thread::sleep_for(50ms);
    subscriber.close();
  });
  n = 0;
  for (auto &message : subscriber) n += message.value.n;
  closer.join();
  CHECK_EQ(n, 1u);
  crosspage::error e;
  for (auto &message : subscriber.messages(e)) n += message.value.n;
  CHECK(!e && n == 1);
  CHECK(thrown_by([&] { subscriber.recv(); }).is_closed());
  CHECK(thrown_by([&] { subscriber.try_recv(); }).is_closed());
}

// Whether a message may be there, for an event loop.
static bool rings(crosspage_wait_fd fd, std::chrono::milliseconds wait) {
#ifdef _WIN32
  return WaitForSingleObject(fd, static_cast<DWORD>(wait.count())) == WAIT_OBJECT_0;
#else
  pollfd one = {fd, POLLIN, 0};
  return poll(&one, 1, static_cast<int>(wait.count())) == 1;
#endif
}

// Takes what is there, until the descriptor is silent. It may ring without a message, but not for ever.
static void drain(Subscriber<Count> &subscriber) {
  for (int rounds = 0; rings(subscriber.wait_fd(), 20ms); ++rounds) {
    CHECK(rounds < 10);
    while (subscriber.try_recv()) {}
  }
}

static void event_loops() {
  auto publisher = Publisher<Count>::attach("event-loops");
  auto subscriber = Subscriber<Count>::attach("event-loops");
  const auto fd = subscriber.wait_fd();
  CHECK(subscriber.wait_fd() == fd);
  drain(subscriber);
  for (std::uint64_t i = 0; i < 100; ++i) {
    std::thread later([&] { publisher.publish(count(i)); });
    CHECK(rings(fd, 10s));
    CHECK_EQ(subscriber.recv(1s).value.n, i);
    later.join();
    while (subscriber.try_recv()) {}
  }
  drain(subscriber);
  std::thread closer([&] { subscriber.close(); });
  CHECK(rings(fd, 10s));
  closer.join();
  CHECK(thrown_by([&] { subscriber.try_recv(); }).is_closed());
}

using crosspage::latest::Reader;
using crosspage::latest::Writer;

// Reads until the descriptor is silent. It may ring without news, but not for ever.
template <class T>
static void silence(const Reader<T> &reader) {
  for (int rounds = 0; rings(reader.wait_fd(), 20ms); ++rounds) {
    CHECK(rounds < 10);
    reader.read();
  }
}

static void event_loops_of_readers() {
  auto writer = Writer<Count>::create("event-loops-of-readers");
  const auto reader = Reader<Count>::open("event-loops-of-readers");
  const auto any = Reader<crosspage::dynamic>::open("event-loops-of-readers");
  const auto fd = reader.wait_fd();
  CHECK(reader.wait_fd() == fd && any.wait_fd() != fd);
  CHECK(!rings(fd, 50ms));
  for (std::uint64_t i = 0; i < 15; ++i) {
    std::thread later([&] { writer.write(count(i)); });
    CHECK(rings(fd, 10s) && rings(any.wait_fd(), 10s));
    CHECK_EQ(reader.read()->value.n, i);
    CHECK_EQ((*any.read())["n"].as<std::uint64_t>(), i);
    later.join();
    silence(reader);
    silence(any);
  }
  std::thread closer([&] { reader.close(); });
  CHECK(rings(fd, 10s));
  closer.join();
  CHECK(thrown_by([&] { reader.wait_fd(); }).is_closed());
  crosspage::error e;
  any.close();
  any.wait_fd(e);
  CHECK(e.is_closed());
}

static void several_at_once() {
  auto publisher = Publisher<Count>::attach("several");
  auto subscriber = Subscriber<Count>::attach("several");
  auto any = Subscriber<crosspage::dynamic>::attach("others");
  auto writer = Writer<Count>::create("several-page");
  const auto reader = Reader<Count>::open("several-page");
  using places = std::vector<std::size_t>;
  CHECK(thrown_by([&] { crosspage::wait_any({subscriber, any, reader}, 0s); }).is_timed_out());
  const auto before = std::chrono::steady_clock::now();
  crosspage::error e;
  CHECK(crosspage::wait_any({subscriber, any, reader}, 50ms, e).empty() && e.is_timed_out());
  CHECK(std::chrono::steady_clock::now() - before >= 50ms);
  CHECK(thrown_by([] { crosspage::wait_any({}, std::nullopt); }).is_invalid());

  std::thread later([&] {
    std::this_thread::sleep_for(30ms);
    publisher.publish(count(1));
  });
  CHECK(crosspage::wait_any({any, subscriber, reader}, 10s) == places{1});
  later.join();
  writer.write(count(2));
  // What is ready is not taken.
  CHECK((crosspage::wait_any({any, subscriber, reader}, 10s, e) == places{1, 2}) && !e);
  CHECK((crosspage::wait_any({any, subscriber, reader}) == places{1, 2}));
  CHECK_EQ(subscriber.try_recv()->value.n, 1u);
  CHECK_EQ(reader.read()->value.n, 2u);
  const std::vector<crosspage::Waitable> all = {any, subscriber, reader};
  CHECK(crosspage::wait_any(all, 50ms, e).empty() && e.is_timed_out());
  std::thread closer([&] {
    std::this_thread::sleep_for(30ms);
    any.close();
  });
  CHECK(crosspage::wait_any(all, 10s) == places{0});
  closer.join();
  auto moved = std::move(subscriber);
  CHECK(thrown_by([&] { crosspage::wait_any({subscriber}, 0s); }).is_invalid());
}

static void options_and_layouts() {
  auto publisher = Publisher<Count>::options()
                       .policy(Policy::block)
                       .max_held(2)
                       .history(3)
                       .max_message(1000)
                       .checksum(true)
                       .max_participants(16)
                       .permissions(crosspage::Permissions::group)
                       .lifetime(crosspage::Lifetime::keep)
                       .attach("options");
  for (std::uint64_t i = 1; i <= 10; ++i) publisher.publish(count(i));
  publisher.close();
  CHECK(thrown_by([&] { publisher.publish(count(1)); }).is_closed());
  { auto gone = std::move(publisher); }
  // What it has published outlives it.
  auto subscriber = Subscriber<Count>::attach("options");
  for (std::uint64_t i = 8; i <= 10; ++i) CHECK_EQ(subscriber.recv(1s).value.n, i);
  CHECK(!subscriber.try_recv());

  const auto contradiction = thrown_by([] { Subscriber<Count>::options().history(4).attach("options"); });
  CHECK(contradiction.is_invalid());
  CHECK_CONTAINS(contradiction.what(), "history is 3 in the page, 4 here");
  CHECK_CONTAINS(thrown_by([] { Subscriber<Count>::options().history(0).attach("options"); }).what(), "0 here");
  CHECK_CONTAINS(thrown_by([] { Publisher<Count>::options().policy(Policy::overwrite).attach("options"); }).what(),
                 "overwrite");

  const auto differs = thrown_by([] { Subscriber<Large>::attach("options"); });
  CHECK(differs.is_layout_mismatch());
  CHECK_CONTAINS(differs.what(), "differs from Large (C++, this process):");
  CHECK(thrown_by([] { Publisher<crosspage::bytes>::attach("options"); }).kind() != errc{});
  CHECK(thrown_by([] { Subscriber<crosspage::ndarray>::attach("options"); }).kind() != errc{});

  auto again = Publisher<Count>::attach("options");
  auto halves = Subscriber<Half>::options().match_by(crosspage::by_name).attach("options");
  while (halves.try_recv()) {}
  again.publish(count(5));
  CHECK_EQ(halves.recv(1s).value.half, 2.5);

  bool found = false;
  for (const auto &page : crosspage::list()) {
    if (page.name != "options") continue;
    found = true;
    CHECK_EQ(page.pattern, "topic");
    CHECK_EQ(page.type, "Count");
    CHECK(page.lifetime == crosspage::Lifetime::keep);
#ifndef _WIN32  // where Wine does not tell it as it was given
    CHECK_EQ(page.mode, 0660u);
#endif
    CHECK_EQ(page.participants.size(), 3u);
  }
  CHECK(found);
}

// Either side learns once of each that comes or goes.
static void events() {
  auto publisher = Publisher<Count>::attach("events");
  CHECK(!publisher.try_event());
  CHECK(thrown_by([&] { publisher.wait_event(1ms); }).is_timed_out());
  {
    auto subscriber = Subscriber<Count>::attach("events");
    const auto matched = publisher.wait_event(20s);
    CHECK(matched.kind == Event::matched);
    CHECK_EQ(matched.language, "C++");
    CHECK(matched.pid != 0);
    CHECK(subscriber.wait_event(20s).kind == Event::matched);
    CHECK(!subscriber.try_event());
  }
  crosspage::error e;
  const auto gone = publisher.wait_event(20s, e);
  CHECK(!e && gone && gone->kind == Event::gone);
  CHECK(!publisher.try_event(e) && !e);
  publisher.close();
  CHECK(!publisher.try_event(e) && e.is_closed());
}

static void bad_arguments() {
  CHECK(thrown_by([] { Publisher<Count>::attach("a b"); }).is_invalid());
  CHECK(thrown_by([] { Subscriber<Count>::attach(""); }).is_invalid());
  auto publisher = Publisher<Count>::attach("moved");
  auto moved = std::move(publisher);
  CHECK(!publisher && moved);
  CHECK(thrown_by([&] { publisher.publish(count(1)); }).is_invalid());
  CHECK(thrown_by([&] { publisher.loan(); }).is_invalid());
  auto subscriber = Subscriber<crosspage::dynamic>::attach("moved");
  auto other = std::move(subscriber);
  CHECK(thrown_by([&] { subscriber.try_recv(); }).is_invalid());
  CHECK(thrown_by([&] { subscriber.layout(); }).is_invalid());
  moved.publish(count(1));
  CHECK_EQ(other.recv(1s)["n"].as<int>(), 1);
}

#ifndef _WIN32
static void forked() {
  auto publisher = Publisher<Count>::options().policy(Policy::block).attach("forked");
  auto subscriber = Subscriber<Count>::attach("forked");
  auto loan = publisher.loan();
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = thrown_by([&] { publisher.publish(count(1)); }).is_forked() &&
                         thrown_by([&] { subscriber.recv(1s); }).is_forked() &&
                         thrown_by([&] { loan.commit(); }).is_forked();
    Publisher<Count>::attach("forked").publish(count(2));
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const auto message = subscriber.recv(10s);
  CHECK(message.value.n == 2 && message.publisher == static_cast<std::uint32_t>(child));
  *loan = count(3);
  loan.commit();
  CHECK_EQ(subscriber.recv(10s).value.n, 3u);
}
#else
static void forked() {}
#endif

static void tails() {
  auto subscriber = Subscriber<Scans>::attach("scans");
  auto publisher = Publisher<Scans>::attach("scans");
  std::vector<std::array<float, 3>> points;
  const auto more = [&] {
    const auto n = static_cast<float>(points.size());
    points.push_back({n, n + 0.25f, n + 0.5f});
  };
  for (const std::size_t size : {0u, 1u, 2u, 5u, 1000u, 50000u}) {
    while (points.size() < size) more();
    const std::uint64_t sequence = publisher.publish({size, size % 2 == 0}, points.data(), points.size());
    auto received = subscriber.recv(1s);
    CHECK_EQ(received.sequence, sequence);
    const Message<Scans> message = std::move(received);  // a small tail moves along
    CHECK(message.header.stamp == size && message.header.moving == (size % 2 == 0));
    CHECK_EQ(message.tail().size(), size);
    for (std::size_t i = 0; i < size; ++i) CHECK(message.tail()[i] == points[i]);
  }
  CHECK(!subscriber.try_recv());
  // As a flexible array member lies: behind the last member, in what is padding without it.
  const auto layout = subscriber.layout();
  CHECK_EQ(layout.size(), 16u);
  const crosspage_field &tail = layout.table().fields[2];
  CHECK(std::string_view(tail.name) == "points" && tail.offset == 12 && tail.type == CROSSPAGE_TYPE_F32);
  CHECK(tail.ndims == 2 && tail.dims[0] == 0 && tail.dims[1] == 3 && tail.size == 12);

  // The same in the tests of Rust and of Python.
  const std::string canonical = "0122100000000800000003000000050000007374616d700000000009060000006d6f76696e67080000000106000000"
                                "706f696e74730c0000002321030000000a";
  std::string hex;
  for (const unsigned char one : crosspage::canonical<Scans>()) {
    for (const int digit : {one >> 4, one & 15}) hex += "0123456789abcdef"[digit];
  }
  CHECK_EQ(hex, canonical);
  CHECK(layout.canonical() == crosspage::canonical<Scans>());

  auto loan = publisher.loan({1, true}, 3);
  CHECK_EQ(loan.tail().size(), 3u);
  for (auto &point : loan.tail()) point = {1, 2, 3};
  loan.set_header({2, true});
  loan.commit();
  { auto dropped = publisher.loan({3, true}, 7); }
  CHECK(publisher.try_publish({4, false}, nullptr, 0) == 8u);
  crosspage::error e;
  CHECK_EQ(publisher.publish({5, false}, crosspage::span<const std::array<float, 3>>(points.data(), 1), e), 9u);
  CHECK(!e);
  auto many = subscriber.recv_many(10, 1s);
  CHECK(many.size() == 3 && many[0].header.stamp == 2 && many[0].tail()[2][1] == 2 && many[1].tail().empty());
  CHECK(many[2].tail()[0] == points[0]);
  CHECK(thrown_by([&] { publisher.loan({1, true}, std::numeric_limits<std::size_t>::max()); }).is_too_large());
  CHECK(thrown_by([&] { publisher.publish({1, true}, nullptr, 2); }).is_invalid());

  // Padding of the header is in no message, and neither is that of elements.
  auto any = Subscriber<crosspage::dynamic>::attach("motors");
  auto motors = Publisher<crosspage::with_tail<Scan, Motor>>::attach("motors");
  Motor raw[2];
  std::memset(static_cast<void *>(raw), 0xff, sizeof raw);
  raw[0] = {7, true};
  raw[1].speed = 8;
  raw[1].ready = false;
  motors.publish({1, true}, raw, 2);
  const auto record = any.recv(1s);
  CHECK_EQ(record["points"].size(), 2u);
  CHECK_EQ(record["points[0].speed"].as<int>(), 7);
  CHECK_EQ(record["points[1].ready"].as<bool>(), false);
  CHECK_EQ(record.value.to_json(), R"({"stamp":1,"moving":true,"points":[{"speed":7,"ready":true},{"speed":8,"ready":false}]})");

  // Another tail is another layout.
  const auto differs = thrown_by([] { Subscriber<crosspage::with_tail<Scan, std::array<double, 3>>>::attach("scans"); });
  CHECK(differs.is_layout_mismatch());
  CHECK_CONTAINS(std::string(differs.what()), "points");
  CHECK(thrown_by([] { Subscriber<Scan>::attach("scans"); }).is_layout_mismatch());
  // Without CROSSPAGE_TAIL it is called tail.
  auto named = Publisher<crosspage::with_tail<Half, char>>::attach("named");
  named.publish({0.5}, "abc", 3);
  CHECK_EQ(std::string(Subscriber<crosspage::dynamic>::attach("named").layout().table().fields[1].name), "tail");

  // A bool of a peer is true or false, also where the message stays in the page.
  crosspage_topic_publisher *peer = nullptr;
  CHECK_EQ(crosspage_topic_publisher_attach("motors", CROSSPAGE_MESSAGE_STRUCT,
                                            &crosspage::layout_of<crosspage::with_tail<Scan, Motor>>(), nullptr, &peer, nullptr), 0);
  auto checked = Subscriber<crosspage::with_tail<Scan, Motor>>::attach("motors");
  std::vector<unsigned char> strange(12 + 8 * 1000, 7);
  for (const std::size_t size : {12u + 8u, 12u + 8u * 1000u}) {
    CHECK_EQ(crosspage_topic_publisher_publish(peer, strange.data(), size, nullptr, nullptr), 0);
    const auto message = checked.recv(1s);
    unsigned char moving, ready;
    std::memcpy(&moving, &message.header.moving, 1);
    std::memcpy(&ready, &message.tail()[message.tail().size() - 1].ready, 1);
    CHECK(moving == 1 && ready == 1);
  }
  crosspage_topic_publisher_free(peer);
}

int main() {
  crosspage::testing::Namespace ns;
  structs();
  large_structs();
  bools_of_a_peer();
  byte_messages();
  arrays();
  whatever_comes();
  tails();
  overwriting();
  blocking();
  in_a_loop();
  event_loops();
  event_loops_of_readers();
  several_at_once();
  options_and_layouts();
  events();
  bad_arguments();
  forked();
}
