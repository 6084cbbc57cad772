//! Publishers and subscribers, killed and stopped at random; and a soak of many of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crosspage::topic::{Kind, Meta, Policy, RawMessage, RawPublisher, RawSubscriber};
use crosspage::{Error, ErrorKind, Result};

use crate::harness::kit::{self, mix};
use crate::harness::run::{Tally, context, is_long, random, seed};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::sys::{self, Child};
use crate::harness::topics::{Key, LONG, Ledger, Sort, Survivors};
use crate::harness::watch;

/// The most processes that there are at a time.
const MOST: usize = 16;
/// How many lives are remembered.
const LIVES: u64 = 1 << 14;
const FIRST: u64 = 16;
/// Nobody who attaches has anything to do with lives that are older.
const OLD: u64 = 512;
/// Somebody's death holds up nobody for longer, where the machine has time for him.
const HELD_UP: Duration = Duration::from_secs(1);
/// A process takes no longer to start: Wine starts one after the other, on a busy machine.
const START: Duration = Duration::from_secs(60);
const BETWEEN_KILLS: u64 = if cfg!(windows) { 80_000 } else { 4000 };

/// What a publisher says of itself, beside the page. Each word has its life's number in the upper half.
struct Life {
    /// Messages that it has begun to publish.
    begun: AtomicU64,
    /// Messages for which publishing has returned.
    returned: AtomicU64,
    pid: AtomicU64,
    /// It publishes no more.
    over: AtomicU64,
}

/// What the processes of one campaign share beside the page.
struct Board {
    next: AtomicU64,
    lives: [Life; LIVES as usize],
    /// The life of each process, and one more; 0: it publishes nothing.
    current: [AtomicU64; MOST],
    progress: [AtomicU64; MOST],
    sent: AtomicU64,
    received: AtomicU64,
    lost: AtomicU64,
    stops: AtomicU32,
    /// All are to come to an end.
    end: AtomicU32,
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Board {}

impl Board {
    fn life(&self, id: u64) -> &Life {
        &self.lives[(id % LIVES) as usize]
    }

    fn get(word: &AtomicU64, id: u64) -> u64 {
        let value = word.load(Ordering::SeqCst);
        if value >> 32 == id {
            value & 0xffff_ffff
        } else {
            0
        }
    }

    fn set(word: &AtomicU64, id: u64, value: u64) {
        word.store(id << 32 | value, Ordering::SeqCst);
    }

    /// Who worked there has died.
    fn died(&self, worker: usize) {
        let life = self.current[worker].swap(0, Ordering::SeqCst);
        if let Some(id) = life.checked_sub(1) {
            Board::set(&self.life(id).over, id, 1);
        }
    }
}

/// What a subscriber knows of one life.
#[derive(Default)]
struct Known {
    /// Whether some of it was published before it attached: up to here surely not, up to there perhaps.
    before: u64,
    at_most_before: u64,
    received: u64,
    last: u64,
}

/// A subscriber with its account of everything.
struct Listener<'a> {
    sort: &'a Sort,
    board: &'a Board,
    subscriber: RawSubscriber,
    known: BTreeMap<u64, Known>,
    /// Lives before this one are known, or long over.
    next: u64,
    /// What is missing of lives that are over: at least and at most.
    missing: (u64, u64),
    held: Vec<(Key, RawMessage)>,
    /// Which process this is.
    me: Option<usize>,
}

impl<'a> Listener<'a> {
    fn attach(sort: &'a Sort, board: &'a Board, me: Option<usize>) -> Result<Listener<'a>> {
        let first = board.next.load(Ordering::SeqCst).saturating_sub(OLD);
        let returned = |id: u64| Board::get(&board.life(id).returned, id);
        let before: Vec<u64> = (first..first + OLD).map(returned).collect();
        let subscriber = sort.subscriber()?;
        let next = board.next.load(Ordering::SeqCst);
        let known = (first..next).map(|id| {
            let known = Known {
                before: before.get((id - first) as usize).copied().unwrap_or(0),
                at_most_before: Board::get(&board.life(id).begun, id),
                ..Known::default()
            };
            (id, known)
        });
        Ok(Listener {
            sort,
            board,
            known: known.collect(),
            subscriber,
            next,
            missing: (0, 0),
            held: Vec::new(),
            me,
        })
    }

    fn enter(&mut self, key: Key, meta: &Meta) {
        self.board.received.fetch_add(1, Ordering::Relaxed);
        if let Some(me) = self.me {
            self.board.progress[me].fetch_add(1, Ordering::Relaxed);
        }
        let id = key.life & (LONG - 1);
        let life = self.board.life(id);
        if meta.publisher != 0 {
            assert_eq!(meta.sequence, key.sequence, "the sequence of {key:?}");
            let pid = Board::get(&life.pid, id);
            assert!(pid == 0 || pid == u64::from(meta.publisher), "{meta:?}");
        }
        let begun = Board::get(&life.begun, id);
        assert!(key.sequence <= begun, "INVENTED: {key:?} of {begun}");
        let known = self.known.entry(id).or_default();
        let sequence = key.sequence;
        if known.last == 0 {
            let history = u64::from(self.sort.options.history.unwrap_or(0));
            assert!(
                sequence + history > known.before,
                "OLD: {key:?}, but {} were published before",
                known.before
            );
            let gap = sequence > known.at_most_before + 1;
            assert!(!gap || !self.sort.blocks(), "LOST: the first is {key:?}");
        } else {
            assert!(sequence > known.last, "TWICE: {key:?} after {}", known.last);
            let gap = sequence != known.last + 1;
            assert!(
                !gap || !self.sort.blocks(),
                "LOST: {key:?} after {}",
                known.last
            );
        }
        known.last = sequence;
        // History counts for nothing.
        known.received += u64::from(sequence > known.before);
    }

    /// Receives a message, if there is one.
    fn receive(&mut self) -> Result<bool> {
        let received = self.sort.receive(&mut self.subscriber)?;
        if let Some((key, meta)) = &received {
            self.enter(*key, meta);
        }
        Ok(received.is_some())
    }

    /// Receives a message and holds it for a while.
    fn hold(&mut self, timeout: Duration, drops: usize) -> Result<()> {
        match self.subscriber.recv(Some(timeout)) {
            Ok(message) => {
                let key = self.sort.decode(message.bytes());
                self.enter(key, message.meta());
                self.held.push((key, message));
            }
            Err(error) if error.is_timed_out() => {}
            Err(error) => return Err(error),
        }
        let keep = self.held.len().min(3).saturating_sub(drops);
        self.let_go(keep);
        Ok(())
    }

    /// What was held has not changed.
    fn let_go(&mut self, keep: usize) {
        while self.held.len() > keep {
            let (key, message) = self.held.remove(0);
            let now = self.sort.decode(message.bytes());
            assert_eq!(now, key, "CHANGED while it was held");
        }
    }

    fn receive_many(&mut self) -> Result<()> {
        let mut words = [0u64; 8 * 20];
        let mut metas = Vec::new();
        let timeout = Some(Duration::from_millis(1));
        // SAFETY: 20 values of 64 bytes.
        let received = unsafe {
            self.subscriber
                .recv_many_into(words.as_mut_ptr().cast(), 20, timeout, &mut |meta| {
                    metas.push(meta)
                })
        };
        let n = match received {
            Err(error) if error.is_timed_out() => 0,
            other => other?,
        };
        assert_eq!(n, metas.len());
        for (value, meta) in words.chunks_exact(8).zip(&metas) {
            let key = self.sort.decode(crate::harness::topics::bytes_of(value));
            self.enter(key, meta);
        }
        Ok(())
    }

    /// Receives all there is: everything for which publishing has returned by now was received, or is
    /// counted as lost.
    fn settle(&mut self) -> Result<()> {
        let board = self.board;
        let next = board.next.load(Ordering::SeqCst);
        for id in self.next..next {
            self.known.entry(id).or_default();
        }
        self.next = next;
        let state = |id: &u64| {
            let life = board.life(*id);
            let over = Board::get(&life.over, *id) == 1;
            (over, Board::get(&life.returned, *id))
        };
        let states: Vec<(u64, (bool, u64))> =
            self.known.keys().map(|id| (*id, state(id))).collect();
        // Where others publish faster than this can receive, all of it does not come before their end.
        let mut most = match board.end.load(Ordering::SeqCst) {
            0 => 2000,
            _ => u64::MAX,
        };
        while self.receive()? {
            most -= 1;
            if most == 0 {
                return Ok(());
            }
        }
        let lost = self.subscriber.lost();
        let (mut least, mut most) = self.missing;
        // Of those who have come meanwhile.
        for id in next..board.next.load(Ordering::SeqCst) {
            let received = self.known.get(&id).map_or(0, |known| known.received);
            most += Board::get(&board.life(id).begun, id).saturating_sub(received);
        }
        for (id, (over, returned)) in states {
            let known = &self.known[&id];
            if self.sort.blocks() {
                assert!(
                    known.last >= returned || returned <= known.at_most_before,
                    "LOST: {returned} were published as {id}, {} received, {} before",
                    known.last,
                    known.at_most_before
                );
            }
            let begun = Board::get(&board.life(id).begun, id);
            let of_this = (
                returned.saturating_sub(known.at_most_before + known.received),
                begun.saturating_sub(known.before + known.received),
            );
            least += of_this.0;
            most += of_this.1;
            if over {
                self.missing.0 += of_this.0;
                self.missing.1 += of_this.1;
                self.known.remove(&id);
            }
        }
        assert!(
            lost >= least,
            "LOST: {least} messages are missing, {lost} counted"
        );
        // What is not over goes on meanwhile.
        assert!(lost <= most, "{lost} are counted as lost, of {most}");
        Ok(())
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Anything,
    Publish,
    Subscribe,
}

/// One process: it does one thing after the other until it is killed.
struct Worker<'a> {
    sort: &'a Sort,
    job: Job,
    board: &'a Board,
    me: usize,
    state: u64,
}

impl Worker<'_> {
    fn random(&mut self, n: u64) -> u64 {
        self.state += 1;
        mix(self.state, self.me as u64) % n
    }

    fn progress(&self) {
        self.board.progress[self.me].fetch_add(1, Ordering::Relaxed);
    }

    /// `None` for an error that may come of what the others do. Any other is a failure.
    fn may_fail<T>(&self, result: Result<T>, allowed: &[ErrorKind]) -> Option<T> {
        self.progress();
        let error: Error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let fine = allowed.contains(&error.kind())
            || self.board.stops.load(Ordering::Relaxed) != 0
                && error.is_timed_out()
                && error.message().contains("registration lock");
        assert!(fine, "{}: {error:?}", self.sort.name);
        None
    }

    fn run(&mut self) -> i32 {
        self.progress(); // It has started.
        while self.board.end.load(Ordering::Relaxed) == 0 {
            let what = match self.job {
                Job::Anything => self.random(8),
                Job::Publish => 0,
                Job::Subscribe => 3,
            };
            match what {
                0..3 => self.be_publisher(None),
                3..5 => drop(self.be_subscriber()),
                5 | 6 => {
                    // In both roles at once.
                    if let Some(mut listener) = self.be_subscriber() {
                        self.be_publisher(Some(&mut listener));
                        let settled = listener.settle();
                        self.may_fail(settled, &[]);
                    }
                }
                _ => {
                    self.may_fail(crosspage::list(), &[]);
                    self.may_fail(crosspage::gc(), &[]);
                }
            }
        }
        0
    }

    fn be_publisher(&mut self, mut listener: Option<&mut Listener<'_>>) {
        let board = self.board;
        let id = board.next.fetch_add(1, Ordering::SeqCst);
        let life = board.life(id);
        Board::set(&life.begun, id, 0);
        Board::set(&life.returned, id, 0);
        Board::set(&life.pid, id, u64::from(std::process::id()));
        board.current[self.me].store(id + 1, Ordering::SeqCst);
        let attached = self.sort.publisher();
        if let Some(mut publisher) = self.may_fail(attached, &[ErrorKind::Full]) {
            // Who is to receive them himself cannot wait.
            let patience = match listener {
                Some(_) => Duration::from_millis(1),
                None => Duration::from_secs(20),
            };
            publisher.set_timeout(Some(patience));
            let long = !self.sort.long.is_empty() && self.random(3) == 0;
            let mut key = Key {
                life: if long { id | LONG } else { id },
                sequence: 0,
            };
            for _ in 0..self.random(if long { 20 } else { 300 }) {
                let may_wait = listener.is_some();
                self.publish(&mut publisher, &mut key, life, id, may_wait);
                if let Some(listener) = &mut listener {
                    while listener.receive().unwrap() {
                        self.progress();
                    }
                }
                if self.board.end.load(Ordering::Relaxed) != 0 {
                    break;
                }
            }
        }
        Board::set(&life.over, id, 1);
        board.current[self.me].store(0, Ordering::SeqCst);
    }

    fn publish(
        &mut self,
        publisher: &mut RawPublisher,
        key: &mut Key,
        life: &Life,
        id: u64,
        may_wait: bool,
    ) {
        let sort = self.sort;
        let first = Key {
            sequence: key.sequence + 1,
            ..*key
        };
        let how = self.random(8);
        let many = if how < 2 && sort.is_struct() {
            1 + self.random(30)
        } else {
            1
        };
        Board::set(&life.begun, id, key.sequence + many);
        let (len, capacity) = (sort.length(first) as u64, sort.options.capacity.unwrap());
        let fits = len <= capacity;
        let published = match how {
            0 | 1 if sort.is_struct() => sort
                .publish_many(publisher, first, many as usize)
                .map(|n| n as u64),
            0 | 1 if fits => sort.publish_by_loan(publisher, first).map(|_| 1),
            // With the loan, whose room nobody else can make.
            2 if !sort.is_struct() && (len + 8192 <= capacity || !fits) => {
                // It changes its mind.
                let loan = publisher.loan(1 + self.random(5000) as usize);
                let published = sort.publish(publisher, first).map(|_| 1);
                if self.random(2) == 0
                    && let Ok(loan) = loan
                {
                    publisher.discard(loan);
                }
                published
            }
            _ => sort.publish(publisher, first).map(|_| 1),
        };
        let allowed: &[ErrorKind] = match may_wait && sort.blocks() {
            true => &[ErrorKind::TimedOut],
            false => &[],
        };
        let n = self.may_fail(published, allowed).unwrap_or(0);
        key.sequence += n;
        Board::set(&life.returned, id, key.sequence);
        Board::set(&life.begun, id, key.sequence);
        self.board.sent.fetch_add(n, Ordering::Relaxed);
    }

    fn be_subscriber(&mut self) -> Option<Listener<'static>> {
        // SAFETY: both live as long as this process: it ends in `run`.
        let (sort, board): (&'static Sort, &'static Board) = unsafe {
            (
                &*std::ptr::from_ref(self.sort),
                &*std::ptr::from_ref(self.board),
            )
        };
        let attached = Listener::attach(sort, board, Some(self.me));
        let mut listener = self.may_fail(attached, &[ErrorKind::Full])?;
        for _ in 0..self.random(400) {
            let how = self.random(32);
            let done = match how {
                0 => listener.settle(),
                1..8 if sort.is_struct() => listener.receive_many(),
                1..16 if !sort.is_struct() => {
                    let timeout = Duration::from_millis(self.random(3));
                    listener.hold(timeout, self.random(3) as usize)
                }
                _ => listener.receive().map(|_| ()),
            };
            self.may_fail(done, &[]);
            if board.end.load(Ordering::Relaxed) != 0 {
                break;
            }
        }
        let settled = listener.settle();
        self.may_fail(settled, &[]);
        let lost = listener.subscriber.lost();
        board.lost.fetch_add(lost, Ordering::Relaxed);
        if self.random(2) == 0 {
            listener.let_go(0);
        }
        Some(listener)
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.subscriber.close();
            self.let_go(0);
        }
    }
}

/// What is seen of a worker's progress.
#[derive(Debug, Clone)]
struct Watched {
    progress: u64,
    since: Stopwatch,
    /// It has made some since it was employed.
    started: bool,
}

impl Watched {
    fn new(progress: u64) -> Watched {
        Watched {
            progress,
            since: Stopwatch::start(),
            started: false,
        }
    }

    fn look(&mut self, progress: u64) {
        if progress != self.progress {
            *self = Watched {
                started: true,
                ..Watched::new(progress)
            };
        }
    }

    /// A machine that wakes the one who looks late has no time for the others, either.
    fn hangs(&self, late: Duration) -> bool {
        let patience = if self.started { HELD_UP } else { START };
        self.since.elapsed() > patience + 20 * late
    }
}

/// How many there are, and for how long.
struct Plan {
    jobs: Vec<Job>,
    kills: usize,
    /// Instead of a number of kills.
    time: Option<Duration>,
    /// µs between them, at most.
    between: u64,
    stops: bool,
}

/// What must stay as it is while others come and go: the page's bytes, and this process's descriptors
/// and mappings.
fn sizes(sort: &Sort) -> [u64; 3] {
    // Under Wine descriptors are what Wine has open for a program, its dead children among it; and the
    // lives are so few that the page has not grown to its end when it is first looked at.
    if cfg!(windows) {
        return [0; 3];
    }
    let bytes = std::fs::metadata(sort.path()).map_or(0, |data| data.len());
    let count = |directory| std::fs::read_dir(directory).map_or(0, |all| all.count() as u64);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    [bytes, count("/proc/self/fd"), maps.lines().count() as u64]
}

fn play(sort: &Sort, plan: &Plan, tally: &mut Tally) {
    let board: &Board = sys::shared();
    // The first are those of `Survivors`, and a word of zeros is nobody's.
    board.next.store(FIRST, Ordering::SeqCst);
    board.stops.store(plan.stops.into(), Ordering::Relaxed);
    let mut observer = Listener::attach(sort, board, None).unwrap();
    let employ = |me: usize| {
        let state = mix(seed(), random(u64::MAX));
        let job = plan.jobs[me];
        let words = [
            "topic".to_owned(),
            sort.name.replace(' ', "_"),
            format!("{job:?}"),
            me.to_string(),
            state.to_string(),
        ];
        Child::employ(&words, || {
            Worker {
                sort,
                job,
                board,
                me,
                state,
            }
            .run()
        })
    };
    let count = plan.jobs.len();
    let mut workers: Vec<Child> = (0..count).map(employ).collect();
    let mut watched = vec![Watched::new(0); count];
    let (start, mut killed, mut late) = (Instant::now(), 0, Duration::ZERO);
    let mut middle = None;
    let idle = || {
        [&board.sent, &board.received]
            .iter()
            .any(|n| n.load(Ordering::Relaxed) == 0)
    };
    loop {
        let share = match plan.time {
            Some(time) => start.elapsed().as_secs_f64() / time.as_secs_f64(),
            None => killed as f64 / plan.kills as f64,
        };
        if share >= 1.0 && !(idle() && killed < 10 * plan.kills.max(10)) {
            break;
        }
        if share >= 0.5 && middle.is_none() {
            middle = Some(sizes(sort));
        }
        let until = Instant::now() + Duration::from_micros(random(plan.between));
        // Who goes on receives all the time, lest others wait for it.
        let mut over = false;
        while !over {
            let turn = Instant::now();
            for _ in 0..200 {
                if !observer.receive().unwrap() {
                    break;
                }
            }
            over = Instant::now() >= until;
            std::thread::sleep(Duration::from_micros(if over { 0 } else { 300 }));
            late = late.max(turn.elapsed());
        }
        let me = random(count as u64) as usize;
        if plan.stops && random(2) == 0 {
            workers[me].stop();
            std::thread::sleep(Duration::from_micros(random(5000)));
            if random(2) == 0 {
                workers[me].resume();
                tally.stops += 1;
                continue;
            }
        }
        match workers.remove(me).end() {
            status if status.is_killed() => {}
            other => panic!("worker {me} ended by itself, of what it says above: {other:?}"),
        }
        board.died(me);
        killed += 1;
        tally.kills += 1;
        workers.insert(me, employ(me));
        watched[me] = Watched::new(board.progress[me].load(Ordering::Relaxed));
        for (me, watched) in watched.iter_mut().enumerate() {
            watched.look(board.progress[me].load(Ordering::Relaxed));
            if watched.hangs(late) {
                watch::report(&format!(
                    "{}: worker {me} makes no progress; this one was late by {late:?}",
                    sort.name
                ));
            }
        }
        observer.settle().unwrap();
    }
    // Half of them die, the others come to an end.
    for (me, worker) in workers.split_off(count / 2).into_iter().enumerate() {
        assert!(worker.end().is_killed(), "what it says above");
        board.died(count / 2 + me);
        tally.kills += 1;
    }
    board.end.store(1, Ordering::SeqCst);
    for worker in workers {
        let mut worker = Some(worker);
        let left = sys::wait_until(Duration::from_secs(20), || {
            while observer.receive().unwrap() {}
            let ended = worker.as_mut().is_none_or(|worker| worker.has_ended());
            if ended && let Some(worker) = worker.take() {
                let status = worker.end();
                assert!(status.is_well(), "what it says above: {status:?}");
            }
            ended
        });
        assert!(left, "HANGS at the end");
    }
    observer.settle().unwrap();
    // Who was killed before it said that it came has published nothing.
    let live_on = |id: &&u64| Board::get(&board.life(**id).begun, **id) > 0;
    let living: Vec<&u64> = observer.known.keys().filter(live_on).collect();
    assert!(living.is_empty(), "{living:?} live on");
    let (least, most) = observer.missing;
    let lost = observer.subscriber.lost();
    assert!(
        (least..=most).contains(&lost),
        "LOST: {lost}, of {least} to {most}"
    );
    if let Some(middle) = middle {
        let now = sizes(sort);
        let flat = |i: usize, slack: u64| {
            assert!(
                now[i] <= middle[i] + slack,
                "{}: GROWS: {middle:?} to {now:?} (bytes, descriptors, mappings)",
                sort.name
            );
        };
        if plan.time.is_some() {
            // Short runs have not seen the most that there can be.
            flat(0, middle[0] / 4);
        }
        flat(1, 0);
        flat(2, 40);
    }
    tally.writes += board.sent.load(Ordering::Relaxed);
    tally.reads += board.received.load(Ordering::Relaxed);
    tally.lost += board.lost.load(Ordering::Relaxed) + lost;
    assert!(!idle(), "nothing happened");
    // The page that all of them have left goes on.
    let subscriber = observer.part();
    Survivors {
        ledger: Ledger::with_gaps(subscriber.lost()),
        subscriber: Some(subscriber),
        publisher: None,
        sent: 0,
    }
    .go_on(sort);
    kit::clean();
}

impl Listener<'_> {
    fn part(self) -> RawSubscriber {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is not used again; nothing else of it needs dropping but memory.
        unsafe { std::ptr::read(&this.subscriber) }
    }
}

fn sorts() -> Vec<Sort> {
    let places = |sort: Sort, places: u32| {
        let mut sort = sort;
        sort.options.max_participants = Some(places);
        sort.places = places as usize;
        sort
    };
    let bytes = |name, policy, capacity, held| {
        Sort::new(name, Kind::Bytes, |o| {
            o.policy = Some(policy);
            o.capacity = Some(capacity);
            o.max_held = Some(held);
        })
    };
    let mut stamped = bytes("many bytes, overwrite", Policy::Overwrite, 256 << 10, 2);
    stamped.options.history = Some(5);
    stamped.options.send_time = Some(true);
    let mut summed = Sort::bytes(Policy::Block);
    summed.options.checksum = Some(true);
    vec![
        Sort::structs(Policy::Block),
        Sort::structs(Policy::Overwrite),
        summed,
        stamped.with_lengths(&[8, 20, 100, 4000, 5000, 40_000, 262_144], &[]),
        bytes("megabytes, block", Policy::Block, 1 << 20, 1)
            .with_lengths(&[8, 3000, 100_000, 1 << 20], &[(1 << 20) + 1, 3 << 20]),
        // Of the soak.
        places(
            bytes("soak, block", Policy::Block, 256 << 10, 2)
                .with_lengths(&[8, 100, 3000, 30_000], &[300_000]),
            40,
        ),
        places(
            bytes("soak, overwrite", Policy::Overwrite, 128 << 10, 1)
                .with_lengths(&[8, 100, 3000, 30_000], &[]),
            40,
        ),
    ]
}

const OF_THE_SOAK: usize = 5;

/// What a worker is told where it is a process of its own making: the words that `play` gives it.
#[cfg(windows)]
pub fn work(words: &[String]) -> ! {
    let [sort, job, me, state] = words else {
        panic!("{words:?}");
    };
    let sorts = sorts();
    let sort = sorts.iter().find(|one| one.name.replace(' ', "_") == *sort);
    let jobs = [Job::Anything, Job::Publish, Job::Subscribe];
    let job = jobs.into_iter().find(|one| format!("{one:?}") == *job);
    let code = Worker {
        sort: sort.expect("a sort there is"),
        job: job.expect("a job there is"),
        board: sys::shared(),
        me: me.parse().expect("a number"),
        state: state.parse().expect("a number"),
    }
    .run();
    std::process::exit(code)
}

fn all(stops: bool, tally: &mut Tally) {
    let kills = match is_long() {
        false => 60,
        true if cfg!(windows) => 250,
        true => 1500,
    };
    for sort in &sorts()[..OF_THE_SOAK] {
        let what = format!("{}, with {kills} kills", sort.name);
        watch::phase(
            Duration::from_secs(if is_long() { 1200 } else { 90 }),
            &what,
        );
        let plan = Plan {
            jobs: vec![Job::Anything; 4],
            kills,
            time: None,
            between: BETWEEN_KILLS,
            stops,
        };
        context(&what, || play(sort, &plan, tally));
    }
}

pub fn killed_at_random(tally: &mut Tally) {
    all(false, tally);
}

pub fn stopped_and_killed_at_random(tally: &mut Tally) {
    all(true, tally);
}

/// 8 publishers and 8 subscribers, for `CROSSPAGE_SOAK` seconds.
pub fn soak(tally: &mut Tally) {
    let seconds = std::env::var("CROSSPAGE_SOAK").ok();
    let seconds: u64 = seconds.and_then(|n| n.parse().ok()).unwrap_or(4);
    let time = Duration::from_secs(seconds) / 2;
    for sort in &sorts()[OF_THE_SOAK..] {
        let what = format!("{}, for {time:?}", sort.name);
        watch::phase(time + Duration::from_secs(90), &what);
        let jobs = [Job::Publish, Job::Subscribe];
        let plan = Plan {
            jobs: (0..MOST).map(|me| jobs[me % 2]).collect(),
            kills: 0,
            time: Some(time),
            between: 100_000,
            stops: true,
        };
        context(&what, || play(sort, &plan, tally));
    }
}
