//! Making a [`StructType`]: the checks that every one has passed, and C's layout rules.

use super::canonical::fold;
use super::{EnumType, Field, MAX_DESCRIPTOR, StructType, Type};
use crate::{Error, ErrorKind, Result};

/// The largest struct: 256 MiB.
pub const MAX_SIZE: usize = 256 << 20;
/// The largest alignment.
pub const MAX_ALIGN: usize = 4096;
/// The most fields in one struct, those of nested structs included.
pub const MAX_FIELDS: usize = 4096;
/// The deepest nesting of structs and array dimensions.
pub const MAX_DEPTH: usize = 16;
/// The longest field, type or variant name, in bytes. Type names may be four times as long.
pub(super) const MAX_NAME: usize = 255;
pub(super) const MAX_TYPE_NAME: usize = 1023;
pub(super) const MAX_UNIT: usize = 255;
pub(super) const MAX_DOC: usize = 4095;

/// What a type counts towards the caps on a struct: so that every walk over a layout is short,
/// whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Fields, those of nested structs included (those of an array's elements once).
    pub fields: usize,
    /// Levels of structs and array dimensions.
    pub depth: usize,
    /// At most this many bytes of descriptor.
    pub bytes: usize,
}

impl Cost {
    /// The cost of a scalar or a text.
    pub const PLAIN: Cost = Cost {
        fields: 0,
        depth: 0,
        bytes: super::descriptor::TYPE_BYTES,
    };

    /// An array or tail of this.
    #[must_use]
    pub const fn array(self) -> Cost {
        Cost {
            depth: self.depth + 1,
            bytes: self.bytes + Cost::PLAIN.bytes,
            ..self
        }
    }

    /// A struct or enum without members, with a name of so many bytes.
    pub const fn named(name: usize, depth: usize) -> Cost {
        Cost {
            fields: 0,
            depth,
            bytes: Cost::PLAIN.bytes + super::descriptor::string_bytes(name),
        }
    }

    /// This enum with one more variant.
    #[must_use]
    pub const fn with_variant(self, name: usize) -> Cost {
        let more = super::descriptor::VARIANT_BYTES + super::descriptor::string_bytes(name);
        Cost {
            bytes: self.bytes.saturating_add(more),
            ..self
        }
    }

    /// This struct with one more field; `text` is what name, unit and doc take.
    #[must_use]
    pub const fn with_field(self, ty: Cost, name: usize, unit: usize, doc: usize) -> Cost {
        use super::descriptor::{FIELD_BYTES, string_bytes};
        let texts = string_bytes(name) + string_bytes(unit) + string_bytes(doc);
        Cost {
            fields: self.fields.saturating_add(1).saturating_add(ty.fields),
            depth: if ty.depth + 1 > self.depth {
                ty.depth + 1
            } else {
                self.depth
            },
            bytes: self
                .bytes
                .saturating_add(ty.bytes)
                .saturating_add(FIELD_BYTES + texts),
        }
    }

    /// Whether a struct of this cost is within the caps.
    pub const fn is_allowed(self) -> bool {
        self.fields <= MAX_FIELDS
            && self.depth <= MAX_DEPTH
            && self.bytes <= MAX_DESCRIPTOR - super::descriptor::FIXED_BYTES
    }
}

impl StructType {
    /// A struct with fields at given offsets (sorted here where they are not).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] names the first thing that no struct may have: a field outside or
    /// over another, names that are the same but for case and `_`, nothing in it, more than the
    /// caps ([`MAX_SIZE`], [`MAX_ALIGN`], [`MAX_FIELDS`], [`MAX_DEPTH`]).
    pub fn new(
        name: impl Into<String>,
        size: usize,
        align: usize,
        mut fields: Vec<Field>,
    ) -> Result<StructType> {
        let name = name.into();
        check_type_name(&name).map_err(|e| invalid(format!("struct name {name:?}: {e}")))?;
        let fail = |what: String| invalid(format!("struct {name}: {what}"));
        if !align.is_power_of_two() || align > MAX_ALIGN {
            return Err(fail(format!(
                "alignment {align} is no power of two up to {MAX_ALIGN}"
            )));
        }
        if size == 0 {
            return Err(fail(
                "it has no size; a shared struct needs at least one field".into(),
            ));
        }
        if size > MAX_SIZE {
            return Err(fail(format!(
                "{size} bytes are more than the {MAX_SIZE} allowed"
            )));
        }
        if !size.is_multiple_of(align) {
            return Err(fail(format!(
                "size {size} is no multiple of its alignment {align}"
            )));
        }
        if fields.is_empty() {
            return Err(fail("it has no fields".into()));
        }
        fields.sort_by_key(|f| f.offset);
        let mut cost = Cost::named(name.len(), 1);
        let mut end = 0;
        for (i, field) in fields.iter().enumerate() {
            let fail_field = |what: String| fail(format!("field {:?}: {what}", field.name));
            let ty = check_field(field).map_err(fail_field)?;
            if matches!(field.ty, Type::Tail(_)) && i + 1 != fields.len() {
                return Err(fail_field("a tail `T[]` can only be the last field".into()));
            }
            if field.offset < end {
                let before = &fields[i - 1];
                return Err(fail_field(format!(
                    "at offset {} it overlaps {:?}, which ends at {end}",
                    field.offset, before.name
                )));
            }
            // Both terms are at most MAX_SIZE from here on: check_type saw to the size.
            if field.offset > size || field.offset + field.ty.size() > size {
                return Err(fail_field(format!(
                    "{} at offset {} does not fit into {size} bytes",
                    field.ty, field.offset
                )));
            }
            end = field.offset + field.ty.size();
            let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
            cost = cost.with_field(ty, field.name.len(), text(&field.unit), text(&field.doc));
        }
        check_names(&fields).map_err(fail)?;
        if cost.fields > MAX_FIELDS {
            return Err(fail(format!(
                "{} fields are more than the {MAX_FIELDS} allowed",
                cost.fields
            )));
        }
        if cost.depth > MAX_DEPTH {
            return Err(fail(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        if !cost.is_allowed() {
            return Err(fail(format!(
                "its description takes more than {MAX_DESCRIPTOR} bytes"
            )));
        }
        Ok(StructType {
            name,
            size,
            align,
            fields,
            cost,
        })
    }

    /// A struct as a C compiler lays it out on 64-bit platforms: each field at the next multiple
    /// of its alignment, or of `pack` where that is less (`#pragma pack`). The fields' own
    /// offsets are ignored.
    ///
    /// # Errors
    /// As [`StructType::new`]; and where `pack` is not 1, 2, 4, 8 or 16.
    pub fn natural(
        name: impl Into<String>,
        mut fields: Vec<Field>,
        pack: Option<usize>,
    ) -> Result<StructType> {
        let name = name.into();
        if let Some(pack) = pack.filter(|p| !matches!(p, 1 | 2 | 4 | 8 | 16)) {
            return Err(invalid(format!(
                "struct {name}: pack = {pack} is not 1, 2, 4, 8 or 16"
            )));
        }
        let (size, align) = place(&mut fields, pack.unwrap_or(usize::MAX));
        StructType::new(name, size, align, fields)
    }

    /// These fields and a tail behind them, whose elements are aligned to `align`: where C puts a flexible array
    /// member, which may be in this struct's padding.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], as [`new`](StructType::new).
    pub fn with_tail(&self, mut tail: Field, align: usize) -> Result<StructType> {
        let mut fields = self.fields().to_vec();
        let end = fields.last().map_or(0, |last| last.offset + last.ty.size());
        tail.offset = end.next_multiple_of(align.max(1));
        let align = align.max(self.align());
        let size = tail.offset.next_multiple_of(align);
        fields.push(tail);
        StructType::new(self.name(), size, align, fields)
    }
}

/// Gives the fields the offsets that C gives them; returns size and alignment of the struct.
pub(super) fn place(fields: &mut [Field], pack: usize) -> (usize, usize) {
    let (mut end, mut align) = (0usize, 1usize);
    for field in fields {
        let own = field.ty.align_natural().clamp(1, pack);
        field.offset = end.checked_next_multiple_of(own).unwrap_or(usize::MAX);
        // What saturates here is refused for its size by `new`.
        end = field.offset.saturating_add(field.ty.size());
        align = align.max(own);
    }
    (
        end.checked_next_multiple_of(align).unwrap_or(usize::MAX),
        align,
    )
}

/// Checks one type and says what it costs; `level` bounds the recursion.
fn check_type(ty: &Type, level: usize) -> Result<Cost, String> {
    if level > MAX_DEPTH {
        return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
    }
    match ty {
        Type::Scalar(_) => Ok(Cost::PLAIN),
        Type::Text(0) => Err("text[0] holds nothing; a text has at least one byte".into()),
        Type::Text(n) if *n > MAX_SIZE => Err(too_large(*n)),
        Type::Text(_) => Ok(Cost::PLAIN),
        Type::Array(_, 0) => Err("an array of 0 elements holds nothing".into()),
        Type::Array(elem, n) => {
            let cost = check_element(elem, level)?;
            match elem.size().checked_mul(*n) {
                Some(size) if size <= MAX_SIZE => Ok(cost.array()),
                _ => Err(too_large(elem.size().saturating_mul(*n))),
            }
        }
        Type::Tail(elem) if level == 1 => Ok(check_element(elem, level)?.array()),
        Type::Tail(_) => Err("a tail `T[]` can only be the last field of a message".into()),
        Type::Struct(st) if st.tail().is_some() => Err(format!(
            "{} ends in a tail `T[]`, so it cannot lie inside a struct",
            st.name
        )),
        Type::Struct(st) => Ok(st.cost),
        Type::Enum(e) => check_enum(e),
    }
}

fn check_element(elem: &Type, level: usize) -> Result<Cost, String> {
    match elem {
        Type::Tail(_) => Err("a tail `T[]` cannot be the element of an array".into()),
        elem => check_type(elem, level + 1),
    }
}

fn too_large(size: usize) -> String {
    format!("{size} bytes are more than the {MAX_SIZE} allowed")
}

pub(super) fn check_enum(e: &EnumType) -> Result<Cost, String> {
    check_type_name(&e.name).map_err(|what| format!("enum name {:?}: {what}", e.name))?;
    let Some((min, max)) = e.repr.int_range() else {
        return Err(format!(
            "enum {} is stored as {}, which is no integer",
            e.name,
            e.repr.name()
        ));
    };
    let mut cost = Cost::named(e.name.len(), 0);
    let mut names: Vec<&str> = Vec::with_capacity(e.variants.len());
    for (name, value) in &e.variants {
        check_name(name).map_err(|what| format!("enum {}, name {name:?}: {what}", e.name))?;
        if *value < min || *value > max {
            let repr = e.repr.name();
            return Err(format!(
                "enum {}: {name} = {value} does not fit into {repr}",
                e.name
            ));
        }
        cost = cost.with_variant(name.len());
        names.push(name);
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("enum {} has the name {} twice", e.name, pair[0])),
        None => Ok(cost),
    }
}

/// Refuses two fields whose names are the same, or the same but for case and `_`.
fn check_names(fields: &[Field]) -> Result<(), String> {
    let mut folded: Vec<_> = fields.iter().map(|f| (fold(&f.name), &f.name)).collect();
    folded.sort();
    match folded.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(()),
        Some(pair) if pair[0].1 == pair[1].1 => {
            Err(format!("two fields are called {:?}", pair[0].1))
        }
        Some(pair) => Err(format!(
            "fields {:?} and {:?} differ only in case and `_`, so other languages could not tell \
             them apart",
            pair[0].1, pair[1].1
        )),
    }
}

/// Checks what a field is by itself, and says what its type costs.
pub(super) fn check_field(field: &Field) -> Result<Cost, String> {
    check_name(&field.name)?;
    check_text("the unit", field.unit.as_deref(), MAX_UNIT)?;
    check_text("the doc", field.doc.as_deref(), MAX_DOC)?;
    check_type(&field.ty, 1)
}

/// Field and variant names are identifiers of some language: paths and schemas rely on it.
fn check_name(name: &str) -> Result<(), String> {
    let starts_well = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if starts_well && name.len() <= MAX_NAME && name.chars().all(is_name_char) {
        return Ok(());
    }
    Err(format!(
        "a name is 1 to {MAX_NAME} bytes of letters, digits and `_`, and does not start with a digit"
    ))
}

fn is_name_char(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '$' => true,
        c => !c.is_ascii() && !c.is_control() && !c.is_whitespace(),
    }
}

/// Type names are for display only, so `robot::Pose<float, 3>` is fine.
pub(super) fn check_type_name(name: &str) -> Result<(), String> {
    if !name.is_empty() && name.len() <= MAX_TYPE_NAME && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(format!(
        "a type's name is 1 to {MAX_TYPE_NAME} bytes without control characters"
    ))
}

fn check_text(what: &str, text: Option<&str>, max: usize) -> Result<(), String> {
    match text {
        Some("") => Err(format!("{what} is empty; leave it out instead")),
        Some(t) if t.len() > max => Err(format!("{what} has {} bytes; at most {max} fit", t.len())),
        Some(t) if t.contains('\0') => Err(format!("{what} contains a NUL byte")),
        _ => Ok(()),
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
