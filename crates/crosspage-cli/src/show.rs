//! `crosspage show`: a segment's layout and its current value.

use crosspage::layout::{Field, Scalar, StructType, Type};
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
    json::object([
        ("format", 1.into()),
        ("name", look.name.as_str().into()),
        ("locator", look.locator.as_str().into()),
        ("pattern", look.pattern.into()),
        ("layout", layout(&look.layout)),
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
        ("participants", json::participants(&look.participants)),
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
    let mut text = format!(
        "{}: {}, {}, {} bytes\n",
        harmless(&look.locator),
        look.pattern,
        harmless(look.layout.name()),
        look.layout.size()
    );
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
        None if look.value.is_none() => text += "nothing was written yet\n",
        None => {}
    }
    if look.unstable {
        text += "somebody is writing it all the time: the values may not belong together\n";
    }
    for p in &look.participants {
        text += &format!(
            "{} pid {} ({}){}\n",
            p.role,
            p.pid,
            p.language,
            if p.alive { "" } else { ", dead" }
        );
    }
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
        &look.layout.fields().iter().map(row).collect::<Vec<_>>(),
    )
}

/// A table is for looking; `crosspage get` and `--json` give the whole.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 300;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", &value[..end], value.chars().count()),
        None => value.to_owned(),
    }
}
