//! `crosspage.foreign`: segments that somebody else made, or will read without knowing crosspage.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crosspage::foreign::{Options, RawView};
use crosspage::layout::value;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::RwLockExt;
use pyo3::types::{PyBytes, PyDict};

use crate::convert::{decode, encode_some};
use crate::errors::{self, raise};
use crate::handle::{Recipe, Slices, Target, seconds};
use crate::record::{Fresh, Origin, Record};
use crate::types::{LayoutObject, RecordType};
use crate::values::{Scratch, Source};

/// A foreign segment as a struct. Made by `crosspage.foreign.open` and `create`.
#[pyclass(frozen, generic, name = "View", module = "crosspage.foreign")]
pub struct View {
    raw: RwLock<RawView>,
    ty: &'static RecordType,
    recipe: Recipe,
}

#[pymethods]
impl View {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        create: bool,
        locator: &str,
        declared: (Bound<'_, PyAny>, PyRef<'_, LayoutObject>),
        size: Option<usize>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<View> {
        let recipe = Recipe::new(Some(declared), keywords)?;
        let (_, ty) = recipe.declared.as_ref().expect("given above");
        let mut options = Options::default();
        options.permissions = recipe.options.permissions.unwrap_or_default();
        options.read_only = recipe.options.read_only;
        let raw = match create {
            true => {
                let size = size.unwrap_or(ty.size());
                py.detach(|| RawView::create(locator, ty.layout(), size, &options))
                    .map_err(raise)?
            }
            false => Slices::new(recipe.options.timeout).wait(py, |slice| {
                let options = Options {
                    timeout: recipe.open_for(slice),
                    ..options.clone()
                };
                RawView::open(locator, ty.layout(), &options)
            })?,
        };
        Ok(View {
            raw: RwLock::new(raw),
            ty,
            recipe,
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
        // SAFETY: as in `wait`.
        self.wait(py, timeout, |raw, slice, value| unsafe {
            raw.read_ready(flag, Some(slice), value)
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
        unsafe { self.write_lock(py).write(source.as_ptr()) }.map_err(raise)
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
        let source = Source::new(py, self.ty, value, fields)?;
        // SAFETY: a source has the layout's bytes.
        unsafe { self.write_lock(py).write_with_ready(source.as_ptr(), flag) }.map_err(raise)
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
        Ok(PyBytes::new(
            py,
            &self.read_lock(py).bytes().map_err(raise)?,
        ))
    }

    /// The segment's locator.
    #[getter]
    fn locator(&self, py: Python<'_>) -> String {
        self.read_lock(py).locator().to_string()
    }

    /// The layout of the struct.
    #[getter]
    fn layout(&self) -> LayoutObject {
        LayoutObject(self.ty)
    }

    /// Bytes of the segment, which may be more than the struct's.
    #[getter]
    fn size(&self, py: Python<'_>) -> usize {
        self.read_lock(py).size()
    }

    /// Whether this view made the segment.
    #[getter]
    fn created(&self, py: Python<'_>) -> bool {
        self.read_lock(py).created()
    }

    /// Detaches; whoever waits on this view gets the error `Closed`. The segment stays: see
    /// `crosspage.remove`.
    fn close(&self, py: Python<'_>) {
        self.read_lock(py).close();
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.recipe.reduce(py, "foreign._attach", self.locator(py))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "<crosspage.foreign.View of {} in {:?}>",
            self.ty.name(),
            self.locator(py)
        )
    }
}

impl View {
    fn read_lock(&self, py: Python<'_>) -> RwLockReadGuard<'_, RawView> {
        self.raw
            .read_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write_lock(&self, py: Python<'_>) -> RwLockWriteGuard<'_, RawView> {
        self.raw
            .write_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A record that `read` fills.
    fn fill<'py>(
        &self,
        py: Python<'py>,
        read: impl FnOnce(&RawView, *mut u8) -> crosspage::Result<()>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let fresh = Fresh::zeroed(py, self.ty)?;
        read(&self.read_lock(py), fresh.data()).map_err(raise)?;
        Ok(fresh.finish(Origin::default()))
    }

    fn wait<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
        read: impl Fn(&RawView, Duration, *mut u8) -> crosspage::Result<()> + Sync,
    ) -> PyResult<Bound<'py, PyAny>> {
        let slices = Slices::new(seconds(timeout)?);
        let fresh = Fresh::zeroed(py, self.ty)?;
        // The record has the layout's bytes, and is ours alone also while other threads run.
        let target = Target(fresh.data());
        slices.wait(py, |slice| {
            read(
                &self.raw.read().unwrap_or_else(PoisonError::into_inner),
                slice,
                target.get(),
            )
        })?;
        Ok(fresh.finish(Origin::default()))
    }

    fn set(&self, py: Python<'_>, fields: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut bytes = Scratch::new(self.ty.size());
        encode_some(self.ty, fields, &mut bytes)?;
        let mut values = Vec::with_capacity(fields.len());
        for name in fields.keys() {
            let name: String = name.extract()?;
            // By the spelling of the layout: Python's own is only known here.
            let path = match self.ty.field(&name) {
                Some((_, field)) => field.name.clone(),
                None => name,
            };
            let (offset, ty) = self.ty.layout().resolve(&path).map_err(raise)?;
            values.push((path, value::read(ty, &bytes[offset..][..ty.size()])));
        }
        let values: Vec<_> = values
            .iter()
            .map(|(path, value)| (path.as_str(), value))
            .collect();
        self.write_lock(py).set(&values).map_err(raise)
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
