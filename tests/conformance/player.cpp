// The conformance suite's player for C++; see README.md beside this file.

#include <crosspage.hpp>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

namespace topic = crosspage::topic;
using Words = std::vector<std::string>;

// What the player itself cannot do; never the library's.
struct usage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---- Structs ------------------------------------------------------------------------------------

enum class Mode : int { idle = 0, running = 1, failed = -3 };
CROSSPAGE_ENUM(Mode, idle, running, failed);

struct Pose {
  double x, y;
  Mode mode;
};
struct Sample {
  bool flag;
  std::int8_t tiny;
  std::uint16_t port;
  std::int32_t number;
  std::uint64_t stamp;
  float ratio;
  double temperature;
  char name[12];
  std::int32_t axes[3];
  std::uint8_t grid[2][3];
  Pose pose;
  Mode mode;
};
// One that is held in the page.
struct Image {
  std::int32_t number;
  std::uint8_t pixels[8192];
};
// Some of Sample's fields, elsewhere.
struct Brief {
  double temperature;
  std::int32_t number;
};
// One of them of another type.
struct Drifted {
  float temperature;
  std::int32_t number;
};
struct Status {
  std::uint32_t level;
  bool ready;
  Mode mode;
};
// The same of a program that knows more modes.
struct Newer {
  std::uint32_t level;
  bool ready;
  std::int32_t mode;
};
// What comes before a tail.
struct Scan {
  std::uint64_t stamp;
};
CROSSPAGE_TAIL(Scan, points);
using Scans = crosspage::with_tail<Scan, float>;
// The same with its tail, as text is read and written.
struct WholeScan {
  std::uint64_t stamp;
  std::vector<float> points;
};

#define FIELD(name) visit(#name, value.name)
template <class V>
void each(Sample& value, V visit) {
  FIELD(flag), FIELD(tiny), FIELD(port), FIELD(number), FIELD(stamp), FIELD(ratio), FIELD(temperature), FIELD(name);
  FIELD(axes), FIELD(grid), FIELD(pose), FIELD(mode);
}
template <class V>
void each(Image& value, V visit) {
  FIELD(number), FIELD(pixels);
}
template <class V>
void each(Brief& value, V visit) {
  FIELD(temperature), FIELD(number);
}
template <class V>
void each(Drifted& value, V visit) {
  FIELD(temperature), FIELD(number);
}
template <class V>
void each(Status& value, V visit) {
  FIELD(level), FIELD(ready), FIELD(mode);
}
template <class V>
void each(Newer& value, V visit) {
  FIELD(level), FIELD(ready), FIELD(mode);
}
template <class V>
void each(WholeScan& value, V visit) {
  FIELD(stamp), FIELD(points);
}
template <class V>
void each(Pose& value, V visit) {
  FIELD(x), FIELD(y), FIELD(mode);
}

// ---- Bytes --------------------------------------------------------------------------------------

static std::string pattern(std::size_t n, std::uint64_t k) {
  std::string bytes(n, '\0');
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>((i * 7 + k) % 251);
  return bytes;
}

// `-` is nothing, `N*K` a pattern of N bytes, else hex.
static std::string bytes_of(const std::string& word) {
  if (word == "-") return "";
  if (const auto star = word.find('*'); star != word.npos)
    return pattern(std::stoull(word.substr(0, star)), std::stoull(word.substr(star + 1)));
  std::string bytes;
  for (std::size_t i = 0; i + 1 < word.size(); i += 2)
    bytes += static_cast<char>(std::stoul(word.substr(i, 2), nullptr, 16));
  return bytes;
}

static std::string format(const char* how, std::uint64_t n) {
  char text[32];
  std::snprintf(text, sizeof text, how, n);
  return text;
}

// Length and CRC-32.
static std::string sum(const void* data, std::size_t size) {
  std::uint32_t crc = ~0u;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= static_cast<const unsigned char*>(data)[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return std::to_string(size) + "/" + format("%08" PRIx64, static_cast<std::uint32_t>(~crc));
}

// Numbers that count up as `from-to`: "1-100,105".
class Runs {
 public:
  void add(std::int64_t n) {
    if (!runs_.empty() && runs_.back().second + 1 == n) runs_.back().second = n;
    else runs_.emplace_back(n, n);
  }
  std::string text() const {
    std::string all;
    for (const auto& [from, to] : runs_) {
      all += (all.empty() ? "" : ",") + std::to_string(from);
      if (from != to) all += "-" + std::to_string(to);
    }
    return all;
  }

 private:
  std::vector<std::pair<std::int64_t, std::int64_t>> runs_;
};

// ---- Fields as text: values separated by commas; floats are their bits as hex, texts their bytes ---

template <class T>
using integer = std::enable_if_t<std::is_integral_v<T>, int>;

static void print(std::string& out, const std::string& cell) { out += (out.empty() ? "" : ",") + cell; }
template <class T, integer<T> = 0>
void print(std::string& out, T value) {
  print(out, std::to_string(value));
}
static void print(std::string& out, Mode mode) { print(out, static_cast<int>(mode)); }
static void print(std::string& out, float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  print(out, format("%08" PRIx64, bits));
}
static void print(std::string& out, double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  print(out, format("%016" PRIx64, bits));
}
static void print(std::string& out, const char (&text)[12]) {
  std::string cell;
  for (const char c : crosspage::view(text)) cell += format("%02" PRIx64, static_cast<unsigned char>(c));
  print(out, cell);
}
static void print(std::string& out, const std::uint8_t (&pixels)[8192]) { print(out, sum(pixels, sizeof pixels)); }
static void print(std::string& out, const std::vector<float>& tail) {
  for (const float one : tail) print(out, one);
}
template <class T, std::size_t N>
void print(std::string& out, const T (&array)[N]) {
  for (const auto& one : array) print(out, one);
}
static void print(std::string& out, Pose pose) {
  each(pose, [&](const char*, const auto& field) { print(out, field); });
}

static std::string next(std::istream& cells) {
  std::string cell;
  std::getline(cells, cell, ',');
  return cell;
}
template <class T, integer<T> = 0>
void parse(std::istream& cells, T& value) {
  const std::string cell = next(cells);
  value = static_cast<T>(cell[0] == '-' ? static_cast<std::uint64_t>(std::stoll(cell)) : std::stoull(cell));
}
static void parse(std::istream& cells, Mode& mode) { mode = static_cast<Mode>(std::stoi(next(cells))); }
static void parse(std::istream& cells, float& value) {
  const auto bits = static_cast<std::uint32_t>(std::stoul(next(cells), nullptr, 16));
  std::memcpy(&value, &bits, sizeof bits);
}
static void parse(std::istream& cells, double& value) {
  const std::uint64_t bits = std::stoull(next(cells), nullptr, 16);
  std::memcpy(&value, &bits, sizeof bits);
}
static void parse(std::istream& cells, char (&text)[12]) { crosspage::assign(text, bytes_of(next(cells))); }
static void parse(std::istream& cells, std::uint8_t (&pixels)[8192]) {
  const std::string bytes = bytes_of(next(cells));
  std::memcpy(pixels, bytes.data(), std::min(bytes.size(), sizeof pixels));
}
static void parse(std::istream& cells, std::vector<float>& tail) {
  while (cells.peek() != std::istream::traits_type::eof()) parse(cells, tail.emplace_back());
}
template <class T, std::size_t N>
void parse(std::istream& cells, T (&array)[N]) {
  for (auto& one : array) parse(cells, one);
}
static void parse(std::istream& cells, Pose& pose) {
  each(pose, [&](const char*, auto& field) { parse(cells, field); });
}

// The same field of a record, whose type only the page knows.
template <class T>
void fetch(const crosspage::Record& record, const std::string& path, T& value) {
  value = record[path].as<T>();
}
static void fetch(const crosspage::Record& record, const std::string& path, char (&text)[12]) {
  crosspage::assign(text, record[path].as<std::string>());
}
template <class T, std::size_t N>
void fetch(const crosspage::Record& record, const std::string& path, T (&array)[N]) {
  for (std::size_t i = 0; i < N; ++i) fetch(record, path + "[" + std::to_string(i) + "]", array[i]);
}
static void fetch(const crosspage::Record& record, const std::string& path, Pose& pose) {
  each(pose, [&](const char* name, auto& field) { fetch(record, path + "." + name, field); });
}

// A field that is all zero is not told of.
template <class T>
std::string print_struct(const T& value) {
  std::string line;
  each(const_cast<T&>(value), [&](const char* name, const auto& field) {
    std::string cells;
    print(cells, field);
    if (cells.find_first_not_of("0,") != cells.npos) line += std::string(" ") + name + "=" + cells;
  });
  return line;
}

template <class T>
std::int64_t number_of(const T& value) {
  std::int64_t number = -1;
  each(const_cast<T&>(value), [&](const std::string& name, const auto& field) {
    if constexpr (std::is_same_v<decltype(field), const std::int32_t&>)
      if (name == "number") number = field;
  });
  return number;
}

template <class T>
T fetch_struct(const crosspage::Record& record) {
  T value = {};
  each(value, [&](const char* name, auto& field) { fetch(record, name, field); });
  return value;
}

// ---- Messages -----------------------------------------------------------------------------------

template <class T>
std::string body(const topic::Message<T>& message) {
  return print_struct(message.value);
}
static std::string body(const topic::Message<Scans>& message) {
  return print_struct(WholeScan{message.header.stamp, {message.tail().begin(), message.tail().end()}});
}
static std::string body(const topic::Message<crosspage::bytes>& message) {
  return " bytes=" + sum(message.value.data(), message.value.size());
}
static std::string body(crosspage::topic::array_view array) {
  std::string shape;
  for (const std::uint64_t n : array.shape()) shape += (shape.empty() ? "" : "x") + std::to_string(n);
  return " dtype=" + std::string(array.dtype()) + " shape=" + (shape.empty() ? "-" : shape) +
         " bytes=" + sum(array.data(), array.size());
}
static std::string body(const topic::Message<crosspage::ndarray>& message) { return body(message.value); }
static std::string body(const topic::Message<crosspage::dynamic>& message) {
  switch (message.kind()) {
    case topic::Kind::bytes: return " bytes=" + sum(message.bytes().data(), message.bytes().size());
    case topic::Kind::ndarray: return body(message.array());
    case topic::Kind::structure: break;
  }
  if (message.value.layout().name() == "Sample") return print_struct(fetch_struct<Sample>(message.value));
  if (message.value.layout().name() == "Scan") return print_struct(fetch_struct<WholeScan>(message.value));
  return print_struct(fetch_struct<Image>(message.value));
}

template <class T>
std::int64_t number(const topic::Message<T>& message) {
  return number_of(message.value);
}
static std::int64_t number(const topic::Message<Scans>&) { return -1; }
static std::int64_t number(const topic::Message<crosspage::bytes>& message) {
  return message.value.size() ? std::to_integer<int>(message.value[0]) : 0;
}
static std::int64_t number(const topic::Message<crosspage::ndarray>& message) {
  return message.value.size() ? std::to_integer<int>(*message.value.data()) : 0;
}
static std::int64_t number(const topic::Message<crosspage::dynamic>& message) {
  if (message.kind() == topic::Kind::structure) return message["number"].as<std::int32_t>();
  return message.bytes().size() ? std::to_integer<int>(message.bytes()[0]) : 0;
}

template <class T>
std::string line(const topic::Message<T>& message) {
  std::string line = " seq=" + std::to_string(message.sequence) + " from=" + std::to_string(message.publisher);
  if (message.sent_at) {
    const auto age = std::chrono::system_clock::now() - *message.sent_at;
    line += age > std::chrono::minutes(-1) && age < std::chrono::minutes(1) ? " sent=now" : " sent=wrongly";
  }
  return line + body(message);
}

// ---- Handles ------------------------------------------------------------------------------------

// `-`: for ever.
static crosspage::timeout timeout_of(const std::string& word) {
  if (word == "-") return std::nullopt;
  return std::chrono::duration<double>(std::stod(word));
}

template <class T>
void parse_fields(const Words& words, T& value) {
  for (const auto& word : words) {
    const auto at = word.find('=');
    bool found = false;
    each(value, [&](const std::string& name, auto& field) {
      if (name != word.substr(0, at)) return;
      std::istringstream cells(word.substr(at + 1));
      ::parse(cells, field);
      found = true;
    });
    if (!found) throw usage("what field?");
  }
}

// What messages of T are published from.
template <class T>
struct Body {
  T value = {};
  void parse(const Words& words) { parse_fields(words, value); }
  void nth(std::int64_t n, std::size_t) { parse({"number=" + std::to_string(n)}); }
  std::uint64_t publish(topic::Publisher<T>& to) { return to.publish(value); }
  std::optional<std::uint64_t> try_publish(topic::Publisher<T>& to) { return to.try_publish(value); }
  topic::Loan<T> loan(topic::Publisher<T>& to) {
    auto loan = to.loan();
    *loan = value;
    return loan;
  }
};
template <>
struct Body<Scans> {
  WholeScan value = {};
  void parse(const Words& words) { parse_fields(words, value); }
  void nth(std::int64_t, std::size_t) { throw usage("a scan has no number"); }
  std::uint64_t publish(topic::Publisher<Scans>& to) {
    return to.publish({value.stamp}, value.points.data(), value.points.size());
  }
  std::optional<std::uint64_t> try_publish(topic::Publisher<Scans>& to) {
    return to.try_publish({value.stamp}, value.points.data(), value.points.size());
  }
  topic::Loan<Scans> loan(topic::Publisher<Scans>& to) {
    auto loan = to.loan({value.stamp}, value.points.size());
    std::copy(value.points.begin(), value.points.end(), loan.tail().begin());
    return loan;
  }
};
template <>
struct Body<crosspage::bytes> {
  std::string value;
  void parse(const Words& words) { value = bytes_of(words.at(0)); }
  void nth(std::int64_t n, std::size_t size) { value = pattern(size, static_cast<std::uint64_t>(n)); }
  std::uint64_t publish(topic::Publisher<crosspage::bytes>& to) { return to.publish(value); }
  std::optional<std::uint64_t> try_publish(topic::Publisher<crosspage::bytes>& to) {
    return to.try_publish(value.data(), value.size());
  }
  topic::Loan<crosspage::bytes> loan(topic::Publisher<crosspage::bytes>& to) {
    auto loan = to.loan(value.size());
    std::memcpy(loan.data(), value.data(), loan.size());
    return loan;
  }
};
template <>
struct Body<crosspage::ndarray> {
  std::string dtype, value;
  std::vector<std::uint64_t> shape;
  // DTYPE SHAPE BYTES; the shape of no dimension is `-`.
  void parse(const Words& words) {
    dtype = words.at(0);
    std::istringstream lengths(words.at(1));
    for (std::string n; words[1] != "-" && std::getline(lengths, n, 'x');) shape.push_back(std::stoull(n));
    value = bytes_of(words.at(2));
  }
  void nth(std::int64_t n, std::size_t size) {
    dtype = "|u1", shape = {size}, value = pattern(size, static_cast<std::uint64_t>(n));
  }
  std::uint64_t publish(topic::Publisher<crosspage::ndarray>& to) {
    return to.publish(dtype, shape, value.data(), value.size());
  }
  std::optional<std::uint64_t> try_publish(topic::Publisher<crosspage::ndarray>& to) {
    // Of elements that C++ has.
    return to.try_publish(reinterpret_cast<const std::uint8_t*>(value.data()), shape);
  }
  topic::Loan<crosspage::ndarray> loan(topic::Publisher<crosspage::ndarray>& to) {
    auto loan = to.loan(dtype, shape);
    if (loan.size()) std::memcpy(loan.data(), value.data(), loan.size());
    return loan;
  }
};

struct Held {
  virtual ~Held() = default;
  virtual std::string line() const = 0;
};
template <class T>
struct HeldOf : Held {
  topic::Message<T> message;
  explicit HeldOf(topic::Message<T>&& m) : message(std::move(m)) {}
  std::string line() const override { return ::line(message); }
};

struct Player {
  struct Handle {
    virtual ~Handle() = default;
    virtual std::string act(Player& player, const std::string& verb, const Words& words) = 0;
  };
  std::map<std::string, std::unique_ptr<Handle>> handles;
  std::map<std::string, std::unique_ptr<Held>> held;

  std::string act(const Words& words);
};

template <class T>
inline constexpr bool is_struct = !std::is_same_v<T, crosspage::bytes> && !std::is_same_v<T, crosspage::ndarray> &&
                                  !std::is_same_v<T, crosspage::dynamic> && !std::is_same_v<T, Scans>;

static std::string told(const topic::Event& event) {
  return (event.kind == topic::Event::matched ? " matched " : " gone ") + std::to_string(event.pid);
}

template <class T>
struct PublisherOf : Player::Handle {
  topic::Publisher<T> publisher;
  explicit PublisherOf(topic::Publisher<T>&& p) : publisher(std::move(p)) {}

  static Body<T> nth(std::int64_t n, const Words& words) {
    Body<T> body;
    body.nth(n, std::stoull(words.back()));
    return body;
  }

  std::string act(Player&, const std::string& verb, const Words& words) override {
    if (verb == "subscribers") return " " + std::to_string(publisher.subscribers());
    if (verb == "wait_subscribers")
      return " " + std::to_string(publisher.wait_subscribers(std::stoull(words.at(0)), timeout_of(words.at(1))));
    if (verb == "event") return told(publisher.wait_event(timeout_of(words.at(0))));
    if (verb == "fill") {
      std::int64_t n = std::stoll(words.at(0));
      while (nth(n, words).try_publish(publisher)) ++n;
      return " " + std::to_string(n - std::stoll(words.at(0)));
    }
    if (verb == "publish_each" || verb == "publish_many") {
      const std::int64_t first = std::stoll(words.at(0)), count = std::stoll(words.at(1));
      if (verb == "publish_many") {
        if constexpr (is_struct<T>) {
          std::vector<T> all;
          for (std::int64_t n = first; n < first + count; ++n) all.push_back(nth(n, words).value);
          return " " + std::to_string(publisher.publish_many(all.data(), all.size()));
        }
        throw usage("of structs");
      }
      std::uint64_t last = 0;
      for (std::int64_t n = first; n < first + count; ++n) last = nth(n, words).publish(publisher);
      return " " + std::to_string(last);
    }
    Body<T> body;
    body.parse(words);
    if (verb == "publish") return " " + std::to_string(body.publish(publisher));
    if (verb == "try_publish") {
      const auto sequence = body.try_publish(publisher);
      return sequence ? " " + std::to_string(*sequence) : " none";
    }
    if (verb == "loan") return body.loan(publisher).commit(), "";
    if (verb == "abandon") return body.loan(publisher), "";
    throw usage("a publisher does not do this");
  }
};

template <class T>
struct SubscriberOf : Player::Handle {
  topic::Subscriber<T> subscriber;
  explicit SubscriberOf(topic::Subscriber<T>&& s) : subscriber(std::move(s)) {}

  std::string drain() {
    std::vector<std::uint32_t> publishers;
    std::map<std::uint32_t, std::pair<Runs, Runs>> all;
    std::size_t count = 0;
    while (const auto message = subscriber.try_recv()) {
      auto& [sequences, numbers] = all[message->publisher];
      sequences.add(static_cast<std::int64_t>(message->sequence));
      numbers.add(number(*message));
      ++count;
    }
    std::string line = " " + std::to_string(count);
    for (const auto& [publisher, runs] : all)
      line += " " + std::to_string(publisher) + ":" + runs.first.text() + ":" + runs.second.text();
    return line;
  }

  std::string recv_many(std::size_t max, crosspage::timeout timeout) {
    Runs runs;
    std::size_t count = 0;
    if constexpr (is_struct<T>) {
      std::vector<T> values(max);
      count = subscriber.recv_many(values.data(), max, timeout);
      for (std::size_t i = 0; i < count; ++i) runs.add(number_of(values[i]));
    } else {
      const auto messages = subscriber.recv_many(max, timeout);
      count = messages.size();
      for (const auto& message : messages) runs.add(number(message));
    }
    return " " + std::to_string(count) + " " + runs.text();
  }

  std::string act(Player& player, const std::string& verb, const Words& words) override {
    if (verb == "recv") return line(subscriber.recv(timeout_of(words.at(0))));
    if (verb == "try_recv") {
      const auto message = subscriber.try_recv();
      return message ? line(*message) : " none";
    }
    if (verb == "hold") {
      auto held = std::make_unique<HeldOf<T>>(subscriber.recv(timeout_of(words.at(1))));
      const std::string line = held->line();
      player.held[words.at(0)] = std::move(held);
      return line;
    }
    if (verb == "recv_many") return recv_many(std::stoull(words.at(0)), timeout_of(words.at(1)));
    if (verb == "drain") return drain();
    if (verb == "lost") return " " + std::to_string(subscriber.lost());
    if (verb == "publishers") return " " + std::to_string(subscriber.publishers());
    if (verb == "wait_publishers")
      return " " + std::to_string(subscriber.wait_publishers(std::stoull(words.at(0)), timeout_of(words.at(1))));
    if (verb == "event") return told(subscriber.wait_event(timeout_of(words.at(0))));
    throw usage("a subscriber does not do this");
  }
};

template <class H>
H attach(const Words& words) {
  auto options = H::options();
  for (std::size_t i = 4; i < words.size(); ++i) {
    const auto at = words[i].find('=');
    const std::string name = words[i].substr(0, at), value = words[i].substr(at + 1);
    const auto n = [&] { return std::stoull(value); };
    const bool yes = value == "yes";
    if (name == "policy") options.policy(value == "block" ? topic::Policy::block : topic::Policy::overwrite);
    else if (name == "capacity") options.capacity(n());
    else if (name == "max_message") options.max_message(n());
    else if (name == "max_held") options.max_held(static_cast<std::uint32_t>(n()));
    else if (name == "history") options.history(static_cast<std::uint32_t>(n()));
    else if (name == "send_time") options.send_time(yes);
    else if (name == "checksum") options.checksum(yes);
    else if (name == "max_participants") options.max_participants(static_cast<std::uint32_t>(n()));
    else if (name == "lifetime")
      options.lifetime(value == "keep" ? crosspage::Lifetime::keep : crosspage::Lifetime::while_used);
    else if (name == "match") options.match_by(crosspage::by_name);
    else if (name != "timeout") throw usage("what option?");
    else if constexpr (H::publishes) options.timeout(timeout_of(value));
  }
  return options.attach(words[2]);
}

template <class T>
std::unique_ptr<Player::Handle> make(bool publishes, const Words& words) {
  if constexpr (!std::is_same_v<T, crosspage::dynamic>)
    if (publishes) return std::make_unique<PublisherOf<T>>(attach<topic::Publisher<T>>(words));
  if (publishes) throw usage("a publisher says what it publishes");
  return std::make_unique<SubscriberOf<T>>(attach<topic::Subscriber<T>>(words));
}

static const std::map<std::string, std::unique_ptr<Player::Handle> (*)(bool, const Words&)> kinds = {
    {"sample", make<Sample>},           {"image", make<Image>},   {"brief", make<Brief>},
    {"drifted", make<Drifted>},         {"status", make<Status>}, {"newer", make<Newer>},
    {"bytes", make<crosspage::bytes>},  {"array", make<crosspage::ndarray>},
    {"any", make<crosspage::dynamic>},  {"scan", make<Scans>},
};

std::string Player::act(const Words& words) {
  const std::string& verb = words.at(0);
  if (verb == "publisher" || verb == "subscriber") {
    const auto kind = kinds.find(words.at(3));
    if (kind == kinds.end()) throw usage("what kind?");
    handles[words[1]] = kind->second(verb == "publisher", words);
    return "";
  }
  if (verb == "reset") return held.clear(), handles.clear(), "";
  if (verb == "remove") return crosspage::remove(words.at(1), words.size() > 2), "";
  if (verb == "check") return held.at(words.at(1))->line();
  if (verb == "release") return held.erase(words.at(1)), "";
  if (verb == "close") return handles.erase(words.at(1)), "";
  const auto handle = handles.find(words.at(1));
  if (handle == handles.end()) throw usage("no such handle");
  return handle->second->act(*this, verb, Words(words.begin() + 2, words.end()));
}

static const char* name_of(crosspage::errc kind) {
  using crosspage::errc;
  switch (kind) {
    case errc::cancelled: return "cancelled";
    case errc::not_found: return "not_found";
    case errc::permission_denied: return "permission_denied";
    case errc::timed_out: return "timed_out";
    case errc::layout_mismatch: return "layout_mismatch";
    case errc::already_owned: return "already_owned";
    case errc::replaced: return "replaced";
    case errc::corrupt: return "corrupt";
    case errc::full: return "full";
    case errc::too_large: return "too_large";
    case errc::no_space: return "no_space";
    case errc::unsupported: return "unsupported";
    case errc::invalid: return "invalid";
    case errc::in_use: return "in_use";
    case errc::closed: return "closed";
    case errc::forked: return "forked";
    case errc::no_value: return "no_value";
    case errc::io: return "io";
    case errc::internal: return "internal";
  }
  return "of no kind";
}

int main() {
#ifdef _WIN32
  _setmode(_fileno(stdout), _O_BINARY);
#endif
  std::cout << "ready " << getpid() << std::endl;
  Player player;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) continue;
    if (words[0] == "quit") break;
    std::string said;
    try {
      said = "ok" + player.act(words);
    } catch (const crosspage::error& e) {
      said = std::string("error ") + name_of(e.kind()) + " " + e.what();
    } catch (const std::exception& e) {
      said = std::string("error usage ") + e.what() + ": " + line;
    }
    for (char& c : said)
      if (c == '\n') c = ' ';
    std::cout << said << std::endl;
  }
  return 0;
}
