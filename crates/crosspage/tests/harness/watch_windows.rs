//! The watchdog: a thread that ends the tests when one hangs, saying which.

use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// How long the watchdog sleeps between two looks, at least.
const TICK: Duration = Duration::from_millis(10);

/// How long it has been awake, and when it has to end what.
static WATCH: Mutex<(Duration, Option<(Duration, String)>)> = Mutex::new((Duration::ZERO, None));

/// How long the watchdog has been awake. A look that comes late counts as one that is in time: the machine
/// has stood still.
pub fn awake() -> Duration {
    start();
    WATCH.lock().unwrap_or_else(PoisonError::into_inner).0
}

/// Says what begins now, and how long it may take.
pub fn phase(limit: Duration, what: &str) {
    start();
    let mut watch = WATCH.lock().unwrap_or_else(PoisonError::into_inner);
    watch.1 = Some((watch.0 + limit, what.to_owned()));
}

fn start() {
    static DOG: Once = Once::new();
    DOG.call_once(|| {
        std::thread::spawn(|| {
            let mut looked = Instant::now();
            loop {
                std::thread::sleep(TICK);
                let now = Instant::now();
                let passed = now.duration_since(looked).min(3 * TICK);
                looked = now;
                let mut watch = WATCH.lock().unwrap_or_else(PoisonError::into_inner);
                watch.0 += passed;
                let (awake, phase) = &*watch;
                if let Some((end, what)) = phase
                    && awake > end
                {
                    report(what);
                }
            }
        });
    });
}

/// Ends the tests because something hangs.
pub fn report(what: &str) -> ! {
    eprintln!("HANGS: {what}");
    std::process::exit(102);
}
