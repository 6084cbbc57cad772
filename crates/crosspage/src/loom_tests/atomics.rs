//! loom's atomics, which can kill the actor that writes, and can be weakened one place at a time.

use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use super::actor;
use crate::atomic::Ordering;
use crate::layout::WordOp;

macro_rules! atomic {
    ($name:ident, $int:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name(loom::sync::atomic::$name, Turn);

        impl Default for $name {
            fn default() -> $name {
                $name::new(0)
            }
        }

        #[allow(dead_code)]
        impl $name {
            pub(crate) fn new(value: $int) -> $name {
                $name(loom::sync::atomic::$name::new(value), Turn::default())
            }

            #[track_caller]
            pub(crate) fn load(&self, order: Ordering) -> $int {
                if !actor::lives() {
                    return 0;
                }
                self.1.take();
                self.0.load(weakened("load", order))
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $int, order: Ordering) {
                let order = weakened("store", order);
                if actor::step() {
                    self.0.store(value, order);
                }
            }

            #[track_caller]
            pub(crate) fn swap(&self, value: $int, order: Ordering) -> $int {
                let order = weakened("swap", order);
                if actor::step() {
                    self.0.swap(value, order)
                } else {
                    0
                }
            }

            #[track_caller]
            pub(crate) fn fetch_add(&self, value: $int, order: Ordering) -> $int {
                let order = weakened("fetch_add", order);
                if actor::step() {
                    self.0.fetch_add(value, order)
                } else {
                    0
                }
            }

            #[track_caller]
            pub(crate) fn fetch_sub(&self, value: $int, order: Ordering) -> $int {
                let order = weakened("fetch_sub", order);
                if actor::step() {
                    self.0.fetch_sub(value, order)
                } else {
                    0
                }
            }

            #[track_caller]
            pub(crate) fn compare_exchange(
                &self,
                current: $int,
                new: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                let success = weakened("compare_exchange", success);
                let failure = weakened("compare_exchange (failing)", failure);
                if actor::step() {
                    self.0.compare_exchange(current, new, success, failure)
                } else {
                    Err(0)
                }
            }
        }
    };
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);

impl AtomicU64 {
    /// A load of a word that nobody stores to who has loaded it before: see [`Turn`].
    fn load_payload(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// As reading plain bytes is: a store that does not happen before or after it ends the model.
    fn plain_read(&self) -> u64 {
        // SAFETY: loom checks what has to hold for it.
        unsafe { self.0.unsync_load() }
    }
}

/// Lets loads conflict with each other.
///
/// Of each object loom 0.7 remembers the last access only. Where an actor loads a word and then stores
/// to it, its own load hides that another had loaded the word before, and loom never tries the store
/// before that other load. So every load first does something that conflicts with every other load,
/// and has no effect on memory: it notifies nobody.
#[derive(Default)]
struct Turn(OnceLock<loom::sync::Condvar>);

impl Turn {
    fn take(&self) {
        self.0.get_or_init(loom::sync::Condvar::new).notify_all();
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn")
    }
}

#[track_caller]
pub(crate) fn fence(order: Ordering) {
    let order = weakened("fence", order);
    // To be killed before a fence is not the same as after it: what was stored may not be seen yet.
    if order == Ordering::SeqCst && !actor::step() {
        return;
    }
    if actor::lives() && order != Ordering::Relaxed {
        loom::sync::atomic::fence(order);
    }
}

/// A run of words; see the real one in `atomic`.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a>(pub(crate) &'a [AtomicU64]);

impl<'a> Words<'a> {
    pub(crate) fn len(&self) -> usize {
        self.0.len() * 8
    }

    pub(crate) fn at(&self, offset: usize) -> &'a AtomicU64 {
        &self.0[offset / 8]
    }

    /// Looks at the words as plain bytes, now. What is written through the pointer is lost.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        let now: Vec<u64> = self.0.iter().map(AtomicU64::plain_read).collect();
        super::files::keep(now.into_boxed_slice()).cast()
    }

    pub(crate) unsafe fn read(&self, dst: *mut u8, len: usize) {
        assert!(len % 8 == 0, "models use whole words");
        for (i, word) in self.0[..len / 8].iter().enumerate() {
            let word = word.load_payload();
            // SAFETY: `dst` has `len` bytes by the callers' contract.
            unsafe { dst.cast::<u64>().add(i).write_unaligned(word) };
        }
    }

    pub(crate) unsafe fn write(&self, src: *const u8, shift: usize, ops: &[WordOp]) {
        for op in ops {
            let WordOp::Bulk { offset, len } = *op else {
                panic!("models use whole words")
            };
            let offset = shift + offset;
            for at in (offset..offset + len).step_by(8) {
                // SAFETY: `src` has the bytes that `ops` name by the callers' contract.
                let word = unsafe { src.add(at).cast::<u64>().read_unaligned() };
                self.0[at / 8].store(word, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn from(&self, offset: usize) -> Words<'a> {
        Words(&self.0[offset / 8..])
    }

    pub(crate) unsafe fn write_bytes(&self, offset: usize, bytes: &[u8], _filled: usize) {
        assert!(offset % 8 == 0, "models use whole words");
        let (words, rest) = bytes.as_chunks();
        assert!(rest.is_empty(), "models use whole words");
        for (to, word) in self.0[offset / 8..].iter().zip(words) {
            to.store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
    }

    pub(crate) fn zero(&self, offset: usize, len: usize) {
        for word in &self.0[offset / 8..(offset + len) / 8] {
            word.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn clear_padding(&self, shift: usize, ops: &[WordOp], done: &mut usize) {
        for op in ops {
            let WordOp::Bulk { offset, len } = *op else {
                panic!("models use whole words")
            };
            self.zero(*done, shift + offset - *done);
            *done = shift + offset + len;
        }
    }
}

/// One ordering in the source: where, of what, and which.
pub(crate) type Site = (&'static str, u32, u32, &'static str, &'static str);

/// `FILE:LINE:COLUMN:OPERATION:ORDERING`: what [`weakened`] gives in the place of the ordering there.
pub(crate) const WEAKEN: &str = "CROSSPAGE_WEAKEN";
/// A file that gets a line for each ordering that a model passes.
pub(crate) const SITES: &str = "CROSSPAGE_SITES";

struct Weakened {
    file: String,
    line: u32,
    column: u32,
    operation: String,
    order: Ordering,
}

static WEAKENED: LazyLock<Option<Weakened>> = LazyLock::new(|| {
    let text = std::env::var(WEAKEN).ok()?;
    let [file, line, column, operation, order] = text.split(':').collect::<Vec<_>>()[..] else {
        panic!("{WEAKEN}={text}")
    };
    Some(Weakened {
        file: file.into(),
        line: line.parse().expect("a line"),
        column: column.parse().expect("a column"),
        operation: operation.into(),
        order: ORDERINGS
            .into_iter()
            .find(|known| name(*known) == order)
            .expect("an ordering"),
    })
});

const ORDERINGS: [Ordering; 5] = [
    Ordering::Relaxed,
    Ordering::Acquire,
    Ordering::Release,
    Ordering::AcqRel,
    Ordering::SeqCst,
];

static PASSED: LazyLock<Option<Mutex<BTreeSet<Site>>>> =
    LazyLock::new(|| std::env::var_os(SITES).map(|_| Mutex::default()));

fn name(order: Ordering) -> &'static str {
    match order {
        Ordering::Relaxed => "Relaxed",
        Ordering::Acquire => "Acquire",
        Ordering::Release => "Release",
        Ordering::AcqRel => "AcqRel",
        _ => "SeqCst",
    }
}

/// The ordering that an operation gets: its own, unless this run weakens it.
#[track_caller]
fn weakened(operation: &'static str, order: Ordering) -> Ordering {
    let here = Location::caller();
    if let Some(passed) = &*PASSED {
        let site = (
            here.file(),
            here.line(),
            here.column(),
            operation,
            name(order),
        );
        passed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(site);
    }
    match &*WEAKENED {
        Some(weak)
            if weak.line == here.line()
                && weak.column == here.column()
                && weak.operation == operation
                && here.file().ends_with(&weak.file) =>
        {
            weak.order
        }
        _ => order,
    }
}

/// Adds what the models have passed so far to the file that was asked for.
pub(crate) fn note_sites() {
    let (Some(passed), Some(path)) = (&*PASSED, std::env::var_os(SITES)) else {
        return;
    };
    let passed = std::mem::take(&mut *passed.lock().unwrap_or_else(PoisonError::into_inner));
    let lines: String = passed
        .into_iter()
        .map(|(file, line, column, operation, order)| {
            format!("{file}:{line}:{column}:{operation}:{order}\n")
        })
        .collect();
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path);
    std::io::Write::write_all(&mut file.expect("the file of sites"), lines.as_bytes())
        .expect("the file of sites");
}
