// CHECK(condition), CHECK_EQ(a, b), and what a failure prints.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#define CHECK(...)                                                                     \
  do {                                                                                 \
    if (!(__VA_ARGS__)) {                                                              \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #__VA_ARGS__);   \
      std::exit(1);                                                                    \
    }                                                                                  \
  } while (false)

#define CHECK_EQ(a, b) check_eq((a), (b), #a " == " #b, __FILE__, __LINE__)
#define CHECK_CONTAINS(text, part) check_contains((text), (part), __FILE__, __LINE__)

// Functions, so that temporaries live until the comparison is done.
template <class A, class B>
void check_eq(const A &a, const B &b, const char *what, const char *file, int line) {
  if (a == b) return;
  std::ostringstream text;
  text << a << "\n  is not\n  " << b;
  std::fprintf(stderr, "%s:%d: %s\n  %s\n", file, line, what, text.str().c_str());
  std::exit(1);
}

inline void check_contains(const std::string &text, const std::string &part, const char *file, int line) {
  if (text.find(part) != std::string::npos) return;
  std::fprintf(stderr, "%s:%d: no \"%s\" in\n%s\n", file, line, part.c_str(), text.c_str());
  std::exit(1);
}

#endif
