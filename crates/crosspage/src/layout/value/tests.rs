use std::sync::Arc;

use super::super::tests::{array, mode, nested, scalar, shared_data};
use super::super::{Field, Scalar, StructType, Type};
use super::*;

fn record() -> Record {
    Record::zeroed(Arc::new(shared_data(None)))
}

#[test]
fn sets_and_gets() {
    let mut r = record();
    r.set("process_id", &Value::Int(42)).unwrap();
    r.set("message", &Value::Text("Zoë".into())).unwrap();
    r.set("dataReady", &Value::Bool(true)).unwrap();
    r.set("temperature", &Value::Int(23)).unwrap();
    r.set("coordinates[1]", &Value::F64(20.3)).unwrap();
    assert_eq!(r.get("processId").unwrap(), Value::Int(42));
    assert_eq!(r.get("message").unwrap(), Value::Text("Zoë".into()));
    assert_eq!(r.get("temperature").unwrap(), Value::F64(23.0));
    assert_eq!(
        r.get("coordinates").unwrap().to_string(),
        "[0.0, 20.3, 0.0]"
    );
    assert_eq!(&r.bytes()[4..9], b"Zo\xc3\xab\0");
    assert_eq!(r.bytes()[504], 1);
    // A shorter text leaves nothing of the longer one behind.
    r.set("message", &Value::Text("Z".into())).unwrap();
    assert_eq!(&r.bytes()[4..9], b"Z\0\0\0\0");
    let json = r.to_json();
    assert!(
        json.starts_with("{\"processId\":42,\"message\":\"Z\",\"dataReady\":true,"),
        "{json}"
    );
}

#[test]
fn values_from_a_peer() {
    let mut bytes = vec![0; 632];
    bytes[504] = 7;
    bytes[4..8].copy_from_slice(b"a\xff\0b");
    let r = Record::new(Arc::new(shared_data(None)), bytes.into());
    assert_eq!(r.get("dataReady").unwrap(), Value::Bool(true));
    assert_eq!(r.get("message").unwrap(), Value::Text("a\u{fffd}".into()));
    assert_eq!(
        read(&mode(Scalar::I16), &[0xff, 0xff]),
        Value::Enum {
            name: None,
            value: -1
        }
    );
}

#[test]
fn refuses_what_does_not_fit_and_changes_nothing() {
    let mut r = record();
    r.set("dataArray", &Value::Array(vec![Value::Int(5); 10]))
        .unwrap();
    let before = r.clone();
    let mut bad = vec![Value::Int(1); 10];
    bad[7] = Value::Int(1 << 40);
    for (path, value, message) in [
        (
            "counter",
            Value::Uint(1 << 31),
            "counter: 2147483648 is out of range for i32: -2147483648 to 2147483647",
        ),
        (
            "counter",
            Value::F64(1.0),
            "counter: expected i32, got the number 1.0",
        ),
        (
            "counter",
            Value::Bool(true),
            "counter: expected i32, got true",
        ),
        (
            "temperature",
            Value::Text("x".into()),
            "temperature: expected f64, got the text \"x\"",
        ),
        (
            "coordinates[2]",
            Value::F64(1e300),
            "coordinates[2]: the number 1e300 is out of range for f32",
        ),
        (
            "dataReady",
            Value::Int(1),
            "dataReady: expected a bool (true or false), got the number 1",
        ),
        (
            "userName",
            Value::Text("x".repeat(51)),
            "userName: a text of 51 bytes does not fit into text[50]",
        ),
        (
            "userName",
            Value::Text("a\0b".into()),
            "userName: a text ends at its first NUL",
        ),
        (
            "dataArray",
            Value::Array(bad),
            "dataArray[7]: 1099511627776 is out of range for i32",
        ),
        (
            "dataArray",
            Value::Array(vec![]),
            "dataArray: expected 10 values, got 0",
        ),
        (
            "dataArray",
            Value::Int(1),
            "dataArray: expected a list of 10 i32, got the number 1",
        ),
        (
            "nothing",
            Value::Int(1),
            "SharedData has no field \"nothing\"",
        ),
    ] {
        let error = r.set(path, &value).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error:?} is not {message:?}");
        assert_eq!(r, before);
    }
    assert!(
        r.set("userName", &Value::Text("x".repeat(51)))
            .unwrap_err()
            .is_too_large()
    );
    assert!(r.set("userName", &Value::Text("x".repeat(50))).is_ok());
    assert_eq!(r.get("userName").unwrap(), Value::Text("x".repeat(50)));
}

#[test]
fn structs_need_every_field() {
    let fields = vec![
        Field::new("x", scalar(Scalar::F32)),
        Field::new("on", mode(Scalar::U8)),
    ];
    let ty = nested("Point", fields);
    let given = |fields: &[(&str, Value)]| {
        let fields = fields
            .iter()
            .map(|(n, v)| (n.to_string(), v.clone()))
            .collect();
        let mut bytes = [0xa5; 8];
        write(&ty, &mut bytes, &Value::Struct(fields))
            .map(|()| bytes)
            .map_err(|e| e.to_string())
    };
    let one = Value::F32(1.0);
    let run = Value::Text("RUN".into());
    assert_eq!(
        given(&[("On", run.clone()), ("x", one.clone())]).unwrap(),
        [0, 0, 128, 63, 1, 0xa5, 0xa5, 0xa5] // padding is left alone
    );
    assert_eq!(
        given(&[("x", one.clone())]).unwrap_err(),
        "no value for on of Point"
    );
    assert_eq!(
        given(&[("x", one.clone()), ("X", one.clone())]).unwrap_err(),
        "two values for x"
    );
    assert!(
        given(&[("y", one.clone())])
            .unwrap_err()
            .starts_with("Point has no field \"y\"")
    );
    assert_eq!(
        given(&[("on", Value::Text("Runn".into()))]).unwrap_err(),
        "on: \"Runn\" is not a value of Mode\nhint: did you mean Run?"
    );
    assert_eq!(
        given(&[("on", Value::F64(1.0))]).unwrap_err(),
        "on: expected a value of Mode (Idle, Run and Fault), got the number 1.0"
    );
    assert!(given(&[("on", Value::Int(255)), ("x", one.clone())]).is_ok());
    assert!(given(&[("on", Value::Int(256)), ("x", one)]).is_err());
}

#[test]
fn numbers_widen_exactly() {
    let mut bytes = [0; 8];
    write(&scalar(Scalar::U64), &mut bytes, &Value::Uint(u64::MAX)).unwrap();
    assert_eq!(read(&scalar(Scalar::U64), &bytes), Value::Uint(u64::MAX));
    write(&scalar(Scalar::I64), &mut bytes, &Value::Int(i64::MIN)).unwrap();
    assert_eq!(read(&scalar(Scalar::I64), &bytes), Value::Int(i64::MIN));
    write(&scalar(Scalar::F32), &mut bytes, &Value::F64(f64::NAN)).unwrap();
    assert!(
        read(&scalar(Scalar::F32), &bytes)
            .as_f64()
            .unwrap()
            .is_nan()
    );
    write(&scalar(Scalar::F32), &mut bytes, &Value::F64(f64::INFINITY)).unwrap();
    assert_eq!(
        read(&scalar(Scalar::F32), &bytes),
        Value::F32(f32::INFINITY)
    );
}

#[test]
fn tails_are_as_long_as_the_bytes() {
    let fields = vec![
        Field::new("n", scalar(Scalar::U32)),
        Field::new("data", Type::Tail(Box::new(array(scalar(Scalar::U16), 2)))),
    ];
    let st = Arc::new(StructType::natural("M", fields, None).unwrap());
    let mut r = Record::new(st.clone(), (0..15).collect());
    assert_eq!(
        r.get("data").unwrap().to_string(),
        "[[1284, 1798], [2312, 2826]]"
    );
    assert_eq!(r.get("data[1][0]").unwrap(), Value::Uint(2312));
    assert!(r.get("data[2][1]").unwrap_err().is_not_found());
    assert!(r.get("data[4611686018427387904]").is_err());
    let pair = || Value::Array(vec![Value::Uint(1), Value::Uint(2)]);
    r.set("data", &Value::Array(vec![pair(), pair()])).unwrap();
    assert_eq!(r.to_json(), "{\"n\":50462976,\"data\":[[1,2],[1,2]]}");
    let error = r
        .set("data", &Value::Array(vec![pair(), pair(), pair()]))
        .unwrap_err();
    assert_eq!(error.message(), "data: 3 values are more than the 2 it has");
    assert_eq!(
        Record::zeroed(st).get("data").unwrap(),
        Value::Array(vec![])
    );
}
