//! What is known of a value beside its bytes: `crosspage.meta`.

use std::time::{Duration, SystemTime};

use crosspage::{Error, ErrorKind, latest, topic};
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;

use crate::errors;
use crate::latest::PinnedObject;
use crate::message::MessageObject;
use crate::record::Record;

/// Where a value is from, and what was said of it there; all zero for a record made here.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Origin {
    pub pattern: Pattern,
    /// The process that wrote or published it.
    pub pid: u32,
    /// Its version or its sequence.
    pub number: u64,
    /// When that was, in ns since 1970; 0 where nobody says.
    pub at: u64,
}

/// The pattern of the page that a value is from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(u8)]
pub enum Pattern {
    #[default]
    None = 0,
    Latest = 1,
    Topic = 2,
}

impl Pattern {
    pub fn from_number(number: u8) -> Option<Pattern> {
        [Pattern::None, Pattern::Latest, Pattern::Topic]
            .into_iter()
            .find(|pattern| *pattern as u8 == number)
    }
}

impl From<&latest::Meta> for Origin {
    fn from(meta: &latest::Meta) -> Origin {
        Origin {
            pattern: Pattern::Latest,
            pid: meta.writer_pid,
            number: meta.version,
            at: meta.written_at,
        }
    }
}

impl From<&topic::Meta> for Origin {
    fn from(meta: &topic::Meta) -> Origin {
        Origin {
            pattern: Pattern::Topic,
            pid: meta.publisher,
            number: meta.sequence,
            at: meta.sent_at.unwrap_or(0),
        }
    }
}

impl Origin {
    /// When it was, in ns since 1970, where somebody says.
    pub fn time(&self) -> Option<u64> {
        Some(self.at).filter(|at| *at != 0)
    }

    pub fn age(&self) -> Option<f64> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let since = |at| now.saturating_sub(Duration::from_nanos(at)).as_secs_f64();
        self.time().map(since)
    }
}

/// Seconds since 1970, as `time.time()` says them.
pub fn in_seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// What a page says about a value.
#[pyclass(frozen, eq, name = "Meta", module = "crosspage")]
#[derive(PartialEq)]
pub struct MetaObject(pub Origin);

impl MetaObject {
    /// An attribute of what is from `pattern`.
    fn of<T>(&self, pattern: Pattern, value: T) -> PyResult<T> {
        match self.0.pattern {
            from if from == pattern => Ok(value),
            Pattern::Topic => Err(PyAttributeError::new_err(
                "this value is from a topic: it has sequence, publisher and sent_at",
            )),
            _ => Err(PyAttributeError::new_err(
                "this value is from no topic: it has version, written_at and writer",
            )),
        }
    }
}

#[pymethods]
impl MetaObject {
    /// Counts up by one with each write; the first is 1.
    #[getter]
    fn version(&self) -> PyResult<u64> {
        self.of(Pattern::Latest, self.0.number)
    }

    /// When it was written, in seconds since 1970, as `time.time()` says it.
    #[getter]
    fn written_at(&self) -> PyResult<f64> {
        self.of(Pattern::Latest, in_seconds(self.0.at))
    }

    /// The same in nanoseconds.
    #[getter]
    fn written_at_ns(&self) -> PyResult<u64> {
        self.of(Pattern::Latest, self.0.at)
    }

    /// The process that wrote it, as numbered in its own PID namespace.
    #[getter]
    fn writer(&self) -> PyResult<u32> {
        self.of(Pattern::Latest, self.0.pid)
    }

    /// Seconds since it was written or sent, now.
    #[getter]
    fn age(&self) -> PyResult<f64> {
        self.0.age().ok_or_else(|| {
            PyAttributeError::new_err(
                "messages of this topic carry no time: publisher(…, send_time=True)",
            )
        })
    }

    /// Counts up by one with each message of its publisher; the first is 1.
    #[getter]
    fn sequence(&self) -> PyResult<u64> {
        self.of(Pattern::Topic, self.0.number)
    }

    /// The process that published it, as numbered in its own PID namespace.
    #[getter]
    fn publisher(&self) -> PyResult<u32> {
        self.of(Pattern::Topic, self.0.pid)
    }

    /// When it was sent, in seconds since 1970; None where the topic's messages do not say (`send_time`).
    #[getter]
    fn sent_at(&self) -> PyResult<Option<f64>> {
        self.of(Pattern::Topic, self.0.time().map(in_seconds))
    }

    /// The same in nanoseconds.
    #[getter]
    fn sent_at_ns(&self) -> PyResult<Option<u64>> {
        self.of(Pattern::Topic, self.0.time())
    }

    fn __repr__(&self) -> String {
        let Origin { number, pid, .. } = self.0;
        let age = match self.0.age() {
            Some(age) => format!(", age={age:.6}"),
            None => String::new(),
        };
        match self.0.pattern {
            Pattern::Topic => format!("Meta(sequence={number}{age}, publisher={pid})"),
            _ => format!("Meta(version={number}{age}, writer={pid})"),
        }
    }
}

/// What a page says about a value of its: of a record, a pinned value, a message, or an array that is one.
#[pyfunction]
pub fn meta(record: &Bound<'_, PyAny>) -> PyResult<MetaObject> {
    let origin = match Record::of(record) {
        Some(record) => record.origin(),
        None => match record.cast::<PinnedObject>() {
            Ok(pinned) => return pinned.get().meta(record.py()),
            Err(_) => MessageObject::behind(record)?
                .map(|message| message.get().origin())
                .ok_or_else(|| {
                    PyTypeError::new_err(
                        "meta: expected a record that was read from a page, or a message",
                    )
                })?,
        },
    };
    if origin == Origin::default() {
        return Err(errors::raise(Error::new(
            ErrorKind::NoValue,
            "this record was made here, not read from a page",
        )));
    }
    Ok(MetaObject(origin))
}
