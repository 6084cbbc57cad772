//! A descriptor (on Windows a handle) that an event loop waits on: epoll, poll, Qt,
//! `WaitForMultipleObjects`. Shared memory is none, so a thread sleeps on the word and rings.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::Watch;
use crate::atomic::Ordering;
use crate::atomic::local::AtomicBool;
use crate::liveness::fork;

/// What a bell tells of.
pub(crate) trait Source: Send + Sync + 'static {
    /// What to sleep on.
    fn watch(&self) -> Watch;
    /// Wakes whoever sleeps on it.
    fn wake(&self);
    /// A number that changes with each news; `None`: there will be no more.
    fn news(&self) -> Option<u64>;
}

pub(crate) struct Bell {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
    /// Of the process that started the thread.
    born: u64,
}

struct Inner {
    source: Arc<dyn Source>,
    event: event::Event,
    stop: AtomicBool,
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bell").finish_non_exhaustive()
    }
}

impl Bell {
    /// Silent: the caller looks once more after this, and [`set`](Bell::set)s it where there is news already.
    pub(crate) fn new(source: Arc<dyn Source>) -> io::Result<Bell> {
        let inner = Arc::new(Inner {
            source,
            event: event::Event::new()?,
            stop: AtomicBool::new(false),
        });
        // Of what is there already the caller knows.
        let seen = inner.source.news();
        let ringer = inner.clone();
        let thread = std::thread::Builder::new()
            .name("crosspage-bell".into())
            .spawn(move || ringer.ring(seen))?;
        Ok(Bell {
            inner,
            thread: Some(thread),
            born: fork::generation(),
        })
    }

    /// What to wait on: ready while there may be news.
    pub(crate) fn raw(&self) -> event::Raw {
        self.inner.event.raw()
    }

    /// Makes it not ready. The caller must look once more afterwards, and [`set`](Bell::set) it where it
    /// finds something.
    pub(crate) fn clear(&self) {
        self.inner.event.clear();
    }

    /// Makes it ready.
    pub(crate) fn set(&self) {
        self.inner.event.set();
    }
}

impl Inner {
    fn ring(&self, mut seen: Option<u64>) {
        /// What a notifier that died did not do is found this late.
        const LONGEST: Duration = Duration::from_millis(100);
        while !self.stop.load(Ordering::Acquire) {
            let news = self.source.news();
            if news != seen || news.is_none() {
                seen = news;
                self.event.set();
                if news.is_none() {
                    return;
                }
            }
            let watch = self.source.watch();
            if self.source.news() == seen && !self.stop.load(Ordering::Acquire) {
                watch.wait(LONGEST);
            }
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Release);
        // A forked child has no such thread.
        if self.born != fork::generation() {
            return;
        }
        self.inner.source.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(unix)]
mod event {
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

    pub(crate) type Raw = RawFd;

    /// A pipe with at most one byte in it: readable or not. (An eventfd is Linux's alone.)
    pub(super) struct Event {
        out: OwnedFd,
        in_: OwnedFd,
    }

    impl Event {
        pub(super) fn new() -> io::Result<Event> {
            let mut ends = [0; 2];
            // SAFETY: `ends` has room for the two descriptors.
            if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: both were just opened and belong to nobody else.
            let (out, in_) =
                unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
            for end in [&out, &in_] {
                let fd = end.as_raw_fd();
                // SAFETY: plain calls on an open descriptor.
                let set = unsafe {
                    libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) == 0
                        && libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) == 0
                };
                if !set {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(Event { out, in_ })
        }

        pub(super) fn raw(&self) -> Raw {
            self.out.as_raw_fd()
        }

        pub(super) fn set(&self) {
            let byte = [1u8];
            // SAFETY: one byte is readable. A full pipe (EAGAIN) is set already; nobody closes the other
            // end before this one.
            unsafe { libc::write(self.in_.as_raw_fd(), byte.as_ptr().cast(), 1) };
        }

        pub(super) fn clear(&self) {
            let mut bytes = [0u8; 512];
            loop {
                // SAFETY: `bytes` is writable for its length.
                let n = unsafe {
                    libc::read(self.out.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len())
                };
                if n < bytes.len() as isize {
                    return;
                }
            }
        }
    }
}

#[cfg(windows)]
mod event {
    use std::io;
    use std::ptr::null;

    use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
    use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent};

    pub(crate) type Raw = HANDLE;

    /// A manual-reset event without a name.
    pub(super) struct Event(HANDLE);

    // SAFETY: a handle of the kernel's, which any thread may use.
    unsafe impl Send for Event {}
    // SAFETY: as above.
    unsafe impl Sync for Event {}

    impl Event {
        pub(super) fn new() -> io::Result<Event> {
            // SAFETY: no attributes, no name.
            let event = unsafe { CreateEventW(null(), 1, 0, null()) };
            match event.is_null() {
                true => Err(io::Error::last_os_error()),
                false => Ok(Event(event)),
            }
        }

        pub(super) fn raw(&self) -> Raw {
            self.0
        }

        pub(super) fn set(&self) {
            // SAFETY: an open handle.
            unsafe { SetEvent(self.0) };
        }

        pub(super) fn clear(&self) {
            // SAFETY: an open handle.
            unsafe { ResetEvent(self.0) };
        }
    }

    impl Drop for Event {
        fn drop(&mut self) {
            // SAFETY: made in `new`, closed once.
            unsafe { CloseHandle(self.0) };
        }
    }
}

pub(crate) use event::Raw;
