//! Segments that somebody else made, or will read without knowing crosspage: bytes without a header.
//!
//! A foreign segment tells nothing about itself, so its layout comes from elsewhere: a Rust struct
//! ([`View`]), or a schema, a compiled program or a header at run time ([`DynView`]). It is as true
//! as whoever says "this is the struct that lies there".
//!
//! **There is no promise against tearing.** Whoever writes such a segment does so field by field,
//! whenever it likes, and nothing in the segment says when it is done. A plain `read` takes the
//! bytes as they are. `read_stable` reads until two copies agree, which skips a value that is being
//! written, but not one whose writer paused half-way. `read_ready` and `write_with_ready` follow the
//! convention of a ready flag (cleared, data written, flag set) with the barriers it needs; it holds
//! as far as the other side keeps to it, and a writer that never waits for its readers may still
//! overtake one. What must never tear belongs into a page: [`crate::latest`].
//!
//! On POSIX systems a segment outlives every handle: closing a view detaches and never removes.
//! [`crate::remove`] (or `crosspage rm`) does. On Windows a segment (`win:Local\NAME`) goes, bytes and name,
//! with the last handle that any program has to it; a view holds one until it is dropped.
//!
//! ```no_run
//! # fn main() -> crosspage::Result<()> {
//! use crosspage::foreign::View;
//!
//! #[derive(Clone, Copy, crosspage::Layout)]
//! #[repr(C)]
//! struct Reading { ready: bool, counter: i32, temperature: f64 }
//!
//! // What a C program made with shm_open("/sensor"), and fills.
//! let view = View::<Reading>::open("posix:/sensor")?;
//! let reading = view.read_ready("ready", std::time::Duration::from_secs(1))?;
//! println!("{} °C", reading.temperature);
//! # Ok(())
//! # }
//! ```

use std::marker::PhantomData;
use std::time::Duration;

use crate::segment::Permissions;

mod dynamic;
mod raw;
mod segments;
mod typed;

pub use dynamic::DynView;
pub use raw::RawView;
pub(crate) use segments::remove;
pub use segments::{Info, bytes, info, list, processes};
pub use typed::View;

/// How to open or create a foreign segment.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who may attach to a segment that `create` makes: its owner unless said otherwise.
    pub permissions: Permissions,
    /// Whether the view only reads; needs no permission to write. Not for `create`.
    pub read_only: bool,
    /// How long `open` waits for the segment to be there; `None` for ever, zero by default.
    pub timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            permissions: Permissions::default(),
            read_only: false,
            timeout: Some(Duration::ZERO),
        }
    }
}

/// Options for [`View`] and [`DynView`].
pub struct ViewOptions<V> {
    options: Options,
    view: PhantomData<fn() -> V>,
}

impl<V> Default for ViewOptions<V> {
    fn default() -> ViewOptions<V> {
        ViewOptions {
            options: Options::default(),
            view: PhantomData,
        }
    }
}

impl<V> ViewOptions<V> {
    /// Only read; `open` then needs no permission to write.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> ViewOptions<V> {
        self.options.read_only = read_only;
        self
    }

    /// Who may attach to a segment that `create` makes: [`Permissions::Owner`] unless said.
    #[must_use]
    pub fn permissions(mut self, permissions: Permissions) -> ViewOptions<V> {
        self.options.permissions = permissions;
        self
    }

    /// How long `open` waits for the segment to be there (`None`: for ever).
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> ViewOptions<V> {
        self.options.timeout = timeout.into();
        self
    }
}
