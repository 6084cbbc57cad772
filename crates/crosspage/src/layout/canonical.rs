//! The canonical form: the same bytes for one struct from every language.

use super::{Scalar, StructType, Type};

impl StructType {
    /// The canonical bytes: folded names, types, offsets, sizes and alignments. Two layouts whose
    /// canonical bytes are equal describe the same memory; see docs/layout.md.
    ///
    /// No type names, docs, units or enum names: an enum is its integer, and an array of `u8`,
    /// `i8` or characters is one thing, since C's `char` cannot tell which it means.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_struct(&mut out, self);
        out
    }

    /// XXH3-64 of the canonical bytes. For display; equality of ids proves nothing.
    pub fn id(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&self.canonical())
    }
}

/// The first byte: the version of this form, and with it the byte order (little-endian).
const VERSION: u8 = 1;
const BYTES: u8 = 0x20;
const ARRAY: u8 = 0x21;
const STRUCT: u8 = 0x22;
const TAIL: u8 = 0x23;

fn put_struct(out: &mut Vec<u8>, st: &StructType) {
    out.push(STRUCT);
    for n in [st.size, st.align, st.fields.len()] {
        put_number(out, n);
    }
    for field in &st.fields {
        let name = fold(&field.name);
        put_number(out, name.len());
        out.extend_from_slice(name.as_bytes());
        put_number(out, field.offset);
        put_type(out, &field.ty);
    }
}

fn put_type(out: &mut Vec<u8>, ty: &Type) {
    if let Some(n) = bytes_len(ty) {
        out.push(BYTES);
        put_number(out, n);
    } else if let Some(scalar) = int_of(ty) {
        put_scalar(out, scalar);
    } else if let Type::Struct(st) = ty {
        put_struct(out, st);
    } else if let Type::Array(elem, n) = ty {
        out.push(ARRAY);
        put_number(out, *n);
        put_type(out, elem);
    } else if let Type::Tail(elem) = ty {
        out.push(TAIL);
        match int_of(elem) {
            // As in arrays: one-byte integers are bytes.
            Some(Scalar::I8) => put_scalar(out, Scalar::U8),
            _ => put_type(out, elem),
        }
    }
}

fn put_scalar(out: &mut Vec<u8>, scalar: Scalar) {
    out.push(scalar as u8 + 1);
}

/// Four bytes, little-endian: no struct is larger than 256 MiB.
fn put_number(out: &mut Vec<u8>, n: usize) {
    out.extend_from_slice(&(n as u32).to_le_bytes());
}

/// The length of a type that is a plain run of bytes: a text, or an array of one-byte integers.
pub(super) fn bytes_len(ty: &Type) -> Option<usize> {
    match ty {
        Type::Text(n) => Some(*n),
        Type::Array(elem, n) => match int_of(elem) {
            Some(Scalar::U8 | Scalar::I8) => Some(*n),
            _ => None,
        },
        _ => None,
    }
}

/// The scalar that stores a number, boolean or enum.
pub(super) fn int_of(ty: &Type) -> Option<Scalar> {
    match ty {
        Type::Scalar(s) => Some(*s),
        Type::Enum(e) => Some(e.repr),
        _ => None,
    }
}

/// The name as it is compared: without `_`, ASCII letters in lower case. A name of underscores
/// alone stays as it is.
pub(super) fn fold(name: &str) -> String {
    folded(name).collect()
}

/// Whether two names are the same but for ASCII case and `_`.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    folded(a).eq(folded(b))
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    let only_underscores = name.bytes().all(|b| b == b'_');
    name.chars()
        .filter(move |c| only_underscores || *c != '_')
        .map(|c| c.to_ascii_lowercase())
}
