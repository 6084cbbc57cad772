//! `crosspage ls`: the segments there are.

use std::time::{Duration, Instant};

use crosspage::foreign;
use crosspage::registry::{self, PageInfo};
use crosspage::topic::Kind;
use serde_json::Value;

use crate::segment::foreign_name;
use crate::table::{self, Align, harmless};
use crate::{Result, json};

/// List pages
#[derive(clap::Args)]
pub struct Args {
    /// Also foreign segments: System V and POSIX shared memory
    #[arg(long)]
    all: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<String> {
    let seen = Instant::now();
    let (pages, unreadable) = registry::list_all()?;
    let segments = if args.all {
        foreign::list()?
    } else {
        Vec::new()
    };
    // What cannot be read is told of beside the list, not instead of it.
    for page in &unreadable {
        eprintln!("warning: {}", page.error.message());
        if let Some(hint) = page.error.hint() {
            eprintln!("hint: {hint}");
        }
    }
    Ok(if args.json {
        json::document(
            &pages
                .iter()
                .map(page_json)
                .chain(segments.iter().map(foreign_json))
                .collect(),
        )
    } else {
        let rates = rates(&pages, seen);
        let pages = pages
            .iter()
            .zip(rates)
            .map(|(page, rate)| page_row(page, rate));
        let columns = [
            ("NAME", Align::Left),
            ("PATTERN", Align::Left),
            ("TYPE", Align::Left),
            ("SIZE", Align::Right),
            ("PARTICIPANTS", Align::Left),
            ("RATE", Align::Right),
            ("AGE", Align::Right),
        ];
        table::render(
            &columns,
            &pages
                .chain(segments.iter().map(foreign_row))
                .collect::<Vec<_>>(),
        )
    })
}

fn page_json(page: &PageInfo) -> Value {
    json::object([
        ("name", page.name.as_str().into()),
        ("locator", page.locator.to_string().into()),
        ("pattern", page.pattern.into()),
        ("type", type_name(page).into()),
        ("size", page.size.into()),
        ("owner", page.owner.as_str().into()),
        ("mode", mode(page.mode)),
        ("lifetime", page.lifetime.to_string().into()),
        ("participants", json::participants(&page.participants)),
        ("version", page.version.into()),
        ("age_ms", json::milliseconds(page.age)),
    ])
}

fn foreign_json(segment: &foreign::Info) -> Value {
    let locator = segment.locator.to_string();
    let mut value = json::object([
        ("name", foreign_name(&locator).into()),
        ("locator", locator.into()),
        ("pattern", "foreign".into()),
        ("type", Value::Null),
        ("size", segment.size.into()),
        ("owner", segment.owner.as_str().into()),
        ("mode", mode(segment.mode)),
        ("lifetime", Value::Null),
        ("participants", json::participants(&[])),
        ("version", Value::Null),
        ("age_ms", Value::Null),
    ]);
    if let (Some(id), Some(object)) = (segment.id, value.as_object_mut()) {
        object.insert("key".into(), segment.key.into());
        object.insert("id".into(), id.into());
    }
    value
}

/// As `chmod` takes it: `"0600"`.
fn mode(mode: u32) -> Value {
    format!("{mode:04o}").into()
}

fn page_row(page: &PageInfo, rate: Option<f64>) -> Vec<String> {
    vec![
        harmless(&page.name),
        page.pattern.to_owned(),
        type_name(page).map_or_else(unknown, harmless),
        table::bytes(page.size),
        participants(page),
        rate.map_or_else(unknown, |rate| format!("{rate:.0}/s")),
        page.age.map_or_else(unknown, table::age),
    ]
}

/// The struct's name, or what else a topic's messages are.
fn type_name(page: &PageInfo) -> Option<&str> {
    match page.topic.as_ref().and_then(|topic| topic.kind.as_ref()) {
        Some(Kind::Bytes) => Some("bytes"),
        Some(Kind::Array) => Some("ndarray"),
        _ => page.layout.as_ref().map(|layout| layout.name()),
    }
}

fn foreign_row(segment: &foreign::Info) -> Vec<String> {
    let attached = match segment.attached {
        Some(n) => format!("{n} attached"),
        None => unknown(),
    };
    let locator = harmless(&segment.locator.to_string());
    vec![
        locator,
        "foreign".to_owned(),
        unknown(),
        table::bytes(segment.size),
        attached,
        unknown(),
        unknown(),
    ]
}

fn unknown() -> String {
    "-".to_owned()
}

/// `1 writer, 2 readers, 1 dead`
fn participants(page: &PageInfo) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for participant in &page.participants {
        let role = if participant.alive {
            participant.role
        } else {
            "dead"
        };
        match counts.iter_mut().find(|(name, _)| *name == role) {
            Some((_, n)) => *n += 1,
            None => counts.push((role, 1)),
        }
    }
    counts.sort_by_key(|(role, _)| *role == "dead");
    let counted = counts.iter().map(|(role, n)| match (*n, *role) {
        (1, _) | (_, "dead") => format!("{n} {role}"),
        _ => format!("{n} {role}s"),
    });
    let text = counted.collect::<Vec<_>>().join(", ");
    if text.is_empty() { unknown() } else { text }
}

/// Writes or messages per second, from two looks some time apart; known where a writer or publisher lives.
fn rates(pages: &[PageInfo], seen: Instant) -> Vec<Option<f64>> {
    const APART: Duration = Duration::from_millis(100);
    let is_written = |page: &PageInfo| {
        page.participants
            .iter()
            .any(|p| p.alive && ["writer", "publisher"].contains(&p.role))
    };
    let count = |page: &PageInfo| match &page.topic {
        Some(topic) => topic.messages,
        None => page.version.unwrap_or(0),
    };
    if pages.iter().any(is_written) {
        std::thread::sleep(APART.saturating_sub(seen.elapsed()));
    }
    let rate = |page: &PageInfo| {
        let later = is_written(page)
            .then(|| registry::inspect(&page.locator.to_string()).ok())
            .flatten()?;
        // Less than before: another page has the name now.
        let writes = count(&later).checked_sub(count(page))?;
        Some(writes as f64 / seen.elapsed().as_secs_f64())
    };
    pages.iter().map(rate).collect()
}
