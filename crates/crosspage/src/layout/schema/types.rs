//! Types as a schema spells them: `i32`, `text[50]`, `Arm[2]`, `i32[4][2]`, `u8[]`.

use super::super::{MAX_DEPTH, Scalar, Type, did_you_mean};

/// What is wrong, and what to write instead.
type Problem = (String, Option<String>);

/// What there is without declaring it.
pub(super) const BUILTINS: &str = "types are bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, \
    f64, text[N], arrays T[N] and T[N][M], a last T[], and the structs and enums of the file";

/// An array dimension; `None` is a tail's `[]`.
type Dim = Option<usize>;

pub(super) fn is_builtin(name: &str) -> bool {
    name == "text" || Scalar::from_name(name).is_some()
}

/// The base and the dimensions of a type, from the outside in.
pub(super) fn split(text: &str) -> Result<(&str, Vec<Dim>), Problem> {
    let (base, mut rest) = text.split_at(text.find('[').unwrap_or(text.len()));
    let mut dims = Vec::new();
    while let Some(after) = rest.strip_prefix('[') {
        let Some((number, after)) = after.split_once(']') else {
            return Err((format!("type {text:?} lacks a `]`"), None));
        };
        dims.push(match number.trim() {
            "" => None,
            digits => match digits.parse::<usize>() {
                Ok(n) if n > 0 => Some(n),
                _ => {
                    let what = format!("type {text:?}: {digits:?} is no number of elements");
                    return Err((what, Some("an array has at least one element".to_owned())));
                }
            },
        });
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        return Err((
            format!("type {text:?}: what is {rest:?} after the `]`?"),
            None,
        ));
    }
    if dims.len() > MAX_DEPTH {
        return Err((
            format!("type {text:?} has more than {MAX_DEPTH} dimensions"),
            None,
        ));
    }
    Ok((base.trim(), dims))
}

/// The builtin type of this name, if it is one; takes the dimension that belongs to a text.
pub(super) fn builtin(base: &str, dims: &mut Vec<Dim>) -> Option<Result<Type, Problem>> {
    if base != "text" {
        return Scalar::from_name(base).map(|scalar| Ok(Type::Scalar(scalar)));
    }
    if let Some(Some(n)) = dims.first() {
        let n = *n;
        dims.remove(0);
        return Some(Ok(Type::Text(n)));
    }
    let hint = "text[50] is UTF-8 in 50 bytes, as C's char[50]; u8[] is a tail of bytes";
    Some(Err((
        "a text has a fixed number of bytes".to_owned(),
        Some(hint.to_owned()),
    )))
}

/// `ty` with the dimensions around it.
pub(super) fn wrap(ty: Type, dims: Vec<Dim>) -> Result<Type, Problem> {
    if dims.iter().skip(1).any(Option::is_none) {
        let what = "only the first dimension can be open, as in u8[] or f32[][3]";
        return Err((what.to_owned(), None));
    }
    Ok(dims.into_iter().rev().fold(ty, |ty, dim| match dim {
        Some(n) => Type::Array(Box::new(ty), n),
        None => Type::Tail(Box::new(ty)),
    }))
}

/// The error for a type that is neither builtin nor declared.
pub(super) fn unknown<'a>(
    base: &str,
    dims: &[Dim],
    declared: impl Iterator<Item = &'a str>,
) -> Problem {
    let what = format!("unknown type {base:?}");
    if let Some(instead) = instead(base, dims) {
        return (what, Some(instead));
    }
    let builtins = Scalar::ALL
        .into_iter()
        .map(|s| -> &'a str { s.name() })
        .chain(["text"]);
    let hint = match did_you_mean(base, declared.chain(builtins)) {
        Some(near) => format!("did you mean {near:?}? {}", capitalised(BUILTINS)),
        None => BUILTINS.to_owned(),
    };
    (what, Some(hint))
}

fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

/// What to write instead of a type of another language.
fn instead(base: &str, dims: &[Dim]) -> Option<String> {
    if base.contains(['*', '&']) || base.starts_with("std::unique_ptr") {
        return Some(
            "an address means nothing in another process: share the value itself, or an index"
                .to_owned(),
        );
    }
    let words: Vec<&str> = base.split_whitespace().collect();
    let name = words.join(" ");
    let name = name.strip_prefix("std::").unwrap_or(&name);
    let text = match name {
        "char" | "signed char" | "unsigned char" if !dims.is_empty() => match dims[0] {
            Some(n) => return Some(format!("write text[{n}] for letters, u8[{n}] for bytes")),
            None => "write u8[] for a tail of bytes",
        },
        "char" => "write i8 or u8 for a number, text[1] for a letter",
        "signed char" | "int8_t" | "int8" => "write i8",
        "unsigned char" | "uint8_t" | "uint8" | "byte" => "write u8",
        "short" | "short int" | "int16_t" | "int16" => "write i16",
        "unsigned short" | "ushort" | "uint16_t" | "uint16" => "write u16",
        "int" | "signed" | "signed int" | "int32_t" | "int32" | "integer" => "write i32",
        "unsigned" | "unsigned int" | "uint" | "uint32_t" | "uint32" => "write u32",
        "long long" | "long long int" | "int64_t" | "int64" => "write i64",
        "unsigned long long" | "uint64_t" | "uint64" => "write u64",
        "long" | "long int" | "signed long" => {
            "long differs between platforms: i64 on 64-bit Linux and macOS, i32 on Windows and on \
             32 bits"
        }
        "unsigned long" | "ulong" => {
            "unsigned long differs between platforms: u64 on 64-bit Linux and macOS, u32 on \
             Windows and on 32 bits"
        }
        "size_t" | "usize" | "uintptr_t" => {
            "its size differs between platforms: u64 for 64-bit programs, u32 for 32-bit programs"
        }
        "ssize_t" | "isize" | "ptrdiff_t" | "intptr_t" => {
            "its size differs between platforms: i64 for 64-bit programs, i32 for 32-bit programs"
        }
        "float" | "float32" | "single" => "write f32",
        "double" | "float64" => "write f64",
        "long double" | "f80" | "f128" => "it has no form that languages share; write f64",
        "i128" | "u128" => "the widest integers are i64 and u64",
        "_Bool" | "boolean" => "write bool",
        "wchar_t" | "char16_t" | "char32_t" | "char8_t" => {
            "text is UTF-8: write text[N], or u16[N] or u32[N] for the bare numbers"
        }
        "string" | "String" | "str" | "string_view" | "varchar" => {
            "text has a fixed number of bytes: write text[N]"
        }
        "vector" | "Vec" | "list" | "array" => "write T[N], or T[] for the last field of a message",
        "void" | "void*" | "pointer" | "ptr" => {
            "an address means nothing in another process: share the value itself, or an index"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
