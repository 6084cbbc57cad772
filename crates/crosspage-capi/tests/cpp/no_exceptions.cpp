// Every function with a trailing `error &`: compiled with -fno-exceptions (and without).
#include "check.hpp"
#include "shared_data.hpp"

using namespace std::chrono_literals;
using crosspage::latest::Reader;
using crosspage::latest::Writer;

static void topic(crosspage::error &e) {
  using crosspage::topic::Policy;
  using crosspage::topic::Publisher;
  using crosspage::topic::Subscriber;
  SharedData data{};
  auto any = Subscriber<crosspage::dynamic>::attach("topic", e);
  CHECK(any && !e);
  CHECK(!any.kind(e) && !e);
  CHECK(!any.layout(e));
  CHECK(e.is_no_value());
  auto publisher =
      Publisher<SharedData>::options().policy(Policy::block).capacity(64 * 1024).timeout(0s).attach("topic", e);
  CHECK(publisher && !e);
  CHECK(!Publisher<crosspage::bytes>::attach("topic", e) && e);
  CHECK(!Publisher<SharedData>::attach("a b", e));
  CHECK(e.is_invalid());
  auto subscriber = Subscriber<SharedData>::attach("topic", e);
  CHECK_EQ(publisher.wait_subscribers(2, 1s, e), 2u);
  CHECK_EQ(publisher.wait_subscribers(3, 0s, e), 0u);
  CHECK(e.is_timed_out());
  CHECK_EQ(subscriber.wait_publishers(1, 1s, e), 1u);
  CHECK(!subscriber.try_recv(e));
  CHECK(!e);
  CHECK(!subscriber.recv(1ms, e));
  CHECK(e.is_timed_out());

  data.counter = 1;
  CHECK_EQ(publisher.publish(data, e), 1u);
  CHECK(!e);
  data.counter = 2;
  CHECK_EQ(publisher.try_publish(data, e).value_or(0), 2u);
  CHECK_EQ(publisher.publish_many(&data, 1, e), 1u);
  auto loan = publisher.loan(e);
  CHECK(loan && !e);
  *loan = data;
  loan->counter = 4;
  CHECK_EQ(loan.commit(e), 4u);
  CHECK_EQ(loan.commit(e), 0u);
  CHECK(e.is_invalid());
  CHECK_EQ(subscriber.recv(1s, e)->value.counter, 1);
  CHECK(!e);
  SharedData two[2];
  CHECK_EQ(subscriber.recv_many(two, 2, 1s, e), 2u);
  CHECK_EQ(subscriber.recv_many(10, 1s, e).size(), 1u);
  CHECK(!e);
  CHECK(subscriber.recv_many(10, 0s, e).empty());
  CHECK(e.is_timed_out());
  const auto record = any.recv(1s, e);
  CHECK_EQ(*record->value.get("counter", e)->as<int>(e), 1);
  CHECK_EQ(any.layout(e).size(), 632u);
  while (publisher.try_publish(data, e)) {}
  CHECK(!e);
  CHECK_EQ(publisher.publish(data, e), 0u);
  CHECK(e.is_timed_out());
  int n = 0;
  for (auto &message : subscriber.messages(e)) {
    CHECK(message.value.counter == 2);
    if (++n == 5) break;
  }
  CHECK(!e);
  subscriber.close();
  for (auto &message : subscriber.messages(e)) n += message.value.counter;
  CHECK(n == 5 && !e);
  CHECK(!subscriber.recv(1s, e));
  CHECK(e.is_closed());

  auto arrays = Publisher<crosspage::ndarray>::attach("arrays", e);
  auto to = Subscriber<crosspage::ndarray>::attach("arrays", e);
  const float numbers[] = {1, 2, 3};
  CHECK_EQ(arrays.publish(numbers, {3}, e), 1u);
  CHECK_EQ(arrays.publish(std::string(30, 'x'), {3}, numbers, 12, e), 0u);
  CHECK(e.is_invalid());
  CHECK(!arrays.loan("nonsense", {3}, e) && e);
  auto frame = arrays.loan<float>({3}, e);
  CHECK(frame.as<double>(e).empty() && e);
  frame.as<float>(e)[2] = 9;
  CHECK_EQ(frame.commit(e), 2u);
  const auto first = to.recv(1s, e);
  CHECK_EQ(first->value.as<float>(e)[1], 2.0f);
  CHECK(first->value.as<double>(e).empty());
  CHECK(e.is_invalid());

  auto bytes = Publisher<crosspage::bytes>::attach("bytes", e);
  auto texts = Subscriber<crosspage::bytes>::attach("bytes", e);
  bytes.publish("hello", e);
  auto five = bytes.loan(5, e);
  std::memcpy(five.data(), "again", 5);
  five.commit(e);
  CHECK_EQ(texts.recv(1s, e)->text(), "hello");
  CHECK_EQ(texts.try_recv(e)->text(), "again");
  CHECK(!e);
}

int main() {
  crosspage::error e;
  crosspage::testing::Namespace ns(e);
  CHECK(!e);
  {
    crosspage::testing::Namespace another(e);
    topic(e);
  }

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
