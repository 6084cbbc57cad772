//! What the handles of every pattern share: options, time-outs, waits.

use std::fmt::Display;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use crosspage::layout::{Match, did_you_mean};
use crosspage::{Error, ErrorKind, Language, Lifetime, Permissions, Result, latest, topic};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;
use crate::types::{LayoutObject, RecordType};

/// The process that made a handle.
pub struct Born(u32);

impl Born {
    pub fn here() -> Born {
        Born(std::process::id())
    }

    pub fn is_here(&self) -> bool {
        self.0 == std::process::id()
    }

    /// Whether waiting for a lock of the handle makes sense: one that another thread held at a fork
    /// is held for ever in the child.
    pub fn check(&self, what: impl Display) -> PyResult<()> {
        self.check_detached(what).map_err(errors::raise)
    }

    /// The same, for a thread that is not attached to the interpreter.
    pub fn check_detached(&self, what: impl Display) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        let message = format!("{what}: this handle belongs to the parent of this forked process");
        let error = Error::new(ErrorKind::Forked, message);
        Err(error.with_hint("attach anew in the child"))
    }
}

/// What a call on a closed handle raises.
pub fn closed(what: impl Display) -> PyErr {
    errors::raise(closed_error(what))
}

/// The same, for a thread that is not attached to the interpreter.
pub fn closed_error(what: impl Display) -> Error {
    let message = format!("{what}: this handle is closed");
    Error::new(ErrorKind::Closed, message)
}

/// Above this many bytes a copy is long enough to let other threads run.
pub const LARGE: usize = 64 << 10;

/// How long a wait goes on before it looks for Ctrl-C and for a cancelled task.
pub const SLICE: Duration = Duration::from_millis(50);

/// What names a page or a segment, as an argument.
pub fn name_of(name: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(name) = name.extract() {
        return Ok(name);
    }
    let hint = match name.hasattr("__fspath__")? {
        true => "; for a file write f\"file:{path}\"",
        false => ", such as \"telemetry\"",
    };
    let given = name.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "a name is a str, not {given}{hint}"
    )))
}

/// How a handle was made: what pickling it hands on. `O` are its options, `D` what its declaration means.
pub struct Recipe<O = latest::Options, D = &'static RecordType> {
    /// What names it wherever it is made anew: a file by its whole path.
    pub locator: String,
    pub declared: Option<(Py<PyAny>, D)>,
    keywords: Py<PyDict>,
    pub options: O,
}

impl Recipe {
    /// `layout` is that of the declaration `declared`; the keywords are the options that were given.
    pub fn new(
        locator: &str,
        declared: Option<(Bound<'_, PyAny>, PyRef<'_, LayoutObject>)>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Arc<Recipe>> {
        let declared = declared.map(|(declared, layout)| (declared.unbind(), layout.0));
        let options = latest_options(keywords)?;
        Ok(Recipe::of(locator, declared, keywords, options))
    }

    /// The time-out of `open` for one slice of a wait. The rest of a time-out may be zero, which
    /// `open` would take for "do not wait".
    pub fn open_for(&self, slice: Duration) -> Option<Duration> {
        self.options
            .timeout
            .filter(Duration::is_zero)
            .or(Some(slice.max(Duration::from_nanos(1))))
    }
}

impl<O, D> Recipe<O, D> {
    pub fn of(
        locator: &str,
        declared: Option<(Py<PyAny>, D)>,
        keywords: &Bound<'_, PyDict>,
        options: O,
    ) -> Arc<Recipe<O, D>> {
        let file = locator.strip_prefix("file:").map(std::path::absolute);
        Arc::new(Recipe {
            locator: match file {
                Some(Ok(path)) => format!("file:{}", path.display()),
                _ => locator.to_owned(),
            },
            declared,
            options,
            keywords: keywords.clone().unbind(),
        })
    }

    /// What `crosspage._handles._attach` makes the handle from in another process.
    pub fn reduce<'py>(&self, py: Python<'py>, function: &str) -> PyResult<Bound<'py, PyAny>> {
        let attach = py.import("crosspage._handles")?.getattr("_attach")?;
        let declared = self
            .declared
            .as_ref()
            .map(|(declared, _)| declared.bind(py));
        let arguments = (function, &self.locator, declared, self.keywords.bind(py));
        Ok((attach, arguments).into_pyobject(py)?.into_any())
    }
}

fn latest_options(keywords: &Bound<'_, PyDict>) -> PyResult<latest::Options> {
    let mut options = latest::Options::default();
    options.language = Language::Python;
    let shared = parse(keywords, &["writers", "max_pins"], |name, value| {
        match name {
            "writers" => options.writers = option(name, value, "an integer")?,
            "max_pins" => options.max_pins = option(name, value, "an integer")?,
            // `open` states its own.
            "read_only" => options.read_only = option(name, value, "True or False")?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    options.checksum = shared.checksum;
    options.max_participants = shared.max_participants;
    options.permissions = shared.permissions;
    options.lifetime = shared.lifetime;
    options.matching = shared.matching;
    options.timeout = shared.timeout;
    Ok(options)
}

/// The options of a topic's publisher or subscriber.
pub fn topic_options(keywords: &Bound<'_, PyDict>) -> PyResult<topic::Options> {
    const NAMES: [&str; 7] = [
        "policy",
        "capacity",
        "max_message",
        "max_held",
        "history",
        "send_time",
        "timeout",
    ];
    let mut options = topic::Options::default();
    options.language = Language::Python;
    let shared = parse(keywords, &NAMES, |name, value| {
        match name {
            "policy" => {
                options.policy = match option(name, value, "a str")? {
                    None => None,
                    Some("overwrite") => Some(topic::Policy::Overwrite),
                    Some("block") => Some(topic::Policy::Block),
                    Some(_) => return Err(one_of(name, value, "\"overwrite\" and \"block\"")),
                }
            }
            "capacity" => options.capacity = option(name, value, "an integer")?,
            "max_message" => options.max_message = option(name, value, "an integer")?,
            "max_held" => options.max_held = option(name, value, "an integer")?,
            "history" => options.history = option(name, value, "an integer")?,
            "send_time" => options.send_time = option(name, value, "True or False")?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    options.checksum = shared.checksum;
    options.max_participants = shared.max_participants;
    options.permissions = shared.permissions;
    options.lifetime = shared.lifetime;
    options.matching = shared.matching;
    options.timeout = shared.timeout;
    Ok(options)
}

/// The options that handles of every pattern have.
struct Shared {
    checksum: Option<bool>,
    max_participants: Option<u32>,
    permissions: Option<Permissions>,
    lifetime: Option<Lifetime>,
    matching: Match,
    timeout: Option<Duration>,
}

/// Those of `keywords` that all patterns share; `own` takes, and is asked first for, those of one pattern,
/// which are called `names`.
fn parse(
    keywords: &Bound<'_, PyDict>,
    names: &[&str],
    mut own: impl FnMut(&str, &Bound<'_, PyAny>) -> PyResult<bool>,
) -> PyResult<Shared> {
    /// Those that come by any name: `open` states its own.
    const NAMES: [&str; 5] = [
        "checksum",
        "max_participants",
        "permissions",
        "lifetime",
        "match",
    ];
    let mut shared = Shared {
        checksum: None,
        max_participants: None,
        permissions: None,
        lifetime: None,
        matching: Match::Exact,
        timeout: None,
    };
    for (name, value) in keywords {
        let name: &str = name.extract()?;
        if own(name, &value)? {
            continue;
        }
        match name {
            "checksum" => shared.checksum = option(name, &value, "True or False")?,
            "max_participants" => shared.max_participants = option(name, &value, "an integer")?,
            "timeout" => shared.timeout = timeout(&value)?,
            "permissions" => {
                shared.permissions = match option(name, &value, "a str")? {
                    None => None,
                    Some("owner") => Some(Permissions::Owner),
                    Some("group") => Some(Permissions::Group),
                    Some("all") => Some(Permissions::All),
                    Some(_) => {
                        return Err(one_of(name, &value, "\"owner\", \"group\" and \"all\""));
                    }
                }
            }
            "lifetime" => {
                shared.lifetime = match option(name, &value, "a str")? {
                    None => None,
                    Some("keep") => Some(Lifetime::Keep),
                    Some("while_used") => Some(Lifetime::WhileUsed),
                    Some(_) => return Err(one_of(name, &value, "\"keep\" and \"while_used\"")),
                }
            }
            "match" => {
                shared.matching = match option(name, &value, "a str")? {
                    "exact" => Match::Exact,
                    "name" => Match::Name,
                    _ => return Err(one_of(name, &value, "\"exact\" and \"name\"")),
                }
            }
            _ => {
                let there_are: Vec<_> = names.iter().chain(&NAMES).copied().collect();
                let hint = match did_you_mean(name, there_are.iter().copied()) {
                    Some(near) => format!("; did you mean {near}?"),
                    None => format!("; there are {}", there_are.join(", ")),
                };
                return Err(errors::invalid(format!("there is no option {name}{hint}")));
            }
        }
    }
    Ok(shared)
}

fn one_of(name: &str, value: &Bound<'_, PyAny>, allowed: &str) -> PyErr {
    errors::invalid(format!("{}: allowed are {allowed}", stated(name, value)))
}

/// `name = value`, for messages.
fn stated(name: &str, value: &Bound<'_, PyAny>) -> String {
    let value = value.repr().map(|value| value.to_string());
    format!("{name} = {}", value.unwrap_or_default())
}

/// The value of an option, or an error that names it.
fn option<'a, 'py, T: FromPyObject<'a, 'py>>(
    name: &str,
    value: &'a Bound<'py, PyAny>,
    expected: &str,
) -> PyResult<T> {
    value.extract().map_err(|error: T::Error| {
        match error.into().is_instance_of::<PyOverflowError>(value.py()) {
            true => errors::invalid(format!("{}: out of range", stated(name, value))),
            false => PyTypeError::new_err(format!("{}: expected {expected}", stated(name, value))),
        }
    })
}

/// The time-out of a wait: seconds; None, or none given, for ever.
pub fn seconds(timeout_seconds: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    timeout_seconds.map_or(Ok(None), timeout)
}

/// How long a call waits: as long as its handle does, or as it was told to.
#[derive(Clone, Copy)]
pub enum Patience {
    Own,
    Given(Option<Duration>),
}

impl Patience {
    pub fn or(self, own: Option<Duration>) -> Option<Duration> {
        match self {
            Patience::Own => own,
            Patience::Given(timeout) => timeout,
        }
    }
}

/// The argument `timeout` where it is given.
pub fn patience(seconds: &Bound<'_, PyAny>) -> PyResult<Patience> {
    timeout(seconds).map(Patience::Given)
}

fn timeout(seconds: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let Some(seconds) = seconds.extract::<Option<f64>>().map_err(|_| {
        PyTypeError::new_err(format!(
            "{}: expected seconds, or None to wait for ever",
            stated("timeout", seconds)
        ))
    })?
    else {
        return Ok(None);
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) => Ok(Some(timeout)),
        // Longer than a Duration is for ever.
        Err(_) if seconds > 0.0 => Ok(None),
        Err(_) => Err(errors::invalid(format!(
            "timeout = {seconds}: seconds from 0, or None to wait for ever"
        ))),
    }
}

/// When a wait ends; never, where there is none.
#[derive(Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    pub fn new(timeout: Option<Duration>) -> Deadline {
        Deadline(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// What is left until then.
    pub fn left(self) -> Option<Duration> {
        self.0
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The next slice of the wait; None where it is over.
    pub fn slice(self) -> Option<Duration> {
        let slice = self.left().map_or(SLICE, |left| left.min(SLICE));
        (!slice.is_zero()).then_some(slice)
    }
}

/// A wait in slices: `once` waits as long as it is told to and then says *timed out*.
pub struct Slices {
    deadline: Deadline,
}

impl Slices {
    pub fn new(timeout: Option<Duration>) -> Slices {
        Slices {
            deadline: Deadline::new(timeout),
        }
    }

    /// Calls `once` with the next slice; None where only the slice is over, not the time-out.
    pub fn next<R>(&self, once: impl FnOnce(Duration) -> Result<R>) -> Option<Result<R>> {
        let left = self.deadline.left();
        let slice = left.map_or(SLICE, |left| left.min(SLICE));
        match once(slice) {
            Err(error) if error.is_timed_out() && left.is_none_or(|left| left > slice) => None,
            done => Some(done),
        }
    }

    /// Waits without the GIL until `once` is done or Ctrl-C is pressed.
    pub fn wait<R: Send>(
        &self,
        py: Python<'_>,
        once: impl Fn(Duration) -> Result<R> + Sync,
    ) -> PyResult<R> {
        loop {
            if let Some(done) = py.detach(|| self.next(&once)) {
                return done.map_err(errors::raise);
            }
            py.check_signals()?;
        }
    }
}

/// Memory that another thread may be given.
#[derive(Clone, Copy)]
pub struct Target(pub *mut u8);

// SAFETY: a pointer is only an address; whoever uses it has to say why nobody else does.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// A method, so that closures capture all of it.
    pub fn get(self) -> *mut u8 {
        self.0
    }
}

/// Ends a background wait whose future is done, usually because its task was cancelled: the wait goes
/// on only while this is full.
#[pyclass(frozen)]
struct Wanted(Mutex<Option<Arc<()>>>);

#[pymethods]
impl Wanted {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// How many background waits this process has, and which process that is: a forked child has none
/// of its parent's. Only locked by threads that hold the interpreter, so never across a fork (which
/// stops the others first, where there is no GIL).
static BACKGROUND: Mutex<(u32, usize)> = Mutex::new((0, 0));

/// Set when the interpreter is about to end.
static ENDING: OnceLock<()> = OnceLock::new();

fn count_background(_attached: Python<'_>, change: isize) -> usize {
    let mut background = BACKGROUND.lock().unwrap_or_else(PoisonError::into_inner);
    let (pid, count) = &mut *background;
    if *pid != std::process::id() {
        (*pid, *count) = (std::process::id(), 0);
    }
    *count = count.saturating_add_signed(change);
    *count
}

/// Called by `atexit`: a thread that attaches to an interpreter which is being taken down would take
/// the process down with it, so all of them end before.
#[pyfunction(name = "_end_waits")]
pub fn end_waits(py: Python<'_>) {
    let _ = ENDING.set(());
    crate::tasks::end(py);
    while count_background(py, 0) > 0 {
        py.detach(|| std::thread::sleep(Duration::from_millis(1)));
    }
}

/// Whether anybody still waits for what a thread does in the background.
#[derive(Clone)]
pub struct StillWanted(Weak<()>);

impl StillWanted {
    pub fn still(&self) -> bool {
        self.0.strong_count() > 0 && ENDING.get().is_none()
    }
}

/// An asyncio future for `work`, which a thread of its own does, and gives up within a slice when it is no
/// longer wanted.
pub fn in_thread<'py, R: Send>(
    py: Python<'py>,
    work: impl FnOnce(&StillWanted) -> Option<Result<R>> + Send + 'static,
    finish: impl for<'a> FnOnce(Python<'a>, R) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let running = py.import("asyncio")?.call_method0("get_running_loop")?;
    let future = running.call_method0("create_future")?;
    let wanted = Arc::new(());
    let still_wanted = StillWanted(Arc::downgrade(&wanted));
    future.call_method1("add_done_callback", (Wanted(Mutex::new(Some(wanted))),))?;
    let (running, promise) = (running.unbind(), future.clone().unbind());
    let thread = move || {
        let done = work(&still_wanted);
        Python::attach(move |py| {
            if let Some(done) = done {
                let (value, error) = match done
                    .map_err(errors::raise)
                    .and_then(|done| finish(py, done))
                {
                    Ok(value) => (Some(value), None),
                    Err(error) => (None, Some(error)),
                };
                let deliver = || {
                    let deliver = py.import("crosspage._handles")?.getattr("_deliver")?;
                    running.call_method1(
                        py,
                        "call_soon_threadsafe",
                        (deliver, promise, value, error),
                    )
                };
                // It fails where the loop is closed by now: then nobody waits any more.
                let _ = deliver();
            }
            count_background(py, -1);
        });
    };
    count_background(py, 1);
    let named = std::thread::Builder::new().name("crosspage wait".into());
    named.spawn(thread).map_err(|error| {
        count_background(py, -1);
        errors::raise(Error::os("starting a thread to wait in", &error))
    })?;
    Ok(future)
}
