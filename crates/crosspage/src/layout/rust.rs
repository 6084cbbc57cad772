//! Layouts of Rust types: what `#[derive(Layout)]` builds on.

use super::{Cost, Scalar, Type};
use crate::Text;

/// A Rust type that may be a field of a shared struct: `bool`, integers of fixed width, floats,
/// [`Text<N>`], arrays of these, and structs and enums that derive [`Layout`](macro@crate::Layout).
///
/// # Safety
/// `ty()` describes `Self` exactly, and every byte pattern that passes
/// [`Plan::validate`](super::Plan::validate) for it is a valid `Self`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between processes and languages",
    label = "not a type that crosspage can share",
    note = "fields may be `bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `crosspage::Text<N>`, \
            arrays `[T; N]` of these, and structs and enums with `#[derive(crosspage::Layout)]`"
)]
pub unsafe trait FieldType: Copy + Send + 'static {
    /// What the type counts towards the caps on a struct; derived structs check it at compile
    /// time.
    const COST: Cost;

    /// The description of this type.
    fn ty() -> Type;
}

macro_rules! scalars {
    ($($rust:ty => $scalar:ident,)*) => {$(
        // SAFETY: the scalar of the same name, which has the same size and representation; every
        // bit pattern of a number is valid, and `Plan::normalise` and `validate` see to `bool`.
        unsafe impl FieldType for $rust {
            const COST: Cost = Cost::PLAIN;

            fn ty() -> Type {
                Type::Scalar(Scalar::$scalar)
            }
        }
    )*};
}

scalars! {
    bool => Bool, i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64, f32 => F32, f64 => F64,
}

// SAFETY: `[T; N]` is N values of `T`, each `size_of::<T>()` bytes after the one before; it is
// valid where each element is, and `validate` looks at each.
unsafe impl<T: FieldType, const N: usize> FieldType for [T; N] {
    const COST: Cost = {
        assert!(N > 0, "an array of 0 elements cannot be shared");
        T::COST.array()
    };

    fn ty() -> Type {
        Type::Array(Box::new(T::ty()), N)
    }
}

// SAFETY: `Text<N>` is `repr(transparent)` over `[u8; N]`, for which every byte pattern is valid.
unsafe impl<const N: usize> FieldType for Text<N> {
    const COST: Cost = {
        assert!(N > 0, "a text of 0 bytes cannot be shared");
        Cost::PLAIN
    };

    fn ty() -> Type {
        Type::Text(N)
    }
}

/// How a value is kept that was received: a small one beside what is known of it; a large one, which the
/// stack has no room for, in whatever holds it (`H`) or in a box.
///
/// Only the type itself knows its size where its fields are chosen, so the derive names one of the two.
#[doc(hidden)]
pub trait Keep<T, H>: Sized {
    /// Whether this is nothing but a `T`.
    const SMALL: bool;

    /// One that `holder` holds; a small one is not to be held.
    fn held(holder: H) -> Result<Self, H>;

    /// One that was copied.
    fn boxed(value: Box<T>) -> Self;

    /// The value; where it is held, `find` finds it.
    fn get(&self, find: impl Fn(&H) -> &T) -> &T;
}

/// See [`Keep`].
#[doc(hidden)]
#[derive(Debug)]
#[repr(transparent)]
pub struct Small<T>(T);

impl<T, H> Keep<T, H> for Small<T> {
    const SMALL: bool = true;

    fn held(holder: H) -> Result<Self, H> {
        Err(holder)
    }

    fn boxed(value: Box<T>) -> Self {
        Small(*value)
    }

    #[inline(always)]
    fn get(&self, _: impl Fn(&H) -> &T) -> &T {
        &self.0
    }
}

/// See [`Keep`].
#[doc(hidden)]
#[derive(Debug)]
pub enum Large<T, H> {
    Held(H),
    Boxed(Box<T>),
}

impl<T, H> Keep<T, H> for Large<T, H> {
    const SMALL: bool = false;

    fn held(holder: H) -> Result<Self, H> {
        Ok(Large::Held(holder))
    }

    fn boxed(value: Box<T>) -> Self {
        Large::Boxed(value)
    }

    fn get(&self, find: impl Fn(&H) -> &T) -> &T {
        match self {
            Large::Held(holder) => find(holder),
            Large::Boxed(value) => value,
        }
    }
}

/// What the derive's code needs at hand. No part of the API.
#[doc(hidden)]
#[allow(missing_docs, reason = "no part of the API")]
pub mod derive {
    pub use std::sync::{Arc, OnceLock};

    pub use super::super::{
        Cost, EnumType, Field, FieldType, Layout, MAX_ALIGN, MAX_SIZE, Scalar, StructType, Type,
    };

    /// The larger of the two [`Keep`](super::Keep)s begins beyond this many bytes.
    pub const SMALL: usize = 4096;

    /// Chooses by whether a type is small.
    pub struct Choose<const IS_SMALL: bool>;

    /// What was chosen.
    pub trait Chosen {
        type Kept<T, H>: super::Keep<T, H>;
    }

    impl Chosen for Choose<true> {
        type Kept<T, H> = super::Small<T>;
    }

    impl Chosen for Choose<false> {
        type Kept<T, H> = super::Large<T, H>;
    }

    /// Whether a struct keeps to the caps.
    pub const fn is_allowed<T>(cost: Cost) -> bool {
        cost.is_allowed() && size_of::<T>() <= MAX_SIZE && align_of::<T>() <= MAX_ALIGN
    }

    /// One field; an empty unit or doc is none.
    pub fn field(name: &str, ty: Type, offset: usize, unit: &str, doc: &str) -> Field {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Field {
            name: name.to_owned(),
            ty,
            offset,
            unit: text(unit),
            doc: text(doc),
        }
    }

    /// The description of a struct.
    pub fn describe<T, const N: usize>(name: &str, fields: [Field; N]) -> Arc<StructType> {
        match StructType::new(name, size_of::<T>(), align_of::<T>(), fields.into()) {
            Ok(st) => Arc::new(st),
            Err(e) => unreachable!("the derive checks all that `new` does: {e}"),
        }
    }

    /// The description of an enum.
    pub fn describe_enum(name: &str, repr: Scalar, variants: &[(&str, i128)]) -> Arc<EnumType> {
        let variants = variants
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        Arc::new(EnumType {
            name: name.to_owned(),
            repr,
            variants,
        })
    }
}
