//! What stands in `#[layout(…)]`, `#[repr(…)]` and doc comments, and which names are good.

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Result};

/// What `crosspage::layout` allows; the two must agree.
const MAX_NAME: usize = 255;
const MAX_TYPE_NAME: usize = 1023;
const MAX_DOC: usize = 4095;

/// Of a struct or enum.
pub struct OfType {
    /// Its name in the layout.
    pub name: String,
    /// The path of the crate `crosspage`.
    pub krate: Path,
    /// What the tail of messages with this header is called.
    pub tail: Option<(String, Span)>,
}

/// Of a field or variant.
pub struct OfMember {
    /// Its name in the layout.
    pub name: String,
    /// Where to complain about the name.
    pub span: Span,
    pub unit: Option<String>,
    pub doc: Option<String>,
}

pub fn of_struct(ident: &Ident, attributes: &[Attribute]) -> Result<OfType> {
    of_type(ident, attributes, "name, crate, tail")
}

pub fn of_enum(ident: &Ident, attributes: &[Attribute]) -> Result<OfType> {
    of_type(ident, attributes, "name, crate")
}

fn of_type(ident: &Ident, attributes: &[Attribute], allowed: &str) -> Result<OfType> {
    let mut name = ident.unraw().to_string();
    let mut krate = syn::parse_quote!(::crosspage);
    let mut tail = None;
    each_key(attributes, allowed, |key, value| {
        match key {
            "tail" if is_name(&value.value()) => tail = Some((value.value(), value.span())),
            "tail" => return Err(Error::new_spanned(value, what_a_name_is())),
            "name" => {
                name = value.value();
                if name.is_empty()
                    || name.len() > MAX_TYPE_NAME
                    || name.chars().any(char::is_control)
                {
                    let message = format!(
                        "a type's name is 1 to {MAX_TYPE_NAME} bytes without control characters"
                    );
                    return Err(Error::new_spanned(value, message));
                }
            }
            "crate" => krate = value.parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(OfType { name, krate, tail })
}

pub fn of_field(ident: &Ident, attributes: &[Attribute]) -> Result<OfMember> {
    of_member(ident, attributes, "unit, rename")
}

pub fn of_variant(ident: &Ident, attributes: &[Attribute]) -> Result<OfMember> {
    of_member(ident, attributes, "rename")
}

fn of_member(ident: &Ident, attributes: &[Attribute], allowed: &str) -> Result<OfMember> {
    let mut member = OfMember {
        name: ident.unraw().to_string(),
        span: ident.span(),
        unit: None,
        doc: doc(attributes),
    };
    each_key(attributes, allowed, |key, value| {
        match key {
            "rename" => (member.name, member.span) = (value.value(), value.span()),
            "unit" if allowed.contains("unit") => {
                let unit = value.value();
                if unit.is_empty() || unit.len() > MAX_NAME || unit.contains('\0') {
                    let message = format!("a unit is 1 to {MAX_NAME} bytes, such as \"ms\"");
                    return Err(Error::new_spanned(value, message));
                }
                member.unit = Some(unit);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if is_name(&member.name) {
        return Ok(member);
    }
    Err(Error::new(member.span, what_a_name_is()))
}

fn what_a_name_is() -> String {
    format!(
        "a name is 1 to {MAX_NAME} bytes of letters, digits and `_`, and does not start with a digit"
    )
}

/// As `crosspage::layout` checks it.
fn is_name(name: &str) -> bool {
    let is_name_char = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '$' => true,
        c => !c.is_ascii() && !c.is_control() && !c.is_whitespace(),
    };
    name.len() <= MAX_NAME
        && name.chars().next().is_some_and(|c| !c.is_ascii_digit())
        && name.chars().all(is_name_char)
}

/// The name as it is compared; as `crosspage::layout` folds it.
pub fn fold(name: &str) -> String {
    let only_underscores = name.bytes().all(|b| b == b'_');
    let kept = name.chars().filter(|c| only_underscores || *c != '_');
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// Calls `take` for each `key = "value"` of `#[layout(…)]`; it says whether it knows the key.
fn each_key(
    attributes: &[Attribute],
    allowed: &str,
    mut take: impl FnMut(&str, &LitStr) -> Result<bool>,
) -> Result<()> {
    let mut seen: Vec<String> = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("layout")) {
        attribute.parse_nested_meta(|meta| {
            let key = meta.path.to_token_stream().to_string();
            let unknown = || meta.error(format!("unknown: allowed here are {allowed}"));
            if !allowed.split(", ").any(|known| known == key) {
                return Err(unknown());
            }
            if seen.contains(&key) {
                return Err(meta.error(format!("`{key}` is given twice")));
            }
            let value: LitStr = meta.value()?.parse()?;
            if !take(&key, &value)? {
                return Err(unknown());
            }
            seen.push(key);
            Ok(())
        })?;
    }
    Ok(())
}

/// The doc comment, without the space that follows `///`; cut where it is too long to store.
fn doc(attributes: &[Attribute]) -> Option<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("doc")) {
        if let Meta::NameValue(meta) = &attribute.meta
            && let Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) = &meta.value
        {
            let text = text.value();
            lines.push(
                text.strip_prefix(' ')
                    .unwrap_or(&text)
                    .trim_end()
                    .to_owned(),
            );
        }
    }
    let text = lines.join("\n").replace('\0', " ").trim().to_owned();
    if text.is_empty() {
        return None;
    }
    if text.len() <= MAX_DOC {
        return Some(text);
    }
    let mut end = MAX_DOC - "…".len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Some(format!("{}…", &text[..end]))
}

/// The words in `#[repr(…)]`: `C`, `packed`, `u8`, …
pub fn repr(attributes: &[Attribute]) -> Result<Vec<Ident>> {
    let mut words = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            if let Some(word) = meta.path.get_ident() {
                words.push(word.clone());
            }
            if meta.input.peek(syn::token::Paren) {
                let arguments;
                syn::parenthesized!(arguments in meta.input);
                arguments.parse::<proc_macro2::TokenStream>()?;
            }
            Ok(())
        })?;
    }
    Ok(words)
}
