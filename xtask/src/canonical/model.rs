//! Structs as this test understands them: where C puts their fields, and the canonical bytes as docs/layout.md
//! has them. Nothing is shared with the library, which is to come to the same.

/// A scalar type, and what declares it in the ways that the `crosspage` command does not print.
pub struct Scalar {
    /// In the canonical form.
    pub number: u8,
    pub name: &'static str,
    pub size: u32,
    pub ctypes: &'static str,
    pub numpy: &'static str,
}

const fn scalar(
    number: u8,
    name: &'static str,
    size: u32,
    ctypes: &'static str,
    numpy: &'static str,
) -> Scalar {
    Scalar {
        number,
        name,
        size,
        ctypes,
        numpy,
    }
}

pub static SCALARS: [Scalar; 11] = [
    scalar(1, "bool", 1, "c_bool", "?"),
    scalar(2, "i8", 1, "c_int8", "i1"),
    scalar(3, "i16", 2, "c_int16", "i2"),
    scalar(4, "i32", 4, "c_int32", "i4"),
    scalar(5, "i64", 8, "c_int64", "i8"),
    scalar(6, "u8", 1, "c_uint8", "u1"),
    scalar(7, "u16", 2, "c_uint16", "u2"),
    scalar(8, "u32", 4, "c_uint32", "u4"),
    scalar(9, "u64", 8, "c_uint64", "u8"),
    scalar(10, "f32", 4, "c_float", "f4"),
    scalar(11, "f64", 8, "c_double", "f8"),
];

/// Those that an enum can be stored as: the integers.
pub fn integers() -> &'static [Scalar] {
    &SCALARS[1..9]
}

/// A type without its dimensions. Structs and enums are numbers in the schema.
#[derive(Clone, Copy)]
pub enum Base {
    Scalar(&'static Scalar),
    Text(u32),
    Struct(usize),
    Enum(usize),
}

pub struct Field {
    pub name: String,
    pub base: Base,
    pub dims: Vec<u32>,
    /// Whether it has a unit and a meaning, which the canonical form leaves out.
    pub noted: bool,
}

pub struct Struct {
    pub name: String,
    pub pack: Option<u32>,
    pub fields: Vec<Field>,
}

pub struct Enum {
    pub name: String,
    pub repr: &'static Scalar,
    pub values: Vec<(String, i64)>,
}

/// Structs, each after those that it uses; the last holds all.
#[derive(Default)]
pub struct Schema {
    pub enums: Vec<Enum>,
    pub structs: Vec<Struct>,
    /// How many structs, the first ones, are not shown by themselves: a language may change their names.
    pub only_nested: usize,
}

/// Where the fields of a struct are.
#[derive(PartialEq)]
pub struct Place {
    pub offsets: Vec<u32>,
    pub size: u32,
    pub align: u32,
}

impl Schema {
    pub fn shown(&self) -> &[Struct] {
        &self.structs[self.only_nested..]
    }

    pub fn place(&self, of: &Struct) -> Place {
        self.place_packed(of, of.pack)
    }

    /// C's rule: each field at the next multiple of its alignment, which `pack` limits; the size a multiple of
    /// the largest.
    fn place_packed(&self, of: &Struct, pack: Option<u32>) -> Place {
        let mut place = Place {
            offsets: Vec::new(),
            size: 0,
            align: 1,
        };
        for field in &of.fields {
            let (size, align) = self.size_and_align(field.base);
            let align = pack.map_or(align, |pack| align.min(pack));
            let offset = place.size.next_multiple_of(align);
            place.offsets.push(offset);
            place.size = offset + size * field.dims.iter().product::<u32>();
            place.align = place.align.max(align);
        }
        place.size = place.size.next_multiple_of(place.align);
        place
    }

    fn size_and_align(&self, base: Base) -> (u32, u32) {
        match base {
            Base::Scalar(scalar) => (scalar.size, scalar.size),
            Base::Enum(i) => (self.enums[i].repr.size, self.enums[i].repr.size),
            Base::Text(size) => (size, 1),
            Base::Struct(i) => {
                let place = self.place(&self.structs[i]);
                (place.size, place.align)
            }
        }
    }

    fn nested(&self, of: &Struct) -> impl Iterator<Item = &Struct> {
        of.fields.iter().filter_map(|field| match field.base {
            Base::Struct(i) => Some(&self.structs[i]),
            _ => None,
        })
    }

    /// Whether something in it is packed.
    pub fn is_packed(&self, of: &Struct) -> bool {
        of.pack.is_some() || self.nested(of).any(|nested| self.is_packed(nested))
    }

    /// Whether offsets and sizes tell its alignment, as they must where nothing else does (numpy): no larger one
    /// gives the same.
    pub fn shows_its_alignment(&self, of: &Struct) -> bool {
        let place = self.place(of);
        let other = |pack| self.place_packed(of, Some(pack));
        self.nested(of)
            .all(|nested| self.shows_its_alignment(nested))
            && [2, 4, 8].map(other).iter().all(|other| {
                other.align <= place.align
                    || (&other.offsets, other.size) != (&place.offsets, place.size)
            })
    }

    pub fn canonical(&self, of: &Struct) -> Vec<u8> {
        let mut out = vec![1];
        self.put_struct(of, &mut out);
        out
    }

    fn put_struct(&self, of: &Struct, out: &mut Vec<u8>) {
        let place = self.place(of);
        out.push(0x22);
        for number in [place.size, place.align, of.fields.len() as u32] {
            out.extend(number.to_le_bytes());
        }
        for (field, offset) in of.fields.iter().zip(place.offsets) {
            let name = fold(&field.name);
            out.extend((name.len() as u32).to_le_bytes());
            out.extend(name.bytes());
            out.extend(offset.to_le_bytes());
            self.put_type(field.base, &field.dims, out);
        }
    }

    fn put_type(&self, base: Base, dims: &[u32], out: &mut Vec<u8>) {
        let scalar = match base {
            Base::Scalar(scalar) => Some(scalar),
            Base::Enum(i) => Some(self.enums[i].repr),
            _ => None,
        };
        let is_byte = scalar.is_some_and(|scalar| ["i8", "u8"].contains(&scalar.name));
        match (dims, base) {
            ([n], _) if is_byte => {
                out.push(0x20);
                out.extend(n.to_le_bytes());
            }
            ([n, rest @ ..], _) => {
                out.push(0x21);
                out.extend(n.to_le_bytes());
                self.put_type(base, rest, out);
            }
            ([], Base::Text(n)) => {
                out.push(0x20);
                out.extend(n.to_le_bytes());
            }
            ([], Base::Struct(i)) => self.put_struct(&self.structs[i], out),
            ([], Base::Scalar(_) | Base::Enum(_)) => out.extend(scalar.map(|s| s.number)),
        }
    }

    /// As a schema file, which states no offset: the library is to find them.
    pub fn toml(&self) -> String {
        let enums = self.enums.iter().map(|e| {
            let values: Vec<String> = (e.values.iter())
                .map(|(name, value)| format!("{name:?} = {value}"))
                .collect();
            format!(
                "[enum.{}]\ntype = \"{}\"\nvalues = {{ {} }}\n",
                e.name,
                e.repr.name,
                values.join(", ")
            )
        });
        enums
            .chain(self.structs.iter().map(|of| self.toml_of(of)))
            .collect()
    }

    /// One struct and those in it.
    pub fn toml_with_nested(&self, of: &Struct) -> String {
        let mut seen: Vec<&str> = Vec::new();
        let mut out = String::new();
        let mut todo = vec![of];
        while let Some(of) = todo.pop() {
            if !seen.contains(&of.name.as_str()) {
                seen.push(&of.name);
                out += &self.toml_of(of);
                todo.extend(self.nested(of));
            }
        }
        out
    }

    fn toml_of(&self, of: &Struct) -> String {
        let mut out = format!("[struct.{}]\n", of.name);
        if let Some(pack) = of.pack {
            out += &format!("pack = {pack}\n");
        }
        out += "fields = [\n";
        for field in &of.fields {
            let base = match field.base {
                Base::Scalar(scalar) => scalar.name.to_owned(),
                Base::Text(n) => format!("text[{n}]"),
                Base::Struct(i) => self.structs[i].name.clone(),
                Base::Enum(i) => self.enums[i].name.clone(),
            };
            let dims: String = field.dims.iter().map(|n| format!("[{n}]")).collect();
            let name = &field.name;
            let notes = match field.noted {
                true => r#", unit = "°C", doc = 'says "who"? \ {}'"#,
                false => "",
            };
            out += &format!("  {{ name = {name:?}, type = \"{base}{dims}\"{notes} }},\n");
        }
        out + "]\n"
    }
}

/// A name as layouts compare it.
pub fn fold(name: &str) -> String {
    if name.chars().all(|c| c == '_') {
        return name.to_owned();
    }
    name.replace('_', "").to_ascii_lowercase()
}

/// Canonical bytes for people, a line for each field; `None` where they break the form.
pub fn decode(bytes: &[u8]) -> Option<Vec<String>> {
    let mut decoder = Decoder {
        rest: bytes,
        lines: Vec::new(),
    };
    let version = decoder.byte()?;
    let what = decoder.ty("")?;
    decoder.lines.push(format!("(version {version}) {what}"));
    decoder.rest.is_empty().then_some(decoder.lines)
}

struct Decoder<'a> {
    rest: &'a [u8],
    lines: Vec<String>,
}

impl Decoder<'_> {
    fn take(&mut self, n: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    }

    /// The type that is next; the fields of a struct become lines that begin with `path`.
    fn ty(&mut self, path: &str) -> Option<String> {
        Some(match self.byte()? {
            0x20 => format!("bytes[{}]", self.number()?),
            0x21 => {
                let n = self.number()?;
                format!("{n} of {}", self.ty(path)?)
            }
            0x22 => {
                let (size, align, fields) = (self.number()?, self.number()?, self.number()?);
                for _ in 0..fields {
                    let length = self.number()? as usize;
                    let name = String::from_utf8_lossy(self.take(length)?).into_owned();
                    let offset = self.number()?;
                    let what = self.ty(&format!("{path}{name}."))?;
                    self.lines.push(format!("{path}{name}: {what} at {offset}"));
                }
                format!("struct of {fields} fields, {size} bytes, aligned to {align}")
            }
            number => {
                let scalar = SCALARS.iter().find(|scalar| scalar.number == number)?;
                scalar.name.to_owned()
            }
        })
    }
}
