//! Schema files: structs and enums written down in TOML.
//!
//! ```toml
//! [struct.SharedData]              # C's alignment, unless pack = 1, 2, 4, 8 or 16
//! size = 632                       # size, align and offsets, where given, are checked
//! fields = [
//!   { name = "processId", type = "i32" },
//!   { name = "message",   type = "text[500]" },
//!   { name = "timestamp", type = "i64", unit = "ms", offset = 504, doc = "when it was taken" },
//!   { name = "arms",      type = "Arm[2]" },
//!   { name = "mode",      type = "Mode" },
//!   { name = "grid",      type = "i32[4][2]" },
//! ]
//!
//! [struct.Arm]
//! fields = [ { name = "joints", type = "f32[6]", unit = "rad" } ]
//!
//! [enum.Mode]
//! type = "u8"                      # i32 where left out, as in C
//! values = { Idle = 0, Run = 1 }
//! ```
//! `align` larger than C's raises the alignment, as `alignas` does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::build::{check_enum, check_field, check_type_name, place};
use super::path::list;
use super::{EnumType, Field, MAX_ALIGN, MAX_DEPTH, Scalar, StructType, Type, did_you_mean};
use crate::{Error, ErrorKind, Result};

mod types;

/// The largest schema file: 4 MiB.
const MAX_FILE: u64 = 4 << 20;

/// The types of one schema file.
#[derive(Debug, Clone)]
pub struct Schema {
    file: String,
    structs: Vec<Arc<StructType>>,
    enums: Vec<Arc<EnumType>>,
}

impl Schema {
    /// Reads a schema file.
    ///
    /// # Errors
    /// What the operating system says, where the file cannot be read; [`ErrorKind::Invalid`] with
    /// file and line for what is wrong in it.
    pub fn load(path: &Path) -> Result<Schema> {
        let name = path.display().to_string();
        let os = |e| Error::os(format_args!("cannot read the schema {name}"), &e);
        let size = std::fs::metadata(path).map_err(os)?.len();
        if size > MAX_FILE {
            let message = format!("{name}: {size} bytes are too many for a schema");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let bytes = std::fs::read(path).map_err(os)?;
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let line = line_of(
                &String::from_utf8_lossy(&bytes[..e.valid_up_to()]),
                usize::MAX,
            );
            Error::new(
                ErrorKind::Invalid,
                format!("{name}:{line}: a schema is UTF-8 text"),
            )
        })?;
        Schema::parse(text, &name)
    }

    /// Reads a schema from its text; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with file and line for the first thing that is wrong, and what is
    /// allowed in its place.
    pub fn parse(text: &str, file: &str) -> Result<Schema> {
        let source = Source { text, file };
        let document = DeTable::parse(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            source.fail(at, e.message().replace('\n', ", "))
        })?;
        Reader::new(source, document.get_ref())?.read()
    }

    /// The struct of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], with the likeliest name as the hint.
    pub fn get(&self, type_name: &str) -> Result<Arc<StructType>> {
        if let Some(found) = self.structs.iter().find(|st| st.name() == type_name) {
            return Ok(Arc::clone(found));
        }
        if self.enums.iter().any(|e| e.name == type_name) {
            let message = format!(
                "{}: {type_name} is an enum; a layout is a struct",
                self.file
            );
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let error = Error::new(
            ErrorKind::NotFound,
            format!("{} has no struct {type_name:?}", self.file),
        );
        Err(
            error.with_hint(match did_you_mean(type_name, self.names()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("its structs are {}", list(self.names())),
            }),
        )
    }

    /// The names of the structs, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.structs.iter().map(|st| st.name())
    }

    /// The structs, in the order of the file.
    pub fn structs(&self) -> &[Arc<StructType>] {
        &self.structs
    }

    /// The enums, in the order of the file.
    pub fn enums(&self) -> &[Arc<EnumType>] {
        &self.enums
    }
}

/// The line in which byte `at` of `text` lies.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// The text, for errors that name file and line.
#[derive(Clone, Copy)]
struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

impl Source<'_> {
    fn fail(&self, at: usize, what: impl std::fmt::Display) -> Error {
        let line = line_of(self.text, at);
        Error::new(ErrorKind::Invalid, format!("{}:{line}: {what}", self.file))
    }
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Node<'a> = Spanned<DeValue<'a>>;

struct Reader<'a> {
    source: Source<'a>,
    /// In the order of the file.
    structs: Vec<Declared<'a>>,
    /// Where each is in `structs`.
    by_name: BTreeMap<&'a str, usize>,
    enums: BTreeMap<&'a str, Arc<EnumType>>,
}

struct Declared<'a> {
    name: &'a str,
    at: usize,
    table: &'a DeTable<'a>,
    state: State,
}

enum State {
    Unread,
    /// Its fields are being read: whoever needs it now contains itself.
    Reading,
    Done(Arc<StructType>),
}

impl<'a> Reader<'a> {
    fn new(source: Source<'a>, document: &'a DeTable<'a>) -> Result<Reader<'a>> {
        let mut reader = Reader {
            source,
            structs: Vec::new(),
            by_name: BTreeMap::new(),
            enums: BTreeMap::new(),
        };
        let (mut structs, mut enums) = (Vec::new(), Vec::new());
        for (key, value) in document {
            let into = match key.get_ref().as_ref() {
                "struct" => &mut structs,
                "enum" => &mut enums,
                other => {
                    let message = format!("a schema has no {other:?}");
                    let error = source.fail(key.span().start, message);
                    let near = did_you_mean(other, ["struct", "enum"]).unwrap_or("struct");
                    let hint = format!(
                        "did you mean `[{near}.NAME]`? There are `[struct.NAME]` and `[enum.NAME]`"
                    );
                    return Err(error.with_hint(hint));
                }
            };
            let what = format!(
                "`{}` holds tables `[{}.NAME]`",
                key.get_ref(),
                key.get_ref()
            );
            for (name, value) in reader.table(value, &what)? {
                into.push((name, value));
            }
        }
        for (name, value) in in_order(enums) {
            reader.check_name(name)?;
            let table = reader.table(value, &format!("enum {} is a table", name.get_ref()))?;
            let e = reader.read_enum(name, table)?;
            reader.enums.insert(name.get_ref(), Arc::new(e));
        }
        for (name, value) in in_order(structs) {
            reader.check_name(name)?;
            if reader.enums.contains_key(name.get_ref().as_ref()) {
                let what = format!("{} is already the name of an enum", name.get_ref());
                return Err(source.fail(name.span().start, what));
            }
            let table = reader.table(value, &format!("struct {} is a table", name.get_ref()))?;
            let at = name.span().start;
            reader.by_name.insert(name.get_ref(), reader.structs.len());
            reader.structs.push(Declared {
                name: name.get_ref(),
                at,
                table,
                state: State::Unread,
            });
        }
        Ok(reader)
    }

    fn read(mut self) -> Result<Schema> {
        let all = 0..self.structs.len();
        let structs = all
            .map(|i| self.struct_type(i, 0, 1))
            .collect::<Result<Vec<_>>>()?;
        let Reader { source, enums, .. } = self;
        Ok(Schema {
            file: source.file.to_owned(),
            structs,
            enums: enums.into_values().collect(),
        })
    }

    fn check_name(&self, name: &Key<'_>) -> Result<()> {
        let (at, name) = (name.span().start, name.get_ref());
        check_type_name(name).map_err(|what| self.source.fail(at, format!("{name:?}: {what}")))?;
        if types::is_builtin(name) || name.contains(['[', ']']) {
            let what = format!("{name:?} cannot be the name of a struct or enum");
            return Err(self.source.fail(at, what));
        }
        Ok(())
    }

    /// The `i`th struct, read now if it has not been; `at` is where it is used.
    fn struct_type(&mut self, i: usize, at: usize, depth: usize) -> Result<Arc<StructType>> {
        let declared = &mut self.structs[i];
        match &declared.state {
            State::Done(st) => return Ok(Arc::clone(st)),
            State::Reading => {
                let what = format!(
                    "struct {} contains itself, so it would have no end",
                    declared.name
                );
                return Err(self.source.fail(at, what));
            }
            State::Unread if depth > MAX_DEPTH => {
                let what = format!("structs are nested deeper than {MAX_DEPTH} levels");
                return Err(self.source.fail(at, what));
            }
            State::Unread => {}
        }
        declared.state = State::Reading;
        let (name, span, table) = (declared.name, declared.at, declared.table);
        let st = Arc::new(self.read_struct(name, span, table, depth)?);
        self.structs[i].state = State::Done(Arc::clone(&st));
        Ok(st)
    }

    fn read_struct(
        &mut self,
        name: &str,
        span: usize,
        table: &'a DeTable<'a>,
        depth: usize,
    ) -> Result<StructType> {
        let context = format!("struct {name}");
        self.known_keys(table, &["fields", "pack", "size", "align"], &context)?;
        let Some((_, value)) = entry(table, "fields") else {
            let error = self.source.fail(span, format!("{context} has no `fields`"));
            return Err(error.with_hint("fields = [ { name = \"counter\", type = \"i32\" } ]"));
        };
        let Some(items) = value.get_ref().as_array() else {
            let what = format!("{context}: `fields` is a list of {{ name = …, type = … }}");
            return Err(self.wrong_kind(value, &what));
        };
        let mut fields: Vec<Field> = Vec::new();
        let mut spans = Vec::new();
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for item in items.iter() {
            let what = format!("{context}: each field is {{ name = …, type = … }}");
            let at = item.span().start;
            let (field, given) = self.read_field(self.table(item, &what)?, at, &context, depth)?;
            let folded = super::canonical::fold(&field.name);
            if let Some(before) = known.insert(folded, field.name.clone()) {
                let what = match before == field.name {
                    true => format!("{context} has two fields called {before:?}"),
                    false => format!(
                        "{context}: fields {before:?} and {:?} differ only in case and `_`, so \
                         other languages could not tell them apart",
                        field.name
                    ),
                };
                return Err(self.source.fail(at, what));
            }
            fields.push(field);
            spans.push((at, given));
        }
        let pack = self.number(table, "pack", &context)?;
        if let Some((at, pack)) = pack.filter(|(_, p)| !matches!(p, 1 | 2 | 4 | 8 | 16)) {
            let what = format!("{context}: pack = {pack} is not 1, 2, 4, 8 or 16");
            return Err(self.source.fail(at, what));
        }
        let (size, natural) = place(&mut fields, pack.map_or(usize::MAX, |(_, pack)| pack));
        for (field, (at, given)) in fields.iter().zip(&spans) {
            if let Some(given) = given.filter(|given| *given != field.offset) {
                let (name, offset) = (&field.name, field.offset);
                let rule = pack.map_or("C's rules".to_owned(), |(_, p)| format!("pack = {p}"));
                let what = format!(
                    "{context}, field {name:?}: offset {given} is given, but by {rule} it lies at {offset}"
                );
                let hint =
                    "set `pack`, or declare the fields that lie before it, or leave the offset out";
                return Err(self.source.fail(*at, what).with_hint(hint));
            }
        }
        let align = match self.number(table, "align", &context)? {
            None => natural,
            Some((_, align))
                if align >= natural && align.is_power_of_two() && align <= MAX_ALIGN =>
            {
                align
            }
            Some((at, align)) => {
                let what = format!(
                    "{context}: align = {align} is no power of two from {natural} (what its fields need) to {MAX_ALIGN}"
                );
                return Err(self
                    .source
                    .fail(at, what)
                    .with_hint("`pack` lowers an alignment"));
            }
        };
        let size = size.checked_next_multiple_of(align).unwrap_or(usize::MAX);
        if let Some((at, given)) = self.number(table, "size", &context)?
            && given != size
        {
            let what =
                format!("{context}: size = {given} is given, but its fields take {size} bytes");
            return Err(self.source.fail(at, what));
        }
        StructType::new(name, size, align, fields).map_err(|e| self.source.fail(span, e.message()))
    }

    /// A field, without its offset, and the offset that is given.
    fn read_field(
        &mut self,
        table: &'a DeTable<'a>,
        at: usize,
        context: &str,
        depth: usize,
    ) -> Result<(Field, Option<usize>)> {
        let keys = ["name", "type", "offset", "size", "unit", "doc"];
        let name = self.text(table, "name", context)?;
        let context = match name {
            Some((_, name)) => format!("{context}, field {name:?}"),
            None => format!("{context}, a field"),
        };
        self.known_keys(table, &keys, &context)?;
        let Some((_, name)) = name else {
            return Err(self.source.fail(at, format!("{context} without a `name`")));
        };
        let Some((type_at, text)) = self.text(table, "type", &context)? else {
            let error = self.source.fail(at, format!("{context} has no `type`"));
            return Err(error.with_hint(types::BUILTINS));
        };
        let ty = self.read_type(text, type_at, &context, depth)?;
        let mut field = Field::new(name, ty);
        field.unit = self
            .text(table, "unit", &context)?
            .map(|(_, text)| text.to_owned());
        field.doc = self
            .text(table, "doc", &context)?
            .map(|(_, text)| text.to_owned());
        check_field(&field).map_err(|e| self.source.fail(at, format!("{context}: {e}")))?;
        if let Some((at, given)) = self.number(table, "size", &context)?
            && given != field.ty.size()
        {
            let (ty, size) = (&field.ty, field.ty.size());
            let what = format!("{context}: size = {given} is given, but {ty} takes {size} bytes");
            return Err(self.source.fail(at, what));
        }
        Ok((
            field,
            self.number(table, "offset", &context)?
                .map(|(_, offset)| offset),
        ))
    }

    fn read_type(&mut self, text: &str, at: usize, context: &str, depth: usize) -> Result<Type> {
        let source = self.source;
        let fail = |(what, hint): (String, Option<String>)| {
            let error = source.fail(at, format!("{context}: {what}"));
            hint.into_iter().fold(error, Error::with_hint)
        };
        let (base, mut dims) = types::split(text).map_err(fail)?;
        let ty = if let Some(builtin) = types::builtin(base, &mut dims) {
            builtin.map_err(fail)?
        } else if let Some(e) = self.enums.get(base) {
            Type::Enum(Arc::clone(e))
        } else if let Some(i) = self.by_name.get(base) {
            Type::Struct(self.struct_type(*i, at, depth + 1)?)
        } else {
            let names = self.by_name.keys().chain(self.enums.keys()).copied();
            return Err(fail(types::unknown(base, &dims, names)));
        };
        types::wrap(ty, dims).map_err(fail)
    }

    fn read_enum(&self, name: &Key<'_>, table: &'a DeTable<'a>) -> Result<EnumType> {
        let (at, name) = (name.span().start, name.get_ref());
        let context = format!("enum {name}");
        self.known_keys(table, &["type", "values"], &context)?;
        let repr = match self.text(table, "type", &context)? {
            None => Scalar::I32,
            Some((at, text)) => {
                let int = Scalar::from_name(text.trim()).filter(|s| s.int_range().is_some());
                int.ok_or_else(|| {
                    let error = self
                        .source
                        .fail(at, format!("{context}: {text:?} is no type for an enum"));
                    error.with_hint("an enum is stored as i8, i16, i32, i64, u8, u16, u32 or u64")
                })?
            }
        };
        let Some((_, values)) = entry(table, "values") else {
            let error = self.source.fail(at, format!("{context} has no `values`"));
            return Err(error.with_hint("values = { Idle = 0, Run = 1 }"));
        };
        let what = format!("{context}: `values` is a table of names and integers: {{ Idle = 0 }}");
        let mut variants = Vec::new();
        for (name, value) in in_order(self.table(values, &what)?.iter().collect()) {
            let int = value.get_ref().as_integer();
            let int = int.and_then(|n| i128::from_str_radix(n.as_str(), n.radix()).ok());
            variants.push((
                name.get_ref().to_string(),
                int.ok_or_else(|| self.wrong_kind(value, &what))?,
            ));
        }
        let e = EnumType {
            name: name.to_string(),
            repr,
            variants,
        };
        check_enum(&e).map_err(|what| self.source.fail(at, what))?;
        Ok(e)
    }

    fn table(&self, value: &'a Node<'a>, what: &str) -> Result<&'a DeTable<'a>> {
        value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.wrong_kind(value, what))
    }

    fn wrong_kind(&self, value: &Node<'_>, what: &str) -> Error {
        let kind = value.get_ref().type_str();
        let article = if kind.starts_with(['a', 'i']) {
            "an"
        } else {
            "a"
        };
        self.source
            .fail(value.span().start, format!("{what}, not {article} {kind}"))
    }

    fn text(
        &self,
        table: &'a DeTable<'a>,
        key: &str,
        context: &str,
    ) -> Result<Option<(usize, &'a str)>> {
        let Some((_, value)) = entry(table, key) else {
            return Ok(None);
        };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some((value.span().start, text))),
            None => Err(self.wrong_kind(value, &format!("{context}: `{key}` is a string"))),
        }
    }

    fn number(
        &self,
        table: &'a DeTable<'a>,
        key: &str,
        context: &str,
    ) -> Result<Option<(usize, usize)>> {
        let Some((_, value)) = entry(table, key) else {
            return Ok(None);
        };
        let what = format!("{context}: `{key}` is a number of bytes");
        let Some(n) = value.get_ref().as_integer() else {
            return Err(self.wrong_kind(value, &what));
        };
        let at = value.span().start;
        match usize::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Ok(Some((at, n))),
            Err(_) => Err(self.source.fail(at, format!("{what}, which {n} is not"))),
        }
    }

    fn known_keys(&self, table: &DeTable<'_>, known: &[&str], context: &str) -> Result<()> {
        let unknown = table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else {
            return Ok(());
        };
        let what = format!("{context}: there is no key {:?}", key.get_ref());
        let error = self.source.fail(key.span().start, what);
        let allowed = list(known.iter().copied());
        Err(error.with_hint(
            match did_you_mean(key.get_ref().as_ref(), known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? Allowed are {allowed}"),
                None => format!("allowed are {allowed}"),
            },
        ))
    }
}

fn entry<'a>(table: &'a DeTable<'a>, key: &str) -> Option<(&'a Key<'a>, &'a Node<'a>)> {
    table.iter().find(|(k, _)| k.get_ref() == key)
}

fn in_order<'a>(mut entries: Vec<(&'a Key<'a>, &'a Node<'a>)>) -> Vec<(&'a Key<'a>, &'a Node<'a>)> {
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

#[cfg(test)]
mod tests;
