//! `crosspage.foreign`: segments that somebody else made, or will read without knowing crosspage.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

use crosspage::foreign::{Options, RawView};
use crosspage::layout::{StructType, value};
use crosspage::{Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::RwLockExt;
use pyo3::types::{PyBytes, PyDict};

use crate::convert::{decode, encode_some};
use crate::errors::{self, raise};
use crate::handle::{Born, Recipe, Slices, Target, name_of, seconds};
use crate::meta::Origin;
use crate::record::{Fresh, Record};
use crate::tasks::{OPENING, in_background_looking};
use crate::types::{LayoutObject, RecordType};
use crate::values::{Scratch, Source};

/// A foreign segment as a struct. Made by `crosspage.foreign.open` and `create`.
#[pyclass(frozen, generic, name = "View", module = "crosspage.foreign")]
pub struct View {
    /// None once it is closed, so that the segment is no longer mapped.
    raw: RwLock<Option<RawView>>,
    locator: String,
    born: Born,
    size: usize,
    created: bool,
    ty: &'static RecordType,
    recipe: Arc<Recipe>,
}

#[pymethods]
impl View {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        create: bool,
        #[pyo3(from_py_with = name_of)] locator: String,
        declared: (Bound<'_, PyAny>, PyRef<'_, LayoutObject>),
        size: Option<usize>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<View> {
        let recipe = Recipe::new(&locator, Some(declared), keywords)?;
        no_tail(&recipe)?;
        let raw = match create {
            true => {
                let (options, layout) = (options(&recipe, Duration::ZERO), layout(&recipe));
                let size = size.unwrap_or(layout.size());
                py.detach(|| RawView::create(&locator, layout, size, &options))
                    .map_err(raise)?
            }
            false => Slices::new(recipe.options.timeout).wait(py, |slice| {
                RawView::open(&locator, layout(&recipe), &options(&recipe, slice))
            })?,
        };
        Ok(View::new(raw, recipe))
    }

    #[staticmethod]
    fn _make_async<'py>(
        py: Python<'py>,
        #[pyo3(from_py_with = name_of)] locator: String,
        declared: (Bound<'py, PyAny>, PyRef<'py, LayoutObject>),
        keywords: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let recipe = Recipe::new(&locator, Some(declared), keywords)?;
        no_tail(&recipe)?;
        let (timeout, finished) = (recipe.options.timeout, recipe.clone());
        let once = move |slice| RawView::open(&locator, layout(&recipe), &options(&recipe, slice));
        in_background_looking(py, timeout, OPENING, once, |py, raw| {
            Ok(Bound::new(py, View::new(raw, finished))?.into_any())
        })
    }

    /// The struct as it lies there now; it may be torn.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: each call below hands over as many bytes as the layout has.
        self.fill(py, |raw, value| unsafe { raw.read(value) })
    }

    /// The struct as soon as two copies of it agree.
    #[pyo3(signature = (timeout=None))]
    fn read_stable<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: as in `wait`.
        self.wait(py, timeout, |raw, slice, value| unsafe {
            raw.read_stable(Some(slice), value)
        })
    }

    /// The struct as soon as the field `flag` is set.
    #[pyo3(signature = (flag, timeout=None))]
    fn read_ready<'py>(
        &self,
        py: Python<'py>,
        flag: &str,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let flag = self.spelled(flag);
        // SAFETY: as in `wait`.
        self.wait(py, timeout, |raw, slice, value| unsafe {
            raw.read_ready(&flag, Some(slice), value)
        })
    }

    /// `read_stable` for asyncio.
    #[pyo3(signature = (timeout=None))]
    fn read_stable_async<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: as in `wait_async`.
        View::wait_async(slf, timeout, |raw, slice, value| unsafe {
            raw.read_stable(Some(slice), value)
        })
    }

    /// `read_ready` for asyncio.
    #[pyo3(signature = (flag, timeout=None))]
    fn read_ready_async<'py>(
        slf: &Bound<'py, Self>,
        flag: &str,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let flag = slf.get().spelled(flag);
        // SAFETY: as in `wait_async`.
        View::wait_async(slf, timeout, move |raw, slice, value| unsafe {
            raw.read_ready(&flag, Some(slice), value)
        })
    }

    /// Writes the whole struct: a record, the fields by keyword, or an object with its bytes.
    #[pyo3(signature = (value=None, /, **fields))]
    fn write(
        &self,
        value: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
        py: Python<'_>,
    ) -> PyResult<()> {
        let source = Source::new(py, self.ty, value, fields)?;
        // SAFETY: a source has the layout's bytes.
        self.writing(py, |raw| unsafe { raw.write(source.as_ptr()) })
    }

    /// Clears the field `flag`, writes all others, sets the flag: for those who wait for it.
    #[pyo3(signature = (value=None, /, flag="dataReady", **fields))]
    fn write_with_ready(
        &self,
        py: Python<'_>,
        value: Option<&Bound<'_, PyAny>>,
        flag: &str,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        // Nobody has to say the flag's own value.
        if let (Some(fields), Some((index, field))) = (fields, self.ty.field(flag)) {
            let is_flag = |name: &Bound<'_, PyAny>| {
                let name = name.extract::<&str>().ok();
                name.and_then(|name| self.ty.field(name))
                    .is_some_and(|(found, _)| found == index)
            };
            if !fields.keys().iter().any(|name| is_flag(&name)) {
                fields.set_item(&field.name, 1)?;
            }
        }
        let source = Source::new(py, self.ty, value, fields)?;
        let flag = self.spelled(flag);
        // SAFETY: a source has the layout's bytes.
        self.writing(py, |raw| unsafe {
            raw.write_with_ready(source.as_ptr(), &flag)
        })
    }

    /// Writes the fields that are named, and only their bytes.
    #[pyo3(signature = (**fields))]
    fn update(&self, py: Python<'_>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let fields = fields.ok_or_else(|| {
            PyTypeError::new_err("update needs the fields to change, such as counter=2")
        })?;
        self.set(py, fields)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let (offset, kind) = self.ty.find(py, path)?;
        let record = self.read(py)?;
        let bytes = Record::of(&record).expect("read gives a record").bytes();
        decode(py, kind, &bytes[offset..][..kind.size()])
    }

    fn __setitem__(&self, py: Python<'_>, path: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.ty.find(py, path)?;
        let fields = PyDict::new(py);
        fields.set_item(path, value)?;
        self.set(py, &fields)
    }

    /// All bytes of the segment, also those behind the struct.
    fn bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.open(&*self.read_lock(py)?).and_then(RawView::bytes);
        Ok(PyBytes::new(py, &bytes.map_err(raise)?))
    }

    /// The segment's locator.
    #[getter]
    fn locator(&self) -> &str {
        &self.locator
    }

    /// The layout of the struct.
    #[getter]
    fn layout(&self) -> LayoutObject {
        LayoutObject(self.ty)
    }

    /// Bytes of the segment, which may be more than the struct's.
    #[getter]
    fn size(&self) -> usize {
        self.size
    }

    /// Whether this view made the segment.
    #[getter]
    fn created(&self) -> bool {
        self.created
    }

    /// Detaches; whoever waits on this view gets the error `Closed`. The segment stays: see
    /// `crosspage.remove`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !self.born.is_here() {
            return Ok(()); // The drop does what a child may do.
        }
        if let Some(raw) = &*self.read_lock(py)? {
            raw.close();
        }
        let raw = self.write_lock(py)?.take();
        drop(raw); // Without the lock: it may log, and Python has the log.
        Ok(())
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.recipe.reduce(py, "foreign._attach")
    }

    fn __repr__(&self) -> String {
        format!(
            "<crosspage.foreign.View of {} in {:?}>",
            self.ty.name(),
            self.locator
        )
    }
}

fn no_tail(recipe: &Recipe) -> PyResult<()> {
    match &recipe.declared {
        Some((_, ty)) if ty.tail().is_some() => Err(errors::unsupported(format!(
            "{} ends in a tail: it is a message, not a value",
            ty.name()
        ))),
        _ => Ok(()),
    }
}

/// The layout that a view was declared with.
fn layout(recipe: &Recipe) -> &'static Arc<StructType> {
    let (_, ty) = recipe.declared.as_ref().expect("views have a declaration");
    ty.layout()
}

/// The options for one slice of waiting for the segment.
fn options(recipe: &Recipe, slice: Duration) -> Options {
    Options {
        permissions: recipe.options.permissions.unwrap_or_default(),
        read_only: recipe.options.read_only,
        timeout: recipe.open_for(slice),
    }
}

/// How often is looked whether a segment has changed: nothing tells of it.
const LOOKING: Duration = Duration::from_millis(2);

impl View {
    fn new(raw: RawView, recipe: Arc<Recipe>) -> View {
        let (_, ty) = recipe.declared.as_ref().expect("views have a declaration");
        View {
            locator: raw.locator().to_string(),
            size: raw.size(),
            created: raw.created(),
            raw: RwLock::new(Some(raw)),
            born: Born::here(),
            ty,
            recipe,
        }
    }

    fn read_lock(&self, py: Python<'_>) -> PyResult<RwLockReadGuard<'_, Option<RawView>>> {
        let raw = match self.raw.try_read() {
            Err(TryLockError::WouldBlock) => {
                self.born
                    .check(format_args!("segment {:?}", self.locator))?;
                self.raw.read_py_attached(py)
            }
            Err(TryLockError::Poisoned(raw)) => Err(raw),
            Ok(raw) => Ok(raw),
        };
        Ok(raw.unwrap_or_else(PoisonError::into_inner))
    }

    fn write_lock(&self, py: Python<'_>) -> PyResult<RwLockWriteGuard<'_, Option<RawView>>> {
        let raw = match self.raw.try_write() {
            Err(TryLockError::WouldBlock) => {
                self.born
                    .check(format_args!("segment {:?}", self.locator))?;
                self.raw.write_py_attached(py)
            }
            Err(TryLockError::Poisoned(raw)) => Err(raw),
            Ok(raw) => Ok(raw),
        };
        Ok(raw.unwrap_or_else(PoisonError::into_inner))
    }

    /// The segment, unless this view is closed.
    fn open<'a>(&self, raw: &'a Option<RawView>) -> crosspage::Result<&'a RawView> {
        raw.as_ref().ok_or_else(|| self.closed())
    }

    fn spelled(&self, path: &str) -> String {
        self.ty.spelled(path).unwrap_or_else(|| path.to_owned())
    }

    fn closed(&self) -> Error {
        let message = format!("the view of segment \"{}\" is closed", self.locator);
        Error::new(ErrorKind::Closed, message)
    }

    fn writing(
        &self,
        py: Python<'_>,
        write: impl FnOnce(&mut RawView) -> crosspage::Result<()>,
    ) -> PyResult<()> {
        let mut raw = self.write_lock(py)?;
        let raw = raw.as_mut().ok_or_else(|| raise(self.closed()))?;
        write(raw).map_err(raise)
    }

    /// One slice of a wait, by a thread that is not attached.
    fn wait_slice(
        &self,
        read: impl FnOnce(&RawView) -> crosspage::Result<()>,
    ) -> crosspage::Result<()> {
        let raw = self.raw.read().unwrap_or_else(PoisonError::into_inner);
        read(self.open(&raw)?)
    }

    /// A record that `read` fills.
    fn fill<'py>(
        &self,
        py: Python<'py>,
        read: impl FnOnce(&RawView, *mut u8) -> crosspage::Result<()>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let fresh = Fresh::zeroed(py, self.ty)?;
        let raw = self.read_lock(py)?;
        read(self.open(&raw).map_err(raise)?, fresh.data()).map_err(raise)?;
        Ok(fresh.finish(Origin::default()))
    }

    fn wait<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
        read: impl Fn(&RawView, Duration, *mut u8) -> crosspage::Result<()> + Sync,
    ) -> PyResult<Bound<'py, PyAny>> {
        let slices = Slices::new(seconds(timeout)?);
        drop(self.read_lock(py)?); // In a forked child it may never be free.
        let fresh = Fresh::zeroed(py, self.ty)?;
        // The record has the layout's bytes, and is ours alone also while other threads run.
        let target = Target(fresh.data());
        slices.wait(py, |slice| {
            self.wait_slice(|raw| read(raw, slice, target.get()))
        })?;
        Ok(fresh.finish(Origin::default()))
    }

    fn wait_async<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
        read: impl Fn(&RawView, Duration, *mut u8) -> crosspage::Result<()> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (view, ty) = (slf.clone().unbind(), slf.get().ty);
        let once = move |slice| {
            // As many bytes as the layout has.
            let mut value = vec![0; ty.size()];
            view.get()
                .wait_slice(|raw| read(raw, slice, value.as_mut_ptr()))?;
            Ok(value)
        };
        in_background_looking(
            slf.py(),
            seconds(timeout)?,
            LOOKING,
            once,
            move |py, value| Ok(Fresh::copied(py, ty, &value)?.finish(Origin::default())),
        )
    }

    fn set(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut bytes = Scratch::new(self.ty.size());
        encode_some(self.ty, fields, &mut bytes)?;
        let mut values = Vec::with_capacity(fields.len());
        for name in fields.keys() {
            let name: String = name.extract()?;
            // By the spelling of the layout: Python's own is only known here.
            let path = self.ty.spelled(&name).unwrap_or(name);
            let (offset, ty) = self.ty.layout().resolve(&path).map_err(raise)?;
            values.push((path, value::read(ty, &bytes[offset..][..ty.size()])));
        }
        let values: Vec<_> = values
            .iter()
            .map(|(path, value)| (path.as_str(), value))
            .collect();
        self.writing(py, |raw| raw.set(&values))
    }
}

/// The layout of a source, "PATH#TYPE".
#[pyfunction(name = "_from_source")]
pub fn from_source(py: Python<'_>, source: &str) -> PyResult<LayoutObject> {
    let layout = py
        .detach(|| crosspage::layout::from_source(source))
        .map_err(errors::raise)?;
    crate::types::dynamic(py, &layout).map(LayoutObject)
}
