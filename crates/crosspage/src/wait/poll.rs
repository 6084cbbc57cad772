//! Where there is no wait on a word that crosses processes: sleep by the clock, in short steps.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Alarm;
use super::watch::Armed;
use crate::atomic::{AtomicU32, Ordering, fence};

/// Sleeps while `word` is `expected`, for at most `limit`.
pub(super) fn sleep(_: &Alarm, word: &AtomicU32, expected: u32, limit: Duration) {
    if word.load(Ordering::Acquire) == expected {
        std::thread::sleep(limit.min(Duration::from_millis(1)));
    }
}

/// So many words [`sleep_on_any`] looks at.
pub(super) const MOST: usize = 127;

/// What a thread is woken by that sleeps on words of pages.
pub(super) struct Doorbell {
    rung: Mutex<u32>,
    rings: Condvar,
}

// Only the reactor sleeps with one.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
impl Doorbell {
    pub(super) fn new() -> io::Result<Doorbell> {
        Ok(Doorbell {
            rung: Mutex::new(0),
            rings: Condvar::new(),
        })
    }

    /// For [`sleep_on_any`]: who rings from here on ends the sleep.
    pub(super) fn seen(&self) -> u32 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ring(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        *rung = rung.wrapping_add(1);
        self.rings.notify_all();
    }
}

/// Sleeps until the doorbell rings, and for at most `limit`; where there are words, only for as long as they
/// need not be looked at.
pub(super) fn sleep_on_any(doorbell: Option<(&Doorbell, u32)>, words: &[&Armed], limit: Duration) {
    let limit = match words {
        [] => limit,
        _ => limit.min(Duration::from_millis(1)),
    };
    if words.iter().any(|armed| armed.has_changed()) {
        return;
    }
    match doorbell {
        None => std::thread::sleep(limit),
        Some((bell, seen)) => {
            let rung = bell.rung.lock().unwrap_or_else(PoisonError::into_inner);
            drop(
                bell.rings
                    .wait_timeout_while(rung, limit, |rung| *rung == seen),
            );
        }
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
