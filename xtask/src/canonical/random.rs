//! Structs to declare: those that stand for a kind of field each, and random ones.

use super::model::{Base, Enum, Field, SCALARS, Schema, Struct, fold, integers};

/// Names that are ordinary, and names that are something else in some language.
const NAMES: &str = "\
    x y speed processId data_ready Counter temperature coordinates userName timestamp a1 HTTPCode2X x__y \
    trailing_ _leading __dunder größe 温度 B l class int type self Self lambda None True match union default \
    fn mod async register namespace template alignas bool float and struct enum values unsigned in is name \
    value size offset count index keys pack fields layout canonical mro final typeof gen";

/// Every kind of field, alone and together, in every packing.
pub fn every_kind() -> Schema {
    let mut schema = Schema::default();
    for repr in integers() {
        let (low, high) = match (repr.name.starts_with('i'), repr.size) {
            (true, size) => (i64::MIN >> (64 - 8 * size), i64::MAX >> (64 - 8 * size)),
            (false, 8) => (0, i64::MAX),
            (false, size) => (0, (1 << (8 * size)) - 1),
        };
        schema.enums.push(Enum {
            name: format!("Enum_{}", repr.name),
            repr,
            values: vec![
                ("low".into(), low),
                ("one".into(), 1),
                ("high".into(), high),
            ],
        });
    }
    // Nested structs whose names are something else in some language.
    for (name, base, pack) in [
        ("String", scalar("u64"), None),
        ("Option", Base::Text(3), None),
        ("Sequence", scalar("u64"), Some(1)),
        ("class", Base::Enum(0), None),
        ("crosspage", scalar("f64"), Some(2)),
        ("type", scalar("bool"), None),
    ] {
        let fields = vec![
            field("first", scalar("u8"), &[]),
            field("second", base, &[]),
        ];
        schema.add(name, pack, fields);
    }
    schema.only_nested = schema.structs.len();
    // Members with the names of their types, and others of these types after them.
    let namesakes = schema.structs.iter().enumerate().flat_map(|(i, of)| {
        let (ty, name) = (Base::Struct(i), &of.name);
        [field(name, ty, &[2]), field(&format!("{name}2"), ty, &[])]
    });
    let namesakes = namesakes.collect();
    schema.add("Namesakes", None, namesakes);
    let bases: Vec<Base> = (SCALARS.iter().map(Base::Scalar))
        .chain([1, 7].map(Base::Text))
        .chain((0..schema.enums.len()).map(Base::Enum))
        .chain((0..schema.only_nested).map(Base::Struct))
        .collect();
    let shapes: [&[u32]; 6] = [&[], &[1], &[3], &[2, 3], &[1, 1], &[2, 1, 3]];
    for (i, &base) in bases.iter().enumerate() {
        schema.add(&format!("One_{i}"), None, vec![field("x", base, &[])]);
    }
    for (i, dims) in shapes.iter().enumerate() {
        let fields = bases.iter().enumerate();
        let fields = fields.map(|(i, &base)| Field {
            noted: true,
            ..field(&format!("x{i}"), base, dims)
        });
        schema.add(&format!("Shape_{i}"), None, fields.collect());
    }
    for pack in [None, Some(1), Some(2), Some(4), Some(8)] {
        // One byte first, so that what follows has to be aligned.
        let mut fields = vec![field("first", scalar("u8"), &[])];
        for (i, &base) in bases.iter().enumerate() {
            let dims = shapes[i % shapes.len()];
            fields.push(field(&format!("alone{i}"), base, &[]));
            fields.push(field(&format!("many{i}"), base, dims));
        }
        schema.add(&format!("Pack_{}", pack.unwrap_or(0)), pack, fields);
    }
    // As deep as a layout can be, in one that holds it.
    for depth in 0..13 {
        let inner = match depth {
            0 => scalar("i64"),
            _ => Base::Struct(schema.structs.len() - 1),
        };
        let fields = vec![field("b", scalar("u8"), &[]), field("inner", inner, &[])];
        schema.add(&format!("Deep_{depth}"), None, fields);
    }
    schema.hold_all("Every");
    schema
}

/// Random structs, at least so many with those that are in them.
pub fn random(seed: u64, batch: usize, at_least: usize) -> Schema {
    let mut random = Random(seed.wrapping_mul(1 << 20).wrapping_add(batch as u64));
    let mut schema = Schema::default();
    for i in 0..4 {
        let mut names = Names::default();
        let repr = random.pick(integers());
        let values = (0..1 + random.below(4)).map(|i| (names.another(&mut random), 10 * i as i64));
        schema.enums.push(Enum {
            name: format!("E{batch}_{i}"),
            repr,
            values: values.collect(),
        });
    }
    while schema.structs.len() < at_least {
        let name = format!("S{batch}_{}", schema.structs.len());
        schema.add_random(&mut random, &name, 3);
    }
    schema.hold_all(&format!("All{batch}"));
    schema
}

impl Schema {
    fn add(&mut self, name: &str, pack: Option<u32>, fields: Vec<Field>) -> usize {
        self.structs.push(Struct {
            name: name.to_owned(),
            pack,
            fields,
        });
        self.structs.len() - 1
    }

    /// Adds one that holds all, for programs that take a struct and those in it; not at once, since C++20 takes
    /// structs of at most 128 members apart.
    fn hold_all(&mut self, name: &str) {
        let all: Vec<usize> = (0..self.structs.len()).collect();
        let hold = |i: usize| field(&format!("held{i}"), Base::Struct(i), &[]);
        let parts = all.chunks(64).enumerate().map(|(i, part)| {
            let fields = part.iter().copied().map(hold).collect();
            self.add(&format!("{name}_{i}"), None, fields)
        });
        let parts: Vec<usize> = parts.collect();
        self.add(name, None, parts.into_iter().map(hold).collect());
    }

    /// A random struct of at most `depth` levels.
    fn add_random(&mut self, random: &mut Random, name: &str, depth: usize) -> usize {
        let mut names = Names::default();
        let count = 1 + random.below(if depth == 3 { 8 } else { 4 });
        let mut fields = Vec::new();
        for i in 0..count {
            let base = match random.below(10) {
                0 | 1 => Base::Text(1 + random.below(20) as u32),
                2 => Base::Enum(random.below(self.enums.len())),
                3 | 4 if depth > 1 => {
                    Base::Struct(self.add_random(random, &format!("{name}_{i}"), depth - 1))
                }
                _ => Base::Scalar(random.pick(&SCALARS)),
            };
            let rank = [0, 0, 0, 1, 1, 2][random.below(6)];
            let dims: Vec<u32> = (0..rank).map(|_| 1 + random.below(4) as u32).collect();
            fields.push(Field {
                noted: random.below(6) == 0,
                ..field(&names.another(random), base, &dims)
            });
        }
        let pack = [None, None, None, None, Some(1), Some(2), Some(4), Some(8)][random.below(8)];
        let made = self.add(name, pack, fields);
        // Few that not all ways can say.
        if random.below(8) != 0 && !self.shows_its_alignment(&self.structs[made]) {
            self.structs[made].pack = None;
        }
        made
    }
}

fn scalar(name: &str) -> Base {
    let found = SCALARS.iter().find(|scalar| scalar.name == name);
    Base::Scalar(found.expect("one of SCALARS"))
}

fn field(name: &str, base: Base, dims: &[u32]) -> Field {
    Field {
        name: name.to_owned(),
        base,
        dims: dims.to_vec(),
        noted: false,
    }
}

/// Names that no two of are the same, as layouts compare them.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn another(&mut self, random: &mut Random) -> String {
        let names: Vec<&str> = NAMES.split_whitespace().collect();
        loop {
            let name = *random.pick(&names);
            if !self.0.contains(&fold(name)) {
                self.0.push(fold(name));
                return name.to_owned();
            }
        }
    }
}

/// SplitMix64: the same numbers for one seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
