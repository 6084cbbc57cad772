//! `crosspage.latest`: the newest complete value of a struct.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crosspage::latest::{Meta, Pinned, RawReader, RawWriter};
use crosspage::layout::{Match, compare, mismatch_error};
use crosspage::{Error, ErrorKind};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::{MutexExt, RwLockExt};
use pyo3::types::{PyDict, PyType};
use pyo3::{ffi, intern};

use crate::convert::{decode, encode_all, encode_some};
use crate::errors;
use crate::handle::{LARGE, Recipe, Slices, Target, in_background, timeout};
use crate::record::{Fresh, Origin, Record};
use crate::types::{LayoutObject, RecordType, dynamic};

fn origin(meta: &Meta) -> Origin {
    Origin { version: meta.version, written_at: meta.written_at, writer_pid: meta.writer_pid }
}

/// The class of the values that a handle gives and takes.
fn class_of(py: Python<'_>, recipe: &Recipe, layout: &Arc<crosspage::layout::StructType>) -> PyResult<&'static RecordType> {
    match &recipe.declared {
        Some((_, ty)) => Ok(ty),
        None => dynamic(py, layout),
    }
}

// ---- Writer --------------------------------------------------------------------------------

/// Writes the value of a page. Made by `crosspage.latest.create` and `attach`.
#[pyclass(frozen, generic, name = "Writer", module = "crosspage.latest")]
pub struct Writer {
    raw: Mutex<RawWriter>,
    /// Where fields are put together; kept, so that a write allocates nothing.
    scratch: Mutex<Vec<u8>>,
    ty: &'static RecordType,
    recipe: Recipe,
}

#[pymethods]
impl Writer {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        create: bool,
        locator: &str,
        declared: (Bound<'_, PyAny>, PyRef<'_, LayoutObject>),
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Writer> {
        let recipe = Recipe::new(Some(declared), keywords)?;
        let (_, ty) = recipe.declared.as_ref().expect("given above");
        let make = if create { RawWriter::create } else { RawWriter::attach };
        let raw = py.detach(|| make(locator, ty.layout(), &recipe.options)).map_err(errors::raise)?;
        Ok(Writer { raw: Mutex::new(raw), scratch: Mutex::default(), ty, recipe })
    }

    /// Writes a whole value and returns its version: a record, the fields by keyword, or an object
    /// with a buffer that holds the struct's bytes (a numpy array of its dtype, a ctypes.Structure).
    #[pyo3(signature = (value=None, /, **fields))]
    fn write(&self, py: Python<'_>, value: Option<&Bound<'_, PyAny>>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<u64> {
        let Some(value) = value else {
            let empty;
            let fields = match fields {
                Some(fields) => fields,
                None => {
                    empty = PyDict::new(py);
                    &empty
                }
            };
            return self.with_scratch(|bytes| {
                encode_all(self.ty, fields, bytes)?;
                // SAFETY: the scratch has as many bytes as the layout.
                self.with(py, |raw| unsafe { raw.write(bytes.as_ptr()) })
            });
        };
        if fields.is_some() {
            return Err(PyTypeError::new_err("write takes a record or fields, not both; crosspage.replace makes a changed record"));
        }
        if let Some(record) = Record::of(value) {
            if !std::ptr::eq(record.ty(), self.ty) {
                self.check_layout(record.ty())?;
            }
            let bytes = Target(record.bytes().as_ptr().cast_mut());
            // SAFETY: the layouts agree, so the record has as many bytes; it never changes, and our
            // caller holds it.
            let write = |raw: &mut RawWriter| unsafe { raw.write(bytes.get()) };
            return match self.ty.size() > LARGE {
                true => py.detach(|| self.with_detached(write)),
                false => self.with(py, write),
            };
        }
        let source = py.import(intern!(py, "crosspage._declare"))?.getattr(intern!(py, "_layout_of_value"))?;
        if let Some(layout) = source.call1((value,))?.extract::<Option<PyRef<'_, LayoutObject>>>()? {
            self.check_layout(layout.0)?;
        }
        let buffer = contiguous(value, self.ty, "write")?;
        // SAFETY: the buffer has the layout's size and is held until after the write; the
        // interpreter is attached, so no Python code changes it meanwhile.
        self.with(py, |raw| unsafe { raw.write(buffer.buf_ptr().cast()) })
    }

    /// Changes the fields that are named (also by path: `**{"arm.joints[2]": 0.5}`) and leaves the
    /// others as they are, atomically among writers; returns the version.
    #[pyo3(signature = (**fields))]
    fn update(&self, py: Python<'_>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<u64> {
        let fields = fields.ok_or_else(|| PyTypeError::new_err("update needs the fields to change, such as counter=2"))?;
        self.with_scratch(|bytes| {
            let changed = encode_some(self.ty, fields, bytes)?;
            let mut value = vec![0; bytes.len()];
            // SAFETY: `value` has as many bytes as the layout, and `value` points to it in the
            // closure, too; the ranges are inside.
            self.with(py, |raw| unsafe {
                raw.update(value.as_mut_ptr(), &mut |value| {
                    for range in &changed {
                        let from = &bytes[range.clone()];
                        std::ptr::copy_nonoverlapping(from.as_ptr(), value.add(range.start), from.len());
                    }
                    Ok(())
                })
            })
        })
    }

    /// Detaches; the value stays. Leaving a `with` does the same.
    fn close(&self, py: Python<'_>) {
        self.raw.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner).close();
    }

    /// The page's locator.
    #[getter]
    fn locator(&self, py: Python<'_>) -> String {
        self.raw.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner).locator().to_string()
    }

    /// The layout of the values.
    #[getter]
    fn layout(&self) -> LayoutObject {
        LayoutObject(self.ty)
    }

    /// Who is attached to the page.
    fn participants(&self, py: Python<'_>) -> Vec<Participant> {
        let raw = self.raw.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        raw.participants().into_iter().map(Participant::from).collect()
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.recipe.reduce(py, "latest.attach", self.locator(py))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<crosspage.latest.Writer of {} in {:?}>", self.ty.name(), self.locator(py))
    }
}

impl Writer {
    /// The writer, one thread at a time.
    fn with<R>(&self, py: Python<'_>, act: impl FnOnce(&mut RawWriter) -> crosspage::Result<R>) -> PyResult<R> {
        act(&mut self.raw.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)).map_err(errors::raise)
    }

    fn with_detached<R>(&self, act: impl FnOnce(&mut RawWriter) -> crosspage::Result<R>) -> PyResult<R> {
        act(&mut self.raw.lock().unwrap_or_else(PoisonError::into_inner)).map_err(errors::raise)
    }

    /// Lends as many zero bytes as the layout has. They are taken out meanwhile: encoding calls
    /// Python code, which may come back here.
    fn with_scratch<R>(&self, act: impl FnOnce(&mut [u8]) -> PyResult<R>) -> PyResult<R> {
        let lock = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = std::mem::take(&mut *lock());
        scratch.clear();
        scratch.resize(self.ty.size(), 0);
        let done = act(&mut scratch);
        *lock() = scratch;
        done
    }

    /// Whether a value of another class has the bytes that the page takes.
    fn check_layout(&self, value: &RecordType) -> PyResult<()> {
        if value.layout() == self.ty.layout() {
            return Ok(());
        }
        compare(self.ty.layout(), value.layout(), Match::Exact).map(drop).map_err(|differences| {
            errors::raise(mismatch_error(self.ty.name(), "the writer", value.layout(), "the value", differences))
        })
    }
}

/// The buffer of an object that holds exactly one struct's bytes.
fn contiguous(object: &Bound<'_, PyAny>, ty: &RecordType, what: &str) -> PyResult<PyUntypedBuffer> {
    let buffer = PyUntypedBuffer::get(object).map_err(|_| {
        let type_name = object.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("{what}: expected a {} or its bytes, got {type_name}", ty.name()))
    })?;
    if !buffer.is_c_contiguous() {
        return Err(PyBufferError::new_err(format!("{what}: the buffer's bytes do not lie one behind the other")));
    }
    if buffer.len_bytes() != ty.size() {
        let message = format!("{what}: {} has {} bytes, the buffer {}", ty.name(), ty.size(), buffer.len_bytes());
        return Err(errors::invalid(message));
    }
    Ok(buffer)
}

// ---- Reader --------------------------------------------------------------------------------

/// Reads the value of a page. Made by `crosspage.latest.open`.
#[pyclass(frozen, generic, name = "Reader", module = "crosspage.latest")]
pub struct Reader {
    attached: RwLock<Attached>,
    /// The version that this handle gave last.
    seen: AtomicU64,
    /// Pins that are held. They stay valid only as long as their handle is attached.
    pins: Arc<AtomicUsize>,
    recipe: Recipe,
}

#[derive(Clone)]
struct Attached {
    raw: Arc<RawReader>,
    ty: &'static RecordType,
}

impl Attached {
    fn open(py: Python<'_>, locator: &str, recipe: &Recipe) -> PyResult<Attached> {
        let layout = recipe.declared.as_ref().map(|(_, ty)| ty.layout());
        let slices = Slices::new(recipe.options.timeout);
        let raw = slices.wait(py, |slice| {
            let mut options = recipe.options.clone();
            // The rest of a time-out may be zero, which `open` would take for "do not wait".
            options.timeout = options.timeout.filter(Duration::is_zero).or(Some(slice.max(Duration::from_nanos(1))));
            RawReader::open(locator, layout, &options)
        })?;
        let ty = class_of(py, recipe, raw.layout())?;
        Ok(Attached { raw: Arc::new(raw), ty })
    }
}

#[pymethods]
impl Reader {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        locator: &str,
        declared: Option<(Bound<'_, PyAny>, PyRef<'_, LayoutObject>)>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Reader> {
        let recipe = Recipe::new(declared, keywords)?;
        let attached = RwLock::new(Attached::open(py, locator, &recipe)?);
        Ok(Reader { attached, seen: AtomicU64::new(0), pins: Arc::default(), recipe })
    }

    /// The newest value; None before the first write.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let attached = self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        if attached.ty.size() > LARGE {
            let attached = Attached::clone(&attached);
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
        let attached = self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).clone();
        let buffer = contiguous(buffer, attached.ty, "read_into")?;
        if buffer.readonly() {
            return Err(PyBufferError::new_err("read_into: the buffer is read-only"));
        }
        // SAFETY: the buffer is writable, has the layout's size and is held until after the read; the
        // interpreter is attached, so no Python code looks at it meanwhile.
        let meta = unsafe { attached.raw.read(buffer.buf_ptr().cast()) }.map_err(errors::raise)?;
        Ok(meta.map(|meta| {
            self.saw(&meta);
            MetaObject(origin(&meta))
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
        let since = since.unwrap_or_else(|| self.last_seen());
        let attached = self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).clone();
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
        let slices = Slices::new(seconds(timeout)?);
        let since = since.unwrap_or_else(|| this.last_seen());
        let Attached { raw, ty } = this.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).clone();
        let once = move |slice| {
            let mut value = vec![0; ty.size()];
            // SAFETY: `value` has as many bytes as the layout that values come in.
            let meta = unsafe { raw.wait_changed(since, Some(slice), value.as_mut_ptr())? };
            Ok((value, meta))
        };
        let reader = slf.clone().unbind();
        in_background(py, slices, once, move |py, (value, meta)| {
            Ok(reader.get().give(Fresh::copied(py, ty, &value)?, &meta))
        })
    }

    /// The newest value in place, without a copy, for as long as it is held: `with
    /// reader.read_pinned() as value: …`. None before the first write. The page's creator has to
    /// allow it: `max_pins`.
    fn read_pinned(&self, py: Python<'_>) -> PyResult<Option<PinnedObject>> {
        let Attached { raw, ty } = self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).clone();
        let Some(pinned) = raw.read_pinned().map_err(errors::raise)? else { return Ok(None) };
        self.saw(pinned.meta());
        // SAFETY: the pin borrows from the reader behind `raw`, which moves into `Held` with it and
        // is dropped after it (fields drop in order). An Arc's target does not move, and
        // `RawReader` has no `&mut` user: `reopen` here makes another.
        let pinned = unsafe { std::mem::transmute::<Pinned<'_>, Pinned<'static>>(pinned) };
        // Relaxed: counted and compared by threads that hold the interpreter or the pin itself.
        self.pins.fetch_add(1, Ordering::Relaxed);
        let held = Held { pinned, pins: self.pins.clone(), _reader: raw };
        Ok(Some(PinnedObject { held: Mutex::new(Some(held)), exports: AtomicUsize::new(0), ty }))
    }

    /// Attaches to the page that has the name now, after the error `Replaced`.
    fn reopen(&self, py: Python<'_>) -> PyResult<()> {
        self.no_pins("reopen")?;
        let attached = Attached::open(py, &self.locator(py), &self.recipe)?;
        // Written by value, not swapped in: waiters have the old one, which ends as Closed for them.
        let mut place = self.attached.write_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        place.raw.close();
        *place = attached;
        self.seen.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Detaches; whoever waits on this handle gets the error `Closed`. Leaving a `with` does the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.no_pins("close")?;
        self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).raw.close();
        Ok(())
    }

    /// The page's locator.
    #[getter]
    fn locator(&self, py: Python<'_>) -> String {
        self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).raw.locator().to_string()
    }

    /// The layout of the values.
    #[getter]
    fn layout(&self, py: Python<'_>) -> LayoutObject {
        LayoutObject(self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).ty)
    }

    /// Who is attached to the page.
    fn participants(&self, py: Python<'_>) -> Vec<Participant> {
        let raw = self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner).raw.clone();
        raw.participants().into_iter().map(Participant::from).collect()
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
        let next = slf.py().import("crosspage._handles")?.getattr("_next_async")?;
        next.call1((Reader::wait_changed_async(slf, None, None)?,))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.recipe.reduce(py, "latest.open", self.locator(py))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let attached = self.attached.read_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        format!("<crosspage.latest.Reader of {} in {:?}>", attached.ty.name(), attached.raw.locator().to_string())
    }
}

impl Reader {
    fn last_seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    // Relaxed: the version is a number that nothing else hangs on.
    fn saw(&self, meta: &Meta) {
        self.seen.store(meta.version, Ordering::Relaxed);
    }

    /// Hands out a record that a read has filled.
    fn give<'py>(&self, fresh: Fresh<'py>, meta: &Meta) -> Bound<'py, PyAny> {
        self.saw(meta);
        fresh.finish(origin(meta))
    }

    #[cold]
    fn read_large<'py>(&self, py: Python<'py>, attached: &Attached) -> PyResult<Option<Bound<'py, PyAny>>> {
        // SAFETY: as in `read`.
        let fresh = unsafe { Fresh::uninit(py, attached.ty)? };
        let target = Target(fresh.data());
        // SAFETY: as in `read`. The record is ours alone also while other threads run.
        let read = py.detach(|| unsafe { attached.raw.read(target.get()) });
        Ok(read.map_err(errors::raise)?.map(|meta| self.give(fresh, &meta)))
    }

    fn no_pins(&self, what: &str) -> PyResult<()> {
        match self.pins.load(Ordering::Relaxed) {
            0 => Ok(()),
            n => Err(errors::raise(
                Error::new(ErrorKind::InUse, format!("{what}: {n} pinned values of this reader are still held"))
                    .with_hint("release them first, or pin them with `with reader.read_pinned() as value:`"),
            )),
        }
    }
}

fn seconds(timeout_seconds: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    timeout_seconds.map_or(Ok(None), timeout)
}

// ---- Pinned --------------------------------------------------------------------------------

/// A value in the page that stays as it is while this is held: `value["image"]`, `memoryview(value)`
/// and `crosspage.to_numpy(value)` look at it in place.
#[pyclass(frozen, generic, name = "Pinned", module = "crosspage.latest")]
pub struct PinnedObject {
    held: Mutex<Option<Held>>,
    /// Views that look at the bytes.
    exports: AtomicUsize,
    ty: &'static RecordType,
}

struct Held {
    pinned: Pinned<'static>,
    pins: Arc<AtomicUsize>,
    _reader: Arc<RawReader>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pins.fetch_sub(1, Ordering::Relaxed);
    }
}

impl PinnedObject {
    fn with<R>(&self, act: impl FnOnce(&Held) -> PyResult<R>) -> PyResult<R> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        act(held.as_ref().ok_or_else(|| errors::raise(Error::new(ErrorKind::Closed, "the pinned value was released")))?)
    }
}

#[pymethods]
impl PinnedObject {
    fn __getitem__<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let (offset, kind) = self.ty.find(py, path)?;
        self.with(|held| decode(py, kind, &held.pinned.as_bytes()[offset..][..kind.size()]))
    }

    /// Version, time and writer.
    #[getter]
    fn meta(&self) -> PyResult<MetaObject> {
        self.with(|held| Ok(MetaObject(origin(held.pinned.meta()))))
    }

    /// The layout of the value.
    #[getter]
    fn layout(&self) -> LayoutObject {
        LayoutObject(self.ty)
    }

    /// Lets go of the value. Refused while views of it exist.
    fn release(&self) -> PyResult<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match self.exports.load(Ordering::Relaxed) {
            0 => {
                *held = None;
                Ok(())
            }
            n => Err(PyBufferError::new_err(format!("{n} views (memoryview, numpy) of the pinned value still exist"))),
        }
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.release()
    }

    /// # Safety
    /// As CPython's: `view` is valid for writing.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: i32) -> PyResult<()> {
        slf.get().with(|held| {
            let bytes = held.pinned.as_bytes();
            let data = bytes.as_ptr().cast_mut().cast();
            // SAFETY: `view` is valid. The bytes stay as they are while `held` is: `release` refuses
            // while there are exports, which are counted under its lock. PyBuffer_FillInfo refuses
            // a view that asks to write.
            let filled = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), data, bytes.len() as ffi::Py_ssize_t, 1, flags) };
            if filled != 0 {
                return Err(PyErr::fetch(slf.py()));
            }
            slf.get().exports.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }

    /// # Safety
    /// As CPython's.
    unsafe fn __releasebuffer__(&self, _view: *mut ffi::Py_buffer) {
        self.exports.fetch_sub(1, Ordering::Relaxed);
    }
}

// ---- what is known of a value --------------------------------------------------------------

/// What a page says about a value.
#[pyclass(frozen, eq, name = "Meta", module = "crosspage")]
#[derive(PartialEq)]
pub struct MetaObject(Origin);

#[pymethods]
impl MetaObject {
    /// Counts up by one with each write; the first is 1.
    #[getter]
    fn version(&self) -> u64 {
        self.0.version
    }

    /// When it was written, in seconds since 1970, as `time.time()` says it.
    #[getter]
    fn written_at(&self) -> f64 {
        self.0.written_at as f64 / 1e9
    }

    /// The same in nanoseconds.
    #[getter]
    fn written_at_ns(&self) -> u64 {
        self.0.written_at
    }

    /// Seconds since it was written, now.
    #[getter]
    fn age(&self) -> f64 {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        now.saturating_sub(Duration::from_nanos(self.0.written_at)).as_secs_f64()
    }

    /// The process that wrote it, as numbered in its own PID namespace.
    #[getter]
    fn writer(&self) -> u32 {
        self.0.writer_pid
    }

    fn __repr__(&self) -> String {
        let Origin { version, writer_pid, .. } = self.0;
        format!("Meta(version={version}, age={:.6}, writer={writer_pid})", self.age())
    }
}

/// Version, time and writer of a record that was read from a page.
#[pyfunction]
pub fn meta(record: &Bound<'_, PyAny>) -> PyResult<MetaObject> {
    let origin = match Record::of(record) {
        Some(record) => record.origin(),
        None => match record.cast::<PinnedObject>() {
            Ok(pinned) => return pinned.get().meta(),
            Err(_) => return Err(PyTypeError::new_err("meta: expected a record that was read from a page")),
        },
    };
    if origin == Origin::default() {
        return Err(errors::raise(Error::new(ErrorKind::NoValue, "this record was made here, not read from a page")));
    }
    Ok(MetaObject(origin))
}

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
        Participant { role: of.role, pid: of.pid, alive: of.alive, language: of.language }
    }
}

#[pymethods]
impl Participant {
    fn __repr__(&self) -> String {
        let alive = if self.alive { "alive" } else { "dead" };
        format!("<{}, pid {}, {}, {alive}>", self.role, self.pid, self.language)
    }
}
