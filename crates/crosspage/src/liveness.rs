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

/// Between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

/// So much of the time between two looks counts: as long as a short sleep takes by the coarsest of clocks.
const MOST_AT_A_TIME: Duration = Duration::from_millis(20);

/// Time in which others could do what they are waited for. A machine that stands still (it is suspended or
/// migrated, its container is paused or has no processor to itself) stops the holder of a lock as it stops
/// who waits for it, and lets either go on first.
struct Patience {
    left: Duration,
    looked: Instant,
}

impl Patience {
    fn new(left: Duration) -> Patience {
        Patience {
            left,
            looked: Instant::now(),
        }
    }

    /// Whether it has come to its end by now.
    fn is_over(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.looked);
        self.looked = now;
        self.left = self.left.saturating_sub(passed.min(MOST_AT_A_TIME));
        self.left.is_zero()
    }
}

/// Takes the registration lock. Waits for the caller's deadline, and at least [`PATIENCE`].
pub(crate) fn lock_registration<'a>(
    file: &'a File,
    page: &str,
    deadline: Option<Instant>,
) -> Result<Registration<'a>> {
    let mut patience = Patience::new(PATIENCE);
    let mut pause = Duration::from_micros(20);
    loop {
        let taken = file
            .try_lock(Byte::Registration.offset(), false)
            .map_err(|e| Error::os(format_args!("page {page:?}: cannot lock its file"), &e))?;
        if taken {
            return Ok(Registration(file));
        }
        let now = Instant::now();
        if patience.is_over(now) && deadline.is_some_and(|deadline| now >= deadline) {
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!("page {page:?}: another process has held its registration lock for over {PATIENCE:?}"),
            )
            .with_hint("the lock is held for microseconds unless its holder is stopped (SIGSTOP, a debugger); resume or end that process"));
        }
        crate::wait::pause(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn patience_does_not_end_while_the_machine_stands_still() {
        let mut patience = Patience::new(Duration::from_millis(50));
        let mut now = Instant::now();
        let mut after = |passed| {
            now += Duration::from_millis(passed);
            patience.is_over(now)
        };
        assert!(!after(20));
        assert!(!after(60_000), "a minute in which nobody ran");
        assert!(!after(9));
        assert!(after(1));
    }
}
