//! Typed shared memory that Rust, C, C++ and Python processes agree on.

pub mod error;
pub mod layout;
pub mod text;

#[cfg(feature = "derive")]
pub use crosspage_derive::Layout;
pub use error::{Error, ErrorKind, Result};
pub use layout::Layout;
pub use text::Text;
