//! Where there is no wait on a word that crosses processes: sleep by the clock, in short steps.

use std::time::Duration;

use crate::atomic::{AtomicU32, Ordering};

/// What sleepers on a page's words are woken by, where that is not the clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Alarm;

impl Alarm {
    pub(crate) fn new(_instance: u128, _mode: u32) -> Alarm {
        Alarm
    }
}

/// Sleeps while `word` is `expected`, for at most `limit`.
pub(super) fn sleep(_: &Alarm, word: &AtomicU32, expected: u32, limit: Duration) {
    if word.load(Ordering::Acquire) == expected {
        std::thread::sleep(limit.min(Duration::from_millis(1)));
    }
}

/// Sleepers look by themselves.
pub(super) fn wake(_: &Alarm, _: &AtomicU32, _before: u32) {}

/// Whether spinning can help.
pub(super) fn more_than_one_cpu() -> bool {
    std::thread::available_parallelism().is_ok_and(|n| n.get() > 1)
}
