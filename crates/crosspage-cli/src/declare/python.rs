//! Classes for Python.

use crosspage::Result;
use crosspage::layout::{Field, Scalar, StructType, Type};

use super::{Types, json_string, snake_case};

pub fn python(layout: &StructType) -> Result<String> {
    let types = Types::of(layout, KEYWORDS)?;
    let mut out = String::new();
    for e in &types.enums {
        out += &format!("\n\nclass {}(enum.IntEnum):\n", types.name(&e.name));
        for (variant, value) in &e.variants {
            out += &format!("    {} = {value}\n", types.name(variant));
        }
    }
    for declared in &types.structs {
        let members = types.members(declared, "Python", spell)?;
        if declared.align.is_some() {
            return Err(
                declared.unsupported("it is aligned to more than its fields ask for", "Python")
            );
        }
        let pack = declared
            .pack
            .map_or_else(String::new, |pack| format!(", pack={pack}"));
        let name = types.name(declared.layout.name());
        out += &format!("\n\nclass {name}(crosspage.Struct{pack}):\n");
        for (field, member) in declared.layout.fields().iter().zip(members) {
            out += &format!("    {member}: {}\n", annotation(&types, field));
        }
    }
    let mut imports = String::new();
    for (module, line) in [
        ("enum.", "import enum\n"),
        ("Sequence[", "from collections.abc import Sequence\n"),
        ("Annotated[", "from typing import Annotated\n"),
    ] {
        if out.contains(module) {
            imports += line;
        }
    }
    if !imports.is_empty() {
        imports.push('\n');
    }
    Ok(format!("{imports}import crosspage\n{out}"))
}

/// Names that start with two underscores are Python's own.
fn spell(name: &str) -> String {
    let name = snake_case(name);
    match name.strip_prefix("__") {
        Some(rest) => rest.trim_start_matches('_').to_owned(),
        None => name,
    }
}

/// `Sequence[float] = crosspage.array(crosspage.f32, 3)`, and `crosspage.tail(crosspage.f32)`
fn annotation(types: &Types, field: &Field) -> String {
    let mut notes = String::new();
    for (key, note) in [("unit", &field.unit), ("doc", &field.doc)] {
        if let Some(note) = note {
            notes += &format!(", {key}={}", json_string(note));
        }
    }
    let first = |notes: &str| notes.trim_start_matches(", ").to_owned();
    let (base, dims) = field.ty.base_and_dims();
    if !dims.is_empty() {
        // A tail has as many as its message says.
        let (declared, lengths) = match field.ty {
            Type::Tail(_) => ("tail", &dims[1..]),
            _ => ("array", &dims[..]),
        };
        let lengths = lengths.iter().map(|n| format!(", {n}"));
        let lengths: String = lengths.collect();
        let (item, spec) = match base {
            Type::Scalar(scalar) => (item_of(*scalar).to_owned(), scalar_name(*scalar)),
            Type::Text(size) => ("str".to_owned(), format!("crosspage.text({size})")),
            Type::Struct(nested) => (types.name(nested.name()), types.name(nested.name())),
            Type::Enum(e) if e.variants.is_empty() => ("int".to_owned(), scalar_name(e.repr)),
            Type::Enum(e) => {
                let name = types.name(&e.name);
                let spec = format!("Annotated[{name}, {}]", scalar_name(e.repr));
                (name, spec)
            }
            Type::Array(..) | Type::Tail(_) => unreachable!("base_and_dims looks into these"),
        };
        let sequence = dims
            .iter()
            .fold(item, |item, _| format!("Sequence[{item}]"));
        return format!("{sequence} = crosspage.{declared}({spec}{lengths}{notes})");
    }
    let scalar = |scalar| match notes.is_empty() {
        true => scalar_name(scalar),
        false => format!(
            "{} = crosspage.field({})",
            scalar_name(scalar),
            first(&notes)
        ),
    };
    match base {
        Type::Scalar(of) => scalar(*of),
        Type::Enum(e) if e.variants.is_empty() => scalar(e.repr),
        Type::Text(size) => format!("str = crosspage.text({size}{notes})"),
        Type::Struct(nested) if notes.is_empty() => types.name(nested.name()),
        Type::Struct(nested) => {
            format!(
                "{} = crosspage.field({})",
                types.name(nested.name()),
                first(&notes)
            )
        }
        Type::Enum(e) => {
            let (name, repr) = (types.name(&e.name), scalar_name(e.repr));
            format!("{name} = crosspage.field({name}, repr={repr}{notes})")
        }
        Type::Array(..) | Type::Tail(_) => unreachable!("base_and_dims looks into these"),
    }
}

fn scalar_name(scalar: Scalar) -> String {
    format!("crosspage.{}", scalar.name())
}

fn item_of(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "bool",
        Scalar::F32 | Scalar::F64 => "float",
        _ => "int",
    }
}

const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "enum", "except", "finally", "for", "from", "global", "if",
    "import", "in", "is", "lambda", "mro", "nonlocal", "not", "or", "pass", "raise", "return",
    "try", "while", "with", "yield",
];
