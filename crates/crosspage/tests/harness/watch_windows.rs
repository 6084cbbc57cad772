//! The watchdog: a thread that ends the tests when one hangs, saying which.

use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

static PHASE: Mutex<Option<(Instant, String)>> = Mutex::new(None);

/// Says what begins now, and how long it may take.
pub fn phase(limit: Duration, what: &str) {
    static DOG: Once = Once::new();
    *PHASE.lock().unwrap() = Some((Instant::now() + limit, what.to_owned()));
    DOG.call_once(|| {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_millis(500));
                let phase = PHASE.lock().unwrap();
                if let Some((end, what)) = &*phase
                    && Instant::now() > *end
                {
                    eprintln!("HANGS: {what}");
                    std::process::exit(102);
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
