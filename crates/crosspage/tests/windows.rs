//! What is Windows' own: named file mappings, names and paths, access control lists, processes that are
//! terminated, sleepers in other processes.
#![cfg(windows)]
#![allow(
    clippy::disallowed_types,
    reason = "what these threads share is no part of a model"
)]

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crosspage::foreign::View;
use crosspage::latest::{Reader, Writer};
use crosspage::{Layout, Permissions, registry, testing};
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Security::Authorization::ConvertStringSecurityDescriptorToSecurityDescriptorW;
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MapViewOfFile, OpenFileMappingW,
    PAGE_READWRITE,
};
use windows_sys::Win32::System::Threading::CreateEventW;

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Sample {
    ready: bool,
    counter: i64,
    coordinates: [f32; 3],
}

fn sample(counter: i64) -> Sample {
    let coordinates = [10.5, 20.25, counter as f32];
    Sample {
        ready: true,
        counter,
        coordinates,
    }
}

/// A name for a kernel object that is one test's alone.
fn object(name: &str) -> String {
    format!(r"Local\crosspage-test-{}-{name}", std::process::id())
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A file mapping that knows nothing of crosspage; who may do what with it is in SDDL.
fn make_section(name: &str, size: u32, sddl: Option<&str>) -> (HANDLE, *mut u8) {
    let (name, mut descriptor) = (wide(name), null_mut());
    // SAFETY: NUL-terminated texts, writable places, and a view of a section just made.
    unsafe {
        if let Some(sddl) = sddl {
            let text = wide(sddl);
            let made = ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                1,
                &mut descriptor,
                null_mut(),
            );
            assert_ne!(made, 0, "{}", io::Error::last_os_error());
        }
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: descriptor,
            bInheritHandle: 0,
        };
        let file = INVALID_HANDLE_VALUE;
        let handle = CreateFileMappingW(file, &attributes, PAGE_READWRITE, 0, size, name.as_ptr());
        assert!(!handle.is_null(), "{}", io::Error::last_os_error());
        let view = MapViewOfFile(handle, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
        (handle, view.Value.cast())
    }
}

/// Whether there is a file mapping of this name.
fn exists(name: &str) -> bool {
    // SAFETY: a NUL-terminated name; the handle is closed if there is one.
    unsafe {
        let handle = OpenFileMappingW(FILE_MAP_READ, 0, wide(name).as_ptr());
        !handle.is_null() && CloseHandle(handle) != 0
    }
}

/// This program again, doing what [`child`] does for `role`.
struct Process(Child);

impl Process {
    fn start(role: &str, name: &str, namespace: &str) -> Process {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--ignored", "--nocapture"])
            .env("CROSSPAGE_TEST_ROLE", role)
            .env("CROSSPAGE_TEST_NAME", name)
            .env("CROSSPAGE_NAMESPACE", namespace)
            .stdout(std::process::Stdio::null())
            .spawn();
        Process(child.unwrap())
    }

    /// TerminateProcess: nothing of the process runs any more.
    fn terminate(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    #[track_caller]
    fn succeeds(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const LONG: Duration = Duration::from_secs(20);

#[test]
#[ignore = "run by other tests as their child"]
fn child() {
    let Ok(role) = std::env::var("CROSSPAGE_TEST_ROLE") else {
        return;
    };
    let name = std::env::var("CROSSPAGE_TEST_NAME").unwrap();
    match role.as_str() {
        // These two know nothing of crosspage.
        "section maker" => {
            let (_handle, view) = make_section(&name, 1024, None);
            // SAFETY: 1024 bytes, whose layout is that of the struct.
            unsafe { view.cast::<Sample>().write_volatile(sample(42)) };
            std::thread::sleep(LONG);
        }
        "section reader" => {
            let name = wide(&name);
            // SAFETY: a NUL-terminated name, and a view of the struct.
            let seen = unsafe {
                let handle = OpenFileMappingW(FILE_MAP_READ, 0, name.as_ptr());
                assert!(!handle.is_null(), "{}", io::Error::last_os_error());
                let view = MapViewOfFile(handle, FILE_MAP_READ, 0, 0, 0);
                view.Value.cast::<Sample>().read_volatile()
            };
            assert_eq!(seen, sample(43));
        }
        "writer" => {
            let mut writer = Writer::<Sample>::create(&name).unwrap();
            writer.write(&sample(1)).unwrap();
            std::thread::sleep(LONG);
        }
        // Answers each odd counter with the next even one.
        "answerer" => {
            let mut writer = Writer::<Sample>::options()
                .writers(2)
                .attach(&name)
                .unwrap();
            let reader = Reader::<Sample>::open(&name).unwrap();
            let mut seen = 0;
            loop {
                let now = reader.wait_changed(seen, LONG).unwrap();
                seen = now.version;
                if now.value.counter % 2 != 0 {
                    writer.write(&sample(now.value.counter + 1)).unwrap();
                }
            }
        }
        "sleeper" => {
            let reader = Reader::<Sample>::open_wait(&name, LONG).unwrap();
            let now = reader.read().unwrap().unwrap().version;
            let _ = reader.wait_changed(now, LONG);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn foreign_sections_are_read_and_written() {
    let name = object("foreign");
    let locator = format!("win:{name}");
    let maker = Process::start("section maker", &name, "");
    let view = View::<Sample>::open_wait(&locator, LONG).unwrap();
    let seen = view.read_ready("ready", LONG).unwrap();
    assert_eq!(seen, sample(42));
    assert_eq!(view.raw().size(), 4096, "whole pages");
    // The bytes live as long as anybody has them, and so does the name.
    maker.terminate();
    assert_eq!(view.read().unwrap(), sample(42));
    assert!(exists(&name));
    drop(view);
    assert!(!exists(&name));

    let mut view = View::<Sample>::create(&locator, 1024).unwrap();
    assert!(view.raw().created());
    view.write_with_ready(&sample(43), "ready").unwrap();
    Process::start("section reader", &name, "").succeeds();
    let again = View::<Sample>::create(&locator.replace('\\', "/"), 1024).unwrap();
    assert!(!again.raw().created());
    let info = crosspage::foreign::info(&locator).unwrap();
    assert_eq!((info.size, info.mode), (4096, 0o600));
    let refused = crosspage::remove_forced(&locator).unwrap_err();
    assert!(refused.is_unsupported(), "{refused}");
}

#[test]
fn a_reader_never_makes_a_section() {
    let name = object("reader");
    let error = View::<Sample>::open(&format!("win:{name}")).unwrap_err();
    assert!(
        error.is_not_found() && error.to_string().contains("(os error 2)"),
        "{error}"
    );
    let error = View::<Sample>::open_wait(&format!("win:{name}"), Duration::from_millis(30));
    assert!(error.unwrap_err().is_timed_out());
    assert!(!exists(&name));
}

#[test]
fn names_of_other_objects_are_refused() {
    let name = object("event");
    // SAFETY: a NUL-terminated name.
    let event = unsafe { CreateEventW(null(), 1, 0, wide(&name).as_ptr()) };
    assert!(!event.is_null());
    let locator = format!("win:{name}");
    let opened = View::<Sample>::open(&locator).unwrap_err();
    let created = View::<Sample>::create(&locator, 64).unwrap_err();
    for error in [opened, created] {
        assert!(error.is_invalid(), "{error}");
        assert!(error.to_string().contains("no file mapping"), "{error}");
        assert!(error.to_string().contains("(os error 6)"), "{error}");
    }
}

#[test]
fn small_sections_are_refused() {
    #[derive(Clone, Copy, Layout)]
    #[repr(C)]
    struct Large {
        bytes: [u64; 1024],
    }
    let name = object("small");
    let _section = make_section(&name, 4096, None);
    let locator = format!("win:{name}");
    let error = View::<Sample>::create(&locator, 8192).unwrap_err();
    assert!(error.is_too_large(), "{error}");
    assert!(
        error.to_string().contains("4096 bytes; asked for 8192"),
        "{error}"
    );
    let error = View::<Large>::open(&locator).unwrap_err();
    assert!(error.is_layout_mismatch(), "{error}");
    assert!(error.to_string().contains("4096"), "{error}");
}

#[test]
fn sections_that_refuse_say_so() {
    // Nobody may do anything.
    let name = object("denied");
    let _section = make_section(&name, 4096, Some("D:P(D;;GA;;;WD)"));
    let error = View::<Sample>::open(&format!("win:{name}")).unwrap_err();
    assert!(error.is_permission_denied(), "{error}");
    assert!(error.to_string().contains("(os error 5)"), "{error}");
    assert_eq!(error.os_code(), Some(5));

    // Everybody may read.
    let name = object("read-only");
    let (_section, view) = make_section(&name, 4096, Some("D:P(A;;0x20005;;;WD)"));
    // SAFETY: 4096 bytes, whose layout is that of the struct.
    unsafe { view.cast::<Sample>().write_volatile(sample(7)) };
    let locator = format!("win:{name}");
    let error = View::<Sample>::open(&locator).unwrap_err();
    assert!(
        error.is_permission_denied() && error.to_string().contains("read_only"),
        "{error}"
    );
    let mut view = View::<Sample>::options()
        .read_only(true)
        .open(&locator)
        .unwrap();
    assert_eq!(view.read().unwrap(), sample(7));
    assert!(view.write(&sample(8)).unwrap_err().is_permission_denied());
}

#[test]
fn bad_section_names() {
    for (locator, what) in [
        (r"win:Local\a\b", "win: needs"),
        (r"win:\a", "win: needs"),
        (r"win:a", "win: needs"),
        (r"win:Session\a", "win: needs"),
        (r"posix:/a", "another platform"),
        (r"sysv:7", "another platform"),
    ] {
        let error = View::<Sample>::open(locator).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    let error = View::<Sample>::create(&format!("win:{}", object("none")), 0).unwrap_err();
    assert!(error.is_layout_mismatch() || error.is_invalid(), "{error}");
}

#[test]
fn any_name_is_a_page() {
    let _namespace = testing::namespace();
    let long = "x".repeat(200);
    // Device names, and what Windows would strip or fold.
    for name in [
        "nul",
        "CON",
        "aux.x",
        "com1",
        "a.",
        "a..b",
        "..",
        "robot1/arm/state",
        &long,
    ] {
        let mut writer = Writer::<Sample>::create(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        writer.write(&sample(5)).unwrap();
        assert_eq!(
            Reader::<Sample>::open(name)
                .unwrap()
                .read()
                .unwrap()
                .unwrap()
                .value,
            sample(5)
        );
    }
    let names: Vec<String> = registry::list()
        .unwrap()
        .into_iter()
        .map(|page| page.name)
        .collect();
    assert_eq!(names.len(), 9, "{names:?}");
    assert!(names.contains(&"CON".to_owned()), "{names:?}");
    let error = Writer::<Sample>::create("con").unwrap_err();
    assert!(
        error.is_invalid() && error.to_string().contains("only in case"),
        "{error}"
    );
    let error = Writer::<Sample>::create(r"a\b").unwrap_err();
    assert!(
        error.is_invalid() && error.to_string().contains(r"'\\'"),
        "{error}"
    );
}

#[test]
fn long_paths_and_bad_ones() {
    let directory = tempfile::tempdir().unwrap();
    let deep: PathBuf = (0..8).map(|_| "d".repeat(60)).collect();
    let deep = directory.path().join(deep);
    std::fs::create_dir_all(&deep).unwrap();
    let locator = format!("file:{}", deep.join("state.page").display());
    assert!(locator.len() > 500);
    let mut writer = Writer::<Sample>::create(&locator).unwrap();
    writer.write(&sample(6)).unwrap();
    assert_eq!(
        Reader::<Sample>::open(&locator)
            .unwrap()
            .read()
            .unwrap()
            .unwrap()
            .value,
        sample(6)
    );
    drop(writer);
    crosspage::remove(&locator).unwrap();
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0);

    let path = |name: &str| format!("file:{}", directory.path().join(name).display());
    let refused = |locator: &str| match Writer::<Sample>::create(locator) {
        Ok(_) => panic!("{locator} was made"),
        Err(error) => error,
    };
    let error = refused(&path(&"n".repeat(300)));
    assert!(error.to_string().contains("(os error "), "{error}");
    let error = refused(&path(&vec!["n".repeat(200); 200].join("\\")));
    assert!(error.to_string().contains("(os error "), "{error}");
    let error = refused(&path(r"missing\x.page"));
    assert!(
        error.is_not_found() && error.to_string().contains("(os error 3)"),
        "{error}"
    );
    let error = refused(&path("bad?.page"));
    assert!(error.to_string().contains("(os error 123)"), "{error}");
    std::fs::create_dir(directory.path().join("d.page")).unwrap();
    let error = refused(&path("d.page"));
    assert!(
        error.is_invalid() && error.to_string().contains("not a regular file"),
        "{error}"
    );
    let error = refused("file:NUL");
    assert!(
        error.is_invalid() && error.to_string().contains("not a regular file"),
        "{error}"
    );
    std::fs::write(directory.path().join("text.page"), "hello").unwrap();
    assert!(refused(&path("text.page")).is_corrupt());
}

#[test]
fn a_file_that_others_do_not_share_is_an_error() {
    use std::os::windows::fs::OpenOptionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.page");
    let locator = format!("file:{}", path.display());
    drop(Writer::<Sample>::create(&locator).unwrap());
    let _alone = std::fs::File::options()
        .read(true)
        .share_mode(0)
        .open(&path)
        .unwrap();
    let error = Reader::<Sample>::open(&locator).unwrap_err();
    assert!(error.to_string().contains("(os error 32)"), "{error}");
}

#[test]
fn a_value_outlives_its_terminated_writer() {
    let namespace = testing::namespace();
    let writer = Process::start("writer", "telemetry", namespace.name());
    let reader = Reader::<Sample>::open_wait("telemetry", LONG).unwrap();
    assert_eq!(reader.wait_changed(0, LONG).unwrap().value, sample(1));
    let error = Writer::<Sample>::create("telemetry").unwrap_err();
    assert!(error.is_already_owned(), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("pid {}", writer.0.id())),
        "{error}"
    );
    writer.terminate();
    let info = registry::inspect("telemetry").unwrap();
    assert_eq!(
        info.participants.iter().filter(|one| one.alive).count(),
        1,
        "{info:?}"
    );
    assert_eq!(reader.read().unwrap().unwrap().value, sample(1));
    let mut writer = Writer::<Sample>::create("telemetry").unwrap();
    assert_eq!(writer.write(&sample(2)).unwrap(), 2);
    assert_eq!(reader.read().unwrap().unwrap().value, sample(2));
}

/// With the bound of 100 ms instead of a wake-up this would take 20 s.
#[test]
fn sleepers_in_another_process_are_woken() {
    let namespace = testing::namespace();
    let mut writer = Writer::<Sample>::options()
        .writers(2)
        .create("ping")
        .unwrap();
    writer.write(&sample(0)).unwrap();
    let reader = Reader::<Sample>::open("ping").unwrap();
    let _answerer = Process::start("answerer", "ping", namespace.name());
    let mut begin = Instant::now();
    for round in 0..101 {
        // The other one is asleep by now.
        std::thread::sleep(Duration::from_millis(2));
        let mut seen = writer.write(&sample(2 * round + 1)).unwrap();
        loop {
            let now = reader.wait_changed(seen, LONG).unwrap();
            seen = now.version;
            if now.value.counter == 2 * round + 2 {
                break;
            }
        }
        if round == 0 {
            begin = Instant::now(); // It is there.
        }
    }
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_terminated_sleeper_leaves_nothing() {
    let namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("bed").unwrap();
    writer.write(&sample(1)).unwrap();
    for round in 1..=5 {
        let sleeper = Process::start("sleeper", "bed", namespace.name());
        while writer.participants().iter().filter(|one| one.alive).count() < 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(10));
        sleeper.terminate();
        let begin = Instant::now();
        assert_eq!(writer.write(&sample(1)).unwrap(), 1 + round);
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
    drop(writer);
    crosspage::remove("bed").unwrap();
}

/// The files of a namespace's pages, and of those that are no longer pages.
fn files(namespace: &str, name: &str) -> Vec<String> {
    let directory = PathBuf::from(std::env::var_os("LOCALAPPDATA").unwrap()).join("crosspage");
    let names = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file.contains(&format!("{namespace}@{name}.")))
        .collect();
    names.sort();
    names
}

#[test]
fn pages_that_others_have_open_go_at_once() {
    let namespace = testing::namespace();
    let mut writer = Writer::<Sample>::create("gone").unwrap();
    writer.write(&sample(1)).unwrap();
    let reader = Reader::<Sample>::open("gone").unwrap();
    crosspage::remove_forced("gone").unwrap();
    assert!(reader.read().unwrap_err().is_replaced());
    assert!(writer.write(&sample(2)).unwrap_err().is_replaced());
    assert!(Reader::<Sample>::open("gone").unwrap_err().is_not_found());
    // The name is free while the old page is still mapped.
    let mut second = Writer::<Sample>::create("gone").unwrap();
    second.write(&sample(3)).unwrap();
    assert_eq!(
        Reader::<Sample>::open("gone")
            .unwrap()
            .read()
            .unwrap()
            .unwrap()
            .value,
        sample(3)
    );
    drop((writer, reader));
    assert_eq!(
        files(namespace.name(), "gone"),
        [format!("{}@gone.page", namespace.name())]
    );

    // Another layout takes the name of a page that a reader has mapped.
    #[derive(Debug, Clone, Copy, Layout)]
    #[repr(C)]
    struct Other {
        other: u32,
    }
    let reader = Reader::<Sample>::open("gone").unwrap();
    drop(second);
    let mut third = Writer::<Other>::create("gone").unwrap();
    third.write(&Other { other: 4 }).unwrap();
    assert!(reader.read().unwrap_err().is_replaced());
    drop(reader);
    let read = Reader::<Other>::open("gone")
        .unwrap()
        .read()
        .unwrap()
        .unwrap();
    assert_eq!(read.value.other, 4);
    drop(third);
    assert_eq!(
        files(namespace.name(), "gone"),
        [format!("{}@gone.page", namespace.name())]
    );

    let used = Writer::<Sample>::options().lifetime(crosspage::Lifetime::WhileUsed);
    drop(used.create("used").unwrap());
    assert!(files(namespace.name(), "used").is_empty());
}

/// Windows finds out whether a byte is locked only by locking it; nobody may suffer from that.
#[test]
fn who_looks_is_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let locator = format!("file:{}", directory.path().join("busy.page").display());
    let _writer = Writer::<Sample>::options()
        .max_participants(2)
        .create(&locator)
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let seen = registry::inspect(&locator).unwrap().participants;
                    // Readers may leave between the look at their entry and that at their byte.
                    let writer = seen.iter().find(|one| one.role == "writer").unwrap();
                    assert!(writer.alive, "{seen:?}");
                }
            });
        }
        for _ in 0..100 {
            let reader = Reader::<Sample>::open(&locator).expect("there is a place");
            drop(reader);
            let options = Reader::<Sample>::options().read_only(true);
            let observer = options.open(&locator).unwrap();
            let used = crosspage::remove(&locator).unwrap_err();
            assert!(used.is_in_use(), "{used}");
            drop(observer);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn pages_are_their_owners_alone_unless_said_otherwise() {
    let _namespace = testing::namespace();
    let me = registry::list().map(|_| ()).and_then(|()| {
        let _page = Writer::<Sample>::create("mine")?;
        registry::inspect("mine")
    });
    let me = me.unwrap();
    assert_eq!(me.mode, 0o600);
    assert!(
        !me.owner.is_empty() && !me.owner.starts_with("S-1-"),
        "{}",
        me.owner
    );
    let all = || Writer::<Sample>::options().permissions(Permissions::All);
    drop(all().create("everybodys").unwrap());
    assert_eq!(registry::inspect("everybodys").unwrap().mode, 0o666);
    drop(all().create("everybodys").unwrap());
    let owner = Writer::<Sample>::options().permissions(Permissions::Owner);
    let error = owner.create("everybodys").unwrap_err();
    assert!(error.to_string().contains("mode 0666"), "{error}");
    // As somebody else finds it, who names its owner.
    let user = std::env::var("USERNAME").unwrap();
    let theirs = Reader::<Sample>::open(&format!("~{user}/everybodys"));
    assert!(theirs.is_ok(), "{:?}", theirs.err());
    let error = Reader::<Sample>::open("~nobody-of-this-name/x").unwrap_err();
    assert!(error.is_not_found(), "{error}");
}
