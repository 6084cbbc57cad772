//! Topics by their raw interface: what all faces stand on.

use std::sync::Arc;
use std::time::Duration;

use crosspage::layout::{Field, Scalar, StructType, Type};
use crosspage::topic::{ArrayType, Kind, Options, Policy, RawPublisher, RawSubscriber};

fn pair_of_u64() -> Kind {
    let field = |name| Field::new(name, Type::Scalar(Scalar::U64));
    let layout = StructType::natural("Pair", vec![field("a"), field("b")], None).unwrap();
    Kind::Struct(Arc::new(layout))
}

fn block(capacity: u64) -> Options {
    let mut options = Options::default();
    options.policy = Some(Policy::Block);
    options.capacity = Some(capacity);
    options.timeout = Some(Duration::ZERO);
    options
}

fn overwrite(capacity: u64) -> Options {
    let mut options = Options::default();
    options.policy = Some(Policy::Overwrite);
    options.capacity = Some(capacity);
    options
}

fn publish(publisher: &mut RawPublisher, n: u64) -> crosspage::Result<u64> {
    let value = [n, !n];
    // SAFETY: a Pair.
    unsafe { publisher.publish(value.as_ptr().cast()) }
}

fn try_recv(subscriber: &mut RawSubscriber) -> Option<(u64, u64)> {
    let mut value = [0u64; 2];
    // SAFETY: a Pair.
    let meta = unsafe { subscriber.try_recv_into(value.as_mut_ptr().cast()) }.unwrap()?;
    assert_eq!(value[1], !value[0]);
    Some((meta.sequence, value[0]))
}

#[test]
fn structs_arrive_in_order() {
    let _namespace = crosspage::testing::namespace();
    let mut subscriber = RawSubscriber::attach("t", None, &Options::default()).unwrap();
    assert!(subscriber.kind().unwrap().is_none());
    assert!(subscriber.try_recv().unwrap().is_none());
    let mut publisher =
        RawPublisher::attach("t", Some(&pair_of_u64()), &Options::default()).unwrap();
    assert_eq!(publisher.subscribers(), 1);
    assert_eq!(try_recv(&mut subscriber), None, "nothing is no message");
    for n in 0..10_000 {
        assert_eq!(publish(&mut publisher, n).unwrap(), n + 1);
        assert_eq!(try_recv(&mut subscriber), Some((n + 1, n)));
    }
    assert_eq!(try_recv(&mut subscriber), None);
    assert_eq!(subscriber.lost(), 0);
    drop(publisher);
    drop(subscriber);
    assert!(crosspage::list().unwrap().is_empty());
}

#[test]
fn a_slow_subscriber_learns_how_many_it_lost() {
    let _namespace = crosspage::testing::namespace();
    let options = overwrite(4096);
    let mut publisher = RawPublisher::attach("t", Some(&pair_of_u64()), &options).unwrap();
    let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
    let mut next = 1;
    for round in 1..40u64 {
        for n in 0..round * 37 {
            publish(&mut publisher, n).unwrap();
        }
        let before = subscriber.lost();
        let mut first = true;
        while let Some((sequence, _)) = try_recv(&mut subscriber) {
            if first {
                next += subscriber.lost() - before;
                first = false;
            }
            assert_eq!(sequence, next);
            next += 1;
        }
    }
    assert!(subscriber.lost() > 1000);
}

#[test]
fn block_waits_and_goes_on() {
    let _namespace = crosspage::testing::namespace();
    let options = block(4096);
    let mut publisher = RawPublisher::attach("t", Some(&pair_of_u64()), &options).unwrap();
    for n in 0..1000 {
        publish(&mut publisher, n).expect("nobody is attached");
    }
    let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
    let mut sent = 0;
    let error = loop {
        match publish(&mut publisher, sent) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_timed_out(), "{error}");
    assert!(
        error.to_string().contains("held up by subscriber pid"),
        "{error}"
    );
    assert!(sent > 100, "{sent}");
    let mut received = 0;
    for _ in 0..1_000 {
        while let Some((sequence, n)) = try_recv(&mut subscriber) {
            assert_eq!((sequence, n), (1001 + received, received));
            received += 1;
        }
        while publish(&mut publisher, sent).is_ok() {
            sent += 1;
        }
    }
    assert!(received > 10_000, "{received}");
    assert_eq!(subscriber.lost(), 0);
    // Who leaves is waited for no longer.
    drop(subscriber);
    for n in 0..1000 {
        publish(&mut publisher, n).unwrap();
    }
}

#[test]
fn a_place_that_is_another_ones_by_now() {
    let _namespace = crosspage::testing::namespace();
    let options = block(4096);
    let mut publisher = RawPublisher::attach("t", Some(&pair_of_u64()), &options).unwrap();
    let mut closed = RawSubscriber::attach("t", None, &options).unwrap();
    let control = closed.control();
    closed.close();
    // It gets the same place. What is done with a handle that is closed does not concern it.
    let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
    closed.close();
    assert!(closed.try_recv().unwrap_err().is_closed());
    control.close();
    drop(closed);
    let sent = (0..1000)
        .take_while(|&n| publish(&mut publisher, n).is_ok())
        .count() as u64;
    assert!((100..1000).contains(&sent), "{sent}: it is not waited for");
    for n in 0..sent {
        assert_eq!(try_recv(&mut subscriber), Some((n + 1, n)));
    }
}

#[test]
fn a_loan_of_a_publisher_that_is_closed() {
    let _namespace = crosspage::testing::namespace();
    let options = overwrite(1 << 16);
    let attach = || RawPublisher::attach("t", Some(&Kind::Bytes), &options).unwrap();
    let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
    let mut closed = attach();
    let mut loan = closed.loan(5000).unwrap();
    closed.close();
    // Whoever comes next gets other memory.
    let mut publisher = attach();
    for n in 0..8 {
        publisher.publish_bytes(&pattern(5000, n)).unwrap();
    }
    let messages: Vec<_> = (0..8)
        .map(|_| subscriber.try_recv().unwrap().unwrap())
        .collect();
    // SAFETY: the loan has so many bytes.
    unsafe { loan.as_mut_ptr().write_bytes(0xee, loan.len()) };
    for (n, message) in messages.iter().enumerate() {
        assert!(
            message.bytes() == pattern(5000, n as u64),
            "message {n} has changed"
        );
    }
    closed.discard(loan);
    drop(closed);
    drop(messages);
    publisher.publish_bytes(&pattern(5000, 9)).unwrap();
    assert_eq!(
        subscriber.try_recv().unwrap().unwrap().bytes(),
        pattern(5000, 9)
    );
}

fn pattern(len: usize, seed: u64) -> Vec<u8> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(31) ^ seed.wrapping_mul(7)) as u8)
        .collect()
}

#[test]
fn bytes_of_any_length() {
    let _namespace = crosspage::testing::namespace();
    for policy in [Policy::Overwrite, Policy::Block] {
        let mut options = Options::default();
        options.policy = Some(policy);
        options.timeout = Some(Duration::from_secs(5));
        let mut publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &options).unwrap();
        let mut subscriber = RawSubscriber::attach("t", Some(&Kind::Bytes), &options).unwrap();
        for round in 0..3u64 {
            for len in [
                0,
                1,
                7,
                8,
                63,
                64,
                65,
                100,
                4095,
                4096,
                4097,
                60_000,
                1 << 20,
                5 << 20,
            ] {
                let bytes = pattern(len, round);
                publisher.publish_bytes(&bytes).unwrap();
                let message = subscriber.try_recv().unwrap().expect("it was published");
                assert!(message.bytes() == bytes, "{len}");
                assert_eq!(message.is_held(), len > 4096);
            }
        }
    }
}

#[test]
fn what_is_held_does_not_change() {
    let _namespace = crosspage::testing::namespace();
    for policy in [Policy::Overwrite, Policy::Block] {
        let mut options = Options::default();
        options.policy = Some(policy);
        options.capacity = Some(1 << 20);
        options.max_held = Some(3);
        let mut publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &options).unwrap();
        let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
        let mut held = Vec::new();
        for n in 0..5u64 {
            publisher
                .publish_bytes(&pattern(100_000 + n as usize, n))
                .unwrap();
            held.push(subscriber.try_recv().unwrap().unwrap());
        }
        assert!(held[2].is_held() && !held[3].is_held());
        for n in 0..200u64 {
            publisher
                .publish_bytes(&pattern(1000 * n as usize, n))
                .unwrap();
            subscriber.try_recv().unwrap().unwrap();
        }
        drop(subscriber);
        for n in 0..100u64 {
            publisher
                .publish_bytes(&pattern(1000 * n as usize, n))
                .unwrap();
        }
        for (n, message) in held.iter().enumerate() {
            assert!(message.bytes() == pattern(100_000 + n, n as u64), "{n}");
        }
    }
}

#[test]
fn loans() {
    let _namespace = crosspage::testing::namespace();
    let mut publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &Options::default()).unwrap();
    let mut subscriber = RawSubscriber::attach("t", None, &Options::default()).unwrap();
    for n in 0..200u64 {
        let mut dropped = publisher.loan(50_000).unwrap();
        let mut loan = publisher.loan(200_000).unwrap();
        let bytes = pattern(200_000, n);
        // SAFETY: the loan has as many bytes.
        unsafe {
            loan.as_mut_ptr()
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        };
        // SAFETY: as above.
        unsafe { dropped.as_mut_ptr().write_bytes(0xff, 50_000) };
        assert_eq!(publisher.commit(loan).unwrap(), n + 1);
        publisher.discard(dropped);
        if n % 20 == 0 {
            let mut last = None;
            while let Some(message) = subscriber.try_recv().unwrap() {
                last = Some(message);
            }
            let last = last.unwrap();
            assert_eq!(last.meta().sequence, n + 1);
            assert!(last.bytes() == bytes);
        }
    }
}

#[test]
fn larger_than_the_capacity() {
    let _namespace = crosspage::testing::namespace();
    {
        let mut publisher =
            RawPublisher::attach("o", Some(&Kind::Bytes), &overwrite(65_536)).unwrap();
        let error = publisher.publish_bytes(&pattern(65_537, 0)).unwrap_err();
        assert!(
            error.is_too_large() && error.to_string().contains("65536"),
            "{error}"
        );
        publisher.publish_bytes(&pattern(65_536, 0)).unwrap();
    }
    let mut options = block(65_536);
    options.timeout = None;
    let mut subscriber = RawSubscriber::attach("b", None, &options).unwrap();
    let receiver = std::thread::spawn(move || {
        for n in 0..20 {
            let message = subscriber.recv(Some(Duration::from_secs(20))).unwrap();
            assert_eq!(message.meta().sequence, n + 1);
            assert!(message.bytes() == pattern(100_000 * n as usize, n));
        }
    });
    let mut publisher = RawPublisher::attach("b", Some(&Kind::Bytes), &options).unwrap();
    for n in 0..20u64 {
        publisher
            .publish_bytes(&pattern(100_000 * n as usize, n))
            .unwrap();
    }
    receiver.join().unwrap();
}

#[test]
fn arrays() {
    let _namespace = crosspage::testing::namespace();
    let mut publisher = RawPublisher::attach("t", Some(&Kind::Array), &Options::default()).unwrap();
    let mut subscriber = RawSubscriber::attach("t", None, &Options::default()).unwrap();
    for shape in [vec![], vec![3], vec![2, 0], vec![1080, 1920, 3]] {
        let array = ArrayType {
            dtype: "|u1".into(),
            shape,
        };
        let bytes = pattern(array.shape.iter().product::<u64>() as usize, 5);
        publisher.publish_array(&array, &bytes).unwrap();
        let message = subscriber.try_recv().unwrap().unwrap();
        assert_eq!(message.array(), Some(&array));
        assert!(message.bytes() == bytes);
        assert!(message.bytes().as_ptr().addr().is_multiple_of(64) || bytes.is_empty());
    }
}

#[test]
fn options_and_types_that_contradict() {
    let _namespace = crosspage::testing::namespace();
    let _first = RawSubscriber::attach("t", None, &block(4096)).unwrap();
    let error = RawPublisher::attach("t", Some(&Kind::Bytes), &overwrite(8192)).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("policy is block in the page, overwrite here"),
        "{text}"
    );
    assert!(
        text.contains("capacity is 4096 in the page, 8192 here"),
        "{text}"
    );
    let _publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &Options::default()).unwrap();
    let error = RawSubscriber::attach("t", Some(&pair_of_u64()), &Options::default()).unwrap_err();
    assert!(error.is_layout_mismatch(), "{error}");
    assert!(
        error.to_string().contains("carries bytes, not Pair"),
        "{error}"
    );
}

#[test]
fn history_and_a_publisher_that_is_gone() {
    let _namespace = crosspage::testing::namespace();
    let mut options = Options::default();
    options.history = Some(3);
    let mut first = RawSubscriber::attach("t", None, &options).unwrap();
    let mut publisher = RawPublisher::attach("t", Some(&pair_of_u64()), &options).unwrap();
    for n in 0..10 {
        publish(&mut publisher, n).unwrap();
    }
    drop(publisher);
    let mut second = RawSubscriber::attach("t", None, &options).unwrap();
    for n in 0..10 {
        assert_eq!(try_recv(&mut first), Some((n + 1, n)));
    }
    for n in 7..10 {
        assert_eq!(try_recv(&mut second), Some((n + 1, n)));
    }
    // The next one takes the lane over, and counts from 1 again.
    let mut publisher = RawPublisher::attach("t", Some(&pair_of_u64()), &options).unwrap();
    for n in 0..10_000 {
        publish(&mut publisher, n).unwrap();
        assert_eq!(try_recv(&mut first), Some((n + 1, n)));
        assert_eq!(try_recv(&mut second), Some((n + 1, n)));
    }
    assert_eq!((first.lost(), second.lost()), (0, 0));
}

/// Waits on the descriptor, as an event loop does.
#[cfg(unix)]
pub fn is_ready(fd: std::os::fd::RawFd, timeout: i32) -> bool {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one struct.
    unsafe { libc::poll(&mut poll, 1, timeout) == 1 }
}

#[cfg(unix)]
#[test]
fn an_event_loop_can_wait() {
    let _namespace = crosspage::testing::namespace();
    let mut subscriber = RawSubscriber::attach("t", None, &Options::default()).unwrap();
    let fd = subscriber.wait_handle().unwrap();
    assert_eq!(subscriber.wait_handle().unwrap(), fd);
    assert!(subscriber.try_recv().unwrap().is_none());
    while is_ready(fd, 200) {
        assert!(
            subscriber.try_recv().unwrap().is_none(),
            "it rings at first"
        );
    }
    let mut publisher =
        RawPublisher::attach("t", Some(&pair_of_u64()), &Options::default()).unwrap();
    let mut expected = 0;
    for round in 0..50 {
        let count = 1 + round % 3;
        for _ in 0..count {
            publish(&mut publisher, 7).unwrap();
        }
        let mut received = 0;
        while received < count {
            assert!(is_ready(fd, 2000), "message {received} of round {round}");
            while let Some((sequence, _)) = try_recv(&mut subscriber) {
                expected += 1;
                assert_eq!(sequence, expected);
                received += 1;
            }
        }
    }
    let control = subscriber.control();
    while is_ready(fd, 50) {
        assert_eq!(try_recv(&mut subscriber), None);
    }
    control.close();
    assert!(is_ready(fd, 2000), "closing rings");
    assert!(subscriber.try_recv().unwrap_err().is_closed());
}

/// Memory grows in pieces; the largest message still fits into one of them.
#[test]
fn a_large_message_after_small_ones() {
    for policy in [Policy::Overwrite, Policy::Block] {
        let _namespace = crosspage::testing::namespace();
        let mut options = Options::default();
        options.policy = Some(policy);
        options.capacity = Some(4 << 20);
        options.timeout = Some(Duration::ZERO);
        let mut publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &options).unwrap();
        for n in 0..60u64 {
            publisher
                .publish_bytes(&pattern(100_000 + n as usize, n))
                .unwrap();
        }
        let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
        for n in 0..3 {
            let bytes = pattern(4 << 20, n);
            publisher.publish_bytes(&bytes).unwrap();
            let message = subscriber.try_recv().unwrap().unwrap();
            assert!(message.bytes() == bytes);
        }
    }
}

/// However little memory each takes, there are only so many loans.
#[test]
fn loans_without_end() {
    for policy in [Policy::Overwrite, Policy::Block] {
        let _namespace = crosspage::testing::namespace();
        let mut options = Options::default();
        options.policy = Some(policy);
        options.capacity = Some(1 << 20);
        options.timeout = Some(Duration::ZERO);
        let mut publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &options).unwrap();
        let _subscriber = RawSubscriber::attach("t", None, &options).unwrap();
        let mut loans = Vec::new();
        let error = loop {
            match publisher.loan(1) {
                Ok(loan) => loans.push(loan),
                Err(error) => break error,
            }
        };
        assert!(loans.len() > 100, "{}", loans.len());
        assert!(error.is_full() || error.is_timed_out(), "{error}");
        for loan in loans {
            publisher.discard(loan);
        }
        publisher.loan(1 << 20).unwrap();
    }
}

/// Padding at the ring's end may be no more than its header.
#[test]
fn the_shortest_padding() {
    let _namespace = crosspage::testing::namespace();
    let mut options = overwrite(4096);
    options.checksum = Some(true);
    let mut publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &options).unwrap();
    let mut subscriber = RawSubscriber::attach("t", None, &options).unwrap();
    // Records of 56 bytes: 73 of them leave 8.
    for n in 0..200 {
        publisher.publish_bytes(&pattern(40, n)).unwrap();
        let message = subscriber.try_recv().unwrap().unwrap();
        assert!(message.bytes() == pattern(40, n));
    }
}
