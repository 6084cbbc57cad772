use std::sync::Arc;

use proptest::prelude::*;

use super::super::tests::{
    any_struct, array, mode, nested, repacked, scalar, shared_data, shared_data_fields,
};
use super::super::{EnumType, Field, Scalar, StructType, Type};
use super::*;

fn st(fields: Vec<Field>) -> StructType {
    StructType::natural("S", fields, None).unwrap()
}

fn rows(page: &StructType, here: &StructType) -> Vec<String> {
    let cell = |side: Option<String>| side.unwrap_or_else(|| "-".into());
    let differences = compare(page, here, Match::Exact).unwrap_err();
    let row = |d: Difference| format!("{} | {} | {}", d.field, cell(d.page), cell(d.here));
    differences.into_iter().map(row).collect()
}

fn message(page: &StructType, here: &StructType) -> String {
    let differences = compare(page, here, Match::Exact).unwrap_err();
    let error = mismatch_error(
        "telemetry",
        page,
        "Rust, pid 4242",
        here,
        "C++, this process",
        differences,
    );
    assert!(error.is_layout_mismatch() && !error.differences().is_empty());
    error.to_string()
}

/// The message of the specification, to the letter.
#[test]
fn the_message() {
    let mut fields = shared_data(None).fields().to_vec();
    fields[6].name = "user_name".into();
    fields[7].offset = 588;
    fields[8].offset = 596;
    let page = StructType::new("SharedData", 640, 8, fields).unwrap();
    let mut fields = shared_data_fields();
    fields[6].ty = Type::Text(51); // up to 583: the offsets behind it stay
    let here = StructType::natural("SharedData", fields, None).unwrap();
    assert_eq!(
        message(&page, &here),
        "\
layout of page \"telemetry\" differs from SharedData (C++, this process):
  field         in the page (Rust, pid 4242)   here
  user_name     text[50] at 532                text[51] at 532
  timestamp     i64 at 588                     i64 at 584
  dataArray     i32[10] at 596                 i32[10] at 592
  (size)        640 bytes                      632 bytes
hint: offsets differ from natural alignment; is one side compiled with #pragma pack or for 32 bits?"
    );
}

#[test]
fn columns_widen_with_their_content() {
    let d = |field: &str, page: Option<&str>, here: Option<&str>| Difference {
        field: field.into(),
        page: page.map(str::to_owned),
        here: here.map(str::to_owned),
    };
    let table = difference_table(
        "a",
        "b",
        &[
            d("größe_des_ganzen", Some("i64 at 0"), None),
            d("x", None, Some("i8 at 1")),
        ],
    );
    assert_eq!(
        table,
        "  field              a          b\n  größe_des_ganzen   i64 at 0   -\n  x                  -          i8 at 1"
    );
}

#[test]
fn packed_against_natural() {
    let (page, here) = (shared_data(Some(1)), shared_data(None));
    assert_eq!(
        rows(&page, &here),
        [
            "counter | i32 at 505 | i32 at 508",
            "temperature | f64 at 509 | f64 at 512",
            "coordinates | f32[3] at 517 | f32[3] at 520",
            "userName | text[50] at 529 | text[50] at 532",
            "timestamp | i64 at 579 | i64 at 584",
            "dataArray | i32[10] at 587 | i32[10] at 592",
            "(size) | 627 bytes | 632 bytes",
            "(align) | 1 byte | 8 bytes",
        ]
    );
    for text in [message(&page, &here), message(&here, &page)] {
        assert!(
            text.contains("or for 32 bits? (`#pragma pack(push, MACRO)` is a trap"),
            "{text}"
        );
    }
}

#[test]
fn thirty_two_bits() {
    let (page, here) = (shared_data(Some(4)), shared_data(None));
    assert_eq!(rows(&page, &here), ["(align) | 4 bytes | 8 bytes"]);
    assert!(message(&page, &here).contains("hint: offsets differ from natural alignment"));
}

#[test]
fn a_packed_struct_inside_is_seen() {
    let inner = |pack| {
        let fields = vec![
            Field::new("tag", scalar(Scalar::U8)),
            Field::new("joints", array(scalar(Scalar::F32), 2)),
        ];
        Type::Struct(Arc::new(StructType::natural("Arm", fields, pack).unwrap()))
    };
    let outer = |pack| {
        st(vec![
            Field::new("id", scalar(Scalar::U32)),
            Field::new("arm", inner(pack)),
            Field::new("arms", array(inner(pack), 2)),
        ])
    };
    let (page, here) = (outer(Some(1)), outer(None));
    assert_eq!(
        rows(&page, &here),
        [
            "arm.joints | f32[2] at 5 | f32[2] at 8",
            "arm (size) | 9 bytes | 12 bytes",
            "arm (align) | 1 byte | 4 bytes",
            "arms | Arm[2] at 13 | Arm[2] at 16",
            "arms[].joints | f32[2] at 14 | f32[2] at 20",
            "arms[] (size) | 9 bytes | 12 bytes",
            "arms[] (align) | 1 byte | 4 bytes",
            "(size) | 32 bytes | 40 bytes",
        ]
    );
    assert!(message(&page, &here).contains("compiled with #pragma pack"));
    assert!(compare(&page, &here, Match::Name).is_ok());
}

#[test]
fn missing_extra_and_retyped_fields() {
    let page = st(vec![
        Field::new("temperature", scalar(Scalar::F64)),
        Field::new("count", scalar(Scalar::U32)),
        Field::new("grid", array(array(scalar(Scalar::I32), 2), 4)),
    ]);
    let here = st(vec![
        Field::new("temprature", scalar(Scalar::F64)),
        Field::new("count", scalar(Scalar::I32)),
        Field::new("grid", array(array(scalar(Scalar::I32), 4), 2)),
    ]);
    assert_eq!(
        rows(&page, &here),
        [
            "temperature | f64 at 0 | -",
            "count | u32 at 8 | i32 at 8",
            "grid | i32[4][2] at 12 | i32[2][4] at 12",
            "temprature | - | f64 at 0",
        ]
    );
    let text = message(&page, &here);
    assert!(
        text.contains(
            "hint: is \"temprature\" here what the page calls \"temperature\"? Names must agree \
             but for case and `_` (Rust: `#[layout(rename = \"temperature\")]`)"
        ),
        "{text}"
    );
    // Another name altogether, at the same place and of the same type.
    let here = st(vec![
        Field::new("heat", scalar(Scalar::F64)),
        Field::new("count", scalar(Scalar::U32)),
        Field::new("grid", array(array(scalar(Scalar::I32), 2), 4)),
    ]);
    assert!(
        message(&page, &here).contains("is \"heat\" here what the page calls \"temperature\"?")
    );
}

#[test]
fn a_struct_that_grew_can_be_read_by_name() {
    let here = shared_data(None);
    let mut fields = shared_data_fields();
    fields.push(Field::new("humidity", scalar(Scalar::F32)));
    let page = StructType::natural("SharedData", fields, None).unwrap();
    assert_eq!(
        rows(&page, &here),
        [
            "humidity | f32 at 632 | -",
            "(size) | 640 bytes | 632 bytes"
        ]
    );
    assert!(message(&page, &here).contains("hint: the page has every field declared here"));
    assert!(compare(&page, &here, Match::Name).is_ok());
    // The other way round something is missing.
    let differences = compare(&here, &page, Match::Name).unwrap_err();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].field, "humidity");
    assert_eq!(
        (&differences[0].page, differences[0].here.as_deref()),
        (&None, Some("f32 at 632"))
    );
}

#[test]
fn by_name_needs_the_same_types() {
    let page = st(vec![
        Field::new("a", scalar(Scalar::I32)),
        Field::new("t", Type::Text(8)),
    ]);
    let here = st(vec![Field::new("t", Type::Text(9))]);
    let differences = compare(&page, &here, Match::Name).unwrap_err();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].page.as_deref(), Some("text[8] at 4"));
}

#[test]
fn spelling_does_not_count() {
    let page = st(vec![Field::new("processId", scalar(Scalar::I32))]);
    let here = st(vec![Field::new("process_id", scalar(Scalar::I32))]);
    assert_eq!(
        compare(&page, &here, Match::Exact).unwrap(),
        Vec::<String>::new()
    );
    assert_eq!(page.canonical(), here.canonical());
    assert_eq!(page.id(), here.id());
}

#[test]
fn bytes_agree_with_text() {
    let kinds = [
        Type::Text(4),
        array(scalar(Scalar::U8), 4),
        array(scalar(Scalar::I8), 4),
        array(mode(Scalar::U8), 4),
    ];
    for a in &kinds {
        for b in &kinds {
            let of = |ty: &Type| {
                st(vec![
                    Field::new("b", ty.clone()),
                    Field::new("bs", array(ty.clone(), 3)),
                ])
            };
            let (page, here) = (of(a), of(b));
            assert_eq!(page.canonical(), here.canonical());
            let notes = compare(&page, &here, Match::Exact).unwrap();
            assert_eq!(
                notes.len(),
                if a == b { 0 } else { 2 },
                "{a} {b}: {notes:?}"
            );
        }
    }
    let page = st(vec![Field::new("b", Type::Text(4))]);
    let here = st(vec![Field::new("b", array(scalar(Scalar::U8), 4))]);
    let notes = compare(&page, &here, Match::Exact).unwrap();
    assert_eq!(notes, ["b is text[4] in the page and u8[4] here"]);
    for other in [
        scalar(Scalar::U32),
        array(scalar(Scalar::Bool), 4),
        Type::Text(5),
    ] {
        let here = st(vec![Field::new("b", other)]);
        assert!(compare(&page, &here, Match::Exact).is_err());
        assert_ne!(page.canonical(), here.canonical());
    }
}

#[test]
fn tails() {
    let of = |elem: Type| {
        st(vec![
            Field::new("n", scalar(Scalar::U32)),
            Field::new("d", Type::Tail(Box::new(elem))),
        ])
    };
    let bytes = [scalar(Scalar::U8), scalar(Scalar::I8), mode(Scalar::U8)];
    for (a, b) in bytes.iter().flat_map(|a| bytes.iter().map(move |b| (a, b))) {
        assert!(compare(&of(a.clone()), &of(b.clone()), Match::Exact).is_ok());
        assert_eq!(of(a.clone()).canonical(), of(b.clone()).canonical());
    }
    let (page, here) = (of(scalar(Scalar::U16)), of(scalar(Scalar::I16)));
    assert_eq!(rows(&page, &here), ["d | u16[] at 4 | i16[] at 4"]);
    assert_ne!(page.canonical(), here.canonical());
    assert!(
        compare(
            &of(scalar(Scalar::Bool)),
            &of(scalar(Scalar::U8)),
            Match::Exact
        )
        .is_err()
    );
}

#[test]
fn enums() {
    let of = |repr, variants: &[(&str, i128)]| {
        let variants = variants.iter().map(|(n, v)| (n.to_string(), *v)).collect();
        let e = EnumType {
            name: "Mode".into(),
            repr,
            variants,
        };
        st(vec![Field::new("mode", Type::Enum(Arc::new(e)))])
    };
    let page = of(Scalar::U8, &[("Idle", 0), ("Run", 1)]);
    // The type's name, the spelling, and what only one side states do not matter.
    assert!(
        compare(&page, &of(Scalar::U8, &[]), Match::Exact)
            .unwrap()
            .is_empty()
    );
    assert!(
        compare(
            &page,
            &of(Scalar::U8, &[("IDLE", 0), ("run", 1)]),
            Match::Exact
        )
        .is_ok()
    );
    let plain = st(vec![Field::new("mode", scalar(Scalar::U8))]);
    assert!(compare(&page, &plain, Match::Exact).unwrap().is_empty());
    assert_eq!(page.canonical(), plain.canonical());
    let more = of(Scalar::U8, &[("Idle", 0), ("Run", 1), ("Fault", 2)]);
    assert_eq!(
        compare(&page, &more, Match::Exact).unwrap(),
        ["mode: only this side's Mode has Fault = 2"]
    );
    assert_eq!(
        compare(&more, &page, Match::Exact).unwrap(),
        ["mode: only the page's Mode has Fault = 2"]
    );
    // Another integer, and another value under the same name, do.
    assert_eq!(
        rows(&page, &of(Scalar::U16, &[])),
        [
            "mode | Mode (u8) at 0 | Mode (u16) at 0",
            "(size) | 1 byte | 2 bytes",
            "(align) | 1 byte | 2 bytes"
        ]
    );
    assert_eq!(
        rows(&page, &of(Scalar::U8, &[("Idle", 0), ("RUN", 2)])),
        ["mode | Mode (u8) at 0 with Run = 1 | Mode (u8) at 0 with Run = 2"]
    );
}

#[test]
fn units() {
    let of = |unit: Option<&str>| {
        let field = Field::new("t", scalar(Scalar::I64)).with_doc(format!("{unit:?}"));
        st(vec![match unit {
            Some(unit) => field.with_unit(unit),
            None => field,
        }])
    };
    assert!(compare(&of(Some("ms")), &of(None), Match::Exact).is_ok());
    assert!(compare(&of(Some("ms")), &of(Some("ms")), Match::Exact).is_ok());
    assert_eq!(
        rows(&of(Some("ms")), &of(Some("s"))),
        ["t | i64 in ms at 0 | i64 in s at 0"]
    );
    assert!(compare(&of(Some("ms")), &of(Some("s")), Match::Name).is_err());
    assert_eq!(of(Some("ms")).canonical(), of(Some("s")).canonical());
}

/// The canonical bytes of the known vector, written down: they must never change.
#[test]
fn canonical_bytes_are_frozen() {
    let fields = vec![
        Field::new("process_Id", scalar(Scalar::I32)).with_unit("s"),
        Field::new("modes", array(mode(Scalar::U16), 2)).with_doc("which"),
        Field::new("name", Type::Text(3)),
        Field::new(
            "arm",
            nested("Arm", vec![Field::new("x", scalar(Scalar::F32))]),
        ),
    ];
    let canonical = st(fields).canonical();
    let n = |n: u32| n.to_le_bytes().to_vec();
    #[rustfmt::skip]
    let expected: Vec<u8> = [
        vec![1, 0x22], n(16), n(4), n(4),
        n(9), b"processid".to_vec(), n(0), vec![4],
        n(5), b"modes".to_vec(), n(4), vec![0x21], n(2), vec![7],
        n(4), b"name".to_vec(), n(8), vec![0x20], n(3),
        n(3), b"arm".to_vec(), n(12), vec![0x22], n(4), n(4), n(1),
        n(1), b"x".to_vec(), n(0), vec![10],
    ]
    .concat();
    assert_eq!(canonical, expected);
    assert_eq!(shared_data(None).id(), 0x51d069efb3f0522b);
}

/// The same struct with everything changed that must not matter.
fn respelled(st: &StructType) -> StructType {
    fn again(ty: &Type) -> Type {
        match ty {
            Type::Struct(st) => Type::Struct(Arc::new(respelled(st))),
            Type::Text(n) => array(scalar(Scalar::I8), *n),
            Type::Array(elem, n) => array(again(elem), *n),
            Type::Enum(e) => scalar(e.repr),
            ty => ty.clone(),
        }
    }
    let fields = st.fields().iter().map(|f| Field {
        name: f.name.replace('_', "").to_uppercase(),
        ty: again(&f.ty),
        offset: f.offset,
        unit: None,
        doc: Some("other".into()),
    });
    StructType::new("Other", st.size(), st.align(), fields.collect()).unwrap()
}

proptest! {
    #[test]
    fn equal_canonical_bytes_mean_agreement(a in any_struct(), b in any_struct()) {
        prop_assert!(compare(&a, &a, Match::Exact).unwrap().is_empty());
        let other = respelled(&a);
        prop_assert_eq!(a.canonical(), other.canonical());
        prop_assert!(compare(&a, &other, Match::Exact).is_ok());
        prop_assert!(compare(&other, &a, Match::Exact).is_ok());
        // Units are random here and may differ; without them it is the same question.
        let (a, b) = (respelled(&a), respelled(&b));
        prop_assert_eq!(compare(&a, &b, Match::Exact).is_ok(), a.canonical() == b.canonical());
    }

    #[test]
    fn every_change_is_a_difference(st in any_struct(), pack in 1..3usize, drop in 1..4usize) {
        let other = repacked(&st, pack, &|i| i % drop == 0);
        let same = respelled(&st).canonical() == respelled(&other).canonical();
        prop_assert_eq!(compare(&st, &other, Match::Exact).is_ok(), same);
        prop_assert!(compare(&st, &other, Match::Name).is_ok());
        if !same {
            prop_assert!(!message(&st, &other).is_empty());
        }
    }
}
