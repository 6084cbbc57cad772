//! crosspage's errors as Python exceptions. The classes are Python's own, in `_errors.py`.

use crosspage::{Error, ErrorKind};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// The exception for `error`.
pub fn raise(error: Error) -> PyErr {
    Python::attach(|py| exception(py, &error).unwrap_or_else(|failed| failed))
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = MAKE.import(py, "crosspage._errors", "_make")?;
    let differences: Vec<_> = error
        .differences()
        .iter()
        .map(|difference| {
            (
                difference.field.clone(),
                difference.page.clone(),
                difference.here.clone(),
            )
        })
        .collect();
    let exception = make.call1((
        error.code(),
        error.message(),
        error.hint(),
        differences,
        error.os_code(),
    ))?;
    Ok(PyErr::from_value(exception))
}

fn of_kind(kind: ErrorKind, message: impl Into<String>) -> PyErr {
    raise(Error::new(kind, message))
}

/// A bad value: also a `ValueError`.
pub fn invalid(message: impl Into<String>) -> PyErr {
    of_kind(ErrorKind::Invalid, message)
}

/// What does not fit: also a `ValueError`.
pub fn too_large(message: impl Into<String>) -> PyErr {
    of_kind(ErrorKind::TooLarge, message)
}

pub fn unsupported(message: impl Into<String>) -> PyErr {
    of_kind(ErrorKind::Unsupported, message)
}

/// `record["…"]` without such a field: also a `KeyError`.
pub fn unknown_field(py: Python<'_>, error: Error) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let errors = py.import(intern!(py, "crosspage._errors"))?;
        let class = errors.getattr(intern!(py, "UnknownField"))?;
        let raised = class.call1((error.message(),))?;
        raised.setattr("hint", error.hint())?;
        Ok(PyErr::from_value(raised))
    };
    make().unwrap_or_else(|failed| failed)
}

/// Whether `error` says that the handle is closed.
pub fn is_closed(py: Python<'_>, error: &PyErr) -> bool {
    is_a(py, error, intern!(py, "Closed"))
}

/// Whether `error` says that the time is over.
pub fn is_timed_out(py: Python<'_>, error: &PyErr) -> bool {
    is_a(py, error, intern!(py, "TimedOut"))
}

fn is_a(py: Python<'_>, error: &PyErr, name: &Bound<'_, PyString>) -> bool {
    let class = py
        .import(intern!(py, "crosspage._errors"))
        .and_then(|errors| errors.getattr(name));
    class.is_ok_and(|class| error.is_instance(py, &class))
}
