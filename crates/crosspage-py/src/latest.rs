//! `crosspage.latest`: the newest complete value of a struct.

use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::ThreadId;
use std::time::Duration;

use crosspage::latest::{Meta, Pinned, RawReader, RawWriter, Slot};
use crosspage::{Error, ErrorKind, Watch};
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyMemoryView};

use crate::convert::{decode, encode_into_slot, encode_some};
use crate::errors;
use crate::handle::{Born, LARGE, Recipe, Slices, Target, closed, name_of, seconds};
use crate::meta::{MetaObject, Origin};
use crate::record::{Fresh, Record};
use crate::tasks::{OPENING, in_background, in_background_looking};
use crate::types::{LayoutObject, RecordType, dynamic};
use crate::values::{Buffer, Scratch, Source};

// ---- Writer --------------------------------------------------------------------------------

/// Writes the value of a page. Made by `crosspage.latest.create` and `attach`.
#[pyclass(frozen, generic, name = "Writer", module = "crosspage.latest")]
pub struct Writer {
    /// None once it is closed, so that the page is no longer mapped.
    raw: Mutex<Option<RawWriter>>,
    locator: String,
    born: Born,
    /// The thread that is in `write_with`.
    filler: Mutex<Option<ThreadId>>,
    ty: &'static RecordType,
    recipe: Arc<Recipe>,
}

#[pymethods]
impl Writer {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        create: bool,
        #[pyo3(from_py_with = name_of)] locator: String,
        declared: (Bound<'_, PyAny>, PyRef<'_, LayoutObject>),
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Writer> {
        let recipe = Recipe::new(&locator, Some(declared), keywords)?;
        let (_, ty) = recipe.declared.as_ref().expect("given above");
        let make = if create {
            RawWriter::create
        } else {
            RawWriter::attach
        };
        let raw = py
            .detach(|| make(&locator, ty.layout(), &recipe.options))
            .map_err(errors::raise)?;
        Ok(Writer {
            locator: raw.locator().to_string(),
            raw: Mutex::new(Some(raw)),
            born: Born::here(),
            filler: Mutex::default(),
            ty,
            recipe,
        })
    }

    /// Writes a whole value and returns its version: a record, the fields by keyword, or an object
    /// with a buffer that holds the struct's bytes (a numpy array of its dtype, a ctypes.Structure).
    #[pyo3(signature = (value=None, /, **fields))]
    fn write(
        &self,
        py: Python<'_>,
        value: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let source = Source::new(py, self.ty, value, fields)?;
        let bytes = Target(source.as_ptr().cast_mut());
        // SAFETY: a source has the layout's bytes, and holds them. Those of a record never change; who
        // lets another thread write to a buffer meanwhile gets some of each (`Source::as_ptr`).
        let write = |raw: &mut RawWriter| unsafe { raw.write(bytes.get()) };
        match source {
            Source::Record(_) if self.ty.size() > LARGE => {
                self.ready()?;
                let written = py.detach(|| {
                    let mut raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
                    raw.as_mut().map(write)
                });
                written.ok_or_else(|| self.closed())?.map_err(errors::raise)
            }
            _ => self.with(py, write),
        }
    }

    /// Changes the fields that are named (also by path: `**{"arm.joints[2]": 0.5}`) and leaves the
    /// others as they are, atomically among writers; returns the version.
    #[pyo3(signature = (**fields))]
    fn update(&self, py: Python<'_>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<u64> {
        let fields = fields.ok_or_else(|| {
            PyTypeError::new_err("update needs the fields to change, such as counter=2")
        })?;
        let mut bytes = Scratch::new(self.ty.size());
        let changed = encode_some(self.ty, fields, &mut bytes)?;
        let mut value = Scratch::new(bytes.len());
        let mut change = |value: *mut u8| {
            for range in &changed {
                let from = &bytes[range.clone()];
                // SAFETY: `value` is the one below, and the ranges are inside the layout.
                unsafe {
                    std::ptr::copy_nonoverlapping(from.as_ptr(), value.add(range.start), from.len())
                };
            }
            Ok(())
        };
        // SAFETY: `value` has as many bytes as the layout.
        self.with(py, |raw| unsafe {
            raw.update(value.as_mut_ptr(), &mut change)
        })
    }

    /// Fills the next value in place, for large ones: `fill` gets a slot, into which
    /// `slot["image"] = array` copies once. What it does not write is zero; if it raises, nothing is
    /// published. Returns the version.
    fn write_with(&self, py: Python<'_>, fill: &Bound<'_, PyAny>) -> PyResult<u64> {
        let slot = Bound::new(
            py,
            SlotObject {
                filling: Mutex::new(None),
                ty: self.ty,
            },
        )?;
        let mut failed = None;
        let mut raw = self.lock(py)?;
        let raw = raw.as_mut().ok_or_else(|| self.closed())?;
        *self.filler() = Some(std::thread::current().id());
        let written = raw.write_with(&mut |place| {
            let filling = || slot.get().filling();
            *filling() = Some(Filling(ptr::from_mut(place).cast()));
            let done = fill.call1((&slot,));
            *filling() = None;
            done.map(drop).map_err(|error| {
                failed = Some(error);
                Error::new(ErrorKind::Invalid, "the value was not filled")
            })
        });
        *self.filler() = None;
        written.map_err(|error| failed.take().unwrap_or_else(|| errors::raise(error)))
    }

    /// Detaches; the value stays. Leaving a `with` does the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !self.born.is_here() {
            return Ok(()); // The drop does what a child may do.
        }
        let raw = self.lock(py)?.take();
        drop(raw); // Without the lock: it may log, and Python has the log.
        Ok(())
    }

    /// The page's locator.
    #[getter]
    fn locator(&self) -> &str {
        &self.locator
    }

    /// The layout of the values.
    #[getter]
    fn layout(&self) -> LayoutObject {
        LayoutObject(self.ty)
    }

    /// Who is attached to the page.
    fn participants(&self, py: Python<'_>) -> PyResult<Vec<Participant>> {
        let participants = self.with(py, |raw| Ok(raw.participants()))?;
        Ok(participants.into_iter().map(Participant::from).collect())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.recipe.reduce(py, "latest.attach")
    }

    fn __repr__(&self) -> String {
        format!(
            "<crosspage.latest.Writer of {} in {:?}>",
            self.ty.name(),
            self.locator
        )
    }
}

impl Writer {
    /// Acts on the writer, one thread at a time.
    fn with<R>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut RawWriter) -> crosspage::Result<R>,
    ) -> PyResult<R> {
        let done = self.lock(py)?.as_mut().map(act);
        done.ok_or_else(|| self.closed())?.map_err(errors::raise)
    }

    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Option<RawWriter>>> {
        let raw = match self.raw.try_lock() {
            Err(TryLockError::WouldBlock) => {
                self.ready()?;
                self.raw.lock_py_attached(py)
            }
            Err(TryLockError::Poisoned(raw)) => Err(raw),
            Ok(raw) => Ok(raw),
        };
        Ok(raw.unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the lock will be free.
    fn ready(&self) -> PyResult<()> {
        // `fill` of `write_with` runs Python code under the lock, which may come back here.
        if *self.filler() == Some(std::thread::current().id()) {
            let message = format!("page {:?}: this writer is filling a value", self.locator);
            return Err(errors::invalid(message));
        }
        self.born.check(self.name())
    }

    fn name(&self) -> String {
        format!("page {:?}", self.locator)
    }

    #[cold]
    fn closed(&self) -> PyErr {
        closed(self.name())
    }

    /// Never held while something else is waited for.
    fn filler(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.filler.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that `Writer.write_with` is filling in place: `slot["image"] = array`.
#[pyclass(frozen, name = "Slot", module = "crosspage.latest")]
pub struct SlotObject {
    filling: Mutex<Option<Filling>>,
    ty: &'static RecordType,
}

/// The core's slot, while `fill` runs.
struct Filling(*mut Slot<'static>);

// SAFETY: only used under the mutex of `SlotObject`, and what a slot refers to (words in a mapping)
// is not bound to a thread.
unsafe impl Send for Filling {}

impl SlotObject {
    fn filling(&self) -> MutexGuard<'_, Option<Filling>> {
        self.filling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, offset: usize, bytes: &[u8]) -> PyResult<()> {
        let mut filling = self.filling();
        let Some(Filling(slot)) = &mut *filling else {
            let message = "the value is filled; a slot is only good inside of write_with";
            return Err(errors::raise(Error::new(ErrorKind::Closed, message)));
        };
        // SAFETY: `write_with` has the slot for as long as the pointer is here, does not use it
        // meanwhile, and the mutex keeps others out.
        unsafe { (**slot).write_at(offset, bytes) }.map_err(errors::raise)
    }
}

#[pymethods]
impl SlotObject {
    fn __setitem__(&self, path: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        encode_into_slot(self.ty, path, value, |offset, bytes| {
            self.write(offset, bytes)
        })
    }

    /// Copies bytes to an offset of the value.
    fn write_at(&self, offset: usize, data: PyBackedBytes) -> PyResult<()> {
        self.write(offset, &data)
    }

    /// The layout of the value.
    #[getter]
    fn layout(&self) -> LayoutObject {
        LayoutObject(self.ty)
    }
}

// ---- Reader --------------------------------------------------------------------------------

/// Reads the value of a page. Made by `crosspage.latest.open`.
#[pyclass(frozen, generic, name = "Reader", module = "crosspage.latest")]
pub struct Reader {
    place: Mutex<Place>,
    locator: String,
    /// The version that this handle gave last.
    seen: Mutex<u64>,
    /// Cloned by each value that is held pinned, which is good only while this handle is attached.
    pins: Arc<()>,
    recipe: Arc<Recipe>,
}

/// What a handle is attached to, and reads its values as.
struct Place {
    /// None once it is closed, so that the page is no longer mapped.
    raw: Option<Arc<RawReader>>,
    ty: &'static RecordType,
}

/// The same, while it is open.
struct Attached {
    raw: Arc<RawReader>,
    ty: &'static RecordType,
}

impl Attached {
    /// One slice of waiting for the page.
    fn open_for(locator: &str, recipe: &Recipe, slice: Duration) -> crosspage::Result<RawReader> {
        let layout = recipe.declared.as_ref().map(|(_, ty)| ty.layout());
        let mut options = recipe.options.clone();
        options.timeout = recipe.open_for(slice);
        RawReader::open(locator, layout, &options)
    }

    fn new(py: Python<'_>, recipe: &Recipe, raw: RawReader) -> PyResult<Attached> {
        let ty = match &recipe.declared {
            Some((_, ty)) => ty,
            None => dynamic(py, raw.layout())?,
        };
        Ok(Attached {
            raw: Arc::new(raw),
            ty,
        })
    }

    fn open(py: Python<'_>, locator: &str, recipe: &Recipe) -> PyResult<Attached> {
        let slices = Slices::new(recipe.options.timeout);
        let raw = slices.wait(py, |slice| Attached::open_for(locator, recipe, slice))?;
        Attached::new(py, recipe, raw)
    }
}

impl From<Attached> for Place {
    fn from(Attached { raw, ty }: Attached) -> Place {
        Place { raw: Some(raw), ty }
    }
}

impl Place {
    /// Detaches. Whoever waits still waits there, and gets the error *closed*.
    fn leave(self) {
        if let Some(raw) = self.raw {
            raw.close();
        }
    }
}

#[pymethods]
impl Reader {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        #[pyo3(from_py_with = name_of)] locator: String,
        declared: Option<(Bound<'_, PyAny>, PyRef<'_, LayoutObject>)>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Reader> {
        let recipe = Recipe::new(&locator, declared, keywords)?;
        let attached = Attached::open(py, &locator, &recipe)?;
        Ok(Reader::new(attached, recipe))
    }

    #[staticmethod]
    fn _make_async<'py>(
        py: Python<'py>,
        #[pyo3(from_py_with = name_of)] locator: String,
        declared: Option<(Bound<'py, PyAny>, PyRef<'py, LayoutObject>)>,
        keywords: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let recipe = Recipe::new(&locator, declared, keywords)?;
        let (timeout, finished) = (recipe.options.timeout, recipe.clone());
        let once = move |slice| Attached::open_for(&locator, &recipe, slice);
        in_background_looking(py, timeout, OPENING, once, move |py, raw| {
            let attached = Attached::new(py, &finished, raw)?;
            Ok(Bound::new(py, Reader::new(attached, finished))?.into_any())
        })
    }

    /// The newest value; None before the first write.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let attached = self.attached(py)?;
        if attached.ty.size() > LARGE {
            return self.read_large(py, &attached);
        }
        // SAFETY: finished only where `read` said that it has written all bytes.
        let fresh = unsafe { Fresh::uninit(py, attached.ty)? };
        // SAFETY: the record has as many bytes as the layout that values come in, and is ours alone.
        match unsafe { attached.raw.read(fresh.data()) } {
            Ok(Some(meta)) => Ok(Some(self.give(fresh, &meta))),
            Ok(None) => Ok(None),
            Err(error) => Err(errors::raise(error)),
        }
    }

    /// Copies the newest value into a writable buffer of its size, such as a bytearray or a numpy
    /// array of the page's dtype. Returns what `crosspage.meta` would; None before the first write.
    fn read_into(&self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<Option<MetaObject>> {
        let attached = self.attached(py)?;
        let buffer = Buffer::new(buffer, attached.ty, true)?;
        // SAFETY: the buffer is writable, has the layout's size and is held until after the read. Who
        // lets another thread look at it meanwhile sees some of each value, as with any buffer.
        let meta = unsafe { attached.raw.read(buffer.as_ptr()) }.map_err(errors::raise)?;
        Ok(meta.map(|meta| {
            self.saw(&meta);
            MetaObject(Origin::from(&meta))
        }))
    }

    /// Waits for a value of another version than `since` (the last one that this handle gave) and
    /// returns it. Raises TimeoutError after `timeout` seconds.
    #[pyo3(signature = (since=None, timeout=None))]
    fn wait_changed<'py>(
        &self,
        py: Python<'py>,
        since: Option<u64>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let timeout = seconds(timeout)?;
        let since = since.unwrap_or_else(|| *self.seen());
        let attached = self.attached(py)?;
        // SAFETY: finished only where a wait said that it has written all bytes.
        let fresh = unsafe { Fresh::uninit(py, attached.ty)? };
        let target = Target(fresh.data());
        // SAFETY: as in `read`. The record is ours alone also while other threads run.
        let once = |slice| unsafe { attached.raw.wait_changed(since, Some(slice), target.get()) };
        // What is there already needs no other threads to run.
        let meta = match once(Duration::ZERO) {
            Err(error) if error.is_timed_out() => Slices::new(timeout).wait(py, once)?,
            done => done.map_err(errors::raise)?,
        };
        Ok(self.give(fresh, &meta))
    }

    /// `wait_changed` for asyncio.
    #[pyo3(signature = (since=None, timeout=None))]
    fn wait_changed_async<'py>(
        slf: &Bound<'py, Self>,
        since: Option<u64>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let timeout = seconds(timeout)?;
        let since = since.unwrap_or_else(|| *this.seen());
        let Attached { raw, ty } = this.attached(py)?;
        let wait = async move { raw.wait_changed_async(since, timeout).await };
        let future = in_background(py, wait, move |py, (value, meta)| {
            Ok(Fresh::copied(py, ty, &value)?.finish(Origin::from(&meta)))
        })?;
        // Before whoever awaits it goes on.
        future.call_method1("add_done_callback", (Seen(slf.clone().unbind()),))?;
        Ok(future)
    }

    /// The newest value in place, without a copy, for as long as it is held: `with
    /// reader.read_pinned() as value: …`. None before the first write. The page's creator has to
    /// allow it: `max_pins`.
    fn read_pinned(&self, py: Python<'_>) -> PyResult<Option<PinnedObject>> {
        let Attached { raw, ty } = self.attached(py)?;
        // Detached, as a sweep of the dead may wait for another thread of ours.
        let Some(pinned) = py.detach(|| raw.read_pinned()).map_err(errors::raise)? else {
            return Ok(None);
        };
        self.saw(pinned.meta());
        // SAFETY: the pin borrows from the reader behind `raw`, which moves into `Held` with it and
        // is dropped after it (fields drop in order). An Arc's target does not move, and
        // `RawReader` has no `&mut` user: `reopen` here makes another.
        let pinned = unsafe { std::mem::transmute::<Pinned<'_>, Pinned<'static>>(pinned) };
        let held = Held {
            pinned,
            exports: 0,
            _reader: raw,
            _pin: self.pins.clone(),
        };
        Ok(Some(PinnedObject {
            held: Mutex::new(Some(held)),
            ty,
        }))
    }

    /// A descriptor for `select`, `selectors` and `loop.add_reader`: ready while there may be a value of another
    /// version than was read last, or an error to tell. It belongs to this handle, and is gone with it.
    #[cfg(unix)]
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        self.attached(py)?.raw.wait_handle().map_err(errors::raise)
    }

    /// Attaches to the page that has the name now, after the error `Replaced`.
    fn reopen(&self, py: Python<'_>) -> PyResult<()> {
        self.no_pins("reopen")?;
        let attached = Attached::open(py, &self.recipe.locator, &self.recipe)?;
        self.move_to(py, attached)
    }

    /// `reopen` for asyncio.
    fn reopen_async<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        this.no_pins("reopen")?;
        let (locator, recipe) = (this.recipe.locator.clone(), this.recipe.clone());
        let once = move |slice| Attached::open_for(&locator, &recipe, slice);
        let reader = slf.clone().unbind();
        let timeout = this.recipe.options.timeout;
        in_background_looking(py, timeout, OPENING, once, move |py, raw| {
            let this = reader.get();
            this.move_to(py, Attached::new(py, &this.recipe, raw)?)?;
            Ok(py.None().into_bound(py))
        })
    }

    /// Detaches; whoever waits on this handle gets the error `Closed`. Leaving a `with` does the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.no_pins("close")?;
        let mut place = self.place(py);
        let before = Place {
            raw: place.raw.take(),
            ty: place.ty,
        };
        drop(place);
        before.leave();
        Ok(())
    }

    /// The page's locator.
    #[getter]
    fn locator(&self) -> &str {
        &self.locator
    }

    /// The layout of the values.
    #[getter]
    fn layout(&self, py: Python<'_>) -> LayoutObject {
        LayoutObject(self.place(py).ty)
    }

    /// Who is attached to the page.
    fn participants(&self, py: Python<'_>) -> PyResult<Vec<Participant>> {
        let participants = self.attached(py)?.raw.participants();
        Ok(participants.into_iter().map(Participant::from).collect())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    /// Every value that this handle sees, the one that is there first; ends when it is closed.
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.wait_changed(py, None, None) {
            Err(error) if errors::is_closed(py, &error) => Ok(None),
            next => next.map(Some),
        }
    }

    fn __aiter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let next = slf
            .py()
            .import("crosspage._handles")?
            .getattr("_next_async")?;
        next.call1((Reader::wait_changed_async(slf, None, None)?,))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.recipe.reduce(py, "latest.open")
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "<crosspage.latest.Reader of {} in {:?}>",
            self.place(py).ty.name(),
            self.locator
        )
    }
}

impl Reader {
    fn new(attached: Attached, recipe: Arc<Recipe>) -> Reader {
        Reader {
            locator: attached.raw.locator().to_string(),
            place: Mutex::new(attached.into()),
            seen: Mutex::new(0),
            pins: Arc::default(),
            recipe,
        }
    }

    /// Whether the next read has something new to say.
    pub fn has_news(&self, py: Python<'_>) -> bool {
        let seen = *self.seen();
        self.attached(py)
            .is_ok_and(|attached| attached.raw.has_newer(seen))
            || self.is_closed(py)
    }

    /// What to sleep on until it has.
    pub fn watch(&self, py: Python<'_>) -> PyResult<Watch> {
        Ok(self.attached(py)?.raw.watch())
    }

    fn is_closed(&self, py: Python<'_>) -> bool {
        self.place(py).raw.is_none()
    }

    /// A clone, not a guard: what follows may call Python code, which may come back here.
    fn attached(&self, py: Python<'_>) -> PyResult<Attached> {
        let place = self.place(py);
        let (raw, ty) = (place.raw.clone(), place.ty);
        drop(place);
        let raw = raw.ok_or_else(|| closed(format_args!("page {:?}", self.locator)))?;
        Ok(Attached { raw, ty })
    }

    /// Never held while something else is waited for.
    fn place(&self, py: Python<'_>) -> MutexGuard<'_, Place> {
        let place = self.place.lock_py_attached(py);
        place.unwrap_or_else(PoisonError::into_inner)
    }

    /// Never held while something else is waited for.
    fn seen(&self) -> MutexGuard<'_, u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn saw(&self, meta: &Meta) {
        *self.seen() = meta.version;
    }

    /// Attaches there instead.
    fn move_to(&self, py: Python<'_>, attached: Attached) -> PyResult<()> {
        self.no_pins("reopen")?;
        let before = std::mem::replace(&mut *self.place(py), attached.into());
        *self.seen() = 0;
        before.leave();
        Ok(())
    }

    /// Hands out a record that a read has filled.
    fn give<'py>(&self, fresh: Fresh<'py>, meta: &Meta) -> Bound<'py, PyAny> {
        self.saw(meta);
        fresh.finish(meta.into())
    }

    #[cold]
    fn read_large<'py>(
        &self,
        py: Python<'py>,
        attached: &Attached,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        // SAFETY: as in `read`.
        let fresh = unsafe { Fresh::uninit(py, attached.ty)? };
        let target = Target(fresh.data());
        // SAFETY: as in `read`. The record is ours alone also while other threads run.
        let read = py.detach(|| unsafe { attached.raw.read(target.get()) });
        Ok(read
            .map_err(errors::raise)?
            .map(|meta| self.give(fresh, &meta)))
    }

    fn no_pins(&self, what: &str) -> PyResult<()> {
        match Arc::strong_count(&self.pins) - 1 {
            0 => Ok(()),
            n => Err(errors::raise(
                Error::new(
                    ErrorKind::InUse,
                    format!("{what}: {n} pinned values of this reader are still held"),
                )
                .with_hint(
                    "release them first, or pin them with `with reader.read_pinned() as value:`",
                ),
            )),
        }
    }
}

/// Notes what a future has given, which is nothing where its task was cancelled.
#[pyclass(frozen)]
struct Seen(Py<Reader>);

#[pymethods]
impl Seen {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if !future.call_method0("cancelled")?.is_truthy()?
            && let Ok(record) = future.call_method0("result")
            && let Some(record) = Record::of(&record)
        {
            *self.0.get().seen() = record.origin().number;
        }
        Ok(())
    }
}

// ---- Pinned --------------------------------------------------------------------------------

/// A value in the page that stays as it is while this is held: `value["image"]`, `memoryview(value)`
/// and `crosspage.to_numpy(value)` look at it in place.
#[pyclass(frozen, generic, name = "Pinned", module = "crosspage.latest")]
pub struct PinnedObject {
    held: Mutex<Option<Held>>,
    ty: &'static RecordType,
}

struct Held {
    /// Borrows from `_reader`, so it comes before it.
    pinned: Pinned<'static>,
    /// Views that look at the bytes.
    exports: usize,
    _reader: Arc<RawReader>,
    _pin: Arc<()>,
}

impl PinnedObject {
    /// Under the lock runs no Python code, which might come back here.
    fn held(&self, py: Python<'_>) -> MutexGuard<'_, Option<Held>> {
        let held = self.held.lock_py_attached(py);
        held.unwrap_or_else(PoisonError::into_inner)
    }

    fn with<R>(&self, py: Python<'_>, act: impl FnOnce(&mut Held) -> R) -> PyResult<R> {
        let done = self.held(py).as_mut().map(act);
        done.ok_or_else(|| {
            let message = "the pinned value was released";
            errors::raise(Error::new(ErrorKind::Closed, message))
        })
    }

    /// Where the bytes are; they stay there until `let_go`.
    fn look(&self, py: Python<'_>) -> PyResult<*const [u8]> {
        self.with(py, |held| {
            held.exports += 1;
            ptr::from_ref(held.pinned.as_bytes())
        })
    }

    fn let_go(&self, py: Python<'_>) {
        if let Some(held) = &mut *self.held(py) {
            held.exports -= 1;
        }
    }
}

#[pymethods]
impl PinnedObject {
    fn __getitem__<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let (offset, kind) = self.ty.find(py, path)?;
        let bytes = self.look(py)?;
        // SAFETY: they stay as they are until `let_go`.
        let value = decode(py, kind, unsafe { &(&*bytes)[offset..][..kind.size()] });
        self.let_go(py);
        value
    }

    /// Version, time and writer.
    #[getter]
    pub fn meta(&self, py: Python<'_>) -> PyResult<MetaObject> {
        self.with(py, |held| MetaObject(held.pinned.meta().into()))
    }

    /// The layout of the value.
    #[getter]
    fn layout(&self) -> LayoutObject {
        LayoutObject(self.ty)
    }

    /// Lets go of the value. Refused while views of it exist.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        let mut place = self.held(py);
        let exports = place.as_ref().map_or(0, |held| held.exports);
        let held = place.take_if(|_| exports == 0);
        drop(place);
        drop(held); // It may be the last of its reader, which logs.
        match exports {
            0 => Ok(()),
            n => Err(PyBufferError::new_err(format!(
                "{n} views (memoryview, numpy) of the pinned value still exist"
            ))),
        }
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.release(py)
    }

    /// What Python 3.12 and later give every class with a buffer; type checkers ask for it anywhere.
    fn __buffer__<'py>(slf: &Bound<'py, Self>, _flags: i32) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(slf.as_any())
    }

    /// # Safety
    /// As CPython's: `view` is valid for writing.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: i32,
    ) -> PyResult<()> {
        let (pinned, py) = (slf.get(), slf.py());
        let bytes = pinned.look(py)?;
        let (data, len) = (bytes.cast_mut().cast(), bytes.len() as ffi::Py_ssize_t);
        // SAFETY: `view` is valid. The bytes stay as they are until `__releasebuffer__`, as `release`
        // refuses until then. PyBuffer_FillInfo refuses a view that asks to write.
        match unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), data, len, 1, flags) } {
            0 => Ok(()),
            _ => {
                pinned.let_go(py);
                Err(PyErr::fetch(py))
            }
        }
    }

    /// # Safety
    /// As CPython's.
    unsafe fn __releasebuffer__(&self, py: Python<'_>, _view: *mut ffi::Py_buffer) {
        self.let_go(py);
    }
}

// ---- participants --------------------------------------------------------------------------

/// One participant of a page.
#[pyclass(frozen, get_all, module = "crosspage")]
pub struct Participant {
    /// "writer", "reader", …
    role: &'static str,
    /// The process, as numbered in its own PID namespace.
    pid: u32,
    /// Whether it lives; true also where that cannot be found out.
    alive: bool,
    /// The language it attached from.
    language: &'static str,
}

impl From<crosspage::Participant> for Participant {
    fn from(of: crosspage::Participant) -> Participant {
        Participant {
            role: of.role,
            pid: of.pid,
            alive: of.alive,
            language: of.language,
        }
    }
}

#[pymethods]
impl Participant {
    fn __repr__(&self) -> String {
        let alive = if self.alive { "alive" } else { "dead" };
        format!(
            "<{}, pid {}, {}, {alive}>",
            self.role, self.pid, self.language
        )
    }
}
