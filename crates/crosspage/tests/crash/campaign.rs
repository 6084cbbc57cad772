//! Processes in all their roles, killed and stopped at random.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crosspage::latest::{Options, RawReader, RawWriter};
use crosspage::{ErrorKind, Result};

use crate::harness::kit::{self, Kind, Survivors, mix};
use crate::harness::run::{Tally, context, is_long, random, seed};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::sys::{self, Child};
use crate::harness::watch;

/// How many processes there are at a time. The pages have 4 places.
const WORKERS: usize = 4;
/// A worker that makes no progress for so long hangs.
const PATIENCE: Duration = Duration::from_secs(15);
/// At most so many µs pass between two kills: enough for a worker to get somewhere, which begins with
/// being started where there is no fork.
const BETWEEN_KILLS: u64 = if cfg!(windows) { 80_000 } else { 3000 };
/// The ends of how many writes are remembered.
const LOG: usize = 1 << 14;

/// What the workers do to their page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Game {
    /// One writer at a time, who gives each value its version as its nonce.
    OneWriter,
    /// Two writers who only add one to the nonce: no such step may get lost.
    Updates,
    /// Two writers who write in every way.
    Anything,
    /// The page comes and goes, and changes its layout.
    Churn,
}

/// What the processes of one campaign share beside the page.
struct Board {
    /// The last version that a write has returned.
    returned: AtomicU64,
    /// `version << 32 | nonce` of the last writes that have returned, by version.
    log: [AtomicU64; LOG],
    progress: [AtomicU64; WORKERS],
    writes: AtomicU64,
    reads: AtomicU64,
    /// Whether stopped processes may hold the registration lock.
    stops: AtomicU32,
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Board {}

impl Board {
    /// A write has returned.
    fn wrote(&self, version: u64, nonce: u64) {
        let entry = version << 32 | nonce & 0xffff_ffff;
        let before = self.log[version as usize % LOG].swap(entry, Ordering::SeqCst);
        let twice = before >> 32 == version & 0xffff_ffff;
        assert!(!twice, "LOST: two writes returned version {version}");
        self.returned.fetch_max(version, Ordering::SeqCst);
    }

    /// Whether a value that was read is the one that was written as this version.
    fn check(&self, game: Game, version: u64, nonce: u64) {
        let entry = self.log[version as usize % LOG].load(Ordering::SeqCst);
        if entry >> 32 == version & 0xffff_ffff {
            assert_eq!(
                entry as u32, nonce as u32,
                "LOST: version {version} is another value"
            );
        }
        if matches!(game, Game::OneWriter | Game::Updates) {
            assert_eq!(
                version, nonce,
                "LOST: a version that was counted is not there"
            );
        }
    }
}

/// One process: it does one thing after the other until it is killed.
struct Worker<'a> {
    game: Game,
    kind: &'a Kind,
    board: &'a Board,
    me: usize,
    state: u64,
}

impl Worker<'_> {
    fn random(&mut self, n: u64) -> u64 {
        self.state += 1;
        mix(self.state, self.me as u64) % n
    }

    /// `None` for an error that may come of what the others do. Any other is a failure.
    fn may_fail<T>(&self, result: Result<T>, allowed: &[ErrorKind]) -> Option<T> {
        self.board.progress[self.me].fetch_add(1, Ordering::Relaxed);
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let of_churn = [
            ErrorKind::Replaced,
            ErrorKind::NotFound,
            ErrorKind::LayoutMismatch,
        ];
        let fine = allowed.contains(&error.kind())
            || self.game == Game::Churn && of_churn.contains(&error.kind())
            || self.board.stops.load(Ordering::Relaxed) != 0 && error.is_timed_out();
        assert!(fine, "{:?}: {error:?}", self.game);
        None
    }

    fn run(&mut self) -> ! {
        loop {
            match self.random(8) {
                0..3 => self.be_writer(None),
                3..5 => self.be_reader(),
                5 => {
                    // In both roles at once.
                    let reader = self.may_fail(self.kind.open(), &[ErrorKind::Full]);
                    self.be_writer(reader.as_ref());
                }
                6 => {
                    self.may_fail(crosspage::list(), &[]);
                    self.may_fail(crosspage::registry::inspect(&self.kind.locator), &[]);
                }
                _ => {
                    self.may_fail(crosspage::gc(), &[]);
                    if self.game == Game::Churn {
                        let force = self.random(2) == 0;
                        let removed = if force {
                            crosspage::remove_forced(&self.kind.locator)
                        } else {
                            crosspage::remove(&self.kind.locator)
                        };
                        self.may_fail(removed, &[ErrorKind::InUse]);
                    }
                }
            }
        }
    }

    fn be_writer(&mut self, reader: Option<&RawReader>) {
        let other = self.random(2) == 0 && self.game == Game::Churn;
        let layout = if other {
            kit::other_layout()
        } else {
            kit::layout()
        };
        let make = match self.random(2) {
            0 => RawWriter::create,
            _ => RawWriter::attach,
        };
        let made = make(&self.kind.locator, layout, &self.kind.options);
        let refused = [ErrorKind::AlreadyOwned, ErrorKind::Full];
        let Some(mut writer) = self.may_fail(made, &refused) else {
            return;
        };
        let mut last = None;
        for _ in 0..self.random(300) {
            last = self.write(&mut writer, last);
            if last.is_none() {
                return;
            }
            if let Some(reader) = reader
                && self.read(reader, &mut 0).is_none()
            {
                return;
            }
        }
    }

    /// `last` is the version that this writer has written last.
    fn write(&mut self, writer: &mut RawWriter, last: Option<u64>) -> Option<u64> {
        let mut nonce = self.random(1 << 32);
        let how = self.random(3);
        let written = match (self.game, last) {
            (Game::OneWriter, Some(last)) if how > 0 => {
                nonce = last + 1;
                match how {
                    1 => kit::write_with(writer, nonce),
                    _ => kit::write(writer, nonce),
                }
            }
            (Game::OneWriter | Game::Updates, _) => kit::update(writer, |old| {
                nonce = old + 1;
                nonce
            }),
            _ if how == 0 => match kit::update(writer, |_| nonce) {
                Err(error) if error.is_no_value() => kit::write(writer, nonce),
                other => other,
            },
            _ if how == 1 => kit::write_with(writer, nonce),
            _ => kit::write(writer, nonce),
        };
        let version = self.may_fail(written, &[])?;
        self.board.writes.fetch_add(1, Ordering::Relaxed);
        if self.game != Game::Churn {
            self.board.check(self.game, version, nonce);
            self.board.wrote(version, nonce);
        }
        Some(version)
    }

    fn be_reader(&mut self) {
        let mut options = Options::default();
        options.read_only = self.random(4) == 0;
        if self.game == Game::Churn && self.random(2) == 0 {
            options.timeout = Some(Duration::from_millis(20));
        }
        let opened = RawReader::open(&self.kind.locator, Some(kit::layout()), &options);
        let refused = [ErrorKind::Full, ErrorKind::TimedOut];
        let allowed = &refused[..if self.game == Game::Churn { 2 } else { 1 }];
        let Some(reader) = self.may_fail(opened, allowed) else {
            return;
        };
        let mut seen = 0;
        for _ in 0..self.random(200) {
            let read = match self.random(8) {
                0 => {
                    let limit = Duration::from_millis(self.random(3));
                    let found = kit::wait_changed(&reader, seen, limit);
                    let found = self.may_fail(found, &[ErrorKind::TimedOut]);
                    found.map(|(version, nonce)| self.saw(version, nonce, &mut seen))
                }
                1 if self.game == Game::Anything && !options.read_only => self.pin(&reader),
                _ => self.read(&reader, &mut seen),
            };
            if read.is_none() {
                return;
            }
        }
    }

    fn saw(&self, version: u64, nonce: u64, seen: &mut u64) {
        self.board.reads.fetch_add(1, Ordering::Relaxed);
        if self.game != Game::Churn {
            assert!(version >= *seen, "LOST: version {version} after {seen}");
            self.board.check(self.game, version, nonce);
        }
        *seen = version;
    }

    fn read(&self, reader: &RawReader, seen: &mut u64) -> Option<()> {
        let floor = self.board.returned.load(Ordering::SeqCst);
        let Some((version, nonce)) = self.may_fail(kit::read(reader), &[])? else {
            assert_eq!(floor, 0, "LOST: no value, after version {floor}");
            return Some(());
        };
        assert!(
            version >= floor,
            "LOST: version {version}, after {floor} was written"
        );
        self.saw(version, nonce, seen);
        Some(())
    }

    /// Looks at a value for a while; it must not change.
    fn pin(&mut self, reader: &RawReader) -> Option<()> {
        let pinned = self.may_fail(reader.read_pinned(), &[ErrorKind::Full])??;
        let nonce = kit::decode(pinned.as_bytes());
        self.board.check(self.game, pinned.meta().version, nonce);
        for _ in 0..self.random(50) {
            assert_eq!(
                kit::decode(pinned.as_bytes()),
                nonce,
                "TORN: a pinned value changed"
            );
        }
        Some(())
    }
}

/// One campaign: `kills` workers die, and where `stops`, as many are stopped for a while.
fn play(game: Game, kind: &Kind, kills: usize, stops: bool, tally: &mut Tally) {
    let board: &Board = sys::shared();
    board.stops.store(stops.into(), Ordering::Relaxed);
    let mut observer = None;
    if game != Game::Churn {
        let mut writer = kind.create().unwrap();
        assert_eq!(kit::write(&mut writer, 1).unwrap(), 1);
        board.wrote(1, 1);
        drop(writer);
        // Read-only: it takes no place.
        let mut options = Options::default();
        options.read_only = true;
        observer = Some(RawReader::open(&kind.locator, Some(kit::layout()), &options).unwrap());
    }
    let employ = |me: usize| {
        let state = mix(seed(), random(u64::MAX));
        Child::employ(
            &[
                format!("{game:?}"),
                kind.name.to_owned(),
                me.to_string(),
                state.to_string(),
            ],
            || {
                Worker {
                    game,
                    kind,
                    board,
                    me,
                    state,
                }
                .run()
            },
        )
    };
    let mut workers: Vec<Child> = (0..WORKERS).map(employ).collect();
    let mut last_progress = [(0, Stopwatch::start()); WORKERS];
    let mut seen = 0;
    let mut killed = 0;
    // Where a process takes long to start, few live for long enough to do anything.
    let idle = || {
        [&board.writes, &board.reads]
            .iter()
            .any(|n| n.load(Ordering::Relaxed) == 0)
    };
    while killed < kills || (idle() && killed < 10 * kills) {
        std::thread::sleep(Duration::from_micros(random(BETWEEN_KILLS)));
        let me = random(WORKERS as u64) as usize;
        if stops && random(2) == 0 {
            let worker = &workers[me];
            worker.stop();
            look(game, observer.as_ref(), board, &mut seen);
            std::thread::sleep(Duration::from_micros(random(5000)));
            if random(2) == 0 {
                worker.resume();
                tally.stops += 1;
                continue;
            }
        }
        match workers.remove(me).end() {
            status if status.is_killed() => {}
            other => panic!("worker {me} ended by itself, of what it says above: {other:?}"),
        }
        killed += 1;
        tally.kills += 1;
        look(game, observer.as_ref(), board, &mut seen);
        workers.insert(me, employ(me));
        for (me, (progress, since)) in last_progress.iter_mut().enumerate() {
            let now = board.progress[me].load(Ordering::Relaxed);
            if now != *progress {
                (*progress, *since) = (now, Stopwatch::start());
            }
            if since.elapsed() > PATIENCE {
                watch::report(&format!("worker {me} makes no progress"));
            }
        }
    }
    for worker in workers {
        worker.end();
        tally.kills += 1;
    }
    look(game, observer.as_ref(), board, &mut seen);
    drop(observer);
    if game == Game::Churn {
        let _ = crosspage::remove_forced(&kind.locator);
        Survivors::none().go_on(kind);
    } else {
        let value = kit::read(&kind.open().unwrap()).unwrap();
        Survivors {
            allowed: vec![value],
            ..Survivors::none()
        }
        .go_on(kind);
    }
    kit::clean();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    tally.writes += count(&board.writes);
    tally.reads += count(&board.reads);
    assert!(
        count(&board.writes) > 0 && count(&board.reads) > 0,
        "nothing happened: {} writes, {} reads",
        count(&board.writes),
        count(&board.reads)
    );
}

/// What somebody sees who is never killed.
fn look(game: Game, observer: Option<&RawReader>, board: &Board, seen: &mut u64) {
    let Some(observer) = observer else { return };
    let floor = board.returned.load(Ordering::SeqCst).max(*seen);
    let (version, nonce) = kit::read(observer).unwrap().expect("there is a value");
    assert!(version >= floor, "LOST: version {version}, after {floor}");
    board.check(game, version, nonce);
    *seen = version;
}

fn games() -> [(Game, Kind); 5] {
    let mut anything = Kind::several();
    anything.options.checksum = Some(true);
    [
        (Game::OneWriter, Kind::plain()),
        (Game::Updates, Kind::several()),
        (Game::Anything, anything),
        (Game::Churn, Kind::used()),
        (Game::Churn, Kind::plain()),
    ]
}

/// What a worker is told where it is a process of its own making: the words that `play` gives it.
#[cfg(windows)]
pub fn work(words: &[String]) -> ! {
    let [game, kind, me, state] = words else {
        panic!("{words:?}");
    };
    let (game, kind) = games()
        .into_iter()
        .find(|(g, k)| format!("{g:?}") == *game && k.name == kind)
        .expect("a game there is");
    Worker {
        game,
        kind: &kind,
        board: sys::shared(),
        me: me.parse().expect("a number"),
        state: state.parse().expect("a number"),
    }
    .run()
}

fn all(stops: bool, tally: &mut Tally) {
    let kills = match is_long() {
        false => 80,
        // Wine keeps every file that was opened until nobody holds a lock on it, and has 20,000 at most.
        true if cfg!(windows) => 250,
        true => 1500,
    };
    for (game, kind) in games() {
        let what = format!("{game:?} ({}), with {kills} kills", kind.name);
        watch::phase(PATIENCE * 4 * if is_long() { 20 } else { 1 }, &what);
        context(&what, || play(game, &kind, kills, stops, tally));
    }
}

pub fn killed_at_random(tally: &mut Tally) {
    all(false, tally);
}

pub fn stopped_and_killed_at_random(tally: &mut Tally) {
    all(true, tally);
}
