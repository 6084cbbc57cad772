//! Values as text: JSON in and out, and what stands on a command line.

use std::fmt;

use super::value::{Value, check_range, enum_value_of};
use super::{Scalar, StructType, Type};
use crate::{Error, ErrorKind, Result};

/// The value as JSON without spaces.
///
/// Integers are exact; an `f32` prints shortest (`20.3`); NaN and infinities are the strings
/// `"NaN"`, `"Infinity"`, `"-Infinity"`; an enum is its name or, where the value has none, its
/// integer.
pub fn to_json(value: &Value) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_json(&mut out, value, ",");
    out
}

/// As `crosspage get` prints it: text and names bare, lists as JSON with spaces.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text)
            | Value::Enum {
                name: Some(text), ..
            } => f.write_str(text),
            Value::F32(x) if !x.is_finite() => f.write_str(not_finite(f64::from(*x))),
            Value::F64(x) if !x.is_finite() => f.write_str(not_finite(*x)),
            value => write_json(f, value, ", "),
        }
    }
}

fn write_json(out: &mut impl fmt::Write, value: &Value, comma: &str) -> fmt::Result {
    match value {
        Value::Bool(b) => write!(out, "{b}"),
        Value::Int(n) => write!(out, "{n}"),
        Value::Uint(n) => write!(out, "{n}"),
        Value::F32(x) if x.is_finite() => write!(out, "{x:?}"),
        Value::F64(x) if x.is_finite() => write!(out, "{x:?}"),
        Value::F32(x) => write!(out, "\"{}\"", not_finite(f64::from(*x))),
        Value::F64(x) => write!(out, "\"{}\"", not_finite(*x)),
        Value::Text(text)
        | Value::Enum {
            name: Some(text), ..
        } => write_string(out, text),
        Value::Enum { name: None, value } => write!(out, "{value}"),
        Value::Array(values) => {
            out.write_char('[')?;
            for (i, value) in values.iter().enumerate() {
                out.write_str(if i == 0 { "" } else { comma })?;
                write_json(out, value, comma)?;
            }
            out.write_char(']')
        }
        Value::Struct(fields) => {
            out.write_char('{')?;
            for (i, (name, value)) in fields.iter().enumerate() {
                out.write_str(if i == 0 { "" } else { comma })?;
                write_string(out, name)?;
                out.write_char(':')?;
                out.write_str(&comma[1..])?;
                write_json(out, value, comma)?;
            }
            out.write_char('}')
        }
    }
}

fn not_finite(x: f64) -> &'static str {
    match x {
        x if x.is_nan() => "NaN",
        x if x > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn write_string(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            c if u32::from(c) < 0x20 => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

/// Reads a value as it stands on a command line: `23.5`, `0x1f`, `true`, an enum's name or
/// integer; a text as it is, without quotes; arrays and structs as JSON: `[1, 2]`, `{"x": 1}`.
///
/// # Errors
/// [`ErrorKind::Invalid`] where the text is no value of the type, saying what is expected. Whether
/// a text fits is for [`write`](super::value::write()) to say.
pub fn parse(ty: &Type, text: &str) -> Result<Value> {
    let word = text.trim();
    match ty {
        Type::Text(_) => Ok(Value::Text(text.to_owned())),
        Type::Scalar(Scalar::Bool) => match word {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(invalid(format!("expected true or false, got {text:?}"))),
        },
        Type::Scalar(Scalar::F32) => parse_f32(word).map(Value::F32),
        Type::Scalar(Scalar::F64) => parse_f64(word).map(Value::F64),
        Type::Scalar(int) => {
            let value = parse_int(word).ok_or_else(|| not_an_integer(*int, text))?;
            int_value(*int, value)
        }
        Type::Enum(e) => {
            let value = match parse_int(word) {
                Some(value) => value,
                None => enum_value_of(e, word)?,
            };
            check_range(e.repr, value)?;
            Ok(Value::Enum {
                name: e.name_of(value).map(str::to_owned),
                value,
            })
        }
        Type::Array(..) | Type::Tail(_) | Type::Struct(_) => from_json(ty, text),
    }
}

fn int_value(scalar: Scalar, value: i128) -> Result<Value> {
    check_range(scalar, value)?;
    Ok(match scalar {
        Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => Value::Uint(value as u64),
        _ => Value::Int(value as i64),
    })
}

fn not_an_integer(scalar: Scalar, text: &str) -> Error {
    invalid(format!("expected {}, got {text:?}", scalar.name()))
}

/// `-12`, `0x1f`, `0b101`, `0o17`, `1_000`.
fn parse_int(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (&digits[2..], 16),
        Some("0b" | "0B") => (&digits[2..], 2),
        Some("0o" | "0O") => (&digits[2..], 8),
        _ => (digits, 10),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None; // also a second sign, which from_str_radix would take
    }
    let value = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -value } else { value })
}

fn parse_f64(text: &str) -> Result<f64> {
    let x: f64 = text
        .parse()
        .map_err(|_| invalid(format!("expected a number (f64), got {text:?}")))?;
    if x.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) {
        return Err(invalid(format!("{text} is out of range for f64")));
    }
    Ok(x)
}

fn parse_f32(text: &str) -> Result<f32> {
    let x: f32 = text
        .parse()
        .map_err(|_| invalid(format!("expected a number (f32), got {text:?}")))?;
    if x.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) {
        return Err(invalid(format!("{text} is out of range for f32")));
    }
    Ok(x)
}

/// Reads a value from one JSON document, as [`to_json`] writes it. A struct may lack fields (what
/// is there is in the value); a field it does not have is an error.
///
/// # Errors
/// [`ErrorKind::Invalid`] with the position and what is expected there; [`ErrorKind::NotFound`]
/// for an unknown field.
pub fn from_json(ty: &Type, text: &str) -> Result<Value> {
    read_document(text, |parser| parser.value(ty))
}

/// [`from_json`] for a struct that is not (yet) behind an `Arc`.
///
/// # Errors
/// As [`from_json`].
pub fn struct_from_json(st: &StructType, text: &str) -> Result<Value> {
    read_document(text, |parser| parser.fields(st))
}

fn read_document<'a>(
    text: &'a str,
    read: impl FnOnce(&mut Parser<'a>) -> Result<Value>,
) -> Result<Value> {
    let mut parser = Parser { text, rest: text };
    let value = read(&mut parser)?;
    parser.skip_space();
    if parser.rest.is_empty() {
        Ok(value)
    } else {
        Err(parser.expected("the end"))
    }
}

/// Reads JSON of a known type; the type bounds the recursion.
struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn value(&mut self, ty: &Type) -> Result<Value> {
        self.skip_space();
        match ty {
            Type::Struct(st) => self.fields(st),
            Type::Array(elem, n) => {
                let values = self.elements(elem, &format!("`[` (a list of {n} {elem})"))?;
                match values.len() {
                    len if len == *n => Ok(Value::Array(values)),
                    len => Err(invalid(format!("expected {n} values of {elem}, got {len}"))),
                }
            }
            Type::Tail(elem) => self
                .elements(elem, &format!("`[` (a list of {elem})"))
                .map(Value::Array),
            Type::Text(_) if self.rest.starts_with('"') => self.string().map(Value::Text),
            Type::Text(_) => Err(self.expected("a string in double quotes")),
            Type::Enum(_) if self.rest.starts_with('"') => parse(ty, &self.string()?),
            Type::Scalar(Scalar::F32 | Scalar::F64) if self.rest.starts_with('"') => {
                let at = self.rest;
                match self.string()?.as_str() {
                    word @ ("NaN" | "Infinity" | "-Infinity") => parse(ty, word),
                    _ => {
                        self.rest = at;
                        Err(self.expected("a number, \"NaN\", \"Infinity\" or \"-Infinity\""))
                    }
                }
            }
            Type::Scalar(Scalar::Bool) => match self.word() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                word => Err(self.unread(word).expected("true or false")),
            },
            Type::Scalar(_) | Type::Enum(_) => {
                let word = self.word();
                let first = word.strip_prefix('-').unwrap_or(word);
                // JSON's numbers: no `+`, no hex, no bare words such as NaN.
                let decimal = first.starts_with(|c: char| c.is_ascii_digit())
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
                if !decimal {
                    let what = format!("a number ({ty})");
                    return Err(self.unread(word).expected(&what));
                }
                parse(ty, word)
            }
        }
    }

    fn fields(&mut self, st: &StructType) -> Result<Value> {
        self.skip_space();
        self.eat('{', &format!("`{{` (the fields of {})", st.name()))?;
        let mut fields: Vec<(String, Value)> = Vec::new();
        if self.try_eat('}') {
            return Ok(Value::Struct(fields));
        }
        loop {
            self.skip_space();
            if !self.rest.starts_with('"') {
                return Err(self.expected("a field's name in double quotes"));
            }
            let name = self.string()?;
            let field = st.field(&name).ok_or_else(|| st.unknown_field(&name))?;
            if fields.iter().any(|(known, _)| *known == field.name) {
                return Err(invalid(format!("{name:?} stands there twice")));
            }
            self.eat(':', "`:`")?;
            let value = self.value(&field.ty).map_err(|e| {
                let error = Error::new(e.kind(), format!("{name}: {}", e.message()));
                match e.hint() {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            })?;
            fields.push((field.name.clone(), value));
            if self.try_eat('}') {
                return Ok(Value::Struct(fields));
            }
            self.eat(',', "`,` or `}`")?;
        }
    }

    fn elements(&mut self, elem: &Type, what: &str) -> Result<Vec<Value>> {
        self.eat('[', what)?;
        let mut values = Vec::new();
        if self.try_eat(']') {
            return Ok(values);
        }
        loop {
            values.push(self.value(elem)?);
            if self.try_eat(']') {
                return Ok(values);
            }
            self.eat(',', "`,` or `]`")?;
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn try_eat(&mut self, c: char) -> bool {
        self.skip_space();
        let after = self.rest.strip_prefix(c);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn eat(&mut self, c: char, what: &str) -> Result<()> {
        if self.try_eat(c) {
            Ok(())
        } else {
            Err(self.expected(what))
        }
    }

    /// Everything up to the next character that ends a bare word.
    fn word(&mut self) -> &'a str {
        let ends =
            |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | ':' | '"' | '[' | '{');
        let (word, rest) = self
            .rest
            .split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// Goes back to the start of `word`, which was just read.
    fn unread(&mut self, word: &str) -> &Self {
        self.rest = &self.text[self.text.len() - self.rest.len() - word.len()..];
        self
    }

    fn string(&mut self) -> Result<String> {
        let start = self.rest;
        let unfinished = |parser: &mut Self| {
            parser.rest = start;
            parser.expected("a string that ends in a double quote")
        };
        self.rest = &self.rest[1..];
        let mut out = String::new();
        loop {
            let stop = self
                .rest
                .find(|c: char| c == '"' || c == '\\' || u32::from(c) < 0x20);
            let Some(stop) = stop else {
                return Err(unfinished(self));
            };
            out.push_str(&self.rest[..stop]);
            self.rest = &self.rest[stop..];
            let mut chars = self.rest.chars();
            match (chars.next(), chars.next()) {
                (Some('"'), _) => {
                    self.rest = &self.rest[1..];
                    return Ok(out);
                }
                (Some('\\'), Some('u')) => out.push(self.unicode_escape()?),
                (Some('\\'), Some(c)) => {
                    out.push(match c {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        '"' | '\\' | '/' => c,
                        _ => return Err(self.expected("a known escape such as \\n or \\\"")),
                    });
                    self.rest = &self.rest[2..];
                }
                _ => return Err(unfinished(self)),
            }
        }
    }

    /// `\u00e9`, or a surrogate pair of two.
    fn unicode_escape(&mut self) -> Result<char> {
        let start = self.rest;
        let mut unit = || {
            let digits = self.rest.strip_prefix("\\u")?.get(..4)?;
            let digits = Some(digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            self.rest = &self.rest[6..];
            u16::from_str_radix(digits, 16).ok()
        };
        let first = unit();
        let second = if first.is_some_and(|u| (0xd800..0xdc00).contains(&u)) {
            unit()
        } else {
            None
        };
        let mut decoded = char::decode_utf16(first.into_iter().chain(second));
        match (decoded.next(), decoded.next()) {
            (Some(Ok(c)), None) => Ok(c),
            _ => {
                self.rest = start;
                Err(self.expected("\\u and four hex digits of a character"))
            }
        }
    }

    fn expected(&self, what: &str) -> Error {
        let at = self.text[..self.text.len() - self.rest.len()]
            .chars()
            .count()
            + 1;
        let mut got: String = self.rest.chars().take(20).collect();
        if got.len() < self.rest.len() {
            got.push('…');
        }
        let got = if got.is_empty() {
            "the end".to_owned()
        } else {
            format!("`{got}`")
        };
        invalid(format!("at character {at}: expected {what}, got {got}"))
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests;
