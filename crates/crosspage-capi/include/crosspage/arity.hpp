// Made by arity.py, which says why: do not edit.
#ifndef CROSSPAGE_ARITY_HPP
#define CROSSPAGE_ARITY_HPP

#include "each.h"

#define CROSSPAGE_B {}, {}, {}, {}, {}, {}, {}, {}, {}, {}
#define CROSSPAGE_N(t) t##0, t##1, t##2, t##3, t##4, t##5, t##6, t##7, t##8, t##9
#define CROSSPAGE_A(t) &t##0, &t##1, &t##2, &t##3, &t##4, &t##5, &t##6, &t##7, &t##8, &t##9

namespace crosspage {
inline namespace CROSSPAGE_CXX {
namespace detail {

// Can T be initialised from N times {} and then one of each A? Each {} initialises exactly one
// member, an array or a struct too, so the largest N is the number of members.
template <class T, std::size_t N, class Void, class... A>
struct takes : std::false_type {};
template <class T, class... A> struct takes<T, 0, std::void_t<decltype(T{A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 1, std::void_t<decltype(T{{}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 2, std::void_t<decltype(T{{}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 3, std::void_t<decltype(T{{}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 4, std::void_t<decltype(T{{}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 5, std::void_t<decltype(T{{}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 6, std::void_t<decltype(T{{}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 7, std::void_t<decltype(T{{}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 8, std::void_t<decltype(T{{}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 9, std::void_t<decltype(T{{}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 10, std::void_t<decltype(T{CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 11, std::void_t<decltype(T{CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 12, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 13, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 14, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 15, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 16, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 17, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 18, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 19, std::void_t<decltype(T{CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 20, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 21, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 22, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 23, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 24, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 25, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 26, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 27, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 28, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 29, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 30, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 31, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 32, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 33, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 34, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 35, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 36, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 37, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 38, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 39, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 40, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 41, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 42, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 43, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 44, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 45, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 46, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 47, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 48, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 49, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 50, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 51, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 52, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 53, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 54, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 55, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 56, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 57, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 58, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 59, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 60, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 61, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 62, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 63, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 64, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 65, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 66, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 67, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 68, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 69, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 70, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 71, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 72, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 73, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 74, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 75, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 76, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 77, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 78, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 79, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 80, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 81, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 82, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 83, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 84, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 85, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 86, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 87, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 88, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 89, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 90, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 91, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 92, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 93, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 94, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 95, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 96, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 97, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 98, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 99, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 100, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 101, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 102, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 103, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 104, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 105, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 106, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 107, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 108, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 109, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 110, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 111, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 112, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 113, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 114, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 115, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 116, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 117, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 118, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 119, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 120, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 121, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 122, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 123, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 124, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 125, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 126, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 127, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 128, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};
template <class T, class... A> struct takes<T, 129, std::void_t<decltype(T{CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, CROSSPAGE_B, {}, {}, {}, {}, {}, {}, {}, {}, {}, A()...})>, A...> : std::true_type {};

// The addresses of the N members of a struct, in their order. Where N is wrong the compiler says
// how many members there are.
template <std::size_t N, class T>
constexpr auto member_addresses(T &value) {
  if constexpr (N == 1) { auto &[p00] = value;
    CROSSPAGE_TAKE(&p00) }
  else if constexpr (N == 2) { auto &[p00, p01] = value;
    CROSSPAGE_TAKE(&p00, &p01) }
  else if constexpr (N == 3) { auto &[p00, p01, p02] = value;
    CROSSPAGE_TAKE(&p00, &p01, &p02) }
  else if constexpr (N == 4) { auto &[p00, p01, p02, p03] = value;
    CROSSPAGE_TAKE(&p00, &p01, &p02, &p03) }
  else if constexpr (N == 5) { auto &[p00, p01, p02, p03, p04] = value;
    CROSSPAGE_TAKE(&p00, &p01, &p02, &p03, &p04) }
  else if constexpr (N == 6) { auto &[p00, p01, p02, p03, p04, p05] = value;
    CROSSPAGE_TAKE(&p00, &p01, &p02, &p03, &p04, &p05) }
  else if constexpr (N == 7) { auto &[p00, p01, p02, p03, p04, p05, p06] = value;
    CROSSPAGE_TAKE(&p00, &p01, &p02, &p03, &p04, &p05, &p06) }
  else if constexpr (N == 8) { auto &[p00, p01, p02, p03, p04, p05, p06, p07] = value;
    CROSSPAGE_TAKE(&p00, &p01, &p02, &p03, &p04, &p05, &p06, &p07) }
  else if constexpr (N == 9) { auto &[p00, p01, p02, p03, p04, p05, p06, p07, p08] = value;
    CROSSPAGE_TAKE(&p00, &p01, &p02, &p03, &p04, &p05, &p06, &p07, &p08) }
  else if constexpr (N == 10) { auto &[CROSSPAGE_N(p0)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0)) }
  else if constexpr (N == 11) { auto &[CROSSPAGE_N(p0), p10] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10) }
  else if constexpr (N == 12) { auto &[CROSSPAGE_N(p0), p10, p11] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11) }
  else if constexpr (N == 13) { auto &[CROSSPAGE_N(p0), p10, p11, p12] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11, &p12) }
  else if constexpr (N == 14) { auto &[CROSSPAGE_N(p0), p10, p11, p12, p13] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11, &p12, &p13) }
  else if constexpr (N == 15) { auto &[CROSSPAGE_N(p0), p10, p11, p12, p13, p14] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11, &p12, &p13, &p14) }
  else if constexpr (N == 16) { auto &[CROSSPAGE_N(p0), p10, p11, p12, p13, p14, p15] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11, &p12, &p13, &p14, &p15) }
  else if constexpr (N == 17) { auto &[CROSSPAGE_N(p0), p10, p11, p12, p13, p14, p15, p16] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11, &p12, &p13, &p14, &p15, &p16) }
  else if constexpr (N == 18) { auto &[CROSSPAGE_N(p0), p10, p11, p12, p13, p14, p15, p16, p17] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11, &p12, &p13, &p14, &p15, &p16, &p17) }
  else if constexpr (N == 19) { auto &[CROSSPAGE_N(p0), p10, p11, p12, p13, p14, p15, p16, p17, p18] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), &p10, &p11, &p12, &p13, &p14, &p15, &p16, &p17, &p18) }
  else if constexpr (N == 20) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1)) }
  else if constexpr (N == 21) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20) }
  else if constexpr (N == 22) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21) }
  else if constexpr (N == 23) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21, p22] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21, &p22) }
  else if constexpr (N == 24) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21, p22, p23] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21, &p22, &p23) }
  else if constexpr (N == 25) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21, p22, p23, p24] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21, &p22, &p23, &p24) }
  else if constexpr (N == 26) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21, p22, p23, p24, p25] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21, &p22, &p23, &p24, &p25) }
  else if constexpr (N == 27) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21, p22, p23, p24, p25, p26] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21, &p22, &p23, &p24, &p25, &p26) }
  else if constexpr (N == 28) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21, p22, p23, p24, p25, p26, p27] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21, &p22, &p23, &p24, &p25, &p26, &p27) }
  else if constexpr (N == 29) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), p20, p21, p22, p23, p24, p25, p26, p27, p28] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), &p20, &p21, &p22, &p23, &p24, &p25, &p26, &p27, &p28) }
  else if constexpr (N == 30) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2)) }
  else if constexpr (N == 31) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30) }
  else if constexpr (N == 32) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31) }
  else if constexpr (N == 33) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31, p32] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31, &p32) }
  else if constexpr (N == 34) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31, p32, p33] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31, &p32, &p33) }
  else if constexpr (N == 35) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31, p32, p33, p34] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31, &p32, &p33, &p34) }
  else if constexpr (N == 36) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31, p32, p33, p34, p35] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31, &p32, &p33, &p34, &p35) }
  else if constexpr (N == 37) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31, p32, p33, p34, p35, p36] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31, &p32, &p33, &p34, &p35, &p36) }
  else if constexpr (N == 38) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31, p32, p33, p34, p35, p36, p37] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31, &p32, &p33, &p34, &p35, &p36, &p37) }
  else if constexpr (N == 39) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), p30, p31, p32, p33, p34, p35, p36, p37, p38] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), &p30, &p31, &p32, &p33, &p34, &p35, &p36, &p37, &p38) }
  else if constexpr (N == 40) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3)) }
  else if constexpr (N == 41) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40) }
  else if constexpr (N == 42) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41) }
  else if constexpr (N == 43) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41, p42] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41, &p42) }
  else if constexpr (N == 44) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41, p42, p43] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41, &p42, &p43) }
  else if constexpr (N == 45) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41, p42, p43, p44] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41, &p42, &p43, &p44) }
  else if constexpr (N == 46) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41, p42, p43, p44, p45] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41, &p42, &p43, &p44, &p45) }
  else if constexpr (N == 47) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41, p42, p43, p44, p45, p46] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41, &p42, &p43, &p44, &p45, &p46) }
  else if constexpr (N == 48) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41, p42, p43, p44, p45, p46, p47] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41, &p42, &p43, &p44, &p45, &p46, &p47) }
  else if constexpr (N == 49) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), p40, p41, p42, p43, p44, p45, p46, p47, p48] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), &p40, &p41, &p42, &p43, &p44, &p45, &p46, &p47, &p48) }
  else if constexpr (N == 50) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4)) }
  else if constexpr (N == 51) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50) }
  else if constexpr (N == 52) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51) }
  else if constexpr (N == 53) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51, p52] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51, &p52) }
  else if constexpr (N == 54) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51, p52, p53] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51, &p52, &p53) }
  else if constexpr (N == 55) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51, p52, p53, p54] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51, &p52, &p53, &p54) }
  else if constexpr (N == 56) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51, p52, p53, p54, p55] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51, &p52, &p53, &p54, &p55) }
  else if constexpr (N == 57) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51, p52, p53, p54, p55, p56] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51, &p52, &p53, &p54, &p55, &p56) }
  else if constexpr (N == 58) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51, p52, p53, p54, p55, p56, p57] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51, &p52, &p53, &p54, &p55, &p56, &p57) }
  else if constexpr (N == 59) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), p50, p51, p52, p53, p54, p55, p56, p57, p58] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), &p50, &p51, &p52, &p53, &p54, &p55, &p56, &p57, &p58) }
  else if constexpr (N == 60) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5)) }
  else if constexpr (N == 61) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60) }
  else if constexpr (N == 62) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61) }
  else if constexpr (N == 63) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61, p62] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61, &p62) }
  else if constexpr (N == 64) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61, p62, p63] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61, &p62, &p63) }
  else if constexpr (N == 65) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61, p62, p63, p64] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61, &p62, &p63, &p64) }
  else if constexpr (N == 66) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61, p62, p63, p64, p65] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61, &p62, &p63, &p64, &p65) }
  else if constexpr (N == 67) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61, p62, p63, p64, p65, p66] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61, &p62, &p63, &p64, &p65, &p66) }
  else if constexpr (N == 68) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61, p62, p63, p64, p65, p66, p67] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61, &p62, &p63, &p64, &p65, &p66, &p67) }
  else if constexpr (N == 69) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), p60, p61, p62, p63, p64, p65, p66, p67, p68] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), &p60, &p61, &p62, &p63, &p64, &p65, &p66, &p67, &p68) }
  else if constexpr (N == 70) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6)) }
  else if constexpr (N == 71) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70) }
  else if constexpr (N == 72) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71) }
  else if constexpr (N == 73) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71, p72] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71, &p72) }
  else if constexpr (N == 74) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71, p72, p73] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71, &p72, &p73) }
  else if constexpr (N == 75) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71, p72, p73, p74] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71, &p72, &p73, &p74) }
  else if constexpr (N == 76) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71, p72, p73, p74, p75] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71, &p72, &p73, &p74, &p75) }
  else if constexpr (N == 77) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71, p72, p73, p74, p75, p76] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71, &p72, &p73, &p74, &p75, &p76) }
  else if constexpr (N == 78) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71, p72, p73, p74, p75, p76, p77] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71, &p72, &p73, &p74, &p75, &p76, &p77) }
  else if constexpr (N == 79) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), p70, p71, p72, p73, p74, p75, p76, p77, p78] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), &p70, &p71, &p72, &p73, &p74, &p75, &p76, &p77, &p78) }
  else if constexpr (N == 80) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7)) }
  else if constexpr (N == 81) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80) }
  else if constexpr (N == 82) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81) }
  else if constexpr (N == 83) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81, p82] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81, &p82) }
  else if constexpr (N == 84) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81, p82, p83] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81, &p82, &p83) }
  else if constexpr (N == 85) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81, p82, p83, p84] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81, &p82, &p83, &p84) }
  else if constexpr (N == 86) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81, p82, p83, p84, p85] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81, &p82, &p83, &p84, &p85) }
  else if constexpr (N == 87) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81, p82, p83, p84, p85, p86] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81, &p82, &p83, &p84, &p85, &p86) }
  else if constexpr (N == 88) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81, p82, p83, p84, p85, p86, p87] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81, &p82, &p83, &p84, &p85, &p86, &p87) }
  else if constexpr (N == 89) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), p80, p81, p82, p83, p84, p85, p86, p87, p88] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), &p80, &p81, &p82, &p83, &p84, &p85, &p86, &p87, &p88) }
  else if constexpr (N == 90) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8)) }
  else if constexpr (N == 91) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90) }
  else if constexpr (N == 92) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91) }
  else if constexpr (N == 93) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91, p92] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91, &p92) }
  else if constexpr (N == 94) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91, p92, p93] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91, &p92, &p93) }
  else if constexpr (N == 95) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91, p92, p93, p94] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91, &p92, &p93, &p94) }
  else if constexpr (N == 96) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91, p92, p93, p94, p95] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91, &p92, &p93, &p94, &p95) }
  else if constexpr (N == 97) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91, p92, p93, p94, p95, p96] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91, &p92, &p93, &p94, &p95, &p96) }
  else if constexpr (N == 98) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91, p92, p93, p94, p95, p96, p97] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91, &p92, &p93, &p94, &p95, &p96, &p97) }
  else if constexpr (N == 99) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), p90, p91, p92, p93, p94, p95, p96, p97, p98] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), &p90, &p91, &p92, &p93, &p94, &p95, &p96, &p97, &p98) }
  else if constexpr (N == 100) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9)) }
  else if constexpr (N == 101) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100) }
  else if constexpr (N == 102) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101) }
  else if constexpr (N == 103) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101, p102] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101, &p102) }
  else if constexpr (N == 104) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101, p102, p103] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101, &p102, &p103) }
  else if constexpr (N == 105) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101, p102, p103, p104] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101, &p102, &p103, &p104) }
  else if constexpr (N == 106) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101, p102, p103, p104, p105] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101, &p102, &p103, &p104, &p105) }
  else if constexpr (N == 107) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101, p102, p103, p104, p105, p106] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101, &p102, &p103, &p104, &p105, &p106) }
  else if constexpr (N == 108) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101, p102, p103, p104, p105, p106, p107] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101, &p102, &p103, &p104, &p105, &p106, &p107) }
  else if constexpr (N == 109) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), p100, p101, p102, p103, p104, p105, p106, p107, p108] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), &p100, &p101, &p102, &p103, &p104, &p105, &p106, &p107, &p108) }
  else if constexpr (N == 110) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10)) }
  else if constexpr (N == 111) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110) }
  else if constexpr (N == 112) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111) }
  else if constexpr (N == 113) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111, p112] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111, &p112) }
  else if constexpr (N == 114) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111, p112, p113] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111, &p112, &p113) }
  else if constexpr (N == 115) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111, p112, p113, p114] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111, &p112, &p113, &p114) }
  else if constexpr (N == 116) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111, p112, p113, p114, p115] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111, &p112, &p113, &p114, &p115) }
  else if constexpr (N == 117) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111, p112, p113, p114, p115, p116] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111, &p112, &p113, &p114, &p115, &p116) }
  else if constexpr (N == 118) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111, p112, p113, p114, p115, p116, p117] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111, &p112, &p113, &p114, &p115, &p116, &p117) }
  else if constexpr (N == 119) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), p110, p111, p112, p113, p114, p115, p116, p117, p118] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), &p110, &p111, &p112, &p113, &p114, &p115, &p116, &p117, &p118) }
  else if constexpr (N == 120) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11)] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11)) }
  else if constexpr (N == 121) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120) }
  else if constexpr (N == 122) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120, p121] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120, &p121) }
  else if constexpr (N == 123) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120, p121, p122] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120, &p121, &p122) }
  else if constexpr (N == 124) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120, p121, p122, p123] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120, &p121, &p122, &p123) }
  else if constexpr (N == 125) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120, p121, p122, p123, p124] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120, &p121, &p122, &p123, &p124) }
  else if constexpr (N == 126) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120, p121, p122, p123, p124, p125] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120, &p121, &p122, &p123, &p124, &p125) }
  else if constexpr (N == 127) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120, p121, p122, p123, p124, p125, p126] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120, &p121, &p122, &p123, &p124, &p125, &p126) }
  else if constexpr (N == 128) { auto &[CROSSPAGE_N(p0), CROSSPAGE_N(p1), CROSSPAGE_N(p2), CROSSPAGE_N(p3), CROSSPAGE_N(p4), CROSSPAGE_N(p5), CROSSPAGE_N(p6), CROSSPAGE_N(p7), CROSSPAGE_N(p8), CROSSPAGE_N(p9), CROSSPAGE_N(p10), CROSSPAGE_N(p11), p120, p121, p122, p123, p124, p125, p126, p127] = value;
    CROSSPAGE_TAKE(CROSSPAGE_A(p0), CROSSPAGE_A(p1), CROSSPAGE_A(p2), CROSSPAGE_A(p3), CROSSPAGE_A(p4), CROSSPAGE_A(p5), CROSSPAGE_A(p6), CROSSPAGE_A(p7), CROSSPAGE_A(p8), CROSSPAGE_A(p9), CROSSPAGE_A(p10), CROSSPAGE_A(p11), &p120, &p121, &p122, &p123, &p124, &p125, &p126, &p127) }
}

}  // namespace detail
}  // namespace CROSSPAGE_CXX
}  // namespace crosspage

#undef CROSSPAGE_B
#undef CROSSPAGE_N
#undef CROSSPAGE_A

#endif
