//! The newest complete value of a struct.
//!
//! One [`Writer`] (or several, where the creator allowed it) and any number of [`Reader`]s. Readers
//! never hold up writers, writers never hold up readers, a read is never torn, and a writer that is
//! killed at any instruction leaves the last complete value readable.
//!
//! ```
//! use crosspage::latest;
//!
//! #[derive(Clone, Copy, crosspage::Layout)]
//! #[repr(C)]
//! struct Telemetry {
//!     counter: i32,
//!     temperature: f64,
//! }
//!
//! # let _namespace = crosspage::testing::namespace();
//! let mut writer = latest::Writer::<Telemetry>::create("telemetry")?;
//! writer.write(&Telemetry { counter: 42, temperature: 23.5 })?;
//!
//! let reader = latest::Reader::<Telemetry>::open("telemetry")?; // usually another process
//! let snapshot = reader.read()?.expect("written above");
//! assert_eq!((snapshot.value.counter, snapshot.version), (42, 1));
//! # Ok::<(), crosspage::Error>(())
//! ```

pub(crate) mod cell;
#[cfg(not(loom))]
mod dynamic;
mod raw;
#[cfg(not(loom))]
mod typed;

#[cfg(not(loom))]
pub use dynamic::{DynReader, DynSnapshot, DynWriter};
pub(crate) use raw::PATTERN;
pub use raw::{Meta, Options, Pinned, RawReader, RawWriter, Slot};
#[cfg(all(feature = "tokio", not(loom)))]
pub use typed::Stream;
#[cfg(not(loom))]
pub use typed::{Reader, ReaderOptions, Snapshot, Writer, WriterOptions};
