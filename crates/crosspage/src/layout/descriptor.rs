//! The binary descriptor that a page stores: tables modelled on BTF. docs/layout.md has the bytes.
//!
//! ```text
//! header     32 bytes   magic, version, byte order, total, counts, root, where the strings start
//! types      24 each    kind, scalar, align, elem, name, size, first, count
//! fields     20 each    name, offset, type, unit, doc
//! variants   16 each    name, value
//! strings               u16 length, UTF-8; number 0 is "none"
//! ```
//! A type refers only to types before it, so there are no cycles; structs share out the field
//! table in order, enums the variant table, so what decodes is as small as its bytes.

use std::collections::HashMap;
use std::sync::Arc;

use super::build::{MAX_DOC, MAX_FIELDS, MAX_NAME, MAX_TYPE_NAME, MAX_UNIT};
use super::{EnumType, Field, Scalar, StructType, Type};
use crate::{Error, ErrorKind, Result};

/// The largest descriptor: 1 MiB.
pub const MAX_DESCRIPTOR: usize = 1 << 20;

const MAGIC: [u8; 4] = *b"CPLD";
const VERSION: u8 = 1;
const LITTLE_ENDIAN: u8 = 1;
const HEADER_BYTES: usize = 32;
pub(super) const TYPE_BYTES: usize = 24;
pub(super) const FIELD_BYTES: usize = 20;
pub(super) const VARIANT_BYTES: usize = 16;

/// What a string of `len` bytes takes; an absent one takes nothing.
pub(super) const fn string_bytes(len: usize) -> usize {
    if len == 0 { 0 } else { len + 2 }
}

/// What a descriptor takes besides the [`Cost`](super::Cost) of its struct.
pub(super) const FIXED_BYTES: usize = HEADER_BYTES + 2;

mod kind {
    pub const SCALAR: u8 = 1;
    pub const TEXT: u8 = 2;
    pub const ARRAY: u8 = 3;
    pub const STRUCT: u8 = 4;
    pub const ENUM: u8 = 5;
    pub const TAIL: u8 = 6;
}

impl StructType {
    /// The descriptor: what a page stores, and what [`decode`](StructType::decode) reads back.
    pub fn encode(&self) -> Vec<u8> {
        let mut tables = Tables::default();
        tables.strings.extend([0, 0]);
        let root = tables.put_struct(self);
        let strings = HEADER_BYTES
            + tables.types.len() * TYPE_BYTES
            + tables.fields.len()
            + tables.variants.len();
        let total = strings + tables.strings.len();
        let mut out = Vec::with_capacity(total);
        out.extend(MAGIC);
        out.extend([VERSION, LITTLE_ENDIAN, 0, 0]);
        for n in [
            total,
            tables.types.len(),
            tables.fields.len() / FIELD_BYTES,
            tables.variants.len() / VARIANT_BYTES,
            root as usize,
            strings,
        ] {
            out.extend(u32_of(n).to_le_bytes());
        }
        tables.types.iter().for_each(|t| out.extend(t.bytes()));
        out.extend(&tables.fields);
        out.extend(&tables.variants);
        out.extend(&tables.strings);
        out
    }

    /// Reads a descriptor that [`encode`](StructType::encode) made. `bytes` must be private to
    /// the caller: copy them out of shared memory first.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] for any bytes that are not a whole, valid descriptor. Whatever the
    /// bytes are, this neither panics nor takes more memory than a small multiple of 1 MiB.
    pub fn decode(bytes: &[u8]) -> Result<StructType> {
        decode(bytes).map_err(|what| {
            Error::new(
                ErrorKind::Corrupt,
                format!("the layout descriptor is damaged: {what}"),
            )
        })
    }
}

/// A type's record; the numbers that a kind does not use are zero.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct TypeRecord {
    kind: u8,
    /// Scalar: which; enum: what stores it.
    scalar: u8,
    /// Struct: the alignment.
    align: u16,
    /// Array, tail: the element's type.
    elem: u32,
    /// Struct, enum: the name.
    name: u32,
    size: u32,
    /// Struct, enum: the first field or variant.
    first: u32,
    /// Text, array: the length; struct, enum: the fields or variants.
    count: u32,
}

impl TypeRecord {
    fn bytes(&self) -> [u8; TYPE_BYTES] {
        let mut out = [0; TYPE_BYTES];
        out[0] = self.kind;
        out[1] = self.scalar;
        out[2..4].copy_from_slice(&self.align.to_le_bytes());
        let numbers = [self.elem, self.name, self.size, self.first, self.count];
        for (slot, n) in out[4..].chunks_exact_mut(4).zip(numbers) {
            slot.copy_from_slice(&n.to_le_bytes());
        }
        out
    }

    fn read(bytes: &[u8; TYPE_BYTES]) -> TypeRecord {
        TypeRecord {
            kind: bytes[0],
            scalar: bytes[1],
            align: u16::from_le_bytes([bytes[2], bytes[3]]),
            elem: word(bytes, 1),
            name: word(bytes, 2),
            size: word(bytes, 3),
            first: word(bytes, 4),
            count: word(bytes, 5),
        }
    }
}

/// The tables while they are filled. Equal types and strings are stored once.
#[derive(Default)]
struct Tables {
    types: Vec<TypeRecord>,
    fields: Vec<u8>,
    variants: Vec<u8>,
    strings: Vec<u8>,
    /// A type's record (with `first` zero) and its fields' or variants' records.
    known_types: HashMap<(TypeRecord, Vec<u8>), u32>,
    known_strings: HashMap<String, u32>,
}

impl Tables {
    fn put_type(&mut self, ty: &Type) -> u32 {
        let plain = TypeRecord {
            size: u32_of(ty.size()),
            ..TypeRecord::default()
        };
        let record = match ty {
            Type::Struct(st) => return self.put_struct(st),
            Type::Enum(e) => return self.put_enum(e),
            Type::Scalar(s) => TypeRecord {
                kind: kind::SCALAR,
                scalar: *s as u8 + 1,
                ..plain
            },
            Type::Text(n) => TypeRecord {
                kind: kind::TEXT,
                count: u32_of(*n),
                ..plain
            },
            Type::Array(elem, n) => {
                let elem = self.put_type(elem);
                TypeRecord {
                    kind: kind::ARRAY,
                    elem,
                    count: u32_of(*n),
                    ..plain
                }
            }
            Type::Tail(elem) => TypeRecord {
                kind: kind::TAIL,
                elem: self.put_type(elem),
                ..plain
            },
        };
        self.put_record(record, Vec::new())
    }

    fn put_struct(&mut self, st: &StructType) -> u32 {
        let mut members = Vec::with_capacity(st.fields.len() * FIELD_BYTES);
        for field in &st.fields {
            let numbers = [
                self.put_string(&field.name),
                u32_of(field.offset),
                self.put_type(&field.ty),
                field.unit.as_deref().map_or(0, |t| self.put_string(t)),
                field.doc.as_deref().map_or(0, |t| self.put_string(t)),
            ];
            numbers.iter().for_each(|n| members.extend(n.to_le_bytes()));
        }
        let record = TypeRecord {
            kind: kind::STRUCT,
            align: st.align as u16, // at most MAX_ALIGN
            name: self.put_string(&st.name),
            size: u32_of(st.size),
            count: u32_of(st.fields.len()),
            ..TypeRecord::default()
        };
        self.put_record(record, members)
    }

    fn put_enum(&mut self, e: &EnumType) -> u32 {
        let mut members = Vec::with_capacity(e.variants.len() * VARIANT_BYTES);
        for (name, value) in &e.variants {
            members.extend(self.put_string(name).to_le_bytes());
            members.extend([0; 4]);
            members.extend((*value as i64).to_le_bytes()); // a u64's bits, where stored as u64
        }
        let record = TypeRecord {
            kind: kind::ENUM,
            scalar: e.repr as u8 + 1,
            name: self.put_string(&e.name),
            size: u32_of(e.repr.size()),
            count: u32_of(e.variants.len()),
            ..TypeRecord::default()
        };
        self.put_record(record, members)
    }

    fn put_record(&mut self, record: TypeRecord, members: Vec<u8>) -> u32 {
        let next = u32_of(self.types.len());
        let (table, each) = match record.kind {
            kind::ENUM => (&mut self.variants, VARIANT_BYTES),
            _ => (&mut self.fields, FIELD_BYTES),
        };
        *self
            .known_types
            .entry((record, members))
            .or_insert_with_key(|(record, members)| {
                let first = if members.is_empty() {
                    0
                } else {
                    u32_of(table.len() / each)
                };
                table.extend(members);
                self.types.push(TypeRecord { first, ..*record });
                next
            })
    }

    fn put_string(&mut self, text: &str) -> u32 {
        if let Some(known) = self.known_strings.get(text) {
            return *known;
        }
        let at = u32_of(self.strings.len());
        self.strings.extend((text.len() as u16).to_le_bytes()); // StructType::new caps each
        self.strings.extend(text.as_bytes());
        self.known_strings.insert(text.to_owned(), at);
        at
    }
}

/// Sizes and counts are capped far below 4 GiB by `StructType::new`.
fn u32_of(n: usize) -> u32 {
    debug_assert!(n <= u32::MAX as usize);
    n as u32
}

/// The `i`th u32 of `bytes`.
fn word(bytes: &[u8], i: usize) -> u32 {
    let at = 4 * i;
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn decode(bytes: &[u8]) -> Result<StructType, String> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or("it is shorter than its header")?;
    if header[..4] != MAGIC {
        return Err("it does not start with the magic bytes".into());
    }
    if header[4] != VERSION {
        return Err(format!(
            "version {} is not known here (only {VERSION} is)",
            header[4]
        ));
    }
    if header[5] != LITTLE_ENDIAN {
        return Err("its byte order is not little-endian".into());
    }
    if header[6..8] != [0, 0] {
        return Err("reserved bytes are not zero".into());
    }
    let [total, types, fields, variants, root, strings] =
        std::array::from_fn(|i| word(header, 2 + i) as usize);
    if bytes.len() > MAX_DESCRIPTOR || total != bytes.len() {
        return Err(format!("it says {total} bytes but has {}", bytes.len()));
    }
    // Each count is bounded before it is multiplied, so nothing here overflows on 32 bits either.
    if types > total / TYPE_BYTES || fields > MAX_FIELDS || variants > total / VARIANT_BYTES {
        return Err("its tables are larger than itself".into());
    }
    let types_end = HEADER_BYTES + types * TYPE_BYTES;
    let fields_end = types_end + fields * FIELD_BYTES;
    let variants_end = fields_end + variants * VARIANT_BYTES;
    if variants_end != strings || strings > total {
        return Err("its tables do not end where its strings start".into());
    }
    if types == 0 || root != types - 1 {
        return Err("its root is not its last type".into());
    }
    let mut reader = Reader {
        fields: Members {
            rest: &bytes[types_end..fields_end],
            each: FIELD_BYTES,
            taken: 0,
        },
        variants: Members {
            rest: &bytes[fields_end..strings],
            each: VARIANT_BYTES,
            taken: 0,
        },
        strings: &bytes[strings..],
        string_budget: MAX_DESCRIPTOR,
        types: Vec::with_capacity(types),
    };
    for record in bytes[HEADER_BYTES..types_end].as_chunks::<TYPE_BYTES>().0 {
        let ty = reader.read_type(&TypeRecord::read(record))?;
        reader.types.push(ty);
    }
    if !reader.fields.rest.is_empty() || !reader.variants.rest.is_empty() {
        return Err("fields or variants belong to no type".into());
    }
    match reader.types.pop() {
        Some(Type::Struct(st)) => Ok(Arc::unwrap_or_clone(st)),
        _ => Err("its root is not a struct".into()),
    }
}

struct Reader<'a> {
    fields: Members<'a>,
    variants: Members<'a>,
    strings: &'a [u8],
    /// Many references to one long string must not multiply it without end.
    string_budget: usize,
    types: Vec<Type>,
}

impl Reader<'_> {
    fn read_type(&mut self, r: &TypeRecord) -> Result<Type, String> {
        let id = self.types.len();
        let ty = match r.kind {
            kind::SCALAR => Type::Scalar(scalar(r.scalar)?),
            kind::TEXT => Type::Text(r.count as usize),
            kind::ARRAY => Type::Array(Box::new(self.earlier_type(r.elem)?), r.count as usize),
            kind::TAIL => Type::Tail(Box::new(self.earlier_type(r.elem)?)),
            kind::STRUCT => Type::Struct(Arc::new(self.read_struct(r)?)),
            kind::ENUM => Type::Enum(Arc::new(self.read_enum(r)?)),
            kind => return Err(format!("type {id} is of the unknown kind {kind}")),
        };
        if dimensions(&ty) > super::MAX_DEPTH {
            return Err(format!("type {id} is nested too deeply"));
        }
        // What is not used must be zero and what is redundant must agree: this is the record
        // that `encode` would write.
        let used = match r.kind {
            kind::SCALAR => TypeRecord {
                scalar: r.scalar,
                ..TypeRecord::default()
            },
            kind::TEXT => TypeRecord {
                count: r.count,
                ..TypeRecord::default()
            },
            kind::ARRAY => TypeRecord {
                elem: r.elem,
                count: r.count,
                ..TypeRecord::default()
            },
            kind::TAIL => TypeRecord {
                elem: r.elem,
                ..TypeRecord::default()
            },
            kind::STRUCT => TypeRecord {
                elem: 0,
                scalar: 0,
                ..*r
            },
            _ => TypeRecord {
                elem: 0,
                align: 0,
                ..*r
            },
        };
        let size = u32::try_from(ty.size()).map_err(|_| format!("type {id} is too large"))?;
        if *r
            != (TypeRecord {
                kind: r.kind,
                size,
                ..used
            })
        {
            return Err(format!("the record of type {id} contradicts itself"));
        }
        Ok(ty)
    }

    fn read_struct(&mut self, r: &TypeRecord) -> Result<StructType, String> {
        let records = self.fields.take(r)?;
        let name = self.string(r.name, MAX_TYPE_NAME)?;
        let mut fields: Vec<Field> = Vec::with_capacity(r.count as usize);
        for record in records.chunks_exact(FIELD_BYTES) {
            let offset = word(record, 1) as usize;
            if fields.last().is_some_and(|before| before.offset > offset) {
                return Err(format!("the fields of {name} are not in order"));
            }
            fields.push(Field {
                name: self.string(word(record, 0), MAX_NAME)?,
                offset,
                ty: self.earlier_type(word(record, 2))?,
                unit: self.optional_string(word(record, 3), MAX_UNIT)?,
                doc: self.optional_string(word(record, 4), MAX_DOC)?,
            });
        }
        StructType::new(name, r.size as usize, r.align as usize, fields)
            .map_err(|e| e.message().to_owned())
    }

    fn read_enum(&mut self, r: &TypeRecord) -> Result<EnumType, String> {
        let records = self.variants.take(r)?;
        let repr = scalar(r.scalar)?;
        let mut variants = Vec::with_capacity(r.count as usize);
        for record in records.as_chunks::<VARIANT_BYTES>().0 {
            let name = self.string(word(record, 0), MAX_NAME)?;
            if word(record, 1) != 0 {
                return Err(format!("reserved bytes of the variant {name} are not zero"));
            }
            let bits = u64::from(word(record, 2)) | u64::from(word(record, 3)) << 32;
            let value = match repr {
                Scalar::U64 => i128::from(bits),
                _ => i128::from(bits as i64),
            };
            variants.push((name, value));
        }
        Ok(EnumType {
            name: self.string(r.name, MAX_TYPE_NAME)?,
            repr,
            variants,
        })
    }

    fn earlier_type(&self, id: u32) -> Result<Type, String> {
        let ty = self.types.get(id as usize).cloned();
        ty.ok_or_else(|| {
            format!(
                "type {} refers to type {id}, which does not come before it",
                self.types.len()
            )
        })
    }

    fn optional_string(&mut self, at: u32, max: usize) -> Result<Option<String>, String> {
        if at == 0 {
            Ok(None)
        } else {
            self.string(at, max).map(Some)
        }
    }

    fn string(&mut self, at: u32, max: usize) -> Result<String, String> {
        let rest = self.strings.get(at as usize..).unwrap_or_default();
        let (len, rest) = rest
            .split_first_chunk()
            .ok_or("a string lies outside of it")?;
        let len = u16::from_le_bytes(*len) as usize;
        if len > max {
            return Err(format!(
                "a string has {len} bytes, more than the {max} allowed"
            ));
        }
        let text = rest.get(..len).ok_or("a string lies outside of it")?;
        self.string_budget = self
            .string_budget
            .checked_sub(len)
            .ok_or("its strings are too long together")?;
        let text = std::str::from_utf8(text).map_err(|_| "a string is not UTF-8")?;
        Ok(text.to_owned())
    }
}

/// The fields or variants that no type has claimed yet: each type's follow the previous type's.
struct Members<'a> {
    rest: &'a [u8],
    each: usize,
    taken: usize,
}

impl<'a> Members<'a> {
    fn take(&mut self, r: &TypeRecord) -> Result<&'a [u8], String> {
        let count = r.count as usize;
        let first = if count == 0 { 0 } else { self.taken };
        if r.first as usize != first {
            return Err("a type's members do not follow those of the type before".into());
        }
        let split = count
            .checked_mul(self.each)
            .and_then(|len| self.rest.split_at_checked(len));
        let (members, rest) = split.ok_or("a type has more members than there are")?;
        self.rest = rest;
        self.taken += count;
        Ok(members)
    }
}

fn scalar(number: u8) -> Result<Scalar, String> {
    let index = usize::from(number).wrapping_sub(1);
    Scalar::ALL
        .get(index)
        .copied()
        .ok_or_else(|| format!("scalar {number} is not known"))
}

fn dimensions(ty: &Type) -> usize {
    ty.base_and_dims().1.len()
}

#[cfg(test)]
mod tests;
