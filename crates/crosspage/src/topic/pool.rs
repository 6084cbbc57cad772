//! A publisher's memory for messages that lie in chunks.
//!
//! Which ranges of the page are whose is the publisher's private knowledge; the page has of each chunk only
//! what a successor needs to find that out anew. Chunks are of any size: what one message leaves is merged
//! with its neighbours, and the next takes what it needs.

use std::collections::VecDeque;

use super::chunks::{self, State, Word};
use super::lane::Lane;
use super::ring::Damaged;
use crate::atomic::{Ordering, fence};

/// Every chunk begins at a multiple of this.
pub(crate) const ALIGN: u64 = 64;

/// Bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Range {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    generation: u32,
    /// What it is now, whatever the page says.
    mine: Mine,
    range: Range,
    /// Of its record.
    position: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mine {
    Free,
    Loaned,
    Published,
    /// Taken from its message, but a subscriber still holds it.
    Aside,
}

/// A chunk that is being filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loaned {
    pub(crate) chunk: usize,
    pub(crate) generation: u32,
    pub(crate) offset: u64,
}

/// What came of asking for a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    Chunk(Loaned),
    /// With so many bytes more there is room.
    Grow(u64),
    /// What there is is held, or not received yet.
    Full,
}

#[derive(Debug)]
pub(crate) struct Pool {
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Free memory, in the order of its offsets, neighbours merged.
    ranges: Vec<Range>,
    /// Published chunks, the oldest first.
    published: VecDeque<usize>,
    aside: Vec<usize>,
    /// Where memory begins that is mapped by itself: pieces are not merged over it.
    starts: Vec<u64>,
    /// Of all memory, free or not.
    bytes: u64,
    /// Of the longest memory that is mapped by itself: no chunk is longer.
    longest: u64,
}

impl Pool {
    /// Finds out what the lane's chunks are, after its last publisher. `extents` are the ranges that the
    /// lane's chunks may lie in; `tail` is the end of its ring.
    pub(crate) fn recover(
        lane: &Lane,
        extents: &[Range],
        rows: usize,
        tail: u64,
    ) -> Result<Pool, Damaged> {
        // Room for all of them, so that publishing allocates nothing.
        let count = lane.chunks().len();
        let mut pool = Pool {
            slots: Vec::with_capacity(count),
            free: Vec::with_capacity(count),
            ranges: Vec::with_capacity(count + 16),
            published: VecDeque::with_capacity(count),
            aside: Vec::with_capacity(count),
            starts: extents.iter().map(|extent| extent.offset).collect(),
            bytes: 0,
            longest: extents.iter().map(|extent| extent.len).max().unwrap_or(0),
        };
        let mut used = Vec::new();
        // SYNC POINT hold/reuse: as in `chunks::take`, which the last publisher may not have got through.
        fence(Ordering::SeqCst);
        for (index, chunk) in lane.chunks().iter().enumerate() {
            let word = Word(chunk.word.load(Ordering::Relaxed));
            let range = Range {
                offset: chunk.offset.load(Ordering::Relaxed),
                len: chunk.len.load(Ordering::Relaxed),
            };
            let position = chunk.position.load(Ordering::Relaxed);
            let held = !word.is(State::Free) && chunks::is_held(lane, rows, index);
            // A chunk whose record was never published is nobody's.
            let published = word.is(State::Published) && position < tail;
            let mine = match (published, held) {
                (true, _) => Mine::Published,
                (false, true) => Mine::Aside,
                (false, false) => Mine::Free,
            };
            if mine == Mine::Free {
                let free = Word::new(word.generation(), State::Free);
                chunk.word.store(free.0, Ordering::Relaxed);
                pool.free.push(index);
            } else {
                let inside = |extent: &&Range| {
                    range.offset >= extent.offset
                        && range.len <= extent.len
                        && range.offset - extent.offset <= extent.len - range.len
                };
                if range.len == 0
                    || !(range.offset | range.len).is_multiple_of(ALIGN)
                    || !extents.iter().any(|extent| inside(&extent))
                {
                    return Err(Damaged("a chunk lies outside of its pool"));
                }
                used.push(range);
            }
            match mine {
                Mine::Published => pool.published.push_back(index),
                Mine::Aside => pool.aside.push(index),
                _ => {}
            }
            pool.slots.push(Slot {
                generation: word.generation(),
                mine,
                range,
                position,
            });
        }
        // So that the lowest is used first.
        pool.free.reverse();
        let slots = &pool.slots;
        pool.published
            .make_contiguous()
            .sort_unstable_by_key(|&index| slots[index].position);
        used.sort_unstable_by_key(|range| range.offset);
        if used
            .windows(2)
            .any(|two| two[1].offset - two[0].offset < two[0].len)
        {
            return Err(Damaged("two of its chunks lie over each other"));
        }
        for extent in extents {
            pool.bytes += extent.len;
            let mut at = extent.offset;
            for range in &used {
                if range.offset >= at && range.offset - extent.offset < extent.len {
                    pool.give(at, range.offset - at);
                    at = range.offset + range.len;
                }
            }
            pool.give(at, extent.offset + extent.len - at);
        }
        Ok(pool)
    }

    /// Adds memory.
    pub(crate) fn grow(&mut self, range: Range) {
        self.bytes += range.len;
        self.longest = self.longest.max(range.len);
        self.starts.push(range.offset);
        self.give(range.offset, range.len);
    }

    /// Bytes of all its memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a chunk of `len` bytes could be had if nothing else were in use.
    pub(crate) fn is_long_enough(&self, len: usize) -> bool {
        len as u64 <= self.longest
    }

    /// The oldest message's chunk, which is the next to be taken, and where it lies.
    pub(crate) fn oldest(&self) -> Option<(usize, Range)> {
        let &chunk = self.published.front()?;
        Some((chunk, self.slots[chunk].range))
    }

    /// Whether all chunks are in use, however much memory there is.
    pub(crate) fn is_out_of_chunks(&self) -> bool {
        self.free.is_empty()
    }

    /// Frees memory, and merges it with its neighbours.
    fn give(&mut self, offset: u64, len: u64) {
        if len == 0 {
            return;
        }
        let at = self.ranges.partition_point(|range| range.offset < offset);
        let meet = |range: &Range, next: u64| {
            range.offset + range.len == next && !self.starts.contains(&next)
        };
        let piece = Range { offset, len };
        let joins_next = self
            .ranges
            .get(at)
            .is_some_and(|next| meet(&piece, next.offset));
        let joins_last = at > 0 && meet(&self.ranges[at - 1], offset);
        match (joins_last, joins_next) {
            (true, true) => {
                self.ranges[at - 1].len += len + self.ranges[at].len;
                self.ranges.remove(at);
            }
            (true, false) => self.ranges[at - 1].len += len,
            (false, true) => {
                self.ranges[at].offset = offset;
                self.ranges[at].len += len;
            }
            (false, false) => self.ranges.insert(at, piece),
        }
    }

    /// A chunk of `len` bytes: from free memory, from new memory as long as all of it is at most
    /// `budget`, or from the oldest messages. Those whose record is at `consumed` or later stay.
    pub(crate) fn take(
        &mut self,
        lane: &Lane,
        len: usize,
        budget: u64,
        consumed: u64,
        rows: &dyn Fn() -> usize,
    ) -> Take {
        let len = (len as u64).max(1).next_multiple_of(ALIGN);
        loop {
            if let Some(loaned) = self.fit(lane, len) {
                return Take::Chunk(loaned);
            }
            if let Some(more) = self.growth(len, budget) {
                return Take::Grow(more);
            }
            if self.free_aside(lane, rows) {
                continue;
            }
            // What subscribers hold comes on top: `max_held` bounds it.
            let aside = self.aside.iter().map(|&chunk| self.slots[chunk].range.len);
            if let Some(more) = self.growth(len, budget.saturating_add(aside.sum())) {
                return Take::Grow(more);
            }
            if !self.evict(lane, consumed, rows) {
                return Take::Full;
            }
        }
    }

    /// By how much it may grow for a chunk, as long as all of it is at most `budget`.
    fn growth(&self, len: u64, budget: u64) -> Option<u64> {
        if self.bytes + len > budget || self.free.is_empty() {
            return None;
        }
        // Twice as much each time, so that there are few pieces.
        let more = self.bytes.clamp(1 << 20, 1 << 30).max(len);
        Some(more.min(budget - self.bytes))
    }

    /// From free memory: the smallest piece that is large enough.
    fn fit(&mut self, lane: &Lane, len: u64) -> Option<Loaned> {
        let &chunk = self.free.last()?;
        let fitting = self.ranges.iter().enumerate();
        let (at, _) = fitting
            .filter(|(_, range)| range.len >= len)
            .min_by_key(|(_, range)| range.len)?;
        self.free.pop();
        let piece = &mut self.ranges[at];
        let range = Range {
            offset: piece.offset,
            len,
        };
        piece.offset += len;
        piece.len -= len;
        if piece.len == 0 {
            self.ranges.remove(at);
        }
        let slot = &mut self.slots[chunk];
        slot.generation = slot.generation.wrapping_add(1);
        slot.mine = Mine::Loaned;
        slot.range = range;
        let generation = slot.generation;
        let words = &lane.chunks()[chunk];
        words.offset.store(range.offset, Ordering::Relaxed);
        words.len.store(range.len, Ordering::Relaxed);
        // A successor looks at them after this process is dead: at the range only if the word says so.
        // Release: keeps the compiler, too, from doing it in another order, and being killed in between.
        words
            .word
            .store(Word::new(generation, State::Loaned).0, Ordering::Release);
        Some(Loaned {
            chunk,
            generation,
            offset: range.offset,
        })
    }

    /// Takes the oldest message's chunk. False: there is none that may be taken.
    fn evict(&mut self, lane: &Lane, consumed: u64, rows: &dyn Fn() -> usize) -> bool {
        let Some(&chunk) = self.published.front() else {
            return false;
        };
        let slot = &mut self.slots[chunk];
        if slot.position >= consumed {
            return false;
        }
        self.published.pop_front();
        slot.generation = slot.generation.wrapping_add(1);
        let generation = slot.generation;
        if chunks::take(lane, chunk, generation, rows) {
            self.free(lane, chunk);
        } else {
            self.slots[chunk].mine = Mine::Aside;
            self.aside.push(chunk);
        }
        true
    }

    /// Frees what is held no longer. Whether there was any.
    fn free_aside(&mut self, lane: &Lane, rows: &dyn Fn() -> usize) -> bool {
        if self.aside.is_empty() {
            return false;
        }
        let rows = rows();
        let before = self.aside.len();
        let mut at = 0;
        while let Some(&chunk) = self.aside.get(at) {
            if chunks::is_held(lane, rows, chunk) {
                at += 1;
            } else {
                self.aside.swap_remove(at);
                self.free(lane, chunk);
            }
        }
        self.aside.len() < before
    }

    fn free(&mut self, lane: &Lane, chunk: usize) {
        let slot = &mut self.slots[chunk];
        slot.mine = Mine::Free;
        let Range { offset, len } = slot.range;
        let word = Word::new(slot.generation, State::Free);
        // Relaxed: a successor looks at it after this process is dead.
        lane.chunks()[chunk].word.store(word.0, Ordering::Relaxed);
        self.free.push(chunk);
        self.give(offset, len);
    }

    fn is_loaned(&self, loaned: &Loaned) -> bool {
        self.slots
            .get(loaned.chunk)
            .is_some_and(|slot| slot.mine == Mine::Loaned && slot.generation == loaned.generation)
    }

    /// Publishes a chunk for the record at `position`, which is published next. False: it is not loaned.
    pub(crate) fn publish(&mut self, lane: &Lane, loaned: &Loaned, position: u64) -> bool {
        if !self.is_loaned(loaned) {
            return false;
        }
        let slot = &mut self.slots[loaned.chunk];
        slot.mine = Mine::Published;
        slot.position = position;
        self.published.push_back(loaned.chunk);
        chunks::publish(lane, loaned.chunk, loaned.generation, position);
        true
    }

    /// Gives back a chunk that is not published.
    pub(crate) fn discard(&mut self, lane: &Lane, loaned: &Loaned) {
        if self.is_loaned(loaned) {
            self.free(lane, loaned.chunk);
        }
    }
}
