//! Receiving, without types.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::board::{Decided, SUBSCRIBER, Typed, What};
use super::chunks;
use super::lane::{Lane, NOT_ATTACHED};
use super::message::{Buffer, Held, Meta, RawMessage};
use super::options::{ArrayType, Kind, Options};
use super::pool::Range;
use super::publisher::{REFERENCE, digest, lane};
use super::ring::{self, Damaged, Header, Peek, Reader, Record, kind};
use super::shared::{Control, Holding, Shared};
use crate::atomic::{Ordering, Words, prefetch_to_read, prefetch_to_write};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Plan;
use crate::locator::Locator;
use crate::page::{Participant, deadline_of};
use crate::segment::Mapping;
#[cfg(feature = "tokio")]
use crate::wait::SleepAsync;
use crate::wait::bell::{Bell, Raw as RawHandle, Source};
use crate::wait::{self, Sleep, Waits, Watch};

/// So many messages of one publisher are received before another has its turn: enough for its lines to be
/// worth fetching.
const TURN: u32 = 32;

/// No record has this header. (0 is what is there before one is published.)
const NONE: u64 = u64::MAX;

/// Receives messages of a kind that is known at run time.
#[derive(Debug)]
pub struct RawSubscriber {
    shared: Arc<Shared>,
    options: Options,
    /// What this side says that messages are.
    declared: Option<Kind>,
    /// Once the first publisher has decided it.
    typed: Option<(Typed, Decided)>,
    /// This side's kind, for [`kind`](RawSubscriber::kind).
    kind: Option<Kind>,
    /// What there is to know of structs that are copied out of the ring as they are.
    plain: Option<Plain>,
    blocks: bool,
    feeds: Vec<Feed>,
    /// Extents that were looked at for lanes.
    known: usize,
    /// Whose turn it is, and how many messages it has had.
    next: usize,
    turn: u32,
    lost: u64,
    /// What event loops wait on, if this is asked for.
    bell: Option<Bell>,
    /// What went wrong behind messages that were received together: told by the next call.
    error: Option<Error>,
}

/// A lane, and what this subscriber alone knows of it.
#[derive(Debug)]
struct Feed {
    lane: Lane,
    mapping: Arc<Mapping>,
    reader: Reader,
    /// Messages before this are history: nobody promised them.
    joined: u64,
    publisher: Publisher,
    /// The header of a plain struct from this publisher; [`NONE`] while none is expected.
    expected: u64,
    /// Where its last chunk was mapped.
    pool: Option<(Range, Arc<Mapping>)>,
    /// The pieces of a message that is not complete, if its first has come.
    pieces: Option<Buffer>,
}

#[derive(Debug)]
struct Plain {
    plan: Arc<Plan>,
    size: usize,
    /// Bytes of a record.
    total: u64,
    send_time: bool,
}

/// Who published the records that are being read.
#[derive(Debug, Clone, Copy, Default)]
struct Publisher {
    /// The low byte of its number, if it is known.
    epoch: Option<u8>,
    first: u64,
    pid: u32,
}

/// Where a message goes.
enum Into<'a> {
    /// To a value of this side's layout.
    Value(*mut u8),
    /// To a message of its own.
    Message(&'a mut Option<RawMessage>),
}

/// What came of one record.
enum Took {
    Message(Meta),
    /// Go on with the next.
    Nothing,
    /// It was overwritten.
    Lapped,
}

impl RawSubscriber {
    /// Joins the topic, or makes it. Without a kind, messages come as the page has them.
    ///
    /// # Errors
    /// Layout mismatch; invalid, where options contradict the page's; full; no space; permission denied.
    pub fn attach(locator: &str, kind: Option<&Kind>, options: &Options) -> Result<RawSubscriber> {
        let mut subscriber = RawSubscriber::in_table(locator, kind, options)?;
        subscriber.enter()?;
        Ok(subscriber)
    }

    /// One that is in the page's table, and not yet in its lanes.
    fn in_table(locator: &str, kind: Option<&Kind>, options: &Options) -> Result<RawSubscriber> {
        let shared = Arc::new(Shared::attach(locator, options, SUBSCRIBER)?);
        Ok(RawSubscriber {
            shared,
            options: options.clone(),
            declared: kind.cloned(),
            typed: None,
            kind: None,
            plain: None,
            blocks: false,
            feeds: Vec::new(),
            known: 0,
            next: 0,
            turn: 0,
            lost: 0,
            bell: None,
            error: None,
        })
    }

    fn enter(&mut self) -> Result<()> {
        let shared = self.shared.clone();
        let board = shared.board();
        let _registration = shared.page.register(deadline_of(Some(Duration::ZERO)))?;
        shared.page.check_stands()?;
        board.state_options(&self.options)?;
        if let Some(kind) = &self.declared {
            board.declare(kind, self.options.matching, self.options.language)?;
        }
        board.admit(self.shared.index());
        // Under the lock no lane comes in between.
        self.look_for_lanes(true)?;
        board.changes().wake_all(shared.page.alarm());
        // A publisher may have seen a cursor that was further back.
        board.space().notify_all_lightly(shared.page.alarm());
        Ok(())
    }

    /// What messages are, as this side has them; `None` while nobody has said.
    ///
    /// # Errors
    /// Layout mismatch; corrupt; closed, replaced, forked.
    pub fn kind(&mut self) -> Result<Option<&Kind>> {
        if self.kind.is_none() {
            self.shared.page.check()?;
            let (matching, language) = (self.options.matching, self.options.language);
            let board = self.shared.board();
            let typed = board.typed(self.declared.as_ref(), matching, language)?;
            self.kind = typed.map(|typed| typed.here());
        }
        Ok(self.kind.as_ref())
    }

    /// Finds lanes that have come. `joins`: now is when this subscriber attaches.
    #[cold]
    fn look_for_lanes(&mut self, joins: bool) -> Result<()> {
        let shared = self.shared.clone();
        let board = shared.board();
        let count = board.extent_count();
        while self.known < count {
            let number = self.known;
            if board.extent(number)?.what == What::Lane {
                if self.typed.is_none() {
                    let (matching, language) = (self.options.matching, self.options.language);
                    let typed = board.typed(self.declared.as_ref(), matching, language)?;
                    let decided = board.decided()?;
                    self.typed = typed.zip(decided);
                }
                let Some((typed, decided)) = &self.typed else {
                    return Err(shared.page.corrupt("it has lanes, but nothing is decided"));
                };
                self.kind = Some(typed.here());
                self.blocks = decided.blocks();
                self.plain = match typed {
                    Typed::Struct(agreement)
                        if agreement.page.tail().is_none()
                            && agreement.plan.is_direct()
                            && !decided.checksum =>
                    {
                        let size = agreement.page.size();
                        Some(Plain {
                            plan: agreement.plan.clone(),
                            size,
                            total: ring::total(size, decided.extras()),
                            send_time: decided.send_time,
                        })
                    }
                    _ => None,
                };
                let (lane, mapping) = lane(&shared, number, decided)?;
                let (extras, blocks, index) = (decided.extras(), decided.blocks(), shared.index());
                let damaged = |damage: Damaged| shared.page.corrupt(damage.0);
                // A lane that was made since this subscriber is in the table has given it a cursor.
                let is_new = lane.row(index).cursor.load(Ordering::Relaxed) == NOT_ATTACHED;
                let (reader, joined) = match joins && is_new {
                    true => {
                        lane.row(index).lost.store(0, Ordering::Relaxed);
                        let history = decided.history;
                        Reader::join(&lane, index, extras, blocks, history).map_err(damaged)?
                    }
                    // Its maker has entered us with a cursor of 0.
                    false => (Reader::from_start(index, extras, blocks), 0),
                };
                self.feeds.push(Feed {
                    lane,
                    mapping,
                    reader,
                    joined,
                    publisher: Publisher::default(),
                    expected: NONE,
                    pool: None,
                    pieces: None,
                });
            }
            self.known += 1;
        }
        Ok(())
    }

    /// Receives the next message, if there is one.
    ///
    /// # Errors
    /// Corrupt (a checksum that does not hold is; the next call goes on); layout mismatch, where a
    /// publisher has come since; closed, replaced, forked.
    pub fn try_recv(&mut self) -> Result<Option<RawMessage>> {
        let mut message = None;
        self.next(&mut Into::Message(&mut message))?;
        Ok(message)
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// Timed out; closed, as soon as somebody closes it; and as [`try_recv`](RawSubscriber::try_recv).
    pub fn recv(&mut self, timeout: Option<Duration>) -> Result<RawMessage> {
        self.wait(timeout, |subscriber| subscriber.try_recv())
    }

    /// Receives the next message, a struct, into a value of this side's layout.
    ///
    /// # Safety
    /// `value` is valid for writing this side's size, and nobody else accesses it meanwhile. After
    /// `Ok(Some(_))` all its bytes are initialised, bools are 0 or 1, and enums are unchecked.
    ///
    /// # Errors
    /// As [`try_recv`](RawSubscriber::try_recv).
    #[inline]
    pub unsafe fn try_recv_into(&mut self, value: *mut u8) -> Result<Option<Meta>> {
        // SAFETY: handed through from the caller.
        match unsafe { self.try_plain(value) } {
            Some(meta) => Ok(Some(meta)),
            None if self.has_nothing() => Ok(None),
            None => self.next(&mut Into::Value(value)),
        }
    }

    /// Whether there is surely nothing to receive, and nothing else to do or to say. Who looks all the time
    /// sees the sooner what has come, the less there is to look at.
    #[inline(always)]
    fn has_nothing(&self) -> bool {
        let [feed] = &self.feeds[..] else {
            return false;
        };
        feed.reader.is_at_end(&feed.lane)
            && self.shared.page.is_open()
            && self.shared.board().extent_count() == self.known
            && self.error.is_none()
            && self.bell.is_none()
    }

    /// The next message, where that is a struct that lies in the ring as it is here, from the lane whose turn
    /// it is, and from the publisher that the last one came from.
    ///
    /// # Safety
    /// As for [`try_recv_into`](RawSubscriber::try_recv_into).
    #[inline(always)]
    unsafe fn try_plain(&mut self, value: *mut u8) -> Option<Meta> {
        let plain = self.plain.as_ref()?;
        let feed = self.feeds.get_mut(self.next)?;
        if !self.shared.page.is_open() {
            return None;
        }
        let mut sent_at = None;
        let taken = feed.reader.take_expected(
            &feed.lane,
            usize::from(self.shared.me.index),
            (feed.expected, plain.total),
            |words| {
                let mut payload = words;
                if plain.send_time {
                    sent_at = Some(words.at(0).load(Ordering::Relaxed));
                    payload = words.from(8);
                }
                // SAFETY: `value` has this side's size, which with a direct plan is the page's, and every
                // record with the expected header has as many bytes, inside of the ring.
                unsafe { payload.read(value, plain.size) }
            },
        );
        if !taken {
            return None;
        }
        // SAFETY: all bytes of the value were just written.
        unsafe { plain.plan.normalise_at(value) };
        let meta = Meta {
            sequence: feed.reader.count().wrapping_sub(feed.publisher.first),
            publisher: feed.publisher.pid,
            sent_at,
        };
        self.notify();
        self.count_turn();
        Some(meta)
    }

    /// After some messages of one lane it is another one's turn.
    #[inline(always)]
    fn count_turn(&mut self) {
        self.turn += 1;
        if self.turn >= TURN {
            self.turn = 0;
            self.next = if self.next + 1 < self.feeds.len() {
                self.next + 1
            } else {
                0
            };
        }
    }

    /// Waits for the next message, a struct, and receives it into a value of this side's layout.
    ///
    /// # Safety
    /// As for [`try_recv_into`](RawSubscriber::try_recv_into).
    ///
    /// # Errors
    /// As [`recv`](RawSubscriber::recv).
    pub unsafe fn recv_into(&mut self, value: *mut u8, timeout: Option<Duration>) -> Result<Meta> {
        // SAFETY: handed through from the caller.
        self.wait(timeout, |subscriber| unsafe {
            subscriber.try_recv_into(value)
        })
    }

    /// Waits for the next message, and receives it and as many more as there are, up to `max`, into values
    /// of this side's layout that lie one behind the other. Returns how many; `each` is told of each.
    ///
    /// # Safety
    /// As for [`try_recv_into`](RawSubscriber::try_recv_into), for `max` values.
    ///
    /// # Errors
    /// As [`recv`](RawSubscriber::recv), where not even one was received.
    pub unsafe fn recv_many_into(
        &mut self,
        values: *mut u8,
        max: usize,
        timeout: Option<Duration>,
        each: &mut dyn FnMut(Meta),
    ) -> Result<usize> {
        if max == 0 {
            return Ok(0);
        }
        // SAFETY: handed through from the caller.
        each(unsafe { self.recv_into(values, timeout) }?);
        let Some((Typed::Struct(agreement), _)) = &self.typed else {
            return Ok(1);
        };
        let size = agreement.here.size();
        let mut done = 1;
        while done < max {
            // SAFETY: one of the values.
            let value = unsafe { values.add(done * size) };
            // SAFETY: as above.
            match unsafe { self.try_recv_into(value) } {
                Ok(Some(meta)) => each(meta),
                Ok(None) => break,
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
            done += 1;
        }
        Ok(done)
    }

    /// Waits until `look` finds something.
    fn wait<R>(
        &mut self,
        timeout: Option<Duration>,
        mut look: impl FnMut(&mut RawSubscriber) -> Result<Option<R>>,
    ) -> Result<R> {
        if let Some(found) = look(self)? {
            return Ok(found);
        }
        let shared = self.shared.clone();
        let sleep = Sleep::OnLight(shared.board().messages(), shared.page.alarm());
        let found = wait::until(sleep, deadline_of(timeout), || look(self))?;
        found.ok_or_else(|| self.nothing())
    }

    /// How structs lie on both sides, once it is known.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        match self.typed.as_ref()? {
            (Typed::Struct(agreement), _) => Some(&agreement.plan),
            _ => None,
        }
    }

    /// [`recv`](RawSubscriber::recv) for a task, by what it looks for.
    #[cfg(feature = "tokio")]
    pub(crate) async fn recv_async<R>(
        &mut self,
        timeout: Option<Duration>,
        mut look: impl FnMut(&mut RawSubscriber) -> Result<Option<R>>,
    ) -> Result<R> {
        let shared = self.shared.clone();
        let anchor = shared.page.anchor();
        let sleep = SleepAsync::OnLight(shared.board().messages(), &anchor);
        let found = wait::until_async(sleep, deadline_of(timeout), || look(self)).await?;
        found.ok_or_else(|| self.nothing())
    }

    #[cold]
    fn nothing(&self) -> Error {
        let locator = self.shared.page.locator();
        let error = Error::new(
            ErrorKind::TimedOut,
            format!("timed out: topic \"{locator}\" has no message for this subscriber"),
        );
        match self.publishers() {
            0 => error.with_hint("there is no publisher"),
            _ => error,
        }
    }

    /// For threads and event loops that wait without holding this: look once more after making it.
    pub fn watch(&self) -> Watch {
        Watch::of_light(self.shared.board().messages(), &self.shared.page.anchor())
    }

    /// Whether [`try_recv`](RawSubscriber::try_recv) has something to say: a message, a piece of one, or an
    /// error.
    pub fn has_news(&mut self) -> bool {
        if self.error.is_some() || self.shared.page.check().is_err() {
            return true;
        }
        // An error stays until it is told.
        if self.shared.board().extent_count() != self.known && self.look_for_lanes(false).is_err() {
            return true;
        }
        let mut feeds = self.feeds.iter_mut();
        feeds.any(|feed| !matches!(feed.reader.peek(&feed.lane), Ok(Peek::Nothing)))
    }

    /// A descriptor for epoll, poll or Qt (on Windows a handle, for `WaitForMultipleObjects`): ready while
    /// there may be a message, or after this was closed, until [`try_recv`](RawSubscriber::try_recv) finds
    /// none. It belongs to this subscriber: only wait on it. The first call starts a thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had; closed, forked.
    pub fn wait_handle(&mut self) -> Result<RawHandle> {
        self.shared.page.check()?;
        if let Some(bell) = &self.bell {
            return Ok(bell.raw());
        }
        let source = Arc::new(Lanes {
            shared: self.shared.clone(),
            lanes: Mutex::default(),
        });
        let bell = Bell::new(source).map_err(|e| {
            let locator = self.shared.page.locator();
            Error::os(
                format_args!("topic \"{locator}\": cannot wait for it in an event loop"),
                &e,
            )
        })?;
        if self.has_news() {
            bell.set();
        }
        Ok(self.bell.insert(bell).raw())
    }

    /// What other threads may do with this while one is inside of it.
    pub fn control(&self) -> Control {
        Control(self.shared.clone())
    }

    fn next(&mut self, into: &mut Into<'_>) -> Result<Option<Meta>> {
        if !self.shared.page.is_open() {
            self.check_slowly()?;
        }
        if self.shared.board().extent_count() != self.known {
            self.look_for_lanes(false)?;
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let count = self.feeds.len();
        let mut empty = 0;
        while empty < count {
            let at = self.next;
            match self.one(at, into)? {
                Some(meta) => {
                    self.count_turn();
                    return Ok(Some(meta));
                }
                None => {
                    empty += 1;
                    self.turn = 0;
                    self.next = if at + 1 == count { 0 } else { at + 1 };
                }
            }
        }
        if self.bell.is_some() {
            return self.next_silenced(into);
        }
        Ok(None)
    }

    #[cold]
    fn check_slowly(&self) -> Result<()> {
        self.shared.page.check().inspect_err(|_| {
            // A call that another thread's close overtook may have moved a cursor after that.
            self.shared.detach();
        })
    }

    /// There was nothing: the bell is silent until there is.
    #[cold]
    fn next_silenced(&mut self, into: &mut Into<'_>) -> Result<Option<Meta>> {
        let Some(bell) = self.bell.take() else {
            return Ok(None);
        };
        bell.clear();
        // What was published before that may not ring again.
        let found = self.next(into);
        if !matches!(found, Ok(None)) {
            bell.set();
        }
        self.bell = Some(bell);
        found
    }

    /// The next message of one lane.
    fn one(&mut self, at: usize, into: &mut Into<'_>) -> Result<Option<Meta>> {
        let mut most = None;
        loop {
            let feed = &mut self.feeds[at];
            let record = match feed.reader.peek(&feed.lane) {
                Ok(Peek::Nothing) => return Ok(None),
                Ok(Peek::Record(record)) => record,
                Ok(Peek::Lapped) => {
                    self.resume(at)?;
                    continue;
                }
                Err(damage) => return Err(self.damaged(at, damage)),
            };
            match self.take(at, &record, into)? {
                Took::Message(meta) => return Ok(Some(meta)),
                Took::Nothing => {
                    // What was there is at most a ring. There is more where a long message comes, or where somebody
                    // has made a circle of the ring: the caller looks again, or at its deadline.
                    let feed = &self.feeds[at];
                    let position = feed.reader.position();
                    let most = *most.get_or_insert(position + feed.lane.geometry().ring as u64);
                    if position > most {
                        return Ok(None);
                    }
                }
                Took::Lapped => self.resume(at)?,
            }
        }
    }

    /// Goes on behind what can't be read.
    #[cold]
    fn damaged(&mut self, at: usize, damage: Damaged) -> Error {
        let feed = &mut self.feeds[at];
        feed.pieces = None;
        feed.reader.skip(&feed.lane, self.shared.index());
        self.notify();
        self.shared.page.corrupt(damage.0)
    }

    #[cold]
    fn resume(&mut self, at: usize) -> Result<()> {
        // Another thread may have closed it, so that nobody waits for it.
        self.shared.page.check()?;
        let index = self.shared.index();
        let feed = &mut self.feeds[at];
        feed.pieces = None;
        match feed.reader.resume(&feed.lane, index, feed.joined) {
            Ok(lost) => {
                self.lost = self.lost.saturating_add(lost);
                Ok(())
            }
            Err(damage) => Err(self.damaged(at, damage)),
        }
    }

    #[inline(always)]
    fn notify(&self) {
        if self.blocks {
            let shared = &self.shared;
            shared
                .board()
                .space()
                .notify_all_lightly(shared.page.alarm());
        }
    }

    fn advance(&mut self, at: usize, record: &Record) {
        let feed = &mut self.feeds[at];
        feed.reader.advance(&feed.lane, self.shared.index(), record);
        self.notify();
    }

    /// Receives one record.
    fn take(&mut self, at: usize, record: &Record, into: &mut Into<'_>) -> Result<Took> {
        let feed = &mut self.feeds[at];
        let (typed, decided) = self.typed.as_ref().expect("there are lanes");
        let decided = *decided;
        if !feed.reader.holds(&feed.lane) {
            return Ok(Took::Lapped);
        }
        // From here on the header is what the publisher wrote, and `peek` found the record inside of the
        // ring; its payload may still be overwritten.
        if feed.publisher.epoch != Some(record.header.epoch) {
            feed.publisher = feed.find_publisher(record.header.epoch);
            feed.expected = self.plain.as_ref().map_or(NONE, |plain| {
                let header = Header {
                    len: plain.size as u32,
                    kind: kind::DATA,
                    epoch: record.header.epoch,
                };
                header.encode()
            });
        }
        let place = record.header.kind & kind::PLACE;
        let (more, continues) = (
            record.header.kind & kind::MORE != 0,
            record.header.kind & kind::CONTINUES != 0,
        );
        if place != kind::DATA && place != kind::REF {
            let known = [kind::PAD, kind::GIVEN_UP].contains(&record.header.kind);
            if !known {
                return Err(self.damaged(at, Damaged("a record of its ring is of no kind")));
            }
            if place == kind::GIVEN_UP {
                feed.pieces = None;
            }
            self.advance(at, record);
            return Ok(Took::Nothing);
        }
        // Padding has no words beside it.
        let meta = feed.meta(record, &decided);
        // The first from a publisher, and the first behind the end of the ring; others are taken before.
        if let (Into::Value(value), kind::DATA, Some(plain)) =
            (&*into, record.header.kind, &self.plain)
            && record.len() == plain.size
        {
            // SAFETY: `value` has this side's size, which with a direct plan is the page's.
            unsafe { record.words(&feed.lane).read(*value, plain.size) };
            if !feed.reader.holds(&feed.lane) {
                return Ok(Took::Lapped);
            }
            // SAFETY: all bytes of the value were just written.
            unsafe { plain.plan.normalise_at(*value) };
            self.advance(at, record);
            return Ok(Took::Message(meta));
        }
        let sum = decided.checksum.then(|| {
            let at = usize::from(decided.send_time);
            feed.reader.extra(&feed.lane, record, at)
        });
        if !continues {
            // What was begun before was given up.
            feed.pieces = more.then(Buffer::default);
        }
        let body = match place {
            kind::DATA => {
                let small = !more && !continues && RawMessage::fits_small(record.len());
                let fits = small && typed.align() <= 8;
                let message = if fits {
                    RawMessage::small(meta, record.len(), |to| {
                        // SAFETY: `small` gives as many bytes as fit.
                        unsafe { record.words(&feed.lane).read(to, record.len()) };
                    })
                } else {
                    let mut buffer = Buffer::default();
                    buffer.resize(record.len());
                    // SAFETY: `buffer` has as many bytes.
                    unsafe {
                        record
                            .words(&feed.lane)
                            .read(buffer.bytes_mut().as_mut_ptr(), record.len());
                    };
                    RawMessage::large(meta, buffer)
                };
                if !feed.reader.holds(&feed.lane) {
                    return Ok(Took::Lapped);
                }
                Some(message)
            }
            _ => self.take_reference(at, record, meta, more || continues)?,
        };
        let feed = &mut self.feeds[at];
        let Some(message) = body else {
            // Its chunk is another message's by now.
            if !feed.reader.holds(&feed.lane) {
                return Ok(Took::Lapped);
            }
            if decided.blocks() && feed.reader.count() >= feed.joined {
                return Err(
                    self.damaged(at, Damaged("a message that was not received yet is gone"))
                );
            }
            feed.pieces = None;
            if feed.reader.count() >= feed.joined && !more {
                self.lost += 1;
                let row = feed.lane.row(self.shared.index());
                row.lost.store(
                    row.lost.load(Ordering::Relaxed).wrapping_add(1),
                    Ordering::Relaxed,
                );
            }
            self.advance(at, record);
            return Ok(Took::Nothing);
        };
        let message = if more || continues {
            let Some(pieces) = &mut feed.pieces else {
                // It began before this subscriber came, or was given up.
                self.advance(at, record);
                return Ok(Took::Nothing);
            };
            let (from, bytes) = (pieces.len(), message.bytes());
            if (from + bytes.len()) as u64 > decided.max_message.saturating_add(4096) {
                return Err(self.damaged(at, Damaged("a message in fragments is too long")));
            }
            pieces.resize(from + bytes.len());
            pieces.bytes_mut()[from..].copy_from_slice(bytes);
            drop(message);
            if more {
                self.advance(at, record);
                return Ok(Took::Nothing);
            }
            RawMessage::large(meta, feed.pieces.take().unwrap_or_default())
        } else {
            message
        };
        // After this the publisher may overwrite the record; a chunk is held.
        self.advance(at, record);
        if let Some(stored) = sum {
            let computed = digest(meta.sequence, &[message.bytes()]);
            if computed != stored {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    format!(
                        "topic \"{}\", message {} of pid {}: its checksum is {computed:#018x}, stored is {stored:#018x}",
                        self.shared.page.locator(),
                        meta.sequence,
                        meta.publisher
                    ),
                )
                .with_hint("something wrote over the page's memory; the next message can be received"));
            }
        }
        self.deliver(meta, message, into)
    }

    /// Holds, or copies, the chunk that a record refers to. `None`: it is gone.
    fn take_reference(
        &mut self,
        at: usize,
        record: &Record,
        meta: Meta,
        piece: bool,
    ) -> Result<Option<RawMessage>> {
        let shared = self.shared.clone();
        let feed = &mut self.feeds[at];
        let mut reference = [0u64; REFERENCE / 8];
        if record.len() != REFERENCE {
            return Err(self.damaged(at, Damaged("a reference of its ring is none")));
        }
        // SAFETY: `reference` has as many bytes.
        unsafe {
            record
                .words(&feed.lane)
                .read(reference.as_mut_ptr().cast(), REFERENCE);
        };
        if !feed.reader.holds(&feed.lane) {
            return Ok(None);
        }
        let [word, offset, len] = reference;
        let (chunk, generation) = ((word >> 32) as usize, word as u32);
        if chunk >= feed.lane.geometry().chunks {
            return Err(self.damaged(at, Damaged("a reference of its ring is to no chunk")));
        }
        let index = shared.index();
        let places = feed.lane.row(index).held;
        // What is needed next is asked for at once, and not one thing after the other.
        prefetch_to_read(std::ptr::from_ref(&feed.lane.chunks()[chunk]));
        prefetch_to_write(places.as_ptr());
        let Some((mapping, bytes)) = shared.find(offset, len, &mut feed.pool)? else {
            return Err(self.damaged(at, Damaged("a chunk lies outside of the page's pools")));
        };
        prefetch_to_read(bytes);
        let feed = &mut self.feeds[at];
        // The last place is never held for longer than a copy takes.
        let places = feed.lane.row(index).held;
        let free = places[..places.len() - 1]
            .iter()
            .position(|held| held.load(Ordering::Acquire) == 0);
        let place = if piece { None } else { free };
        let copying = places.len() - 1;
        if !chunks::hold(
            &feed.lane,
            index,
            place.unwrap_or(copying),
            chunk,
            generation,
        ) {
            return Ok(None);
        }
        let len = len as usize;
        match place {
            Some(place) => {
                let held = Held {
                    by: Holding::new(shared),
                    lane: feed.lane,
                    _lane: feed.mapping.clone(),
                    _chunk: mapping,
                    place,
                    bytes,
                    len,
                };
                Ok(Some(RawMessage::held(meta, held)))
            }
            None => {
                let mut buffer = Buffer::default();
                buffer.resize(len);
                // SAFETY: the chunk lies at a multiple of 64 inside of the mapping, which has whole words.
                let words = unsafe { Words::new(bytes.cast_mut(), len.next_multiple_of(8)) };
                // SAFETY: `buffer` has as many bytes.
                unsafe { words.read(buffer.bytes_mut().as_mut_ptr(), len) };
                chunks::release(&feed.lane, index, copying);
                Ok(Some(RawMessage::large(meta, buffer)))
            }
        }
    }

    /// Gives a message to its receiver, as this side has it.
    fn deliver(&mut self, meta: Meta, message: RawMessage, into: &mut Into<'_>) -> Result<Took> {
        let (typed, _) = self.typed.as_ref().expect("there are lanes");
        let locator = self.shared.page.locator();
        let strange = |what: &str| {
            Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "topic \"{locator}\", message {} of pid {}: {what}",
                    meta.sequence, meta.publisher
                ),
            ))
        };
        let message = match typed {
            Typed::Bytes => message,
            Typed::Array => match ArrayType::decode(message.bytes()) {
                Some((array, start)) => message.with_array(array, start),
                None => return strange("it is no array"),
            },
            Typed::Struct(agreement) => {
                let (len, plan) = (message.bytes().len(), &agreement.plan);
                if super::publisher::check_tail(&agreement.page, len).is_err() {
                    return strange(match agreement.page.tail() {
                        Some(_) => "it is too short, or ends inside of an element",
                        None => "it has another size than its type",
                    });
                }
                if let Some(tail) = plan.tail() {
                    let bytes = message.bytes();
                    // In place only where it can be looked at as it is.
                    if tail.is_same()
                        && plan.is_normal(bytes)
                        && tail.is_normal(&bytes[tail.here..])
                    {
                        message
                    } else {
                        let mut buffer = Buffer::default();
                        let here_len = tail.here_len(tail.count(len));
                        // A short tail may lie in what is the fixed part's padding.
                        buffer.resize(here_len.max(agreement.here.size()));
                        plan.gather(bytes, buffer.bytes_mut());
                        buffer.resize(here_len);
                        tail.gather(&bytes[tail.page..], &mut buffer.bytes_mut()[tail.here..]);
                        RawMessage::large(meta, buffer)
                    }
                } else {
                    match into {
                        Into::Value(value) => {
                            // SAFETY: `value` has this side's size, by the contract of `try_recv_into`.
                            let here = unsafe {
                                value.write_bytes(0, agreement.here.size());
                                std::slice::from_raw_parts_mut(*value, agreement.here.size())
                            };
                            plan.gather(message.bytes(), here);
                            return Ok(Took::Message(meta));
                        }
                        // In place only where it can be looked at as it is.
                        Into::Message(_) if plan.is_direct() && plan.is_normal(message.bytes()) => {
                            message
                        }
                        Into::Message(_) => {
                            let mut buffer = Buffer::default();
                            buffer.resize(agreement.here.size());
                            plan.gather(message.bytes(), buffer.bytes_mut());
                            RawMessage::large(meta, buffer)
                        }
                    }
                }
            }
        };
        match into {
            Into::Message(to) => {
                **to = Some(message);
                Ok(Took::Message(meta))
            }
            Into::Value(_) => Err(Error::new(
                ErrorKind::LayoutMismatch,
                format!(
                    "topic \"{locator}\" carries {}, not structs of one size",
                    typed.here()
                ),
            )),
        }
    }

    /// Messages that were published while this was attached, and overwritten before it received them.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many publishers are attached and live.
    pub fn publishers(&self) -> usize {
        self.control().others()
    }

    /// Waits until there are at least `n` publishers, and says how many.
    ///
    /// # Errors
    /// Timed out; closed, replaced, forked.
    pub fn wait_publishers(&self, n: usize, timeout: Option<Duration>) -> Result<usize> {
        self.control().wait_others(n, timeout)
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.shared.page.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.shared.page.participants()
    }

    /// Detaches: publishers wait for it no longer, and further calls are [`ErrorKind::Closed`]. Messages
    /// that are held stay what they are, and keep the place in the page until they are dropped.
    pub fn close(&mut self) {
        self.feeds.clear();
        self.shared.leave();
        self.bell = None;
    }
}

impl Waits for RawSubscriber {
    fn has_news(&mut self) -> bool {
        RawSubscriber::has_news(self)
    }

    fn watch(&self) -> Watch {
        RawSubscriber::watch(self)
    }
}

impl Drop for RawSubscriber {
    fn drop(&mut self) {
        self.close();
    }
}

type MappedLane = (Lane, Arc<Mapping>);

/// What a bell listens to: the lanes, apart from what the subscriber has read of them.
struct Lanes {
    shared: Arc<Shared>,
    /// By the number of the extent.
    lanes: Mutex<Vec<Option<MappedLane>>>,
}

impl Source for Lanes {
    fn watch(&self) -> Watch {
        Watch::of_light(self.shared.board().messages(), &self.shared.page.anchor())
    }

    fn wake(&self) {
        let messages = self.shared.board().messages();
        messages.wake_all(self.shared.page.alarm());
    }

    fn news(&self) -> Option<u64> {
        self.shared.page.check().ok()?;
        let board = self.shared.board();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = 0u64;
        for number in 0..board.extent_count() {
            if lanes.len() == number {
                let is_lane = board.extent(number).ok()?.what == What::Lane;
                let found = match board.decided().ok()? {
                    Some(decided) if is_lane => Some(lane(&self.shared, number, &decided).ok()?),
                    _ => None,
                };
                lanes.push(found);
            }
            if let Some(Some((lane, _))) = lanes.get(number) {
                // Acquire: as in `Reader::peek`. Each tail only grows.
                news = news.wrapping_add(lane.tail().load(Ordering::Acquire));
            }
        }
        Some(news)
    }
}

impl Feed {
    /// What is known of a record's message: right only if the reader says that it holds.
    #[inline(always)]
    fn meta(&self, record: &Record, decided: &Decided) -> Meta {
        Meta {
            sequence: (self.reader.count() + 1).wrapping_sub(self.publisher.first),
            publisher: self.publisher.pid,
            sent_at: decided
                .send_time
                .then(|| self.reader.extra(&self.lane, record, 0)),
        }
    }

    /// The publisher of this number.
    #[cold]
    fn find_publisher(&self, number: u8) -> Publisher {
        match self.lane.publisher(number) {
            Some((first, signature)) => Publisher {
                epoch: Some(number),
                first,
                pid: (signature >> 32) as u32,
            },
            // So many have come and gone that its name is forgotten.
            None => Publisher {
                epoch: Some(number),
                ..Publisher::default()
            },
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::topic::{Policy, RawPublisher};

    /// A lane is made between the two steps of attaching: its publisher waits for who is in the table.
    #[test]
    fn a_lane_waits_for_who_has_not_entered_yet() {
        let _namespace = crate::testing::namespace();
        let options = Options {
            policy: Some(Policy::Block),
            capacity: Some(65_536),
            timeout: Some(Duration::ZERO),
            ..Options::default()
        };
        let mut subscriber = RawSubscriber::in_table("t", Some(&Kind::Bytes), &options).unwrap();
        let mut publisher = RawPublisher::attach("t", Some(&Kind::Bytes), &options).unwrap();
        // In a chunk each.
        let mut sent = 0u64;
        while sent < 1000 {
            let message = [(sent % 250) as u8; 9000];
            match publisher.publish_bytes(&message) {
                Ok(_) => sent += 1,
                Err(error) if error.is_timed_out() => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(sent < 1000, "nobody was waited for");
        subscriber.enter().unwrap();
        for n in 0..sent {
            let message = subscriber.try_recv().unwrap().expect("none is lost");
            assert_eq!(message.bytes(), [(n % 250) as u8; 9000]);
        }
        assert!(subscriber.try_recv().unwrap().is_none());
    }
}
