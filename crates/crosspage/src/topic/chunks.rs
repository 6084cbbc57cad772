//! How a subscriber holds a chunk, and how its publisher uses it again: hazard pointers (M. Michael, 2004)
//! with generations, in rows that the page has for each subscriber.
//!
//! ```text
//! chunk.word = generation << 2 | state     row.held[k] = generation << 32 | chunk + 1; 0: nothing
//!
//! hold:   held[k] = mark | fence(SeqCst) | word == (generation, published), else held[k] = 0: gone
//! reuse:  word = (generation + 1, loaned) | fence(SeqCst) | no row's held is of this chunk, else set aside
//! ```
//!
//! If the publisher's fence comes first, the subscriber sees the new generation and lets go; if the
//! subscriber's does, the publisher sees the mark. Marks are cleared by their owner, or, when it is
//! proven dead, by whoever sweeps.

use crate::atomic::{Ordering, fence};

use super::lane::Lane;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum State {
    /// Nobody's: its memory may be part of another chunk.
    Free = 0,
    /// The publisher's: being filled, or set aside because it is held.
    Loaned = 1,
    /// A record refers to it.
    Published = 2,
}

/// A chunk's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    pub(crate) fn new(generation: u32, state: State) -> Word {
        Word(u64::from(generation) << 2 | state as u64)
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 2) as u32
    }

    pub(crate) fn is(self, state: State) -> bool {
        self.0 & 3 == state as u64
    }
}

fn mark(chunk: usize, generation: u32) -> u64 {
    u64::from(generation) << 32 | (chunk as u64 + 1)
}

/// Holds a chunk that a record refers to. False: it is another message's by now.
pub(crate) fn hold(lane: &Lane, index: usize, place: usize, chunk: usize, generation: u32) -> bool {
    let held = &lane.row(index).held[place];
    // Relaxed: the fence orders it.
    held.store(mark(chunk, generation), Ordering::Relaxed);
    // SYNC POINT hold/reuse: pairs with the fence in `take`.
    fence(Ordering::SeqCst);
    // Acquire: pairs with the Release in `publish`; the chunk's bytes come with it.
    let word = lane.chunks()[chunk].word.load(Ordering::Acquire);
    let holds = word == Word::new(generation, State::Published).0;
    if !holds {
        // Relaxed: nothing was read.
        held.store(0, Ordering::Relaxed);
    }
    holds
}

/// Lets go of what is held.
pub(crate) fn release(lane: &Lane, index: usize, place: usize) {
    // SYNC POINT read/reuse: Release pairs with the Acquire in `is_held`: what was read of the chunk was
    // read before it is written again.
    lane.row(index).held[place].store(0, Ordering::Release);
}

/// Lets go of all that a dead subscriber held.
pub(crate) fn release_all(lane: &Lane, index: usize) {
    for place in 0..lane.geometry().held {
        release(lane, index, place);
    }
}

/// Whether a subscriber holds the chunk, in any generation, or is about to find out that it does not.
pub(crate) fn is_held(lane: &Lane, rows: usize, chunk: usize) -> bool {
    (0..rows.min(lane.geometry().participants)).any(|index| {
        lane.row(index)
            .held
            .iter()
            // SYNC POINT read/reuse: Acquire pairs with the Release in `release`.
            .any(|held| held.load(Ordering::Acquire) as u32 == chunk as u32 + 1)
    })
}

/// Takes a chunk away from its message. From here on nobody new can hold it; `rows` is asked for after
/// that. False: somebody does, and it must be left alone until [`is_held`] says otherwise.
pub(crate) fn take(
    lane: &Lane,
    chunk: usize,
    generation: u32,
    rows: impl FnOnce() -> usize,
) -> bool {
    let word = Word::new(generation, State::Loaned);
    // Relaxed: the fence orders it.
    lane.chunks()[chunk].word.store(word.0, Ordering::Relaxed);
    // SYNC POINT hold/reuse: pairs with the fence in `hold`.
    fence(Ordering::SeqCst);
    !is_held(lane, rows(), chunk)
}

/// Publishes a chunk that was taken, for the record at `position`.
pub(crate) fn publish(lane: &Lane, chunk: usize, generation: u32, position: u64) {
    let chunk = &lane.chunks()[chunk];
    chunk.position.store(position, Ordering::Relaxed);
    // Release: pairs with the Acquire in `hold`.
    chunk
        .word
        .store(Word::new(generation, State::Published).0, Ordering::Release);
}
