//! Models of chunks: what a subscriber holds never changes, and what nobody holds is used again.

use super::{Publisher, Shared, marks, rings};
use crate::atomic::Ordering;
use crate::loom_tests::actor::{explore, kill_everywhere};
use crate::topic::pool::{Loaned, Pool, Range, Take};
use crate::topic::ring::kind;

impl Shared {
    /// Publishes chunk `chunk`, which nobody holds, without a record.
    fn show(&self, chunk: usize, generation: u32) {
        self.fill(64 * chunk as u64, generation.into());
        marks::publish(&self.lane(), chunk, generation, 0);
    }

    /// Holds it and looks at it, if it is still there.
    fn look_held(&self, index: usize, chunk: usize, generation: u32) -> bool {
        let holds = marks::hold(&self.lane(), index, 0, chunk, generation);
        if holds {
            for _ in 0..2 {
                self.look_at(64 * chunk as u64, generation.into());
            }
            marks::release(&self.lane(), index, 0);
        }
        holds
    }

    /// Uses a chunk again, unless it is held.
    fn reuse(&self, chunk: usize, generation: u32) -> bool {
        let lane = self.lane();
        let free = marks::take(&lane, chunk, generation, || self.rows())
            || !marks::is_held(&lane, self.rows(), chunk);
        if free {
            self.show(chunk, generation);
        }
        free
    }
}

/// Two generations of one chunk.
#[test]
fn what_is_held_never_changes() {
    explore(3, || {
        let shared = Shared::with_chunks(16, false, 1);
        shared.show(0, 1);
        let reader = shared.spawn(|shared| {
            shared.enter(0);
            shared.look_held(0, 0, 1);
            shared.look_held(0, 0, 2);
        });
        shared.spawn(|shared| shared.reuse(0, 2)).done();
        reader.done();
    });
}

/// The place of the mark is the next one's as soon as it is released.
#[test]
fn one_chunk_after_the_other() {
    explore(3, || {
        let shared = Shared::with_chunks(16, false, 2);
        shared.show(0, 1);
        shared.show(1, 1);
        let reader = shared.spawn(|shared| {
            shared.enter(0);
            shared.look_held(0, 0, 1);
            shared.look_held(0, 1, 1);
        });
        shared.spawn(|shared| shared.reuse(0, 2)).done();
        reader.done();
    });
}

/// The same where the next one turns out to be gone.
#[test]
fn one_chunk_after_the_other_that_is_gone() {
    explore(3, || {
        let shared = Shared::with_chunks(16, false, 2);
        shared.show(0, 1);
        shared.show(1, 2);
        let reader = shared.spawn(|shared| {
            shared.enter(0);
            shared.look_held(0, 0, 1);
            assert!(!shared.look_held(0, 1, 1));
        });
        shared.spawn(|shared| shared.reuse(0, 2)).done();
        reader.done();
    });
}

#[test]
fn two_hold_a_chunk() {
    explore(3, || {
        let shared = Shared::with_chunks(16, false, 1);
        shared.show(0, 1);
        shared.enter(1);
        let one = shared.spawn(|shared| shared.look_held(0, 0, 1));
        let two = shared.spawn(|shared| shared.look_held(1, 0, 1));
        shared.reuse(0, 2);
        one.done();
        two.done();
    });
}

#[test]
fn a_holder_dies() {
    kill_everywhere(2, |fate| {
        let shared = Shared::with_chunks(16, false, 1);
        shared.show(0, 1);
        shared.enter(0);
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.look_held(0, 0, 1))
        };
        let reused = shared.reuse(0, 2);
        victim.join();
        shared.heal(0);
        assert!(reused || shared.reuse(0, 2), "nobody holds it");
    });
}

/// A publisher whose messages lie in chunks.
struct Store {
    publisher: Publisher,
    pool: Pool,
}

impl Shared {
    fn store(&self) -> Store {
        let publisher = self.publisher(1);
        let extent = Range {
            offset: 0,
            len: 64 * self.0.geometry.chunks as u64,
        };
        let tail = publisher.writer.position();
        let pool = Pool::recover(&self.lane(), &[extent], self.rows(), tail);
        Store {
            publisher,
            pool: pool.expect("no damage"),
        }
    }
}

impl Store {
    /// What `Outlet::take_chunk` does.
    fn take(&mut self, len: usize) -> Option<Loaned> {
        let shared = self.publisher.shared.clone();
        let lane = shared.lane();
        let rows = || shared.rows();
        let consumed = match shared.0.blocks {
            true => rings::consumed(&lane, rows),
            false => u64::MAX,
        };
        // There is no more memory to be had, whatever is held.
        match self.pool.take(&lane, len, 0, consumed, &rows) {
            Take::Chunk(loaned) => Some(loaned),
            Take::Full => None,
            Take::Grow(_) => panic!("beyond the budget"),
        }
    }

    fn send(&mut self) {
        assert!(self.try_send(), "there is room");
    }

    /// What `RawPublisher::commit` does, unless it would have to wait.
    fn try_send(&mut self) -> bool {
        let Some(loaned) = self.take(64) else {
            return false;
        };
        let number = self.publisher.writer.count() + 1;
        self.publisher.shared.fill(loaned.offset, number);
        let lane = self.publisher.shared.lane();
        if self.publisher.writer.room(&lane, 16).is_none() {
            assert!(self.publisher.make_room(16));
        }
        let room = self.publisher.writer.room(&lane, 16).expect("it was made");
        let position = self.publisher.writer.position_in(&room);
        assert!(self.pool.publish(&lane, &loaned, position));
        let word = (loaned.chunk as u64) << 32 | u64::from(loaned.generation);
        let reference = [word, loaned.offset];
        assert!(self.publisher.try_put_record(kind::REF, &reference));
        self.publisher.publish();
        true
    }
}

#[test]
fn chunks_are_used_again() {
    explore(2, || {
        let shared = Shared::with_chunks(32, false, 2);
        let subscriber = shared.subscriber(0);
        let mut store = shared.store();
        store.send();
        store.send();
        let subscriber = shared.spawn(|_| subscriber.look(2));
        store.send();
        store.send();
        subscriber.done().finish(0, 4);
    });
}

#[test]
fn a_publisher_of_chunks_dies() {
    kill_everywhere(1, |fate| {
        let shared = Shared::with_chunks(32, false, 2);
        shared.enter(0);
        let mut store = shared.store();
        store.send();
        store.send();
        // The first message, in the chunk that is used again first.
        let holder = shared.spawn(|shared| shared.look_held(0, 0, 1));
        let victim = fate.spawn(move || store.send());
        let least = if victim.join().is_some() { 3 } else { 2 };
        let mut next = shared.store();
        let count = next.publisher.writer.count();
        assert!((least..=3).contains(&count));
        next.send();
        holder.done();
        let (newcomer, total) = shared.join(1, 1);
        assert_eq!(total, next.publisher.writer.count());
        newcomer.finish(total - 1, total);
    });
}

/// Ranges change their chunk and chunks their range; and somebody who is slow is about to find out that
/// what it has marked is gone.
#[test]
fn a_publisher_dies_while_it_divides_its_memory() {
    for slow in 1..=3 {
        kill_everywhere(1, move |fate| {
            let shared = Shared::with_chunks(32, false, 3);
            shared.enter(0);
            let mut store = shared.store();
            for _ in 0..3 {
                store.send();
            }
            let victim = fate.spawn(move || {
                let whole = store.take(192).expect("there is room");
                store.pool.discard(&store.publisher.shared.lane(), &whole);
                for _ in 0..3 {
                    store.send();
                }
            });
            victim.join();
            let mark = 1 << 32 | slow;
            shared.lane().row(0).held[0].store(mark, Ordering::Relaxed);
            let mut next = shared.store();
            next.try_send();
            shared.heal(0);
            for _ in 0..4 {
                next.send();
            }
            assert!(next.take(192).is_some(), "no memory is lost");
        });
    }
}

/// What is published once it has joined is there when it comes to it.
#[test]
fn joining_beside_chunks_that_are_used_again() {
    explore(1, || {
        let shared = Shared::with_chunks(32, true, 1).quiet();
        let mut store = shared.store();
        store.send();
        let newcomer = shared.spawn(|shared| {
            let (subscriber, _) = shared.join(0, 1);
            let first = subscriber.reader.count();
            (subscriber.look(1), first)
        });
        let _ = store.try_send() && store.try_send();
        let (newcomer, first) = newcomer.done();
        newcomer.finish(first, store.publisher.writer.count());
    });
}
