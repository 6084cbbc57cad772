//! Who is stopped (SIGSTOP, a debugger, a swapped-out container) holds up nobody that is attached, and
//! does no harm when it goes on.

use crosspage::ErrorKind;

use crate::kill::{LIMIT, Point, trace};
use crate::kit::{self, Kind};
use crate::report::{Report, Returned};
use crate::run::{Tally, context, is_long, spread};
use crate::scenes::{self, Act, VICTIMS};
use crate::trace::{At, Trace, Victim};
use crate::watch;

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
        let _ = crosspage::remove(&self.kind.locator, true);
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
