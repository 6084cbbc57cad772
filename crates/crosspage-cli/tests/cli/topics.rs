//! Topics: `pub`, `echo`, and what the other commands say of them.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};
use std::time::Duration;

use crosspage::registry;
use crosspage::topic::{DynPublisher, DynSubscriber, DynValue, Kind, NdArray, Options, Policy};

use super::*;

const SOON: Duration = Duration::from_secs(20);

fn publisher(name: &str, kind: Kind) -> DynPublisher {
    DynPublisher::attach(name, Some(&kind), &Options::default()).unwrap()
}

fn subscriber(name: &str) -> DynSubscriber {
    DynSubscriber::attach(name).unwrap()
}

fn record(subscriber: &mut DynSubscriber) -> Record {
    match subscriber.recv(SOON).unwrap().value {
        DynValue::Record(record) => record,
        other => panic!("{other:?}"),
    }
}

fn bytes(subscriber: &mut DynSubscriber) -> Vec<u8> {
    match subscriber.recv(SOON).unwrap().value {
        DynValue::Bytes(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// `crosspage echo`, in the table: where its publisher came first, that has to wait for it still.
struct Echo {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Echo {
    fn start(namespace: &Namespace, args: &[&str]) -> Echo {
        let args: Vec<&str> = [&["echo"], args].concat();
        let mut child = crosspage(namespace, &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let topic = args[1];
        while !registry::inspect(topic)
            .is_ok_and(|page| page.participants.iter().any(|p| p.role == "subscriber"))
        {
            assert!(child.try_wait().unwrap().is_none(), "it has ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Echo { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Exit code and stderr.
    fn end(self) -> (Option<i32>, String) {
        let output = self.child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), stderr)
    }
}

fn with_stdin(namespace: &Namespace, args: &[&str], text: &[u8]) -> Output {
    let mut child = crosspage(namespace, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn echo_prints_messages_as_they_come() {
    let namespace = testing::namespace();
    // It comes first: the topic's type is not its business.
    let mut echo = Echo::start(&namespace, &["robot", "--json", "--count", "3"]);
    let layout = robot();
    let mut options = Options::default();
    options.send_time = Some(true);
    let kind = Kind::Struct(layout.clone());
    let mut publisher = DynPublisher::attach("robot", Some(&kind), &options).unwrap();
    publisher.publish(&hard_values(&layout)).unwrap();
    let line = echo.line();
    let first: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(keys(&first).join(" "), "sequence publisher sent_at value");
    assert_eq!(first["sequence"], 1);
    assert_eq!(first["publisher"], std::process::id());
    let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let sent = first["sent_at"].as_u64().unwrap();
    assert!(since.abs_diff(sent) < 60_000_000_000, "{since} {sent}");
    // As `show` prints values: no digit more, no digit less.
    assert!(
        line.contains(
            r#""value":{"counter":42,"temperature":23.5,"ready":true,"big":18446744073709551615,"#
        ),
        "{line}"
    );
    assert!(
        line.contains(r#""position":[10.5,20.3,"-Infinity"]"#),
        "{line}"
    );
    for n in 2..=4 {
        publisher.publish(&Record::zeroed(layout.clone())).unwrap();
        if n < 4 {
            let message: serde_json::Value = serde_json::from_str(&echo.line()).unwrap();
            assert_eq!(message["sequence"], n);
        }
    }
    assert_eq!(echo.line(), "");
    assert_eq!(echo.end(), (Some(0), String::new()));
}

#[test]
fn echo_is_for_people_too() {
    let namespace = testing::namespace();
    let mut echo = Echo::start(&namespace, &["lines", "--count", "2"]);
    let mut lines = publisher("lines", Kind::Bytes);
    lines.publish_bytes(b"Zo\xc3\xab \xff \x1b[2J").unwrap();
    lines.publish_bytes(&[b'x'; 1000]).unwrap();
    let me = std::process::id();
    assert_eq!(
        echo.line(),
        format!("#1 pid {me}: Zoë \u{fffd} \\u{{1b}}[2J\n")
    );
    let long = echo.line();
    assert!(long.ends_with("x… (1000 characters)\n"), "{long}");
    assert_eq!(echo.end(), (Some(0), String::new()));

    let mut echo = Echo::start(&namespace, &["lines", "--count", "1", "--json"]);
    lines.wait_subscribers(1, SOON).unwrap();
    lines.publish_bytes(b"Zo\xc3\xab \xff").unwrap();
    let message: serde_json::Value = serde_json::from_str(&echo.line()).unwrap();
    assert_eq!(message["value"], "Zoë \u{fffd}");
    assert_eq!(message["sent_at"], serde_json::Value::Null);
}

#[test]
fn echo_shows_small_arrays_whole() {
    let namespace = testing::namespace();
    let mut echo = Echo::start(&namespace, &["arrays", "--json"]);
    let mut arrays = publisher("arrays", Kind::Array);
    let cases = [
        (
            NdArray::new(&[2, 2], &[1.5f32, 20.3, f32::NAN, -1.0]).unwrap(),
            r#"{"dtype":"<f4","shape":[2,2],"data":[[1.5,20.3],["NaN",-1.0]]}"#,
        ),
        (
            NdArray::new(&[2], &[u64::MAX, 0]).unwrap(),
            r#"{"dtype":"<u8","shape":[2],"data":[18446744073709551615,0]}"#,
        ),
        (
            NdArray::new(&[], &[-7i8]).unwrap(),
            r#"{"dtype":"|i1","shape":[],"data":-7}"#,
        ),
        (
            NdArray::from_bytes("|b1", &[2], &[1, 0]),
            r#"{"dtype":"|b1","shape":[2],"data":[true,false]}"#,
        ),
        (
            NdArray::from_bytes("<c16", &[1], &[0; 16]),
            r#"{"dtype":"<c16","shape":[1]}"#,
        ),
        (
            NdArray::new(&[101], &[0u8; 101]).unwrap(),
            r#"{"dtype":"|u1","shape":[101]}"#,
        ),
    ];
    for (array, expected) in cases {
        arrays.publish_array(&array).unwrap();
        let line = echo.line();
        assert!(
            line.ends_with(&format!(r#""sent_at":null,"value":{expected}}}{}"#, "\n")),
            "{line}"
        );
    }
    echo.child.kill().unwrap();
    echo.end();
}

#[test]
fn echo_waits_no_longer_than_it_is_told() {
    let namespace = testing::namespace();
    let error = failure(
        &namespace,
        &["sub", "nothing", "--timeout", "0.05", "--json"],
    );
    assert!(
        error.starts_with("error: timed out: ") && error.contains("\"nothing\""),
        "{error}"
    );
    assert!(error.contains("hint: there is no publisher"), "{error}");
    assert!(
        registry::inspect("nothing").is_err(),
        "it leaves nothing behind"
    );
    let layout = robot();
    let _writer = writer("robot", &layout);
    let error = failure(&namespace, &["echo", "robot", "--timeout", "0.05"]);
    assert!(error.contains("carries latest, not topic"), "{error}");
    failure(&namespace, &["echo", "posix:/nothing", "--timeout", "0"]);
}

#[test]
fn echo_says_what_it_lost() {
    let namespace = testing::namespace();
    let mut options = Options::default();
    options.capacity = Some(4096);
    let mut lines = DynPublisher::attach("lines", Some(&Kind::Bytes), &options).unwrap();
    let mut echo = Echo::start(&namespace, &["lines", "--json"]);
    lines.wait_subscribers(1, SOON).unwrap();
    // Nobody reads its pipe, which soon is full; so it stops, and messages are lost.
    const MESSAGES: u64 = 20_000;
    for _ in 0..MESSAGES {
        lines.publish_bytes(&[b'x'; 100]).unwrap();
    }
    // The last of all is never lost.
    let (mut printed, mut last) = (0, 0);
    while last < MESSAGES {
        let line: serde_json::Value = serde_json::from_str(&echo.line()).unwrap();
        last = line["sequence"].as_u64().unwrap();
        printed += 1;
    }
    drop(echo.stdout);
    lines.publish_bytes(b"nobody reads this").unwrap();
    let output = echo.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lost = stderr.lines().filter_map(|line| {
        let (n, _) = line.strip_prefix("warning: lost ")?.split_once(' ')?;
        n.parse::<u64>().ok()
    });
    assert_eq!(printed + lost.sum::<u64>(), MESSAGES, "{stderr}");
    assert!(printed < MESSAGES);
}

#[test]
fn a_closed_pipe_ends_echo() {
    let namespace = testing::namespace();
    let mut lines = publisher("lines", Kind::Bytes);
    let echo = Echo::start(&namespace, &["lines"]);
    lines.wait_subscribers(1, SOON).unwrap();
    drop(echo.stdout);
    lines.publish_bytes(b"nobody reads this").unwrap();
    let output = echo.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[test]
fn pub_publishes_fields() {
    let namespace = testing::namespace();
    let layout = robot();
    // Some program has said what messages are.
    let _other = publisher("robot", Kind::Struct(layout.clone()));
    let mut subscriber = subscriber("robot");
    let set = "counter=43 mode=Driving position=[1,2,3] arm[1].angle=0.5 label=Zoë";
    let args: Vec<&str> = ["pub", "robot"].into_iter().chain(set.split(' ')).collect();
    assert_eq!(stdout(&namespace, &args), "");
    let received = record(&mut subscriber);
    for (path, value) in [
        ("counter", "43"),
        ("mode", "Driving"),
        ("position", "[1.0, 2.0, 3.0]"),
        ("arm[1].angle", "0.5"),
        ("label", "Zoë"),
        ("temperature", "0.0"),
    ] {
        assert_eq!(received.get(path).unwrap().to_string(), value, "{path}");
    }
    stdout(&namespace, &["pub", "robot"]);
    assert_eq!(record(&mut subscriber), Record::zeroed(layout));
    for (field, expected) in [
        ("temprature=1", "temperature"),
        ("counter=x", "counter: expected i32"),
        ("label=much_too_long", "label"),
    ] {
        let error = failure(&namespace, &["pub", "robot", "temperature=1", field]);
        assert!(error.contains(expected), "{error}");
    }
    assert!(subscriber.try_recv().unwrap().is_none(), "all or nothing");
}

#[test]
fn pub_publishes_lines() {
    let namespace = testing::namespace();
    let layout = robot();
    let _other = publisher("robot", Kind::Struct(layout));
    let mut robots = subscriber("robot");
    let text =
        "{\"counter\": 1, \"mode\": \"Driving\"}\n{\"counter\":2,\"position\":[1,2,\"NaN\"]}";
    let output = with_stdin(&namespace, &["pub", "robot", "-"], text.as_bytes());
    assert!(output.status.success(), "{output:?}");
    assert_eq!((output.stdout, output.stderr), (vec![], vec![]));
    for n in 1..=2 {
        let received = record(&mut robots);
        assert_eq!(received.get("counter").unwrap().to_string(), n.to_string());
    }
    let text = b"{\"counter\": 3}\n{\"counter\": 4.5}\n{\"counter\": 5}\n";
    let output = with_stdin(&namespace, &["pub", "robot", "-"], text);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("error: line 2: counter: "), "{stderr}");
    assert_eq!(record(&mut robots).get("counter").unwrap().to_string(), "3");
    assert!(robots.try_recv().unwrap().is_none());

    // What `echo` prints is what `pub` takes.
    let mut lines = subscriber("lines");
    let output = with_stdin(
        &namespace,
        &["pub", "lines", "--bytes", "-"],
        b"first\n\n\xff last",
    );
    assert!(output.status.success(), "{output:?}");
    for expected in [&b"first"[..], b"", b"\xff last"] {
        assert_eq!(bytes(&mut lines), expected);
    }
    let error = failure(&namespace, &["pub", "lines", "a=1"]);
    assert!(
        error.contains("carries bytes") && error.contains("\nhint: "),
        "{error}"
    );
}

#[test]
fn pub_says_what_messages_are_only_if_it_is_told() {
    let namespace = testing::namespace();
    let directory = tempfile::tempdir().unwrap();
    let schema = directory.path().join("schema.toml");
    let text = "[struct.Cloud]\nfields = [{ name = \"id\", type = \"u8\" }, { name = \"points\", type = \"f32[]\" }]\n\
                [struct.Other]\nfields = [{ name = \"id\", type = \"u16\" }]\n";
    std::fs::write(&schema, text).unwrap();
    let source = |name: &str| format!("{}#{name}", schema.display());
    let mut subscriber = subscriber("cloud");
    let error = failure(&namespace, &["pub", "cloud", "id=1"]);
    assert!(
        error.contains("nobody has said what the messages of topic \"cloud\" are")
            && error.contains("--layout"),
        "{error}"
    );
    assert!(subscriber.kind().unwrap().is_none());
    let error = failure(&namespace, &["pub", "cloud", "id=1", "--timeout", "0.05"]);
    assert!(error.contains("nobody has said"), "{error}");

    let args = ["pub", "cloud", "id=7", "points=[1, 2.5]", "--layout"];
    stdout(&namespace, &[&args[..], &[&source("Cloud")]].concat());
    let received = record(&mut subscriber);
    assert_eq!(received.get("points").unwrap().to_string(), "[1.0, 2.5]");
    stdout(&namespace, &["pub", "cloud", "id=8"]);
    let received = record(&mut subscriber);
    assert_eq!(received.get("points").unwrap().to_string(), "[]");
    let error = failure(&namespace, &["pub", "cloud", "--layout", &source("Other")]);
    assert!(error.contains("u16") && error.contains("points"), "{error}");

    for wrong in [&["a"][..], &["=1"], &["-", "a=1"], &["-", "-"]] {
        let args = [&["pub", "cloud"], wrong].concat();
        let output = run(&namespace, &args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn pub_waits_for_a_type_and_for_subscribers() {
    let namespace = testing::namespace();
    let mut children = Vec::new();
    for wait in [
        &["--timeout", "20"][..],
        &["--timeout", "20", "--wait-subscribers", "1"],
    ] {
        let args = [&["pub", "robot", "counter=7"], wait].concat();
        children.push(crosspage(&namespace, &args).spawn().unwrap());
    }
    std::thread::sleep(Duration::from_millis(300));
    let mut options = Options::default();
    options.policy = Some(Policy::Block);
    let kind = Kind::Struct(robot());
    let waiting = DynPublisher::attach("robot", Some(&kind), &options).unwrap();
    assert!(children[0].wait().unwrap().success());
    assert!(
        children[1].try_wait().unwrap().is_none(),
        "no subscriber yet"
    );
    let mut subscriber = subscriber("robot");
    assert_eq!(
        record(&mut subscriber).get("counter").unwrap().to_string(),
        "7"
    );
    assert!(children[1].wait().unwrap().success());
    drop(waiting);
    let args = [
        "pub",
        "robot",
        "--wait-subscribers",
        "2",
        "--timeout",
        "0.05",
    ];
    let error = failure(&namespace, &args);
    assert!(error.starts_with("error: timed out"), "{error}");

    // In `block` it waits for room.
    let lines: String = (0..200_000)
        .map(|n| format!("{{\"counter\":{n}}}\n"))
        .collect();
    let output = with_stdin_until(
        &namespace,
        &["pub", "robot", "-", "--timeout", "0.1"],
        &lines,
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let me = format!("subscriber pid {}", std::process::id());
    assert!(
        stderr.contains("timed out") && stderr.contains(&me),
        "{stderr}"
    );
}

/// For who may end before it has read everything.
fn with_stdin_until(namespace: &Namespace, args: &[&str], text: &str) -> Output {
    let mut child = crosspage(namespace, args)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn ls_and_show_know_topics() {
    let namespace = testing::namespace();
    let layout = robot();
    let mut options = Options::default();
    options.policy = Some(Policy::Block);
    options.capacity = Some(1 << 20);
    let kind = Kind::Struct(layout.clone());
    let mut robots = DynPublisher::attach("robot", Some(&kind), &options).unwrap();
    let mut follower = subscriber("robot");
    let _lines = publisher("lines", Kind::Bytes);
    let _arrays = publisher("arrays", Kind::Array);
    let _nothing = subscriber("nothing");
    for _ in 0..5 {
        robots.publish(&Record::zeroed(layout.clone())).unwrap();
    }
    record(&mut follower);
    record(&mut follower);

    let listed = json(&namespace, &["ls", "--json"]);
    let types: Vec<_> = (listed.as_array().unwrap().iter())
        .map(|page| (page["name"].as_str().unwrap(), page["type"].clone()))
        .collect();
    assert_eq!(
        types,
        [
            ("arrays", "ndarray".into()),
            ("lines", "bytes".into()),
            ("nothing", serde_json::Value::Null),
            ("robot", "Robot".into())
        ]
    );
    let page = &listed[3];
    assert_eq!(
        (&page["pattern"], &page["lifetime"]),
        (&"topic".into(), &"while_used".into())
    );
    assert_eq!(page["version"], serde_json::Value::Null);
    let me = std::process::id();
    assert_eq!(
        page["participants"],
        serde_json::json!([
            {"role": "publisher", "pid": me, "alive": true},
            {"role": "subscriber", "pid": me, "alive": true}
        ])
    );
    let text = stdout(&namespace, &["ls"]);
    assert!(text.contains("1 publisher, 1 subscriber"), "{text}");

    let shown = json(&namespace, &["show", "robot", "--json"]);
    let top = "format name locator pattern layout value version age_ms writer participants topic";
    assert_eq!(keys(&shown).join(" "), top);
    assert_eq!(shown["pattern"], "topic");
    assert_eq!(shown["layout"]["type"], "Robot");
    for key in ["value", "version", "age_ms", "writer"] {
        assert_eq!(shown[key], serde_json::Value::Null, "{key}");
    }
    let null = serde_json::Value::Null;
    assert_eq!(
        shown["participants"],
        serde_json::json!([
            {"role": "publisher", "pid": me, "alive": true, "lag": null, "lost": null, "held": null, "published": 5},
            {"role": "subscriber", "pid": me, "alive": true, "lag": 3, "lost": 0, "held": 0, "published": null}
        ])
    );
    assert_eq!(
        (
            &shown["topic"]["policy"],
            &shown["topic"]["capacity"],
            &shown["topic"]["messages"]
        ),
        (&"block".into(), &(1 << 20).into(), &5.into())
    );
    let text = stdout(&namespace, &["show", "robot"]);
    let head = format!(
        "robot: topic, Robot, {} bytes\n5 messages so far; policy block, capacity 1.0 MiB",
        layout.size()
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(
        text.contains(&format!(
            "publisher pid {me} (Rust): 5 published\nsubscriber pid {me} (Rust): 3 behind, 0 lost\n\n"
        )),
        "{text}"
    );
    assert!(text.contains("temperature  f64"), "{text}");

    assert_eq!(
        json(&namespace, &["show", "lines", "--json"])["layout"],
        null
    );
    let text = stdout(&namespace, &["show", "lines"]);
    assert!(
        text.starts_with("lines: topic, bytes\nnothing was published yet; "),
        "{text}"
    );
    let text = stdout(&namespace, &["show", "nothing"]);
    assert!(
        text.starts_with("nothing: topic, nobody has said what its messages are\n"),
        "{text}"
    );
    assert!(text.contains(" (Rust): 0 behind, 0 lost\n"), "{text}");

    let text = stdout(&namespace, &["layout", "robot", "--as", "rust"]);
    assert!(text.contains("struct Robot"), "{text}");
    let error = failure(&namespace, &["layout", "lines"]);
    assert!(error.contains("carries bytes"), "{error}");
    let error = failure(&namespace, &["get", "robot", "counter"]);
    assert!(
        error.contains("is a topic: it has no value") && error.contains("crosspage echo robot"),
        "{error}"
    );
    failure(&namespace, &["hex", "robot"]);
    let error = failure(&namespace, &["set", "robot", "counter=1"]);
    assert!(error.contains("carries topic, not latest"), "{error}");
    let error = failure(&namespace, &["rm", "robot"]);
    assert!(error.contains("publisher pid"), "{error}");
    stdout(&namespace, &["rm", "robot", "--force"]);
    assert!(follower.try_recv().unwrap_err().is_replaced());
}
