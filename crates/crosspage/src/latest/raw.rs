//! `latest` without types: bytes by a layout that is known at run time. Typed Rust, C, C++, Python and
//! the command line all stand on this.

#[cfg(not(loom))]
use std::ptr::NonNull;
#[cfg(not(loom))]
use std::sync::OnceLock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::Xxh3;

use super::cell::{Cell, Current, Damaged, Geometry, Stamp};
use crate::atomic::local::AtomicU64 as AtomicLocalU64;
use crate::atomic::{AtomicU64, Ordering, fence};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Match, Plan, StructType};
use crate::liveness;
use crate::locator::Locator;
use crate::page::header::Facts;
use crate::page::known;
use crate::page::{
    Contradiction, Design, Intent, Language, Lifetime, Me, Page, Participant, Pattern, Request,
    Terms, deadline_of,
};
use crate::segment::Permissions;
#[cfg(all(feature = "tokio", not(loom)))]
use crate::wait::SleepAsync;
#[cfg(not(loom))]
use crate::wait::bell::{Bell, Raw as RawHandle, Source};
use crate::wait::{self, Sleep};
#[cfg(not(loom))]
use crate::wait::{Anchor, Waits, Watch};

const WRITER: u8 = 1;
const READER: u8 = 2;

/// How often a read tries again, where a writer was faster, before it looks more closely.
const TRIES: u32 = if cfg!(loom) { 1 } else { 16 };

/// The largest value, in bytes.
pub const MAX_VALUE: usize = 256 << 20;

pub(crate) static PATTERN: Pattern = Pattern {
    id: 1,
    name: "latest",
    roles: &["writer", "reader"],
    lifetime: Lifetime::Keep,
    has_layout: true,
    check: |facts, layout| geometry_of(facts, layout.ok_or("it has no layout")?).map(|_| ()),
    limit: |facts, role| (role == WRITER).then_some(facts.parameters[0]),
    heal: |page, index| {
        if let Some(cell) = cell_of(page) {
            cell.heal(index);
        }
    },
    recover,
};

/// What a page's parameters say: writers, pins, checksum. The rest follows from these and the layout.
fn geometry_of(facts: &Facts, layout: &StructType) -> Result<Geometry, String> {
    let [writers, pins, checksum, ..] = facts.parameters;
    let small = |n: u64| usize::try_from(n).ok();
    let geometry = small(writers)
        .zip(small(pins))
        .and_then(|(writers, pins)| Geometry::new(writers, pins, layout.size()))
        .ok_or_else(|| format!("{writers} writers and {pins} pins"))?;
    if checksum > 1 || facts.parameters[3..].iter().any(|&n| n != 0) {
        return Err("parameters that version 1 does not have".into());
    }
    if geometry.area().map(|len| len as u64) != Some(facts.area.len) || layout.size() > MAX_VALUE {
        return Err(format!(
            "an area of {} bytes for a value of {}",
            facts.area.len,
            layout.size()
        ));
    }
    Ok(geometry)
}

fn cell_of(page: &Page) -> Option<Cell> {
    let geometry = geometry_of(page.facts(), page.layout()?).ok()?;
    // SAFETY: `geometry.area()` is the area's length, just checked; areas begin at multiples of 4096;
    // callers use the cell only while the page is there. Read-only pages only call `read`.
    Some(unsafe { Cell::new(page.area().0, geometry) })
}

/// After a restart of the machine a value counts only where its checksum holds.
fn recover(page: &Page) {
    let Some(cell) = cell_of(page) else { return };
    for index in 0..page.facts().max_participants {
        cell.heal(index as u16);
    }
    let Some(layout) = page.layout() else { return };
    let mut bytes = vec![0u8; layout.size()];
    // SAFETY: `bytes` has the value's size, which is at most the payload.
    let read = unsafe { cell.read(bytes.as_mut_ptr(), bytes.len()) };
    let holds = match read {
        Ok(Some(stamp)) => {
            page.facts().parameters[2] == 1 && digest(&bytes, stamp.version) == stamp.checksum
        }
        Ok(None) => return,
        Err(_) => false,
    };
    if !holds {
        tracing::warn!(page = %page.locator(), "the value may not have reached the disk before the restart: dropped");
        cell.forget();
    }
}

/// XXH3-64 over the version and the length (both as u64, little-endian) and the bytes.
fn digest(bytes: &[u8], version: u64) -> u64 {
    let mut hash = begin_digest(bytes.len(), version);
    hash.update(bytes);
    hash.digest()
}

fn begin_digest(len: usize, version: u64) -> Xxh3 {
    let mut hash = Xxh3::new();
    hash.update(&version.to_le_bytes());
    hash.update(&(len as u64).to_le_bytes());
    hash
}

/// How to attach. Options that are `None` are not stated: they never contradict the page.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many living writers the page allows (1 to 254; a new page: 1).
    pub writers: Option<u32>,
    /// How many pins readers can hold at once, over all of them (a new page: 0).
    pub max_pins: Option<u32>,
    /// Whether values carry a checksum (a new page: no; a new `file:` page: yes).
    pub checksum: Option<bool>,
    /// How many participants the page has room for (1 to 4096; a new page: 128).
    pub max_participants: Option<u32>,
    /// Who may attach (a new page: its owner).
    pub permissions: Option<Permissions>,
    /// How long the page stays (a new page: until it is removed).
    pub lifetime: Option<Lifetime>,
    /// Map the page read-only: such a reader is no participant, and waits by looking again and again.
    pub read_only: bool,
    /// How much of the layouts has to agree.
    pub matching: Match,
    /// How long `open` waits for the page to exist: zero never waits, `None` waits for ever.
    pub timeout: Option<Duration>,
    /// The language of this side, for people.
    pub language: Language,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            writers: None,
            max_pins: None,
            checksum: None,
            max_participants: None,
            permissions: None,
            lifetime: None,
            read_only: false,
            matching: Match::Exact,
            timeout: Some(Duration::ZERO),
            language: Language::Rust,
        }
    }
}

impl Options {
    fn design(&self, layout: &StructType, durable: bool) -> Result<Design> {
        let (writers, pins) = (self.writers.unwrap_or(1), self.max_pins.unwrap_or(0));
        if writers == 0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                "writers = 0: a page has at least one writer",
            ));
        }
        if layout.tail().is_some() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{} ends in a tail; only messages can, the value of latest has a fixed size",
                    layout.name()
                ),
            ));
        }
        let size = layout.size();
        if size > MAX_VALUE {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "{} has {size} bytes; a value can have {MAX_VALUE}",
                    layout.name()
                ),
            ));
        }
        let geometry = Geometry::new(writers as usize, pins as usize, size).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("writers = {writers} and max_pins = {pins}: together they can be 254"),
            )
        })?;
        let area = geometry.area().expect("Geometry::new checked it") as u64;
        let checksum = u64::from(self.checksum.unwrap_or(durable));
        Ok(Design {
            parameters: [writers.into(), pins.into(), checksum, 0, 0, 0, 0, 0],
            area,
        })
    }

    fn contradictions(&self, facts: &Facts) -> Vec<Contradiction> {
        let stated = [
            ("writers", self.writers.map(u64::from)),
            ("max_pins", self.max_pins.map(u64::from)),
            ("checksum", self.checksum.map(u64::from)),
        ];
        stated
            .into_iter()
            .zip(facts.parameters)
            .filter_map(|((option, stated), page)| {
                let stated = stated.filter(|&stated| stated != page)?;
                let show = |n: u64| {
                    if option == "checksum" {
                        (n != 0).to_string()
                    } else {
                        n.to_string()
                    }
                };
                Some((option, show(page), show(stated)))
            })
            .collect()
    }

    fn attach(
        &self,
        locator: &str,
        layout: Option<&Arc<StructType>>,
        role: u8,
        intent: Intent,
    ) -> Result<Attachment> {
        let locator: Locator = locator.parse()?;
        let terms = Terms {
            max_participants: self.max_participants,
            permissions: self.permissions,
            lifetime: self.lifetime,
            matching: self.matching,
            read_only: self.read_only,
            language: self.language,
        };
        let durable = matches!(locator, Locator::File(_));
        let page = Page::attach(&Request {
            locator: &locator,
            pattern: &PATTERN,
            role,
            intent,
            terms: &terms,
            layout,
            timeout: self.timeout,
            design: &|layout| self.design(layout.ok_or_else(no_layout)?, durable),
            contradictions: &|facts| self.contradictions(facts),
        })?;
        Attachment::new(page)
    }
}

/// `page` refuses such pages, and makes none.
fn no_layout() -> Error {
    Error::new(ErrorKind::Internal, "a latest page without a layout")
}

/// What both handles have.
#[derive(Debug)]
struct Attachment {
    page: Page,
    cell: Cell,
    /// The layout that values have on this side.
    layout: Arc<StructType>,
    /// The layout that they have in the page.
    page_layout: Arc<StructType>,
    plan: Arc<Plan>,
    checksum: bool,
    /// Bytes of a value in the page.
    size: usize,
    /// Whether a read has to copy and to look at the bools, and nothing else.
    plain: bool,
    /// Where the sides lay the struct out differently, the page's image goes here first.
    image: Mutex<Vec<u8>>,
    /// Pins that this handle holds.
    pins: AtomicU64,
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.geometry().fmt(f)
    }
}

impl Attachment {
    fn new(page: Page) -> Result<Attachment> {
        let known::Agreement {
            page: page_layout,
            here: layout,
            plan,
        } = page.agreement().ok_or_else(no_layout)?.clone();
        let cell = cell_of(&page).ok_or_else(|| page.corrupt("its parameters are impossible"))?;
        let checksum = page.facts().parameters[2] == 1;
        Ok(Attachment {
            size: page_layout.size(),
            plain: plan.is_direct() && !checksum && page.writable(),
            page,
            cell,
            layout,
            page_layout,
            plan,
            checksum,
            image: Mutex::default(),
            pins: AtomicU64::new(0),
        })
    }

    fn damaged(&self, damage: Damaged) -> Error {
        self.page.corrupt(damage.0)
    }

    /// Reads the page's image of the value.
    ///
    /// # Safety
    /// `image` is valid for writing the page's size, and nobody else accesses it meanwhile.
    #[inline(always)]
    unsafe fn read_image(&self, image: *mut u8) -> Result<Option<Stamp>> {
        let size = self.size;
        // SAFETY: handed through from the caller; `size` is at most the payload by `geometry_of`.
        let stamp =
            unsafe { self.cell.read(image, size) }.map_err(|damage| self.damaged(damage))?;
        if let (true, Some(stamp)) = (self.checksum, &stamp) {
            // SAFETY: `read` has written all `size` bytes.
            let bytes = unsafe { std::slice::from_raw_parts(image, size) };
            self.verify(digest(bytes, stamp.version), stamp)?;
        }
        Ok(stamp)
    }

    #[cold]
    fn bad_checksum(&self, computed: u64, stamp: &Stamp) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "page \"{}\", version {}: the value's checksum is {computed:#018x}, stored is {:#018x}",
                self.page.locator(),
                stamp.version,
                stamp.checksum
            ),
        )
        .with_hint("something wrote over the page's memory; the next write replaces the value")
    }

    fn verify(&self, computed: u64, stamp: &Stamp) -> Result<()> {
        if computed == stamp.checksum {
            Ok(())
        } else {
            Err(self.bad_checksum(computed, stamp))
        }
    }

    /// Reads the value as this side lays it out, with bools made 0 or 1.
    ///
    /// # Safety
    /// `value` is valid for writing this side's size, and nobody else accesses it meanwhile.
    #[inline(always)]
    unsafe fn read(&self, value: *mut u8) -> Result<Option<Stamp>> {
        if !self.plan.is_direct() {
            // SAFETY: handed through from the caller.
            return unsafe { self.read_gathered(value) };
        }
        // SAFETY: a direct plan's sizes are equal, so `value` has room for the image.
        let stamp = unsafe { self.read_image(value) }?;
        if stamp.is_some() {
            // SAFETY: `read_image` has written all bytes of the value, which the plan's layout has.
            unsafe { self.plan.normalise_at(value) };
        }
        Ok(stamp)
    }

    /// The same where the two sides lay the struct out differently.
    ///
    /// # Safety
    /// As for [`Attachment::read`].
    unsafe fn read_gathered(&self, value: *mut u8) -> Result<Option<Stamp>> {
        let mut image = self.image.lock().unwrap_or_else(PoisonError::into_inner);
        image.resize(self.size, 0);
        // SAFETY: `image` has the page's size.
        let Some(stamp) = (unsafe { self.read_image(image.as_mut_ptr()) })? else {
            return Ok(None);
        };
        // SAFETY: `value` has this side's size by the contract; zero first, so that padding is defined.
        let value = unsafe {
            value.write_bytes(0, self.layout.size());
            std::slice::from_raw_parts_mut(value, self.layout.size())
        };
        for block in self.plan.runs() {
            for run in block.ops {
                let (from, to) = (block.page + run.page, block.here + run.here);
                value[to..to + run.len].copy_from_slice(&image[from..from + run.len]);
            }
        }
        self.plan.normalise(value);
        Ok(Some(stamp))
    }

    fn meta(stamp: Stamp) -> Meta {
        Meta {
            version: stamp.version,
            written_at: stamp.written_at,
            writer_pid: (stamp.writer >> 32) as u32,
            writer_index: stamp.writer as u16,
            writer_generation: (stamp.writer >> 16) as u16,
        }
    }

    fn writer_alive(&self, meta: &Meta) -> bool {
        let entry = self.page.table().entry(meta.writer_index);
        entry.is_some_and(|entry| {
            entry.role == WRITER
                && entry.generation as u16 == meta.writer_generation
                && self.page.is_alive(meta.writer_index)
        })
    }
}

/// What is known of a value beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// Counts up by one with each write; the first is 1.
    pub version: u64,
    /// When it was written, in ns since 1970 by the writer's CLOCK_REALTIME.
    pub written_at: u64,
    /// The process that wrote it, as numbered in its own PID namespace.
    pub writer_pid: u32,
    pub(crate) writer_index: u16,
    pub(crate) writer_generation: u16,
}

impl Meta {
    /// How long ago it was written; zero if the clock was set back meanwhile.
    pub fn age(&self) -> Duration {
        Duration::from_nanos(liveness::realtime_ns().saturating_sub(self.written_at))
    }

    /// When it was written.
    pub fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.written_at)
    }
}

/// Writes values of a layout that is known at run time.
#[derive(Debug)]
pub struct RawWriter {
    inner: Attachment,
    me: Me,
    /// For `update`: kept, so that only the first allocates.
    scratch: Vec<u8>,
    /// pid, generation and index as slots store them.
    signature: u64,
}

impl RawWriter {
    /// Makes the page, or takes over its writer's role if nobody alive holds it. A page of another
    /// layout is replaced.
    ///
    /// # Errors
    /// Already owned, where a writer lives; contradicting options; no space; permission denied.
    pub fn create(locator: &str, layout: &Arc<StructType>, options: &Options) -> Result<RawWriter> {
        RawWriter::new(options.attach(locator, Some(layout), WRITER, Intent::Create)?)
    }

    /// Joins the page or makes it. A page of another layout is an error.
    ///
    /// # Errors
    /// As [`create`](RawWriter::create), and layout mismatch.
    pub fn attach(locator: &str, layout: &Arc<StructType>, options: &Options) -> Result<RawWriter> {
        RawWriter::new(options.attach(locator, Some(layout), WRITER, Intent::Attach)?)
    }

    /// Joins a page that exists, with its own layout.
    ///
    /// # Errors
    /// As [`attach`](RawWriter::attach), and not found.
    pub fn open(locator: &str, options: &Options) -> Result<RawWriter> {
        RawWriter::new(options.attach(locator, None, WRITER, Intent::Open)?)
    }

    fn new(inner: Attachment) -> Result<RawWriter> {
        let me = inner
            .page
            .me()
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "a writer cannot be read-only"))?;
        let signature = u64::from(std::process::id()) << 32
            | u64::from(me.generation as u16) << 16
            | u64::from(me.index);
        Ok(RawWriter {
            inner,
            me,
            scratch: Vec::new(),
            signature,
        })
    }

    /// Publishes a value and returns its version. Never blocks; allocates nothing where the two
    /// sides' layouts lie alike.
    ///
    /// # Safety
    /// `value` points to a value of this side's layout whose fields (not its padding) are initialised.
    ///
    /// # Errors
    /// Replaced, closed, forked, corrupt.
    #[inline]
    pub unsafe fn write(&mut self, value: *const u8) -> Result<u64> {
        let inner = &self.inner;
        inner.page.check()?;
        if !inner.plan.is_direct() {
            // SAFETY: handed through from the caller.
            return unsafe { self.write_scattered(value) };
        }
        let at = inner
            .cell
            .claim(self.me.index)
            .map_err(|damage| inner.damaged(damage))?;
        let slot = inner.cell.begin(at);
        if let Some(ops) = inner.plan.straight_words() {
            // SAFETY: the operations name data bytes of the layout, which `value` has.
            unsafe { slot.words.write(value, 0, ops) };
        } else {
            for block in inner.plan.words() {
                // SAFETY: as above.
                unsafe { slot.words.write(value, block.page, block.ops) };
            }
        }
        self.publish(at, None).map_err(|_| unreachable_publish())
    }

    #[inline(always)]
    fn publish(&self, at: usize, expected: Option<Current>) -> Result<u64, Current> {
        let inner = &self.inner;
        let checksum = |version| {
            if inner.checksum {
                self.slot_digest(at, version)
            } else {
                0
            }
        };
        let version = inner.cell.publish(
            at,
            expected,
            liveness::realtime_ns(),
            self.signature,
            checksum,
        )?;
        inner.cell.wait_word().notify_all(inner.page.alarm());
        Ok(version)
    }

    /// The digest of what a slot of ours holds.
    fn slot_digest(&self, at: usize, version: u64) -> u64 {
        let (words, size) = (self.inner.cell.slot(at).words, self.inner.size);
        let mut hash = begin_digest(size, version);
        let mut chunk = [0u8; 1024];
        for offset in (0..size).step_by(chunk.len()) {
            let len = chunk.len().min(size - offset);
            // SAFETY: `chunk` has `len` bytes.
            unsafe { words.from(offset).read(chunk.as_mut_ptr(), len) };
            hash.update(&chunk[..len]);
        }
        hash.digest()
    }

    /// Puts the fields that this side declares into the current value (or into zeros).
    ///
    /// # Safety
    /// As for [`RawWriter::write`].
    unsafe fn write_scattered(&mut self, value: *const u8) -> Result<u64> {
        self.read_modify_write(true, &mut |writer, image| {
            for block in writer.inner.plan.runs() {
                for run in block.ops {
                    let (from, to) = (block.here + run.here, block.page + run.page);
                    // SAFETY: runs are data bytes of this side's layout, which `value` has.
                    let bytes = unsafe { std::slice::from_raw_parts(value.add(from), run.len) };
                    image[to..to + run.len].copy_from_slice(bytes);
                }
            }
            Ok(())
        })
    }

    /// Changes the page's image of the value, atomically among writers.
    fn read_modify_write(
        &mut self,
        from_nothing: bool,
        change: &mut dyn FnMut(&RawWriter, &mut [u8]) -> Result<()>,
    ) -> Result<u64> {
        let mut image = std::mem::take(&mut self.scratch);
        // Whole words, so that the slot's last word can be written from it.
        image.resize(self.inner.cell.geometry().payload, 0);
        let done = self.change_image(&mut image, from_nothing, change);
        self.scratch = image;
        done
    }

    fn change_image(
        &self,
        image: &mut [u8],
        from_nothing: bool,
        change: &mut dyn FnMut(&RawWriter, &mut [u8]) -> Result<()>,
    ) -> Result<u64> {
        let inner = &self.inner;
        inner.page.check()?;
        let mut claimed = None;
        loop {
            let outcome = (|| {
                let expected = inner
                    .cell
                    .current()
                    .map_err(|damage| inner.damaged(damage))?;
                if expected.exists() {
                    // SAFETY: `image` has room for the page's size.
                    let stamp = unsafe { inner.read_image(image.as_mut_ptr()) }?;
                    if stamp.is_none_or(|stamp| stamp.version != expected.version()) {
                        return Ok(None);
                    }
                } else if from_nothing {
                    image.fill(0);
                } else {
                    return Err(Error::new(
                        ErrorKind::NoValue,
                        format!(
                            "page \"{}\" has no value yet, so there is nothing to update",
                            inner.page.locator()
                        ),
                    )
                    .with_hint("write the first value whole"));
                }
                change(self, image)?;
                let at = match claimed {
                    Some(at) => at,
                    None => *claimed.insert(
                        inner
                            .cell
                            .claim(self.me.index)
                            .map_err(|damage| inner.damaged(damage))?,
                    ),
                };
                let slot = inner.cell.begin(at);
                // The image's padding is the page's own: zero. So whole words can be copied.
                let whole = [crate::layout::WordOp::Bulk {
                    offset: 0,
                    len: image.len(),
                }];
                // SAFETY: `image` has the payload's length, all of it initialised.
                unsafe { slot.words.write(image.as_ptr(), 0, &whole) };
                Ok(self.publish(at, Some(expected)).ok())
            })();
            match (outcome, claimed) {
                (Ok(Some(version)), _) => return Ok(version),
                (Ok(None), _) => {} // Another writer was first: again, from its value.
                (Err(error), at) => {
                    if let Some(at) = at {
                        inner.cell.abandon(at);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Reads the current value into `scratch`, lets `change` edit it, and publishes the result unless
    /// another writer published meanwhile: then all of it again, from the newer value.
    ///
    /// # Safety
    /// `scratch` is valid for reading and writing this side's size, and nobody else accesses it during
    /// the call. `change` leaves every field initialised.
    ///
    /// # Errors
    /// No value, before the first write; what `change` returns (nothing is written then); and as
    /// [`write`](RawWriter::write).
    pub unsafe fn update(
        &mut self,
        scratch: *mut u8,
        change: &mut dyn FnMut(*mut u8) -> Result<()>,
    ) -> Result<u64> {
        let size = self.inner.layout.size();
        self.read_modify_write(false, &mut |writer, image| {
            let plan = &writer.inner.plan;
            // SAFETY: `scratch` has `size` bytes by the contract; zero first, so that padding is defined.
            let value = unsafe {
                scratch.write_bytes(0, size);
                std::slice::from_raw_parts_mut(scratch, size)
            };
            for block in plan.runs() {
                for run in block.ops {
                    let (from, to) = (block.page + run.page, block.here + run.here);
                    value[to..to + run.len].copy_from_slice(&image[from..from + run.len]);
                }
            }
            plan.normalise(value);
            change(scratch)?;
            for block in plan.runs() {
                for run in block.ops {
                    let (from, to) = (block.here + run.here, block.page + run.page);
                    // SAFETY: runs are data bytes of this side's layout; `change` left them initialised.
                    let bytes = unsafe { std::slice::from_raw_parts(scratch.add(from), run.len) };
                    image[to..to + run.len].copy_from_slice(bytes);
                }
            }
            Ok(())
        })
    }

    /// Fills the next value in place, without a copy: for large values. What `fill` does not write is
    /// zero; padding is cleared afterwards.
    ///
    /// # Errors
    /// What `fill` returns (nothing is published then); unsupported where the two sides lay the struct
    /// out differently; and as [`write`](RawWriter::write).
    pub fn write_with(&mut self, fill: &mut dyn FnMut(&mut Slot<'_>) -> Result<()>) -> Result<u64> {
        let inner = &self.inner;
        inner.page.check()?;
        if !inner.plan.is_direct() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "page \"{}\": write_with needs the page's own layout; write copies between layouts",
                    inner.page.locator()
                ),
            ));
        }
        let at = inner
            .cell
            .claim(self.me.index)
            .map_err(|damage| inner.damaged(damage))?;
        /// Lets go of the slot if `fill` fails or panics.
        struct Claimed<'a>(&'a Cell, usize, bool);
        impl Drop for Claimed<'_> {
            fn drop(&mut self) {
                if self.2 {
                    self.0.abandon(self.1);
                }
            }
        }
        let mut claimed = Claimed(&inner.cell, at, true);
        let words = inner.cell.begin(at).words;
        let mut slot = Slot {
            words,
            size: inner.size,
            filled: 0,
        };
        fill(&mut slot)?;
        slot.finish();
        let mut done = 0;
        for block in inner.plan.words() {
            words.clear_padding(block.page, block.ops, &mut done);
        }
        words.zero(done, words.len() - done);
        claimed.2 = false;
        self.publish(at, None).map_err(|_| unreachable_publish())
    }

    /// The layout that values have on this side.
    pub fn layout(&self) -> &Arc<StructType> {
        &self.inner.layout
    }

    /// The layout that the page stores.
    pub fn page_layout(&self) -> &Arc<StructType> {
        &self.inner.page_layout
    }

    #[cfg(loom)]
    pub(crate) fn page(&self) -> &Page {
        &self.inner.page
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.inner.plan
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.inner.page.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.inner.page.participants()
    }

    /// Detaches; further calls are [`ErrorKind::Closed`]. The value stays.
    pub fn close(&self) {
        self.inner.page.shut();
        self.inner.page.leave();
    }
}

/// `publish` without an expected version has no way to fail.
#[cold]
fn unreachable_publish() -> Error {
    Error::new(ErrorKind::Internal, "an unconditional publish was refused")
}

/// A value's place in the page, to be filled by [`RawWriter::write_with`].
///
/// Readers of a value that is being overwritten may still look at these bytes (they will notice and
/// look elsewhere), which is why no `&mut [u8]` into it is given out.
#[derive(Debug)]
pub struct Slot<'a> {
    words: crate::atomic::Words<'a>,
    size: usize,
    /// Bytes from the start that this turn has written (or zeroed); a multiple of 8 or `size`.
    filled: usize,
}

impl std::fmt::Debug for crate::atomic::Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes of shared memory", self.len())
    }
}

impl Slot<'_> {
    /// The value's size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Copies bytes to an offset of the value.
    ///
    /// # Errors
    /// Too large, where they reach beyond the value.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let end = offset
            .checked_add(bytes.len())
            .filter(|&end| end <= self.size)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::TooLarge,
                    format!(
                        "{} bytes at {offset} reach beyond the value's {} bytes",
                        bytes.len(),
                        self.size
                    ),
                )
            })?;
        if offset > self.filled {
            self.zero_to(offset);
        }
        // SAFETY: `bytes` is what is read, and `end` is inside the value.
        unsafe { self.words.write_bytes(offset, bytes, self.filled) };
        self.filled = self.filled.max(end);
        Ok(())
    }

    /// The value's bytes, all zero, to be filled by code that the compiler cannot see into (C, C++).
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.zero_to(self.words.len());
        self.filled = self.size;
        self.words.as_ptr()
    }

    fn zero_to(&mut self, end: usize) {
        // The last word may be half written; `write_bytes` has zeroed its rest.
        let from = self.filled.next_multiple_of(8);
        let to = end.next_multiple_of(8).min(self.words.len());
        if from < to {
            self.words.zero(from, to - from);
        }
        self.filled = self.filled.max(end);
    }

    fn finish(&mut self) {
        self.zero_to(self.words.len());
    }
}

/// Reads values of a layout that is known at run time.
#[derive(Debug)]
pub struct RawReader {
    inner: Attachment,
    layout: Option<Arc<StructType>>,
    options: Options,
    /// The version that was read last; 0: none.
    seen: AtomicLocalU64,
    /// What event loops wait on, if this is asked for.
    #[cfg(not(loom))]
    bell: OnceLock<Bell>,
}

impl RawReader {
    /// Joins a page; waits for it to exist as `options.timeout` says. Without a layout, values come
    /// in the page's own.
    ///
    /// # Errors
    /// Not found; timed out; layout mismatch; permission denied; full; corrupt; unsupported.
    pub fn open(
        locator: &str,
        layout: Option<&Arc<StructType>>,
        options: &Options,
    ) -> Result<RawReader> {
        let inner = options.attach(locator, layout, READER, Intent::Open)?;
        Ok(RawReader {
            inner,
            layout: layout.cloned(),
            options: options.clone(),
            seen: AtomicLocalU64::new(0),
            #[cfg(not(loom))]
            bell: OnceLock::new(),
        })
    }

    /// [`open`](RawReader::open) for a task.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn open_async(
        locator: &str,
        layout: Option<&Arc<StructType>>,
        options: &Options,
    ) -> Result<RawReader> {
        let at_once = Options {
            timeout: Some(Duration::ZERO),
            ..options.clone()
        };
        let look = || match RawReader::open(locator, layout, &at_once) {
            Err(error) if error.is_not_found() => Ok(None),
            opened => opened.map(Some),
        };
        let found = wait::until_async(SleepAsync::Poll, deadline_of(options.timeout), look).await?;
        let mut reader = match found {
            Some(reader) => reader,
            // Says what it waited for.
            None => RawReader::open(
                locator,
                layout,
                &Options {
                    timeout: options
                        .timeout
                        .map(|limit| limit.min(Duration::from_nanos(1))),
                    ..at_once
                },
            )?,
        };
        reader.options = options.clone();
        Ok(reader)
    }

    /// What is known of the value of a page that is only looked at.
    pub(crate) fn peek(page: &Page) -> Option<Meta> {
        if page.pattern().id != PATTERN.id {
            return None;
        }
        let cell = cell_of(page)?;
        // SAFETY: no bytes are written.
        let stamp = unsafe { cell.read(std::ptr::NonNull::dangling().as_ptr(), 0) }.ok()??;
        Some(Attachment::meta(stamp))
    }

    /// Attaches to the page that has the name now. What [`wait_handle`](RawReader::wait_handle) gave is gone.
    ///
    /// # Errors
    /// As [`open`](RawReader::open). The handle stays what it was then.
    pub fn reopen(&mut self) -> Result<()> {
        let locator = self.locator().to_string();
        let inner = self
            .options
            .attach(&locator, self.layout.as_ref(), READER, Intent::Open)?;
        #[cfg(not(loom))]
        self.bell.take();
        self.inner = inner;
        self.seen = AtomicLocalU64::new(0);
        Ok(())
    }

    /// Copies the newest complete value out; `None` before the first write. Never blocks.
    ///
    /// # Safety
    /// `value` is valid for writing this side's size, and nobody else accesses it meanwhile. After
    /// `Ok(Some(_))` all its bytes are initialised.
    ///
    /// # Errors
    /// Replaced, closed, forked, corrupt (a checksum that does not hold is; the next read goes on).
    #[inline]
    pub unsafe fn read(&self, value: *mut u8) -> Result<Option<Meta>> {
        // SAFETY: handed through from the caller.
        match unsafe { self.try_read(value, self.inner.size, |_| ()) } {
            Some(meta) => Ok(Some(meta)),
            // SAFETY: as above.
            None => unsafe { self.read_slowly(value) },
        }
    }

    /// [`read`](RawReader::read) where it has nothing to do but to copy, and to look at the bools;
    /// otherwise, and where other than that is found, `None`. `before` runs before the copy, once for
    /// each try, with what then is known.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub(crate) unsafe fn try_read(
        &self,
        value: *mut u8,
        size: usize,
        before: impl Fn(&Meta),
    ) -> Option<Meta> {
        let inner = &self.inner;
        if !inner.plain || !inner.page.is_open() {
            return None;
        }
        for _ in 0..TRIES {
            let look = inner.cell.look(inner.cell.newest())?;
            let meta = Attachment::meta(look.stamp);
            before(&meta);
            // SAFETY: a plain value's size is the same on both sides, so `value` has room for it, by
            // the contract; it is at most the payload, by `geometry_of`.
            unsafe { look.copy(value, size) };
            if look.holds() {
                // SAFETY: all bytes of the value were just written.
                unsafe { inner.plan.normalise_at(value) };
                self.saw(meta.version);
                return Some(meta);
            }
        }
        None
    }

    /// [`read`](RawReader::read) where there is more to do, or to say.
    ///
    /// # Safety
    /// As there.
    #[cold]
    pub(crate) unsafe fn read_slowly(&self, value: *mut u8) -> Result<Option<Meta>> {
        self.inner.page.check()?;
        // SAFETY: handed through from the caller.
        let stamp = unsafe { self.inner.read(value) }?;
        // A value from another boot counts only where a checksum just held.
        if self.is_withheld() {
            return Ok(None);
        }
        let meta = stamp.map(Attachment::meta);
        if let Some(meta) = &meta {
            self.saw(meta.version);
        }
        Ok(meta)
    }

    /// Notes what was read.
    #[inline(always)]
    fn saw(&self, version: u64) {
        // Relaxed: nothing is read through it.
        self.seen.store(version, Ordering::Relaxed);
        #[cfg(not(loom))]
        if let Some(bell) = self.bell.get() {
            self.silence(bell);
        }
    }

    /// The bell is silent until there is a newer value.
    #[cfg(not(loom))]
    #[cold]
    fn silence(&self, bell: &Bell) {
        bell.clear();
        // What was written before that may not ring again.
        if self.has_news() {
            bell.set();
        }
    }

    /// Whether there is a value of another version than was read last, or an error to tell.
    pub fn has_news(&self) -> bool {
        self.has_newer(self.seen.load(Ordering::Relaxed))
    }

    /// The version that was read last; 0 before that.
    #[cfg(feature = "tokio")]
    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Whether there is a value of another version than `since`, or an error to tell.
    pub fn has_newer(&self, since: u64) -> bool {
        match self.version() {
            Ok(Some(version)) => version != since && !self.is_withheld(),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// A value from another boot counts only where a checksum holds.
    fn is_withheld(&self) -> bool {
        let inner = &self.inner;
        !inner.page.writable() && !inner.checksum && inner.page.is_from_another_boot()
    }

    /// For threads and event loops that wait without holding this: look once more after making it.
    #[cfg(not(loom))]
    pub fn watch(&self) -> Watch {
        match self.inner.page.writable() {
            true => Watch::of(self.inner.cell.wait_word(), &self.inner.page.anchor()),
            false => Watch::by_the_clock(),
        }
    }

    /// A descriptor for epoll, poll or Qt (on Windows a handle, for `WaitForMultipleObjects`): ready while
    /// there may be a value of another version than was read last, or an error to tell, until that is read.
    /// It belongs to this reader: only wait on it. The first call starts a thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had; closed, replaced, forked.
    #[cfg(not(loom))]
    pub fn wait_handle(&self) -> Result<RawHandle> {
        let page = &self.inner.page;
        page.check()?;
        if let Some(bell) = self.bell.get() {
            return Ok(bell.raw());
        }
        let cell = cell_of(page).ok_or_else(|| page.corrupt("its parameters are impossible"))?;
        let values = Values {
            cell,
            state: NonNull::from(page.state_word()),
            anchor: page.anchor(),
            writable: page.writable(),
        };
        let bell = Bell::new(Arc::new(values)).map_err(|e| {
            Error::os(
                format_args!(
                    "page \"{}\": cannot wait for it in an event loop",
                    self.locator()
                ),
                &e,
            )
        })?;
        // Where another thread was faster, it is that one's.
        let bell = self.bell.get_or_init(|| bell);
        if self.has_news() {
            bell.set();
        }
        Ok(bell.raw())
    }

    /// The version that a read would return now, without copying the value.
    ///
    /// # Errors
    /// As [`read`](RawReader::read).
    pub fn version(&self) -> Result<Option<u64>> {
        self.inner.page.check()?;
        let current = self
            .inner
            .cell
            .current()
            .map_err(|damage| self.inner.damaged(damage))?;
        Ok(current.exists().then(|| current.version()))
    }

    /// Waits until there is a value of another version than `since` (0: any), and copies it out.
    ///
    /// # Safety
    /// As for [`read`](RawReader::read).
    ///
    /// # Errors
    /// Timed out; closed, as soon as [`close`](RawReader::close) is called; and as `read`.
    pub unsafe fn wait_changed(
        &self,
        since: u64,
        timeout: Option<Duration>,
        value: *mut u8,
    ) -> Result<Meta> {
        let sleep = match self.inner.page.writable() {
            true => Sleep::On(self.inner.cell.wait_word(), self.inner.page.alarm()),
            false => Sleep::Poll,
        };
        let found = wait::until(sleep, deadline_of(timeout), || {
            // SAFETY: handed through from the caller.
            unsafe { self.read_changed(since, value) }
        })?;
        found.ok_or_else(|| self.nothing_newer(since))
    }

    /// [`wait_changed`](RawReader::wait_changed) for a task; returns the value's bytes.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn wait_changed_async(
        &self,
        since: u64,
        timeout: Option<Duration>,
    ) -> Result<(Box<[u8]>, Meta)> {
        let read = || {
            if self.version()?.is_none_or(|version| version == since) {
                return Ok(None);
            }
            let mut bytes = vec![0u8; self.layout().size()].into_boxed_slice();
            // SAFETY: `bytes` has this side's size.
            let meta = unsafe { self.read_changed(since, bytes.as_mut_ptr()) }?;
            Ok(meta.map(|meta| (bytes, meta)))
        };
        self.wait_changed_with(since, timeout, read).await
    }

    /// The same by `read`, which is called with this handle until it returns something, whenever there may be
    /// a value of another version than `since`.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub(crate) async fn wait_changed_with<R>(
        &self,
        since: u64,
        timeout: Option<Duration>,
        read: impl FnMut() -> Result<Option<R>>,
    ) -> Result<R> {
        let anchor = self.inner.page.anchor();
        let sleep = match self.inner.page.writable() {
            true => SleepAsync::On(self.inner.cell.wait_word(), &anchor),
            false => SleepAsync::Poll,
        };
        let found = wait::until_async(sleep, deadline_of(timeout), read).await?;
        found.ok_or_else(|| self.nothing_newer(since))
    }

    /// Copies the value out if it has another version than `since`.
    ///
    /// # Safety
    /// As for [`read`](RawReader::read).
    pub(crate) unsafe fn read_changed(&self, since: u64, value: *mut u8) -> Result<Option<Meta>> {
        if self.version()?.is_none_or(|version| version == since) {
            return Ok(None);
        }
        // SAFETY: handed through from the caller.
        let meta = unsafe { self.read(value) }?;
        Ok(meta.filter(|meta| meta.version != since))
    }

    fn nothing_newer(&self, since: u64) -> Error {
        Error::new(
            ErrorKind::TimedOut,
            format!(
                "timed out: page \"{}\" has no value newer than version {since}",
                self.locator()
            ),
        )
    }

    /// Pins the newest value, so that it can be looked at in place for as long as the pin is held;
    /// `None` before the first write.
    ///
    /// # Errors
    /// Invalid, where the creator allowed no pins; full, where all are held; unsupported for
    /// read-only handles and where the two sides lay the struct out differently; and as `read`.
    pub fn read_pinned(&self) -> Result<Option<Pinned<'_>>> {
        let inner = &self.inner;
        let held = Held::new(inner);
        inner.page.check()?;
        let locator = inner.page.locator();
        let pins = inner.cell.geometry().pins;
        if pins == 0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("page \"{locator}\" has no pins"),
            )
            .with_hint("its creator can allow some: max_pins(n); read and read_into copy"));
        }
        let Some(me) = inner.page.me() else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("page \"{locator}\": a read-only handle cannot pin"),
            ));
        };
        if !inner.plan.is_direct() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "page \"{locator}\": pinning needs the page's own layout; read copies between layouts"
                ),
            ));
        }
        let pin = match inner.cell.take_pin(me.index) {
            Some(pin) => pin,
            None => {
                // Some may be held by the dead.
                inner.page.sweep_now()?;
                inner.cell.take_pin(me.index).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Full,
                        format!("page \"{locator}\": all {pins} pins are held (max_pins)"),
                    )
                })?
            }
        };
        let found = inner
            .cell
            .pin(pin, me.index)
            .map_err(|damage| inner.damaged(damage));
        let (at, stamp) = match found {
            Ok(Some(found)) => found,
            other => {
                inner.cell.unpin(pin);
                return other.map(|_| None);
            }
        };
        let pinned = Pinned {
            held,
            pin,
            at,
            meta: Attachment::meta(stamp),
        };
        if inner.checksum {
            inner.verify(digest(pinned.as_bytes(), stamp.version), &stamp)?;
        }
        self.saw(stamp.version);
        Ok(Some(pinned))
    }

    /// Whether the process that wrote a value still holds the writer's role.
    pub fn writer_alive(&self, meta: &Meta) -> bool {
        self.inner.writer_alive(meta)
    }

    /// The layout that values have on this side.
    pub fn layout(&self) -> &Arc<StructType> {
        &self.inner.layout
    }

    /// The layout that the page stores.
    pub fn page_layout(&self) -> &Arc<StructType> {
        &self.inner.page_layout
    }

    #[cfg(loom)]
    pub(crate) fn page(&self) -> &Page {
        &self.inner.page
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.inner.plan
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.inner.page.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.inner.page.participants()
    }

    /// Detaches; further calls, and waits that are going on, end with [`ErrorKind::Closed`].
    ///
    /// While a pin is held, the place in the participant table is kept until the handle is dropped.
    pub fn close(&self) {
        self.inner.page.shut();
        // SYNC POINT close/pin: pairs with the fence in `Held::new`. Either `read_pinned` sees the
        // handle shut, or we see its pin.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the Release in `Held`'s drop; a pin is given back before the place is.
        if self.inner.pins.load(Ordering::Acquire) == 0 {
            self.inner.page.leave();
        }
        if self.inner.page.writable() {
            self.inner
                .cell
                .wait_word()
                .wake_all(self.inner.page.alarm());
        }
        #[cfg(not(loom))]
        if let Some(bell) = self.bell.get() {
            bell.set();
        }
    }
}

#[cfg(not(loom))]
impl Waits for &RawReader {
    fn has_news(&mut self) -> bool {
        RawReader::has_news(self)
    }

    fn watch(&self) -> Watch {
        RawReader::watch(self)
    }
}

#[cfg(not(loom))]
impl Waits for RawReader {
    fn has_news(&mut self) -> bool {
        RawReader::has_news(self)
    }

    fn watch(&self) -> Watch {
        RawReader::watch(self)
    }
}

/// What a bell listens to: the page's words, apart from the handle.
#[cfg(not(loom))]
struct Values {
    cell: Cell,
    state: NonNull<AtomicU64>,
    /// Keeps both mapped.
    anchor: Anchor,
    writable: bool,
}

#[cfg(not(loom))]
// SAFETY: `state` points to an atomic that `anchor` keeps mapped; `Cell` is `Send`.
unsafe impl Send for Values {}
#[cfg(not(loom))]
// SAFETY: as above.
unsafe impl Sync for Values {}

#[cfg(not(loom))]
impl Source for Values {
    fn watch(&self) -> Watch {
        match self.writable {
            true => Watch::of(self.cell.wait_word(), &self.anchor),
            false => Watch::by_the_clock(),
        }
    }

    fn wake(&self) {
        if self.writable {
            self.cell.wait_word().wake_all(&self.anchor.alarm);
        }
    }

    fn news(&self) -> Option<u64> {
        // SAFETY: mapped for as long as `self` lives.
        let state = unsafe { self.state.as_ref() }.load(Ordering::Relaxed);
        let version = self.cell.current().map_or(0, |current| current.version());
        // A page that was replaced or removed is news, too.
        Some(version ^ state << 56)
    }
}

/// A value that stays as it is in the page until this is dropped.
#[derive(Debug)]
pub struct Pinned<'a> {
    held: Held<'a>,
    pin: usize,
    at: usize,
    meta: Meta,
}

impl Pinned<'_> {
    /// The value's bytes, in the page. Bools are as their writer left them.
    pub fn as_bytes(&self) -> &[u8] {
        let inner = self.held.0;
        let words = inner.cell.slot(self.at).words;
        // SAFETY: the payload holds the value's size and stays mapped with `inner`; while the pin is
        // held, no writer that keeps to the protocol writes to this slot (SYNC POINT pin/claim).
        unsafe { std::slice::from_raw_parts(words.as_ptr(), inner.size) }
    }

    /// Version, time and writer.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        self.held.0.cell.unpin(self.pin);
    }
}

/// Counts one pin of a handle.
#[derive(Debug)]
struct Held<'a>(&'a Attachment);

impl<'a> Held<'a> {
    fn new(inner: &'a Attachment) -> Held<'a> {
        inner.pins.fetch_add(1, Ordering::Relaxed);
        // SYNC POINT close/pin: pairs with the fence in `close`. The caller checks the handle after it.
        fence(Ordering::SeqCst);
        Held(inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `close`.
        self.0.pins.fetch_sub(1, Ordering::Release);
    }
}
