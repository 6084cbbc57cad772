//! For tests: a namespace of their own.

use std::cell::RefCell;

thread_local! {
    static CURRENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The namespace that this thread's tests have set, if any.
pub(crate) fn current() -> Option<String> {
    CURRENT.with_borrow(|stack| stack.last().cloned())
}

/// Plain names used by this thread are in a fresh namespace until this is dropped; then every page
/// in it is removed. Pass [`name`](Namespace::name) to child processes as `CROSSPAGE_NAMESPACE`.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// Dropped on the thread that made it, whose stack it is on.
    _not_send: std::marker::PhantomData<*const ()>,
}

/// Puts this thread's plain names into a namespace of their own.
pub fn namespace() -> Namespace {
    use crate::atomic::Ordering;
    static COUNT: crate::atomic::local::AtomicU64 = crate::atomic::local::AtomicU64::new(0);
    // With the time, because process ids are used again (by Wine at once), and a test that was killed
    // has left its pages.
    let name = format!(
        "test-{}-{:x}-{}",
        std::process::id(),
        crate::liveness::start_time() as u32,
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    CURRENT.with_borrow_mut(|stack| stack.push(name.clone()));
    Namespace {
        name,
        _not_send: std::marker::PhantomData,
    }
}

impl Namespace {
    /// The namespace's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|stack| stack.retain(|name| *name != self.name));
        crate::registry::remove_namespace(&self.name);
    }
}
