//! Arrays whose type and shape travel with them.

use super::message::RawMessage;
use super::options::ArrayType;
use crate::error::{Error, ErrorKind, Result};

/// A number that arrays consist of.
pub trait Element: sealed::Element {}

pub(super) mod sealed {
    /// # Safety
    /// Any bytes are a value, and `DTYPE` is what numpy calls the type.
    pub unsafe trait Element: Copy + Send + 'static {
        const DTYPE: &'static str;
    }
}

macro_rules! elements {
    ($($rust:ty => $dtype:literal,)*) => {$(
        impl Element for $rust {}
        // SAFETY: a number of that size; pages are little-endian, and so are all platforms of crosspage.
        unsafe impl sealed::Element for $rust {
            const DTYPE: &'static str = $dtype;
        }
    )*};
}

elements! {
    i8 => "|i1", i16 => "<i2", i32 => "<i4", i64 => "<i8",
    u8 => "|u1", u16 => "<u2", u32 => "<u4", u64 => "<u8",
    f32 => "<f4", f64 => "<f8",
}

/// An array: its type and shape, and its elements one after the other (in C order). As a message of a
/// topic it is read in place where it can be.
///
/// ```
/// use crosspage::topic::NdArray;
///
/// let image = NdArray::new(&[2, 3], &[1u16, 2, 3, 4, 5, 6])?;
/// assert_eq!((image.dtype(), image.shape()), ("<u2", &[2, 3][..]));
/// assert_eq!(image.as_slice::<u16>(), Some(&[1, 2, 3, 4, 5, 6][..]));
/// assert!(image.as_slice::<i16>().is_none(), "of another type");
/// # Ok::<(), crosspage::Error>(())
/// ```
pub struct NdArray(Data);

enum Data {
    /// The bytes lie in words, so that they are aligned for every element.
    Own {
        array: ArrayType,
        words: Box<[u64]>,
        len: usize,
    },
    /// One for which `RawMessage::array` is something.
    Message(RawMessage),
}

impl NdArray {
    /// An array of `shape` with these elements.
    ///
    /// # Errors
    /// Invalid, where the shape is for another number of elements.
    pub fn new<E: Element>(shape: &[u64], elements: &[E]) -> Result<NdArray> {
        let array = array_type::<E>(shape, elements.len())?;
        Ok(NdArray::own(array, bytes_of(elements)))
    }

    /// An array of a type that Rust does not have: `dtype` as numpy writes it, such as `<c16`.
    pub fn from_bytes(dtype: &str, shape: &[u64], bytes: &[u8]) -> NdArray {
        let array = ArrayType {
            dtype: dtype.to_owned(),
            shape: shape.to_vec(),
        };
        NdArray::own(array, bytes)
    }

    fn own(array: ArrayType, bytes: &[u8]) -> NdArray {
        let (whole, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let words = whole.iter().chain(std::iter::once(&last));
        NdArray(Data::Own {
            array,
            words: words.map(|word| u64::from_ne_bytes(*word)).collect(),
            len: bytes.len(),
        })
    }

    /// `None` where the message is no array.
    pub(super) fn received(message: RawMessage) -> Option<NdArray> {
        message.array()?;
        Some(NdArray(Data::Message(message)))
    }

    /// Type and shape.
    pub fn array_type(&self) -> &ArrayType {
        match &self.0 {
            Data::Own { array, .. } => array,
            Data::Message(message) => message.array().expect("checked when it was received"),
        }
    }

    /// The elements' type as numpy writes it: `<f4`, `|u1`.
    pub fn dtype(&self) -> &str {
        &self.array_type().dtype
    }

    /// The length of each dimension.
    pub fn shape(&self) -> &[u64] {
        &self.array_type().shape
    }

    /// The elements' bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            // SAFETY: the words have at least `len` bytes, all initialised.
            Data::Own { words, len, .. } => unsafe {
                std::slice::from_raw_parts(words.as_ptr().cast(), *len)
            },
            Data::Message(message) => message.bytes(),
        }
    }

    /// The elements; `None` where they are of another type, or not as many as the shape says.
    pub fn as_slice<E: Element>(&self) -> Option<&[E]> {
        let fits = self.dtype() == E::DTYPE
            && is_shape_of(self.shape(), self.as_bytes().len() / size_of::<E>());
        // SAFETY: any bytes are an `E`.
        let (before, elements, after) = unsafe { self.as_bytes().align_to::<E>() };
        (fits && before.is_empty() && after.is_empty()).then_some(elements)
    }
}

/// Its type and shape; the elements may be many.
impl std::fmt::Debug for NdArray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NdArray({} {:?})", self.dtype(), self.shape())
    }
}

impl PartialEq for NdArray {
    fn eq(&self, other: &NdArray) -> bool {
        self.array_type() == other.array_type() && self.as_bytes() == other.as_bytes()
    }
}

/// An own copy of the elements.
impl Clone for NdArray {
    fn clone(&self) -> NdArray {
        NdArray::own(self.array_type().clone(), self.as_bytes())
    }
}

fn is_shape_of(shape: &[u64], count: usize) -> bool {
    number_of(shape) == Some(count)
}

fn number_of(shape: &[u64]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |all, n| all.checked_mul(usize::try_from(*n).ok()?))
}

/// The type of an array of `E`, where the shape is for `count` elements.
pub(super) fn array_type<E: Element>(shape: &[u64], count: usize) -> Result<ArrayType> {
    if !is_shape_of(shape, count) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("an array of shape {shape:?} does not have {count} elements"),
        ));
    }
    Ok(ArrayType {
        dtype: E::DTYPE.to_owned(),
        shape: shape.to_vec(),
    })
}

/// The type of an array of `E`.
pub(super) fn type_of_shape<E: Element>(shape: &[u64]) -> Result<ArrayType> {
    let Some(count) = number_of(shape) else {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("an array of shape {shape:?} is larger than memory"),
        ));
    };
    array_type::<E>(shape, count)
}

pub(super) fn bytes_of<E: Element>(elements: &[E]) -> &[u8] {
    // SAFETY: numbers have no padding, so all their bytes are initialised.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}
