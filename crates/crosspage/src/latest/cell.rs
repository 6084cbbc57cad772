//! The algorithm of `latest`: a seqlock over several slots, so that a writer writes beside the current
//! value and a kill anywhere leaves the last complete one readable.
//!
//! ```text
//! latest: version << 8 | slot                      the one word that publishes
//! slot:   stamp    the version in this slot; 0 while it is being written
//!         owner    index + 1 of the writer that claimed it; 0: free
//!
//! write:  claim a slot: CAS owner 0 -> me, then check that it is neither current nor pinned
//!         stamp = 0 | fence(Release) | payload | stamp = version + 1
//!         latest: CAS (version, current) -> (version + 1, slot) (Release) | owner = 0 (Release)
//! read:   l = latest (Acquire) | copy slot(l) | fence(Acquire) | stamp == version(l), else again
//! ```
//!
//! With one writer and no pins nobody else can claim, so the writer needs neither CAS. There are at
//! least `writers + 1 + pins` slots: of them one is current, each other writer holds at most one and
//! each pin keeps at most one, so there is always one left to claim. A dead writer's claim is taken
//! back before its place in the table is given to another, which keeps that count true.

use crate::atomic::{AtomicU64, Ordering, Words, fence, spin_hint};
use crate::wait::WaitWord;

/// The metadata before each payload: 64 bytes.
#[cfg_attr(loom, derive(Default))]
#[repr(C)]
pub(crate) struct SlotHeader {
    stamp: AtomicU64,
    owner: AtomicU64,
    written_at: AtomicU64,
    writer: AtomicU64,
    checksum: AtomicU64,
    _reserved: [AtomicU64; 3],
}

const _: () = assert!(cfg!(loom) || size_of::<SlotHeader>() == SLOT_HEADER);

/// Bytes before a payload.
pub(crate) const SLOT_HEADER: usize = 64;
/// The most slots: a slot's index is the low byte of `latest`, and one value is [`NO_SLOT`].
pub(crate) const MAX_SLOTS: usize = 255;
const NO_SLOT: usize = 255;
/// How often to look again, without any progress by others, before the page must be damaged.
const PATIENCE: u32 = if cfg!(loom) { 8 } else { 1 << 14 };
/// The same for looks at all slots.
const SCANS: u32 = if cfg!(loom) { 8 } else { 1 << 12 };

/// One value's place.
pub(crate) struct Slot<'a> {
    pub(crate) header: &'a SlotHeader,
    pub(crate) words: Words<'a>,
}

/// The word that publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current(u64);

impl Current {
    fn new(version: u64, slot: usize) -> Current {
        Current(version << 8 | slot as u64)
    }

    pub(crate) fn version(self) -> u64 {
        self.0 >> 8
    }

    /// One more; only a damaged page ever counts to the end of 56 bits, and then begins again.
    fn next_version(self) -> u64 {
        let next = self.version() + 1;
        if next < 1 << 56 { next } else { 1 }
    }

    fn slot(self) -> usize {
        (self.0 & 0xff) as usize
    }

    /// Whether there is a value.
    pub(crate) fn exists(self) -> bool {
        self.version() != 0 && self.slot() != NO_SLOT
    }
}

/// What travels with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) version: u64,
    pub(crate) written_at: u64,
    pub(crate) writer: u64,
    pub(crate) checksum: u64,
}

/// A value that is being read.
pub(crate) struct Look<'a> {
    slot: Slot<'a>,
    /// What travels with it: right only if [`holds`](Look::holds) says so afterwards.
    pub(crate) stamp: Stamp,
}

impl Look<'_> {
    /// Copies the first `len` bytes out: right only if [`holds`](Look::holds) says so afterwards.
    ///
    /// # Safety
    /// `dst` is valid for writing `len` bytes, and nobody else accesses them meanwhile; `len` is at
    /// most the payload.
    #[inline(always)]
    pub(crate) unsafe fn copy(&self, dst: *mut u8, len: usize) {
        // SAFETY: handed through from the caller.
        unsafe { self.slot.words.read(dst, len) };
    }

    /// Whether the slot still held this value after all that was read of it.
    #[inline(always)]
    pub(crate) fn holds(&self) -> bool {
        // SYNC POINT payload/stamp: pairs with the Release fence in `begin`. If what was read holds
        // anything of a later turn of this slot, the load below sees that turn's stamp.
        fence(Ordering::Acquire);
        self.slot.header.stamp.load(Ordering::Relaxed) == self.stamp.version
    }
}

/// The page contradicts itself, as only damage or a hostile peer can make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged(pub(crate) &'static str);

/// Where the words of a `latest` page are.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    area: *mut u8,
    geometry: Geometry,
}

/// How a `latest` page's area is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) writers: usize,
    pub(crate) pins: usize,
    pub(crate) slots: usize,
    /// The payload, rounded up to words.
    pub(crate) payload: usize,
    /// From one slot to the next.
    pub(crate) stride: usize,
    /// Where the first slot is.
    pub(crate) slots_at: usize,
}

/// A contended word has a line of 128 bytes to itself (two lines: adjacent ones are prefetched).
const LINE: usize = 128;
const PINS_AT: usize = 2 * LINE;

impl Geometry {
    /// `None`: too many slots, or more bytes than an address can count.
    pub(crate) fn new(writers: usize, pins: usize, size: usize) -> Option<Geometry> {
        let slots = writers.checked_add(1)?.checked_add(pins)?.max(4);
        let payload = size.checked_next_multiple_of(8)?;
        let stride = payload
            .checked_add(SLOT_HEADER)?
            .checked_next_multiple_of(LINE)?;
        let geometry = Geometry {
            writers,
            pins,
            slots,
            payload,
            stride,
            slots_at: pins.checked_mul(LINE)?.checked_add(PINS_AT)?,
        };
        (writers > 0 && slots <= MAX_SLOTS && geometry.area().is_some()).then_some(geometry)
    }

    /// Bytes of the area.
    pub(crate) fn area(&self) -> Option<usize> {
        self.stride
            .checked_mul(self.slots)?
            .checked_add(self.slots_at)
    }
}

#[cfg(not(loom))]
impl Cell {
    /// # Safety
    /// `area` is aligned to 128 and `geometry.area()` bytes from it stay mapped for as long as this
    /// value or anything from it is used; writable if anything but `read` is called.
    pub(crate) unsafe fn new(area: *mut u8, geometry: Geometry) -> Cell {
        Cell { area, geometry }
    }

    #[inline(always)]
    fn latest(&self) -> &AtomicU64 {
        // SAFETY: the first word of the area, mapped by the contract of `new`.
        unsafe { &*self.area.cast::<AtomicU64>() }
    }

    #[inline(always)]
    pub(crate) fn wait_word(&self) -> &WaitWord {
        // SAFETY: 8 aligned bytes on the area's second line, mapped by the contract of `new`.
        unsafe { &*self.area.add(LINE).cast::<WaitWord>() }
    }

    fn pin_word(&self, pin: usize) -> &AtomicU64 {
        assert!(pin < self.geometry.pins);
        // SAFETY: a line of the pins, in the area by the assertion, mapped by the contract of `new`.
        unsafe { &*self.area.add(PINS_AT + pin * LINE).cast::<AtomicU64>() }
    }

    #[inline(always)]
    pub(crate) fn slot(&self, slot: usize) -> Slot<'_> {
        assert!(slot < self.geometry.slots);
        // SAFETY: `Geometry::area` covers every slot below `slots`, which the assertion checks; the
        // contract of `new` keeps it mapped; headers are atomics only.
        unsafe {
            let base = self
                .area
                .add(self.geometry.slots_at + slot * self.geometry.stride);
            Slot {
                header: &*base.cast::<SlotHeader>(),
                words: Words::new(base.add(SLOT_HEADER), self.geometry.payload),
            }
        }
    }
}

// SAFETY: a `Cell` is an address and numbers; all that it reaches is atomic.
unsafe impl Send for Cell {}
// SAFETY: as above.
unsafe impl Sync for Cell {}

/// The area's words as the models' objects, which cannot lie over bytes.
#[cfg(loom)]
pub(crate) struct Area {
    latest: AtomicU64,
    wait: WaitWord,
    pins: Vec<AtomicU64>,
    slots: Vec<(SlotHeader, Vec<AtomicU64>)>,
}

#[cfg(loom)]
impl Area {
    pub(crate) fn new(geometry: &Geometry) -> Area {
        let words = |n| (0..n).map(|_| AtomicU64::default()).collect::<Vec<_>>();
        Area {
            latest: AtomicU64::default(),
            wait: WaitWord::default(),
            pins: words(geometry.pins),
            slots: (0..geometry.slots)
                .map(|_| (SlotHeader::default(), words(geometry.payload / 8)))
                .collect(),
        }
    }
}

#[cfg(loom)]
impl Cell {
    /// # Safety
    /// `area` points to an [`Area`] of this geometry that lives for as long as this value or anything
    /// from it is used.
    pub(crate) unsafe fn new(area: *mut u8, geometry: Geometry) -> Cell {
        let cell = Cell { area, geometry };
        assert_eq!(cell.area().slots.len(), geometry.slots);
        cell
    }

    fn area(&self) -> &Area {
        // SAFETY: the contract of `new`.
        unsafe { &*self.area.cast::<Area>() }
    }

    fn latest(&self) -> &AtomicU64 {
        &self.area().latest
    }

    /// Whether this slot is the current one, as nobody in the model may know yet.
    pub(crate) fn is_current(&self, slot: usize) -> bool {
        // A read-modify-write sees the newest value whatever has happened before it.
        let current = Current(self.latest().fetch_add(0, Ordering::Relaxed));
        current.exists() && current.slot() == slot
    }

    pub(crate) fn wait_word(&self) -> &WaitWord {
        &self.area().wait
    }

    /// Whether a slot or a pin is marked as this participant's.
    pub(crate) fn is_held_by(&self, index: u16) -> bool {
        let Area { slots, pins, .. } = self.area();
        let holders = slots
            .iter()
            .map(|(header, _)| header.owner.load(Ordering::Relaxed));
        let pinners = pins.iter().map(|pin| pin.load(Ordering::Relaxed) >> 16);
        holders.chain(pinners).any(|mine| mine == mark(index))
    }

    fn pin_word(&self, pin: usize) -> &AtomicU64 {
        &self.area().pins[pin]
    }

    pub(crate) fn slot(&self, slot: usize) -> Slot<'_> {
        let (header, words) = &self.area().slots[slot];
        Slot {
            header,
            words: Words(words),
        }
    }
}

impl Cell {
    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Whether one writer has every slot to itself.
    #[inline(always)]
    fn is_exclusive(&self) -> bool {
        self.geometry.writers == 1 && self.geometry.pins == 0
    }

    /// What is published now, unchecked.
    #[inline(always)]
    pub(crate) fn newest(&self) -> Current {
        // Acquire: pairs with the Release of `publish`; the slot's payload and stamp come with it.
        Current(self.latest().load(Ordering::Acquire))
    }

    /// What is published now.
    #[inline(always)]
    pub(crate) fn current(&self) -> Result<Current, Damaged> {
        let current = self.newest();
        if current.exists() && current.slot() >= self.geometry.slots {
            return Err(Damaged("its latest word names a slot that there is not"));
        }
        Ok(current)
    }

    /// Copies the current value out; `None` before the first write.
    ///
    /// # Safety
    /// As for [`Look::copy`].
    pub(crate) unsafe fn read(&self, dst: *mut u8, len: usize) -> Result<Option<Stamp>, Damaged> {
        loop {
            let current = self.current()?;
            let Some(look) = self.look(current) else {
                return Ok(None);
            };
            // SAFETY: handed through from the caller.
            unsafe { look.copy(dst, len) };
            if look.holds() {
                return Ok(Some(look.stamp));
            }
            self.moved_on_from(current)?;
        }
    }

    /// Begins to read the value that is current. `None` where there is none, or `latest` is damaged.
    #[inline(always)]
    pub(crate) fn look(&self, current: Current) -> Option<Look<'_>> {
        // No slot has the number NO_SLOT.
        if current.version() == 0 || current.slot() >= self.geometry.slots {
            return None;
        }
        let slot = self.slot(current.slot());
        let stamp = Stamp {
            version: current.version(),
            written_at: slot.header.written_at.load(Ordering::Relaxed),
            writer: slot.header.writer.load(Ordering::Relaxed),
            checksum: slot.header.checksum.load(Ordering::Relaxed),
        };
        Some(Look { slot, stamp })
    }

    /// Returns once the value has moved on, as it has when its slot was claimed anew. A current slot
    /// whose stamp stays wrong is damage.
    #[cold]
    fn moved_on_from(&self, current: Current) -> Result<(), Damaged> {
        for _ in 0..PATIENCE {
            if self.current()? != current {
                return Ok(());
            }
            spin_hint();
        }
        Err(Damaged(
            "its current slot does not get the stamp of the current version",
        ))
    }

    /// Claims a slot to write into. `me` is the writer's index.
    #[inline(always)]
    pub(crate) fn claim(&self, me: u16) -> Result<usize, Damaged> {
        let mut stuck = 0;
        loop {
            let current = self.current()?;
            let first = if current.exists() {
                current.slot() + 1
            } else {
                0
            };
            let slots = self.geometry.slots;
            for at in (first..slots).chain(0..first) {
                if current.exists() && at == current.slot() {
                    continue;
                }
                if self.is_exclusive() || self.try_claim(at, me)? {
                    return Ok(at);
                }
            }
            // Others published while we looked: there is a free slot, but never where we are.
            stuck += 1;
            if stuck > SCANS {
                return Err(Damaged("none of its slots ever becomes free"));
            }
            spin_hint();
        }
    }

    fn try_claim(&self, at: usize, me: u16) -> Result<bool, Damaged> {
        let owner = &self.slot(at).header.owner;
        // Acquire: pairs with the Release that freed the slot, in `publish` or `abandon`. Who was
        // current when its writer let go of it is seen as current below.
        if owner
            .compare_exchange(0, mark(me), Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            return Ok(false);
        }
        let current = match self.current() {
            Ok(current) => current,
            Err(damaged) => {
                owner.store(0, Ordering::Release);
                return Err(damaged);
            }
        };
        // The stamp is still whole here: killed now, the claim costs nobody a value.
        if current.exists() && current.slot() == at || self.is_pinned(at) {
            owner.store(0, Ordering::Release);
            return Ok(false);
        }
        Ok(true)
    }

    fn is_pinned(&self, at: usize) -> bool {
        if self.geometry.pins == 0 {
            return false;
        }
        // SYNC POINT pin/claim: pairs with the fence in `pin`. Either the reader that pins sees that
        // its value is no longer current, which was loaded before this fence, or we see its pin.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the Release of `unpin`; the reader is done before we overwrite.
        (0..self.geometry.pins)
            .any(|pin| pin_slot(self.pin_word(pin).load(Ordering::Acquire)) == Some(at))
    }

    /// Marks a claimed slot as being written. Payload stores may follow.
    #[inline(always)]
    pub(crate) fn begin(&self, at: usize) -> Slot<'_> {
        let slot = self.slot(at);
        slot.header.stamp.store(0, Ordering::Relaxed);
        // SYNC POINT payload/stamp: pairs with the Acquire fence in `holds`.
        fence(Ordering::Release);
        slot
    }

    /// Publishes a claimed and written slot and lets go of it. With `expected`, only if that is still
    /// current; otherwise the claim stays, and the error says what is current now.
    #[inline(always)]
    pub(crate) fn publish(
        &self,
        at: usize,
        expected: Option<Current>,
        written_at: u64,
        writer: u64,
        mut checksum: impl FnMut(u64) -> u64,
    ) -> Result<u64, Current> {
        let slot = self.slot(at);
        slot.header.written_at.store(written_at, Ordering::Relaxed);
        slot.header.writer.store(writer, Ordering::Relaxed);
        let latest = self.latest();
        // Relaxed: only its number is used; with several writers the CAS decides.
        let mut now = expected.unwrap_or_else(|| Current(latest.load(Ordering::Relaxed)));
        loop {
            let version = now.next_version();
            let next = Current::new(version, at);
            slot.header
                .checksum
                .store(checksum(version), Ordering::Relaxed);
            // Relaxed: the publishing write below carries it to the readers, with the payload.
            slot.header.stamp.store(version, Ordering::Relaxed);
            if self.is_exclusive() {
                // Release: pairs with the Acquire in `newest`.
                latest.store(next.0, Ordering::Release);
                return Ok(version);
            }
            // Release: pairs with the Acquire in `newest`. Being a read-modify-write it carries on what
            // the writers before have released; this writer itself reads nothing through it.
            match latest.compare_exchange(now.0, next.0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => {
                    // Release: pairs with the Acquire of `try_claim`.
                    slot.header.owner.store(0, Ordering::Release);
                    return Ok(version);
                }
                Err(other) if expected.is_some() => return Err(Current(other)),
                Err(other) => now = Current(other),
            }
        }
    }

    /// Lets go of a claimed slot without publishing.
    pub(crate) fn abandon(&self, at: usize) {
        if !self.is_exclusive() {
            self.slot(at).header.owner.store(0, Ordering::Release);
        }
    }

    /// Takes back what a dead participant held. Only under the registration lock, on proof of death.
    pub(crate) fn heal(&self, dead: u16) {
        // Relaxed loads: who has the proof of a death sees all that the dead one has written.
        // Release: pairs with the Acquire of `try_claim`, as if the dead one had let go itself.
        for at in 0..self.geometry.slots {
            let owner = &self.slot(at).header.owner;
            if owner.load(Ordering::Relaxed) == mark(dead) {
                owner.store(0, Ordering::Release);
            }
        }
        for pin in 0..self.geometry.pins {
            let word = self.pin_word(pin);
            // As above, with the Acquires of `is_pinned` and `take_pin`.
            if word.load(Ordering::Relaxed) >> 16 == mark(dead) {
                word.store(0, Ordering::Release);
            }
        }
    }

    /// Takes a pin for the reader `me`; `None` when all are held.
    pub(crate) fn take_pin(&self, me: u16) -> Option<usize> {
        (0..self.geometry.pins).find(|&pin| {
            let taken = mark(me) << 16;
            // Acquire: pairs with the Release of `unpin`. Who held it before is done with its slot,
            // which the Release in `pin` passes on to the writers.
            self.pin_word(pin)
                .compare_exchange(0, taken, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        })
    }

    /// Keeps the current value from being overwritten for as long as the pin holds it.
    pub(crate) fn pin(&self, pin: usize, me: u16) -> Result<Option<(usize, Stamp)>, Damaged> {
        let mut stuck = 0;
        loop {
            let current = self.current()?;
            if !current.exists() {
                return Ok(None);
            }
            let at = current.slot();
            // Release: pairs with the Acquire in `is_pinned`, as that of `unpin` does. A writer that
            // finds the pin here instead of free learns by it all the same that whoever held the pin
            // before, this reader or another, is done with the slot it was on.
            self.pin_word(pin)
                .store(mark(me) << 16 | (at as u64 + 1), Ordering::Release);
            // SYNC POINT pin/claim: pairs with the fence in `is_pinned`.
            fence(Ordering::SeqCst);
            if self.current()? == current {
                let header = self.slot(at).header;
                return Ok(Some((
                    at,
                    Stamp {
                        version: current.version(),
                        written_at: header.written_at.load(Ordering::Relaxed),
                        writer: header.writer.load(Ordering::Relaxed),
                        checksum: header.checksum.load(Ordering::Relaxed),
                    },
                )));
            }
            stuck += 1;
            if stuck > PATIENCE {
                return Err(Damaged("its latest word never stands still"));
            }
            spin_hint();
        }
    }

    /// Gives a pin back.
    pub(crate) fn unpin(&self, pin: usize) {
        // Release: pairs with the Acquire in `is_pinned`.
        self.pin_word(pin).store(0, Ordering::Release);
    }

    /// Forgets the value but not its version. Only under the registration lock, with no writer alive.
    pub(crate) fn forget(&self) {
        // Relaxed: there is nothing to be read through what says that there is nothing.
        let version = Current(self.latest().load(Ordering::Relaxed)).version();
        self.latest()
            .store(Current::new(version, NO_SLOT).0, Ordering::Relaxed);
    }
}

/// How a participant signs a word: never zero.
fn mark(index: u16) -> u64 {
    u64::from(index) + 1
}

fn pin_slot(word: u64) -> Option<usize> {
    ((word & 0xffff) as usize).checked_sub(1)
}
