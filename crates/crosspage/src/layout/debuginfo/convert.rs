//! DWARF's description of a type made into ours, or the reason why there is none.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use gimli::{AttributeValue, DW_AT_type};

use super::program::{Entry, Place, Program};
use crate::layout::build::{MAX_ALIGN, MAX_TYPE_NAME};
use crate::layout::{EnumType, Field, MAX_FIELDS, Scalar, StructType, Type};
use crate::{Error, ErrorKind};

/// How deep a type may go by way of typedefs, qualifiers, arrays, bases and members.
const MAX_STEPS: usize = 64;
/// How many entries one type may have, methods and constants included.
const MAX_CHILDREN: usize = 1 << 20;
/// How many entries are read for one name: a header's struct is in the debug information of every file
/// that includes it, and bases are read again in each class.
const MAX_ENTRIES: usize = 1 << 24;

/// Why a type cannot be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fail {
    /// What the program has there, and which member: `arm.next`, or nothing for the struct itself.
    Refused { member: String, what: String },
    /// The debug information contradicts itself.
    Damaged(String),
}

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fail::Refused { member, what } if member.is_empty() => write!(f, "it is {what}"),
            Fail::Refused { member, what } => write!(f, "member {member} is {what}"),
            Fail::Damaged(what) => write!(f, "its debug information is damaged: {what}"),
        }
    }
}

impl From<gimli::Error> for Fail {
    fn from(error: gimli::Error) -> Fail {
        Fail::Damaged(error.to_string())
    }
}

impl Fail {
    /// The error of who asked for `name`.
    pub fn of(self, path: &Path, name: &str) -> Error {
        let kind = match &self {
            Fail::Refused { .. } => ErrorKind::Invalid,
            Fail::Damaged(_) => ErrorKind::Corrupt,
        };
        let message = format!("{name} of {} cannot be shared: {self}", path.display());
        let error = Error::new(kind, message);
        match self {
            Fail::Refused { member, .. } if !member.is_empty() => error
                .with_hint("a schema file (TOML) can describe the other fields by their offsets"),
            _ => error,
        }
    }

    fn inside(self, outer: &str) -> Fail {
        match self {
            Fail::Refused { member, what } => Fail::Refused {
                member: match member.as_str() {
                    "" => outer.to_owned(),
                    inner => format!("{outer}.{inner}"),
                },
                what,
            },
            damaged => damaged,
        }
    }
}

fn refused<T>(what: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::Refused {
        member: String::new(),
        what: what.into(),
    })
}

fn damaged<T>(what: &str) -> Result<T, Fail> {
    Err(Fail::Damaged(what.to_owned()))
}

/// A type, and whether it is C's and C++'s `char`, whose arrays are text.
#[derive(Debug, Clone)]
struct Converted {
    ty: Type,
    is_char: bool,
}

impl From<Type> for Converted {
    fn from(ty: Type) -> Converted {
        Converted { ty, is_char: false }
    }
}

pub(super) struct Converter<'p, 'a> {
    program: &'p Program<'a>,
    /// Each entry is converted once, whatever refers to it: structs that contain each other twice
    /// would double the work at every level.
    known: HashMap<Place, Result<Converted, Fail>>,
    entries_left: usize,
}

/// A member on its way to a field.
struct Member {
    field: Field,
    /// `alignas`, where the compiler tells.
    align: usize,
}

impl<'p, 'a> Converter<'p, 'a> {
    pub fn new(program: &'p Program<'a>) -> Converter<'p, 'a> {
        Converter {
            program,
            known: HashMap::new(),
            entries_left: MAX_ENTRIES,
        }
    }

    /// The struct that is to be shared.
    pub fn root(&mut self, place: Place, alias: &str) -> Result<StructType, Fail> {
        match self.convert(place, alias, 0)?.ty {
            Type::Struct(layout) => Ok(Arc::unwrap_or_clone(layout)),
            Type::Enum(_) => refused("an enum and no struct"),
            other => refused(format!("{other} and no struct")),
        }
    }

    /// How many elements an array type has.
    pub fn array_length(&mut self, place: Place) -> Result<usize, Fail> {
        self.lengths(place).map(|all| all.iter().product())
    }

    fn convert(&mut self, place: Place, alias: &str, steps: usize) -> Result<Converted, Fail> {
        if let Some(known) = self.known.get(&place) {
            return known.clone();
        }
        if steps > MAX_STEPS {
            return refused("nested too deeply");
        }
        let converted = self.convert_new(place, alias, steps + 1);
        self.known.insert(place, converted.clone());
        converted
    }

    fn convert_new(&mut self, place: Place, alias: &str, steps: usize) -> Result<Converted, Fail> {
        let entry = self.program.entry(place)?;
        if entry.attr(gimli::DW_AT_signature).is_some() {
            // It stands for one in a type unit.
            let definition = self.definition(place)?;
            return self.convert(definition, alias, steps);
        }
        match entry.tag() {
            gimli::DW_TAG_base_type => self.base(place, &entry),
            gimli::DW_TAG_typedef => {
                let name = self.program.name(place.unit, &entry);
                // In C it is a typedef of an integer, of 2 or 4 bytes.
                if name.as_deref() == Some("wchar_t") {
                    return refused("a wchar_t, which has 2 or 4 bytes depending on the system");
                }
                let target = self.target(place, &entry)?;
                self.convert(target, name.as_deref().unwrap_or(alias), steps)
            }
            gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_atomic_type
            | gimli::DW_TAG_restrict_type => {
                let target = self.target(place, &entry)?;
                self.convert(target, alias, steps)
            }
            gimli::DW_TAG_array_type => {
                let target = self.target(place, &entry)?;
                let element = self.convert(target, alias, steps)?;
                let lengths = self.lengths(place)?;
                Ok(array(element, &lengths).into())
            }
            gimli::DW_TAG_enumeration_type => self.enumeration(place, &entry, alias, steps),
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => {
                self.structure(place, &entry, alias, steps)
            }
            _ => refused(self.describe(place)),
        }
    }

    /// The type that another one is made of.
    fn target(&self, place: Place, entry: &Entry<'a>) -> Result<Place, Fail> {
        let Some(ty) = entry.attr_value(DW_AT_type) else {
            return refused("of type void");
        };
        match self.program.referred(place.unit, ty) {
            Some(target) => Ok(target),
            None => damaged("a type refers to nothing"),
        }
    }

    fn base(&self, place: Place, entry: &Entry<'a>) -> Result<Converted, Fail> {
        let name = self.program.name(place.unit, entry).unwrap_or_default();
        let size = number(entry, gimli::DW_AT_byte_size).unwrap_or(0);
        let Some(AttributeValue::Encoding(encoding)) = entry.attr_value(gimli::DW_AT_encoding)
        else {
            return damaged("a number without an encoding");
        };
        let integer = |signed: bool| match (signed, size) {
            (true, 1) => Some(Scalar::I8),
            (true, 2) => Some(Scalar::I16),
            (true, 4) => Some(Scalar::I32),
            (true, 8) => Some(Scalar::I64),
            (false, 1) => Some(Scalar::U8),
            (false, 2) => Some(Scalar::U16),
            (false, 4) => Some(Scalar::U32),
            (false, 8) => Some(Scalar::U64),
            _ => None,
        };
        let scalar = match encoding {
            // The names that say less than they seem to.
            _ if name == "wchar_t" => {
                return refused("a wchar_t, which has 2 or 4 bytes depending on the system");
            }
            _ if name == "long double" => {
                return refused(format!(
                    "a long double, which has 8, 12 or 16 bytes depending on the system ({size} here)"
                ));
            }
            gimli::DW_ATE_boolean if size == 1 => Some(Scalar::Bool),
            gimli::DW_ATE_float if size == 4 => Some(Scalar::F32),
            gimli::DW_ATE_float if size == 8 => Some(Scalar::F64),
            gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => integer(true),
            gimli::DW_ATE_unsigned | gimli::DW_ATE_unsigned_char => integer(false),
            // char8_t; the wider ones, and Rust's `char`, are text in no encoding that we know.
            gimli::DW_ATE_UTF if size == 1 => Some(Scalar::U8),
            _ => None,
        };
        let Some(scalar) = scalar else {
            return refused(format!(
                "a {name}, of {size} bytes, which no other language has"
            ));
        };
        Ok(Converted {
            ty: Type::Scalar(scalar),
            is_char: name == "char" || name == "char8_t",
        })
    }

    /// The lengths of an array, from the outside in.
    fn lengths(&mut self, place: Place) -> Result<Vec<usize>, Fail> {
        let mut lengths = Vec::new();
        for child in self.children(place)? {
            if child.tag() != gimli::DW_TAG_subrange_type {
                continue;
            }
            let count = number(&child, gimli::DW_AT_count);
            let upper = number(&child, gimli::DW_AT_upper_bound);
            let lower = number(&child, gimli::DW_AT_lower_bound).unwrap_or(0);
            let length = count.or_else(|| upper?.checked_sub(lower)?.checked_add(1));
            match length.and_then(|n| usize::try_from(n).ok()) {
                None => return refused("an array without a fixed length"),
                Some(0) => return refused("an array of 0 elements"),
                Some(n) => lengths.push(n),
            }
        }
        match lengths.is_empty() {
            true => refused("an array without a fixed length"),
            false => Ok(lengths),
        }
    }

    fn enumeration(
        &mut self,
        place: Place,
        entry: &Entry<'a>,
        alias: &str,
        steps: usize,
    ) -> Result<Converted, Fail> {
        let name = self.program.name(place.unit, entry);
        // What stores it, where the compiler tells; otherwise its size and the sign of its values.
        let stored = match entry.attr(DW_AT_type) {
            Some(_) => {
                let target = self.target(place, entry)?;
                match self.convert(target, "", steps)?.ty {
                    Type::Scalar(scalar) => Some(scalar),
                    _ => return damaged("an enum is stored in what is no integer"),
                }
            }
            None => None,
        };
        let enumerators: Vec<Entry<'a>> = self
            .children(place)?
            .into_iter()
            .filter(|child| child.tag() == gimli::DW_TAG_enumerator)
            .collect();
        let value = |e: &Entry<'a>| e.attr_value(gimli::DW_AT_const_value);
        let negative = |e: &Entry<'a>| matches!(value(e), Some(AttributeValue::Sdata(n)) if n < 0);
        let repr = match (stored, number(entry, gimli::DW_AT_byte_size)) {
            (Some(scalar), _) => scalar,
            (None, size) => match (enumerators.iter().any(negative), size) {
                (true, Some(1)) => Scalar::I8,
                (true, Some(2)) => Scalar::I16,
                (true, Some(4)) => Scalar::I32,
                (true, Some(8)) => Scalar::I64,
                (false, Some(1)) => Scalar::U8,
                (false, Some(2)) => Scalar::U16,
                (false, Some(4)) => Scalar::U32,
                (false, Some(8)) => Scalar::U64,
                _ => return damaged("an enum has no size"),
            },
        };
        let Some((least, _)) = repr.int_range() else {
            return refused(format!("an enum that is stored as {}", repr.name()));
        };
        let mut variants = Vec::with_capacity(enumerators.len());
        for enumerator in &enumerators {
            let value = value(enumerator);
            let number = match least < 0 {
                true => value.and_then(|v| v.sdata_value()).map(i128::from),
                false => value.and_then(|v| v.udata_value()).map(i128::from),
            };
            match (self.program.name(place.unit, enumerator), number) {
                (Some(name), Some(number)) => variants.push((name, number)),
                _ => return damaged("an enum's value has no name or number"),
            }
        }
        // What std::byte is.
        if name.as_deref() == Some("byte") && repr == Scalar::U8 && variants.is_empty() {
            return Ok(Type::Scalar(Scalar::U8).into());
        }
        let ty = EnumType {
            name: type_name(name.as_deref().unwrap_or(alias)),
            repr,
            variants,
        };
        Ok(Type::Enum(Arc::new(ty)).into())
    }

    fn structure(
        &mut self,
        place: Place,
        entry: &Entry<'a>,
        alias: &str,
        steps: usize,
    ) -> Result<Converted, Fail> {
        let name = self.program.name(place.unit, entry);
        let name = name.as_deref();
        if entry.attr(gimli::DW_AT_declaration).is_some() {
            return refused(format!(
                "{}, which this program only declares",
                name.unwrap_or("a struct")
            ));
        }
        let Some(size) =
            number(entry, gimli::DW_AT_byte_size).and_then(|n| usize::try_from(n).ok())
        else {
            return damaged("a struct has no size");
        };
        let mut members = Vec::new();
        if let Err(fail) = self.add_members(place, 0, &mut members, steps) {
            return name.and_then(elsewhere).map_or(Err(fail), refused);
        }
        if let Some(plain) = name.and_then(|name| transparent(name, &members, size)) {
            return Ok(plain);
        }
        let align = match number(entry, gimli::DW_AT_alignment).map(usize::try_from) {
            Some(Ok(align)) => align,
            _ => self.alignment(&members, size),
        };
        let fields = members.into_iter().map(|m| m.field).collect();
        match StructType::new(type_name(name.unwrap_or(alias)), size, align, fields) {
            Ok(layout) => Ok(Type::Struct(Arc::new(layout)).into()),
            Err(e) => refused(format!("refused: {}", e.message())),
        }
    }

    /// The members of a class and of its bases, which lie `base` bytes into the struct.
    fn add_members(
        &mut self,
        place: Place,
        base: usize,
        members: &mut Vec<Member>,
        steps: usize,
    ) -> Result<(), Fail> {
        if steps > MAX_STEPS {
            return refused("nested too deeply");
        }
        for child in self.children(place)? {
            let tag = child.tag();
            if tag == gimli::DW_TAG_variant_part {
                return refused("a Rust enum whose variants have fields");
            }
            if tag != gimli::DW_TAG_member && tag != gimli::DW_TAG_inheritance {
                continue;
            }
            // Static members, as DWARF 4 has them.
            if child.attr(gimli::DW_AT_declaration).is_some() {
                continue;
            }
            let name = self.program.name(place.unit, &child);
            let shown = name.as_deref().unwrap_or("without a name");
            let mut add = |reader: &mut Self| -> Result<(), Fail> {
                let target = reader.target(place, &child)?;
                if child.attr(gimli::DW_AT_bit_size).is_some()
                    || child.attr(gimli::DW_AT_data_bit_offset).is_some()
                {
                    let bits = number(&child, gimli::DW_AT_bit_size).unwrap_or(0);
                    let what = reader.name_of(target, 0);
                    return refused(format!("a bit-field ({what}, {bits} bits)"));
                }
                if child.attr(gimli::DW_AT_artificial).is_some() {
                    return refused("the pointer to the class's virtual functions");
                }
                if child.attr(gimli::DW_AT_virtuality).is_some() {
                    return refused("a virtual base class");
                }
                let offset = member_offset(&child)?;
                let Some(offset) = offset.checked_add(base) else {
                    return damaged("a member lies nowhere");
                };
                if tag == gimli::DW_TAG_inheritance || name.is_none() {
                    return reader.add_inner(target, offset, members, steps + 1);
                }
                // Rust's `()` and `PhantomData`, C's empty struct.
                if reader.size_of(target) == Some(0) {
                    return Ok(());
                }
                let converted = reader.convert(target, shown, steps + 1)?;
                if members.len() == MAX_FIELDS {
                    return refused(format!("one of more than {MAX_FIELDS}"));
                }
                let align = number(&child, gimli::DW_AT_alignment).unwrap_or(1);
                members.push(Member {
                    field: Field::new(shown, converted.ty).at(offset),
                    align: usize::try_from(align).unwrap_or(1),
                });
                Ok(())
            };
            let added = add(self);
            match (added, &name) {
                (Err(fail), Some(name)) => return Err(fail.inside(name)),
                (added, _) => added?,
            }
        }
        Ok(())
    }

    /// The members of a base class or of an anonymous struct are members of who has it.
    fn add_inner(
        &mut self,
        target: Place,
        offset: usize,
        members: &mut Vec<Member>,
        steps: usize,
    ) -> Result<(), Fail> {
        let target = self.definition(target)?;
        let entry = self.program.entry(target)?;
        match entry.tag() {
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => {
                self.add_members(target, offset, members, steps)
            }
            _ => Err(Fail::Refused {
                member: "(without a name)".to_owned(),
                what: self.describe(target),
            }),
        }
    }

    /// What a type is without its typedefs and qualifiers.
    fn definition(&self, mut place: Place) -> Result<Place, Fail> {
        for _ in 0..MAX_STEPS {
            let entry = self.program.entry(place)?;
            place = match entry.tag() {
                gimli::DW_TAG_typedef | gimli::DW_TAG_const_type | gimli::DW_TAG_volatile_type => {
                    self.target(place, &entry)?
                }
                _ => match entry.attr_value(gimli::DW_AT_signature) {
                    Some(signature) => match self.program.referred(place.unit, signature) {
                        Some(definition) => definition,
                        None => return damaged("a type refers to nothing"),
                    },
                    None => return Ok(place),
                },
            };
        }
        damaged("typedefs of each other")
    }

    fn size_of(&self, place: Place) -> Option<u64> {
        let entry = self.program.entry(self.definition(place).ok()?).ok()?;
        number(&entry, gimli::DW_AT_byte_size)
    }

    fn children(&mut self, place: Place) -> Result<Vec<Entry<'a>>, Fail> {
        let children = self.program.children(place, MAX_CHILDREN)?;
        match self.entries_left.checked_sub(children.len() + 1) {
            Some(left) if children.len() <= MAX_CHILDREN => self.entries_left = left,
            _ => return refused("too large to describe"),
        }
        Ok(children)
    }

    /// The alignment of a struct that states none: the one that explains offsets and size.
    ///
    /// DWARF has the alignment only where the program states it (and compilers before DWARF 5 not
    /// even then). Where nothing contradicts natural alignment, that is it; else the struct is
    /// packed, most likely to 1.
    fn alignment(&self, members: &[Member], size: usize) -> usize {
        let own = |member: &Member, most: usize| {
            let align = self.natural(&member.field.ty).min(most).max(member.align);
            if align.is_power_of_two() {
                align.min(MAX_ALIGN)
            } else {
                1
            }
        };
        let explained = |most: usize| {
            let mut end = 0usize;
            let mut align = 1;
            let mut sorted: Vec<&Member> = members.iter().collect();
            sorted.sort_by_key(|member| member.field.offset);
            for member in sorted {
                let own = own(member, most);
                if end.checked_next_multiple_of(own) != Some(member.field.offset) {
                    return None;
                }
                end = member.field.offset.saturating_add(member.field.ty.size());
                align = align.max(own);
            }
            (end.checked_next_multiple_of(align) == Some(size)).then_some(align)
        };
        if let Some(align) = [MAX_ALIGN, 1, 2, 4, 8].into_iter().find_map(explained) {
            return align;
        }
        // Bases, or an alignas that is not stated: the most that does not contradict, and as much
        // as the room at the end takes.
        let end = members
            .iter()
            .map(|m| m.field.offset.saturating_add(m.field.ty.size()))
            .max();
        let mut align = 1;
        for member in members {
            let own = own(member, MAX_ALIGN);
            let fits = (0..=own.trailing_zeros())
                .rev()
                .map(|bits| 1 << bits)
                .find(|align| {
                    member.field.offset.is_multiple_of(*align) && size.is_multiple_of(*align)
                });
            align = align.max(fits.unwrap_or(1));
        }
        let end = end.unwrap_or(0);
        while align < MAX_ALIGN
            && end
                .checked_next_multiple_of(align)
                .is_some_and(|full| full < size)
            && size.is_multiple_of(2 * align)
        {
            align *= 2;
        }
        align
    }

    /// The alignment of a type on the program's machine.
    fn natural(&self, ty: &Type) -> usize {
        match ty.base_and_dims().0 {
            Type::Struct(layout) => layout.align(),
            other => other.align_natural().min(self.program.natural),
        }
    }

    /// What the program has, for the message that refuses it.
    fn describe(&self, place: Place) -> String {
        let Ok(entry) = self.program.entry(place) else {
            return "a type that cannot be read".to_owned();
        };
        let name = match self.name_of(place, 0) {
            name if name.is_empty() => name,
            name => format!(" ({name})"),
        };
        match entry.tag() {
            gimli::DW_TAG_pointer_type => {
                format!("a pointer{name}, which means something only in the process that made it")
            }
            gimli::DW_TAG_reference_type | gimli::DW_TAG_rvalue_reference_type => {
                format!("a reference{name}, which means something only in the process that made it")
            }
            gimli::DW_TAG_union_type => {
                format!("a union{name}: nobody can tell which of its members is valid")
            }
            _ => format!("of a type that cannot be shared{name}"),
        }
    }

    /// The name of a type, as its program would write it; or nothing.
    fn name_of(&self, place: Place, steps: usize) -> String {
        let unknown = String::new;
        let Ok(entry) = self.program.entry(place) else {
            return unknown();
        };
        if let Some(name) = self.program.name(place.unit, &entry) {
            return name;
        }
        let target = || match self.target(place, &entry) {
            Ok(target) if steps < 8 => self.name_of(target, steps + 1),
            Ok(_) => "…".to_owned(),
            Err(_) => "void".to_owned(),
        };
        match entry.tag() {
            gimli::DW_TAG_pointer_type => format!("{}*", target()),
            gimli::DW_TAG_reference_type => format!("{}&", target()),
            gimli::DW_TAG_rvalue_reference_type => format!("{}&&", target()),
            gimli::DW_TAG_const_type => format!("const {}", target()),
            gimli::DW_TAG_volatile_type => format!("volatile {}", target()),
            gimli::DW_TAG_array_type => format!("{}[]", target()),
            gimli::DW_TAG_subroutine_type => format!("{}(…)", target()),
            gimli::DW_TAG_ptr_to_member_type => "pointer to member".to_owned(),
            _ => unknown(),
        }
    }
}

fn number(entry: &Entry<'_>, attribute: gimli::DwAt) -> Option<u64> {
    entry.attr_value(attribute)?.udata_value()
}

fn member_offset(entry: &Entry<'_>) -> Result<usize, Fail> {
    let offset = match entry.attr_value(gimli::DW_AT_data_member_location) {
        None => Some(0),
        Some(AttributeValue::Exprloc(gimli::Expression(bytes))) => plus_constant(bytes.slice()),
        Some(AttributeValue::Block(bytes)) => plus_constant(bytes.slice()),
        Some(value) => value.udata_value(),
    };
    match offset.and_then(|n| usize::try_from(n).ok()) {
        Some(offset) => Ok(offset),
        None => refused("where only the running program can tell (a virtual base class?)"),
    }
}

/// The offset in the expression that DWARF 2 has for it: `DW_OP_plus_uconst n`.
fn plus_constant(expression: &[u8]) -> Option<u64> {
    let (&op, rest) = expression.split_first()?;
    if op != gimli::DW_OP_plus_uconst.0 {
        return None;
    }
    let mut value = 0u64;
    for (i, byte) in rest.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (i + 1 == rest.len()).then_some(value);
        }
    }
    None
}

/// An array of so many, from the outside in; the innermost array of `char` is text.
fn array(element: Converted, lengths: &[usize]) -> Type {
    let mut lengths = lengths.iter().rev();
    let mut ty = element.ty;
    if element.is_char
        && let Some(&n) = lengths.next()
    {
        ty = Type::Text(n);
    }
    lengths.fold(ty, |ty, &n| Type::Array(Box::new(ty), n))
}

/// The library classes that are nothing but what is in them: `std::array`, `std::atomic`, Rust's
/// atomics, and our own `Text`.
fn transparent(name: &str, members: &[Member], size: usize) -> Option<Converted> {
    let [Member { field, .. }] = members else {
        return None;
    };
    if field.offset != 0 || field.ty.size() != size {
        return None;
    }
    let only = field.name.as_str();
    // With clang's -gsimple-template-names it is `array`.
    let class = name.split('<').next();
    if class == Some("array") && matches!(only, "_M_elems" | "__elems_") {
        return Some(field.ty.clone().into());
    }
    if name.starts_with("Text<")
        && only == "__0"
        && let Type::Array(element, n) = &field.ty
        && **element == Type::Scalar(Scalar::U8)
    {
        return Some(Type::Text(*n).into());
    }
    let rust = name.strip_prefix("Atomic").filter(|_| only == "v");
    let cpp = class == Some("atomic") && matches!(only, "_M_i" | "_M_base" | "_M_fp" | "__a_");
    if !cpp && rust.is_none() {
        return None;
    }
    let mut inner = &field.ty;
    while let Type::Struct(layout) = inner {
        let [only] = layout.fields() else {
            return None;
        };
        inner = &only.ty;
    }
    match (inner, rust) {
        (Type::Scalar(Scalar::U8), Some("Bool" | "<bool>")) => {
            Some(Type::Scalar(Scalar::Bool).into())
        }
        (Type::Scalar(_) | Type::Enum(_), _) => Some(inner.clone().into()),
        _ => None,
    }
}

/// What to say instead of the pointers in the library classes that everybody knows.
fn elsewhere(name: &str) -> Option<String> {
    let (class, what) = match name {
        "String" => ("String", "text"),
        _ if name.starts_with("basic_string") => ("std::string", "text"),
        _ if name.starts_with("vector<") => ("std::vector", "elements"),
        _ if name.starts_with("Vec<") => ("Vec", "elements"),
        _ => return None,
    };
    Some(format!(
        "a {class}, which keeps its {what} elsewhere, in the memory of the process that made it"
    ))
}

/// A name that a description can have.
fn type_name(name: &str) -> String {
    let mut name: String = name.chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() {
        return "unnamed".to_owned();
    }
    let mut end = name.len().min(MAX_TYPE_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}
