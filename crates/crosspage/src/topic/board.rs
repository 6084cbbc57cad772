//! The first part of a topic's page: what its participants have agreed on, and where its lanes are.
//!
//! Nothing of it is known when the page is made: a subscriber may come first, and say nothing. So each
//! option, and the type, is a word that is 0 until the first who states it decides it, once. All of it
//! changes under the registration lock only.

use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::chunks;
use super::lane::{Geometry, Lane, NOT_ATTACHED, SEGMENTS};
use super::options::{Kind, Options, Policy};
use super::pool::Range;
use super::ring;
use crate::atomic::{AtomicU64, Ordering, Words};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Match, StructType, WordOp, compare};
use crate::page::extents::EXTENT;
use crate::page::header::Facts;
use crate::page::known::{self, Agreement, Verdict};
use crate::page::{Language, Lifetime, Page, Pattern};
use crate::segment::Mapping;
use crate::wait::WaitWord;

pub(crate) const PUBLISHER: u8 = 1;
pub(crate) const SUBSCRIBER: u8 = 2;

pub(crate) static PATTERN: Pattern = Pattern {
    id: 2,
    name: "topic",
    roles: &["publisher", "subscriber"],
    lifetime: Lifetime::WhileUsed,
    has_layout: false,
    check,
    limit: |_, _| None,
    heal,
    recover,
};

/// Bytes of the area.
pub(crate) const AREA: u64 = 8192;
/// Extents end at multiples of this, too.
const GRAIN: u64 = EXTENT;
/// The largest message in `block`, in bytes.
const MAX_MESSAGE: u64 = 1 << 30;
/// The most bytes that a publisher keeps.
const MAX_CAPACITY: u64 = 1 << 36;
/// The largest ring of a publisher whose messages are small structs.
const MAX_RING: u64 = 1 << 30;
const MIN_RING: u64 = 4096;
const DEFAULT_RING: u64 = 256 << 10;
const DEFAULT_CAPACITY: u64 = 16 << 20;
/// What is larger lies in a chunk: copying it twice costs more than holding it.
const MAX_INLINE: usize = 4096;
const MAX_HELD: u64 = 1024;
const DEFAULT_HELD: u64 = 8;
const MAX_HISTORY: u64 = 1 << 20;

/// Where the words are.
mod at {
    /// The options, in the order of [`super::OPTIONS`]: the value plus one, or 0.
    pub(super) const OPTIONS: usize = 0;
    /// `length << 8 | kind` of the type; 0: nobody has declared it.
    pub(super) const TYPE: usize = 128;
    /// `language << 32 | pid` of who declared it.
    pub(super) const DECLARER: usize = 136;
    /// XXH3-64 of the descriptor.
    pub(super) const TYPE_SUM: usize = 144;
    pub(super) const EXTENT_COUNT: usize = 256;
    /// One more than the highest index of a subscriber so far.
    pub(super) const SUBSCRIBERS_END: usize = 264;
    pub(super) const MESSAGES: usize = 384;
    pub(super) const SPACE: usize = 512;
    pub(super) const CHANGES: usize = 640;
    /// 16 bytes each: offset in the file, then `len / GRAIN << 32 | lane << 8 | what`.
    pub(super) const EXTENTS: usize = 1024;
    /// The descriptor of a type that fits.
    pub(super) const DESCRIPTOR: usize = 4096;
}

const MAX_EXTENTS: usize = (at::DESCRIPTOR - at::EXTENTS) / 16;
const MAX_DESCRIPTOR: u64 = 1 << 20;

/// Names of the options, in the order of their words.
const OPTIONS: [&str; 7] = [
    "policy",
    "capacity",
    "max_message",
    "max_held",
    "history",
    "send_time",
    "checksum",
];

/// What an extent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Lane = 1,
    Pool = 2,
    Descriptor = 3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) what: What,
    /// Of which lane it is, by the number of the lane's own extent.
    pub(crate) lane: usize,
    pub(crate) range: Range,
}

fn check(facts: &Facts, _: Option<&StructType>) -> Result<(), String> {
    if facts.area.len != AREA {
        return Err(format!("an area of {} bytes", facts.area.len));
    }
    if facts.parameters.iter().any(|&n| n != 0) {
        return Err("parameters that version 1 does not have".into());
    }
    Ok(())
}

/// What a participant left: its rows, its marks, its lane. Nothing in a ring needs healing.
fn heal(page: &Page, index: u16) {
    let board = Board::of(page);
    let Ok(Some(decided)) = board.decided() else {
        return; // There are no lanes yet.
    };
    for number in 0..board.extent_count() {
        let Ok(Some((lane, _mapping))) = board.lane(number, &decided) else {
            continue;
        };
        ring::detach(&lane, usize::from(index));
        chunks::release_all(&lane, usize::from(index));
        let owner = lane.owner();
        if owner.load(Ordering::Relaxed) as u16 == index + 1 {
            owner.store(0, Ordering::Release);
        }
    }
    board.word_of(at::SPACE).wake_all(page.alarm());
    board.word_of(at::CHANGES).wake_all(page.alarm());
}

/// Which records of a ring have reached the disk before the restart is not known: they are dropped.
fn recover(page: &Page) {
    let board = Board::of(page);
    let Ok(Some(decided)) = board.decided() else {
        return;
    };
    for number in 0..board.extent_count() {
        let Ok(Some((lane, _mapping))) = board.lane(number, &decided) else {
            continue;
        };
        let zero = |word: &AtomicU64| word.store(0, Ordering::Relaxed);
        for index in 0..lane.geometry().participants {
            let row = lane.row(index);
            row.cursor.store(NOT_ATTACHED, Ordering::Relaxed);
            row.held.iter().for_each(zero);
        }
        for chunk in lane.chunks() {
            zero(&chunk.word);
        }
        for mark in lane.marks() {
            zero(&mark.position);
            zero(&mark.count);
        }
        for word in [lane.tail(), lane.limit(), lane.count(), lane.owner()] {
            zero(word);
        }
        // The next header.
        zero(lane.ring().at(0));
    }
}

/// The words of the page's area.
#[derive(Clone, Copy)]
pub(crate) struct Board<'a> {
    page: &'a Page,
    words: Words<'a>,
}

/// What publishers and subscribers agree on, once the first publisher has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) policy: Policy,
    pub(crate) capacity: u64,
    pub(crate) max_message: u64,
    pub(crate) max_held: usize,
    pub(crate) history: usize,
    pub(crate) send_time: bool,
    pub(crate) checksum: bool,
    pub(crate) geometry: Geometry,
}

impl Decided {
    pub(crate) fn blocks(&self) -> bool {
        self.policy == Policy::Block
    }

    /// Words beside each payload.
    pub(crate) fn extras(&self) -> usize {
        usize::from(self.send_time) + usize::from(self.checksum)
    }

    /// The longest payload that lies in the ring.
    pub(crate) fn max_inline(&self) -> usize {
        let step = self.geometry.step() as usize;
        MAX_INLINE.min(step - ring::HEADER - 8 * self.extras())
    }
}

/// What a page's messages are, and what they are here.
#[derive(Debug, Clone)]
pub(crate) enum Typed {
    Struct(Agreement),
    Bytes,
    Array,
}

impl Typed {
    pub(crate) fn here(&self) -> Kind {
        match self {
            Typed::Struct(agreement) => Kind::Struct(agreement.here.clone()),
            Typed::Bytes => Kind::Bytes,
            Typed::Array => Kind::Array,
        }
    }

    /// The alignment of what is received.
    pub(crate) fn align(&self) -> usize {
        match self {
            Typed::Struct(agreement) => agreement.here.align(),
            Typed::Bytes => 1,
            Typed::Array => 64,
        }
    }

    fn page(&self) -> Kind {
        match self {
            Typed::Struct(agreement) => Kind::Struct(agreement.page.clone()),
            Typed::Bytes => Kind::Bytes,
            Typed::Array => Kind::Array,
        }
    }
}

/// Bytes of every message of this kind, if they all have as many.
fn fixed_size(kind: &Kind) -> Option<u64> {
    match kind {
        Kind::Struct(layout) if layout.tail().is_none() => Some(layout.size() as u64),
        _ => None,
    }
}

const _: () = assert!(AREA as usize == at::DESCRIPTOR + 4096);

impl<'a> Board<'a> {
    pub(crate) fn of(page: &'a Page) -> Board<'a> {
        let (base, len) = page.area();
        // SAFETY: the area is inside of the page's mapping, which lives as long as `page`; `check` found
        // its length to be AREA, and areas begin at multiples of 4096.
        let words = unsafe { Words::new(base, len) };
        Board { page, words }
    }

    fn at(&self, offset: usize) -> &'a AtomicU64 {
        self.words.at(offset)
    }

    fn word_of(&self, offset: usize) -> &'a WaitWord {
        debug_assert!(offset.is_multiple_of(8) && offset + 8 <= AREA as usize);
        // SAFETY: 8 aligned bytes of the area, which stay mapped for `'a`; they are only accessed as this.
        unsafe { &*self.words.as_ptr().add(offset).cast::<WaitWord>() }
    }

    /// What subscribers sleep on.
    #[inline(always)]
    pub(crate) fn messages(&self) -> &'a WaitWord {
        self.word_of(at::MESSAGES)
    }

    /// What publishers sleep on for room.
    #[inline(always)]
    pub(crate) fn space(&self) -> &'a WaitWord {
        self.word_of(at::SPACE)
    }

    /// What those sleep on who wait for others to come or go.
    pub(crate) fn changes(&self) -> &'a WaitWord {
        self.word_of(at::CHANGES)
    }

    /// One more than the highest index that a subscriber has had.
    #[inline(always)]
    pub(crate) fn subscribers_end(&self) -> &'a AtomicU64 {
        self.at(at::SUBSCRIBERS_END)
    }

    /// From now on publishers look at the row of this subscriber. Under the registration lock.
    pub(crate) fn admit(&self, index: usize) {
        let end = self.subscribers_end();
        if end.load(Ordering::Relaxed) <= index as u64 {
            // Relaxed: the fences in `Reader::join` and `chunks::hold` order it, which pair with those in
            // `Writer::make_room`, `consumed` and `chunks::take`. For the rows of a new lane its publisher has
            // stored this itself, and the next one takes the lock before it publishes.
            end.store(index as u64 + 1, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(crate) fn extent_count(&self) -> usize {
        // Acquire: pairs with the Release in `append`.
        let count = self.at(at::EXTENT_COUNT).load(Ordering::Acquire);
        count.min(MAX_EXTENTS as u64) as usize
    }

    pub(crate) fn extent(&self, number: usize) -> Result<Extent> {
        let entry = at::EXTENTS + 16 * number;
        let offset = self.at(entry).load(Ordering::Relaxed);
        let word = self.at(entry + 8).load(Ordering::Relaxed);
        let what = match word as u8 {
            1 => What::Lane,
            2 => What::Pool,
            3 => What::Descriptor,
            _ => return Err(self.page.corrupt(format_args!("its extent {number}"))),
        };
        let len = (word >> 32) * GRAIN;
        Ok(Extent {
            what,
            lane: (word >> 8) as u16 as usize,
            range: Range { offset, len },
        })
    }

    /// Appends an extent of at least `len` bytes, all zero. Under the registration lock. Who is killed
    /// before the count is stored leaves a longer file, whose end the next one takes.
    pub(crate) fn append(&self, what: What, lane: Option<usize>, len: u64) -> Result<usize> {
        self.append_with(what, lane, len, &|_| {})
    }

    /// [`append`](Board::append), where `prepare` puts something into the extent before anybody sees it.
    pub(crate) fn append_with(
        &self,
        what: What,
        lane: Option<usize>,
        len: u64,
        prepare: &dyn Fn(&Mapping),
    ) -> Result<usize> {
        let number = self.extent_count();
        if number == MAX_EXTENTS {
            return Err(Error::new(
                ErrorKind::Full,
                format!(
                    "page \"{}\" is full: its {MAX_EXTENTS} extents are in use",
                    self.page.locator()
                ),
            )
            .with_hint(
                "publishers need fewer with a larger capacity, which is kept in larger pieces",
            ));
        }
        let mut end = self.page.extents_start();
        for before in 0..number {
            let Range { offset, len } = self.extent(before)?.range;
            end = end.max(offset.saturating_add(len));
        }
        let offset = end
            .checked_next_multiple_of(GRAIN)
            .ok_or_else(|| self.page.corrupt("where its extents end"))?;
        let len = len.next_multiple_of(GRAIN);
        self.page.extend(offset, len)?;
        prepare(&self.page.map_extent(offset, len)?);
        let entry = at::EXTENTS + 16 * number;
        let lane = lane.unwrap_or(number) as u64;
        self.at(entry).store(offset, Ordering::Relaxed);
        let word = ((len / GRAIN) << 32) | (lane << 8) | what as u64;
        self.at(entry + 8).store(word, Ordering::Relaxed);
        // Release: pairs with the Acquire in `extent_count`.
        self.at(at::EXTENT_COUNT)
            .store(number as u64 + 1, Ordering::Release);
        Ok(number)
    }

    /// The lane of an extent, and what keeps it mapped; `None` where it is none.
    pub(crate) fn lane(&self, number: usize, decided: &Decided) -> Result<Option<(Lane, Mapping)>> {
        let extent = self.extent(number)?;
        if extent.what != What::Lane {
            return Ok(None);
        }
        let size = decided.geometry.size();
        if extent.range.len < size as u64 {
            return Err(self
                .page
                .corrupt(format_args!("its lane {number} is too short")));
        }
        let mapping = self
            .page
            .map_extent(extent.range.offset, extent.range.len)?;
        // SAFETY: the mapping has the lane's size, just checked, and begins at a multiple of 4096; the
        // caller keeps it as long as it uses the lane.
        let lane = unsafe { Lane::new(mapping.as_ptr(), decided.geometry) };
        Ok(Some((lane, mapping)))
    }

    /// Says which options this side states. Contradictions name both values, and nothing is decided then.
    pub(crate) fn state_options(&self, options: &Options) -> Result<()> {
        let stated = stated(options)?;
        let mut contradictions = Vec::new();
        for (i, stated) in stated.iter().enumerate() {
            let Some(stated) = *stated else { continue };
            let page = self.option(i);
            if let Some(page) = page.filter(|&page| page != stated) {
                contradictions.push(format!(
                    "{} is {} in the page, {} here",
                    OPTIONS[i],
                    show(i, page),
                    show(i, stated)
                ));
            }
        }
        if !contradictions.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "page \"{}\": options contradict: {}",
                    self.page.locator(),
                    contradictions.join("; ")
                ),
            )
            .with_hint("leave the option out; the first participant that states it decides it for as long as the page is used"));
        }
        for (i, stated) in stated.into_iter().enumerate() {
            if let Some(stated) = stated {
                self.decide(i, stated);
            }
        }
        Ok(())
    }

    /// All options, in their order; `None` where nobody has decided it.
    pub(crate) fn options(&self) -> [Option<u64>; 7] {
        std::array::from_fn(|i| self.option(i))
    }

    fn option(&self, i: usize) -> Option<u64> {
        let word = self.at(at::OPTIONS + 8 * i).load(Ordering::Acquire);
        word.checked_sub(1)
    }

    /// The first decides.
    fn decide(&self, i: usize, value: u64) {
        let word = self.at(at::OPTIONS + 8 * i);
        // AcqRel: who sees an option decided sees those before it. Fails where it is decided.
        let _ = word.compare_exchange(0, value + 1, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Decides what nobody has stated: for the first publisher, which has to know.
    pub(crate) fn decide_the_rest(&self, typed: &Typed) -> Result<Decided> {
        let kind = typed.page();
        let size = fixed_size(&kind);
        let capacity = match size {
            Some(size) if size <= MAX_INLINE as u64 => DEFAULT_RING.max(
                // Eight of the longest messages fit, so that they lie in the ring.
                (ring::total(size as usize, 2) * SEGMENTS).next_power_of_two(),
            ),
            Some(size) => DEFAULT_CAPACITY.max(size.saturating_mul(8)),
            None => DEFAULT_CAPACITY,
        };
        // Its own maximum: what `max_message` says beyond the capacity goes in fragments.
        let defaults = [0, capacity, MAX_MESSAGE, DEFAULT_HELD, 0, 0, 0];
        for (i, value) in defaults.into_iter().enumerate() {
            self.decide(i, value);
        }
        self.decided()?
            .ok_or_else(|| self.page.corrupt("its options are not decided"))
    }

    /// The options, if all of them are decided, and the type.
    pub(crate) fn decided(&self) -> Result<Option<Decided>> {
        let values = self.options();
        let type_word = self.at(at::TYPE).load(Ordering::Acquire);
        let (Some(values), true) = (
            values.into_iter().collect::<Option<Vec<u64>>>(),
            type_word != 0,
        ) else {
            return Ok(None);
        };
        for (i, &value) in values.iter().enumerate() {
            if value > most(i) || value < least(i) {
                let what = format!("its {} is {value}", OPTIONS[i]);
                return Err(self.page.corrupt(what));
            }
        }
        let kind = self
            .stored_kind()?
            .ok_or_else(|| self.page.corrupt("its type"))?;
        let capacity = values[1];
        let ring = match fixed_size(&kind) {
            Some(size) if size <= MAX_INLINE as u64 => capacity.min(MAX_RING),
            _ => capacity.min(DEFAULT_RING),
        };
        let participants = self.page.facts().max_participants as usize;
        let held = values[3] as usize + 1;
        Ok(Some(Decided {
            policy: policy_of(values[0]),
            capacity,
            max_message: values[2],
            max_held: values[3] as usize,
            history: values[4] as usize,
            send_time: values[5] == 1,
            checksum: values[6] == 1,
            geometry: Geometry {
                participants,
                held,
                chunks: (capacity / 4096).clamp(16, 1024) as usize + 4 * held,
                ring: ring.max(MIN_RING).next_power_of_two() as usize,
            },
        }))
    }

    fn stored_kind(&self) -> Result<Option<Kind>> {
        Ok(self
            .typed(None, Match::Exact, Language::Rust)?
            .map(|typed| typed.page()))
    }

    /// What messages are, compared with what this side says of them; `None` while nobody has declared it.
    pub(crate) fn typed(
        &self,
        here: Option<&Kind>,
        matching: Match,
        language: Language,
    ) -> Result<Option<Typed>> {
        // Acquire: pairs with the Release in `declare`.
        let word = self.at(at::TYPE).load(Ordering::Acquire);
        let typed = match word as u8 {
            0 => return Ok(None),
            2 => Typed::Bytes,
            3 => Typed::Array,
            1 => {
                let descriptor = self.descriptor(word >> 8)?;
                let layout = match here {
                    Some(Kind::Struct(layout)) => Some(layout),
                    _ => None,
                };
                let damaged = |e: Error| {
                    self.page
                        .corrupt(format_args!("its layout: {}", e.message()))
                };
                match known::compare(&descriptor, layout, matching).map_err(damaged)? {
                    Verdict::Agree(agreement) => Typed::Struct(agreement),
                    Verdict::Differ { page, differences } => {
                        let declarer = self.at(at::DECLARER).load(Ordering::Relaxed);
                        let page_side = format!(
                            "{}, pid {}",
                            Language::name_of((declarer >> 32) as u8),
                            declarer as u32
                        );
                        let here = layout.expect("a layout differs from another one");
                        return Err(compare::mismatch_error(
                            &self.page.locator().to_string(),
                            &page,
                            &page_side,
                            here,
                            &format!("{language}, this process"),
                            differences,
                        ));
                    }
                }
            }
            _ => return Err(self.page.corrupt("its type")),
        };
        let same = match (here, &typed) {
            (None, _)
            | (Some(Kind::Struct(_)), Typed::Struct(_))
            | (Some(Kind::Bytes), Typed::Bytes)
            | (Some(Kind::Array), Typed::Array) => true,
            (Some(_), _) => false,
        };
        if let (false, Some(here)) = (same, here) {
            return Err(Error::new(
                ErrorKind::LayoutMismatch,
                format!(
                    "topic \"{}\" carries {}, not {here}",
                    self.page.locator(),
                    typed.page()
                ),
            ));
        }
        Ok(Some(typed))
    }

    /// A private copy of the descriptor.
    fn descriptor(&self, len: u64) -> Result<Vec<u8>> {
        if len == 0 || len > MAX_DESCRIPTOR {
            return Err(self.page.corrupt("the length of its layout"));
        }
        let len = len as usize;
        let mut bytes = vec![0u8; len];
        if len <= AREA as usize - at::DESCRIPTOR {
            let words = self.words.from(at::DESCRIPTOR);
            // SAFETY: `bytes` has `len` bytes.
            unsafe { words.read(bytes.as_mut_ptr(), len) };
        } else {
            let mapping = self.descriptor_extent()?;
            // SAFETY: the mapping is as long as its extent, which `read` checks `len` against.
            let words = unsafe { Words::new(mapping.0.as_ptr(), mapping.1) };
            if len > mapping.1 {
                return Err(self.page.corrupt("the length of its layout"));
            }
            // SAFETY: `bytes` has `len` bytes.
            unsafe { words.read(bytes.as_mut_ptr(), len) };
        }
        let (sum, stored) = (
            xxh3_64(&bytes),
            self.at(at::TYPE_SUM).load(Ordering::Relaxed),
        );
        if sum != stored {
            return Err(self.page.corrupt(format_args!(
                "its layout's checksum is {sum:#018x}, stored is {stored:#018x}"
            )));
        }
        Ok(bytes)
    }

    fn descriptor_extent(&self) -> Result<(Mapping, usize)> {
        for number in 0..self.extent_count() {
            let extent = self.extent(number)?;
            if extent.what == What::Descriptor {
                let Range { offset, len } = extent.range;
                return Ok((self.page.map_extent(offset, len)?, len as usize));
            }
        }
        Err(self.page.corrupt("its layout is not there"))
    }

    /// Declares what messages are, if nobody has, and compares it with what was declared. Under the
    /// registration lock.
    pub(crate) fn declare(
        &self,
        kind: &Kind,
        matching: Match,
        language: Language,
    ) -> Result<Typed> {
        if let Some(typed) = self.typed(Some(kind), matching, language)? {
            return Ok(typed);
        }
        let (code, descriptor) = match kind {
            Kind::Struct(layout) => (1, layout.encode()),
            Kind::Bytes => (2, Vec::new()),
            Kind::Array => (3, Vec::new()),
        };
        let words = match descriptor.len() <= AREA as usize - at::DESCRIPTOR {
            true => Some(self.words.from(at::DESCRIPTOR)),
            false => None,
        };
        let mut padded = descriptor.clone();
        padded.resize(descriptor.len().next_multiple_of(8), 0);
        let whole = [WordOp::Bulk {
            offset: 0,
            len: padded.len(),
        }];
        match words {
            // SAFETY: `padded` has as many bytes, and they fit; nobody reads them before the type's word.
            Some(words) => unsafe { words.write(padded.as_ptr(), 0, &whole) },
            None => {
                self.append(What::Descriptor, None, padded.len() as u64)?;
                let (mapping, len) = self.descriptor_extent()?;
                // SAFETY: the mapping is that long.
                let words = unsafe { Words::new(mapping.as_ptr(), len) };
                // SAFETY: as above.
                unsafe { words.write(padded.as_ptr(), 0, &whole) };
            }
        }
        let declarer = (language as u64) << 32 | u64::from(std::process::id());
        self.at(at::DECLARER).store(declarer, Ordering::Relaxed);
        self.at(at::TYPE_SUM)
            .store(xxh3_64(&descriptor), Ordering::Relaxed);
        // AcqRel: pairs with the Acquire in `typed`. Under the lock nobody else declares.
        let word = (descriptor.len() as u64) << 8 | code;
        let _ = self
            .at(at::TYPE)
            .compare_exchange(0, word, Ordering::AcqRel, Ordering::Acquire);
        self.typed(Some(kind), matching, language)?
            .ok_or_else(|| self.page.corrupt("its type"))
    }
}

/// The options that are stated, in the order of [`OPTIONS`].
fn stated(options: &Options) -> Result<[Option<u64>; 7]> {
    let stated = [
        options.policy.map(|policy| match policy {
            Policy::Overwrite => 0,
            Policy::Block => 1,
        }),
        options.capacity,
        options.max_message,
        options.max_held.map(u64::from),
        options.history.map(u64::from),
        options.send_time.map(u64::from),
        options.checksum.map(u64::from),
    ];
    for (i, value) in stated.iter().enumerate() {
        let Some(value) = *value else { continue };
        let (least, most) = (least(i), most(i));
        if value < least || value > most {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{} = {value}: it can be {least} to {most}", OPTIONS[i]),
            ));
        }
    }
    Ok(stated)
}

pub(crate) fn policy_of(value: u64) -> Policy {
    match value {
        0 => Policy::Overwrite,
        _ => Policy::Block,
    }
}

fn least(i: usize) -> u64 {
    match OPTIONS[i] {
        "capacity" | "max_message" => 1,
        _ => 0,
    }
}

fn most(i: usize) -> u64 {
    match OPTIONS[i] {
        "capacity" => MAX_CAPACITY,
        "max_message" => MAX_MESSAGE,
        "max_held" => MAX_HELD,
        "history" => MAX_HISTORY,
        _ => 1,
    }
}

fn show(i: usize, value: u64) -> String {
    match OPTIONS[i] {
        "policy" if value == 0 => Policy::Overwrite.to_string(),
        "policy" => Policy::Block.to_string(),
        "send_time" | "checksum" => (value == 1).to_string(),
        _ => value.to_string(),
    }
}

/// Mapped extents, each mapped when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Maps(Mutex<Vec<(usize, Range, Arc<Mapping>)>>);

impl Maps {
    /// An extent, and where it lay when it was mapped: its entry in the page may say otherwise by now.
    pub(crate) fn get(&self, board: &Board<'_>, number: usize) -> Result<(Range, Arc<Mapping>)> {
        let mut maps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, range, mapping)) = maps.iter().find(|(known, ..)| *known == number) {
            return Ok((*range, mapping.clone()));
        }
        let range = board.extent(number)?.range;
        let mapping = Arc::new(board.page.map_extent(range.offset, range.len)?);
        maps.push((number, range, mapping.clone()));
        Ok((range, mapping))
    }
}
