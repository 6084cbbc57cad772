//! `crosspage.wait`: several handles at once.

use std::time::Duration;

use crosspage::{Error, ErrorKind, Watch};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors::{self, raise};
use crate::handle::{Deadline, seconds};
use crate::latest::Reader;
use crate::tasks::watched;
use crate::topic::Subscriber;

enum Handle<'py> {
    Reader(Bound<'py, Reader>),
    Subscriber(Bound<'py, Subscriber>),
}

impl<'py> Handle<'py> {
    fn of(handle: Bound<'py, PyAny>) -> PyResult<Handle<'py>> {
        let handle = match handle.cast_into::<Reader>() {
            Ok(reader) => return Ok(Handle::Reader(reader)),
            Err(error) => error.into_inner(),
        };
        match handle.cast_into::<Subscriber>() {
            Ok(subscriber) => Ok(Handle::Subscriber(subscriber)),
            Err(error) => Err(PyTypeError::new_err(format!(
                "wait takes subscribers of topics and readers of latest, not {}",
                error.into_inner().get_type().name()?
            ))),
        }
    }

    fn has_news(&self) -> bool {
        match self {
            Handle::Reader(reader) => reader.get().has_news(reader.py()),
            Handle::Subscriber(subscriber) => subscriber.get().has_news(subscriber.py()),
        }
    }

    fn watch(&self) -> PyResult<Watch> {
        match self {
            Handle::Reader(reader) => reader.get().watch(reader.py()),
            Handle::Subscriber(subscriber) => subscriber.get().watch(subscriber.py()),
        }
    }
}

/// What is waited for.
struct Handles<'py> {
    objects: Vec<Bound<'py, PyAny>>,
    handles: Vec<Handle<'py>>,
}

impl<'py> Handles<'py> {
    fn of(handles: &Bound<'py, PyAny>, timeout: Option<Duration>) -> PyResult<Handles<'py>> {
        let objects = handles.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        if objects.is_empty() && timeout.is_none() {
            return Err(errors::invalid(
                "no handles to wait for, and no time-out: it would wait for ever",
            ));
        }
        let handles = objects.iter().cloned().map(Handle::of);
        Ok(Handles {
            handles: handles.collect::<PyResult<_>>()?,
            objects,
        })
    }

    /// Those that have news, or what to sleep on until one has.
    fn look(&self) -> Result<Vec<Bound<'py, PyAny>>, Vec<Watch>> {
        if let Some(ready) = self.any_ready() {
            return Ok(ready);
        }
        // One that another thread has closed meanwhile is ready in the look below.
        let watches = self.handles.iter().filter_map(|handle| handle.watch().ok());
        let watches = watches.collect();
        self.any_ready().ok_or(watches)
    }

    fn any_ready(&self) -> Option<Vec<Bound<'py, PyAny>>> {
        let all = self.objects.iter().zip(&self.handles);
        let ready = all.filter(|(_, handle)| handle.has_news());
        let ready: Vec<_> = ready.map(|(object, _)| object.clone()).collect();
        (!ready.is_empty()).then_some(ready)
    }

    fn nothing(&self) -> PyErr {
        let message = match self.handles.len() {
            1 => "timed out: there is no news of the handle".to_owned(),
            n => format!("timed out: there is no news of any of the {n} handles"),
        };
        raise(Error::new(ErrorKind::TimedOut, message))
    }
}

/// Waits until any of several handles has news, and returns a list of those that have.
///
/// The handles are subscribers of topics and readers of latest. A subscriber has news when there is a message, a
/// reader when there is a value of another version than it gave last; and either when its next call raises an
/// error, such as that it is closed. What is ready is not taken: call `try_recv` or `read`. Raises TimeoutError
/// after `timeout` seconds.
#[pyfunction]
#[pyo3(signature = (handles, timeout=None))]
pub fn wait<'py>(
    handles: &Bound<'py, PyAny>,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let (py, timeout) = (handles.py(), seconds(timeout)?);
    let handles = Handles::of(handles, timeout)?;
    let deadline = Deadline::new(timeout);
    if timeout != Some(Duration::ZERO)
        && let Some(ready) = Watch::spin(|| Ok::<_, PyErr>(handles.any_ready()))?
    {
        return Ok(ready);
    }
    loop {
        let watches = match handles.look() {
            Ok(ready) => return Ok(ready),
            Err(watches) => watches,
        };
        let slice = deadline.slice().ok_or_else(|| handles.nothing())?;
        py.detach(|| Watch::wait_any(&watches, slice));
        py.check_signals()?;
    }
}

/// The handles that are ready, or a future that is done when it is time to look again.
type Looked<'py> = (Option<Vec<Bound<'py, PyAny>>>, Option<Bound<'py, PyAny>>);

/// One look of `wait_async`.
#[pyfunction(name = "_wait_look")]
pub fn wait_look<'py>(
    handles: &Bound<'py, PyAny>,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<Looked<'py>> {
    let (py, timeout) = (handles.py(), seconds(timeout)?);
    let handles = Handles::of(handles, timeout)?;
    match (handles.look(), timeout) {
        (Ok(ready), _) => Ok((Some(ready), None)),
        (Err(_), Some(Duration::ZERO)) => Err(handles.nothing()),
        (Err(watches), timeout) => Ok((None, Some(watched(py, watches, timeout)?))),
    }
}
