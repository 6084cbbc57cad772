//! Messages that are structs with a tail, typed.

use std::time::Duration;

use crosspage::layout::{Field, Scalar, StructType, Type, Value};
use crosspage::topic::{
    DynPublisher, DynSubscriber, DynValue, Kind, Options, Policy, Publisher, RawPublisher,
    RawSubscriber, Subscriber,
};
use crosspage::{Layout, Match, registry, testing};

const SOON: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
#[layout(tail = "points")]
struct Cloud {
    scan: u32,
    moving: bool,
}

type Points = (Cloud, [[f32; 3]]);

fn cloud(scan: u32) -> Cloud {
    Cloud { scan, moving: true }
}

fn points(count: usize, from: u32) -> Vec<[f32; 3]> {
    (0..count)
        .map(|i| [from as f32, i as f32, i as f32 + 0.5])
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(u8)]
enum Mode {
    Stop = 0,
    Run = 5,
}

/// An element that not all bytes are, and that has padding.
#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Motor {
    speed: u32,
    ready: bool,
    mode: Mode,
}

/// The same from a program that knows more modes.
#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct NewerMotor {
    speed: u32,
    ready: u8,
    mode: u8,
}

fn motor(speed: u32) -> Motor {
    Motor {
        speed,
        ready: speed.is_multiple_of(2),
        mode: Mode::Run,
    }
}

#[test]
fn as_long_as_each_message_is() {
    let _namespace = testing::namespace();
    for policy in [Policy::Overwrite, Policy::Block] {
        for checksum in [false, true] {
            let name = format!("cloud/{policy}/{checksum}");
            let mut subscriber = Subscriber::<Points>::attach(&name).unwrap();
            let mut publisher = Publisher::<Points>::options()
                .policy(policy)
                .checksum(checksum)
                .attach(&name)
                .unwrap();
            for (i, count) in (1..).zip([0, 1, 2, 4, 5, 100, 10_000, 0]) {
                let sent = points(count, i);
                assert_eq!(publisher.publish(&cloud(i), &sent).unwrap(), u64::from(i));
                let message = subscriber.recv(SOON).unwrap();
                assert_eq!(message.sequence, u64::from(i));
                assert_eq!(*message.value.header(), cloud(i));
                assert_eq!(message.value.tail(), sent);
            }
            assert!(subscriber.try_recv().unwrap().is_none());
        }
    }
}

/// As the tests of C++ and of Python have it.
#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
#[layout(tail = "points")]
struct Scan {
    stamp: u64,
    moving: bool,
}

/// The canonical form of `Scan` with a tail of `f32[3]`: the same in the tests of C++ and of Python.
const CANONICAL: &str = "0122100000000800000003000000050000007374616d700000000009060000006d6f76696e67080000000106000000\
                         706f696e74730c0000002321030000000a";

/// As a C compiler has `struct { …; T tail[]; }`, and Python's `tail`.
#[test]
fn the_layout_is_that_of_a_flexible_array_member() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Odd {
        number: u64,
        kind: u8,
    }

    let _namespace = testing::namespace();
    let layout_of = |name: &str| match DynSubscriber::attach(name).unwrap().kind().unwrap() {
        Some(Kind::Struct(layout)) => layout.clone(),
        other => panic!("{other:?}"),
    };
    let mut publisher = Publisher::<(Odd, [u16])>::attach("odd").unwrap();
    let layout = layout_of("odd");
    let field = |name: &str, scalar| Field::new(name, Type::Scalar(scalar));
    let tail = Type::Tail(Box::new(Type::Scalar(Scalar::U16)));
    let fields = vec![
        field("number", Scalar::U64),
        field("kind", Scalar::U8),
        Field::new("tail", tail),
    ];
    let natural = StructType::natural("Odd", fields, None).unwrap();
    assert_eq!(*layout, natural);
    // The tail begins in what would be the header's padding.
    assert_eq!(
        (layout.field("tail").unwrap().offset, layout.size()),
        (10, 16)
    );
    let mut subscriber = Subscriber::<(Odd, [u16])>::attach("odd").unwrap();
    let header = Odd { number: 7, kind: 3 };
    for count in 0..40u16 {
        let sent: Vec<u16> = (1..=count).collect();
        publisher.publish(&header, &sent).unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!(*message.value.header(), header);
        assert_eq!(message.value.tail(), sent);
    }
    let _publisher = Publisher::<(Scan, [[f32; 3]])>::attach("scan").unwrap();
    let canonical = layout_of("scan").canonical();
    let hex: String = canonical.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, CANONICAL);
    let _publisher = Publisher::<Points>::attach("cloud").unwrap();
    assert_eq!(
        format!("{:?}", layout_of("cloud")),
        "Cloud (8 bytes, align 4) { scan: u32 at 0, moving: bool at 4, points: f32[][3] at 8 }"
    );
}

/// What a subscriber holds is where the publisher put it, and does not change.
#[test]
fn a_tail_is_held_in_place() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Points>::attach("cloud").unwrap();
    let mut subscriber = Subscriber::<Points>::attach("cloud").unwrap();
    let held = || {
        let topic = registry::inspect("cloud").unwrap().topic.unwrap();
        topic.participants[1].held.unwrap()
    };
    let sent = points(10_000, 1);
    publisher.publish(&cloud(1), &sent).unwrap();
    let first = subscriber.recv(SOON).unwrap();
    assert_eq!(held(), 1);
    for i in 2..500 {
        publisher.publish(&cloud(i), &points(10_000, i)).unwrap();
    }
    assert_eq!(first.value.tail(), sent);
    drop(first);
    assert_eq!(held(), 0);
}

#[test]
fn loans_are_filled_in_place() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Points>::attach("cloud").unwrap();
    let mut subscriber = Subscriber::<Points>::attach("cloud").unwrap();
    for count in [0, 1, 50_000] {
        let sent = points(count, 3);
        let mut loan = publisher.loan(&cloud(1), count).unwrap();
        loan.tail_mut().copy_from_slice(&sent);
        loan.set_header(&cloud(2));
        loan.commit().unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!(*message.value.header(), cloud(2));
        assert_eq!(message.value.tail(), sent);
    }
    drop(publisher.loan(&cloud(9), 3).unwrap());
    assert!(subscriber.try_recv().unwrap().is_none());
    let error = publisher.loan(&cloud(9), usize::MAX / 2).unwrap_err();
    assert!(error.is_too_large(), "{error}");
}

/// Padding is 0 in the page, in the header and between elements, whether published or loaned.
#[test]
fn padding_is_zero_in_the_page() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Sample {
        at: u64,
        level: u8,
    }
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<(Cloud, [Sample])>::attach("samples").unwrap();
    let Some(kind) = DynSubscriber::attach("samples")
        .unwrap()
        .kind()
        .unwrap()
        .cloned()
    else {
        panic!("declared");
    };
    let options = Options::default();
    let mut subscriber = RawSubscriber::attach("samples", Some(&kind), &options).unwrap();
    let sample = Sample {
        at: u64::MAX,
        level: 0xff,
    };
    let mut expected = vec![0; 8 + 2 * 16];
    expected[..4].fill(0xff);
    expected[4] = 1;
    for start in [8, 24] {
        expected[start..start + 9].fill(0xff);
    }
    publisher.publish(&cloud(u32::MAX), &[sample; 2]).unwrap();
    assert_eq!(subscriber.recv(Some(SOON)).unwrap().bytes(), expected);
    // Memory that was used before.
    for _ in 0..2 {
        let mut loan = publisher.loan(&cloud(u32::MAX), 2).unwrap();
        let tail = loan.tail_mut();
        let bytes = std::ptr::from_mut(tail).cast::<u8>();
        // SAFETY: all bytes of the two elements, which any bytes are.
        unsafe { bytes.write_bytes(0xff, 32) };
        loan.commit().unwrap();
        assert_eq!(subscriber.recv(Some(SOON)).unwrap().bytes(), expected);
    }
}

#[test]
fn elements_are_checked_as_other_structs_are() {
    let _namespace = testing::namespace();
    let mut newer = Publisher::<(Cloud, [NewerMotor])>::options()
        .match_by(Match::Exact)
        .attach("newer")
        .unwrap();
    // bool and u8 are no one type: this page is declared by who has bools and enums.
    let refused = Subscriber::<(Cloud, [Motor])>::attach("newer").unwrap_err();
    assert!(refused.is_layout_mismatch(), "{refused}");
    newer.publish(&cloud(1), &[]).unwrap();

    let mut publisher = Publisher::<(Cloud, [Motor])>::attach("motors").unwrap();
    let mut subscriber = Subscriber::<(Cloud, [Motor])>::attach("motors").unwrap();
    for count in [0, 1, 3, 5_000] {
        let sent: Vec<Motor> = (0..count).map(motor).collect();
        publisher.publish(&cloud(count), &sent).unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!(message.value.tail(), sent);
    }
    let error = publisher.loan(&cloud(1), 3).unwrap_err();
    assert!(
        error.is_unsupported() && error.message().contains("points"),
        "{error}"
    );

    // What no program of this type writes.
    let mut dynamic = DynPublisher::attach("motors", None, &Options::default()).unwrap();
    for count in [3, 5_000] {
        let mut bytes = vec![0u8; 8 + 8 * count];
        bytes[4] = 7; // moving
        bytes[8 + 8 + 4] = 9; // points[1].ready
        let strange = |bytes: &mut Vec<u8>, mode: u8| bytes[8 + 16 + 5] = mode; // points[2].mode
        strange(&mut bytes, 5);
        dynamic.publish_bytes(&bytes).unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert!(message.value.header().moving);
        let tail = message.value.tail();
        assert_eq!((tail[0].ready, tail[1].ready), (false, true));
        // The same where the header is as it has to be.
        bytes[4] = 1;
        dynamic.publish_bytes(&bytes).unwrap();
        let again = subscriber.recv(SOON).unwrap();
        assert_eq!(again.value.tail(), tail);
        // SAFETY: any byte is a u8.
        let ready = unsafe {
            std::ptr::from_ref(&again.value.tail()[1].ready)
                .cast::<u8>()
                .read()
        };
        assert_eq!(ready, 1);
        assert_eq!((tail[1].mode, tail[2].mode), (Mode::Stop, Mode::Run));
        strange(&mut bytes, 6);
        dynamic.publish_bytes(&bytes).unwrap();
        let error = subscriber.recv(SOON).unwrap_err();
        assert!(error.is_invalid(), "{error}");
        assert!(
            error
                .message()
                .contains("field points[2].mode: 6 is not a valid Mode (offset 29)"),
            "{error}"
        );
    }
    assert!(subscriber.try_recv().unwrap().is_none());
}

#[test]
fn another_tail_is_a_mismatch() {
    let _namespace = testing::namespace();
    let _publisher = Publisher::<Points>::attach("cloud").unwrap();
    let error = Subscriber::<(Cloud, [[f64; 3]])>::attach("cloud").unwrap_err();
    assert!(error.is_layout_mismatch());
    let text = error.to_string();
    assert!(
        text.contains("points") && text.contains("f32[][3] at 8"),
        "{text}"
    );
    assert!(text.contains("f64[][3] at 8"), "{text}");
    let error = Subscriber::<Cloud>::attach("cloud").unwrap_err();
    assert!(
        error.is_layout_mismatch() && error.to_string().contains("points"),
        "{error}"
    );

    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Other {
        scan: u32,
        moving: bool,
    }
    let error = Subscriber::<(Other, [[f32; 3]])>::attach("cloud").unwrap_err();
    assert!(
        error.is_layout_mismatch() && error.to_string().contains("tail"),
        "{error}"
    );

    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Tail {
        tail: u32,
    }
    let error = Publisher::<(Tail, [u8])>::attach("other").unwrap_err();
    assert!(
        error.is_invalid() && error.message().contains("\"tail\""),
        "{error}"
    );
}

#[test]
fn a_message_does_not_end_inside_of_an_element() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Points>::attach("cloud").unwrap();
    let mut subscriber = Subscriber::<Points>::attach("cloud").unwrap();
    let mut raw = RawPublisher::attach("cloud", None, &Options::default()).unwrap();
    for len in [0, 7, 9, 8 + 11, 8 + 13] {
        let error = raw.publish_bytes(&vec![0; len]).unwrap_err();
        assert!(error.is_invalid(), "{error}");
        assert_eq!(
            error.message(),
            format!(
                "{len} bytes are no Cloud: it has 8 bytes, and 12 for each element of its tail"
            )
        );
        assert!(raw.loan(len).is_err());
    }
    raw.publish_bytes(&[0; 8 + 24]).unwrap();
    assert_eq!(subscriber.recv(SOON).unwrap().value.tail(), [[0.0; 3]; 2]);
    // Nor is it published without its tail.
    let value = cloud(1);
    // SAFETY: nothing is read: it is refused.
    let error = unsafe { raw.publish(std::ptr::from_ref(&value).cast()) }.unwrap_err();
    assert!(error.is_invalid(), "{error}");
    publisher.publish(&value, &[]).unwrap();
    assert_eq!(*subscriber.recv(SOON).unwrap().value.header(), value);
}

/// The fields that a side declares, wherever they lie: in the header and in each element.
#[test]
fn by_name() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    #[layout(tail = "Motors")]
    struct Grown {
        moving: bool,
        taken: u64,
        scan: u32,
    }
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct GrownMotor {
        id: u16,
        mode: Mode,
        ready: bool,
        current: f64,
        speed: u32,
    }
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    #[layout(tail = "motors")]
    struct Scan {
        scan: u32,
        moving: bool,
    }
    let scan = |scan| Scan { scan, moving: true };

    let _namespace = testing::namespace();
    let mut publisher = Publisher::<(Grown, [GrownMotor])>::attach("scan").unwrap();
    let exact = Subscriber::<(Scan, [Motor])>::attach("scan").unwrap_err();
    assert!(exact.is_layout_mismatch());
    let mut subscriber = Subscriber::<(Scan, [Motor])>::options()
        .match_by(Match::Name)
        .attach("scan")
        .unwrap();
    let mut header_only = Subscriber::<Scan>::options()
        .match_by(Match::Name)
        .attach("scan")
        .unwrap();
    for count in [0, 1, 3, 5_000] {
        let grown = Grown {
            moving: true,
            taken: 1 << 40,
            scan: count,
        };
        let sent: Vec<GrownMotor> = (0..count)
            .map(|i| GrownMotor {
                id: i as u16,
                mode: Mode::Run,
                ready: i.is_multiple_of(2),
                current: 0.5,
                speed: i,
            })
            .collect();
        publisher.publish(&grown, &sent).unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!(*message.value.header(), scan(count));
        let expected: Vec<Motor> = (0..count).map(motor).collect();
        assert_eq!(message.value.tail(), expected);
        assert_eq!(*header_only.recv(SOON).unwrap().value, scan(count));
    }

    // What a publisher does not declare is 0.
    let mut whole = Subscriber::<(Grown, [GrownMotor])>::attach("scan").unwrap();
    let mut by_name = Publisher::<(Scan, [Motor])>::options()
        .match_by(Match::Name)
        .attach("scan")
        .unwrap();
    let sent: Vec<Motor> = (0..3).map(motor).collect();
    by_name.publish(&scan(4), &sent).unwrap();
    let message = whole.recv(SOON).unwrap();
    assert_eq!(
        *message.value.header(),
        Grown {
            moving: true,
            taken: 0,
            scan: 4
        }
    );
    let speeds: Vec<(u32, u16)> = message
        .value
        .tail()
        .iter()
        .map(|m| (m.speed, m.id))
        .collect();
    assert_eq!(speeds, [(0, 0), (1, 0), (2, 0)]);
    let mut header_only = Publisher::<Scan>::options()
        .match_by(Match::Name)
        .attach("scan")
        .unwrap();
    header_only.publish(&scan(5)).unwrap();
    let message = whole.recv(SOON).unwrap();
    assert_eq!(
        (message.value.header().scan, message.value.tail().len()),
        (5, 0)
    );
    // Bytes are laid out as this side has them.
    let kind = Kind::Struct(layout_of_scan());
    let options = options_by_name();
    let mut raw = RawPublisher::attach("scan", Some(&kind), &options).unwrap();
    let mut bytes = vec![0; 8 + 8];
    bytes[0] = 6; // scan
    bytes[8] = 9; // motors[0].speed
    raw.publish_bytes(&bytes).unwrap();
    let message = whole.recv(SOON).unwrap();
    assert_eq!(
        (message.value.header().scan, message.value.tail()[0].speed),
        (6, 9)
    );
    assert!(raw.loan(16).unwrap_err().is_unsupported());
}

fn options_by_name() -> Options {
    let mut options = Options::default();
    options.matching = Match::Name;
    options
}

fn layout_of_scan() -> std::sync::Arc<StructType> {
    let field = |name: &str, scalar| Field::new(name, Type::Scalar(scalar));
    let motor = vec![field("speed", Scalar::U32), field("ready", Scalar::Bool)];
    let motor = StructType::natural("Motor", motor, None).unwrap();
    let motors = Type::Tail(Box::new(Type::Struct(motor.into())));
    let fields = vec![
        field("scan", Scalar::U32),
        Field::new("motors", motors).at(4),
    ];
    let fields = [fields, vec![field("moving", Scalar::Bool)]].concat();
    let mut fields = fields;
    fields.swap(1, 2);
    StructType::natural("Scan", fields, None).unwrap().into()
}

/// A header that the stack has no room for, and elements that have to lie at a multiple of 128.
#[test]
fn large_headers_and_wide_elements() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Large {
        number: u64,
        table: [u8; 100_000],
    }
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C, align(128))]
    struct Wide {
        values: [f64; 16],
    }

    let _namespace = testing::namespace();
    let mut publisher = Publisher::<(Large, [Wide])>::attach("wide").unwrap();
    let mut subscriber = Subscriber::<(Large, [Wide])>::attach("wide").unwrap();
    let header = Box::new(Large {
        number: 3,
        table: [5; 100_000],
    });
    for count in [0, 1, 100] {
        let sent = vec![
            Wide {
                values: [count as f64; 16]
            };
            count
        ];
        publisher.publish(&header, &sent).unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!(message.value.header(), &*header);
        assert_eq!(message.value.tail(), sent);
        assert!(message.value.tail().as_ptr().is_aligned());
    }
    assert!(publisher.loan(&header, 1).unwrap_err().is_unsupported());
    let mut small = Publisher::<(Cloud, [Wide])>::attach("small").unwrap();
    let mut subscriber = Subscriber::<(Cloud, [Wide])>::attach("small").unwrap();
    for count in [0, 1, 3] {
        small
            .publish(&cloud(1), &vec![Wide { values: [0.5; 16] }; count])
            .unwrap();
        let message = subscriber.recv(SOON).unwrap();
        assert_eq!(message.value.tail().len(), count);
        assert!(message.value.tail().as_ptr().is_aligned());
    }
}

/// A tail that begins in the header's padding, which a short message does not have.
#[test]
fn by_name_into_padding() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Page {
        ready: bool,
        number: u64,
        new: u64,
    }
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Here {
        number: u64,
        ready: bool,
    }
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<(Page, [u16])>::attach("numbers").unwrap();
    let mut subscriber = Subscriber::<(Here, [u16])>::options()
        .match_by(Match::Name)
        .attach("numbers")
        .unwrap();
    let header = Page {
        ready: true,
        number: 7,
        new: 9,
    };
    for count in 0..20 {
        let sent: Vec<u16> = (0..count).collect();
        publisher.publish(&header, &sent).unwrap();
        let message = subscriber.recv(SOON).unwrap();
        let expected = Here {
            number: 7,
            ready: true,
        };
        assert_eq!(*message.value.header(), expected);
        assert_eq!(message.value.tail(), sent);
    }
}

#[test]
fn nobody_waits_longer_than_asked() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<Points>::options()
        .policy(Policy::Block)
        .capacity(4096)
        .attach("cloud")
        .unwrap();
    let mut subscriber = Subscriber::<Points>::attach("cloud").unwrap();
    let mut sent = 0;
    let some = points(20, 1);
    while publisher
        .try_publish(&cloud(sent), &some)
        .unwrap()
        .is_some()
    {
        sent += 1;
    }
    assert!(sent > 3, "{sent}");
    let error = publisher
        .publish_timeout(&cloud(0), &some, SHORT)
        .unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    let received = subscriber.recv_many(1000, SOON).unwrap();
    let scans: Vec<u32> = received
        .iter()
        .map(|message| message.value.header().scan)
        .collect();
    assert_eq!(scans, (0..sent).collect::<Vec<_>>());
    assert!(received.iter().all(|message| message.value.tail() == some));

    // Larger than the capacity: in fragments.
    let large = points(10_000, 2);
    let reader = std::thread::spawn(move || {
        let message = subscriber.recv(SOON).unwrap();
        (*message.value.header(), message.value.tail().to_vec())
    });
    publisher.publish_timeout(&cloud(99), &large, SOON).unwrap();
    assert_eq!(reader.join().unwrap(), (cloud(99), large));
}

#[test]
fn records_and_types_are_one() {
    let _namespace = testing::namespace();
    let mut publisher = Publisher::<(Cloud, [Motor])>::attach("motors").unwrap();
    let mut subscriber = DynSubscriber::attach("motors").unwrap();
    publisher.publish(&cloud(7), &[motor(1), motor(2)]).unwrap();
    let DynValue::Record(record) = subscriber.recv(SOON).unwrap().value else {
        panic!("no record");
    };
    assert_eq!(
        record.to_json(),
        r#"{"scan":7,"moving":true,"points":[{"speed":1,"ready":false,"mode":"Run"},{"speed":2,"ready":true,"mode":"Run"}]}"#
    );
    let mut typed = Subscriber::<(Cloud, [Motor])>::attach("motors").unwrap();
    let mut dynamic = DynPublisher::attach("motors", None, &Options::default()).unwrap();
    let mut changed = record.clone();
    changed.set("points[1].speed", &Value::Uint(70)).unwrap();
    // The layout as this handle has it.
    dynamic.kind().unwrap();
    dynamic.publish(&changed).unwrap();
    let message = typed.recv(SOON).unwrap();
    assert_eq!(message.value.tail()[1].speed, 70);
    assert_eq!(
        format!("{:?}", message.value),
        "(Cloud { scan: 7, moving: true }, [Motor { speed: 1, ready: false, mode: Run }, \
         Motor { speed: 70, ready: true, mode: Run }])"
    );
}
