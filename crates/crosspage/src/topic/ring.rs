//! The algorithm of `topic`: a ring of records that one publisher writes and any number of subscribers
//! read, each at its own pace.
//!
//! ```text
//! limit   up to where the publisher may have written; moves by an eighth of the ring at a time
//! header  of a record: 0 until it is published, by the one store that publishes
//! tail    up to where records are published, for who comes later
//! marks   position and count of the first record that starts in each eighth
//! row     a subscriber's cursor
//!
//! write:  end > limit: limit = end rounded up | overwrite: fence(Release)
//!                                             | block: fence(SeqCst), then every cursor >= limit - ring
//!         next header = 0 | bytes | header (Release) | tail = end (Release)
//! read:   header != 0 (Acquire) | copy | overwrite: fence(Acquire), limit - cursor <= ring, else lapped
//! join:   row.cursor = position | fence(SeqCst) | limit - position <= ring, else again
//! ```
//!
//! Broadcasting by intent and tail is Aeron's way (aeron_broadcast_transmitter.c); here the limit is the
//! intent, but moves in steps, so that its line stays in the subscribers' caches, and subscribers look at the
//! next record's header instead of the tail, so that a message moves no line but its own. The header behind
//! a record is cleared before the record is published: nobody takes for a header what an earlier turn of the
//! ring left there. A publisher that is killed leaves nothing that has to be put right: behind the last header
//! that is not 0 nothing exists, and the next publisher writes over it. Records carry no number: a subscriber counts them, and the marks tell a
//! newcomer, and one that was lapped, where to begin to count.

use crate::atomic::{Ordering, Words, fence, prefetch_to_read, prefetch_to_write};

use super::lane::{Lane, NOT_ATTACHED, SEGMENTS};

/// What a processor takes from another at a time.
const CACHE_LINE: usize = 64;

/// Bytes of a record's header.
pub(crate) const HEADER: usize = 8;

/// What a record is: the third byte of its header's upper half.
pub(crate) mod kind {
    /// Its payload is the message.
    pub(crate) const DATA: u8 = 1;
    /// Its payload says in which chunk the message lies.
    pub(crate) const REF: u8 = 2;
    /// Nothing: the next record begins at the start of the ring.
    pub(crate) const PAD: u8 = 3;
    /// The fragments before it will not be completed.
    pub(crate) const GIVEN_UP: u8 = 4;
    /// Or-ed: a fragment, and more follow.
    pub(crate) const MORE: u8 = 0x10;
    /// Or-ed: a fragment, and others came before.
    pub(crate) const CONTINUES: u8 = 0x20;
    pub(crate) const PLACE: u8 = 0x0f;
}

/// The position of a mark that holds for no record.
const NOWHERE: u64 = u64::MAX;

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes of its payload.
    pub(crate) len: u32,
    pub(crate) kind: u8,
    /// The low byte of the publisher's number.
    pub(crate) epoch: u8,
}

impl Header {
    #[inline(always)]
    pub(crate) fn encode(self) -> u64 {
        u64::from(self.len) | u64::from(self.kind) << 32 | u64::from(self.epoch) << 40
    }

    #[inline(always)]
    fn decode(word: u64) -> Header {
        Header {
            len: word as u32,
            kind: (word >> 32) as u8,
            epoch: (word >> 40) as u8,
        }
    }

    /// Whether a message is complete with it.
    #[inline(always)]
    fn counts(self) -> u64 {
        let place = self.kind & kind::PLACE;
        u64::from((place == kind::DATA || place == kind::REF) && self.kind & kind::MORE == 0)
    }

    /// Bytes from this record to the next.
    #[inline(always)]
    fn total(self, extras: usize) -> u64 {
        match self.kind {
            kind::PAD => HEADER as u64 + u64::from(self.len),
            _ => total(self.len as usize, extras),
        }
    }
}

/// Bytes of a record with this payload and so many words beside it (send time, checksum).
#[inline(always)]
pub(crate) fn total(len: usize, extras: usize) -> u64 {
    ((HEADER + 8 * extras + len + 7) & !7) as u64
}

/// The page contradicts itself, as only damage or a hostile peer can make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged(pub(crate) &'static str);

/// What a publisher keeps of its ring: private, so that no peer's store can lead it astray.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Where the next record begins.
    tail: u64,
    /// The first record that is not published yet, and its header.
    first: Option<(u64, Header)>,
    /// Up to where it may write.
    limit: u64,
    /// Up to where it has said that it may write.
    said: u64,
    /// Messages before the tail.
    count: u64,
    /// A record that begins here, or later, is the first in its segment.
    unmarked: u64,
    epoch: u8,
    /// Words beside each payload.
    extras: usize,
}

/// Room for one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Bytes of padding before it.
    pad: u64,
    total: u64,
}

impl Writer {
    /// Goes on where the last publisher of the lane left off. Nobody else may publish meanwhile.
    pub(crate) fn resume(lane: &Lane, extras: usize) -> Result<Writer, Damaged> {
        // Acquire: pairs with the Release in `publish` of the last one.
        let mut tail = lane.tail().load(Ordering::Acquire);
        let limit = lane.limit().load(Ordering::Acquire);
        let ring = lane.geometry().ring as u64;
        let step = lane.geometry().step();
        if !tail.is_multiple_of(8) || !limit.is_multiple_of(step) {
            return Err(Damaged("the ends of its ring are no such ends"));
        }
        if tail > limit || limit - tail > ring || limit > u64::MAX / 2 {
            return Err(Damaged("the ends of its ring are too far from each other"));
        }
        // It may have died between the two stores that publish.
        while tail < limit {
            let at = (tail & (ring - 1)) as usize;
            // Acquire: as in `Reader::peek`.
            let word = lane.ring().at(at).load(Ordering::Acquire);
            if word == 0 {
                break;
            }
            let total = Header::decode(word).total(extras);
            if !total.is_multiple_of(8) || total > limit - tail {
                return Err(Damaged("a record of its ring is longer than the ring"));
            }
            tail += total;
        }
        lane.tail().store(tail, Ordering::Release);
        let mut count = 0;
        let mut unmarked = tail;
        if tail != 0 {
            let base = Base::before(lane, tail).ok_or(Damaged("its ring has no marks"))?;
            count = walk(lane, base, tail, extras, &mut |_, _| {})?;
            // A mark for the tail's segment stands only where a record before the tail has begun in it.
            if base_is_in(lane, tail) {
                unmarked = (tail / step + 1) * step;
            }
        }
        // Of what was put and not published the marks are not true: records will begin elsewhere.
        for mark in lane.marks() {
            if mark.position.load(Ordering::Relaxed) >= tail {
                mark.position.store(NOWHERE, Ordering::Relaxed);
            }
        }
        // SYNC POINT limit/bytes: as in `make_room`, for what is written below the limit as it is.
        fence(Ordering::Release);
        Ok(Writer {
            tail,
            first: None,
            limit: tail.next_multiple_of(step).min(limit),
            said: limit,
            count,
            unmarked,
            epoch: lane.epoch().load(Ordering::Relaxed) as u8,
            extras,
        })
    }

    #[inline(always)]
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The end of what is published.
    #[inline(always)]
    pub(crate) fn position(&self) -> u64 {
        self.tail
    }

    /// Where the record in `room` will begin.
    pub(crate) fn position_in(&self, room: &Room) -> u64 {
        self.tail + room.pad
    }

    /// Room behind the last record; `None` where the limit has to be moved first.
    #[inline(always)]
    pub(crate) fn room(&self, lane: &Lane, len: usize) -> Option<Room> {
        let room = self.room_at(lane, self.tail, total(len, self.extras));
        (self.end_of(&room) <= self.limit).then_some(room)
    }

    /// The end of what is written for a record: the next one's header is, too.
    #[inline(always)]
    fn end_of(&self, room: &Room) -> u64 {
        self.tail + room.pad + room.total + HEADER as u64
    }

    #[inline(always)]
    fn room_at(&self, lane: &Lane, at: u64, total: u64) -> Room {
        let ring = lane.geometry().ring as u64;
        let left = ring - (at & (ring - 1));
        let pad = if total > left { left } else { 0 };
        Room { pad, total }
    }

    /// Moves the limit so that a record with this payload fits. In `block`, `rows` says how many rows there
    /// may be, and is asked after the fence; otherwise nobody is waited for. False: a subscriber has not
    /// come far enough.
    pub(crate) fn make_room(
        &mut self,
        lane: &Lane,
        len: usize,
        rows: Option<&dyn Fn() -> usize>,
    ) -> bool {
        let room = self.room_at(lane, self.tail, total(len, self.extras));
        let ring = lane.geometry().ring as u64;
        let limit = self.end_of(&room).next_multiple_of(lane.geometry().step());
        debug_assert!(limit - self.tail <= ring);
        if limit > self.said {
            self.said = limit;
            // Relaxed: the fences below order it.
            lane.limit().store(limit, Ordering::Relaxed);
        }
        match rows {
            // SYNC POINT limit/bytes: pairs with the Acquire fence in `Reader::holds`. Who sees anything
            // that is written from now on sees this limit.
            None => fence(Ordering::Release),
            Some(rows) => {
                // SYNC POINT limit/cursor: pairs with the fence in `Reader::join`. Either its cursor is
                // seen here, or it sees the limit. (The same fence serves as the one above.)
                fence(Ordering::SeqCst);
                if slowest(lane, rows()) < limit.saturating_sub(ring) {
                    return false;
                }
            }
        }
        self.limit = limit;
        true
    }

    /// Writes a record into `room`, which must be room that was just found; `fill` gets the words of its
    /// payload, and after them there is nothing. Not yet published.
    #[inline(always)]
    pub(crate) fn put(
        &mut self,
        lane: &Lane,
        room: Room,
        kind: u8,
        len: usize,
        extras: &[u64],
        fill: impl FnOnce(Words<'_>),
    ) {
        debug_assert_eq!(extras.len(), self.extras);
        let (ring, mask) = (lane.ring(), lane.geometry().ring as u64 - 1);
        if room.pad != 0 {
            self.begin(lane, self.tail);
            let pad = Header {
                len: (room.pad - HEADER as u64) as u32,
                kind: kind::PAD,
                epoch: self.epoch,
            };
            self.head(lane, pad);
            self.tail += room.pad;
        }
        self.begin(lane, self.tail);
        let at = (self.tail & mask) as usize;
        let header = Header {
            len: len as u32,
            kind,
            epoch: self.epoch,
        };
        let next = ((self.tail + room.total) & mask) as usize;
        // Before the first store, which would wait for its line alone.
        let place = std::ptr::from_ref(ring.at(at));
        prefetch_to_write(place);
        prefetch_to_write(place.wrapping_byte_add(CACHE_LINE));
        // SYNC POINT next/header: this comes before the Release in `publish`. Who has seen the record sees
        // that there is none behind it, until there is.
        ring.at(next).store(0, Ordering::Relaxed);
        self.head(lane, header);
        for (i, extra) in extras.iter().enumerate() {
            ring.at(at + HEADER + 8 * i)
                .store(*extra, Ordering::Relaxed);
        }
        fill(ring.from(at + HEADER + 8 * extras.len()));
        self.tail += room.total;
        self.count += header.counts();
    }

    /// Gives the record at the end its header, or, to the first since the last time, promises it: none of
    /// them is there before that one is.
    #[inline(always)]
    fn head(&mut self, lane: &Lane, header: Header) {
        if self.first.is_none() {
            self.first = Some((self.tail, header));
            return;
        }
        let mask = lane.geometry().ring as u64 - 1;
        // Relaxed: the Release in `publish` comes later.
        lane.ring()
            .at((self.tail & mask) as usize)
            .store(header.encode(), Ordering::Relaxed);
    }

    #[inline(always)]
    fn begin(&mut self, lane: &Lane, at: u64) {
        if at >= self.unmarked {
            self.mark(lane, at);
        }
    }

    /// Marks a record that is the first to start in its segment. The limit is beyond that already.
    #[cold]
    fn mark(&mut self, lane: &Lane, at: u64) {
        let step = lane.geometry().step();
        let segment = at / step;
        self.unmarked = (segment + 1) * step;
        let mark = &lane.marks()[(segment % SEGMENTS) as usize];
        mark.position.store(at, Ordering::Relaxed);
        mark.count.store(self.count, Ordering::Relaxed);
    }

    /// Publishes all that was put since the last time.
    #[inline(always)]
    pub(crate) fn publish(&mut self, lane: &Lane) {
        let Some((position, header)) = self.first.take() else {
            return;
        };
        let at = (position & (lane.geometry().ring as u64 - 1)) as usize;
        // SYNC POINT bytes/header: Release pairs with the Acquire in `Reader::peek`.
        lane.ring().at(at).store(header.encode(), Ordering::Release);
        lane.count().store(self.count, Ordering::Relaxed);
        // Release: pairs with the Acquire of those who begin at the tail.
        lane.tail().store(self.tail, Ordering::Release);
    }
}

/// The cursor of the slowest subscriber that is attached to the lane.
pub(crate) fn slowest(lane: &Lane, rows: usize) -> u64 {
    let mut slowest = u64::MAX;
    for index in 0..rows.min(lane.geometry().participants) {
        // SYNC POINT copy/cursor: Acquire pairs with the Release in `Reader::advance`: what a subscriber
        // has read before it moved on is not overwritten before.
        slowest = slowest.min(lane.row(index).cursor.load(Ordering::Acquire));
    }
    slowest
}

/// Up to where every subscriber has received: chunks of records before it may be used again.
pub(crate) fn consumed(lane: &Lane, rows: impl FnOnce() -> usize) -> u64 {
    // SYNC POINT tail/cursor: pairs with the fence in `Reader::join`.
    fence(Ordering::SeqCst);
    slowest(lane, rows())
}

/// Nobody waits for this subscriber any longer: it is gone, or proven dead.
pub(crate) fn detach(lane: &Lane, index: usize) {
    // Release: as in `Reader::advance`.
    lane.row(index)
        .cursor
        .store(NOT_ATTACHED, Ordering::Release);
}

/// A place where the count is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) position: u64,
    pub(crate) count: u64,
}

impl Base {
    /// The marks that hold for published records before `tail` which are not overwritten, unsorted.
    fn all(lane: &Lane, tail: u64) -> [Option<Base>; SEGMENTS as usize] {
        let (ring, step) = (lane.geometry().ring as u64, lane.geometry().step());
        std::array::from_fn(|i| {
            let mark = &lane.marks()[i];
            let position = mark.position.load(Ordering::Relaxed);
            let count = mark.count.load(Ordering::Relaxed);
            // SYNC POINT limit/bytes: as in `Reader::holds`; a mark is overwritten like the record it is of.
            fence(Ordering::Acquire);
            let limit = lane.limit().load(Ordering::Relaxed);
            let fits = position < tail
                && position.is_multiple_of(8)
                && position < MOST
                && count < MOST
                && position / step % SEGMENTS == i as u64
                && limit.saturating_sub(position) <= ring;
            fits.then_some(Base { position, count })
        })
    }

    /// The last one before `tail`.
    fn before(lane: &Lane, tail: u64) -> Option<Base> {
        let all = Base::all(lane, tail).into_iter().flatten();
        all.max_by_key(|base| base.position)
    }

    /// The first one, or rather one that stays for a while: not one that goes with the limit's next step.
    fn oldest(lane: &Lane, tail: u64) -> Option<Base> {
        let (ring, step) = (lane.geometry().ring as u64, lane.geometry().step());
        let limit = lane.limit().load(Ordering::Relaxed);
        let mut all: Vec<_> = Base::all(lane, tail).into_iter().flatten().collect();
        all.sort_unstable_by_key(|base| base.position);
        let stays = |base: &&Base| limit.saturating_sub(base.position) <= ring - step;
        all.iter().find(stays).or(all.last()).copied()
    }
}

/// Whether a published record has begun in the segment of `tail`.
fn base_is_in(lane: &Lane, tail: u64) -> bool {
    let step = lane.geometry().step();
    let all = Base::all(lane, tail);
    all.into_iter()
        .flatten()
        .any(|base| base.position / step == tail / step)
}

/// Goes from record to record up to `end` and returns the count there; `each` gets the position and
/// count of each message's start. The caller must know, or check, that nothing was overwritten.
fn walk(
    lane: &Lane,
    base: Base,
    end: u64,
    extras: usize,
    each: &mut dyn FnMut(u64, u64),
) -> Result<u64, Damaged> {
    let ring = lane.geometry().ring as u64;
    // A hostile peer may have moved the end back since the base was found.
    if end < base.position || end - base.position > ring {
        return Err(Damaged("the end of its ring is too far away"));
    }
    let mask = ring - 1;
    let Base {
        mut position,
        mut count,
    } = base;
    while position < end {
        let word = lane
            .ring()
            .at((position & mask) as usize)
            .load(Ordering::Relaxed);
        let header = Header::decode(word);
        let total = header.total(extras);
        if !total.is_multiple_of(8) || total > end - position {
            return Err(Damaged("a record of its ring is longer than the ring"));
        }
        let place = header.kind & kind::PLACE;
        if (place == kind::DATA || place == kind::REF) && header.kind & kind::CONTINUES == 0 {
            each(position, count);
        }
        position += total;
        count += header.counts();
    }
    Ok(count)
}

/// What a subscriber keeps of a lane.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Its row.
    index: usize,
    /// Where the next record is.
    at: u64,
    /// Messages before `at`.
    count: u64,
    extras: usize,
    blocks: bool,
}

/// A record that is being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) header: Header,
    /// Where its payload is in the ring.
    payload: usize,
    total: u64,
}

/// What there is to receive.
#[derive(Debug)]
pub(crate) enum Peek {
    Nothing,
    Record(Record),
    /// Look at the limit, and resume.
    Lapped,
}

impl Reader {
    /// A subscriber that was attached when the lane was made: it gets all of it.
    pub(crate) fn from_start(index: usize, extras: usize, blocks: bool) -> Reader {
        Reader {
            index,
            at: 0,
            count: 0,
            extras,
            blocks,
        }
    }

    /// Joins a lane at its end, or `history` messages before it, and says so in its row. Also returns the
    /// count from which on it is promised every message.
    pub(crate) fn join(
        lane: &Lane,
        index: usize,
        extras: usize,
        blocks: bool,
        history: usize,
    ) -> Result<(Reader, u64), Damaged> {
        let tries = if history == 0 {
            TRIES
        } else {
            TRIES_WITH_HISTORY
        };
        for _ in 0..tries {
            let Some((start, end)) = Reader::place(lane, extras, history)? else {
                crate::atomic::spin_hint();
                continue;
            };
            let row = lane.row(index);
            row.count.store(start.count, Ordering::Relaxed);
            // Release: as in `advance`; the store hides that of the place's last holder.
            row.cursor.store(start.position, Ordering::Release);
            // SYNC POINT limit/cursor: pairs with the fence in `Writer::make_room`.
            fence(Ordering::SeqCst);
            let limit = lane.limit().load(Ordering::Relaxed);
            if limit.saturating_sub(start.position) <= lane.geometry().ring as u64 {
                let mut joined = end.count;
                if blocks {
                    // SYNC POINT tail/cursor: pairs with the fence in `consumed`. Either the publisher sees
                    // the cursor, or what it took chunks away from came before this tail. (Acquire: as
                    // in `peek`. The cursor keeps the records that are walked over.)
                    let tail = lane.tail().load(Ordering::Acquire);
                    joined = walk(lane, end, tail, extras, &mut |_, _| {})?;
                }
                let reader = Reader {
                    index,
                    at: start.position,
                    count: start.count,
                    extras,
                    blocks,
                };
                return Ok((reader, joined));
            }
        }
        // A publisher that is faster than the walk leaves no history to be had.
        match history {
            0 => Err(Damaged("its ring has no marks")),
            _ => Reader::join(lane, index, extras, blocks, 0),
        }
    }

    /// Where to begin, and the end. `None`: it was overwritten meanwhile.
    fn place(lane: &Lane, extras: usize, history: usize) -> Result<Option<(Base, Base)>, Damaged> {
        let ring = lane.geometry().ring as u64;
        // Acquire: pairs with the Release in `Writer::publish`.
        let tail = lane.tail().load(Ordering::Acquire);
        let start = Base {
            position: 0,
            count: 0,
        };
        if tail == 0 {
            return Ok(Some((start, start)));
        }
        let base = match history {
            0 => Base::before(lane, tail),
            _ => Base::oldest(lane, tail),
        };
        let Some(base) = base else {
            return Ok(None);
        };
        let mut last = std::collections::VecDeque::new();
        let walked = walk(lane, base, tail, extras, &mut |position, count| {
            if history != 0 {
                if last.len() == history {
                    last.pop_front();
                }
                last.push_back(Base { position, count });
            }
        });
        // SYNC POINT limit/bytes: as in `holds`.
        fence(Ordering::Acquire);
        let limit = lane.limit().load(Ordering::Relaxed);
        if limit.saturating_sub(base.position) > ring {
            return Ok(None);
        }
        let end = Base {
            position: tail,
            count: walked?,
        };
        Ok(Some((last.front().copied().unwrap_or(end), end)))
    }

    /// Messages before the next record.
    #[inline(always)]
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Where the next record is.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// The next record, if there is one: what is known of it is right only if [`holds`](Reader::holds)
    /// says so afterwards.
    #[inline(always)]
    pub(crate) fn peek(&mut self, lane: &Lane) -> Result<Peek, Damaged> {
        let ring = lane.geometry().ring as u64;
        let at = self.at & (ring - 1);
        // SYNC POINT bytes/header: Acquire pairs with the Release in `Writer::publish`.
        let word = lane.ring().at(at as usize).load(Ordering::Acquire);
        if word == 0 {
            // A later turn may have a 0 here, too.
            return Ok(match self.blocks || self.holds(lane) {
                true => Peek::Nothing,
                false => Peek::Lapped,
            });
        }
        let header = Header::decode(word);
        let total = header.total(self.extras);
        // A record that does not lie where records lie was overwritten, or is damaged.
        if total > ring - at || !total.is_multiple_of(8) {
            return self.not_there(lane);
        }
        Ok(Peek::Record(Record {
            header,
            payload: at as usize + HEADER + 8 * self.extras,
            total,
        }))
    }

    /// Whether [`peek`](Reader::peek) finds nothing.
    #[inline(always)]
    pub(crate) fn is_at_end(&self, lane: &Lane) -> bool {
        let at = self.at & (lane.geometry().ring as u64 - 1);
        let word = lane.ring().at(at as usize).load(Ordering::Relaxed);
        word == 0 && (self.blocks || self.holds(lane))
    }

    /// [`peek`](Reader::peek), copy, [`holds`](Reader::holds) and [`advance`](Reader::advance) in one, for the
    /// next record if its header is `expected`, and it has `total` bytes then. `copy` gets what follows the
    /// header. False: it is another one, or none, or was overwritten, and what was copied is nothing.
    #[inline(always)]
    pub(crate) fn take_expected(
        &mut self,
        lane: &Lane,
        index: usize,
        (expected, total): (u64, u64),
        copy: impl FnOnce(Words<'_>),
    ) -> bool {
        let ring = lane.geometry().ring as u64;
        let at = self.at & (ring - 1);
        let words = lane.ring();
        let header = words.at(at as usize);
        // Otherwise the record's second line would be asked for only when its first has come.
        if at as usize % CACHE_LINE + total as usize > CACHE_LINE {
            prefetch_to_read(std::ptr::from_ref(header).wrapping_byte_add(CACHE_LINE));
        }
        // SYNC POINT bytes/header: as in `peek`.
        if header.load(Ordering::Acquire) != expected || total > ring - at {
            return false;
        }
        copy(words.from(at as usize + HEADER));
        if !self.holds(lane) {
            return false;
        }
        self.at += total;
        self.count += 1;
        let row = lane.row(index);
        row.count.store(self.count, Ordering::Relaxed);
        // SYNC POINT copy/cursor: as in `advance`.
        row.cursor.store(self.at, Ordering::Release);
        true
    }

    #[cold]
    fn not_there(&mut self, lane: &Lane) -> Result<Peek, Damaged> {
        if self.holds(lane) || self.blocks {
            return Err(Damaged("a record of its ring is none"));
        }
        Ok(Peek::Lapped)
    }

    /// Whether what was read of the record at the cursor is still what the publisher wrote.
    #[inline(always)]
    pub(crate) fn holds(&self, lane: &Lane) -> bool {
        if self.blocks {
            // The publisher waits for the cursor, unless another thread has closed the handle meanwhile.
            // SYNC POINT copy/cursor: pairs with the fence in `Writer::make_room`. If what was read was
            // written after the cursor was gone, this sees that it is.
            fence(Ordering::Acquire);
            return lane.row(self.index).cursor.load(Ordering::Relaxed) == self.at;
        }
        // SYNC POINT limit/bytes: pairs with the Release fence in `Writer::make_room`. If anything that was
        // read is of a later turn, the load below sees the limit of that turn.
        fence(Ordering::Acquire);
        let limit = lane.limit().load(Ordering::Relaxed);
        limit.wrapping_sub(self.at) <= lane.geometry().ring as u64
    }

    /// Words of a record beside its payload.
    #[inline(always)]
    pub(crate) fn extra(&self, lane: &Lane, record: &Record, i: usize) -> u64 {
        debug_assert!(i < self.extras);
        let at = record.payload - 8 * self.extras + 8 * i;
        lane.ring().at(at).load(Ordering::Relaxed)
    }

    /// Goes on behind the record.
    #[inline(always)]
    pub(crate) fn advance(&mut self, lane: &Lane, index: usize, record: &Record) {
        self.at += record.total;
        self.count += record.header.counts();
        let row = lane.row(index);
        row.count.store(self.count, Ordering::Relaxed);
        // SYNC POINT copy/cursor: Release pairs with the Acquire in `slowest`.
        row.cursor.store(self.at, Ordering::Release);
    }

    /// Goes on with the oldest message that is still there, and says how many were lost of those that came
    /// when this subscriber had `joined`: history was promised by nobody.
    pub(crate) fn resume(
        &mut self,
        lane: &Lane,
        index: usize,
        joined: u64,
    ) -> Result<u64, Damaged> {
        for _ in 0..TRIES {
            // Acquire: pairs with the Release in `Writer::publish`.
            let tail = lane.tail().load(Ordering::Acquire);
            let Some(base) = Base::oldest(lane, tail) else {
                crate::atomic::spin_hint();
                continue;
            };
            if base.count < self.count || base.position <= self.at {
                return Err(Damaged("the marks of its ring go back"));
            }
            let lost = base.count.saturating_sub(self.count.max(joined));
            self.at = base.position;
            self.count = base.count;
            let row = lane.row(index);
            row.count.store(self.count, Ordering::Relaxed);
            row.lost.store(
                row.lost.load(Ordering::Relaxed).wrapping_add(lost),
                Ordering::Relaxed,
            );
            // Relaxed: where subscribers are lapped, no publisher waits for their cursors.
            row.cursor.store(self.at, Ordering::Relaxed);
            return Ok(lost);
        }
        Err(Damaged("its ring has no marks"))
    }

    /// Goes to the end of a ring that is damaged, so that what comes later can be received.
    pub(crate) fn skip(&mut self, lane: &Lane, index: usize) {
        self.at = (lane.tail().load(Ordering::Acquire) & !7).min(MOST);
        lane.row(index).cursor.store(self.at, Ordering::Release);
    }
}

/// No ring gets so far, nor are there so many messages: nothing that is added to this overflows.
const MOST: u64 = 1 << 62;

/// How often a place is looked for while a publisher is faster.
const TRIES: u32 = if cfg!(loom) { 3 } else { 1 << 12 };

/// The same where each look goes through all of the ring.
const TRIES_WITH_HISTORY: u32 = if cfg!(loom) { TRIES } else { 16 };

impl Record {
    /// The words of its payload, and what follows.
    #[inline(always)]
    pub(crate) fn words<'a>(&self, lane: &'a Lane) -> Words<'a> {
        lane.ring().from(self.payload)
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.header.len as usize
    }
}
