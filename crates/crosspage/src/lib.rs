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
pub(crate) mod liveness;
pub mod locator;
#[cfg(loom)]
pub(crate) mod loom_tests;
pub(crate) mod page;
pub mod registry;
pub(crate) mod segment;
pub mod testing;
pub mod text;
pub mod topic;
pub(crate) mod wait;

#[cfg(feature = "derive")]
pub use crosspage_derive::Layout;
pub use error::{Error, ErrorKind, Result};
pub use layout::{Layout, Match};
pub use locator::Locator;
pub use page::{Language, Lifetime, Participant};
pub use registry::{gc, list, remove, remove_forced};
pub use segment::Permissions;
pub use text::Text;
#[cfg(all(feature = "tokio", not(loom)))]
pub use wait::wait_any_async;
#[cfg(not(loom))]
pub use wait::{Waitable, Watch, wait_any};
