//! Actors: the threads of a model, which stand for processes and can be killed.
//!
//! Loads leave nothing behind, so dying between two writes is the same wherever it happens: an actor
//! is killed before its first write to shared memory, before its second, … and each time everything is
//! explored. A system call that changes something counts as a write. To be killed is to unwind without
//! a panic message, and while it unwinds an actor has no effect: a destructor writes nothing, like one
//! that never ran. Then the kernel closes its files.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::{files, futex};
use crate::atomic::Ordering;
use crate::atomic::local::{AtomicBool, AtomicU64};

/// What a killed actor unwinds with.
struct Killed;

const NEVER: usize = usize::MAX;

struct Actor {
    id: Cell<usize>,
    /// Writes until it is killed.
    left: Cell<usize>,
}

loom::thread_local! {
    static ACTOR: Actor = Actor {
        id: Cell::new(0),
        left: Cell::new(NEVER),
    };
}

/// The actor that runs; 0 is the model itself.
pub(crate) fn id() -> usize {
    ACTOR.with(|actor| actor.id.get())
}

/// Whether what the running code does still has an effect.
pub(crate) fn lives() -> bool {
    // All of a model runs on one thread, and nothing that unwinds lets another actor run.
    !std::thread::panicking()
}

/// To be called before every write. False: the actor is dead already, and must not write.
pub(crate) fn step() -> bool {
    if !lives() {
        return false;
    }
    ACTOR.with(|actor| match actor.left.get() {
        NEVER => {}
        0 => resume_unwind(Box::new(Killed)),
        left => actor.left.set(left - 1),
    });
    true
}

/// An actor that was started.
pub(crate) struct Handle<R>(loom::thread::JoinHandle<Option<R>>);

impl<R> Handle<R> {
    /// Waits until it is done or dead; `None` when it was killed.
    pub(crate) fn join(self) -> Option<R> {
        self.0
            .join()
            .expect("loom threads that panic end the model")
    }

    /// Waits for an actor that nobody kills.
    pub(crate) fn done(self) -> R {
        self.join().expect("nobody kills this actor")
    }
}

/// Starts an actor that nobody kills.
pub(crate) fn spawn<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> Handle<R> {
    start(NEVER, Arc::default(), run)
}

fn start<R: Send + 'static>(
    left: usize,
    killed: Arc<AtomicBool>,
    run: impl FnOnce() -> R + Send + 'static,
) -> Handle<R> {
    /// In machine words. The default overflows in the code that makes a page.
    const STACK: usize = 32 << 10;
    let id = files::new_actor();
    let thread = loom::thread::Builder::new().stack_size(STACK);
    let started = thread.spawn(move || {
        ACTOR.with(|actor| {
            actor.id.set(id);
            actor.left.set(left);
        });
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(result) => Some(result),
            Err(payload) if payload.is::<Killed>() => {
                killed.store(true, Ordering::Relaxed);
                ACTOR.with(|actor| actor.left.set(NEVER));
                files::exit();
                None
            }
            Err(payload) => resume_unwind(payload),
        }
    });
    Handle(started.expect("loom starts threads"))
}

/// When an actor is killed.
#[derive(Clone)]
pub(crate) struct Fate {
    left: usize,
    killed: Arc<AtomicBool>,
}

impl Fate {
    /// Starts the actor that is killed.
    pub(crate) fn spawn<R: Send + 'static>(
        &self,
        run: impl FnOnce() -> R + Send + 'static,
    ) -> Handle<R> {
        start(self.left, self.killed.clone(), run)
    }
}

/// Explores a model in which nobody is killed, with at most `preemptions` involuntary switches in one
/// execution (the environment's `LOOM_MAX_PREEMPTIONS` goes first).
pub(crate) fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let executions = run(preemptions, model);
    println!("{executions} executions");
}

fn run(preemptions: usize, model: impl Fn() + Send + Sync + 'static) -> u64 {
    let executions = Arc::new(AtomicU64::new(0));
    let count = executions.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.max_branches = 10_000;
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        files::boot();
        futex::boot();
        model();
    });
    super::atomics::note_sites();
    executions.load(Ordering::Relaxed)
}

/// Explores a model once for each point at which its victim can be killed, and once with none killed.
pub(crate) fn kill_everywhere(preemptions: usize, model: impl Fn(&Fate) + Send + Sync + 'static) {
    let model = Arc::new(model);
    let mut total = 0;
    for left in 0.. {
        let fate = Fate {
            left,
            killed: Arc::default(),
        };
        let says = Says(left);
        let (run_model, of) = (model.clone(), fate.clone());
        total += run(preemptions, move || run_model(&of));
        std::mem::forget(says);
        if !fate.killed.load(Ordering::Relaxed) {
            println!("{left} points to be killed at, {total} executions");
            return;
        }
    }
}

/// Says where the victim was killed when a model fails.
struct Says(usize);

impl Drop for Says {
    fn drop(&mut self) {
        eprintln!(
            "the model fails with its victim killed before write {} (counted from 0)",
            self.0
        );
    }
}
