//! Layouts learned from the debug information of compiled programs: ELF and PE with DWARF.
//!
//! The file is input like any other, so nothing in it is trusted: every walk here is bounded by the
//! file's own size or by a cap, and what is broken is an error.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use gimli::{EndianSlice, LittleEndian, SectionId};
use object::{BinaryFormat, Object, ObjectKind, ObjectSection, ObjectSymbol, ReadCache, ReadRef};

use super::StructType;
use crate::{Error, ErrorKind, Result};

mod convert;
mod program;

use program::Program;

/// The largest file, and the most that its debug sections may unpack to.
const MAX_FILE: u64 = 1 << 30;

/// A layout and where it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub layout: StructType,
    /// `DWARF 5, GNU C++17 12.2.0`.
    pub compiled: String,
}

/// The struct called `name` in a compiled program, library or object file.
pub(super) fn learn(path: &Path, name: &str) -> Result<Found> {
    with_program(path, |program| program.find(path, name))
}

/// The type of a variable in the object file of a probe for `header`; its alignment is the length of
/// the array `VARIABLE_align`.
pub(super) fn learn_probe(
    object: &Path,
    variable: &str,
    header: &Path,
    name: &str,
) -> Result<Found> {
    with_program(object, |program| program.variable(header, variable, name))
}

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// Opens the file that has the debug information of `path`, and hands it to `then`.
fn with_program<T>(path: &Path, then: impl FnOnce(&Program<'_>) -> Result<T>) -> Result<T> {
    match read(path, then)? {
        Ok(done) => Ok(done),
        Err((then, without)) => match without.places.iter().find(|place| place.is_it()) {
            Some(place) => {
                read(&place.path, then)?.map_err(|(_, without)| without.error(&place.path))
            }
            None => Err(without.error(path)),
        },
    }
}

/// A program without DWARF.
struct Without {
    stripped: bool,
    /// Where it may lie instead.
    places: Vec<Place>,
}

/// A file that has the debug information of a stripped program.
struct Place {
    path: PathBuf,
    /// Its CRC-32, where the program says it; by a build id it needs none.
    sum: Option<u32>,
}

impl Place {
    fn is_it(&self) -> bool {
        match self.sum {
            _ if !self.path.is_file() => false,
            Some(sum) => crc32(&self.path).is_ok_and(|found| found == sum),
            None => true,
        }
    }
}

/// `Err` gives `then` back where the file has no DWARF.
fn read<T, F>(path: &Path, then: F) -> Result<Result<T, (F, Without)>>
where
    F: FnOnce(&Program<'_>) -> Result<T>,
{
    let os = |e| Error::os(format!("cannot read {}", path.display()), &e);
    let size = std::fs::metadata(path).map_err(os)?.len();
    if size > MAX_FILE {
        let message = format!(
            "{} has {size} bytes; debug information is read from files of up to {MAX_FILE}",
            path.display()
        );
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    let cache = ReadCache::new(File::open(path).map_err(os)?);
    let object = object::File::parse(&cache).map_err(|e| unreadable(path, e))?;
    if !object.is_little_endian() {
        let message = format!(
            "{} is a program for a big-endian machine; layouts are little-endian",
            path.display()
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    if object.section_by_name(".debug_info").is_none() {
        let without = Without {
            stripped: object.symbols().next().is_none(),
            places: separate_files(path, &object),
        };
        return Ok(Err((then, without)));
    }
    let mut budget = MAX_FILE;
    let mut load = |id: SectionId| section(&object, id, &mut budget);
    let sections = gimli::DwarfSections::load(&mut load).map_err(|e| unreadable(path, e))?;
    let mut dwarf = sections.borrow(|bytes| EndianSlice::new(bytes, LittleEndian));
    // Units that share their abbreviations, as in a hostile file a million may, parse them once.
    dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    let natural = match (object.format(), object.architecture()) {
        // There a double is aligned to 4 in a struct.
        (BinaryFormat::Elf, object::Architecture::I386) => 4,
        _ => 8,
    };
    let program = Program::new(dwarf, natural).map_err(|e| unreadable(path, e))?;
    then(&program).map(Ok)
}

/// The bytes of a section that types are described in; of others nothing.
fn section<'d, R: ReadRef<'d>>(
    object: &object::File<'d, R>,
    id: SectionId,
    budget: &mut u64,
) -> Result<Cow<'d, [u8]>, String> {
    let wanted = matches!(
        id,
        SectionId::DebugInfo
            | SectionId::DebugAbbrev
            | SectionId::DebugStr
            | SectionId::DebugLineStr
            | SectionId::DebugStrOffsets
            | SectionId::DebugTypes
    );
    let Some(section) = object.section_by_name(id.name()).filter(|_| wanted) else {
        return Ok(Cow::Borrowed(&[]));
    };
    let data = section.compressed_data().map_err(|e| e.to_string())?;
    *budget = budget
        .checked_sub(data.uncompressed_size)
        .ok_or_else(|| format!("it unpacks to more than {MAX_FILE} bytes"))?;
    let mut bytes = data.decompress().map_err(|e| e.to_string())?;
    if object.kind() == ObjectKind::Relocatable && object.format() == BinaryFormat::Elf {
        relocate(object, &section, bytes.to_mut());
    }
    Ok(bytes)
}

/// Sections of an ELF object file refer to each other by relocations that its linker applies. (In
/// COFF the bytes hold the offset already.) What is no plain offset is an address, which types do
/// not need.
fn relocate<'d, R: ReadRef<'d>>(
    object: &object::File<'d, R>,
    section: &object::Section<'d, '_, R>,
    bytes: &mut [u8],
) {
    for (offset, relocation) in section.relocations() {
        let object::RelocationTarget::Symbol(symbol) = relocation.target() else {
            continue;
        };
        let Ok(symbol) = object.symbol_by_index(symbol) else {
            continue;
        };
        if relocation.kind() != object::RelocationKind::Absolute {
            continue;
        }
        let size = usize::from(relocation.size() / 8);
        let Some(at) = usize::try_from(offset)
            .ok()
            .and_then(|at| bytes.get_mut(at..)?.get_mut(..size))
            .filter(|at| at.len() <= 8)
        else {
            continue;
        };
        let mut value = [0; 8];
        value[..size].copy_from_slice(at);
        let mut sum = (relocation.addend() as u64).wrapping_add(symbol.address());
        if relocation.has_implicit_addend() {
            sum = sum.wrapping_add(u64::from_le_bytes(value));
        }
        at.copy_from_slice(&sum.to_le_bytes()[..size]);
    }
}

/// Where the debug information of a stripped program may lie: by its name, beside it or in
/// `.debug`, or by its build id.
fn separate_files<'d, R: ReadRef<'d>>(path: &Path, object: &object::File<'d, R>) -> Vec<Place> {
    let mut places = Vec::new();
    let dir = path.parent().unwrap_or(Path::new(""));
    if let Ok(Some((name, sum))) = object.gnu_debuglink()
        && let Ok(name) = std::str::from_utf8(name)
        && Path::new(name).file_name() == Some(name.as_ref())
    {
        for path in [dir.join(name), dir.join(".debug").join(name)] {
            let sum = Some(sum);
            places.push(Place { path, sum });
        }
    }
    if let Ok(Some(&[first, ref rest @ ..])) = object.build_id()
        && (1..=64).contains(&rest.len())
    {
        let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("/usr/lib/debug/.build-id/{first:02x}/{rest}.debug").into();
        places.push(Place { path, sum: None });
    }
    places
}

/// The sum by which a stripped program knows its debug information: gzip's CRC-32.
fn crc32(path: &Path) -> std::io::Result<u32> {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut sum = i as u32;
            let mut bit = 0;
            while bit < 8 {
                sum = (sum >> 1) ^ (0xedb8_8320 * (sum & 1));
                bit += 1;
            }
            table[i] = sum;
            i += 1;
        }
        table
    };
    let mut file = File::open(path)?.take(MAX_FILE);
    let mut buffer = vec![0; 1 << 16];
    let mut sum = u32::MAX;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(!sum);
        }
        for byte in &buffer[..n] {
            sum = (sum >> 8) ^ TABLE[usize::from(sum as u8 ^ byte)];
        }
    }
}

fn unreadable(path: &Path, what: impl std::fmt::Display) -> Error {
    let message = format!(
        "cannot read the debug information of {}: {what}",
        path.display()
    );
    Error::new(ErrorKind::Corrupt, message)
}

impl Without {
    fn error(&self, path: &Path) -> Error {
        let shown = path.display();
        let message = match self.stripped {
            false => format!("{shown} has no debug information (DWARF)"),
            true => {
                let places: Vec<_> = self
                    .places
                    .iter()
                    .map(|p| p.path.display().to_string())
                    .collect();
                let elsewhere = match places.is_empty() {
                    true => String::new(),
                    false => format!(", and what belongs to it is not at {}", places.join(" or ")),
                };
                format!("{shown} is stripped: it has no debug information (DWARF){elsewhere}")
            }
        };
        let hint = match self.stripped {
            false => "compile with -g; or name the header that declares the struct: PATH.h#TYPE",
            true => {
                "name the program as it was before it was stripped, compiled with -g; or the header \
                 that declares the struct: PATH.h#TYPE"
            }
        };
        Error::new(ErrorKind::NotFound, message).with_hint(hint)
    }
}
