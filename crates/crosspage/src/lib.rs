//! Typed shared memory that Rust, C, C++ and Python processes agree on.

pub mod error;
pub mod layout;

pub use error::{Error, ErrorKind, Result};
