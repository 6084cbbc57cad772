//! The core's log events, for a callback or, with `CROSSPAGE_LOG`, for stderr.

use std::ffi::{CString, c_char, c_void};
use std::fmt::{self, Write};
use std::sync::{Once, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::error::guard_quietly;

type Callback = unsafe extern "C" fn(context: *mut c_void, level: i32, message: *const c_char);

#[derive(Clone, Copy)]
struct Target {
    callback: Callback,
    context: *mut c_void,
    level: LevelFilter,
}

// SAFETY: the header says that the callback is called from any thread, with this context.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

static TARGET: RwLock<Option<Target>> = RwLock::new(None);

/// Sends the core's events here: once there is a callback, or before the first handle if the environment
/// asks for stderr.
pub fn start() {
    static START: Once = Once::new();
    START.call_once(|| {
        let stderr = std::env::var("CROSSPAGE_LOG")
            .ok()
            .and_then(|level| level.parse().ok());
        if stderr.is_some()
            || TARGET
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some()
        {
            install(stderr.unwrap_or(LevelFilter::OFF));
        }
    });
}

fn install(stderr: LevelFilter) {
    static INSTALL: Once = Once::new();
    // A Rust program that links this library statically may have a subscriber of its own: it stays.
    INSTALL.call_once(|| drop(tracing::subscriber::set_global_default(Sink { stderr })));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_set_log(
    callback: Option<Callback>,
    context: *mut c_void,
    level: i32,
) {
    guard_quietly((), || {
        let level = match level {
            ..=0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            5.. => LevelFilter::TRACE,
        };
        *TARGET.write().unwrap_or_else(PoisonError::into_inner) = callback.map(|callback| Target {
            callback,
            context,
            level,
        });
        start();
        if callback.is_some() {
            install(LevelFilter::OFF);
        }
        tracing::callsite::rebuild_interest_cache();
    });
}

struct Sink {
    /// Up to which level events go to stderr while there is no callback.
    stderr: LevelFilter,
}

fn current() -> Option<Target> {
    *TARGET.read().unwrap_or_else(PoisonError::into_inner)
}

impl Sink {
    fn level(&self) -> LevelFilter {
        current().map_or(self.stderr, |target| target.level)
    }
}

impl Subscriber for Sink {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let message = line.message + &line.fields;
        // Held while the callback runs, so that `crosspage_set_log` returns after the last call.
        let target = TARGET.read().unwrap_or_else(PoisonError::into_inner);
        match &*target {
            Some(target) => {
                let level = number(event.metadata().level());
                let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
                // SAFETY: the header's contract for callbacks.
                unsafe { (target.callback)(target.context, level, message.as_ptr()) };
            }
            None => eprintln!(
                "crosspage {}: {message}",
                event.metadata().level().as_str().to_lowercase()
            ),
        }
    }

    // The core has no spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn number(level: &Level) -> i32 {
    match *level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

/// `message key=value key=value`
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
