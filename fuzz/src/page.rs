//! What must hold for any bytes in a page's file.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crosspage::latest::{DynReader, Options, RawReader, RawWriter};
use crosspage::layout::Record;
use crosspage::registry;
use xxhash_rust::xxh3::xxh3_64;

/// A page that is as it should be; what the patches are applied to.
const GOOD: &[u8] = include_bytes!("../../crates/crosspage/tests/it/golden/shared_data.page");

/// The first byte says what the rest is: the file itself, or patches to a good page of three bytes each
/// (offset, in an area that the first byte picks, and value), with the checksums made right again or not.
pub fn fuzz_page(input: &[u8]) {
    let Some((&mode, rest)) = input.split_first() else {
        return;
    };
    let mut page = GOOD.to_vec();
    match mode % 4 {
        0 => page = rest.to_vec(),
        1 => page.truncate(
            rest.iter()
                .take(2)
                .fold(0, |n, &byte| n * 256 + usize::from(byte))
                % GOOD.len(),
        ),
        _ => {
            for patch in rest.chunks_exact(3) {
                // Mostly the words that mean something: headers, tables, control words.
                let offset = usize::from(patch[0]) << 8 | usize::from(patch[1]);
                let offset = if mode & 4 == 0 {
                    offset % 1200
                } else {
                    4096 + offset
                };
                if let Some(byte) = page.get_mut(offset) {
                    *byte = patch[2];
                }
            }
            if mode & 8 == 0 {
                mend(&mut page);
            }
        }
    }
    let directory = PathBuf::from(format!("/dev/shm/crosspage-fuzz-{}", std::process::id()));
    let _ = fs::create_dir(&directory);
    let path = directory.join("x.page");
    fs::write(&path, &page).expect("a file in /dev/shm");
    use_page(&format!("file:{}", path.display()));
    let _ = fs::remove_file(&path);
    let _ = fs::remove_dir(&directory);
}

/// Both checksums of the header, so that the fuzzer gets past them.
fn mend(page: &mut [u8]) {
    let word =
        |page: &[u8], at: usize| u64::from_le_bytes(page[at..at + 8].try_into().unwrap()) as usize;
    let (start, len) = (word(page, 104), word(page, 112));
    if let Some(layout) = start.checked_add(len).and_then(|end| page.get(start..end)) {
        let sum = xxh3_64(layout);
        page[120..128].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = xxh3_64(&page[..1016]);
    page[1016..1024].copy_from_slice(&sum.to_le_bytes());
}

/// Everything that can be done with a page is done, or is an error that says why.
fn use_page(locator: &str) {
    let inspected = registry::inspect(locator);
    if let Ok(info) = &inspected {
        assert!(info.size <= GOOD.len() as u64 || info.size % 4096 == 0);
        let _ = info.participants.len();
    }
    let mut read_only = Options::default();
    read_only.read_only = true;
    for options in [&read_only, &Options::default()] {
        match DynReader::open_with(locator, options) {
            Ok(reader) => {
                if let Ok(Some(snapshot)) = reader.read() {
                    let _ = snapshot.record.to_json();
                }
                let _ = reader.wait_changed(u64::MAX, Duration::ZERO);
            }
            Err(e) => assert!(!e.message().is_empty()),
        }
    }
    if let Ok(mut writer) = RawWriter::open(locator, &Options::default()) {
        let layout = writer.layout().clone();
        let value = vec![0u8; layout.size()];
        // SAFETY: `value` has the layout's size and is initialised.
        let written = unsafe { writer.write(value.as_ptr()) };
        let mut scratch = vec![0u8; layout.size()];
        // SAFETY: `scratch` has the layout's size.
        let updated = unsafe { writer.update(scratch.as_mut_ptr(), &mut |_| Ok(())) };
        let reader = RawReader::open(locator, None, &Options::default());
        if let (Ok(version), Ok(_), Ok(reader)) = (written, updated, &reader) {
            let mut copy = vec![0xffu8; layout.size()];
            // SAFETY: `copy` has the layout's size.
            let meta = unsafe { reader.read(copy.as_mut_ptr()) }.expect("what was just written");
            assert!(meta.expect("a value").version >= version);
            // The fields; what a damaged page has in its padding stays there.
            let json = |bytes: Vec<u8>| Record::new(layout.clone(), bytes.into()).to_json();
            assert_eq!(json(copy), json(value));
        }
    }
    let _ = crosspage::remove_forced(locator);
}
