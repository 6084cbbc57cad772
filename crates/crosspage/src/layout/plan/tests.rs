use std::sync::Arc;

use proptest::prelude::*;

use super::super::tests::{any_struct, array, data_bytes, mode, repacked, scalar, shared_data};
use super::super::value::{Value, read_struct};
use super::super::{Field, Match, Scalar, StructType, Type};
use super::*;

fn direct(st: &StructType) -> Plan {
    Plan::new(st, st, Match::Exact).unwrap()
}

fn all_words(plan: &Plan) -> Vec<WordOp> {
    let shift = |by: usize| {
        move |op: &WordOp| match *op {
            WordOp::Bulk { offset, len } => WordOp::Bulk {
                offset: offset + by,
                len,
            },
            WordOp::Partial { offset, mask } => WordOp::Partial {
                offset: offset + by,
                mask,
            },
        }
    };
    plan.words()
        .flat_map(|b| b.ops.iter().map(shift(b.page)))
        .collect()
}

fn all_runs(plan: &Plan) -> Vec<Run> {
    let shifted = |b: Block<'_, Run>, r: &Run| Run {
        page: r.page + b.page,
        here: r.here + b.here,
        len: r.len,
    };
    plan.runs()
        .flat_map(|b| b.ops.iter().map(move |r| shifted(b, r)).collect::<Vec<_>>())
        .collect()
}

/// For each byte how often the words cover it.
fn coverage(plan: &Plan, size: usize) -> Vec<u8> {
    let mut covered = vec![0; size.next_multiple_of(8)];
    let mut end = 0;
    for op in all_words(plan) {
        let (offset, len, mask) = match op {
            WordOp::Bulk { offset, len } => (offset, len, u64::MAX),
            WordOp::Partial { offset, mask } => (offset, 8, mask),
        };
        assert!(
            offset % 8 == 0 && len % 8 == 0 && len > 0 && offset >= end,
            "{op:?} after {end}"
        );
        assert!(mask != 0 && (len > 8 || mask != u64::MAX || matches!(op, WordOp::Bulk { .. })));
        end = offset + len;
        for (i, byte) in covered[offset..offset + len].iter_mut().enumerate() {
            match (mask >> (8 * (i % 8))) & 0xff {
                0 => {}
                0xff => *byte += 1,
                other => panic!("half a byte in a mask: {other:x}"),
            }
        }
    }
    covered
}

#[test]
fn known_vector() {
    let plan = direct(&shared_data(None));
    assert!(plan.is_direct());
    let run = |at, len| Run {
        page: at,
        here: at,
        len,
    };
    assert_eq!(all_runs(&plan), [run(0, 505), run(508, 74), run(584, 48)]);
    assert_eq!(
        all_words(&plan),
        [
            WordOp::Bulk {
                offset: 0,
                len: 504
            },
            WordOp::Partial {
                offset: 504,
                mask: 0xffff_ffff_0000_00ff
            },
            WordOp::Bulk {
                offset: 512,
                len: 64
            },
            WordOp::Partial {
                offset: 576,
                mask: 0x0000_ffff_ffff_ffff
            },
            WordOp::Bulk {
                offset: 584,
                len: 48
            },
        ]
    );
    assert_eq!(plan.words().count(), 1);
    let packed = direct(&shared_data(Some(1)));
    assert_eq!(
        all_words(&packed),
        [
            WordOp::Bulk {
                offset: 0,
                len: 624
            },
            WordOp::Partial {
                offset: 624,
                mask: 0xff_ffff
            }
        ]
    );
}

#[test]
fn by_name_between_packings() {
    let (packed, natural) = (shared_data(Some(1)), shared_data(None));
    let plan = Plan::new(&packed, &natural, Match::Name).unwrap();
    assert!(!plan.is_direct());
    assert_eq!(plan.words().count(), 0);
    let run = |page, here, len| Run { page, here, len };
    assert_eq!(
        all_runs(&plan),
        [run(0, 0, 505), run(505, 508, 74), run(579, 584, 48)]
    );
    assert!(Plan::new(&packed, &natural, Match::Exact).is_err());
    // The same layout by name is as good as exact.
    assert!(
        Plan::new(&natural, &natural, Match::Name)
            .unwrap()
            .is_direct()
    );
    // A struct that grew keeps its offsets, but what follows is no padding.
    let mut fields = natural.fields().to_vec();
    fields.push(Field::new("flag", scalar(Scalar::U8)));
    let grown = StructType::natural("SharedData", fields, None).unwrap();
    assert!(
        !Plan::new(&grown, &natural, Match::Name)
            .unwrap()
            .is_direct()
    );
}

fn point(pack: Option<usize>) -> Type {
    let fields = vec![
        Field::new("flag", scalar(Scalar::Bool)),
        Field::new("x", scalar(Scalar::F64)),
        Field::new("mode", mode(Scalar::U8)),
    ];
    Type::Struct(Arc::new(
        StructType::natural("Point", fields, pack).unwrap(),
    ))
}

/// A megabyte of structs takes a handful of operations.
#[test]
fn huge_arrays_stay_small() {
    for (pack, size) in [(None, 24), (Some(1), 10), (Some(2), 12)] {
        let fields = vec![
            Field::new("head", scalar(Scalar::U8)),
            Field::new("points", array(array(point(pack), 100), 2_000)),
            Field::new("end", scalar(Scalar::U8)),
        ];
        let st = StructType::natural("Cloud", fields, pack).unwrap();
        assert!(st.size() > size * 200_000);
        let plan = direct(&st);
        assert!(plan.is_direct());
        let ops = plan.words().take(20).map(|b| b.ops.len()).max().unwrap();
        assert!(ops < 32, "{ops} operations in one block");
        let mut here = vec![7u8; st.size()];
        plan.normalise(&mut here);
        let first = st.resolve("points[0][0].flag").unwrap().0;
        let last = st.resolve("points[1999][99].flag").unwrap().0;
        assert_eq!((here[first], here[last]), (1, 1));
        assert_eq!((here[first + 1], here[last - 1], here[0]), (7, 7, 7));
        assert!(plan.validate(&here).is_ok());
        let mode = st.resolve("points[1999][98].mode").unwrap().0;
        here[mode] = 3;
        let invalid = plan.validate(&here).unwrap_err();
        assert_eq!(
            invalid.to_string(),
            format!("field points[1999][98].mode: 3 is not a valid Mode (offset {mode})")
        );
    }
}

/// Nested arrays of packed structs with odd sizes: the words would take too much room, so the
/// plan falls back to runs, of which there are few.
#[test]
fn hostile_nesting_falls_back_to_runs() {
    let mut ty = point(Some(1));
    for level in 0..5 {
        let fields = vec![
            Field::new("pad", scalar(Scalar::U8)).at(level % 3 + 1),
            Field::new("all", array(ty, 23)).at(level % 3 + 3),
        ];
        let size = fields[1].offset + fields[1].ty.size() + 2;
        ty = Type::Struct(Arc::new(StructType::new("Level", size, 1, fields).unwrap()));
    }
    let Type::Struct(st) = ty else { unreachable!() };
    let plan = direct(&st);
    let ops: usize = plan.runs().take(100).map(|b| b.ops.len()).sum();
    assert!(ops < 10_000);
    assert!(!plan.is_direct());
}

#[test]
fn enums_in_every_width() {
    for repr in [
        Scalar::I8,
        Scalar::U16,
        Scalar::I32,
        Scalar::I64,
        Scalar::U64,
    ] {
        let fields = vec![
            Field::new("n", scalar(Scalar::I32)),
            Field::new("modes", array(mode(repr), 3)),
        ];
        let st = StructType::natural("S", fields, None).unwrap();
        let plan = direct(&st);
        let at = st.resolve("modes[1]").unwrap().0;
        let mut here = vec![0; st.size()];
        for (byte, good) in [
            (0, true),
            (1, true),
            (7, true),
            (2, false),
            (6, false),
            (8, false),
            (0xff, false),
        ] {
            here[at..at + repr.size()].fill(0);
            here[at] = byte;
            assert_eq!(
                plan.validate(&here).is_ok(),
                good,
                "{byte} as {}",
                repr.name()
            );
        }
        here[at..at + repr.size()].fill(0xff);
        let value = plan.validate(&here).unwrap_err().value;
        let expected = if repr.int_range().unwrap().0 < 0 {
            -1
        } else {
            repr.int_range().unwrap().1
        };
        assert_eq!(value, expected);
    }
}

#[test]
fn gaps_between_an_enums_values_are_invalid() {
    let variants = [("A", -2), ("B", 0), ("C", 1), ("D", 3), ("Also", 3)];
    let variants = variants.map(|(n, v)| (n.to_owned(), v)).to_vec();
    let e = EnumType {
        name: "E".into(),
        repr: Scalar::I8,
        variants,
    };
    let st =
        StructType::natural("S", vec![Field::new("e", Type::Enum(Arc::new(e)))], None).unwrap();
    let plan = direct(&st);
    let valid: Vec<i8> = (-128..=127i8)
        .filter(|v| plan.validate(&[*v as u8]).is_ok())
        .collect();
    assert_eq!(valid, [-2, 0, 1, 3]);
}

/// Arrays of arrays, also of one, are as long as they are.
#[test]
fn arrays_of_arrays() {
    for (outer, inner) in [(1, 100), (100, 1), (3, 50), (50, 3)] {
        let fields = vec![Field::new("all", array(array(point(None), inner), outer))];
        let st = StructType::natural("S", fields, None).unwrap();
        let data: usize = all_runs(&direct(&st)).iter().map(|run| run.len).sum();
        assert_eq!(data, outer * inner * 10, "[{outer}][{inner}]");
    }
}

#[test]
fn enums_without_names_hold_anything() {
    let e = super::super::EnumType {
        name: "E".into(),
        repr: Scalar::U8,
        variants: vec![],
    };
    let st =
        StructType::natural("S", vec![Field::new("e", Type::Enum(Arc::new(e)))], None).unwrap();
    assert!(direct(&st).validate(&[99]).is_ok());
}

/// The fields of `here` out of `page`, in the order of `here`, by name.
fn only(page: &Value, here: &Value) -> Value {
    match (page, here) {
        (Value::Struct(page), Value::Struct(here)) => Value::Struct(
            here.iter()
                .map(|(name, h)| {
                    let (_, p) = page.iter().find(|(n, _)| n == name).unwrap();
                    (name.clone(), only(p, h))
                })
                .collect(),
        ),
        (Value::Array(page), Value::Array(here)) => {
            Value::Array(page.iter().zip(here).map(|(p, h)| only(p, h)).collect())
        }
        (page, _) => page.clone(),
    }
}

proptest! {
    #[test]
    fn words_and_runs_cover_data_and_nothing_else(st in any_struct()) {
        let plan = direct(&st);
        let data: Vec<u8> = data_bytes(&st).into_iter().map(u8::from).collect();
        let mut covered = vec![0; st.size()];
        let mut end = 0;
        for run in all_runs(&plan) {
            prop_assert!(run.page == run.here && run.here >= end && run.len > 0);
            end = run.here + run.len;
            covered[run.here..end].iter_mut().for_each(|b| *b += 1);
        }
        prop_assert_eq!(&covered, &data);
        if plan.is_direct() {
            let mut words = coverage(&plan, st.size());
            prop_assert!(words[st.size()..].iter().all(|b| *b == 0));
            words.truncate(st.size());
            prop_assert_eq!(&words, &data);
        }
    }

    #[test]
    fn runs_move_every_field_by_name(
        page in any_struct(),
        pack in prop::sample::select(&[1usize, 2, 4, 8][..]),
        drop in 1..7usize,
        seed in any::<u64>(),
    ) {
        let here = repacked(&page, pack, &|i| i % drop == 0);
        let plan = Plan::new(&page, &here, Match::Name).unwrap();
        let page_bytes: Vec<u8> = (0..page.size() as u64)
            .map(|i| (seed.wrapping_mul(i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
            .collect();
        let mut here_bytes = vec![0xa5; here.size()];
        for run in all_runs(&plan) {
            here_bytes[run.here..run.here + run.len]
                .copy_from_slice(&page_bytes[run.page..run.page + run.len]);
        }
        let got = read_struct(&here, &here_bytes);
        let wanted = only(&read_struct(&page, &page_bytes), &got);
        // NaN is not equal to itself, but prints the same.
        prop_assert_eq!(format!("{got:?}"), format!("{wanted:?}"));
        for (byte, data) in here_bytes.iter().zip(data_bytes(&here)) {
            prop_assert!(data || *byte == 0xa5, "padding was written");
        }
        let before = here_bytes.clone();
        plan.normalise(&mut here_bytes);
        prop_assert_eq!(format!("{:?}", read_struct(&here, &here_bytes)), format!("{got:?}"));
        for (i, (new, old)) in here_bytes.iter().zip(&before).enumerate() {
            let is_bool = here.path_at(i).is_some_and(|path| {
                here.resolve(&path).unwrap().1 == &scalar(Scalar::Bool)
            });
            prop_assert_eq!(*new, if is_bool { u8::from(*old != 0) } else { *old });
        }
    }
}
