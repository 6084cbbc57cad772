//! Models of sleeping and waking. A sleeper that nobody wakes is a deadlock, which ends the model.
//!
//! What is waited for is published and looked at with relaxed accesses: the weakest that a pattern
//! could use. Sleeps have no limit, but where the last notifier dies: then, and only then, time runs out.

use std::convert::Infallible;
use std::sync::Arc;

use super::actor::{self, Handle, explore, kill_everywhere};
use super::futex;
use crate::atomic::{AtomicU64, Ordering};
use crate::wait::{Alarm, Sleep, WaitWord, until};

#[derive(Default)]
struct Shared {
    word: WaitWord,
    published: AtomicU64,
}

impl Shared {
    fn publish(&self, value: u64) {
        self.published.store(value, Ordering::Relaxed);
        self.word.notify_all(&Alarm);
    }

    fn wait_for(&self, least: u64) -> u64 {
        let found = until(Sleep::On(&self.word, &Alarm), None, || {
            let value = self.published.load(Ordering::Relaxed);
            Ok::<_, Infallible>((value >= least).then_some(value))
        });
        found.expect("infallible").expect("there is no deadline")
    }

    fn spawn<R: Send + 'static>(
        self: &Arc<Shared>,
        run: impl FnOnce(&Shared) -> R + Send + 'static,
    ) -> Handle<R> {
        let shared = self.clone();
        actor::spawn(move || run(&shared))
    }
}

#[test]
fn one_sleeper_one_notifier() {
    explore(3, || {
        let shared = Arc::<Shared>::default();
        let sleeper = shared.spawn(|shared| shared.wait_for(1));
        shared.publish(1);
        sleeper.done();
    });
}

#[test]
fn one_sleeper_waits_twice() {
    explore(2, || {
        let shared = Arc::<Shared>::default();
        let sleeper = shared.spawn(|shared| {
            shared.wait_for(1);
            shared.wait_for(2);
        });
        shared.publish(1);
        shared.publish(2);
        sleeper.done();
    });
}

#[test]
fn two_sleepers_one_notifier() {
    explore(2, || {
        let shared = Arc::<Shared>::default();
        let one = shared.spawn(|shared| shared.wait_for(1));
        let two = shared.spawn(|shared| shared.wait_for(2));
        let notifier = shared.spawn(|shared| {
            shared.publish(1);
            shared.publish(2);
        });
        one.done();
        two.done();
        notifier.done();
    });
}

#[test]
fn one_sleeper_two_notifiers() {
    explore(2, || {
        let shared = Arc::<Shared>::default();
        let sleeper = shared.spawn(|shared| {
            shared.wait_for(1);
            shared.wait_for(2);
        });
        let publish = |shared: &Shared| {
            shared.published.fetch_add(1, Ordering::Relaxed);
            shared.word.notify_all(&Alarm);
        };
        let other = shared.spawn(publish);
        publish(&shared);
        other.done();
        sleeper.done();
    });
}

/// A notifier dies, and what it has not done the next one makes up for.
#[test]
fn a_notifier_dies_and_another_follows() {
    kill_everywhere(3, |fate| {
        let shared = Arc::<Shared>::default();
        let sleeper = shared.spawn(|shared| shared.wait_for(1));
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.publish(1))
        };
        victim.join();
        shared.publish(2);
        sleeper.done();
    });
}

/// The same while the next one is at it already.
#[test]
fn a_notifier_dies_beside_another() {
    kill_everywhere(2, |fate| {
        let shared = Arc::<Shared>::default();
        let sleeper = shared.spawn(|shared| shared.wait_for(2));
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.word.notify_all(&Alarm))
        };
        shared.publish(1);
        shared.publish(2);
        victim.join();
        sleeper.done();
    });
}

/// Nobody follows: the sleep's limit is what ends it, and it finds what was published.
#[test]
fn the_last_notifier_dies() {
    kill_everywhere(3, |fate| {
        let shared = Arc::<Shared>::default();
        let sleeper = {
            let shared = shared.clone();
            actor::spawn(move || {
                let mut looks = 0;
                let found = until(Sleep::On(&shared.word, &Alarm), None, || {
                    looks += 1;
                    assert!(looks < 10, "it sleeps, and does not spin");
                    let value = shared.published.load(Ordering::Relaxed);
                    Ok::<_, Infallible>((value > 0).then_some(value))
                });
                found.expect("infallible")
            })
        };
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.publish(1))
        };
        if victim.join().is_none() {
            // If it had not published yet nothing will ever come, and the model ends the wait.
            let _ = shared.published.compare_exchange(
                0,
                u64::MAX,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            futex::expire();
        }
        sleeper.done();
    });
}

/// A sleeper dies; its mark stays, and holds up nobody.
#[test]
fn a_sleeper_dies() {
    kill_everywhere(2, |fate| {
        let shared = Arc::<Shared>::default();
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.wait_for(1))
        };
        let other = shared.spawn(|shared| shared.wait_for(2));
        shared.publish(1);
        shared.publish(2);
        victim.join();
        other.done();
    });
}

/// `close` wakes whoever waits on the handle, armed or not. What they look at then is another word
/// than the one that notifiers publish, so nothing but the sequence can tell them of it.
#[test]
fn closing_wakes_the_sleeper() {
    explore(3, || {
        let shared = Arc::<Shared>::default();
        let sleeper = shared.spawn(|shared| shared.wait_for(1));
        shared.published.store(1, Ordering::Relaxed);
        shared.word.wake_all(&Alarm);
        sleeper.done();
    });
}
