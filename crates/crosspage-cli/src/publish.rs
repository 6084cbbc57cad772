//! `crosspage pub`: messages from arguments, or from lines on stdin.

use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::CommandFactory;
use clap::error::ErrorKind as Usage;
use crosspage::layout::value::struct_from_json;
use crosspage::layout::{self, Record, StructType, Type, Value};
use crosspage::topic::{DynPublisher, Kind, Options};
use crosspage::{Error, ErrorKind, Result};

use crate::segment::seconds;

/// Publish a message, or one for each line on stdin
#[derive(clap::Args)]
#[command(after_help = "\
Fields that are not given are 0. On stdin each line is a message: a struct's fields as JSON, as `echo --json` \
prints them under \"value\"; of a topic of bytes, the line's bytes. Each message is checked before it is \
published. Subscribers that come later do not see it, unless the topic has a history.

Examples:
  crosspage pub readings sensor=7 temperature=23.5
  crosspage pub readings 'position=[1, 2, 3]' mode=Driving --wait-subscribers 1
  crosspage pub readings --layout schema.toml#Reading - < readings.jsonl")]
pub struct Args {
    /// The topic: readings, file:PATH
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// A field, by name or path, and its value; or - for messages on stdin
    #[arg(value_name = "FIELD=VALUE|-", value_parser = input)]
    inputs: Vec<Input>,
    /// What the messages are, where nobody has said yet; where somebody has, it is compared
    #[arg(long, value_name = "PATH#TYPE", conflicts_with = "bytes")]
    layout: Option<String>,
    /// The messages are bytes, where nobody has said yet
    #[arg(long)]
    bytes: bool,
    /// Wait until N subscribers are attached
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    wait_subscribers: usize,
    /// Wait up to S seconds: for somebody to say what the messages are (otherwise not at all), for
    /// subscribers, and for room where the policy is block (otherwise for ever)
    #[arg(long, value_name = "S", value_parser = seconds)]
    timeout: Option<Duration>,
}

#[derive(Clone)]
enum Input {
    Stdin,
    Field(String, String),
}

fn input(text: &str) -> Result<Input, String> {
    match text.split_once('=') {
        None if text == "-" => Ok(Input::Stdin),
        Some((path, value)) if !path.is_empty() => {
            Ok(Input::Field(path.to_owned(), value.to_owned()))
        }
        _ => Err("FIELD=VALUE is expected, such as temperature=23.5, or - for stdin".to_owned()),
    }
}

pub fn run(args: &Args) -> Result<String> {
    let fields: Option<Vec<(&str, &str)>> = (args.inputs.iter())
        .map(|input| match input {
            Input::Field(path, value) => Some((path.as_str(), value.as_str())),
            Input::Stdin => None,
        })
        .collect();
    if fields.is_none() && args.inputs.len() > 1 {
        let message = "- stands alone: the messages are on stdin";
        crate::Cli::command()
            .error(Usage::ArgumentConflict, message)
            .exit();
    }
    let declared = match &args.layout {
        Some(source) => Some(Kind::Struct(layout::from_source(source)?)),
        None => args.bytes.then_some(Kind::Bytes),
    };
    let mut options = Options::default();
    options.timeout = args.timeout;
    let mut publisher = DynPublisher::attach(&args.topic, declared.as_ref(), &options)?;
    let kind = kind(&mut publisher, args)?;
    if args.wait_subscribers > 0 {
        publisher.wait_subscribers(args.wait_subscribers, args.timeout)?;
    }
    match (kind, fields) {
        (Kind::Struct(layout), Some(fields)) => {
            let values = fields.iter().map(|(path, text)| {
                let (_, ty) = layout.resolve(path)?;
                let value = layout::value::parse(ty, text).map_err(|error| at(path, &error))?;
                Ok((*path, value))
            });
            let values = values.collect::<Result<Vec<_>>>()?;
            publisher.publish(&record(&layout, &values)?)?;
        }
        (Kind::Struct(layout), None) => each_line(|line| {
            let text = str::from_utf8(line)
                .map_err(|_| Error::new(ErrorKind::Invalid, "it is not UTF-8"))?;
            let Value::Struct(values) = struct_from_json(&layout, text)? else {
                return Ok(()); // `struct_from_json` gives nothing else.
            };
            let values: Vec<(&str, Value)> = (values.iter())
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            publisher.publish(&record(&layout, &values)?).map(|_| ())
        })?,
        (Kind::Bytes, None) => each_line(|line| publisher.publish_bytes(line).map(|_| ()))?,
        (Kind::Bytes, Some(_)) => {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("topic \"{}\" carries bytes, not structs", args.topic),
            )
            .with_hint(format!("echo text | crosspage pub {} -", args.topic)));
        }
        (Kind::Array, _) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "topic \"{}\" carries arrays, which are not published from the command line",
                    args.topic
                ),
            ));
        }
    }
    Ok(String::new())
}

/// What the messages are, for which it waits as long as was said.
fn kind(publisher: &mut DynPublisher, args: &Args) -> Result<Kind> {
    let end = Instant::now() + args.timeout.unwrap_or_default();
    loop {
        if let Some(kind) = publisher.kind()? {
            return Ok(kind.clone());
        }
        if Instant::now() >= end {
            let message = format!(
                "nobody has said what the messages of topic \"{}\" are",
                args.topic
            );
            let kind = match args.timeout {
                Some(limit) if !limit.is_zero() => ErrorKind::TimedOut,
                _ => ErrorKind::Invalid,
            };
            return Err(Error::new(kind, message).with_hint(
                "--layout PATH#TYPE says it, such as --layout schema.toml#Reading; so does any program that \
                 publishes or subscribes with a type; --timeout S waits for one",
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A record with these values, and otherwise zero; its tail is as long as it has to be.
fn record(layout: &Arc<StructType>, values: &[(&str, Value)]) -> Result<Record> {
    let mut len = layout.size();
    if let (Some(tail), Some(element)) = (layout.fields().last(), layout.tail()) {
        let elements = values.iter().filter_map(|(path, value)| match value {
            Value::Array(elements) => {
                let (_, ty) = layout.resolve(path).ok()?;
                matches!(ty, Type::Tail(_)).then_some(elements.len())
            }
            _ => None,
        });
        len = tail.offset + elements.max().unwrap_or(0) * element.size();
    }
    let mut record = Record::new(layout.clone(), vec![0; len].into());
    for (path, value) in values {
        record.set(path, value)?;
    }
    Ok(record)
}

/// Says in which line something is wrong.
fn each_line(mut publish: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut stdin = std::io::stdin().lock();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = stdin.read_until(b'\n', &mut line);
        if read.map_err(|e| Error::os("cannot read stdin", &e))? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        publish(text).map_err(|error| at(&format!("line {number}"), &error))?;
    }
    Ok(())
}

/// The same error, with where it is.
fn at(place: &str, error: &Error) -> Error {
    let placed = Error::new(error.kind(), format!("{place}: {}", error.message()));
    match error.hint() {
        Some(hint) => placed.with_hint(hint),
        None => placed,
    }
}
