//! Layouts: what a struct looks like in memory. Nothing here does I/O on segments.
//!
//! A [`StructType`] is the description of one struct: its fields, their types, offsets and sizes.
//! It comes from a Rust struct ([`Layout`]), from C, C++ or Python by way of their faces, from a
//! [`schema`], or from the [`descriptor`] that every page stores.

use std::sync::Arc;

pub mod compare;
pub mod descriptor;
#[cfg(feature = "schema")]
pub mod schema;
pub mod value;

pub use compare::{Difference, Match, Plan};

/// A Rust type whose memory layout crosspage can share. Implemented by `#[derive(Layout)]`.
///
/// # Safety
/// `layout()` describes `Self` exactly: size, alignment, and every field's offset and type; every
/// byte pattern that passes [`Plan::validate`](compare::Plan::validate) for it is a valid `Self`.
pub unsafe trait Layout: Copy + Send + 'static {
    /// The description of this struct, made once per type.
    fn layout() -> &'static Arc<StructType>;
}

/// The description of one struct: the unit that is stored, compared and printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructType {
    name: String,
    size: usize,
    align: usize,
    fields: Vec<Field>,
}

/// One member of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as its creator spells it.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Bytes from the start of the struct.
    pub offset: usize,
    /// The physical unit, such as `ms`; compared where both sides state one.
    pub unit: Option<String>,
    /// What the field means; never compared.
    pub doc: Option<String>,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// A number or a boolean.
    Scalar(Scalar),
    /// UTF-8 in this many bytes, padded with NUL; it may fill all of them. C's `char[N]`.
    Text(usize),
    /// This many of the type; `T[N][M]` is an array of N arrays of M.
    Array(Box<Type>, usize),
    /// A nested struct.
    Struct(Arc<StructType>),
    /// An integer with named values.
    Enum(Arc<EnumType>),
    /// As many of the type as a message holds; only the last field of a message's struct.
    Tail(Box<Type>),
}

/// A number or a boolean, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Scalar { Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64 }

/// An integer type with named values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumType {
    /// The type's name, for display.
    pub name: String,
    /// The integer that stores it: any integer [`Scalar`].
    pub repr: Scalar,
    /// Name and value of each variant.
    pub variants: Vec<(String, i128)>,
}
