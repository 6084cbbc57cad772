//! The watchdog: a process beside the tests that ends them when one hangs, saying where.

use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::sys::{self, Pid};

/// How long the watchdog sleeps between two looks.
const TICK: Duration = Duration::from_millis(10);

struct Watch {
    /// How long the watchdog has been awake, in µs.
    awake: AtomicU64,
    /// In µs of that; zero: no limit.
    deadline: AtomicU64,
    phase: [AtomicU8; 512],
    /// Who else to look at.
    processes: [AtomicI32; 64],
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Watch {}

fn watch() -> &'static Watch {
    static WATCH: OnceLock<&Watch> = OnceLock::new();
    WATCH.get_or_init(sys::shared)
}

/// How long the watchdog has been awake. A look that comes late counts as one that is in time: the machine
/// has stood still.
pub fn awake() -> Duration {
    Duration::from_micros(watch().awake.load(Ordering::SeqCst))
}

/// Says what begins now, and how long it may take.
pub fn phase(limit: Duration, what: &str) {
    let watch = watch();
    watch.deadline.store(0, Ordering::SeqCst);
    let bytes = what.bytes().chain(std::iter::once(0));
    for (to, from) in watch.phase.iter().zip(bytes) {
        to.store(from, Ordering::Relaxed);
    }
    watch.deadline.store(deadline(limit), Ordering::SeqCst);
}

fn deadline(limit: Duration) -> u64 {
    (awake() + limit).as_micros().max(1) as u64
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
    super::trace::binary(); // Read once, before the fork.
    let main = sys::pid();
    let watch = watch(); // Made before the fork: one for both.
    sys::fork(move || {
        let mut looked = Instant::now();
        loop {
            std::thread::sleep(TICK);
            let now = Instant::now();
            let passed = now.duration_since(looked).min(2 * TICK);
            looked = now;
            let passed = passed.as_micros() as u64;
            let awake = watch.awake.fetch_add(passed, Ordering::SeqCst) + passed;
            if sys::parent() != main {
                return 0;
            }
            let deadline = watch.deadline.load(Ordering::SeqCst);
            if deadline != 0 && awake > deadline {
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
        for line in super::trace::stack(pid) {
            let _ = writeln!(text, "    {line}");
        }
    }
    eprintln!("{text}");
    for pid in all.into_iter().rev() {
        // SAFETY: plain call; it may be gone by now.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}
