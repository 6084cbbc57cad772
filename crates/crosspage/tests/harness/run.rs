//! What all these tests share: how they are run, how long they may be, what they count, and how
//! they fail.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// One test.
pub struct Test {
    pub name: &'static str,
    pub run: fn(&mut Tally),
    /// It runs processes under ptrace.
    pub traced: bool,
}

/// Runs those tests that the command line asks for, as libtest would: `[NAME…] [--skip NAME]
/// [--exact] [--list]`. `skipped` says which there are not on this platform, and why.
pub fn main(tests: &[Test], skipped: &[&str]) -> ExitCode {
    let (mut wanted, mut unwanted, mut exact, mut list) = (Vec::new(), Vec::new(), false, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--list" => list = true,
            "--exact" => exact = true,
            "--skip" => unwanted.extend(args.next()),
            "--format" | "--test-threads" | "--color" | "-Z" => drop(args.next()),
            "--ignored" => return ExitCode::SUCCESS,
            _ if arg.starts_with('-') => {}
            _ => wanted.push(arg),
        }
    }
    let matches = |name: &str, pattern: &String| match exact {
        true => name == pattern,
        false => name.contains(pattern.as_str()),
    };
    let mut tests: Vec<&Test> = tests.iter().collect();
    tests.retain(|test| wanted.is_empty() || wanted.iter().any(|one| matches(test.name, one)));
    tests.retain(|test| !unwanted.iter().any(|one| matches(test.name, one)));
    if list {
        for test in tests {
            println!("{}: test", test.name);
        }
        return ExitCode::SUCCESS;
    }
    for what in skipped {
        println!("skipped: {what}");
    }
    #[cfg(any(target_os = "linux", windows))]
    let code = run(&tests);
    #[cfg(not(any(target_os = "linux", windows)))]
    let code = ExitCode::SUCCESS;
    code
}

/// Who else could disturb: nobody has this namespace.
#[cfg(windows)]
fn run(tests: &[&Test]) -> ExitCode {
    use super::kit;

    println!("running {} tests, CROSSPAGE_SEED={}", tests.len(), seed());
    // SAFETY: this process has one thread.
    unsafe { std::env::set_var("CROSSPAGE_NAMESPACE", kit::namespace()) };
    run_each(tests, |_| true)
}

#[cfg(target_os = "linux")]
fn run(tests: &[&Test]) -> ExitCode {
    use super::{kit, sys, watch};

    let shm = match sys::isolate() {
        Ok(()) => "a /dev/shm of their own".to_owned(),
        Err(error) => format!("the shared /dev/shm ({error})"),
    };
    let copies = if cfg!(crosspage_portable_copy) {
        "portable"
    } else {
        "fast"
    };
    println!(
        "running {} tests in {shm}, {copies} copies, CROSSPAGE_SEED={}",
        tests.len(),
        seed()
    );
    // SAFETY: this process has one thread.
    unsafe { std::env::set_var("CROSSPAGE_NAMESPACE", kit::namespace()) };
    std::fs::create_dir_all(kit::files()).expect("/dev/shm is writable");
    let dog = watch::start();
    let start = std::time::Instant::now();
    while watch::awake().is_zero() {
        assert!(start.elapsed().as_secs() < 60, "the watchdog sleeps");
        std::thread::yield_now();
    }
    let processors = sys::processors();
    let code = run_each(tests, |test| {
        if test.traced && !sys::may_trace() {
            println!(
                "skipped: {}, which needs ptrace(2), and here it is refused",
                test.name
            );
            return false;
        }
        // On one processor stepping is faster, without wake-ups across two.
        sys::use_processors(if test.traced { None } else { Some(&processors) });
        true
    });
    watch::stop(dog);
    let _ = std::fs::remove_dir(kit::files());
    code
}

/// One test after the other, where `prepare` says that it can be run.
#[cfg(any(target_os = "linux", windows))]
fn run_each(tests: &[&Test], prepare: impl Fn(&Test) -> bool) -> ExitCode {
    use super::kit;

    let mut failed = Vec::new();
    for test in tests {
        if !prepare(test) {
            continue;
        }
        let (start, mut tally) = (std::time::Instant::now(), Tally::default());
        let done = catch_unwind(AssertUnwindSafe(|| (test.run)(&mut tally)));
        let how = if done.is_ok() { "ok" } else { "FAILED" };
        println!(
            "test {} ... {how} ({tally}; {:.1?})",
            test.name,
            start.elapsed()
        );
        if done.is_err() {
            failed.push(test.name);
            kit::remove_everything();
        }
    }
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => {
            println!("failed: {}", failed.join(", "));
            ExitCode::from(101)
        }
    }
}

/// What a test did.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many points there were at which to kill or stop.
    pub points: usize,
    pub kills: usize,
    pub stops: usize,
    /// By processes that were killed at random.
    pub writes: u64,
    pub reads: u64,
    /// Messages that a subscriber was too slow for.
    pub lost: u64,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [
            (self.kills as u64, "kills"),
            (self.stops as u64, "stops"),
            (self.points as u64, "points"),
            (self.writes, "writes"),
            (self.reads, "reads"),
            (self.lost, "lost"),
        ];
        for (i, (n, what)) in counts.iter().filter(|(n, _)| *n > 0).enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{n} {what}")?;
        }
        Ok(())
    }
}

/// Whether these tests may take minutes.
pub fn is_long() -> bool {
    static LONG: OnceLock<bool> = OnceLock::new();
    *LONG.get_or_init(|| std::env::var("CROSSPAGE_LONG").is_ok_and(|long| long == "1"))
}

/// What random numbers begin with: `CROSSPAGE_SEED`, or another one each time.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let stated = std::env::var("CROSSPAGE_SEED").ok();
        let stated = stated.and_then(|seed| seed.parse().ok());
        stated.unwrap_or_else(|| {
            let now = std::time::SystemTime::now();
            now.duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_micros() as u64
                % 1_000_000
        })
    })
}

/// A random number below `n`.
pub fn random(n: u64) -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    let turn = STATE.fetch_add(1, Ordering::Relaxed);
    super::values::mix(seed(), turn) % n
}

/// Up to `n` numbers from `from` to `to`, one at random from each of `n` parts.
pub fn spread(from: usize, to: usize, n: usize) -> Vec<usize> {
    let all = (to + 1).saturating_sub(from);
    if all <= n {
        return (from..=to).collect();
    }
    let part = |i: usize| from + all * i / n;
    (0..n)
        .map(|i| part(i) + random((part(i + 1) - part(i)) as u64) as usize)
        .collect()
}

/// Runs `body`; if it panics, says what was being done.
pub fn context<R>(what: &str, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        eprintln!("FAILED: {what}\n(CROSSPAGE_SEED={})", seed());
        resume_unwind(panic)
    })
}
