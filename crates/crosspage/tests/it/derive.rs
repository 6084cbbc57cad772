//! `#[derive(Layout)]`: what it says about structs, and what it refuses.

use crosspage::layout::{Field, Plan, Scalar, StructType, Type};
use crosspage::{Layout, Match, Text, testing};

/// The original project's struct.
#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct SharedData {
    process_id: i32,
    message: Text<500>,
    data_ready: bool,
    counter: i32,
    temperature: f64,
    coordinates: [f32; 3],
    user_name: Text<50>,
    /// When it was written.
    ///
    /// Since 1970.
    #[layout(unit = "ms")]
    timestamp: i64,
    data_array: [i32; 10],
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(i8)]
enum Mode {
    Idle,
    #[layout(rename = "Working")]
    Run = 5,
    Fault = -1,
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C, packed(2))]
#[layout(name = "robot::Arm")]
struct Arm {
    r#type: u8,
    #[layout(rename = "jointAngles", unit = "rad")]
    joints: [[f32; 3]; 2],
    modes: [Mode; 3],
}

#[derive(Debug, Clone, Copy, Layout)]
#[repr(C, align(64))]
struct Robot {
    arms: [Arm; 2],
    mode: Mode,
    ready: [bool; 3],
    load: u64,
}

fn described(st: &StructType) -> Vec<String> {
    let field = |f: &Field| format!("{} {} {}", f.name, f.ty, f.offset);
    st.fields().iter().map(field).collect()
}

#[test]
fn known_vector() {
    let st = SharedData::layout();
    assert_eq!((st.size(), st.align(), st.name()), (632, 8, "SharedData"));
    assert_eq!(
        described(st),
        [
            "process_id i32 0",
            "message text[500] 4",
            "data_ready bool 504",
            "counter i32 508",
            "temperature f64 512",
            "coordinates f32[3] 520",
            "user_name text[50] 532",
            "timestamp i64 584",
            "data_array i32[10] 592",
        ]
    );
    let timestamp = st.field("timestamp").unwrap();
    assert_eq!(timestamp.unit.as_deref(), Some("ms"));
    assert_eq!(
        timestamp.doc.as_deref(),
        Some("When it was written.\n\nSince 1970.")
    );
    assert_eq!(st.field("counter").unwrap().doc, None);
}

#[test]
fn nested_packed_aligned_and_renamed() {
    let st = Robot::layout();
    assert_eq!((st.size(), st.align()), (128, 64));
    assert_eq!(
        described(st),
        [
            "arms robot::Arm[2] 0",
            "mode Mode 60",
            "ready bool[3] 61",
            "load u64 64"
        ]
    );
    let Type::Array(arm, 2) = &st.fields()[0].ty else {
        panic!()
    };
    let Type::Struct(arm) = &**arm else { panic!() };
    assert_eq!((arm.size(), arm.align()), (30, 2));
    assert_eq!(
        described(arm),
        ["type u8 0", "jointAngles f32[2][3] 2", "modes Mode[3] 26"]
    );
    let Type::Enum(mode) = &st.fields()[1].ty else {
        panic!()
    };
    assert_eq!(mode.repr, Scalar::I8);
    let variants = [("Idle", 0), ("Working", 5), ("Fault", -1)];
    assert_eq!(mode.variants, variants.map(|(n, v)| (n.to_owned(), v)));
}

/// The derive's layout is the one that the C rules give.
#[test]
fn agrees_with_the_c_rules() {
    let derived = SharedData::layout();
    let natural = StructType::natural("x", derived.fields().to_vec(), None).unwrap();
    assert_eq!(natural.canonical(), derived.canonical());
    assert_eq!(StructType::decode(&derived.encode()).unwrap(), **derived);
}

/// A value that no variant has does not become a Rust enum.
#[test]
fn foreign_values_of_enums_are_errors() {
    let st = Robot::layout();
    let plan = Plan::new(st, st, Match::Exact).unwrap();
    let mut bytes = vec![0u8; st.size()];
    assert!(plan.validate(&bytes).is_ok());
    let at = st.resolve("arms[1].modes[2]").unwrap().0;
    for (value, good) in [
        (5i8, true),
        (-1, true),
        (1, false),
        (-2, false),
        (127, false),
    ] {
        bytes[at] = value as u8;
        match plan.validate(&bytes) {
            Ok(()) => assert!(good),
            Err(invalid) => {
                assert!(!good);
                let text =
                    format!("field arms[1].modes[2]: {value} is not a valid Mode (offset {at})");
                assert_eq!(invalid.to_string(), text);
            }
        }
    }
}

#[test]
fn a_typed_read_names_field_and_value() {
    #[derive(Debug, Clone, Copy, Layout)]
    #[repr(C)]
    struct Status {
        level: u32,
        mode: Mode,
    }
    #[derive(Clone, Copy, Layout)]
    #[repr(C)]
    struct Plain {
        level: u32,
        mode: i8,
    }
    let _namespace = testing::namespace();
    let mut writer = crosspage::latest::Writer::<Plain>::create("status").unwrap();
    let reader = crosspage::latest::Reader::<Status>::open("status").unwrap();
    writer.write(&Plain { level: 1, mode: 5 }).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().value.mode, Mode::Run);
    writer.write(&Plain { level: 1, mode: 3 }).unwrap();
    let error = reader.read().unwrap_err().to_string();
    assert!(
        error.contains("field mode: 3 is not a valid Mode (offset 4)"),
        "{error}"
    );
    writer.write(&Plain { level: 2, mode: 0 }).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().value.level, 2);
}

/// The caps hold at compile time, so the description is made without a check that could fail.
#[test]
fn long_docs_are_cut() {
    #[derive(Clone, Copy, Layout)]
    #[repr(C)]
    struct Documented {
        #[doc = include_str!("derive.rs")]
        included: u8,
        #[doc = concat!("not ", "a literal")]
        computed: u8,
        /** A block.
        Of two lines. */
        block: u8,
    }
    let st = Documented::layout();
    assert_eq!(st.field("included").unwrap().doc, None);
    assert_eq!(
        st.field("block").unwrap().doc.as_deref(),
        Some("A block.\n        Of two lines.")
    );
}

#[test]
fn refusals() {
    let cargo = std::process::Command::new("cargo")
        .arg("--version")
        .output();
    if !cargo.is_ok_and(|out| out.status.success()) {
        println!(
            "skipped: there is no cargo where this test runs (Windows under Wine), and it compiles programs"
        );
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/refused/*.rs");
    // Around our words stand the compiler's, which change from version to version.
    let rustc = std::process::Command::new("rustc")
        .arg("--version")
        .output();
    if rustc.is_ok_and(|out| out.stdout.starts_with(b"rustc 1.95.")) {
        cases.compile_fail("tests/ui/rustc_1_95/*.rs");
    }
}
