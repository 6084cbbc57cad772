//! Several who die, one after the other; and one who dies while another is half-way.

use std::collections::HashMap;
use std::rc::Rc;

use crosspage::ErrorKind;

use crate::harness::kit::{self, Kind, Seen, Survivors};
use crate::harness::report::{Report, Returned};
use crate::harness::run::{Tally, context, is_long, random};
use crate::harness::trace::{At, Trace, Victim};
use crate::harness::watch;
use crate::kill::{LIMIT, Point, trace};
use crate::scenes::{self, Act, BEFORE, VICTIMS};

/// The nonce of the value that a peer writes.
const PEERS: u64 = 650;

/// A page with a value and a reader.
fn page(kind: &Kind) -> Survivors {
    Survivors {
        writer: None,
        ..scenes::attended(kind)
    }
}

/// A victim at its first marker.
fn victim(kind: &Kind, act: Act, report: &'static Report, nonce: u64) -> Victim {
    report.clear();
    Victim::new(|| act(kind, report, nonce))
}

type Named = (&'static str, Act);

/// Traces of acts on a page that has a value, or on none: each is made once.
#[derive(Default)]
struct Traces(HashMap<(&'static str, &'static str, bool), Rc<Trace>>);

impl Traces {
    fn of(&mut self, kind: &Kind, (name, act): Named, exists: bool) -> Rc<Trace> {
        let make = || {
            watch::phase(10 * LIMIT, &format!("tracing {name} ({})", kind.name));
            let page = exists.then(|| page(kind));
            let traced = trace(victim(kind, act, Report::new(), VICTIMS));
            drop(page);
            let _ = crosspage::remove_forced(&kind.locator);
            kit::clean();
            Rc::new(traced)
        };
        self.0
            .entry((kind.name, name, exists))
            .or_insert_with(make)
            .clone()
    }

    fn points(&self) -> usize {
        self.0.values().map(|trace| trace.points()).sum()
    }
}

/// Kills one after the other, each in its own call and each where chance has it.
pub fn killed_in_turn(tally: &mut Tally) {
    let acts: [(Named, bool); 5] = [
        (("write", scenes::write), true),
        (("take over", scenes::create), false),
        (("update", scenes::update), true),
        (("write in place", scenes::write_with), true),
        (("open", scenes::open_and_read), false),
    ];
    let report = Report::new();
    let mut traces = Traces::default();
    // With room enough that the dead are not swept for want of a place.
    for kind in [Kind::plain(), Kind::several().with_places(16)] {
        for _ in 0..if is_long() { 1000 } else { 12 } {
            for act in acts {
                traces.of(&kind, act.0, true);
            }
            let mut world = page(&kind);
            let mut seen = BEFORE;
            let mut what = format!("in turn ({})", kind.name);
            for turn in 0..5 {
                let which = random(acts.len() as u64) as usize;
                let ((name, act), writes) = acts[which];
                let trace = &*traces.of(&kind, (name, act), true);
                let point = Point::random(trace);
                what = format!("{what}; {name}: killed at {}", point.describe(trace));
                watch::phase(LIMIT, &what);
                seen = context(&what, || {
                    let nonce = VICTIMS + turn;
                    let mut victim = victim(&kind, act, report, nonce);
                    point.reach(trace, &mut victim);
                    drop(victim);
                    let now = kit::read(world.reader.as_ref().unwrap()).unwrap();
                    let written = Some((seen.unwrap().0 + 1, nonce));
                    let done = report.get().is_done();
                    match writes {
                        false => assert_eq!(now, seen),
                        true if done => assert_eq!(now, written),
                        true => assert!(now == seen || now == written, "LOST: {now:?}"),
                    }
                    now
                });
                tally.kills += 1;
            }
            world.allowed = vec![seen];
            context(&what, || {
                world.go_on(&kind);
                kit::clean();
            });
        }
    }
    tally.points += traces.points();
}

/// Two who meet at a page.
struct Pair {
    victim: Named,
    peer: Named,
    kind: Kind,
    /// Whether the page exists before.
    exists: bool,
    /// Whether it may be another page afterwards, or none.
    goes: bool,
    /// What may come of a call that finds its page gone, or locked by who is stopped.
    errors: &'static [ErrorKind],
}

/// Who wants a role that the other holds, or the lock; or whose page goes.
const REFUSED: &[ErrorKind] = &[ErrorKind::AlreadyOwned, ErrorKind::TimedOut];
const GONE: &[ErrorKind] = &[
    ErrorKind::Replaced,
    ErrorKind::NotFound,
    ErrorKind::TimedOut,
];

fn pairs() -> Vec<Pair> {
    let write: Named = ("write", scenes::write);
    let write_with: Named = ("write in place", scenes::write_with);
    let update: Named = ("update", scenes::update);
    let round: Named = ("write a round", scenes::write_round);
    let pin: Named = ("pin", scenes::pin);
    let read: Named = ("read", scenes::read);
    let open: Named = ("open", scenes::open_and_read);
    let create: Named = ("create", scenes::create);
    let attach: Named = ("attach", scenes::attach);
    let leave: Named = ("leave", scenes::leave);
    let wait: Named = ("wait", scenes::wait_for_this);
    let remove: Named = ("remove", scenes::force_remove);
    let gc: Named = ("gc", scenes::gc);

    let pair = |kind: fn() -> Kind, victim, peer| Pair {
        victim,
        peer,
        kind: kind(),
        exists: true,
        goes: false,
        errors: &[],
    };
    let (plain, several) = (Kind::plain, Kind::several);
    let mut pairs = vec![
        pair(several, write, write),
        pair(several, write, update),
        pair(several, update, write),
        pair(several, update, update),
        pair(several, write_with, update),
        pair(several, write, pin),
        pair(several, pin, write),
        pair(several, pin, pin),
        pair(several, leave, write),
        pair(plain, write, read),
        pair(plain, read, write),
        pair(plain, write, wait),
        pair(plain, round, read),
        pair(several, round, read),
        pair(several, round, pin),
    ];
    // From here on both may want the registration lock, which a peer that is stopped may hold.
    pairs.extend([
        Pair {
            errors: REFUSED,
            ..pair(plain, write, open)
        },
        Pair {
            errors: REFUSED,
            ..pair(plain, create, open)
        },
        Pair {
            errors: REFUSED,
            ..pair(several, attach, attach)
        },
        Pair {
            errors: REFUSED,
            ..pair(several, attach, write)
        },
        Pair {
            errors: GONE,
            goes: true,
            ..pair(plain, remove, write)
        },
        Pair {
            errors: GONE,
            goes: true,
            ..pair(plain, remove, read)
        },
        Pair {
            errors: GONE,
            goes: true,
            ..pair(plain, remove, open)
        },
        Pair {
            errors: REFUSED,
            ..pair(Kind::used, leave, open)
        },
        Pair {
            errors: REFUSED,
            exists: false,
            goes: true,
            ..pair(plain, create, create)
        },
        Pair {
            errors: GONE,
            exists: false,
            goes: true,
            ..pair(plain, create, open)
        },
        Pair {
            errors: REFUSED,
            exists: false,
            goes: true,
            ..pair(several, attach, attach)
        },
        Pair {
            errors: REFUSED,
            exists: false,
            goes: true,
            ..pair(plain, create, gc)
        },
        Pair {
            errors: REFUSED,
            exists: false,
            goes: true,
            ..pair(plain, gc, create)
        },
    ]);
    pairs
}

impl Pair {
    fn name(&self) -> String {
        let (victim, peer) = (self.victim.0, self.peer.0);
        let page = if self.exists { "" } else { ", no page yet" };
        format!(
            "{victim} dies, {peer} is half-way ({}{page})",
            self.kind.name
        )
    }

    fn may_return(&self, returned: &Returned) -> bool {
        match returned {
            Returned::Not => false,
            Returned::Done(None) => true,
            Returned::Done(seen) => may_be(*seen),
            Returned::Failed(..) => self.errors.iter().any(|&error| returned.is_error(error)),
        }
    }

    /// The peer is stopped at its point, the victim is killed at its own; then the peer goes on, and
    /// the page with it.
    fn play(
        &self,
        peers: (Point, &Trace),
        victims: (Point, &Trace),
        reports: [&'static Report; 2],
    ) {
        let kind = &self.kind;
        let mut world = match self.exists {
            true => page(kind),
            false => Survivors::none(),
        };
        let mut dies = victim(kind, self.victim.1, reports[0], VICTIMS);
        let mut stays = victim(kind, self.peer.1, reports[1], PEERS);
        let at = peers.0.reach(peers.1, &mut stays);
        victims.0.reach(victims.1, &mut dies);
        drop(dies);

        // What is attached already works while one is dead and one is stopped.
        let reader = world.reader.take();
        let mut floor = 0;
        if let Some(reader) = &reader {
            match kit::read(reader) {
                Ok(seen) => {
                    assert!(may_be(seen), "LOST: {seen:?}");
                    floor = seen.unwrap().0;
                }
                Err(error) => assert!(self.goes && error.is_replaced(), "{error}"),
            }
        }

        if at != At::Marker {
            assert_eq!(stays.run(), At::Marker);
        }
        let [victims, peers] = reports.map(Report::get);
        assert!(self.may_return(&peers), "the peer's call: {peers:?}");
        assert!(
            victims == Returned::Not || self.may_return(&victims),
            "{victims:?}"
        );
        drop(stays);

        // Whatever a call has reported is there, or something newer.
        for returned in [&victims, &peers] {
            if let Returned::Done(Some((version, _))) = returned {
                floor = floor.max(*version);
            }
        }
        if self.goes {
            drop(reader);
            let _ = crosspage::remove_forced(&kind.locator);
            Survivors::none().go_on(kind);
        } else {
            let seen = kit::read(reader.as_ref().unwrap()).unwrap();
            assert!(
                may_be(seen) && seen.unwrap().0 >= floor,
                "LOST: {seen:?}, after {floor}"
            );
            for returned in [victims, peers] {
                if let Returned::Done(Some((version, nonce))) = returned
                    && version == seen.unwrap().0
                {
                    assert_eq!(seen, Some((version, nonce)), "LOST");
                }
            }
            Survivors {
                reader,
                allowed: vec![seen],
                ..world
            }
            .go_on(kind);
        }
        kit::clean();
    }
}

/// Whether the page may hold this value: the one from before, or what victim and peer write.
fn may_be(seen: Seen) -> bool {
    match seen {
        Some((5, nonce)) => nonce == 5,
        Some((6 | 7, VICTIMS | PEERS)) => true,
        Some((version, nonce)) => (6..=10).contains(&version) && nonce == VICTIMS + version - 6,
        None => false,
    }
}

pub fn killed_while_another_is_half_way(tally: &mut Tally) {
    let reports = [Report::new(), Report::new()];
    let mut traces = Traces::default();
    for pair in pairs() {
        let victims = traces.of(&pair.kind, pair.victim, pair.exists);
        let peers = traces.of(&pair.kind, pair.peer, pair.exists);
        let turns = match (is_long(), pair.errors.is_empty()) {
            (true, true) => 1500,
            (true, false) => 60,
            // Both must be at the right one of many places.
            (false, true) if pair.victim.0 == "write a round" => 60,
            (false, true) => 12,
            (false, false) => 4,
        };
        for _ in 0..turns {
            let (k, m) = (Point::random(&victims), Point::random(&peers));
            let what = format!(
                "{}: killed at {}; stopped at {}",
                pair.name(),
                k.describe(&victims),
                m.describe(&peers)
            );
            watch::phase(LIMIT, &what);
            context(&what, || pair.play((m, &peers), (k, &victims), reports));
            tally.kills += 1;
            tally.stops += 1;
        }
    }
    tally.points += traces.points();
}
