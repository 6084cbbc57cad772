//! crosspage's log as Python's: what the core traces goes to the logger "crosspage".

use std::fmt::{Debug, Write};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Hands the core's events to Python, whose logger decides what is shown.
struct ToPython;

/// Another subscriber in this process (of an embedding Rust program) stays the one.
pub fn install() {
    let _ = tracing::subscriber::set_global_default(ToPython);
}

impl Subscriber for ToPython {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().starts_with("crosspage")
    }

    fn event(&self, event: &Event<'_>) {
        // An error while logging must not become one of the operation that is logged.
        let _ = Python::try_attach(|py| log(py, event));
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

fn log(py: Python<'_>, event: &Event<'_>) -> PyResult<()> {
    static GET_LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let logger = GET_LOGGER
        .import(py, "logging", "getLogger")?
        .call1(("crosspage",))?;
    // Python's numbers.
    let level = match *event.metadata().level() {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    };
    if logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
        let mut line = Line::default();
        event.record(&mut line);
        logger.call_method1("log", (level, "%s", line.message + &line.fields))?;
    }
    Ok(())
}

/// `attached: page=telemetry index=0`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(
                self.fields,
                "{} {name}={value:?}",
                if self.fields.is_empty() { ":" } else { "" }
            ),
        };
    }
}
