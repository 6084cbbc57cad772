// Every function with a trailing `error &`: compiled with -fno-exceptions (and without).
#include "check.hpp"
#include "shared_data.hpp"

using namespace std::chrono_literals;
using crosspage::latest::Reader;
using crosspage::latest::Writer;

int main() {
  crosspage::error e;
  crosspage::testing::Namespace ns(e);
  CHECK(!e);

  auto missing = Reader<SharedData>::open("page", e);
  CHECK(!missing && e.is_not_found());
  CHECK(!Reader<SharedData>::open_wait("page", 10ms, e));
  CHECK(e.is_timed_out());

  auto writer = Writer<SharedData>::options().writers(2).max_pins(1).create("page", e);
  CHECK(writer && !e);
  auto second = Writer<SharedData>::attach("page", e);
  CHECK(second && !e);
  CHECK(!Writer<SharedData>::create("page", e));
  CHECK(e.is_full() || e.is_already_owned());

  auto reader = Reader<SharedData>::open("page", e);
  CHECK(reader && !e);
  CHECK(!reader.read(e));
  CHECK(!e);
  CHECK(!reader.wait_changed(0, 0s, e));
  CHECK(e.is_timed_out());
  CHECK_EQ(writer.update([](SharedData &) {}, e), 0u);
  CHECK(e.is_no_value());

  SharedData data{};
  CHECK(!crosspage::assign(data.userName, std::string(51, 'x'), e));
  CHECK(e.is_too_large());
  CHECK(crosspage::assign(data.userName, "Zoë", e));
  CHECK(!e);
  CHECK_EQ(crosspage::to_string(data.userName, e), "Zoë");
  CHECK_EQ(writer.write(data, e), 1u);
  CHECK(!e);
  CHECK_EQ(second.update([](SharedData &d) { d.counter = 7; }, e), 2u);
  CHECK_EQ(second.update([](SharedData &d) { return d.counter = 8, false; }, e), 0u);
  CHECK(e.is_cancelled());
  CHECK_EQ(reader.read(e)->value.counter, 7);
  CHECK(!e);
  CHECK_EQ(writer.write_with([](SharedData &d) { d.counter = 9; }, e), 3u);
  CHECK_EQ(reader.wait_changed(2, 1s, e)->value.counter, 9);
  CHECK(reader.read_into(data, e)->version == 3);
  {
    const auto pin = reader.read_pinned(e);
    CHECK_EQ((*pin)->counter, 9);
    CHECK(!reader.reopen(e));
    CHECK(e.is_in_use());
  }
  CHECK(reader.reopen(e));
  CHECK_EQ(reader.layout(e).size(), 632u);

  auto any = Reader<crosspage::dynamic>::open("page", e);
  CHECK(any && !e);
  const auto snapshot = any.read(e);
  CHECK_EQ(*snapshot->value.get("counter", e)->as<int>(e), 9);
  CHECK(!snapshot->value.get("countr", e));
  CHECK(e.is_not_found());
  CHECK(!snapshot->value.get("temperature", e)->as<int>(e));
  CHECK(e.is_invalid());
  CHECK(!Reader<crosspage::dynamic>::open("nowhere", e));

  CHECK_EQ(crosspage::list(e).size(), 1u);
  CHECK(!crosspage::remove("page", false, e));
  CHECK(e.is_in_use());
  CHECK(crosspage::remove("page", true, e));
  CHECK_EQ(writer.write(data, e), 0u);
  CHECK(e.is_replaced());
  crosspage::gc(true, e);
  CHECK(!e);
  const auto layout = crosspage::Layout::from_source("nowhere.toml#SharedData", e);
  CHECK(!layout && e);
  CHECK_EQ(layout.size(), 0u);
#ifdef _WIN32
  const char *nothing = "win:Local\\crosspage-not-there";
#else
  const char *nothing = "posix:/crosspage-not-there";
#endif
  CHECK(!crosspage::foreign::View<SharedData>::open(nothing, e));
  CHECK(e.is_not_found());
}
