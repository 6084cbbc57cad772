//! The real program, run as its users run it: in namespaces of their own, against pages that the
//! library makes.

use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use crosspage::layout::{EnumType, Field, Record, Scalar, StructType, Type, Value};
use crosspage::testing::Namespace;
use crosspage::{Lifetime, foreign, latest, testing, topic};

#[cfg(windows)]
#[path = "../../../tests/build_host.rs"]
mod build_host;
#[path = "cli/topics.rs"]
mod topics;

const PROGRAM: &str = env!("CARGO_BIN_EXE_crosspage");

fn crosspage(namespace: &Namespace, args: &[&str]) -> Command {
    let mut command = emulated(PROGRAM);
    command
        .args(args)
        .env("CROSSPAGE_NAMESPACE", namespace.name())
        .env_remove("CROSSPAGE_LOG");
    command
}

/// Starts a program of this platform, which may have to be emulated: CROSSPAGE_TEST_RUNNER says how.
fn emulated(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let runner = std::env::var("CROSSPAGE_TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    match words.next() {
        None => Command::new(program),
        Some(runner) => {
            let mut command = Command::new(runner);
            command.args(words).arg(program);
            command
        }
    }
}

fn run(namespace: &Namespace, args: &[&str]) -> Output {
    crosspage(namespace, args).output().unwrap()
}

/// Its stdout, where it succeeds and says nothing on stderr.
#[track_caller]
fn stdout(namespace: &Namespace, args: &[&str]) -> String {
    let output = run(namespace, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {} {stderr}",
        output.status
    );
    assert_eq!(stderr, "", "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json(namespace: &Namespace, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&stdout(namespace, args)).unwrap()
}

/// Its stderr, where it fails with exit code 1 and an empty stdout.
#[track_caller]
fn failure(namespace: &Namespace, args: &[&str]) -> String {
    let output = run(namespace, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{args:?}");
    assert!(stderr.starts_with("error: "), "{stderr}");
    for line in stderr.lines() {
        assert!(
            !line.contains("\x1b"),
            "colour without a terminal: {line:?}"
        );
    }
    stderr
}

fn keys(value: &serde_json::Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn scalar(name: &str, scalar: Scalar) -> Field {
    Field::new(name, Type::Scalar(scalar))
}

/// A struct with every kind of field.
fn robot() -> Arc<StructType> {
    let joint = StructType::natural(
        "Joint",
        vec![
            scalar("angle", Scalar::F32).with_unit("rad"),
            scalar("torque", Scalar::F64),
        ],
        None,
    );
    let mode = EnumType {
        name: "Mode".into(),
        repr: Scalar::U8,
        variants: vec![("Idle".into(), 0), ("Driving".into(), 2)],
    };
    let array = |elem: Type, n| Type::Array(Box::new(elem), n);
    let fields = vec![
        scalar("counter", Scalar::I32),
        scalar("temperature", Scalar::F64).with_unit("°C"),
        scalar("ready", Scalar::Bool),
        scalar("big", Scalar::U64),
        scalar("small", Scalar::I64),
        Field::new("label", Type::Text(8)),
        Field::new("position", array(Type::Scalar(Scalar::F32), 3)),
        Field::new("grid", array(array(Type::Scalar(Scalar::I16), 2), 2)),
        Field::new("mode", Type::Enum(Arc::new(mode))),
        Field::new("arm", array(Type::Struct(Arc::new(joint.unwrap())), 2)),
    ];
    Arc::new(StructType::natural("Robot", fields, None).unwrap())
}

fn floats(values: &[f32]) -> Value {
    Value::Array(values.iter().map(|v| Value::F32(*v)).collect())
}

/// A robot with values that are hard to print.
fn hard_values(layout: &Arc<StructType>) -> Record {
    let mut record = Record::new(layout.clone(), vec![0; layout.size()].into());
    let set = [
        ("counter", Value::Int(42)),
        ("temperature", Value::F64(23.5)),
        ("ready", Value::Bool(true)),
        ("big", Value::Uint(u64::MAX)),
        ("small", Value::Int(i64::MIN)),
        ("label", Value::Text("Zoë".into())),
        ("position", floats(&[10.5, 20.3, f32::NEG_INFINITY])),
        ("grid[1][0]", Value::Int(-7)),
        (
            "mode",
            Value::Enum {
                name: None,
                value: 2,
            },
        ),
        ("arm[0].torque", Value::F64(f64::NAN)),
        ("arm[1].angle", Value::F32(0.1)),
    ];
    for (path, value) in &set {
        record.set(path, value).unwrap();
    }
    record
}

fn writer(name: &str, layout: &Arc<StructType>) -> latest::RawWriter {
    latest::RawWriter::create(name, layout, &latest::Options::default()).unwrap()
}

fn write(writer: &mut latest::RawWriter, record: &Record) {
    writer
        .write_with(&mut |slot| slot.write_at(0, record.bytes()))
        .unwrap();
}

#[test]
fn help_is_golden() {
    let namespace = testing::namespace();
    for command in [
        "",
        "ls",
        "show",
        "get",
        "set",
        "pub",
        "echo",
        "hex",
        "layout",
        "diff",
        "rm",
        "gc",
        "completions",
        "man",
    ] {
        let args: Vec<&str> = [command, "--help"]
            .into_iter()
            .filter(|arg| !arg.is_empty())
            .collect();
        let help = stdout(&namespace, &args);
        let name = if command.is_empty() { "help" } else { command };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &help).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            help, golden,
            "crosspage {command} --help; UPDATE_GOLDEN=1 accepts what it prints now"
        );
    }
}

#[test]
fn completions_and_man_pages_know_the_commands() {
    let namespace = testing::namespace();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&namespace, &["completions", shell]);
        assert!(
            script.contains("dry-run") && script.contains("layout"),
            "{shell}"
        );
    }
    let page = stdout(&namespace, &["man"]);
    assert!(
        page.contains(".TH CROSSPAGE 1") && page.contains("crosspage\\-layout"),
        "{page}"
    );
    let page = stdout(&namespace, &["man", "gc"]);
    assert!(
        page.contains(".TH CROSSPAGE-GC 1") && page.contains("dry\\-run"),
        "{page}"
    );
    failure(&namespace, &["man", "frobnicate"]);
}

#[test]
fn wrong_usage_is_2() {
    let namespace = testing::namespace();
    for args in [
        &["frobnicate"][..],
        &["show"],
        &["get", "telemetry"],
        &["show", "telemetry", "--timeout", "-1"],
        &["show", "telemetry", "--timeout", "soon"],
        &["ls", "--frob"],
        &["rm"],
        &["set", "telemetry"],
        &["set", "telemetry", "counter"],
        &["set", "telemetry", "=1"],
        &["layout", "telemetry", "--as", "fortran"],
        &["diff", "telemetry"],
    ] {
        let output = run(&namespace, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn show_before_the_first_write_has_no_value() {
    let namespace = testing::namespace();
    let _writer = writer("robot", &robot());
    let shown = json(&namespace, &["show", "robot", "--json"]);
    for key in ["value", "version", "age_ms", "writer"] {
        assert_eq!(shown[key], serde_json::Value::Null, "{key}");
    }
    let text = stdout(&namespace, &["show", "robot"]);
    assert!(text.contains("nothing was written yet"), "{text}");
    let error = failure(&namespace, &["get", "robot", "counter"]);
    assert!(
        error.contains("\"robot\" has no value yet") && error.contains("\nhint: "),
        "{error}"
    );
}

#[test]
fn show_json_is_the_specified_document() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut writer = writer("robot", &layout);
    write(&mut writer, &hard_values(&layout));
    let text = stdout(&namespace, &["show", "robot", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();

    let top = "format name locator pattern layout value version age_ms writer participants";
    assert_eq!(keys(&shown).join(" "), top);
    assert_eq!(shown["format"], 1);
    assert_eq!(
        (&shown["name"], &shown["locator"]),
        (&"robot".into(), &"robot".into())
    );
    assert_eq!(shown["pattern"], "latest");
    assert_eq!(shown["version"], 1);
    assert!(
        shown["age_ms"].as_u64().is_some_and(|age| age < 60_000),
        "{text}"
    );
    assert_eq!(
        shown["writer"],
        serde_json::json!({"pid": std::process::id(), "alive": true})
    );
    let me = serde_json::json!([{"role": "writer", "pid": std::process::id(), "alive": true}]);
    assert_eq!(shown["participants"], me);

    assert_eq!(keys(&shown["layout"]).join(" "), "type size align fields");
    assert_eq!(shown["layout"]["type"], "Robot");
    assert_eq!(shown["layout"]["size"], layout.size());
    assert_eq!(shown["layout"]["align"], 8);
    let field = |name: &str, ty: &str, offset: usize, size: usize, unit: Option<&str>| serde_json::json!({"name": name, "type": ty, "offset": offset, "size": size, "unit": unit});
    assert_eq!(
        shown["layout"]["fields"][0],
        field("counter", "i32", 0, 4, None)
    );
    assert_eq!(
        shown["layout"]["fields"][1],
        field("temperature", "f64", 8, 8, Some("°C"))
    );
    assert_eq!(
        shown["layout"]["fields"][7],
        field("grid", "i16[2][2]", 60, 8, None)
    );
    assert_eq!(
        keys(&shown["layout"]["fields"][0]).join(" "),
        "name type offset size unit"
    );

    // As text, because the digits matter: no 20.299999, no 1.8446744e19.
    let value = serde_json::to_string(&shown["value"]).unwrap();
    assert_eq!(
        value,
        r#"{"counter":42,"temperature":23.5,"ready":true,"big":18446744073709551615,"#.to_owned()
            + r#""small":-9223372036854775808,"label":"Zoë","position":[10.5,20.3,"-Infinity"],"#
            + r#""grid":[[0,0],[-7,0]],"mode":"Driving","#
            + r#""arm":[{"angle":0.0,"torque":"NaN"},{"angle":0.1,"torque":0.0}]}"#
    );

    let mut record = hard_values(&layout);
    record
        .set(
            "mode",
            &Value::Enum {
                name: None,
                value: 7,
            },
        )
        .unwrap();
    write(&mut writer, &record);
    let shown = json(&namespace, &["show", "robot", "--json"]);
    assert_eq!(
        (&shown["value"]["mode"], &shown["version"]),
        (&7.into(), &2.into())
    );

    drop(writer);
    let shown = json(&namespace, &["show", "robot", "--json"]);
    assert_eq!(
        shown["writer"],
        serde_json::json!({"pid": std::process::id(), "alive": false})
    );
    assert_eq!(shown["participants"], serde_json::json!([]));
}

#[test]
fn show_is_a_table_for_people() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut writer = writer("robot", &layout);
    let mut record = hard_values(&layout);
    record
        .set("label", &Value::Text("\x1b[2J\u{9b}".into()))
        .unwrap();
    write(&mut writer, &record);
    let text = stdout(&namespace, &["show", "robot"]);
    let me = std::process::id();
    let head = format!(
        "robot: latest, Robot, {} bytes\nversion 1, written ",
        layout.size()
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(
        text.contains(&format!("by pid {me} (alive)\nwriter pid {me} (Rust)\n\n")),
        "{text}"
    );
    for line in [
        "field        type       offset  value",
        "counter      i32             0  42",
        "temperature  f64             8  23.5 °C",
        "position     f32[3]         48  [10.5,20.3,\"-Infinity\"]",
        "mode         Mode           68  \"Driving\"",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    // Nor the one-character form of the same, which JSON does not escape.
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(
        !text.contains(steers),
        "a peer's text steers the terminal: {text:?}"
    );
}

#[test]
fn get_is_bare() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut writer = writer("robot", &layout);
    write(&mut writer, &hard_values(&layout));
    for (path, value) in [
        ("temperature", "23.5"),
        ("Temperature", "23.5"),
        ("counter", "42"),
        ("ready", "true"),
        ("big", "18446744073709551615"),
        ("label", "Zoë"),
        ("position[1]", "20.3"),
        ("grid[1][0]", "-7"),
        ("mode", "Driving"),
        ("arm[1].angle", "0.1"),
        ("arm[0].torque", "NaN"),
    ] {
        assert_eq!(
            stdout(&namespace, &["get", "robot", path]),
            format!("{value}\n"),
            "{path}"
        );
    }
    let error = failure(&namespace, &["get", "robot", "temprature"]);
    assert!(
        error.contains("temprature") && error.contains("temperature"),
        "{error}"
    );
    failure(&namespace, &["get", "robot", "position[3]"]);
    failure(&namespace, &["get", "robot", "counter.x"]);
    failure(&namespace, &["get", "robot", ""]);
}

#[test]
fn set_writes_all_or_nothing() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut first = writer("robot", &layout);
    let error = failure(&namespace, &["set", "robot", "counter=1"]);
    assert!(error.contains("already has a living writer"), "{error}");
    assert!(error.contains("hint: only its writer writes it"), "{error}");
    drop(first);

    let error = failure(&namespace, &["set", "robot", "counter=1"]);
    assert!(error.contains("no value yet"), "{error}");
    first = writer("robot", &layout);
    write(&mut first, &hard_values(&layout));
    drop(first);

    let get = |path: &str| stdout(&namespace, &["get", "robot", path]);
    for (bad, words) in [
        ("counter=x", "counter: expected"),
        ("counter=3000000000", "counter"),
        ("label=much too long", "label"),
        ("mode=Flying", "mode"),
        ("conter=1", "counter"),
        ("position[3]=1", "position"),
        ("position=[1,2]", "position"),
    ] {
        let error = failure(&namespace, &["set", "robot", "temperature=1", bad]);
        assert!(error.contains(words), "{bad}: {error}");
        assert_eq!(get("temperature"), "23.5\n", "{bad}");
    }
    let assignments = [
        "counter=-5",
        "temperature=1e3",
        "label=a=b",
        "position=[1, 2.5, 3]",
        "arm[1].torque=7",
        "mode=Idle",
        "big=0x10",
    ];
    let args: Vec<&str> = ["set", "robot"].into_iter().chain(assignments).collect();
    assert_eq!(stdout(&namespace, &args), "");
    for (path, value) in [
        ("counter", "-5"),
        ("temperature", "1000.0"),
        ("label", "a=b"),
        ("position[1]", "2.5"),
        ("arm[1].torque", "7.0"),
        ("arm[1].angle", "0.1"),
        ("mode", "Idle"),
        ("big", "16"),
        ("small", "-9223372036854775808"),
    ] {
        assert_eq!(get(path), format!("{value}\n"), "{path}");
    }
    let shown = json(&namespace, &["show", "robot", "--json"]);
    assert_eq!(shown["version"], 2, "one write for all of them");
}

#[test]
fn set_beside_other_writers() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut options = latest::Options::default();
    options.writers = Some(2);
    let mut writer = latest::RawWriter::create("robot", &layout, &options).unwrap();
    write(&mut writer, &hard_values(&layout));
    assert_eq!(stdout(&namespace, &["set", "robot", "counter=43"]), "");
    assert_eq!(stdout(&namespace, &["get", "robot", "counter"]), "43\n");
}

#[cfg(unix)]
#[test]
fn set_and_hex_in_foreign_segments() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let schema = directory.path().join("schema.toml");
    let toml = "[struct.Pair]\nfields = [{ name = \"a\", type = \"i32\" }, { name = \"b\", type = \"f64\" }]\n";
    std::fs::write(&schema, toml).unwrap();
    let source = format!("{}#Pair", schema.display());
    let pair = crosspage::layout::from_source(&source).unwrap();
    let locator = format!("posix:/crosspage-cli-{}", std::process::id());
    let _view = foreign::DynView::create(&locator, &pair, 64).unwrap();

    failure(&namespace, &["set", &locator, "a=1"]);
    stdout(
        &namespace,
        &["set", &locator, "--layout", &source, "a=1", "b=-2"],
    );
    let hex = stdout(&namespace, &["hex", &locator, "--layout", &source]);
    let first =
        "00000000  01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 c0  |................|  a b\n";
    assert!(hex.starts_with(first), "{hex}");
    assert_eq!(hex.lines().count(), 4, "{hex}");
    let plain = stdout(&namespace, &["hex", &locator]);
    assert!(
        plain.starts_with(first.trim_end_matches("  a b\n")),
        "{plain}"
    );
    crosspage::remove_forced(&locator).unwrap();
}

#[test]
fn hex_names_the_fields_that_begin_in_a_line() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut writer = writer("robot", &layout);
    let error = failure(&namespace, &["hex", "robot"]);
    assert!(error.contains("no value yet"), "{error}");
    write(&mut writer, &hard_values(&layout));
    let hex = stdout(&namespace, &["hex", "robot"]);
    let expected = "\
00000000  2a 00 00 00 00 00 00 00  00 00 00 00 00 80 37 40  |*.............7@|  counter temperature
00000010  01 00 00 00 00 00 00 00  ff ff ff ff ff ff ff ff  |................|  ready big
00000020  00 00 00 00 00 00 00 80  5a 6f c3 ab 00 00 00 00  |........Zo......|  small label
";
    assert!(hex.starts_with(expected), "{hex}");
    assert!(hex.contains("  arm[0].torque arm[1].angle\n"), "{hex}");
}

#[test]
fn layouts_are_printed_and_compared() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let _writer = writer("robot", &robot());
    let shown = json(&namespace, &["show", "robot", "--json"]);
    let layout = json(&namespace, &["layout", "robot", "--as", "json"]);
    assert_eq!(layout, shown["layout"]);
    let table = stdout(&namespace, &["layout", "robot"]);
    assert!(table.contains("Joint: 16 bytes, aligned to 8"), "{table}");

    // What is printed as a schema is the same layout again, and differs from another.
    let schema = directory.path().join("robot.toml");
    let toml = stdout(&namespace, &["layout", "robot", "--as", "toml"]);
    std::fs::write(&schema, &toml).unwrap();
    let source = format!("{}#Robot", schema.display());
    let same = stdout(&namespace, &["diff", "robot", &source]);
    assert_eq!(
        same,
        format!("robot and {source} agree: 104 bytes, 10 fields\n")
    );

    std::fs::write(
        &schema,
        toml.replace(
            "\"temperature\", type = \"f64\"",
            "\"temperature\", type = \"i64\"",
        ),
    )
    .unwrap();
    let output = run(&namespace, &["diff", "robot", &source]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        stdout.contains("temperature") && stdout.contains("i64 at 8"),
        "{stdout}"
    );
    assert!(output.stderr.is_empty());

    let output = run(&namespace, &["diff", "robot", "nothing.toml#Robot"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}

/// The declarations in `tests/golden/declared` are what is printed; their languages' tests compile them.
#[test]
fn declarations_are_golden() {
    #[allow(dead_code)]
    mod robot {
        include!("../../../tests/golden/declared/robot.rs");
    }
    #[allow(dead_code)]
    mod scan {
        include!("../../../tests/golden/declared/scan.rs");
    }
    #[allow(dead_code)]
    mod cloud {
        include!("../../../tests/golden/declared/cloud.rs");
    }
    let namespace = testing::namespace();
    let declared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/declared");
    let source = |of: &str| declared.join(of).display().to_string();
    let all = ["robot.toml#Robot", "tails.toml#Scan", "tails.toml#Cloud"];
    let forms = [("c", "h"), ("cpp", "hpp"), ("python", "py"), ("rust", "rs")];
    for (of, (form, end)) in all.iter().flat_map(|of| forms.map(|form| (of, form))) {
        let printed = stdout(&namespace, &["layout", &source(of), "--as", form]);
        let (_, name) = of.split_once('#').unwrap();
        let path = declared.join(format!("{}.{end}", name.to_lowercase()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &printed).unwrap();
        }
        let golden = std::fs::read_to_string(&path)
            .unwrap()
            .replace("\r\n", "\n");
        assert_eq!(
            printed, golden,
            "{form}; UPDATE_GOLDEN=1 accepts what it prints now"
        );
    }
    let schema = crosspage::layout::from_source(&source(all[0])).unwrap();
    let ours = <robot::Robot as crosspage::Layout>::layout();
    assert_eq!(ours.canonical(), schema.canonical());
    declares::<scan::ScanWithTail>(&source(all[1]));
    declares::<cloud::CloudWithTail>(&source(all[2]));
    let notes = |layout: &StructType| -> Vec<_> {
        let fields = layout.fields().iter();
        fields
            .map(|field| (field.unit.clone(), field.doc.clone()))
            .collect()
    };
    assert_eq!(notes(ours), notes(&schema));
}

/// Messages of this type have the layout of this source.
fn declares<M: crosspage::topic::Payload + ?Sized>(source: &str) {
    let _namespace = testing::namespace();
    let _publisher = topic::Publisher::<M>::attach("declared").unwrap();
    let mut subscriber =
        topic::RawSubscriber::attach("declared", None, &Default::default()).unwrap();
    let Some(topic::Kind::Struct(ours)) = subscriber.kind().unwrap() else {
        panic!("no structs");
    };
    let schema = crosspage::layout::from_source(source).unwrap();
    assert_eq!(ours.canonical(), schema.canonical());
}

/// What cannot be declared is refused, not declared wrongly.
#[test]
fn layouts_that_a_language_cannot_declare() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let schema = directory.path().join("schema.toml");
    let x = "fields = [{ name = \"x\", type = \"f32\" }]\n";
    let n = "{ name = \"n\", type = \"u32\" }";
    let tail = format!("fields = [{n}, {{ name = \"x\", type = \"f32[]\" }}]\n");
    let rows = format!("fields = [{n}, {{ name = \"x\", type = \"f32[][3]\", unit = \"m\" }}]\n");
    let odd = "{ name = \"odd\", type = \"u8\" }";
    let packed = format!("pack = 1\nfields = [{odd}, {{ name = \"x\", type = \"f32[]\" }}]\n");
    let bytes = format!("pack = 1\nfields = [{odd}, {n}, {{ name = \"x\", type = \"u8[]\" }}]\n");
    let texts = format!("fields = [{odd}, {{ name = \"x\", type = \"text[7][][2]\" }}]\n");
    std::fs::write(
        &schema,
        format!(
            "[struct.Aligned]\nalign = 64\n{x}[struct.Tail]\n{tail}[struct.Rows]\n{rows}\
             [struct.Packed]\n{packed}[struct.Bytes]\n{bytes}[struct.Texts]\n{texts}"
        ),
    )
    .unwrap();
    let layout = |name: &str, form: &str| {
        let source = format!("{}#{name}", schema.display());
        run(&namespace, &["layout", &source, "--as", form])
    };
    for form in ["c", "cpp", "rust", "toml"] {
        assert!(layout("Aligned", form).status.success(), "{form}");
    }
    for (name, form) in [("Aligned", "python"), ("Packed", "cpp"), ("Packed", "rust")] {
        let output = layout(name, form);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.contains(&format!("struct {name} cannot be declared in")),
            "{form}: {stderr}"
        );
    }
    for (name, declared) in [
        (
            "Tail",
            "    x: Sequence[float] = crosspage.tail(crosspage.f32)\n",
        ),
        (
            "Rows",
            "    x: Sequence[Sequence[float]] = crosspage.tail(crosspage.f32, 3, unit=\"m\")\n",
        ),
    ] {
        let output = layout(name, "python");
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.ends_with(declared), "{stdout}");
    }
    for (name, form) in [
        ("Packed", "c"),
        ("Bytes", "cpp"),
        ("Bytes", "rust"),
        ("Texts", "cpp"),
    ] {
        assert!(layout(name, form).status.success(), "{name} in {form}");
    }
    // A schema that is printed says the same again.
    let printed = directory.path().join("printed.toml");
    for name in ["Tail", "Rows", "Packed", "Bytes", "Texts"] {
        std::fs::write(&printed, layout(name, "toml").stdout).unwrap();
        let [one, other] = [&schema, &printed].map(|file| {
            let source = format!("{}#{name}", file.display());
            crosspage::layout::from_source(&source).unwrap()
        });
        assert_eq!(one.canonical(), other.canonical(), "{name}");
    }
}

/// Names that mean something else in a language get a `_`, which layouts do not see. A name that would have to
/// become another is refused. (`cargo xtask test --only canonical` compiles such declarations.)
#[test]
fn names_that_a_language_has_taken() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let schema = directory.path().join("schema.toml");
    let text = r#"
        [struct.class]
        fields = [
          { name = "point", type = "point" },
          { name = "__hidden", type = "u8" },
          { name = "größe", type = "mode" },
          { name = "crosspage", type = "text[4]" },
          { name = "after", type = "point[2]" },
        ]
        [struct.point]
        fields = [{ name = "x", type = "f32" }]
        [enum.mode]
        type = "u8"
        values = { values = 1, "größe" = 2 }
        [struct.Dollar]
        fields = [{ name = "a$b", type = "i32" }]
        [struct.Blank]
        fields = [{ name = "_", type = "i32" }]
        [struct.Blanks]
        fields = [{ name = "__", type = "i32" }]
    "#;
    std::fs::write(&schema, text).unwrap();
    let source = |name: &str| format!("{}#{name}", schema.display());
    for (form, expected) in [
        (
            "c",
            &[
                "struct class_ {",
                "point point_;",
                "mode größe;",
                "mode_values_ (",
            ][..],
        ),
        ("cpp", &["struct class_ {", "point point_;", "mode größe;"]),
        (
            "python",
            &[
                "class class_(",
                " hidden: ",
                " crosspage_: str",
                " point_: ",
            ],
        ),
        ("rust", &["struct class {", "pub größe: mode,"]),
        ("toml", &["[struct.class]", "\"größe\" = 2"]),
    ] {
        let printed = stdout(&namespace, &["layout", &source("class"), "--as", form]);
        for expected in expected {
            assert!(
                printed.contains(expected),
                "{form}, {expected:?}:\n{printed}"
            );
        }
    }
    let again = directory.path().join("again.toml");
    let printed = stdout(&namespace, &["layout", &source("class"), "--as", "toml"]);
    std::fs::write(&again, printed).unwrap();
    let again = format!("{}#class", again.display());
    stdout(&namespace, &["diff", &source("class"), &again]);

    for (name, member, forms) in [
        ("Dollar", "a$b", &["c", "cpp", "python", "rust"][..]),
        ("Blank", "_", &["rust"]),
        ("Blanks", "__", &["python"]),
    ] {
        for form in forms {
            let error = failure(&namespace, &["layout", &source(name), "--as", form]);
            let expected = format!("no member can be named {member}");
            assert!(error.contains(&expected), "{form}: {error}");
        }
    }
}

#[test]
fn a_page_that_is_not_there() {
    let namespace = testing::namespace();
    let _writer = writer("telemetry", &robot());
    let error = failure(&namespace, &["show", "telemetri", "--json"]);
    assert!(
        error.contains("\"telemetri\"") && error.contains("telemetry"),
        "{error}"
    );
    let error = failure(&namespace, &["get", "a b", "x"]);
    assert!(error.contains("\"a b\" is not a valid locator"), "{error}");

    let start = std::time::Instant::now();
    let error = failure(&namespace, &["show", "later", "--timeout", "0.3"]);
    assert!(start.elapsed().as_millis() >= 300, "{error}");
}

#[test]
fn a_time_out_waits_for_page_and_value() {
    let namespace = testing::namespace();
    let child = crosspage(&namespace, &["get", "later", "counter", "--timeout", "30"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    let layout = robot();
    let mut writer = writer("later", &layout);
    std::thread::sleep(std::time::Duration::from_millis(100));
    write(&mut writer, &hard_values(&layout));
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"42\n"[..])
    );
}

#[test]
fn ls_json_is_the_specified_array() {
    let namespace = testing::namespace();
    assert_eq!(stdout(&namespace, &["ls", "--json"]), "[]\n");
    let layout = robot();
    let mut options = latest::Options::default();
    options.lifetime = Some(Lifetime::WhileUsed);
    let _unwritten = latest::RawWriter::create("Arm/left", &layout, &options).unwrap();
    let mut writer = writer("robot", &layout);
    write(&mut writer, &hard_values(&layout));

    let listed = json(&namespace, &["ls", "--json"]);
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2);
    for page in listed {
        let expected =
            "name locator pattern type size owner mode lifetime participants version age_ms";
        assert_eq!(keys(page).join(" "), expected);
        assert_eq!(
            (&page["pattern"], &page["type"], &page["mode"]),
            (&"latest".into(), &"Robot".into(), &"0600".into())
        );
        assert!(page["size"].as_u64().unwrap() >= layout.size() as u64);
        assert!(page["owner"].is_string());
        let me = serde_json::json!([{"role": "writer", "pid": std::process::id(), "alive": true}]);
        assert_eq!(page["participants"], me);
    }
    assert_eq!(
        (&listed[0]["name"], &listed[0]["locator"]),
        (&"Arm/left".into(), &"Arm/left".into())
    );
    assert_eq!(
        (&listed[0]["lifetime"], &listed[0]["version"]),
        (&"while_used".into(), &serde_json::Value::Null)
    );
    assert_eq!(listed[0]["age_ms"], serde_json::Value::Null);
    assert_eq!(
        (&listed[1]["lifetime"], &listed[1]["version"]),
        (&"keep".into(), &1.into())
    );
    assert!(listed[1]["age_ms"].is_u64());

    let text = stdout(&namespace, &["ls"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("NAME") && lines[0].ends_with("AGE"),
        "{text}"
    );
    assert!(lines[1].starts_with("Arm/left  latest   Robot"), "{text}");
    assert!(
        lines[1].ends_with("-") && lines[2].contains("1 writer"),
        "{text}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_damaged_page_is_told_of_beside_the_others() {
    let namespace = testing::namespace();
    let (_good, bad) = (writer("good", &robot()), writer("bad", &robot()));
    drop(bad);
    let ours = |entry: &std::fs::DirEntry| {
        entry
            .file_name()
            .to_string_lossy()
            .contains(&format!("{}@bad", namespace.name()))
    };
    let users = std::fs::read_dir("/dev/shm").unwrap().flatten();
    let mut files = users
        .filter_map(|user| std::fs::read_dir(user.path()).ok())
        .flatten()
        .flatten();
    let file = files.find(ours).expect("the page is a file").path();
    std::fs::File::options()
        .write(true)
        .open(file)
        .unwrap()
        .set_len(100)
        .unwrap();

    let output = run(&namespace, &["ls", "--json"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.starts_with("warning: ") && stderr.contains("\"bad\""),
        "{stderr}"
    );
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["name"]),
        (1, &"good".into())
    );

    failure(&namespace, &["show", "bad"]);
    let error = failure(&namespace, &["rm", "bad"]);
    assert!(error.contains("--force"), "{error}");
    stdout(&namespace, &["rm", "bad", "--force"]);
    stdout(&namespace, &["ls"]);
}

#[test]
fn rm_refuses_while_somebody_is_attached() {
    let namespace = testing::namespace();
    let held = writer("robot", &robot());
    let error = failure(&namespace, &["rm", "robot"]);
    assert!(
        error.contains(&std::process::id().to_string()),
        "it names who lives: {error}"
    );
    drop(held);
    assert_eq!(stdout(&namespace, &["rm", "robot"]), "");
    failure(&namespace, &["rm", "robot"]);

    let mut held = writer("robot", &robot());
    assert_eq!(stdout(&namespace, &["rm", "robot", "--force"]), "");
    let replaced = held.write_with(&mut |_| Ok(())).unwrap_err();
    assert!(replaced.is_replaced(), "{replaced}");
}

#[test]
fn gc_removes_what_nobody_can_use() {
    let namespace = testing::namespace();
    let layout = robot();
    drop(writer("kept", &layout));
    // A process that makes a `while_used` page and is killed: this test, run again as a child.
    let mut child = emulated(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "--nocapture",
            "child_that_holds_a_page",
        ])
        .env("CROSSPAGE_NAMESPACE", namespace.name())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = String::new();
    while !seen.contains("holding") {
        let mut byte = [0];
        assert_eq!(
            child.stdout.as_mut().unwrap().read(&mut byte).unwrap(),
            1,
            "{seen}"
        );
        seen.push(char::from(byte[0]));
    }
    assert!(!stdout(&namespace, &["gc", "--dry-run"]).contains("held"));
    child.kill().unwrap();
    child.wait().unwrap();

    // Other tests' garbage may be there too: only these pages matter.
    let lines = |args: &[&str]| -> Vec<String> {
        let text = stdout(&namespace, args);
        text.lines()
            .filter(|line| line.contains("held") || line.contains("kept"))
            // On Windows a file that somebody has mapped is renamed first and goes with the next gc.
            .filter(|line| !(cfg!(windows) && line.contains(".new: ")))
            .map(str::to_owned)
            .collect()
    };
    let dry = lines(&["gc", "--dry-run"]);
    assert!(
        dry.len() == 1 && dry[0].starts_with("would remove held: "),
        "{dry:?}"
    );
    let removed = lines(&["gc"]);
    assert!(
        removed.len() == 1 && removed[0].starts_with("removed held: "),
        "{removed:?}"
    );
    assert_eq!(lines(&["gc"]), [""; 0]);
    let names = json(&namespace, &["ls", "--json"]);
    assert_eq!(names.as_array().unwrap().len(), 1);
    assert_eq!(names[0]["name"], "kept");
}

/// Not a test of its own: see `gc_removes_what_nobody_can_use`.
#[test]
#[ignore = "run by another test as its child"]
fn child_that_holds_a_page() {
    let mut options = latest::Options::default();
    options.lifetime = Some(Lifetime::WhileUsed);
    let _held = latest::RawWriter::create("held", &robot(), &options).unwrap();
    println!("holding");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

/// The original project's struct, as a schema file.
const SHARED_DATA: &str = r#"
[struct.SharedData]
fields = [
    { name = "processId", type = "i32" },
    { name = "message", type = "text[500]" },
    { name = "dataReady", type = "bool" },
    { name = "counter", type = "i32" },
    { name = "temperature", type = "f64" },
    { name = "coordinates", type = "f32[3]" },
    { name = "userName", type = "text[50]" },
    { name = "timestamp", type = "i64", unit = "ms", offset = 584 },
    { name = "dataArray", type = "i32[10]" },
]
"#;

/// A segment that is removed at the end, however the test ends.
struct Foreign(String);

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = crosspage::remove_forced(&self.0);
    }
}

#[test]
fn foreign_segments_need_a_layout_and_are_shown_with_it() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let schema = directory.path().join("schema.toml");
    std::fs::write(&schema, SHARED_DATA).unwrap();
    let source = format!("{}#SharedData", schema.display());
    let layout = crosspage::layout::from_source(&source).unwrap();

    let locator = match cfg!(windows) {
        true => format!(r"win:Local\crosspage-cli-{}", std::process::id()),
        false => format!("posix:/crosspage-cli-{}", std::process::id()),
    };
    let _segment = Foreign(locator.clone());
    let mut view = foreign::DynView::create(&locator, &layout, 1024).unwrap();
    view.set("counter", &Value::Int(42)).unwrap();
    view.set("coordinates[1]", &Value::F32(20.3)).unwrap();

    let error = failure(&namespace, &["show", &locator]);
    assert!(
        error.contains(&locator) && error.contains("hint: ") && error.contains("--layout"),
        "{error}"
    );
    let shown = json(
        &namespace,
        &["show", &locator, "--layout", &source, "--json"],
    );
    let top = "format name locator pattern layout value version age_ms writer participants";
    assert_eq!(keys(&shown).join(" "), top);
    assert_eq!(
        (&shown["pattern"], &shown["locator"]),
        (&"foreign".into(), &locator.as_str().into())
    );
    for key in ["version", "age_ms", "writer"] {
        assert_eq!(shown[key], serde_json::Value::Null, "{key}");
    }
    assert_eq!(
        (&shown["layout"]["size"], &shown["value"]["counter"]),
        (&632.into(), &42.into())
    );
    assert_eq!(shown["value"]["coordinates"].to_string(), "[0.0,20.3,0.0]");
    assert_eq!(
        stdout(
            &namespace,
            &["get", &locator, "counter", "--layout", &source]
        ),
        "42\n"
    );

    if cfg!(windows) {
        // Windows lists no such segments, and none can be removed: they go with their last handle.
        let error = failure(&namespace, &["rm", "--force", &locator]);
        assert!(error.contains("cannot be removed"), "{error}");
        drop(view);
        let error = failure(&namespace, &["show", &locator, "--layout", &source]);
        assert!(error.contains("there is no segment"), "{error}");
        return;
    }
    let listed = json(&namespace, &["ls", "--all", "--json"]);
    let row = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["locator"] == locator.as_str())
        .unwrap()
        .clone();
    let expected = "name locator pattern type size owner mode lifetime participants version age_ms";
    assert_eq!(keys(&row).join(" "), expected);
    assert_eq!(
        (&row["pattern"], &row["size"], &row["mode"]),
        (&"foreign".into(), &1024.into(), &"0600".into())
    );
    assert!(!stdout(&namespace, &["ls"]).contains("crosspage-cli"));

    let error = failure(&namespace, &["rm", &locator]);
    assert!(
        error.contains(&std::process::id().to_string()),
        "it names who lives: {error}"
    );
    drop(view);
    stdout(&namespace, &["rm", &locator]);
    failure(&namespace, &["show", &locator, "--layout", &source]);
}

#[test]
#[cfg_attr(not(unix), ignore = "System V segments are POSIX")]
fn system_v_segments_are_listed_and_collected_after_asking() {
    let namespace = testing::namespace();
    let layout = robot();
    // A key that is this test's alone.
    let locator = format!("sysv:{}", 0x6370_0000_u32 | (std::process::id() & 0xffff));
    let _sysv = Foreign(locator.clone());
    let view = foreign::DynView::create(&locator, &layout, 4096).unwrap();

    let row = || {
        let listed = json(&namespace, &["ls", "--all", "--json"]);
        listed
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["locator"] == locator.as_str())
            .cloned()
    };
    let listed = row().expect("it is listed");
    let expected =
        "name locator pattern type size owner mode lifetime participants version age_ms key id";
    assert_eq!(keys(&listed).join(" "), expected);
    assert_eq!(format!("sysv:{}", listed["key"]), locator);

    let gc = |args: &[&str], answer: &str| {
        let mut command = crosspage(&namespace, args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One answer for ours, no to everything else there may be: another program's segment is not a test's.
        child
            .stdin
            .take()
            .unwrap()
            .write_all(answer.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (out, asked) = gc(&["gc", "--foreign"], "");
    assert!(
        !out.contains(&locator) && !asked.contains(&locator),
        "it is attached: {out}{asked}"
    );
    let error = failure(&namespace, &["rm", &locator]);
    assert!(
        error.contains(&std::process::id().to_string()),
        "it names who lives: {error}"
    );

    drop(view);
    let (out, asked) = gc(&["gc", "--foreign", "--dry-run"], "");
    assert!(out.contains(&format!("would remove {locator}\n")), "{out}");
    assert!(!asked.contains('?'), "a dry run asks nothing: {asked}");
    let (_, asked) = gc(&["gc", "--foreign"], "");
    assert!(asked.contains(&format!("remove {locator} ")), "{asked}");
    assert!(row().is_some(), "no answer is a no");

    // Only where ours is the one that is asked for.
    if asked.matches('?').count() == 1 {
        let (out, _) = gc(&["gc", "--foreign"], "y\n");
        assert!(out.contains(&format!("removed {locator}\n")), "{out}");
        assert!(row().is_none());
    }
}

/// A C++ program made from the original project's source, which knows nothing of crosspage, while it
/// holds its segment.
struct OriginalWriter {
    child: std::process::Child,
    _segment: Foreign,
}

impl OriginalWriter {
    fn program() -> &'static Path {
        static PROGRAM: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
        PROGRAM.get_or_init(|| {
            let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
                .join(format!("writer-{}", std::process::id()));
            let compiler = std::env::var("CXX").unwrap_or_else(|_| "g++".to_owned());
            let status = Command::new(compiler)
                .args(["-std=c++17", "-g", "-o"])
                .arg(&program)
                .arg(Path::new(ORIGINAL).join("writer.cpp"))
                .args(["-lrt", "-pthread"])
                .status();
            assert!(status.expect("the C++ compiler starts").success());
            program
        })
    }

    fn start(kind: &str, name: &str) -> OriginalWriter {
        let segment = Foreign(format!("{kind}:{name}"));
        let mut command = Command::new(OriginalWriter::program());
        let mut child = command
            .args([kind, name, "once"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .unwrap();
        assert_eq!(&ready, b"ready\n");
        OriginalWriter {
            child,
            _segment: segment,
        }
    }

    fn message(&self) -> String {
        format!(
            "Hello from C++ Process!\nThis is inter-process communication demonstration.\n\
             Data is being shared through shared memory segment.\nProcess ID: {}",
            self.child.id()
        )
    }
}

impl Drop for OriginalWriter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ORIGINAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crosspage/tests/foreign");

/// A program for Windows that knows nothing of crosspage, while it holds its segment.
#[cfg(windows)]
#[test]
fn the_original_projects_writer_is_read_on_windows() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("original_writer.exe");
    let mut compiler = Command::new(build_host::gnu("g++"));
    compiler
        .args(["-std=c++17", "-g", "-static", "-o"])
        .arg(&program)
        .arg(here.join("../../examples/windows/original_writer.cpp"));
    let built = build_host::output(&mut compiler).expect("the C++ compiler starts");
    assert!(built.success, "{}{}", built.stdout, built.stderr);

    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(b"Press Enter") {
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut byte)
            .unwrap();
        said.push(byte[0]);
    }
    let namespace = testing::namespace();
    let source = format!("{ORIGINAL}/schema.toml#SharedData");
    let args = [
        "show",
        r"win:Local\IPCSharedMemory",
        "--layout",
        &source,
        "--json",
    ];
    let shown = json(&namespace, &args);
    assert_eq!(shown["layout"]["size"], 632);
    let value = &shown["value"];
    assert_eq!(value["processId"], child.id());
    assert_eq!(
        (&value["counter"], &value["dataReady"]),
        (&42.into(), &true.into())
    );
    assert_eq!(value["coordinates"].to_string(), "[10.5,20.3,30.8]");
    assert_eq!(
        value["dataArray"].to_string(),
        "[10,20,30,40,50,60,70,80,90,100]"
    );
    let message = format!("Process ID: {}", child.id());
    assert!(
        value["message"].as_str().unwrap().ends_with(&message),
        "{value}"
    );
    let args = [
        "get",
        "win:Local/IPCSharedMemory",
        "temperature",
        "--layout",
        &source,
    ];
    assert_eq!(stdout(&namespace, &args), "23.5\n");
    // By the writer's own debug information.
    let learned = format!("{}#SharedData", program.display());
    let same = stdout(&namespace, &["diff", &learned, &source]);
    assert!(same.contains(" agree: 632 bytes, 9 fields\n"), "{same}");
    let args = [
        "show",
        r"win:Local\IPCSharedMemory",
        "--layout",
        &learned,
        "--json",
    ];
    assert_eq!(json(&namespace, &args)["value"], *value);

    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
    let error = failure(
        &namespace,
        &["show", r"win:Local\IPCSharedMemory", "--layout", &source],
    );
    assert!(
        error.contains("IPCSharedMemory"),
        "it is gone with its last handle: {error}"
    );
}

#[test]
#[cfg_attr(not(unix), ignore = "POSIX and System V segments")]
fn the_original_projects_writers_are_read() {
    let namespace = testing::namespace();
    let me = std::process::id();

    let name = format!("/crosspage-cli-original-{me}");
    let writer = OriginalWriter::start("posix", &name);
    let source = format!("{ORIGINAL}/schema.toml#SharedData");
    let shown = json(
        &namespace,
        &[
            "show",
            &format!("posix:{name}"),
            "--layout",
            &source,
            "--json",
        ],
    );
    assert_eq!(shown["layout"]["size"], 632);
    assert_eq!(shown["layout"]["fields"][7]["offset"], 584);
    let expected = serde_json::json!({
        "processId": writer.child.id(),
        "message": writer.message(),
        "dataReady": true,
        "counter": 42,
        "temperature": 23.5,
        "coordinates": [10.5, 20.3, 30.8],
        "userName": "Zoë",
        "timestamp": 98765,
        "dataArray": [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    });
    assert_eq!(shown["value"], expected);

    // Without a schema: by the writer's own debug information, or its source.
    let locator = format!("posix:{name}");
    let program = format!("{}#SharedData", OriginalWriter::program().display());
    let code = format!("{ORIGINAL}/writer.cpp#SharedData");
    for learned in [&program, &code] {
        let args = ["show", &locator, "--layout", learned, "--json"];
        let by_it = json(&namespace, &args);
        assert_eq!(by_it["value"], expected, "{learned}");
        assert_eq!(keys(&by_it), keys(&shown), "{learned}");
        let file = learned.strip_suffix("#SharedData").unwrap();
        let how = format!("learned from {file} (DWARF ");
        let same = stdout(&namespace, &["diff", learned, &source]);
        assert!(same.contains(" agree: 632 bytes, 9 fields\n"), "{same}");
        assert!(same.contains(&format!("note: {how}")), "{same}");
        let args = ["show", &locator, "--layout", learned];
        let text = stdout(&namespace, &args);
        assert!(text.contains(&format!("\nlayout {how}")), "{text}");
        let text = stdout(&namespace, &["layout", learned]);
        assert!(text.starts_with(&how), "{text}");
        // What is made for machines and compilers has no place for it.
        for form in ["json", "cpp", "python"] {
            let text = stdout(&namespace, &["layout", learned, "--as", form]);
            assert!(!text.contains("learned"), "{text}");
        }
    }
    let args = ["get", &locator, "dataArray[9]", "--layout", &program];
    assert_eq!(stdout(&namespace, &args), "100\n");
    let args = ["set", &locator, "counter=43", "--layout", &program];
    stdout(&namespace, &args);
    let args = ["get", &locator, "counter", "--layout", &code];
    assert_eq!(stdout(&namespace, &args), "43\n");
    let dump = stdout(&namespace, &["hex", &locator, "--layout", &program]);
    assert!(dump.contains("userName"), "{dump}");
    let args = [
        "show",
        &locator,
        "--layout",
        &program.replace("SharedD", "SharedB"),
    ];
    let error = failure(&namespace, &args);
    assert!(
        error.contains("hint: did you mean \"SharedData\"?"),
        "{error}"
    );

    let key = 0x6f72_0000 | (me & 0xffff);
    let writer = OriginalWriter::start("sysv", &key.to_string());
    let source = format!("{ORIGINAL}/schema.toml#SystemVData");
    let hexadecimal = format!("sysv:{key:#x}");
    let shown = json(
        &namespace,
        &["show", &hexadecimal, "--layout", &source, "--json"],
    );
    assert_eq!(shown["locator"], format!("sysv:{key}"));
    let expected = serde_json::json!({
        "processId": writer.child.id(),
        "message": writer.message(),
        "dataReady": true,
    });
    assert_eq!(shown["value"], expected);
}

/// A header means what the user's compiler and flags make of it.
#[test]
#[cfg_attr(not(unix), ignore = "starts a compiler")]
fn headers_are_compiled_as_the_environment_says() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let include = directory.path().join("with space");
    std::fs::create_dir(&include).unwrap();
    std::fs::write(include.join("number.h"), "typedef NUMBER number;\n").unwrap();
    let header = directory.path().join("data.h");
    let text = "#include <number.h>\nstruct Data { char c; number n; };\n";
    std::fs::write(&header, text).unwrap();
    let source = format!("{}#Data", header.display());
    let run = |environment: &[(&str, &str)]| {
        let mut command = crosspage(&namespace, &["layout", &source, "--as", "json"]);
        let without = ["CXX", "CC", "CPPFLAGS", "CXXFLAGS", "CFLAGS"];
        without.iter().for_each(|name| {
            command.env_remove(name);
        });
        let output = command.envs(environment.iter().copied()).output().unwrap();
        let text = match output.status.success() {
            true => output.stdout,
            false => output.stderr,
        };
        String::from_utf8(text).unwrap()
    };
    let cppflags = ("CPPFLAGS", &*format!("-I'{}'", include.display()));
    let cpp = run(&[cppflags, ("CXXFLAGS", "-DNUMBER=double")]);
    assert!(cpp.contains("\"size\": 16"), "{cpp}");
    let packed = run(&[
        cppflags,
        (
            "CXXFLAGS",
            "-DNUMBER=double -fpack-struct=1 -g0 -gsplit-dwarf",
        ),
    ]);
    assert!(packed.contains("\"size\": 9"), "{packed}");
    assert!(packed.contains("\"align\": 1"), "{packed}");
    // It is tried as C, too, with C's flags; and where there is no compiler for C++.
    for cxx in ["false", "/nowhere/c++"] {
        let c = run(&[cppflags, ("CXX", cxx), ("CFLAGS", "-DNUMBER=float")]);
        assert!(c.contains("\"size\": 8"), "{cxx}: {c}");
    }
    let error = run(&[cppflags]);
    for part in [
        "error: g++ does not compile Data of ",
        "NUMBER",
        "hint: CXX, CC, ",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = run(&[("CXX", "/nowhere/c++"), ("CC", "/nowhere/cc")]);
    let part = "needs a C++ compiler, and there is none (/nowhere/c++ tried)";
    assert!(error.contains(part), "{error}");
}

#[test]
fn a_page_is_checked_against_a_layout_that_is_named() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let schema = directory.path().join("schema.toml");
    std::fs::write(&schema, SHARED_DATA).unwrap();
    let source = format!("{}#SharedData", schema.display());
    let layout = crosspage::layout::from_source(&source).unwrap();
    let _right = writer("right", &layout);
    stdout(&namespace, &["show", "right", "--layout", &source]);

    let _wrong = writer("wrong", &robot());
    let error = failure(&namespace, &["show", "wrong", "--layout", &source]);
    assert!(
        error.starts_with("error: layout of page \"wrong\" differs from SharedData ("),
        "{error}"
    );
    assert!(error.contains("(size)"), "{error}");
    let error = failure(
        &namespace,
        &[
            "show",
            "right",
            "--layout",
            &format!("{}#Shared", schema.display()),
        ],
    );
    assert!(error.contains("SharedData"), "did you mean: {error}");
    failure(
        &namespace,
        &["show", "right", "--layout", "no-such.toml#SharedData"],
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut writer = writer("robot", &layout);
    write(&mut writer, &hard_values(&layout));
    for args in [&["show", "robot"][..], &["ls", "--json"], &["--help"]] {
        let (reader, stdout) = std::io::pipe().unwrap();
        drop(reader);
        let output = crosspage(&namespace, args).stdout(stdout).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{args:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let namespace = testing::namespace();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = crosspage(&namespace, &["ls"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("error: cannot write to stdout")
    );
}
