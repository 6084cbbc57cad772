//! The first 4 KiB of a page. docs/layout.md is normative; the constants here are its copy.
//!
//! The static part is written before the page gets its name and never again, and is covered by a
//! checksum. It is parsed from a private copy, once, and only the parsed [`Facts`] are used.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, ErrorKind, Result};
use crate::locator::{MAX_NAME, MAX_NAMESPACE};

pub(crate) const MAGIC: [u8; 8] = *b"CROSSPG\x01";
/// Reads as this number on a little-endian machine only.
const BYTE_ORDER: u32 = 0x0102_0304;
/// The format's version.
pub(crate) const VERSION: u32 = 1;
/// Areas begin at multiples of this.
pub(crate) const AREA: u64 = 4096;
/// Bytes of a header.
pub(crate) const HEADER: usize = 4096;
/// Bytes of one participant record.
pub(crate) const RECORD: u64 = 32;
/// The most participants a page can have: indices are 16 bits, minus room for marks.
pub(crate) const MAX_PARTICIPANTS: u32 = 4096;
/// The most bytes a page can have, with all by which it has grown.
pub(crate) const MAX_TOTAL: u64 = 1 << 46;
/// The longest layout descriptor.
const MAX_LAYOUT: u64 = 1 << 20;

/// Offsets of the words that change while the page lives.
pub(crate) mod dynamic {
    /// See [`super::State`].
    pub(crate) const STATE: usize = 1024;
    /// The boot during which the dynamic areas were last written, two words.
    pub(crate) const BOOT: usize = 1032;
}

const CHECKSUM_AT: usize = 1016;

/// The word at [`dynamic::STATE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum State {
    /// Under its temporary name only.
    Initialising = 0,
    Ready = 1,
    /// A new page is about to take the name. The name decides: if it still leads here, the replacer
    /// died and the page is ready; if not, the page is replaced.
    Replacing = 2,
    Replaced = 3,
    Removed = 4,
}

impl State {
    pub(crate) fn from_word(word: u64) -> Option<State> {
        [
            State::Initialising,
            State::Ready,
            State::Replacing,
            State::Replaced,
            State::Removed,
        ]
        .into_iter()
        .find(|state| *state as u64 == word)
    }
}

/// How long a page stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// Until it is removed.
    Keep,
    /// Until the last participant has left (after a kill: until garbage is collected).
    WhileUsed,
}

impl std::fmt::Display for Lifetime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Lifetime::Keep => "keep",
            Lifetime::WhileUsed => "while_used",
        })
    }
}

impl std::str::FromStr for Lifetime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Lifetime> {
        match text {
            "keep" => Ok(Lifetime::Keep),
            "while_used" => Ok(Lifetime::WhileUsed),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("lifetime {text:?}: there are \"keep\" and \"while_used\""),
            )),
        }
    }
}

/// The languages that make and join pages, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Language {
    #[default]
    Rust = 1,
    C = 2,
    Cpp = 3,
    Python = 4,
}

impl Language {
    pub(crate) fn name_of(number: u8) -> &'static str {
        match number {
            1 => "Rust",
            2 => "C",
            3 => "C++",
            4 => "Python",
            _ => "unknown language",
        }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Language::name_of(*self as u8))
    }
}

/// A range of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// The static part of a header, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) pattern: u32,
    pub(crate) total: u64,
    pub(crate) instance: u128,
    pub(crate) created_at: u64,
    pub(crate) creator_pid: u32,
    pub(crate) creator_language: u8,
    pub(crate) lifetime: Lifetime,
    pub(crate) max_participants: u32,
    pub(crate) participants: Range,
    /// Empty where the pattern's pages carry none.
    pub(crate) layout: Range,
    pub(crate) layout_checksum: u64,
    /// What the pattern keeps in the page.
    pub(crate) area: Range,
    /// The pattern's own fixed numbers.
    pub(crate) parameters: [u64; 8],
    /// The page uses features that this library can read past but must not write to.
    pub(crate) read_only: bool,
}

fn align_up(n: u64) -> Option<u64> {
    Some(n.checked_add(AREA - 1)? & !(AREA - 1))
}

/// Places the areas of a page one behind the other.
pub(crate) fn place(
    max_participants: u32,
    layout_len: u64,
    area_len: u64,
) -> Option<(Range, Range, Range, u64)> {
    let participants = Range {
        offset: HEADER as u64,
        len: u64::from(max_participants).checked_mul(RECORD)?,
    };
    let layout = Range {
        offset: align_up(participants.offset.checked_add(participants.len)?)?,
        len: layout_len,
    };
    let area = Range {
        offset: align_up(layout.offset.checked_add(layout.len)?)?,
        len: area_len,
    };
    let total = align_up(area.offset.checked_add(area.len)?)?;
    (total <= MAX_TOTAL).then_some((participants, layout, area, total))
}

struct Put<'a>(&'a mut [u8]);

impl Put<'_> {
    fn bytes(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }
    fn u32(&mut self, at: usize, value: u32) {
        self.bytes(at, &value.to_le_bytes());
    }
    fn u64(&mut self, at: usize, value: u64) {
        self.bytes(at, &value.to_le_bytes());
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

impl Facts {
    /// The static part, the rest zero.
    pub(crate) fn encode(&self) -> Box<[u8; HEADER]> {
        let mut bytes = Box::new([0u8; HEADER]);
        let mut put = Put(&mut bytes[..]);
        put.bytes(0, &MAGIC);
        put.u32(8, BYTE_ORDER);
        put.u32(12, VERSION);
        // 16, 24, 32: incompatible, read-compatible and compatible features; version 1 has none.
        put.u64(40, self.total);
        put.bytes(48, &self.instance.to_le_bytes());
        put.u64(64, self.created_at);
        put.u32(72, self.creator_pid);
        put.u32(76, u32::from(self.creator_language));
        put.u32(80, self.pattern);
        put.u32(
            84,
            match self.lifetime {
                Lifetime::Keep => 0,
                Lifetime::WhileUsed => 1,
            },
        );
        put.u64(88, self.participants.offset);
        put.u32(96, self.max_participants);
        put.u32(100, RECORD as u32);
        put.u64(104, self.layout.offset);
        put.u64(112, self.layout.len);
        put.u64(120, self.layout_checksum);
        put.u64(128, self.area.offset);
        put.u64(136, self.area.len);
        for (i, value) in self.parameters.iter().enumerate() {
            put.u64(144 + 8 * i, *value);
        }
        put.u32(208, self.name.len() as u32);
        put.u32(212, self.namespace.len() as u32);
        put.bytes(256, self.name.as_bytes());
        put.bytes(512, self.namespace.as_bytes());
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..CHECKSUM_AT + 8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Checks a header that was copied out of a file of `file_size` bytes. `shown` names the page in
    /// errors.
    pub(crate) fn decode(bytes: &[u8; HEADER], file_size: u64, shown: &str) -> Result<Facts> {
        let corrupt = |what: String| {
            Error::new(
                ErrorKind::Corrupt,
                format!("page {shown:?} is damaged: {what}"),
            )
        };
        if bytes[..7] != MAGIC[..7] {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "{shown:?} is not a crosspage page: it does not begin with the magic number"
                ),
            ));
        }
        let order = u32_at(bytes, 8);
        if order == BYTE_ORDER.swap_bytes() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "page {shown:?} was made by a big-endian machine; this one is little-endian"
                ),
            ));
        }
        let version = u32_at(bytes, 12);
        if bytes[7] != MAGIC[7] || (order == BYTE_ORDER && version != VERSION) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("page {shown:?} has format version {version}; this library reads version {VERSION}"),
            )
            .with_hint("upgrade the older side, or remove the page and let it be made anew"));
        }
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        let stored = u64_at(bytes, CHECKSUM_AT);
        if order != BYTE_ORDER || checksum != stored {
            return Err(corrupt(format!(
                "its header's checksum is {checksum:#018x}, stored is {stored:#018x}"
            ))
            .with_hint(format!("crosspage rm --force {shown}")));
        }
        // Unknown incompatible features: hands off. Unknown read-compatible ones: reading is safe,
        // writing is not. Unknown compatible ones (at 32) can be ignored.
        let incompatible = u64_at(bytes, 16);
        if incompatible != 0 {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "page {shown:?} uses features {incompatible:#x} that this library does not know"
                ),
            )
            .with_hint("upgrade crosspage on this side"));
        }
        // From here on the checksum held, so these are what a creator wrote; check them all the same.
        let total = u64_at(bytes, 40);
        let text = |at: usize, len_at: usize, max: usize| {
            let len = u32_at(bytes, len_at) as usize;
            if len > max {
                return None;
            }
            std::str::from_utf8(&bytes[at..at + len])
                .ok()
                .map(str::to_owned)
        };
        let lifetime = match u32_at(bytes, 84) {
            0 => Lifetime::Keep,
            1 => Lifetime::WhileUsed,
            other => return Err(corrupt(format!("lifetime {other}"))),
        };
        let facts = Facts {
            name: text(256, 208, MAX_NAME).ok_or_else(|| corrupt("its name".into()))?,
            namespace: text(512, 212, MAX_NAMESPACE)
                .ok_or_else(|| corrupt("its namespace".into()))?,
            pattern: u32_at(bytes, 80),
            total,
            instance: u128::from_le_bytes(bytes[48..64].try_into().expect("sixteen bytes")),
            created_at: u64_at(bytes, 64),
            creator_pid: u32_at(bytes, 72),
            creator_language: u32_at(bytes, 76) as u8,
            lifetime,
            max_participants: u32_at(bytes, 96),
            participants: Range {
                offset: u64_at(bytes, 88),
                len: u64::from(u32_at(bytes, 96)) * u64::from(u32_at(bytes, 100)),
            },
            layout: Range {
                offset: u64_at(bytes, 104),
                len: u64_at(bytes, 112),
            },
            layout_checksum: u64_at(bytes, 120),
            area: Range {
                offset: u64_at(bytes, 128),
                len: u64_at(bytes, 136),
            },
            parameters: std::array::from_fn(|i| u64_at(bytes, 144 + 8 * i)),
            read_only: u64_at(bytes, 24) != 0,
        };
        if u32_at(bytes, 100) as u64 != RECORD
            || facts.max_participants == 0
            || facts.max_participants > MAX_PARTICIPANTS
            || facts.layout.len > MAX_LAYOUT
            || place(facts.max_participants, facts.layout.len, facts.area.len)
                != Some((facts.participants, facts.layout, facts.area, total))
        {
            return Err(corrupt(
                "its areas do not lie where the format puts them".into(),
            ));
        }
        if file_size < total {
            return Err(corrupt(format!(
                "its file has {file_size} bytes, its header says {total}"
            ))
            .with_hint(format!("the file was cut; crosspage rm --force {shown}")));
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let (participants, layout, area, total) = place(128, 600, 4000).unwrap();
        Facts {
            name: "robot1/arm".into(),
            namespace: "test".into(),
            pattern: 1,
            total,
            instance: 0x1234_5678_9abc_def0_1111_2222_3333_4444,
            created_at: 1,
            creator_pid: 4242,
            creator_language: Language::Rust as u8,
            lifetime: Lifetime::WhileUsed,
            max_participants: 128,
            participants,
            layout,
            layout_checksum: 7,
            area,
            parameters: [1, 2, 3, 4, 5, 6, 7, 8],
            read_only: false,
        }
    }

    #[test]
    fn round_trip() {
        let facts = facts();
        assert_eq!(facts.total, 16 << 10, "a minimal page is 16 KiB");
        assert_eq!(
            Facts::decode(&facts.encode(), facts.total, "x").unwrap(),
            facts
        );
    }

    #[test]
    fn any_flipped_byte_is_an_error() {
        let facts = facts();
        let good = facts.encode();
        for at in 0..CHECKSUM_AT + 8 {
            for bit in [0x01, 0x80] {
                let mut bytes = good.clone();
                bytes[at] ^= bit;
                let error =
                    Facts::decode(&bytes, facts.total, "telemetry").expect_err("a flipped byte");
                assert!(
                    error.is_corrupt() || error.is_unsupported(),
                    "byte {at}: {error}"
                );
                assert!(error.to_string().contains("telemetry"));
            }
        }
    }

    #[test]
    fn a_cut_file_and_another_byte_order_are_named() {
        let facts = facts();
        let error = Facts::decode(&facts.encode(), facts.total - 1, "x").unwrap_err();
        assert!(
            error.is_corrupt() && error.to_string().contains("16383 bytes"),
            "{error}"
        );
        let mut bytes = facts.encode();
        bytes[8..12].reverse();
        let error = Facts::decode(&bytes, facts.total, "x").unwrap_err();
        assert!(
            error.is_unsupported() && error.to_string().contains("big-endian"),
            "{error}"
        );
    }
}
