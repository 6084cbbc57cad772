//! Do two layouts agree, and where do they not?

use std::collections::HashMap;
use std::fmt::Write as _;

use super::build::place;
use super::canonical::{bytes_len, fold, int_of};
use super::{EnumType, Field, StructType, Type, did_you_mean};
use crate::{Error, ErrorKind};

/// How much of two layouts has to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Match {
    /// Everything: names, types, offsets, size and alignment.
    #[default]
    Exact,
    /// Every field that this side declares is in the page, with its name and type, wherever it
    /// lies; what else the page has is left alone.
    Name,
}

/// One row of a layout mismatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field's path as the page spells it (`arm.joints`; `arms[].joints` for each of an
    /// array), or `(size)` or `(align)`.
    pub field: String,
    /// What the page has, such as `i64 at 588`; `None` where it has nothing of the kind.
    pub page: Option<String>,
    /// What this side has.
    pub here: Option<String>,
}

/// Compares a page's layout with the one declared here.
///
/// Names agree where they are the same but for ASCII case and `_`. Texts agree with arrays of as
/// many one-byte integers, and enums with the integer that stores them. Units, and values of enum
/// names, are compared where both sides state them. Type names and docs are not compared.
///
/// Returns notes on what agrees but is not the same.
///
/// # Errors
/// Every difference, in the order of the page's fields (by name: of this side's).
pub fn compare(
    page: &StructType,
    here: &StructType,
    how: Match,
) -> Result<Vec<String>, Vec<Difference>> {
    let mut walk = Walk {
        how,
        notes: Vec::new(),
        differences: Vec::new(),
    };
    walk.structs(
        &At {
            path: String::new(),
            page: 0,
            here: 0,
        },
        page,
        here,
    );
    if walk.differences.is_empty() {
        Ok(walk.notes)
    } else {
        Err(walk.differences)
    }
}

struct Walk {
    how: Match,
    notes: Vec<String>,
    differences: Vec<Difference>,
}

/// Where the walk is: the path, and the offset in the outermost struct on either side.
struct At {
    path: String,
    page: usize,
    here: usize,
}

impl At {
    fn field(&self, name: &str, page: usize, here: usize) -> At {
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{name}", self.path);
        At {
            path,
            page: self.page + page,
            here: self.here + here,
        }
    }

    fn elements(&self) -> At {
        At {
            path: format!("{}[]", self.path),
            ..*self
        }
    }

    fn row(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{} {name}", self.path)
        }
    }
}

impl Walk {
    fn structs(&mut self, at: &At, page: &StructType, here: &StructType) {
        match self.how {
            Match::Exact => {
                let others = by_name(here);
                for ours in page.fields() {
                    match others.get(&fold(&ours.name)) {
                        Some(theirs) => self.fields(at, ours, theirs),
                        None => self.only_in_page(at, ours),
                    }
                }
                let others = by_name(page);
                for theirs in here.fields() {
                    if !others.contains_key(&fold(&theirs.name)) {
                        self.only_here(at, theirs);
                    }
                }
                self.numbers(at, "(size)", page.size(), here.size());
                self.numbers(at, "(align)", page.align(), here.align());
            }
            Match::Name => {
                let others = by_name(page);
                for theirs in here.fields() {
                    match others.get(&fold(&theirs.name)) {
                        Some(ours) => self.fields(at, ours, theirs),
                        None => self.only_here(at, theirs),
                    }
                }
            }
        }
    }

    fn only_in_page(&mut self, at: &At, field: &Field) {
        let at = at.field(&field.name, field.offset, 0);
        let page = Some(cell(&field.ty, at.page));
        self.differences.push(Difference {
            field: at.path,
            page,
            here: None,
        });
    }

    fn only_here(&mut self, at: &At, field: &Field) {
        let at = at.field(&field.name, 0, field.offset);
        let here = Some(cell(&field.ty, at.here));
        self.differences.push(Difference {
            field: at.path,
            page: None,
            here,
        });
    }

    fn numbers(&mut self, at: &At, what: &str, page: usize, here: usize) {
        if page != here {
            let bytes = |n| Some(format!("{n} byte{}", if n == 1 { "" } else { "s" }));
            let field = at.row(what);
            self.differences.push(Difference {
                field,
                page: bytes(page),
                here: bytes(here),
            });
        }
    }

    /// Two fields of one name: at most one row for themselves, then those of what they contain.
    fn fields(&mut self, at: &At, page: &Field, here: &Field) {
        let inner = at.field(&page.name, page.offset, here.offset);
        let (page_type, here_type) = (cell(&page.ty, inner.page), cell(&here.ty, inner.here));
        let mut row = |page: String, here: String| {
            let field = inner.path.clone();
            self.differences.push(Difference {
                field,
                page: Some(page),
                here: Some(here),
            });
        };
        let Some(pair) = agree(&page.ty, &here.ty) else {
            return row(page_type, here_type);
        };
        if let (Some(ours), Some(theirs)) = (&page.unit, &here.unit)
            && ours != theirs
        {
            let with_unit = |ty: &Type, unit, at| format!("{} in {unit} at {at}", describe(ty));
            row(
                with_unit(&page.ty, ours, inner.page),
                with_unit(&here.ty, theirs, inner.here),
            );
        } else if let Pair::Enums(ours, theirs) = pair
            && let Some((ours, theirs)) = conflicting_values(ours, theirs)
        {
            row(
                format!("{page_type} with {ours}"),
                format!("{here_type} with {theirs}"),
            );
        } else if self.how == Match::Exact && page.offset != here.offset && page_type != here_type {
            // Where the cells are the same, an enclosing struct has moved by as much in the other
            // direction, and has its own row.
            row(page_type, here_type);
        }
        match pair {
            Pair::Bytes => {
                if describe(&page.ty) != describe(&here.ty) {
                    let (ours, theirs) = (describe(&page.ty), describe(&here.ty));
                    let path = inner.path;
                    self.notes
                        .push(format!("{path} is {ours} in the page and {theirs} here"));
                }
            }
            Pair::Enums(ours, theirs) => {
                if let Some(note) = unnamed_values(ours, theirs) {
                    self.notes.push(format!("{}: {note}", inner.path));
                }
            }
            Pair::Structs(ours, theirs) => match page.ty {
                Type::Struct(_) => self.structs(&inner, ours, theirs),
                _ => self.structs(&inner.elements(), ours, theirs),
            },
            Pair::Plain => {}
        }
    }
}

fn by_name(st: &StructType) -> HashMap<String, &Field> {
    st.fields().iter().map(|f| (fold(&f.name), f)).collect()
}

/// What two types that agree have at their bottom, under the array dimensions.
#[derive(Clone, Copy)]
enum Pair<'a> {
    Plain,
    Bytes,
    Enums(&'a EnumType, &'a EnumType),
    Structs(&'a StructType, &'a StructType),
}

/// Whether two types agree apart from what is inside of structs and enums.
fn agree<'a>(page: &'a Type, here: &'a Type) -> Option<Pair<'a>> {
    if let (Some(a), Some(b)) = (bytes_len(page), bytes_len(here)) {
        let enums = matches!(page, Type::Array(elem, _) if matches!(**elem, Type::Enum(_)))
            && matches!(here, Type::Array(elem, _) if matches!(**elem, Type::Enum(_)));
        if a != b || !enums {
            return (a == b).then_some(Pair::Bytes);
        }
    }
    match (page, here) {
        (Type::Array(a, n), Type::Array(b, m)) => agree(a, b).filter(|_| n == m),
        (Type::Tail(a), Type::Tail(b)) => match (a.size(), int_of(a), int_of(b)) {
            (1, Some(x), Some(y)) if x.int_range().is_some() && y.int_range().is_some() => {
                // One-byte integers, as in an array. An enum on both sides still has its values.
                agree(a, b).or((b.size() == 1).then_some(Pair::Bytes))
            }
            _ => agree(a, b),
        },
        (Type::Struct(a), Type::Struct(b)) => Some(Pair::Structs(a, b)),
        (Type::Enum(a), Type::Enum(b)) => (a.repr == b.repr).then_some(Pair::Enums(a, b)),
        (a, b) => match (int_of(a), int_of(b)) {
            (Some(x), Some(y)) if x == y => Some(Pair::Plain),
            _ => None,
        },
    }
}

/// `i64 at 588`
fn cell(ty: &Type, offset: usize) -> String {
    format!("{} at {offset}", describe(ty))
}

/// The type as in a schema, with the integer that stores an enum.
fn describe(ty: &Type) -> String {
    match ty.base_and_dims().0 {
        Type::Enum(e) => format!("{ty} ({})", e.repr.name()),
        _ => ty.to_string(),
    }
}

/// The names that both sides state with different values: `Run = 1`, `Run = 2`.
fn conflicting_values(page: &EnumType, here: &EnumType) -> Option<(String, String)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (name, value) in &page.variants {
        if let Some(other) = here.value_of(name).filter(|v| v != value) {
            ours.push(format!("{name} = {value}"));
            theirs.push(format!("{name} = {other}"));
        }
    }
    (!ours.is_empty()).then(|| (ours.join(", "), theirs.join(", ")))
}

/// A note on values that only one side gives a name.
fn unnamed_values(page: &EnumType, here: &EnumType) -> Option<String> {
    if page.variants.is_empty() || here.variants.is_empty() {
        return None;
    }
    let only = |a: &EnumType, b: &EnumType| {
        let unknown = a
            .variants
            .iter()
            .filter(|(_, value)| b.name_of(*value).is_none());
        unknown
            .map(|(name, value)| format!("{name} = {value}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (only(page, here), only(here, page)) {
        (ours, theirs) if ours.is_empty() && theirs.is_empty() => None,
        (ours, theirs) if theirs.is_empty() => {
            Some(format!("only the page's {} has {ours}", page.name))
        }
        (ours, theirs) if ours.is_empty() => {
            Some(format!("only this side's {} has {theirs}", here.name))
        }
        (ours, theirs) => Some(format!("only the page has {ours}, only this side {theirs}")),
    }
}

/// The error for two layouts that do not agree, with a table of all differences and a hint on
/// what may be behind them. `page_side` and `here_side` say who is who: `Rust, pid 4242` and
/// `C++, this process`.
pub fn mismatch_error(
    page_name: &str,
    page: &StructType,
    page_side: &str,
    here: &StructType,
    here_side: &str,
    differences: Vec<Difference>,
) -> Error {
    let table = difference_table(&format!("in the page ({page_side})"), "here", &differences);
    let message = format!(
        "layout of page \"{page_name}\" differs from {} ({here_side}):\n{table}",
        here.name()
    );
    let error = Error::new(ErrorKind::LayoutMismatch, message).with_differences(differences);
    match mismatch_hint(page, here) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The differences as aligned columns: a heading and a row each, without a final newline.
pub fn difference_table(page: &str, here: &str, differences: &[Difference]) -> String {
    let width = |text: &str| text.chars().count();
    let cell = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<[String; 3]> = std::iter::once(["field", page, here].map(str::to_owned))
        .chain(
            differences
                .iter()
                .map(|d| [d.field.clone(), cell(&d.page), cell(&d.here)]),
        )
        .collect();
    let column = |i: usize| rows.iter().map(|row| width(&row[i])).max().unwrap_or(0);
    let (first, second) = (column(0).max(11) + 3, column(1) + 3);
    let mut table = String::new();
    for (i, [field, page, here]) in rows.iter().enumerate() {
        let newline = if i == 0 { "" } else { "\n" };
        let _ = write!(table, "{newline}  {field:first$}{page:second$}{here}");
    }
    table
}

/// What may be behind the differences, where there is something to say.
pub fn mismatch_hint(page: &StructType, here: &StructType) -> Option<String> {
    let mut hints = Vec::new();
    if placed_differently(page, here) {
        let (ours, theirs) = (packing(page), packing(here));
        if ours != Packing::Natural || theirs != Packing::Natural {
            hints.push(
                "offsets differ from natural alignment; is one side compiled with #pragma pack \
                 or for 32 bits?"
                    .to_owned(),
            );
        }
        if matches!(
            (ours, theirs),
            (Packing::Natural, Packing::To(_)) | (Packing::To(_), Packing::Natural)
        ) {
            hints.push(
                "(`#pragma pack(push, MACRO)` is a trap: g++ takes MACRO for a label and packs \
                 nothing, clang packs; write the number instead of the macro)"
                    .to_owned(),
            );
        }
    }
    hints.extend(renamed(page, here));
    if hints.is_empty() && compare(page, here, Match::Name).is_ok() {
        hints.push(
            "the page has every field declared here: it can be read by name (Rust \
             `match_by(Match::Name)`, C++ `crosspage::by_name`, Python `match=\"name\"`)"
                .to_owned(),
        );
    }
    (!hints.is_empty()).then(|| hints.join(" "))
}

/// Whether something that both have lies elsewhere, or the sizes or alignments differ.
fn placed_differently(page: &StructType, here: &StructType) -> bool {
    let moved = page.fields().iter().any(|ours| {
        here.field(&ours.name)
            .is_some_and(|theirs| match (&ours.ty, &theirs.ty) {
                _ if ours.offset != theirs.offset => true,
                (Type::Struct(a), Type::Struct(b)) => placed_differently(a, b),
                _ => false,
            })
    });
    moved || page.size() != here.size() || page.align() != here.align()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// As a C compiler for 64 bits does it by itself.
    Natural,
    /// As under `#pragma pack(…)`.
    To(usize),
    /// In some other way.
    Other,
}

fn packing(st: &StructType) -> Packing {
    let mut fields = st.fields().to_vec();
    let mut is_placed = |pack| {
        let (size, align) = place(&mut fields, pack);
        let same = fields
            .iter()
            .zip(st.fields())
            .all(|(a, b)| a.offset == b.offset);
        same && size == st.size() && align == st.align()
    };
    if is_placed(usize::MAX) {
        let inner = st
            .fields()
            .iter()
            .filter_map(|f| match f.ty.base_and_dims().0 {
                Type::Struct(inner) => Some(packing(inner)),
                _ => None,
            });
        return inner
            .into_iter()
            .find(|p| *p != Packing::Natural)
            .unwrap_or(Packing::Natural);
    }
    [1, 2, 4, 8]
        .into_iter()
        .find(|pack| is_placed(*pack))
        .map_or(Packing::Other, Packing::To)
}

/// A hint on a field that probably has another name on the other side.
fn renamed(page: &StructType, here: &StructType) -> Option<String> {
    let ours: Vec<&Field> = page
        .fields()
        .iter()
        .filter(|f| here.field(&f.name).is_none())
        .collect();
    let theirs = here
        .fields()
        .iter()
        .filter(|f| page.field(&f.name).is_none());
    theirs.into_iter().find_map(|missing| {
        let same_type = |f: &&&Field| agree(&f.ty, &missing.ty).is_some();
        let alike = ours.iter().filter(same_type);
        let near = did_you_mean(&missing.name, alike.clone().map(|f| f.name.as_str()));
        let there = || {
            alike
                .clone()
                .find(|f| f.offset == missing.offset)
                .map(|f| f.name.as_str())
        };
        let name = near.or_else(there)?;
        Some(format!(
            "is {:?} here what the page calls {name:?}? Names must agree but for case and `_` \
             (Rust: `#[layout(rename = {name:?})]`)",
            missing.name
        ))
    })
}

#[cfg(test)]
mod tests;
