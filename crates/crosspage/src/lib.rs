//! Typed shared memory that Rust, C, C++ and Python processes agree on.
//!
//! A *page* is a named piece of shared memory with a layout, a table of participants, and one pattern.
//! Start with [`latest`]: the newest value of a struct, for any number of readers.
//!
//! No daemon, no set-up: whoever comes first makes the page, whoever comes next compares layouts field
//! by field, and whatever is killed at whatever instruction, the next process goes on from the last
//! complete value.

pub(crate) mod atomic;
pub mod error;
#[cfg(not(loom))]
pub mod foreign;
pub mod latest;
pub mod layout;
#[cfg(not(loom))]
pub(crate) mod liveness;
#[cfg(not(loom))]
pub mod locator;
#[cfg(not(loom))]
pub(crate) mod page;
#[cfg(not(loom))]
pub mod registry;
#[cfg(not(loom))]
pub(crate) mod segment;
#[cfg(not(loom))]
pub mod testing;
pub mod text;
pub(crate) mod wait;

#[cfg(feature = "derive")]
pub use crosspage_derive::Layout;
pub use error::{Error, ErrorKind, Result};
pub use layout::{Layout, Match};
#[cfg(not(loom))]
pub use locator::Locator;
#[cfg(not(loom))]
pub use page::{Language, Lifetime, Participant};
#[cfg(not(loom))]
pub use registry::{gc, list, remove};
#[cfg(not(loom))]
pub use segment::Permissions;
pub use text::Text;
