//! What the tests of this module share, and the tests of the model itself.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

pub(super) fn scalar(s: Scalar) -> Type {
    Type::Scalar(s)
}

pub(super) fn array(ty: Type, n: usize) -> Type {
    Type::Array(Box::new(ty), n)
}

pub(super) fn mode(repr: Scalar) -> Type {
    let variants = [("Idle", 0), ("Run", 1), ("Fault", 7)];
    let variants = variants
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
    Type::Enum(Arc::new(EnumType {
        name: "Mode".to_owned(),
        repr,
        variants,
    }))
}

pub(super) fn nested(name: &str, fields: Vec<Field>) -> Type {
    Type::Struct(Arc::new(StructType::natural(name, fields, None).unwrap()))
}

/// The struct of the original project.
pub(super) fn shared_data(pack: Option<usize>) -> StructType {
    StructType::natural("SharedData", shared_data_fields(), pack).unwrap()
}

pub(super) fn shared_data_fields() -> Vec<Field> {
    vec![
        Field::new("processId", scalar(Scalar::I32)),
        Field::new("message", Type::Text(500)),
        Field::new("dataReady", scalar(Scalar::Bool)),
        Field::new("counter", scalar(Scalar::I32)),
        Field::new("temperature", scalar(Scalar::F64)),
        Field::new("coordinates", array(scalar(Scalar::F32), 3)),
        Field::new("userName", Type::Text(50)),
        Field::new("timestamp", scalar(Scalar::I64)).with_unit("ms"),
        Field::new("dataArray", array(scalar(Scalar::I32), 10)),
    ]
}

/// Any type of a field, up to three structs deep.
pub(super) fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        4 => prop::sample::select(&Scalar::ALL[..]).prop_map(Type::Scalar),
        1 => (1..20usize).prop_map(Type::Text),
        1 => prop::sample::select(&[Scalar::U8, Scalar::I32, Scalar::U64][..]).prop_map(mode),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            (inner.clone(), prop_oneof![1..4usize, 30..60usize]).prop_map(|(ty, n)| array(ty, n)),
            struct_of(inner).prop_map(|st| Type::Struct(Arc::new(st))),
        ]
    })
}

/// Any struct: natural, packed, or with holes at odd places.
pub(super) fn any_struct() -> impl Strategy<Value = StructType> {
    struct_of(any_type())
}

fn struct_of(ty: impl Strategy<Value = Type>) -> impl Strategy<Value = StructType> {
    let text = || prop_oneof![3 => Just(None), 1 => "[a-zµ°]{1,6}".prop_map(Some)];
    let field = (ty, text(), text(), 0..4usize);
    let pack = prop::sample::select(&[None, Some(1), Some(2), Some(4)][..]);
    let fields = prop::collection::vec(field, 1..6);
    ("[A-Z][a-z]{0,5}", fields, pack, any::<bool>()).prop_map(|(name, fields, pack, holes)| {
        let mut end = 0;
        let mut placed = Vec::new();
        for (i, (ty, unit, doc, hole)) in fields.into_iter().enumerate() {
            let offset = end + hole;
            end = offset + ty.size();
            placed.push(Field {
                name: format!("field_{i}"),
                ty,
                offset,
                unit,
                doc,
            });
        }
        if holes {
            StructType::new(name, end + 1, 1, placed).unwrap()
        } else {
            StructType::natural(name, placed, pack).unwrap()
        }
    })
}

/// For each byte of a struct whether it is data.
pub(super) fn data_bytes(st: &StructType) -> Vec<bool> {
    fn mark(ty: &Type, bytes: &mut [bool]) {
        match ty {
            Type::Struct(st) => {
                st.fields()
                    .iter()
                    .for_each(|f| mark(&f.ty, &mut bytes[f.offset..]));
            }
            Type::Array(elem, n) => {
                (0..*n).for_each(|i| mark(elem, &mut bytes[i * elem.size()..]));
            }
            ty => bytes[..ty.size()].fill(true),
        }
    }
    let mut bytes = vec![false; st.size()];
    st.fields()
        .iter()
        .for_each(|f| mark(&f.ty, &mut bytes[f.offset..]));
    bytes
}

/// The same struct packed to `pack` all the way down.
pub(super) fn repacked(st: &StructType, pack: usize, keep: &dyn Fn(usize) -> bool) -> StructType {
    fn again(ty: &Type, pack: usize, keep: &dyn Fn(usize) -> bool) -> Type {
        match ty {
            Type::Struct(st) => Type::Struct(Arc::new(repacked(st, pack, keep))),
            Type::Array(elem, n) => array(again(elem, pack, keep), *n),
            ty => ty.clone(),
        }
    }
    let kept = st
        .fields()
        .iter()
        .enumerate()
        .filter(|(i, _)| *i == 0 || keep(*i));
    let fields = kept
        .map(|(_, f)| Field {
            ty: again(&f.ty, pack, keep),
            ..f.clone()
        })
        .collect();
    StructType::natural(st.name(), fields, Some(pack)).unwrap()
}

fn offsets(st: &StructType) -> Vec<usize> {
    st.fields().iter().map(|f| f.offset).collect()
}

#[test]
fn known_vector() {
    let natural = shared_data(None);
    assert_eq!(offsets(&natural), [0, 4, 504, 508, 512, 520, 532, 584, 592]);
    assert_eq!((natural.size(), natural.align()), (632, 8));
    let packed = shared_data(Some(1));
    assert_eq!(offsets(&packed), [0, 4, 504, 505, 509, 517, 529, 579, 587]);
    assert_eq!((packed.size(), packed.align()), (627, 1));
    let two = shared_data(Some(2));
    assert_eq!(offsets(&two), [0, 4, 504, 506, 510, 518, 530, 580, 588]);
    assert_eq!((two.size(), two.align()), (628, 2));
    // As g++ -m32: the offsets are the natural ones by luck, the alignment is not.
    let four = shared_data(Some(4));
    assert_eq!(offsets(&four), offsets(&natural));
    assert_eq!((four.size(), four.align()), (632, 4));
}

#[test]
fn types_print_as_in_a_schema() {
    let f32s = array(scalar(Scalar::F32), 3);
    for (ty, text) in [
        (scalar(Scalar::U64), "u64"),
        (Type::Text(50), "text[50]"),
        (f32s.clone(), "f32[3]"),
        (array(array(scalar(Scalar::I32), 2), 4), "i32[4][2]"),
        (array(Type::Text(16), 4), "text[16][4]"),
        (Type::Tail(Box::new(f32s)), "f32[][3]"),
        (mode(Scalar::U8), "Mode"),
        (
            array(nested("Arm", vec![Field::new("x", Type::Text(1))]), 2),
            "Arm[2]",
        ),
    ] {
        assert_eq!(ty.to_string(), text);
    }
}

#[test]
fn finds_fields_by_either_spelling() {
    let st = shared_data(None);
    for name in ["processId", "process_id", "PROCESSID", "_processid_"] {
        assert_eq!(st.field(name).unwrap().name, "processId");
    }
    assert!(st.field("process").is_none() && st.field("").is_none());
}

/// `StructType::new` with one thing wrong each.
#[test]
fn refuses_what_no_struct_may_have() {
    let i32s = |names: &[&str]| {
        let fields = names.iter().enumerate();
        fields
            .map(|(i, n)| Field::new(*n, scalar(Scalar::I32)).at(4 * i))
            .collect::<Vec<_>>()
    };
    let one = |ty: Type| vec![Field::new("a", ty)];
    let deep = (0..17).fold(scalar(Scalar::U8), |ty, _| array(ty, 1));
    let e = |repr, variants: &[(&str, i128)]| {
        let variants = variants.iter().map(|(n, v)| (n.to_string(), *v)).collect();
        Type::Enum(Arc::new(EnumType {
            name: "E".into(),
            repr,
            variants,
        }))
    };
    let tail = || Type::Tail(Box::new(scalar(Scalar::U8)));
    let with_tail = nested(
        "T",
        vec![Field::new("n", scalar(Scalar::U8)), Field::new("d", tail())],
    );
    let many = |n: usize| {
        (0..n)
            .map(|i| Field::new(format!("f{i}"), scalar(Scalar::U8)).at(i))
            .collect::<Vec<_>>()
    };
    let doc = |text: &str| vec![Field::new("a", scalar(Scalar::U8)).with_doc(text)];
    type Case = (&'static str, usize, usize, Vec<Field>, &'static str);
    let cases: Vec<Case> = vec![
        ("S", 0, 1, one(scalar(Scalar::U8)), "it has no size"),
        ("S", 4, 1, vec![], "it has no fields"),
        (
            "S",
            4,
            3,
            i32s(&["a"]),
            "alignment 3 is no power of two up to 4096",
        ),
        (
            "S",
            8192,
            8192,
            i32s(&["a"]),
            "alignment 8192 is no power of two up to 4096",
        ),
        (
            "S",
            6,
            4,
            i32s(&["a"]),
            "size 6 is no multiple of its alignment 4",
        ),
        (
            "S",
            (256 << 20) + 4,
            4,
            i32s(&["a"]),
            "268435460 bytes are more than the 268435456",
        ),
        ("", 4, 4, i32s(&["a"]), "a type's name is 1 to 1023 bytes"),
        ("a\nb", 4, 4, i32s(&["a"]), "without control characters"),
        (
            "S",
            4,
            4,
            i32s(&["a b"]),
            "field \"a b\": a name is 1 to 255 bytes of letters",
        ),
        ("S", 4, 4, i32s(&[""]), "a name is 1 to 255 bytes"),
        ("S", 4, 4, i32s(&["1st"]), "does not start with a digit"),
        ("S", 4, 4, i32s(&["a.b"]), "a name is"),
        ("S", 8, 4, i32s(&["a", "a"]), "two fields are called \"a\""),
        (
            "S",
            8,
            4,
            i32s(&["dataReady", "data_ready"]),
            "differ only in case and `_`",
        ),
        (
            "S",
            4,
            4,
            i32s(&["a", "b"]),
            "field \"b\": i32 at offset 4 does not fit into 4 bytes",
        ),
        (
            "S",
            4,
            4,
            vec![Field::new("a", scalar(Scalar::I32)).at(usize::MAX)],
            "does not fit",
        ),
        (
            "S",
            8,
            4,
            vec![
                Field::new("b", Type::Text(2)).at(3),
                Field::new("a", scalar(Scalar::I32)).at(0),
            ],
            "field \"b\": at offset 3 it overlaps \"a\", which ends at 4",
        ),
        ("S", 4, 4, one(Type::Text(0)), "text[0] holds nothing"),
        (
            "S",
            4,
            4,
            one(Type::Text(usize::MAX)),
            "more than the 268435456 allowed",
        ),
        (
            "S",
            4,
            4,
            one(array(scalar(Scalar::U8), 0)),
            "an array of 0 elements holds nothing",
        ),
        (
            "S",
            4,
            4,
            one(array(scalar(Scalar::U64), usize::MAX / 4)),
            "are more than the",
        ),
        (
            "S",
            4,
            4,
            one(array(tail(), 2)),
            "cannot be the element of an array",
        ),
        (
            "S",
            4,
            1,
            vec![
                Field::new("t", tail()),
                Field::new("a", Type::Text(1)).at(1),
            ],
            "can only be the last",
        ),
        (
            "S",
            4,
            1,
            one(with_tail),
            "T ends in a tail `T[]`, so it cannot lie inside a struct",
        ),
        ("S", 4, 1, one(deep), "nested deeper than 16 levels"),
        (
            "S",
            4,
            4,
            one(e(Scalar::F32, &[])),
            "stored as f32, which is no integer",
        ),
        (
            "S",
            4,
            4,
            one(e(Scalar::U8, &[("A", 256)])),
            "A = 256 does not fit into u8",
        ),
        (
            "S",
            4,
            4,
            one(e(Scalar::U8, &[("A", 0), ("A", 1)])),
            "enum E has the name A twice",
        ),
        ("S", 4, 4, one(e(Scalar::U8, &[("A B", 0)])), "name \"A B\""),
        (
            "S",
            4097,
            1,
            many(4097),
            "4097 fields are more than the 4096 allowed",
        ),
        ("S", 1, 1, doc(""), "the doc is empty; leave it out instead"),
        (
            "S",
            1,
            1,
            doc(&"x".repeat(5000)),
            "the doc has 5000 bytes; at most 4095 fit",
        ),
        ("S", 1, 1, doc("a\0b"), "the doc contains a NUL byte"),
    ];
    for (name, size, align, fields, message) in cases {
        let error = StructType::new(name, size, align, fields).expect_err(message);
        assert!(error.is_invalid());
        assert!(
            error.message().contains(message),
            "{:?} lacks {message:?}",
            error.message()
        );
    }
    let error = StructType::natural("S", i32s(&["a"]), Some(3)).unwrap_err();
    assert!(error.message().contains("pack = 3 is not 1, 2, 4, 8 or 16"));
    assert!(StructType::new("S", 4096, 1, many(4096)).is_ok());
}

#[test]
fn caps_count_nested_structs() {
    let fields = (0..100)
        .map(|i| Field::new(format!("f{i}"), scalar(Scalar::U8)))
        .collect();
    let hundred = nested("Hundred", fields);
    let use_it = |n| {
        (0..n)
            .map(|i| Field::new(format!("f{i}"), hundred.clone()))
            .collect()
    };
    assert!(StructType::natural("S", use_it(40), None).is_ok()); // 40 + 4,000
    let error = StructType::natural("S", use_it(41), None).unwrap_err();
    assert!(
        error.message().contains("4141 fields are more than"),
        "{error}"
    );
    // However often it is used, an array counts its element once.
    let fields = vec![Field::new("all", array(hundred, 100_000))];
    assert_eq!(
        StructType::natural("S", fields, None)
            .unwrap()
            .cost()
            .fields,
        101
    );
    // Every level adds one to the depth, whatever wraps what.
    let mut ty = scalar(Scalar::U8);
    for level in 1.. {
        match StructType::natural("S", vec![Field::new("f", ty.clone())], None) {
            Ok(st) => ty = array(Type::Struct(Arc::new(st)), 1),
            Err(e) => {
                assert!(e.message().contains("deeper than 16"), "{e}");
                assert_eq!(level, 9);
                break;
            }
        }
    }
}

#[test]
fn tails_come_last() {
    let fields = vec![
        Field::new("n", scalar(Scalar::U64)),
        Field::new("kind", scalar(Scalar::U8)),
        Field::new("data", Type::Tail(Box::new(scalar(Scalar::U16)))),
    ];
    let st = StructType::natural("M", fields, None).unwrap();
    assert_eq!((st.size(), st.fields()[2].offset), (16, 10)); // as C's flexible array member
    assert_eq!(st.tail(), Some(&scalar(Scalar::U16)));
}

#[test]
fn paths() {
    let arm = nested(
        "Arm",
        vec![
            Field::new("mode", mode(Scalar::U8)),
            Field::new("joints", array(scalar(Scalar::F32), 6)),
        ],
    );
    let fields = vec![
        Field::new("arm", arm.clone()),
        Field::new("arms", array(array(arm, 3), 2)),
        Field::new("name", Type::Text(8)),
    ];
    let st = StructType::natural("Robot", fields, None).unwrap();
    let at = |path: &str| st.resolve(path).map(|(at, ty)| (at, ty.to_string()));
    assert_eq!(at("arm.joints[2]").unwrap(), (12, "f32".to_owned()));
    assert_eq!(at("ARM.Joints").unwrap(), (4, "f32[6]".to_owned()));
    assert_eq!(
        at("arms[1][2].joints[5]").unwrap(),
        (28 * 6 + 24, "f32".to_owned())
    );
    assert_eq!(at("arms[1]").unwrap(), (28 * 4, "Arm[3]".to_owned()));
    for (path, message) in [
        (
            "arm.joint",
            "Arm has no field \"joint\"\nhint: did you mean \"joints\"?",
        ),
        (
            "wheels",
            "Robot has no field \"wheels\"\nhint: its fields are arm, arms and name",
        ),
        (
            "arm.joints[6]",
            "arm.joints is f32[6], so its last element is [5]",
        ),
        (
            "arm.joints[18446744073709551615]",
            "so its last element is [5]",
        ),
        ("arm.joints[-1]", "\"-1\" is no index, which counts from 0"),
        (
            "arm.joints[1",
            "expected `.name` or `[index]` after arm.joints",
        ),
        (
            "arm.joints[1]x",
            "expected `.name` or `[index]` after arm.joints[1]",
        ),
        ("arm.joints.x", "arm.joints is f32[6], which has no fields"),
        ("name[0]", "name is text[8], which has no elements"),
        ("arm.", "Arm has no field \"\""),
        ("", "Robot has no field \"\""),
    ] {
        let error = at(path).unwrap_err().to_string();
        assert!(
            error.contains(message),
            "{path}: {error:?} lacks {message:?}"
        );
    }
    assert_eq!(st.path_at(12).unwrap(), "arm.joints[2]");
    assert_eq!(st.path_at(28 * 6 + 25).unwrap(), "arms[1][2].joints[5]");
    assert_eq!(st.path_at(1), None);
    assert_eq!(st.path_at(usize::MAX), None);
}
