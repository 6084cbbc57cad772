//! Words of a topic that somebody overwrites while publishers and subscribers are attached.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crosspage::topic::{Options, Policy, RawPublisher, RawSubscriber};
use crosspage::{ErrorKind, Result};

use crate::harness::kit::{self, mix};
use crate::harness::run::{Tally, context, is_long, random, seed};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::sys::{self, Child, Status};
use crate::harness::topics::{Key, LONG, Sort};
use crate::harness::watch;

/// How long one call may take, on a slow machine.
const LIMIT: Duration = Duration::from_secs(10);
/// For how long publishing waits for room that may never come.
const PATIENCE: Duration = Duration::from_millis(3);

fn word(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// Where the parts of a topic's page are: docs/layout.md.
struct Map {
    bytes: Vec<u8>,
    area: usize,
    participants: usize,
    /// What it is, where it begins and how long it is.
    extents: Vec<(u8, usize, usize)>,
}

impl Map {
    fn of(sort: &Sort) -> Option<Map> {
        let bytes = std::fs::read(sort.path()).ok()?;
        if bytes.len() < 16 << 10 {
            return None;
        }
        let (participants, area) = (word(&bytes, 88), word(&bytes, 128));
        // Both may be the vandal's.
        if area > bytes.len() - (8 << 10) {
            return None;
        }
        let count = bytes
            .get(area + 256..area + 264)
            .map(|_| word(&bytes, area + 256))?;
        let entry = |i: usize| {
            let at = area + 1024 + 16 * i;
            let info = word(&bytes, at + 8);
            let range = (word(&bytes, at), (info >> 32) << 16);
            (info as u8, range.0, range.1)
        };
        let extents = (0..count.min(16)).map(entry).collect();
        Some(Map {
            area,
            participants,
            extents,
            bytes,
        })
    }

    /// The words that lead to others: of the area, the extents' table, the table of participants, and of
    /// each lane all but its ring, of which these are the first.
    fn words(&self, sort: &Sort) -> Vec<u64> {
        let mut words: Vec<usize> = (0..7).map(|i| self.area + 8 * i).collect();
        words.extend([128, 136, 144, 256, 264, 384, 512, 640].map(|at| self.area + at));
        words.extend((0..2 * self.extents.len() + 2).map(|i| self.area + 1024 + 8 * i));
        words.extend((0..4 * sort.places).map(|i| self.participants + 8 * i));
        for &(what, at, len) in &self.extents {
            if what != 1 || at.saturating_add(len) > self.bytes.len() {
                continue;
            }
            words.extend([0, 128, 136, 256, 264].map(|word| at + word));
            words.extend((0..6).map(|i| at + 384 + 8 * i));
            words.extend((0..16).map(|i| at + 640 + 8 * i));
            let stride = stride(sort);
            for row in 0..sort.places {
                words.extend((0..4).map(|i| at + 1024 + row * stride + 8 * i));
            }
            let chunks = at + 1024 + sort.places * stride;
            words.extend((0..16).map(|i| chunks + 8 * i));
            let ring = ring(sort, at);
            words.extend((0..32).map(|i| ring + 8 * i));
        }
        words.into_iter().map(|at| at as u64).collect()
    }
}

/// Bytes from one subscriber's row to the next.
fn stride(sort: &Sort) -> usize {
    let held = sort.options.max_held.unwrap_or(8) as usize + 1;
    (8 * (3 + held)).next_multiple_of(128)
}

/// Where the ring of the lane at `at` begins.
fn ring(sort: &Sort, at: usize) -> usize {
    let chunks = 1024 + sort.places * stride(sort);
    (chunks + sort.chunks() * 32).next_multiple_of(4096) + at
}

fn values(old: u64) -> [u64; 18] {
    [
        0,
        1,
        2,
        8,
        0xffff,
        1 << 16,
        1 << 31,
        1 << 32,
        1 << 63,
        u64::MAX,
        u64::MAX - 7,
        old.wrapping_add(8),
        old.wrapping_sub(8),
        old.wrapping_add(512),
        old.wrapping_sub(1 << 16),
        old << 8,
        old ^ 1 << random(64),
        random(u64::MAX),
    ]
}

fn overwrite(sort: &Sort, at: u64, value: u64) {
    if let Ok(file) = std::fs::File::options().write(true).open(sort.path()) {
        let len = file.metadata().map_or(0, |data| data.len());
        if at.saturating_add(8) <= len {
            file.write_all_at(&value.to_le_bytes(), at).unwrap();
        }
    }
}

fn sorts() -> Vec<Sort> {
    let mut summed = Sort::bytes(Policy::Block);
    summed.options.checksum = Some(true);
    summed.options.history = Some(2);
    let mut all = vec![
        Sort::structs(Policy::Block),
        Sort::structs(Policy::Overwrite),
        Sort::bytes(Policy::Overwrite),
        summed,
    ];
    for sort in &mut all {
        sort.options.timeout = Some(PATIENCE);
    }
    all
}

/// Every call of a publisher. What is wrong with what it sends is its receivers' concern.
fn publish(sort: &Sort, publisher: &mut RawPublisher, life: u64, sequence: u64) -> Result<()> {
    let key = Key { life, sequence };
    let message = sort.encode(key);
    let sent = match sequence % 4 {
        0 if sort.is_struct() => sort.publish_many(publisher, key, 5).map(|_| 0),
        // SAFETY: a value of the layout.
        _ if sort.is_struct() => unsafe { publisher.publish(message.bytes().as_ptr()) },
        0 if message.len <= sort.options.capacity.unwrap() as usize => {
            publisher.loan(message.len).and_then(|mut loan| {
                // SAFETY: the loan has as many bytes.
                unsafe { loan.as_mut_ptr().write_bytes(7, loan.len()) };
                publisher.commit(loan)
            })
        }
        1 => publisher.loan(100).map(|loan| {
            publisher.discard(loan);
            0
        }),
        _ => publisher.publish_bytes(message.bytes()),
    };
    publisher.participants();
    match sent {
        Err(error) if error.is_timed_out() || error.is_full() => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Every call of a subscriber, which holds a message or two.
fn receive(
    sort: &Sort,
    subscriber: &mut RawSubscriber,
    held: &mut Vec<crosspage::topic::RawMessage>,
) -> Result<()> {
    for turn in 0..20 {
        let received = if sort.is_struct() {
            let mut words = [0u64; 8];
            // SAFETY: the layout's size.
            unsafe { subscriber.try_recv_into(words.as_mut_ptr().cast()) }?.is_some()
        } else {
            let message = match turn {
                0 => subscriber.recv(Some(Duration::from_millis(1))).map(Some),
                _ => subscriber.try_recv(),
            };
            match message {
                Ok(Some(message)) => {
                    // All of it can be looked at, whatever it is.
                    let sum: u64 = message.bytes().iter().map(|&byte| u64::from(byte)).sum();
                    std::hint::black_box(sum);
                    held.push(message);
                    if held.len() > 2 {
                        held.remove(0);
                    }
                    true
                }
                Ok(None) => false,
                Err(error) if error.is_timed_out() => false,
                Err(error) => return Err(error),
            }
        };
        if !received {
            break;
        }
    }
    subscriber.lost();
    subscriber.publishers();
    Ok(())
}

fn is_clear(result: Result<()>) {
    let Err(error) = result else { return };
    let expected = [
        ErrorKind::Corrupt,
        ErrorKind::Unsupported,
        ErrorKind::NotFound,
        ErrorKind::Replaced,
        ErrorKind::LayoutMismatch,
        ErrorKind::Invalid,
        ErrorKind::Full,
        ErrorKind::InUse,
        ErrorKind::TooLarge,
        ErrorKind::TimedOut,
        ErrorKind::NoSpace,
    ];
    assert!(expected.contains(&error.kind()), "{error:?}");
    assert!(error.message().contains("page"), "{error}");
}

/// Each word, with what could confuse most: every call on every handle returns, with an error or not.
pub fn overwritten(tally: &mut Tally) {
    for sort in sorts() {
        let world = World::new(&sort);
        let words = Map::of(&sort).unwrap().words(&sort);
        drop(world);
        kit::clean();
        for at in words {
            let count = values(0).len();
            let chosen: Vec<usize> = match is_long() {
                true => (0..count).collect(),
                // One word in three, with one of the values.
                false if random(3) > 0 => continue,
                false => vec![random(count as u64) as usize],
            };
            for which in chosen {
                let what = format!("{}: value {which} at {at}", sort.name);
                watch::phase(LIMIT, &what);
                context(&what, || overwritten_once(&sort, at, which));
                tally.points += 1;
            }
        }
    }
}

/// A publisher and a subscriber that have something to receive.
struct World {
    publisher: RawPublisher,
    subscriber: RawSubscriber,
    held: Vec<crosspage::topic::RawMessage>,
}

impl World {
    fn new(sort: &Sort) -> World {
        let mut world = World {
            subscriber: sort.subscriber().unwrap(),
            publisher: sort.publisher().unwrap(),
            held: Vec::new(),
        };
        for sequence in 1..=8 {
            publish(sort, &mut world.publisher, 1, sequence).unwrap();
            if sequence == 6 {
                receive(sort, &mut world.subscriber, &mut world.held).unwrap();
            }
        }
        world
    }
}

fn overwritten_once(sort: &Sort, at: u64, which: usize) {
    let mut world = World::new(sort);
    let pointers = |world: &World| {
        let held = world.held.iter();
        held.map(|one| one.bytes().as_ptr()).collect::<Vec<_>>()
    };
    let before = pointers(&world);
    let bytes = std::fs::read(sort.path()).unwrap();
    let old = bytes.get(at as usize..at as usize + 8);
    let old = old.map_or(0, |old| u64::from_le_bytes(old.try_into().unwrap()));
    overwrite(sort, at, values(old)[which]);
    let mut more = Vec::new();
    for sequence in 9..=40 {
        let published = publish(sort, &mut world.publisher, 1, sequence);
        is_clear(published);
        if sequence % 8 == 0 {
            is_clear(receive(sort, &mut world.subscriber, &mut more));
        }
    }
    is_clear(crosspage::registry::inspect(sort.locator).map(|_| ()));
    is_clear(crosspage::list().map(|_| ()));
    is_clear(
        sort.publisher()
            .and_then(|mut late| publish(sort, &mut late, 2, 2)),
    );
    is_clear(sort.subscriber().and_then(|mut late| {
        let mut held = Vec::new();
        receive(sort, &mut late, &mut held)
    }));
    // What is held stays where it is, whatever the page says by now.
    assert_eq!(pointers(&world), before);
    drop((more, world));
    let _ = crosspage::remove_forced(sort.locator);
    kit::clean();
}

/// An extent's entry that becomes longer than what is mapped, and a reference to what lies behind it: nobody
/// looks there.
pub fn grown(tally: &mut Tally) {
    for sort in [
        Sort::bytes(Policy::Block).with_lengths(&[20_000], &[]),
        Sort::bytes(Policy::Overwrite).with_lengths(&[20_000], &[]),
    ] {
        watch::phase(LIMIT, sort.name);
        let mut subscriber = sort.subscriber().unwrap();
        let mut publisher = sort.publisher().unwrap();
        let mut send = |sequence| {
            let key = Key { life: 1, sequence };
            sort.publish(&mut publisher, key).unwrap();
        };
        send(1);
        assert!(sort.receive(&mut subscriber).unwrap().is_some());
        send(2);
        let map = Map::of(&sort).unwrap();
        let pool = map.extents.iter().position(|&(what, ..)| what == 2);
        let pool = pool.expect("the messages lie in one");
        let (_, at, len) = map.extents[pool];
        let entry = (map.area + 1024 + 16 * pool + 8) as u64;
        let old = word(&map.bytes, entry as usize) as u64;
        overwrite(&sort, entry, old & 0xffff_ffff | 1 << 48);
        // Second of two messages of 20,000 bytes, each at a multiple of 64.
        let second = (at + 20_032) as u64;
        let mut forged = 0;
        for place in (0..map.bytes.len() - 8).step_by(8) {
            if word(&map.bytes, place) as u64 == second {
                overwrite(&sort, place as u64, (at + len + (1 << 30)) as u64);
                forged += 1;
            }
        }
        assert!(forged > 0, "there is no such reference");
        match subscriber.try_recv() {
            Ok(Some(message)) => panic!("it received {} bytes", message.bytes().len()),
            Ok(None) => panic!("it received nothing"),
            Err(error) => assert!(error.is_corrupt(), "{error}"),
        }
        drop((publisher, subscriber));
        let _ = crosspage::remove_forced(sort.locator);
        kit::clean();
        tally.points += 1;
    }
}

/// The end of a ring that is very far away, and counts that are very large: whoever comes is told at once.
pub fn far_away(tally: &mut Tally) {
    let sort = Sort::structs(Policy::Overwrite);
    let (limit, end, count) = (0, 128, 136);
    let words: [&[(u64, u64)]; 4] = [
        &[(end, 1 << 62)],
        &[(end, u64::MAX - 7)],
        &[(count, u64::MAX)],
        // A ring that nobody has published to, but for its limit.
        &[(end, 0), (limit, 1 << 20)],
    ];
    for words in words {
        watch::phase(LIMIT, &format!("{words:x?} of a lane"));
        let world = World::new(&sort);
        let map = Map::of(&sort).unwrap();
        let (_, lane, _) = map.extents.iter().find(|&&(what, ..)| what == 1).unwrap();
        for (at, value) in words {
            overwrite(&sort, *lane as u64 + at, *value);
        }
        // And of its marks.
        for mark in 0..8 {
            overwrite(&sort, *lane as u64 + 648 + 16 * mark, u64::MAX);
        }
        let start = Stopwatch::start();
        is_clear(sort.subscriber().map(|_| ()));
        assert!(start.elapsed() < Duration::from_secs(2), "HELD UP");
        drop(world);
        let _ = crosspage::remove_forced(sort.locator);
        kit::clean();
        tally.points += 1;
    }
}

/// An extent that ends far behind its file: nobody puts another one there.
pub fn far_extents(tally: &mut Tally) {
    let sort = Sort::bytes(Policy::Overwrite);
    watch::phase(LIMIT, "an extent that ends far away");
    let world = World::new(&sort);
    let map = Map::of(&sort).unwrap();
    let size = || std::fs::metadata(sort.path()).unwrap().len();
    let before = size();
    // Of the messages: who only publishes does not map what is another's.
    let pool = map.extents.iter().position(|&(what, ..)| what == 2);
    let entry = (map.area + 1024 + 16 * pool.expect("a pool") + 8) as u64;
    let old = word(&map.bytes, entry as usize) as u64;
    overwrite(&sort, entry, old & 0xffff_ffff | 1 << 48);
    let late = sort.publisher().map(|_| ()).unwrap_err();
    assert!(late.is_corrupt(), "{late}");
    assert_eq!(size(), before);
    drop(world);
    let _ = crosspage::remove_forced(sort.locator);
    kit::clean();
    tally.points += 1;
}

/// A ring of nothing but padding: whoever receives comes back from it, and waits no longer than it is told.
pub fn circle(tally: &mut Tally) {
    let sort = Sort::structs(Policy::Block);
    watch::phase(LIMIT, "a ring of padding");
    let mut world = World::new(&sort);
    let map = Map::of(&sort).unwrap();
    let lane = map.extents.iter().find(|&&(what, ..)| what == 1);
    let &(_, at, len) = lane.unwrap();
    for word in (ring(&sort, at)..at + len).step_by(8) {
        overwrite(&sort, word as u64, 3 << 32);
    }
    assert!(world.subscriber.try_recv().unwrap().is_none());
    let wait = Duration::from_millis(50);
    let error = world.subscriber.recv(Some(wait)).unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    drop(world);
    let _ = crosspage::remove_forced(sort.locator);
    kit::clean();
    tally.points += 1;
}

const WORKERS: usize = 5;

struct Board {
    progress: [AtomicU64; WORKERS],
    errors: AtomicU64,
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Board {}

/// Processes that publish, receive, hold and attach, while another writes over whatever it likes; for
/// `CROSSPAGE_VANDAL` seconds where that is given.
pub fn vandal(tally: &mut Tally) {
    let seconds = std::env::var("CROSSPAGE_VANDAL").ok();
    let seconds: Option<u64> = seconds.and_then(|n| n.parse().ok());
    let sorts = sorts();
    let time = match seconds {
        Some(seconds) => Duration::from_secs(seconds) / sorts.len() as u32,
        None => Duration::from_millis(if is_long() { 60_000 } else { 800 }),
    };
    for sort in sorts {
        watch::phase(time + LIMIT, &format!("a vandal ({})", sort.name));
        let board: &Board = sys::shared();
        let workers: Vec<Child> = (0..WORKERS)
            .map(|me| Child::new(|| work(&sort, board, me)))
            .collect();
        let start = Stopwatch::start();
        let mut seen = [(0, Stopwatch::start()); WORKERS];
        while start.elapsed() < time {
            if let Some(map) = Map::of(&sort) {
                let words = map.words(&sort);
                let len = map.bytes.len() as u64;
                for _ in 0..10 {
                    let at = match random(3) {
                        0 if len > 1 << 16 => random(len - 4096) / 8 * 8 + 4096,
                        _ => words[random(words.len() as u64) as usize],
                    };
                    let old = map.bytes.get(at as usize..at as usize + 8);
                    let old = old.map_or(0, |old| u64::from_le_bytes(old.try_into().unwrap()));
                    let values = values(old);
                    overwrite(&sort, at, values[random(values.len() as u64) as usize]);
                    tally.points += 1;
                }
            }
            std::thread::sleep(Duration::from_micros(random(3000)));
            for (me, (progress, since)) in seen.iter_mut().enumerate() {
                let now = board.progress[me].load(Ordering::Relaxed);
                if now != *progress {
                    (*progress, *since) = (now, Stopwatch::start());
                }
                if since.elapsed() > LIMIT {
                    watch::report(&format!("worker {me} hangs in a vandalised topic"));
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
        let _ = crosspage::remove_forced(sort.locator);
        kit::clean();
    }
}

fn work(sort: &Sort, board: &Board, me: usize) -> i32 {
    let mut state = mix(seed(), me as u64);
    let went_well = |result: Result<()>| {
        board.progress[me].fetch_add(1, Ordering::Relaxed);
        let Err(error) = result else { return true };
        board.errors.fetch_add(1, Ordering::Relaxed);
        assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
        if error.is_corrupt() || error.is_unsupported() {
            // As a person would.
            let _ = crosspage::remove_forced(sort.locator);
        }
        false
    };
    loop {
        state += 1;
        let turns = mix(state, 0) % 200;
        if me < 2 {
            let life = if turns.is_multiple_of(3) && !sort.long.is_empty() && sort.blocks() {
                LONG
            } else {
                1
            };
            match sort.publisher() {
                Ok(mut publisher) => drop(
                    (1..=turns)
                        .all(|sequence| went_well(publish(sort, &mut publisher, life, sequence))),
                ),
                Err(error) => drop(went_well(Err(error))),
            }
        } else {
            let attached = match turns % 2 {
                0 => RawSubscriber::attach(sort.locator, None, &Options::default()),
                _ => sort.subscriber(),
            };
            match attached {
                Ok(mut subscriber) => {
                    let mut held = Vec::new();
                    (1..=turns).all(|_| went_well(receive(sort, &mut subscriber, &mut held)));
                }
                Err(error) => drop(went_well(Err(error))),
            }
        }
    }
}
