//! A header for C, with the table that describes the struct.

use crosspage::Result;
use crosspage::layout::{Field, StructType, Type};

use super::{C_KEYWORDS, Types, c_integer, c_member, c_scalar, c_string, identifier, member};

pub fn c(layout: &StructType) -> Result<String> {
    let types = Types::of(layout)?;
    let mut out = String::from(
        "#pragma once\n#include <crosspage.h>\n#include <stdbool.h>\n#include <stdint.h>\n",
    );
    for e in &types.enums {
        let name = identifier(&e.name);
        out += &format!("\ntypedef {} {name};\n", c_scalar(e.repr));
        for (variant, value) in &e.variants {
            let value = c_integer(*value);
            out += &format!("#define {name}_{} (({name}){value})\n", identifier(variant));
        }
        out += &format!("static const crosspage_enumerator {name}_values[] = {{\n");
        for (variant, _) in &e.variants {
            let constant = format!("{name}_{}", identifier(variant));
            out += &format!("    {{{}, (int64_t){constant}}},\n", c_string(variant));
        }
        out += &format!(
            "}};\nstatic const crosspage_enum {name}_enum = CROSSPAGE_ENUM({name}, {name}_values);\n"
        );
    }
    for declared in &types.structs {
        declared.without_tail("C")?;
        let name = declared.name();
        out.push('\n');
        if let Some(pack) = declared.pack {
            out += &format!("#pragma pack(push, {pack})\n");
        }
        out += &format!("typedef struct {name} {{\n");
        for (i, field) in declared.layout.fields().iter().enumerate() {
            let alignas = match declared.align {
                Some(align) if i == 0 => format!("_Alignas({align}) "),
                _ => String::new(),
            };
            let member = c_member(&field.ty, &member(&field.name, C_KEYWORDS), "");
            out += &format!("  {alignas}{member};\n");
        }
        out += &format!("}} {name};\n");
        if declared.pack.is_some() {
            out += "#pragma pack(pop)\n";
        }
        out += &format!("static const crosspage_field {name}_fields[] = {{\n");
        for field in declared.layout.fields() {
            out += &format!("    {},\n", entry(&name, field));
        }
        out += &format!(
            "}};\nstatic const crosspage_struct {name}_layout = CROSSPAGE_LAYOUT({name}, {name}_fields);\n"
        );
    }
    Ok(out)
}

/// A field's line in the table: by a macro where there is one.
fn entry(of: &str, field: &Field) -> String {
    let member = member(&field.name, C_KEYWORDS);
    let (base, dims) = field.ty.base_and_dims();
    let note = |note: &Option<String>| note.as_deref().map_or("NULL".to_owned(), c_string);
    let (unit, doc) = (note(&field.unit), note(&field.doc));
    let notes = field.unit.is_some() || field.doc.is_some();
    let is_number = match base {
        Type::Scalar(_) => true,
        Type::Enum(e) => e.variants.is_empty(),
        _ => false,
    };
    let by_macro = match (base, dims.len()) {
        (Type::Text(_), 0) => Some("FIELD"),
        (_, 0 | 1) if is_number => Some("FIELD"),
        _ if notes => None,
        (Type::Text(_), 1) => Some("FIELD_TEXTS"),
        (_, 2) if is_number => Some("FIELD_2D"),
        (Type::Struct(_), 0) => Some("FIELD_STRUCT"),
        (Type::Struct(_), 1) => Some("FIELD_STRUCTS"),
        (Type::Enum(_), 0) => Some("FIELD_ENUM"),
        (Type::Enum(_), 1) => Some("FIELD_ENUMS"),
        _ => None,
    };
    if let Some(by_macro) = by_macro {
        let (also, more) = match base {
            Type::Struct(nested) => ("", format!(", {}_layout", identifier(nested.name()))),
            Type::Enum(e) if !e.variants.is_empty() => {
                ("", format!(", {}_enum", identifier(&e.name)))
            }
            _ if notes => ("_DOC", format!(", {unit}, {doc}")),
            _ => ("", String::new()),
        };
        return format!("CROSSPAGE_{by_macro}{also}({of}, {member}{more})");
    }
    let (ty, nested, enumeration) = match base {
        Type::Scalar(scalar) => (scalar.name(), None, None),
        Type::Text(_) => ("text", None, None),
        Type::Struct(nested) => ("struct", Some(identifier(nested.name())), None),
        Type::Enum(e) if e.variants.is_empty() => (e.repr.name(), None, None),
        Type::Enum(e) => ("enum", None, Some(identifier(&e.name))),
        Type::Array(..) | Type::Tail(_) => unreachable!("base_and_dims looks into these"),
    };
    let pointer =
        |name: Option<String>, what| name.map_or("NULL".into(), |n| format!("&{n}_{what}"));
    let list: Vec<String> = dims.iter().map(usize::to_string).collect();
    format!(
        "{{{}, offsetof({of}, {member}), sizeof((({of} *)0)->{member}), CROSSPAGE_TYPE_{}, {}, {{{}}}, {}, {}, {unit}, {doc}}}",
        c_string(&field.name),
        ty.to_ascii_uppercase(),
        dims.len(),
        if list.is_empty() {
            "0".to_owned()
        } else {
            list.join(", ")
        },
        pointer(nested, "layout"),
        pointer(enumeration, "enum"),
    )
}
