//! Who is stopped (SIGSTOP, a debugger, a swapped-out container) holds up nobody that is attached, and
//! does no harm when it goes on.

use crosspage::ErrorKind;
use crosspage::latest::{RawReader, RawWriter};

use crate::harness::kit::{self, Kind};
use crate::harness::report::{Report, Returned};
use crate::harness::run::{Tally, context, is_long, spread};
use crate::harness::trace::{At, Trace, Victim};
use crate::harness::watch;
use crate::kill::{LIMIT, Point, trace};
use crate::scenes::{self, Act, VICTIMS};

/// What the others write meanwhile: enough to come round all slots more than once.
const MEANWHILE: u64 = 20;

struct Stopped {
    name: &'static str,
    kind: Kind,
    act: Act,
    writes: bool,
}

impl Stopped {
    fn victim(&self, report: &'static Report) -> Victim {
        report.clear();
        Victim::new(|| (self.act)(&self.kind, report, VICTIMS))
    }

    fn trace(&self, report: &'static Report) -> Trace {
        watch::phase(10 * LIMIT, &format!("tracing {}", self.name));
        let world = scenes::attended(&self.kind);
        let traced = trace(self.victim(report));
        drop(world);
        let _ = crosspage::remove_forced(&self.kind.locator);
        kit::clean();
        traced
    }

    fn play(&self, point: Point, trace: &Trace, report: &'static Report) {
        let kind = &self.kind;
        let mut world = scenes::attended(kind);
        let reader = world.reader.as_ref().unwrap();
        let mut victim = self.victim(report);
        let at = point.reach(trace, &mut victim);

        let seen = kit::read(reader).unwrap().unwrap();
        let published = seen == (6, VICTIMS);
        assert!(seen == (5, 5) || self.writes && published, "LOST: {seen:?}");
        let mut version = seen.0;
        match &mut world.writer {
            Some(writer) => {
                for nonce in 700..700 + MEANWHILE {
                    version += 1;
                    let written = match nonce % 3 {
                        0 => kit::update(writer, |_| nonce),
                        1 => kit::write_with(writer, nonce),
                        _ => kit::write(writer, nonce),
                    };
                    assert_eq!(written.unwrap(), version);
                    assert_eq!(kit::read(reader).unwrap(), Some((version, nonce)));
                }
            }
            // A writer that is stopped is alive.
            None if self.writes => {
                let error = kind.create().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::AlreadyOwned, "{error}");
            }
            None => {}
        }

        if at != At::Marker {
            assert_eq!(victim.run(), At::Marker);
        }
        let now = kit::read(reader).unwrap();
        match report.get() {
            Returned::Done(Some((_, VICTIMS))) if published => {}
            Returned::Done(seen) if self.writes => {
                assert_eq!(
                    seen,
                    Some((version + 1, VICTIMS)),
                    "what the stopped one wrote"
                );
                assert_eq!(now, seen, "LOST");
            }
            Returned::Done(Some((read, nonce))) => {
                let whole = read == 5 && nonce == 5 || nonce == 700 + read - 6;
                assert!(
                    whole && read <= version,
                    "the stopped one read {read}, {nonce}"
                );
            }
            Returned::Done(None) => {}
            other => panic!("the stopped one's call: {other:?}"),
        }
        drop(victim);
        world.allowed = vec![now];
        world.go_on(kind);
        kit::clean();
    }
}

pub fn at_every_instruction(tally: &mut Tally) {
    let stopped = |name, kind, act, writes| Stopped {
        name,
        kind,
        act,
        writes,
    };
    let all = [
        stopped("write", Kind::plain(), scenes::write as Act, true),
        stopped("write", Kind::several(), scenes::write, true),
        stopped("write in place", Kind::several(), scenes::write_with, true),
        stopped("update", Kind::several(), scenes::update, true),
        stopped("read", Kind::several(), scenes::read, false),
        stopped("pin", Kind::several(), scenes::pin, false),
        stopped("open", Kind::several(), scenes::open_and_read, false),
        stopped("wait", Kind::several(), scenes::wait_for_this, false),
        stopped("leave", Kind::used(), scenes::leave_as_reader, false),
    ];
    let report = Report::new();
    for one in all {
        let trace = one.trace(report);
        tally.points += trace.points();
        let steps = trace.pcs.len();
        let mut points = spread(0, steps, if is_long() { 1000 } else { 6 });
        points.extend(&trace.effects);
        for step in points {
            let point = Point::Step(step);
            let what = format!(
                "{} ({}): stopped at {}",
                one.name,
                one.kind.name,
                point.describe(&trace)
            );
            watch::phase(LIMIT, &what);
            context(&what, || one.play(point, &trace, report));
            tally.stops += 1;
        }
    }
}

/// A process is stopped while it attaches, and meanwhile the page becomes another, or somebody else's.
struct Overtaken {
    name: &'static str,
    act: Act,
    /// The page is of another layout at first.
    other: bool,
    /// What happens meanwhile; returns who holds the writer's role then.
    meanwhile: fn(&Kind) -> crosspage::Result<RawWriter>,
}

/// The page is replaced, and written to.
fn replaced(kind: &Kind) -> crosspage::Result<RawWriter> {
    let mut writer = RawWriter::create(&kind.locator, kit::other_layout(), &kind.options)?;
    kit::write(&mut writer, 700)?;
    Ok(writer)
}

/// The page is removed, and made anew.
fn remade(kind: &Kind) -> crosspage::Result<RawWriter> {
    crosspage::remove(&kind.locator)?;
    let mut writer = kind.create()?;
    kit::write(&mut writer, 700)?;
    Ok(writer)
}

/// Somebody takes the writer's role of a page of another layout.
fn taken(kind: &Kind) -> crosspage::Result<RawWriter> {
    let mut writer = RawWriter::attach(&kind.locator, kit::other_layout(), &kind.options)?;
    kit::write(&mut writer, 700)?;
    Ok(writer)
}

const OVERTAKEN: [Overtaken; 6] = [
    Overtaken {
        name: "open, replaced",
        act: scenes::open_and_read,
        other: false,
        meanwhile: replaced,
    },
    Overtaken {
        name: "open, remade",
        act: scenes::open_and_read,
        other: false,
        meanwhile: remade,
    },
    Overtaken {
        name: "create, replaced",
        act: scenes::create,
        other: false,
        meanwhile: replaced,
    },
    Overtaken {
        name: "create, remade",
        act: scenes::create,
        other: false,
        meanwhile: remade,
    },
    Overtaken {
        name: "attach, remade",
        act: scenes::attach,
        other: false,
        meanwhile: remade,
    },
    Overtaken {
        name: "replace, taken",
        act: scenes::create,
        other: true,
        meanwhile: taken,
    },
];

impl Overtaken {
    /// A page with a value and nobody attached, and a victim.
    fn prepare(&self, kind: &Kind, report: &'static Report) -> Victim {
        let layout = if self.other {
            kit::other_layout()
        } else {
            kit::layout()
        };
        let mut writer = RawWriter::create(&kind.locator, layout, &kind.options).unwrap();
        for nonce in 1..=5 {
            kit::write(&mut writer, nonce).unwrap();
        }
        drop(writer);
        report.clear();
        Victim::new(|| (self.act)(kind, report, VICTIMS))
    }

    fn play(&self, point: Point, trace: &Trace, report: &'static Report) {
        let kind = &Kind::plain();
        let mut victim = self.prepare(kind, report);
        let at = point.reach(trace, &mut victim);
        // Who wants the lock that the victim holds waits for a second, and is told.
        let meanwhile = match kind.is_locked() && !is_long() {
            true => None,
            false => match (self.meanwhile)(kind) {
                Ok(writer) => Some(writer),
                Err(error) => {
                    let fine =
                        error.is_timed_out() || error.is_already_owned() || error.is_in_use();
                    assert!(fine || error.is_layout_mismatch(), "{error}");
                    None
                }
            },
        };
        if at != At::Marker {
            assert_eq!(victim.run(), At::Marker);
        }
        let returned = report.get();
        if let Some(mut writer) = meanwhile {
            // The page is whose it is, whatever the one who was stopped does.
            let reader = RawReader::open(&kind.locator, None, &Default::default()).unwrap();
            let version = kit::write(&mut writer, 701).unwrap();
            assert_eq!(kit::read(&reader).unwrap(), Some((version, 701)), "LOST");
            match returned {
                // It had read before, or reads what is there now.
                Returned::Done(seen) => assert!(matches!(seen, Some((_, 5 | 700))), "{seen:?}"),
                Returned::Failed(..) => assert!(
                    returned.is_error(ErrorKind::AlreadyOwned)
                        || returned.is_error(ErrorKind::Replaced)
                        || returned.is_error(ErrorKind::NotFound)
                        || returned.is_error(ErrorKind::LayoutMismatch),
                    "{returned:?}"
                ),
                Returned::Not => panic!("it did not return"),
            }
        } else {
            returned.is_done();
        }
        drop(victim);
        crosspage::remove_forced(&kind.locator).unwrap();
        kit::clean();
    }
}

pub fn overtaken(tally: &mut Tally) {
    let report = Report::new();
    for one in OVERTAKEN {
        watch::phase(10 * LIMIT, &format!("tracing {}", one.name));
        let trace = trace(one.prepare(&Kind::plain(), report));
        crosspage::remove_forced("page").unwrap();
        kit::clean();
        tally.points += trace.points();
        let mut points: Vec<Point> = (1..=trace.calls).map(Point::Call).collect();
        points.extend(trace.effects.iter().map(|&step| Point::Step(step)));
        for point in points {
            let what = format!("{}: stopped at {}", one.name, point.describe(&trace));
            watch::phase(LIMIT, &what);
            context(&what, || one.play(point, &trace, report));
            tally.stops += 1;
        }
    }
}
