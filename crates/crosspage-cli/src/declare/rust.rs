//! Structs for Rust.

use std::collections::HashSet;

use crosspage::Result;
use crosspage::layout::{EnumType, StructType, Type};

use super::{Types, identifier, member, snake_case};

pub fn rust(layout: &StructType) -> Result<String> {
    let types = Types::of(layout)?;
    let mut out = String::new();
    for e in types.enums.iter().filter(|e| !has_aliases(e)) {
        let name = identifier(&e.name);
        out += &format!(
            "#[derive(Clone, Copy, Debug, PartialEq, Eq, crosspage::Layout)]\n#[repr({})]\n{}pub enum {name} {{\n",
            e.repr.name(),
            renamed_type(&e.name),
        );
        for (variant, value) in &e.variants {
            out += &format!("    {} = {value},\n", member(variant, KEYWORDS));
        }
        out += "}\n\n";
    }
    for declared in &types.structs {
        declared.without_tail("Rust")?;
        let repr = match (declared.pack, declared.align) {
            (None, None) => "C".to_owned(),
            (Some(pack), None) => format!("C, packed({pack})"),
            (None, Some(align)) => format!("C, align({align})"),
            (Some(_), Some(_)) => {
                return Err(declared.unsupported("it is packed and aligned at once", "Rust"));
            }
        };
        out += &format!(
            "#[derive(Clone, Copy, crosspage::Layout)]\n#[repr({repr})]\n{}pub struct {} {{\n",
            renamed_type(declared.layout.name()),
            declared.name(),
        );
        for field in declared.layout.fields() {
            for line in field.doc.iter().flat_map(|doc| doc.lines()) {
                out += &format!("    /// {line}\n");
            }
            if let Some(unit) = &field.unit {
                out += &format!("    #[layout(unit = {unit:?})]\n");
            }
            let name = member(&snake_case(&field.name), KEYWORDS);
            out += &format!("    pub {name}: {},\n", type_name(&field.ty));
        }
        out += "}\n\n";
    }
    out.truncate(out.trim_end().len());
    Ok(out + "\n")
}

/// Rust's enums have each value once; with two names for one it stays an integer.
fn has_aliases(e: &EnumType) -> bool {
    let mut seen = HashSet::new();
    e.variants.iter().any(|(_, value)| !seen.insert(value))
}

fn renamed_type(name: &str) -> String {
    match identifier(name) == name {
        true => String::new(),
        false => format!("#[layout(name = {name:?})]\n"),
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Scalar(scalar) => scalar.name().to_owned(),
        Type::Text(size) => format!("crosspage::Text<{size}>"),
        Type::Array(element, n) => format!("[{}; {n}]", type_name(element)),
        Type::Struct(nested) => identifier(nested.name()),
        Type::Enum(e) if e.variants.is_empty() || has_aliases(e) => e.repr.name().to_owned(),
        Type::Enum(e) => identifier(&e.name),
        Type::Tail(element) => format!("[{}]", type_name(element)),
    }
}

const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
