//! A layout as its declaration in a language, which declares the same layout again.

mod c;
mod cpp;
mod python;
mod rust;
mod toml;

use crosspage::layout::{EnumType, Field, Scalar, StructType, Type};
use crosspage::{Error, ErrorKind, Result};

pub use c::c;
pub use cpp::cpp;
pub use python::python;
pub use rust::rust;
pub use toml::toml;

/// The types that a layout is made of, each before those that use it; the layout itself is the last.
pub struct Types<'a> {
    pub enums: Vec<&'a EnumType>,
    pub structs: Vec<Declared<'a>>,
    /// Of the language.
    keywords: &'static [&'static str],
}

/// What the declarations themselves use, in one language or another.
const USED: [&str; 4] = ["crosspage", "std", "Annotated", "Sequence"];

/// A struct, and what makes a compiler lay it out like this.
pub struct Declared<'a> {
    pub layout: &'a StructType,
    /// As `#pragma pack` takes it.
    pub pack: Option<usize>,
    /// As `alignas` takes it: more than the fields ask for.
    pub align: Option<usize>,
}

impl<'a> Declared<'a> {
    /// The fields before the tail of a message, and the tail, for a language that has no struct of both.
    fn header_and_tail(&self, language: &str) -> Result<(&'a [Field], Option<&'a Field>)> {
        let fields = self.layout.fields();
        let (Some((tail, header)), Some(element)) = (fields.split_last(), self.layout.tail())
        else {
            return Ok((fields, None));
        };
        let name = self.layout.name();
        let natural = StructType::natural(name, header.to_vec(), self.pack)?;
        let align = natural.align().max(self.align.unwrap_or(1));
        let size = natural.size().next_multiple_of(align);
        // Such languages put it where its elements are aligned, whatever the header's packing.
        let declared = StructType::new(name, size, align, header.to_vec())?
            .with_tail(tail.clone(), element.align_natural())?;
        match declared == *self.layout {
            true => Ok((header, Some(tail))),
            false => Err(self.unsupported("its tail is packed", language)),
        }
    }

    /// For a language that has no such thing.
    fn unsupported(&self, what: &str, language: &str) -> Error {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "struct {} cannot be declared in {language}: {what}",
                self.layout.name()
            ),
        )
    }
}

impl<'a> Types<'a> {
    pub fn of(layout: &'a StructType, keywords: &'static [&'static str]) -> Result<Types<'a>> {
        let mut types = Types {
            enums: Vec::new(),
            structs: Vec::new(),
            keywords,
        };
        types.add_struct(layout)?;
        let mut names: Vec<String> = types.names().collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(types),
            Some(pair) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("two different types of this layout are named {}", pair[0]),
            )),
        }
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let structs = self.structs.iter().map(|declared| declared.layout.name());
        let enums = self.enums.iter().map(|e| e.name.as_str());
        structs.chain(enums).map(|name| self.name(name))
    }

    /// How a type of this name, or an enum's value, is named in the language.
    pub fn name(&self, name: &str) -> String {
        let name = identifier(name);
        match self.keywords.contains(&name.as_str()) || USED.contains(&name.as_str()) {
            true => name + "_",
            false => name,
        }
    }

    /// How the members of a struct are named, which `spell` spells in the language's way. Layouts agree
    /// whatever `_` there are, so one more tells them from keywords, and from types.
    fn members(
        &self,
        of: &Declared,
        language: &str,
        spell: fn(&str) -> String,
    ) -> Result<Vec<String>> {
        let types: Vec<String> = self.names().collect();
        let member = |field: &Field| {
            let mut member = self.name(&spell(&field.name));
            if types.contains(&member) {
                member.push('_');
            }
            match agree(&member, &field.name) {
                true => Ok(member),
                false => {
                    Err(of.unsupported(&format!("no member can be named {}", field.name), language))
                }
            }
        };
        of.layout.fields().iter().map(member).collect()
    }

    fn add_struct(&mut self, layout: &'a StructType) -> Result<()> {
        if self.structs.iter().any(|known| known.layout == layout) {
            return Ok(());
        }
        for field in layout.fields() {
            match field.ty.base_and_dims().0 {
                Type::Struct(nested) => self.add_struct(nested)?,
                // One without names is no more than its integer.
                Type::Enum(e) if !e.variants.is_empty() && !self.enums.contains(&&**e) => {
                    self.enums.push(e);
                }
                _ => {}
            }
        }
        self.structs.push(placed(layout)?);
        Ok(())
    }
}

/// Finds what makes a compiler put the fields where they are.
fn placed(layout: &StructType) -> Result<Declared<'_>> {
    for pack in [None, Some(8), Some(4), Some(2), Some(1)] {
        let fields = layout.fields().to_vec();
        let natural = StructType::natural(layout.name(), fields, pack)?;
        let (size, align) = (layout.size(), layout.align());
        if natural.fields() != layout.fields() || align < natural.align() {
            continue;
        }
        if size == natural.size().next_multiple_of(align) {
            let align = (align > natural.align()).then_some(align);
            return Ok(Declared {
                layout,
                pack,
                align,
            });
        }
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "no packing and no alignment puts the fields of struct {} where they are",
            layout.name()
        ),
    )
    .with_hint("declare it by hand, with fields for the gaps, and attach by name"))
}

/// A name of letters, digits and `_`: `robot::Arm<2>` is `robot_Arm_2`.
fn identifier(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '_');
    let name = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    match name.chars().next() {
        Some(c) if !c.is_numeric() => name,
        _ => format!("T{name}"),
    }
}

/// Whether two names are one to layouts: but for ASCII case and `_`, where they have anything else.
fn agree(a: &str, b: &str) -> bool {
    let (bare_a, bare_b) = (a.replace('_', ""), b.replace('_', ""));
    match bare_a.is_empty() && bare_b.is_empty() {
        true => a == b,
        false => bare_a.eq_ignore_ascii_case(&bare_b),
    }
}

/// `processId` as `process_id`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
        before = c;
    }
    snake
}

/// `[3]` of an array, or `[]` of a tail.
fn dimension(n: usize) -> String {
    match n {
        0 => "[]".to_owned(),
        n => format!("[{n}]"),
    }
}

/// How messages with this header and a tail are named.
fn with_tail(types: &Types, name: &str) -> String {
    let mut alias = format!("{name}WithTail");
    while types.names().any(|name| name == alias) {
        alias.push('_');
    }
    alias
}

/// What a tail is, in a line for people: nothing that is declared says its unit and its meaning. (Its last
/// character continues no line.)
fn about_tail(tail: &Field) -> String {
    let unit = tail.unit.iter().map(|unit| format!(", in {unit}"));
    let doc = tail.doc.iter().map(|doc| format!(", {doc}"));
    let about: String = unit.chain(doc).collect();
    let about = about.replace(['\r', '\n'], " ");
    format!("With the tail `{}` (`{}`{about})", tail.name, tail.ty)
}

/// A string literal of C and C++.
fn c_string(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '?' => literal.extend(['\\', c]),
            c if c.is_ascii_control() => literal += &format!("\\{:03o}", c as u32),
            c => literal.push(c),
        }
    }
    literal + "\""
}

/// A string literal of JSON, TOML and Python.
fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `std::int32_t` without its namespace.
fn c_scalar(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "bool",
        Scalar::I8 => "int8_t",
        Scalar::I16 => "int16_t",
        Scalar::I32 => "int32_t",
        Scalar::I64 => "int64_t",
        Scalar::U8 => "uint8_t",
        Scalar::U16 => "uint16_t",
        Scalar::U32 => "uint32_t",
        Scalar::U64 => "uint64_t",
        Scalar::F32 => "float",
        Scalar::F64 => "double",
    }
}

/// An integer literal of C and C++.
fn c_integer(value: i128) -> String {
    match value {
        v if v == i128::from(i64::MIN) => "(-INT64_C(9223372036854775807) - 1)".to_owned(),
        v if v < 0 || v <= i128::from(i32::MAX) => v.to_string(),
        v if v <= i128::from(i64::MAX) => format!("INT64_C({v})"),
        v => format!("UINT64_C({v})"),
    }
}

/// A member of C and C++: `float position[3]`.
fn c_member(types: &Types, ty: &Type, name: &str, namespace: &str) -> String {
    let (base, dims) = ty.base_and_dims();
    let mut dims: String = dims.iter().copied().map(dimension).collect();
    let integer = |scalar| match c_scalar(scalar) {
        name if name.ends_with("_t") => format!("{namespace}{name}"),
        name => name.to_owned(),
    };
    let base = match base {
        Type::Scalar(scalar) => integer(*scalar),
        Type::Text(size) => {
            dims += &format!("[{size}]");
            "char".to_owned()
        }
        Type::Struct(nested) => types.name(nested.name()),
        Type::Enum(e) if e.variants.is_empty() => integer(e.repr),
        Type::Enum(e) => types.name(&e.name),
        Type::Array(..) | Type::Tail(_) => unreachable!("base_and_dims looks into these"),
    };
    format!("{base} {name}{dims}")
}

/// The keywords that C and C++ have in common, and those of C++.
const C_KEYWORDS: &[&str] = &[
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(identifier("robot::Arm<2>"), "robot_Arm_2");
        assert_eq!(identifier("2nd"), "T2nd");
        assert_eq!(identifier("größe"), "größe");
        assert!(agree("class_", "class") && agree("process_id", "processId"));
        assert!(!agree("a_b", "a$b") && !agree("__", "_"));
        assert_eq!(snake_case("processId"), "process_id");
        assert_eq!(snake_case("HTTPCode2X"), "httpcode2_x");
        assert_eq!(c_string("a \"b\"\n°"), r#""a \"b\"\012°""#);
    }
}
