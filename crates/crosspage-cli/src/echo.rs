//! `crosspage echo`: the messages of a topic, as they come.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crosspage::layout::value::{self, to_json};
use crosspage::layout::{Scalar, Type};
use crosspage::topic::{DynMessage, DynSubscriber, DynValue, NdArray};
use crosspage::{ErrorKind, Result};
use serde_json::Value;

use crate::segment::seconds;
use crate::show::shortened;
use crate::table::{self, harmless};
use crate::{json, print_on, report};

/// Print the messages of a topic as they come
#[derive(clap::Args)]
#[command(after_help = "\
The topic need not exist yet: whoever publishes first says what its messages are.

With --json each line is {\"sequence\", \"publisher\", \"sent_at\", \"value\"}: the publisher's process id; \
nanoseconds since 1970, or null where messages do not carry their time; a struct as `show` prints it, bytes as \
text, arrays as {\"dtype\", \"shape\"} and, with up to 100 numbers, \"data\".

Examples:
  crosspage echo readings
  crosspage echo readings --count 1 --timeout 5 --json")]
pub struct Args {
    /// The topic: readings, file:PATH
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// End after N messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Wait up to S seconds for each message (otherwise for ever)
    #[arg(long, value_name = "S", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<String> {
    let mut subscriber = DynSubscriber::attach(&args.topic)?;
    let (mut printed, mut lost) = (0, 0);
    while args.count.is_none_or(|count| printed < count) {
        let message = match subscriber.recv(args.timeout) {
            Ok(message) => message,
            // One message is damaged; the next may be whole.
            Err(error) if [ErrorKind::Corrupt, ErrorKind::Invalid].contains(&error.kind()) => {
                report(&error);
                continue;
            }
            Err(error) => return Err(error),
        };
        let missed = subscriber.lost() - lost;
        if missed > 0 {
            lost += missed;
            let s = if missed == 1 { "" } else { "s" };
            eprintln!("warning: lost {missed} message{s}: they came faster than they are printed");
        }
        let line = if args.json {
            format!("{}\n", document(&message))
        } else {
            text(&message) + "\n"
        };
        if !print_on(&line)? {
            break;
        }
        printed += 1;
    }
    Ok(String::new())
}

fn document(message: &DynMessage) -> Value {
    let value = match &message.value {
        DynValue::Record(record) => json::record(record),
        DynValue::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
        DynValue::Array(array) => {
            let mut value = json::object([
                ("dtype", array.dtype().into()),
                ("shape", array.shape().to_vec().into()),
            ]);
            if let (Some(data), Some(object)) = (data(array), value.as_object_mut()) {
                object.insert("data".into(), data);
            }
            value
        }
        _ => Value::Null,
    };
    json::object([
        ("sequence", message.meta.sequence.into()),
        ("publisher", message.meta.publisher.into()),
        ("sent_at", message.meta.sent_at.into()),
        ("value", value),
    ])
}

/// `#12 pid 4242: {"counter":42,"temperature":23.5}`
fn text(message: &DynMessage) -> String {
    let value = match &message.value {
        DynValue::Record(record) => record.to_json(),
        DynValue::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        DynValue::Array(array) => {
            let data = data(array).map_or_else(String::new, |data| format!(" {data}"));
            format!("{} {:?}{data}", array.dtype(), array.shape())
        }
        _ => String::new(),
    };
    let sent = message.meta.sent_at.map_or_else(String::new, |ns| {
        let sent = UNIX_EPOCH + Duration::from_nanos(ns);
        let age = SystemTime::now().duration_since(sent);
        format!(", {} ago", table::age(age.unwrap_or_default()))
    });
    format!(
        "#{} pid {}{sent}: {}",
        message.meta.sequence,
        message.meta.publisher,
        shortened(&harmless(&value))
    )
}

/// The elements, where they are few, and numbers or bools.
fn data(array: &NdArray) -> Option<Value> {
    const MOST: u64 = 100;
    let scalar = match array.dtype().strip_prefix(['<', '|', '='])? {
        "b1" | "?1" => Scalar::Bool,
        dtype => {
            let (kind, bytes) = dtype.split_at_checked(1)?;
            let bits = bytes.parse::<usize>().ok()?.checked_mul(8)?;
            Scalar::from_name(&format!("{kind}{bits}"))?
        }
    };
    let count = (array.shape().iter()).try_fold(1u64, |count, n| count.checked_mul(*n))?;
    if count > MOST || array.as_bytes().len() as u64 != count * scalar.size() as u64 {
        return None;
    }
    let whole = array
        .shape()
        .iter()
        .rev()
        .try_fold(Type::Scalar(scalar), |ty, n| {
            Some(Type::Array(Box::new(ty), usize::try_from(*n).ok()?))
        })?;
    // The library's JSON is JSON.
    serde_json::from_str(&to_json(&value::read(&whole, array.as_bytes()))).ok()
}
