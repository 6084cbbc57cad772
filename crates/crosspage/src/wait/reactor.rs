//! Sleeping without a thread each: for futures.
//!
//! A thread of this process, started with the first that sleeps so, sleeps on the words of all of them at
//! once (futex_waitv(2), Linux 5.16 and later; elsewhere it looks once a millisecond) and wakes the tasks
//! whose word has changed or whose time is over. A word stays mapped for as long as somebody sleeps on it,
//! whatever becomes of the future; after the last has gone for the rest of that thread's sleep, 100 ms at most.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::WaitWord;
use crate::atomic::local::AtomicPtr;
use crate::atomic::{AtomicU32, Ordering};
use crate::liveness::fork;
use crate::segment::Kept;

/// How many sleepers one thread has: futex_waitv takes 128 words, of which one is the bell.
const MOST: usize = 127;

/// What a thread sleeps for that nobody needs.
const IDLE: Duration = Duration::from_secs(3600);

/// How often words are looked at that cannot be slept on.
const BLIND: Duration = Duration::from_millis(1);

/// A word that somebody sleeps on, and the sequence that was seen there.
struct Word {
    at: NonNull<AtomicU32>,
    sequence: u32,
    _kept: Arc<Kept>,
}

// SAFETY: `at` points to an atomic that `_kept` keeps mapped.
unsafe impl Send for Word {}

impl Word {
    fn get(&self) -> &AtomicU32 {
        // SAFETY: mapped for as long as `self` lives.
        unsafe { self.at.as_ref() }
    }

    fn has_changed(&self) -> bool {
        // Acquire: pairs with the Release in `WaitWord::wake`.
        self.get().load(Ordering::Acquire) != self.sequence
    }
}

/// One that sleeps.
struct Sleeper {
    word: Option<Word>,
    end: Instant,
    /// Who is to be woken; nobody any more, once that was done.
    waker: Option<Waker>,
}

#[derive(Default)]
struct Sleepers {
    last: u64,
    all: BTreeMap<u64, Sleeper>,
}

/// A thread, and whom it watches over.
struct Reactor {
    born: u64,
    sleepers: Mutex<Sleepers>,
    /// Counts what has changed there.
    bell: AtomicU32,
    thread: Thread,
}

/// All of this process; a forked child has none of its parent's threads, and makes another.
struct Reactors {
    born: u64,
    all: Mutex<Vec<Arc<Reactor>>>,
}

fn reactors() -> &'static Reactors {
    static CURRENT: AtomicPtr<Reactors> = AtomicPtr::new(std::ptr::null_mut());
    // Who waits for a page to be made has no handle yet that would count forks.
    fork::watch();
    // Acquire: pairs with the exchange below; who sees the pointer sees what is in it.
    let mut current = CURRENT.load(Ordering::Acquire);
    loop {
        // SAFETY: what was stored here is never freed.
        if let Some(found) = unsafe { current.as_ref() }
            && found.born == fork::generation()
        {
            return found;
        }
        let fresh = Box::into_raw(Box::new(Reactors {
            born: fork::generation(),
            all: Mutex::default(),
        }));
        // AcqRel: the Release pairs with the Acquire loads here and above.
        match CURRENT.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => current = fresh,
            Err(now) => {
                // SAFETY: made above, and nobody has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                current = now;
            }
        }
    }
}

/// What may panic under these locks is a task's waker as it is cloned, which leaves the sleepers whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reactor {
    /// One with room, and the number of the sleeper there; `None` where no thread can be started.
    fn enter(sleeper: Sleeper) -> Option<(Arc<Reactor>, u64)> {
        let mut all = locked(&reactors().all);
        let free = all
            .iter()
            .find(|one| locked(&one.sleepers).all.len() < MOST);
        let reactor = match free {
            Some(reactor) => reactor.clone(),
            None => {
                let reactor = Reactor::start()?;
                all.push(reactor.clone());
                reactor
            }
        };
        let mut sleepers = locked(&reactor.sleepers);
        sleepers.last += 1;
        let number = sleepers.last;
        sleepers.all.insert(number, sleeper);
        drop(sleepers);
        reactor.ring();
        Some((reactor, number))
    }

    fn start() -> Option<Arc<Reactor>> {
        let (hand, over) = std::sync::mpsc::channel::<Arc<Reactor>>();
        let spawned = thread::Builder::new()
            .name("crosspage wait".into())
            .spawn(move || {
                if let Ok(reactor) = over.recv() {
                    reactor.run();
                }
            });
        let thread = spawned.ok()?.thread().clone();
        let reactor = Arc::new(Reactor {
            born: fork::generation(),
            sleepers: Mutex::default(),
            bell: AtomicU32::new(0),
            thread,
        });
        let _ = hand.send(reactor.clone());
        Some(reactor)
    }

    /// Has the thread look again at who sleeps.
    fn ring(&self) {
        // Release: pairs with the Acquire in `run`.
        self.bell.fetch_add(1, Ordering::Release);
        backend::ring(&self.bell, &self.thread);
    }

    fn run(&self) -> ! {
        loop {
            // Acquire: pairs with the Release in `ring`; who came before it is seen below.
            let seen = self.bell.load(Ordering::Acquire);
            let (mut woken, mut words) = (Vec::new(), Vec::new());
            let (now, mut end) = (Instant::now(), None);
            for sleeper in locked(&self.sleepers).all.values_mut() {
                let Some(waker) = &sleeper.waker else {
                    continue;
                };
                if sleeper.end <= now || sleeper.word.as_ref().is_some_and(Word::has_changed) {
                    woken.push(waker.clone());
                    (sleeper.waker, sleeper.word) = (None, None);
                    continue;
                }
                end = Some(end.map_or(sleeper.end, |end: Instant| end.min(sleeper.end)));
                words.extend(sleeper.word.as_ref().map(|word| Word {
                    at: word.at,
                    sequence: word.sequence,
                    _kept: word._kept.clone(),
                }));
            }
            for waker in woken {
                // A task's panic is not to end the sleep of the others.
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            let left = end.map_or(IDLE, |end| end.saturating_duration_since(Instant::now()));
            backend::sleep(&self.bell, seen, &words, left);
        }
    }
}

/// Sleeps until a word has another sequence than was seen, or a time is over. May end earlier.
pub(super) struct Sleep {
    until: Option<(Option<Word>, Instant)>,
    place: Option<(Arc<Reactor>, u64)>,
}

impl Sleep {
    /// `word` is in a mapping that `kept` keeps, and was armed at `sequence`.
    pub(super) fn on(word: &WaitWord, sequence: u32, kept: &Arc<Kept>, end: Instant) -> Sleep {
        let word = Word {
            at: NonNull::from(&word.sequence),
            sequence,
            _kept: kept.clone(),
        };
        Sleep {
            until: Some((Some(word), end)),
            place: None,
        }
    }

    /// Where it is entered. In a forked child nowhere: nobody watches there, and a thread of the parent's
    /// may have held the locks.
    fn here(&self) -> Option<(&Reactor, u64)> {
        let (reactor, number) = self.place.as_ref()?;
        (reactor.born == fork::generation()).then_some((reactor, *number))
    }

    pub(super) fn for_a_while(end: Instant) -> Sleep {
        Sleep {
            until: Some((None, end)),
            place: None,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker();
        if let Some((word, end)) = self.until.take() {
            self.place = Reactor::enter(Sleeper {
                word,
                end,
                waker: Some(waker.clone()),
            });
            if self.place.is_none() {
                // Without a thread the executor has to look again and again.
                waker.wake_by_ref();
            }
            return Poll::Pending;
        }
        let Some((reactor, number)) = self.here() else {
            return Poll::Ready(());
        };
        // Dropped when the lock is free again: it may be the last of a task, which sleeps here as well.
        let _old = match locked(&reactor.sleepers).all.get_mut(&number) {
            Some(Sleeper {
                waker: Some(theirs),
                ..
            }) => std::mem::replace(theirs, waker.clone()),
            _ => return Poll::Ready(()),
        };
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some((reactor, number)) = self.here() {
            // Dropped when the lock is free again, as above.
            let _gone = locked(&reactor.sleepers).all.remove(&number);
        }
    }
}

#[cfg(target_os = "linux")]
mod backend {
    use super::{AtomicU32, BLIND, Duration, Thread, Word};
    use crate::atomic::Ordering;
    use crate::atomic::local::AtomicBool;
    use crate::wait::{Alarm, backend};

    pub(super) fn ring(bell: &AtomicU32, _: &Thread) {
        backend::wake(&Alarm, bell, 0);
    }

    /// futex_waitv(2): `struct futex_waitv` of linux/futex.h.
    #[repr(C)]
    struct Waiter {
        value: u64,
        address: u64,
        flags: u32,
        reserved: u32,
    }

    /// A word of 32 bits, which processes share.
    const FUTEX2_SIZE_U32: u32 = 2;

    pub(super) fn sleep(bell: &AtomicU32, seen: u32, words: &[Word], limit: Duration) {
        static MISSING: AtomicBool = AtomicBool::new(false);
        if MISSING.load(Ordering::Relaxed) {
            let blind = if words.is_empty() {
                limit
            } else {
                limit.min(BLIND)
            };
            return backend::sleep(&Alarm, bell, seen, blind);
        }
        let waiter = |word: &AtomicU32, value: u32| Waiter {
            value: value.into(),
            address: word.as_ptr().addr() as u64,
            flags: FUTEX2_SIZE_U32,
            reserved: 0,
        };
        let waiters: Vec<Waiter> = std::iter::once(waiter(bell, seen))
            .chain(words.iter().map(|word| waiter(word.get(), word.sequence)))
            .collect();
        // The time-out is a point in time there.
        let mut end = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: a writable place.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut end) };
        let nanoseconds = end.tv_nsec as u64 + u64::from(limit.subsec_nanos());
        let end = [
            end.tv_sec as u64 + limit.as_secs() + nanoseconds / 1_000_000_000,
            nanoseconds % 1_000_000_000,
        ];
        // SAFETY: as many waiters as said, whose words `bell` and `words` keep; a `struct
        // __kernel_timespec`, which has two 64-bit words. The kernel only reads them. EAGAIN, EINTR and
        // ETIMEDOUT mean: look again.
        let done = unsafe {
            libc::syscall(
                libc::SYS_futex_waitv,
                waiters.as_ptr(),
                waiters.len() as libc::c_uint,
                0u32,
                end.as_ptr(),
                libc::CLOCK_MONOTONIC,
            )
        };
        if done == -1 {
            let error = std::io::Error::last_os_error().raw_os_error();
            let usual = [libc::EAGAIN, libc::EINTR, libc::ETIMEDOUT];
            // An older kernel, or a sandbox that does not know the call.
            if error.is_some_and(|code| !usual.contains(&code)) {
                MISSING.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod backend {
    use super::{AtomicU32, BLIND, Duration, Thread, Word, thread};
    use crate::atomic::Ordering;

    pub(super) fn ring(_: &AtomicU32, thread: &Thread) {
        thread.unpark();
    }

    pub(super) fn sleep(bell: &AtomicU32, seen: u32, words: &[Word], limit: Duration) {
        let limit = if words.is_empty() {
            limit
        } else {
            limit.min(BLIND)
        };
        // A bell that rings from here on leaves its token, and the thread does not park.
        if bell.load(Ordering::Acquire) == seen {
            thread::park_timeout(limit);
        }
    }
}
