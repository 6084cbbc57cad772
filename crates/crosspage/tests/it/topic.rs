//! `topic` for Rust types, and without types, within one process and a forked child.

use std::time::{Duration, SystemTime};

use crosspage::layout::{Field, Record, Scalar, StructType, Type, Value};
use crosspage::topic::{
    DynPublisher, DynSubscriber, DynValue, Event, Kind, NdArray, Options, Policy, Publisher,
    RawPublisher, Subscriber,
};
use crosspage::{Layout, Match, Text, registry, testing};

/// What nobody should have to wait for.
const SOON: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Reading {
    id: u8,
    ready: bool,
    #[layout(unit = "°C")]
    temperature: f64,
    name: Text<13>,
    counter: i32,
}

fn reading(counter: i32) -> Reading {
    Reading {
        id: 7,
        ready: true,
        temperature: 23.5,
        name: Text::new("Zoë").unwrap(),
        counter,
    }
}

/// A struct whose messages lie in chunks, and any bytes of which are one.
#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Image {
    number: u64,
    pixels: [u8; 100_000],
}

fn image(number: u64) -> Box<Image> {
    Box::new(Image {
        number,
        pixels: [number as u8; 100_000],
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(u8)]
enum Mode {
    Stop = 0,
    Run = 5,
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Status {
    level: u32,
    ready: bool,
    mode: Mode,
}

/// The same from a program that knows more modes.
#[derive(Debug, Clone, Copy, Layout)]
#[repr(C)]
struct NewerStatus {
    level: u32,
    ready: bool,
    mode: u8,
}

#[test]
fn messages_arrive_in_order_whoever_comes_first() {
    let _namespace = testing::namespace();
    let mut first = Subscriber::<Reading>::attach("readings").unwrap();
    assert_eq!(first.publishers(), 0);
    assert!(first.try_recv().unwrap().is_none());
    let mut publisher = Publisher::<Reading>::attach("readings").unwrap();
    assert_eq!(publisher.publish(&reading(1)).unwrap(), 1);
    let mut second = Subscriber::<Reading>::attach("readings").unwrap();
    assert_eq!((publisher.subscribers(), first.publishers()), (2, 1));
    for n in 2..=100 {
        assert_eq!(publisher.publish(&reading(n)).unwrap(), n as u64);
    }
    for n in 1..=100 {
        let message = first.try_recv().unwrap().unwrap();
        assert_eq!(*message.value, reading(n));
        assert_eq!(
            (message.sequence, message.publisher, message.sent_at),
            (n as u64, std::process::id(), None)
        );
    }
    assert!(first.try_recv().unwrap().is_none());
    let message = second.recv(Duration::ZERO).unwrap();
    assert_eq!((message.sequence, message.value.counter), (2, 2));
    assert_eq!((first.lost(), second.lost()), (0, 0));
    assert_eq!(publisher.participants().len(), 3);
    assert_eq!(first.locator().to_string(), "readings");
}

#[test]
fn a_slow_subscriber_learns_exactly_how_many_it_lost() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Reading>::options()
        .policy(Policy::Overwrite)
        .capacity(16 << 10)
        .attach("readings")
        .unwrap();
    let mut subscriber = Subscriber::<Reading>::attach("readings").unwrap();
    let (mut received, mut last) = (0, 0);
    for round in 1..=10 {
        for _ in 0..777 {
            publisher.publish(&reading(round)).unwrap();
        }
        while let Some(message) = subscriber.try_recv().unwrap() {
            let before = last;
            last = message.sequence;
            received += 1;
            assert!(last > before);
            assert_eq!(
                received + subscriber.lost(),
                last,
                "each one before was received or counted"
            );
        }
    }
    assert_eq!(last, 7770);
    assert!(subscriber.lost() > 0);
}

#[test]
fn block_waits_for_the_slowest_and_says_for_whom() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Reading>::options()
        .policy(Policy::Block)
        .capacity(16 << 10)
        .timeout(SHORT)
        .attach("readings")
        .unwrap();
    for n in 0..10_000 {
        publisher.publish(&reading(n)).unwrap(); // nobody there: waits for nobody
    }
    let mut subscriber = Subscriber::<Reading>::attach("readings").unwrap();
    let mut published = 0;
    while publisher
        .try_publish(&reading(published))
        .unwrap()
        .is_some()
    {
        published += 1;
    }
    assert!(published > 100);
    let error = publisher.publish(&reading(published)).unwrap_err();
    let me = format!("pid {}", std::process::id());
    assert!(
        error.is_timed_out() && error.to_string().contains(&me),
        "{error}"
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in published..published + 1000 {
                publisher.publish_timeout(&reading(n), SOON).unwrap();
            }
        });
        for n in 0..published + 1000 {
            let message = subscriber.recv(SOON).unwrap();
            assert_eq!(message.value.counter, n);
            assert_eq!(message.sequence, 10_001 + n as u64);
        }
    });
    assert_eq!(subscriber.lost(), 0);
    drop(subscriber);
    for n in 0..1000 {
        publisher.publish(&reading(n)).unwrap();
    }
}

#[test]
fn past_messages_come_first_where_the_topic_has_history() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Reading>::options()
        .history(3)
        .attach("readings")
        .unwrap();
    for n in 1..=5 {
        publisher.publish(&reading(n)).unwrap();
    }
    let mut late = Subscriber::<Reading>::attach("readings").unwrap();
    publisher.publish(&reading(6)).unwrap();
    let seen: Vec<_> = std::iter::from_fn(|| late.try_recv().unwrap())
        .map(|message| message.sequence)
        .collect();
    assert_eq!(seen, [3, 4, 5, 6]);
    assert_eq!(late.lost(), 0);
}

#[test]
fn times_of_sending() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Reading>::options()
        .send_time(true)
        .checksum(true)
        .attach("readings")
        .unwrap();
    let mut subscriber = Subscriber::<Reading>::attach("readings").unwrap();
    let before = SystemTime::now();
    publisher.publish(&reading(1)).unwrap();
    let message = subscriber.recv(SOON).unwrap();
    let age = message.sent_at.unwrap().duration_since(before);
    assert!(age.is_ok_and(|age| age < SOON), "{:?}", message.sent_at);
    let text = format!("{message:?}");
    assert!(
        text.starts_with("Message { value: Reading { id: 7,") && text.contains("sequence: 1"),
        "{text}"
    );
}

#[test]
fn bytes_of_any_length_and_loans() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<[u8]>::attach("frames").unwrap();
    let mut subscriber = Subscriber::<[u8]>::attach("frames").unwrap();
    for len in [0, 1, 63, 64, 65, 4096, 100_000, 1 << 20] {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 7 % 251) as u8).collect();
        publisher.publish(&bytes).unwrap();
        let message = subscriber.try_recv().unwrap().unwrap();
        assert_eq!(message.value, *bytes, "{len}");

        let mut loan = publisher.loan(len).unwrap();
        assert_eq!(loan.len(), len);
        loan.copy_from_slice(&bytes);
        assert_eq!(*loan, *bytes);
        loan.commit().unwrap();
        let message = subscriber.try_recv().unwrap().unwrap();
        assert_eq!(&*message.value, &*bytes, "{len}");
    }
    publisher.loan(1000).unwrap().fill(1); // dropped
    assert!(subscriber.try_recv().unwrap().is_none());
    assert_eq!(publisher.publish(b"next").unwrap(), 17, "and not counted");
    for _ in 0..1000 {
        drop(publisher.loan(1 << 20).unwrap());
    }
    publisher.loan(1 << 20).unwrap().commit().unwrap();
}

#[test]
fn what_is_held_does_not_change() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Image>::options()
        .capacity(1 << 20)
        .max_held(4)
        .attach("images")
        .unwrap();
    let mut subscriber = Subscriber::<Image>::attach("images").unwrap();
    let mut kept = Vec::new();
    for n in 1..=200 {
        publisher.publish(&image(n)).unwrap();
        // More than can be held: those are copies.
        if let Some(message) = subscriber.try_recv().unwrap()
            && kept.len() < 7
        {
            kept.push(message);
        }
    }
    for (n, message) in (1..).zip(&kept) {
        assert!(*message.value == *image(n), "message {n}");
    }
    let topic = registry::inspect("images").unwrap().topic.unwrap();
    let held = topic.participants.iter().find_map(|one| one.held);
    assert_eq!(held, Some(4), "{topic:?}");
    // They outlive both sides, and can go to another thread.
    drop((publisher, subscriber));
    std::thread::spawn(move || assert!(*kept[0].value == *image(1)))
        .join()
        .unwrap();
}

/// Neither when it is sent nor when it is received does a large struct lie on the stack.
#[test]
fn large_structs_need_no_stack() {
    #[derive(Debug, Clone, Copy, Layout)]
    #[repr(C)]
    struct Volume {
        number: u64,
        ready: bool,
        voxels: [u8; 8 << 20],
    }
    #[derive(Debug, Clone, Copy, Layout)]
    #[repr(C)]
    struct Plain {
        voxels: [[u8; 1 << 20]; 8],
    }
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Volume>::attach("volumes").unwrap();
    let mut subscriber = Subscriber::<Volume>::attach("volumes").unwrap();
    let mut plain = Publisher::<Plain>::attach("plain").unwrap();
    let mut plains = Subscriber::<Plain>::attach("plain").unwrap();
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let played = small.spawn(move || {
        let mut volume = Box::<Volume>::new_uninit();
        // SAFETY: all zero is a `Volume`.
        let mut volume = unsafe {
            volume.as_mut_ptr().write_bytes(0, 1);
            volume.assume_init()
        };
        (volume.ready, volume.voxels[8 << 19]) = (true, 7);
        publisher.publish(&volume).unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert!(message.value.ready && message.value.voxels[8 << 19] == 7);
        publisher.publish(&volume).unwrap();
        assert!(subscriber.try_recv_into(&mut volume).unwrap().is_some());

        let mut loan = plain.loan().unwrap();
        loan.as_mut().unwrap().voxels[7][9] = 7;
        loan.commit().unwrap();
        let messages = plains.recv_many(2, SOON).unwrap();
        assert_eq!(messages[0].value.voxels[7][9], 7);
    });
    played.unwrap().join().unwrap();
}

#[test]
fn loans_of_structs() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Image>::attach("images").unwrap();
    let mut subscriber = Subscriber::<Image>::attach("images").unwrap();
    let mut loan = publisher.loan().unwrap();
    loan.write(&image(1));
    loan.as_mut().unwrap().pixels[99_999] = 77;
    loan.commit().unwrap();
    let message = subscriber.try_recv().unwrap().unwrap();
    assert_eq!(message.value.number, 1);
    assert_eq!(message.value.pixels[99_998..], [1, 77]);

    let mut loan = publisher.loan().unwrap();
    loan.as_mut().unwrap().number = 2;
    loan.commit().unwrap();
    let mut into = image(0);
    let meta = subscriber.try_recv_into(&mut into).unwrap().unwrap();
    assert_eq!((meta.sequence, into.number), (2, 2));
    assert!(
        into.pixels.iter().all(|&byte| byte == 0),
        "zero, not an older message"
    );
    let error = publisher.loan().unwrap().commit().unwrap_err();
    assert!(error.is_invalid(), "nothing was written: {error}");

    let mut publisher = Publisher::<Status>::attach("status").unwrap();
    let mut subscriber = Subscriber::<Status>::attach("status").unwrap();
    let mut loan = publisher.loan().unwrap();
    assert!(loan.as_mut().unwrap_err().is_unsupported());
    let status = Status {
        level: 3,
        ready: true,
        mode: Mode::Run,
    };
    loan.write(&status);
    assert_eq!(loan.commit().unwrap(), 1);
    assert_eq!(subscriber.try_recv().unwrap().unwrap().value, status);
}

#[test]
fn values_are_looked_at_before_they_are_believed() {
    #[derive(Debug, Clone, Copy, Layout)]
    #[repr(C)]
    struct Large {
        status: Status,
        rest: [u32; 5000],
    }
    #[derive(Debug, Clone, Copy, Layout)]
    #[repr(C)]
    struct NewerLarge {
        status: NewerStatus,
        rest: [u32; 5000],
    }
    let _namespace = testing::namespace();
    let status = |mode: u8| NewerStatus {
        level: u32::from(mode),
        ready: true,
        mode,
    };
    let mut publisher = Publisher::<NewerStatus>::attach("status").unwrap();
    let mut subscriber = Subscriber::<Status>::attach("status").unwrap();
    for mode in [5, 3, 0] {
        publisher.publish(&status(mode)).unwrap();
    }
    let message = subscriber.recv(SOON).unwrap();
    assert_eq!((message.value.mode, message.value.ready), (Mode::Run, true));
    let error = subscriber.recv(SOON).unwrap_err();
    let text = error.to_string();
    assert!(
        error.is_invalid()
            && text.contains("message 2 of pid")
            && text.contains("field mode: 3 is not a valid Mode"),
        "{text}"
    );
    assert_eq!(subscriber.recv(SOON).unwrap().value.mode, Mode::Stop);

    // In batches an error waits until what is before it was seen.
    for mode in [5, 0, 4, 5] {
        publisher.publish(&status(mode)).unwrap();
    }
    assert_eq!(subscriber.recv_many(100, SOON).unwrap().len(), 2);
    assert!(subscriber.recv_many(100, SOON).unwrap_err().is_invalid());
    assert_eq!(subscriber.recv_many(100, SOON).unwrap()[0].sequence, 7);
    for mode in [0, 9, 5] {
        publisher.publish(&status(mode)).unwrap();
    }
    let mut values = Vec::new();
    assert_eq!(
        subscriber.recv_many_into(&mut values, 100, SOON).unwrap(),
        1
    );
    let mut into = values[0];
    assert!(
        subscriber
            .try_recv_into(&mut into)
            .unwrap_err()
            .is_invalid()
    );
    assert_eq!(into, values[0], "unchanged");
    subscriber.try_recv_into(&mut into).unwrap().unwrap();
    assert_eq!(into.mode, Mode::Run);

    // The same where messages lie in chunks.
    let mut publisher = Publisher::<NewerLarge>::attach("large").unwrap();
    let mut subscriber = Subscriber::<Large>::attach("large").unwrap();
    for mode in [5, 3, 0] {
        let rest = [7; 5000];
        publisher
            .publish(&NewerLarge {
                status: status(mode),
                rest,
            })
            .unwrap();
    }
    let message = subscriber.recv(SOON).unwrap();
    assert_eq!(message.value.status.mode, Mode::Run);
    assert_eq!(message.value.rest[4999], 7);
    let error = subscriber.recv(SOON).unwrap_err();
    assert!(
        error.to_string().contains("field status.mode: 3"),
        "{error}"
    );
    assert_eq!(subscriber.recv(SOON).unwrap().value.status.mode, Mode::Stop);
}

/// Bytes that no Rust program writes: bools that are neither 0 nor 1.
#[test]
fn bools_are_0_or_1() {
    #[derive(Debug, Clone, Copy, Layout)]
    #[repr(C)]
    struct Flags {
        small: bool,
        rest: [bool; 9000],
    }
    let _namespace = testing::namespace();
    for (name, len) in [("ready", 2), ("flags", 9001)] {
        let bytes = vec![7u8; len];
        let layout = match name {
            "ready" => {
                let fields = ["a", "b"].map(|name| Field::new(name, Type::Scalar(Scalar::Bool)));
                StructType::natural("Ready", fields.into(), None).unwrap()
            }
            _ => (**Flags::layout()).clone(),
        };
        let kind = Kind::Struct(layout.into());
        let mut publisher = RawPublisher::attach(name, Some(&kind), &Options::default()).unwrap();
        let mut subscriber = DynSubscriber::attach(name).unwrap();
        let mut flags = (name == "flags").then(|| Subscriber::<Flags>::attach(name).unwrap());
        // SAFETY: as many bytes as the struct has.
        unsafe { publisher.publish(bytes.as_ptr()) }.unwrap();
        let DynValue::Record(record) = subscriber.recv(SOON).unwrap().value else {
            panic!("no record");
        };
        assert!(record.bytes().iter().all(|&byte| byte == 1));
        if let Some(flags) = &mut flags {
            let message = flags.recv(SOON).unwrap();
            // SAFETY: bools are bytes, whatever they are.
            let bytes = unsafe {
                std::slice::from_raw_parts((&raw const *message.value).cast::<u8>(), len)
            };
            assert!(message.value.small && bytes.iter().all(|&byte| byte == 1));
        }
    }
}

#[test]
fn batches() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Reading>::attach("readings").unwrap();
    let mut subscriber = Subscriber::<Reading>::attach("readings").unwrap();
    let readings: Vec<_> = (1..=1000).map(reading).collect();
    assert_eq!(publisher.publish_many(&readings).unwrap(), 1000);
    assert_eq!(publisher.publish_many(&[]).unwrap(), 0);
    assert!(subscriber.recv_many(0, None).unwrap().is_empty());
    let messages = subscriber.recv_many(10, None).unwrap();
    assert_eq!(messages.len(), 10);
    assert_eq!((messages[9].sequence, messages[9].value.counter), (10, 10));
    let mut values = Vec::new();
    assert_eq!(
        subscriber.recv_many_into(&mut values, 100, None).unwrap(),
        100
    );
    assert_eq!(
        subscriber
            .recv_many_into(&mut values, usize::MAX, None)
            .unwrap(),
        890
    );
    assert_eq!(values, readings[10..]);
    let error = subscriber
        .recv_many_into(&mut values, 10, SHORT)
        .unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    assert_eq!(values.len(), 990);
    assert!(subscriber.recv_many(10, SHORT).unwrap_err().is_timed_out());
}

#[test]
fn arrays_carry_type_and_shape() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<NdArray>::attach("arrays").unwrap();
    let mut subscriber = Subscriber::<NdArray>::attach("arrays").unwrap();
    let numbers: Vec<f32> = (0..60_000).map(|n| n as f32 / 2.0).collect();
    publisher.publish_slice(&[200, 300], &numbers).unwrap();
    publisher
        .publish(&NdArray::new(&[3], &[1u8, 2, 3]).unwrap())
        .unwrap();
    let mut loan = publisher.loan::<i64>(&[2, 2]).unwrap();
    loan.as_slice_mut()
        .unwrap()
        .copy_from_slice(&[4i64, 5, 6, 7]);
    loan.commit().unwrap();
    let complex = NdArray::from_bytes("<c16", &[1], &[0; 16]);
    publisher.publish(&complex).unwrap();
    publisher.publish_slice::<f64>(&[], &[2.5]).unwrap();
    publisher.publish_slice::<f64>(&[0, 7], &[]).unwrap();

    let first = subscriber.recv(SOON).unwrap();
    assert_eq!(
        (first.value.dtype(), first.value.shape()),
        ("<f4", &[200, 300][..])
    );
    assert!(first.value.as_slice::<f32>() == Some(&numbers));
    assert!(first.value.as_bytes().as_ptr().addr().is_multiple_of(64));
    assert!(first.value.as_slice::<i32>().is_none());
    let second = subscriber.recv(SOON).unwrap().value;
    assert_eq!(second.as_slice::<u8>(), Some(&[1, 2, 3][..]));
    assert_eq!(*second, second.clone());
    let third = subscriber.recv(SOON).unwrap().value;
    assert_eq!(third.as_slice::<i64>(), Some(&[4, 5, 6, 7][..]));
    assert_eq!(format!("{third:?}"), "NdArray(<i8 [2, 2])");
    assert_eq!(*subscriber.recv(SOON).unwrap().value, complex);
    let scalar = subscriber.recv(SOON).unwrap().value;
    assert_eq!(scalar.as_slice::<f64>(), Some(&[2.5][..]));
    let empty = subscriber.recv(SOON).unwrap().value;
    assert_eq!(empty.as_slice::<f64>(), Some(&[][..]));

    for wrong in [
        publisher.publish_slice(&[4], &[1u8, 2, 3]),
        publisher.publish_slice(&[u64::MAX, 2], &[1u8, 2, 3]),
        publisher.publish(&NdArray::from_bytes("<f4", &[3], &[0; 11])),
        publisher.publish(&NdArray::from_bytes("|O8", &[1], &[0; 8])),
    ] {
        assert!(wrong.unwrap_err().is_invalid());
    }
    assert!(
        publisher
            .loan::<u64>(&[u64::MAX, 2])
            .unwrap_err()
            .is_too_large()
    );
}

#[test]
fn options_that_contradict_name_both_values() {
    let _namespace = testing::namespace();
    let _first = Publisher::<Reading>::options()
        .policy(Policy::Block)
        .capacity(1 << 20)
        .attach("readings")
        .unwrap();
    let check = |error: crosspage::Error, expected: &str| {
        assert!(error.is_invalid(), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let options = Subscriber::<Reading>::options();
    check(
        options
            .clone()
            .policy(Policy::Overwrite)
            .attach("readings")
            .unwrap_err(),
        "policy is block in the page, overwrite here",
    );
    check(
        Publisher::<Reading>::options()
            .capacity(4096)
            .attach("readings")
            .unwrap_err(),
        "capacity is 1048576 in the page, 4096 here",
    );
    options
        .policy(Policy::Block)
        .capacity(1 << 20)
        .max_held(8)
        .attach("readings")
        .unwrap();
    assert_eq!("block".parse::<Policy>().unwrap(), Policy::Block);
    check("drop".parse::<Policy>().unwrap_err(), "\"overwrite\"");
}

#[test]
fn layouts_and_kinds_that_differ() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Part {
        counter: i32,
        ready: bool,
    }
    let _namespace = testing::namespace();
    // A subscriber's type counts as much as a publisher's.
    let mut subscriber = Subscriber::<Reading>::attach("readings").unwrap();
    let error = Publisher::<Part>::attach("readings").unwrap_err();
    assert!(error.is_layout_mismatch(), "{error}");
    assert!(
        error.differences().len() >= 4 && error.to_string().contains("temperature"),
        "{error}"
    );
    for error in [
        Publisher::<[u8]>::attach("readings").unwrap_err(),
        Subscriber::<NdArray>::attach("readings").unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(error.is_layout_mismatch(), "{error}");
        assert!(text.contains("Reading"), "{error}");
    }
    let mut by_name = Subscriber::<Part>::options()
        .match_by(Match::Name)
        .attach("readings")
        .unwrap();
    let mut publisher = Publisher::<Reading>::attach("readings").unwrap();
    publisher.publish(&reading(5)).unwrap();
    assert_eq!(*subscriber.recv(SOON).unwrap().value, reading(5));
    let part = Part {
        counter: 5,
        ready: true,
    };
    assert_eq!(by_name.recv(SOON).unwrap().value, part);

    // A page of another pattern is no topic.
    let _writer = crosspage::latest::Writer::<Reading>::create("values").unwrap();
    let error = Subscriber::<Reading>::attach("values").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("carries latest, not topic"), "{text}");
}

#[test]
fn what_is_too_large() {
    let _namespace = testing::namespace();
    let large = vec![7u8; 100_000];
    let mut publisher = Publisher::<[u8]>::options()
        .capacity(16 << 10)
        .attach("overwrite")
        .unwrap();
    let mut subscriber = Subscriber::<[u8]>::attach("overwrite").unwrap();
    for error in [
        publisher.publish(&large).unwrap_err(),
        publisher.loan(large.len()).unwrap_err(),
    ] {
        assert!(error.is_too_large(), "{error}");
        assert!(error.to_string().contains("16384"), "{error}");
    }
    publisher.publish(b"small").unwrap();
    assert_eq!(subscriber.recv(SOON).unwrap().sequence, 1);

    // In `block` it travels in fragments, and arrives whole.
    let mut publisher = Publisher::<[u8]>::options()
        .policy(Policy::Block)
        .capacity(16 << 10)
        .max_message(100_000)
        .attach("block")
        .unwrap();
    let mut subscriber = Subscriber::<[u8]>::attach("block").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| publisher.publish_timeout(&large, SOON).unwrap());
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!((message.sequence, &*message.value), (1, &large[..]));
    });
    let error = publisher.publish(&vec![0; 100_001]).unwrap_err();
    assert!(
        error.is_too_large() && error.to_string().contains("100000"),
        "{error}"
    );
}

#[test]
fn waiting_and_its_end() {
    let directory = crate::directory();
    let name = format!("file:{}", directory.path().join("topic.page").display());
    let mut subscriber = Subscriber::<Reading>::attach(&name).unwrap();
    assert!(subscriber.recv(SHORT).unwrap_err().is_timed_out());
    assert!(
        subscriber
            .wait_publishers(1, SHORT)
            .unwrap_err()
            .is_timed_out()
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SHORT);
            let mut publisher = Publisher::<Reading>::attach(&name).unwrap();
            assert_eq!(publisher.wait_subscribers(1, SOON).unwrap(), 1);
            assert!(
                publisher
                    .wait_subscribers(2, SHORT)
                    .unwrap_err()
                    .is_timed_out()
            );
            std::thread::sleep(SHORT);
            publisher.publish(&reading(1)).unwrap();
            // Its messages outlive it.
        });
        assert_eq!(subscriber.wait_publishers(1, SOON).unwrap(), 1);
        assert_eq!(subscriber.recv(SOON).unwrap().value.counter, 1);
    });
}

#[test]
fn who_came_and_who_went() {
    let directory = crate::directory();
    let name = format!("file:{}", directory.path().join("topic.page").display());
    let publisher = Publisher::<Reading>::attach(&name).unwrap();
    assert_eq!(publisher.try_event().unwrap(), None);
    assert!(publisher.wait_event(SHORT).unwrap_err().is_timed_out());
    let matched = |event: &Event| matches!(event, Event::Matched(_));

    // Each is told of once, to either side, also one that came first.
    let first = Subscriber::<Reading>::attach(&name).unwrap();
    let second = Subscriber::<Reading>::attach(&name).unwrap();
    for role in ["subscriber", "subscriber"] {
        let event = publisher.wait_event(SOON).unwrap();
        assert!(matched(&event) && event.participant().alive);
        assert_eq!(event.participant().role, role);
        assert_eq!(event.participant().pid, std::process::id());
    }
    assert_eq!(publisher.try_event().unwrap(), None);
    assert_eq!(
        first.wait_event(SOON).unwrap().participant().role,
        "publisher"
    );
    assert_eq!(first.try_event().unwrap(), None);

    // One that leaves; and another that takes its place before anybody looked.
    drop(second);
    let third = Subscriber::<Reading>::attach(&name).unwrap();
    let events = [(); 2].map(|()| publisher.wait_event(SOON).unwrap());
    assert!(matches!(&events[0], Event::Gone(gone) if !gone.alive));
    assert!(matched(&events[1]));
    assert_eq!(publisher.try_event().unwrap(), None);

    // A sleeper is woken by both.
    let (told, seen) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let name = &name;
        scope.spawn(move || {
            std::thread::sleep(SHORT);
            let fourth = Subscriber::<Reading>::attach(name).unwrap();
            seen.recv_timeout(SOON).unwrap();
            std::thread::sleep(SHORT);
            drop((third, fourth));
        });
        assert!(matched(&publisher.wait_event(SOON).unwrap()));
        told.send(()).unwrap();
        let events = [(); 2].map(|()| publisher.wait_event(SOON).unwrap());
        assert!(!events.iter().any(matched));
    });
    drop(publisher);
    assert!(matches!(first.wait_event(SOON).unwrap(), Event::Gone(_)));
    // Who comes later is told who is there.
    let publisher = Publisher::<Reading>::attach(&name).unwrap();
    assert!(matched(&publisher.try_event().unwrap().unwrap()));
}

#[test]
fn messages_of_many_publishers_come_in_order_of_each() {
    let _namespace = testing::namespace();
    let mut subscriber = Subscriber::<Reading>::options()
        .policy(Policy::Block)
        .attach("readings")
        .unwrap();
    std::thread::scope(|scope| {
        for id in 0..4u8 {
            let mut publisher = Publisher::<Reading>::attach("readings").unwrap();
            scope.spawn(move || {
                for counter in 1..=500 {
                    let value = Reading {
                        id,
                        ..reading(counter)
                    };
                    publisher.publish_timeout(&value, SOON).unwrap();
                }
            });
        }
        let mut seen = [0; 4];
        for _ in 0..2000 {
            let value = *subscriber.recv(SOON).unwrap().value;
            seen[usize::from(value.id)] += 1;
            assert_eq!(value.counter, seen[usize::from(value.id)]);
        }
    });
    assert!(subscriber.try_recv().unwrap().is_none());
    assert_eq!(subscriber.lost(), 0);
}

#[test]
fn all_messages_until_the_page_is_removed() {
    let directory = crate::directory();
    let name = format!("file:{}", directory.path().join("topic.page").display());
    let mut publisher = Publisher::<Reading>::attach(&name).unwrap();
    let mut subscriber = Subscriber::<Reading>::attach(&name).unwrap();
    for n in 1..=3 {
        publisher.publish(&reading(n)).unwrap();
    }
    let error = crosspage::remove(&name).unwrap_err();
    assert!(
        error.is_in_use() && error.to_string().contains("publisher"),
        "{error}"
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SHORT);
            crosspage::remove_forced(&name).unwrap();
        });
        let mut seen = 0;
        for message in &mut subscriber {
            match message {
                Ok(message) => {
                    seen += 1;
                    assert_eq!(message.value.counter, seen);
                }
                Err(error) => assert!(error.is_replaced(), "{error}"),
            }
        }
        assert_eq!(seen, 3);
    });
    assert!(publisher.publish(&reading(4)).unwrap_err().is_replaced());
    assert!(publisher.loan().unwrap_err().is_replaced());
    // The name is free for another.
    Publisher::<[u8]>::attach(&name).unwrap();
    crosspage::remove(&name).unwrap();
}

#[test]
fn a_full_table_of_participants() {
    let _namespace = testing::namespace();
    let first = Publisher::<Reading>::options()
        .max_participants(2)
        .attach("readings")
        .unwrap();
    let _second = Subscriber::<Reading>::attach("readings").unwrap();
    let error = Subscriber::<Reading>::attach("readings").unwrap_err();
    assert!(
        error.is_full() && error.to_string().contains('2'),
        "{error}"
    );
    drop(first);
    Subscriber::<Reading>::attach("readings").unwrap();
}

#[test]
fn the_last_one_takes_the_page_along() {
    let _namespace = testing::namespace();
    let publisher = Publisher::<Reading>::attach("readings").unwrap();
    let subscriber = Subscriber::<Reading>::attach("readings").unwrap();
    drop(publisher);
    assert_eq!(registry::list().unwrap().len(), 1);
    drop(subscriber);
    assert_eq!(registry::list().unwrap().len(), 0);
}

#[test]
fn no_types_at_all() {
    let _namespace = testing::namespace();
    let mut subscriber = DynSubscriber::attach("anything").unwrap();
    let mut publisher = DynPublisher::attach("anything", None, &Options::default()).unwrap();
    assert!(subscriber.kind().unwrap().is_none());
    assert!(publisher.kind().unwrap().is_none());
    assert!(subscriber.try_recv().unwrap().is_none());
    let record = Record::zeroed(Reading::layout().clone());
    assert!(publisher.publish(&record).unwrap_err().is_invalid());
    assert!(publisher.publish_bytes(b"x").unwrap_err().is_invalid());

    publisher
        .declare(&Kind::Struct(Reading::layout().clone()))
        .unwrap();
    let mut record = record;
    record.set("counter", &Value::Int(9)).unwrap();
    assert_eq!(publisher.publish(&record).unwrap(), 1);
    assert!(publisher.publish_bytes(b"x").unwrap_err().is_invalid());
    let message = subscriber.recv(SOON).unwrap();
    assert_eq!((message.meta.sequence, message.sent_at()), (1, None));
    let DynValue::Record(received) = message.value else {
        panic!("no record");
    };
    assert_eq!(received.get("counter").unwrap(), Value::Int(9));
    let other = Record::zeroed(Status::layout().clone());
    let error = publisher.publish(&other).unwrap_err();
    assert!(error.is_layout_mismatch(), "{error}");

    let mut bytes = Publisher::<[u8]>::attach("bytes").unwrap();
    let mut subscriber = DynSubscriber::attach("bytes").unwrap();
    assert_eq!(subscriber.kind().unwrap(), Some(&Kind::Bytes));
    bytes.publish(b"hello").unwrap();
    match subscriber.recv(SOON).unwrap().value {
        DynValue::Bytes(bytes) => assert_eq!(&*bytes, b"hello"),
        other => panic!("{other:?}"),
    }

    let array = NdArray::new(&[2], &[1.5f32, 2.5]).unwrap();
    let kind = Some(&Kind::Array);
    let mut publisher = DynPublisher::attach("arrays", kind, &Options::default()).unwrap();
    let mut subscriber = DynSubscriber::attach("arrays").unwrap();
    publisher.publish_array(&array).unwrap();
    match subscriber.recv(SOON).unwrap().value {
        DynValue::Array(received) => assert_eq!(received, array),
        other => panic!("{other:?}"),
    }
}

/// The fixed part, and as many elements as there are bytes for.
#[test]
fn records_with_a_tail() {
    let _namespace = testing::namespace();
    let fields = vec![
        Field::new("count", Type::Scalar(Scalar::U16)),
        Field::new("points", Type::Tail(Box::new(Type::Scalar(Scalar::F32)))),
    ];
    let layout = std::sync::Arc::new(StructType::natural("Cloud", fields, None).unwrap());
    let kind = Kind::Struct(layout.clone());
    let mut publisher = DynPublisher::attach("cloud", Some(&kind), &Options::default()).unwrap();
    let mut subscriber = DynSubscriber::attach("cloud").unwrap();
    for len in [0, 1, 3, 10_000] {
        let bytes = vec![0; 4 + 4 * len].into_boxed_slice();
        let mut record = Record::new(layout.clone(), bytes);
        record.set("count", &Value::Uint(7)).unwrap();
        publisher.publish(&record).unwrap();
        let DynValue::Record(received) = subscriber.recv(SOON).unwrap().value else {
            panic!("no record");
        };
        assert_eq!(received, record);
    }
}

#[test]
fn who_looks_at_a_topic_sees_how_far_its_participants_are() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Reading>::options()
        .policy(Policy::Block)
        .attach("readings")
        .unwrap();
    let mut subscriber = Subscriber::<Reading>::attach("readings").unwrap();
    publisher.publish_many(&[reading(1); 10]).unwrap();
    subscriber.recv_many(4, None).unwrap();
    let page = registry::inspect("readings").unwrap();
    assert_eq!(page.pattern, "topic");
    let topic = page.topic.unwrap();
    assert_eq!(topic.policy, Some(Policy::Block));
    assert_eq!(topic.kind, Some(Kind::Struct(Reading::layout().clone())));
    assert_eq!(topic.messages, 10);
    let [first, second] = &topic.participants[..] else {
        panic!("{topic:?}");
    };
    assert_eq!(
        (first.participant.role, first.published),
        ("publisher", Some(10))
    );
    assert_eq!(
        (
            second.participant.role,
            second.lag,
            second.lost,
            second.held
        ),
        ("subscriber", Some(6), Some(0), Some(0))
    );
}

/// A publisher in a process that ends right after it has published: its messages are there all the same,
/// and its place is free again. Handles of its parent it cannot use.
#[cfg(unix)]
#[test]
fn a_forked_child_publishes_and_is_gone() {
    let namespace = testing::namespace();
    let mut subscriber = Subscriber::<Reading>::options()
        .max_participants(2)
        .attach("readings")
        .unwrap();
    for round in 1..=3 {
        // SAFETY: the child makes a handle of its own, uses it, and leaves without running destructors; an
        // alarm ends it where it does not.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: a plain call.
            unsafe { libc::alarm(10) };
            let refused = subscriber.try_recv().is_err_and(|error| error.is_forked());
            let published = Publisher::<Reading>::attach("readings")
                .and_then(|mut publisher| publisher.publish(&reading(round)));
            let code = i32::from(!(refused && published.is_ok_and(|sequence| sequence == 1)));
            // SAFETY: a plain call.
            unsafe { libc::_exit(code) };
        }
        let mut status = -1;
        // SAFETY: a child of ours, and a writable place.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!(
            (message.value.counter, message.sequence, message.publisher),
            (round, 1, child as u32)
        );
        assert_eq!(subscriber.publishers(), 0);
    }
    assert_eq!(subscriber.lost(), 0);
    drop(namespace);
}
