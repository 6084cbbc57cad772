//! Structs for Rust.

use std::collections::HashSet;

use crosspage::Result;
use crosspage::layout::{EnumType, StructType, Type};

use super::{Types, about_tail, snake_case, with_tail};

pub fn rust(layout: &StructType) -> Result<String> {
    let types = Types::of(layout, KEYWORDS)?;
    let mut out = String::new();
    for e in types.enums.iter().filter(|e| !has_aliases(e)) {
        let name = types.name(&e.name);
        out += &format!(
            "#[derive(Clone, Copy, Debug, PartialEq, Eq, crosspage::Layout)]\n#[repr({})]\n{}pub enum {name} {{\n",
            e.repr.name(),
            renamed_type(&e.name, &name),
        );
        for (variant, value) in &e.variants {
            out += &format!("    {} = {value},\n", types.name(variant));
        }
        out += "}\n\n";
    }
    for declared in &types.structs {
        let name = types.name(declared.layout.name());
        let members = types.members(declared, "Rust", snake_case)?;
        let repr = match (declared.pack, declared.align) {
            (None, None) => "C".to_owned(),
            (Some(pack), None) => format!("C, packed({pack})"),
            (None, Some(align)) => format!("C, align({align})"),
            (Some(_), Some(_)) => {
                return Err(declared.unsupported("it is packed and aligned at once", "Rust"));
            }
        };
        let (fields, tail) = declared.header_and_tail("Rust")?;
        let tail = tail.zip(members.last());
        out += &format!(
            "#[derive(Clone, Copy, crosspage::Layout)]\n#[repr({repr})]\n{}{}pub struct {name} {{\n",
            renamed_type(declared.layout.name(), &name),
            tail.map_or_else(String::new, |(_, member)| format!(
                "#[layout(tail = {member:?})]\n"
            )),
        );
        for (field, member) in fields.iter().zip(&members) {
            for line in field.doc.iter().flat_map(|doc| doc.lines()) {
                out += &format!("    /// {line}\n");
            }
            if let Some(unit) = &field.unit {
                out += &format!("    #[layout(unit = {unit:?})]\n");
            }
            out += &format!("    pub {member}: {},\n", type_name(&types, &field.ty));
        }
        out += "}\n\n";
        if let Some((tail, _)) = tail {
            let (alias, ty) = (with_tail(&types, &name), type_name(&types, &tail.ty));
            out += &format!(
                "/// {}\npub type {alias} = ({name}, {ty});\n\n",
                about_tail(tail)
            );
        }
    }
    out.truncate(out.trim_end().len());
    Ok(out + "\n")
}

/// Rust's enums have each value once; with two names for one it stays an integer.
fn has_aliases(e: &EnumType) -> bool {
    let mut seen = HashSet::new();
    e.variants.iter().any(|(_, value)| !seen.insert(value))
}

fn renamed_type(name: &str, here: &str) -> String {
    match name == here {
        true => String::new(),
        false => format!("#[layout(name = {name:?})]\n"),
    }
}

fn type_name(types: &Types, ty: &Type) -> String {
    match ty {
        Type::Scalar(scalar) => scalar.name().to_owned(),
        Type::Text(size) => format!("crosspage::Text<{size}>"),
        Type::Array(element, n) => format!("[{}; {n}]", type_name(types, element)),
        Type::Struct(nested) => types.name(nested.name()),
        Type::Enum(e) if e.variants.is_empty() || has_aliases(e) => e.repr.name().to_owned(),
        Type::Enum(e) => types.name(&e.name),
        Type::Tail(element) => format!("[{}]", type_name(types, element)),
    }
}

/// And what is no name of a member, and types that mean something else to the derive.
const KEYWORDS: &[&str] = &[
    "CString", "OsString", "PathBuf", "Self", "String", "_", "abstract", "as", "async", "await",
    "become", "box", "break", "char", "const", "continue", "crate", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "isize", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self",
    "static", "str", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe",
    "unsized", "use", "usize", "virtual", "where", "while", "yield",
];
