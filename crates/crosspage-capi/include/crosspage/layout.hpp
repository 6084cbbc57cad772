// What a C++ struct looks like in memory: crosspage::layout_of<T>(), made at compile time as far
// as the language allows, usable without the library. C++20 on g++ 11, clang 14, mingw and later
// needs nothing but the struct; elsewhere CROSSPAGE_STRUCT names its members.
#ifndef CROSSPAGE_LAYOUT_HPP
#define CROSSPAGE_LAYOUT_HPP

#if __cplusplus < 201703L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 201703L)
#error "crosspage.hpp needs C++17 or later (-std=c++17)"
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../crosspage.h"

// Bodies differ between the two standards, so each has an inline namespace of its own: object
// files of both kinds can be linked into one program.
#if __cplusplus >= 202002L && defined(__GNUC__)
#define CROSSPAGE_CXX cxx20
#define CROSSPAGE_PLAIN_STRUCTS 1
#else
#define CROSSPAGE_CXX cxx17
#define CROSSPAGE_PLAIN_STRUCTS 0
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
// Addresses of packed members are taken to find their offsets, and never read through.
#pragma GCC diagnostic ignored "-Waddress-of-packed-member"
#endif
#if defined(__clang__)
// `nowhere` below is never defined: only the names of its members' addresses are used.
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

namespace crosspage {
inline namespace CROSSPAGE_CXX {

// Names a type in overload resolution; CROSSPAGE_STRUCT and its kin declare functions that take it.
template <class T>
struct type_tag {};

// In place of a struct, for messages of a topic: the members of Header, and behind them a tail, as many T as each message
// has: struct { ...; T tail[]; }. CROSSPAGE_TAIL names it.
template <class Header, class T>
struct with_tail {};

namespace detail {

// ---- Member types -----------------------------------------------------------------------------

template <class T>
struct is_std_array : std::false_type {};
template <class T, std::size_t N>
struct is_std_array<std::array<T, N>> : std::true_type {};

// T[N][M] and std::array<T, N> taken apart: the element and up to five dimensions (the last
// one of a text is its length).
template <class T>
struct array_shape {
  using element = T;
  static constexpr std::size_t rank = 0;
  static constexpr std::array<std::uint64_t, CROSSPAGE_MAX_DIMS + 1> dims = {};
  static constexpr bool bounded = true;
};
template <class Inner, std::size_t N>
struct array_level {
  using element = typename array_shape<Inner>::element;
  static constexpr std::size_t rank = array_shape<Inner>::rank + 1;
  static constexpr auto inner = array_shape<Inner>::dims;
  static constexpr std::array<std::uint64_t, CROSSPAGE_MAX_DIMS + 1> dims = {N, inner[0], inner[1], inner[2], inner[3]};
  static constexpr bool bounded = N != 0 && array_shape<Inner>::bounded;
};
template <class T, std::size_t N>
struct array_shape<T[N]> : array_level<T, N> {};
template <class T>
struct array_shape<T[]> : array_level<T, 0> {};
template <class T, std::size_t N>
struct array_shape<std::array<T, N>> : array_level<T, N> {};

#if defined(__cpp_char8_t)
template <class T>
inline constexpr bool is_text_char = std::is_same_v<T, char> || std::is_same_v<T, char8_t>;
#else
template <class T>
inline constexpr bool is_text_char = std::is_same_v<T, char>;
#endif

template <class T>
inline constexpr bool is_wide_char =
    std::is_same_v<T, wchar_t> || std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

template <class T>
constexpr crosspage_type integer_type() {
  constexpr bool s = std::is_signed_v<T>;
  switch (sizeof(T)) {
    case 1: return s ? CROSSPAGE_TYPE_I8 : CROSSPAGE_TYPE_U8;
    case 2: return s ? CROSSPAGE_TYPE_I16 : CROSSPAGE_TYPE_U16;
    case 4: return s ? CROSSPAGE_TYPE_I32 : CROSSPAGE_TYPE_U32;
    default: return s ? CROSSPAGE_TYPE_I64 : CROSSPAGE_TYPE_U64;
  }
}

// Why a member cannot be shared.
enum class problem {
  none, reference, constant, is_volatile, unbounded, dimensions, pointer, string, union_, long_double,
  wide_char, other_scalar, empty, no_members,
};

template <class T>
constexpr bool is_declared();

template <class Member>
constexpr problem problem_of() {
  if constexpr (std::is_reference_v<Member>) {
    return problem::reference;
  } else {
    using shape = array_shape<Member>;
    using E = typename shape::element;
    using T = std::remove_cv_t<E>;
    constexpr std::size_t dims = shape::rank - (shape::rank > 0 && is_text_char<E> ? 1 : 0);
    if constexpr (std::is_volatile_v<Member> || std::is_volatile_v<E>) return problem::is_volatile;
    else if constexpr (std::is_const_v<Member> || std::is_const_v<E>) return problem::constant;
    else if constexpr (!shape::bounded) return problem::unbounded;
    else if constexpr (dims > CROSSPAGE_MAX_DIMS) return problem::dimensions;
    else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>)
      return problem::pointer;
    else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>)
      return problem::string;
    else if constexpr (std::is_union_v<T>) return problem::union_;
    else if constexpr (std::is_same_v<T, long double>) return problem::long_double;
    else if constexpr (is_wide_char<T>) return problem::wide_char;
    else if constexpr (std::is_floating_point_v<T>)
      return std::is_same_v<T, float> || std::is_same_v<T, double> ? problem::none : problem::other_scalar;
    else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
      return sizeof(T) <= 8 ? problem::none : problem::other_scalar;
    else if constexpr (!std::is_class_v<T>) return problem::other_scalar;
    else if constexpr (std::is_empty_v<T>) return problem::empty;
    else if constexpr (!std::is_aggregate_v<T> && !is_declared<T>()) return problem::no_members;
    else return problem::none;
  }
}

// Instantiated once per member, so that the compiler names the struct, the member's type and its
// place beside the message.
template <class Struct, class Member, std::size_t Index>
struct shareable_member {
  static constexpr problem why = problem_of<Member>();
  static_assert(why != problem::reference,
                "crosspage: a reference cannot be shared, it is an address in this process only; "
                "hold the value itself");
  static_assert(why != problem::pointer,
                "crosspage: a pointer cannot be shared, it is an address in this process only; hold the "
                "value itself, an array T[N], or an index");
  static_assert(why != problem::string,
                "crosspage: a std::string cannot be shared, its text lies in this process only; use "
                "char[N] with crosspage::assign and crosspage::view");
  static_assert(why != problem::union_,
                "crosspage: a union cannot be shared, nobody can tell which of its members is valid; use "
                "a struct with all of them, and an enum that tells");
  static_assert(why != problem::long_double,
                "crosspage: a long double cannot be shared, it has 8, 12 or 16 bytes depending on the "
                "compiler; use double");
  static_assert(why != problem::wide_char,
                "crosspage: wchar_t, char16_t and char32_t cannot be shared as text (a wchar_t has 2 or 4 "
                "bytes depending on the system); use char[N] with UTF-8, or std::uint16_t or std::uint32_t");
  static_assert(why != problem::constant,
                "crosspage: a const member cannot be shared, a reader could not fill it; drop the const");
  static_assert(why != problem::is_volatile,
                "crosspage: a volatile member cannot be shared (it would not make access from several "
                "processes safe either; crosspage does); drop the volatile");
  static_assert(why != problem::unbounded,
                "crosspage: an array without a length, or of length 0, cannot be shared; give it a fixed "
                "length");
  static_assert(why != problem::dimensions,
                "crosspage: an array can have four dimensions at most; put the inner ones into a struct");
  static_assert(why != problem::empty,
                "crosspage: an empty member cannot be shared, it holds nothing; remove it");
  static_assert(why != problem::other_scalar,
                "crosspage: this type cannot be shared, not every language has it; use bool, float, "
                "double or an integer of 1, 2, 4 or 8 bytes");
  static_assert(why != problem::no_members,
                "crosspage: a class with private members, a constructor, virtual functions or the like "
                "cannot be shared as it is; use a plain struct, or char[N] for text and T[N] for lists; a "
                "class of public members is accepted if CROSSPAGE_STRUCT(Type, every, member); stands in "
                "its namespace");
};

// ---- Members ----------------------------------------------------------------------------------

// The members of a struct: their types, names and offsets. None where it cannot be shared.
template <class... M>
struct members {
  static constexpr std::size_t count = sizeof...(M);
  std::array<const char *, sizeof...(M)> names;
  std::array<std::size_t, sizeof...(M)> offsets;
};

template <class... M>
struct addresses {
  const volatile void *at[sizeof...(M)];
};
struct has_bit_field {};

template <class... M>
constexpr addresses<M...> take(M *...member) {
  return {{member...}};
}

}  // namespace detail
}  // namespace CROSSPAGE_CXX
}  // namespace crosspage

#if CROSSPAGE_PLAIN_STRUCTS && (!defined(__clang__) || __clang_major__ >= 16)
#define CROSSPAGE_TAKE(...)                                                      \
  if constexpr (requires { take(__VA_ARGS__); }) { return take(__VA_ARGS__); } \
  else { return has_bit_field(); }
#else
#define CROSSPAGE_TAKE(...) return take(__VA_ARGS__);
#endif
#include "arity.hpp"
#undef CROSSPAGE_TAKE

namespace crosspage {
inline namespace CROSSPAGE_CXX {
namespace detail {

template <class T, std::size_t N = 0>
constexpr std::size_t count_members() {
  if constexpr (takes<T, N + 1, void>::value) return count_members<T, N + 1>();
  else return N;
}

struct any_value {
  template <class T>
  constexpr operator T() const noexcept;
};
struct any_lvalue {
  template <class T>
  constexpr operator T &() const noexcept;
};
template <class Derived>
struct any_base {
  template <class T, class = std::enable_if_t<std::is_base_of_v<T, Derived> && !std::is_same_v<T, Derived>>>
  constexpr operator T() const noexcept;
};

// Does counting by {} see every member? Not one that {} does not initialise.
template <class T>
constexpr bool braces_initialise_all() {
  constexpr std::size_t n = count_members<T>();
  return takes<T, 0, void>::value && !takes<T, n, void, any_value>::value &&
         !takes<T, n, void, any_lvalue>::value;
}

template <class T>
constexpr bool has_base() {
  return takes<T, 0, void, any_base<T>>::value;
}

template <class T, class... M>
inline constexpr bool is_shareable = ((problem_of<M>() == problem::none) && ...) &&
                                     std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T>;

template <class Places, class T, class... M>
struct shareable_members;
template <std::size_t... I, class T, class... M>
struct shareable_members<std::index_sequence<I...>, T, M...> : shareable_member<T, M, I>... {};

// Says why a struct is not shareable.
template <class T, class... M>
struct shareable_struct : shareable_members<std::index_sequence_for<M...>, T, M...> {
  static constexpr bool plain_members = ((problem_of<M>() == problem::none) && ...);
  static_assert(!plain_members || std::is_trivially_copyable_v<T>,
                "crosspage: this struct has a destructor, virtual functions, a copy operation or the like of its "
                "own, so its bytes cannot be copied; use a plain struct");
  static_assert(!plain_members || std::is_standard_layout_v<T>,
                "crosspage: this struct has private members beside public ones, members in a base class, or "
                "virtual functions, so their order is not fixed; use a plain struct");
};

// ---- Names, from what the compiler calls the address of a member -------------------------------

#if defined(__GNUC__)
template <class T>
constexpr const char *pretty_type() {
  return __PRETTY_FUNCTION__;
}
#endif

constexpr bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// "app::Arm<float>" from "… [with T = app::Arm<float>]", then "Arm<float>".
constexpr std::string_view unqualified(std::string_view type) {
  std::size_t depth = 0, start = 0;
  for (std::size_t i = 0; i < type.size(); ++i) {
    const char c = type[i];
    if (c == '<' || c == '(' || c == '{') ++depth;
    else if (c == '>' || c == ')' || c == '}') --depth;
    else if (c == ':' && depth == 0) start = i + 1;
  }
  type = type.substr(start);
  return type.empty() || !is_name_char(type[0]) ? std::string_view("unnamed") : type;
}

template <class T>
constexpr std::string_view type_name() {
#if defined(__GNUC__)
  const std::string_view text = pretty_type<T>();
  if (const std::size_t start = text.find("T = "); start != std::string_view::npos)
    return unqualified(text.substr(start + 4, text.find_last_of(']') - start - 4));
#endif
  return "unnamed";
}

template <std::size_t N>
struct c_string {
  char text[N + 1] = {};
  constexpr explicit c_string(std::string_view from) {
    for (std::size_t i = 0; i < N; ++i) text[i] = from[i];
  }
};
template <class T>
inline constexpr c_string<type_name<T>().size()> type_name_z{type_name<T>()};

#if CROSSPAGE_PLAIN_STRUCTS
// Never defined: a place whose members have addresses with names.
template <class T>
struct place {
  T value;
};
template <class T>
extern place<T> nowhere;

struct member_address {
  const volatile void *at;
};
template <member_address Member>
consteval const char *pretty_member() {
  return __PRETTY_FUNCTION__;
}

// "counter" from "… ptr{((any)(& nowhere<SharedData>…::value.SharedData::counter))}]".
consteval std::string_view member_name(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !is_name_char(text[end - 1])) --end;
  std::size_t start = end;
  while (start > 0 && is_name_char(text[start - 1])) --start;
  return text.substr(start, end - start);
}

template <class T, std::size_t N, std::size_t I>
consteval std::string_view nth_member_name() {
  constexpr auto all = member_addresses<N>(nowhere<T>.value);
  return member_name(pretty_member<member_address{all.at[I]}>());
}
template <class T, std::size_t N, std::size_t I>
inline constexpr c_string<nth_member_name<T, N, I>().size()> nth_member_name_z{nth_member_name<T, N, I>()};

struct name_probe {
  int known;
};
static_assert(nth_member_name<name_probe, 1, 0>() == "known",
              "crosspage: cannot read the names of members from this compiler (-fno-pretty-templates?); use "
              "-std=c++17 and CROSSPAGE_STRUCT(Type, every, member);");

template <class T, class... M, std::size_t... I>
auto found_members(type_tag<addresses<M...>>, std::index_sequence<I...>) {
  constexpr std::size_t n = sizeof...(M);
  static_cast<void>(sizeof(shareable_struct<T, M...>));
  if constexpr (is_shareable<T, M...>) {
    // An object whose lifetime has not begun suffices for the addresses of its members.
    union storage {
      T value;
      storage() noexcept {}
      ~storage() {}
    };
    const std::unique_ptr<storage> object(new storage);
    const auto base = reinterpret_cast<const volatile char *>(object.get());
    const auto all = member_addresses<n>(object->value);
    return members<M...>{{nth_member_name_z<T, n, I>.text...},
                         {static_cast<std::size_t>(static_cast<const volatile char *>(all.at[I]) - base)...}};
  } else {
    return members<>();
  }
}

template <class T>
auto find_members() {
  constexpr bool aggregate = std::is_aggregate_v<T> && !std::is_union_v<T> && !std::is_array_v<T>;
  static_assert(aggregate,
                "crosspage: this type has private members, a constructor, virtual functions or the like (or "
                "is no struct), so its members cannot be found; use a plain struct, or write "
                "CROSSPAGE_STRUCT(Type, every, member); in its namespace");
  if constexpr (aggregate) {
    constexpr bool no_base = !has_base<T>();
    static_assert(no_base,
                  "crosspage: this struct has a base class, whose members would be missed; hold the base "
                  "as a member instead");
    constexpr bool whole = !no_base || braces_initialise_all<T>();
    static_assert(whole,
                  "crosspage: this struct has a reference member (it is an address in this process only; "
                  "hold the value itself) or one without a default constructor");
    constexpr std::size_t n = count_members<T>();
    static_assert(n > 0 || !no_base || !whole, "crosspage: an empty struct cannot be shared, it holds nothing");
    static_assert(n <= CROSSPAGE_MAX_MEMBERS,
                  "crosspage: this struct has more than 128 members; put some into nested structs");
    if constexpr (no_base && whole && n > 0 && n <= CROSSPAGE_MAX_MEMBERS) {
      using found = decltype(member_addresses<n>(nowhere<T>.value));
      static_assert(!std::is_same_v<found, has_bit_field>,
                    "crosspage: a bit-field cannot be shared, compilers place it differently; use a whole "
                    "integer or bool");
      if constexpr (!std::is_same_v<found, has_bit_field>)
        return found_members<T>(type_tag<found>(), std::make_index_sequence<n>());
      else
        return members<>();
    } else {
      return members<>();
    }
  } else {
    return members<>();
  }
}
#endif

// ---- CROSSPAGE_STRUCT -------------------------------------------------------------------------

template <class T, class = void>
struct declared : std::false_type {};
template <class T>
struct declared<T, std::void_t<decltype(crosspage_members(type_tag<T>()))>> : std::true_type {};
template <class T>
constexpr bool is_declared() {
  return declared<T>::value;
}

template <class M>
struct listed {
  const char *name;
  std::size_t offset;
};

// In a class that is no aggregate, or has an anonymous union, the compiler itself counts, here.
template <class T, std::size_t N>
constexpr bool CROSSPAGE_STRUCT_lists_every_member() {
  using found = decltype(member_addresses<N>(std::declval<T &>()));
  return !std::is_same_v<found, has_bit_field>;
}

template <std::size_t N>
constexpr bool ascending(const std::array<std::size_t, N> &offsets) {
  for (std::size_t i = 1; i < N; ++i)
    if (offsets[i] <= offsets[i - 1]) return false;
  return true;
}

template <class T, class... M>
constexpr auto list_members(listed<M>... member) {
  constexpr std::size_t n = sizeof...(M);
  static_cast<void>(sizeof(shareable_struct<T, M...>));
  if constexpr (!is_shareable<T, M...>) {
    return members<>();
  } else {
    constexpr bool counted = std::is_aggregate_v<T> && !has_base<T>() && braces_initialise_all<T>();
    constexpr bool whole = !counted || n == count_members<T>();
    static_assert(whole,
                  "crosspage: CROSSPAGE_STRUCT has forgotten a member of this struct, or names one twice; name "
                  "every member once, in their order");
    if constexpr (whole) static_assert(CROSSPAGE_STRUCT_lists_every_member<T, n>(), "");
    return members<M...>{{member.name...}, {member.offset...}};
  }
}

// ---- Tables -----------------------------------------------------------------------------------

// Units and docs from CROSSPAGE_UNITS.
struct note {
  std::size_t offset;
  const char *unit;
  const char *doc = nullptr;
};
template <class T, class = void>
struct notes {
  static constexpr std::array<note, 0> all = {};
};
template <class T>
struct notes<T, std::void_t<decltype(crosspage_notes(type_tag<T>()))>> {
  static constexpr auto all = crosspage_notes(type_tag<T>());
};

template <class E, class = void>
struct enumerators {
  static constexpr std::array<crosspage_enumerator, 0> all = {};
};
template <class E>
struct enumerators<E, std::void_t<decltype(crosspage_enumerators(type_tag<E>()))>> {
  static constexpr auto all = crosspage_enumerators(type_tag<E>());
};

template <class E>
inline constexpr crosspage_enum enum_table = {
    sizeof(crosspage_enum),
    integer_type<std::underlying_type_t<E>>(),
    type_name_z<E>.text,
    enumerators<E>::all.data(),
    enumerators<E>::all.size(),
};

template <class T>
const crosspage_struct &struct_table();

template <class T, class M>
crosspage_field make_field(const char *name, std::size_t offset) {
  using shape = array_shape<M>;
  using E = typename shape::element;
  constexpr bool text = shape::rank > 0 && is_text_char<E>;
  crosspage_field field = {};
  field.name = name;
  field.offset = offset;
  field.size = sizeof(M);
  field.ndims = static_cast<std::uint32_t>(shape::rank - (text ? 1 : 0));
  for (std::size_t i = 0; i < field.ndims; ++i) field.dims[i] = shape::dims[i];
  if constexpr (text) field.type = CROSSPAGE_TYPE_TEXT;
  else if constexpr (std::is_same_v<E, bool>) field.type = CROSSPAGE_TYPE_BOOL;
  else if constexpr (std::is_same_v<E, float>) field.type = CROSSPAGE_TYPE_F32;
  else if constexpr (std::is_same_v<E, double>) field.type = CROSSPAGE_TYPE_F64;
  else if constexpr (std::is_integral_v<E>) field.type = integer_type<E>();
  else if constexpr (std::is_same_v<E, std::byte>) field.type = CROSSPAGE_TYPE_U8;
  else if constexpr (std::is_enum_v<E>) {
    field.type = CROSSPAGE_TYPE_ENUM;
    field.enumeration = &enum_table<E>;
  } else {
    field.type = CROSSPAGE_TYPE_STRUCT;
    field.nested = &struct_table<E>();
  }
  for (const note &n : notes<T>::all) {
    if (n.offset == offset) {
      field.unit = n.unit;
      field.doc = n.doc;
    }
  }
  return field;
}

template <class T, class... M, std::size_t... I>
std::array<crosspage_field, sizeof...(M)> make_fields(const members<M...> &all, std::index_sequence<I...>) {
  return {make_field<T, M>(all.names[I], all.offsets[I])...};
}

// The name from CROSSPAGE_TAIL.
template <class H, class = void>
struct tail_name {
  static constexpr const char *text = "tail";
};
template <class H>
struct tail_name<H, std::void_t<decltype(crosspage_tail(type_tag<H>()))>> {
  static constexpr const char *text = crosspage_tail(type_tag<H>());
};

template <class T>
auto members_of() {
  if constexpr (is_declared<T>()) return crosspage_members(type_tag<T>());
#if CROSSPAGE_PLAIN_STRUCTS
  else return find_members<T>();
#else
  else {
    static_assert(is_declared<T>(),
                  "crosspage: before C++20 a struct needs one line in its namespace, "
                  "CROSSPAGE_STRUCT(Type, every, member); (or compile with -std=c++20)");
    return members<>();
  }
#endif
}

template <class T>
const crosspage_struct &struct_table() {
  using all = decltype(members_of<T>());
  if constexpr (all::count == 0) {  // refused above, with the reason
    static const crosspage_struct none = {};
    return none;
  } else {
    static const auto fields = make_fields<T>(members_of<T>(), std::make_index_sequence<all::count>());
    static const crosspage_struct table = {
        sizeof(crosspage_struct), sizeof(crosspage_field), type_name_z<T>.text, sizeof(T), alignof(T),
        fields.data(),            fields.size(),
    };
    return table;
  }
}

constexpr std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// A struct's table with a tail behind its members, as a flexible array member lies: T tail[].
template <class H, class T>
const crosspage_struct &tail_table() {
  static_assert(problem_of<T>() == problem::none && array_shape<T>::rank < CROSSPAGE_MAX_DIMS,
                "crosspage: the elements of a tail are what members of a shared struct may be");
  constexpr std::size_t count = decltype(members_of<H>())::count;
  static const crosspage_struct &header = struct_table<H>();
  static const auto fields = [] {
    std::array<crosspage_field, count + 1> all = {};
    std::size_t end = 0;
    for (std::size_t i = 0; i < count; ++i) {
      all[i] = header.fields[i];
      const std::size_t after = static_cast<std::size_t>(all[i].offset + all[i].size);
      if (after > end) end = after;
    }
    crosspage_field &tail = all[count] = make_field<H, T>(tail_name<H>::text, round_up(end, alignof(T)));
    for (std::size_t i = tail.ndims; i > 0; --i) tail.dims[i] = tail.dims[i - 1];
    tail.dims[0] = 0;
    ++tail.ndims;
    return all;
  }();
  constexpr std::size_t align = alignof(H) > alignof(T) ? alignof(H) : alignof(T);
  static const crosspage_struct table = {
      sizeof(crosspage_struct), sizeof(crosspage_field), header.name, round_up(fields[count].offset, align), align,
      fields.data(),            fields.size(),
  };
  return table;
}

template <class T>
struct table_of {
  static const crosspage_struct &get() { return struct_table<T>(); }
};
template <class H, class T>
struct table_of<with_tail<H, T>> {
  static const crosspage_struct &get() { return tail_table<H, T>(); }
};

}  // namespace detail

// The layout of a struct, as the C functions take it. A struct that cannot be shared does not
// compile, and the compiler says why.
template <class T>
const crosspage_struct &layout_of() {
  static_assert(std::is_same_v<T, std::remove_cv_t<std::remove_reference_t<T>>>,
                "crosspage: a layout belongs to a type without const, volatile or &");
  return detail::table_of<T>::get();
}

}  // namespace CROSSPAGE_CXX
}  // namespace crosspage

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

// Names the members of a struct, all of them and in their order. Needed before C++20 and for classes
// that are no aggregates; stands in the namespace of the struct:
//     CROSSPAGE_STRUCT(SharedData, processId, message, dataReady);
#define CROSSPAGE_STRUCT(Type, ...)                                                                    \
  constexpr auto crosspage_members(::crosspage::type_tag<Type>) {                                      \
    constexpr auto all_ =                                                                              \
        ::crosspage::detail::list_members<Type>(CROSSPAGE_EACH(CROSSPAGE_MEMBER_, Type, __VA_ARGS__)); \
    static_assert(::crosspage::detail::ascending(all_.offsets),                                        \
                  "crosspage: CROSSPAGE_STRUCT names the members of " #Type                            \
                  " in another order than the struct, or one twice");                                  \
    return all_;                                                                                       \
  }                                                                                                    \
  static_assert(::crosspage::detail::is_declared<Type>(),                                              \
                "crosspage: write CROSSPAGE_STRUCT in the namespace of " #Type)
#define CROSSPAGE_MEMBER_(Type, member) \
  ::crosspage::detail::listed<decltype(Type::member)> { #member, offsetof(Type, member) }

// Names the values of an enum, so that every language prints them; stands in its namespace:
//     CROSSPAGE_ENUM(Mode, idle, running);
#define CROSSPAGE_ENUM(Type, ...)                                                         \
  constexpr auto crosspage_enumerators(::crosspage::type_tag<Type>) {                     \
    constexpr ::crosspage_enumerator all_[] = {                                           \
        CROSSPAGE_EACH(CROSSPAGE_ENUMERATOR_, Type, __VA_ARGS__)};                        \
    ::std::array<::crosspage_enumerator, sizeof(all_) / sizeof(all_[0])> array_ = {};     \
    for (::std::size_t i_ = 0; i_ < array_.size(); ++i_) array_[i_] = all_[i_];           \
    return array_;                                                                        \
  }                                                                                       \
  static_assert(::std::is_enum_v<Type>, "crosspage: CROSSPAGE_ENUM takes an enum")
#define CROSSPAGE_ENUMERATOR_(Type, value) \
  ::crosspage_enumerator { #value, static_cast<::std::int64_t>(Type::value) }

// States the units (and, if given, the meaning) of members; stands in the namespace of the struct:
//     CROSSPAGE_UNITS(SharedData, (temperature, "°C"), (timestamp, "ms", "when it was written"));
#define CROSSPAGE_UNITS(Type, ...)                                                               \
  constexpr auto crosspage_notes(::crosspage::type_tag<Type>) {                                  \
    constexpr ::crosspage::detail::note all_[] = {                                               \
        CROSSPAGE_EACH(CROSSPAGE_NOTE_, Type, __VA_ARGS__)};                                     \
    ::std::array<::crosspage::detail::note, sizeof(all_) / sizeof(all_[0])> array_ = {};         \
    for (::std::size_t i_ = 0; i_ < array_.size(); ++i_) array_[i_] = all_[i_];                  \
    return array_;                                                                               \
  }                                                                                              \
  static_assert(::std::is_class_v<Type>, "crosspage: CROSSPAGE_UNITS takes a struct")
#define CROSSPAGE_NOTE_(Type, note_) \
  ::crosspage::detail::note { offsetof(Type, CROSSPAGE_EXPAND(CROSSPAGE_FIRST_ note_)), CROSSPAGE_REST_ note_ }
#define CROSSPAGE_FIRST_(member, ...) member
#define CROSSPAGE_REST_(member, ...) __VA_ARGS__

// What the tail is called in messages crosspage::with_tail<Scan, T>, otherwise "tail"; stands in the struct's namespace:
//     CROSSPAGE_TAIL(Scan, points);
#define CROSSPAGE_TAIL(Type, name)                                                           \
  constexpr const char *crosspage_tail(::crosspage::type_tag<Type>) { return #name; }        \
  static_assert(::std::is_class_v<Type>, "crosspage: CROSSPAGE_TAIL takes the struct before the tail")

#endif
