//! Types that are known not to work, recognised by how they are written, so that the message can
//! say what to use instead. What is not recognised here (an alias, say) the trait `FieldType`
//! refuses.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Error, Path, Type};

/// Why a field of this type cannot be shared, where that is plain to see.
pub fn refuse(ty: &Type) -> Option<Error> {
    let (span, message) = why(ty)?;
    Some(Error::new(span, message))
}

fn why(ty: &Type) -> Option<(Span, String)> {
    let message = match ty {
        Type::Array(array) => return why(&array.elem),
        Type::Paren(inner) => return why(&inner.elem),
        Type::Group(inner) => return why(&inner.elem),
        Type::Reference(_) => address("a reference"),
        Type::Ptr(_) => address("a pointer"),
        Type::FnPtr(_) => address("a function pointer"),
        Type::TraitObject(_) => address("a trait object"),
        Type::Slice(_) => "a slice has no fixed size: use an array `[T; N]`".to_owned(),
        Type::Tuple(tuple) if tuple.elems.is_empty() => nothing("()"),
        Type::Tuple(_) => "a tuple has no layout that other languages know: use a struct with \
                           `#[repr(C)]` and `#[derive(Clone, Copy, crosspage::Layout)]`"
            .to_owned(),
        Type::Path(path) => named(&path.path)?,
        _ => return None,
    };
    Some((ty.span(), message))
}

fn address(what: &str) -> String {
    format!(
        "{what} cannot be shared: an address means nothing in another process; share the value \
         itself, or an index"
    )
}

fn heap(name: &str, instead: &str) -> String {
    format!("`{name}` cannot be shared: its content is on this process's heap; use {instead}")
}

fn nothing(name: &str) -> String {
    format!("`{name}` has no size, so there is nothing to share: leave the field out")
}

/// Types of the standard library. A type of the user's own may have the name of one that is rarely
/// imported, or of a generic one: those count only as far as they cannot be meant otherwise.
fn named(path: &Path) -> Option<String> {
    let last = path.segments.last()?;
    let of_std = ["std", "core", "alloc"]
        .iter()
        .any(|root| path.segments[0].ident == root);
    if path.segments.len() > 1 && !of_std {
        return None;
    }
    let generic = of_std || !last.arguments.is_none();
    let name = last.ident.to_string();
    let name = name.as_str();
    Some(match name {
        "usize" => "`usize` cannot be shared: it differs between 32 and 64 bits; use `u64` or \
                    `u32`"
            .to_owned(),
        "isize" => "`isize` cannot be shared: it differs between 32 and 64 bits; use `i64` or \
                    `i32`"
            .to_owned(),
        "i128" | "u128" => {
            format!("`{name}` cannot be shared: other languages lack it; use `[u64; 2]`")
        }
        "char" => "`char` cannot be shared: most values of its 4 bytes are undefined behaviour; \
                   use `u32` for a code point or `crosspage::Text<N>` for text"
            .to_owned(),
        "String" | "str" | "OsString" | "CString" | "PathBuf" => {
            heap(name, "`crosspage::Text<N>`, UTF-8 in N bytes")
        }
        "Vec" | "VecDeque" | "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" if generic => heap(
            name,
            "an array `[T; N]` and a field that counts its elements",
        ),
        "Box" | "Rc" | "Arc" | "Cow" if generic => heap(name, "the value itself"),
        "Option" if generic => {
            "`Option` cannot be shared: other languages do not know how it stores `None`; \
                     use the value and a `bool` that says whether it is there"
                .to_owned()
        }
        "Result" if generic => {
            "`Result` cannot be shared: other languages do not know how it is stored; use \
                     the value and an enum that says what became of it"
                .to_owned()
        }
        "Duration" | "Instant" | "SystemTime" if of_std => format!(
            "`{name}` cannot be shared: its bytes are Rust's own business; use an `i64` with \
             `#[layout(unit = \"ns\")]`"
        ),
        "PhantomData" if generic => nothing(name),
        name if name.starts_with("Atomic") => format!(
            "`{name}` cannot be shared: values are copied as a whole, in and out; use the plain \
             integer"
        ),
        name if name.starts_with("NonZero") => format!(
            "`{name}` cannot be shared: a 0 that another process writes would be undefined \
             behaviour; use the plain integer"
        ),
        _ => return None,
    })
}
