//! Publishing, without types.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::Xxh3;

use super::board::{Decided, PUBLISHER, SUBSCRIBER, Typed, What};
use super::lane::{Lane, NOT_ATTACHED};
use super::options::{ArrayType, Kind, Options};
use super::pool::{Loaned, Pool, Range, Take};
use super::ring::{self, Damaged, Room, Writer, kind};
use super::shared::{Control, Holding, Shared};
use crate::atomic::{Ordering, Words, prefetch_to_read, prefetch_to_write};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Plan, StructType, WordOp};
use crate::liveness;
use crate::locator::Locator;
use crate::page::{Participant, deadline_of};
use crate::segment::Mapping;
#[cfg(feature = "tokio")]
use crate::wait::SleepAsync;
use crate::wait::{self, Sleep};

/// What is called now and then while a publisher waits; its error ends the wait.
type Check = Box<dyn FnMut() -> Result<()> + Send>;

/// Publishes messages of a kind that is known at run time.
pub struct RawPublisher {
    shared: Arc<Shared>,
    options: Options,
    /// Once it is known what messages are.
    outlet: Option<Outlet>,
    /// This side's kind, for [`kind`](RawPublisher::kind).
    kind: Option<Kind>,
    check: Option<Check>,
}

impl std::fmt::Debug for RawPublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawPublisher")
            .field("page", &self.shared.page)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A publisher's lane, and what it alone knows of it.
#[derive(Debug)]
struct Outlet {
    lane: Lane,
    /// The number of the lane's extent.
    number: usize,
    _mapping: Arc<Mapping>,
    writer: Writer,
    pool: Pool,
    /// Where the pool's memory is mapped.
    memory: Vec<(Range, Arc<Mapping>)>,
    /// The lane's count when this publisher came.
    first: u64,
    typed: Typed,
    decided: Decided,
    extras: usize,
    max_inline: usize,
    /// The size of structs that are copied into the ring as they are.
    plain: Option<usize>,
    /// Where layouts differ, or a checksum is asked for, the page's image of a value.
    image: Vec<u8>,
}

/// Memory of the page, to be filled and committed; one that is dropped is given back. It stays mapped for
/// as long as it is there, also when its publisher is gone.
#[derive(Debug)]
pub struct RawLoan {
    /// None: it was committed or discarded.
    from: Option<Holding>,
    loaned: Loaned,
    /// Bytes of the message, with what goes before an array.
    whole: usize,
    start: usize,
    ptr: *mut u8,
}

// SAFETY: the memory belongs to the publisher's page, and nobody else accesses it while it is loaned.
unsafe impl Send for RawLoan {}

impl RawLoan {
    /// Where its bytes are: at a multiple of 64. What they are at first is not defined.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.ptr
    }

    /// The same place, to be read.
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.whole - self.start
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for RawLoan {
    fn drop(&mut self) {
        if let Some(Holding(shared)) = &self.from {
            let mut dropped = shared
                .dropped
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            dropped.push(self.loaned);
            // Relaxed: the mutex orders what is behind it.
            shared.any_dropped.store(true, Ordering::Relaxed);
        }
    }
}

/// A reference to a chunk, as it lies in the ring.
pub(super) const REFERENCE: usize = 24;

impl RawPublisher {
    /// Joins the topic, or makes it. Without a kind it publishes what the page's messages are, which
    /// another participant, or [`declare`](RawPublisher::declare), says.
    ///
    /// # Errors
    /// Layout mismatch; invalid, where options contradict the page's; full; no space; permission denied.
    pub fn attach(locator: &str, kind: Option<&Kind>, options: &Options) -> Result<RawPublisher> {
        let shared = Arc::new(Shared::attach(locator, options, PUBLISHER)?);
        let mut publisher = RawPublisher {
            shared,
            options: options.clone(),
            outlet: None,
            kind: None,
            check: None,
        };
        publisher.enter(kind)?;
        Ok(publisher)
    }

    /// Says what messages are, where nobody has yet.
    ///
    /// # Errors
    /// Layout mismatch, where somebody has said otherwise; no space.
    pub fn declare(&mut self, kind: &Kind) -> Result<()> {
        self.shared.page.check()?;
        self.enter(Some(kind))
    }

    /// What messages are, as this side has them; `None` while nobody has said.
    pub fn kind(&mut self) -> Result<Option<&Kind>> {
        if self.outlet.is_none() {
            self.shared.page.check()?;
            self.enter(None)?;
        }
        Ok(self.kind.as_ref())
    }

    /// Decides what is to be decided, and takes a lane as soon as it is known what goes into it.
    fn enter(&mut self, kind: Option<&Kind>) -> Result<()> {
        let shared = &self.shared;
        let board = shared.board();
        let _registration = shared.page.register(deadline_of(Some(Duration::ZERO)))?;
        shared.page.check_stands()?;
        board.state_options(&self.options)?;
        let (matching, language) = (self.options.matching, self.options.language);
        let typed = match kind {
            Some(kind) => Some(board.declare(kind, matching, language)?),
            None => board.typed(None, matching, language)?,
        };
        if let (None, Some(typed)) = (&self.outlet, typed) {
            shared.page.sweep();
            let decided = board.decide_the_rest(&typed)?;
            self.kind = Some(typed.here());
            self.outlet = Some(Outlet::take(shared, typed, decided)?);
            board.messages().wake_all(shared.page.alarm());
        }
        board.changes().wake_all(shared.page.alarm());
        Ok(())
    }

    /// Says for how long publishing, and loaning, waits for room in `block`: `None` for ever.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.options.timeout = timeout;
    }

    /// For how long publishing waits for room.
    pub fn timeout(&self) -> Option<Duration> {
        self.options.timeout
    }

    /// Has `check` called about every 50 ms while this waits for room; its error ends the wait.
    pub fn set_check(&mut self, check: Option<Check>) {
        self.check = check;
    }

    /// What other threads may do with this while one is inside of it.
    pub fn control(&self) -> Control {
        Control(self.shared.clone())
    }

    fn outlet(&mut self) -> Result<&mut Outlet> {
        if self.outlet.is_none() {
            self.enter(None)?;
        }
        let locator = self.shared.page.locator();
        self.outlet.as_mut().ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("topic \"{locator}\": nobody has said yet what its messages are"),
            )
            .with_hint("attach with a type, or wait for a participant that has one")
        })
    }

    fn other_kind(&self, wanted: &str) -> Error {
        let kind = self
            .kind
            .as_ref()
            .map_or("nothing yet".to_owned(), Kind::to_string);
        Error::new(
            ErrorKind::LayoutMismatch,
            format!(
                "topic \"{}\" carries {kind}, not {wanted}",
                self.shared.page.locator()
            ),
        )
    }

    /// Publishes a struct, and returns its sequence.
    ///
    /// # Safety
    /// `value` points to a value of this side's layout whose fields (not its padding) are initialised.
    ///
    /// # Errors
    /// Timed out, in `block`; too large; closed, replaced, forked, corrupt.
    #[inline]
    pub unsafe fn publish(&mut self, value: *const u8) -> Result<u64> {
        if let Some(outlet) = &mut self.outlet
            && let Some(size) = outlet.plain
            && self.shared.page.is_open()
            && let Some(room) = outlet.writer.room(&outlet.lane, size)
        {
            // SAFETY: handed through from the caller.
            unsafe { outlet.put_value(room, value, size) };
            outlet.writer.publish(&outlet.lane);
            let sequence = outlet.writer.count() - outlet.first;
            self.notify();
            return Ok(sequence);
        }
        // SAFETY: as above.
        unsafe { self.publish_slowly(value) }
    }

    /// [`publish`](RawPublisher::publish) where there is more to do, or to say.
    ///
    /// # Safety
    /// As there.
    #[cold]
    unsafe fn publish_slowly(&mut self, value: *const u8) -> Result<u64> {
        self.shared.page.check()?;
        let outlet = self.outlet()?;
        if let Some(size) = outlet.plain {
            let room = self.room(size)?;
            let outlet = self.outlet.as_mut().expect("it was there");
            // SAFETY: handed through from the caller.
            unsafe { outlet.put_value(room, value, size) };
            outlet.writer.publish(&outlet.lane);
            self.notify();
            return Ok(self.sequence());
        }
        let Typed::Struct(agreement) = &outlet.typed else {
            return Err(self.other_kind("structs"));
        };
        if agreement.here.tail().is_some() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{} ends in a tail: it is published with that, or as bytes",
                    agreement.here.name()
                ),
            ));
        }
        let mut image = std::mem::take(&mut outlet.image);
        image.clear();
        // By name, the page's structs may have a tail that this side does not know: it is empty.
        image.resize(fixed_part(&agreement.page), 0);
        // SAFETY: handed through from the caller.
        unsafe { agreement.plan.scatter_at(value, &mut image) };
        let published = self.send(&[], &image);
        if let Some(outlet) = &mut self.outlet {
            outlet.image = image;
        }
        published
    }

    /// Publishes a struct with a tail of `count` elements, and returns its sequence.
    ///
    /// # Safety
    /// `value` points to the fixed part of this side's layout, and `tail` to `count` elements of its tail, one
    /// behind the other; their fields (not their padding) are initialised.
    ///
    /// # Errors
    /// As [`publish`](RawPublisher::publish); invalid, where this side's structs have no tail.
    pub unsafe fn publish_tail(
        &mut self,
        value: *const u8,
        tail: *const u8,
        count: usize,
    ) -> Result<u64> {
        self.shared.page.check()?;
        let outlet = self.outlet()?;
        let Typed::Struct(agreement) = &outlet.typed else {
            return Err(self.other_kind("structs"));
        };
        let agreement = agreement.clone();
        // Before there is memory for what is refused.
        self.len_with_tail(count)?;
        let Some(plan) = agreement.plan.tail() else {
            return Err(self.other_kind("structs with a tail"));
        };
        let outlet = self.outlet.as_mut().expect("it was there");
        let mut image = std::mem::take(&mut outlet.image);
        image.clear();
        image.resize(plan.page, 0);
        // SAFETY: handed through from the caller.
        unsafe { agreement.plan.scatter_at(value, &mut image) };
        // SAFETY: as above.
        let published = match unsafe { plan.as_page(tail, count) } {
            Some(elements) => self.send(&image, elements),
            None => {
                // SAFETY: as above.
                unsafe { plan.scatter(tail, count, &mut image) };
                self.send(&[], &image)
            }
        };
        if let Some(outlet) = &mut self.outlet {
            outlet.image = image;
        }
        published
    }

    /// Publishes structs that lie one behind the other, and returns how many of them: all, or as many as
    /// there was room for within the time-out.
    ///
    /// # Safety
    /// `values` points to `count` values as for [`publish`](RawPublisher::publish).
    ///
    /// # Errors
    /// As there, where not even one was published.
    pub unsafe fn publish_many(&mut self, values: *const u8, count: usize) -> Result<usize> {
        self.shared.page.check()?;
        let outlet = self.outlet()?;
        let Typed::Struct(agreement) = &outlet.typed else {
            return Err(self.other_kind("structs"));
        };
        let stride = agreement.here.size();
        let plain = outlet.plain;
        for i in 0..count {
            // SAFETY: one of the values.
            let value = unsafe { values.add(i * stride) };
            let done = if let Some(size) = plain {
                let outlet = self.outlet.as_mut().expect("it was there");
                let room = match outlet.writer.room(&outlet.lane, size) {
                    Some(room) => Ok(room),
                    None => {
                        // What was put is published before this waits, and before it is overwritten.
                        outlet.writer.publish(&outlet.lane);
                        self.notify();
                        self.wait_for_room(size)
                    }
                };
                room.map(|room| {
                    let outlet = self.outlet.as_mut().expect("it was there");
                    // SAFETY: by the contract.
                    unsafe { outlet.put_value(room, value, size) };
                })
            } else {
                // SAFETY: by the contract.
                unsafe { self.publish(value) }.map(|_| ())
            };
            match done {
                Ok(()) => {}
                Err(error) if error.is_timed_out() && i > 0 => return Ok(i),
                Err(error) => return Err(error),
            }
        }
        if plain.is_some()
            && let Some(outlet) = &mut self.outlet
        {
            outlet.writer.publish(&outlet.lane);
            self.notify();
        }
        Ok(count)
    }

    /// Bytes in the page of a message with a tail of `count` elements.
    ///
    /// # Errors
    /// Invalid, where this side's messages have no tail; too large.
    pub(crate) fn len_with_tail(&mut self, count: usize) -> Result<usize> {
        self.shared.page.check()?;
        let outlet = self.outlet()?;
        let agreement = match &outlet.typed {
            Typed::Struct(agreement) => agreement,
            _ => return Err(self.other_kind("structs with a tail")),
        };
        let Some(tail) = agreement.plan.tail() else {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{} does not end in a tail", agreement.here.name()),
            ));
        };
        let len = tail.page_len(count);
        self.check_size(len)?;
        Ok(len)
    }

    /// Publishes bytes: a message of a bytes topic, or a struct with a tail (its fixed part, then its
    /// elements) as this side lays it out, and returns its sequence.
    ///
    /// # Errors
    /// As [`publish`](RawPublisher::publish); invalid, where they are no such struct.
    pub fn publish_bytes(&mut self, bytes: &[u8]) -> Result<u64> {
        self.shared.page.check()?;
        match &self.outlet()?.typed {
            Typed::Bytes => {}
            Typed::Struct(agreement) => {
                check_tail(&agreement.here, bytes.len())?;
                if let Some(tail) = agreement.plan.tail()
                    && !tail.is_same()
                {
                    let elements = &bytes[tail.here..];
                    let count = tail.here_count(bytes.len());
                    // SAFETY: the fixed part and so many elements, as was just checked, all initialised.
                    return unsafe { self.publish_tail(bytes.as_ptr(), elements.as_ptr(), count) };
                }
                if agreement.page.tail().is_some() && agreement.plan.tail().is_none() {
                    // SAFETY: a struct of this side's layout, as was just checked, all initialised.
                    return unsafe { self.publish_slowly(bytes.as_ptr()) };
                }
                check_tail(&agreement.page, bytes.len())?;
            }
            Typed::Array => return Err(self.other_kind("bytes")),
        }
        self.send(&[], bytes)
    }

    /// Publishes an array's elements, in C order, and returns the sequence.
    ///
    /// # Errors
    /// As [`publish`](RawPublisher::publish); invalid, where type, shape and bytes contradict.
    pub fn publish_array(&mut self, array: &ArrayType, bytes: &[u8]) -> Result<u64> {
        self.shared.page.check()?;
        if !matches!(self.outlet()?.typed, Typed::Array) {
            return Err(self.other_kind("arrays"));
        }
        array.check(bytes.len())?;
        self.send(&array.encode(), bytes)
    }

    /// Memory for a message of `len` bytes (of a struct: as many as it has in the page).
    ///
    /// # Errors
    /// As [`publish`](RawPublisher::publish); full, where all there is is loaned; unsupported, where the
    /// page lays the struct out differently.
    pub fn loan(&mut self, len: usize) -> Result<RawLoan> {
        self.shared.page.check()?;
        match &self.outlet()?.typed {
            Typed::Bytes => {}
            Typed::Struct(agreement) if !agreement.plan.is_same() => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "topic \"{}\": a loan needs the page's own layout; publish copies between layouts",
                        self.shared.page.locator()
                    ),
                ));
            }
            Typed::Struct(agreement) if agreement.page.tail().is_some() => {
                let agreement = agreement.clone();
                self.check_size(len)?;
                check_tail(&agreement.page, len)?;
            }
            Typed::Struct(agreement) => check_tail(&agreement.page, len)?,
            Typed::Array => return Err(self.other_kind("bytes")),
        }
        self.loan_whole(0, len)
    }

    /// Memory for an array's elements.
    ///
    /// # Errors
    /// As [`loan`](RawPublisher::loan).
    pub fn loan_array(&mut self, array: &ArrayType) -> Result<RawLoan> {
        self.shared.page.check()?;
        if !matches!(self.outlet()?.typed, Typed::Array) {
            return Err(self.other_kind("arrays"));
        }
        let len = array.size()?;
        let head = array.encode();
        let loan = self.loan_whole(head.len(), len)?;
        // SAFETY: the loan has `head.len()` bytes before its start, and is ours.
        unsafe {
            loan.ptr
                .sub(head.len())
                .copy_from_nonoverlapping(head.as_ptr(), head.len());
        };
        Ok(loan)
    }

    fn loan_whole(&mut self, start: usize, len: usize) -> Result<RawLoan> {
        let whole = start.saturating_add(len);
        self.check_size(whole)?;
        let outlet = self.outlet.as_ref().expect("it was there");
        if whole as u64 > outlet.decided.capacity {
            return Err(self.beyond_capacity(whole, "a loan is never sent in fragments"));
        }
        let (loaned, base) = self.chunk(whole)?;
        Ok(RawLoan {
            from: Some(Holding::new(self.shared.clone())),
            loaned,
            whole,
            start,
            // SAFETY: inside of the chunk.
            ptr: unsafe { base.add(start) },
        })
    }

    /// Publishes what was loaned, and returns its sequence.
    ///
    /// # Errors
    /// As [`publish`](RawPublisher::publish); the loan is given back then. Invalid, where it is another
    /// publisher's.
    pub fn commit(&mut self, mut loan: RawLoan) -> Result<u64> {
        self.shared.page.check()?;
        let is_mine = |from: &Holding| Arc::ptr_eq(&from.0, &self.shared);
        if !loan.from.as_ref().is_some_and(is_mine) {
            return Err(not_loaned(self.shared.page.locator()));
        }
        let _until_published = loan.from.take();
        let Some(outlet) = &mut self.outlet else {
            return Err(not_loaned(self.shared.page.locator()));
        };
        // SAFETY: the chunk has `whole` bytes from here on.
        let base = unsafe { loan.ptr.sub(loan.start) };
        if let Typed::Struct(agreement) = &outlet.typed
            && let Some(tail) = agreement.plan.tail()
        {
            // SAFETY: the chunk's bytes, which are ours until it is published; a loan is only had where both
            // sides are the same.
            let bytes = unsafe { std::slice::from_raw_parts_mut(base, loan.whole) };
            tail.clear_padding(&agreement.plan, bytes);
        } else if let Typed::Struct(agreement) = &outlet.typed {
            // SAFETY: the chunk is mapped, aligned to 64, a multiple of 64 long, and ours.
            let words = unsafe { Words::new(base, loan.whole.next_multiple_of(8)) };
            let mut done = 0;
            for block in agreement.plan.words() {
                words.clear_padding(block.page, block.ops, &mut done);
            }
            words.zero(done, words.len() - done);
        }
        let sum = outlet.decided.checksum.then(|| {
            // SAFETY: the chunk's bytes, which are ours until it is published.
            let bytes = unsafe { std::slice::from_raw_parts(base, loan.whole) };
            digest(outlet.next_sequence(), &[bytes])
        });
        self.refer(&loan.loaned, loan.whole, kind::REF, sum)
    }

    /// Gives a loan back: nothing happened.
    pub fn discard(&mut self, loan: RawLoan) {
        drop(loan);
        // Of a publisher that is closed the lane may be another one's.
        if let Some(outlet) = &mut self.outlet
            && self.shared.page.is_open()
        {
            outlet.take_back(&self.shared);
        }
    }

    fn check_size(&self, len: usize) -> Result<()> {
        let outlet = self.outlet.as_ref().expect("callers have one");
        let max = outlet.decided.max_message;
        if len as u64 > max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "topic \"{}\": a message of {len} bytes; max_message is {max}",
                    self.shared.page.locator()
                ),
            ));
        }
        if len as u64 > outlet.decided.capacity && !outlet.decided.blocks() {
            return Err(self.beyond_capacity(len, "in overwrite it has to fit"));
        }
        Ok(())
    }

    #[cold]
    fn beyond_capacity(&self, len: usize, why: &str) -> Error {
        let capacity = self
            .outlet
            .as_ref()
            .map_or(0, |outlet| outlet.decided.capacity);
        Error::new(
            ErrorKind::TooLarge,
            format!(
                "topic \"{}\": a message of {len} bytes; the capacity of a publisher is {capacity} bytes, and {why}",
                self.shared.page.locator()
            ),
        )
        .with_hint("the first participant decides: capacity(n); or policy \"block\", which sends such messages in fragments")
    }

    /// Publishes `head` and `body` as one message, by copying them.
    fn send(&mut self, head: &[u8], body: &[u8]) -> Result<u64> {
        let len = head.len() + body.len();
        self.check_size(len)?;
        let outlet = self.outlet.as_mut().expect("callers have one");
        let sum = outlet
            .decided
            .checksum
            .then(|| digest(outlet.next_sequence(), &[head, body]));
        if len <= outlet.max_inline {
            let room = match outlet.writer.room(&outlet.lane, len) {
                Some(room) => room,
                None => self.wait_for_room(len)?,
            };
            let outlet = self.outlet.as_mut().expect("it was there");
            outlet.put_parts(room, kind::DATA, sum, &[head, body]);
            outlet.writer.publish(&outlet.lane);
            self.notify();
            return Ok(self.sequence());
        }
        if len as u64 <= outlet.decided.capacity {
            let (loaned, base) = self.chunk(len)?;
            // SAFETY: the chunk has `len` bytes, and is ours.
            unsafe { copy_parts(base, &[head, body]) };
            return self.refer(&loaned, len, kind::REF, sum);
        }
        self.send_fragments(head, body, sum)
    }

    /// Sends a message that is larger than the capacity, in `block`.
    fn send_fragments(&mut self, head: &[u8], body: &[u8], sum: Option<u64>) -> Result<u64> {
        let outlet = self.outlet.as_ref().expect("callers have one");
        // Several at a time, so that the subscriber copies one while the next is filled.
        let piece =
            (outlet.decided.capacity as usize / 4).clamp(outlet.max_inline.min(1024), 1 << 24);
        let whole = head.len() + body.len();
        let mut at = 0;
        while at < whole {
            let len = piece.min(whole - at);
            let more = if at + len < whole { kind::MORE } else { 0 };
            let continues = if at > 0 { kind::CONTINUES } else { 0 };
            let from_head = head.get(at..head.len().min(at + len)).unwrap_or(&[]);
            let body_at = (at + from_head.len()) - head.len();
            let parts = [from_head, &body[body_at..body_at + len - from_head.len()]];
            let sent = self.send_fragment(&parts, len, more | continues, sum);
            if let Err(error) = sent {
                if at > 0 {
                    self.give_up();
                }
                return Err(error);
            }
            at += len;
        }
        Ok(self.sequence())
    }

    fn send_fragment(
        &mut self,
        parts: &[&[u8]],
        len: usize,
        flags: u8,
        sum: Option<u64>,
    ) -> Result<()> {
        let outlet = self.outlet.as_mut().expect("callers have one");
        if len > outlet.max_inline {
            let (loaned, base) = self.chunk(len)?;
            // SAFETY: the chunk has `len` bytes, and is ours.
            unsafe { copy_parts(base, parts) };
            return self.refer(&loaned, len, kind::REF | flags, sum).map(|_| ());
        }
        let room = self.room(len)?;
        let outlet = self.outlet.as_mut().expect("it was there");
        outlet.put_parts(room, kind::DATA | flags, sum, parts);
        outlet.writer.publish(&outlet.lane);
        self.notify();
        Ok(())
    }

    /// Says that no more fragments come, where there is room to say it; otherwise the next message does.
    fn give_up(&mut self) {
        let timeout = self.options.timeout.replace(Duration::ZERO);
        if let Ok(room) = self.room(0) {
            let outlet = self.outlet.as_mut().expect("callers have one");
            outlet.put_parts(room, kind::GIVEN_UP, Some(0), &[]);
            outlet.writer.publish(&outlet.lane);
            self.notify();
        }
        self.options.timeout = timeout;
    }

    fn room(&mut self, len: usize) -> Result<Room> {
        let outlet = self.outlet.as_ref().expect("callers have one");
        match outlet.writer.room(&outlet.lane, len) {
            Some(room) => Ok(room),
            None => self.wait_for_room(len),
        }
    }

    /// Publishes a record that refers to a chunk, which is given back if there is no room for it.
    fn refer(&mut self, loaned: &Loaned, len: usize, kind: u8, sum: Option<u64>) -> Result<u64> {
        let room = self.room(REFERENCE);
        let outlet = self.outlet.as_mut().expect("callers have one");
        let room = match room {
            Ok(room) => room,
            Err(error) => {
                outlet.pool.discard(&outlet.lane, loaned);
                return Err(error);
            }
        };
        let position = outlet.writer.position_in(&room);
        if !outlet.pool.publish(&outlet.lane, loaned, position) {
            return Err(not_loaned(self.shared.page.locator()));
        }
        let reference = [
            (loaned.chunk as u64) << 32 | u64::from(loaned.generation),
            loaned.offset,
            len as u64,
        ];
        outlet.put_words(room, kind, sum, &reference);
        outlet.writer.publish(&outlet.lane);
        self.notify();
        Ok(self.sequence())
    }

    #[inline(always)]
    fn notify(&self) {
        let shared = &self.shared;
        shared
            .board()
            .messages()
            .notify_all_lightly(shared.page.alarm());
    }

    /// How structs lie on both sides.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        match &self.outlet.as_ref()?.typed {
            Typed::Struct(agreement) => Some(&agreement.plan),
            _ => None,
        }
    }

    /// Of the last message.
    #[inline(always)]
    fn sequence(&self) -> u64 {
        let outlet = self.outlet.as_ref().expect("callers have one");
        outlet.writer.count() - outlet.first
    }

    /// Finds room in the ring, where there is none at once: moves the limit, and in `block` waits for the
    /// slowest subscriber.
    #[cold]
    fn wait_for_room(&mut self, len: usize) -> Result<Room> {
        let shared = self.shared.clone();
        self.wait(|outlet| {
            let rows = || shared.board().subscribers_end().load(Ordering::Relaxed) as usize;
            let blocks = outlet.decided.blocks();
            let rows: Option<&dyn Fn() -> usize> = if blocks { Some(&rows) } else { None };
            if !outlet.writer.make_room(&outlet.lane, len, rows) {
                return Ok(None);
            }
            Ok(outlet.writer.room(&outlet.lane, len))
        })
    }

    /// Finds a chunk.
    fn chunk(&mut self, len: usize) -> Result<(Loaned, *mut u8)> {
        let shared = self.shared.clone();
        let taken = self.wait(|outlet| outlet.take_chunk(&shared, len));
        let loaned = taken?;
        let outlet = self.outlet.as_mut().expect("callers have one");
        match outlet.address(&loaned, len) {
            Some(base) => Ok((loaned, base)),
            None => {
                outlet.pool.discard(&outlet.lane, &loaned);
                Err(self.shared.page.corrupt("a chunk lies outside of its pool"))
            }
        }
    }

    /// Calls `look` until it finds something, for as long as the time-out says.
    fn wait<R>(&mut self, mut look: impl FnMut(&mut Outlet) -> Result<Option<R>>) -> Result<R> {
        let outlet = self.outlet.as_mut().expect("callers have one");
        if let Some(found) = look(outlet)? {
            return Ok(found);
        }
        let shared = self.shared.clone();
        let check = &mut self.check;
        let mut next_check = Instant::now();
        let mut next_probe = next_check;
        let deadline = deadline_of(self.options.timeout);
        let sleep = Sleep::OnLight(shared.board().space(), shared.page.alarm());
        let mut looked = |outlet: &mut Outlet| -> Result<Option<R>> {
            shared.page.check()?;
            let now = Instant::now();
            if now >= next_probe {
                // Proof of death is looked for only here, where somebody stalls us.
                outlet.evict_the_dead(&shared);
                next_probe = now + Duration::from_millis(100);
            }
            if let Some(check) = check
                && now >= next_check
            {
                check()?;
                next_check = now + Duration::from_millis(50);
            }
            look(outlet)
        };
        // Sleeps of at most 50 ms, so that `check` gets its turn.
        loop {
            let slice = Instant::now() + Duration::from_millis(50);
            let until = deadline.map_or(slice, |deadline| deadline.min(slice));
            if let Some(found) = wait::until(sleep, Some(until), || looked(outlet))? {
                return Ok(found);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(outlet.held_up(&shared));
            }
        }
    }

    /// Returns once a message of `len` bytes can be published without waiting: only this publisher fills its
    /// lane. Messages in fragments wait all the same.
    #[cfg(feature = "tokio")]
    pub(crate) async fn room_async(&mut self, len: usize, timeout: Option<Duration>) -> Result<()> {
        self.shared.page.check()?;
        let outlet = self.outlet()?;
        if !outlet.decided.blocks() || len as u64 > outlet.decided.capacity {
            return Ok(());
        }
        let shared = self.shared.clone();
        let outlet = self.outlet.as_mut().expect("it was there");
        let anchor = shared.page.anchor();
        let sleep = SleepAsync::OnLight(shared.board().space(), &anchor);
        let mut next_probe = Instant::now();
        let found = wait::until_async(sleep, deadline_of(timeout), || {
            shared.page.check()?;
            if outlet.has_room(&shared, len)? {
                return Ok(Some(()));
            }
            let now = Instant::now();
            if now >= next_probe {
                outlet.evict_the_dead(&shared);
                next_probe = now + Duration::from_millis(100);
            }
            Ok::<_, Error>(None)
        });
        match found.await? {
            Some(()) => Ok(()),
            None => Err(outlet.held_up(&shared)),
        }
    }

    /// How many subscribers are attached and live.
    pub fn subscribers(&self) -> usize {
        self.control().others()
    }

    /// Waits until there are at least `n` subscribers, and says how many.
    ///
    /// # Errors
    /// Timed out; closed, replaced, forked.
    pub fn wait_subscribers(&self, n: usize, timeout: Option<Duration>) -> Result<usize> {
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

    /// Detaches; further calls are [`ErrorKind::Closed`]. What was published can still be received, and
    /// memory that is loaned stays mapped until the publisher is dropped.
    pub fn close(&mut self) {
        self.shared.leave();
    }
}

fn not_loaned(locator: &Locator) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("topic \"{locator}\": this is not a loan of this publisher"),
    )
}

/// Whether a struct can have so many bytes.
pub(super) fn check_tail(layout: &StructType, len: usize) -> Result<()> {
    let fits = match layout.tail() {
        None => len == layout.size(),
        Some(element) => {
            let start = fixed_part(layout);
            len >= start && (len - start).is_multiple_of(element.size())
        }
    };
    match fits {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Invalid,
            match layout.tail() {
                None => format!(
                    "{len} bytes are no {} ({} bytes)",
                    layout.name(),
                    layout.size()
                ),
                Some(element) => format!(
                    "{len} bytes are no {}: it has {} bytes, and {} for each element of its tail",
                    layout.name(),
                    fixed_part(layout),
                    element.size()
                ),
            },
        )),
    }
}

/// Bytes of a message with an empty tail, or of a struct that has none.
fn fixed_part(layout: &StructType) -> usize {
    match layout.tail() {
        None => layout.size(),
        Some(_) => layout.fields().last().map_or(0, |tail| tail.offset),
    }
}

/// # Safety
/// `to` is valid for writing as many bytes as the parts have.
unsafe fn copy_parts(to: *mut u8, parts: &[&[u8]]) {
    let mut at = 0;
    for part in parts {
        // SAFETY: by the contract.
        unsafe {
            to.add(at)
                .copy_from_nonoverlapping(part.as_ptr(), part.len())
        };
        at += part.len();
    }
}

/// XXH3-64 over the sequence and the length (both as u64, little-endian) and the bytes.
pub(super) fn digest(sequence: u64, parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&sequence.to_le_bytes());
    let len: usize = parts.iter().map(|part| part.len()).sum();
    hash.update(&(len as u64).to_le_bytes());
    for part in parts {
        hash.update(part);
    }
    hash.digest()
}

impl Outlet {
    /// Takes over a lane that has no publisher, or makes one. Under the registration lock.
    fn take(shared: &Shared, typed: Typed, decided: Decided) -> Result<Outlet> {
        let board = shared.board();
        let damaged = |damage: Damaged| shared.page.corrupt(damage.0);
        let mut found = None;
        for number in 0..board.extent_count() {
            if board.extent(number)?.what != What::Lane {
                continue;
            }
            let (lane, mapping) = lane(shared, number, &decided)?;
            if lane.owner().load(Ordering::Relaxed) == 0 {
                found = Some((number, lane, mapping));
                break;
            }
        }
        let (number, lane, mapping) = match found {
            Some(found) => found,
            None => {
                let size = decided.geometry.size() as u64;
                let number = board.append_with(What::Lane, None, size, &|mapping| {
                    prepare(shared, mapping, &decided);
                })?;
                let (lane, mapping) = lane(shared, number, &decided)?;
                (number, lane, mapping)
            }
        };
        let epoch = lane.epoch().load(Ordering::Relaxed).wrapping_add(1);
        lane.epoch().store(epoch, Ordering::Relaxed);
        let writer = Writer::resume(&lane, decided.extras()).map_err(damaged)?;
        let me = shared.me;
        let signature = u64::from(std::process::id()) << 32
            | u64::from(me.generation as u16) << 16
            | u64::from(me.index);
        lane.name_publisher(epoch, writer.count(), signature);
        let owner = u64::from(me.generation) << 16 | u64::from(me.index + 1);
        lane.owner().store(owner, Ordering::Release);
        let mut memory = Vec::new();
        for other in 0..board.extent_count() {
            let extent = board.extent(other)?;
            if extent.what == What::Pool && extent.lane == number {
                memory.push(shared.maps.get(&board, other)?);
            }
        }
        let ranges: Vec<Range> = memory.iter().map(|(range, _)| *range).collect();
        let rows = board.subscribers_end().load(Ordering::Relaxed) as usize;
        let pool = Pool::recover(&lane, &ranges, rows, writer.position()).map_err(damaged)?;
        let plain = match &typed {
            Typed::Struct(agreement)
                if agreement.page.tail().is_none()
                    && agreement.plan.is_direct()
                    && !decided.checksum
                    && agreement.page.size() <= decided.max_inline() =>
            {
                Some(agreement.page.size())
            }
            _ => None,
        };
        Ok(Outlet {
            lane,
            plain,
            number,
            _mapping: mapping,
            first: writer.count(),
            writer,
            pool,
            memory,
            typed,
            extras: decided.extras(),
            max_inline: decided.max_inline(),
            decided,
            image: Vec::new(),
        })
    }

    fn next_sequence(&self) -> u64 {
        self.writer.count() + 1 - self.first
    }

    /// The words beside a payload.
    #[inline(always)]
    fn extras(&self, sum: Option<u64>) -> [u64; 2] {
        match (self.decided.send_time, self.decided.checksum) {
            (false, false) => [0, 0],
            (true, _) => [liveness::realtime_ns(), sum.unwrap_or(0)],
            (false, true) => [sum.unwrap_or(0), 0],
        }
    }

    /// # Safety
    /// `value` is as for [`RawPublisher::publish`], and the plan is direct.
    #[inline(always)]
    unsafe fn put_value(&mut self, room: Room, value: *const u8, size: usize) {
        let extras = self.extras(None);
        let Typed::Struct(agreement) = &self.typed else {
            return;
        };
        let plan = &agreement.plan;
        let extras = &extras[..self.extras];
        self.writer
            .put(&self.lane, room, kind::DATA, size, extras, |words| {
                if let Some(ops) = plan.straight_words() {
                    // SAFETY: the operations name data bytes of the layout, which `value` has.
                    unsafe { words.write(value, 0, ops) };
                } else {
                    for block in plan.words() {
                        // SAFETY: as above.
                        unsafe { words.write(value, block.page, block.ops) };
                    }
                }
            });
    }

    fn put_parts(&mut self, room: Room, kind: u8, sum: Option<u64>, parts: &[&[u8]]) {
        let extras = self.extras(sum);
        let len = parts.iter().map(|part| part.len()).sum();
        self.writer.put(
            &self.lane,
            room,
            kind,
            len,
            &extras[..self.extras],
            |words| {
                let mut at = 0;
                for part in parts {
                    // SAFETY: nobody but this publisher writes to its ring.
                    unsafe { words.write_bytes(at, part, at) };
                    at += part.len();
                }
            },
        );
    }

    fn put_words(&mut self, room: Room, kind: u8, sum: Option<u64>, payload: &[u64; 3]) {
        let extras = self.extras(sum);
        self.writer.put(
            &self.lane,
            room,
            kind,
            REFERENCE,
            &extras[..self.extras],
            |words| {
                let whole = [WordOp::Bulk {
                    offset: 0,
                    len: REFERENCE,
                }];
                // SAFETY: `payload` has as many bytes.
                unsafe { words.write(payload.as_ptr().cast(), 0, &whole) };
            },
        );
    }

    /// Loans that were dropped.
    fn take_back(&mut self, shared: &Shared) {
        // A load costs nothing; the swap waits for all stores before it.
        if !shared.any_dropped.load(Ordering::Relaxed)
            || !shared.any_dropped.swap(false, Ordering::Relaxed)
        {
            return;
        }
        let mut dropped = shared
            .dropped
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for loaned in dropped.drain(..) {
            self.pool.discard(&self.lane, &loaned);
        }
    }

    fn take_chunk(&mut self, shared: &Shared, len: usize) -> Result<Option<Loaned>> {
        self.take_back(shared);
        let board = shared.board();
        let rows = || board.subscribers_end().load(Ordering::Relaxed) as usize;
        let blocks = self.decided.blocks();
        let consumed = match blocks {
            true => ring::consumed(&self.lane, rows),
            false => u64::MAX,
        };
        self.ask_for_oldest(rows());
        let mut budget = self.decided.capacity;
        let mut swept = false;
        loop {
            let taken = self.pool.take(&self.lane, len, budget, consumed, &rows);
            match taken {
                Take::Chunk(loaned) => return Ok(Some(loaned)),
                Take::Grow(more) => {
                    if let Err(error) = self.grow(shared, more) {
                        // Older messages have to do, as if the capacity were what there is.
                        if !error.is_no_space() || self.pool.bytes() == 0 {
                            return Err(error);
                        }
                        budget = self.pool.bytes();
                    }
                }
                Take::Full if !self.pool.is_long_enough(len) && !self.pool.is_out_of_chunks() => {
                    // It grew in pieces, and a message does not go over two of them.
                    self.grow(shared, self.decided.capacity)?;
                }
                Take::Full if blocks => return Ok(None),
                Take::Full if !swept => {
                    // Some of what is held may be the dead's.
                    self.evict_the_dead(shared);
                    swept = true;
                }
                Take::Full => {
                    // What subscribers hold comes on top of the capacity: `max_held` bounds it.
                    let most = self.most_held(rows());
                    if self.pool.is_out_of_chunks()
                        || self.pool.bytes() >= self.decided.capacity.saturating_add(most)
                    {
                        return Err(Error::new(
                            ErrorKind::Full,
                            format!(
                                "topic \"{}\": all memory of this publisher is loaned or held",
                                shared.page.locator()
                            ),
                        )
                        .with_hint(
                            "commit or drop loans; subscribers hold what they have not dropped",
                        ));
                    }
                    budget = self.pool.bytes()
                        + (len as u64)
                            .next_multiple_of(super::pool::ALIGN)
                            .max(super::pool::ALIGN);
                }
            }
        }
    }

    /// The oldest message's chunk is the next to be taken, and its word, its first bytes and the subscribers'
    /// marks are likely to be at other processors: asks for all of them at once.
    fn ask_for_oldest(&self, rows: usize) {
        /// More lines than so many at a time are not fetched any sooner.
        const MOST: usize = 8;
        let Some((chunk, range)) = self.pool.oldest() else {
            return;
        };
        prefetch_to_write(std::ptr::from_ref(&self.lane.chunks()[chunk]));
        for row in 0..rows.min(self.decided.geometry.participants).min(MOST) {
            prefetch_to_read(self.lane.row(row).held.as_ptr());
        }
        if let Some(base) = self.find(range.offset, 1) {
            prefetch_to_write(base);
        }
    }

    /// Bytes that subscribers can hold at most.
    fn most_held(&self, rows: usize) -> u64 {
        let each = self.decided.max_message.min(self.decided.capacity);
        // What the page says of rows may be anything.
        let rows = rows.min(self.decided.geometry.participants);
        let chunks = (rows * self.decided.geometry.held) as u64;
        chunks.saturating_mul(each)
    }

    fn grow(&mut self, shared: &Shared, more: u64) -> Result<()> {
        let board = shared.board();
        let number = {
            let _registration = shared.page.register(deadline_of(Some(Duration::ZERO)))?;
            board.append(What::Pool, Some(self.number), more)?
        };
        let (range, mapping) = shared.maps.get(&board, number)?;
        self.memory.push((range, mapping));
        self.pool.grow(Range {
            offset: range.offset,
            len: more.next_multiple_of(super::pool::ALIGN),
        });
        Ok(())
    }

    /// Whether a message of `len` bytes finds room, with its chunk if it needs one.
    #[cfg(feature = "tokio")]
    fn has_room(&mut self, shared: &Shared, len: usize) -> Result<bool> {
        let mut inline = len;
        if len > self.max_inline {
            inline = REFERENCE;
            match self.take_chunk(shared, len)? {
                Some(loaned) => self.pool.discard(&self.lane, &loaned),
                None => return Ok(false),
            }
        }
        if self.writer.room(&self.lane, inline).is_some() {
            return Ok(true);
        }
        let rows = || shared.board().subscribers_end().load(Ordering::Relaxed) as usize;
        Ok(self.writer.make_room(&self.lane, inline, Some(&rows)))
    }

    /// Where a chunk is mapped.
    fn address(&self, loaned: &Loaned, len: usize) -> Option<*mut u8> {
        self.find(loaned.offset, len)
    }

    /// Where these bytes of the pools are mapped.
    fn find(&self, offset: u64, len: usize) -> Option<*mut u8> {
        self.memory.iter().find_map(|(range, mapping)| {
            let at = offset.checked_sub(range.offset)?;
            let inside = at <= range.len && len as u64 <= range.len - at;
            // SAFETY: inside of the mapping, which has the range's length.
            inside.then(|| unsafe { mapping.at(at as usize) })
        })
    }

    /// Subscribers that hold this publisher up.
    fn stalling(&self, shared: &Shared) -> Vec<u16> {
        let slowest = ring::slowest(
            &self.lane,
            shared.board().subscribers_end().load(Ordering::Relaxed) as usize,
        );
        let table = shared.page.table();
        table
            .entries()
            .filter(|entry| {
                let row = self.lane.row(usize::from(entry.index));
                let cursor = row.cursor.load(Ordering::Relaxed);
                let holds = row
                    .held
                    .iter()
                    .any(|held| held.load(Ordering::Relaxed) != 0);
                entry.role == SUBSCRIBER && (cursor != NOT_ATTACHED && cursor == slowest || holds)
            })
            .map(|entry| entry.index)
            .collect()
    }

    fn evict_the_dead(&self, shared: &Shared) {
        let stalling = self.stalling(shared);
        if stalling.iter().any(|&index| !shared.page.is_alive(index)) {
            // Where the lock is not to be had, the next look tries again.
            let _ = shared.page.sweep_now();
        }
    }

    #[cold]
    fn held_up(&self, shared: &Shared) -> Error {
        let stalling = self.stalling(shared);
        let table = shared.page.table();
        let names: Vec<String> = stalling
            .iter()
            .filter_map(|&index| table.entry(index))
            .map(|entry| {
                let row = self.lane.row(usize::from(entry.index));
                let count = row.count.load(Ordering::Relaxed);
                format!(
                    "subscriber pid {} ({}), {} messages behind",
                    entry.pid,
                    crate::page::Language::name_of(entry.language),
                    self.writer.count().saturating_sub(count)
                )
            })
            .collect();
        let who = match names.is_empty() {
            true => "there is no room".to_owned(),
            false => format!("held up by {}", names.join(", ")),
        };
        Error::new(
            ErrorKind::TimedOut,
            format!("timed out: topic \"{}\": {who}", shared.page.locator()),
        )
        .with_hint("a subscriber that lives, even a stopped one, is waited for; a larger capacity lasts longer")
    }
}

/// A lane that this handle keeps mapped.
pub(super) fn lane(
    shared: &Shared,
    number: usize,
    decided: &Decided,
) -> Result<(Lane, Arc<Mapping>)> {
    let board = shared.board();
    let (range, mapping) = shared.maps.get(&board, number)?;
    if range.len < decided.geometry.size() as u64 {
        return Err(shared
            .page
            .corrupt(format_args!("its lane {number} is too short")));
    }
    // SAFETY: the mapping has the lane's size, just checked, and begins at a multiple of 4096; who uses the
    // lane keeps the mapping.
    let lane = unsafe { Lane::new(mapping.as_ptr(), decided.geometry) };
    Ok((lane, mapping))
}

/// Gives a new lane its rows: who is attached gets all of it from the start, and is waited for, also where it
/// is in the table but has not come to its lanes yet.
fn prepare(shared: &Shared, mapping: &Mapping, decided: &Decided) {
    // SAFETY: the extent was just made of the lane's size, and the caller keeps the mapping.
    let lane = unsafe { Lane::new(mapping.as_ptr(), decided.geometry) };
    for index in 0..decided.geometry.participants {
        let attached = shared
            .page
            .table()
            .entry(index as u16)
            .is_some_and(|entry| entry.role == SUBSCRIBER);
        if attached {
            shared.board().admit(index);
        }
        let cursor = if attached { 0 } else { NOT_ATTACHED };
        lane.row(index).cursor.store(cursor, Ordering::Relaxed);
    }
}

impl Drop for RawPublisher {
    fn drop(&mut self) {
        self.shared.leave();
    }
}
