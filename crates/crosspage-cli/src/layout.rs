//! `crosspage layout`: a layout, as a table or as its declaration in a language.

use crosspage::layout::{Field, StructType, Type};

use crate::source::Source;
use crate::table::{self, Align, harmless};
use crate::{Result, declare, json, show};

/// Print a layout, or its declaration in a language
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  crosspage layout telemetry
  crosspage layout telemetry --as cpp > telemetry.hpp
  crosspage layout schema.toml#SharedData --as python
  crosspage layout ./writer#SharedData             (compiled with -g)
  crosspage layout include/data.hpp#robot::Pose    (CXX, CPPFLAGS, CXXFLAGS as for make)")]
pub struct Args {
    /// A segment or a layout source (PATH#TYPE)
    #[arg(value_name = "SEG|PATH#TYPE")]
    source: Source,
    /// As what
    #[arg(long = "as", value_name = "FORM", default_value = "table")]
    form: Form,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    Table,
    Json,
    Toml,
    C,
    Cpp,
    Python,
    Rust,
}

pub fn run(args: &Args) -> Result<String> {
    let (layout, provenance) = args.source.layout()?;
    match args.form {
        Form::Table => {
            let learned = provenance.map_or_else(String::new, |how| harmless(&how) + "\n\n");
            Ok(learned + &table(&layout))
        }
        Form::Json => Ok(json::document(&show::layout(&layout))),
        Form::Toml => declare::toml(&layout),
        Form::C => declare::c(&layout),
        Form::Cpp => declare::cpp(&layout),
        Form::Python => declare::python(&layout),
        Form::Rust => declare::rust(&layout),
    }
}

/// The struct and those that it is made of.
fn table(layout: &StructType) -> String {
    let mut structs = Vec::new();
    collect(layout, &mut structs);
    let tables: Vec<String> = structs.into_iter().map(one).collect();
    tables.join("\n")
}

fn collect<'a>(layout: &'a StructType, structs: &mut Vec<&'a StructType>) {
    if structs.contains(&layout) {
        return;
    }
    structs.push(layout);
    for field in layout.fields() {
        if let Type::Struct(nested) = field.ty.base_and_dims().0 {
            collect(nested, structs);
        }
    }
}

fn one(layout: &StructType) -> String {
    let note = |note: &Option<String>| note.as_deref().map_or_else(String::new, harmless);
    let row = |field: &Field| {
        vec![
            harmless(&field.name),
            harmless(&field.ty.to_string()),
            field.offset.to_string(),
            field.ty.size().to_string(),
            note(&field.unit),
            note(&field.doc),
        ]
    };
    let columns = [
        ("field", Align::Left),
        ("type", Align::Left),
        ("offset", Align::Right),
        ("size", Align::Right),
        ("unit", Align::Left),
        ("", Align::Left),
    ];
    let rows: Vec<Vec<String>> = layout.fields().iter().map(row).collect();
    format!(
        "{}: {} bytes, aligned to {}\n{}",
        harmless(layout.name()),
        layout.size(),
        layout.align(),
        table::render(&columns, &rows)
    )
}
