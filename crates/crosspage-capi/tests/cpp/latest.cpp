// latest, from C++ with exceptions: one process, several handles.
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <thread>

#include "check.hpp"
#include "shared_data.hpp"

using namespace std::chrono_literals;
using crosspage::errc;
using crosspage::latest::Reader;
using crosspage::latest::Writer;

#if CROSSPAGE_PLAIN_STRUCTS
#define DECLARE(...) static_assert(true, "")
#else
#define DECLARE(...) CROSSPAGE_STRUCT(__VA_ARGS__)
#endif

enum class Mode : std::uint8_t { idle, running = 7 };
CROSSPAGE_ENUM(Mode, idle, running);

struct Joint {
  double angle;
  float torque[2];
};
DECLARE(Joint, angle, torque);

struct Arm {
  std::uint64_t big;
  std::int8_t small;
  Mode mode;
  bool moving;
  Joint joints[3];
  char labels[2][8];
  int grid[2][3];
};
DECLARE(Arm, big, small, mode, moving, joints, labels, grid);

struct Some {
  double temperature;
  char user_name[50];
};
DECLARE(Some, temperature, user_name);

class Point {
 public:
  Point(int x_, int y_) : x(x_), y(y_) {}
  int x, y;
};
CROSSPAGE_STRUCT(Point, x, y);

struct Large {
  std::uint64_t words[1 << 20];
};
DECLARE(Large, words);

struct Other {
  int counter;
};
DECLARE(Other, counter);

// What `call` throws.
template <class F>
static crosspage::error thrown_by(F &&call) {
  try {
    call();
  } catch (const crosspage::error &e) {
    return e;
  }
  return {};
}

static void write_and_read() {
  auto writer = Writer<SharedData>::create("basic");
  auto reader = Reader<SharedData>::open("basic");
  CHECK(!reader.read());
  SharedData data{};
  data.counter = 42;
  data.temperature = 23.5;
  crosspage::assign(data.message, "Grüße");
  CHECK_EQ(writer.write(data), 1u);
  const auto snapshot = reader.read();
  CHECK(snapshot.has_value());
  CHECK_EQ(snapshot->value.counter, 42);
  CHECK_EQ(snapshot->value.temperature, 23.5);
  CHECK_EQ(crosspage::view(snapshot->value.message), "Grüße");
  CHECK_EQ(snapshot->version, 1u);
  CHECK_EQ(snapshot->writer, static_cast<std::uint32_t>(getpid()));
  CHECK(snapshot->age() < 10s);
  CHECK(std::chrono::system_clock::now() - snapshot->written_at < 10s);

  CHECK_EQ(writer.update([](SharedData &d) { d.counter++; }), 2u);
  SharedData into{};
  const auto meta = reader.read_into(into);
  CHECK(meta && meta->version == 2);
  CHECK_EQ(into.counter, 43);
  CHECK_EQ(writer.write_with([](SharedData &d) { d.counter = 44; }), 3u);
  CHECK_EQ(reader.read()->value.counter, 44);
  CHECK_EQ(reader.read()->value.temperature, 0.0);

  // Not written: cancelled, or thrown out of.
  CHECK(thrown_by([&] { writer.update([](SharedData &d) { return d.counter++, false; }); }).is_cancelled());
  try {
    writer.update([](SharedData &) { throw 17; });
    CHECK(false);
  } catch (int n) {
    CHECK_EQ(n, 17);
  }
  try {
    writer.write_with([](SharedData &) { throw std::string("no"); });
    CHECK(false);
  } catch (const std::string &s) {
    CHECK_EQ(s, "no");
  }
  CHECK_EQ(reader.read()->version, 3u);
  CHECK_EQ(writer.write(data), 4u);
}

static void restart_and_roles() {
  auto first = Writer<Other>::create("roles");
  first.write({1});
  const auto owned = thrown_by([] { Writer<Other>::create("roles"); });
  CHECK(owned.is_already_owned());
  CHECK_CONTAINS(owned.what(), "this process");
  first = Writer<Other>(std::move(first));
  first.close();
  CHECK(thrown_by([&] { first.write({2}); }).is_closed());
  // The value and its version stay.
  auto second = Writer<Other>::create("roles");
  auto reader = Reader<Other>::open("roles");
  CHECK_EQ(reader.read()->version, 1u);
  CHECK_EQ(second.write({3}), 2u);

  auto several = Writer<Other>::options().writers(3).checksum(true).max_participants(16).permissions(
      crosspage::Permissions::group).lifetime(crosspage::Lifetime::while_used).create("several");
  auto another = Writer<Other>::attach("several");
  CHECK_EQ(several.write({1}), 1u);
  CHECK_EQ(another.write({2}), 2u);
  CHECK_EQ(another.update([](Other &o) { o.counter += 5; }), 3u);
  const auto contradiction = thrown_by([] { Writer<Other>::options().writers(2).attach("several"); });
  CHECK(contradiction.is_invalid());
  CHECK_CONTAINS(contradiction.what(), "writers is 3 in the page, 2 here");

  // Another layout: refused while a writer lives, a new page afterwards.
  CHECK(thrown_by([] { Writer<Point>::create("roles"); }).kind() != errc{});
  second.close();
  auto points = Writer<Point>::create("roles");
  points.write(Point(3, 4));
  CHECK(thrown_by([&] { reader.read(); }).is_replaced());
  auto point_reader = Reader<Point>::open("roles");
  CHECK_EQ(point_reader.read()->value.y, 4);
  point_reader.reopen();
  CHECK_EQ(point_reader.wait_changed(0).value.x, 3);
}

static void waiting() {
  const auto missing = thrown_by([] { Reader<Other>::open("waiting"); });
  CHECK(missing.is_not_found());
  CHECK(missing.code() == std::errc::no_such_file_or_directory);
  CHECK(missing.code() == errc::not_found);
  const auto late = thrown_by([] { Reader<Other>::open_wait("waiting", 30ms); });
  CHECK(late.is_timed_out());

  auto writer = Writer<Other>::create("waiting");
  auto reader = Reader<Other>::open_wait("waiting", std::nullopt);
  CHECK(thrown_by([&] { reader.wait_changed(0, 0s); }).is_timed_out());
  CHECK(thrown_by([&] { reader.wait_changed(0, 20ms); }).is_timed_out());
  std::thread later([&] {
    std::this_thread::sleep_for(50ms);
    writer.write({6});
  });
  const auto changed = reader.wait_changed(0, std::optional<std::chrono::minutes>(1min));
  CHECK_EQ(changed.value.counter, 6);
  later.join();
  CHECK_EQ(reader.wait_changed(0, std::chrono::duration<double>(1e300)).version, 1u);

  std::thread closer([&] {
    std::this_thread::sleep_for(50ms);
    reader.close();
  });
  CHECK(thrown_by([&] { reader.wait_changed(1); }).is_closed());
  closer.join();
}

static void layouts() {
  auto writer = Writer<SharedData>::create("layouts");
  SharedData data{};
  data.temperature = 23.5;
  crosspage::assign(data.userName, "Zoë");
  writer.write(data);
  const auto differs = thrown_by([] { Reader<Other>::open("layouts"); });
  CHECK(differs.is_layout_mismatch());
  CHECK_CONTAINS(differs.what(), "layout of page \"layouts\" differs from Other (C++, this process):");

  auto some = Reader<Some>::open("layouts", crosspage::by_name);
  CHECK_EQ(some.read()->value.temperature, 23.5);
  CHECK_EQ(crosspage::view(some.read()->value.user_name), "Zoë");
  CHECK_EQ(Reader<SharedData>::options().read_only(true).open("layouts").read()->value.temperature, 23.5);

  const auto layout = Reader<SharedData>::open("layouts").layout();
  CHECK_EQ(layout.name(), "SharedData");
  CHECK_EQ(layout.size(), 632u);
  CHECK_EQ(layout.table().count, 9u);
  CHECK_EQ(std::string(layout.table().fields[7].name), "timestamp");
  CHECK_EQ(layout.table().fields[7].offset, 584u);
  CHECK(layout.canonical() == crosspage::canonical<SharedData>());
  CHECK_CONTAINS(layout.to_json(), R"({"name":"dataArray","type":"i32[10]","offset":592,"size":40,"unit":null})");
}

static void dynamic() {
  auto writer = Writer<Arm>::create("arm");
  Arm arm{};
  arm.big = 0xFFFFFFFFFFFFFFFF;
  arm.small = -3;
  arm.mode = Mode::running;
  arm.moving = true;
  arm.joints[2].angle = 1.5;
  arm.joints[1].torque[1] = 20.3f;
  crosspage::assign(arm.labels[1], "elbow");
  for (int i = 0; i < 6; ++i) arm.grid[i / 3][i % 3] = i;
  writer.write(arm);

  auto reader = Reader<crosspage::dynamic>::open("arm");
  const auto snapshot = reader.wait_changed(0, 1s);
  CHECK_EQ(snapshot.version, 1u);
  CHECK_EQ(snapshot["big"].as<std::uint64_t>(), 0xFFFFFFFFFFFFFFFFu);
  CHECK(thrown_by([&] { snapshot["big"].as<std::int64_t>(); }).is_too_large());
  CHECK_EQ(snapshot["small"].as<int>(), -3);
  CHECK_EQ(snapshot["small"].as<double>(), -3.0);
  CHECK(thrown_by([&] { snapshot["small"].as<unsigned char>(); }).is_too_large());
  CHECK(snapshot["mode"].as<Mode>() == Mode::running);
  CHECK_EQ(snapshot["mode"].as<int>(), 7);
  CHECK_EQ(snapshot["mode"].as<std::string>(), "running");
  CHECK_EQ(snapshot["moving"].as<bool>(), true);
  CHECK(thrown_by([&] { snapshot["moving"].as<int>(); }).is_invalid());
  CHECK_EQ(snapshot["joints[2].angle"].as<double>(), 1.5);
  CHECK_EQ(snapshot["joints[1].torque"].as<std::vector<float>>()[1], 20.3f);
  CHECK_EQ(snapshot["labels[1]"].as<std::string_view>(), "elbow");
  CHECK_EQ(snapshot["labels"].as<std::vector<std::string>>()[1], "elbow");
  const auto grid = snapshot["grid"].as<std::array<std::array<int, 3>, 2>>();
  CHECK_EQ(grid[1][2], 5);
  CHECK(thrown_by([&] { snapshot["grid"].as<std::array<int, 4>>(); }).is_invalid());
  CHECK(thrown_by([&] { snapshot["joints[2].angle"].as<int>(); }).is_invalid());
  const auto unknown = thrown_by([&] { snapshot["joints[2].angel"]; });
  CHECK(unknown.is_not_found());
  CHECK_CONTAINS(unknown.what(), "angle");
  CHECK(thrown_by([&] { snapshot["joints[3]"]; }).kind() != errc{});
  CHECK_CONTAINS(snapshot.value.to_json(), R"("mode":"running","moving":true)");
  CHECK_EQ(snapshot["mode"].field().enumeration->count, 2u);

  // What a peer wrote is data: a bool of 7 is true, an enum has any value.
  std::memset(&arm.moving, 7, 1);
  std::memset(&arm.mode, 99, 1);
  writer.write(arm);
  const auto odd = *Reader<Arm>::open("arm").read();
  unsigned char byte;
  std::memcpy(&byte, &odd.value.moving, 1);
  CHECK_EQ(byte, 1);
  CHECK_EQ(static_cast<int>(odd.value.mode), 99);
  CHECK_EQ(reader.read()->value["mode"].as<int>(), 99);
  CHECK(thrown_by([&] { reader.read()->value["mode"].as<std::string>(); }).is_invalid());
}

static void large_and_pinned() {
  auto writer = Writer<Large>::options().max_pins(2).create("large");
  auto reader = Reader<Large>::open("large");
  CHECK(!reader.read_pinned());
  writer.write_with([](Large &l) { l.words[7] = 1; });
  auto first = reader.read_pinned();
  CHECK(first.has_value());
  for (std::uint64_t i = 2; i < 20; ++i) writer.write_with([=](Large &l) { l.words[7] = i; });
  CHECK_EQ((*first)->words[7], 1u);
  CHECK_EQ(first->version, 1u);
  auto second = reader.read_pinned();
  CHECK_EQ((**second).words[7], 19u);
  CHECK(thrown_by([&] { reader.read_pinned(); }).is_full());
  CHECK(thrown_by([&] { reader.reopen(); }).is_in_use());
  *first = std::move(*second);
  CHECK_EQ((*first)->words[7], 19u);
  second.reset();
  CHECK(reader.read_pinned().has_value());
  // A pin outlives its handle.
  { auto moved = std::move(reader); }
  CHECK_EQ((*first)->words[7], 19u);
  CHECK_EQ(writer.update([](Large &l) { l.words[7] += 1; }), 20u);
  CHECK_EQ((*first)->words[7], 19u);

  auto plain = Writer<Other>::create("unpinned");
  plain.write({1});
  const auto refused = thrown_by([] { Reader<Other>::open("unpinned").read_pinned(); });
  CHECK(refused.is_invalid());
  CHECK_CONTAINS(refused.hint(), "max_pins");

  // A bool that is none has no place in C++.
  auto arm_writer = Writer<Arm>::options().max_pins(1).create("pinned-arm");
  Arm arm{};
  std::memset(&arm.moving, 7, 1);
  arm_writer.write(arm);
  const auto bad = thrown_by([] { Reader<Arm>::open("pinned-arm").read_pinned(); });
  CHECK(bad.is_invalid());
  CHECK_CONTAINS(bad.what(), "field moving is a bool that is neither 0 nor 1");
}

#ifndef _WIN32
static void forked() {
  auto writer = Writer<Other>::create("forked");
  auto reader = Reader<Other>::open("forked");
  writer.write({1});
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = thrown_by([&] { reader.read(); }).is_forked() && thrown_by([&] { writer.write({2}); }).is_forked();
    _exit(refused && Reader<Other>::open("forked").read()->value.counter == 1 ? 0 : 1);
  }
  int status = 0;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK_EQ(writer.write({2}), 2u);
}
#else
static void forked() {}
#endif

static void registry() {
  auto writer = Writer<Other>::create("robot/one");
  writer.write({1});
  bool found = false;
  for (const auto &page : crosspage::list()) {
    if (page.name != "robot/one") continue;
    found = true;
    CHECK_EQ(page.pattern, "latest");
    CHECK_EQ(page.type, "Other");
    CHECK_EQ(page.version.value_or(0), 1u);
    CHECK(page.age && *page.age < 10s);
    CHECK(page.lifetime == crosspage::Lifetime::keep);
    CHECK_EQ(page.mode, 0600u);
    CHECK_EQ(page.participants.size(), 1u);
    CHECK_EQ(page.participants[0].role, "writer");
    CHECK_EQ(page.participants[0].language, "C++");
    CHECK_EQ(page.participants[0].pid, static_cast<std::uint32_t>(getpid()));
    CHECK(page.participants[0].alive);
  }
  CHECK(found);
  const auto page = crosspage::inspect("robot/one");
  CHECK_EQ(page.name, "robot/one");
  CHECK_EQ(page.participants.size(), 1u);
  CHECK(thrown_by([] { crosspage::inspect("robot/two"); }).is_not_found());
  const auto used = thrown_by([] { crosspage::remove("robot/one"); });
  CHECK(used.is_in_use());
  crosspage::remove("robot/one", true);
  CHECK(thrown_by([&] { writer.write({2}); }).is_replaced());
  crosspage::gc(true);
}

static void bad_arguments() {
  CHECK(thrown_by([] { Writer<Other>::create("a b"); }).is_invalid());
  CHECK(thrown_by([] { Writer<Other>::create(std::string_view("ab\0cd", 5)); }).is_invalid());
  CHECK(thrown_by([] { Writer<Other>::create(""); }).is_invalid());
  CHECK(thrown_by([] { Writer<Other>::options().writers(100000).create("many"); }).is_invalid());
  auto writer = Writer<Other>::create("moved");
  auto moved = std::move(writer);
  CHECK(thrown_by([&] { writer.write({1}); }).is_invalid());
  CHECK(!writer);
  CHECK(static_cast<bool>(moved));
  const crosspage::error none;
  CHECK(!none);
  CHECK_EQ(std::string(none.what()), "no error");
}

static void text() {
  SharedData data{};
  crosspage::assign(data.userName, std::string(50, 'x'));
  CHECK_EQ(crosspage::view(data.userName).size(), 50u);
  const auto large = thrown_by([&] { crosspage::assign(data.userName, std::string(51, 'y')); });
  CHECK(large.is_too_large());
  CHECK_EQ(std::string(large.what()), "a text of 51 bytes does not fit into text[50]");
  CHECK_EQ(data.userName[0], 'x');
  CHECK(thrown_by([&] { crosspage::assign(data.userName, std::string_view("a\0b", 3)); }).is_invalid());
  crosspage::assign(data.userName, "");
  CHECK_EQ(crosspage::view(data.userName), "");
  CHECK_EQ(data.userName[49], '\0');
  crosspage::assign(data.userName, "abcdef");
  crosspage::assign(data.userName, crosspage::view(data.userName).substr(2));
  CHECK_EQ(crosspage::view(data.userName), "cdef");
  std::array<char, 3> array;
  crosspage::assign(array, "Zoe");
  CHECK_EQ(crosspage::view(array), "Zoe");
  crosspage::assign_truncated(array, "Zoë");
  CHECK_EQ(crosspage::view(array), "Zo");
  char four[4];
  crosspage::assign_truncated(four, "Zoë!");
  CHECK_EQ(crosspage::view(four), "Zoë");

  CHECK_EQ(crosspage::to_string(four), "Zoë");
  const std::pair<std::string, std::string> lossy[] = {
      {"a\xff" "b", "a\xef\xbf\xbd" "b"}, {"\xc3", "\xef\xbf\xbd"},
      {"\xe2\x82", "\xef\xbf\xbd"}, {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"}, {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
      {"\xf0\x9f\x98z", "\xef\xbf\xbdz"}, {"\xf5\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const auto &[bytes, expected] : lossy) {
    crosspage::assign(data.message, bytes);
    CHECK_EQ(crosspage::to_string_lossy(data.message), expected);
    CHECK_EQ(thrown_by([&] { crosspage::to_string(data.message); }).is_invalid(), bytes != expected);
  }
}

static void logging() {
  static std::string seen;
  crosspage::set_log([](crosspage::log_level, std::string_view message) { seen += std::string(message) + "\n"; },
                     crosspage::log_level::trace);
  { auto writer = Writer<Other>::create("logged"); }
  crosspage::set_log({});
  CHECK_CONTAINS(seen, "logged");
  const std::string before = seen;
  { auto writer = Writer<Other>::create("logged"); }
  CHECK_EQ(seen, before);
}

int main() {
  CHECK_EQ(crosspage::version(), "0.1.0");
  crosspage::testing::Namespace ns;
  CHECK_CONTAINS(ns.name(), "test-");
  write_and_read();
  restart_and_roles();
  waiting();
  layouts();
  dynamic();
  large_and_pinned();
  forked();
  registry();
  bad_arguments();
  text();
  logging();
}
