//! Each thing that a process can do to a page, what is there before, and what must hold after it was
//! killed over it.

use std::time::Duration;

use crosspage::latest::{RawReader, RawWriter};
use crosspage::{Match, Result};

use crate::harness::kit::{self, Kind, Seen, Survivors};
use crate::harness::report::{Report, Returned};
use crate::harness::sys;
use crate::harness::trace::Victim;

/// What the page holds before, where it holds something.
pub const BEFORE: Seen = Some((5, 5));
/// The nonce of the value that a victim writes.
pub const VICTIMS: u64 = 600;

/// What a process does between its markers, after it has prepared what it needs. A value that it
/// writes has the nonce of the last argument.
pub type Act = fn(&Kind, &Report, u64);

/// Between its two markers runs `call`, and then tells what came of it.
fn act(report: &Report, call: impl FnOnce() -> Result<Seen>) {
    sys::marker();
    let result = call();
    report.say(&result);
    sys::marker();
}

pub fn create(kind: &Kind, report: &Report, _: u64) {
    let mut made = None;
    act(report, || {
        made = Some(kind.create()?);
        Ok(None)
    });
}

pub fn attach(kind: &Kind, report: &Report, _: u64) {
    let mut made = None;
    act(report, || {
        made = Some(kind.attach()?);
        Ok(None)
    });
}

pub fn open_and_read(kind: &Kind, report: &Report, _: u64) {
    let mut opened = None;
    act(report, || kit::read(opened.insert(kind.open()?)));
}

pub fn write(kind: &Kind, report: &Report, nonce: u64) {
    let mut writer = kind.attach().unwrap();
    act(report, || {
        Ok(Some((kit::write(&mut writer, nonce)?, nonce)))
    });
}

pub fn write_with(kind: &Kind, report: &Report, nonce: u64) {
    let mut writer = kind.attach().unwrap();
    act(report, || {
        Ok(Some((kit::write_with(&mut writer, nonce)?, nonce)))
    });
}

pub fn write_reversed(kind: &Kind, report: &Report, nonce: u64) {
    let mut options = kind.options.clone();
    options.matching = Match::Name;
    let mut writer = RawWriter::attach(&kind.locator, kit::reversed_layout(), &options).unwrap();
    act(report, || {
        Ok(Some((kit::write_reversed(&mut writer, nonce)?, nonce)))
    });
}

pub fn update(kind: &Kind, report: &Report, nonce: u64) {
    let mut writer = kind.attach().unwrap();
    act(report, || {
        Ok(Some((kit::update(&mut writer, |_| nonce)?, nonce)))
    });
}

/// Writes so many values that every slot has its turn.
pub fn write_round(kind: &Kind, report: &Report, nonce: u64) {
    let mut writer = kind.attach().unwrap();
    act(report, || {
        let mut seen = None;
        for nonce in nonce..nonce + kind.slots as u64 {
            seen = Some((kit::write(&mut writer, nonce)?, nonce));
        }
        Ok(seen)
    });
}

pub fn read(kind: &Kind, report: &Report, _: u64) {
    let reader = kind.open().unwrap();
    act(report, || kit::read(&reader));
}

pub fn pin(kind: &Kind, report: &Report, _: u64) {
    let reader = kind.open().unwrap();
    act(report, || {
        let Some(pinned) = reader.read_pinned()? else {
            return Ok(None);
        };
        Ok(Some((
            pinned.meta().version,
            kit::decode(pinned.as_bytes()),
        )))
    });
}

/// Waits for what is there already.
pub fn wait_for_this(kind: &Kind, report: &Report, _: u64) {
    let reader = kind.open().unwrap();
    act(report, || {
        kit::wait_changed(&reader, 4, Duration::from_secs(20)).map(Some)
    });
}

/// Waits, for a moment, for what is not there yet.
pub fn wait_for_more(kind: &Kind, report: &Report, _: u64) {
    let reader = kind.open().unwrap();
    act(report, || {
        match kit::wait_changed(&reader, 5, Duration::from_millis(150)) {
            Err(error) if error.is_timed_out() => Ok(None),
            other => other.map(Some),
        }
    });
}

pub fn leave(kind: &Kind, report: &Report, _: u64) {
    let writer = kind.attach().unwrap();
    act(report, || {
        drop(writer);
        Ok(None)
    });
}

pub fn leave_as_reader(kind: &Kind, report: &Report, _: u64) {
    let reader = kind.open().unwrap();
    act(report, || {
        drop(reader);
        Ok(None)
    });
}

pub fn remove(kind: &Kind, report: &Report, _: u64) {
    act(report, || crosspage::remove(&kind.locator).map(|()| None));
}

pub fn force_remove(kind: &Kind, report: &Report, _: u64) {
    act(report, || {
        crosspage::remove_forced(&kind.locator).map(|()| None)
    });
}

pub fn gc(_: &Kind, report: &Report, _: u64) {
    act(report, || crosspage::gc().map(|_| None));
}

pub fn list(_: &Kind, report: &Report, _: u64) {
    act(report, || crosspage::list().map(|_| None));
}

/// A process does something, and is killed over it.
pub struct Scene {
    pub name: String,
    play: Box<Play>,
}

type Play = dyn Fn(&mut dyn FnMut(Victim));

impl Scene {
    pub fn new(name: String, play: impl Fn(&mut dyn FnMut(Victim)) + 'static) -> Scene {
        let play = Box::new(play);
        Scene { name, play }
    }

    /// Prepares the page and a victim at its first marker, hands that to `kill`, and when it is dead
    /// asks the page whether it has survived.
    pub fn play(&self, kill: &mut dyn FnMut(Victim)) {
        (self.play)(kill);
    }
}

fn scene<W>(
    name: &str,
    kind: Kind,
    prepare: impl Fn(&Kind) -> W + 'static,
    act: Act,
    check: impl Fn(&Kind, W, Returned) + 'static,
) -> Scene {
    let report = Report::new();
    Scene {
        name: format!("{name} ({})", kind.name),
        play: Box::new(move |kill| {
            report.clear();
            let world = prepare(&kind);
            kill(Victim::new(|| act(&kind, report, VICTIMS)));
            check(&kind, world, report.get());
            kit::clean();
        }),
    }
}

/// What the value may be after a victim's write.
pub fn after_write(returned: &Returned) -> Vec<Seen> {
    match returned.is_done() {
        true => {
            assert_eq!(*returned, Returned::Done(Some((6, VICTIMS))));
            vec![Some((6, VICTIMS))]
        }
        false => vec![BEFORE, Some((6, VICTIMS))],
    }
}

/// A page with a value and a reader, and, where several may write, a writer.
pub fn attended(kind: &Kind) -> Survivors {
    let writer = kind.filled();
    Survivors {
        allowed: vec![BEFORE],
        from_none: 1,
        reader: Some(kind.open().unwrap()),
        writer: kind.has_several_writers().then_some(writer),
    }
}

/// A page with a value and nobody attached.
fn left_alone(kind: &Kind) -> Survivors {
    drop(kind.filled());
    Survivors {
        allowed: vec![BEFORE],
        ..Survivors::none()
    }
}

/// A page of another layout, with a value and a reader.
fn of_another_layout(kind: &Kind) -> RawReader {
    let mut writer = RawWriter::create(&kind.locator, kit::other_layout(), &kind.options).unwrap();
    for nonce in 1..=5 {
        kit::write(&mut writer, nonce).unwrap();
    }
    RawReader::open(
        &kind.locator,
        Some(kit::other_layout()),
        &Default::default(),
    )
    .unwrap()
}

fn writes(act_name: &str, kind: Kind, act: Act) -> Scene {
    scene(act_name, kind, attended, act, |kind, world, returned| {
        Survivors {
            allowed: after_write(&returned),
            ..world
        }
        .go_on(kind);
    })
}

/// Nothing that others can see comes of it.
fn looks(act_name: &str, kind: Kind, act: Act, sees: Seen) -> Scene {
    scene(
        act_name,
        kind,
        attended,
        act,
        move |kind, world, returned| {
            if returned.is_done() {
                assert_eq!(returned, Returned::Done(sees));
            }
            world.go_on(kind);
        },
    )
}

/// The page may be gone afterwards, but only if it was to go.
fn goes(returned: &Returned, world: Survivors) -> Survivors {
    let allowed = match returned.is_done() {
        true => vec![None],
        false => vec![None, BEFORE],
    };
    Survivors { allowed, ..world }
}

pub fn all() -> Vec<Scene> {
    let mut all = Vec::new();
    for kind in [
        Kind::plain(),
        Kind::several(),
        Kind::used(),
        Kind::durable(true),
    ] {
        all.push(scene(
            "create",
            kind,
            |_| (),
            create,
            |kind, (), returned| {
                if returned.is_done() {
                    assert!(kit::read(&kind.open().unwrap()).unwrap().is_none());
                }
                Survivors::none().go_on(kind);
            },
        ));
    }
    all.push(scene(
        "create, then gc",
        Kind::used(),
        |_| (),
        create,
        |_, (), returned| {
            returned.is_done();
            kit::clean(); // With nothing in between.
        },
    ));
    all.push(scene(
        "attach to nothing",
        Kind::plain(),
        |_| (),
        attach,
        |kind, (), _| {
            Survivors::none().go_on(kind);
        },
    ));
    for kind in [Kind::plain(), Kind::several()] {
        let abandoned = |kind: &Kind| {
            let reader = attended(kind).reader;
            kind.die_in_write();
            kind.die_as_reader();
            Survivors {
                reader,
                ..left_alone_value()
            }
        };
        all.push(scene(
            "take over",
            kind,
            abandoned,
            create,
            |kind, world, returned| {
                returned.is_done();
                world.go_on(kind);
            },
        ));
    }
    let crowded = |kind: &Kind| {
        let world = attended(kind);
        for _ in 0..3 {
            kind.die_as_reader();
        }
        world
    };
    all.push(scene(
        "open",
        Kind::plain(),
        crowded,
        open_and_read,
        |kind, world, returned| {
            if returned.is_done() {
                assert_eq!(returned, Returned::Done(BEFORE));
            }
            world.go_on(kind);
        },
    ));

    all.push(writes("write", Kind::plain(), write));
    all.push(writes("write", Kind::several(), write));
    all.push(writes("write with a checksum", Kind::used(), write));
    all.push(writes("write in place", Kind::plain(), write_with));
    all.push(writes("write in place", Kind::several(), write_with));
    all.push(writes("write by name", Kind::plain(), write_reversed));
    all.push(writes("update", Kind::plain(), update));
    all.push(writes("update", Kind::several(), update));
    all.push(looks("read", Kind::plain(), read, BEFORE));
    all.push(looks("read a pinned value", Kind::several(), pin, BEFORE));
    all.push(looks(
        "wait for what is there",
        Kind::plain(),
        wait_for_this,
        BEFORE,
    ));
    all.push(looks(
        "wait for what is not",
        Kind::plain(),
        wait_for_more,
        None,
    ));
    all.push(looks("list", Kind::plain(), list, None));
    all.push(scene(
        "write to a waiter",
        Kind::plain(),
        waited_for,
        write,
        the_waiter_wakes,
    ));

    all.push(scene(
        "replace",
        Kind::plain(),
        of_another_layout,
        create,
        |kind, old, returned| {
            still_the_page_or_told(kind, &old, &returned);
            drop(kind.create().unwrap());
            let error = kit::read(&old).unwrap_err();
            assert!(error.is_replaced(), "{error}");
            drop(old);
            Survivors::none().go_on(kind);
        },
    ));
    all.push(scene(
        "replace in vain",
        Kind::plain(),
        of_another_layout,
        create,
        |kind, old, returned| {
            // Where the old page still stands, its own kind can go on with it.
            let attach = RawWriter::attach(&kind.locator, kit::other_layout(), &kind.options);
            match attach {
                Ok(mut writer) => {
                    assert!(!returned.is_done());
                    assert_eq!(kit::write(&mut writer, VICTIMS).unwrap(), 6, "LOST");
                    assert_eq!(kit::read(&old).unwrap(), Some((6, VICTIMS)), "LOST");
                }
                Err(error) => {
                    assert!(error.is_layout_mismatch(), "{error}");
                    assert!(kit::read(&old).unwrap_err().is_replaced());
                }
            }
            drop(old);
            crosspage::remove(&kind.locator).unwrap();
        },
    ));
    let replaced = |kind: &Kind| {
        drop(of_another_layout(kind));
        left_alone(kind)
    };
    all.push(scene(
        "reopen",
        Kind::plain(),
        replaced,
        reopen,
        |kind, world, returned| {
            returned.is_done();
            world.go_on(kind);
        },
    ));

    let last = |kind: &Kind| drop(kind.attach().unwrap());
    all.push(scene(
        "leave as the last",
        Kind::used(),
        last,
        leave,
        |_, (), returned| {
            returned.is_done();
            kit::clean();
        },
    ));
    all.push(scene(
        "leave, then create",
        Kind::used(),
        last,
        leave,
        |kind, (), returned| {
            returned.is_done();
            Survivors::none().go_on(kind);
        },
    ));
    for kind in [Kind::used(), Kind::several()] {
        all.push(looks("leave", kind, leave, None));
    }
    all.push(looks("leave", Kind::used(), leave_as_reader, None));
    all.push(scene(
        "remove",
        Kind::plain(),
        left_alone,
        remove,
        |kind, world, returned| {
            goes(&returned, world).go_on(kind);
        },
    ));
    all.push(scene(
        "remove from under a reader",
        Kind::plain(),
        attended,
        force_remove,
        |kind, mut world, returned| {
            let reader = world.reader.take().unwrap();
            still_the_page_or_told(kind, &reader, &returned);
            drop(reader);
            goes(&returned, world).go_on(kind);
        },
    ));
    all.push(scene(
        "gc",
        Kind::plain(),
        littered,
        gc,
        |kind, world, returned| {
            if !returned.is_done() {
                crosspage::gc().unwrap();
            }
            assert_eq!(kit::names().len(), 1, "{:?}", kit::names());
            world.go_on(kind);
        },
    ));

    for checksum in [true, false] {
        let kind = Kind::durable(checksum);
        all.push(scene(
            "recover",
            kind,
            from_another_boot,
            open_and_read,
            move |kind, world, returned| {
                // A value that nothing vouches for is dropped; its version is not given out again.
                let kept = if checksum { BEFORE } else { None };
                if returned.is_done() {
                    assert_eq!(returned, Returned::Done(kept));
                }
                Survivors {
                    allowed: vec![kept],
                    from_none: 6,
                    ..world
                }
                .go_on(kind);
            },
        ));
    }
    all
}

/// Who was attached either still has the page that newcomers find, or is told that it went.
fn still_the_page_or_told(kind: &Kind, reader: &RawReader, returned: &Returned) {
    let seen = kit::read(reader);
    let newcomer = RawReader::open(&kind.locator, None, &Default::default());
    match seen {
        Ok(seen) => {
            assert!(
                !returned.is_done(),
                "this reader is not told that its page went"
            );
            assert_eq!(seen, BEFORE);
            assert_eq!(kit::read(&newcomer.unwrap()).unwrap(), BEFORE);
        }
        Err(error) => assert!(error.is_replaced(), "{error}"),
    }
}

fn left_alone_value() -> Survivors {
    Survivors {
        allowed: vec![BEFORE],
        ..Survivors::none()
    }
}

/// A reader whose page has been replaced attaches to the new one.
fn reopen(kind: &Kind, report: &Report, _: u64) {
    crosspage::remove_forced(&kind.locator).unwrap();
    drop(kind.filled());
    let mut reader = kind.open().unwrap();
    crosspage::remove_forced(&kind.locator).unwrap();
    drop(kind.filled());
    assert!(kit::read(&reader).unwrap_err().is_replaced());
    act(report, || {
        reader.reopen()?;
        kit::read(&reader)
    });
}

/// Offsets in the header: docs/layout.md.
const STATE: u64 = 1024;
const BOOT: u64 = 1032;
const REMOVED: u64 = 4;

/// A page to keep, and all sorts of garbage.
fn littered(kind: &Kind) -> Survivors {
    let named = |kind: Kind, name: &str| Kind {
        locator: name.into(),
        ..kind
    };
    let dead = named(Kind::used(), "dead");
    let pid = sys::fork(|| {
        let _writer = dead.create().unwrap();
        sys::signal(sys::pid(), libc::SIGKILL);
        1
    });
    assert_eq!(sys::wait(pid), sys::Status::Killed(libc::SIGKILL));
    let removed = named(Kind::plain(), "removed");
    drop(removed.filled());
    removed.set_word(STATE, REMOVED);
    std::fs::write(kit::directory().join("0123456789abcdef.new"), "half a page").unwrap();
    left_alone(kind)
}

fn from_another_boot(kind: &Kind) -> Survivors {
    let world = left_alone(kind);
    kind.set_word(BOOT, 1);
    world
}

/// A page, and a process that waits for its next value.
fn waited_for(kind: &Kind) -> (Survivors, sys::Child, &'static Report) {
    let (world, report) = (attended(kind), waiters_report());
    report.clear();
    let child = sys::Child::new(|| {
        let reader = kind.open().unwrap();
        report.say(&kit::wait_changed(&reader, 5, Duration::from_secs(20)).map(Some));
        0
    });
    let sleeps = sys::wait_until(Duration::from_secs(5), || child.waits_on_a_futex());
    assert!(sleeps, "the waiter does not sleep");
    (world, child, report)
}

fn waiters_report() -> &'static Report {
    static REPORT: std::sync::OnceLock<&Report> = std::sync::OnceLock::new();
    REPORT.get_or_init(Report::new)
}

/// Who waits learns of the value even if its writer died before it could wake anybody.
fn the_waiter_wakes(
    kind: &Kind,
    (mut world, child, report): (Survivors, sys::Child, &'static Report),
    returned: Returned,
) {
    world.allowed = after_write(&returned);
    let seen = kit::read(world.reader.as_ref().unwrap()).unwrap();
    if seen == BEFORE {
        assert_eq!(report.get(), Returned::Not);
        let version = kit::write(&mut kind.create().unwrap(), VICTIMS).unwrap();
        assert_eq!(version, 6);
    }
    let woke = sys::wait_until(Duration::from_secs(5), || report.get() != Returned::Not);
    assert!(woke, "LOST: the waiter sleeps on");
    assert_eq!(report.get(), Returned::Done(Some((6, VICTIMS))));
    drop(child);
    world.allowed = vec![Some((6, VICTIMS))];
    world.go_on(kind);
}
