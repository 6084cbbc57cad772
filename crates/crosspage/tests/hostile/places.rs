//! Pages in places where they cannot be, and pages of others.

use std::ffi::CString;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crosspage::latest::{Options, RawReader, RawWriter};
use crosspage::{ErrorKind, Permissions, registry};

use super::probe;
use crate::harness::kit::{self, Kind};
use crate::harness::report::{Report, Returned};
use crate::harness::run::{Tally, context};
use crate::harness::sys::{self, Status};
use crate::harness::watch;

const LIMIT: Duration = Duration::from_secs(20);

/// A directory, a FIFO, a socket, a device or a symbolic link where a page should be: none is followed,
/// waited for, or removed as if it were a page of ours.
pub fn in_the_way(tally: &mut Tally) {
    let kinds = [Kind::plain(), Kind::durable(false)];
    for kind in kinds {
        std::fs::create_dir_all(kit::directory()).unwrap();
        let path = kind.path();
        let c_path = CString::new(path.to_str().unwrap()).unwrap();
        let node = |mode| {
            // SAFETY: a NUL-terminated path.
            assert_eq!(unsafe { libc::mknod(c_path.as_ptr(), mode | 0o600, 0) }, 0);
        };
        let elsewhere = kit::files().join("elsewhere");
        let things: [(&str, &dyn Fn()); 6] = [
            ("a directory", &|| std::fs::create_dir(&path).unwrap()),
            ("a FIFO", &|| node(libc::S_IFIFO)),
            ("a socket", &|| drop(UnixListener::bind(&path).unwrap())),
            ("a symbolic link to nothing", &|| {
                symlink("/nowhere", &path).unwrap()
            }),
            ("a symbolic link to a page", &|| {
                symlink(&elsewhere, &path).unwrap()
            }),
            ("a loop", &|| symlink(&path, &path).unwrap()),
        ];
        let there = Kind {
            locator: format!("file:{}", elsewhere.display()),
            ..Kind::durable(false)
        };
        drop(there.filled());
        for (what, put) in things {
            put();
            let what = format!("{}: {what}", kind.name);
            watch::phase(LIMIT, &what);
            context(&what, || {
                for outcome in probe::everything(&kind) {
                    let looks = matches!(outcome.call, "list" | "gc");
                    let removes = outcome.call == "remove";
                    match outcome.result {
                        // By force, what stands in the way of a name of ours is removed.
                        Ok(()) => assert!(looks || removes, "{} succeeded", outcome.call),
                        Err(error) => assert!(
                            !looks && error.message().contains(&kind.locator),
                            "{}: {error:?}",
                            outcome.call
                        ),
                    }
                }
            });
            match path.symlink_metadata() {
                Ok(data) if data.is_dir() => std::fs::remove_dir(&path).unwrap(),
                Ok(_) => std::fs::remove_file(&path).unwrap(),
                Err(_) => {}
            }
            assert_eq!(registry::inspect(&there.locator).unwrap().version, Some(5));
            tally.points += 1;
        }
        crosspage::remove(&there.locator).unwrap();
        kit::clean();
    }
}

/// A bad name is quoted together with the rule; names that differ only in case are refused beside each
/// other.
pub fn bad_names(tally: &mut Tally) {
    let long = "x".repeat(201);
    let bad = [
        "",
        " ",
        "a b",
        "a/",
        "/a",
        "a//b",
        "naïve",
        "a\nb",
        "a\0b",
        "..\\x",
        "x:y",
        "~",
        "~x",
        "a+b",
        "a@b",
        &long,
        "file:",
        "posix:/x",
        "sysv:5678",
        r"win:Local\x",
    ];
    for name in bad {
        let kind = Kind {
            locator: name.into(),
            ..Kind::plain()
        };
        let results = [
            kind.create().map(|_| ()),
            kind.attach().map(|_| ()),
            kind.open().map(|_| ()),
            registry::inspect(name).map(|_| ()),
        ];
        // Foreign segments can be removed.
        let removed = (!name.contains([':']) || name == "file:" || name == "x:y")
            .then(|| crosspage::remove_forced(name));
        for result in results.into_iter().chain(removed) {
            let error = result.expect_err(name);
            assert!(
                error.is_invalid() || error.is_unsupported(),
                "{name:?}: {error:?}"
            );
            let start = |text: &str| text.chars().take(50).collect::<String>();
            let shown = [start(name), start(format!("{name:?}").trim_matches('"'))];
            let quoted = shown.iter().any(|name| error.message().contains(name));
            assert!(quoted, "{name:?}: {error}");
        }
        tally.points += 1;
    }
    // Dots lead nowhere.
    for name in [".", "..", "../x", "a/../../x", "..page"] {
        let kind = Kind {
            locator: name.into(),
            ..Kind::plain()
        };
        drop(kind.filled());
        assert_eq!(kit::names().len(), 1, "{name:?}");
        crosspage::remove(name).unwrap();
    }
    let (upper, lower) = ("Arm/Left", "arm/left");
    let kind = |locator: &str| Kind {
        locator: locator.into(),
        ..Kind::plain()
    };
    drop(kind(upper).filled());
    for result in [
        kind(lower).create().map(|_| ()),
        kind(lower).open().map(|_| ()),
    ] {
        let error = result.unwrap_err();
        assert!(
            error.is_invalid() && error.message().contains(upper),
            "{error}"
        );
    }
    crosspage::remove(upper).unwrap();
    kit::clean();
}

/// Runs `body` as another user.
fn as_user(uid: u32, report: &Report, body: impl FnOnce() -> crosspage::Result<()>) -> Returned {
    report.clear();
    let pid = sys::fork(|| {
        sys::become_user(uid).unwrap();
        report.say(&body().map(|()| None));
        0
    });
    assert_eq!(sys::wait(pid), Status::Exited(0));
    report.get()
}

const ADA: u32 = 54_321;
const BOB: u32 = 54_322;

fn may_change_users() -> bool {
    let pid = sys::fork(|| sys::become_user(ADA).is_err().into());
    let may = sys::wait(pid) == Status::Exited(0);
    if !may {
        println!("skipped: pages of other users, which only root can make for a test");
    }
    may
}

/// Whoever is refused is told owner, mode and what it asked for.
pub fn other_users(tally: &mut Tally) {
    if !may_change_users() {
        return;
    }
    let report = Report::new();
    let make = |permissions| {
        let mut options = Options::default();
        options.permissions = Some(permissions);
        let made = as_user(ADA, report, || {
            let mut writer = RawWriter::create("page", kit::layout(), &options)?;
            kit::write(&mut writer, 1).map(|_| ())
        });
        assert_eq!(made, Returned::Done(None));
    };
    let his = format!("~{ADA}/page");
    let refused = |returned: Returned, asked: &str| match returned {
        Returned::Failed(code, message) => {
            assert_eq!(code, ErrorKind::PermissionDenied as i32, "{message}");
            let told = [&ADA.to_string(), "0600", &BOB.to_string(), asked];
            assert!(told.iter().all(|what| message.contains(*what)), "{message}");
        }
        other => panic!("{other:?}"),
    };
    let mut read_only = Options::default();
    read_only.read_only = true;
    let open = |options: Options| RawReader::open(&his, None, &options).map(drop);
    let create = |name: &str| RawWriter::create(name, kit::layout(), &Options::default());

    make(Permissions::Owner);
    refused(
        as_user(BOB, report, || open(Options::default())),
        "read and write",
    );
    refused(as_user(BOB, report, || open(read_only.clone())), "read");
    refused(
        as_user(BOB, report, || create(&his).map(drop)),
        "read and write",
    );
    refused(
        as_user(BOB, report, || registry::inspect(&his).map(drop)),
        "read",
    );
    refused(
        as_user(BOB, report, || crosspage::remove_forced(&his)),
        "remove",
    );
    // His own of the same name is another one.
    assert_eq!(
        as_user(BOB, report, || create("page").map(drop)),
        Returned::Done(None)
    );
    assert_eq!(
        as_user(BOB, report, || crosspage::remove("page")),
        Returned::Done(None)
    );
    let nobody = as_user(BOB, report, || {
        create("~nobody-of-that-name/page").map(drop)
    });
    assert!(nobody.is_error(ErrorKind::NotFound), "{nobody:?}");
    // He cannot make a page in her name either.
    let other = format!("~{ADA}/other");
    let other = as_user(BOB, report, || create(&other).map(drop));
    assert!(other.is_error(ErrorKind::PermissionDenied), "{other:?}");
    assert_eq!(
        as_user(ADA, report, || crosspage::remove("page")),
        Returned::Done(None)
    );

    make(Permissions::All);
    let shared = as_user(BOB, report, || {
        let mut writer = create(&his)?;
        assert_eq!(kit::write(&mut writer, 2)?, 2);
        let reader = RawReader::open(&his, Some(kit::layout()), &Options::default())?;
        assert_eq!(kit::read(&reader)?, Some((2, 2)));
        Ok(())
    });
    assert_eq!(shared, Returned::Done(None));
    // He may write to it, but not take it away.
    let removed = as_user(BOB, report, || crosspage::remove_forced(&his));
    assert!(removed.is_error(ErrorKind::PermissionDenied), "{removed:?}");
    let hers = as_user(ADA, report, || {
        assert_eq!(registry::inspect("page")?.version, Some(2));
        crosspage::remove("page")
    });
    assert_eq!(
        hers,
        Returned::Done(None),
        "a removal that was refused has changed nothing"
    );
    tally.points += 12;
    for uid in [ADA, BOB] {
        let directory = format!("/dev/shm/crosspage-{uid}");
        assert!(
            !Path::new(&directory).exists(),
            "{directory} is left behind"
        );
    }
}

/// A directory that somebody else has put in the place of ours.
pub fn foreign_directories(tally: &mut Tally) {
    if !may_change_users() {
        return;
    }
    let report = Report::new();
    let directory = format!("/dev/shm/crosspage-{ADA}");
    let refused = |returned: Returned| match returned {
        Returned::Failed(code, message) => {
            assert_eq!(code, ErrorKind::PermissionDenied as i32, "{message}");
            assert!(message.contains(&format!("crosspage-{ADA}")), "{message}");
        }
        other => panic!("{other:?}"),
    };
    let create = || RawWriter::create("page", kit::layout(), &Options::default()).map(drop);
    let open = || RawReader::open("page", None, &Options::default()).map(drop);

    // Bob makes her directory, and in it a page that she may write to.
    let name = format!("{}@page.page", kit::namespace());
    let mut all = Options::default();
    all.permissions = Some(Permissions::All);
    let spoofed = as_user(BOB, report, || {
        RawWriter::create("page", kit::layout(), &all)?;
        std::fs::create_dir(&directory).unwrap();
        let his = format!("/dev/shm/crosspage-{BOB}");
        std::fs::rename(format!("{his}/{name}"), format!("{directory}/{name}")).unwrap();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        std::fs::remove_dir(his).unwrap();
        Ok(())
    });
    assert_eq!(spoofed, Returned::Done(None));
    refused(as_user(ADA, report, create));
    refused(as_user(ADA, report, open));
    refused(as_user(ADA, report, || registry::inspect("page").map(drop)));
    std::fs::remove_dir_all(&directory).unwrap();

    // Or a link to one of hers.
    let elsewhere = kit::files().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &directory).unwrap();
    refused(as_user(ADA, report, create));
    std::fs::remove_file(&directory).unwrap();
    std::fs::remove_dir(&elsewhere).unwrap();

    // Or an empty one that everybody may fill.
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    refused(as_user(ADA, report, create));
    std::fs::remove_dir(&directory).unwrap();
    tally.points += 5;
}

/// What the two containers tell each other beside the page.
#[derive(Default)]
struct Story {
    written: AtomicU32,
    waiting: AtomicU32,
    killed: AtomicU32,
    /// When the writer began.
    began: AtomicU64,
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Story {}

/// Two containers with a page on a volume that both have, each under a path of its own: values, wake-ups and
/// the proof of death cross over, though either takes its first process for number 1.
pub fn containers(tally: &mut Tally) {
    if !sys::may_contain() {
        return println!("skipped: two containers, which this user may not make");
    }
    let place = kit::files();
    let [volume, a, b] = ["volume", "a", "b"].map(|name| place.join(name));
    for directory in [&volume, &a, &b] {
        std::fs::create_dir(directory).unwrap();
    }
    let story: &Story = sys::shared();
    let until = |word: &AtomicU32| {
        assert!(sys::wait_until(LIMIT, || word.load(Ordering::Acquire) == 1));
    };
    let tell = |word: &AtomicU32| word.store(1, Ordering::Release);

    let writing = sys::container(&volume, &a, || {
        assert_eq!(sys::pid(), 1);
        story.began.store(sys::began(), Ordering::Relaxed);
        let mut writer = file_in(&a).create().unwrap();
        kit::write(&mut writer, 1).unwrap();
        tell(&story.written);
        until(&story.waiting);
        std::thread::sleep(Duration::from_millis(50));
        kit::write(&mut writer, 2).unwrap();
        loop {
            std::thread::sleep(LIMIT);
        }
    });
    until(&story.written);
    // Processes of one number are told apart by when they began, in ticks of 10 ms.
    std::thread::sleep(Duration::from_millis(30));
    let reading = sys::container(&volume, &b, || {
        assert_eq!(sys::pid(), 1);
        let kind = file_in(&b);
        let reader = kind.open().unwrap();
        assert_eq!(kit::read(&reader).unwrap(), Some((1, 1)));
        let refused = kind.create().unwrap_err();
        assert!(refused.is_already_owned(), "{refused}");
        // An emulator may say that its processes all began at once.
        if story.began.load(Ordering::Relaxed) != sys::began() {
            assert!(!refused.message().contains("this process"), "{refused}");
        }

        tell(&story.waiting);
        assert_eq!(kit::wait_changed(&reader, 1, LIMIT).unwrap(), (2, 2));
        until(&story.killed);
        // The first process of a container dies a moment after the one that watches it.
        let mut writer = None;
        sys::wait_until(LIMIT, || {
            writer = kind.create().ok();
            writer.is_some()
        });
        let mut writer = writer.expect("the role is free");
        assert_eq!(
            kit::write(&mut writer, 3).unwrap(),
            3,
            "the version goes on"
        );
        0
    });
    sys::wait_until(LIMIT, || story.waiting.load(Ordering::Acquire) == 1);
    std::thread::sleep(Duration::from_millis(200));
    assert!(writing.end().is_killed());
    tell(&story.killed);
    assert_eq!(reading.wait(), Status::Exited(0));
    tally.points += 6;
    crosspage::remove(&file_in(&volume).locator).unwrap();
    for directory in [volume, a, b] {
        std::fs::remove_dir(directory).unwrap();
    }
}

/// A file system without room is an error at creation, which leaves nothing behind.
pub fn full(tally: &mut Tally) {
    let place = kit::files().join("full");
    std::fs::create_dir(&place).unwrap();
    if let Err(error) = sys::mount("tmpfs", &place, "size=64k") {
        println!("skipped: a full file system ({error})");
        return std::fs::remove_dir(&place).unwrap();
    }
    let page = |i: usize| Kind {
        locator: format!("file:{}/{i}.page", place.display()),
        ..Kind::durable(true)
    };
    let mut made = 0;
    let error = loop {
        match page(made).create() {
            Ok(mut writer) => kit::write(&mut writer, 1).unwrap(),
            Err(error) => break error,
        };
        made += 1;
    };
    assert!(made > 0 && error.is_no_space(), "{made}: {error:?}");
    let message = error.message();
    assert!(
        message.contains(&page(made).locator) && message.contains("bytes"),
        "{error}"
    );
    assert_eq!(
        place.read_dir().unwrap().count(),
        made,
        "nothing of it is left behind"
    );
    for i in 0..made {
        let mut writer = page(i).create().unwrap();
        assert_eq!(kit::write(&mut writer, 2).unwrap(), 2, "the others work on");
    }
    crosspage::remove(&page(0).locator).unwrap();
    drop(page(made).create().unwrap());
    tally.points += made;
    sys::unmount(&place);
    std::fs::remove_dir(&place).unwrap();
}

fn file_in(directory: &Path) -> Kind {
    Kind {
        locator: format!("file:{}/x.page", directory.display()),
        ..Kind::durable(true)
    }
}

/// A file system without reliable locks or shared mappings is refused by name.
pub fn refused(tally: &mut Tally) {
    let place = kit::files().join("overlay");
    for part in ["lower", "upper", "work", "merged"] {
        std::fs::create_dir_all(place.join(part)).unwrap();
    }
    let merged = place.join("merged");
    let shown = place.display();
    // A good one first, which leaves its device number to the next.
    if sys::mount("tmpfs", &merged, "size=1m").is_ok() {
        let kind = file_in(&merged);
        drop(kind.filled());
        sys::unmount(&merged);
    }
    let options = format!("lowerdir={shown}/lower,upperdir={shown}/upper,workdir={shown}/work");
    if let Err(error) = sys::mount("overlay", &merged, &options) {
        println!("skipped: a refused file system ({error})");
    } else {
        let kind = file_in(&merged);
        let error = kind.create().unwrap_err();
        assert!(error.is_unsupported(), "{error:?}");
        assert!(error.message().contains("overlayfs"), "{error}");
        assert_eq!(
            merged.read_dir().unwrap().count(),
            0,
            "nothing of it is left behind"
        );
        // A page that was copied there is refused as well.
        let sound = Kind::durable(true);
        drop(sound.filled());
        std::fs::copy(sound.path(), merged.join("x.page")).unwrap();
        crosspage::remove(&sound.locator).unwrap();
        for error in [kind.open().unwrap_err(), kind.create().unwrap_err()] {
            assert!(
                error.is_unsupported() && error.message().contains("overlayfs"),
                "{error}"
            );
        }
        assert!(
            registry::inspect(&kind.locator)
                .unwrap_err()
                .is_unsupported()
        );
        tally.points += 1;
        sys::unmount(&merged);
    }
    std::fs::remove_dir_all(&place).unwrap();
    assert_eq!(
        Path::new("/dev/shm").metadata().unwrap().mode() & 0o7777,
        0o1777
    );
}
