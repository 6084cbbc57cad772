//! Values that show whether they are whole, pages to put them in, and how to ask a page whether it
//! has survived.

use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crosspage::latest::{Options, RawReader, RawWriter};
use crosspage::layout::{Field, Scalar, StructType, Type};
use crosspage::{Lifetime, Result, registry};

use crate::sys;

const WORDS: usize = 12;
/// Bytes of a value. It begins and ends with a word that is partly padding.
pub const SIZE: usize = 120;

fn fields(end: usize) -> Vec<Field> {
    let array = |of, n| Type::Array(Box::new(Type::Scalar(of)), n);
    vec![
        Field::new("id", Type::Scalar(Scalar::U8)),
        Field::new("nonce", Type::Scalar(Scalar::U64)),
        Field::new("pattern", array(Scalar::U64, WORDS)),
        Field::new("end", array(Scalar::U8, end)),
    ]
}

fn natural(fields: Vec<Field>) -> Arc<StructType> {
    let layout = StructType::natural("Value", fields, None).unwrap();
    assert_eq!(layout.size(), SIZE);
    Arc::new(layout)
}

/// What pages hold.
pub fn layout() -> &'static Arc<StructType> {
    static LAYOUT: OnceLock<Arc<StructType>> = OnceLock::new();
    LAYOUT.get_or_init(|| natural(fields(5)))
}

/// One field is longer (in what is padding for the others), so that no page agrees with both.
pub fn other_layout() -> &'static Arc<StructType> {
    static LAYOUT: OnceLock<Arc<StructType>> = OnceLock::new();
    LAYOUT.get_or_init(|| natural(fields(6)))
}

/// The same fields the other way round, as a program may declare them that attaches by name.
pub fn reversed_layout() -> &'static Arc<StructType> {
    static LAYOUT: OnceLock<Arc<StructType>> = OnceLock::new();
    LAYOUT.get_or_init(|| natural(fields(5).into_iter().rev().collect()))
}

pub fn mix(nonce: u64, turn: u64) -> u64 {
    // splitmix64
    let mut z = nonce.wrapping_add(turn).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// The bytes of a value; all of them follow from `nonce`.
pub fn encode(nonce: u64) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[0] = mix(nonce, 100) as u8;
    bytes[8..16].copy_from_slice(&nonce.to_le_bytes());
    for (turn, word) in bytes[16..112].chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&mix(nonce, turn as u64).to_le_bytes());
    }
    bytes[112..117].copy_from_slice(&mix(nonce, 200).to_le_bytes()[..5]);
    bytes
}

/// The nonce of a value, which must be whole.
pub fn decode(bytes: &[u8]) -> u64 {
    let nonce = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    assert!(bytes == encode(nonce), "TORN: {bytes:02x?}");
    nonce
}

/// A version and the nonce of its value; `None`: no value yet.
pub type Seen = Option<(u64, u64)>;

/// Reads a value, which must be whole.
pub fn read(reader: &RawReader) -> Result<Seen> {
    let mut bytes = [0xaa; SIZE];
    // SAFETY: `bytes` has the layout's size.
    let meta = unsafe { reader.read(bytes.as_mut_ptr()) }?;
    Ok(meta.map(|meta| (meta.version, decode(&bytes))))
}

pub fn wait_changed(reader: &RawReader, since: u64, limit: Duration) -> Result<(u64, u64)> {
    let mut bytes = [0xaa; SIZE];
    // SAFETY: `bytes` has the layout's size.
    let meta = unsafe { reader.wait_changed(since, Some(limit), bytes.as_mut_ptr()) }?;
    Ok((meta.version, decode(&bytes)))
}

pub fn write(writer: &mut RawWriter, nonce: u64) -> Result<u64> {
    let bytes = encode(nonce);
    // SAFETY: `bytes` are a value of the layout.
    unsafe { writer.write(bytes.as_ptr()) }
}

/// By a writer that has the fields the other way round.
pub fn write_reversed(writer: &mut RawWriter, nonce: u64) -> Result<u64> {
    let (from, mut bytes) = (encode(nonce), [0; SIZE]);
    for field in reversed_layout().fields() {
        let there = layout().field(&field.name).unwrap().offset;
        let len = field.ty.size();
        bytes[field.offset..][..len].copy_from_slice(&from[there..][..len]);
    }
    // SAFETY: `bytes` are a value of the layout.
    unsafe { writer.write(bytes.as_ptr()) }
}

/// Fills the slot in place, in an order and in pieces that no copy would have.
pub fn write_with(writer: &mut RawWriter, nonce: u64) -> Result<u64> {
    let bytes = encode(nonce);
    writer.write_with(&mut |slot| {
        slot.write_at(57, &bytes[57..])?;
        slot.write_at(0, &bytes[..57])
    })
}

/// Gives the value the nonce that `next` makes of the old one.
pub fn update(writer: &mut RawWriter, mut next: impl FnMut(u64) -> u64) -> Result<u64> {
    let mut scratch = [0u8; SIZE];
    // SAFETY: `scratch` has the layout's size and is only used by `update`, which fills it before
    // it hands it over; all of it is written anew.
    unsafe {
        writer.update(scratch.as_mut_ptr(), &mut |bytes| {
            let bytes = std::slice::from_raw_parts_mut(bytes, SIZE);
            let old = decode(bytes);
            bytes.copy_from_slice(&encode(next(old)));
            Ok(())
        })
    }
}

/// Where the pages of this user are.
pub fn directory() -> PathBuf {
    PathBuf::from(format!("/dev/shm/crosspage-{}", sys::uid()))
}

/// Where the `file:` pages of these tests are.
pub fn files() -> PathBuf {
    PathBuf::from(format!("/dev/shm/crash-{}", std::process::id()))
}

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
}

impl Kind {
    fn new(name: &'static str, slots: usize, set: impl FnOnce(&mut Options)) -> Kind {
        let mut options = Options::default();
        options.max_participants = Some(4);
        set(&mut options);
        Kind {
            name,
            locator: "page".into(),
            options,
            slots,
        }
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
        kind.locator = format!("file:{}/x.page", files().display());
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

    fn pins(&self) -> usize {
        self.options.max_pins.unwrap_or(0) as usize
    }

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

    /// Overwrites a word of the header's dynamic part.
    pub fn set_word(&self, offset: u64, word: u64) {
        let file = std::fs::File::options()
            .write(true)
            .open(self.path())
            .unwrap();
        file.write_all_at(&word.to_le_bytes(), offset).unwrap();
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
        assert_eq!(participants.len(), 4);

        let in_use = crosspage::remove(&kind.locator, false).unwrap_err();
        assert!(in_use.is_in_use(), "{in_use}");
        drop((fresh, successor, more, self));
        if kind.options.lifetime != Some(Lifetime::WhileUsed) {
            let left = registry::inspect(&kind.locator).unwrap();
            assert_eq!(left.version, seen.map(|(version, _)| version));
            assert_eq!(left.participants, []);
            crosspage::remove(&kind.locator, false).unwrap();
        }
        clean();
    }
}

/// Collects garbage; then nothing of these tests is there any more.
pub fn clean() {
    let mut left = Vec::new();
    // Once, unless other processes share this directory: then they may be making pages just now.
    sys::wait_until(Duration::from_secs(1), || {
        crosspage::gc(false).unwrap();
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
