//! Words that somebody overwrites while handles are attached.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crosspage::latest::{RawReader, RawWriter};
use crosspage::{ErrorKind, Result, registry};

use super::probe::{self, Outcome};
use crate::harness::kit::{self, Kind, Survivors, mix};
use crate::harness::run::{Tally, context, is_long, random, seed};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::sys::{self, Child, Status};
use crate::harness::watch;

/// How long one call may take, on a slow machine: the longest patience of all is the one second that
/// the registration lock is waited for.
const LIMIT: Duration = Duration::from_secs(10);

/// The words of a page that change while it lives: docs/layout.md.
fn words(kind: &Kind) -> Vec<u64> {
    let bytes = std::fs::read(kind.path()).unwrap();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (participants, area) = (word(88), word(128));
    let slots = area + 256 + 128 * kind.pins() as u64;
    let mut words = vec![1024, 1032, 1040, area, area + 128];
    words.extend((0..kind.pins() as u64).map(|pin| area + 256 + 128 * pin));
    words.extend((0..4 * kind.places as u64).map(|i| participants + 8 * i));
    for slot in 0..kind.slots as u64 {
        words.extend((0..5).map(|i| slots + 256 * slot + 8 * i));
    }
    words
}

fn overwrite(kind: &Kind, at: u64, value: u64) {
    if let Ok(file) = std::fs::File::options().write(true).open(kind.path()) {
        file.write_all_at(&value.to_le_bytes(), at).unwrap();
    }
}

fn values(old: u64) -> Vec<u64> {
    let mut values = vec![
        0,
        1,
        2,
        3,
        5,
        255,
        256,
        0xffff,
        1 << 16,
        1 << 32,
        1 << 63,
        u64::MAX,
        // A writer's entry in the table.
        1 << 32 | 1 << 8 | 1,
    ];
    values.extend([
        old + 1,
        old.wrapping_sub(1),
        old << 8,
        old << 16,
        old ^ 1,
        random(u64::MAX),
    ]);
    values
}

/// Each word, with what could confuse most: every call on every handle returns, with an error or not.
pub fn overwritten(tally: &mut Tally) {
    for kind in [Kind::plain(), Kind::several()] {
        let writer = kind.filled();
        let words = words(&kind);
        drop(writer);
        crosspage::remove(&kind.locator).unwrap();
        for at in words {
            let mut values = values(5 << 8 | 1);
            if !is_long() {
                let keep = random(values.len() as u64) as usize;
                values.swap(0, keep);
                values.truncate(2);
                values.push(u64::MAX);
            }
            for value in values {
                let what = format!("{}: {value:#x} at {at}", kind.name);
                watch::phase(LIMIT, &what);
                context(&what, || overwritten_once(&kind, at, value));
                tally.points += 1;
            }
        }
    }
}

fn overwritten_once(kind: &Kind, at: u64, value: u64) {
    let mut writer = kind.filled();
    let reader = kind.open().unwrap();
    let pinned = match kind.pins() {
        0 => None,
        _ => reader.read_pinned().unwrap(),
    };
    let pointer = pinned.as_ref().map(|pinned| pinned.as_bytes().as_ptr());
    overwrite(kind, at, value);
    let mut outcomes = Vec::new();
    let mut call = |call, result: Result<()>| outcomes.push(Outcome { call, result });
    call("read", probe::read(&reader));
    call("write", probe::write(&mut writer));
    call("read again", probe::read(&reader));
    call("inspect", registry::inspect(&kind.locator).map(|_| ()));
    call("open", kind.open().and_then(|reader| probe::read(&reader)));
    let late = kind
        .attach()
        .and_then(|mut writer| probe::write(&mut writer));
    match &late {
        // One writer is all that some pages have; on others a word may have made the reader one.
        Err(owned) if owned.is_already_owned() => {
            assert!(owned.message().contains("living writer"), "{owned}");
        }
        _ => call("attach", late),
    }
    for outcome in outcomes {
        outcome.is_clear(kind);
    }
    // What is held stays where it is, whatever the page says by now.
    assert_eq!(
        pinned.as_ref().map(|pinned| pinned.as_bytes().as_ptr()),
        pointer
    );
    drop(pinned);
    drop((reader, writer));
    let _ = crosspage::remove_forced(&kind.locator);
    kit::clean();
}

const WORKERS: usize = 5;

struct Board {
    progress: [AtomicU64; WORKERS],
    errors: AtomicU64,
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Board {}

/// Processes that read, write, wait, pin and attach, while another overwrites words at random.
pub fn vandal(tally: &mut Tally) {
    for kind in [Kind::plain(), Kind::several().with_places(16)] {
        let time = Duration::from_millis(if is_long() { 60_000 } else { 1_000 });
        watch::phase(time + 3 * LIMIT, "a vandal");
        let board: &Board = sys::shared();
        let writer = kind.filled();
        let words = words(&kind);
        drop(writer);
        let workers: Vec<Child> = (0..WORKERS)
            .map(|me| Child::new(|| work(&kind, board, me)))
            .collect();
        let start = Stopwatch::start();
        let mut seen = [(0, Stopwatch::start()); WORKERS];
        while start.elapsed() < time {
            for _ in 0..20 {
                let at = words[random(words.len() as u64) as usize];
                let values = values(random(100) << 8 | random(6));
                overwrite(&kind, at, values[random(values.len() as u64) as usize]);
                tally.points += 1;
            }
            std::thread::sleep(Duration::from_micros(random(2000)));
            for (me, (progress, since)) in seen.iter_mut().enumerate() {
                let now = board.progress[me].load(Ordering::Relaxed);
                if now != *progress {
                    (*progress, *since) = (now, Stopwatch::start());
                }
                if since.elapsed() > LIMIT {
                    watch::report(&format!("worker {me} hangs in a vandalised page"));
                }
            }
        }
        for worker in workers {
            assert_eq!(
                worker.end(),
                Status::Killed(libc::SIGKILL),
                "it says why above"
            );
        }
        for (progress, _) in seen {
            assert!(progress > 0, "a worker did nothing");
        }
        assert!(
            board.errors.load(Ordering::Relaxed) > 0,
            "the vandal did nothing"
        );
        let _ = crosspage::remove_forced(&kind.locator);
        Survivors::none().go_on(&kind);
    }
}

fn work(kind: &Kind, board: &Board, me: usize) -> i32 {
    let mut state = mix(seed(), me as u64);
    let went_well = |result: Result<()>| {
        board.progress[me].fetch_add(1, Ordering::Relaxed);
        let Err(error) = result else { return true };
        board.errors.fetch_add(1, Ordering::Relaxed);
        assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
        if error.is_corrupt() {
            // As a person would.
            let _ = crosspage::remove_forced(&kind.locator);
        }
        false
    };
    loop {
        state += 1;
        let turns = mix(state, 0) % 200;
        if me < 2 {
            let made = match turns % 2 {
                0 => RawWriter::create(&kind.locator, kit::layout(), &kind.options),
                _ => kind.attach(),
            };
            let Ok(mut writer) = made else {
                went_well(made.map(|_| ()));
                continue;
            };
            (0..turns).all(|_| went_well(probe::write(&mut writer)));
        } else {
            let opened = RawReader::open(&kind.locator, Some(kit::layout()), &Default::default());
            let Ok(reader) = opened else {
                went_well(opened.map(|_| ()));
                continue;
            };
            let mut bytes = [0; kit::SIZE];
            (0..turns).all(|turn| {
                let limit = Some(Duration::from_millis(turn % 4));
                // SAFETY: `bytes` has the layout's size.
                let waited = unsafe { reader.wait_changed(turn, limit, bytes.as_mut_ptr()) };
                let waited = match waited {
                    Err(error) if error.is_timed_out() => Ok(()),
                    other => other.map(|_| ()),
                };
                went_well(waited) && went_well(probe::read(&reader))
            });
        }
    }
}
