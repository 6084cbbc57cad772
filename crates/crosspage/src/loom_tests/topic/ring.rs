//! Models of the ring: one publisher, and subscribers that are too slow, come, and go.

use super::Shared;
use crate::atomic::Ordering;
use crate::loom_tests::actor::{explore, kill_everywhere};
use crate::topic::ring::{Peek, detach};

/// Records of 16 bytes, one in each eighth.
const ONE: usize = 1;
/// Records of 24 bytes, which do not come out even.
const TWO: usize = 2;

#[test]
fn one_is_lapped() {
    explore(2, || {
        let shared = Shared::new(16, false);
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(8);
        let subscriber = shared.spawn(|_| subscriber.look(2));
        publisher.send_many(2);
        subscriber.done().finish(0, 10);
    });
}

/// It was lapped before, and is again while it looks for where to go on.
#[test]
fn one_is_lapped_again() {
    explore(2, || {
        let shared = Shared::new(16, false);
        let mut subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(9);
        let subscriber = shared.spawn(|_| {
            subscriber.resume();
            subscriber
        });
        publisher.send_many(2);
        subscriber.done().finish(0, 11);
    });
}

#[test]
fn values_of_two_words_are_not_torn() {
    explore(2, || {
        let shared = Shared::new(32, false);
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(TWO);
        publisher.send_many(9);
        let subscriber = shared.spawn(|_| subscriber.look(1));
        publisher.send_many(2);
        subscriber.done().finish(0, 11);
    });
}

#[test]
fn two_are_lapped() {
    explore(1, || {
        let shared = Shared::new(16, false);
        let (one, two) = (shared.subscriber(0), shared.subscriber(1));
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(8);
        // The other one is quick.
        let two = two.look(7);
        let one = shared.spawn(|_| one.look(1));
        let two = shared.spawn(|_| two.look(2));
        publisher.send_many(1);
        one.done().finish(0, 9);
        two.done().finish(0, 9);
    });
}

#[test]
fn a_batch_is_published_at_once() {
    explore(2, || {
        let shared = Shared::new(32, false);
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(15);
        let subscriber = shared.spawn(|_| subscriber.look(2));
        publisher.send();
        assert!(publisher.try_put() && publisher.try_put());
        publisher.publish();
        subscriber.done().finish(0, 18);
    });
}

/// In overwrite, while the publisher laps.
#[test]
fn joining_with_history_beside_laps() {
    explore(2, || {
        let shared = Shared::new(16, false);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(9);
        let newcomer = shared.spawn(|shared| {
            let (subscriber, joined) = shared.join(0, 2);
            let first = subscriber.reader.count();
            assert!(first >= joined.saturating_sub(2) && joined >= 9);
            (subscriber.look(1), first)
        });
        publisher.send_many(2);
        let (newcomer, first) = newcomer.done();
        newcomer.finish(first, 11);
    });
}

#[test]
fn joining_the_first_message() {
    explore(2, || {
        let shared = Shared::new(16, false);
        let mut publisher = shared.publisher(ONE);
        let newcomer = shared.spawn(|shared| {
            let (subscriber, _) = shared.join(0, 1);
            let first = subscriber.reader.count();
            (subscriber.look(1), first)
        });
        publisher.send_many(2);
        let (newcomer, first) = newcomer.done();
        newcomer.finish(first, 2);
    });
}

#[test]
fn the_publisher_waits_for_the_slowest() {
    explore(2, || {
        let shared = Shared::new(16, true);
        let (one, two) = (shared.subscriber(0), shared.subscriber(1));
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(7);
        let one = shared.spawn(|_| one.recv_many(1));
        let two = shared.spawn(|_| two.recv_many(2));
        publisher.send_many(1);
        one.done().finish(0, 8);
        two.done().finish(0, 8);
    });
}

/// What a subscriber reads in place is not written to before it has moved on.
#[test]
fn what_is_read_in_place() {
    explore(2, || {
        // Two records in each eighth: of the two below only the first looks how far the subscriber is.
        let shared = Shared::new(32, true).quiet();
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(15);
        let subscriber = shared.spawn(|_| subscriber.look(2));
        for _ in 0..2 {
            if publisher.try_put() {
                publisher.publish();
            }
        }
        let total = publisher.writer.count();
        subscriber.done().finish(0, total);
    });
}

/// The next one that has its place in the table says, with its own cursor, that the last one has moved on.
#[test]
fn what_the_last_one_has_read_in_place() {
    explore(2, || {
        let shared = Shared::new(32, true).quiet();
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(15);
        let next = shared.spawn(move |shared| {
            subscriber.look(1);
            detach(&shared.lane(), 0);
            let (next, _) = shared.join(0, 0);
            let first = next.reader.count();
            (next, first)
        });
        for _ in 0..2 {
            if publisher.try_put() {
                publisher.publish();
            }
        }
        let (next, first) = next.done();
        next.finish(first, publisher.writer.count());
    });
}

/// Another thread closes the handle while a message is read, so the publisher waits no longer: what was read
/// counts only where the cursor still stands.
#[test]
fn one_is_closed_while_it_reads() {
    explore(2, || {
        let shared = Shared::new(16, true).quiet();
        let mut subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(7);
        let closer = shared.spawn(|shared| detach(&shared.lane(), 0));
        let reader = shared.spawn(move |shared| {
            let lane = shared.lane();
            let peeked = subscriber.reader.peek(&lane);
            if let Peek::Record(record) = peeked.expect("no damage") {
                let number = record.words(&lane).at(0).load(Ordering::Relaxed);
                assert!(number == 1 || !subscriber.reader.holds(&lane));
            }
        });
        for _ in 0..2 {
            if publisher.try_put() {
                publisher.publish();
            }
        }
        closer.done();
        reader.done();
    });
}

/// Both sleep in turn: for room, and for messages.
#[test]
fn both_sides_sleep() {
    explore(2, || {
        let shared = Shared::new(16, true);
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(7);
        let subscriber = shared.spawn(|_| subscriber.recv_many(9));
        publisher.send_many(2);
        subscriber.done().finish(0, 9);
    });
}

/// Its cursor is seen, or it sees the limit.
#[test]
fn joining_beside_a_publisher_that_would_wait() {
    for history in [0, 7] {
        explore(2, move || {
            let shared = Shared::new(16, true);
            let mut publisher = shared.publisher(ONE);
            publisher.send_many(8);
            let newcomer = shared.spawn(move |shared| {
                let (subscriber, joined) = shared.join(0, history);
                let first = subscriber.reader.count();
                assert!(first <= joined);
                (subscriber.recv_many((8 - first.min(8)) as usize), first)
            });
            publisher.send_many(2);
            let (newcomer, first) = newcomer.done();
            newcomer.finish(first, 10);
        });
    }
}

/// Its place in the table is another's as soon as it is gone, who does not hold up what it had read.
#[test]
fn one_leaves_and_another_joins() {
    explore(2, || {
        let shared = Shared::new(16, true);
        let mut subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(7);
        let one = shared.spawn(move |shared| {
            subscriber.recv();
            shared.heal(0);
            let (subscriber, _) = shared.join(0, 0);
            let first = subscriber.reader.count();
            (subscriber, first)
        });
        publisher.send_many(2);
        let (one, first) = one.done();
        one.finish(first, 9);
    });
}

#[test]
fn a_dead_subscriber_holds_nobody_up() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(16, true);
        let (subscriber, living) = (shared.subscriber(0), shared.subscriber(1));
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(7);
        let living = living.recv_many(7);
        let victim = fate.spawn(|| drop(subscriber.recv_many(2)));
        let publisher = shared.spawn(move |_| publisher.send_many(3));
        victim.join();
        shared.heal(0);
        publisher.done();
        living.finish(0, 10);
    });
}

#[test]
fn a_newcomer_dies() {
    kill_everywhere(1, |fate| {
        let shared = Shared::new(16, true);
        let mut publisher = shared.publisher(ONE);
        publisher.send_many(8);
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || drop(shared.join(0, 7)))
        };
        let publisher = shared.spawn(move |_| publisher.send_many(2));
        victim.join();
        shared.heal(0);
        publisher.done();
        let (next, count) = shared.join(0, 7);
        assert_eq!(count, 10);
        let first = next.reader.count();
        assert!(first <= 4);
        next.finish(first, 10);
    });
}
