//! The types of a program: found by their names.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use gimli::{
    AttributeValue, DebugAddrBase, DebugLocListsBase, DebugRngListsBase, DebugStrOffsetsBase,
    DebuggingInformationEntry, Dwarf, Reader as _, Unit, UnitHeader, UnitOffset, UnitType,
};

use super::convert::{Converter, Fail};
use super::{Bytes, Found};
use crate::layout::build::MAX_ALIGN;
use crate::layout::{StructType, did_you_mean};
use crate::{Error, ErrorKind, Result};

/// More units than any program has; each takes some memory here.
const MAX_UNITS: usize = 1 << 18;
/// More definitions of one name than any program has.
const MAX_DEFINITIONS: usize = 100_000;
/// Bytes of all of their names together.
const MAX_NAMES: usize = 64 << 20;
/// How much of where a type lies is part of its name.
const MAX_SCOPES: usize = 32;
/// Longer names are as good as none.
const MAX_NAME: usize = 4096;

pub(super) type Entry<'a> = DebuggingInformationEntry<Bytes<'a>>;

/// Where an entry is: the number of its unit, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub unit: usize,
    pub offset: UnitOffset,
}

/// A program's debug information.
pub(super) struct Program<'a> {
    dwarf: Dwarf<Bytes<'a>>,
    units: Vec<Unit<Bytes<'a>>>,
    /// Types in units of their own (`-fdebug-types-section`).
    signatures: HashMap<u64, Place>,
    /// The largest alignment of a plain number.
    pub natural: usize,
}

/// What a walk through all entries sees of each.
struct Seen<'e, 'a> {
    place: Place,
    entry: &'e Entry<'a>,
    scopes: &'e [Scope<'a>],
}

/// A namespace, class or function around an entry.
struct Scope<'a> {
    depth: isize,
    name: Option<Bytes<'a>>,
}

/// An entry of the name that is looked for.
struct Definition {
    place: Place,
    qualified: String,
}

impl<'a> Program<'a> {
    pub fn new(dwarf: Dwarf<Bytes<'a>>, natural: usize) -> Result<Program<'a>, String> {
        let text = |e: gimli::Error| e.to_string();
        let mut headers = Vec::new();
        let mut in_info = dwarf.units();
        while let Some(header) = in_info.next().map_err(text)? {
            headers.push(header);
        }
        let mut in_types = dwarf.type_units();
        while let Some(header) = in_types.next().map_err(text)? {
            headers.push(header);
        }
        if headers.len() > MAX_UNITS {
            return Err(format!("it has more than {MAX_UNITS} units"));
        }
        let mut units = Vec::with_capacity(headers.len());
        let mut signatures = HashMap::new();
        for header in headers {
            if let UnitType::Type {
                type_signature,
                type_offset,
            } = header.type_()
            {
                let place = Place {
                    unit: units.len(),
                    offset: type_offset,
                };
                signatures.insert(type_signature.0, place);
            }
            units.push(unit(&dwarf, header).map_err(text)?);
        }
        Ok(Program {
            dwarf,
            units,
            signatures,
            natural,
        })
    }

    pub fn entry(&self, place: Place) -> gimli::Result<Entry<'a>> {
        self.units[place.unit].entry(place.offset)
    }

    /// The entries directly below one; of more than `most`, one more.
    pub fn children(&self, place: Place, most: usize) -> gimli::Result<Vec<Entry<'a>>> {
        let mut cursor = self.units[place.unit].entries_at_offset(place.offset)?;
        let mut children = Vec::new();
        if !cursor.next_entry()? || !cursor.current().is_some_and(|e| e.has_children()) {
            return Ok(children);
        }
        cursor.next_entry()?;
        while let Some(child) = cursor.current() {
            children.push(child.clone());
            if children.len() > most || cursor.next_sibling()?.is_none() {
                break;
            }
        }
        Ok(children)
    }

    /// The entry that an attribute of an entry in `unit` refers to.
    pub fn referred(&self, unit: usize, value: AttributeValue<Bytes<'a>>) -> Option<Place> {
        match value {
            AttributeValue::UnitRef(offset) => Some(Place { unit, offset }),
            AttributeValue::DebugInfoRef(at) => {
                // Units of `.debug_types` come after all of the others.
                let start =
                    |u: &Unit<_>| u.header.debug_info_offset().map_or(usize::MAX, |at| at.0);
                let unit = self.units.partition_point(|u| start(u) <= at.0);
                let unit = unit.checked_sub(1)?;
                let offset = UnitOffset(at.0 - start(&self.units[unit]));
                Some(Place { unit, offset })
            }
            AttributeValue::DebugTypesRef(signature) => self.signatures.get(&signature.0).copied(),
            _ => None,
        }
    }

    /// The text of an attribute.
    fn bytes(&self, unit: usize, entry: &Entry<'a>, attribute: gimli::DwAt) -> Option<Bytes<'a>> {
        let value = entry.attr_value(attribute)?;
        let bytes = self.dwarf.attr_string(&self.units[unit], value).ok()?;
        Some(bytes).filter(|bytes| bytes.len() <= MAX_NAME)
    }

    fn text(&self, unit: usize, entry: &Entry<'a>, attribute: gimli::DwAt) -> Option<String> {
        let bytes = self.bytes(unit, entry, attribute)?;
        Some(bytes.to_string_lossy().into_owned())
    }

    pub fn name(&self, unit: usize, entry: &Entry<'a>) -> Option<String> {
        self.text(unit, entry, gimli::DW_AT_name)
    }

    /// Shows every entry to `see`, until it has seen enough (`false`).
    fn walk(&self, mut see: impl FnMut(&Seen<'_, 'a>) -> bool) -> gimli::Result<()> {
        for (number, unit) in self.units.iter().enumerate() {
            let mut cursor = unit.entries();
            let mut scopes: Vec<Scope<'a>> = Vec::new();
            while let Some(entry) = cursor.next_dfs()? {
                while scopes.last().is_some_and(|s| s.depth >= entry.depth()) {
                    scopes.pop();
                }
                let place = Place {
                    unit: number,
                    offset: entry.offset(),
                };
                let seen = Seen {
                    place,
                    entry,
                    scopes: &scopes,
                };
                if !see(&seen) {
                    return Ok(());
                }
                if entry.has_children() && is_scope(entry.tag()) {
                    let name = self.bytes(number, entry, gimli::DW_AT_name);
                    let depth = entry.depth();
                    scopes.push(Scope { depth, name });
                }
            }
        }
        Ok(())
    }

    /// The struct of this name.
    pub fn find(&self, path: &Path, name: &str) -> Result<Found> {
        let damaged = |e: gimli::Error| super::unreadable(path, e);
        let wanted = Wanted::new(name);
        let mut found: Vec<Definition> = Vec::new();
        let mut declared: HashMap<Place, String> = HashMap::new();
        let mut room = MAX_NAMES;
        self.walk(|seen| {
            if !is_named_type(seen.entry.tag()) {
                return true;
            }
            // A class that is defined outside of the one it is declared in.
            let specified = seen.entry.attr_value(gimli::DW_AT_specification);
            if let Some(place) = specified.and_then(|v| self.referred(seen.place.unit, v)) {
                if let Some(qualified) = declared.get(&place).cloned() {
                    let place = seen.place;
                    found.push(Definition { place, qualified });
                }
            } else if let Some(name) = self.name(seen.place.unit, seen.entry)
                && let Some(qualified) = wanted.qualified(&name, seen.scopes)
            {
                room = room.saturating_sub(qualified.len());
                let elsewhere = [gimli::DW_AT_declaration, gimli::DW_AT_signature];
                if elsewhere.iter().any(|at| seen.entry.attr(*at).is_some()) {
                    declared.insert(seen.place, qualified);
                } else {
                    let place = seen.place;
                    found.push(Definition { place, qualified });
                }
            }
            room > 0 && found.len() + declared.len() < MAX_DEFINITIONS
        })
        .map_err(damaged)?;
        if found.is_empty() {
            return Err(self.not_found(path, name, !declared.is_empty()));
        }
        self.one_of(path, name, found)
    }

    /// The definition that all of them agree on.
    fn one_of(&self, path: &Path, name: &str, found: Vec<Definition>) -> Result<Found> {
        let mut converter = Converter::new(self);
        let mut distinct: Vec<(Definition, Result<StructType, Fail>)> = Vec::new();
        for definition in found {
            let alias = last_of(&definition.qualified);
            let converted = converter.root(definition.place, alias);
            let known = distinct.iter().any(|(_, known)| match (known, &converted) {
                (Ok(a), Ok(b)) => a.canonical() == b.canonical(),
                (Err(a), Err(b)) => a == b,
                _ => false,
            });
            // A hostile file has no right to our patience: the message would be as long.
            if !known && distinct.len() < 100 {
                distinct.push((definition, converted));
            }
        }
        if distinct.len() > 1 {
            return Err(self.ambiguous(path, name, &distinct));
        }
        let (definition, converted) = distinct.swap_remove(0);
        Ok(Found {
            layout: converted.map_err(|fail| fail.of(path, name))?,
            compiled: self.compiled(definition.place.unit),
        })
    }

    /// The type of a variable: what a probe is for.
    pub fn variable(&self, path: &Path, variable: &str, name: &str) -> Result<Found> {
        let align_variable = format!("{variable}_align");
        let (mut place, mut align) = (None, None);
        self.walk(|seen| {
            if seen.entry.tag() == gimli::DW_TAG_variable
                && let Some(name) = self.name(seen.place.unit, seen.entry)
            {
                let ty = seen.entry.attr_value(gimli::DW_AT_type);
                let ty = ty.and_then(|ty| self.referred(seen.place.unit, ty));
                if name == variable {
                    place = ty;
                } else if name == align_variable {
                    align = ty;
                }
            }
            place.is_none() || align.is_none()
        })
        .map_err(|e| super::unreadable(path, e))?;
        let (Some(place), Some(align)) = (place, align) else {
            return Err(super::unreadable(
                path,
                "the probe's variables are not there",
            ));
        };
        let mut converter = Converter::new(self);
        let alias = last_of(name);
        let layout = converter.root(place, alias);
        let mut layout = layout.map_err(|fail| fail.of(path, name))?;
        // The compiler's own word, where what was worked out is a guess.
        if let Ok(align) = converter.array_length(align)
            && align.is_power_of_two()
            && align <= MAX_ALIGN
            && layout.size().is_multiple_of(align)
        {
            layout.align = align;
        }
        Ok(Found {
            layout,
            compiled: self.compiled(place.unit),
        })
    }

    /// `DWARF 5, GNU C++17 12.2.0`: the version, and the compiler without its options.
    fn compiled(&self, unit: usize) -> String {
        let version = self.units[unit].header.version();
        let root = self.entry(Place {
            unit,
            offset: self.units[unit].header.root_offset(),
        });
        let producer = root
            .ok()
            .and_then(|root| self.text(unit, &root, gimli::DW_AT_producer));
        let Some(producer) = producer else {
            return format!("DWARF {version}");
        };
        let compiler = producer.split(" -").next().unwrap_or_default().trim();
        let compiler: String = compiler.chars().filter(|c| !c.is_control()).collect();
        let compiler: String = compiler.chars().take(80).collect();
        format!("DWARF {version}, {compiler}")
    }

    /// The source file that a unit was compiled from.
    fn source(&self, unit: usize) -> String {
        let offset = self.units[unit].header.root_offset();
        let root = self.entry(Place { unit, offset }).ok();
        root.and_then(|root| self.name(unit, &root))
            .unwrap_or_else(|| "a compile unit without a name".to_owned())
    }

    fn ambiguous(
        &self,
        path: &Path,
        name: &str,
        distinct: &[(Definition, Result<StructType, Fail>)],
    ) -> Error {
        let mut message = format!(
            "{} has {} different definitions of {name}:",
            path.display(),
            distinct.len()
        );
        let mut names = HashSet::new();
        for (definition, converted) in distinct {
            names.insert(&definition.qualified);
            let what = match converted {
                Ok(layout) => format!("{} bytes", layout.size()),
                Err(fail) => fail.to_string(),
            };
            let unit = self.source(definition.place.unit);
            message += &format!("\n  {}: {what}, in {unit}", definition.qualified);
        }
        let hint = if names.len() == distinct.len() {
            let first = &distinct[0].0.qualified;
            format!("say which: by its full name, from the outermost namespace, such as ::{first}")
        } else {
            "a struct that its own program has in several ways cannot be shared in it; is one file \
             compiled with another #pragma pack, other flags or an older header? The object file (.o) \
             of one of them can be named, too"
                .to_owned()
        };
        Error::new(ErrorKind::Invalid, message).with_hint(hint)
    }

    fn not_found(&self, path: &Path, name: &str, declared: bool) -> Error {
        let path = path.display();
        if declared {
            let message = format!("{path} declares {name}, but the definition is not in it");
            return Error::new(ErrorKind::NotFound, message).with_hint(
                "compile with -g the file that uses its members (clang: with -fstandalone-debug); \
                 or name the header: PATH.h#TYPE",
            );
        }
        let mut names = HashSet::new();
        let mut split = false;
        let walked = self.walk(|seen| {
            let dwo = [gimli::DW_AT_dwo_name, gimli::DW_AT_GNU_dwo_name];
            split |= dwo.iter().any(|name| seen.entry.attr(*name).is_some());
            let tag = seen.entry.tag();
            if matches!(tag, gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type)
                && seen.entry.attr(gimli::DW_AT_declaration).is_none()
                && let Some(name) = self.name(seen.place.unit, seen.entry)
                && name.len() <= 256
            {
                names.insert(name);
            }
            names.len() < MAX_DEFINITIONS
        });
        let message = format!("{path} has no struct {name}");
        let error = Error::new(ErrorKind::NotFound, message);
        let mut close: Vec<&String> = names.iter().collect();
        close.sort_unstable();
        let hint = if let Some(close) = did_you_mean(last_of(name), close) {
            format!("did you mean {close:?}?")
        } else if split {
            "its debug information lies in files of its own (-gsplit-dwarf): compile without that \
             option, or name the header: PATH.h#TYPE"
                .to_owned()
        } else if names.is_empty() || walked.is_err() {
            "its debug information describes no types: compile with -g (not -g1 or \
             -gline-tables-only)"
                .to_owned()
        } else {
            "compilers leave out what a program does not use; is it in a file that is compiled with \
             -g?"
                .to_owned()
        };
        error.with_hint(hint)
    }
}

/// What of a unit its types need: `Unit::new` would read its line numbers, too.
fn unit<'a>(
    dwarf: &Dwarf<Bytes<'a>>,
    header: UnitHeader<Bytes<'a>>,
) -> gimli::Result<Unit<Bytes<'a>>> {
    let strings = DebugStrOffsetsBase::default_for_encoding_and_file;
    let mut unit = Unit {
        abbreviations: dwarf.abbreviations(&header)?,
        name: None,
        comp_dir: None,
        low_pc: 0,
        str_offsets_base: strings(header.encoding(), dwarf.file_type),
        addr_base: DebugAddrBase(0),
        loclists_base: DebugLocListsBase(0),
        rnglists_base: DebugRngListsBase(0),
        line_program: None,
        dwo_id: None,
        header,
    };
    let root = unit.entry(unit.header.root_offset())?;
    if let Some(AttributeValue::DebugStrOffsetsBase(base)) =
        root.attr_value(gimli::DW_AT_str_offsets_base)
    {
        unit.str_offsets_base = base;
    }
    Ok(unit)
}

/// A type's name as it was asked for.
struct Wanted {
    /// Without spaces: compilers disagree on them in `array<int, 3>`.
    name: String,
    /// `::name`: from the outermost namespace.
    absolute: bool,
}

impl Wanted {
    fn new(name: &str) -> Wanted {
        let name = without_spaces(name);
        match name.strip_prefix("::") {
            Some(name) => Wanted {
                name: name.to_owned(),
                absolute: true,
            },
            None => Wanted {
                name,
                absolute: false,
            },
        }
    }

    /// The full name of a type, where it is the one that was asked for.
    fn qualified(&self, name: &str, scopes: &[Scope<'_>]) -> Option<String> {
        let bare = without_spaces(name);
        if !self.name.ends_with(&bare) || bare.is_empty() {
            return None;
        }
        let inner = &scopes[scopes.len().saturating_sub(MAX_SCOPES)..];
        let mut parts: Vec<Cow<'_, str>> = inner
            .iter()
            .map(|scope| match &scope.name {
                Some(name) => name.to_string_lossy(),
                None => "(anonymous)".into(),
            })
            .collect();
        parts.push(name.into());
        let qualified = parts.join("::");
        let spaceless = without_spaces(&qualified);
        let rest = spaceless.strip_suffix(&self.name)?;
        let fits = rest.is_empty() || (!self.absolute && rest.ends_with("::"));
        fits.then_some(qualified)
    }
}

fn without_spaces(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The name without its namespaces: `robot::Pose<math::f, 3>` gives `Pose<math::f, 3>`.
fn last_of(name: &str) -> &str {
    let head = name.find('<').unwrap_or(name.len());
    name[..head]
        .rfind("::")
        .map_or(name, |colons| &name[colons + 2..])
}

fn is_scope(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_subprogram
    )
}

fn is_named_type(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_typedef
    )
}
