use proptest::prelude::*;

use super::super::tests::{any_struct, array, mode, nested, scalar};
use super::super::value::{read_struct, write};
use super::super::{Field, Scalar, Type};
use super::*;

fn arm() -> Type {
    nested(
        "Arm",
        vec![
            Field::new("name", Type::Text(8)),
            Field::new("mode", mode(Scalar::I16)),
            Field::new("angles", array(scalar(Scalar::F32), 2)),
        ],
    )
}

#[test]
fn json_by_the_rules() {
    for (value, json, bare) in [
        (Value::Bool(true), "true", "true"),
        (
            Value::Int(i64::MIN),
            "-9223372036854775808",
            "-9223372036854775808",
        ),
        (
            Value::Uint(u64::MAX),
            "18446744073709551615",
            "18446744073709551615",
        ),
        (Value::F32(20.3), "20.3", "20.3"),
        (Value::F64(20.3), "20.3", "20.3"),
        (
            Value::F64(f64::from(20.3f32)),
            "20.299999237060547",
            "20.299999237060547",
        ),
        (Value::F64(20.0), "20.0", "20.0"),
        (Value::F64(-0.0), "-0.0", "-0.0"),
        (Value::F64(1e300), "1e300", "1e300"),
        (Value::F64(f64::NAN), "\"NaN\"", "NaN"),
        (Value::F32(f32::INFINITY), "\"Infinity\"", "Infinity"),
        (Value::F64(f64::NEG_INFINITY), "\"-Infinity\"", "-Infinity"),
        (
            Value::Text("a\"b\\c\n\u{1}é\u{7f}".into()),
            "\"a\\\"b\\\\c\\n\\u0001é\u{7f}\"",
            "a\"b\\c\n\u{1}é\u{7f}",
        ),
        (
            Value::Enum {
                name: Some("Run".into()),
                value: 1,
            },
            "\"Run\"",
            "Run",
        ),
        (
            Value::Enum {
                name: None,
                value: 9,
            },
            "9",
            "9",
        ),
        (
            Value::Array(vec![Value::Int(1), Value::F32(f32::NAN)]),
            "[1,\"NaN\"]",
            "[1, \"NaN\"]",
        ),
        (
            Value::Struct(vec![
                ("x".into(), Value::Int(1)),
                ("y".into(), Value::Text("a".into())),
            ]),
            "{\"x\":1,\"y\":\"a\"}",
            "{\"x\": 1, \"y\": \"a\"}",
        ),
    ] {
        assert_eq!(
            (to_json(&value).as_str(), value.to_string().as_str()),
            (json, bare)
        );
    }
}

#[test]
fn reads_the_command_line() {
    let ok = |ty: Type, text: &str, value: Value| {
        assert_eq!(parse(&ty, text).unwrap(), value, "{text} as {ty}");
    };
    let run = || Value::Enum {
        name: Some("Run".into()),
        value: 1,
    };
    ok(scalar(Scalar::F64), "23.5", Value::F64(23.5));
    ok(scalar(Scalar::F64), "23", Value::F64(23.0));
    ok(
        scalar(Scalar::F32),
        " -Infinity ",
        Value::F32(f32::NEG_INFINITY),
    );
    ok(scalar(Scalar::I8), "-128", Value::Int(-128));
    ok(
        scalar(Scalar::U64),
        "0xFFFF_FFFF_FFFF_FFFF",
        Value::Uint(u64::MAX),
    );
    ok(scalar(Scalar::U8), "0b101", Value::Uint(5));
    ok(scalar(Scalar::I32), "+1_000", Value::Int(1000));
    ok(scalar(Scalar::Bool), "true", Value::Bool(true));
    ok(scalar(Scalar::Bool), "0", Value::Bool(false));
    ok(
        Type::Text(9),
        " as it is \"",
        Value::Text(" as it is \"".into()),
    );
    ok(mode(Scalar::U8), "Run", run());
    ok(mode(Scalar::U8), "run", run());
    ok(mode(Scalar::U8), "1", run());
    ok(
        mode(Scalar::U8),
        "200",
        Value::Enum {
            name: None,
            value: 200,
        },
    );
    ok(
        array(scalar(Scalar::I32), 2),
        "[1, -2]",
        Value::Array(vec![Value::Int(1), Value::Int(-2)]),
    );
    ok(
        array(array(Type::Text(4), 1), 1),
        "[[\"a\\u00e9\\ud83d\\ude00\\/\\n\"]]",
        Value::Array(vec![Value::Array(vec![Value::Text("aé😀/\n".into())])]),
    );
    // A struct may lack fields; NaN is not equal to itself, so this compares what is printed.
    let some = parse(&arm(), "{ \"MODE\": \"Run\", \"angles\": [1, \"NaN\"] }").unwrap();
    assert_eq!(
        to_json(&some),
        "{\"mode\":\"Run\",\"angles\":[1.0,\"NaN\"]}"
    );
}

#[test]
fn says_what_is_wrong() {
    let wrong = |ty: Type, text: &str, message: &str| {
        let error = parse(&ty, text).unwrap_err().to_string();
        assert!(
            error.contains(message),
            "{text} as {ty}: {error:?} lacks {message:?}"
        );
    };
    wrong(
        scalar(Scalar::I8),
        "128",
        "128 is out of range for i8: -128 to 127",
    );
    wrong(
        scalar(Scalar::U8),
        "-1",
        "-1 is out of range for u8: 0 to 255",
    );
    wrong(scalar(Scalar::I32), "1.5", "expected i32, got \"1.5\"");
    wrong(scalar(Scalar::I32), "", "expected i32, got \"\"");
    wrong(scalar(Scalar::I32), "--1", "expected i32");
    wrong(scalar(Scalar::I32), "0x", "expected i32");
    wrong(scalar(Scalar::I32), "0x+1", "expected i32");
    wrong(scalar(Scalar::U64), &"9".repeat(60), "expected u64");
    wrong(scalar(Scalar::F32), "1e39", "1e39 is out of range for f32");
    wrong(
        scalar(Scalar::F64),
        "warm",
        "expected a number (f64), got \"warm\"",
    );
    wrong(
        scalar(Scalar::Bool),
        "yes",
        "expected true or false, got \"yes\"",
    );
    wrong(
        mode(Scalar::U8),
        "Runn",
        "\"Runn\" is not a value of Mode\nhint: did you mean Run?",
    );
    wrong(
        mode(Scalar::U8),
        "x",
        "hint: its values are Idle, Run and Fault, or an integer",
    );
    wrong(mode(Scalar::U8), "256", "256 is out of range for u8");
    let ints = || array(scalar(Scalar::I32), 2);
    wrong(
        ints(),
        "1",
        "at character 1: expected `[` (a list of 2 i32), got `1`",
    );
    wrong(ints(), "[1]", "expected 2 values of i32, got 1");
    wrong(
        ints(),
        "[1, 2",
        "at character 6: expected `,` or `]`, got the end",
    );
    wrong(
        ints(),
        "[1, 2] 3",
        "at character 8: expected the end, got `3`",
    );
    wrong(
        ints(),
        "[1, null]",
        "at character 5: expected a number (i32), got `null]`",
    );
    wrong(
        ints(),
        "[1, 0x2]",
        "at character 5: expected a number (i32), got `0x2]`",
    );
    wrong(
        ints(),
        "[é]",
        "at character 2: expected a number (i32), got `é]`",
    );
    wrong(
        arm(),
        "[]",
        "at character 1: expected `{` (the fields of Arm)",
    );
    wrong(
        arm(),
        "{\"angels\": 1}",
        "Arm has no field \"angels\"\nhint: did you mean \"angles\"?",
    );
    wrong(
        arm(),
        "{\"angles\": [1, true]}",
        "angles: at character 16: expected a number (f32), got `true]}`",
    );
    wrong(
        arm(),
        "{\"mode\": 1, \"MODE\": 1}",
        "\"MODE\" stands there twice",
    );
    wrong(
        arm(),
        "{mode: 1}",
        "expected a field's name in double quotes",
    );
    wrong(
        arm(),
        "{\"name\": 5}",
        "expected a string in double quotes, got `5}`",
    );
    for text in [
        "\"a",
        "\"a\\",
        "\"a\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\u+123\"",
    ] {
        assert!(from_json(&Type::Text(8), text).is_err(), "{text}");
    }
}

proptest! {
    /// What is read, printed as JSON, read back and written, is the same again.
    #[test]
    fn json_round_trips(st in any_struct(), byte in any::<u8>(), step in 0..7u8) {
        let bytes: Vec<u8> =
            (0..st.size()).map(|i| byte.wrapping_add((i as u8).wrapping_mul(step))).collect();
        let value = read_struct(&st, &bytes);
        let json = to_json(&value);
        let again = struct_from_json(&st, &json).unwrap();
        prop_assert_eq!(to_json(&again), json.clone());
        let ty = Type::Struct(std::sync::Arc::new(st.clone()));
        let mut written = vec![0; st.size()];
        // A text may have grown by the replacement of bytes that are not UTF-8.
        if write(&ty, &mut written, &again).is_ok() {
            prop_assert_eq!(to_json(&read_struct(&st, &written)), json);
        }
    }

    #[test]
    fn any_text_is_survived(st in any_struct(), text in "[\\[\\]{}\":,0-9a-z\\\\ é-]{0,40}") {
        let _ = struct_from_json(&st, &text);
        for field in st.fields() {
            let _ = parse(&field.ty, &text);
        }
    }
}
