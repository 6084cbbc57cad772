#!/usr/bin/env python3
"""Writes each.h, a list from a macro's arguments, and arity.hpp, what C++ before C++26 cannot make from a pack.

    python3 arity.py            rewrite both beside this file
    python3 arity.py --check    exit 1 where one is not up to date
"""

import pathlib
import sys

MEMBERS = 128


def tens(count: int, ten, one) -> str:
    """`count` elements: whole tens first, then the rest one by one."""
    parts = [ten(t) for t in range(count // 10)]
    parts += [one(count // 10, o) for o in range(count % 10)]
    return ", ".join(parts)


def stem(ten: int) -> str:
    return f"p{ten}"


def each() -> str:
    out = [
        "/* Made by arity.py: do not edit. */",
        "#ifndef CROSSPAGE_EACH_H",
        "#define CROSSPAGE_EACH_H",
        "",
        f"#define CROSSPAGE_MAX_MEMBERS {MEMBERS}",
        "",
        "/* CROSSPAGE_EACH(macro, context, a, b, ...): macro(context, a), macro(context, b), ... */",
        "#define CROSSPAGE_EXPAND(x) x",
        "#define CROSSPAGE_JOIN_(a, b) a##b",
        "#define CROSSPAGE_JOIN(a, b) CROSSPAGE_JOIN_(a, b)",
        "#define CROSSPAGE_EACH(m, c, ...) \\",
        "  CROSSPAGE_EXPAND(CROSSPAGE_JOIN(CROSSPAGE_EACH_, CROSSPAGE_COUNT(__VA_ARGS__))(m, c, __VA_ARGS__))",
        "#define CROSSPAGE_COUNT(...) \\",
        "  CROSSPAGE_EXPAND(CROSSPAGE_NTH(__VA_ARGS__, "
        + ", ".join(str(n) for n in range(MEMBERS, 0, -1))
        + ", 0))",
        "#define CROSSPAGE_NTH("
        + ", ".join(f"x{n}" for n in range(1, MEMBERS + 1))
        + ", n, ...) n",
        "#define CROSSPAGE_EACH_1(m, c, x) m(c, x)",
    ]
    for n in range(2, MEMBERS + 1):
        out.append(
            f"#define CROSSPAGE_EACH_{n}(m, c, x, ...) m(c, x), "
            f"CROSSPAGE_EXPAND(CROSSPAGE_EACH_{n - 1}(m, c, __VA_ARGS__))"
        )
    return "\n".join([*out, "", "#endif", ""])


def arity() -> str:
    names = ", ".join(f"t##{o}" for o in range(10))
    addresses = ", ".join(f"&t##{o}" for o in range(10))
    out = [
        "// Made by arity.py, which says why: do not edit.",
        "#ifndef CROSSPAGE_ARITY_HPP",
        "#define CROSSPAGE_ARITY_HPP",
        "",
        '#include "each.h"',
        "",
        "#define CROSSPAGE_B " + ", ".join(["{}"] * 10),
        f"#define CROSSPAGE_N(t) {names}",
        f"#define CROSSPAGE_A(t) {addresses}",
        "",
        "namespace crosspage {",
        "inline namespace CROSSPAGE_CXX {",
        "namespace detail {",
        "",
        "// Can T be initialised from N times {} and then one of each A? Each {} initialises exactly one",
        "// member, an array or a struct too, so the largest N is the number of members.",
        "template <class T, std::size_t N, class Void, class... A>",
        "struct takes : std::false_type {};",
    ]
    for n in range(MEMBERS + 2):
        braces = tens(n, lambda t: "CROSSPAGE_B", lambda t, o: "{}")
        init = f"{braces}, A()..." if braces else "A()..."
        out.append(
            f"template <class T, class... A> struct takes<T, {n}, "
            f"std::void_t<decltype(T{{{init}}})>, A...> : std::true_type {{}};"
        )
    out += [
        "",
        "// The addresses of the N members of a struct, in their order. Where N is wrong the compiler says",
        "// how many members there are.",
        "template <std::size_t N, class T>",
        "constexpr auto member_addresses(T &value) {",
    ]
    for n in range(1, MEMBERS + 1):
        bound = tens(n, lambda t: f"CROSSPAGE_N({stem(t)})", lambda t, o: f"{stem(t)}{o}")
        taken = tens(n, lambda t: f"CROSSPAGE_A({stem(t)})", lambda t, o: f"&{stem(t)}{o}")
        branch = "if" if n == 1 else "else if"
        out += [
            f"  {branch} constexpr (N == {n}) {{ auto &[{bound}] = value;",
            f"    CROSSPAGE_TAKE({taken}) }}",
        ]
    out += [
        "}",
        "",
        "}  // namespace detail",
        "}  // namespace CROSSPAGE_CXX",
        "}  // namespace crosspage",
        "",
        "#undef CROSSPAGE_B",
        "#undef CROSSPAGE_N",
        "#undef CROSSPAGE_A",
        "",
        "#endif",
        "",
    ]
    return "\n".join(out)


def main() -> int:
    here = pathlib.Path(__file__)
    files = {here.with_name("each.h"): each(), here.with_name("arity.hpp"): arity()}
    if "--check" in sys.argv[1:]:
        return 0 if all(path.read_text() == text for path, text in files.items()) else 1
    for path, text in files.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
