//! What a process can do to a topic, what is there before, and what must hold after it was killed over
//! it, or stopped for a while.

use std::time::Duration;

use crosspage::topic::{Policy, RawMessage, RawPublisher, RawSubscriber};
use crosspage::{ErrorKind, Result};

use crate::harness::kit;
use crate::harness::report::{Report, Returned};
use crate::harness::run::{Tally, context, is_long, random};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::sys;
use crate::harness::topics::{
    DEAD, HELD_UP, Key, LONG, Ledger, PEER, SUCCESSOR, SURVIVOR, Sort, Survivors, VICTIM,
};
use crate::harness::trace::{At, Trace, Victim};
use crate::harness::watch;
use crate::kill::{self, LIMIT, Point, trace};
use crate::scenes::Scene;

/// What a victim has published before its first marker.
const BEFORE: u64 = 2;

/// What a process does, as this life. It tells of the last sequence that it published between its
/// markers.
type Act = fn(&Sort, &Report, u64);

fn act(report: &Report, life: u64, call: impl FnOnce() -> Result<u64>) {
    sys::marker();
    let result = call();
    report.say(&result.map(|sequence| Some((sequence + 1, life))));
    sys::marker();
}

/// A publisher of this life, which has published something.
fn publisher(sort: &Sort, life: u64) -> RawPublisher {
    publisher_of(sort, life, BEFORE)
}

fn publisher_of(sort: &Sort, life: u64, before: u64) -> RawPublisher {
    let mut publisher = sort.publisher().unwrap();
    for sequence in 1..=before {
        let key = Key { life, sequence };
        sort.publish(&mut publisher, key).unwrap();
    }
    publisher
}

fn next(life: u64) -> Key {
    let sequence = BEFORE + 1;
    Key { life, sequence }
}

fn attach_publisher(sort: &Sort, report: &Report, life: u64) {
    let mut made = None;
    act(report, life, || {
        made = Some(sort.publisher()?);
        Ok(0)
    });
}

fn attach_subscriber(sort: &Sort, report: &Report, life: u64) {
    let mut made = None;
    act(report, life, || {
        made = Some(sort.subscriber()?);
        Ok(0)
    });
}

fn publish(sort: &Sort, report: &Report, life: u64) {
    let mut publisher = publisher(sort, life);
    act(report, life, || sort.publish(&mut publisher, next(life)));
}

/// Where the ring, and the memory, come to their end and are used again. Nobody may be waited for.
fn publish_round(sort: &Sort, report: &Report, life: u64) {
    let before = sort.turn() - 2;
    let mut publisher = publisher_of(sort, life, before);
    act(report, life, || {
        for sequence in before + 1..=before + 6 {
            sort.publish(&mut publisher, Key { life, sequence })?;
        }
        Ok(before + 6)
    });
}

fn publish_many(sort: &Sort, report: &Report, life: u64) {
    let mut publisher = publisher(sort, life);
    act(report, life, || {
        sort.publish_many(&mut publisher, next(life), 20)
            .map(|n| BEFORE + n as u64)
    });
}

/// As nobody receives any more, it waits in vain.
fn publish_in_vain(sort: &Sort, report: &Report, life: u64) {
    let before = if sort.is_struct() { 45 } else { BEFORE };
    let mut publisher = publisher_of(sort, life, before);
    publisher.set_timeout(Some(Duration::from_millis(70)));
    act(report, life, || {
        let mut sequence = before;
        loop {
            sequence += 1;
            match sort.publish(&mut publisher, Key { life, sequence }) {
                Err(error) if error.is_timed_out() => return Ok(sequence - 1),
                other => other?,
            };
        }
    });
}

fn loan_and_commit(sort: &Sort, report: &Report, life: u64) {
    let mut publisher = publisher(sort, life);
    act(report, life, || {
        sort.publish_by_loan(&mut publisher, next(life))
    });
}

fn loan_and_discard(sort: &Sort, report: &Report, life: u64) {
    let mut publisher = publisher(sort, life);
    act(report, life, || {
        let [one, other] = [publisher.loan(10_000)?, publisher.loan(1)?];
        publisher.discard(one);
        drop(other);
        Ok(BEFORE)
    });
}

fn fragments(sort: &Sort, report: &Report, life: u64) {
    let life = life | LONG;
    let mut publisher = sort.publisher().unwrap();
    let first = Key { life, sequence: 1 };
    act(report, life, || sort.publish(&mut publisher, first));
}

fn leave_as_publisher(sort: &Sort, report: &Report, life: u64) {
    let publisher = publisher(sort, life);
    act(report, life, || {
        drop(publisher);
        Ok(BEFORE)
    });
}

/// A subscriber with something to receive, all of which is from a process that has left.
fn subscriber(sort: &Sort, life: u64) -> RawSubscriber {
    let subscriber = sort.subscriber().unwrap();
    let mut publisher = sort.publisher().unwrap();
    for sequence in 1..=BEFORE {
        let key = Key { life, sequence };
        sort.publish(&mut publisher, key).unwrap();
    }
    subscriber
}

fn receive(sort: &Sort, report: &Report, life: u64) {
    let mut subscriber = subscriber(sort, life);
    act(report, life, || {
        let mut ledger = Ledger::default();
        while let Some((key, meta)) = sort.receive(&mut subscriber)? {
            ledger.enter(sort, key, &meta);
        }
        assert_eq!(ledger.last(life), Some(BEFORE), "LOST: of its own");
        Ok(BEFORE)
    });
}

/// Holds as many as it may, and copies the rest. All messages are large.
fn hold(sort: &Sort, report: &Report, life: u64) {
    let mut subscriber = sort.subscriber().unwrap();
    let mut publisher = sort.publisher().unwrap();
    for sequence in 1..=3 {
        let key = Key { life, sequence };
        sort.publish(&mut publisher, key).unwrap();
    }
    act(report, life, || {
        let mut held: Vec<RawMessage> = Vec::new();
        while let Some(message) = subscriber.try_recv()? {
            held.push(message);
        }
        for message in &held {
            sort.decode(message.bytes());
        }
        let n = held.iter().filter(|message| message.is_held()).count();
        assert!(n >= 2, "{n} of {} are held", held.len());
        held.remove(0);
        drop(held);
        Ok(3)
    });
}

/// What it had not received was overwritten.
fn receive_late(sort: &Sort, report: &Report, life: u64) {
    let mut subscriber = sort.subscriber().unwrap();
    let mut publisher = sort.publisher().unwrap();
    let sent = 3 * sort.round();
    for sequence in 1..=sent {
        let key = Key { life, sequence };
        sort.publish(&mut publisher, key).unwrap();
    }
    drop(publisher);
    act(report, life, || {
        let (mut received, mut last) = (0, 0);
        while received < 3 {
            let (key, _) = sort.receive(&mut subscriber)?.expect("LOST: the last");
            if key.life == life {
                assert!(key.sequence > last, "TWICE: {key:?} after {last}");
                (received, last) = (received + 1, key.sequence);
            }
        }
        assert_eq!(received + subscriber.lost(), last, "LOST: their number");
        assert!(subscriber.lost() > 20, "{}", subscriber.lost());
        Ok(sent)
    });
}

/// Waits for a moment, in vain.
fn wait_for_messages(sort: &Sort, report: &Report, life: u64) {
    let mut subscriber = sort.subscriber().unwrap();
    act(report, life, || {
        match subscriber.recv(Some(Duration::from_millis(30))) {
            Err(error) if error.is_timed_out() => Ok(0),
            other => other.map(|_| 0),
        }
    });
}

fn leave_as_subscriber(sort: &Sort, report: &Report, life: u64) {
    let subscriber = subscriber(sort, life);
    act(report, life, || {
        drop(subscriber);
        Ok(BEFORE)
    });
}

/// The message is held on.
fn leave_then_release(sort: &Sort, report: &Report, life: u64) {
    let mut subscriber = sort.subscriber().unwrap();
    let mut publisher = sort.publisher().unwrap();
    for sequence in 1..=3 {
        let key = Key { life, sequence };
        sort.publish(&mut publisher, key).unwrap();
    }
    act(report, life, || {
        let mut held = Vec::new();
        while let Some(message) = subscriber.try_recv()? {
            held.push(message);
        }
        drop(publisher);
        drop(subscriber);
        for message in &held {
            sort.decode(message.bytes());
        }
        Ok(3)
    });
}

fn list(_: &Sort, report: &Report, life: u64) {
    act(report, life, || crosspage::list().map(|_| 0));
}

/// Checks what the survivors' subscriber has got of this life, of which so many were published before.
fn all_or_nothing(world: &Survivors, life: u64, before: u64, returned: &Returned) {
    let Some(subscriber) = &world.subscriber else {
        return;
    };
    let last = world.ledger.last(life).unwrap_or(0);
    match returned {
        Returned::Done(Some((published, _))) => {
            let published = published - 1;
            assert_eq!(last, published, "LOST: what was published");
        }
        _ => assert!(
            last >= before || subscriber.lost() > 0,
            "LOST: {last} of {before}"
        ),
    }
}

/// One process does something.
struct Deed {
    name: &'static str,
    sort: Sort,
    prepare: fn(&Sort) -> Survivors,
    act: Act,
    /// What it has published before.
    before: u64,
}

impl Deed {
    fn name(&self) -> String {
        format!("{} ({})", self.name, self.sort.name)
    }

    fn scene(self) -> Scene {
        let report = Report::new();
        Scene::new(self.name(), move |kill| {
            report.clear();
            let mut world = (self.prepare)(&self.sort);
            kill(Victim::new(|| (self.act)(&self.sort, report, VICTIM)));
            let returned = report.get();
            returned.is_done();
            world.drain(&self.sort);
            all_or_nothing(&world, VICTIM, self.before, &returned);
            world.go_on(&self.sort);
        })
    }
}

/// Those who have died: a publisher with a loan, a subscriber that holds messages and one that has
/// received nothing.
fn among_the_dead(sort: &Sort) -> Survivors {
    let mut world = Survivors::both(sort);
    let die = |body: &dyn Fn()| {
        let pid = sys::fork(|| {
            body();
            sys::signal(sys::pid(), libc::SIGKILL);
            1
        });
        assert_eq!(sys::wait(pid), sys::Status::Killed(libc::SIGKILL));
    };
    die(&|| {
        let mut subscriber = sort.subscriber().unwrap();
        let mut publisher = publisher(sort, DEAD);
        let _loan = (!sort.is_struct()).then(|| publisher.loan(9000).unwrap());
        let mut held = Vec::new();
        while let Some(message) = subscriber.try_recv().unwrap() {
            held.push(message);
        }
        sys::signal(sys::pid(), libc::SIGKILL);
    });
    die(&|| {
        sort.subscriber().unwrap();
    });
    world.drain(sort);
    world
}

/// Nobody receives what a dead one should.
fn held_up_by_the_dead(sort: &Sort) -> Survivors {
    let world = among_the_dead(sort);
    Survivors {
        subscriber: None,
        ..world
    }
}

fn nobody(_: &Sort) -> Survivors {
    Survivors::none()
}

/// Somebody publishes, and nobody receives.
fn without_subscriber(sort: &Sort) -> Survivors {
    Survivors {
        subscriber: None,
        ..Survivors::both(sort)
    }
}

/// All messages lie in chunks.
fn large(policy: Policy) -> Sort {
    Sort::bytes(policy).with_lengths(&[20_000], &[])
}

fn with_history(sort: Sort) -> Sort {
    let mut sort = sort;
    sort.options.history = Some(3);
    sort.options.send_time = Some(true);
    sort.options.checksum = Some(true);
    sort
}

fn deeds() -> Vec<Deed> {
    use Policy::{Block, Overwrite};
    let mut all = Vec::new();
    let mut add = |name, sort: Sort, prepare, act, before| {
        all.push(Deed {
            name,
            sort,
            prepare,
            act,
            before,
        });
    };
    for policy in [Block, Overwrite] {
        let structs = || Sort::structs(policy);
        let bytes = || Sort::bytes(policy);
        add(
            "make by publishing",
            structs(),
            nobody,
            attach_publisher as Act,
            0,
        );
        add(
            "attach a publisher",
            bytes(),
            Survivors::both,
            attach_publisher,
            0,
        );
        add(
            "attach a subscriber",
            with_history(structs()),
            Survivors::both,
            attach_subscriber,
            0,
        );
        add("publish", structs(), Survivors::both, publish, BEFORE);
        add(
            "publish",
            with_history(bytes()),
            Survivors::both,
            publish,
            BEFORE,
        );
        add(
            "publish many",
            structs(),
            Survivors::both,
            publish_many,
            BEFORE,
        );
        add(
            "loan and commit",
            bytes(),
            Survivors::both,
            loan_and_commit,
            BEFORE,
        );
        add("receive", structs(), Survivors::both, receive, BEFORE);
        add("hold", large(policy), Survivors::both, hold, 3);
        add(
            "leave as a subscriber",
            structs(),
            Survivors::both,
            leave_as_subscriber,
            BEFORE,
        );
    }
    let (structs, bytes) = (Sort::structs, Sort::bytes);
    add(
        "make by subscribing",
        structs(Block),
        nobody,
        attach_subscriber,
        0,
    );
    add(
        "take over",
        bytes(Block),
        among_the_dead,
        attach_publisher,
        0,
    );
    add(
        "take over",
        structs(Overwrite),
        among_the_dead,
        publish,
        BEFORE,
    );
    add(
        "publish a round",
        structs(Overwrite),
        without_subscriber,
        publish_round,
        BEFORE,
    );
    add(
        "publish a round",
        bytes(Overwrite),
        without_subscriber,
        publish_round,
        BEFORE,
    );
    add(
        "evict the dead",
        structs(Block),
        held_up_by_the_dead,
        publish_round,
        BEFORE,
    );
    add(
        "evict the dead",
        bytes(Block),
        held_up_by_the_dead,
        publish_round,
        BEFORE,
    );
    add(
        "publish in vain",
        structs(Block),
        Survivors::both,
        publish_in_vain,
        BEFORE,
    );
    add(
        "publish in vain",
        bytes(Block),
        Survivors::both,
        publish_in_vain,
        BEFORE,
    );
    add(
        "loan and discard",
        bytes(Block),
        Survivors::both,
        loan_and_discard,
        BEFORE,
    );
    add(
        "receive late",
        structs(Overwrite),
        without_subscriber,
        receive_late,
        0,
    );
    add(
        "receive late",
        bytes(Overwrite),
        without_subscriber,
        receive_late,
        0,
    );
    add(
        "wait for messages",
        structs(Overwrite),
        Survivors::both,
        wait_for_messages,
        0,
    );
    add(
        "leave as a publisher",
        bytes(Overwrite),
        Survivors::both,
        leave_as_publisher,
        BEFORE,
    );
    add(
        "leave, then release",
        large(Block),
        Survivors::both,
        leave_then_release,
        3,
    );
    add(
        "leave as the last",
        structs(Block),
        nobody,
        leave_as_subscriber,
        0,
    );
    add("list", structs(Block), among_the_dead, list, 0);
    all
}

/// A process that receives whatever comes, and says what it got last.
fn receiver(sort: &Sort, report: &'static Report) -> sys::Child {
    report.clear();
    let child = sys::Child::new(|| {
        let mut subscriber = sort.subscriber().unwrap();
        report.say(&Ok(Some((1, 0))));
        let mut ledger = Ledger::default();
        loop {
            let message = subscriber.recv(Some(Duration::from_secs(60))).unwrap();
            let key = sort.decode(message.bytes());
            ledger.enter(sort, key, message.meta());
            report.say(&Ok(Some((key.sequence + 1, key.life))));
        }
    });
    let limit = Duration::from_secs(10);
    let came = sys::wait_until(limit, || report.get() != Returned::Not);
    assert!(came, "the receiver does not come");
    child
}

/// A message in fragments arrives whole or not at all, and the next one does.
fn in_fragments() -> Scene {
    let (report, receivers) = (Report::new(), Report::new());
    let sort = Sort::bytes(Policy::Block);
    Scene::new("publish in fragments".into(), move |kill| {
        let child = receiver(&sort, receivers);
        report.clear();
        kill(Victim::new(|| fragments(&sort, report, VICTIM)));
        let done = report.get().is_done();
        let start = Stopwatch::start();
        let mut successor = sort.publisher().unwrap();
        let got = |key: Key| receivers.get() == Returned::Done(Some((key.sequence + 1, key.life)));
        let life = VICTIM | LONG;
        let victims = Key { life, sequence: 1 };
        if done {
            let got = sys::wait_until(Duration::from_secs(5), || got(victims));
            assert!(got, "LOST: {:?}", receivers.get());
        }
        let life = SUCCESSOR | LONG;
        for sequence in 1..=3 {
            let key = Key { life, sequence };
            sort.publish(&mut successor, key).unwrap();
        }
        let last = Key { life, sequence: 3 };
        let got = sys::wait_until(Duration::from_secs(5), || got(last));
        assert!(got, "LOST: {:?}", receivers.get());
        assert!(start.elapsed() < 3 * HELD_UP, "HELD UP");
        assert!(child.end().is_killed(), "what it says above");
        drop(successor);
        Survivors::none().go_on(&sort);
    })
}

pub fn killed(tally: &mut Tally) {
    for deed in deeds() {
        // Some of them each time.
        if !is_long() && random(3) > 0 {
            continue;
        }
        kill::sample(&deed.scene(), 4, tally);
    }
    kill::sample(&in_fragments(), 4, tally);
}

/// One process is stopped, another is killed; the first goes on, and the topic with both.
struct Pair {
    sort: Sort,
    prepare: fn(&Sort) -> Survivors,
    stopped: (&'static str, Act, u64),
    killed: (&'static str, Act, u64),
}

impl Pair {
    fn trace(&self, act: Act, report: &'static Report) -> Trace {
        watch::phase(10 * LIMIT, "tracing one of a pair");
        let world = (self.prepare)(&self.sort);
        report.clear();
        let traced = trace(Victim::new(|| act(&self.sort, report, VICTIM)));
        drop(world);
        kit::clean();
        traced
    }

    fn play(
        &self,
        stopped: (Point, &Trace),
        killed: Option<(Point, &Trace)>,
        reports: [&'static Report; 2],
    ) {
        let sort = &self.sort;
        let mut world = (self.prepare)(sort);
        reports.iter().for_each(|report| report.clear());
        let mut stays = Victim::new(|| (self.stopped.1)(sort, reports[0], PEER));
        let mut dies = Victim::new(|| (self.killed.1)(sort, reports[1], VICTIM));
        let at = stopped.0.reach(stopped.1, &mut stays);
        // Who wants the lock that another holds waits for a second, and is told.
        let locked = sort.is_locked();
        // Otherwise it stays at its first marker, as somebody who does nothing.
        if let Some((point, trace)) = killed {
            let _ = point.reach(trace, &mut dies);
        }
        let dies = killed.is_none().then_some(dies);
        // Who is not held up by a subscriber that is stopped goes on meanwhile.
        let start = Stopwatch::start();
        if let Some(publisher) = &mut world.publisher {
            publisher.set_timeout(Some(Duration::ZERO));
        }
        for _ in 0..sort.round() {
            let Some(publisher) = &mut world.publisher.as_mut().filter(|_| !locked) else {
                break;
            };
            let key = Key {
                life: SURVIVOR,
                sequence: world.sent + 1,
            };
            match sort.publish(publisher, key) {
                Ok(_) => world.sent += 1,
                Err(error) if sort.blocks() && error.is_timed_out() => break,
                Err(error) => panic!("{error}"),
            }
            world.drain(sort);
        }
        if let Some(publisher) = &mut world.publisher {
            publisher.set_timeout(sort.options.timeout);
        }
        assert!(start.elapsed() < HELD_UP, "HELD UP");
        if at != At::Marker {
            assert_eq!(stays.run(), At::Marker);
        }
        let [stayed, died] = reports.map(Report::get);
        assert!(stayed.is_done(), "it did not return");
        drop((stays, dies));
        world.drain(sort);
        all_or_nothing(&world, PEER, self.stopped.2, &stayed);
        if !(locked && died.is_error(ErrorKind::TimedOut)) {
            died.is_done();
        }
        all_or_nothing(&world, VICTIM, self.killed.2, &died);
        world.go_on(sort);
    }
}

fn pairs() -> Vec<Pair> {
    use Policy::{Block, Overwrite};
    type Named = (&'static str, Act, u64);
    let publishes: Named = ("publish", publish, BEFORE);
    let attaches: Named = ("attach a publisher", attach_publisher, 0);
    let subscribes: Named = ("attach a subscriber", attach_subscriber, 0);
    let receives: Named = ("receive", receive, BEFORE);
    let holds: Named = ("hold", hold, 3);
    let commits: Named = ("loan and commit", loan_and_commit, BEFORE);
    let mut all = Vec::new();
    for policy in [Block, Overwrite] {
        let mut add = |sort: Sort, stopped, killed| {
            all.push(Pair {
                sort,
                prepare: Survivors::both,
                stopped,
                killed,
            });
        };
        let (structs, bytes) = (|| Sort::structs(policy), || Sort::bytes(policy));
        add(structs(), publishes, publishes);
        add(structs(), subscribes, publishes);
        add(structs(), receives, subscribes);
        add(with_history(structs()), subscribes, attaches);
        add(large(policy), holds, commits);
        add(large(policy), commits, holds);
        add(bytes(), attaches, attaches);
    }
    all
}

pub fn stopped(tally: &mut Tally) {
    let reports = [Report::new(), Report::new()];
    for pair in pairs() {
        if !is_long() && random(3) > 0 {
            continue;
        }
        let stopped = pair.trace(pair.stopped.1, reports[0]);
        let killed = pair.trace(pair.killed.1, reports[0]);
        for turn in 0..if is_long() { 1000 } else { 10 } {
            let (at, dies) = (Point::random(&stopped), Point::random(&killed));
            let kills = turn % 2 == 0;
            let mut what = format!(
                "{} ({}): stopped at {}",
                pair.stopped.0,
                pair.sort.name,
                at.describe(&stopped)
            );
            if kills {
                let point = dies.describe(&killed);
                what = format!("{what}; {}: killed at {point}", pair.killed.0);
            }
            watch::phase(LIMIT, &what);
            let killed = kills.then_some((dies, &killed));
            context(&what, || pair.play((at, &stopped), killed, reports));
            tally.kills += usize::from(kills);
            tally.stops += 1;
        }
        tally.points += stopped.points() + killed.points();
    }
}
