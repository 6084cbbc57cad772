// Structs that must not compile, one a time (-DCASE_name), and the words the compiler must say.
// Each is tried as a plain struct (C++20) and with CROSSPAGE_STRUCT (C++17).
#include <string>
#include <string_view>
#include <vector>

#include <crosspage/layout.hpp>

#if CROSSPAGE_PLAIN_STRUCTS
#define DECLARE(...)
#else
#define DECLARE(...) CROSSPAGE_STRUCT(__VA_ARGS__);
#endif
#define CHECK(...) const crosspage_struct &checked = crosspage::layout_of<__VA_ARGS__>();

// CASE none: compiles
#ifdef CASE_none
struct Good { int a; char text[8]; };
DECLARE(Good, a, text)
CHECK(Good)
#endif

// CASE pointer: crosspage: a pointer cannot be shared; hold the value itself
#ifdef CASE_pointer
struct Bad { int a; int *p; };
DECLARE(Bad, a, p)
CHECK(Bad)
#endif

// CASE text_pointer: crosspage: a pointer cannot be shared
#ifdef CASE_text_pointer
struct Bad { const char *name; };
DECLARE(Bad, name)
CHECK(Bad)
#endif

// CASE function_pointer: crosspage: a pointer cannot be shared
#ifdef CASE_function_pointer
struct Bad { int a; void (*call)(int); };
DECLARE(Bad, a, call)
CHECK(Bad)
#endif

// CASE pointer_array: crosspage: a pointer cannot be shared
#ifdef CASE_pointer_array
struct Bad { int a; std::array<int *, 3> p; };
DECLARE(Bad, a, p)
CHECK(Bad)
#endif

// CASE nested_pointer: crosspage: a pointer cannot be shared
#ifdef CASE_nested_pointer
struct Inner { void *p; };
struct Bad { int a; Inner inner[2]; };
DECLARE(Inner, p)
DECLARE(Bad, a, inner)
CHECK(Bad)
#endif

// CASE reference: reference; it is an address in this process only; hold the value itself
#ifdef CASE_reference
struct Bad { int a; int &r; };
DECLARE(Bad, a, r)
CHECK(Bad)
#endif

// CASE string: crosspage: a std::string cannot be shared; use char[N] with crosspage::assign
#ifdef CASE_string
struct Bad { int a; std::string name; };
DECLARE(Bad, a, name)
CHECK(Bad)
#endif

// CASE string_view: crosspage: a std::string cannot be shared; use char[N]
#ifdef CASE_string_view
struct Bad { std::string_view name; int a; };
DECLARE(Bad, name, a)
CHECK(Bad)
#endif

// CASE vector: cannot be shared as it is; T[N] for lists
#ifdef CASE_vector
struct Bad { int a; std::vector<int> list; };
DECLARE(Bad, a, list)
CHECK(Bad)
#endif

// CASE bit_field: bit-field
#ifdef CASE_bit_field
struct Bad { unsigned a : 3; unsigned b; };
DECLARE(Bad, a, b)
CHECK(Bad)
#endif

// CASE long_double: crosspage: a long double cannot be shared; use double
#ifdef CASE_long_double
struct Bad { int a; long double x; };
DECLARE(Bad, a, x)
CHECK(Bad)
#endif

// CASE wchar: crosspage: wchar_t; cannot be shared as text; use char[N] with UTF-8
#ifdef CASE_wchar
struct Bad { wchar_t name[20]; };
DECLARE(Bad, name)
CHECK(Bad)
#endif

// CASE union: crosspage: a union cannot be shared; use a struct with all of them
#ifdef CASE_union
union Number { int i; float f; };
struct Bad { int a; Number n; };
DECLARE(Bad, a, n)
CHECK(Bad)
#endif

// CASE anonymous_union: anonymous union
#ifdef CASE_anonymous_union
struct Bad { int a; union { int i; float f; }; };
DECLARE(Bad, a, i)
CHECK(Bad)
#endif

// CASE volatile: crosspage: a volatile member cannot be shared; drop the volatile
#ifdef CASE_volatile
struct Bad { int a; volatile bool ready; };
DECLARE(Bad, a, ready)
CHECK(Bad)
#endif

// CASE const: crosspage: a const member cannot be shared; drop the const
#ifdef CASE_const
struct Bad { int a; const int b; };
DECLARE(Bad, a, b)
CHECK(Bad)
#endif

// CASE base: base class
#ifdef CASE_base
struct Base { int id; };
struct Bad : Base { int a; };
DECLARE(Bad, a)
CHECK(Bad)
#endif

// CASE virtual: virtual functions
#ifdef CASE_virtual
struct Bad { int a; virtual ~Bad() {} };
DECLARE(Bad, a)
CHECK(Bad)
#endif

// CASE private: private
#ifdef CASE_private
class Bad { int a; public: int b; };
DECLARE(Bad, a, b)
CHECK(Bad)
#endif

// CASE private_unlisted: private | inaccessible
#ifdef CASE_private_unlisted
class Bad { public: Bad() : a() {} int b; private: char a; };
CROSSPAGE_STRUCT(Bad, b);
CHECK(Bad)
#endif

// CASE empty_member: crosspage: an empty member cannot be shared; remove it
#ifdef CASE_empty_member
struct Nothing {};
struct Bad { int a; Nothing n; };
DECLARE(Bad, a, n)
CHECK(Bad)
#endif

// CASE empty_struct: empty | CROSSPAGE_STRUCT
#ifdef CASE_empty_struct
struct Bad {};
CHECK(Bad)
#endif

// CASE no_length: crosspage: an array without a length
#ifdef CASE_no_length
struct Bad { int count; int list[]; };
CROSSPAGE_STRUCT(Bad, count, list);
CHECK(Bad)
#endif

// CASE dimensions: crosspage: an array can have four dimensions at most
#ifdef CASE_dimensions
struct Bad { float cube[2][3][4][5][6]; };
DECLARE(Bad, cube)
CHECK(Bad)
#endif

// CASE int128: crosspage: this type cannot be shared
#ifdef CASE_int128
struct Bad { __int128 n; };
DECLARE(Bad, n)
CHECK(Bad)
#endif

// CASE char16: crosspage: wchar_t; use char[N] with UTF-8
#ifdef CASE_char16
struct Bad { char16_t name[20]; };
DECLARE(Bad, name)
CHECK(Bad)
#endif

// CASE zero_length: crosspage: an array without a length, or of length 0
#ifdef CASE_zero_length
struct Bad { int a; std::array<int, 0> none; };
DECLARE(Bad, a, none)
CHECK(Bad)
#endif

// CASE pair: cannot be shared as it is
#ifdef CASE_pair
struct Bad { std::pair<int, int> range; };
DECLARE(Bad, range)
CHECK(Bad)
#endif

// CASE null: crosspage: a pointer cannot be shared
#ifdef CASE_null
struct Bad { int a; std::nullptr_t n; };
DECLARE(Bad, a, n)
CHECK(Bad)
#endif

// CASE flag_bit_field: bit-field
#ifdef CASE_flag_bit_field
struct Bad { int a; bool ready : 1; };
DECLARE(Bad, a, ready)
CHECK(Bad)
#endif

// CASE member_pointer: crosspage: a pointer cannot be shared
#ifdef CASE_member_pointer
struct Other { int x; };
struct Bad { int Other::*which; };
DECLARE(Bad, which)
CHECK(Bad)
#endif

// CASE destructor: bytes cannot be copied | cannot be shared as it is
#ifdef CASE_destructor
struct Bad { int a; ~Bad() {} };
DECLARE(Bad, a)
CHECK(Bad)
#endif

// CASE constructor: plain struct | CROSSPAGE_STRUCT
#ifdef CASE_constructor
struct Bad { explicit Bad(int x) : a(x) {} int a; };
CHECK(Bad)
#endif

// CASE default_constructor: default constructor
#ifdef CASE_default_constructor
struct Inner { explicit Inner(int x) : a(x) {} int a; };
CROSSPAGE_STRUCT(Inner, a);
struct Bad { int first; Inner inner; };
#if CROSSPAGE_PLAIN_STRUCTS
CHECK(Bad)
#else
static_assert(sizeof(Bad) == 0, "default constructor");
#endif
#endif

// CASE forgotten: CROSSPAGE_STRUCT has forgotten a member of this struct
#ifdef CASE_forgotten
struct Bad { int a; double b; int c; };
CROSSPAGE_STRUCT(Bad, a, c);
CHECK(Bad)
#endif

// CASE forgotten_in_padding: CROSSPAGE_STRUCT has forgotten a member of this struct
#ifdef CASE_forgotten_in_padding
struct Bad { bool a; bool fits_into_padding; double b; };
CROSSPAGE_STRUCT(Bad, a, b);
CHECK(Bad)
#endif

// CASE forgotten_last: CROSSPAGE_STRUCT has forgotten a member of this struct
#ifdef CASE_forgotten_last
struct Bad { double a; int b; int fits_into_tail; };
CROSSPAGE_STRUCT(Bad, a, b);
CHECK(Bad)
#endif

// CASE forgotten_in_class: decomposes into 3 elements | binds to 3 elements
#ifdef CASE_forgotten_in_class
struct Bad { Bad() : a(), fits_into_padding(), b() {} bool a; bool fits_into_padding; double b; };
CROSSPAGE_STRUCT(Bad, a, b);
CHECK(Bad)
#endif

// CASE twice: names the members of Bad in another order than the struct, or one twice
#ifdef CASE_twice
struct Bad { int a; int b; };
CROSSPAGE_STRUCT(Bad, a, a);
CHECK(Bad)
#endif

// CASE order: names the members of Bad in another order than the struct
#ifdef CASE_order
struct Bad { int a; int b; };
CROSSPAGE_STRUCT(Bad, b, a);
CHECK(Bad)
#endif

// CASE other_namespace: crosspage: write CROSSPAGE_STRUCT in the namespace of app::Bad
#ifdef CASE_other_namespace
namespace app { struct Bad { int a; int b; }; }
CROSSPAGE_STRUCT(app::Bad, a, b);
#endif

// CASE undeclared: CROSSPAGE_STRUCT(Type, every, member)
#ifdef CASE_undeclared
class Bad { public: Bad() : a() {} int a; };
CHECK(Bad)
#endif

// CASE not_a_struct: no struct | CROSSPAGE_STRUCT
#ifdef CASE_not_a_struct
CHECK(int)
#endif

// CASE dynamic_publisher: crosspage: a publisher says what it publishes
#ifdef CASE_dynamic_publisher
#include <crosspage.hpp>
crosspage::topic::Publisher<crosspage::dynamic> *bad(crosspage::error &e) {
  static auto publisher = crosspage::topic::Publisher<crosspage::dynamic>::attach("bad", e);
  return &publisher;
}
#endif

// CASE subscriber_timeout: crosspage: only a publisher has a time-out
#ifdef CASE_subscriber_timeout
#include <crosspage.hpp>
auto bad = crosspage::topic::Subscriber<crosspage::bytes>::options().timeout(std::chrono::seconds(1));
#endif

// CASE long_double_array: crosspage: long double and wide characters have another size on another system
#ifdef CASE_long_double_array
#include <crosspage.hpp>
void bad(crosspage::topic::Publisher<crosspage::ndarray> &publisher, const long double *numbers, crosspage::error &e) {
  publisher.publish(numbers, {3}, e);
}
#endif
