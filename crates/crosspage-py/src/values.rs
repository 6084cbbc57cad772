//! What a handle is given to write.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crosspage::layout::{Match, compare, difference_table};
use crosspage::{Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{ffi, intern};

use crate::convert::{encode_all, size_of};
use crate::errors;
use crate::handle::LARGE;
use crate::record::Record;
use crate::types::{LayoutObject, RecordType};

/// A whole value of one layout, from whatever Python has it in.
pub enum Source<'a> {
    /// A record, which never changes.
    Record(&'a [u8]),
    /// The bytes of somebody else's object, which stay where they are.
    Buffer(Buffer),
    /// Fields that were put together.
    Fields(Scratch),
}

/// As many zero bytes as a layout has, from the thread's own store: a write of fields allocates
/// nothing after the first. They are taken out while in use, as encoding calls Python code, which
/// may write, too.
pub struct Scratch(Vec<u8>);

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Scratch {
    pub fn new(size: usize) -> Scratch {
        let mut bytes = SCRATCH.take();
        bytes.clear();
        bytes.resize(size, 0);
        Scratch(bytes)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is large is not worth keeping.
        if self.0.capacity() <= LARGE {
            SCRATCH.set(std::mem::take(&mut self.0));
        }
    }
}

impl Deref for Scratch {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl<'a> Source<'a> {
    /// Either `value` (a record, or an object that holds the struct's bytes) or `fields`.
    pub fn new(
        py: Python<'_>,
        ty: &RecordType,
        value: Option<&'a Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Source<'a>> {
        match (value, fields) {
            (Some(value), None) => Source::whole(ty, value),
            (None, Some(fields)) => Source::fields(ty, fields),
            (None, None) => Source::fields(ty, &PyDict::new(py)),
            (Some(_), Some(_)) => Err(PyTypeError::new_err(
                "a record or fields, not both; crosspage.replace makes a changed record",
            )),
        }
    }

    fn fields(ty: &RecordType, fields: &Bound<'_, PyDict>) -> PyResult<Source<'a>> {
        let mut bytes = Scratch::new(size_of(ty, fields)?);
        encode_all(ty, fields, &mut bytes)?;
        Ok(Source::Fields(bytes))
    }

    fn whole(ty: &RecordType, value: &'a Bound<'_, PyAny>) -> PyResult<Source<'a>> {
        if let Some(record) = Record::of(value) {
            check_layout(ty, record.ty())?;
            return Ok(Source::Record(record.bytes()));
        }
        let py = value.py();
        let layout = py
            .import(intern!(py, "crosspage._declare"))?
            .getattr(intern!(py, "_layout_of_value"))?;
        if let Some(layout) = layout
            .call1((value,))?
            .extract::<Option<PyRef<'_, LayoutObject>>>()?
        {
            check_layout(ty, layout.0)?;
        }
        Buffer::new(value, ty, false).map(Source::Buffer)
    }

    /// How many bytes there are: those of the layout, or more where it ends in a tail.
    pub fn len(&self) -> usize {
        match self {
            Source::Record(bytes) => bytes.len(),
            Source::Buffer(buffer) => buffer.len(),
            Source::Fields(bytes) => bytes.len(),
        }
    }

    /// The layout's bytes, valid as long as `self`. Those of a buffer are somebody else's to change, as
    /// all buffers are: numpy writes to its arrays without the GIL, a free-threaded interpreter has none.
    pub fn as_ptr(&self) -> *const u8 {
        match self {
            Source::Record(bytes) => bytes.as_ptr(),
            Source::Buffer(buffer) => buffer.as_ptr(),
            Source::Fields(bytes) => bytes.as_ptr(),
        }
    }
}

/// Whether a value of one layout has the bytes that another takes.
pub fn check_layout(ty: &RecordType, value: &RecordType) -> PyResult<()> {
    if std::ptr::eq(value, ty) || value.layout() == ty.layout() {
        return Ok(());
    }
    compare(ty.layout(), value.layout(), Match::Exact)
        .map(drop)
        .map_err(|differences| {
            let table = difference_table(ty.name(), "the value", &differences);
            let message = format!("the value's layout is not that of {}:\n{table}", ty.name());
            let error = Error::new(ErrorKind::LayoutMismatch, message);
            errors::raise(error.with_differences(differences))
        })
}

/// The bytes of an object that holds exactly one struct's, one behind the other.
///
/// Not PyO3's: that one refuses arrays without dimensions, which is what numpy holds a struct in.
pub struct Buffer(Box<ffi::Py_buffer>);

impl Buffer {
    /// As many bytes as `ty` has.
    pub fn new(object: &Bound<'_, PyAny>, ty: &RecordType, writable: bool) -> PyResult<Buffer> {
        let buffer = Buffer::of(object, writable, || {
            let hint = match object.is_instance_of::<PyDict>() {
                true => "; fields are given by keyword: write(**fields)",
                false => "",
            };
            Ok(PyTypeError::new_err(format!(
                "expected a {} or its bytes, got {}{hint}",
                ty.name(),
                object.get_type().name()?
            )))
        })?;
        match buffer.len() {
            len if ty.fits(len) => Ok(buffer),
            len => Err(errors::invalid(format!(
                "{} has {} bytes, the buffer {len}",
                ty.name(),
                ty.size(),
            ))),
        }
    }

    /// As many bytes as there are; `other` is the error where the object has no buffer at all.
    pub fn of(
        object: &Bound<'_, PyAny>,
        writable: bool,
        other: impl FnOnce() -> PyResult<PyErr>,
    ) -> PyResult<Buffer> {
        let mut view = Box::new(ffi::Py_buffer::new());
        let flags = if writable {
            ffi::PyBUF_WRITABLE
        } else {
            ffi::PyBUF_SIMPLE
        };
        // SAFETY: `view` is valid for writing, and does not move while it is filled.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &mut *view, flags) } != 0 {
            let error = PyErr::fetch(object.py());
            // SAFETY: any object may be asked.
            if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 1 {
                return Err(error); // It says what is in the way: not contiguous, or not writable.
            }
            return Err(other()?);
        }
        Ok(Buffer(view))
    }

    pub fn len(&self) -> usize {
        // Never negative, says CPython.
        self.0.len as usize
    }

    /// As many bytes as `len` says; held as long as `self`.
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.buf.cast()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: filled by PyObject_GetBuffer, released once. Only made and dropped by functions
        // that Python calls, attached.
        unsafe { ffi::PyBuffer_Release(&mut *self.0) };
    }
}
