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
