use proptest::prelude::*;

use super::super::tests::{any_struct, array, mode, nested, scalar, shared_data};
use super::*;

/// A struct with every kind of type in it.
fn everything() -> StructType {
    let arm = nested(
        "Arm",
        vec![
            Field::new("mode", mode(Scalar::U8)).with_doc("What it does"),
            Field::new("joints", array(scalar(Scalar::F32), 6)).with_unit("rad"),
        ],
    );
    let fields = vec![
        Field::new("ready", scalar(Scalar::Bool)),
        Field::new("arms", array(array(arm.clone(), 3), 2)),
        Field::new("last", arm),
        Field::new("name", Type::Text(8)).with_doc("What it does"),
        Field::new("mode", mode(Scalar::U64)),
        Field::new("data", Type::Tail(Box::new(scalar(Scalar::U16)))),
    ];
    StructType::natural("Everything", fields, None).unwrap()
}

fn damaged(bytes: &[u8]) -> String {
    let error = StructType::decode(bytes).unwrap_err();
    assert!(error.is_corrupt());
    let prefix = "the layout descriptor is damaged: ";
    error.message().strip_prefix(prefix).unwrap().to_owned()
}

#[test]
fn round_trip() {
    for st in [shared_data(None), shared_data(Some(1)), everything()] {
        let bytes = st.encode();
        assert_eq!(StructType::decode(&bytes).unwrap(), st);
    }
    assert_eq!(shared_data(None).encode().len(), 568);
}

/// Types that are used twice are stored once: decoding does not multiply them.
#[test]
fn shares_equal_types() {
    let st = everything();
    let bytes = st.encode();
    // bool, u8 enum, f32, f32[6], Arm, Arm[3], Arm[3][2], text, u64 enum, u16, tail, root
    assert_eq!(word(&bytes, 3), 12);
    assert_eq!(word(&bytes, 4), 2 + 6);
    assert_eq!(word(&bytes, 5), 6);
    let count = |text: &[u8]| bytes.windows(text.len()).filter(|w| *w == text).count();
    assert_eq!(count(b"What it does"), 1);
}

#[test]
fn says_what_is_wrong() {
    let good = everything().encode();
    let with = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        damaged(&bad)
    };
    let n = |n: u32| n.to_le_bytes();
    assert_eq!(damaged(&[]), "it is shorter than its header");
    assert_eq!(with(0, b"XX"), "it does not start with the magic bytes");
    assert_eq!(with(4, &[2]), "version 2 is not known here (only 1 is)");
    assert_eq!(with(5, &[2]), "its byte order is not little-endian");
    assert_eq!(with(7, &[1]), "reserved bytes are not zero");
    assert!(damaged(&good[..good.len() - 1]).contains("bytes but has"));
    assert!(with(8, &n(7)).contains("it says 7 bytes but has"));
    assert_eq!(with(12, &n(u32::MAX)), "its tables are larger than itself");
    assert_eq!(with(16, &n(u32::MAX)), "its tables are larger than itself");
    assert_eq!(
        with(20, &n(7)),
        "its tables do not end where its strings start"
    );
    assert_eq!(with(24, &n(0)), "its root is not its last type");
    // Type 0 is bool, type 3 f32[6], type 4 Arm.
    let ty = |i: usize, at: usize| 32 + 24 * i + at;
    assert_eq!(with(ty(0, 0), &[99]), "type 0 is of the unknown kind 99");
    assert_eq!(with(ty(0, 1), &[12]), "scalar 12 is not known");
    assert_eq!(with(ty(0, 1), &[0]), "scalar 0 is not known");
    assert_eq!(
        with(ty(0, 20), &n(1)),
        "the record of type 0 contradicts itself"
    );
    assert_eq!(
        with(ty(0, 12), &n(2)),
        "the record of type 0 contradicts itself"
    );
    assert!(with(ty(3, 4), &n(3)).contains("refers to type 3, which does not come before it"));
    assert!(with(ty(3, 20), &n(0)).contains("contradicts itself"));
    assert!(with(ty(3, 20), &n(u32::MAX)).contains("too large"));
    assert!(with(ty(4, 16), &n(1)).contains("do not follow those of the type before"));
    assert!(with(ty(4, 20), &n(u32::MAX)).contains("more members than there are"));
    assert!(with(ty(4, 20), &n(1)).contains("members do not follow"));
    assert!(with(ty(4, 2), &[3, 0]).contains("alignment 3 is no power of two"));
    assert!(with(ty(4, 12), &n(27)).contains("no multiple of its alignment"));
    assert!(with(ty(4, 8), &n(u32::MAX)).contains("a string lies outside of it"));
}

#[test]
fn fields_out_of_order_are_refused() {
    let fields = ["a", "b"]
        .map(|name| Field::new(name, scalar(Scalar::I32)))
        .to_vec();
    let mut bytes = StructType::natural("S", fields, None).unwrap().encode();
    let (a, b) = bytes[32 + 2 * TYPE_BYTES..].split_at_mut(FIELD_BYTES);
    a.swap_with_slice(&mut b[..FIELD_BYTES]);
    assert_eq!(damaged(&bytes), "the fields of S are not in order");
}

/// A chain of array types as long as the descriptor allows neither nests nor multiplies.
#[test]
fn long_chains_of_arrays_are_refused() {
    let u8_record = TypeRecord {
        kind: kind::SCALAR,
        scalar: 6,
        size: 1,
        ..TypeRecord::default()
    };
    let array = |elem| TypeRecord {
        kind: kind::ARRAY,
        elem,
        count: 1,
        size: 1,
        ..TypeRecord::default()
    };
    let count = 43_000;
    let strings = HEADER_BYTES + count * TYPE_BYTES;
    let mut bytes = b"CPLD\x01\x01\0\0".to_vec();
    for n in [strings, count, 0, 0, count - 1, strings] {
        bytes.extend(u32_of(n).to_le_bytes());
    }
    bytes.extend(u8_record.bytes());
    (1..count).for_each(|i| bytes.extend(array(u32_of(i - 1)).bytes()));
    assert_eq!(damaged(&bytes), "type 17 is nested too deeply");
}

/// A long string that is referred to often does not become many long strings.
#[test]
fn many_references_to_one_string_are_refused() {
    let fields = |doc: &str| {
        (0..4096)
            .map(|i| Field::new(format!("f{i}"), scalar(Scalar::U8)).with_doc(doc))
            .collect::<Vec<_>>()
    };
    let error = StructType::natural("S", fields(&"x".repeat(4000)), None).unwrap_err();
    assert!(
        error
            .message()
            .contains("its description takes more than 1048576 bytes")
    );
    let mut bytes = StructType::natural("S", fields("abc"), None)
        .unwrap()
        .encode();
    // Makes the one doc 4,000 bytes long, behind everything else.
    let at = bytes.windows(5).position(|w| w == b"\x03\0abc").unwrap();
    let strings = word(&bytes, 7) as usize;
    let (old, new) = (
        u32_of(at - strings).to_le_bytes(),
        u32_of(bytes.len() - strings).to_le_bytes(),
    );
    for i in 0..4096 {
        let doc = 32 + 24 * 2 + 20 * i + 16;
        assert_eq!(bytes[doc..doc + 4], old);
        bytes[doc..doc + 4].copy_from_slice(&new);
    }
    bytes.extend(4000u16.to_le_bytes());
    bytes.extend([b'x'; 4000]);
    let total = u32_of(bytes.len()).to_le_bytes();
    bytes[8..12].copy_from_slice(&total);
    assert_eq!(damaged(&bytes), "its strings are too long together");
}

/// One changed byte, or a cut, is an error or another valid layout: never a panic.
#[test]
fn every_byte_flipped() {
    let good = everything().encode();
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            if let Ok(st) = StructType::decode(&bad) {
                assert_eq!(StructType::decode(&st.encode()).unwrap(), st);
            }
        }
        assert!(StructType::decode(&good[..at]).is_err());
    }
}

proptest! {
    #[test]
    fn round_trips(st in any_struct()) {
        let bytes = st.encode();
        prop_assert!(bytes.len() <= st.cost().bytes + FIXED_BYTES);
        let again = StructType::decode(&bytes).unwrap();
        prop_assert_eq!(&again, &st);
        prop_assert_eq!(again.encode(), bytes);
        prop_assert_eq!(again.canonical(), st.canonical());
    }

    #[test]
    fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = StructType::decode(&bytes);
        // As far as the tables, with a header that is right.
        if bytes.len() >= HEADER_BYTES {
            let total = u32_of(bytes.len());
            bytes[..8].copy_from_slice(b"CPLD\x01\x01\0\0");
            let types = (total - 32) / 24;
            for (i, n) in [total, types, 0, 0, types.wrapping_sub(1), 32 + types * 24].into_iter().enumerate() {
                bytes[8 + 4 * i..12 + 4 * i].copy_from_slice(&n.to_le_bytes());
            }
            let _ = StructType::decode(&bytes);
        }
    }

    #[test]
    fn mutated_bytes_are_survived(
        st in any_struct(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = st.encode();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        match StructType::decode(&bytes) {
            Ok(st) => prop_assert_eq!(StructType::decode(&st.encode()).unwrap(), st),
            Err(e) => prop_assert!(e.is_corrupt()),
        }
    }
}
