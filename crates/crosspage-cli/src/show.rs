//! `crosspage show`: a segment's layout and its current value.

use crosspage::layout::{Field, Scalar, StructType, Type};
use crosspage::topic::{Kind, TopicInfo, TopicParticipant};
use serde_json::Value;

use crate::segment::{self, Look};
use crate::table::{self, Align, harmless};
use crate::{Result, json};

/// Show a segment's layout and current value
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    segment: segment::Target,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<String> {
    let look = args.segment.look(false)?;
    Ok(if args.json {
        json::document(&document(&look))
    } else {
        text(&look)
    })
}

fn document(look: &Look) -> Value {
    let written = look.written.as_ref();
    let mut document = json::object([
        ("format", 1.into()),
        ("name", look.name.as_str().into()),
        ("locator", look.locator.as_str().into()),
        ("pattern", look.pattern.into()),
        ("layout", look.layout.as_deref().map_or(Value::Null, layout)),
        (
            "value",
            look.value.as_ref().map_or(Value::Null, json::record),
        ),
        ("version", written.map(|w| w.version).into()),
        ("age_ms", json::milliseconds(written.map(|w| w.age))),
        (
            "writer",
            written.map_or(Value::Null, |w| {
                json::object([("pid", w.pid.into()), ("alive", w.alive.into())])
            }),
        ),
        (
            "participants",
            match &look.topic {
                Some(topic) => topic.participants.iter().map(participant).collect(),
                None => json::participants(&look.participants),
            },
        ),
    ]);
    if let (Some(topic), Some(object)) = (&look.topic, document.as_object_mut()) {
        object.insert("topic".into(), options(topic));
    }
    document
}

/// Of a topic; what it is no question of is null.
fn participant(one: &TopicParticipant) -> Value {
    json::object([
        ("role", one.participant.role.into()),
        ("pid", one.participant.pid.into()),
        ("alive", one.participant.alive.into()),
        ("lag", one.lag.into()),
        ("lost", one.lost.into()),
        ("held", one.held.into()),
        ("published", one.published.into()),
    ])
}

fn options(topic: &TopicInfo) -> Value {
    json::object([
        ("type", topic.kind.as_ref().map(Kind::to_string).into()),
        ("messages", topic.messages.into()),
        (
            "policy",
            topic.policy.map(|policy| policy.to_string()).into(),
        ),
        ("capacity", topic.capacity.into()),
        ("max_message", topic.max_message.into()),
        ("max_held", topic.max_held.into()),
        ("history", topic.history.into()),
        ("send_time", topic.send_time.into()),
        ("checksum", topic.checksum.into()),
    ])
}

pub fn layout(layout: &StructType) -> Value {
    let field = |field: &Field| {
        json::object([
            ("name", field.name.as_str().into()),
            ("type", field.ty.to_string().into()),
            ("offset", field.offset.into()),
            ("size", field.ty.size().into()),
            ("unit", field.unit.as_deref().into()),
        ])
    };
    json::object([
        ("type", layout.name().into()),
        ("size", layout.size().into()),
        ("align", layout.align().into()),
        ("fields", layout.fields().iter().map(field).collect()),
    ])
}

fn text(look: &Look) -> String {
    let what = match (&look.layout, &look.topic) {
        (Some(layout), _) => format!("{}, {} bytes", harmless(layout.name()), layout.size()),
        (None, Some(topic)) => topic.kind.as_ref().map_or_else(
            || "nobody has said what its messages are".to_owned(),
            Kind::to_string,
        ),
        (None, None) => "without a layout".to_owned(),
    };
    let mut text = format!("{}: {}, {what}\n", harmless(&look.locator), look.pattern);
    if let Some(how) = &look.provenance {
        text += &format!("layout {}\n", harmless(how));
    }
    match &look.written {
        Some(w) => {
            let state = if w.alive { "alive" } else { "gone" };
            text += &format!(
                "version {}, written {} ago by pid {} ({state})\n",
                w.version,
                table::age(w.age),
                w.pid
            );
        }
        None if look.topic.is_some() => {}
        None if look.value.is_none() => text += "nothing was written yet\n",
        None => {}
    }
    if let Some(topic) = &look.topic {
        text += &about(topic);
    }
    if look.unstable {
        text += "somebody is writing it all the time: the values may not belong together\n";
    }
    let progress = |i: usize| {
        let topic = look.topic.as_ref()?;
        topic.participants.get(i).map(progress)
    };
    for (i, p) in look.participants.iter().enumerate() {
        text += &format!(
            "{} pid {} ({}){}{}\n",
            p.role,
            p.pid,
            p.language,
            progress(i).unwrap_or_default(),
            if p.alive { "" } else { ", dead" }
        );
    }
    let Some(layout) = &look.layout else {
        return text;
    };
    text.push('\n');

    let columns = [
        ("field", Align::Left),
        ("type", Align::Left),
        ("offset", Align::Right),
        ("value", Align::Left),
    ];
    let values = look.value.as_ref().map(json::record);
    let row = |field: &Field| {
        let value = values.as_ref().and_then(|values| values.get(&field.name));
        // JSON has no NaN; people need no quotes around it.
        let is_float = matches!(field.ty, Type::Scalar(Scalar::F32 | Scalar::F64));
        let shown = value.map(|value| match value.as_str() {
            Some(text) if is_float => text.to_owned(),
            _ => value.to_string(),
        });
        let unit = field
            .unit
            .as_ref()
            .map_or_else(String::new, |unit| format!(" {}", harmless(unit)));
        vec![
            harmless(&field.name),
            harmless(&field.ty.to_string()),
            field.offset.to_string(),
            shown.map_or_else(String::new, |shown| shortened(&harmless(&shown)) + &unit),
        ]
    };
    text + &table::render(
        &columns,
        &layout.fields().iter().map(row).collect::<Vec<_>>(),
    )
}

/// `12 messages so far; policy block, capacity 256.0 KiB, max_held 8`
fn about(topic: &TopicInfo) -> String {
    let options = [
        topic.policy.map(|policy| format!("policy {policy}")),
        topic
            .capacity
            .map(|n| format!("capacity {}", table::bytes(n))),
        topic.max_held.map(|n| format!("max_held {n}")),
        topic
            .history
            .filter(|n| *n > 0)
            .map(|n| format!("history {n}")),
        topic
            .send_time
            .filter(|yes| *yes)
            .map(|_| "send_time".to_owned()),
        topic
            .checksum
            .filter(|yes| *yes)
            .map(|_| "checksum".to_owned()),
    ];
    let options: Vec<String> = options.into_iter().flatten().collect();
    let messages = match topic.messages {
        0 => "nothing was published yet".to_owned(),
        1 => "1 message so far".to_owned(),
        n => format!("{n} messages so far"),
    };
    match options.is_empty() {
        true => format!("{messages}\n"),
        false => format!("{messages}; {}\n", options.join(", ")),
    }
}

/// `: 12 published` of a publisher, `: 3 behind, 0 lost` of a subscriber.
fn progress(one: &TopicParticipant) -> String {
    if let Some(published) = one.published {
        return format!(": {published} published");
    }
    let (Some(lag), Some(lost)) = (one.lag, one.lost) else {
        return String::new();
    };
    let held = one.held.filter(|n| *n > 0);
    let held = held.map_or_else(String::new, |n| format!(", {n} held"));
    format!(": {lag} behind, {lost} lost{held}")
}

/// A table is for looking; `crosspage get` and `--json` give the whole.
pub fn shortened(value: &str) -> String {
    const LONGEST: usize = 300;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", &value[..end], value.chars().count()),
        None => value.to_owned(),
    }
}
