//! Where there is no wait on a word that crosses processes: sleep by the clock, in short steps.

use std::time::Duration;

use super::Alarm;
use crate::atomic::{AtomicU32, Ordering, fence};

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

/// Here every fence is a full one.
pub(crate) fn use_light_fences() {}

#[inline(always)]
pub(super) fn light_fence() {
    fence(Ordering::SeqCst);
}

pub(super) fn has_heavy_fence() -> bool {
    true
}

pub(super) fn heavy_fence() {}
