//! The futex: it stands where `wait`'s backends are, with the same functions.
//!
//! As in the kernel, a sleeper announces itself, then compares the word and goes to sleep under the
//! bucket's lock; a waker that finds nobody announced does not even take that lock. A sleep ends by its
//! limit only when the model says so ([`expire`]): so nothing rests on it but what has to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicUsize, fence};

use super::actor;
use crate::atomic::{AtomicU32, Ordering};
use crate::wait::Alarm;

std::thread_local! {
    static BUCKET: RefCell<Option<Rc<Bucket>>> = const { RefCell::new(None) };
}

struct Bucket {
    expired: Cell<bool>,
    announced: AtomicUsize,
    asleep: Mutex<Vec<Sleeper>>,
}

struct Sleeper {
    word: usize,
    thread: loom::thread::Thread,
}

/// A kernel in which nobody sleeps.
pub(crate) fn boot() {
    let fresh = Rc::new(Bucket {
        expired: Cell::new(false),
        announced: AtomicUsize::new(0),
        asleep: Mutex::new(Vec::new()),
    });
    BUCKET.set(Some(fresh));
}

fn bucket() -> Rc<Bucket> {
    BUCKET
        .with_borrow(|bucket| bucket.clone())
        .expect("a model is running")
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}

pub(crate) fn sleep(_: &Alarm, word: &AtomicU32, expected: u32, _limit: Duration) {
    if !actor::lives() {
        return;
    }
    let bucket = bucket();
    if bucket.expired.get() {
        loom::thread::yield_now();
        return;
    }
    bucket.announced.fetch_add(1, Ordering::Relaxed);
    fence(Ordering::SeqCst);
    let mut asleep = bucket.asleep.lock().expect("never poisoned");
    if word.load(Ordering::Relaxed) != expected {
        drop(asleep);
        bucket.announced.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let (me, thread) = (address(word), loom::thread::current());
    asleep.push(Sleeper { word: me, thread });
    drop(asleep);
    if !bucket.expired.get() {
        loom::thread::park();
    }
}

pub(crate) fn wake(_: &Alarm, word: &AtomicU32, _before: u32) {
    if actor::step() {
        let me = address(word);
        wake_where(|sleeper| sleeper.word == me);
    }
}

/// From here on every sleep ends by its limit.
pub(crate) fn expire() {
    bucket().expired.set(true);
    wake_where(|_| true);
}

fn wake_where(which: impl Fn(&Sleeper) -> bool) {
    let bucket = bucket();
    fence(Ordering::SeqCst);
    if bucket.announced.load(Ordering::Relaxed) == 0 {
        return;
    }
    let mut asleep = bucket.asleep.lock().expect("never poisoned");
    let (woken, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut *asleep).into_iter().partition(which);
    *asleep = rest;
    drop(asleep);
    for sleeper in woken {
        bucket.announced.fetch_sub(1, Ordering::Relaxed);
        sleeper.thread.unpark();
    }
}

pub(crate) fn more_than_one_cpu() -> bool {
    false
}

/// A light fence and a heavy one order what two full ones do (membarrier(2)).
#[track_caller]
pub(crate) fn light_fence() {
    crate::atomic::fence(Ordering::SeqCst);
}

pub(crate) fn has_heavy_fence() -> bool {
    true
}

pub(crate) fn heavy_fence() {}
