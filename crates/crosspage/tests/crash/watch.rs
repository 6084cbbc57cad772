//! The watchdog: a process beside the tests that ends them when one hangs, saying where.

use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::sys::{self, Pid};

struct Watch {
    /// In ms of CLOCK_MONOTONIC; zero: no limit.
    deadline: AtomicU64,
    phase: [AtomicU8; 512],
    /// Who else to look at.
    processes: [AtomicI32; 64],
    started: AtomicU64,
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Watch {}

fn watch() -> &'static Watch {
    static WATCH: OnceLock<&Watch> = OnceLock::new();
    WATCH.get_or_init(sys::shared)
}

fn now_ms() -> u64 {
    // SAFETY: plain integers; the clock always exists.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time);
        time
    };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// Says what begins now, and how long it may take.
pub fn phase(limit: Duration, what: &str) {
    let watch = watch();
    watch.deadline.store(0, Ordering::SeqCst);
    let bytes = what.bytes().chain(std::iter::once(0));
    for (to, from) in watch.phase.iter().zip(bytes) {
        to.store(from, Ordering::Relaxed);
    }
    watch
        .deadline
        .store(now_ms() + limit.as_millis() as u64, Ordering::SeqCst);
}

/// A process that may be what hangs.
pub fn add(pid: Pid) {
    for place in &watch().processes {
        let free = place.compare_exchange(0, pid, Ordering::SeqCst, Ordering::SeqCst);
        if free.is_ok() {
            return;
        }
    }
}

pub fn forget(pid: Pid) {
    for place in &watch().processes {
        let _ = place.compare_exchange(pid, 0, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// Starts the watchdog; it ends with this process.
pub fn start() -> Pid {
    #[cfg(target_arch = "x86_64")]
    crate::trace::binary(); // Read once, before the fork.
    watch().started.store(now_ms(), Ordering::Relaxed);
    let main = sys::pid();
    sys::fork(move || {
        loop {
            std::thread::sleep(Duration::from_millis(100));
            if sys::parent() != main {
                return 0;
            }
            let deadline = watch().deadline.load(Ordering::SeqCst);
            if deadline != 0 && now_ms() > deadline {
                hang(main);
                return 1;
            }
        }
    })
}

/// Ends the watchdog.
pub fn stop(dog: Pid) {
    watch().deadline.store(0, Ordering::SeqCst);
    sys::kill(dog);
}

/// Reports a hang that the tests themselves have noticed.
pub fn report(what: &str) -> ! {
    phase(Duration::ZERO, what);
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn hang(main: Pid) {
    let phase: Vec<u8> = watch()
        .phase
        .iter()
        .map(|byte| byte.load(Ordering::Relaxed))
        .take_while(|&byte| byte != 0)
        .collect();
    let mut text = format!("\nHANG: {}\n", String::from_utf8_lossy(&phase));
    let others = watch()
        .processes
        .iter()
        .map(|pid| pid.load(Ordering::SeqCst))
        .filter(|&pid| pid != 0);
    let all: Vec<Pid> = std::iter::once(main).chain(others).collect();
    for &pid in &all {
        let read =
            |what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default();
        let stat = read("stat");
        let state = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        let who = if pid == main { "the test" } else { "a child" };
        let _ = writeln!(
            text,
            "{who}, pid {pid}: state {}, system call {:?}, waits in {:?}",
            state.unwrap_or('-'),
            read("syscall").trim(),
            read("wchan").trim()
        );
        #[cfg(target_arch = "x86_64")]
        for line in crate::trace::stack(pid) {
            let _ = writeln!(text, "    {line}");
        }
    }
    eprintln!("{text}");
    for pid in all.into_iter().rev() {
        // SAFETY: plain call; it may be gone by now.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}
