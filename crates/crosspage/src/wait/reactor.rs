//! Sleeping without a thread each: for futures.
//!
//! A thread of this process, started with the first that sleeps so, sleeps on the words of many of them at
//! once (futex_waitv(2), Linux 5.16 and later; WaitForMultipleObjects; elsewhere it looks once a millisecond)
//! and wakes the tasks whose word has changed or whose time is over. A word stays mapped for as long as somebody sleeps on it,
//! whatever becomes of the future; after the last has gone for the rest of that thread's sleep, 100 ms at most.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::backend::{self, Doorbell};
use super::watch::Armed;
use crate::atomic::Ordering;
use crate::atomic::local::AtomicPtr;
use crate::liveness::fork;

/// What a thread sleeps for that nobody needs.
const IDLE: Duration = Duration::from_secs(3600);

/// One that sleeps.
struct Sleeper {
    word: Option<Armed>,
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
    /// Rings when something has changed there.
    bell: Doorbell,
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
            .find(|one| locked(&one.sleepers).all.len() < backend::MOST);
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
        reactor.bell.ring();
        Some((reactor, number))
    }

    fn start() -> Option<Arc<Reactor>> {
        let reactor = Arc::new(Reactor {
            born: fork::generation(),
            sleepers: Mutex::default(),
            bell: Doorbell::new().ok()?,
        });
        let ringer = reactor.clone();
        let spawned = thread::Builder::new()
            .name("crosspage wait".into())
            .spawn(move || ringer.run());
        spawned.ok()?;
        Some(reactor)
    }

    fn run(&self) -> ! {
        loop {
            // Who came before it rang is seen below.
            let seen = self.bell.seen();
            let (mut woken, mut words) = (Vec::new(), Vec::new());
            let (now, mut end) = (Instant::now(), None);
            for sleeper in locked(&self.sleepers).all.values_mut() {
                let Some(waker) = &sleeper.waker else {
                    continue;
                };
                if sleeper.end <= now || sleeper.word.as_ref().is_some_and(Armed::has_changed) {
                    woken.push(waker.clone());
                    (sleeper.waker, sleeper.word) = (None, None);
                    continue;
                }
                end = Some(end.map_or(sleeper.end, |end: Instant| end.min(sleeper.end)));
                words.extend(sleeper.word.clone());
            }
            for waker in woken {
                // A task's panic is not to end the sleep of the others.
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            let left = end.map_or(IDLE, |end| end.saturating_duration_since(Instant::now()));
            let words: Vec<&Armed> = words.iter().collect();
            backend::sleep_on_any(Some((&self.bell, seen)), &words, left);
        }
    }
}

/// Sleeps until a word has another sequence than was seen, or a time is over. May end earlier.
pub(crate) struct Sleep {
    until: Option<(Option<Armed>, Instant)>,
    place: Option<(Arc<Reactor>, u64)>,
}

impl Sleep {
    pub(super) fn new(word: Option<Armed>, end: Instant) -> Sleep {
        Sleep {
            until: Some((word, end)),
            place: None,
        }
    }

    /// Where it is entered. In a forked child nowhere: nobody watches there, and a thread of the parent's
    /// may have held the locks.
    fn here(&self) -> Option<(&Reactor, u64)> {
        let (reactor, number) = self.place.as_ref()?;
        (reactor.born == fork::generation()).then_some((reactor, *number))
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
