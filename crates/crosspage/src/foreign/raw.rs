//! The bytes of a foreign segment, in a layout that is known at run time.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Options;
#[cfg(doc)]
use super::View;
use super::segments::backend;
use crate::atomic::local::AtomicBool;
use crate::atomic::{AtomicU64, Ordering, fence, spin_hint};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Match, Plan, Scalar, StructType, Type, Value, WordOp, value};
use crate::liveness;
use crate::locator::Locator;
use crate::segment::Mapping;
#[cfg(feature = "tokio")]
use crate::wait::SleepAsync;
use crate::wait::{self, Sleep};

/// A view whose values are bytes in a layout known at run time: what the other languages use.
pub struct RawView {
    locator: Locator,
    layout: Arc<StructType>,
    plan: Plan,
    mapping: Mapping,
    created: bool,
    closed: AtomicBool,
    /// The fork generation in which this view attached.
    born: u64,
}

impl RawView {
    /// The segment at `locator` as `layout`.
    ///
    /// # Errors
    /// As [`View::open`].
    pub fn open(locator: &str, layout: &Arc<StructType>, options: &Options) -> Result<RawView> {
        let locator: Locator = locator.parse()?;
        let (plan, missing) = (plan(layout)?, Cell::new(None));
        let found = wait::until(
            Sleep::Poll,
            deadline(options.timeout),
            || match backend::open(&locator, !options.read_only) {
                Ok(mapping) => Ok(Some(mapping)),
                Err(error) if error.is_not_found() => {
                    missing.set(Some(error));
                    Ok(None)
                }
                Err(error) => Err(error),
            },
        )?;
        match (found, missing.take(), options.timeout) {
            (Some(mapping), ..) => RawView::new(locator, layout, plan, mapping, false),
            (None, Some(error), Some(Duration::ZERO)) => Err(error),
            (None, ..) => Err(timed_out(&locator, "was not there", options.timeout)),
        }
    }

    /// [`open`](RawView::open) for a task: waits until the segment is there.
    #[cfg(feature = "tokio")]
    pub(super) async fn open_async(
        locator: &str,
        layout: &Arc<StructType>,
        timeout: Option<Duration>,
    ) -> Result<RawView> {
        let at_once = Options::default();
        let look = || match RawView::open(locator, layout, &at_once) {
            Err(error) if error.is_not_found() => Ok(None),
            opened => opened.map(Some),
        };
        let found = wait::until_async(SleepAsync::Poll, deadline(timeout), look).await?;
        found.map_or_else(
            || Err(timed_out(&locator.parse()?, "was not there", timeout)),
            Ok,
        )
    }

    /// The segment at `locator` with `size` bytes; see [`View::create`].
    pub fn create(
        locator: &str,
        layout: &Arc<StructType>,
        size: usize,
        options: &Options,
    ) -> Result<RawView> {
        let locator: Locator = locator.parse()?;
        if options.read_only {
            return Err(Error::new(
                ErrorKind::Invalid,
                "a segment cannot be created read-only",
            ));
        }
        let plan = plan(layout)?;
        if size < layout.size() {
            return Err(too_small(
                &locator,
                layout,
                &format!("was asked for with {size} bytes"),
            ));
        }
        let (mapping, created) = backend::create(&locator, size, options.permissions)?;
        RawView::new(locator, layout, plan, mapping, created)
    }

    fn new(
        locator: Locator,
        layout: &Arc<StructType>,
        plan: Plan,
        mapping: Mapping,
        created: bool,
    ) -> Result<RawView> {
        if mapping.len() < layout.size() {
            return Err(too_small(
                &locator,
                layout,
                &format!("has {} bytes", mapping.len()),
            ));
        }
        liveness::fork::watch();
        tracing::debug!(%locator, size = mapping.len(), layout = layout.name(), created, "foreign segment attached");
        Ok(RawView {
            locator,
            layout: layout.clone(),
            plan,
            mapping,
            created,
            closed: AtomicBool::new(false),
            born: liveness::fork::generation(),
        })
    }

    /// The layout that values have.
    pub fn layout(&self) -> &Arc<StructType> {
        &self.layout
    }

    /// How its values are copied and checked.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where the segment is.
    pub fn locator(&self) -> &Locator {
        &self.locator
    }

    /// The segment's size in bytes, which may be more than the layout's.
    pub fn size(&self) -> usize {
        self.mapping.len()
    }

    /// Whether this view made the segment (rather than finding it).
    pub fn created(&self) -> bool {
        self.created
    }

    /// Copies the struct as it lies there now; padding arrives as zero.
    ///
    /// # Safety
    /// `value` is valid for writing `layout().size()` bytes.
    pub unsafe fn read(&self, value: *mut u8) -> Result<()> {
        self.check()?;
        // SAFETY: handed through.
        unsafe { self.deliver(self.load(self.whole()), value) };
        Ok(())
    }

    /// Copies the struct as soon as two copies agree.
    ///
    /// # Safety
    /// As [`RawView::read`].
    pub unsafe fn read_stable(&self, timeout: Option<Duration>, value: *mut u8) -> Result<()> {
        let found = wait::until(Sleep::Poll, deadline(timeout), || self.stable())?;
        // SAFETY: handed through.
        unsafe { self.deliver(found.ok_or_else(|| self.never_stable(timeout))?, value) };
        Ok(())
    }

    /// Two copies, if they agree.
    fn stable(&self) -> Result<Option<Vec<u8>>> {
        self.check()?;
        Ok(self.load_twice())
    }

    fn never_stable(&self, timeout: Option<Duration>) -> Error {
        timed_out(&self.locator, "kept changing, no two copies agreed", timeout)
            .with_hint("its writer hardly pauses; agree on a ready flag with it (read_ready), or read single fields")
    }

    /// Copies the struct as soon as `flag` is set and two copies agree.
    ///
    /// # Safety
    /// As [`RawView::read`].
    pub unsafe fn read_ready(
        &self,
        flag: &str,
        timeout: Option<Duration>,
        value: *mut u8,
    ) -> Result<()> {
        let (range, mut was_set) = (self.flag(flag)?, false);
        let found = wait::until(Sleep::Poll, deadline(timeout), || {
            self.ready(&range, &mut was_set)
        })?;
        let bytes = found.ok_or_else(|| self.never_ready(flag, was_set, timeout))?;
        // SAFETY: handed through.
        unsafe { self.deliver(bytes, value) };
        Ok(())
    }

    /// Two copies, if they agree and the flag at `range` is set all the time.
    fn ready(&self, range: &Range<usize>, was_set: &mut bool) -> Result<Option<Vec<u8>>> {
        let is_set = |bytes: &[u8]| bytes[range.clone()].iter().any(|&byte| byte != 0);
        self.check()?;
        if !is_set(&self.load(range.clone())) {
            return Ok(None);
        }
        *was_set = true;
        // SYNC POINT ready: pairs with the second fence of `write_with_ready`. Who sees the
        // flag set sees the data that was written before it.
        fence(Ordering::Acquire);
        let Some(bytes) = self.load_twice() else {
            return Ok(None);
        };
        // SYNC POINT unready: pairs with the first fence of `write_with_ready`. Who has copied
        // any byte of the next value sees that the flag was cleared before it.
        fence(Ordering::Acquire);
        let still = is_set(&bytes) && is_set(&self.load(range.clone()));
        Ok(still.then_some(bytes))
    }

    fn never_ready(&self, flag: &str, was_set: bool, timeout: Option<Duration>) -> Error {
        let what = match was_set {
            false => format!("was not ready: {flag} stayed unset"),
            true => format!("kept changing while {flag} was set"),
        };
        timed_out(&self.locator, &what, timeout)
    }

    #[cfg(feature = "tokio")]
    pub(super) async fn read_stable_async(&self, timeout: Option<Duration>) -> Result<Vec<u8>> {
        let look = || self.stable();
        let found = wait::until_async(SleepAsync::Poll, deadline(timeout), look).await?;
        found.ok_or_else(|| self.never_stable(timeout))
    }

    #[cfg(feature = "tokio")]
    pub(super) async fn read_ready_async(
        &self,
        flag: &str,
        timeout: Option<Duration>,
    ) -> Result<Vec<u8>> {
        let (range, mut was_set) = (self.flag(flag)?, false);
        let look = || self.ready(&range, &mut was_set);
        let found = wait::until_async(SleepAsync::Poll, deadline(timeout), look).await?;
        found.ok_or_else(|| self.never_ready(flag, was_set, timeout))
    }

    /// Writes all fields. Padding, and what lies behind the struct, keeps its bytes.
    ///
    /// # Safety
    /// `value` is valid for reading one struct of `layout()`; its padding need not be initialised.
    pub unsafe fn write(&mut self, value: *const u8) -> Result<()> {
        self.check_writable()?;
        // SAFETY: handed through.
        unsafe { self.store(value, self.whole()) };
        Ok(())
    }

    /// Clears `flag`, writes all other fields, sets the flag to 1.
    ///
    /// # Safety
    /// As [`RawView::write`].
    pub unsafe fn write_with_ready(&mut self, value: *const u8, flag: &str) -> Result<()> {
        let range = self.flag(flag)?;
        self.check_writable()?;
        let mut set = vec![0; self.layout.size()];
        // SAFETY: `set` has the layout's size, all of it initialised.
        unsafe { self.store(set.as_ptr(), range.clone()) };
        // SYNC POINT unready: pairs with the last fence of `read_ready`.
        fence(Ordering::Release);
        // SAFETY: handed through.
        unsafe {
            self.store(value, 0..range.start);
            self.store(value, range.end..self.layout.size());
        }
        // SYNC POINT ready: pairs with the first fence of `read_ready`.
        fence(Ordering::Release);
        set[range.start] = 1;
        // SAFETY: as above.
        unsafe { self.store(set.as_ptr(), range) };
        Ok(())
    }

    /// Copies the struct as it lies there now to `scratch`, lets `edit` change it there, and writes the
    /// fields that changed. Nothing is written where `edit` fails.
    ///
    /// # Safety
    /// `scratch` is valid for reading and writing `layout().size()` bytes, which `edit` leaves initialised
    /// in all fields.
    pub unsafe fn update(
        &mut self,
        scratch: *mut u8,
        edit: &mut dyn FnMut(*mut u8) -> Result<()>,
    ) -> Result<()> {
        self.check_writable()?;
        let mut before = vec![0; self.layout.size()];
        // SAFETY: both have the layout's size.
        unsafe {
            self.deliver(self.load(self.whole()), before.as_mut_ptr());
            scratch.copy_from_nonoverlapping(before.as_ptr(), before.len());
        }
        edit(scratch)?;
        // SAFETY: both have that many bytes.
        unsafe { self.write_changed(before.as_ptr(), scratch) }
    }

    /// Writes the fields in which `after` differs from `before`.
    ///
    /// # Safety
    /// As [`RawView::write`], for both.
    pub(super) unsafe fn write_changed(
        &mut self,
        before: *const u8,
        after: *const u8,
    ) -> Result<()> {
        self.check_writable()?;
        for field in self.layout.fields() {
            let range = field.offset..field.offset + field.ty.size();
            // SAFETY: handed through.
            let differ = self
                .words(range.clone())
                .any(|(at, mask)| unsafe { gather(before, at, mask) != gather(after, at, mask) });
            if differ {
                // SAFETY: handed through.
                unsafe { self.store(after, range) };
            }
        }
        Ok(())
    }

    /// One field as it lies there now, by its path: `"arm.joints[2]"`.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.check()?;
        let (offset, ty) = self.layout.resolve(path)?;
        let range = offset..offset + ty.size();
        Ok(value::read(ty, &self.load(range.clone())[range]))
    }

    /// Writes fields by their paths: checks all of them first, then writes all or none.
    pub fn set(&mut self, fields: &[(&str, &Value)]) -> Result<()> {
        self.check_writable()?;
        let mut bytes = self.load(self.whole());
        let mut ranges = Vec::with_capacity(fields.len());
        for (path, value) in fields {
            let (offset, ty) = self.layout.resolve(path)?;
            let range = offset..offset + ty.size();
            value::write(ty, &mut bytes[range.clone()], value)?;
            ranges.push(range);
        }
        for range in ranges {
            // SAFETY: `bytes` has the layout's size, all of it initialised.
            unsafe { self.store(bytes.as_ptr(), range) };
        }
        Ok(())
    }

    /// All bytes of the segment as they are now, also those behind the struct.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        Ok(all_bytes(&self.mapping))
    }

    /// Ends the waits of other threads on this view; every later call is the error *closed*.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            let message = format!("the view of segment \"{}\" is closed", self.locator);
            return Err(Error::new(ErrorKind::Closed, message));
        }
        if self.born != liveness::fork::generation() {
            return Err(Error::new(
                ErrorKind::Forked,
                format!(
                    "segment \"{}\": this view belongs to the parent of this forked process",
                    self.locator
                ),
            )
            .with_hint("attach anew in the child"));
        }
        Ok(())
    }

    fn check_writable(&self) -> Result<()> {
        self.check()?;
        match self.mapping.writable() {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::PermissionDenied,
                format!("segment \"{}\" was opened read-only", self.locator),
            )),
        }
    }

    /// Where the flag lies, if it can be one.
    fn flag(&self, path: &str) -> Result<Range<usize>> {
        let (offset, ty) = self.layout.resolve(path)?;
        match ty {
            Type::Scalar(scalar) if !matches!(scalar, Scalar::F32 | Scalar::F64) => {
                Ok(offset..offset + ty.size())
            }
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "field {path} of {} is {ty}; a ready flag is a bool or an integer",
                    self.layout.name()
                ),
            )),
        }
    }

    fn whole(&self) -> Range<usize> {
        0..self.layout.size()
    }

    /// The data bytes of `range`: each word (by its offset, a multiple of 8) with a mask of `0xff`
    /// in every byte that is data and in the range.
    fn words(&self, range: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
        let (start, end) = (range.start, range.end);
        let ops = self
            .plan
            .words()
            .flat_map(|block| block.ops.iter().map(move |op| (block.page, op)));
        let words = ops.flat_map(move |(base, op)| {
            let (first, after, mask) = match *op {
                WordOp::Bulk { offset, len } => (base + offset, base + offset + len, u64::MAX),
                WordOp::Partial { offset, mask } => (base + offset, base + offset + 8, mask),
            };
            (first.max(start & !7)..after.min(end))
                .step_by(8)
                .map(move |at| (at, mask))
        });
        words
            .map(move |(at, mask)| (at, mask & within(at, start, end)))
            .filter(|(_, mask)| *mask != 0)
    }

    /// A private copy, of the layout's size, with the data bytes of `range`; all else is zero.
    fn load(&self, range: Range<usize>) -> Vec<u8> {
        let mut bytes = vec![0; self.layout.size()];
        for (at, mask) in self.words(range) {
            let word = (word(&self.mapping, at).load(Ordering::Relaxed) & mask).to_le_bytes();
            let room = &mut bytes[at..];
            let len = room.len().min(8);
            room[..len].copy_from_slice(&word[..len]);
        }
        bytes
    }

    /// Two copies a moment apart, if they agree.
    fn load_twice(&self) -> Option<Vec<u8>> {
        let first = self.load(self.whole());
        // About a microsecond, so that a writer who stores field after field is seen at it.
        for _ in 0..32 {
            spin_hint();
        }
        // The loads of the second copy stay behind those of the first.
        fence(Ordering::Acquire);
        (self.load(self.whole()) == first).then_some(first)
    }

    /// Writes the data bytes of `range` from `value`, a struct of this layout. Bytes beside them
    /// keep what others write there, even in the same word.
    ///
    /// # Safety
    /// `value` is valid for reading the data bytes of `range`, and they are initialised. The
    /// mapping is writable.
    unsafe fn store(&self, value: *const u8, range: Range<usize>) {
        debug_assert!(self.mapping.writable());
        for (at, mask) in self.words(range) {
            // SAFETY: the mask covers data bytes of the range only; the caller's contract.
            let new = unsafe { gather(value, at, mask) };
            let word = word(&self.mapping, at);
            if mask == u64::MAX {
                word.store(new, Ordering::Relaxed);
            } else {
                let _ = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
                    Some(old & !mask | new)
                });
            }
        }
    }

    /// Hands a private copy over, its bools made 0 or 1.
    ///
    /// # Safety
    /// `value` is valid for writing `layout().size()` bytes.
    pub(super) unsafe fn deliver(&self, mut bytes: Vec<u8>, value: *mut u8) {
        self.plan.normalise(&mut bytes);
        // SAFETY: `bytes` has the layout's size, and so has `value`, which is somebody else's.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), value, bytes.len()) };
    }
}

impl fmt::Debug for RawView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawView")
            .field("locator", &self.locator)
            .field("layout", &self.layout.name())
            .field("size", &self.mapping.len())
            .finish_non_exhaustive()
    }
}

/// The word at `at`, which others may write at any time. All accesses to a foreign segment are to
/// whole aligned words, so that none ever overlaps another of a different size.
fn word(mapping: &Mapping, at: usize) -> &AtomicU64 {
    assert!(at.is_multiple_of(8) && at < mapping.len());
    // SAFETY: `at` is inside the mapping, which starts at a page boundary, so the word is aligned.
    // It does not leave the mapping's last page, because pages are multiples of 8; the kernel maps
    // whole pages, and bytes of the last one behind the segment's end are there to be accessed
    // (mmap(2), shmat(2); on Windows a mapping is whole pages). The mapping lives as long as the borrow. An atomic may be shared with
    // writers.
    unsafe { &*mapping.as_ptr().add(at).cast::<AtomicU64>() }
}

/// `0xff` in each byte of the word at `at` that lies in `start..end`.
fn within(at: usize, start: usize, end: usize) -> u64 {
    let (from, to) = (
        start.saturating_sub(at).min(8),
        end.saturating_sub(at).min(8),
    );
    if from >= to {
        0
    } else {
        u64::MAX >> (64 - 8 * (to - from)) << (8 * from)
    }
}

/// The masked bytes of the word at `at`, zero elsewhere; only they are read.
///
/// # Safety
/// The masked bytes of the word at `value + at` are valid for reading and initialised.
unsafe fn gather(value: *const u8, at: usize, mask: u64) -> u64 {
    if mask == u64::MAX {
        // SAFETY: all eight bytes are masked.
        return u64::from_le_bytes(unsafe { value.add(at).cast::<[u8; 8]>().read() });
    }
    let mut bytes = [0; 8];
    for (i, byte) in bytes.iter_mut().enumerate() {
        if mask >> (8 * i) & 0xff != 0 {
            // SAFETY: this byte is masked.
            *byte = unsafe { value.add(at + i).read() };
        }
    }
    u64::from_le_bytes(bytes)
}

pub(super) fn all_bytes(mapping: &Mapping) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(mapping.len() + 8);
    for at in (0..mapping.len()).step_by(8) {
        bytes.extend(word(mapping, at).load(Ordering::Relaxed).to_le_bytes());
    }
    bytes.truncate(mapping.len());
    bytes
}

/// How values move between the segment and private memory: the same offsets, without the padding.
fn plan(layout: &Arc<StructType>) -> Result<Plan> {
    if layout.tail().is_some() {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "{} ends in a tail, which only messages have; a foreign segment needs a fixed size",
                layout.name()
            ),
        ));
    }
    Plan::new(layout, layout, Match::Exact).map_err(|_| {
        Error::new(
            ErrorKind::Internal,
            format!("{} differs from itself", layout.name()),
        )
    })
}

fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    // A time-out beyond the clock's end is none.
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

fn timed_out(locator: &Locator, what: &str, timeout: Option<Duration>) -> Error {
    let within = match timeout {
        Some(timeout) if !timeout.is_zero() => format!(" within {timeout:?}"),
        _ => String::new(),
    };
    Error::new(
        ErrorKind::TimedOut,
        format!("segment \"{locator}\" {what}{within}"),
    )
}

fn too_small(locator: &Locator, layout: &StructType, has: &str) -> Error {
    Error::new(
        ErrorKind::LayoutMismatch,
        format!(
            "segment \"{locator}\" {has}, but {} needs {}",
            layout.name(),
            layout.size()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Field;
    use std::ptr::NonNull;

    /// A view of private memory, filled with `0xee`, as a struct with holes and odd offsets.
    fn view(memory: &mut [u64; 4]) -> RawView {
        *memory = [0xeeee_eeee_eeee_eeee; 4];
        let fields = vec![
            Field::new("a", Type::Scalar(Scalar::U8)).at(0),
            Field::new("b", Type::Scalar(Scalar::I32)).at(1),
            Field::new("c", Type::Scalar(Scalar::F64)).at(7),
            Field::new("d", Type::Text(5)).at(16),
            Field::new("e", Type::Scalar(Scalar::U16)).at(23),
        ];
        let layout = Arc::new(StructType::new("Odd", 27, 1, fields).unwrap());
        // SAFETY: the memory outlives the view in these tests, and nothing is to be unmapped.
        let mapping =
            unsafe { Mapping::new(NonNull::from(memory).cast(), 32, true, |_, _| {}, None) };
        RawView::new(
            Locator::Posix("/test".to_owned()),
            &layout,
            plan(&layout).unwrap(),
            mapping,
            false,
        )
        .unwrap()
    }

    fn is_data(at: usize) -> bool {
        matches!(at, 0..=4 | 7..=14 | 16..=20 | 23..=24)
    }

    #[test]
    fn exactly_the_data_bytes_of_a_range_move() {
        let value: Vec<u8> = (1..=27).collect();
        for start in 0..=27 {
            for end in start..=27 {
                let moves = |at| is_data(at) && (start..end).contains(&at);
                let mut memory = [0; 4];
                let view = view(&mut memory);
                // SAFETY: `value` has the layout's 27 bytes.
                unsafe { view.store(value.as_ptr(), start..end) };
                let bytes = view.bytes().unwrap();
                for (at, &byte) in bytes.iter().enumerate() {
                    assert_eq!(
                        byte,
                        if moves(at) { value[at] } else { 0xee },
                        "{start}..{end} at {at}"
                    );
                }
                for (at, &byte) in view.load(start..end).iter().enumerate() {
                    assert_eq!(
                        byte,
                        if moves(at) { value[at] } else { 0 },
                        "{start}..{end} at {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn views_may_be_shared_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<RawView>();
        check::<super::super::DynView>();
    }

    #[test]
    fn masks_cover_the_bytes_between() {
        assert_eq!(within(8, 0, 100), u64::MAX);
        assert_eq!(within(8, 9, 11), 0x0000_0000_00ff_ff00);
        assert_eq!(within(8, 15, 16), 0xff00_0000_0000_0000);
        assert_eq!(within(8, 0, 8), 0);
        assert_eq!(within(8, 16, 20), 0);
        assert_eq!(within(8, 12, 12), 0);
    }
}
