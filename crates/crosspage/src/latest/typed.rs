//! `latest` for Rust types.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
#[cfg(all(feature = "tokio", not(loom)))]
use std::pin::Pin;
#[cfg(all(feature = "tokio", not(loom)))]
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use super::raw::{Meta, Options, Pinned, RawReader, RawWriter, Slot};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Match};
use crate::locator::Locator;
use crate::page::{Lifetime, Participant};
use crate::segment::Permissions;
use crate::wait::bell::Raw as RawHandle;
#[cfg(all(feature = "tokio", not(loom)))]
use crate::wait::{self, TaskSleep};
use crate::wait::{Waits, Watch};

/// A value and what is known of it.
// It is moved (out of the `Option`, out of the `Result`) right after it was read, while the stores that
// filled it are still on their way to the cache. Loads are served from such stores only where none
// crosses two of them, so the value lies for itself on lines of its own, however the compiler cuts the
// rest into pieces; what is stored first comes first, and is not waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(C, align(64))]
pub struct Snapshot<T> {
    /// Counts up by one with each write; the first is 1.
    pub version: u64,
    /// When it was written, by the writer's CLOCK_REALTIME.
    pub written_at: SystemTime,
    meta: Meta,
    /// The process that wrote it, as numbered in its own PID namespace.
    pub writer: u32,
    here: Here,
    _line: [Line; 0],
    /// The value: complete, never torn.
    pub value: T,
}

/// None of it takes no room, but begins a line: a `SystemTime` is not everywhere of the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
struct Line;

/// Where `Option` and `Result` mark that there is no snapshot: not in the middle of the value (a bool
/// of it would do), which would be moved in pieces then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum Here {
    Yes = 1,
}

impl<T: std::fmt::Debug> std::fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("value", &self.value)
            .field("version", &self.version)
            .field("written_at", &self.written_at)
            .field("writer", &self.writer)
            .finish()
    }
}

impl<T> Snapshot<T> {
    /// How long ago the value was written: one clock read. Zero if the clock was set back meanwhile.
    pub fn age(&self) -> Duration {
        self.meta.age()
    }

    /// All that is known of the value.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Writes all but the value.
    ///
    /// # Safety
    /// `parts` is valid for writing, and nobody else accesses it meanwhile.
    #[inline(always)]
    unsafe fn complete(parts: *mut Snapshot<T>, meta: Meta) {
        // SAFETY: these are fields of `parts`.
        unsafe {
            (&raw mut (*parts).here).write(Here::Yes);
            (&raw mut (*parts).version).write(meta.version);
            (&raw mut (*parts).written_at).write(meta.time());
            (&raw mut (*parts).writer).write(meta.writer_pid);
            (&raw mut (*parts).meta).write(meta);
        }
    }
}

macro_rules! shared_options {
    () => {
        /// How much of the layouts has to agree: [`Match::Exact`] unless told otherwise.
        #[must_use]
        pub fn match_by(mut self, matching: Match) -> Self {
            self.options.matching = matching;
            self
        }
    };
}

/// How to make or join a page as its writer.
#[derive(Debug, Clone)]
pub struct WriterOptions<T> {
    options: Options,
    _type: PhantomData<fn(T)>,
}

impl<T: Layout> WriterOptions<T> {
    shared_options!();

    /// How many living writers the page allows (1 to 254). A new page: 1.
    #[must_use]
    pub fn writers(mut self, n: u32) -> Self {
        self.options.writers = Some(n);
        self
    }

    /// How many values readers can pin at once, over all of them. A new page: 0.
    #[must_use]
    pub fn max_pins(mut self, n: u32) -> Self {
        self.options.max_pins = Some(n);
        self
    }

    /// Whether values carry an XXH3-64 checksum that every read verifies. A new page: no.
    #[must_use]
    pub fn checksum(mut self, yes: bool) -> Self {
        self.options.checksum = Some(yes);
        self
    }

    /// How many participants the page has room for (1 to 4096). A new page: 128.
    #[must_use]
    pub fn max_participants(mut self, n: u32) -> Self {
        self.options.max_participants = Some(n);
        self
    }

    /// Who may attach. A new page: its owner.
    #[must_use]
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.options.permissions = Some(permissions);
        self
    }

    /// How long the page stays. A new page: until it is removed.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.options.lifetime = Some(lifetime);
        self
    }

    /// See [`Writer::create`].
    ///
    /// # Errors
    /// As there.
    pub fn create(&self, locator: &str) -> Result<Writer<T>> {
        Ok(Writer {
            raw: RawWriter::create(locator, T::layout(), &self.options)?,
            _type: PhantomData,
        })
    }

    /// See [`Writer::attach`].
    ///
    /// # Errors
    /// As there.
    pub fn attach(&self, locator: &str) -> Result<Writer<T>> {
        Ok(Writer {
            raw: RawWriter::attach(locator, T::layout(), &self.options)?,
            _type: PhantomData,
        })
    }
}

/// Writes the values of a page.
#[derive(Debug)]
pub struct Writer<T> {
    raw: RawWriter,
    _type: PhantomData<fn(T)>,
}

impl<T: Layout> Writer<T> {
    /// The options of a new page, to be changed before [`WriterOptions::create`] or
    /// [`WriterOptions::attach`].
    pub fn options() -> WriterOptions<T> {
        WriterOptions {
            options: Options::default(),
            _type: PhantomData,
        }
    }

    /// Makes the page, or takes over the writer's role if nobody alive holds it: value and version
    /// stay. A page of another layout is replaced by a new one.
    ///
    /// # Errors
    /// Already owned, where a writer lives (the error names it); no space; permission denied;
    /// invalid, for a bad name or options that contradict the page's.
    pub fn create(locator: &str) -> Result<Writer<T>> {
        Self::options().create(locator)
    }

    /// Joins the page as a writer, or makes it.
    ///
    /// # Errors
    /// As [`create`](Writer::create), and layout mismatch where the page has another layout.
    pub fn attach(locator: &str) -> Result<Writer<T>> {
        Self::options().attach(locator)
    }

    /// Publishes a value and returns its version. Never blocks, never allocates, and makes no system
    /// call unless a reader sleeps in [`Reader::wait_changed`].
    ///
    /// # Errors
    /// Replaced, where the page was removed or replaced; forked, in a forked child.
    #[inline]
    pub fn write(&mut self, value: &T) -> Result<u64> {
        // SAFETY: `T: Layout` describes T exactly, so its fields are where the layout says, and a
        // reference's fields are initialised.
        unsafe { self.raw.write(std::ptr::from_ref(value).cast()) }
    }

    /// Changes the current value, atomically among writers: if another publishes meanwhile, `change`
    /// runs again on the newer value. Returns the new version.
    ///
    /// # Errors
    /// No value, before the first write; invalid, where an enum of the current value has no such
    /// variant; and as [`write`](Writer::write).
    pub fn update(&mut self, mut change: impl FnMut(&mut T)) -> Result<u64> {
        let mut value = MaybeUninit::<T>::uninit();
        let plan = self.raw.plan().clone();
        let mut found = None;
        let scratch = value.as_mut_ptr().cast::<u8>();
        // SAFETY: `scratch` is a `T`, which has the layout's size; a `&mut T` leaves it initialised.
        let updated = unsafe {
            self.raw.update(scratch, &mut |bytes| {
                // `update` has just initialised all bytes, and made bools 0 or 1; `validate`
                // makes sure of the enums; then it is a valid `T` by the contract of `Layout`.
                let slice = std::slice::from_raw_parts(bytes, size_of::<T>());
                if let Err(invalid) = plan.validate(slice) {
                    let error = Error::new(ErrorKind::Invalid, invalid.to_string());
                    found = Some(invalid);
                    return Err(error);
                }
                change(&mut *bytes.cast::<T>());
                Ok(())
            })
        };
        match found {
            Some(invalid) => Err(invalid_value(self.raw.locator(), &invalid)),
            None => updated,
        }
    }

    /// Fills the next value in place, without a copy on the way: for large values. What `fill` leaves
    /// out is zero. Returns the version.
    ///
    /// # Errors
    /// What `fill` returns: nothing is published then. And as [`write`](Writer::write).
    pub fn write_with(&mut self, mut fill: impl FnMut(&mut Slot<'_>) -> Result<()>) -> Result<u64> {
        self.raw.write_with(&mut fill)
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}

#[cold]
fn invalid_value(locator: &Locator, invalid: &crate::layout::Invalid) -> Error {
    Error::new(ErrorKind::Invalid, format!("page \"{locator}\": {invalid}")).with_hint(
        "the writer knows a variant that this program does not; a DynReader reads it as its integer",
    )
}

/// How to join a page as a reader.
#[derive(Debug, Clone)]
pub struct ReaderOptions<T> {
    options: Options,
    _type: PhantomData<fn() -> T>,
}

impl<T: Layout> ReaderOptions<T> {
    shared_options!();

    /// Map the page read-only. Such a reader takes no place in the participant table, waits by looking
    /// again and again, and works where the page may not be written (a read-only mount).
    #[must_use]
    pub fn read_only(mut self, yes: bool) -> Self {
        self.options.read_only = yes;
        self
    }

    /// How long to wait for the page to exist. Zero (the default) never waits, `None` waits for ever.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.options.timeout = timeout.into();
        self
    }

    /// See [`Reader::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, locator: &str) -> Result<Reader<T>> {
        Ok(Reader {
            raw: RawReader::open(locator, Some(T::layout()), &self.options)?,
            _type: PhantomData,
        })
    }

    /// See [`Reader::open_wait`].
    ///
    /// # Errors
    /// As there.
    pub fn open_wait(
        &self,
        locator: &str,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Reader<T>> {
        self.clone().timeout(timeout).open(locator)
    }
}

/// Reads the values of a page.
#[derive(Debug)]
pub struct Reader<T> {
    raw: RawReader,
    _type: PhantomData<fn() -> T>,
}

impl<T: Layout> Reader<T> {
    /// The options, to be changed before [`ReaderOptions::open`].
    pub fn options() -> ReaderOptions<T> {
        ReaderOptions {
            options: Options::default(),
            _type: PhantomData,
        }
    }

    /// Joins a page that exists.
    ///
    /// # Errors
    /// Not found; layout mismatch, with every differing field; permission denied; full, where the
    /// participant table is; corrupt; unsupported.
    pub fn open(locator: &str) -> Result<Reader<T>> {
        Self::options().open(locator)
    }

    /// Joins a page, and waits for it to be made: `None` waits for ever.
    ///
    /// # Errors
    /// Timed out; and as [`open`](Reader::open).
    pub fn open_wait(locator: &str, timeout: impl Into<Option<Duration>>) -> Result<Reader<T>> {
        Self::options().open_wait(locator, timeout)
    }

    /// [`open_wait`](Reader::open_wait) for a task; it does not block.
    ///
    /// # Errors
    /// As [`open_wait`](Reader::open_wait).
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn open_wait_async(
        locator: &str,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Reader<T>> {
        let options = Options {
            timeout: timeout.into(),
            ..Options::default()
        };
        Ok(Reader {
            raw: RawReader::open_async(locator, Some(T::layout()), &options).await?,
            _type: PhantomData,
        })
    }

    /// The newest complete value; `None` before the first write. Never blocks, never allocates, makes
    /// no system call.
    ///
    /// # Errors
    /// Invalid, where an enum holds a value without a name (the error names field and value); corrupt,
    /// where a checksum does not hold; replaced; forked.
    #[inline(always)]
    pub fn read(&self) -> Result<Option<Snapshot<T>>> {
        let mut snapshot = MaybeUninit::<Snapshot<T>>::uninit();
        if self.try_read(&mut snapshot) || self.read_slowly(&mut snapshot)? {
            // SAFETY: both return true once they have initialised it.
            return Ok(Some(unsafe { snapshot.assume_init() }));
        }
        Ok(None)
    }

    /// [`read`](Reader::read) where there is nothing special: initialises `snapshot` and returns true,
    /// or returns false.
    ///
    /// All that it calls is inline and keeps no address. So the compiler may choose the snapshot's place,
    /// and it is never moved, out of the `Option` and the `Result`: a move costs as much as the read.
    #[inline]
    fn try_read(&self, snapshot: &mut MaybeUninit<Snapshot<T>>) -> bool {
        let parts = snapshot.as_mut_ptr();
        // SAFETY: the value is a field of the snapshot under construction, and has the layout's size.
        // After the read all its bytes are initialised; bools are 0 or 1, and `validate_at` says that
        // the enums are valid, so it is a `T` by the contract of `Layout`. Then the other fields.
        unsafe {
            let value = (&raw mut (*parts).value).cast::<u8>();
            let before = |meta: &Meta| Snapshot::complete(parts, *meta);
            self.raw.try_read(value, size_of::<T>(), before).is_some()
                && self.raw.plan().validate_at(value).is_ok()
        }
    }

    #[cold]
    fn read_slowly(&self, place: &mut MaybeUninit<Snapshot<T>>) -> Result<bool> {
        // Not into `place` itself, whose address the calls below might keep, for all the compiler knows.
        let mut snapshot = MaybeUninit::<Snapshot<T>>::uninit();
        // SAFETY: the field of a `Snapshot<T>` under construction; it has the layout's size.
        let meta = unsafe {
            self.raw
                .read_slowly((&raw mut (*snapshot.as_mut_ptr()).value).cast())
        }?;
        let Some(meta) = meta else { return Ok(false) };
        // SAFETY: a read that returns a value has initialised all bytes of it.
        unsafe { self.finish(&mut snapshot, meta) }?;
        *place = snapshot;
        Ok(true)
    }

    /// As [`read`](Reader::read), into a place of the caller's (a large value on the heap, say),
    /// without a copy on the way. `None`: nothing was written yet, and `value` is unchanged.
    ///
    /// # Errors
    /// As [`read`](Reader::read). After an error `value` may hold what was refused; where that could
    /// be no `T` at all, it is unchanged.
    #[inline]
    pub fn read_into(&self, value: &mut T) -> Result<Option<Meta>> {
        if !self.raw.plan().has_enums() {
            let bytes = std::ptr::from_mut(value).cast::<u8>();
            // SAFETY: `value` is a `T`, which has the layout's size. Without enums any bytes are a `T`
            // once its bools are 0 or 1: a read that succeeds has seen to that, and `read_into_slowly`
            // does so after one that did not.
            if let Some(meta) = unsafe { self.raw.try_read(bytes, size_of::<T>(), |_| ()) } {
                return Ok(Some(meta));
            }
        }
        self.read_into_slowly(value)
    }

    #[cold]
    fn read_into_slowly(&self, value: &mut T) -> Result<Option<Meta>> {
        let plan = self.raw.plan();
        if !plan.has_enums() {
            let bytes = std::ptr::from_mut(value).cast::<u8>();
            // SAFETY: as in `read_into`. Where no read has succeeded, parts of other values may be there.
            return unsafe {
                let read = self.raw.read_slowly(bytes);
                plan.normalise_at(bytes);
                read
            };
        }
        let mut copy = Box::<T>::new_uninit();
        // SAFETY: `copy` is a `T`, which has the layout's size.
        let Some(meta) = (unsafe { self.raw.read(copy.as_mut_ptr().cast()) })? else {
            return Ok(None);
        };
        // SAFETY: the read has initialised all bytes; validated, they are a `T`.
        unsafe {
            plan.validate_at(copy.as_ptr().cast())
                .map_err(|invalid| invalid_value(self.raw.locator(), &invalid))?;
            std::ptr::copy_nonoverlapping(copy.as_ptr(), value, 1);
        }
        Ok(Some(meta))
    }

    /// Completes a snapshot whose value was read in place. After `Ok` it is initialised.
    ///
    /// # Safety
    /// All bytes of the snapshot's value are initialised, by `raw.read`.
    unsafe fn finish(&self, snapshot: &mut MaybeUninit<Snapshot<T>>, meta: Meta) -> Result<()> {
        let parts = snapshot.as_mut_ptr();
        // SAFETY: the value is initialised by the contract. Its bools are 0 or 1 (`read` normalises)
        // and once its enums are valid, the contract of `Layout` says that it is a `T`.
        unsafe {
            let value = (&raw const (*parts).value).cast();
            self.raw
                .plan()
                .validate_at(value)
                .map_err(|invalid| invalid_value(self.raw.locator(), &invalid))?;
            Snapshot::complete(parts, meta);
        }
        Ok(())
    }

    /// Waits until there is a value of another version than `since` (0: any value). `None` waits for
    /// ever. Spins for a few microseconds, then sleeps without using the processor.
    ///
    /// # Errors
    /// Timed out; and as [`read`](Reader::read).
    pub fn wait_changed(
        &self,
        since: u64,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Snapshot<T>> {
        let mut snapshot = MaybeUninit::<Snapshot<T>>::uninit();
        // SAFETY: the field of a `Snapshot<T>` under construction; it has the layout's size.
        let meta = unsafe {
            let value = (&raw mut (*snapshot.as_mut_ptr()).value).cast();
            self.raw.wait_changed(since, timeout.into(), value)
        }?;
        // SAFETY: a wait that returns has initialised all bytes of the value.
        unsafe {
            self.finish(&mut snapshot, meta)?;
            Ok(snapshot.assume_init())
        }
    }

    /// [`wait_changed`](Reader::wait_changed) for a task. Does not block, needs no thread of its own, and
    /// belongs to no executor. To drop the future is to wait no longer; no value is lost by it.
    ///
    /// # Errors
    /// As [`wait_changed`](Reader::wait_changed).
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn wait_changed_async(
        &self,
        since: u64,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Snapshot<T>> {
        let read = || self.read_changed(since);
        (self.raw.wait_changed_with(since, timeout.into(), read)).await
    }

    /// The newest value if it has another version than `since`.
    #[cfg(all(feature = "tokio", not(loom)))]
    fn read_changed(&self, since: u64) -> Result<Option<Snapshot<T>>> {
        let mut snapshot = MaybeUninit::<Snapshot<T>>::uninit();
        // SAFETY: as in `wait_changed`: the field has the layout's size; a read that gives something has
        // initialised all its bytes.
        unsafe {
            let value = (&raw mut (*snapshot.as_mut_ptr()).value).cast();
            let Some(meta) = self.raw.read_changed(since, value)? else {
                return Ok(None);
            };
            self.finish(&mut snapshot, meta)?;
            Ok(Some(snapshot.assume_init()))
        }
    }

    /// The newest value whenever it changes, for a task: first the one that is there, unless this reader has read
    /// it already. What is written while the task is busy is skipped, but for the newest. Ends after an error.
    ///
    /// ```no_run
    /// # use crosspage::latest;
    /// # use std::pin::Pin;
    /// # use futures_core::Stream;
    /// # #[derive(Clone, Copy, crosspage::Layout)]
    /// # #[repr(C)]
    /// # struct Telemetry { counter: i32 }
    /// # async fn follow(reader: latest::Reader<Telemetry>) -> crosspage::Result<()> {
    /// let mut stream = reader.stream();
    /// // With `StreamExt` of tokio-stream or futures: `while let Some(snapshot) = stream.next().await`
    /// while let Some(snapshot) = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
    ///     println!("{}", snapshot?.value.counter);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(all(feature = "tokio", not(loom)))]
    pub fn stream(&self) -> Stream<'_, T> {
        Stream {
            reader: self,
            seen: self.raw.seen(),
            sleep: None,
            done: false,
        }
    }

    /// The newest value in place, kept from being overwritten until it is dropped: for large values,
    /// on pages made with `max_pins`. `None` before the first write.
    ///
    /// # Errors
    /// Invalid, where the page has no pins; full, where all are held; and as [`read`](Reader::read).
    pub fn read_pinned(&self) -> Result<Option<Pinned<'_>>> {
        self.raw.read_pinned()
    }

    /// What an event loop waits on (epoll, poll, Qt, tokio's `AsyncFd`; on Windows a handle for
    /// `WaitForMultipleObjects`): ready while there may be a value of another version than was read last, or an
    /// error to tell, until that is read. It belongs to this reader: only wait on it. The first call starts a
    /// thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had; replaced; forked.
    pub fn wait_handle(&self) -> Result<RawHandle> {
        self.raw.wait_handle()
    }

    /// Whether the process that wrote a value still holds the writer's role.
    pub fn writer_alive(&self, snapshot: &Snapshot<T>) -> bool {
        self.raw.writer_alive(&snapshot.meta)
    }

    /// Attaches to the page that has the name now: after the error *replaced*.
    ///
    /// # Errors
    /// As [`open`](Reader::open).
    pub fn reopen(&mut self) -> Result<()> {
        self.raw.reopen()
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}

/// The newest value whenever it changes, for a task; see [`Reader::stream`].
#[cfg(all(feature = "tokio", not(loom)))]
pub struct Stream<'r, T: Layout> {
    reader: &'r Reader<T>,
    /// The version that was given last.
    seen: u64,
    sleep: Option<TaskSleep>,
    done: bool,
}

#[cfg(all(feature = "tokio", not(loom)))]
impl<T: Layout> futures_core::Stream for Stream<'_, T> {
    type Item = Result<Snapshot<T>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        let seen = this.seen;
        let polled = wait::poll_next(
            &mut this.reader,
            &mut this.sleep,
            context,
            |reader| reader.watch(),
            |reader| reader.read_changed(seen),
        );
        match &polled {
            Poll::Ready(Ok(snapshot)) => this.seen = snapshot.version,
            // What is damaged or no value of the type stays so, and would be told again and again.
            Poll::Ready(Err(_)) => this.done = true,
            Poll::Pending => {}
        }
        polled.map(Some)
    }
}

impl<T: Layout> Waits for Reader<T> {
    fn has_news(&mut self) -> bool {
        self.raw.has_news()
    }

    fn watch(&self) -> Watch {
        self.raw.watch()
    }
}
