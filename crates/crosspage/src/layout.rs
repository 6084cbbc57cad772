//! Layouts: what a struct looks like in memory. Nothing here does I/O on segments.
//!
//! A [`StructType`] is the description of one struct: its fields, their types, offsets and sizes.
//! It comes from a Rust struct ([`Layout`]), from C, C++ or Python by way of their faces, from a
//! [`schema`], or from the [`descriptor`] that every page stores. Every `StructType` that exists
//! has passed the checks of [`StructType::new`], so whoever holds one may rely on its fields lying
//! inside it, in order and apart from each other.

use std::fmt;
use std::sync::Arc;

mod build;
mod canonical;
pub mod compare;
#[cfg(feature = "debuginfo")]
mod debuginfo;
pub mod descriptor;
mod json;
mod path;
pub mod plan;
#[cfg(feature = "debuginfo")]
mod probe;
pub mod rust;
#[cfg(feature = "schema")]
pub mod schema;
mod source;
mod suggest;
#[cfg(test)]
mod tests;
pub mod value;

pub use build::{Cost, MAX_ALIGN, MAX_DEPTH, MAX_FIELDS, MAX_SIZE};
pub use compare::{Difference, Match, compare, difference_table, mismatch_error};
pub use descriptor::MAX_DESCRIPTOR;
pub use plan::{Invalid, Plan, Run, WordOp};
pub use rust::FieldType;
pub use source::{Learned, from_source, learn};
pub use suggest::did_you_mean;
pub use value::{Record, Value};

/// A Rust struct whose memory layout crosspage can share. Implemented by
/// [`#[derive(crosspage::Layout)]`](macro@crate::Layout).
///
/// # Safety
/// `layout()` describes `Self` exactly: size, alignment, and every field's offset and type; every
/// byte pattern that passes [`Plan::validate`] for it is a valid `Self`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no layout that other processes could agree on",
    label = "not a shared struct",
    note = "add `#[derive(Clone, Copy, crosspage::Layout)]` and `#[repr(C)]` to the struct"
)]
pub unsafe trait Layout: Copy + Send + 'static {
    /// How a value is kept that was received; the derive chooses by size.
    #[doc(hidden)]
    type Kept<H: Send>: rust::Keep<Self, H> + Send;

    /// What the tail is called in messages `(Self, [T])`; `#[layout(tail = "points")]` names it.
    const TAIL: &'static str = "tail";

    /// The description of this struct, made once per type.
    fn layout() -> &'static Arc<StructType>;
}

/// The description of one struct: the unit that is stored, compared and printed.
#[derive(Clone, PartialEq, Eq)]
pub struct StructType {
    name: String,
    size: usize,
    align: usize,
    fields: Vec<Field>,
    cost: Cost,
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
pub enum Scalar {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

/// An integer type with named values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumType {
    /// The type's name, for display.
    pub name: String,
    /// The integer that stores it: any integer [`Scalar`].
    pub repr: Scalar,
    /// Name and value of each variant, in the order of their declaration; empty where unknown.
    pub variants: Vec<(String, i128)>,
}

impl StructType {
    /// The struct's name as its creator spells it; never compared.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes from one element of an array of this struct to the next.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The alignment: a power of two.
    pub fn align(&self) -> usize {
        self.align
    }

    /// The fields, in order of their offsets.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of this name: spelled exactly so, or else the same but for ASCII case and `_`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let exact = self.fields.iter().find(|f| f.name == name);
        exact.or_else(|| {
            self.fields
                .iter()
                .find(|f| canonical::same_name(&f.name, name))
        })
    }

    /// The element type of the tail, for the struct of a message with a last field `T[]`.
    pub fn tail(&self) -> Option<&Type> {
        match self.fields.last().map(|f| &f.ty) {
            Some(Type::Tail(elem)) => Some(elem),
            _ => None,
        }
    }

    /// What this struct counts towards the caps of an enclosing one.
    pub fn cost(&self) -> Cost {
        self.cost
    }
}

/// Prints the declaration: `SharedData (632 bytes) { processId: i32 at 0, … }`.
impl fmt::Debug for StructType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({} bytes, align {}) {{",
            self.name, self.size, self.align
        )?;
        for (i, field) in self.fields.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(
                f,
                "{comma} {}: {} at {}",
                field.name, field.ty, field.offset
            )?;
        }
        f.write_str(" }")
    }
}

impl Field {
    /// A field without unit and doc, for [`StructType::natural`] (which finds the offset).
    pub fn new(name: impl Into<String>, ty: Type) -> Field {
        Field {
            name: name.into(),
            ty,
            offset: 0,
            unit: None,
            doc: None,
        }
    }

    /// The same field at `offset`, for [`StructType::new`].
    #[must_use]
    pub fn at(mut self, offset: usize) -> Field {
        self.offset = offset;
        self
    }

    /// The same field with a unit.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Field {
        self.unit = Some(unit.into());
        self
    }

    /// The same field with a description.
    #[must_use]
    pub fn with_doc(mut self, doc: impl Into<String>) -> Field {
        self.doc = Some(doc.into());
        self
    }
}

impl Type {
    /// Bytes of one value; 0 for a tail. Saturates for types too large for any struct.
    pub fn size(&self) -> usize {
        match self {
            Type::Scalar(s) => s.size(),
            Type::Text(n) => *n,
            Type::Array(elem, n) => elem.size().saturating_mul(*n),
            Type::Struct(st) => st.size,
            Type::Enum(e) => e.repr.size(),
            Type::Tail(_) => 0,
        }
    }

    /// The alignment the type has on 64-bit platforms where nothing is packed.
    pub fn align_natural(&self) -> usize {
        match self {
            Type::Scalar(s) => s.size(),
            Type::Text(_) => 1,
            Type::Array(elem, _) | Type::Tail(elem) => elem.align_natural(),
            Type::Struct(st) => st.align,
            Type::Enum(e) => e.repr.size(),
        }
    }

    /// The type without its array dimensions, and the dimensions from the outside in (0 for a
    /// tail): `i32[4][2]` gives `i32` and `[4, 2]`.
    pub fn base_and_dims(&self) -> (&Type, Vec<usize>) {
        let (mut ty, mut dims) = (self, Vec::new());
        loop {
            let (elem, n) = match ty {
                Type::Array(elem, n) => (elem, *n),
                Type::Tail(elem) => (elem, 0),
                _ => return (ty, dims),
            };
            dims.push(n);
            ty = elem;
        }
    }
}

/// As in a schema: `i32`, `text[50]`, `f32[3]`, `i32[4][2]`, `u8[]`, or a struct's or enum's name.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Scalar(s) => f.write_str(s.name()),
            Type::Text(n) => write!(f, "text[{n}]"),
            Type::Struct(st) => f.write_str(&st.name),
            Type::Enum(e) => f.write_str(&e.name),
            // Not recursive by way of the elements: `i32[4][2]` is 4 arrays of 2, so the outer
            // dimension comes first, and text[16] inside an array of 4 reads `text[16][4]`.
            Type::Array(..) | Type::Tail(_) => {
                let (base, dims) = self.base_and_dims();
                write!(f, "{base}")?;
                dims.iter().try_for_each(|n| match n {
                    0 => f.write_str("[]"),
                    n => write!(f, "[{n}]"),
                })
            }
        }
    }
}

impl Scalar {
    /// Every scalar, in the order of their descriptor numbers.
    pub const ALL: [Scalar; 11] = [
        Scalar::Bool,
        Scalar::I8,
        Scalar::I16,
        Scalar::I32,
        Scalar::I64,
        Scalar::U8,
        Scalar::U16,
        Scalar::U32,
        Scalar::U64,
        Scalar::F32,
        Scalar::F64,
    ];

    /// Bytes of one value, which is also its natural alignment.
    pub const fn size(self) -> usize {
        match self {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::U64 | Scalar::F64 => 8,
        }
    }

    /// The name in schemas and messages: `bool`, `i8` … `f64`.
    pub const fn name(self) -> &'static str {
        match self {
            Scalar::Bool => "bool",
            Scalar::I8 => "i8",
            Scalar::I16 => "i16",
            Scalar::I32 => "i32",
            Scalar::I64 => "i64",
            Scalar::U8 => "u8",
            Scalar::U16 => "u16",
            Scalar::U32 => "u32",
            Scalar::U64 => "u64",
            Scalar::F32 => "f32",
            Scalar::F64 => "f64",
        }
    }

    /// The scalar of this [`name`](Scalar::name).
    pub fn from_name(name: &str) -> Option<Scalar> {
        Scalar::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The values an integer can hold; `None` for `bool` and the floats.
    pub const fn int_range(self) -> Option<(i128, i128)> {
        Some(match self {
            Scalar::I8 => (i8::MIN as i128, i8::MAX as i128),
            Scalar::I16 => (i16::MIN as i128, i16::MAX as i128),
            Scalar::I32 => (i32::MIN as i128, i32::MAX as i128),
            Scalar::I64 => (i64::MIN as i128, i64::MAX as i128),
            Scalar::U8 => (0, u8::MAX as i128),
            Scalar::U16 => (0, u16::MAX as i128),
            Scalar::U32 => (0, u32::MAX as i128),
            Scalar::U64 => (0, u64::MAX as i128),
            Scalar::Bool | Scalar::F32 | Scalar::F64 => return None,
        })
    }
}

impl EnumType {
    /// The name of `value`, where it has one (the first, where it has several).
    pub fn name_of(&self, value: i128) -> Option<&str> {
        self.variants
            .iter()
            .find(|(_, v)| *v == value)
            .map(|(name, _)| name.as_str())
    }

    /// The value of the variant `name`: exactly so, or else ignoring ASCII case and `_` where
    /// that leaves no doubt.
    pub fn value_of(&self, name: &str) -> Option<i128> {
        if let Some((_, v)) = self.variants.iter().find(|(n, _)| n == name) {
            return Some(*v);
        }
        let mut alike = self
            .variants
            .iter()
            .filter(|(n, _)| canonical::same_name(n, name));
        match (alike.next(), alike.next()) {
            (Some((_, v)), None) => Some(*v),
            _ => None,
        }
    }
}
