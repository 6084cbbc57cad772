//! What a topic's messages are, and how its publishers treat slow subscribers.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Match, StructType};
use crate::page::{Language, Lifetime};
use crate::segment::Permissions;

/// What the messages of a topic are.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Structs of this layout.
    Struct(Arc<StructType>),
    /// Bytes, each message of its own length.
    Bytes,
    /// Arrays; type and shape travel with each message.
    Array,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Struct(layout) => layout.name(),
            Kind::Bytes => "bytes",
            Kind::Array => "ndarray",
        })
    }
}

/// What a publisher does when a subscriber is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// It goes on: a slow subscriber loses the oldest messages, and learns how many.
    #[default]
    Overwrite,
    /// It waits for the slowest subscriber that lives.
    Block,
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Policy::Overwrite => "overwrite",
            Policy::Block => "block",
        })
    }
}

impl std::str::FromStr for Policy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Policy> {
        match text {
            "overwrite" => Ok(Policy::Overwrite),
            "block" => Ok(Policy::Block),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("policy {text:?}: there are \"overwrite\" and \"block\""),
            )),
        }
    }
}

/// The type and shape of an array's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrayType {
    /// As numpy writes it: `<f4`, `|u1`.
    pub dtype: String,
    /// The length of each dimension; C order.
    pub shape: Vec<u64>,
}

/// The most dimensions of an array: as many as numpy has.
const MAX_DIMENSIONS: usize = 64;
/// The longest name of an element's type.
const MAX_DTYPE: usize = 19;

impl ArrayType {
    /// Bytes of its elements.
    ///
    /// # Errors
    /// Invalid, where the type is none of numpy's plain ones, or the size is beyond what can be counted.
    pub fn size(&self) -> Result<usize> {
        let invalid = |what: String| Error::new(ErrorKind::Invalid, what);
        let item = self.item_size().ok_or_else(|| {
            invalid(format!(
                "an array of {:?}: this is no plain type of numpy",
                self.dtype
            ))
        })?;
        if self.shape.len() > MAX_DIMENSIONS {
            return Err(invalid(format!(
                "an array of {} dimensions; it can have {MAX_DIMENSIONS}",
                self.shape.len()
            )));
        }
        let size = self
            .shape
            .iter()
            .try_fold(item, |size, &n| size.checked_mul(usize::try_from(n).ok()?));
        size.ok_or_else(|| {
            Error::new(
                ErrorKind::TooLarge,
                format!(
                    "an array of shape {:?} has more bytes than can be counted",
                    self.shape
                ),
            )
        })
    }

    /// Bytes of one element, by numpy's name of its type.
    fn item_size(&self) -> Option<usize> {
        let name = self.dtype.as_bytes();
        if name.len() > MAX_DTYPE || !self.dtype.is_ascii() {
            return None;
        }
        let (order, rest) = (*name.first()?, self.dtype.get(1..)?);
        let kind = *rest.as_bytes().first()?;
        let digits = rest.get(1..)?;
        let digits = digits.split('[').next()?;
        let size: usize = digits.parse().ok()?;
        let known = b"<>|=".contains(&order) && b"biufcmMSUV?".contains(&kind);
        let size = if kind == b'U' {
            size.checked_mul(4)?
        } else {
            size
        };
        (known && size > 0 && size <= 1 << 20).then_some(size)
    }

    pub(super) fn check(&self, len: usize) -> Result<()> {
        let size = self.size()?;
        match size == len {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "an array of {} with shape {:?} has {size} bytes, not {len}",
                    self.dtype, self.shape
                ),
            )),
        }
    }

    /// What goes before the elements: dimensions (u16), length of the type's name (u16), zero (u32), the
    /// shape (u64 each), the name; up to a multiple of 64.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(64);
        head.extend((self.shape.len() as u16).to_le_bytes());
        head.extend((self.dtype.len() as u16).to_le_bytes());
        head.extend([0; 4]);
        for n in &self.shape {
            head.extend(n.to_le_bytes());
        }
        head.extend(self.dtype.as_bytes());
        head.resize(head.len().next_multiple_of(64), 0);
        head
    }

    /// The array of a message, and where its elements begin.
    pub(super) fn decode(bytes: &[u8]) -> Option<(ArrayType, usize)> {
        let short = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let (dimensions, name) = (usize::from(short(0)?), usize::from(short(2)?));
        if dimensions > MAX_DIMENSIONS || name > MAX_DTYPE {
            return None;
        }
        let name_at = 8 + 8 * dimensions;
        let shape = bytes.get(8..name_at)?;
        let shape = shape.as_chunks().0.iter().map(|n| u64::from_le_bytes(*n));
        let array = ArrayType {
            shape: shape.collect(),
            dtype: std::str::from_utf8(bytes.get(name_at..name_at + name)?)
                .ok()?
                .to_owned(),
        };
        let start = (name_at + name).next_multiple_of(64);
        let fits = array.size().ok()? == bytes.len().checked_sub(start)?;
        fits.then_some((array, start))
    }
}

/// How to attach to a topic. Options that are `None` are not stated: they never contradict the page.
/// The first participant that states one decides it for the page; the first publisher decides the rest.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What publishers do when a subscriber is slow (otherwise: overwrite).
    pub policy: Option<Policy>,
    /// Bytes that a publisher keeps (otherwise 256 KiB for small structs, 16 MiB for what is larger).
    pub capacity: Option<u64>,
    /// The largest message, in bytes (otherwise: the capacity; in `Block` 1 GiB).
    pub max_message: Option<u64>,
    /// How many messages of one publisher a subscriber holds in place (otherwise 8); more are copied.
    pub max_held: Option<u32>,
    /// How many past messages of each publisher a new subscriber gets first (otherwise 0).
    pub history: Option<u32>,
    /// Whether messages carry the time they were sent (otherwise: no).
    pub send_time: Option<bool>,
    /// Whether messages carry a checksum (otherwise: no).
    pub checksum: Option<bool>,
    /// How many participants the page has room for (1 to 4096; otherwise 128).
    pub max_participants: Option<u32>,
    /// Who may attach (a new page: its owner).
    pub permissions: Option<Permissions>,
    /// How long the page stays (otherwise: while it is used).
    pub lifetime: Option<Lifetime>,
    /// How much of the layouts has to agree.
    pub matching: Match,
    /// How long a publisher waits for room in `Block`: zero never waits, `None` waits for ever.
    pub timeout: Option<Duration>,
    /// The language of this side, for people.
    pub language: Language,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            policy: None,
            capacity: None,
            max_message: None,
            max_held: None,
            history: None,
            send_time: None,
            checksum: None,
            max_participants: None,
            permissions: None,
            lifetime: None,
            matching: Match::Exact,
            timeout: None,
            language: Language::Rust,
        }
    }
}
