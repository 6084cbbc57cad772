//! Is that participant alive?
//!
//! The proof is an operating-system lock held for life: each participant of a page holds the lock on
//! one byte of the page's own file, far beyond its end ([`Byte`]). The kernel lets go of it when the
//! process dies, at any instruction. A probe that fails means *unknown*, and unknown means *alive*.

#[cfg(not(loom))]
pub(crate) mod fork;
/// Nobody forks in the models.
#[cfg(loom)]
pub(crate) mod fork {
    pub(crate) fn generation() -> u64 {
        1
    }
}

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

    pub(crate) fn offset(self) -> u64 {
        match self {
            Byte::Registration => Byte::BASE,
            Byte::Observers => Byte::BASE + 1,
            Byte::Participant(index) => Byte::BASE + 16 + u64::from(index),
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

/// Nanoseconds since 1970 (CLOCK_REALTIME): the times that pages store.
#[inline]
pub(crate) fn realtime_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable; CLOCK_REALTIME always exists (clock_gettime(2)).
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// A number for this boot of this machine; zero where the system has none.
pub(crate) fn boot_id() -> u128 {
    static BOOT: std::sync::OnceLock<u128> = std::sync::OnceLock::new();
    *BOOT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        u128::from_str_radix(&digits, 16).unwrap_or(0)
    })
}

/// When this process began, in clock ticks since boot (proc(5), field 22); for people only.
pub(crate) fn start_time() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        return 0;
    };
    // The command name may hold anything, parentheses included: fields start after the last one.
    let Some((_, fields)) = text.rsplit_once(')') else {
        return 0;
    };
    fields
        .split_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok())
        .unwrap_or(0)
}
