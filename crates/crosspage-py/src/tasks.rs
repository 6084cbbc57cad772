//! The waits of asyncio. All of them are tasks of one thread, which needs the interpreter only to say that a
//! wait has ended: so there can be thousands.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crosspage::{Error, ErrorKind, Result, Watch};
use pyo3::prelude::*;

use crate::errors;
use crate::handle::Deadline;

/// What a wait has come to, to be made a Python object.
type Done = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send>;

type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The thread that runs the tasks, and what it has to do.
struct Executor {
    /// A forked child has no such thread, and makes its own.
    pid: u32,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Tasks that something has happened for.
    woken: Vec<Arc<Task>>,
    ending: bool,
    ended: bool,
}

/// One wait.
struct Task {
    executor: Arc<Executor>,
    /// None once it is over.
    work: Mutex<Option<Work>>,
    state: Mutex<State>,
    running: Py<PyAny>,
    promise: Py<PyAny>,
}

#[derive(Default)]
struct State {
    queued: bool,
    /// Nobody waits for it any more.
    cancelled: bool,
}

/// Only locked by threads that hold the interpreter, and only for a moment: so never across a fork (which
/// stops the others first, where there is no GIL).
static EXECUTOR: Mutex<Option<Arc<Executor>>> = Mutex::new(None);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Executor {
    /// This process's.
    fn current(_attached: Python<'_>) -> Result<Arc<Executor>> {
        let mut current = locked(&EXECUTOR);
        if let Some(executor) = &*current
            && executor.pid == std::process::id()
        {
            return Ok(executor.clone());
        }
        let executor = Arc::new(Executor {
            pid: std::process::id(),
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let runs = executor.clone();
        let named = std::thread::Builder::new().name("crosspage asyncio".into());
        let spawned = named.spawn(move || runs.run());
        spawned.map_err(|error| Error::os("starting a thread to wait in", &error))?;
        // That of a parent is left alone: one of its threads may have held its locks.
        std::mem::forget(current.replace(executor.clone()));
        Ok(executor)
    }

    fn run(&self) {
        loop {
            let woken = {
                let queue = locked(&self.queue);
                let idle = |queue: &mut Queue| queue.woken.is_empty() && !queue.ending;
                let queue = self.changed.wait_while(queue, idle);
                let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
                if queue.ending {
                    queue.ended = true;
                    self.changed.notify_all();
                    return;
                }
                std::mem::take(&mut queue.woken)
            };
            let mut over = Vec::new();
            for task in woken {
                if let Some(done) = task.run() {
                    over.push((task, done));
                }
            }
            if !over.is_empty() {
                Python::attach(|py| {
                    for (task, done) in over {
                        task.deliver(py, done);
                    }
                });
            }
        }
    }
}

impl Task {
    /// Goes on with it.
    fn run(self: &Arc<Task>) -> Option<Done> {
        // Before it looks: who wakes it from here on puts it into the queue again.
        let cancelled = {
            let mut state = locked(&self.state);
            state.queued = false;
            state.cancelled
        };
        let mut work = locked(&self.work);
        if cancelled {
            *work = None;
            return None;
        }
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        let future = work.as_mut()?.as_mut();
        // One that panics is not to end the waits of the others.
        let polled = catch_unwind(AssertUnwindSafe(|| future.poll(&mut context)));
        let done = match polled {
            Ok(Poll::Pending) => return None,
            Ok(Poll::Ready(done)) => done,
            Err(_) => {
                let error = Error::new(ErrorKind::Internal, "a wait of asyncio panicked");
                outcome::<()>(Err(error), |py, ()| Ok(py.None().into_bound(py)))
            }
        };
        *work = None;
        Some(done)
    }

    fn deliver(&self, py: Python<'_>, done: Done) {
        let (value, error) = match done(py) {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error)),
        };
        let deliver = || {
            let deliver = py.import("crosspage._handles")?.getattr("_deliver")?;
            let arguments = (deliver, &self.promise, value, error);
            self.running
                .call_method1(py, "call_soon_threadsafe", arguments)
        };
        // It fails where the loop is closed by now: then nobody waits any more.
        let _ = deliver();
    }
}

impl Wake for Task {
    fn wake(self: Arc<Task>) {
        let queued = std::mem::replace(&mut locked(&self.state).queued, true);
        if !queued {
            let executor = self.executor.clone();
            locked(&executor.queue).woken.push(self);
            executor.changed.notify_all();
        }
    }
}

/// Ends a wait whose future is done, usually because its task was cancelled.
#[pyclass(frozen)]
struct End(Arc<Task>);

#[pymethods]
impl End {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        let task = &self.0;
        // A forked child leaves alone what threads of its parent's may have locked.
        if task.executor.pid == std::process::id() {
            locked(&task.state).cancelled = true;
            task.clone().wake();
        }
    }
}

fn outcome<R: Send + 'static>(
    done: Result<R>,
    finish: impl for<'a> FnOnce(Python<'a>, R) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
) -> Done {
    Box::new(move |py| finish(py, done.map_err(errors::raise)?))
}

/// An asyncio future for `work`; `finish` makes an object of the result.
pub fn in_background<'py, R: Send + 'static>(
    py: Python<'py>,
    work: impl Future<Output = Result<R>> + Send + 'static,
    finish: impl for<'a> FnOnce(Python<'a>, R) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let running = py.import("asyncio")?.call_method0("get_running_loop")?;
    let future = running.call_method0("create_future")?;
    let work = async move { outcome(work.await, finish) };
    let task = Arc::new(Task {
        executor: Executor::current(py).map_err(errors::raise)?,
        work: Mutex::new(Some(Box::pin(work))),
        state: Mutex::default(),
        running: running.unbind(),
        promise: future.clone().unbind(),
    });
    future.call_method1("add_done_callback", (End(task.clone()),))?;
    task.wake();
    Ok(future)
}

/// The same for what can only be looked for again and again, at the end every `longest`: `once` looks,
/// and waits no longer than it is told to.
pub fn in_background_looking<'py, R: Send + 'static>(
    py: Python<'py>,
    timeout: Option<Duration>,
    longest: Duration,
    once: impl Fn(Duration) -> Result<R> + Send + 'static,
    finish: impl for<'a> FnOnce(Python<'a>, R) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let deadline = Deadline::new(timeout);
    let work = async move {
        let mut pause = Duration::from_micros(500);
        loop {
            let left = deadline.left();
            match once(Duration::ZERO) {
                Err(error) if error.is_timed_out() && left.is_none_or(|left| !left.is_zero()) => {}
                done => return done,
            }
            Watch::pause_async(left.map_or(pause, |left| left.min(pause))).await;
            pause = (pause * 2).min(longest);
        }
    };
    in_background(py, work, finish)
}

/// How often is looked whether a page or a segment has come.
pub const OPENING: Duration = Duration::from_millis(20);

/// An asyncio future that is done when it is time to look again: something may have happened since the watches
/// were made, or the time is over.
pub fn watched<'py>(
    py: Python<'py>,
    watches: Vec<Watch>,
    timeout: Option<Duration>,
) -> PyResult<Bound<'py, PyAny>> {
    let work = async move {
        Watch::wait_any_async(&watches, timeout.unwrap_or(Duration::MAX)).await;
        Ok(())
    };
    in_background(py, work, |py, ()| Ok(py.None().into_bound(py)))
}

/// Ends the thread, as the interpreter is about to end.
pub fn end(py: Python<'_>) {
    let Some(executor) = locked(&EXECUTOR).clone() else {
        return;
    };
    if executor.pid != std::process::id() {
        return std::mem::forget(executor);
    }
    py.detach(|| {
        let mut queue = locked(&executor.queue);
        queue.ending = true;
        executor.changed.notify_all();
        let ended = executor.changed.wait_while(queue, |queue| !queue.ended);
        drop(ended);
    });
}
