//! Windows: a named event per sleep. WaitOnAddress works only within one process.
//!
//! Whoever goes to sleep on a word while its sequence is `n` waits for the event whose name says
//! page, word and `n`, and which the first of them makes. Whoever counts the sequence up from `n`
//! sets that event, if there is one; nobody ever resets it. So all who sleep on `n` wake, whoever
//! comes for `n + 1` has another event, and a sleeper that is killed leaves nothing: the event goes
//! with its last handle.
//!
//! No wake-up is missed. A sleeper makes the event first and then looks whether the sequence is still
//! `n`; a notifier counts up first and then looks for the event. The kernel does one thing with a name
//! after the other: if the notifier did not find the event, the sleeper made it later, and so sees the
//! sequence counted up.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::Memory::{MEMORY_BASIC_INFORMATION, VirtualQuery};
use windows_sys::Win32::System::Threading::{
    CREATE_EVENT_MANUAL_RESET, CreateEventExW, CreateEventW, EVENT_MODIFY_STATE, OpenEventW,
    SYNCHRONIZATION_SYNCHRONIZE, SetEvent, WaitForMultipleObjects, WaitForSingleObject,
};

use super::watch::Armed;
use crate::atomic::{AtomicU32, Ordering, fence};
use crate::segment::windows::security::{Descriptor, rights};
use crate::segment::windows::wide;

/// How long a sleeper sleeps that cannot be woken: its event's name is taken by something else, or
/// its sandbox has no global names.
const BLIND: Duration = Duration::from_millis(1);

/// Names the events of one page, for those who may write to it.
pub(crate) struct Alarm {
    instance: u128,
    mode: u32,
    descriptor: OnceLock<io::Result<Descriptor>>,
}

impl Alarm {
    pub(crate) fn new(instance: u128, mode: u32) -> Alarm {
        Alarm {
            instance,
            mode,
            descriptor: OnceLock::new(),
        }
    }

    /// The name of the event for one sequence of one word. Global: sessions share pages.
    fn name(&self, word: &AtomicU32, sequence: u32) -> Vec<u16> {
        let offset = word.as_ptr().addr() - base(word);
        wide(&format!(
            r"Global\crosspage-{:032x}-{offset:x}-{sequence:x}",
            self.instance
        ))
    }
}

/// Where the mapping begins that the word is in.
fn base(word: &AtomicU32) -> usize {
    let mut found = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: a writable place of this size; any address may be asked for.
    unsafe {
        VirtualQuery(word.as_ptr().cast(), &mut found, size_of_val(&found));
    }
    found.AllocationBase.addr()
}

/// An event, closed on drop.
struct Event(HANDLE);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: open, and this value's alone.
        unsafe { CloseHandle(self.0) };
    }
}

impl Event {
    /// The event for those who sleep on `word` while it is `expected`.
    fn of(alarm: &Alarm, word: &AtomicU32, expected: u32) -> Option<Event> {
        let descriptor = alarm
            .descriptor
            .get_or_init(|| Descriptor::new(alarm.mode, &rights::EVENT));
        let Ok(descriptor) = descriptor else {
            return None;
        };
        let (name, attributes) = (alarm.name(word, expected), descriptor.attributes());
        let (flags, access) = (CREATE_EVENT_MANUAL_RESET, SYNCHRONIZATION_SYNCHRONIZE);
        // SAFETY: valid attributes and a NUL-terminated name.
        let event = unsafe { CreateEventExW(&attributes, name.as_ptr(), flags, access) };
        (!event.is_null()).then_some(Event(event))
    }
}

/// In milliseconds, rounded up: no time at all would not be a sleep.
fn milliseconds(limit: Duration) -> u32 {
    limit.as_nanos().div_ceil(1_000_000).min(1 << 30) as u32
}

/// Sleeps while `word` is `expected`, for at most `limit`. May return early for any reason.
pub(super) fn sleep(alarm: &Alarm, word: &AtomicU32, expected: u32, limit: Duration) {
    let Some(event) = Event::of(alarm, word, expected) else {
        return std::thread::sleep(limit.min(BLIND));
    };
    // SYNC POINT event: pairs with the fence in `wake`. Either this load sees the sequence counted
    // up, or `wake` finds the event.
    fence(Ordering::SeqCst);
    if word.load(Ordering::Acquire) == expected {
        // SAFETY: an open handle with the right to wait for it.
        unsafe { WaitForSingleObject(event.0, milliseconds(limit)) };
    }
}

/// So many words [`sleep_on_any`] sleeps on: WaitForMultipleObjects takes 64 handles, of which one is the
/// doorbell.
pub(super) const MOST: usize = 63;

/// What a thread is woken by that sleeps on words of pages.
pub(super) struct Doorbell {
    rung: AtomicU32,
    event: Event,
}

// SAFETY: a handle of the kernel's, which any thread may use.
unsafe impl Send for Doorbell {}
// SAFETY: as above.
unsafe impl Sync for Doorbell {}

// Only the reactor sleeps with one.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
impl Doorbell {
    pub(super) fn new() -> io::Result<Doorbell> {
        // SAFETY: no attributes, no name; it resets itself.
        let event = unsafe { CreateEventW(std::ptr::null(), 0, 0, std::ptr::null()) };
        match event.is_null() {
            true => Err(io::Error::last_os_error()),
            false => Ok(Doorbell {
                rung: AtomicU32::new(0),
                event: Event(event),
            }),
        }
    }

    /// For [`sleep_on_any`]: who rings from here on ends the sleep.
    pub(super) fn seen(&self) -> u32 {
        // Acquire: pairs with the Release in `ring`.
        self.rung.load(Ordering::Acquire)
    }

    pub(super) fn ring(&self) {
        self.rung.fetch_add(1, Ordering::Release);
        // SAFETY: an open handle.
        unsafe { SetEvent(self.event.0) };
    }
}

/// Sleeps until one of at most [`MOST`] words is no longer what was seen there, or the doorbell rings, and
/// for at most `limit`. May return early for any reason.
pub(super) fn sleep_on_any(doorbell: Option<(&Doorbell, u32)>, words: &[&Armed], limit: Duration) {
    let of = |armed: &&Armed| Event::of(armed.alarm(), armed.word(), armed.sequence);
    let events: Vec<Event> = words.iter().filter_map(of).collect();
    let limit = match events.len() == words.len() {
        true => limit,
        false => limit.min(BLIND),
    };
    // SYNC POINT event: as in `sleep`.
    fence(Ordering::SeqCst);
    if words.iter().any(|armed| armed.has_changed())
        || doorbell.is_some_and(|(bell, seen)| bell.seen() != seen)
    {
        return;
    }
    let bell = doorbell.iter().map(|(bell, _)| bell.event.0);
    let handles: Vec<HANDLE> = bell.chain(events.iter().map(|event| event.0)).collect();
    if handles.is_empty() {
        return std::thread::sleep(limit);
    }
    // SAFETY: as many open handles, with the right to wait for them.
    unsafe {
        WaitForMultipleObjects(
            handles.len() as u32,
            handles.as_ptr(),
            0,
            milliseconds(limit),
        )
    };
}

/// Wakes everybody who sleeps on `word` since its sequence is `before`, which it is no longer.
pub(super) fn wake(alarm: &Alarm, word: &AtomicU32, before: u32) {
    let name = alarm.name(word, before);
    // SYNC POINT event: pairs with the fence in `sleep`.
    fence(Ordering::SeqCst);
    // SAFETY: a NUL-terminated name.
    let event = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
    if event.is_null() {
        return; // Nobody sleeps.
    }
    let event = Event(event);
    // SAFETY: an open handle with the right to set it.
    unsafe { SetEvent(event.0) };
}

/// Whether spinning can help: where the machine has more than one processor (GetSystemInfo).
pub(super) fn more_than_one_cpu() -> bool {
    static MANY: OnceLock<bool> = OnceLock::new();
    *MANY.get_or_init(|| std::thread::available_parallelism().is_ok_and(|n| n.get() > 1))
}

/// Here every fence is a full one.
pub(crate) fn use_light_fences() {}

#[inline(always)]
pub(super) fn light_fence() {
    fence(Ordering::SeqCst);
}

pub(super) fn has_heavy_fence() -> bool {
    true
}

pub(super) fn heavy_fence() {}
