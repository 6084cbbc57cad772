//! Is that participant alive?
//!
//! The proof is an operating-system lock held for life: each participant of a page holds the lock on
//! one byte of the page's own file, far beyond its end ([`Byte`]). The kernel lets go of it when the
//! process dies, at any instruction. A probe that fails means *unknown*, and unknown means *alive*.

#[cfg(all(unix, not(loom)))]
pub(crate) mod fork;
/// Nobody forks on Windows, nor in the models.
#[cfg(any(windows, loom))]
pub(crate) mod fork {
    #[inline(always)]
    pub(crate) fn generation() -> u64 {
        1
    }
    pub(crate) fn watch() {}
}

#[cfg_attr(unix, path = "liveness/unix.rs")]
#[cfg_attr(windows, path = "liveness/windows.rs")]
mod clocks;
pub(crate) use clocks::{boot_id, realtime_ns, start_time};

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::segment::file::File;

/// The bytes of a page's file that carry locks. docs/layout.md has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Byte {
    /// Held for moments, exclusively: registration, take-over, healing, replacement, removal.
    Registration,
    /// Held shared for life by handles that are no participants (read-only ones).
    Observers,
    /// Held exclusively for life by the participant of this index.
    Participant(u16),
}

impl Byte {
    const BASE: u64 = 1 << 40;

    pub(crate) const fn offset(self) -> u64 {
        match self {
            Byte::Registration => Byte::BASE,
            Byte::Observers => Byte::BASE + 1,
            Byte::Participant(index) => Byte::BASE + 16 + index as u64,
        }
    }
}

/// Whether somebody else holds the byte. An error of the probe counts as yes.
pub(crate) fn is_held(file: &File, byte: Byte) -> bool {
    file.is_locked(byte.offset()).unwrap_or(true)
}

/// The registration lock, released on drop.
pub(crate) struct Registration<'a>(&'a File);

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        let _ = self.0.unlock(Byte::Registration.offset());
    }
}

/// How long the registration lock is waited for where the caller's own time-out is shorter: its
/// holder needs microseconds, so that only a stopped process can hold it for this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Takes the registration lock. Waits for the caller's deadline, and at least [`PATIENCE`].
pub(crate) fn lock_registration<'a>(
    file: &'a File,
    page: &str,
    deadline: Option<Instant>,
) -> Result<Registration<'a>> {
    let patience = Instant::now() + PATIENCE;
    let mut pause = Duration::from_micros(20);
    loop {
        let taken = file
            .try_lock(Byte::Registration.offset(), false)
            .map_err(|e| Error::os(format_args!("page {page:?}: cannot lock its file"), &e))?;
        if taken {
            return Ok(Registration(file));
        }
        let now = Instant::now();
        if now >= patience && deadline.is_some_and(|deadline| now >= deadline) {
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!("page {page:?}: another process has held its registration lock for over {PATIENCE:?}"),
            )
            .with_hint("the lock is held for microseconds unless its holder is stopped (SIGSTOP, a debugger); resume or end that process"));
        }
        crate::wait::pause(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}
