//! What a handle waits for, apart from the handle; and waiting for several of them.

#[cfg(feature = "tokio")]
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
#[cfg(feature = "tokio")]
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::blocking::{MAX_SLEEP, spin};
#[cfg(feature = "tokio")]
use super::reactor::Sleep;
use super::{Alarm, WaitWord, backend};
use crate::atomic::{AtomicU32, Ordering};
use crate::error::{Error, ErrorKind, Result};
use crate::page::deadline_of;
use crate::segment::Kept;

/// How often is looked at what cannot be slept on.
const BLIND: Duration = Duration::from_millis(1);

/// When the sleep of a task ends that nobody wakes: what a dead notifier left undone is found so late. Tasks are
/// many, and so look seldom, and all at the same times.
#[cfg(feature = "tokio")]
pub(super) fn longest() -> Instant {
    const STEP: u128 = 250;
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    let steps = start.elapsed().as_millis() / STEP + 3;
    start + Duration::from_millis((steps * STEP) as u64)
}

/// What keeps a page's words mapped, and how their sleepers are woken.
#[derive(Clone)]
pub(crate) struct Anchor {
    pub(crate) _kept: Arc<Kept>,
    pub(crate) alarm: Arc<Alarm>,
}

/// A word that somebody sleeps on, and the sequence that was seen there.
#[derive(Clone)]
pub(super) struct Armed {
    at: NonNull<AtomicU32>,
    pub(super) sequence: u32,
    anchor: Anchor,
}

// SAFETY: `at` points to an atomic that `anchor` keeps mapped.
unsafe impl Send for Armed {}
// SAFETY: as above.
unsafe impl Sync for Armed {}

impl Armed {
    /// `word` is in a mapping that `anchor` keeps, and was armed at `sequence`.
    pub(super) fn new(word: &WaitWord, sequence: u32, anchor: &Anchor) -> Armed {
        Armed {
            at: NonNull::from(&word.sequence),
            sequence,
            anchor: anchor.clone(),
        }
    }

    pub(super) fn word(&self) -> &AtomicU32 {
        // SAFETY: mapped for as long as `self` lives.
        unsafe { self.at.as_ref() }
    }

    // Where a kernel sleeps on the word itself nobody asks.
    #[cfg_attr(not(windows), allow(dead_code))]
    pub(super) fn alarm(&self) -> &Alarm {
        &self.anchor.alarm
    }

    // Where a kernel sleeps on words, only the reactor asks.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(super) fn has_changed(&self) -> bool {
        // Acquire: pairs with the Release in `WaitWord::wake`.
        self.word().load(Ordering::Acquire) != self.sequence
    }
}

/// A wait of a handle, apart from the handle: for threads, tasks and event loops that must not hold it
/// meanwhile.
///
/// Whoever makes one looks once more, with the handle, at what is waited for, and then sleeps. It does not
/// end with the handle, but whoever closes that wakes it.
#[derive(Clone)]
pub struct Watch(Option<Armed>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// Of a word in a mapping that `anchor` keeps, and which this process may write.
    pub(crate) fn of(word: &WaitWord, anchor: &Anchor) -> Watch {
        Watch(Some(Armed::new(word, word.arm(), anchor)))
    }

    /// Of one whose notifiers use light fences.
    pub(crate) fn of_light(word: &WaitWord, anchor: &Anchor) -> Watch {
        let sequence = word.arm_lightly();
        Watch(sequence.map(|sequence| Armed::new(word, sequence, anchor)))
    }

    /// Of what has no word, or none that this process may write: it is looked at again and again.
    pub fn by_the_clock() -> Watch {
        Watch(None)
    }

    /// Looks again and again for a few microseconds, about as many as a sleep and a wake-up cost; not where the
    /// machine has only one processor. `None`: now it is time for a watch. Who looks first costs nobody a
    /// system call to be woken, where one message comes right behind the other.
    ///
    /// # Errors
    /// Those of `look`.
    pub fn spin<R, E>(
        look: impl FnMut() -> std::result::Result<Option<R>, E>,
    ) -> std::result::Result<Option<R>, E> {
        spin(look)
    }

    /// Sleeps until something may have happened since this was made, and for `timeout` at most. May end
    /// earlier: the caller looks again, and makes another.
    pub fn wait(&self, timeout: Duration) {
        Watch::wait_any(std::slice::from_ref(self), timeout);
    }

    /// Sleeps until something may have happened with any of these; otherwise as [`wait`](Watch::wait).
    pub fn wait_any(watches: &[Watch], timeout: Duration) {
        let mut words: Vec<&Armed> = watches.iter().filter_map(|w| w.0.as_ref()).collect();
        let blind = words.len() < watches.len() || words.len() > backend::MOST;
        words.truncate(backend::MOST);
        // A notifier may have died before it woke anybody.
        let limit = timeout.min(if blind { BLIND } else { MAX_SLEEP });
        backend::sleep_on_any(None, &words, limit);
    }

    /// Sleeps by the clock, for a task: where something has to be looked at again and again.
    #[cfg(feature = "tokio")]
    pub async fn pause_async(time: Duration) {
        if let Some(end) = Instant::now().checked_add(time) {
            Sleep::new(None, end).await;
        }
    }

    /// [`wait`](Watch::wait) for a task.
    #[cfg(feature = "tokio")]
    pub async fn wait_async(&self, timeout: Duration) {
        self.sleep(deadline_of(Some(timeout))).await;
    }

    /// [`wait_any`](Watch::wait_any) for a task.
    #[cfg(feature = "tokio")]
    pub async fn wait_any_async(watches: &[Watch], timeout: Duration) {
        let end = deadline_of(Some(timeout));
        let mut sleeps: Vec<_> = watches.iter().map(|watch| watch.sleep(end)).collect();
        if sleeps.is_empty() {
            sleeps.push(Sleep::new(None, end.unwrap_or_else(longest)));
        }
        std::future::poll_fn(|context| {
            // All of them, so that each is entered.
            let polled = sleeps
                .iter_mut()
                .map(|sleep| Pin::new(sleep).poll(context).is_ready());
            match polled.fold(false, |any, ready| any | ready) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    /// A sleep until something may have happened since this was made, or it is time to look again.
    #[cfg(feature = "tokio")]
    pub(crate) fn sleep(&self, end: Option<Instant>) -> Sleep {
        let latest = match &self.0 {
            Some(_) => longest(),
            None => Instant::now() + BLIND,
        };
        Sleep::new(self.0.clone(), end.map_or(latest, |end| end.min(latest)))
    }
}

/// Polls a stream once: what `look` finds in the handle, or a sleep, which is kept in `sleep` meanwhile.
#[cfg(feature = "tokio")]
pub(crate) fn poll_next<H, V>(
    handle: &mut H,
    sleep: &mut Option<Sleep>,
    context: &mut Context<'_>,
    watch: impl Fn(&H) -> Watch,
    look: impl Fn(&mut H) -> Result<Option<V>>,
) -> Poll<Result<V>> {
    loop {
        // Before the look: it sleeps from where it was announced.
        let mut asleep = match sleep.take() {
            Some(asleep) => asleep,
            None => match look(handle).transpose() {
                Some(found) => return Poll::Ready(found),
                None => watch(handle).sleep(None),
            },
        };
        if let Some(found) = look(handle).transpose() {
            return Poll::Ready(found);
        }
        if Pin::new(&mut asleep).poll(context).is_pending() {
            *sleep = Some(asleep);
            return Poll::Pending;
        }
    }
}

/// A handle whose news can be waited for together with that of others: by [`wait_any`].
///
/// Subscribers of topics and readers of `latest` are.
pub trait Waitable: sealed::Waits {}

impl<H: sealed::Waits + ?Sized> Waitable for H {}

pub(crate) mod sealed {
    /// What [`wait_any`](super::wait_any) asks a handle for.
    pub trait Waits: Send {
        /// Whether there is something that it has not given yet, or an error to tell.
        fn has_news(&mut self) -> bool;
        /// To be waited for.
        fn watch(&self) -> super::Watch;
    }
}

fn ready(handles: &mut [&mut dyn Waitable]) -> Option<Vec<usize>> {
    let mut ready = Vec::new();
    for (at, handle) in handles.iter_mut().enumerate() {
        if handle.has_news() {
            ready.push(at);
        }
    }
    (!ready.is_empty()).then_some(ready)
}

fn nothing(handles: &[&mut dyn Waitable]) -> Error {
    let message = match handles.len() {
        1 => "timed out: there is no news of the handle".to_owned(),
        n => format!("timed out: there is no news of any of the {n} handles"),
    };
    Error::new(ErrorKind::TimedOut, message)
}

fn check(handles: &[&mut dyn Waitable], timeout: Option<Duration>) -> Result<()> {
    match (handles.is_empty(), timeout) {
        (true, None) => Err(Error::new(
            ErrorKind::Invalid,
            "no handles to wait for, and no time-out: it would wait for ever",
        )),
        _ => Ok(()),
    }
}

/// Waits until any of several handles has news, and returns which: their places in `handles`, at least one.
/// `None` waits for ever. Spins for a few microseconds, then sleeps without using the processor, and starts
/// no thread.
///
/// A subscriber has news when there is a message, a reader when there is a value of another version than it
/// read last; and either when its next call says an error, such as that the page was replaced. What is ready
/// is not taken: call [`try_recv`](crate::topic::Subscriber::try_recv) or
/// [`read`](crate::latest::Reader::read). (It may say `None`, where all there is are pieces of a message that
/// is not complete.)
///
/// ```
/// # use crosspage::{latest, topic, wait_any};
/// # let _namespace = crosspage::testing::namespace();
/// # #[derive(Clone, Copy, crosspage::Layout)]
/// # #[repr(C)]
/// # struct Mode { manual: bool }
/// # let mut writer = latest::Writer::<Mode>::create("mode")?;
/// # let mut publisher = topic::Publisher::<[u8]>::attach("lines")?;
/// let mut lines = topic::Subscriber::<[u8]>::attach("lines")?;
/// let mut mode = latest::Reader::<Mode>::open("mode")?;
/// # publisher.publish(b"hello")?;
/// for ready in wait_any(&mut [&mut lines, &mut mode], None)? {
///     match ready {
///         0 => while let Some(line) = lines.try_recv()? {
///             println!("{} bytes", line.value.len());
///         },
///         _ => println!("manual: {:?}", mode.read()?.map(|now| now.value.manual)),
///     }
/// }
/// # Ok::<(), crosspage::Error>(())
/// ```
///
/// # Errors
/// Timed out. Invalid: there are no handles, and no time-out.
pub fn wait_any(
    handles: &mut [&mut dyn Waitable],
    timeout: impl Into<Option<Duration>>,
) -> Result<Vec<usize>> {
    let timeout = timeout.into();
    check(handles, timeout)?;
    if let Some(ready) = ready(handles) {
        return Ok(ready);
    }
    let deadline = deadline_of(timeout);
    let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if left() != Some(Duration::ZERO)
        && let Some(ready) = Watch::spin(|| Ok::<_, Error>(ready(handles)))?
    {
        return Ok(ready);
    }
    loop {
        let watches: Vec<_> = handles.iter().map(|handle| handle.watch()).collect();
        if let Some(ready) = ready(handles) {
            return Ok(ready);
        }
        match left() {
            Some(Duration::ZERO) => return Err(nothing(handles)),
            left => Watch::wait_any(&watches, left.unwrap_or(Duration::MAX)),
        }
        // Before new watches, which take longer.
        if let Some(ready) = ready(handles) {
            return Ok(ready);
        }
    }
}

/// [`wait_any`] for a task. Does not block, needs no thread of its own, and belongs to no executor. To drop the
/// future is to wait no longer.
///
/// # Errors
/// As there.
#[cfg(feature = "tokio")]
pub async fn wait_any_async(
    handles: &mut [&mut dyn Waitable],
    timeout: impl Into<Option<Duration>>,
) -> Result<Vec<usize>> {
    let timeout = timeout.into();
    check(handles, timeout)?;
    let deadline = deadline_of(timeout);
    loop {
        if let Some(ready) = ready(handles) {
            return Ok(ready);
        }
        let watches: Vec<_> = handles.iter().map(|handle| handle.watch()).collect();
        if let Some(ready) = ready(handles) {
            return Ok(ready);
        }
        match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return Err(nothing(handles)),
            left => Watch::wait_any_async(&watches, left.unwrap_or(Duration::MAX)).await,
        }
    }
}
