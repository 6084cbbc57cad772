//! JSON documents: keys and rules are those of the specification; unknown is null.

use std::time::Duration;

use crosspage::Participant;
use serde_json::{Map, Value};

/// An object with these keys, in this order.
pub fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(
        entries
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect::<Map<_, _>>(),
    )
}

/// One document, readable by people too, with its final newline.
pub fn document(value: &Value) -> String {
    format!("{value:#}\n")
}

pub fn participants(participants: &[Participant]) -> Value {
    let one = |p: &Participant| {
        object([
            ("role", p.role.into()),
            ("pid", p.pid.into()),
            ("alive", p.alive.into()),
        ])
    };
    participants.iter().map(one).collect()
}

/// Whole milliseconds, or null.
pub fn milliseconds(age: Option<Duration>) -> Value {
    age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
        .into()
}

/// A record, digit by digit as the library prints it.
pub fn record(record: &crosspage::layout::Record) -> Value {
    // The library's JSON is JSON: its tests say so, and so do this program's.
    serde_json::from_str(&record.to_json()).unwrap_or(Value::Null)
}
