//! What one publisher has in the page: a ring of records, the rows of its subscribers, and the words of
//! its chunks. Here is where they lie; [`ring`](super::ring) and [`chunks`](super::chunks) are what is
//! done with them.

use crate::atomic::{AtomicU64, Ordering, Words, fence};

/// A contended word has a line of 128 bytes to itself (two lines: adjacent ones are prefetched).
pub(crate) const LINE: usize = 128;
/// The ring is marked, and its limit moves, in so many steps.
pub(crate) const SEGMENTS: u64 = 8;
/// How many changes of the publisher are remembered.
pub(crate) const EPOCHS: usize = 8;
/// The cursor of a row that nobody has.
pub(crate) const NOT_ATTACHED: u64 = u64::MAX;

/// The publisher that published the records from some count on.
#[cfg_attr(loom, derive(Default))]
#[repr(C)]
pub(crate) struct Epoch {
    /// Counts up with each publisher; the first is 1.
    pub(crate) number: AtomicU64,
    /// The lane's count when it came.
    pub(crate) first: AtomicU64,
    /// pid, generation and index.
    pub(crate) signature: AtomicU64,
}

/// The first record that starts in an eighth of the ring.
#[cfg_attr(loom, derive(Default))]
#[repr(C)]
pub(crate) struct Mark {
    pub(crate) position: AtomicU64,
    /// How many messages came before it.
    pub(crate) count: AtomicU64,
}

/// One chunk's 32 bytes.
#[cfg_attr(loom, derive(Default))]
#[repr(C)]
pub(crate) struct Chunk {
    /// `generation << 2 | state`.
    pub(crate) word: AtomicU64,
    /// Where it lies in the file, and how long it is: for who takes over the lane.
    pub(crate) offset: AtomicU64,
    pub(crate) len: AtomicU64,
    /// Of the record that refers to it.
    pub(crate) position: AtomicU64,
}

/// What a subscriber has in a lane.
pub(crate) struct Row<'a> {
    /// What it has not received yet begins here; [`NOT_ATTACHED`].
    pub(crate) cursor: &'a AtomicU64,
    /// How many messages came before its cursor, for people.
    pub(crate) count: &'a AtomicU64,
    /// How many it lost, for people.
    pub(crate) lost: &'a AtomicU64,
    /// The chunks that it holds; see [`chunks`](super::chunks).
    pub(crate) held: &'a [AtomicU64],
}

/// How a lane is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) participants: usize,
    /// Marks of a row: `max_held`, and one for the chunk that is being copied.
    pub(crate) held: usize,
    pub(crate) chunks: usize,
    /// Bytes of the ring, a power of two.
    pub(crate) ring: usize,
}

const TAIL_AT: usize = LINE;
const OWNER_AT: usize = 2 * LINE;
const EPOCHS_AT: usize = 3 * LINE;
const MARKS_AT: usize = 5 * LINE;
const ROWS_AT: usize = 1024;
/// Words of a row before its marks.
const ROW_WORDS: usize = 3;

const _: () = assert!(EPOCHS_AT + EPOCHS * 24 <= MARKS_AT);
const _: () = assert!(MARKS_AT + SEGMENTS as usize * 16 <= ROWS_AT);

impl Geometry {
    pub(crate) fn row_stride(&self) -> usize {
        (8 * (ROW_WORDS + self.held)).next_multiple_of(LINE)
    }

    pub(crate) fn chunks_at(&self) -> usize {
        ROWS_AT + self.participants * self.row_stride()
    }

    pub(crate) fn ring_at(&self) -> usize {
        (self.chunks_at() + self.chunks * 32).next_multiple_of(4096)
    }

    /// Bytes of the whole lane. The parts are small enough to be added up (`Decided` sees to it).
    pub(crate) fn size(&self) -> usize {
        self.ring_at() + self.ring
    }

    /// By so much the limit moves.
    pub(crate) fn step(&self) -> u64 {
        self.ring as u64 / SEGMENTS
    }
}

/// Where the words of a lane are.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    base: *mut u8,
    geometry: Geometry,
    // Worked out once: these are on the path of every message.
    #[cfg(not(loom))]
    ring: *mut u8,
    #[cfg(not(loom))]
    row_stride: usize,
}

// SAFETY: a `Lane` is an address and numbers; all that it reaches is atomic.
unsafe impl Send for Lane {}
// SAFETY: as above.
unsafe impl Sync for Lane {}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.geometry.fmt(f)
    }
}

#[cfg(not(loom))]
impl Lane {
    /// # Safety
    /// `base` is aligned to 4096 and `geometry.size()` bytes from it stay mapped writable for as long as
    /// this value or anything from it is used; read-only where nothing is stored.
    pub(crate) unsafe fn new(base: *mut u8, geometry: Geometry) -> Lane {
        Lane {
            base,
            geometry,
            // SAFETY: `size` has the ring at its end.
            ring: unsafe { base.add(geometry.ring_at()) },
            row_stride: geometry.row_stride(),
        }
    }

    /// # Safety
    /// `count` values of `T`, which consists of atomics, lie at `at` inside of the lane, aligned.
    #[inline(always)]
    unsafe fn slice<T>(&self, at: usize, count: usize) -> &[T] {
        // SAFETY: handed through from the caller; mapped by the contract of `new`.
        unsafe { std::slice::from_raw_parts(self.base.add(at).cast::<T>(), count) }
    }

    /// Where the publisher may have written up to: a multiple of the step.
    #[inline(always)]
    pub(crate) fn limit(&self) -> &AtomicU64 {
        // SAFETY: the first word of every lane.
        unsafe { &self.slice::<AtomicU64>(0, 1)[0] }
    }

    /// Where the next record begins: everything before it is published.
    #[inline(always)]
    pub(crate) fn tail(&self) -> &AtomicU64 {
        // SAFETY: a word below `ROWS_AT`, which every lane has.
        unsafe { &self.slice::<AtomicU64>(TAIL_AT, 1)[0] }
    }

    /// How many messages came before the tail, for people.
    #[inline(always)]
    pub(crate) fn count(&self) -> &AtomicU64 {
        // SAFETY: as above.
        unsafe { &self.slice::<AtomicU64>(TAIL_AT + 8, 1)[0] }
    }

    /// `generation << 16 | index + 1` of the publisher; 0: none.
    pub(crate) fn owner(&self) -> &AtomicU64 {
        // SAFETY: as above.
        unsafe { &self.slice::<AtomicU64>(OWNER_AT, 1)[0] }
    }

    /// How many publishers there have been.
    pub(crate) fn epoch(&self) -> &AtomicU64 {
        // SAFETY: as above.
        unsafe { &self.slice::<AtomicU64>(OWNER_AT + 8, 1)[0] }
    }

    pub(crate) fn epochs(&self) -> &[Epoch] {
        // SAFETY: below `MARKS_AT`, by the assertion above.
        unsafe { self.slice(EPOCHS_AT, EPOCHS) }
    }

    #[inline(always)]
    pub(crate) fn marks(&self) -> &[Mark] {
        // SAFETY: below `ROWS_AT`, by the assertion above.
        unsafe { self.slice(MARKS_AT, SEGMENTS as usize) }
    }

    #[inline(always)]
    pub(crate) fn row(&self, index: usize) -> Row<'_> {
        assert!(index < self.geometry.participants);
        let at = ROWS_AT + index * self.row_stride;
        // SAFETY: `chunks_at` leaves room for a row of this stride for each participant.
        let words = unsafe { self.slice::<AtomicU64>(at, ROW_WORDS + self.geometry.held) };
        Row {
            cursor: &words[0],
            count: &words[1],
            lost: &words[2],
            held: &words[ROW_WORDS..],
        }
    }

    pub(crate) fn chunks(&self) -> &[Chunk] {
        // SAFETY: `ring_at` leaves room for them.
        unsafe { self.slice(self.geometry.chunks_at(), self.geometry.chunks) }
    }

    #[inline(always)]
    pub(crate) fn ring(&self) -> Words<'_> {
        // SAFETY: the last part of the lane, at a multiple of 4096.
        unsafe { Words::new(self.ring, self.geometry.ring) }
    }
}

/// A lane's words as the models' objects, which cannot lie over bytes.
#[cfg(loom)]
pub(crate) struct Area {
    limit: AtomicU64,
    tail: AtomicU64,
    count: AtomicU64,
    owner: AtomicU64,
    epoch: AtomicU64,
    epochs: Vec<Epoch>,
    marks: Vec<Mark>,
    rows: Vec<Vec<AtomicU64>>,
    chunks: Vec<Chunk>,
    ring: Vec<AtomicU64>,
}

#[cfg(loom)]
impl Area {
    pub(crate) fn new(geometry: &Geometry) -> Area {
        fn many<T: Default>(n: usize) -> Vec<T> {
            (0..n).map(|_| T::default()).collect()
        }
        let row = || {
            let words: Vec<AtomicU64> = many(ROW_WORDS + geometry.held);
            words
        };
        let rows: Vec<Vec<AtomicU64>> = (0..geometry.participants).map(|_| row()).collect();
        for row in &rows {
            row[0].store(NOT_ATTACHED, Ordering::Relaxed);
        }
        Area {
            limit: AtomicU64::default(),
            tail: AtomicU64::default(),
            count: AtomicU64::default(),
            owner: AtomicU64::default(),
            epoch: AtomicU64::default(),
            epochs: many(EPOCHS),
            marks: many(SEGMENTS as usize),
            rows,
            chunks: many(geometry.chunks),
            ring: many(geometry.ring / 8),
        }
    }
}

#[cfg(loom)]
impl Lane {
    /// # Safety
    /// `base` points to an [`Area`] of this geometry that lives for as long as this value or anything
    /// from it is used.
    pub(crate) unsafe fn new(base: *mut u8, geometry: Geometry) -> Lane {
        Lane { base, geometry }
    }

    fn area(&self) -> &Area {
        // SAFETY: the contract of `new`.
        unsafe { &*self.base.cast::<Area>() }
    }

    pub(crate) fn limit(&self) -> &AtomicU64 {
        &self.area().limit
    }

    pub(crate) fn tail(&self) -> &AtomicU64 {
        &self.area().tail
    }

    pub(crate) fn count(&self) -> &AtomicU64 {
        &self.area().count
    }

    pub(crate) fn owner(&self) -> &AtomicU64 {
        &self.area().owner
    }

    pub(crate) fn epoch(&self) -> &AtomicU64 {
        &self.area().epoch
    }

    pub(crate) fn epochs(&self) -> &[Epoch] {
        &self.area().epochs
    }

    pub(crate) fn marks(&self) -> &[Mark] {
        &self.area().marks
    }

    pub(crate) fn row(&self, index: usize) -> Row<'_> {
        let words = &self.area().rows[index];
        Row {
            cursor: &words[0],
            count: &words[1],
            lost: &words[2],
            held: &words[ROW_WORDS..],
        }
    }

    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.area().chunks
    }

    pub(crate) fn ring(&self) -> Words<'_> {
        Words(&self.area().ring)
    }
}

impl Lane {
    #[inline(always)]
    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Says who publishes the records from count `first` on, until the next one does. Only a publisher that
    /// takes over the lane may.
    pub(crate) fn name_publisher(&self, number: u64, first: u64, signature: u64) {
        let epoch = &self.epochs()[(number % EPOCHS as u64) as usize];
        epoch.number.store(0, Ordering::Relaxed);
        // SYNC POINT name/rename: pairs with the Acquire fence in `publisher`. Who sees a word of this one's
        // sees that the number has changed.
        fence(Ordering::Release);
        epoch.first.store(first, Ordering::Relaxed);
        epoch.signature.store(signature, Ordering::Relaxed);
        // Release: pairs with the Acquire in `publisher`: the other words are this one's.
        epoch.number.store(number, Ordering::Release);
    }

    /// The first count and the signature of the publisher whose number ends in this byte, if its name is
    /// not another's by now.
    pub(crate) fn publisher(&self, number: u8) -> Option<(u64, u64)> {
        self.epochs().iter().find_map(|epoch| {
            // Acquire: pairs with the Release in `name_publisher`.
            let before = epoch.number.load(Ordering::Acquire);
            let first = epoch.first.load(Ordering::Relaxed);
            let signature = epoch.signature.load(Ordering::Relaxed);
            // SYNC POINT name/rename: pairs with the Release fence in `name_publisher`.
            fence(Ordering::Acquire);
            let after = epoch.number.load(Ordering::Relaxed);
            let is_it = before == after && before != 0 && before as u8 == number;
            is_it.then_some((first, signature))
        })
    }
}
