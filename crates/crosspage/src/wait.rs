//! Sleeping until a word changes, and waking whoever sleeps.
//!
//! A [`WaitWord`] has a sequence that sleepers sleep on and an armed flag, so that notifying nobody
//! costs a fence and a load. The flag is a mark and not a count, because a count would leak with every
//! killed waiter. It is cleared after waking, so a notifier that dies midway is made up for by the
//! next; and every sleep is bounded ([`MAX_SLEEP`]), which covers the death of the last one.
//!
//! The mark says for which sequence it was put there, so that a notifier takes away no mark that was
//! put there after it counted up: whoever relies on a mark of their own sequence or a later one is
//! awake before it is taken away. So a mark is never replaced by an earlier one.

use crate::atomic::{AtomicU32, Ordering, fence};

#[cfg(all(target_os = "linux", not(loom)))]
#[path = "wait/futex.rs"]
mod backend;
#[cfg(all(windows, not(loom)))]
#[path = "wait/windows.rs"]
mod backend;
#[cfg(all(not(target_os = "linux"), not(windows), not(loom)))]
#[path = "wait/poll.rs"]
mod backend;

#[cfg(loom)]
use crate::loom_tests::futex as backend;

#[cfg(all(windows, not(loom)))]
pub(crate) use backend::Alarm;
#[cfg(not(loom))]
pub(crate) mod bell;
#[cfg(all(feature = "tokio", not(loom)))]
mod reactor;
#[cfg(not(loom))]
mod watch;

#[cfg(not(loom))]
pub(crate) use backend::use_light_fences;
pub(crate) use blocking::{Sleep, until};
#[cfg(all(feature = "tokio", not(loom)))]
pub(crate) use blocking::{SleepAsync, until_async};
#[cfg(all(feature = "tokio", not(loom)))]
pub(crate) use reactor::Sleep as TaskSleep;
#[cfg(all(feature = "tokio", not(loom)))]
pub(crate) use watch::poll_next;
#[cfg(all(feature = "tokio", not(loom)))]
pub use watch::wait_any_async;
#[cfg(not(loom))]
pub(crate) use watch::{Anchor, sealed::Waits};
#[cfg(not(loom))]
pub use watch::{Waitable, Watch, wait_any};

/// What sleepers on a page's words are woken by, where that is more than the words themselves.
#[cfg(any(not(windows), loom))]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Alarm;

#[cfg(any(not(windows), loom))]
impl Alarm {
    pub(crate) fn new(_instance: u128, _mode: u32) -> Alarm {
        Alarm
    }
}

/// Sleeps by the clock, in a loop that looks again.
pub(crate) fn pause(time: std::time::Duration) {
    #[cfg(not(loom))]
    std::thread::sleep(time);
    #[cfg(loom)]
    crate::loom_tests::files::pause(time);
}

/// What one page's waiters sleep on: 8 bytes in the page.
#[cfg_attr(loom, derive(Default))]
#[repr(C)]
pub(crate) struct WaitWord {
    /// Counts wake-ups; sleepers compare it.
    sequence: AtomicU32,
    /// Not zero while somebody may sleep: the sequence they saw, with the top bit set.
    armed: AtomicU32,
}

const ARMED: u32 = 1 << 31;

impl WaitWord {
    /// Announces a sleeper and returns the sequence to sleep on. The caller must look once more for
    /// what it waits for before it sleeps.
    pub(crate) fn arm(&self) -> u32 {
        // Acquire: pairs with the Release in `wake`; who sees the sequence moved sees why.
        let sequence = self.sequence.load(Ordering::Acquire);
        let mine = sequence | ARMED;
        // Relaxed: nothing is read through the mark; the fence orders it.
        let mut mark = self.armed.load(Ordering::Relaxed);
        while mark == 0 || is_before(mark, mine) {
            let replaced =
                self.armed
                    .compare_exchange(mark, mine, Ordering::Relaxed, Ordering::Relaxed);
            match replaced {
                Ok(_) => break,
                Err(now) => mark = now,
            }
        }
        // SYNC POINT sleep/notify: pairs with the fence in `notify_all`. Either this thread's next look
        // sees what was published, or the notifier's load of `armed` sees the mark.
        fence(Ordering::SeqCst);
        sequence
    }

    /// Wakes every sleeper, if there may be one. To be called after publishing what they wait for.
    #[inline(always)]
    pub(crate) fn notify_all(&self, alarm: &Alarm) {
        // SYNC POINT sleep/notify: pairs with the fence in `arm`.
        fence(Ordering::SeqCst);
        let armed = self.armed.load(Ordering::Relaxed);
        if armed != 0 {
            self.wake(armed, alarm);
        }
    }

    /// [`notify_all`](WaitWord::notify_all) without a fence, for words that are slept on by
    /// [`Sleep::OnLight`]: the sleeper pays for both.
    #[inline(always)]
    pub(crate) fn notify_all_lightly(&self, alarm: &Alarm) {
        // SYNC POINT sleep/notify: pairs with the heavy fence in `arm_heavily`.
        backend::light_fence();
        let armed = self.armed.load(Ordering::Relaxed);
        if armed != 0 {
            self.wake(armed, alarm);
        }
    }

    /// [`arm`](WaitWord::arm) for a word whose notifiers use light fences.
    fn arm_heavily(&self) -> u32 {
        let sequence = self.arm();
        // SYNC POINT sleep/notify: as in `arm`, on behalf of the notifiers, too.
        backend::heavy_fence();
        sequence
    }

    /// Announces a sleeper of a word whose notifiers use light fences.
    /// `None`: this process cannot, and has to look by the clock.
    #[cfg(not(loom))]
    fn arm_lightly(&self) -> Option<u32> {
        backend::has_heavy_fence().then(|| self.arm_heavily())
    }

    #[cold]
    fn wake(&self, armed: u32, alarm: &Alarm) {
        // Release: pairs with the Acquire load in `arm`.
        let before = self.sequence.fetch_add(1, Ordering::Release);
        backend::wake(alarm, &self.sequence, before);
        // Fails when somebody has armed it for a later sequence: then that mark stays.
        let _ = self
            .armed
            .compare_exchange(armed, 0, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Wakes every sleeper whether armed or not: for closing a handle.
    pub(crate) fn wake_all(&self, alarm: &Alarm) {
        // Release: as in `wake`.
        let before = self.sequence.fetch_add(1, Ordering::Release);
        backend::wake(alarm, &self.sequence, before);
    }
}

/// Whether one mark is for an earlier sequence than another, as 31-bit numbers that wrap around.
fn is_before(mark: u32, other: u32) -> bool {
    (other.wrapping_sub(mark) << 1) as i32 > 0
}

mod blocking {
    use super::{Alarm, WaitWord, backend};
    use std::time::{Duration, Instant};

    /// No sleep is longer: what a dead notifier left undone is found this late at worst.
    pub(super) const MAX_SLEEP: Duration = Duration::from_millis(100);

    /// How long to spin before sleeping: about what a sleep and a wake-up cost.
    const SPIN: Duration = Duration::from_micros(8);

    /// Who looks by the clock does so less and less often.
    const FIRST_PAUSE: Duration = Duration::from_micros(50);
    const LAST_PAUSE: Duration = Duration::from_millis(2);

    /// How a waiter sleeps.
    #[derive(Clone, Copy)]
    pub(crate) enum Sleep<'a> {
        /// On a word of the page, which this process may write.
        On(&'a WaitWord, &'a Alarm),
        /// The same, where notifiers do without a fence.
        OnLight(&'a WaitWord, &'a Alarm),
        /// By the clock: the page is mapped read-only, so nobody can know of the waiter.
        Poll,
    }

    /// How a task sleeps.
    #[cfg(all(feature = "tokio", not(loom)))]
    #[derive(Clone, Copy)]
    pub(crate) enum SleepAsync<'a> {
        /// As [`Sleep::On`]; and what keeps the word mapped.
        On(&'a WaitWord, &'a super::Anchor),
        /// As [`Sleep::OnLight`].
        OnLight(&'a WaitWord, &'a super::Anchor),
        Poll,
    }

    /// As [`until`], for a task: sleeps without a thread, and does not spin. A future that is dropped
    /// has only looked.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub(crate) async fn until_async<R, E>(
        sleep: SleepAsync<'_>,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Result<Option<R>, E>,
    ) -> Result<Option<R>, E> {
        use super::reactor;
        use super::watch::{Armed, longest};
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(None);
            }
            let at_most = |end: Instant| deadline.map_or(end, |deadline| end.min(deadline));
            match sleep {
                SleepAsync::On(word, anchor) | SleepAsync::OnLight(word, anchor)
                    if !matches!(sleep, SleepAsync::OnLight(..)) || backend::has_heavy_fence() =>
                {
                    let sequence = match sleep {
                        SleepAsync::OnLight(..) => word.arm_heavily(),
                        _ => word.arm(),
                    };
                    if let Some(found) = look()? {
                        return Ok(Some(found));
                    }
                    let armed = Armed::new(word, sequence, anchor);
                    reactor::Sleep::new(Some(armed), at_most(longest())).await;
                }
                _ => {
                    reactor::Sleep::new(None, at_most(now + pause)).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    /// Calls `look` until it returns something, for [`SPIN`] at most.
    pub(super) fn spin<R, E>(
        mut look: impl FnMut() -> Result<Option<R>, E>,
    ) -> Result<Option<R>, E> {
        if backend::more_than_one_cpu() {
            let end = Instant::now() + SPIN;
            while Instant::now() < end {
                for _ in 0..16 {
                    crate::atomic::spin_hint();
                }
                if let Some(found) = look()? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Calls `look` until it returns something; `None` when `deadline` passes first.
    pub(crate) fn until<R, E>(
        sleep: Sleep<'_>,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Result<Option<R>, E>,
    ) -> Result<Option<R>, E> {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(None);
        }
        if let Some(found) = spin(&mut look)? {
            return Ok(Some(found));
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let armed = match sleep {
                Sleep::On(word, alarm) => Some((word, alarm, word.arm())),
                Sleep::OnLight(word, alarm) if backend::has_heavy_fence() => {
                    Some((word, alarm, word.arm_heavily()))
                }
                // Nobody would know of this sleeper in time.
                Sleep::OnLight(..) => None,
                Sleep::Poll => None,
            };
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            let left =
                match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                    Some(Duration::ZERO) => return Ok(None),
                    Some(left) => left.min(MAX_SLEEP),
                    None => MAX_SLEEP,
                };
            match armed {
                Some((word, alarm, sequence)) => {
                    backend::sleep(alarm, &word.sequence, sequence, left);
                }
                None => {
                    super::pause(pause.min(left));
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
            // Before it is armed anew: a heavy fence takes as long as the wake-up itself.
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
        }
    }
}

#[cfg(all(test, not(windows), not(loom)))]
mod tests {
    use super::*;
    use crate::atomic::local::AtomicBool;
    use std::convert::Infallible;
    use std::time::Duration;

    /// A heavy fence between the wake-up and the look would double what a wake-up takes.
    #[test]
    fn who_is_woken_looks_before_it_arms_anew() {
        let word = WaitWord {
            sequence: AtomicU32::new(0),
            armed: AtomicU32::new(0),
        };
        let published = AtomicBool::new(false);
        let mark = std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                let found = until(Sleep::On(&word, &Alarm), None, || {
                    let found = published.load(Ordering::Acquire);
                    Ok::<_, Infallible>(found.then(|| word.armed.load(Ordering::Relaxed)))
                });
                found.ok().flatten()
            });
            while word.armed.load(Ordering::Relaxed) == 0 {
                pause(Duration::from_millis(1));
            }
            pause(Duration::from_millis(10)); // It sleeps by now.
            published.store(true, Ordering::Release);
            word.notify_all(&Alarm);
            sleeper.join()
        });
        let mark = mark.expect("no panic").expect("it was published");
        assert_ne!(mark, 1 | ARMED, "armed for the sequence after the wake-up");
    }
}
