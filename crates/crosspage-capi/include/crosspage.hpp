// crosspage for C++17 and later: typed shared memory that Rust, C, C++ and Python processes agree on.
//
//     struct SharedData { int counter; char message[500]; double temperature; };   // untouched
//
//     auto writer = crosspage::latest::Writer<SharedData>::create("telemetry");
//     writer.write({42, "hello", 23.5});
//
//     auto reader = crosspage::latest::Reader<SharedData>::open("telemetry");      // elsewhere
//     if (auto snapshot = reader.read()) use(snapshot->value.counter, snapshot->age());
//
// In C++20 the struct needs nothing; before, one line names its members (CROSSPAGE_STRUCT, see
// crosspage/layout.hpp). What fails throws crosspage::error; every such function has a form with a
// trailing `crosspage::error &` that does not throw, for -fno-exceptions and for taste. Handles can
// be moved, not copied, and detach at their end. A handle belongs to one thread at a time; close() may
// be called from any. Link with -lcrosspage.
#ifndef CROSSPAGE_HPP
#define CROSSPAGE_HPP

#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "crosspage.h"
#include "crosspage/layout.hpp"

#if defined(__cpp_exceptions)
#define CROSSPAGE_THROWS 1
#else
#define CROSSPAGE_THROWS 0
#endif

namespace crosspage {
inline namespace CROSSPAGE_CXX {

// ---- Errors -----------------------------------------------------------------------------------

// What kind of failure it was: the numbers of C, Rust and Python.
enum class errc : int {
  cancelled = CROSSPAGE_ERR_CANCELLED,  // the function given to update or write_with returned false
  not_found = CROSSPAGE_ERR_NOT_FOUND,
  permission_denied = CROSSPAGE_ERR_PERMISSION_DENIED,
  timed_out = CROSSPAGE_ERR_TIMED_OUT,
  layout_mismatch = CROSSPAGE_ERR_LAYOUT_MISMATCH,
  already_owned = CROSSPAGE_ERR_ALREADY_OWNED,
  replaced = CROSSPAGE_ERR_REPLACED,
  corrupt = CROSSPAGE_ERR_CORRUPT,
  full = CROSSPAGE_ERR_FULL,
  too_large = CROSSPAGE_ERR_TOO_LARGE,
  no_space = CROSSPAGE_ERR_NO_SPACE,
  unsupported = CROSSPAGE_ERR_UNSUPPORTED,
  invalid = CROSSPAGE_ERR_INVALID,
  in_use = CROSSPAGE_ERR_IN_USE,
  closed = CROSSPAGE_ERR_CLOSED,
  forked = CROSSPAGE_ERR_FORKED,
  no_value = CROSSPAGE_ERR_NO_VALUE,
  io = CROSSPAGE_ERR_IO,
  internal = CROSSPAGE_ERR_INTERNAL,
};

namespace detail {

class error_category final : public std::error_category {
 public:
  const char *name() const noexcept override { return "crosspage"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::cancelled: return "cancelled";
      case errc::not_found: return "not found";
      case errc::permission_denied: return "permission denied";
      case errc::timed_out: return "timed out";
      case errc::layout_mismatch: return "layouts differ";
      case errc::already_owned: return "already owned";
      case errc::replaced: return "replaced";
      case errc::corrupt: return "corrupt";
      case errc::full: return "full";
      case errc::too_large: return "too large";
      case errc::no_space: return "no space";
      case errc::unsupported: return "unsupported";
      case errc::invalid: return "invalid";
      case errc::in_use: return "in use";
      case errc::closed: return "closed";
      case errc::forked: return "belongs to the parent process";
      case errc::no_value: return "no value yet";
      case errc::io: return "input or output failed";
      case errc::internal: return "defect in crosspage";
    }
    return code == 0 ? "no error" : "unknown error";
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<errc>(code)) {
      case errc::not_found: return std::errc::no_such_file_or_directory;
      case errc::permission_denied: return std::errc::permission_denied;
      case errc::timed_out: return std::errc::timed_out;
      case errc::no_space: return std::errc::no_space_on_device;
      case errc::unsupported: return std::errc::not_supported;
      case errc::invalid: return std::errc::invalid_argument;
      case errc::cancelled: return std::errc::operation_canceled;
      case errc::io: return std::errc::io_error;
      default: return std::error_condition(code, *this);
    }
  }
};

}  // namespace detail

inline const std::error_category &category() noexcept {
  static const detail::error_category one;
  return one;
}
inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

// Why a call failed. what() says what happened and, on a line of its own, what to do next. A default
// one is no error: what functions with a trailing `error &` leave there when they succeed.
class error : public std::system_error {
 public:
  error() : std::system_error(std::error_code(0, crosspage::category())) {}
  error(errc code, std::string message, std::string hint = {}, int os_code = 0)
      : std::system_error(make_error_code(code)),
        text_(std::make_shared<const text>(std::move(message), std::move(hint))),
        os_code_(os_code) {}

  explicit operator bool() const noexcept { return code().value() != 0; }
  errc kind() const noexcept { return static_cast<errc>(code().value()); }
  const char *what() const noexcept override { return text_ ? text_->what.c_str() : "no error"; }
  // what() without the hint, and the hint or "".
  const char *message() const noexcept { return text_ ? text_->message.c_str() : ""; }
  const char *hint() const noexcept { return text_ ? text_->hint.c_str() : ""; }
  // errno or GetLastError(), where one was the cause.
  int os_code() const noexcept { return os_code_; }

  bool is_not_found() const noexcept { return kind() == errc::not_found; }
  bool is_permission_denied() const noexcept { return kind() == errc::permission_denied; }
  bool is_timed_out() const noexcept { return kind() == errc::timed_out; }
  bool is_layout_mismatch() const noexcept { return kind() == errc::layout_mismatch; }
  bool is_already_owned() const noexcept { return kind() == errc::already_owned; }
  bool is_replaced() const noexcept { return kind() == errc::replaced; }
  bool is_corrupt() const noexcept { return kind() == errc::corrupt; }
  bool is_full() const noexcept { return kind() == errc::full; }
  bool is_too_large() const noexcept { return kind() == errc::too_large; }
  bool is_no_space() const noexcept { return kind() == errc::no_space; }
  bool is_unsupported() const noexcept { return kind() == errc::unsupported; }
  bool is_invalid() const noexcept { return kind() == errc::invalid; }
  bool is_in_use() const noexcept { return kind() == errc::in_use; }
  bool is_closed() const noexcept { return kind() == errc::closed; }
  bool is_forked() const noexcept { return kind() == errc::forked; }
  bool is_no_value() const noexcept { return kind() == errc::no_value; }
  bool is_cancelled() const noexcept { return kind() == errc::cancelled; }

 private:
  struct text {
    std::string message, hint, what;
    text(std::string message_, std::string hint_) : message(std::move(message_)), hint(std::move(hint_)) {
      what = hint.empty() ? message : message + "\nhint: " + hint;
    }
  };
  std::shared_ptr<const text> text_;  // shared, so that copying cannot throw
  int os_code_ = 0;
};

namespace detail {

// Where a call reports to. On the hot paths nothing but its size is written before a call.
struct failure {
  crosspage_error head;
  failure() noexcept { head.size = sizeof(head); }
  error to_error(int code) const {
    return error(static_cast<errc>(code), head.message, head.hint, head.os_code);
  }
};
// With room for a list of many differences.
struct long_failure {
  union {
    crosspage_error head;
    char bytes[16 * 1024];
  };
  long_failure() noexcept { head.size = sizeof(*this); }
  error to_error(int code) const {
    return error(static_cast<errc>(code), bytes + offsetof(crosspage_error, message), head.hint, head.os_code);
  }
};

// How a public function fails: by throwing, or into the caller's error. `fail` is off the hot path.
#if CROSSPAGE_THROWS
struct throwing {
  void succeed() const noexcept {}
  [[noreturn]] void fail(error e) const { throw e; }
  template <class Failure>
  [[noreturn]] void fail(const Failure &failure, int code) const {
    throw failure.to_error(code);
  }
  void pass_on(const std::exception_ptr &thrown) const {
    if (thrown) std::rethrow_exception(thrown);
  }
};
#endif
struct reporting {
  error &out;
  void succeed() const {
    if (out) out = error();
  }
  void fail(error e) const { out = std::move(e); }
  template <class Failure>
  void fail(const Failure &failure, int code) const {
    out = failure.to_error(code);
  }
  void pass_on(const std::exception_ptr &thrown) const {
#if CROSSPAGE_THROWS
    if (thrown) std::rethrow_exception(thrown);  // the caller's own: it goes back to the caller
#else
    static_cast<void>(thrown);
#endif
  }
};

template <class T, void (*Free)(T *)>
struct freed_by {
  void operator()(T *handle) const noexcept { Free(handle); }
};
template <class T, void (*Free)(T *)>
using handle = std::unique_ptr<T, freed_by<T, Free>>;

// A NUL in the middle would cut the name off.
inline std::string c_name(std::string_view name) {
  std::string text(name);
  for (char &c : text)
    if (c == '\0') c = '\x01';
  return text;
}

// A place for a T that C fills; whether or not T has a default constructor.
template <class T>
struct place_for {
  union {
    T value;
  };
  place_for() noexcept {}
};

template <class F>
struct edit_call {
  F &edit;
  std::exception_ptr thrown;
};

// Calls a function object from C. It must not throw through the library, so what it throws waits.
template <class T, class F>
int call_edit(void *context, void *value) noexcept {
  auto &call = *static_cast<edit_call<F> *>(context);
  const auto run = [&] {
    if constexpr (std::is_same_v<std::invoke_result_t<F &, T &>, bool>) {
      return call.edit(*static_cast<T *>(value)) ? 0 : 1;
    } else {
      call.edit(*static_cast<T *>(value));
      return 0;
    }
  };
#if CROSSPAGE_THROWS
  try {
    return run();
  } catch (...) {
    call.thrown = std::current_exception();
    return 1;
  }
#else
  return run();
#endif
}

}  // namespace detail

// ---- Times, options and the like --------------------------------------------------------------

// How long to wait: any std::chrono duration (zero and less: not at all), or std::nullopt (for ever).
class timeout {
 public:
  timeout(std::nullopt_t) noexcept : ns_(CROSSPAGE_FOREVER) {}
  template <class Rep, class Period>
  timeout(std::chrono::duration<Rep, Period> duration) noexcept : ns_(to_ns(duration)) {}
  template <class Rep, class Period>
  timeout(std::optional<std::chrono::duration<Rep, Period>> duration) noexcept
      : ns_(duration ? to_ns(*duration) : CROSSPAGE_FOREVER) {}
  std::int64_t ns() const noexcept { return ns_; }

 private:
  template <class Rep, class Period>
  static std::int64_t to_ns(std::chrono::duration<Rep, Period> duration) noexcept {
    constexpr auto most = std::chrono::nanoseconds(std::numeric_limits<std::int64_t>::max());
    if (!(duration > duration.zero())) return 0;
    // In floating point, so that the longest durations do not overflow.
    if (std::chrono::duration<long double, std::nano>(duration) >= std::chrono::duration<long double, std::nano>(most))
      return most.count();
    return std::chrono::ceil<std::chrono::nanoseconds>(duration).count();
  }
  std::int64_t ns_;
};

enum class Permissions : std::uint32_t {
  owner = CROSSPAGE_PERMISSIONS_OWNER,
  group = CROSSPAGE_PERMISSIONS_GROUP,
  all = CROSSPAGE_PERMISSIONS_ALL,
};
enum class Lifetime : std::uint32_t {
  keep = CROSSPAGE_LIFETIME_KEEP,
  while_used = CROSSPAGE_LIFETIME_WHILE_USED,
};
// How much of two layouts has to agree: everything, or the fields named here, wherever they lie.
enum class Match : std::uint32_t { exact = CROSSPAGE_MATCH_EXACT, name = CROSSPAGE_MATCH_NAME };
inline constexpr Match by_name = Match::name;

// In place of a struct: values whose type is only known to the page.
struct dynamic {};

// The version of the library that is loaded.
inline std::string_view version() { return crosspage_version(); }

// ---- Text fields ------------------------------------------------------------------------------

namespace detail {

template <class Report>
bool assign(char *field, std::size_t room, std::string_view text, const Report &report) {
  if (text.size() > room) {
    report.fail(error(errc::too_large, "a text of " + std::to_string(text.size()) + " bytes does not fit into text[" +
                                           std::to_string(room) + "]"));
    return false;
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    report.fail(error(errc::invalid, "a text ends at its first NUL, and this one has a NUL at byte " +
                                         std::to_string(nul)));
    return false;
  }
  // Not memcpy: the text may be the field's own.
  if (!text.empty()) std::memmove(field, text.data(), text.size());
  if (text.size() < room) std::memset(field + text.size(), 0, room - text.size());
  report.succeed();
  return true;
}

inline std::string_view view(const char *field, std::size_t room) noexcept {
  const void *nul = std::memchr(field, 0, room);
  return {field, nul ? static_cast<std::size_t>(static_cast<const char *>(nul) - field) : room};
}

// Bytes of the UTF-8 character at the start of `text`; 0 where there is none, and then `bad` of its
// bytes are replaced by one U+FFFD (the longest start of a character, as everywhere).
inline std::size_t utf8_length(std::string_view text, std::size_t &bad) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  bad = 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte also decides on overlong forms, surrogates, and what is beyond U+10FFFF.
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (text.size() < 2 || byte(1) < low || byte(1) > high) return 0;
  for (bad = 2; bad < length; ++bad)
    if (bad >= text.size() || (byte(bad) & 0xC0) != 0x80) return 0;
  return length;
}

inline std::size_t utf8_valid_up_to(std::string_view text) noexcept {
  std::size_t at = 0, bad = 0;
  while (at < text.size()) {
    const std::size_t n = utf8_length(text.substr(at), bad);
    if (n == 0) return at;
    at += n;
  }
  return at;
}

inline std::string lossy(std::string_view text) {
  std::string out;
  for (std::size_t bad = 0; !text.empty();) {
    const std::size_t n = utf8_length(text, bad);
    if (n) out.append(text.substr(0, n));
    else out.append("\xEF\xBF\xBD");
    text.remove_prefix(n ? n : bad);
  }
  return out;
}

template <class Report>
std::string checked(std::string_view text, const Report &report) {
  const std::size_t valid = utf8_valid_up_to(text);
  if (valid < text.size()) {
    report.fail(error(errc::invalid, "the text is not UTF-8 from byte " + std::to_string(valid) + " on",
                      "crosspage::to_string_lossy replaces what is not UTF-8"));
    return {};
  }
  report.succeed();
  return std::string(text);
}

}  // namespace detail

// Writes a text field, padded with NUL. A text that does not fit, or has a NUL in it, is an error.
template <std::size_t N>
bool assign(char (&field)[N], std::string_view text, error &e) {
  return detail::assign(field, N, text, detail::reporting{e});
}
template <std::size_t N>
bool assign(std::array<char, N> &field, std::string_view text, error &e) {
  return detail::assign(field.data(), N, text, detail::reporting{e});
}

// As much of a text as fits, cut between two characters, and before a NUL.
template <std::size_t N>
void assign_truncated(char (&field)[N], std::string_view text) noexcept {
  text = text.substr(0, text.find('\0'));
  std::size_t end = text.size() < N ? text.size() : N;
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  std::memmove(field, text.data(), end);
  std::memset(field + end, 0, N - end);
}
template <std::size_t N>
void assign_truncated(std::array<char, N> &field, std::string_view text) noexcept {
  assign_truncated(*reinterpret_cast<char(*)[N]>(field.data()), text);
}

// The bytes of a text field before the first NUL. A peer may have written anything, UTF-8 or not.
template <std::size_t N>
std::string_view view(const char (&field)[N]) noexcept {
  return detail::view(field, N);
}
template <std::size_t N>
std::string_view view(const std::array<char, N> &field) noexcept {
  return detail::view(field.data(), N);
}

// The text, which is an error where it is not UTF-8; or with U+FFFD in the place of what is not.
template <std::size_t N>
std::string to_string(const char (&field)[N], error &e) {
  return detail::checked(view(field), detail::reporting{e});
}
template <std::size_t N>
std::string to_string(const std::array<char, N> &field, error &e) {
  return detail::checked(view(field), detail::reporting{e});
}
template <std::size_t N>
std::string to_string_lossy(const char (&field)[N]) {
  return detail::lossy(view(field));
}
template <std::size_t N>
std::string to_string_lossy(const std::array<char, N> &field) {
  return detail::lossy(view(field));
}
#if CROSSPAGE_THROWS
template <std::size_t N>
void assign(char (&field)[N], std::string_view text) {
  detail::assign(field, N, text, detail::throwing());
}
template <std::size_t N>
void assign(std::array<char, N> &field, std::string_view text) {
  detail::assign(field.data(), N, text, detail::throwing());
}
template <std::size_t N>
std::string to_string(const char (&field)[N]) {
  return detail::checked(view(field), detail::throwing());
}
template <std::size_t N>
std::string to_string(const std::array<char, N> &field) {
  return detail::checked(view(field), detail::throwing());
}
#endif

// ---- Layouts and records at run time ------------------------------------------------------------

// A layout that is known at run time: of a page, from a schema, or of a struct. Cheap to copy.
class Layout {
 public:
  template <class T>
  static Layout of(error &e) {
    return make(detail::reporting{e}, [](crosspage_layout **out, crosspage_error *error) {
      return crosspage_layout_from_struct(&layout_of<T>(), out, error);
    });
  }
  // "PATH#TYPE": a schema file, a program with debug information, or a header.
  static Layout from_source(std::string_view source, error &e) { return from_source(source, detail::reporting{e}); }
#if CROSSPAGE_THROWS
  template <class T>
  static Layout of() {
    return make(detail::throwing(), [](crosspage_layout **out, crosspage_error *error) {
      return crosspage_layout_from_struct(&layout_of<T>(), out, error);
    });
  }
  static Layout from_source(std::string_view source) { return from_source(source, detail::throwing()); }
#endif

  std::string_view name() const { return table().name ? table().name : ""; }
  std::size_t size() const { return static_cast<std::size_t>(table().size); }
  // The fields, as long as any copy of this layout lives.
  const crosspage_struct &table() const {
    static const crosspage_struct none = {};
    const crosspage_struct *table = crosspage_layout_struct(handle_.get());
    return table ? *table : none;
  }
  // Whether there is a layout: false after a failure.
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }
  // The same bytes for one struct from every language.
  std::vector<unsigned char> canonical() const {
    std::vector<unsigned char> bytes(crosspage_layout_canonical(handle_.get(), nullptr, 0));
    crosspage_layout_canonical(handle_.get(), bytes.data(), bytes.size());
    return bytes;
  }
  std::string to_json() const {
    const std::unique_ptr<char, void (*)(char *)> text(crosspage_layout_json(handle_.get()), crosspage_string_free);
    return text ? text.get() : "";
  }

  // Not for use by programs.
  Layout() = default;
  explicit Layout(crosspage_layout *owned) : handle_(owned, crosspage_layout_free) {}
  template <class Report, class Function>
  static Layout make(const Report &report, Function &&function) {
    crosspage_layout *out = nullptr;
    detail::long_failure failure;
    Layout layout;
    if (const int code = function(&out, &failure.head)) report.fail(failure, code);
    else {
      layout.handle_.reset(out, crosspage_layout_free);
      report.succeed();
    }
    return layout;
  }
  const crosspage_layout *get() const noexcept { return handle_.get(); }

 private:
  template <class Report>
  static Layout from_source(std::string_view source, const Report &report) {
    return make(report, [name = detail::c_name(source)](crosspage_layout **out, crosspage_error *error) {
      return crosspage_layout_from_source(name.c_str(), out, error);
    });
  }
  std::shared_ptr<crosspage_layout> handle_;
};

// The canonical form of a struct.
template <class T>
std::vector<unsigned char> canonical(error &e) {
  return Layout::of<T>(e).canonical();
}
#if CROSSPAGE_THROWS
template <class T>
std::vector<unsigned char> canonical() {
  return Layout::of<T>().canonical();
}
#endif

// One field of a record. Lives as long as the record.
class Value {
 public:
  // The value as bool, number, enum, std::string (also the name of an enum's value), std::string_view,
  // std::vector<T> or std::array<T, N>. A number that does not fit, or another type, is an error.
  template <class T>
  std::optional<T> as(error &e) const {
    return as<T>(detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  template <class T>
  T as() const {
    return *as<T>(detail::throwing());
  }
#endif
  // What lies there: its type, dimensions, unit.
  const crosspage_field &field() const noexcept { return field_; }
  // Elements of an array (of its first dimension); 1 of what is none.
  std::size_t size() const noexcept { return field_.ndims ? static_cast<std::size_t>(field_.dims[0]) : 1; }

  // Not for use by programs.
  Value(const crosspage_field &field, const unsigned char *bytes) noexcept : field_(field), bytes_(bytes) {}

 private:
  template <class T>
  struct is_vector : std::false_type {};
  template <class T>
  struct is_vector<std::vector<T>> : std::true_type {};

  template <class T>
  T load() const noexcept {
    T value;
    std::memcpy(&value, bytes_, sizeof(T));
    return value;
  }

  Value element(std::size_t i) const noexcept {
    Value one = *this;
    one.field_.size /= field_.dims[0];
    --one.field_.ndims;
    for (std::uint32_t d = 0; d < one.field_.ndims; ++d) one.field_.dims[d] = field_.dims[d + 1];
    one.bytes_ += i * one.field_.size;
    return one;
  }

  template <class T, class Report>
  std::optional<T> wrong(const Report &report, const char *expected) const {
    static constexpr const char *types[] = {"nothing", "a bool", "an i8", "an i16", "an i32", "an i64", "a u8", "a u16",
                                            "a u32", "a u64", "an f32", "an f64", "a text", "a struct", "an enum"};
    const char *type = field_.ndims ? "an array" : field_.type < 15 ? types[field_.type] : "of another type";
    report.fail(error(errc::invalid, std::string("the field is ") + type + ", not " + expected));
    return std::nullopt;
  }

  template <class T, class Report>
  std::optional<T> as(const Report &report) const {
    if constexpr (is_vector<T>::value) {
      if (field_.ndims == 0) return wrong<T>(report, "an array");
      T out;
      out.reserve(size());
      for (std::size_t i = 0; i < size(); ++i) {
        auto one = element(i).template as<typename T::value_type>(report);
        if (!one) return std::nullopt;
        out.push_back(std::move(*one));
      }
      return out;
    } else if constexpr (detail::is_std_array<T>::value) {
      T out = {};
      if (field_.ndims == 0 || size() != out.size()) return wrong<T>(report, "an array of that length");
      for (std::size_t i = 0; i < out.size(); ++i) {
        auto one = element(i).template as<typename T::value_type>(report);
        if (!one) return std::nullopt;
        out[i] = std::move(*one);
      }
      return out;
    } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
      return as_text<T>(report);
    } else {
      static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>,
                    "crosspage: as<T>() takes bool, a number, an enum, std::string, std::string_view, "
                    "std::vector<T> or std::array<T, N>");
      return as_number<T>(report);
    }
  }

  template <class T, class Report>
  std::optional<T> as_text(const Report &report) const {
    if (field_.ndims == 0 && field_.type == CROSSPAGE_TYPE_TEXT) {
      report.succeed();
      return T(detail::view(reinterpret_cast<const char *>(bytes_), static_cast<std::size_t>(field_.size)));
    }
    if (field_.ndims == 0 && field_.type == CROSSPAGE_TYPE_ENUM) {
      const auto number = as_number<std::int64_t>(report);
      for (std::size_t i = 0; number && i < field_.enumeration->count; ++i) {
        if (field_.enumeration->values[i].value == *number) return T(field_.enumeration->values[i].name);
      }
    }
    return wrong<T>(report, "a text");
  }

  template <class T, class Report>
  std::optional<T> as_number(const Report &report) const {
    const std::uint32_t type = field_.type == CROSSPAGE_TYPE_ENUM ? field_.enumeration->repr : field_.type;
    if (field_.ndims != 0) return wrong<T>(report, "one number");
    switch (type) {
      case CROSSPAGE_TYPE_BOOL:
        if constexpr (std::is_same_v<T, bool>) {
          report.succeed();
          return load<std::uint8_t>() != 0;
        } else {
          return wrong<T>(report, "a number");
        }
      case CROSSPAGE_TYPE_I8: return convert<T>(load<std::int8_t>(), report);
      case CROSSPAGE_TYPE_I16: return convert<T>(load<std::int16_t>(), report);
      case CROSSPAGE_TYPE_I32: return convert<T>(load<std::int32_t>(), report);
      case CROSSPAGE_TYPE_I64: return convert<T>(load<std::int64_t>(), report);
      case CROSSPAGE_TYPE_U8: return convert<T>(load<std::uint8_t>(), report);
      case CROSSPAGE_TYPE_U16: return convert<T>(load<std::uint16_t>(), report);
      case CROSSPAGE_TYPE_U32: return convert<T>(load<std::uint32_t>(), report);
      case CROSSPAGE_TYPE_U64: return convert<T>(load<std::uint64_t>(), report);
      case CROSSPAGE_TYPE_F32: return convert<T>(load<float>(), report);
      case CROSSPAGE_TYPE_F64: return convert<T>(load<double>(), report);
      default: return wrong<T>(report, "a number");
    }
  }

  template <class T, class From, class Report>
  std::optional<T> convert(From from, const Report &report) const {
    if constexpr (std::is_enum_v<T>) {
      const auto number = convert<std::underlying_type_t<T>>(from, report);
      return number ? std::optional<T>(static_cast<T>(*number)) : std::nullopt;
    } else if constexpr (std::is_same_v<T, bool>) {
      return wrong<T>(report, "a bool");
    } else if constexpr (std::is_floating_point_v<T>) {
      report.succeed();
      return static_cast<T>(from);
    } else if constexpr (std::is_floating_point_v<From>) {
      return wrong<T>(report, "an integer");
    } else {
      const T to = static_cast<T>(from);
      if (static_cast<From>(to) != from || (to < T(0)) != (from < From(0))) {
        report.fail(error(errc::too_large, std::to_string(from) + " does not fit into " + std::to_string(sizeof(T)) +
                                               " bytes" + (std::is_signed_v<T> ? "" : " without a sign")));
        return std::nullopt;
      }
      report.succeed();
      return to;
    }
  }

  crosspage_field field_;
  const unsigned char *bytes_;
};

// A value whose type is only known at run time. It does not change.
class Record {
 public:
  // A field by its path, such as "temperature" or "arm.joints[2]".
  std::optional<Value> get(std::string_view path, error &e) const { return get(path, detail::reporting{e}); }
#if CROSSPAGE_THROWS
  Value operator[](std::string_view path) const { return *get(path, detail::throwing()); }
#endif
  const Layout &layout() const noexcept { return layout_; }
  const unsigned char *data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::string to_json() const {
    char *out = nullptr;
    crosspage_value_json(layout_.get(), bytes_.data(), bytes_.size(), &out, nullptr);
    const std::unique_ptr<char, void (*)(char *)> text(out, crosspage_string_free);
    return text ? text.get() : "";
  }

  // Not for use by programs.
  explicit Record(Layout layout) : layout_(std::move(layout)), bytes_(layout_.size()) {}
  Record(Layout layout, const void *bytes, std::size_t size)
      : layout_(std::move(layout)),
        bytes_(static_cast<const unsigned char *>(bytes), static_cast<const unsigned char *>(bytes) + size) {}
  unsigned char *data() noexcept { return bytes_.data(); }

 private:
  template <class Report>
  std::optional<Value> get(std::string_view path, const Report &report) const {
    crosspage_field field;
    detail::failure failure;
    if (const int code = crosspage_layout_find(layout_.get(), detail::c_name(path).c_str(), &field, &failure.head)) {
      report.fail(failure, code);
      return std::nullopt;
    }
    const std::uint64_t rest = bytes_.size() - (field.offset < bytes_.size() ? field.offset : bytes_.size());
    if (field.ndims != 0 && field.dims[0] == 0 && field.size != 0) {  // a tail has as many as there are bytes for
      field.dims[0] = rest / field.size;
      field.size *= field.dims[0];
    }
    if (field.size > rest) {
      report.fail(error(errc::not_found, "the record's tail ends before " + std::string(path)));
      return std::nullopt;
    }
    report.succeed();
    return Value(field, bytes_.data() + field.offset);
  }
  Layout layout_;
  std::vector<unsigned char> bytes_;
};

// ---- latest -------------------------------------------------------------------------------------

class Waitable;

namespace latest {

// What is known of a value beside its bytes.
struct Meta {
  std::uint64_t version = 0;                            // counts up by one with each write, from 1
  std::chrono::system_clock::time_point written_at = {};  // by the writer's clock
  std::uint32_t writer = 0;                             // its process, in its own PID namespace

  // How long ago it was written; zero if the clock was set back meanwhile.
  std::chrono::nanoseconds age() const noexcept {
    const auto age = std::chrono::system_clock::now() - written_at;
    return age > age.zero() ? std::chrono::duration_cast<std::chrono::nanoseconds>(age) : std::chrono::nanoseconds(0);
  }

  Meta() = default;
  explicit Meta(const crosspage_meta &c) noexcept
      : version(c.version),
        written_at(std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::nanoseconds(static_cast<std::int64_t>(c.written_at_ns)))),
        writer(c.writer_pid) {}
};

// A value, complete and never torn, and what is known of it.
template <class T>
struct Snapshot : Meta {
  union {  // so that it can be filled whatever constructors T has
    T value;
  };
  Snapshot() noexcept {}
};
template <>
struct Snapshot<dynamic> : Meta {
  Record value;
#if CROSSPAGE_THROWS
  Value operator[](std::string_view path) const { return value[path]; }
#endif
  explicit Snapshot(Record record) : value(std::move(record)) {}
};

namespace detail {

using namespace crosspage::detail;

inline crosspage_latest_options default_options() noexcept {
  crosspage_latest_options options = CROSSPAGE_LATEST_OPTIONS_INIT;
  options.language = CROSSPAGE_LANGUAGE_CPP;
  return options;
}

using writer_handle = handle<crosspage_latest_writer, crosspage_latest_writer_free>;
using reader_handle = handle<crosspage_latest_reader, crosspage_latest_reader_free>;

}  // namespace detail

template <class T>
class Writer;
template <class T>
class Reader;

// How to make or join a page as its writer.
template <class T>
class WriterOptions {
 public:
  // How many living writers the page allows. A new page: 1.
  WriterOptions &writers(std::uint32_t n) noexcept { return options_.writers = n, *this; }
  // How many values readers can pin at once. A new page: 0.
  WriterOptions &max_pins(std::uint32_t n) noexcept {
    return options_.max_pins = n ? n : CROSSPAGE_NO_PINS, *this;
  }
  // Whether values carry a checksum that every read verifies. A new page: no.
  WriterOptions &checksum(bool yes) noexcept {
    return options_.checksum = yes ? CROSSPAGE_YES : CROSSPAGE_NO, *this;
  }
  // How many handles the page has room for. A new page: 128.
  WriterOptions &max_participants(std::uint32_t n) noexcept { return options_.max_participants = n, *this; }
  // Who may attach to a new page: its owner.
  WriterOptions &permissions(Permissions p) noexcept {
    return options_.permissions = static_cast<std::uint32_t>(p), *this;
  }
  // How long a new page stays: until it is removed.
  WriterOptions &lifetime(Lifetime l) noexcept { return options_.lifetime = static_cast<std::uint32_t>(l), *this; }
  WriterOptions &match_by(Match m) noexcept { return options_.match = static_cast<std::uint32_t>(m), *this; }

  Writer<T> create(std::string_view name, error &e) const {
    return make(crosspage_latest_writer_create, name, detail::reporting{e});
  }
  Writer<T> attach(std::string_view name, error &e) const {
    return make(crosspage_latest_writer_attach, name, detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  Writer<T> create(std::string_view name) const {
    return make(crosspage_latest_writer_create, name, detail::throwing());
  }
  Writer<T> attach(std::string_view name) const {
    return make(crosspage_latest_writer_attach, name, detail::throwing());
  }
#endif

 private:
  template <class Function, class Report>
  Writer<T> make(Function function, std::string_view name, const Report &report) const {
    crosspage_latest_writer *out = nullptr;
    detail::long_failure failure;
    if (const int code = function(detail::c_name(name).c_str(), &layout_of<T>(), &options_, &out, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return Writer<T>(out);
  }
  crosspage_latest_options options_ = detail::default_options();
};

// Writes the values of a page.
template <class T>
class Writer {
 public:
  static WriterOptions<T> options() { return {}; }

  // Makes the page, or takes over the writer's role if nobody alive holds it: value and version stay. A
  // page of another layout is replaced by a new one.
  static Writer create(std::string_view name, error &e) { return options().create(name, e); }
  // Joins the page as a writer, or makes it. A page of another layout is an error.
  static Writer attach(std::string_view name, error &e) { return options().attach(name, e); }

  // Publishes a value and returns its version (0: it failed). Never blocks, never allocates.
  std::uint64_t write(const T &value, error &e) { return write(value, detail::reporting{e}); }

  // Changes the current value by `edit(T &)`, atomically among writers: if another publishes meanwhile,
  // it is called again on the newer value. Nothing is written if it throws or returns false.
  template <class F>
  std::uint64_t update(F &&edit, error &e) {
    return update(edit, detail::reporting{e});
  }

  // Lets `fill(T &)` write the next value in place, without a copy: for large values. It finds zeros.
  template <class F>
  std::uint64_t write_with(F &&fill, error &e) {
    return write_with(fill, detail::reporting{e});
  }

#if CROSSPAGE_THROWS
  static Writer create(std::string_view name) { return options().create(name); }
  static Writer attach(std::string_view name) { return options().attach(name); }
  std::uint64_t write(const T &value) { return write(value, detail::throwing()); }
  template <class F>
  std::uint64_t update(F &&edit) {
    return update(edit, detail::throwing());
  }
  template <class F>
  std::uint64_t write_with(F &&fill) {
    return write_with(fill, detail::throwing());
  }
#endif

  // Detaches; the value stays.
  void close() const noexcept { crosspage_latest_writer_close(handle_.get()); }
  // Whether this is a handle: false after a failure, and of what was moved from.
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

 private:
  friend class WriterOptions<T>;
  explicit Writer(crosspage_latest_writer *handle) noexcept : handle_(handle) {}

  template <class Report>
  std::uint64_t write(const T &value, const Report &report) {
    std::uint64_t version = 0;
    detail::failure failure;
    if (const int code = crosspage_latest_writer_write(handle_.get(), &value, sizeof(T), &version, &failure.head))
      report.fail(failure, code);
    else report.succeed();
    return version;
  }

  template <class F, class Report>
  std::uint64_t update(F &edit, const Report &report) {
    // A large value would not fit on the stack.
    if constexpr (sizeof(T) > 64 * 1024) {
      const auto scratch = std::make_unique<detail::place_for<T>>();
      return update(edit, scratch->value, report);
    } else {
      detail::place_for<T> scratch;
      return update(edit, scratch.value, report);
    }
  }

  template <class F, class Report>
  std::uint64_t update(F &edit, T &scratch, const Report &report) {
    detail::edit_call<F> call{edit, nullptr};
    std::uint64_t version = 0;
    detail::failure failure;
    const int code = crosspage_latest_writer_update(handle_.get(), &scratch, sizeof(T), detail::call_edit<T, F>, &call,
                                                    &version, &failure.head);
    return finish(code, version, call, failure, report);
  }

  template <class F, class Report>
  std::uint64_t write_with(F &fill, const Report &report) {
    static_assert(alignof(T) <= 64, "crosspage: a value lies at a multiple of 64 in a page; use write");
    detail::edit_call<F> call{fill, nullptr};
    std::uint64_t version = 0;
    detail::failure failure;
    const int code = crosspage_latest_writer_write_with(handle_.get(), sizeof(T), detail::call_edit<T, F>, &call,
                                                        &version, &failure.head);
    return finish(code, version, call, failure, report);
  }

  template <class F, class Report>
  static std::uint64_t finish(int code, std::uint64_t version, const detail::edit_call<F> &call,
                              const detail::failure &failure, const Report &report) {
    report.pass_on(call.thrown);
    if (code) report.fail(failure, code);
    else report.succeed();
    return version;
  }

  detail::writer_handle handle_;
};

// How to join a page as a reader.
template <class T>
class ReaderOptions {
 public:
  // Maps the page read-only: takes no place in it, waits by looking again, works on read-only mounts.
  ReaderOptions &read_only(bool yes) noexcept {
    return options_.read_only = yes ? CROSSPAGE_YES : CROSSPAGE_NO, *this;
  }
  ReaderOptions &match_by(Match m) noexcept { return options_.match = static_cast<std::uint32_t>(m), *this; }
  // How long to wait for the page to exist: not at all, unless said otherwise.
  ReaderOptions &timeout(crosspage::timeout t) noexcept { return options_.timeout_ns = t.ns(), *this; }

  Reader<T> open(std::string_view name, error &e) const { return open(name, detail::reporting{e}); }
  Reader<T> open_wait(std::string_view name, crosspage::timeout t, error &e) const {
    return ReaderOptions(*this).timeout(t).open(name, e);
  }
#if CROSSPAGE_THROWS
  Reader<T> open(std::string_view name) const { return open(name, detail::throwing()); }
  Reader<T> open_wait(std::string_view name, crosspage::timeout t) const {
    return ReaderOptions(*this).timeout(t).open(name);
  }
#endif

 private:
  template <class Report>
  Reader<T> open(std::string_view name, const Report &report) const {
    const crosspage_struct *layout = nullptr;
    if constexpr (!std::is_same_v<T, dynamic>) layout = &layout_of<T>();
    crosspage_latest_reader *out = nullptr;
    detail::long_failure failure;
    const int code =
        crosspage_latest_reader_open(detail::c_name(name).c_str(), layout, &options_, &out, &failure.head);
    Reader<T> reader(out);
    if (code) report.fail(failure, code);
    else reader.opened(report);
    return reader;
  }
  crosspage_latest_options options_ = detail::default_options();
};

// A value in place, kept from being overwritten for as long as this lives.
template <class T>
class Pinned : public Meta {
 public:
  const T &operator*() const noexcept { return *static_cast<const T *>(pin_.value); }
  const T *operator->() const noexcept { return static_cast<const T *>(pin_.value); }

  Pinned(Pinned &&other) noexcept : Meta(other), pin_(other.pin_) { other.pin_.value = nullptr; }
  Pinned &operator=(Pinned &&other) noexcept {
    Pinned(std::move(other)).swap(*this);
    return *this;
  }
  ~Pinned() { crosspage_latest_unpin(&pin_); }

 private:
  friend class Reader<T>;
  explicit Pinned(const crosspage_latest_pin &pin) noexcept : Meta(pin.meta), pin_(pin) {}
  void swap(Pinned &other) noexcept {
    std::swap(static_cast<Meta &>(*this), static_cast<Meta &>(other));
    std::swap(pin_, other.pin_);
  }
  crosspage_latest_pin pin_;
};

namespace detail {
template <class Report>
crosspage_wait_fd wait_fd(const crosspage_latest_reader *reader, const Report &report) {
#ifdef _WIN32
  crosspage_wait_fd fd = nullptr;
#else
  crosspage_wait_fd fd = -1;
#endif
  crosspage::detail::failure failure;
  if (const int code = crosspage_latest_reader_wait_fd(reader, &fd, &failure.head)) report.fail(failure, code);
  else report.succeed();
  return fd;
}
}  // namespace detail

// Reads the values of a page.
template <class T>
class Reader {
 public:
  static ReaderOptions<T> options() { return {}; }

  // Joins a page that exists.
  static Reader open(std::string_view name, error &e) { return options().open(name, e); }
  static Reader open(std::string_view name, Match m, error &e) { return options().match_by(m).open(name, e); }
  // Joins a page, and waits for it to be made.
  static Reader open_wait(std::string_view name, timeout t, error &e) { return options().open_wait(name, t, e); }

  // The newest complete value; nothing before the first write (then there is no error either). Never
  // blocks, never allocates.
  std::optional<Snapshot<T>> read(error &e) const { return read(detail::reporting{e}); }
  // As read, into a place of the caller's, which is unchanged if nothing comes.
  std::optional<Meta> read_into(T &value, error &e) const { return read_into(value, detail::reporting{e}); }
  // Waits until there is a value of another version than `since` (0: any value).
  std::optional<Snapshot<T>> wait_changed(std::uint64_t since, timeout t, error &e) const {
    return wait_changed(since, t, detail::reporting{e});
  }
  // The newest value in place, for large ones, on pages made with max_pins. It outlives the handle.
  std::optional<Pinned<T>> read_pinned(error &e) const { return read_pinned(detail::reporting{e}); }
  // Attaches to the page that has the name now: after the error `replaced`. No pin may be held.
  bool reopen(error &e) { return reopen(detail::reporting{e}); }
  // What an event loop can wait on: a file descriptor for poll, epoll, Qt; on Windows a HANDLE. Readable (signalled)
  // while there may be a value of another version than was read last, until that is read; once the page is gone; and
  // after close(). It belongs to the reader, until reopen(): do nothing but wait on it. The first call starts a thread.
  crosspage_wait_fd wait_fd(error &e) const { return detail::wait_fd(handle_.get(), crosspage::detail::reporting{e}); }
  // The layout that values come in.
  Layout layout(error &e) const { return layout(detail::reporting{e}); }

#if CROSSPAGE_THROWS
  static Reader open(std::string_view name, Match m = Match::exact) { return options().match_by(m).open(name); }
  static Reader open_wait(std::string_view name, timeout t) { return options().open_wait(name, t); }
  std::optional<Snapshot<T>> read() const { return read(detail::throwing()); }
  std::optional<Meta> read_into(T &value) const { return read_into(value, detail::throwing()); }
  Snapshot<T> wait_changed(std::uint64_t since, timeout t = std::nullopt) const {
    return *wait_changed(since, t, detail::throwing());
  }
  std::optional<Pinned<T>> read_pinned() const { return read_pinned(detail::throwing()); }
  void reopen() { reopen(detail::throwing()); }
  crosspage_wait_fd wait_fd() const { return detail::wait_fd(handle_.get(), crosspage::detail::throwing()); }
  Layout layout() const { return layout(detail::throwing()); }
#endif

  // Detaches; a wait that is going on ends with the error `closed`.
  void close() const noexcept { crosspage_latest_reader_close(handle_.get()); }
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

 private:
  friend class ReaderOptions<T>;
  friend class crosspage::Waitable;
  explicit Reader(crosspage_latest_reader *handle) noexcept : handle_(handle) {}

  template <class Report>
  void opened(const Report &report) const {
    report.succeed();
  }

  template <class Report>
  std::optional<Snapshot<T>> read(const Report &report) const {
    std::optional<Snapshot<T>> out(std::in_place);
    if (!read_to(out->value, *out, report)) out.reset();
    return out;
  }

  template <class Report>
  std::optional<Meta> read_into(T &value, const Report &report) const {
    std::optional<Meta> out(std::in_place);
    if (!read_to(value, *out, report)) out.reset();
    return out;
  }

  template <class Report>
  bool read_to(T &value, Meta &meta, const Report &report) const {
    crosspage_meta found;
    detail::failure failure;
    const int code = crosspage_latest_reader_read(handle_.get(), &value, sizeof(T), &found, &failure.head);
    if (code == 0) meta = Meta(found);
    if (code == 0 || code == CROSSPAGE_ERR_NO_VALUE) report.succeed();
    else report.fail(failure, code);
    return code == 0;
  }

  template <class Report>
  std::optional<Snapshot<T>> wait_changed(std::uint64_t since, timeout t, const Report &report) const {
    std::optional<Snapshot<T>> out(std::in_place);
    crosspage_meta found;
    detail::failure failure;
    if (const int code = crosspage_latest_reader_wait_changed(handle_.get(), since, t.ns(), &out->value, sizeof(T),
                                                              &found, &failure.head)) {
      out.reset();
      report.fail(failure, code);
    } else {
      static_cast<Meta &>(*out) = Meta(found);
      report.succeed();
    }
    return out;
  }

  template <class Report>
  std::optional<Pinned<T>> read_pinned(const Report &report) const {
    static_assert(alignof(T) <= 64, "crosspage: a value lies at a multiple of 64 in a page; use read or read_into");
    crosspage_latest_pin pin;
    detail::failure failure;
    const int code = crosspage_latest_reader_pin(handle_.get(), &pin, &failure.head);
    if (code == 0 || code == CROSSPAGE_ERR_NO_VALUE) report.succeed();
    else report.fail(failure, code);
    return code == 0 ? std::optional<Pinned<T>>(Pinned<T>(pin)) : std::nullopt;
  }

  template <class Report>
  bool reopen(const Report &report) {
    detail::long_failure failure;
    const int code = crosspage_latest_reader_reopen(handle_.get(), &failure.head);
    if (code) report.fail(failure, code);
    else report.succeed();
    return code == 0;
  }

  template <class Report>
  Layout layout(const Report &report) const {
    return Layout::make(report, [this](crosspage_layout **out, crosspage_error *error) {
      return crosspage_latest_reader_layout(handle_.get(), out, error);
    });
  }

  detail::reader_handle handle_;
};

// Reads a page whose type this program does not have: `snapshot["temperature"].as<double>()`.
template <>
class Reader<dynamic> {
 public:
  static ReaderOptions<dynamic> options() { return {}; }
  static Reader open(std::string_view name, error &e) { return options().open(name, e); }
  static Reader open_wait(std::string_view name, timeout t, error &e) { return options().open_wait(name, t, e); }
  std::optional<Snapshot<dynamic>> read(error &e) const { return read(detail::reporting{e}); }
  std::optional<Snapshot<dynamic>> wait_changed(std::uint64_t since, timeout t, error &e) const {
    return wait_changed(since, t, detail::reporting{e});
  }
  bool reopen(error &e) { return reopen(detail::reporting{e}); }
  crosspage_wait_fd wait_fd(error &e) const { return detail::wait_fd(handle_.get(), crosspage::detail::reporting{e}); }
#if CROSSPAGE_THROWS
  static Reader open(std::string_view name) { return options().open(name); }
  static Reader open_wait(std::string_view name, timeout t) { return options().open_wait(name, t); }
  std::optional<Snapshot<dynamic>> read() const { return read(detail::throwing()); }
  Snapshot<dynamic> wait_changed(std::uint64_t since, timeout t = std::nullopt) const {
    return *wait_changed(since, t, detail::throwing());
  }
  void reopen() { reopen(detail::throwing()); }
  crosspage_wait_fd wait_fd() const { return detail::wait_fd(handle_.get(), crosspage::detail::throwing()); }
#endif
  const Layout &layout() const noexcept { return layout_; }
  void close() const noexcept { crosspage_latest_reader_close(handle_.get()); }
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

 private:
  friend class ReaderOptions<dynamic>;
  friend class crosspage::Waitable;
  explicit Reader(crosspage_latest_reader *handle) noexcept : handle_(handle) {}

  template <class Report>
  void opened(const Report &report) {
    layout_ = Layout::make(report, [this](crosspage_layout **out, crosspage_error *error) {
      return crosspage_latest_reader_layout(handle_.get(), out, error);
    });
    if (!layout_) handle_.reset();
  }

  template <class Report>
  std::optional<Snapshot<dynamic>> read(const Report &report) const {
    return fetch(report, true, [&](void *value, std::size_t size, crosspage_meta *meta, crosspage_error *error) {
      return crosspage_latest_reader_read(handle_.get(), value, size, meta, error);
    });
  }

  template <class Report>
  std::optional<Snapshot<dynamic>> wait_changed(std::uint64_t since, timeout t, const Report &report) const {
    return fetch(report, false, [&](void *value, std::size_t size, crosspage_meta *meta, crosspage_error *error) {
      return crosspage_latest_reader_wait_changed(handle_.get(), since, t.ns(), value, size, meta, error);
    });
  }

  template <class Report, class Function>
  std::optional<Snapshot<dynamic>> fetch(const Report &report, bool may_be_empty, Function function) const {
    if (!layout_) {
      report.fail(error(errc::invalid, "the reader is not open"));
      return std::nullopt;
    }
    Snapshot<dynamic> out{Record(layout_)};
    crosspage_meta found;
    detail::failure failure;
    const int code = function(out.value.data(), out.value.size(), &found, &failure.head);
    if (code == 0 || (may_be_empty && code == CROSSPAGE_ERR_NO_VALUE)) report.succeed();
    else report.fail(failure, code);
    if (code != 0) return std::nullopt;
    static_cast<Meta &>(out) = Meta(found);
    return out;
  }

  template <class Report>
  bool reopen(const Report &report) {
    detail::long_failure failure;
    if (const int code = crosspage_latest_reader_reopen(handle_.get(), &failure.head)) {
      report.fail(failure, code);
      return false;
    }
    opened(report);
    return static_cast<bool>(handle_);
  }

  detail::reader_handle handle_;
  Layout layout_;
};

}  // namespace latest

// ---- foreign ------------------------------------------------------------------------------------

// Segments that somebody else made, or will read without crosspage: "posix:/name", "sysv:5678", ...
// There is no promise against tearing.
namespace foreign {

namespace detail {

using namespace crosspage::detail;
using view_handle = handle<crosspage_foreign_view, crosspage_foreign_free>;

// What the two kinds of views share: copies in and out.
class base_view {
 public:
  // Bytes of the segment, which may be more than the struct's.
  std::size_t size() const noexcept { return crosspage_foreign_size(handle_.get()); }
  // Whether create made the segment, rather than finding it.
  bool created() const noexcept { return crosspage_foreign_created(handle_.get()); }
  // A wait that is going on ends with the error `closed`, as does every later call; the bytes are unmapped with
  // this object. The segment stays.
  void close() const noexcept { crosspage_foreign_close(handle_.get()); }
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

 protected:
  explicit base_view(crosspage_foreign_view *handle) noexcept : handle_(handle) {}

  template <class Report, class Call>
  static bool run(const Report &report, Call &&call) {
    failure failure;
    const int code = call(&failure.head);
    if (code) report.fail(failure, code);
    else report.succeed();
    return code == 0;
  }
  template <class Report>
  bool read(void *value, std::size_t size, const Report &report) const {
    return run(report, [&](crosspage_error *e) { return crosspage_foreign_read(handle_.get(), value, size, e); });
  }
  template <class Report>
  bool read_stable(timeout t, void *value, std::size_t size, const Report &report) const {
    return run(report, [&](crosspage_error *e) {
      return crosspage_foreign_read_stable(handle_.get(), t.ns(), value, size, e);
    });
  }
  template <class Report>
  bool read_ready(std::string_view flag, timeout t, void *value, std::size_t size, const Report &report) const {
    return run(report, [&](crosspage_error *e) {
      return crosspage_foreign_read_ready(handle_.get(), c_name(flag).c_str(), t.ns(), value, size, e);
    });
  }
  template <class Report>
  bool write(const void *value, std::size_t size, const Report &report) {
    return run(report, [&](crosspage_error *e) { return crosspage_foreign_write(handle_.get(), value, size, e); });
  }
  template <class Report>
  bool write_with_ready(const void *value, std::size_t size, std::string_view flag, const Report &report) {
    return run(report, [&](crosspage_error *e) {
      return crosspage_foreign_write_with_ready(handle_.get(), c_name(flag).c_str(), value, size, e);
    });
  }

  template <class View, class Report>
  static View open(std::string_view locator, const crosspage_struct &layout, const crosspage_foreign_options &options,
                   const Report &report) {
    crosspage_foreign_view *out = nullptr;
    run(report, [&](crosspage_error *e) {
      return crosspage_foreign_open(c_name(locator).c_str(), &layout, &options, &out, e);
    });
    return View(out);
  }
  template <class View, class Report>
  static View create(std::string_view locator, const crosspage_struct &layout, std::size_t size,
                     const crosspage_foreign_options &options, const Report &report) {
    crosspage_foreign_view *out = nullptr;
    run(report, [&](crosspage_error *e) {
      return crosspage_foreign_create(c_name(locator).c_str(), &layout, size, &options, &out, e);
    });
    return View(out);
  }

  view_handle handle_;
};

}  // namespace detail

// How to open or create a foreign segment; View is a View<T> or DynView.
template <class View>
class Options {
 public:
  // Needs no permission to write. Not for create.
  Options &read_only(bool yes) noexcept { return options_.read_only = yes ? CROSSPAGE_YES : CROSSPAGE_NO, *this; }
  // Who may attach to a new segment: its owner.
  Options &permissions(Permissions p) noexcept {
    return options_.permissions = static_cast<std::uint32_t>(p), *this;
  }
  // How long open waits for the segment to exist: not at all, unless said otherwise.
  Options &timeout(crosspage::timeout t) noexcept { return options_.timeout_ns = t.ns(), *this; }

  // Of a View<T>:
  View open(std::string_view locator, error &e) const { return View::open_with(options_, locator, e); }
  View create(std::string_view locator, std::size_t size, error &e) const {
    return View::create_with(options_, locator, size, e);
  }
  // Of a DynView:
  View open(std::string_view locator, const Layout &layout, error &e) const {
    return View::open_with(options_, locator, layout, e);
  }
  View create(std::string_view locator, const Layout &layout, std::size_t size, error &e) const {
    return View::create_with(options_, locator, layout, size, e);
  }
#if CROSSPAGE_THROWS
  View open(std::string_view locator) const { return View::open_with(options_, locator); }
  View create(std::string_view locator, std::size_t size) const {
    return View::create_with(options_, locator, size);
  }
  View open(std::string_view locator, const Layout &layout) const {
    return View::open_with(options_, locator, layout);
  }
  View create(std::string_view locator, const Layout &layout, std::size_t size) const {
    return View::create_with(options_, locator, layout, size);
  }
#endif

 private:
  crosspage_foreign_options options_ = CROSSPAGE_FOREIGN_OPTIONS_INIT;
};

// A foreign segment as the struct T.
template <class T>
class View : public detail::base_view {
  using base = detail::base_view;

 public:
  static Options<View> options() { return {}; }

  static View open(std::string_view locator, error &e) { return options().open(locator, e); }
  static View open_wait(std::string_view locator, timeout t, error &e) {
    return options().timeout(t).open(locator, e);
  }
  // Makes the segment with so many bytes, or takes the one that is there.
  static View create(std::string_view locator, std::size_t size, error &e) {
    return options().create(locator, size, e);
  }

  // The struct as it lies there now; nothing if that failed.
  std::optional<T> read(error &e) const {
    return fetch([&](T *to) { return base::read(to, sizeof(T), detail::reporting{e}); });
  }
  // The struct as soon as two copies agree.
  std::optional<T> read_stable(timeout t, error &e) const {
    return fetch([&](T *to) { return base::read_stable(t, to, sizeof(T), detail::reporting{e}); });
  }
  // The struct as soon as its field `flag` is set.
  std::optional<T> read_ready(std::string_view flag, timeout t, error &e) const {
    return fetch([&](T *to) { return base::read_ready(flag, t, to, sizeof(T), detail::reporting{e}); });
  }
  bool write(const T &value, error &e) { return base::write(&value, sizeof(T), detail::reporting{e}); }
  // Clears `flag`, writes the other fields, sets the flag.
  bool write_with_ready(const T &value, std::string_view flag, error &e) {
    return base::write_with_ready(&value, sizeof(T), flag, detail::reporting{e});
  }
  // Reads the struct, lets `edit(T &)` change it, and writes the fields that changed. Nothing is written if
  // it throws or returns false.
  template <class F>
  bool update(F &&edit, error &e) {
    return update(edit, detail::reporting{e});
  }

#if CROSSPAGE_THROWS
  static View open(std::string_view locator) { return options().open(locator); }
  static View open_wait(std::string_view locator, timeout t) { return options().timeout(t).open(locator); }
  static View create(std::string_view locator, std::size_t size) { return options().create(locator, size); }
  T read() const {
    return *fetch([&](T *to) { return base::read(to, sizeof(T), detail::throwing()); });
  }
  T read_stable(timeout t = std::nullopt) const {
    return *fetch([&](T *to) { return base::read_stable(t, to, sizeof(T), detail::throwing()); });
  }
  T read_ready(std::string_view flag, timeout t = std::nullopt) const {
    return *fetch([&](T *to) { return base::read_ready(flag, t, to, sizeof(T), detail::throwing()); });
  }
  void write(const T &value) { base::write(&value, sizeof(T), detail::throwing()); }
  void write_with_ready(const T &value, std::string_view flag) {
    base::write_with_ready(&value, sizeof(T), flag, detail::throwing());
  }
  template <class F>
  void update(F &&edit) {
    update(edit, detail::throwing());
  }
#endif

 private:
  friend class detail::base_view;
  friend class Options<View>;
  using base::base_view;

  static View open_with(const crosspage_foreign_options &options, std::string_view locator, error &e) {
    return base::open<View>(locator, layout_of<T>(), options, detail::reporting{e});
  }
  static View create_with(const crosspage_foreign_options &options, std::string_view locator, std::size_t size,
                          error &e) {
    return base::create<View>(locator, layout_of<T>(), size, options, detail::reporting{e});
  }
#if CROSSPAGE_THROWS
  static View open_with(const crosspage_foreign_options &options, std::string_view locator) {
    return base::open<View>(locator, layout_of<T>(), options, detail::throwing());
  }
  static View create_with(const crosspage_foreign_options &options, std::string_view locator, std::size_t size) {
    return base::create<View>(locator, layout_of<T>(), size, options, detail::throwing());
  }
#endif

  template <class F, class Report>
  bool update(F &edit, const Report &report) {
    detail::place_for<T> scratch;
    detail::edit_call<F> call{edit, nullptr};
    detail::failure failure;
    const int code = crosspage_foreign_update(base::handle_.get(), &scratch.value, sizeof(T), detail::call_edit<T, F>,
                                              &call, &failure.head);
    report.pass_on(call.thrown);
    if (code) report.fail(failure, code);
    else report.succeed();
    return code == 0;
  }

  template <class Function>
  static std::optional<T> fetch(Function &&function) {
    detail::place_for<T> place;
    return function(&place.value) ? std::optional<T>(place.value) : std::nullopt;
  }
};

// A foreign segment in a layout that is known at run time.
class DynView : public detail::base_view {
  using base = detail::base_view;

 public:
  static Options<DynView> options() { return {}; }

  static DynView open(std::string_view locator, const Layout &layout, error &e) {
    return options().open(locator, layout, e);
  }
  static DynView open_wait(std::string_view locator, const Layout &layout, timeout t, error &e) {
    return options().timeout(t).open(locator, layout, e);
  }
  static DynView create(std::string_view locator, const Layout &layout, std::size_t size, error &e) {
    return options().create(locator, layout, size, e);
  }
  std::optional<Record> read(error &e) const {
    return fetch([&](void *to, std::size_t n) { return base::read(to, n, detail::reporting{e}); });
  }
  std::optional<Record> read_stable(timeout t, error &e) const {
    return fetch([&](void *to, std::size_t n) { return base::read_stable(t, to, n, detail::reporting{e}); });
  }
  std::optional<Record> read_ready(std::string_view flag, timeout t, error &e) const {
    return fetch([&](void *to, std::size_t n) { return base::read_ready(flag, t, to, n, detail::reporting{e}); });
  }
#if CROSSPAGE_THROWS
  static DynView open(std::string_view locator, const Layout &layout) { return options().open(locator, layout); }
  static DynView open_wait(std::string_view locator, const Layout &layout, timeout t) {
    return options().timeout(t).open(locator, layout);
  }
  static DynView create(std::string_view locator, const Layout &layout, std::size_t size) {
    return options().create(locator, layout, size);
  }
  Record read() const {
    return *fetch([&](void *to, std::size_t n) { return base::read(to, n, detail::throwing()); });
  }
  Record read_stable(timeout t = std::nullopt) const {
    return *fetch([&](void *to, std::size_t n) { return base::read_stable(t, to, n, detail::throwing()); });
  }
  Record read_ready(std::string_view flag, timeout t = std::nullopt) const {
    return *fetch([&](void *to, std::size_t n) { return base::read_ready(flag, t, to, n, detail::throwing()); });
  }
#endif
  const Layout &layout() const noexcept { return layout_; }

 private:
  friend class detail::base_view;
  friend class Options<DynView>;
  using base::base_view;

  static DynView open_with(const crosspage_foreign_options &options, std::string_view locator, const Layout &layout,
                           error &e) {
    return base::open<DynView>(locator, layout.table(), options, detail::reporting{e}).with(layout);
  }
  static DynView create_with(const crosspage_foreign_options &options, std::string_view locator,
                             const Layout &layout, std::size_t size, error &e) {
    return base::create<DynView>(locator, layout.table(), size, options, detail::reporting{e}).with(layout);
  }
#if CROSSPAGE_THROWS
  static DynView open_with(const crosspage_foreign_options &options, std::string_view locator, const Layout &layout) {
    return base::open<DynView>(locator, layout.table(), options, detail::throwing()).with(layout);
  }
  static DynView create_with(const crosspage_foreign_options &options, std::string_view locator,
                             const Layout &layout, std::size_t size) {
    return base::create<DynView>(locator, layout.table(), size, options, detail::throwing()).with(layout);
  }
#endif

  DynView with(const Layout &layout) && {
    layout_ = layout;
    return std::move(*this);
  }
  template <class Function>
  std::optional<Record> fetch(Function &&function) const {
    Record record(layout_);
    return function(record.data(), record.size()) ? std::optional<Record>(std::move(record)) : std::nullopt;
  }
  Layout layout_;
};

}  // namespace foreign

// ---- Every page there is --------------------------------------------------------------------------

struct Participant {
  std::string role;  // "writer", "reader", ...
  std::string language;
  std::uint32_t pid;
  bool alive;  // true also when that cannot be found out
};

// What is known of one page.
struct PageInfo {
  std::string name, locator, pattern, type, owner;
  std::uint64_t size;  // of the whole page in bytes
  std::uint32_t mode;  // permission bits
  Lifetime lifetime;
  std::vector<Participant> participants;
  std::optional<std::uint64_t> version;  // nothing before the first write
  std::optional<std::chrono::nanoseconds> age;
};

// Something that gc removed, or would.
struct Garbage {
  std::string name, reason;
};

namespace detail {

inline int add_page(void *context, const crosspage_page_info *page) noexcept {
  PageInfo info{page->name, page->locator, page->pattern, page->type, page->owner, page->size, page->mode,
                static_cast<Lifetime>(page->lifetime), {}, {}, {}};
  for (std::uint32_t i = 0; i < page->participant_count; ++i) {
    const crosspage_participant &p = page->participants[i];
    info.participants.push_back({p.role, p.language, p.pid, p.alive != 0});
  }
  if (page->version) info.version = page->version;
  if (page->age_ns >= 0) info.age = std::chrono::nanoseconds(page->age_ns);
  static_cast<std::vector<PageInfo> *>(context)->push_back(std::move(info));
  return 0;
}
inline void add_garbage(void *context, const char *name, const char *reason) noexcept {
  static_cast<std::vector<Garbage> *>(context)->push_back({name, reason});
}

template <class Report, class Call>
bool run(const Report &report, Call &&call) {
  long_failure failure;
  const int code = call(&failure.head);
  if (code) report.fail(failure, code);
  else report.succeed();
  return code == 0;
}
template <class Report>
std::vector<PageInfo> list(const Report &report) {
  std::vector<PageInfo> pages;
  run(report, [&](crosspage_error *e) { return crosspage_list(add_page, &pages, e); });
  return pages;
}
template <class Report>
std::optional<PageInfo> inspect(std::string_view locator, const Report &report) {
  std::vector<PageInfo> pages;
  run(report, [&](crosspage_error *e) { return crosspage_inspect(c_name(locator).c_str(), add_page, &pages, e); });
  return pages.empty() ? std::nullopt : std::optional<PageInfo>(std::move(pages.front()));
}
template <class Report>
std::vector<Garbage> gc(bool dry_run, const Report &report) {
  std::vector<Garbage> garbage;
  run(report, [&](crosspage_error *e) { return crosspage_gc(dry_run, add_garbage, &garbage, e); });
  return garbage;
}
template <class Report>
bool remove(std::string_view locator, bool force, const Report &report) {
  return run(report, [&](crosspage_error *e) { return crosspage_remove(c_name(locator).c_str(), force, e); });
}

}  // namespace detail

// The pages of this user in this namespace, by name.
inline std::vector<PageInfo> list(error &e) { return detail::list(detail::reporting{e}); }
// What is known of one page, participants included, without attaching to it.
inline std::optional<PageInfo> inspect(std::string_view locator, error &e) {
  return detail::inspect(locator, detail::reporting{e});
}
// Removes a segment. A page whose participants live is only removed with `force`.
inline bool remove(std::string_view locator, bool force, error &e) {
  return detail::remove(locator, force, detail::reporting{e});
}
// Removes what nobody can use any more; with `dry_run` only says what.
inline std::vector<Garbage> gc(bool dry_run, error &e) { return detail::gc(dry_run, detail::reporting{e}); }
#if CROSSPAGE_THROWS
inline std::vector<PageInfo> list() { return detail::list(detail::throwing()); }
inline PageInfo inspect(std::string_view locator) { return *detail::inspect(locator, detail::throwing()); }
inline void remove(std::string_view locator, bool force = false) {
  detail::remove(locator, force, detail::throwing());
}
inline std::vector<Garbage> gc(bool dry_run = false) { return detail::gc(dry_run, detail::throwing()); }
#endif

// ---- Logging ----------------------------------------------------------------------------------------

enum class log_level : int {
  error = CROSSPAGE_LOG_ERROR,
  warn = CROSSPAGE_LOG_WARN,
  info = CROSSPAGE_LOG_INFO,
  debug = CROSSPAGE_LOG_DEBUG,
  trace = CROSSPAGE_LOG_TRACE,
};
using logger = std::function<void(log_level, std::string_view)>;

// Messages up to `level` go to `callback` from now on, from any thread; an empty one ends that. It must
// not throw.
inline void set_log(logger callback, log_level level = log_level::info) {
  static std::unique_ptr<logger> &current = *new std::unique_ptr<logger>;  // outlives other statics
  auto next = callback ? std::make_unique<logger>(std::move(callback)) : nullptr;
  const crosspage_log_callback call = [](void *context, int number, const char *message) {
    (*static_cast<logger *>(context))(static_cast<log_level>(number), message);
  };
  crosspage_set_log(next ? call : nullptr, next.get(), static_cast<int>(level));
  current = std::move(next);  // the old one is not called any more
}

// ---- For tests ----------------------------------------------------------------------------------------

namespace testing {

// Plain names that this thread uses are in a fresh namespace until this ends (on the same thread); then
// every page in it is removed. For child processes: CROSSPAGE_NAMESPACE=name().
class Namespace {
 public:
  explicit Namespace(error &e) {
    detail::run(detail::reporting{e}, [this](crosspage_error *c) { return open(c); });
  }
#if CROSSPAGE_THROWS
  Namespace() {
    detail::run(detail::throwing(), [this](crosspage_error *c) { return open(c); });
  }
#endif
  const char *name() const noexcept { return crosspage_namespace_name(handle_.get()); }

 private:
  int open(crosspage_error *error) {
    crosspage_namespace *out = nullptr;
    const int code = crosspage_testing_namespace(&out, error);
    handle_.reset(out);
    return code;
  }
  detail::handle<crosspage_namespace, crosspage_namespace_free> handle_;
};

}  // namespace testing

}  // namespace CROSSPAGE_CXX
}  // namespace crosspage

template <>
struct std::is_error_code_enum<crosspage::errc> : std::true_type {};

#include "crosspage/topic.hpp"
#include "crosspage/wait.hpp"

#endif
