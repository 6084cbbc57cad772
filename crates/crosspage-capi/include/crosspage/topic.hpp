// crosspage's topic for C++17 and later: every message to every subscriber, in order per publisher.
// Part of crosspage.hpp, which says how errors and handles work.
//
//     auto publisher = crosspage::topic::Publisher<Pose>::attach("arm/pose");
//     publisher.publish({0.5, 1.5});
//
//     auto subscriber = crosspage::topic::Subscriber<Pose>::attach("arm/pose");     // elsewhere
//     for (const auto &message : subscriber) use(message.value, message.sequence);
//
// Any number of both, started in any order. By default (Policy::overwrite) a publisher never waits, and a
// slow subscriber loses the oldest messages: `lost` says exactly how many. With Policy::block nothing is lost:
// a publisher waits for the slowest subscriber that lives and is attached. What a publisher has published
// outlives it.
#ifndef CROSSPAGE_TOPIC_HPP
#define CROSSPAGE_TOPIC_HPP

#include "../crosspage.hpp"

#include <initializer_list>
#include <iterator>
#include <new>
#if CROSSPAGE_PLAIN_STRUCTS
#include <span>
#endif

namespace crosspage {
inline namespace CROSSPAGE_CXX {

// In place of a struct: messages that are bytes, each of its own length.
struct bytes {};
// In place of a struct: messages that are arrays, as numpy has them. Type and shape travel with each.
struct ndarray {};

#if CROSSPAGE_PLAIN_STRUCTS
template <class T>
using span = std::span<T>;
#else
// What there is of std::span before C++20.
template <class T>
class span {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using size_type = std::size_t;
  using iterator = T *;
  constexpr span() noexcept = default;
  constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
  constexpr T *data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr std::size_t size_bytes() const noexcept { return size_ * sizeof(T); }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T *begin() const noexcept { return data_; }
  constexpr T *end() const noexcept { return data_ + size_; }
  constexpr T &operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T *data_ = nullptr;
  std::size_t size_ = 0;
};
#endif

namespace topic {

// What a publisher does when a subscriber is slow: go on, or wait for it.
enum class Policy : std::uint32_t { overwrite = CROSSPAGE_POLICY_OVERWRITE, block = CROSSPAGE_POLICY_BLOCK };

// What the messages of a topic are.
enum class Kind : std::uint32_t {
  structure = CROSSPAGE_MESSAGE_STRUCT,
  bytes = CROSSPAGE_MESSAGE_BYTES,
  ndarray = CROSSPAGE_MESSAGE_ARRAY,
};

// What is known of a message beside its value.
struct Meta {
  std::uint64_t sequence = 0;   // counts up by one with each message of its publisher, from 1
  std::uint32_t publisher = 0;  // its process, in its own PID namespace
  std::optional<std::chrono::system_clock::time_point> sent_at;  // by its clock; only with the option send_time

  Meta() = default;
  explicit Meta(const crosspage_topic_meta &c) noexcept : sequence(c.sequence), publisher(c.publisher_pid) {
    if (c.sent_at_ns != 0) {
      sent_at.emplace(std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(static_cast<std::int64_t>(c.sent_at_ns))));
    }
  }
};

// The lengths of an array's dimensions: {1080, 1920, 3}. Refers to what it was made from.
class shape_view {
 public:
  constexpr shape_view() noexcept = default;
  constexpr shape_view(const std::uint64_t *data, std::size_t size) noexcept : data_(data), size_(size) {}
  // In the arguments of a call the list lives until the call is over.
  constexpr shape_view(const std::initializer_list<std::uint64_t> &list) noexcept : size_(list.size()) {
    data_ = list.begin();
  }
  template <class C, class = std::enable_if_t<
                         std::is_convertible_v<decltype(std::declval<const C &>().data()), const std::uint64_t *>>>
  constexpr shape_view(const C &container) noexcept : data_(container.data()), size_(container.size()) {}

  constexpr const std::uint64_t *data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr const std::uint64_t *begin() const noexcept { return data_; }
  constexpr const std::uint64_t *end() const noexcept { return data_ + size_; }
  constexpr std::uint64_t operator[](std::size_t i) const noexcept { return data_[i]; }
  // The product of all: 1 of no dimension.
  constexpr std::uint64_t elements() const noexcept {
    std::uint64_t n = 1;
    for (std::size_t i = 0; i < size_; ++i) {
      if (data_[i] != 0 && n > std::numeric_limits<std::uint64_t>::max() / data_[i])
        n = std::numeric_limits<std::uint64_t>::max();
      else n *= data_[i];
    }
    return n;
  }

 private:
  const std::uint64_t *data_ = nullptr;
  std::size_t size_ = 0;
};

namespace detail {

using namespace crosspage::detail;

inline crosspage_topic_options default_options() noexcept {
  crosspage_topic_options options = CROSSPAGE_TOPIC_OPTIONS_INIT;
  options.language = CROSSPAGE_LANGUAGE_CPP;
  return options;
}

using publisher_handle = handle<crosspage_topic_publisher, crosspage_topic_publisher_free>;
using subscriber_handle = handle<crosspage_topic_subscriber, crosspage_topic_subscriber_free>;

template <class T>
inline constexpr std::uint32_t kind_of = std::is_same_v<T, bytes>     ? CROSSPAGE_MESSAGE_BYTES
                                         : std::is_same_v<T, ndarray> ? CROSSPAGE_MESSAGE_ARRAY
                                         : std::is_same_v<T, dynamic> ? CROSSPAGE_MESSAGE_ANY
                                                                      : CROSSPAGE_MESSAGE_STRUCT;
template <class T>
struct tailed : std::false_type {};
template <class H, class T>
struct tailed<with_tail<H, T>> : std::true_type {
  static_assert(alignof(T) <= 64, "crosspage: messages lie at multiples of 64 in a page");
  // Where the tail begins.
  static std::size_t offset() {
    const crosspage_struct &table = layout_of<with_tail<H, T>>();
    return static_cast<std::size_t>(table.fields[table.count - 1].offset);
  }
  // So many bytes of the header come before the tail, and perhaps some padding does not.
  static std::size_t fixed() { return sizeof(H) < offset() ? sizeof(H) : offset(); }
};
template <class T>
const crosspage_struct *layout_for() {
  if constexpr (kind_of<T> == CROSSPAGE_MESSAGE_STRUCT) return &layout_of<T>();
  else return nullptr;
}

// numpy's name of an element's type.
template <class E>
constexpr std::array<char, 4> make_dtype() {
  static_assert(std::is_arithmetic_v<E> || std::is_same_v<E, std::byte>,
                "crosspage: the elements of an array are bool, std::byte, or numbers; others are published with "
                "the name of their dtype");
  static_assert(!std::is_same_v<E, long double> && !is_wide_char<E>,
                "crosspage: long double and wide characters have another size on another system; use double, or "
                "an integer");
  const char kind = std::is_same_v<E, bool>                                        ? 'b'
                    : std::is_floating_point_v<E>                                  ? 'f'
                    : std::is_same_v<E, std::byte> || std::is_unsigned_v<E>        ? 'u'
                                                                                   : 'i';
  return {sizeof(E) == 1 ? '|' : '<', kind, static_cast<char>('0' + sizeof(E)), '\0'};
}
template <class E>
inline constexpr std::array<char, 4> dtype_of = make_dtype<std::remove_cv_t<E>>();

// For C; false if the name of the dtype is too long for any.
inline bool set_array(crosspage_array &array, std::string_view dtype, shape_view shape) noexcept {
  if (dtype.size() >= sizeof(array.dtype) || shape.size() > std::numeric_limits<std::uint32_t>::max()) return false;
  std::memset(array.dtype, 0, sizeof(array.dtype));
  if (!dtype.empty()) std::memcpy(array.dtype, dtype.data(), dtype.size());
  array.ndims = static_cast<std::uint32_t>(shape.size());
  array.shape = shape.data();
  return true;
}

// Elements of type E at `data`, if that is what lies there.
template <class E, class Byte, class Report>
span<E> elements(const char *dtype, Byte *data, std::size_t size, const Report &report) {
  if (std::string_view(dtype) != dtype_of<E>.data()) {
    report.fail(error(errc::invalid, "the array's dtype is " + std::string(dtype) + ", not " + dtype_of<E>.data()));
    return {};
  }
  if (size % sizeof(E) != 0) {
    report.fail(error(errc::corrupt, "the array has " + std::to_string(size) + " bytes, which is no multiple of " +
                                         std::to_string(sizeof(E))));
    return {};
  }
  report.succeed();
  return {reinterpret_cast<E *>(data), size / sizeof(E)};
}

// A message of C, released at its end.
struct held {
  crosspage_topic_message c;

  held() noexcept { c.data = nullptr; }
  held(held &&other) noexcept { take(other); }
  held &operator=(held &&other) noexcept {
    if (this != &other) {
      crosspage_topic_release(&c);
      take(other);
    }
    return *this;
  }
  ~held() { crosspage_topic_release(&c); }
  span<const std::byte> bytes() const noexcept {
    return {static_cast<const std::byte *>(c.data), c.data ? c.size : 0};
  }

 private:
  void take(held &other) noexcept {
    c = other.c;
    other.c.data = nullptr;
    // The bytes of a small message lie in it, and move along.
    const auto from = reinterpret_cast<std::uintptr_t>(&other.c), data = reinterpret_cast<std::uintptr_t>(c.data);
    if (data >= from && data < from + sizeof(c))
      c.data = reinterpret_cast<const unsigned char *>(&c) + (data - from);
  }
};

// Whether a message of this struct stays in the page rather than being copied. Small ones are cheaper to copy.
template <class T>
inline constexpr bool stays_in_page = sizeof(T) > 4096 && alignof(T) <= 64;

}  // namespace detail

// ---- Messages ---------------------------------------------------------------------------------

// A message, which does not change: `value`, and what is known of it. Structs of up to 4 KiB are copied into it.
template <class T, bool InPage = detail::stays_in_page<T>>
class Message : public Meta {
 public:
  union {  // so that it can be filled whatever constructors T has
    T value;
  };
  Message() noexcept {}
  Message(Message &&) = default;
  Message &operator=(Message &&) = default;
};

// Larger structs stay in the page while their message lives.
template <class T>
class Message<T, true> : public Meta {
 public:
  const T &value;

  explicit Message(detail::held &&held) noexcept
      : Meta(held.c.meta), value(*static_cast<const T *>(held.c.data)), held_(std::move(held)) {}
  Message(Message &&other) noexcept : Meta(other), value(other.value), held_(std::move(other.held_)) {}
  Message &operator=(Message &&other) noexcept {
    if (this != &other) {
      this->~Message();
      new (static_cast<void *>(this)) Message(std::move(other));
    }
    return *this;
  }

 private:
  detail::held held_;
};

// Bytes, which stay where they are while the message lives.
template <>
class Message<bytes, false> : public Meta {
 public:
  span<const std::byte> value;
  std::string_view text() const noexcept { return {reinterpret_cast<const char *>(value.data()), value.size()}; }

  explicit Message(detail::held &&held) noexcept : Meta(held.c.meta), held_(std::move(held)) { value = held_.bytes(); }
  Message(Message &&other) noexcept : Meta(other), held_(std::move(other.held_)) { value = held_.bytes(); }
  Message &operator=(Message &&other) noexcept {
    static_cast<Meta &>(*this) = other;
    held_ = std::move(other.held_);
    value = held_.bytes();
    return *this;
  }

 private:
  detail::held held_;
};

// A struct with a tail: the header is a copy, and the tail stays where it is while the message lives.
template <class H, class T>
class Message<with_tail<H, T>, false> : public Meta {
 public:
  union {  // as above
    H header;
  };
  span<const T> tail() const noexcept {
    const auto bytes = held_.bytes();
    const std::size_t offset = detail::tailed<with_tail<H, T>>::offset();
    if (bytes.size() < offset) return {};
    return {reinterpret_cast<const T *>(bytes.data() + offset), (bytes.size() - offset) / sizeof(T)};
  }

  explicit Message(detail::held &&held) noexcept : Meta(held.c.meta), held_(std::move(held)) {
    const auto bytes = held_.bytes();
    const std::size_t fixed = detail::tailed<with_tail<H, T>>::fixed();
    std::memcpy(static_cast<void *>(&header), bytes.data(), bytes.size() < fixed ? bytes.size() : fixed);
  }
  Message(Message &&) = default;
  Message &operator=(Message &&) = default;

 private:
  detail::held held_;
};

// An array that somebody published.
class array_view {
 public:
  std::string_view dtype() const noexcept { return array_.dtype; }  // as numpy writes it: "<f4"
  shape_view shape() const noexcept { return {array_.shape, array_.ndims}; }
  const std::byte *data() const noexcept { return bytes_.data(); }  // in C's order, without gaps
  std::size_t size() const noexcept { return bytes_.size(); }       // in bytes
  // All elements, which are an error where they are of another type.
  template <class E>
  span<const E> as(error &e) const {
    return detail::elements<const E>(array_.dtype, bytes_.data(), bytes_.size(), detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  template <class E>
  span<const E> as() const {
    return detail::elements<const E>(array_.dtype, bytes_.data(), bytes_.size(), detail::throwing());
  }
#endif

  // Not for use by programs.
  explicit array_view(const detail::held &held) noexcept : array_(held.c.array), bytes_(held.bytes()) {}

 private:
  crosspage_array array_;
  span<const std::byte> bytes_;
};

// An array, which stays where it is while the message lives.
template <>
class Message<ndarray, false> : public Meta {
 public:
  array_view value;

  explicit Message(detail::held &&held) noexcept : Message(Meta(held.c.meta), std::move(held)) {}
  Message(Message &&other) noexcept : Message(Meta(other), std::move(other.held_)) {}
  Message &operator=(Message &&other) noexcept {
    static_cast<Meta &>(*this) = other;
    held_ = std::move(other.held_);
    value = array_view(held_);
    return *this;
  }

 private:
  Message(const Meta &meta, detail::held &&held) noexcept : Meta(meta), value(held), held_(std::move(held)) {
    value = array_view(held_);
  }
  detail::held held_;
};

// A message whose type only the page knows: a record, or what Message<bytes> and Message<ndarray> have.
template <>
class Message<dynamic, false> : public Meta {
 public:
  Record value;  // of a struct; otherwise it has no fields
  Kind kind() const noexcept { return static_cast<Kind>(held_.c.kind); }
  // Of bytes or an array.
  span<const std::byte> bytes() const noexcept { return held_.bytes(); }
  array_view array() const noexcept { return array_view(held_); }
#if CROSSPAGE_THROWS
  Value operator[](std::string_view path) const { return value[path]; }
#endif

  Message(Record record, detail::held &&held) noexcept
      : Meta(held.c.meta), value(std::move(record)), held_(std::move(held)) {}

 private:
  detail::held held_;
};

namespace detail {

// What a subscriber keeps beside its handle.
template <class T>
struct known {};
template <>
struct known<dynamic> {
  Layout layout;
};

// Takes the next message; `wait` null never waits. The code of C.
template <class T>
int receive(crosspage_topic_subscriber *from, [[maybe_unused]] known<T> &known_here, const timeout *wait,
            std::optional<Message<T>> &out, crosspage_error *e) {
  if constexpr (kind_of<T> == CROSSPAGE_MESSAGE_STRUCT && !stays_in_page<T> && !tailed<T>::value) {
    crosspage_topic_meta meta;
    out.emplace();
    const int code = wait ? crosspage_topic_subscriber_recv_into(from, wait->ns(), &out->value, sizeof(T), &meta, e)
                          : crosspage_topic_subscriber_try_recv_into(from, &out->value, sizeof(T), &meta, e);
    if (code) out.reset();
    else static_cast<Meta &>(*out) = Meta(meta);
    return code;
  } else {
    held held;
    const int code = wait ? crosspage_topic_subscriber_recv(from, wait->ns(), &held.c, e)
                          : crosspage_topic_subscriber_try_recv(from, &held.c, e);
    if (code) return code;
    if constexpr (std::is_same_v<T, dynamic>) {
      if (held.c.kind != CROSSPAGE_MESSAGE_STRUCT) {
        out.emplace(Record(Layout()), std::move(held));
        return 0;
      }
      if (!known_here.layout) {
        crosspage_layout *layout = nullptr;
        if (const int failed = crosspage_topic_subscriber_layout(from, &layout, e)) return failed;
        known_here.layout = Layout(layout);
      }
      Record record(known_here.layout, held.c.data, held.c.size);
      crosspage_topic_release(&held.c);  // the record is a copy
      out.emplace(std::move(record), std::move(held));
    } else {
        out.emplace(std::move(held));
    }
    return 0;
  }
}

}  // namespace detail

// ---- Options ------------------------------------------------------------------------------------

// How to attach. What nobody states is decided by the first publisher. Handle is a Publisher<T> or Subscriber<T>.
template <class Handle>
class Options {
 public:
  // What publishers do when a subscriber is slow. A new page: Policy::overwrite.
  Options &policy(Policy p) noexcept { return options_.policy = static_cast<std::uint32_t>(p), *this; }
  // Bytes that a publisher keeps. A new page: 256 KiB for small structs, otherwise 16 MiB.
  Options &capacity(std::uint64_t n) noexcept { return options_.capacity = n, *this; }
  // The largest message in bytes. A new page: the capacity; with Policy::block 1 GiB, where what is larger than the
  // capacity travels in fragments.
  Options &max_message(std::uint64_t n) noexcept { return options_.max_message = n, *this; }
  // How many messages of one publisher a subscriber can hold in place; more come as copies. A new page: 8.
  Options &max_held(std::uint32_t n) noexcept { return options_.max_held = n ? n : CROSSPAGE_NONE, *this; }
  // How many past messages of each publisher a new subscriber gets first. A new page: 0.
  Options &history(std::uint32_t n) noexcept { return options_.history = n ? n : CROSSPAGE_NONE, *this; }
  // Whether messages carry the time they were sent. A new page: no.
  Options &send_time(bool yes) noexcept {
    return options_.send_time = yes ? CROSSPAGE_YES : CROSSPAGE_NO, *this;
  }
  // Whether messages carry a checksum that subscribers verify. A new page: no.
  Options &checksum(bool yes) noexcept { return options_.checksum = yes ? CROSSPAGE_YES : CROSSPAGE_NO, *this; }
  // How many handles the page has room for. A new page: 128.
  Options &max_participants(std::uint32_t n) noexcept { return options_.max_participants = n, *this; }
  // Who may attach to a new page: its owner.
  Options &permissions(Permissions p) noexcept {
    return options_.permissions = static_cast<std::uint32_t>(p), *this;
  }
  // How long a new page stays: while it is used.
  Options &lifetime(Lifetime l) noexcept { return options_.lifetime = static_cast<std::uint32_t>(l), *this; }
  Options &match_by(Match m) noexcept { return options_.match = static_cast<std::uint32_t>(m), *this; }
  // Of a publisher: how long it waits for room with Policy::block. Otherwise: for ever.
  template <class H = Handle>
  Options &timeout(crosspage::timeout t) noexcept {
    static_assert(H::publishes, "crosspage: only a publisher has a time-out; give a subscriber's to recv");
    options_.timeout_ns = t.ns() ? t.ns() : CROSSPAGE_NO_WAIT;
    return *this;
  }

  Handle attach(std::string_view name, error &e) const { return attach(name, detail::reporting{e}); }
#if CROSSPAGE_THROWS
  Handle attach(std::string_view name) const { return attach(name, detail::throwing()); }
#endif

 private:
  template <class Report>
  Handle attach(std::string_view name, const Report &report) const {
    using T = typename Handle::message;
    typename Handle::c_handle *out = nullptr;
    detail::long_failure failure;
    if (const int code = Handle::c_attach(detail::c_name(name).c_str(), detail::kind_of<T>, detail::layout_for<T>(),
                                          &options_, &out, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return Handle(out);
  }
  crosspage_topic_options options_ = detail::default_options();
};

// ---- Publishing ---------------------------------------------------------------------------------

template <class T>
class Publisher;

namespace detail {

// What all loans share.
class base_loan {
 public:
  // Publishes what was filled in, and returns its sequence (0: it failed). The loan is over.
  std::uint64_t commit(error &e) { return commit(reporting{e}); }
#if CROSSPAGE_THROWS
  std::uint64_t commit() { return commit(throwing()); }
#endif
  // Whether there is memory to fill: false after a failure, a commit, and of what was moved from.
  explicit operator bool() const noexcept { return c_.data != nullptr; }

 protected:
  base_loan() noexcept { c_.data = nullptr; }
  base_loan(base_loan &&other) noexcept : c_(other.c_) { other.c_.data = nullptr; }
  base_loan &operator=(base_loan &&other) noexcept {
    base_loan last(std::move(other));
    std::swap(c_, last.c_);
    return *this;
  }
  // As if it had never been.
  ~base_loan() { crosspage_topic_discard(&c_); }

  span<std::byte> bytes() const noexcept { return {static_cast<std::byte *>(c_.data), c_.data ? c_.size : 0}; }

  template <class Report, class Call>
  void lend(const Report &report, Call &&call) {
    failure failure;
    if (const int code = call(&c_, &failure.head)) report.fail(failure, code);
    else report.succeed();
  }

  crosspage_topic_loan c_;

 private:
  template <class Report>
  std::uint64_t commit(const Report &report) {
    std::uint64_t sequence = 0;
    failure failure;
    if (const int code = crosspage_topic_commit(&c_, &sequence, &failure.head)) report.fail(failure, code);
    else report.succeed();
    return sequence;
  }
};

}  // namespace detail

// Memory of the page for one message, to be filled and committed. Dropped without a commit nothing has happened. It
// holds anything until it is filled.
template <class T>
class Loan : public detail::base_loan {
 public:
  T &operator*() const noexcept { return *static_cast<T *>(c_.data); }
  T *operator->() const noexcept { return static_cast<T *>(c_.data); }

 private:
  friend class Publisher<T>;
  Loan() = default;
};

template <>
class Loan<bytes> : public detail::base_loan {
 public:
  std::byte *data() const noexcept { return bytes().data(); }  // aligned to 64
  std::size_t size() const noexcept { return bytes().size(); }
  span<std::byte> operator*() const noexcept { return bytes(); }

 private:
  friend class Publisher<crosspage::bytes>;
  Loan() = default;
};

template <>
class Loan<ndarray> : public detail::base_loan {
 public:
  std::byte *data() const noexcept { return bytes().data(); }   // aligned to 64; in C's order, without gaps
  std::size_t size() const noexcept { return bytes().size(); }  // in bytes
  span<std::byte> operator*() const noexcept { return bytes(); }
  // All elements, which are an error where they are of another type.
  template <class E>
  span<E> as(error &e) const {
    return detail::elements<E>(array_.dtype, data(), size(), detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  template <class E>
  span<E> as() const {
    return detail::elements<E>(array_.dtype, data(), size(), detail::throwing());
  }
#endif

 private:
  friend class Publisher<ndarray>;
  Loan() = default;
  crosspage_array array_ = {};
};

// The header is given, and may be given anew; the tail is filled in place.
template <class H, class T>
class Loan<with_tail<H, T>> : public detail::base_loan {
 public:
  void set_header(const H &header) noexcept {
    if (c_.data) std::memcpy(c_.data, &header, detail::tailed<with_tail<H, T>>::fixed());
  }
  span<T> tail() const noexcept {
    if (!c_.data) return {};
    const std::size_t offset = detail::tailed<with_tail<H, T>>::offset();
    return {reinterpret_cast<T *>(bytes().data() + offset), (bytes().size() - offset) / sizeof(T)};
  }

 private:
  friend class Publisher<with_tail<H, T>>;
  Loan() = default;
};

// Who came or went: a publisher learns of subscribers, a subscriber of publishers.
struct Event {
  enum Kind : std::uint32_t {
    matched = CROSSPAGE_TOPIC_MATCHED,  // it is attached
    gone = CROSSPAGE_TOPIC_GONE,        // one that had matched has left, or died; what it published stays
  };
  Kind kind;
  std::uint32_t pid;
  std::string language;  // which it attached from
};

namespace detail {

// What waiting for an event gave; to find none is no error where that was only tried.
template <class Report>
std::optional<Event> told(const Report &report, failure &failure, int code, const crosspage_topic_event &event,
                          bool tries) {
  if (code == 0 || (tries && code == CROSSPAGE_ERR_TIMED_OUT)) report.succeed();
  else report.fail(failure, code);
  if (code != 0) return std::nullopt;
  return Event{static_cast<Event::Kind>(event.kind), event.pid, event.language};
}

// What all publishers share.
class base_publisher {
 public:
  // How many subscribers live.
  std::size_t subscribers() const noexcept { return crosspage_topic_publisher_subscribers(handle_.get()); }
  // The next subscriber that came or went, if there is one that was not told of yet: each that is attached is told of
  // once, also one that came first.
  std::optional<Event> try_event(error &e) const { return next_event(reporting{e}, 0, true); }
  // Waits until one comes or goes; nothing where that fails. One that is killed is found within a second.
  std::optional<Event> wait_event(timeout t, error &e) const { return next_event(reporting{e}, t.ns(), false); }
  // Waits for `n` subscribers, and returns how many there are (0: it failed).
  std::size_t wait_subscribers(std::size_t n, timeout t, error &e) const {
    return wait_subscribers(n, t, reporting{e});
  }
#if CROSSPAGE_THROWS
  std::size_t wait_subscribers(std::size_t n, timeout t = std::nullopt) const {
    return wait_subscribers(n, t, throwing());
  }
  std::optional<Event> try_event() const { return next_event(throwing(), 0, true); }
  Event wait_event(timeout t = std::nullopt) const { return *next_event(throwing(), t.ns(), false); }
#endif
  // Changes how long publishing waits for room.
  void set_timeout(timeout t) noexcept { crosspage_topic_publisher_set_timeout(handle_.get(), t.ns()); }
  // A wait that is going on ends with the error `closed`, as does every later call. What was published stays for who is
  // attached.
  void close() const noexcept { crosspage_topic_publisher_close(handle_.get()); }
  // Whether this is a handle: false after a failure, and of what was moved from.
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  // Not for use by programs.
  using c_handle = crosspage_topic_publisher;
  static constexpr auto c_attach = crosspage_topic_publisher_attach;
  static constexpr bool publishes = true;

 protected:
  explicit base_publisher(crosspage_topic_publisher *handle) noexcept : handle_(handle) {}

  template <class Report, class Call>
  std::uint64_t send(const Report &report, Call &&call) {
    std::uint64_t sequence = 0;
    failure failure;
    if (const int code = call(&sequence, &failure.head)) report.fail(failure, code);
    else report.succeed();
    return sequence;
  }
  template <class Report, class Call>
  std::optional<std::uint64_t> try_send(const Report &report, Call &&call) {
    std::uint64_t sequence = 0;
    failure failure;
    const int code = call(&sequence, &failure.head);
    if (code == 0 || code == CROSSPAGE_ERR_TIMED_OUT) report.succeed();
    else report.fail(failure, code);
    return code == 0 ? std::optional<std::uint64_t>(sequence) : std::nullopt;
  }

  publisher_handle handle_;

 private:
  template <class Report>
  std::optional<Event> next_event(const Report &report, std::int64_t ns, bool tries) const {
    crosspage_topic_event event;
    failure failure;
    const int code = crosspage_topic_publisher_wait_event(handle_.get(), ns, &event, &failure.head);
    return told(report, failure, code, event, tries);
  }
  template <class Report>
  std::size_t wait_subscribers(std::size_t n, timeout t, const Report &report) const {
    std::size_t found = 0;
    failure failure;
    if (const int code =
            crosspage_topic_publisher_wait_subscribers(handle_.get(), n, t.ns(), &found, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return found;
  }
};

}  // namespace detail

// Publishes structs. What is published is returned as its sequence (0: it failed).
template <class T>
class Publisher : public detail::base_publisher {
 public:
  static_assert(!std::is_same_v<T, dynamic>,
                "crosspage: a publisher says what it publishes; dynamic is for subscribers");

  static Options<Publisher> options() { return {}; }
  // Joins the topic, or makes it.
  static Publisher attach(std::string_view name, error &e) { return options().attach(name, e); }

  // Publishes a value, and allocates nothing. Waits only with Policy::block, where a subscriber is behind by all the
  // capacity; after the time-out the error names it, and nothing was published.
  std::uint64_t publish(const T &value, error &e) { return publish(value, detail::reporting{e}); }
  // As publish, and nothing (without an error) where it would have to wait.
  std::optional<std::uint64_t> try_publish(const T &value, error &e) {
    return try_publish(value, detail::reporting{e});
  }
  // Publishes values one after the other: cheaper than one by one. Returns how many: fewer where the time-out ended.
  std::size_t publish_many(const T *values, std::size_t count, error &e) {
    return publish_many(values, count, detail::reporting{e});
  }
  // Lends memory for one value, so that a large one is published without a copy. Waits as publish does. Not where the
  // page lays the struct out in another way (by_name).
  Loan<T> loan(error &e) { return loan(detail::reporting{e}); }

#if CROSSPAGE_THROWS
  static Publisher attach(std::string_view name) { return options().attach(name); }
  std::uint64_t publish(const T &value) { return publish(value, detail::throwing()); }
  std::optional<std::uint64_t> try_publish(const T &value) { return try_publish(value, detail::throwing()); }
  std::size_t publish_many(const T *values, std::size_t count) {
    return publish_many(values, count, detail::throwing());
  }
  Loan<T> loan() { return loan(detail::throwing()); }
#endif
#if CROSSPAGE_PLAIN_STRUCTS
  std::size_t publish_many(std::span<const T> values, error &e) {
    return publish_many(values.data(), values.size(), e);
  }
#if CROSSPAGE_THROWS
  std::size_t publish_many(std::span<const T> values) { return publish_many(values.data(), values.size()); }
#endif
#endif

  // Not for use by programs.
  using message = T;

 private:
  friend class Options<Publisher>;
  using detail::base_publisher::base_publisher;

  template <class Report>
  std::uint64_t publish(const T &value, const Report &report) {
    return send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_publish(handle_.get(), &value, sizeof(T), sequence, e);
    });
  }
  template <class Report>
  std::optional<std::uint64_t> try_publish(const T &value, const Report &report) {
    return try_send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_try_publish(handle_.get(), &value, sizeof(T), sequence, e);
    });
  }
  template <class Report>
  std::size_t publish_many(const T *values, std::size_t count, const Report &report) {
    std::size_t published = 0;
    detail::failure failure;
    if (const int code = crosspage_topic_publisher_publish_many(handle_.get(), values, sizeof(T), count, &published,
                                                                &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return published;
  }
  template <class Report>
  Loan<T> loan(const Report &report) {
    static_assert(alignof(T) <= 64, "crosspage: a loan lies at a multiple of 64 in a page; use publish");
    Loan<T> loan;
    loan.lend(report, [&](crosspage_topic_loan *c, crosspage_error *e) {
      return crosspage_topic_publisher_loan(handle_.get(), sizeof(T), c, e);
    });
    return loan;
  }
};

// Publishes structs with a tail: a header, and the elements of the tail from anywhere.
template <class H, class T>
class Publisher<with_tail<H, T>> : public detail::base_publisher {
 public:
  static Options<Publisher> options() { return {}; }
  static Publisher attach(std::string_view name, error &e) { return options().attach(name, e); }
  std::uint64_t publish(const H &header, const T *tail, std::size_t count, error &e) {
    return publish(header, tail, count, detail::reporting{e});
  }
  std::uint64_t publish(const H &header, span<const T> tail, error &e) {
    return publish(header, tail.data(), tail.size(), e);
  }
  std::optional<std::uint64_t> try_publish(const H &header, const T *tail, std::size_t count, error &e) {
    return try_publish(header, tail, count, detail::reporting{e});
  }
  std::optional<std::uint64_t> try_publish(const H &header, span<const T> tail, error &e) {
    return try_publish(header, tail.data(), tail.size(), e);
  }
  // Lends memory for a message with this header and `count` elements.
  Loan<with_tail<H, T>> loan(const H &header, std::size_t count, error &e) {
    return loan(header, count, detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  static Publisher attach(std::string_view name) { return options().attach(name); }
  std::uint64_t publish(const H &header, const T *tail, std::size_t count) {
    return publish(header, tail, count, detail::throwing());
  }
  std::uint64_t publish(const H &header, span<const T> tail) { return publish(header, tail.data(), tail.size()); }
  std::optional<std::uint64_t> try_publish(const H &header, const T *tail, std::size_t count) {
    return try_publish(header, tail, count, detail::throwing());
  }
  std::optional<std::uint64_t> try_publish(const H &header, span<const T> tail) {
    return try_publish(header, tail.data(), tail.size());
  }
  Loan<with_tail<H, T>> loan(const H &header, std::size_t count) {
    return loan(header, count, detail::throwing());
  }
#endif

  // Not for use by programs.
  using message = with_tail<H, T>;

 private:
  friend class Options<Publisher>;
  using detail::base_publisher::base_publisher;

  template <class Report>
  std::uint64_t publish(const H &header, const T *tail, std::size_t count, const Report &report) {
    return send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_publish_tail(handle_.get(), &header, sizeof(H), tail, count, sequence, e);
    });
  }
  template <class Report>
  std::optional<std::uint64_t> try_publish(const H &header, const T *tail, std::size_t count, const Report &report) {
    return try_send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_try_publish_tail(handle_.get(), &header, sizeof(H), tail, count, sequence, e);
    });
  }
  template <class Report>
  Loan<with_tail<H, T>> loan(const H &header, std::size_t count, const Report &report) {
    Loan<with_tail<H, T>> loan;
    const std::size_t offset = detail::tailed<message>::offset();
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    // More than any memory where it overflows; the library refuses that.
    const std::size_t size = count > (most - offset) / sizeof(T) ? most : offset + count * sizeof(T);
    loan.lend(report, [&](crosspage_topic_loan *c, crosspage_error *e) {
      return crosspage_topic_publisher_loan(handle_.get(), size, c, e);
    });
    loan.set_header(header);
    return loan;
  }
};

// Publishes bytes of any length, up to max_message.
template <>
class Publisher<bytes> : public detail::base_publisher {
 public:
  static Options<Publisher> options() { return {}; }
  static Publisher attach(std::string_view name, error &e) { return options().attach(name, e); }
  std::uint64_t publish(const void *data, std::size_t size, error &e) {
    return publish(data, size, detail::reporting{e});
  }
  std::uint64_t publish(std::string_view text, error &e) { return publish(text.data(), text.size(), e); }
  std::optional<std::uint64_t> try_publish(const void *data, std::size_t size, error &e) {
    return try_publish(data, size, detail::reporting{e});
  }
  // Lends so many bytes.
  Loan<bytes> loan(std::size_t size, error &e) { return loan(size, detail::reporting{e}); }
#if CROSSPAGE_THROWS
  static Publisher attach(std::string_view name) { return options().attach(name); }
  std::uint64_t publish(const void *data, std::size_t size) { return publish(data, size, detail::throwing()); }
  std::uint64_t publish(std::string_view text) { return publish(text.data(), text.size()); }
  std::optional<std::uint64_t> try_publish(const void *data, std::size_t size) {
    return try_publish(data, size, detail::throwing());
  }
  Loan<bytes> loan(std::size_t size) { return loan(size, detail::throwing()); }
#endif
#if CROSSPAGE_PLAIN_STRUCTS
  std::uint64_t publish(std::span<const std::byte> data, error &e) { return publish(data.data(), data.size(), e); }
  std::optional<std::uint64_t> try_publish(std::span<const std::byte> data, error &e) {
    return try_publish(data.data(), data.size(), e);
  }
#if CROSSPAGE_THROWS
  std::uint64_t publish(std::span<const std::byte> data) { return publish(data.data(), data.size()); }
  std::optional<std::uint64_t> try_publish(std::span<const std::byte> data) {
    return try_publish(data.data(), data.size());
  }
#endif
#endif

  // Not for use by programs.
  using message = bytes;

 private:
  friend class Options<Publisher>;
  using detail::base_publisher::base_publisher;

  template <class Report>
  std::uint64_t publish(const void *data, std::size_t size, const Report &report) {
    return send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_publish(handle_.get(), data, size, sequence, e);
    });
  }
  template <class Report>
  std::optional<std::uint64_t> try_publish(const void *data, std::size_t size, const Report &report) {
    return try_send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_try_publish(handle_.get(), data, size, sequence, e);
    });
  }
  template <class Report>
  Loan<bytes> loan(std::size_t size, const Report &report) {
    Loan<bytes> loan;
    loan.lend(report, [&](crosspage_topic_loan *c, crosspage_error *e) {
      return crosspage_topic_publisher_loan(handle_.get(), size, c, e);
    });
    return loan;
  }
};

// Publishes arrays: elements in C's order, without gaps, and the lengths of the dimensions.
template <>
class Publisher<ndarray> : public detail::base_publisher {
 public:
  static Options<Publisher> options() { return {}; }
  static Publisher attach(std::string_view name, error &e) { return options().attach(name, e); }
  template <class E>
  std::uint64_t publish(const E *data, shape_view shape, error &e) {
    return publish(dtype<E>(), shape, data, size_of<E>(shape), detail::reporting{e});
  }
  // Of another type, with the name that numpy writes: "<c16".
  std::uint64_t publish(std::string_view dtype, shape_view shape, const void *data, std::size_t size, error &e) {
    return publish(dtype, shape, data, size, detail::reporting{e});
  }
  template <class E>
  std::optional<std::uint64_t> try_publish(const E *data, shape_view shape, error &e) {
    return try_publish(dtype<E>(), shape, data, size_of<E>(shape), detail::reporting{e});
  }
  // Lends memory for an array of E: loan<float>({480, 640}).
  template <class E>
  Loan<ndarray> loan(shape_view shape, error &e) {
    return loan(dtype<E>(), shape, detail::reporting{e});
  }
  Loan<ndarray> loan(std::string_view dtype, shape_view shape, error &e) {
    return loan(dtype, shape, detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  static Publisher attach(std::string_view name) { return options().attach(name); }
  template <class E>
  std::uint64_t publish(const E *data, shape_view shape) {
    return publish(dtype<E>(), shape, data, size_of<E>(shape), detail::throwing());
  }
  std::uint64_t publish(std::string_view dtype, shape_view shape, const void *data, std::size_t size) {
    return publish(dtype, shape, data, size, detail::throwing());
  }
  template <class E>
  std::optional<std::uint64_t> try_publish(const E *data, shape_view shape) {
    return try_publish(dtype<E>(), shape, data, size_of<E>(shape), detail::throwing());
  }
  template <class E>
  Loan<ndarray> loan(shape_view shape) {
    return loan(dtype<E>(), shape, detail::throwing());
  }
  Loan<ndarray> loan(std::string_view dtype, shape_view shape) { return loan(dtype, shape, detail::throwing()); }
#endif

  // Not for use by programs.
  using message = ndarray;

 private:
  friend class Options<Publisher>;
  using detail::base_publisher::base_publisher;

  template <class E>
  static std::string_view dtype() noexcept {
    return detail::dtype_of<E>.data();
  }
  // More than any memory where it overflows; the library refuses that.
  template <class E>
  static std::size_t size_of(shape_view shape) noexcept {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    const std::uint64_t n = shape.elements();
    return n > most / sizeof(E) ? most : static_cast<std::size_t>(n) * sizeof(E);
  }
  // The array for C; an error if its dtype cannot be any.
  template <class Report>
  static bool describe(crosspage_array &array, std::string_view dtype, shape_view shape, const Report &report) {
    const bool fits = detail::set_array(array, dtype, shape);
    if (!fits) report.fail(error(errc::invalid, "the dtype \"" + std::string(dtype) + "\" is too long for any"));
    return fits;
  }

  template <class Report>
  std::uint64_t publish(std::string_view dtype, shape_view shape, const void *data, std::size_t size,
                        const Report &report) {
    crosspage_array array;
    if (!describe(array, dtype, shape, report)) return 0;
    return send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_publish_array(handle_.get(), &array, data, size, sequence, e);
    });
  }
  template <class Report>
  std::optional<std::uint64_t> try_publish(std::string_view dtype, shape_view shape, const void *data,
                                           std::size_t size, const Report &report) {
    crosspage_array array;
    if (!describe(array, dtype, shape, report)) return std::nullopt;
    return try_send(report, [&](std::uint64_t *sequence, crosspage_error *e) {
      return crosspage_topic_publisher_try_publish_array(handle_.get(), &array, data, size, sequence, e);
    });
  }
  template <class Report>
  Loan<ndarray> loan(std::string_view dtype, shape_view shape, const Report &report) {
    Loan<ndarray> loan;
    if (!describe(loan.array_, dtype, shape, report)) return loan;
    loan.lend(report, [&](crosspage_topic_loan *c, crosspage_error *e) {
      return crosspage_topic_publisher_loan_array(handle_.get(), &loan.array_, c, e);
    });
    loan.array_.shape = nullptr;  // the caller's
    return loan;
  }
};

// ---- Subscribing --------------------------------------------------------------------------------

template <class T>
class Subscriber;

// The messages of a subscriber, as they come, until it is closed. With an error, which ends them, too, or throwing.
template <class T>
class Messages {
 public:
  struct sentinel {};
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Message<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = Message<T> *;
    using reference = Message<T> &;

    Message<T> &operator*() const noexcept { return *now_; }
    Message<T> *operator->() const noexcept { return &*now_; }
    // Releases the message, and waits for the next.
    iterator &operator++() {
      now_.reset();
      from_->next(now_, error_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator &i, sentinel) noexcept { return !i.now_; }
    friend bool operator!=(const iterator &i, sentinel) noexcept { return static_cast<bool>(i.now_); }

   private:
    friend class Messages;
    iterator(Subscriber<T> *from, error *e) : from_(from), error_(e) { ++*this; }
    Subscriber<T> *from_;
    error *error_;
    mutable std::optional<Message<T>> now_;
  };

  iterator begin() const { return iterator(from_, error_); }
  sentinel end() const noexcept { return {}; }

 private:
  friend class Subscriber<T>;
  Messages(Subscriber<T> *from, error *e) noexcept : from_(from), error_(e) {}
  Subscriber<T> *from_;
  error *error_;
};

// Receives every message that is published while it is attached. T is a struct, `with_tail`, `bytes`, `ndarray`, or `dynamic`
// for whatever comes: message["temperature"].as<double>().
template <class T>
class Subscriber {
 public:
  static Options<Subscriber> options() { return {}; }
  // Joins the topic, or makes it.
  static Subscriber attach(std::string_view name, error &e) { return options().attach(name, e); }

  // The next message, if there is one. Never waits.
  std::optional<Message<T>> try_recv(error &e) { return recv(nullptr, detail::reporting{e}); }
  // Waits for the next message.
  std::optional<Message<T>> recv(timeout t, error &e) { return recv(&t, detail::reporting{e}); }
  // Waits for a message, and takes what is there beside it, up to `max`. After an error in between what was taken
  // before is returned.
  std::vector<Message<T>> recv_many(std::size_t max, timeout t, error &e) {
    return recv_many(max, t, detail::reporting{e});
  }
  // The same for structs into an array, without an allocation; returns how many.
  std::size_t recv_many(T *values, std::size_t max, timeout t, error &e) {
    return recv_many(values, max, t, detail::reporting{e});
  }
  // For a range-for: the messages as they come, until an error, or close() by another thread.
  Messages<T> messages(error &e) noexcept { return {this, &e}; }

#if CROSSPAGE_THROWS
  static Subscriber attach(std::string_view name) { return options().attach(name); }
  std::optional<Message<T>> try_recv() { return recv(nullptr, detail::throwing()); }
  Message<T> recv(timeout t = std::nullopt) { return *recv(&t, detail::throwing()); }
  std::vector<Message<T>> recv_many(std::size_t max, timeout t = std::nullopt) {
    return recv_many(max, t, detail::throwing());
  }
  std::size_t recv_many(T *values, std::size_t max, timeout t = std::nullopt) {
    return recv_many(values, max, t, detail::throwing());
  }
  // The subscriber itself in a range-for: each step waits for the next message. close() by another thread ends it.
  typename Messages<T>::iterator begin() { return Messages<T>(this, nullptr).begin(); }
  typename Messages<T>::sentinel end() noexcept { return {}; }
#endif
#if CROSSPAGE_PLAIN_STRUCTS
  std::size_t recv_many(std::span<T> values, timeout t, error &e) {
    return recv_many(values.data(), values.size(), t, e);
  }
#if CROSSPAGE_THROWS
  std::size_t recv_many(std::span<T> values, timeout t = std::nullopt) {
    return recv_many(values.data(), values.size(), t);
  }
#endif
#endif

  // How many messages were overwritten before they were received here.
  std::uint64_t lost() const noexcept { return crosspage_topic_subscriber_lost(handle_.get()); }
  // What the messages are; nothing while nobody has said.
  std::optional<Kind> kind(error &e) { return kind(detail::reporting{e}); }
  // The layout that structs come in; the error is `no_value` while nobody has said.
  Layout layout(error &e) { return layout(detail::reporting{e}); }
  // What an event loop can wait on: a file descriptor for poll, epoll, Qt; on Windows a HANDLE. Readable (signalled)
  // while there may be a message, until try_recv finds none, and after close(). It belongs to the subscriber: do
  // nothing but wait on it. The first call starts a thread.
  crosspage_wait_fd wait_fd(error &e) { return wait_fd(detail::reporting{e}); }
  // How many publishers live.
  std::size_t publishers() const noexcept { return crosspage_topic_subscriber_publishers(handle_.get()); }
  // The next publisher that came or went, if there is one that was not told of yet: each that is attached is told of
  // once, also one that came first.
  std::optional<Event> try_event(error &e) const { return next_event(detail::reporting{e}, 0, true); }
  // Waits until one comes or goes; nothing where that fails. One that is killed is found within a second.
  std::optional<Event> wait_event(timeout t, error &e) const { return next_event(detail::reporting{e}, t.ns(), false); }
  // Waits for `n` publishers, and returns how many there are (0: it failed).
  std::size_t wait_publishers(std::size_t n, timeout t, error &e) const {
    return wait_publishers(n, t, detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  std::optional<Kind> kind() { return kind(detail::throwing()); }
  Layout layout() { return layout(detail::throwing()); }
  crosspage_wait_fd wait_fd() { return wait_fd(detail::throwing()); }
  std::size_t wait_publishers(std::size_t n, timeout t = std::nullopt) const {
    return wait_publishers(n, t, detail::throwing());
  }
  std::optional<Event> try_event() const { return next_event(detail::throwing(), 0, true); }
  Event wait_event(timeout t = std::nullopt) const { return *next_event(detail::throwing(), t.ns(), false); }
#endif
  // A wait that is going on ends with the error `closed`, as does every later call. No publisher waits for this any
  // more. Messages stay.
  void close() const noexcept { crosspage_topic_subscriber_close(handle_.get()); }
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  // Not for use by programs.
  using message = T;
  using c_handle = crosspage_topic_subscriber;
  static constexpr auto c_attach = crosspage_topic_subscriber_attach;
  static constexpr bool publishes = false;

 private:
  friend class Options<Subscriber>;
  friend class Messages<T>::iterator;
  friend class crosspage::Waitable;
  explicit Subscriber(crosspage_topic_subscriber *handle) noexcept : handle_(handle) {}

  template <class Report>
  std::optional<Message<T>> recv(const timeout *wait, const Report &report) {
    std::optional<Message<T>> out;
    detail::failure failure;
    const int code = detail::receive<T>(handle_.get(), known_, wait, out, &failure.head);
    if (code == 0 || (!wait && code == CROSSPAGE_ERR_NO_VALUE)) report.succeed();
    else report.fail(failure, code);
    return out;
  }

  // For iterators: the end is nothing to report.
  void next(std::optional<Message<T>> &out, error *e) {
    const timeout for_ever = std::nullopt;
    detail::failure failure;
    const int code = detail::receive<T>(handle_.get(), known_, &for_ever, out, &failure.head);
    const bool ends = code == 0 || code == CROSSPAGE_ERR_CLOSED;
    if (e) {
      if (ends) detail::reporting{*e}.succeed();
      else detail::reporting{*e}.fail(failure, code);
    }
#if CROSSPAGE_THROWS
    else if (!ends) {
      detail::throwing().fail(failure, code);
    }
#endif
  }

  template <class Report>
  std::vector<Message<T>> recv_many(std::size_t max, timeout t, const Report &report) {
    std::vector<Message<T>> all;
    std::optional<Message<T>> one;
    detail::failure failure;
    int code = 0;
    while (all.size() < max) {
      code = detail::receive<T>(handle_.get(), known_, all.empty() ? &t : nullptr, one, &failure.head);
      if (code) break;
      all.push_back(std::move(*one));
    }
    if (code == 0 || (!all.empty() && code == CROSSPAGE_ERR_NO_VALUE)) report.succeed();
    else report.fail(failure, code);
    return all;
  }

  template <class Report>
  std::size_t recv_many(T *values, std::size_t max, timeout t, const Report &report) {
    static_assert(detail::kind_of<T> == CROSSPAGE_MESSAGE_STRUCT && !detail::tailed<T>::value,
                  "crosspage: an array is filled with structs only");
    std::size_t count = 0;
    detail::failure failure;
    if (const int code = crosspage_topic_subscriber_recv_many_into(handle_.get(), t.ns(), values, sizeof(T), max,
                                                                   nullptr, &count, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return count;
  }

  template <class Report>
  std::optional<Kind> kind(const Report &report) {
    std::uint32_t kind = CROSSPAGE_MESSAGE_ANY;
    detail::failure failure;
    if (const int code = crosspage_topic_subscriber_kind(handle_.get(), &kind, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return kind == CROSSPAGE_MESSAGE_ANY ? std::nullopt : std::optional<Kind>(static_cast<Kind>(kind));
  }

  template <class Report>
  Layout layout(const Report &report) {
    return Layout::make(report, [this](crosspage_layout **out, crosspage_error *e) {
      return crosspage_topic_subscriber_layout(handle_.get(), out, e);
    });
  }

  template <class Report>
  crosspage_wait_fd wait_fd(const Report &report) {
#ifdef _WIN32
    crosspage_wait_fd fd = nullptr;
#else
    crosspage_wait_fd fd = -1;
#endif
    detail::failure failure;
    if (const int code = crosspage_topic_subscriber_wait_fd(handle_.get(), &fd, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return fd;
  }

  template <class Report>
  std::optional<Event> next_event(const Report &report, std::int64_t ns, bool tries) const {
    crosspage_topic_event event;
    detail::failure failure;
    const int code = crosspage_topic_subscriber_wait_event(handle_.get(), ns, &event, &failure.head);
    return detail::told(report, failure, code, event, tries);
  }

  template <class Report>
  std::size_t wait_publishers(std::size_t n, timeout t, const Report &report) const {
    std::size_t found = 0;
    detail::failure failure;
    if (const int code =
            crosspage_topic_subscriber_wait_publishers(handle_.get(), n, t.ns(), &found, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return found;
  }

  detail::subscriber_handle handle_;
  detail::known<T> known_;
};

}  // namespace topic

}  // namespace CROSSPAGE_CXX
}  // namespace crosspage

#endif
