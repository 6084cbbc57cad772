//! Foreign segments between real processes: a C++ program and Python that know nothing of crosspage.
#![cfg(unix)]
#![allow(clippy::disallowed_types)] // the ban is for the library

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crosspage::Permissions;
use crosspage::foreign::{self, DynView, View};
use crosspage::layout::{self, Field, Scalar, StructType, Type, Value};
use crosspage::{ErrorKind, Layout, Text};

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
    timestamp: i64,
    data_array: [i32; 10],
}

/// What the original project has in its System V version.
#[derive(Debug, Clone, Copy, Layout)]
#[repr(C)]
struct SystemVData {
    process_id: i32,
    message: Text<900>,
    data_ready: bool,
}

fn sample() -> SharedData {
    SharedData {
        process_id: 4242,
        message: "Grüße".try_into().unwrap(),
        data_ready: true,
        counter: 42,
        temperature: 23.5,
        coordinates: [10.5, 20.3, 30.8],
        user_name: "Ada".try_into().unwrap(),
        timestamp: 98765,
        data_array: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    }
}

/// A name that no other test has, and no segment of that name afterwards, even if the test fails.
struct Posix {
    name: String,
}

impl Posix {
    fn unused() -> Posix {
        Posix {
            name: format!("/crosspage-test-{}-{}", std::process::id(), number()),
        }
    }

    fn locator(&self) -> String {
        format!("posix:{}", self.name)
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/dev/shm{}", self.name))
    }
}

impl Drop for Posix {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}

/// The same for a System V key.
struct Sysv {
    key: i32,
}

impl Sysv {
    fn unused() -> Sysv {
        let seed = std::process::id()
            .wrapping_mul(2_654_435_761)
            .wrapping_add(number() << 8);
        Sysv {
            key: (seed & 0x3fff_ffff) as i32 | 0x4000_0000,
        }
    }

    fn locator(&self) -> String {
        format!("sysv:{}", self.key)
    }
}

impl Drop for Sysv {
    fn drop(&mut self) {
        let _ = crosspage::remove_forced(&self.locator());
    }
}

fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A program that is over when this is.
struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the C++ writer and waits until its first value is there.
fn writer(args: [&str; 3]) -> Program {
    let mut child = Command::new(compiled_writer())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the writer starts");
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut program = Program { child, output };
    assert_eq!(program.line(), "ready");
    program
}

impl Program {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/foreign")
        .join(name)
}

fn compiled_writer() -> &'static Path {
    static WRITER: OnceLock<PathBuf> = OnceLock::new();
    WRITER.get_or_init(|| {
        let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-writer");
        let fresh = output.with_extension(std::process::id().to_string());
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "g++".to_owned());
        let status = Command::new(&compiler)
            .args(["-std=c++17", "-O2", "-Wall", "-o"])
            .arg(&fresh)
            .arg(source("writer.cpp"))
            .args(["-lrt", "-pthread"])
            .status()
            .unwrap_or_else(|e| panic!("{compiler}: {e}"));
        assert!(status.success(), "{compiler} failed");
        // In one step: another run of these tests may be starting the old one.
        std::fs::rename(&fresh, &output).unwrap();
        output
    })
}

fn schema(name: &str) -> Arc<StructType> {
    layout::from_source(&format!("{}#{name}", source("schema.toml").display())).unwrap()
}

fn python(program: &Path, script: &str, argument: &str) -> String {
    let output = Command::new(program)
        .arg(source(script))
        .arg(argument)
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_cpp_writers_posix_segment_is_read_typed_and_by_schema() {
    let segment = Posix::unused();
    let program = writer(["posix", &segment.name, "once"]);
    let pid = program.child.id();

    let view = View::<SharedData>::open(&segment.locator()).unwrap();
    assert_eq!(view.raw().size(), 1024);
    let data = view
        .read_ready("dataReady", Duration::from_secs(5))
        .unwrap();
    assert_eq!(data.process_id, pid as i32);
    assert!(data.data_ready);
    assert_eq!(
        (data.counter, data.temperature, data.timestamp),
        (42, 23.5, 98765)
    );
    assert_eq!(data.coordinates, [10.5, 20.3, 30.8]);
    assert_eq!(data.user_name.as_str().unwrap(), "Zoë");
    assert_eq!(data.data_array, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    let message = data.message.as_str().unwrap();
    assert!(
        message.starts_with("Hello from C++ Process!\n")
            && message.ends_with(&format!("Process ID: {pid}"))
    );
    assert_eq!(view.read().unwrap(), data);
    assert_eq!(view.read_stable(None).unwrap(), data);

    let view = DynView::options()
        .read_only(true)
        .open(&segment.locator(), &schema("SharedData"))
        .unwrap();
    let record = view
        .read_ready("dataReady", Duration::from_secs(5))
        .unwrap();
    assert_eq!(record.get("counter").unwrap(), Value::Int(42));
    assert_eq!(record.get("temperature").unwrap(), Value::F64(23.5));
    assert_eq!(record.get("dataArray[9]").unwrap(), Value::Int(100));
    assert_eq!(
        record.get("userName").unwrap(),
        Value::Text("Zoë".to_owned())
    );
    assert_eq!(view.get("coordinates[1]").unwrap(), Value::F32(20.3));
    let error = crosspage::remove(&segment.locator()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.message().contains(&format!("pid {pid}")), "{error}");
    let listed = foreign::list().unwrap();
    let found = listed
        .iter()
        .find(|found| found.locator.to_string() == segment.locator());
    assert_eq!(found.expect("listed").size, 1024);
    // Declared in Rust's spelling, found in C++'s.
    assert_eq!(view.get("process_id").unwrap(), Value::Int(pid.into()));
}

#[test]
fn a_cpp_writers_system_v_segment_is_read_by_key_and_by_id() {
    let segment = Sysv::unused();
    let program = writer(["sysv", &segment.key.to_string(), "once"]);

    let view = View::<SystemVData>::open(&segment.locator()).unwrap();
    assert_eq!(view.raw().size(), 1024);
    let data = view
        .read_ready("dataReady", Duration::from_secs(5))
        .unwrap();
    assert_eq!(data.process_id, program.child.id() as i32);
    assert!(
        data.message
            .as_str()
            .unwrap()
            .starts_with("Hello from C++ Process!\n")
    );

    let info = foreign::info(&format!("sysv:{:#x}", segment.key)).unwrap();
    assert_eq!(
        (info.size, info.mode, info.key),
        (1024, 0o600, Some(segment.key))
    );
    assert_eq!(info.attached, Some(2));
    assert_eq!(info.creator_pid, Some(program.child.id()));

    let by_id = format!("sysv:id={}", info.id.unwrap());
    let view = DynView::open(&by_id, &schema("SystemVData")).unwrap();
    assert_eq!(
        view.get("processId").unwrap(),
        Value::Int(program.child.id().into())
    );

    let listed = foreign::list().unwrap();
    let found = listed
        .iter()
        .find(|found| found.key == Some(segment.key))
        .expect("listed");
    assert_eq!(found.locator.to_string(), segment.locator());

    let error = crosspage::remove(&segment.locator()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    let users = foreign::processes(&segment.locator()).unwrap();
    assert!(users.contains(&program.child.id()) && users.contains(&std::process::id()));
    assert!(error.message().contains("this process"), "{error}");
    let pid = format!("pid {}", program.child.id());
    assert!(error.message().contains(&pid), "{error}");
    crosspage::remove_forced(&segment.locator()).unwrap();
    assert!(
        foreign::info(&segment.locator())
            .unwrap_err()
            .is_not_found()
    );
    // Those who had it keep it.
    assert_eq!(
        view.get("processId").unwrap(),
        Value::Int(program.child.id().into())
    );
    assert!(foreign::info(&by_id).unwrap().doomed);
}

#[test]
fn the_ready_flag_keeps_values_whole() {
    let segment = Posix::unused();
    let _program = writer(["posix", &segment.name, "ready"]);
    let view = View::<SharedData>::options()
        .read_only(true)
        .open(&segment.locator())
        .unwrap();
    let (mut last, mut seen) = (0, 0);
    let start = Instant::now();
    while seen < 100 {
        // As many in a second, but the machine may stand still.
        assert!(start.elapsed() < Duration::from_secs(60), "{seen} values");
        let data = view
            .read_ready("dataReady", Duration::from_secs(5))
            .unwrap();
        assert_eq!(data.data_array, [data.counter; 10]);
        assert_eq!(
            (data.temperature, data.timestamp),
            (f64::from(data.counter), i64::from(data.counter))
        );
        assert!(data.counter >= last);
        seen += i32::from(data.counter > last);
        last = data.counter;
    }
}

#[test]
fn two_copies_that_agree_are_whole_where_the_writer_pauses() {
    let segment = Posix::unused();
    let _program = writer(["posix", &segment.name, "bursts"]);
    let view = View::<SharedData>::open(&segment.locator()).unwrap();
    let (mut torn, mut seen, mut last) = (0, 0, None);
    let start = Instant::now();
    while seen < 100 {
        assert!(start.elapsed() < Duration::from_secs(60), "{seen} values");
        let data = view.read_stable(Duration::from_secs(5)).unwrap();
        if last.replace(data) != Some(data) {
            seen += 1;
            torn += i32::from(data.data_array != [data.counter; 10]);
        }
    }
    // No promise: a writer that the scheduler stops half-way leaves what looks stable.
    assert!(torn * 20 <= seen, "{torn} torn of {seen}");
}

#[test]
fn a_cpp_reader_sees_whole_values_under_our_flag() {
    let segment = Posix::unused();
    let mut view = View::<SharedData>::create(&segment.locator(), 1024).unwrap();
    // What the reader has taken, behind the struct.
    let taken = Field::new("taken", Type::Scalar(Scalar::I32)).at(1000);
    let taken = Arc::new(StructType::new("Taken", 1004, 4, vec![taken]).unwrap());
    let taken = DynView::open(&segment.locator(), &taken).unwrap();
    let mut program = writer(["posix", &segment.name, "check"]);
    let end = Instant::now() + Duration::from_secs(60);
    for n in 1..=2000 {
        let value = SharedData {
            counter: n,
            temperature: n.into(),
            timestamp: n.into(),
            data_array: [n; 10],
            ..sample()
        };
        view.write_with_ready(&value, "data_ready").unwrap();
        while taken.get("taken").unwrap() != Value::Int(n.into()) {
            assert!(Instant::now() < end, "the reader does not take value {n}");
            std::thread::yield_now();
        }
    }
    assert_eq!(program.line(), "0 torn");
}

#[test]
fn setting_a_field_leaves_the_others_to_whoever_writes_them() {
    let segment = Posix::unused();
    let mut ours = View::<SharedData>::create(&segment.locator(), 1024).unwrap();
    let mut theirs = View::<SharedData>::open(&segment.locator()).unwrap();
    let over = Arc::new(AtomicU32::new(0));
    let flag = over.clone();
    let other = std::thread::spawn(move || {
        while flag.load(Ordering::Relaxed) == 0 {
            // The same word as the flag, which the other thread sets.
            theirs.set("counter", &Value::Int(7)).unwrap();
        }
    });
    let end = Instant::now() + Duration::from_millis(200);
    let mut n = 0;
    while Instant::now() < end {
        n += 1;
        let ready = Value::Bool(n % 2 == 0);
        ours.set("data_ready", &ready).unwrap();
        ours.set("timestamp", &Value::Int(n)).unwrap();
        assert_eq!(
            (
                ours.get("data_ready").unwrap(),
                ours.get("timestamp").unwrap()
            ),
            (ready, Value::Int(n))
        );
    }
    over.store(1, Ordering::Relaxed);
    other.join().unwrap();
}

#[test]
fn what_create_makes_is_read_by_plain_python() {
    let segment = Posix::unused();
    let mut view = View::<SharedData>::create(&segment.locator(), 1024).unwrap();
    assert!(view.raw().created());
    assert_eq!(view.raw().bytes().unwrap(), [0; 1024]);
    view.write_with_ready(&sample(), "data_ready").unwrap();
    let read = python(
        Path::new("python3"),
        "read_mmap.py",
        segment.name.trim_start_matches('/'),
    );
    assert_eq!(
        read,
        "1024 4242 Grüße True 42 23.5\n[10.5, 20.3, 30.8] Ada 98765 [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]\n"
    );
}

#[test]
fn what_create_makes_is_read_by_sysv_ipc() {
    let python_of_venv = match sysv_ipc() {
        Ok(python) => python,
        Err(reason) => {
            println!("not run: sysv_ipc cannot be installed: {reason}");
            return;
        }
    };
    let segment = Sysv::unused();
    let mut view = View::<SystemVData>::create(&segment.locator(), 1024).unwrap();
    let data = SystemVData {
        process_id: 4242,
        message: "Grüße".try_into().unwrap(),
        data_ready: false,
    };
    view.write_with_ready(&data, "data_ready").unwrap();
    assert_eq!(
        python(&python_of_venv, "read_sysv.py", &segment.key.to_string()),
        "1024 4242 Grüße True\n"
    );
}

/// A Python that has the package, installed into a virtual environment of this target directory.
fn sysv_ipc() -> Result<PathBuf, String> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sysv-ipc-venv");
    let python = venv.join("bin/python");
    let run = |command: &mut Command| {
        let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(text)
        }
    };
    let import = || run(Command::new(&python).args(["-c", "import sysv_ipc"]));
    if import().is_err() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "sysv_ipc",
        ]))?;
        import()?;
    }
    Ok(python)
}

#[test]
fn padding_and_what_lies_behind_keep_their_bytes() {
    let segment = Posix::unused();
    std::fs::write(segment.path(), [0xaa; 1024]).unwrap();
    let mut view = View::<SharedData>::create(&segment.locator(), 1000).unwrap();
    assert!(!view.raw().created());
    assert_eq!(view.raw().size(), 1024);
    for step in 0..4 {
        match step {
            0 => view.write(&sample()).unwrap(),
            1 => view.write_with_ready(&sample(), "data_ready").unwrap(),
            2 => view.update(|data| data.counter = -1).unwrap(),
            _ => view
                .set("user_name", &Value::Text("Grace".to_owned()))
                .unwrap(),
        }
        let bytes = std::fs::read(segment.path()).unwrap();
        let padding = (505..508).chain(582..584).chain(632..1024);
        assert!(
            padding.into_iter().all(|at| bytes[at] == 0xaa),
            "step {step}"
        );
    }
    let expected = SharedData {
        counter: -1,
        user_name: "Grace".try_into().unwrap(),
        ..sample()
    };
    assert_eq!(view.read().unwrap(), expected);
}

#[test]
fn an_update_writes_the_changed_fields_only() {
    let segment = Posix::unused();
    let mut view = View::<SharedData>::create(&segment.locator(), 632).unwrap();
    view.write(&sample()).unwrap();
    let mut other = View::<SharedData>::open(&segment.locator()).unwrap();
    view.update(|data| {
        data.temperature = 1.0;
        // Somebody else writes meanwhile: a field that this update leaves alone.
        other.set("counter", &Value::Int(99)).unwrap();
    })
    .unwrap();
    let data = view.read().unwrap();
    assert_eq!((data.temperature, data.counter), (1.0, 99));
}

#[test]
fn several_fields_are_set_all_or_none() {
    let segment = Posix::unused();
    let mut view = DynView::create(&segment.locator(), &schema("SharedData"), 1024).unwrap();
    let seven = Value::Int(7);
    view.update(&[("counter", &seven), ("dataArray[3]", &seven)])
        .unwrap();
    assert_eq!(view.get("dataArray[3]").unwrap(), seven);
    let long = Value::Text("x".repeat(51));
    let error = view
        .update(&[("counter", &Value::Int(8)), ("userName", &long)])
        .unwrap_err();
    assert!(error.to_string().contains("50"), "{error}");
    let error = view
        .update(&[("counter", &Value::Int(8)), ("dataArry[3]", &seven)])
        .unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("dataArray"),
        "{error}"
    );
    assert_eq!(view.get("counter").unwrap(), seven);
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(i32)]
enum Mode {
    Idle = 0,
    Busy = 5,
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Status {
    ready: u32,
    on: bool,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Robot {
    position: f64,
    status: Status,
}

#[test]
fn odd_values_from_a_peer_are_data() {
    let segment = Posix::unused();
    let mut view = View::<Robot>::create(&segment.locator(), size_of::<Robot>()).unwrap();
    let robot = Robot {
        position: f64::NAN,
        status: Status {
            ready: 0,
            on: false,
            mode: Mode::Busy,
        },
    };
    view.write(&robot).unwrap();
    let mut bytes = std::fs::read(segment.path()).unwrap();
    assert_eq!(bytes.len(), 24);
    bytes[12] = 7;
    std::fs::write(segment.path(), &bytes).unwrap();
    let read = view.read().unwrap();
    assert!(read.position.is_nan());
    assert_eq!(
        read.status,
        Status {
            ready: 0,
            on: true,
            mode: Mode::Busy
        }
    );
    assert_eq!(view.get("status.on").unwrap(), Value::Bool(true));

    bytes[16] = 3;
    std::fs::write(segment.path(), &bytes).unwrap();
    let error = view.read().unwrap_err();
    assert!(error.is_invalid());
    assert!(
        error
            .message()
            .contains("status.mode: 3 is not a valid Mode (offset 16)"),
        "{error}"
    );
    assert_eq!(
        view.get("status.mode").unwrap(),
        Value::Enum {
            name: None,
            value: 3
        }
    );
}

#[test]
fn a_flag_may_be_nested_and_an_integer_but_nothing_else() {
    let segment = Posix::unused();
    let mut view = View::<Robot>::create(&segment.locator(), 64).unwrap();
    let robot = Robot {
        position: 1.5,
        status: Status {
            ready: 0,
            on: true,
            mode: Mode::Idle,
        },
    };
    let error = view
        .read_ready("status.ready", Duration::from_millis(20))
        .unwrap_err();
    assert!(
        error.is_timed_out() && error.message().contains("status.ready stayed unset"),
        "{error}"
    );
    view.write_with_ready(&robot, "status.ready").unwrap();
    let read = view.read_ready("status.ready", Duration::ZERO).unwrap();
    assert_eq!(
        read,
        Robot {
            status: Status {
                ready: 1,
                ..robot.status
            },
            ..robot
        }
    );
    // Any integer but 0 is set, whichever of its bytes.
    view.set("status.ready", &Value::Uint(0x100)).unwrap();
    assert_eq!(
        view.read_ready("status.ready", Duration::ZERO)
            .unwrap()
            .status
            .ready,
        0x100
    );

    for (flag, what) in [
        ("position", "is f64"),
        ("status.mode", "is Mode"),
        ("status", "is Status"),
    ] {
        let error = view.read_ready(flag, None).unwrap_err();
        assert!(
            error.is_invalid() && error.message().contains(what),
            "{error}"
        );
        assert!(
            error
                .message()
                .contains("a ready flag is a bool or an integer"),
            "{error}"
        );
        assert!(view.write_with_ready(&robot, flag).is_err());
    }
    assert!(
        view.read_ready("status.raedy", None)
            .unwrap_err()
            .to_string()
            .contains("ready")
    );
}

#[test]
fn waiting_ends_by_the_clock_by_the_flag_and_by_close() {
    let segment = Posix::unused();
    let began = Instant::now();
    assert!(
        View::<Robot>::open(&segment.locator())
            .unwrap_err()
            .is_not_found()
    );
    let error =
        View::<Robot>::open_wait(&segment.locator(), Duration::from_millis(30)).unwrap_err();
    assert!(
        error.is_timed_out() && error.message().contains("was not there within 30ms"),
        "{error}"
    );
    assert!(began.elapsed() >= Duration::from_millis(30));

    let locator = segment.locator();
    let waiting = std::thread::spawn(move || {
        let view = View::<Robot>::open_wait(&locator, None)?;
        view.read_ready("status.on", None)
    });
    std::thread::sleep(Duration::from_millis(20));
    let mut view = View::<Robot>::create(&segment.locator(), 64).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    let robot = Robot {
        position: 2.5,
        status: Status {
            ready: 9,
            on: true,
            mode: Mode::Busy,
        },
    };
    view.write_with_ready(&robot, "status.on").unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), robot);

    view.set("status.on", &Value::Bool(false)).unwrap();
    let view = Arc::new(view);
    let shared = view.clone();
    let waiting = std::thread::spawn(move || shared.read_ready("status.on", None));
    std::thread::sleep(Duration::from_millis(20));
    view.close();
    assert!(waiting.join().unwrap().unwrap_err().is_closed());
    assert!(view.read().unwrap_err().is_closed());
}

#[test]
fn missing_segments_name_what_there_is() {
    let segment = Posix::unused();
    let _view = View::<Robot>::create(&segment.locator(), 64).unwrap();
    let misspelt = segment.locator().replace("test", "tset");
    let error = View::<Robot>::open(&misspelt).unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(
        error.message(),
        format!("there is no segment \"{misspelt}\"")
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("did you mean posix:/crosspage-test-"),
        "{error}"
    );
    assert!(
        !Path::new(&format!("/dev/shm{}", &misspelt[6..])).exists(),
        "opening created something"
    );

    // The key in hexadecimal digits without 0x.
    let segment = Sysv {
        key: 0x4321_8765 ^ (std::process::id() as i32 & 0x0777_0000),
    };
    let _view = View::<Robot>::create(&segment.locator(), 64).unwrap();
    let digits = format!("{:x}", segment.key);
    if digits.parse::<i32>().is_ok() {
        let error = View::<Robot>::open(&format!("sysv:{digits}")).unwrap_err();
        assert!(
            error
                .hint()
                .unwrap()
                .contains(&format!("did you mean sysv:0x{digits}?")),
            "{error}"
        );
    }
    let error = View::<Robot>::open("sysv:id=2147483647").unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(
        crosspage::remove_forced("sysv:2147483647")
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        crosspage::remove("posix:/crosspage-no-such")
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn sizes_that_do_not_fit_are_named() {
    let segment = Posix::unused();
    std::fs::write(segment.path(), [0; 512]).unwrap();
    let error = View::<SharedData>::open(&segment.locator()).unwrap_err();
    assert!(error.is_layout_mismatch());
    assert!(
        error
            .message()
            .ends_with("has 512 bytes, but SharedData needs 632"),
        "{error}"
    );
    let error = View::<SharedData>::create(&segment.locator(), 1024).unwrap_err();
    assert!(
        error.message().contains("mode 0644") || error.message().contains("mode 06"),
        "{error}"
    );
    assert!(
        error
            .message()
            .contains("exists with 512 bytes; asked for 1024 bytes"),
        "{error}"
    );
    let error = View::<SharedData>::create(&segment.locator(), 600).unwrap_err();
    assert!(
        error
            .message()
            .contains("600 bytes, but SharedData needs 632"),
        "{error}"
    );

    let segment = Sysv::unused();
    let _view = View::<Robot>::create(&segment.locator(), 512).unwrap();
    let error = View::<SharedData>::open(&segment.locator()).unwrap_err();
    assert!(
        error
            .message()
            .ends_with("has 512 bytes, but SharedData needs 632"),
        "{error}"
    );
    let error = View::<SharedData>::create(&segment.locator(), 1024).unwrap_err();
    assert!(
        error
            .message()
            .contains("mode 0600) exists with 512 bytes; asked for 1024 bytes"),
        "{error}"
    );
}

#[test]
fn no_room_is_an_error_at_once() {
    let segment = Posix::unused();
    let error = View::<Robot>::create(&segment.locator(), 1 << 50).unwrap_err();
    assert!(error.is_no_space(), "{error:?}");
    assert!(
        error.message().contains("1048576.0 GiB") && error.message().contains("free of"),
        "{error}"
    );
    assert!(!segment.path().exists(), "half-made segment left");

    let segment = Sysv::unused();
    let error = View::<Robot>::create(&segment.locator(), usize::MAX).unwrap_err();
    assert!(error.is_too_large() || error.is_no_space(), "{error:?}");
    assert!(
        foreign::info(&segment.locator())
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn what_a_killed_creator_left_is_taken_over() {
    let segment = Posix::unused();
    // shm_open without ftruncate: an object without bytes.
    std::fs::write(segment.path(), []).unwrap();
    let error = View::<Robot>::open(&segment.locator()).unwrap_err();
    assert!(
        error.is_not_found() && error.message().ends_with("has no bytes yet"),
        "{error}"
    );
    let error =
        View::<Robot>::open_wait(&segment.locator(), Duration::from_millis(10)).unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    let view = View::<Robot>::create(&segment.locator(), 64).unwrap();
    assert_eq!(view.raw().bytes().unwrap(), [0; 64]);
}

#[test]
fn what_is_no_memory_is_refused() {
    let segment = Posix::unused();
    let target = Posix::unused();
    std::fs::write(target.path(), [0; 64]).unwrap();
    std::os::unix::fs::symlink(target.path(), segment.path()).unwrap();
    let error = View::<Robot>::open(&segment.locator()).unwrap_err();
    assert!(error.message().contains("symbolic link"), "{error}");
    std::fs::remove_file(segment.path()).unwrap();

    let status = Command::new("mkfifo").arg(segment.path()).status().unwrap();
    assert!(status.success());
    let error = View::<Robot>::open(&segment.locator()).unwrap_err();
    assert!(error.message().contains("special file"), "{error}");
    let error = View::<Robot>::options()
        .read_only(true)
        .open(&segment.locator())
        .unwrap_err();
    assert!(error.message().contains("special file"), "{error}");
    let error = View::<Robot>::create(&segment.locator(), 64).unwrap_err();
    assert!(error.message().contains("special file"), "{error}");

    for (locator, kind, word) in [
        ("telemetry", ErrorKind::Invalid, "page"),
        ("file:/tmp/x.page", ErrorKind::Invalid, "page"),
        (r"win:Local\X", ErrorKind::Unsupported, "posix:/NAME"),
        ("sysv:0", ErrorKind::Invalid, "IPC_PRIVATE"),
    ] {
        let error = View::<Robot>::open(locator).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(word), "{error}");
    }
    let error = View::<Robot>::create("sysv:id=3", 64).unwrap_err();
    assert!(
        error.is_invalid() && error.hint().unwrap().contains("by a key"),
        "{error}"
    );
}

#[test]
fn permissions_are_what_was_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    for (permissions, mode) in [
        (Permissions::Owner, 0o600),
        (Permissions::Group, 0o660),
        (Permissions::All, 0o666),
    ] {
        let segment = Posix::unused();
        View::<Robot>::options()
            .permissions(permissions)
            .create(&segment.locator(), 64)
            .unwrap();
        assert_eq!(
            segment.path().metadata().unwrap().permissions().mode() & 0o777,
            mode
        );
        let segment = Sysv::unused();
        View::<Robot>::options()
            .permissions(permissions)
            .create(&segment.locator(), 64)
            .unwrap();
        assert_eq!(foreign::info(&segment.locator()).unwrap().mode, mode);
    }
}

#[test]
fn a_read_only_view_writes_nothing_and_needs_no_permission_to() {
    let segment = Posix::unused();
    View::<Robot>::create(&segment.locator(), 64).unwrap();
    let mut view = View::<Robot>::options()
        .read_only(true)
        .open(&segment.locator())
        .unwrap();
    let robot = view.read().unwrap();
    assert!(view.write(&robot).unwrap_err().is_permission_denied());
    assert!(
        view.set("position", &Value::F64(1.0))
            .unwrap_err()
            .is_permission_denied()
    );
    assert!(
        view.update(|robot| robot.position = 1.0)
            .unwrap_err()
            .is_permission_denied()
    );
    assert!(
        View::<Robot>::options()
            .read_only(true)
            .create(&segment.locator(), 64)
            .unwrap_err()
            .is_invalid()
    );
}

/// Runs as another user, started by the next test.
#[test]
#[ignore = "started by whoever_is_refused_is_told_owner_and_mode"]
fn refused() {
    let Ok(locators) = std::env::var("CROSSPAGE_TEST_REFUSED") else {
        return;
    };
    for locator in locators.split(' ') {
        let error = View::<Robot>::open(locator).unwrap_err();
        assert!(error.is_permission_denied(), "{error:?}");
        let message = error.message();
        assert!(
            message.contains("(owner ") && message.contains("mode 06"),
            "{message}"
        );
        assert!(
            message.contains(" refuses ") && message.contains(" reading and writing: "),
            "{message}"
        );
        let error = crosspage::remove_forced(locator).unwrap_err();
        assert!(error.is_permission_denied(), "{error:?}");
        assert!(
            error.message().contains("(owner ") && error.message().contains("cannot be removed by"),
            "{error}"
        );
        let readable = View::<Robot>::options().read_only(true).open(locator);
        assert_eq!(
            readable.is_ok(),
            foreign::info(locator).unwrap().mode & 0o004 != 0,
            "{readable:?}"
        );
        assert!(
            View::<Robot>::create(locator, 64)
                .unwrap_err()
                .is_permission_denied()
        );
    }
}

#[test]
fn whoever_is_refused_is_told_owner_and_mode() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !foreign_user_possible() {
        println!("skipped: only root can become another user");
        return;
    }
    let (private, public, key, public_key) = (
        Posix::unused(),
        Posix::unused(),
        Sysv::unused(),
        Sysv::unused(),
    );
    // SAFETY: takes integers only.
    assert!(
        // SAFETY: plain call.
        unsafe { libc::shmget(public_key.key, 64, libc::IPC_CREAT | libc::IPC_EXCL | 0o644) } >= 0
    );
    let _views =
        [&private, &public].map(|segment| View::<Robot>::create(&segment.locator(), 64).unwrap());
    let _view = View::<Robot>::create(&key.locator(), 64).unwrap();
    std::fs::set_permissions(public.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = emulated(std::env::current_exe().unwrap())
        .args(["refused", "--exact", "--ignored", "--nocapture"])
        .env(
            "CROSSPAGE_TEST_REFUSED",
            [
                private.locator(),
                public.locator(),
                key.locator(),
                public_key.locator(),
            ]
            .join(" "),
        )
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// Starts a program of this platform, which may have to be emulated: CROSSPAGE_TEST_RUNNER says how.
fn emulated(program: std::path::PathBuf) -> Command {
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

fn foreign_user_possible() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

#[test]
fn a_forked_child_is_told_to_attach_anew() {
    let segment = Posix::unused();
    let mut view = View::<SharedData>::create(&segment.locator(), 1024).unwrap();
    view.write(&sample()).unwrap();
    let locator = segment.locator();
    // SAFETY: the child calls this library and leaves by _exit; no other thread's lock is in its way,
    // as views have none.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = view.write(&sample()).is_err_and(|e| e.is_forked())
            && view.read().is_err_and(|e| e.is_forked());
        let anew = View::<SharedData>::open(&locator).is_ok_and(|view| view.read().is_ok());
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(if refused && anew { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for the child just made.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
    assert_eq!(view.read().unwrap(), sample());
}
