//! Pages to put values in, and how to ask a page whether it has survived.

use std::path::PathBuf;
use std::time::Duration;

use crosspage::latest::{Options, RawReader, RawWriter};
use crosspage::{Lifetime, Result, registry};

use super::sys;

pub use super::values::*;

pub use super::sys::{directory, files};

/// The namespace of these tests.
pub fn namespace() -> String {
    format!("crash-{}", std::process::id())
}

/// One sort of page.
#[derive(Clone)]
pub struct Kind {
    pub name: &'static str,
    pub locator: String,
    pub options: Options,
    pub slots: usize,
    /// How many participants there is room for.
    pub places: usize,
}

impl Kind {
    fn new(name: &'static str, slots: usize, set: impl FnOnce(&mut Options)) -> Kind {
        let mut options = Options::default();
        set(&mut options);
        let kind = Kind {
            name,
            locator: "page".into(),
            options,
            slots,
            places: 0,
        };
        kind.with_places(4)
    }

    pub fn with_places(mut self, places: u32) -> Kind {
        self.options.max_participants = Some(places);
        self.places = places as usize;
        self
    }

    /// One writer, no pins: the shortest path.
    pub fn plain() -> Kind {
        Kind::new("plain", 4, |_| {})
    }

    /// Two writers, two pins.
    pub fn several() -> Kind {
        Kind::new("several", 5, |o| {
            o.writers = Some(2);
            o.max_pins = Some(2);
        })
    }

    /// With a checksum.
    pub fn summed() -> Kind {
        Kind::new("checksum", 4, |o| o.checksum = Some(true))
    }

    /// Gone with its last user.
    pub fn used() -> Kind {
        Kind::new("while_used", 4, |o| {
            o.checksum = Some(true);
            o.lifetime = Some(Lifetime::WhileUsed);
        })
    }

    /// In a file, as if it were to survive a restart.
    pub fn durable(checksum: bool) -> Kind {
        let mut kind = Kind::new("file", 4, |o| o.checksum = Some(checksum));
        kind.locator = format!("file:{}", files().join("x.page").display());
        kind
    }

    pub fn path(&self) -> PathBuf {
        match self.locator.strip_prefix("file:") {
            Some(path) => path.into(),
            None => directory().join(format!("{}@{}.page", namespace(), self.locator)),
        }
    }

    pub fn create(&self) -> Result<RawWriter> {
        RawWriter::create(&self.locator, layout(), &self.options)
    }

    pub fn attach(&self) -> Result<RawWriter> {
        RawWriter::attach(&self.locator, layout(), &self.options)
    }

    pub fn open(&self) -> Result<RawReader> {
        RawReader::open(&self.locator, Some(layout()), &Options::default())
    }

    /// Makes the page, with version 5.
    pub fn filled(&self) -> RawWriter {
        let mut writer = self.create().unwrap();
        for nonce in 1..=5 {
            assert_eq!(write(&mut writer, nonce).unwrap(), nonce);
        }
        writer
    }

    pub fn has_several_writers(&self) -> bool {
        self.options.writers.is_some_and(|writers| writers > 1)
    }

    pub fn pins(&self) -> usize {
        self.options.max_pins.unwrap_or(0) as usize
    }
}

#[cfg(target_os = "linux")]
impl Kind {
    /// A process that is killed while it fills a slot.
    pub fn die_in_write(&self) {
        let pid = sys::fork(|| {
            let mut writer = self.attach().unwrap();
            let _ = writer.write_with(&mut |slot| {
                slot.write_at(0, &[0xee; 64])?;
                sys::signal(sys::pid(), libc::SIGKILL);
                Ok(())
            });
            1
        });
        assert_eq!(sys::wait(pid), sys::Status::Killed(libc::SIGKILL));
    }

    /// A process that is killed while it reads in place.
    pub fn die_as_reader(&self) {
        let pid = sys::fork(|| {
            let reader = self.open().unwrap();
            let _pinned = (self.pins() > 0).then(|| reader.read_pinned().unwrap());
            sys::signal(sys::pid(), libc::SIGKILL);
            1
        });
        assert_eq!(sys::wait(pid), sys::Status::Killed(libc::SIGKILL));
    }

    /// Whether somebody holds the page's registration lock (docs/layout.md has its byte).
    pub fn is_locked(&self) -> bool {
        let file = std::fs::File::open(self.path());
        file.is_ok_and(|file| sys::is_locked(&file, 1 << 40))
    }

    /// Overwrites a word of the header's dynamic part.
    pub fn set_word(&self, offset: u64, word: u64) {
        let file = std::fs::File::options()
            .write(true)
            .open(self.path())
            .unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &word.to_le_bytes(), offset).unwrap();
    }
}

/// What a page must still be able to do.
pub struct Survivors {
    /// What its value may be now.
    pub allowed: Vec<Seen>,
    /// The version of the next value, where there is none now.
    pub from_none: u64,
    /// Attached before, and alive.
    pub reader: Option<RawReader>,
    pub writer: Option<RawWriter>,
}

impl Survivors {
    pub fn none() -> Survivors {
        Survivors {
            allowed: vec![None],
            from_none: 1,
            reader: None,
            writer: None,
        }
    }

    fn one_of(&self, seen: Seen, who: &str) -> Seen {
        assert!(
            self.allowed.contains(&seen),
            "LOST: {who} sees {seen:?}, not one of {:?}",
            self.allowed
        );
        seen
    }

    /// The page goes on: who is attached reads and writes, newcomers read and write, all that died
    /// leaves no trace, and in the end nothing is left.
    pub fn go_on(mut self, kind: &Kind) {
        let mut seen = None;
        if let Some(reader) = &self.reader {
            seen = self.one_of(read(reader).unwrap(), "the reader that was there");
            self.allowed = vec![seen];
        }
        let mut next = 700;
        let check = |version: u64, nonce, seen: &mut Seen, from_none, readers: &[&RawReader]| {
            let expected = seen.map_or(from_none, |(version, _)| version + 1);
            assert_eq!(
                version, expected,
                "the version of the next value after {seen:?}"
            );
            *seen = Some((version, nonce));
            for reader in readers {
                assert_eq!(read(reader).unwrap(), *seen, "what was just written");
            }
        };
        // Who is attached needs nobody's death to be noticed.
        if let (Some(reader), Some(writer)) = (&self.reader, &mut self.writer) {
            for _ in 0..kind.slots + 1 {
                next += 1;
                let version = write(writer, next).unwrap();
                check(version, next, &mut seen, self.from_none, &[reader]);
            }
            self.allowed = vec![seen];
        }
        let fresh = match kind.open() {
            Err(error) if error.is_not_found() && self.allowed.contains(&None) => None,
            opened => Some(opened.unwrap()),
        };
        if let Some(fresh) = &fresh {
            seen = self.one_of(read(fresh).unwrap(), "a fresh reader");
        }
        let mut successor = match self.writer {
            Some(_) => kind.attach(),
            None => kind.create(),
        }
        .unwrap();
        let fresh = fresh.unwrap_or_else(|| kind.open().unwrap());
        let readers: Vec<&RawReader> = self.reader.iter().chain([&fresh]).collect();
        for turn in 0..kind.slots + 2 {
            next += 1;
            let writer = match (turn % 2, &mut self.writer) {
                (1, Some(writer)) => writer,
                _ => &mut successor,
            };
            let version = match turn % 3 {
                1 => write_with(writer, next),
                2 => update(writer, |_| next),
                _ => write(writer, next),
            };
            check(version.unwrap(), next, &mut seen, self.from_none, &readers);
        }
        let since = seen.unwrap().0;
        assert_eq!(wait_changed(&fresh, since - 1, Duration::ZERO).ok(), seen);

        // No pin is held by the dead.
        let pins: Vec<_> = (0..kind.pins())
            .map(|_| fresh.read_pinned().unwrap().expect("a value"))
            .collect();
        for _ in 0..if pins.is_empty() { 0 } else { kind.slots } {
            next += 1;
            let version = write(&mut successor, next).unwrap();
            check(version, next, &mut seen, 1, &readers);
        }
        for pin in pins {
            assert_eq!(pin.meta().version, since, "a pin keeps its value");
            decode(pin.as_bytes());
        }

        // Nor a place.
        let mut more = Vec::new();
        let full = loop {
            match kind.open() {
                Ok(reader) => more.push(reader),
                Err(error) => break error,
            }
        };
        assert!(full.is_full(), "{full}");
        let participants = successor.participants();
        assert!(participants.iter().all(|one| one.alive), "{participants:?}");
        assert_eq!(participants.len(), kind.places);

        let in_use = crosspage::remove(&kind.locator).unwrap_err();
        assert!(in_use.is_in_use(), "{in_use}");
        drop((fresh, successor, more, self));
        if kind.options.lifetime == Some(Lifetime::WhileUsed) {
            assert!(!kind.path().exists(), "its last user has left");
        } else {
            let left = registry::inspect(&kind.locator).unwrap();
            assert_eq!(left.version, seen.map(|(version, _)| version));
            assert_eq!(left.participants, []);
            crosspage::remove(&kind.locator).unwrap();
        }
        clean();
    }
}

/// Collects garbage; then nothing of these tests is there any more.
pub fn clean() {
    let mut left = Vec::new();
    // Once, unless other processes share this directory: then they may be making pages just now.
    sys::wait_until(Duration::from_secs(1), || {
        crosspage::gc().unwrap();
        left = names();
        left.is_empty()
    });
    assert!(left.is_empty(), "LEFT BEHIND: {left:?}");
}

/// The files of these tests.
pub fn names() -> Vec<String> {
    [directory(), files()]
        .iter()
        .filter_map(|directory| directory.read_dir().ok())
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            name.starts_with(&namespace()) || name.ends_with(".new") || name.contains("x.page")
        })
        .collect()
}

/// What a test that failed has left.
pub fn remove_everything() {
    for directory in [directory(), files()] {
        for name in names() {
            let _ = std::fs::remove_file(directory.join(name));
        }
    }
}
