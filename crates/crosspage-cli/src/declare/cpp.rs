//! A header for C++17 and later.

use crosspage::Result;
use crosspage::layout::{StructType, Type};

use super::{C_KEYWORDS, Types, about_tail, c_integer, c_member, c_scalar, c_string, with_tail};

pub fn cpp(layout: &StructType) -> Result<String> {
    let types = Types::of(layout, C_KEYWORDS)?;
    let mut out = String::from("#pragma once\n#include <crosspage.hpp>\n");
    if layout.tail().is_some() {
        out += "#include <array>\n";
    }
    out += "#include <cstdint>\n";
    for e in &types.enums {
        let name = types.name(&e.name);
        out += &format!("\nenum class {name} : std::{} {{\n", c_scalar(e.repr));
        for (variant, value) in &e.variants {
            out += &format!("  {} = {},\n", types.name(variant), c_integer(*value));
        }
        let variants: Vec<String> = e
            .variants
            .iter()
            .map(|(name, _)| types.name(name))
            .collect();
        out += &format!("}};\nCROSSPAGE_ENUM({name}, {});\n", variants.join(", "));
    }
    for declared in &types.structs {
        let name = types.name(declared.layout.name());
        let members = types.members(declared, "C++", str::to_owned)?;
        let (fields, tail) = declared.header_and_tail("C++")?;
        let (members, of_tail) = members.split_at(fields.len());
        out.push('\n');
        if let Some(pack) = declared.pack {
            out += &format!("#pragma pack(push, {pack})\n");
        }
        let alignas = declared
            .align
            .map_or_else(String::new, |n| format!("alignas({n}) "));
        out += &format!("struct {alignas}{name} {{\n");
        for (field, member) in fields.iter().zip(members) {
            let field = c_member(&types, &field.ty, member, "std::");
            out += &format!("  {field};\n");
        }
        out += "};\n";
        if declared.pack.is_some() {
            out += "#pragma pack(pop)\n";
        }
        out += &format!("CROSSPAGE_STRUCT({name}, {});\n", members.join(", "));
        let notes: Vec<String> = fields
            .iter()
            .zip(members)
            .filter(|(field, _)| field.unit.is_some() || field.doc.is_some())
            .map(|(field, member)| {
                let unit = field.unit.as_deref().map_or("nullptr".to_owned(), c_string);
                let doc = field
                    .doc
                    .as_deref()
                    .map_or(String::new(), |doc| ", ".to_owned() + &c_string(doc));
                format!("({member}, {unit}{doc})")
            })
            .collect();
        if !notes.is_empty() {
            out += &format!("CROSSPAGE_UNITS({name}, {});\n", notes.join(", "));
        }
        if let (Some(tail), [member]) = (tail, of_tail)
            && let Some(element) = declared.layout.tail()
        {
            out += &format!(
                "CROSSPAGE_TAIL({name}, {member});\n// {}\nusing {} = crosspage::with_tail<{name}, {}>;\n",
                about_tail(tail),
                with_tail(&types, &name),
                element_name(&types, element),
            );
        }
    }
    Ok(out)
}

/// A type without a member: arrays are objects.
fn element_name(types: &Types, ty: &Type) -> String {
    match ty {
        Type::Array(element, n) => format!("std::array<{}, {n}>", element_name(types, element)),
        Type::Text(size) => format!("std::array<char, {size}>"),
        other => c_member(types, other, "", "std::").trim_end().to_owned(),
    }
}
