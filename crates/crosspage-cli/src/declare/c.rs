//! A header for C, with the table that describes the struct.

use crosspage::Result;
use crosspage::layout::{Field, StructType, Type};

use super::{C_KEYWORDS, Types, c_integer, c_member, c_scalar, c_string, identifier};

pub fn c(layout: &StructType) -> Result<String> {
    let types = Types::of(layout, C_KEYWORDS)?;
    let mut out = String::from(
        "#pragma once\n#include <crosspage.h>\n#include <stdbool.h>\n#include <stdint.h>\n",
    );
    for e in &types.enums {
        let name = types.name(&e.name);
        out += &format!("\ntypedef {} {name};\n", c_scalar(e.repr));
        for (variant, value) in &e.variants {
            let value = c_integer(*value);
            let constant = constant(&name, variant);
            out += &format!("#define {constant} (({name}){value})\n");
        }
        out += &format!("static const crosspage_enumerator {name}_values[] = {{\n");
        for (variant, _) in &e.variants {
            let constant = constant(&name, variant);
            out += &format!("    {{{}, (int64_t){constant}}},\n", c_string(variant));
        }
        out += &format!(
            "}};\nstatic const crosspage_enum {name}_enum = CROSSPAGE_ENUM({name}, {name}_values);\n"
        );
    }
    for declared in &types.structs {
        let name = types.name(declared.layout.name());
        let members = types.members(declared, "C", str::to_owned)?;
        out.push('\n');
        if let Some(pack) = declared.pack {
            out += &format!("#pragma pack(push, {pack})\n");
        }
        out += &format!("typedef struct {name} {{\n");
        let mut alignas = declared
            .align
            .map_or_else(String::new, |n| format!("_Alignas({n}) "));
        for (field, member) in declared.layout.fields().iter().zip(&members) {
            let member = c_member(&types, &field.ty, member, "");
            // That of the first member is the struct's.
            out += &format!("  {}{member};\n", std::mem::take(&mut alignas));
        }
        out += &format!("}} {name};\n");
        if declared.pack.is_some() {
            out += "#pragma pack(pop)\n";
        }
        out += &format!("static const crosspage_field {name}_fields[] = {{\n");
        for (field, member) in declared.layout.fields().iter().zip(&members) {
            out += &format!("    {},\n", entry(&types, &name, field, member));
        }
        out += &format!(
            "}};\nstatic const crosspage_struct {name}_layout = CROSSPAGE_LAYOUT({name}, {name}_fields);\n"
        );
    }
    Ok(out)
}

/// An enum's value, beside its tables `_enum` and `_values`.
fn constant(of: &str, variant: &str) -> String {
    match identifier(variant) {
        taken if ["enum", "values"].contains(&taken.as_str()) => format!("{of}_{taken}_"),
        free => format!("{of}_{free}"),
    }
}

/// A field's line in the table: by a macro where there is one.
fn entry(types: &Types, of: &str, field: &Field, member: &str) -> String {
    let (base, dims) = field.ty.base_and_dims();
    let note = |note: &Option<String>| note.as_deref().map_or("NULL".to_owned(), c_string);
    let (unit, doc) = (note(&field.unit), note(&field.doc));
    let notes = field.unit.is_some() || field.doc.is_some();
    let is_number = match base {
        Type::Scalar(_) => true,
        Type::Enum(e) => e.variants.is_empty(),
        _ => false,
    };
    let is_tail = matches!(field.ty, Type::Tail(_));
    let by_macro = match (base, dims.len()) {
        (_, 1) if is_tail && is_number => Some("FIELD_TAIL"),
        _ if is_tail => None,
        (Type::Text(_), 0) => Some("FIELD"),
        (Type::Text(_), 1) => Some("FIELD_TEXTS"),
        (Type::Struct(_), 0) => Some("FIELD_STRUCT"),
        (Type::Struct(_), 1) => Some("FIELD_STRUCTS"),
        (_, 0 | 1) if is_number => Some("FIELD"),
        (_, 2) if is_number => Some("FIELD_2D"),
        (Type::Enum(_), 0) => Some("FIELD_ENUM"),
        (Type::Enum(_), 1) => Some("FIELD_ENUMS"),
        _ => None,
    };
    if let Some(by_macro) = by_macro {
        let table = match base {
            Type::Struct(nested) => format!(", {}_layout", types.name(nested.name())),
            Type::Enum(e) if !e.variants.is_empty() => format!(", {}_enum", types.name(&e.name)),
            _ => String::new(),
        };
        return match notes {
            true => format!("CROSSPAGE_{by_macro}_DOC({of}, {member}{table}, {unit}, {doc})"),
            false => format!("CROSSPAGE_{by_macro}({of}, {member}{table})"),
        };
    }
    let (ty, nested, enumeration) = match base {
        Type::Scalar(scalar) => (scalar.name(), None, None),
        Type::Text(_) => ("text", None, None),
        Type::Struct(nested) => ("struct", Some(types.name(nested.name())), None),
        Type::Enum(e) if e.variants.is_empty() => (e.repr.name(), None, None),
        Type::Enum(e) => ("enum", None, Some(types.name(&e.name))),
        Type::Array(..) | Type::Tail(_) => unreachable!("base_and_dims looks into these"),
    };
    let pointer =
        |name: Option<String>, what| name.map_or("NULL".into(), |n| format!("&{n}_{what}"));
    let list: Vec<String> = dims.iter().map(usize::to_string).collect();
    // Of a tail it is that of one element.
    let first = if is_tail { "[0]" } else { "" };
    format!(
        "{{{}, offsetof({of}, {member}), sizeof((({of} *)0)->{member}{first}), CROSSPAGE_TYPE_{}, {}, {{{}}}, {}, {}, {unit}, {doc}}}",
        c_string(&field.name),
        ty.to_ascii_uppercase(),
        dims.len(),
        list.join(", "),
        pointer(nested, "layout"),
        pointer(enumeration, "enum"),
    )
}
