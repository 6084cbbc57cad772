//! Models of a publisher that dies, and of the one that goes on with its lane.

use super::{Publisher, Shared};
use crate::loom_tests::actor::{explore, kill_everywhere};

/// Takes over, and sees what is there: at least `least` messages, at most `most`.
fn succeed(shared: &Shared, words: usize, least: u64, most: u64) -> Publisher {
    let publisher = shared.publisher(words);
    let count = publisher.writer.count();
    assert!((least..=most).contains(&count), "{count} messages");
    publisher
}

/// A newcomer finds the last messages, and the end.
fn check_history(shared: &Shared, total: u64) {
    for history in [0, 3] {
        let (newcomer, count) = shared.join(1, history);
        assert_eq!(count, total);
        let first = newcomer.reader.count();
        assert_eq!(first, total.saturating_sub(history as u64));
        newcomer.finish(first, total);
        shared.heal(1);
    }
}

#[test]
fn a_publisher_dies_and_another_goes_on() {
    kill_everywhere(1, |fate| {
        let shared = Shared::new(16, false);
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(1);
        publisher.send_many(7);
        let subscriber = shared.spawn(|_| subscriber.look(1));
        let victim = fate.spawn(move || publisher.send());
        let least = if victim.join().is_some() { 8 } else { 7 };
        let mut next = succeed(&shared, 1, least, 8);
        next.send();
        let total = next.writer.count();
        subscriber.done().finish(0, total);
        check_history(&shared, total);
    });
}

/// What it had put and not published is nothing, whatever the next one's records look like.
#[test]
fn a_publisher_dies_in_a_batch() {
    kill_everywhere(1, |fate| {
        let shared = Shared::new(32, false);
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(1);
        publisher.send();
        let victim = fate.spawn(move || {
            for _ in 0..3 {
                assert!(publisher.try_put());
            }
            publisher.publish();
        });
        let least = if victim.join().is_some() { 4 } else { 1 };
        let mut next = succeed(&shared, 2, least, 4);
        for _ in 0..4 {
            next.send();
            check_history(&shared, next.writer.count());
        }
        subscriber.finish(0, next.writer.count());
    });
}

/// The next one writes at once where the last one was allowed to: a slow subscriber sees the limit that the
/// last one set as soon as it sees anything of it.
#[test]
fn a_successor_within_the_limit() {
    explore(1, || {
        // Four records in each eighth: the last publisher's two move the limit, and leave room for the next one's.
        let shared = Shared::new(64, false);
        let mut subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(1);
        publisher.send_many(31);
        subscriber.try_recv();
        let last = shared.spawn(move |_| publisher.send_many(2));
        let subscriber = shared.spawn(|_| subscriber.look(1));
        last.done();
        let mut next = succeed(&shared, 1, 33, 33);
        next.send();
        subscriber.done().finish(0, 34);
    });
}

#[test]
fn a_publisher_dies_in_block() {
    kill_everywhere(1, |fate| {
        let shared = Shared::new(16, true);
        let subscriber = shared.subscriber(0);
        let mut publisher = shared.publisher(1);
        publisher.send_many(7);
        let subscriber = shared.spawn(|_| subscriber.recv_many(2));
        let victim = fate.spawn(move || publisher.send());
        let least = if victim.join().is_some() { 8 } else { 7 };
        let mut next = succeed(&shared, 1, least, 8);
        next.send();
        subscriber.done().finish(0, next.writer.count());
    });
}

/// The eighth publisher after one takes over its place among the names.
#[test]
fn a_name_is_another_publishers_in_the_end() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(16, false);
        let name = |number: u64| (10 * number, 100 * number);
        let lane = shared.lane();
        lane.name_publisher(1, name(1).0, name(1).1);
        let reader = shared.spawn(move |shared| {
            for number in [1, 9] {
                let found = shared.lane().publisher(number);
                assert!(found.is_none_or(|found| found == name(number.into())));
            }
        });
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.lane().name_publisher(9, name(9).0, name(9).1))
        };
        if victim.join().is_none() {
            lane.name_publisher(9, name(9).0, name(9).1);
        }
        reader.done();
        assert_eq!(lane.publisher(9), Some(name(9)));
    });
}
