//! Models of `latest`'s cell.
//!
//! Cells have the fewest slots that the algorithm allows (writers + 1 + pins), so that slots are used
//! again at once.

use std::sync::Arc;

use super::actor::{self, Handle, explore, kill_everywhere};
use crate::latest::cell::{Area, Cell, Geometry};
use crate::layout::WordOp;

/// A cell whose values have two words.
#[derive(Clone)]
struct Shared {
    area: Arc<Area>,
    geometry: Geometry,
}

impl Shared {
    fn new(writers: usize, pins: usize) -> Shared {
        let geometry = Geometry {
            writers,
            pins,
            slots: writers + 1 + pins,
            payload: 16,
            stride: 128,
            slots_at: 0,
        };
        Shared {
            area: Arc::new(Area::new(&geometry)),
            geometry,
        }
    }

    fn cell(&self) -> Cell {
        let area = Arc::as_ptr(&self.area).cast_mut().cast();
        // SAFETY: of this geometry, and alive as long as `self`, which outlives what tests do with it.
        unsafe { Cell::new(area, self.geometry) }
    }

    fn spawn<R: Send + 'static>(
        &self,
        run: impl FnOnce(&Shared) -> R + Send + 'static,
    ) -> Handle<R> {
        let shared = self.clone();
        actor::spawn(move || run(&shared))
    }

    /// What `RawWriter::write` does.
    fn write(&self, me: u16, value: u64) -> u64 {
        let cell = self.cell();
        let at = cell.claim(me).expect("a slot is free");
        self.fill(at, value);
        let checksum = |version| version ^ value;
        let published = cell.publish(at, None, value, me.into(), checksum);
        published.expect("it is unconditional")
    }

    fn fill(&self, at: usize, value: u64) {
        let cell = self.cell();
        let slot = cell.begin(at);
        let whole = [WordOp::Bulk { offset: 0, len: 16 }];
        let words = [value, !value];
        // SAFETY: `words` has 16 bytes.
        unsafe { slot.words.write(words.as_ptr().cast(), 0, &whole) };
    }

    /// The version and the value, whose parts belong together.
    fn read(&self) -> Option<(u64, u64)> {
        let mut words = [0u64; 2];
        // SAFETY: `words` has 16 bytes.
        let stamp = unsafe { self.cell().read(words.as_mut_ptr().cast(), 16) };
        let stamp = stamp.expect("no damage")?;
        let value = words[0];
        assert_eq!(words[1], !value, "a torn value");
        assert_eq!(stamp.written_at, value, "the time of another value");
        assert_eq!(stamp.checksum, stamp.version ^ value, "another value's sum");
        Some((stamp.version, value))
    }

    /// Reads so often, and sees versions go forward only. Returns the last.
    fn watch(&self, times: usize) -> u64 {
        let mut last = 0;
        for _ in 0..times {
            let version = self.read().map_or(0, |(version, _)| version);
            assert!(version >= last, "version {version} after {last}");
            last = version;
        }
        last
    }
}

#[test]
fn one_writer_one_reader() {
    explore(2, || {
        let shared = Shared::new(1, 0);
        let reader = shared.spawn(|shared| shared.watch(2));
        for n in 1..=3 {
            assert_eq!(shared.write(0, n * 100), n);
        }
        assert_eq!(shared.read(), Some((3, 300)));
        reader.done();
    });
}

#[test]
fn two_writers_one_reader() {
    explore(2, || {
        let shared = Shared::new(2, 0);
        let reader = shared.spawn(|shared| shared.watch(2));
        let other = shared.spawn(|shared| shared.write(1, 200));
        let first = shared.write(0, 100);
        let second = shared.write(0, 101);
        let others = other.done();
        assert!(first < second);
        let mut versions = [first, second, others];
        versions.sort_unstable();
        assert_eq!(versions, [1, 2, 3], "versions count by one");
        reader.done();
        let last = if others == 3 { 200 } else { 101 };
        assert_eq!(shared.read(), Some((3, last)));
    });
}

/// A claim that finds its slot current gives it back, and passes on why.
#[test]
fn the_current_slot_is_never_claimed() {
    explore(2, || {
        let shared = Shared::new(3, 0);
        shared.write(0, 50);
        let one = shared.spawn(|shared| shared.write(0, 100));
        let two = shared.spawn(|shared| {
            let cell = shared.cell();
            cell.abandon(cell.claim(1).expect("a slot is free"));
        });
        let cell = shared.cell();
        let at = cell.claim(2).expect("a slot is free");
        assert!(!cell.is_current(at));
        one.done();
        two.done();
    });
}

#[test]
fn an_abandoned_slot_is_used_by_another_writer() {
    explore(2, || {
        let shared = Shared::new(2, 0);
        shared.write(0, 50);
        let other = shared.spawn(|shared| {
            let cell = shared.cell();
            let at = cell.claim(1).expect("a slot is free");
            shared.fill(at, 100);
            cell.abandon(at);
        });
        shared.write(0, 200);
        shared.write(0, 201);
        other.done();
        assert_eq!(shared.read(), Some((3, 201)));
    });
}

/// A handle's look at a pinned value in place.
fn look_pinned(shared: &Shared, me: u16) -> Option<u64> {
    let cell = shared.cell();
    let pin = cell.take_pin(me)?;
    let Some((at, stamp)) = cell.pin(pin, me).expect("no damage") else {
        cell.unpin(pin);
        return None;
    };
    let bytes = || {
        // SAFETY: a copy of 16 bytes that lives as long as the execution. loom ends the model if a
        // write to them could meet this plain read.
        unsafe { cell.slot(at).words.as_ptr().cast::<[u64; 2]>().read() }
    };
    let [value, inverse] = bytes();
    assert_eq!((inverse, stamp.written_at), (!value, value));
    loom::thread::yield_now();
    assert_eq!(bytes(), [value, inverse], "a pinned value never changes");
    cell.unpin(pin);
    Some(stamp.version)
}

#[test]
fn pinned_values_never_change() {
    explore(2, || {
        let shared = Shared::new(1, 1);
        shared.write(0, 100);
        let reader = shared.spawn(|shared| look_pinned(shared, 1));
        for n in 2..=4 {
            assert_eq!(shared.write(0, n * 100), n);
        }
        assert!(reader.done().expect("the pin is free") <= 4);
    });
}

#[test]
fn one_pin_after_the_other() {
    explore(2, || {
        let shared = Shared::new(1, 1);
        shared.write(0, 100);
        let reader = shared.spawn(|shared| {
            let first = look_pinned(shared, 1).expect("the pin is free");
            let second = look_pinned(shared, 1).expect("the pin is free");
            assert!(first <= second);
        });
        for n in 2..=4 {
            assert_eq!(shared.write(0, n * 100), n);
        }
        reader.done();
    });
}

#[test]
fn two_readers_one_pin() {
    explore(2, || {
        let shared = Shared::new(1, 1);
        shared.write(0, 100);
        let one = shared.spawn(|shared| look_pinned(shared, 1));
        let two = shared.spawn(|shared| look_pinned(shared, 2));
        let writer = shared.spawn(|shared| {
            for n in 2..=4 {
                assert_eq!(shared.write(0, n * 100), n);
            }
        });
        assert!(one.done().is_some() | two.done().is_some());
        writer.done();
    });
}

#[test]
fn two_writers_and_a_pin() {
    explore(2, || {
        let shared = Shared::new(2, 1);
        shared.write(0, 100);
        let reader = shared.spawn(|shared| look_pinned(shared, 2));
        let other = shared.spawn(|shared| shared.write(1, 200));
        shared.write(0, 300);
        reader.done();
        other.done();
        assert_eq!(shared.read().expect("a value").0, 3);
    });
}

/// The next writer in a dead one's place: heals first, as `Page::enter` does.
fn succeed(shared: &Shared, dead: u16, least: u64) {
    let cell = shared.cell();
    let before = shared.read().map_or(0, |(version, _)| version);
    assert!(
        before >= least,
        "version {least} was published, {before} is left"
    );
    cell.heal(dead);
    let next = shared.write(dead, 900);
    assert!(next > before);
}

#[test]
fn the_only_writer_dies() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(1, 0);
        shared.write(0, 50);
        let reader = shared.spawn(|shared| shared.watch(1));
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.write(0, 100))
        };
        let least = victim.join().unwrap_or(1);
        succeed(&shared, 0, least);
        reader.done();
    });
}

#[test]
fn one_of_two_writers_dies() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(2, 0);
        shared.write(0, 50);
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.write(0, 100))
        };
        let other = shared.spawn(|shared| shared.write(1, 200));
        let least = victim.join().unwrap_or(1);
        succeed(&shared, 0, least);
        other.done();
        assert!((3..=4).contains(&shared.read().expect("a value").0));
    });
}

#[test]
fn a_writer_dies_beside_a_pin() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(1, 1);
        shared.write(0, 50);
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.write(0, 100))
        };
        let reader = shared.spawn(|shared| look_pinned(shared, 1));
        let least = victim.join().unwrap_or(1);
        succeed(&shared, 0, least);
        reader.done().expect("a value");
    });
}

#[test]
fn a_healed_slot_is_used_by_another_writer() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(2, 0);
        shared.write(1, 50);
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || shared.write(0, 100))
        };
        let other = shared.spawn(|shared| {
            shared.write(1, 200);
            shared.write(1, 201)
        });
        victim.join();
        shared.cell().heal(0);
        let version = other.done();
        assert!(shared.read().expect("a value").0 >= version);
    });
}

#[test]
fn a_healed_pin_frees_its_slot_for_another_writer() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(1, 1);
        shared.write(0, 50);
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || look_pinned(&shared, 1))
        };
        let writer = shared.spawn(|shared| {
            for n in 2..=4 {
                assert_eq!(shared.write(0, n * 100), n);
            }
        });
        victim.join();
        shared.cell().heal(1);
        writer.done();
    });
}

#[test]
fn a_reader_dies_with_its_pin() {
    kill_everywhere(2, |fate| {
        let shared = Shared::new(1, 1);
        shared.write(0, 50);
        let victim = {
            let shared = shared.clone();
            fate.spawn(move || look_pinned(&shared, 1))
        };
        for n in 2..=3 {
            assert_eq!(
                shared.write(0, n * 100),
                n,
                "a dead pin takes one slot only"
            );
        }
        victim.join();
        shared.cell().heal(1);
        let next = look_pinned(&shared, 2).expect("the pin is free again");
        assert_eq!(next, 3);
    });
}
