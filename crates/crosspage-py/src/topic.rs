//! `crosspage.topic`: every message to every subscriber.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use crosspage::topic::{Control, Event, Kind, Options, RawLoan, RawPublisher, RawSubscriber};
use crosspage::{Error, ErrorKind, Result, Watch};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList, PySlice};

use crate::errors::{self, raise};
use crate::handle::{
    Born, Deadline, LARGE, Patience, Recipe, Slices, Target, closed, closed_error, in_thread,
    name_of, patience, seconds, topic_options,
};
use crate::latest::Participant;
use crate::message::{Ended, InUse, Outgoing, Packed, Shape, Wanted, received};
use crate::meta::Origin;
use crate::record::Fresh;
use crate::tasks::{in_background, watched};
use crate::types::{LayoutObject, RecordType};
use crate::values::{Buffer, check_layout};

type TopicRecipe = Recipe<Options, Shape>;

/// The declaration that a handle is made with, and what it means.
type Declared<'py> = Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>;

fn recipe(
    locator: &str,
    declared: Declared<'_>,
    keywords: &Bound<'_, PyDict>,
) -> PyResult<Arc<TopicRecipe>> {
    let declared = match declared {
        Some((declared, means)) => Some((declared.unbind(), Shape::declared(&means)?)),
        None => None,
    };
    let options = topic_options(keywords)?;
    Ok(Recipe::of(locator, declared, keywords, options))
}

fn kind(recipe: &TopicRecipe) -> Option<Kind> {
    recipe.declared.as_ref().map(|(_, shape)| shape.kind())
}

/// The shape of a handle's messages, once it is known. It never changes: a topic's type is decided once.
struct Known(OnceLock<Shape>);

impl Known {
    fn of(recipe: &TopicRecipe) -> Known {
        let known = OnceLock::new();
        if let Some((_, shape)) = recipe.declared {
            let _ = known.set(shape);
        }
        Known(known)
    }

    fn get(&self) -> Option<Shape> {
        self.0.get().copied()
    }

    /// Says it, unless another thread was faster.
    fn set(&self, shape: Shape) -> Shape {
        *self.0.get_or_init(|| shape)
    }

    fn layout(&self) -> Option<LayoutObject> {
        match self.get() {
            Some(Shape::Record(ty)) => Some(LayoutObject(ty)),
            _ => None,
        }
    }
}

/// The publishers or subscribers of a topic: for a wait until there are enough of them.
fn others<'py>(
    py: Python<'py>,
    control: &Control,
    n: usize,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<usize> {
    Slices::new(seconds(timeout)?).wait(py, |slice| control.wait_others(n, Some(slice)))
}

fn others_async<'py>(
    py: Python<'py>,
    control: Control,
    n: usize,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let timeout = seconds(timeout)?;
    let wait = async move { control.wait_others_async(n, timeout).await };
    in_background(py, wait, |py, count| {
        Ok(count.into_pyobject(py)?.into_any())
    })
}

fn event<'py>(
    py: Python<'py>,
    control: &Control,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<EventObject> {
    let wait = Slices::new(seconds(timeout)?);
    wait.wait(py, |slice| control.wait_event(Some(slice)))
        .and_then(|event| EventObject::new(py, event))
}

fn event_async<'py>(
    py: Python<'py>,
    control: Control,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let timeout = seconds(timeout)?;
    let wait = async move { control.wait_event_async(timeout).await };
    in_background(py, wait, |py, event| {
        Ok(EventObject::new(py, event)?.into_pyobject(py)?.into_any())
    })
}

/// Who came or went.
#[pyclass(frozen, get_all, name = "Event", module = "crosspage.topic")]
pub struct EventObject {
    /// "matched" or "gone".
    kind: &'static str,
    participant: Py<Participant>,
}

impl EventObject {
    fn new(py: Python<'_>, event: Event) -> PyResult<EventObject> {
        let kind = match event {
            Event::Matched(_) => "matched",
            _ => "gone",
        };
        let participant = Py::new(py, Participant::from(event.participant().clone()))?;
        Ok(EventObject { kind, participant })
    }
}

#[pymethods]
impl EventObject {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let participant = self.participant.bind(py).repr()?;
        Ok(format!("<{}: {participant}>", self.kind))
    }
}

// ---- Publisher -----------------------------------------------------------------------------

/// Publishes to a topic. Made by `crosspage.topic.publisher`.
#[pyclass(frozen, generic, name = "Publisher", module = "crosspage.topic")]
pub struct Publisher {
    /// Only locked for a moment: who waits for room takes the publisher out of it meanwhile.
    place: Mutex<Place>,
    /// It is back.
    back: Condvar,
    known: Known,
    locator: String,
    born: Born,
    recipe: Arc<TopicRecipe>,
}

enum Place {
    Here(Box<RawPublisher>),
    /// A thread waits with it.
    Out(Control),
    /// It is no longer mapped.
    Closed,
}

/// The publisher while a thread waits with it; goes back at the end, also after a panic.
struct Out<'a> {
    raw: Option<Box<RawPublisher>>,
    publisher: &'a Publisher,
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        let mut place = self.publisher.place_detached();
        // Where it was closed meanwhile, it is dropped; but without the lock.
        if let Place::Out(_) = &*place
            && let Some(raw) = self.raw.take()
        {
            *place = Place::Here(raw);
        }
        drop(place);
        self.publisher.back.notify_all();
    }
}

#[pymethods]
impl Publisher {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        #[pyo3(from_py_with = name_of)] locator: String,
        declared: Declared<'_>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Publisher> {
        let recipe = recipe(&locator, declared, keywords)?;
        let kind = kind(&recipe);
        let raw = py
            .detach(|| RawPublisher::attach(&locator, kind.as_ref(), &recipe.options))
            .map_err(raise)?;
        let publisher = Publisher {
            known: Known::of(&recipe),
            locator: raw.locator().to_string(),
            place: Mutex::new(Place::Here(Box::new(raw))),
            back: Condvar::new(),
            born: Born::here(),
            recipe,
        };
        if publisher.known.get().is_none() {
            let _ = publisher.ask(py); // Who publishes learns what is wrong with it.
        }
        Ok(publisher)
    }

    /// Publishes a message and returns its sequence: a record, the fields by keyword, or an object that
    /// holds the struct's bytes; bytes, or an object with a buffer; or a numpy array, as the topic's type
    /// is.
    #[pyo3(signature = (value=None, /, *, timeout=Patience::Own, **fields))]
    fn publish(
        &self,
        py: Python<'_>,
        value: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = patience)] timeout: Patience,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let outgoing = Outgoing::new(py, self.shape(py, value)?, value, fields)?;
        let parcel = outgoing.parcel();
        let deadline = Deadline::new(timeout.or(self.recipe.options.timeout));
        self.send(py, deadline, parcel.len(), |raw| parcel.publish(raw))
    }

    /// As `publish`, but never waits: None where there is no room.
    #[pyo3(signature = (value=None, /, **fields))]
    fn try_publish(
        &self,
        py: Python<'_>,
        value: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Option<u64>> {
        let outgoing = Outgoing::new(py, self.shape(py, value)?, value, fields)?;
        let parcel = outgoing.parcel();
        match self.attempt(py, |raw| parcel.publish(raw))? {
            Attempt::Done(sequence) => Ok(Some(sequence)),
            Attempt::NoRoom | Attempt::Out => Ok(None),
        }
    }

    /// Publishes many messages: a sequence of them, or for a struct an array of its dtype. Returns how many,
    /// which are fewer where the time is over.
    #[pyo3(signature = (values, /, *, timeout=Patience::Own))]
    fn publish_many(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = patience)] timeout: Patience,
    ) -> PyResult<usize> {
        let deadline = Deadline::new(timeout.or(self.recipe.options.timeout));
        let items = items(values)?;
        let shape = match &items {
            Items::Each(items) if items.is_empty() => return Ok(0),
            Items::Each(items) => self.shape(py, items.first())?,
            Items::Array(array) => self.shape(py, Some(array))?,
        };
        match batch(py, shape, &items)? {
            Batch::Values { data, len, count } => {
                let data = data.target();
                self.send_rest(py, count, |sent| {
                    // SAFETY: there are `count` values of this side's layout, `len` bytes in all.
                    let rest = Target(unsafe { data.get().add(sent * (len / count)) });
                    self.send(py, deadline, len, move |raw| {
                        // SAFETY: the values behind those that were sent.
                        unsafe { raw.publish_many(rest.get(), count - sent) }
                    })
                })
            }
            Batch::Each(each) => self.send_rest(py, each.len(), |sent| {
                let parcel = each[sent].parcel();
                let send = |raw: &mut RawPublisher| parcel.publish(raw);
                self.send(py, deadline, parcel.len(), send).map(|_| 1)
            }),
        }
    }

    /// `publish` for asyncio.
    #[pyo3(signature = (value=None, /, *, timeout=Patience::Own, **fields))]
    fn publish_async<'py>(
        slf: &Bound<'py, Self>,
        value: Option<&Bound<'py, PyAny>>,
        #[pyo3(from_py_with = patience)] timeout: Patience,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let outgoing = Outgoing::new(py, this.shape(py, value)?, value, fields)?;
        let packed = match this.attempt(py, |raw| outgoing.parcel().publish(raw))? {
            Attempt::Done(sequence) => return completed(py, sequence),
            Attempt::NoRoom | Attempt::Out => outgoing.packed(),
        };
        let deadline = Deadline::new(timeout.or(this.recipe.options.timeout));
        let publisher = slf.clone().unbind();
        let work = move |wanted: &_| {
            let check = check(wanted);
            let send = |raw: &mut RawPublisher| packed.parcel().publish(raw);
            Some(publisher.get().send_detached(deadline, check, send))
        };
        in_thread(py, work, |py, sequence| {
            Ok(sequence.into_pyobject(py)?.into_any())
        })
    }

    /// `publish_many` for asyncio.
    #[pyo3(signature = (values, /, *, timeout=Patience::Own))]
    fn publish_many_async<'py>(
        slf: &Bound<'py, Self>,
        values: &Bound<'py, PyAny>,
        #[pyo3(from_py_with = patience)] timeout: Patience,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let deadline = Deadline::new(timeout.or(this.recipe.options.timeout));
        let items = items(values)?;
        let shape = match &items {
            Items::Each(items) if items.is_empty() => return completed(py, 0),
            Items::Each(items) => this.shape(py, items.first())?,
            Items::Array(array) => this.shape(py, Some(array))?,
        };
        let batch = batch(py, shape, &items)?.packed();
        let publisher = slf.clone().unbind();
        let work = move |wanted: &_| {
            let (this, check) = (publisher.get(), check(wanted));
            let mut sent = 0;
            while sent < batch.count() {
                match this.send_detached(deadline, check.clone(), |raw| batch.publish(raw, sent)) {
                    Ok(n) => sent += n,
                    Err(error) if error.is_timed_out() && sent > 0 => break,
                    Err(error) => return Some(Err(error)),
                }
            }
            Some(Ok(sent))
        };
        in_thread(py, work, |py, sent| Ok(sent.into_pyobject(py)?.into_any()))
    }

    /// Memory of the topic for a message of so many bytes, to be filled in place: `with publisher.loan(n) as
    /// view:`. It is published at the end, or dropped where that is by an exception.
    fn loan(slf: &Bound<'_, Self>, size: usize) -> Loan {
        Loan::new(slf, Wanted::Bytes(size))
    }

    /// The same as a numpy array: `with publisher.loan_array((1080, 1920, 3), "u1") as array:`.
    #[pyo3(signature = (shape, dtype))]
    fn loan_array(
        slf: &Bound<'_, Self>,
        shape: &Bound<'_, PyAny>,
        dtype: &Bound<'_, PyAny>,
    ) -> PyResult<Loan> {
        Ok(Loan::new(slf, Wanted::array(shape, dtype)?))
    }

    /// How many subscribers are attached.
    #[getter]
    fn subscribers(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.control(py)?.others())
    }

    /// Waits until at least `n` subscribers are attached, and returns how many there are.
    #[pyo3(signature = (n, timeout=None))]
    fn wait_subscribers<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<usize> {
        others(py, &self.control(py)?, n, timeout)
    }

    /// `wait_subscribers` for asyncio.
    #[pyo3(signature = (n, timeout=None))]
    fn wait_subscribers_async<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        others_async(py, self.control(py)?, n, timeout)
    }

    /// The next subscriber that came or went, or None: each that is attached is told of once, also one that came
    /// first.
    fn try_event(&self, py: Python<'_>) -> PyResult<Option<EventObject>> {
        let event = self.control(py)?.try_event().map_err(raise)?;
        event.map(|event| EventObject::new(py, event)).transpose()
    }

    /// Waits until a subscriber comes or goes. One that is killed is found within a second.
    #[pyo3(signature = (timeout=None))]
    fn wait_event<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<EventObject> {
        event(py, &self.control(py)?, timeout)
    }

    /// `wait_event` for asyncio.
    #[pyo3(signature = (timeout=None))]
    fn wait_event_async<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        event_async(py, self.control(py)?, timeout)
    }

    /// Detaches; what was published stays, and who waits on this handle gets the error `Closed`. Leaving a
    /// `with` does the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !self.born.is_here() {
            return Ok(()); // The drop does what a child may do.
        }
        let before = std::mem::replace(&mut *self.lock(py)?, Place::Closed);
        // Without the lock: it may log, and Python has the log.
        match before {
            Place::Out(control) => control.close(),
            Place::Here(_) | Place::Closed => drop(before),
        }
        self.back.notify_all();
        Ok(())
    }

    /// The topic's locator.
    #[getter]
    fn locator(&self) -> &str {
        &self.locator
    }

    /// The layout of the messages; None where they are bytes or arrays, or nobody has said what they are.
    #[getter]
    fn layout(&self, py: Python<'_>) -> PyResult<Option<LayoutObject>> {
        if self.known.get().is_none() {
            self.ask(py)?;
        }
        Ok(self.known.layout())
    }

    /// Who is attached to the topic.
    fn participants(&self, py: Python<'_>) -> PyResult<Vec<Participant>> {
        let participants = self.control(py)?.participants();
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
        self.recipe.reduce(py, "topic.publisher")
    }

    fn __repr__(&self) -> String {
        let name = Shape::name(self.known.get().as_ref());
        format!(
            "<crosspage.topic.Publisher of {name} in {:?}>",
            self.locator
        )
    }
}

/// What came of a call that does not wait.
enum Attempt<R> {
    Done(R),
    NoRoom,
    /// Another thread waits with the publisher.
    Out,
}

impl Publisher {
    /// What the messages are; where nobody has said, what `value` is.
    fn shape(&self, py: Python<'_>, value: Option<&Bound<'_, PyAny>>) -> PyResult<Shape> {
        match self.known.get() {
            Some(shape) => Ok(shape),
            None => self.decide(py, value),
        }
    }

    #[cold]
    fn decide(&self, py: Python<'_>, value: Option<&Bound<'_, PyAny>>) -> PyResult<Shape> {
        if let Some(shape) = self.ask(py)? {
            return Ok(shape);
        }
        let value = value.ok_or_else(|| {
            PyTypeError::new_err(
                "nobody has said yet what the messages of this topic are: give publisher() a type, or publish a record",
            )
        })?;
        let shape = Shape::of_value(value)?;
        let kind = shape.kind();
        self.send(py, Deadline::new(None), 0, |raw| raw.declare(&kind))?;
        Ok(self.known.set(shape))
    }

    /// What the page says that its messages are.
    fn ask(&self, py: Python<'_>) -> PyResult<Option<Shape>> {
        let kind = match &mut *self.lock(py)? {
            Place::Here(raw) => raw.kind().map(Option::<&Kind>::cloned),
            Place::Out(_) | Place::Closed => Ok(None),
        };
        let kind = kind.map_err(raise)?;
        match kind {
            Some(kind) => Ok(Some(self.known.set(Shape::of(py, &kind)?))),
            None => Ok(None),
        }
    }

    /// Acts on the publisher, without the interpreter where that has to wait for room, or may take long.
    fn send<R: Send>(
        &self,
        py: Python<'_>,
        deadline: Deadline,
        size: usize,
        mut act: impl FnMut(&mut RawPublisher) -> Result<R> + Send,
    ) -> PyResult<R> {
        if size <= LARGE
            && let Attempt::Done(done) = self.attempt(py, &mut act)?
        {
            return Ok(done);
        }
        let raised = Arc::new(Mutex::new(None));
        let interrupted = raised.clone();
        let check = move || {
            Python::attach(|py| py.check_signals()).map_err(|error| {
                *interrupted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Error::new(ErrorKind::Closed, "interrupted")
            })
        };
        let done = py.detach(|| self.send_detached(deadline, check, act));
        let raised = raised.lock_py_attached(py);
        match raised.unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => done.map_err(raise),
        }
    }

    /// Acts on the publisher without waiting.
    fn attempt<R>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut RawPublisher) -> Result<R>,
    ) -> PyResult<Attempt<R>> {
        let mut place = self.lock(py)?;
        let done = match &mut *place {
            Place::Here(raw) => {
                raw.set_timeout(Some(Duration::ZERO));
                act(raw)
            }
            Place::Out(_) => return Ok(Attempt::Out),
            Place::Closed => return Err(self.closed()),
        };
        drop(place);
        match done {
            Ok(done) => Ok(Attempt::Done(done)),
            Err(error) if error.is_timed_out() => Ok(Attempt::NoRoom),
            Err(error) => Err(raise(error)),
        }
    }

    /// Acts on the publisher until `deadline`, by a thread that is not attached; `check` ends the wait.
    fn send_detached<R>(
        &self,
        deadline: Deadline,
        check: impl Fn() -> Result<()> + Send + 'static,
        act: impl FnOnce(&mut RawPublisher) -> Result<R>,
    ) -> Result<R> {
        let mut out = self.take_out(deadline, &check)?;
        let raw = out.raw.as_mut().expect("taken out just now");
        raw.set_timeout(deadline.left());
        raw.set_check(Some(Box::new(check)));
        let done = act(raw);
        raw.set_check(None);
        done
    }

    fn take_out(&self, deadline: Deadline, check: &impl Fn() -> Result<()>) -> Result<Out<'_>> {
        self.born.check_detached(self.name())?;
        loop {
            let mut place = self.place_detached();
            match std::mem::replace(&mut *place, Place::Closed) {
                Place::Here(raw) => {
                    *place = Place::Out(raw.control());
                    return Ok(Out {
                        raw: Some(raw),
                        publisher: self,
                    });
                }
                Place::Closed => return Err(closed_error(self.name())),
                out => *place = out,
            }
            let Some(slice) = deadline.slice() else {
                let message = format!(
                    "{}: another thread of this process still publishes with this handle",
                    self.name()
                );
                return Err(Error::new(ErrorKind::TimedOut, message));
            };
            drop(self.back.wait_timeout(place, slice));
            check()?;
        }
    }

    /// Sends what is left of `count` messages again and again; returns how many went out before the time
    /// was over.
    fn send_rest(
        &self,
        py: Python<'_>,
        count: usize,
        send: impl Fn(usize) -> PyResult<usize>,
    ) -> PyResult<usize> {
        let mut sent = 0;
        while sent < count {
            match send(sent) {
                Ok(n) => sent += n,
                Err(error) if sent > 0 && errors::is_timed_out(py, &error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    fn control(&self, py: Python<'_>) -> PyResult<Control> {
        match &*self.lock(py)? {
            Place::Here(raw) => Ok(raw.control()),
            Place::Out(control) => Ok(control.clone()),
            Place::Closed => Err(self.closed()),
        }
    }

    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Place>> {
        let place = match self.place.try_lock() {
            Err(TryLockError::WouldBlock) => {
                self.born.check(self.name())?;
                self.place.lock_py_attached(py)
            }
            Err(TryLockError::Poisoned(place)) => Err(place),
            Ok(place) => Ok(place),
        };
        Ok(place.unwrap_or_else(PoisonError::into_inner))
    }

    fn place_detached(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> String {
        format!("topic {:?}", self.locator)
    }

    #[cold]
    fn closed(&self) -> PyErr {
        closed(self.name())
    }
}

/// Ends a wait of the background that nobody waits for any more.
fn check(wanted: &crate::handle::StillWanted) -> impl Fn() -> Result<()> + Clone + Send + 'static {
    let wanted = wanted.clone();
    move || match wanted.still() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Closed, "no longer waited for")),
    }
}

/// An asyncio future that is done.
fn completed<'py>(py: Python<'py>, value: u64) -> PyResult<Bound<'py, PyAny>> {
    let running = py.import("asyncio")?.call_method0("get_running_loop")?;
    let future = running.call_method0("create_future")?;
    future.call_method1("set_result", (value,))?;
    Ok(future)
}

// ---- many at once --------------------------------------------------------------------------

/// What `publish_many` was given.
enum Items<'py> {
    /// An array of structs.
    Array(Bound<'py, PyAny>),
    Each(Vec<Bound<'py, PyAny>>),
}

fn items<'py>(values: &Bound<'py, PyAny>) -> PyResult<Items<'py>> {
    let py = values.py();
    if crate::message::is_array(values) {
        let dtype = values.getattr(intern!(py, "dtype"))?;
        if !dtype.getattr(intern!(py, "names"))?.is_none() {
            return Ok(Items::Array(values.clone()));
        }
    }
    Ok(Items::Each(values.try_iter()?.collect::<PyResult<_>>()?))
}

/// Many messages that are about to be published.
enum Batch<'a> {
    /// Structs, one behind the other.
    Values {
        data: Values,
        /// Bytes of all of them.
        len: usize,
        count: usize,
    },
    Each(Vec<Outgoing<'a>>),
}

enum Values {
    Buffer(Buffer),
    Copied(Vec<u8>),
}

impl Values {
    fn target(&self) -> Target {
        match self {
            Values::Buffer(buffer) => Target(buffer.as_ptr()),
            Values::Copied(bytes) => Target(bytes.as_ptr().cast_mut()),
        }
    }
}

fn batch<'a>(py: Python<'_>, shape: Shape, items: &'a Items<'_>) -> PyResult<Batch<'a>> {
    match (shape, items) {
        (Shape::Record(ty), Items::Array(array)) => {
            let layout = py
                .import(intern!(py, "crosspage._declare"))?
                .getattr(intern!(py, "layout_of"))?
                .call1((array.getattr(intern!(py, "dtype"))?,))?;
            check_layout(ty, layout.extract::<PyRef<'_, LayoutObject>>()?.0)?;
            let data = Buffer::of(array, false, || {
                Ok(PyTypeError::new_err("this array has no buffer"))
            })?;
            let (len, size) = (data.len(), ty.size());
            Ok(Batch::Values {
                data: Values::Buffer(data),
                len,
                count: len / size,
            })
        }
        (Shape::Record(ty), Items::Each(items)) if ty.tail().is_none() => {
            let mut bytes = Vec::with_capacity(items.len() * ty.size());
            for item in items {
                let one = Outgoing::new(py, shape, Some(item), None)?;
                bytes.extend_from_slice(one.parcel().bytes());
            }
            Ok(Batch::Values {
                len: bytes.len(),
                data: Values::Copied(bytes),
                count: items.len(),
            })
        }
        (_, Items::Array(_)) => Err(PyTypeError::new_err(format!(
            "messages of this topic are {}, not structs",
            Shape::name(Some(&shape))
        ))),
        (_, Items::Each(items)) => {
            let each = items
                .iter()
                .map(|item| Outgoing::new(py, shape, Some(item), None));
            Ok(Batch::Each(each.collect::<PyResult<_>>()?))
        }
    }
}

/// Many messages with bytes of their own.
enum PackedBatch {
    Values { bytes: Vec<u8>, count: usize },
    Each(Vec<Packed>),
}

impl Batch<'_> {
    fn packed(self) -> PackedBatch {
        match self {
            Batch::Values {
                data: Values::Copied(bytes),
                count,
                ..
            } => PackedBatch::Values { bytes, count },
            Batch::Values {
                data: Values::Buffer(buffer),
                len,
                count,
            } => {
                // SAFETY: the buffer has `len` bytes, and is held. Who lets another thread write to it
                // meanwhile gets some of each.
                let bytes = unsafe { std::slice::from_raw_parts(buffer.as_ptr(), len) };
                let bytes = bytes.to_vec();
                PackedBatch::Values { bytes, count }
            }
            Batch::Each(each) => PackedBatch::Each(each.iter().map(Outgoing::packed).collect()),
        }
    }
}

impl PackedBatch {
    fn count(&self) -> usize {
        match self {
            PackedBatch::Values { count, .. } => *count,
            PackedBatch::Each(each) => each.len(),
        }
    }

    /// Publishes what is behind the first `sent`, or the first of that; says how many.
    fn publish(&self, raw: &mut RawPublisher, sent: usize) -> Result<usize> {
        match self {
            PackedBatch::Values { bytes, count } => {
                let rest = &bytes[sent * (bytes.len() / count)..];
                // SAFETY: the values behind those that were sent.
                unsafe { raw.publish_many(rest.as_ptr(), count - sent) }
            }
            PackedBatch::Each(each) => each[sent].parcel().publish(raw).map(|_| 1),
        }
    }
}

// ---- Loan ----------------------------------------------------------------------------------

/// Memory of a topic for the time of a `with`. Made by `Publisher.loan` and `loan_array`.
#[pyclass(frozen, generic, name = "Loan", module = "crosspage.topic")]
pub struct Loan {
    publisher: Py<Publisher>,
    wanted: Wanted,
    in_use: Mutex<Option<InUse>>,
}

impl Loan {
    fn new(publisher: &Bound<'_, Publisher>, wanted: Wanted) -> Loan {
        Loan {
            publisher: publisher.clone().unbind(),
            wanted,
            in_use: Mutex::new(None),
        }
    }

    /// Never held while something else is waited for.
    fn in_use(&self) -> MutexGuard<'_, Option<InUse>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the messages have to be.
    fn shape(&self, py: Python<'_>) -> PyResult<Option<Shape>> {
        let publisher = self.publisher.get();
        if let Some(shape) = publisher.known.get() {
            return Ok(Some(shape));
        }
        if let Some(shape) = publisher.ask(py)? {
            return Ok(Some(shape));
        }
        let shape = match self.wanted {
            Wanted::Bytes(_) => Shape::Bytes,
            Wanted::Array(..) => Shape::Array,
        };
        let kind = shape.kind();
        publisher.send(py, Deadline::new(None), 0, |raw| raw.declare(&kind))?;
        Ok(Some(publisher.known.set(shape)))
    }
}

#[pymethods]
impl Loan {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let publisher = self.publisher.get();
        if self.in_use().is_some() {
            return Err(errors::invalid("this loan is in use already"));
        }
        self.shape(py)?;
        let deadline = Deadline::new(publisher.recipe.options.timeout);
        let loan = publisher.send(py, deadline, 0, |raw| self.wanted.lend(raw))?;
        let (in_use, view) = InUse::new(py, &self.wanted, loan)?;
        *self.in_use() = Some(in_use);
        Ok(view)
    }

    #[pyo3(signature = (exception=None, *_rest))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exception: Option<&Bound<'_, PyAny>>,
        _rest: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let in_use = self.in_use().take();
        let in_use = in_use.ok_or_else(|| errors::invalid("this loan is not in use"))?;
        let publisher = self.publisher.get();
        match (in_use.end(py, &self.wanted)?, exception) {
            (Ended::Free(loan), None) => publisher.commit(py, loan),
            (Ended::Free(_) | Ended::Seen, Some(_)) => Ok(()),
            (Ended::Seen, None) => {
                let parcel = in_use.parcel(self.shape(py)?, &self.wanted);
                let deadline = Deadline::new(publisher.recipe.options.timeout);
                let sent = publisher.send(py, deadline, parcel.len(), |raw| parcel.publish(raw));
                sent.map(drop)
            }
        }
    }

    fn __repr__(&self) -> String {
        format!("<a loan of {}>", self.publisher.get().__repr__())
    }
}

impl Publisher {
    fn commit(&self, py: Python<'_>, loan: RawLoan) -> PyResult<()> {
        let mut loan = Some(loan);
        let deadline = Deadline::new(self.recipe.options.timeout);
        // As one that is large: it can be tried once.
        let sent = self.send(py, deadline, usize::MAX, |raw| {
            raw.commit(loan.take().expect("large messages are sent once"))
        });
        sent.map(drop)
    }
}

// ---- Subscriber ----------------------------------------------------------------------------

/// Receives from a topic. Made by `crosspage.topic.subscriber`.
#[pyclass(frozen, generic, name = "Subscriber", module = "crosspage.topic")]
pub struct Subscriber {
    /// Only locked for a moment: nobody waits with it. None once it is closed, so that the page is no
    /// longer mapped.
    raw: Mutex<Option<Box<RawSubscriber>>>,
    /// What came behind the good messages of a list; the next call says it.
    late: Mutex<Option<PyErr>>,
    known: Known,
    locator: String,
    born: Born,
    recipe: Arc<TopicRecipe>,
}

/// A message or a future: one of them.
type Looked<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

#[pymethods]
impl Subscriber {
    #[staticmethod]
    fn _make(
        py: Python<'_>,
        #[pyo3(from_py_with = name_of)] locator: String,
        declared: Declared<'_>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Subscriber> {
        let recipe = recipe(&locator, declared, keywords)?;
        let kind = kind(&recipe);
        let raw = py
            .detach(|| RawSubscriber::attach(&locator, kind.as_ref(), &recipe.options))
            .map_err(raise)?;
        let subscriber = Subscriber {
            known: Known::of(&recipe),
            locator: raw.locator().to_string(),
            raw: Mutex::new(Some(Box::new(raw))),
            late: Mutex::new(None),
            born: Born::here(),
            recipe,
        };
        let _ = subscriber.shape(py); // Who receives learns what is wrong with it.
        Ok(subscriber)
    }

    /// The next message; None where there is none yet.
    fn try_recv<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.take(py, Look::Once)
    }

    /// Waits for the next message. Raises TimeoutError after `timeout` seconds.
    #[pyo3(signature = (timeout=None))]
    fn recv<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.wait(py, seconds(timeout)?, |look| self.take(py, look))
    }

    /// Waits for at least one message, and takes up to `n` that are there. For a struct they are one numpy
    /// array of its dtype, otherwise a list.
    #[pyo3(signature = (n, timeout=None))]
    fn recv_many<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut many = Many::new(n)?;
        self.wait(py, seconds(timeout)?, |look| {
            self.take_many(py, &mut many, look)
        })
    }

    /// `recv` for asyncio.
    #[pyo3(signature = (timeout=None))]
    fn recv_async<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Subscriber::receive_async(slf, None, timeout)
    }

    /// `recv_many` for asyncio.
    #[pyo3(signature = (n, timeout=None))]
    fn recv_many_async<'py>(
        slf: &Bound<'py, Self>,
        n: usize,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Subscriber::receive_async(slf, Some(n), timeout)
    }

    /// For `_receive_async`: a message (or `n` of them), or a future that is done when it is time to look
    /// again. What is found is taken by the thread of the event loop, so that no cancelled task loses it.
    #[pyo3(signature = (n, timeout))]
    fn _look<'py>(
        slf: &Bound<'py, Self>,
        n: Option<usize>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Looked<'py>> {
        let (py, this) = (slf.py(), slf.get());
        let timeout = seconds(timeout)?;
        let mut many = n.map(Many::new).transpose()?;
        let mut take = |look| match &mut many {
            None => this.take(py, look),
            Some(many) => this.take_many(py, many, look),
        };
        let last = timeout.is_some_and(|timeout| timeout.is_zero());
        if let Some(found) = take(if last { Look::Last } else { Look::Once })? {
            return Ok((Some(found), None));
        }
        let watch = this.watch(py)?;
        if let Some(found) = take(Look::Once)? {
            return Ok((Some(found), None));
        }
        let future = watched(py, vec![watch], timeout)?;
        Ok((None, Some(future)))
    }

    /// A descriptor for `select`, `selectors` and `loop.add_reader`: ready while there may be a message, or an
    /// error to tell, until `try_recv` finds none. It belongs to this handle, and is gone with it.
    #[cfg(unix)]
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        self.with(py, |raw| raw.wait_handle())
    }

    /// How many messages were overwritten before this subscriber received them.
    #[getter]
    fn lost(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |raw| Ok(raw.lost()))
    }

    /// How many publishers are attached.
    #[getter]
    fn publishers(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |raw| Ok(raw.publishers()))
    }

    /// Waits until at least `n` publishers are attached, and returns how many there are.
    #[pyo3(signature = (n, timeout=None))]
    fn wait_publishers<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<usize> {
        let control = self.with(py, |raw| Ok(raw.control()))?;
        others(py, &control, n, timeout)
    }

    /// `wait_publishers` for asyncio.
    #[pyo3(signature = (n, timeout=None))]
    fn wait_publishers_async<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let control = self.with(py, |raw| Ok(raw.control()))?;
        others_async(py, control, n, timeout)
    }

    /// The next publisher that came or went, or None: each that is attached is told of once, also one that came
    /// first.
    fn try_event(&self, py: Python<'_>) -> PyResult<Option<EventObject>> {
        let event = self
            .with(py, |raw| Ok(raw.control()))?
            .try_event()
            .map_err(raise)?;
        event.map(|event| EventObject::new(py, event)).transpose()
    }

    /// Waits until a publisher comes or goes. One that is killed is found within a second.
    #[pyo3(signature = (timeout=None))]
    fn wait_event<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<EventObject> {
        event(py, &self.with(py, |raw| Ok(raw.control()))?, timeout)
    }

    /// `wait_event` for asyncio.
    #[pyo3(signature = (timeout=None))]
    fn wait_event_async<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        event_async(py, self.with(py, |raw| Ok(raw.control()))?, timeout)
    }

    /// Detaches; whoever waits on this handle gets the error `Closed`. Leaving a `with` does the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !self.born.is_here() {
            return Ok(()); // The drop does what a child may do.
        }
        let raw = self.lock(py)?.take();
        // Without the lock: it may log, and Python has the log.
        if let Some(mut raw) = raw {
            raw.close();
        }
        Ok(())
    }

    /// The topic's locator.
    #[getter]
    fn locator(&self) -> &str {
        &self.locator
    }

    /// The layout of the messages; None where they are bytes or arrays, or nobody has said what they are.
    #[getter]
    fn layout(&self, py: Python<'_>) -> PyResult<Option<LayoutObject>> {
        if self.known.get().is_none() && self.lock(py)?.is_some() {
            self.shape(py)?;
        }
        Ok(self.known.layout())
    }

    /// Who is attached to the topic.
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

    /// Every message; ends when the handle is closed.
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.recv(py, None) {
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
        next.call1((Subscriber::receive_async(slf, None, None)?,))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.recipe.reduce(py, "topic.subscriber")
    }

    fn __repr__(&self) -> String {
        let name = Shape::name(self.known.get().as_ref());
        format!(
            "<crosspage.topic.Subscriber of {name} in {:?}>",
            self.locator
        )
    }
}

/// How to look for a message.
#[derive(Clone, Copy, PartialEq)]
enum Look {
    Once,
    /// The time is over: where there is none, the error says so.
    Last,
}

/// A batch that is being received.
struct Many<'py> {
    n: usize,
    /// For structs: an array of `n`, to be filled.
    array: Option<(Bound<'py, PyAny>, Buffer)>,
}

impl<'py> Many<'py> {
    fn new(n: usize) -> PyResult<Many<'py>> {
        match n {
            0 => Err(errors::invalid("n = 0: at least one message is received")),
            n => Ok(Many { n, array: None }),
        }
    }

    /// Where to write `n` structs to.
    fn target(&mut self, py: Python<'py>, ty: &RecordType) -> PyResult<Target> {
        if self.array.is_none() {
            let array = py
                .import(intern!(py, "numpy"))?
                .getattr(intern!(py, "empty"))?
                .call1((self.n, ty.dtype(py)?))?;
            let buffer = Buffer::of(&array, true, || {
                Ok(PyTypeError::new_err("this array has no buffer"))
            })?;
            self.array = Some((array, buffer));
        }
        let (_, buffer) = self.array.as_ref().expect("made above");
        Ok(Target(buffer.as_ptr()))
    }

    /// The first `count` of the array.
    fn finish(&mut self, py: Python<'py>, count: usize) -> PyResult<Bound<'py, PyAny>> {
        let (array, buffer) = self.array.take().expect("filled just now");
        drop(buffer);
        if count == self.n {
            return Ok(array);
        }
        let part = array.get_item(PySlice::new(py, 0, count as isize, 1))?;
        // A few of many do not keep the memory of all.
        match count < self.n / 2 {
            true => part.call_method0(intern!(py, "copy")),
            false => Ok(part),
        }
    }
}

impl Subscriber {
    /// What the messages are, once somebody has said.
    fn shape(&self, py: Python<'_>) -> PyResult<Option<Shape>> {
        if let Some(shape) = self.known.get() {
            return Ok(Some(shape));
        }
        // A clone, as what follows runs Python code, which may come back here.
        match self.with(py, |raw| Ok(raw.kind()?.cloned()))? {
            Some(kind) => Ok(Some(self.known.set(Shape::of(py, &kind)?))),
            None => Ok(None),
        }
    }

    /// The next message, if there is one.
    fn take<'py>(&self, py: Python<'py>, look: Look) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shape = match self.shape(py)? {
            Some(Shape::Record(ty)) if ty.tail().is_none() => {
                return self.take_record(py, ty, look);
            }
            shape => shape,
        };
        if let Some(late) = self.late(py).take() {
            return Err(late);
        }
        let message = self.with(py, |raw| match look {
            Look::Once => raw.try_recv(),
            Look::Last => raw.recv(Some(Duration::ZERO)).map(Some),
        })?;
        let Some(message) = message else {
            return Ok(None);
        };
        // Where it comes so early, somebody has said it now.
        let shape = match shape {
            Some(shape) => Some(shape),
            None => self.shape(py)?,
        };
        let shape = shape.ok_or_else(|| self.undeclared())?;
        received(py, shape, message).map(Some)
    }

    fn take_record<'py>(
        &self,
        py: Python<'py>,
        ty: &'static RecordType,
        look: Look,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        // Made before the lock is taken, as it may run the garbage collector, and so any code.
        // SAFETY: finished only where a receive said that it has written all bytes.
        let fresh = unsafe { Fresh::uninit(py, ty)? };
        let target = Target(fresh.data());
        let receive = |raw: &mut RawSubscriber| match look {
            // SAFETY: the record has as many bytes as this side's layout, and is ours alone.
            Look::Once => unsafe { raw.try_recv_into(target.get()) },
            // SAFETY: as above.
            Look::Last => unsafe { raw.recv_into(target.get(), Some(Duration::ZERO)) }.map(Some),
        };
        let meta = match ty.size() > LARGE {
            true => self.with_detached(py, receive)?,
            false => self.with(py, receive)?,
        };
        Ok(meta.map(|meta| fresh.finish(Origin::from(&meta))))
    }

    fn take_many<'py>(
        &self,
        py: Python<'py>,
        many: &mut Many<'py>,
        look: Look,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(Shape::Record(ty)) = self.shape(py)?
            && ty.tail().is_none()
        {
            let (n, target) = (many.n, many.target(py, ty)?);
            // SAFETY: the array has room for `n` structs of this side's layout, and is ours alone.
            let receive = |raw: &mut RawSubscriber| unsafe {
                raw.recv_many_into(target.get(), n, Some(Duration::ZERO), &mut |_| ())
            };
            let received = match n.saturating_mul(ty.size()) > LARGE {
                true => self.with_detached(py, receive),
                false => self.with(py, receive),
            };
            return match received {
                Err(error) if look == Look::Once && errors::is_timed_out(py, &error) => Ok(None),
                Err(error) => Err(error),
                Ok(0) => Ok(None),
                Ok(count) => many.finish(py, count).map(Some),
            };
        }
        let Some(first) = self.take(py, look)? else {
            return Ok(None);
        };
        let list = PyList::new(py, [first])?;
        while list.len() < many.n {
            match self.take(py, Look::Once) {
                Ok(Some(next)) => list.append(next)?,
                Ok(None) => break,
                Err(error) => {
                    *self.late(py) = Some(error);
                    break;
                }
            }
        }
        Ok(Some(list.into_any()))
    }

    /// Waits without the GIL until `take` has something, or Ctrl-C is pressed.
    fn wait<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<Duration>,
        mut take: impl FnMut(Look) -> PyResult<Option<Bound<'py, PyAny>>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(found) = take(Look::Once)? {
            return Ok(found);
        }
        let deadline = Deadline::new(timeout);
        // With the GIL, since to let go of it and to take it again can take longer.
        if timeout != Some(Duration::ZERO)
            && let Some(found) = Watch::spin(|| take(Look::Once))?
        {
            return Ok(found);
        }
        while let Some(slice) = deadline.slice() {
            let watch = self.watch(py)?;
            if let Some(found) = take(Look::Once)? {
                return Ok(found);
            }
            py.detach(|| watch.wait(slice));
            py.check_signals()?;
            // Before another watch, which takes as long as the wake-up.
            if let Some(found) = take(Look::Once)? {
                return Ok(found);
            }
        }
        take(Look::Last)?.ok_or_else(|| self.undeclared())
    }

    /// Whether the next receive has something to say.
    pub fn has_news(&self, py: Python<'_>) -> bool {
        let news = self.with(py, |raw| Ok(raw.has_news()));
        news.unwrap_or(true) || self.late(py).is_some()
    }

    /// What to sleep on until it has.
    pub fn watch(&self, py: Python<'_>) -> PyResult<Watch> {
        self.with(py, |raw| Ok(raw.watch()))
    }

    fn receive_async<'py>(
        slf: &Bound<'py, Self>,
        n: Option<usize>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let receive = slf
            .py()
            .import("crosspage._handles")?
            .getattr("_receive_async")?;
        receive.call1((slf, n, timeout))
    }

    /// Acts on the subscriber, one thread at a time.
    fn with<R>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut RawSubscriber) -> Result<R>,
    ) -> PyResult<R> {
        let done = self.lock(py)?.as_deref_mut().map(act);
        done.ok_or_else(|| closed(self.name()))?.map_err(raise)
    }

    /// The same for what may take long: other threads run meanwhile.
    fn with_detached<R: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut RawSubscriber) -> Result<R> + Send,
    ) -> PyResult<R> {
        self.born.check(self.name())?;
        let done = py.detach(|| {
            let mut raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
            raw.as_deref_mut().map(act)
        });
        done.ok_or_else(|| closed(self.name()))?.map_err(raise)
    }

    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Option<Box<RawSubscriber>>>> {
        let raw = match self.raw.try_lock() {
            Err(TryLockError::WouldBlock) => {
                self.born.check(self.name())?;
                self.raw.lock_py_attached(py)
            }
            Err(TryLockError::Poisoned(raw)) => Err(raw),
            Ok(raw) => Ok(raw),
        };
        Ok(raw.unwrap_or_else(PoisonError::into_inner))
    }

    /// Never held while something else is waited for.
    fn late(&self, py: Python<'_>) -> MutexGuard<'_, Option<PyErr>> {
        let late = self.late.lock_py_attached(py);
        late.unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> String {
        format!("topic {:?}", self.locator)
    }

    #[cold]
    fn undeclared(&self) -> PyErr {
        let message = format!("{}: nobody has said what its messages are", self.name());
        raise(Error::new(ErrorKind::TimedOut, message))
    }
}
