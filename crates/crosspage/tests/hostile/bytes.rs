//! Files that hold something else than a page should.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::probe::{self, Outcome};
use crate::harness::kit::{self, Kind};
use crate::harness::run::{Tally, context, is_long, random, spread};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::watch;

/// How long everything that one can do to one damaged page may take.
const LIMIT: Duration = Duration::from_secs(20);

const CHECKSUM: usize = 1016;
const STATIC: std::ops::Range<usize> = 0..1024;
const PARTICIPANTS: usize = 4096;

/// The bytes of a sound page with a value, and where its areas are.
struct Sound {
    kind: Kind,
    bytes: Vec<u8>,
    layout: std::ops::Range<usize>,
    area: std::ops::Range<usize>,
}

fn word(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

impl Sound {
    fn new(kind: Kind) -> Sound {
        drop(kind.filled());
        let bytes = std::fs::read(kind.path()).unwrap();
        crosspage::remove(&kind.locator).unwrap();
        let range = |at| word(&bytes, at)..word(&bytes, at) + word(&bytes, at + 8);
        let (layout, area) = (range(104), range(128));
        Sound {
            kind,
            bytes,
            layout,
            area,
        }
    }

    /// Does everything to a page with these bytes. Whatever they are, a forced removal takes it away.
    fn probe(&self, what: &str, bytes: &[u8]) -> Vec<Outcome> {
        watch::phase(LIMIT, what);
        context(what, || {
            std::fs::create_dir_all(kit::directory()).unwrap();
            std::fs::write(self.kind.path(), bytes).unwrap();
            let outcomes = probe::everything(&self.kind);
            for outcome in &outcomes {
                outcome.is_clear(&self.kind);
            }
            assert!(!self.kind.path().exists(), "not even force removes it");
            kit::clean();
            outcomes
        })
    }
}

/// The calls that must fail if the page cannot be trusted at all.
fn must_be_refused(outcomes: &[Outcome], why: fn(&crosspage::Error) -> bool) {
    for outcome in outcomes {
        if matches!(outcome.call, "list" | "gc" | "remove") {
            continue;
        }
        match &outcome.result {
            Ok(()) => panic!("{} succeeded", outcome.call),
            Err(error) => assert!(why(error), "{}: {error:?}", outcome.call),
        }
    }
}

/// Everything works; only the last removal finds nothing any more.
fn must_be_fine(mut outcomes: Vec<Outcome>) {
    assert!(outcomes.pop().unwrap().result.unwrap_err().is_not_found());
    for outcome in outcomes {
        outcome.result.unwrap();
    }
}

/// Every byte of header, layout, participants and the pattern's area is flipped, and a sample of the
/// rest.
pub fn flipped(tally: &mut Tally) {
    for kind in [Kind::summed(), Kind::several()] {
        let sound = Sound::new(kind);
        let participants = PARTICIPANTS..PARTICIPANTS + 32 * sound.kind.places;
        let every = STATIC
            .chain(1024..1048)
            .chain(sound.layout.clone())
            .chain(participants)
            .chain(sound.area.clone());
        let rest = spread(0, sound.bytes.len() - 1, if is_long() { 2000 } else { 60 });
        for at in every.chain(rest) {
            let masks: &[u8] = match is_long() {
                true => &[0x01, 0x10, 0x80, 0xff],
                false => &[[0x01, 0x02, 0x80, 0xff][random(4) as usize]],
            };
            for mask in masks {
                let mut bytes = sound.bytes.clone();
                bytes[at] ^= mask;
                let what = format!("{}: byte {at} ^ {mask:#04x}", sound.kind.name);
                let outcomes = sound.probe(&what, &bytes);
                if STATIC.contains(&at) || sound.layout.contains(&at) {
                    context(&what, || {
                        must_be_refused(&outcomes, |e| e.is_corrupt() || e.is_unsupported());
                    });
                }
                tally.points += 1;
            }
        }
    }
}

/// The same with the checksums put right, as only malice would: fields of the header.
pub fn forged(tally: &mut Tally) {
    // docs/layout.md: offset and width.
    let fields = [
        (8, 4),
        (12, 4),
        (16, 8),
        (24, 8),
        (32, 8),
        (40, 8),
        (48, 8),
        (64, 8),
        (72, 4),
        (76, 4),
        (80, 4),
        (84, 4),
        (88, 8),
        (96, 4),
        (100, 4),
        (104, 8),
        (112, 8),
        (120, 8),
        (128, 8),
        (136, 8),
        (144, 8),
        (152, 8),
        (160, 8),
        (168, 8),
        (200, 8),
        (208, 4),
        (212, 4),
    ];
    for kind in [Kind::plain(), Kind::several()] {
        let sound = Sound::new(kind);
        let forge = |changes: &[(usize, usize, u64)]| {
            let mut bytes = sound.bytes.clone();
            for &(at, width, value) in changes {
                bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
            }
            seal(&mut bytes);
            bytes
        };
        let values = |at: usize, width: usize| {
            let old = word(&sound.bytes, at) as u64 & (u64::MAX >> (64 - 8 * width));
            let near = [old.wrapping_add(1), old.wrapping_sub(1), old << 1, old >> 1];
            let far = [
                0,
                1,
                4096,
                1 << 20,
                1 << 31,
                1 << 46,
                1 << 63,
                u64::MAX,
                u64::MAX - 4095,
            ];
            near.into_iter().chain(far).collect::<Vec<_>>()
        };
        for (at, width) in fields {
            for value in values(at, width) {
                let what = format!("{}: {value:#x} at {at}", sound.kind.name);
                sound.probe(&what, &forge(&[(at, width, value)]));
                tally.points += 1;
            }
        }
        // Several together, which may agree with each other.
        for _ in 0..if is_long() { 20_000 } else { 200 } {
            let changes: Vec<_> = (0..2 + random(3))
                .map(|_| {
                    let (at, width) = fields[random(fields.len() as u64) as usize];
                    let values = values(at, width);
                    (at, width, values[random(values.len() as u64) as usize])
                })
                .collect();
            let what = format!("{}: {changes:x?}", sound.kind.name);
            sound.probe(&what, &forge(&changes));
            tally.points += 1;
        }

        let refused = |change, why: &str, kinds: fn(&crosspage::Error) -> bool| {
            let outcomes = sound.probe(why, &forge(&[change]));
            must_be_refused(&outcomes, kinds);
            for outcome in outcomes.iter().filter(|outcome| outcome.call == "read") {
                let error = outcome.result.as_ref().unwrap_err();
                assert!(error.message().contains(why), "{error}");
            }
        };
        refused((12, 4, 2), "format version 2", |e| e.is_unsupported());
        refused((8, 4, 0x0403_0201), "big-endian", |e| e.is_unsupported());
        refused((16, 8, 4), "features 0x4", |e| e.is_unsupported());

        // Features that one may not know if one only reads, or at all.
        let outcomes = sound.probe("a read-compatible feature", &forge(&[(24, 8, 1)]));
        for outcome in outcomes {
            match outcome.call {
                "write" | "create" | "read" | "show" => {
                    assert!(outcome.result.unwrap_err().is_unsupported());
                }
                "remove" => {}
                _ => outcome.result.unwrap(),
            }
        }
        must_be_fine(sound.probe("a compatible feature", &forge(&[(32, 8, 1)])));
    }
}

/// Puts the header's checksum right.
fn seal(bytes: &mut [u8]) {
    let sum = xxh3_64(&bytes[..CHECKSUM]);
    bytes[CHECKSUM..CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
}

/// Layouts that no creator writes, under good checksums.
pub fn forged_layouts(tally: &mut Tally) {
    let sound = Sound::new(Kind::plain());
    let len = sound.layout.len();
    for turn in 0..if is_long() { 50_000 } else { 1_500 } {
        let mut bytes = sound.bytes.clone();
        let layout = &mut bytes[sound.layout.clone()];
        // Each byte once; then several at a time.
        let changes: Vec<(usize, u8)> = match turn < len {
            true => vec![(turn, 1 << random(8))],
            false => (0..1 + random(4))
                .map(|_| (random(len as u64) as usize, random(255) as u8 + 1))
                .collect(),
        };
        for &(at, mask) in &changes {
            layout[at] ^= mask;
        }
        let sum = xxh3_64(layout);
        bytes[120..128].copy_from_slice(&sum.to_le_bytes());
        seal(&mut bytes);
        sound.probe(&format!("layout: {changes:x?}"), &bytes);
        tally.points += 1;
    }
}

/// Files that end too early.
pub fn cut(tally: &mut Tally) {
    let sound = Sound::new(Kind::plain());
    let (layout, area, end) = (&sound.layout, &sound.area, sound.bytes.len());
    let edges = [
        PARTICIPANTS,
        layout.start,
        layout.end,
        area.start,
        area.end,
        end,
    ];
    let near = edges.iter().flat_map(|&edge| [edge - 1, edge, edge + 1]);
    for len in [0, 1, 7, 8, 1023, 1024].into_iter().chain(near) {
        if len >= end {
            continue;
        }
        let outcomes = sound.probe(&format!("cut to {len}"), &sound.bytes[..len]);
        must_be_refused(&outcomes, |error| error.is_corrupt());
        tally.points += 1;
    }
    // Longer does no harm.
    let mut bytes = sound.bytes.clone();
    bytes.extend([0xff; 5000]);
    must_be_fine(sound.probe("longer", &bytes));
}

/// Files that never were pages.
pub fn no_pages(tally: &mut Tally) {
    let sound = Sound::new(Kind::plain());
    let noise: Vec<u8> = (0..20_000).map(|_| random(256) as u8).collect();
    let zeros = vec![0; 20_000];
    let this = std::fs::read("/proc/self/exe").unwrap();
    for (what, bytes) in [("noise", noise), ("zeros", zeros), ("a program", this)] {
        let outcomes = sound.probe(what, &bytes);
        must_be_refused(&outcomes, |error| error.is_corrupt());
        tally.points += 1;
    }

    // A file: path may be anybody's file: that is not even removed by force.
    let kind = Kind::durable(true);
    std::fs::write(kind.path(), "a letter to my aunt").unwrap();
    for outcome in probe::everything(&kind) {
        outcome.is_clear(&kind);
        let looks = matches!(outcome.call, "list" | "gc");
        assert!(
            looks || outcome.result.unwrap_err().is_corrupt(),
            "{}",
            outcome.call
        );
    }
    assert_eq!(
        std::fs::read_to_string(kind.path()).unwrap(),
        "a letter to my aunt"
    );
    std::fs::remove_file(kind.path()).unwrap();
}

/// What a creator leaves that dies before its page is ready.
pub fn half_made(tally: &mut Tally) {
    let sound = Sound::new(Kind::plain());
    let temporary = kit::directory().join("0123456789abcdef.new");
    for len in [0, 1, 4096, sound.bytes.len()] {
        std::fs::create_dir_all(kit::directory()).unwrap();
        std::fs::write(&temporary, &sound.bytes[..len]).unwrap();
        // It has no name that anybody looks for, and bothers nobody.
        assert!(sound.kind.open().unwrap_err().is_not_found());
        drop(sound.kind.filled());
        assert_eq!(crosspage::list().unwrap().len(), 1);
        let garbage = crosspage::registry::garbage().unwrap();
        assert!(
            garbage.iter().any(|one| one.name == "0123456789abcdef.new"),
            "{garbage:?}"
        );
        assert!(temporary.exists());
        crosspage::gc().unwrap();
        assert!(!temporary.exists());
        crosspage::remove("page").unwrap();
        tally.points += 1;
    }
    kit::clean();

    // With its name, but never finished: no creator leaves that.
    let mut bytes = sound.bytes.clone();
    bytes[1024] = 0;
    let mut outcomes = sound.probe("a page that is initialising", &bytes);
    outcomes.retain(|outcome| outcome.call != "remove politely");
    must_be_refused(&outcomes, |error| error.is_corrupt());

    // Removed or replaced, with its name still there: the next creator makes a new one.
    for state in [3, 4] {
        let mut bytes = sound.bytes.clone();
        bytes[1024] = state;
        for outcome in sound.probe("a page that is gone", &bytes) {
            match outcome.call {
                "inspect" | "show" | "read" | "read read-only" | "value" | "remove" => {
                    let error = outcome.result.unwrap_err();
                    assert!(error.is_not_found(), "{}: {error}", outcome.call);
                }
                _ => outcome.result.unwrap(),
            }
        }
        tally.points += 1;
    }

    // An opener that waits is not held up by any of this for longer than it asked for.
    std::fs::create_dir_all(kit::directory()).unwrap();
    std::fs::write(&temporary, "half").unwrap();
    let mut options = crosspage::latest::Options::default();
    options.timeout = Some(Duration::from_millis(50));
    let start = Stopwatch::start();
    let opened = crosspage::latest::RawReader::open("page", None, &options);
    assert!(opened.unwrap_err().is_timed_out());
    assert!(start.elapsed() < Duration::from_secs(2));
    kit::clean();
}
