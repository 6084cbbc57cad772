//! What the handles of every pattern share: options, time-outs, waits.

use std::fmt::Display;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crosspage::latest::Options;
use crosspage::layout::{Match, did_you_mean};
use crosspage::{Error, ErrorKind, Language, Lifetime, Permissions, Result};
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
        if self.is_here() {
            return Ok(());
        }
        let message = format!("{what}: this handle belongs to the parent of this forked process");
        let error = Error::new(ErrorKind::Forked, message);
        Err(errors::raise(error.with_hint("attach anew in the child")))
    }
}

/// What a call on a closed handle raises.
pub fn closed(what: impl Display) -> PyErr {
    let message = format!("{what}: this handle is closed");
    errors::raise(Error::new(ErrorKind::Closed, message))
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

/// How a handle was made: what pickling it hands on.
pub struct Recipe {
    /// What names it wherever it is made anew: a file by its whole path.
    pub locator: String,
    pub declared: Option<(Py<PyAny>, &'static RecordType)>,
    keywords: Py<PyDict>,
    pub options: Options,
}

impl Recipe {
    /// `layout` is that of the declaration `declared`; the keywords are the options that were given.
    pub fn new(
        locator: &str,
        declared: Option<(Bound<'_, PyAny>, PyRef<'_, LayoutObject>)>,
        keywords: &Bound<'_, PyDict>,
    ) -> PyResult<Arc<Recipe>> {
        let file = locator.strip_prefix("file:").map(std::path::absolute);
        Ok(Arc::new(Recipe {
            locator: match file {
                Some(Ok(path)) => format!("file:{}", path.display()),
                _ => locator.to_owned(),
            },
            declared: declared.map(|(declared, layout)| (declared.unbind(), layout.0)),
            options: options(keywords)?,
            keywords: keywords.clone().unbind(),
        }))
    }

    /// The time-out of `open` for one slice of a wait. The rest of a time-out may be zero, which
    /// `open` would take for "do not wait".
    pub fn open_for(&self, slice: Duration) -> Option<Duration> {
        self.options
            .timeout
            .filter(Duration::is_zero)
            .or(Some(slice.max(Duration::from_nanos(1))))
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

fn options(keywords: &Bound<'_, PyDict>) -> PyResult<Options> {
    /// Those that come by any name: `open` states its own.
    const NAMES: [&str; 7] = [
        "writers",
        "max_pins",
        "checksum",
        "max_participants",
        "permissions",
        "lifetime",
        "match",
    ];
    let mut options = Options::default();
    options.language = Language::Python;
    for (name, value) in keywords {
        let name: &str = name.extract()?;
        let one_of = |allowed: &str| {
            errors::invalid(format!("{}: allowed are {allowed}", stated(name, &value)))
        };
        match name {
            "writers" => options.writers = option(name, &value, "an integer")?,
            "max_pins" => options.max_pins = option(name, &value, "an integer")?,
            "checksum" => options.checksum = option(name, &value, "True or False")?,
            "max_participants" => options.max_participants = option(name, &value, "an integer")?,
            "read_only" => options.read_only = option(name, &value, "True or False")?,
            "timeout" => options.timeout = timeout(&value)?,
            "permissions" => {
                options.permissions = match option(name, &value, "a str")? {
                    None => None,
                    Some("owner") => Some(Permissions::Owner),
                    Some("group") => Some(Permissions::Group),
                    Some("all") => Some(Permissions::All),
                    Some(_) => return Err(one_of("\"owner\", \"group\" and \"all\"")),
                }
            }
            "lifetime" => {
                options.lifetime = match option(name, &value, "a str")? {
                    None => None,
                    Some("keep") => Some(Lifetime::Keep),
                    Some("while_used") => Some(Lifetime::WhileUsed),
                    Some(_) => return Err(one_of("\"keep\" and \"while_used\"")),
                }
            }
            "match" => {
                options.matching = match option(name, &value, "a str")? {
                    "exact" => Match::Exact,
                    "name" => Match::Name,
                    _ => return Err(one_of("\"exact\" and \"name\"")),
                }
            }
            _ => {
                let hint = match did_you_mean(name, NAMES) {
                    Some(near) => format!("; did you mean {near}?"),
                    None => format!("; there are {}", NAMES.join(", ")),
                };
                return Err(errors::invalid(format!("there is no option {name}{hint}")));
            }
        }
    }
    Ok(options)
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

/// A wait in slices: `once` waits as long as it is told to and then says *timed out*.
pub struct Slices {
    deadline: Option<Instant>,
}

impl Slices {
    pub fn new(timeout: Option<Duration>) -> Slices {
        Slices {
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
        }
    }

    /// Calls `once` with the next slice; None where only the slice is over, not the time-out.
    pub fn next<R>(&self, once: impl FnOnce(Duration) -> Result<R>) -> Option<Result<R>> {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
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
    while count_background(py, 0) > 0 {
        py.detach(|| std::thread::sleep(Duration::from_millis(1)));
    }
}

/// An asyncio future that a thread of its own completes: with what `finish` makes of the result.
pub fn in_background<'py, R: Send>(
    py: Python<'py>,
    slices: Slices,
    once: impl Fn(Duration) -> Result<R> + Send + 'static,
    finish: impl for<'a> FnOnce(Python<'a>, R) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let running = py.import("asyncio")?.call_method0("get_running_loop")?;
    let future = running.call_method0("create_future")?;
    let wanted = Arc::new(());
    let is_wanted = Arc::downgrade(&wanted);
    future.call_method1("add_done_callback", (Wanted(Mutex::new(Some(wanted))),))?;
    let (running, promise) = (running.unbind(), future.clone().unbind());
    let work = move || {
        let done = loop {
            if is_wanted.strong_count() == 0 || ENDING.get().is_some() {
                break None;
            }
            if let Some(done) = slices.next(&once) {
                break Some(done);
            }
        };
        drop(once);
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
    let thread = std::thread::Builder::new().name("crosspage wait".into());
    thread.spawn(work).map_err(|error| {
        count_background(py, -1);
        errors::raise(Error::os("starting a thread to wait in", &error))
    })?;
    Ok(future)
}
