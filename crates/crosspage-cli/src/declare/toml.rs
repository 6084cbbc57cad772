//! A schema file.

use std::fmt::Write;

use crosspage::Result;
use crosspage::layout::{StructType, Type};

use super::{Types, dimension, identifier, json_string};

pub fn toml(layout: &StructType) -> Result<String> {
    let types = Types::of(layout, &[])?;
    let mut out = String::new();
    for declared in types.structs.iter().rev() {
        let layout = declared.layout;
        writeln!(out, "[struct.{}]", key(&identifier(layout.name()))).expect("writing to a String");
        if let Some(pack) = declared.pack {
            out += &format!("pack = {pack}\n");
        }
        if let Some(align) = declared.align {
            out += &format!("align = {align}\n");
        }
        out += &format!("size = {}\nfields = [\n", layout.size());
        for field in layout.fields() {
            out += &format!(
                "  {{ name = {}, type = {}, offset = {}",
                json_string(&field.name),
                json_string(&type_name(&field.ty)),
                field.offset
            );
            for (key, note) in [("unit", &field.unit), ("doc", &field.doc)] {
                if let Some(note) = note {
                    out += &format!(", {key} = {}", json_string(note));
                }
            }
            out += " },\n";
        }
        out += "]\n\n";
    }
    for e in types.enums {
        out += &format!(
            "[enum.{}]\ntype = \"{}\"\n",
            key(&identifier(&e.name)),
            e.repr.name()
        );
        let values: Vec<String> = e
            .variants
            .iter()
            .map(|(name, value)| format!("{} = {value}", json_string(name)))
            .collect();
        out += &format!("values = {{ {} }}\n\n", values.join(", "));
    }
    out.truncate(out.trim_end().len());
    Ok(out + "\n")
}

/// A part of a table's name.
fn key(name: &str) -> String {
    match name.is_ascii() {
        true => name.to_owned(),
        false => json_string(name),
    }
}

fn type_name(ty: &Type) -> String {
    let (base, dims) = ty.base_and_dims();
    let dims: String = dims.into_iter().map(dimension).collect();
    match base {
        Type::Scalar(scalar) => format!("{}{dims}", scalar.name()),
        // The dimensions of an array of texts come before the size of each.
        Type::Text(size) => format!("text[{size}]{dims}"),
        Type::Struct(nested) => format!("{}{dims}", identifier(nested.name())),
        Type::Enum(e) if e.variants.is_empty() => format!("{}{dims}", e.repr.name()),
        Type::Enum(e) => format!("{}{dims}", identifier(&e.name)),
        Type::Array(..) | Type::Tail(_) => unreachable!("base_and_dims looks into these"),
    }
}
