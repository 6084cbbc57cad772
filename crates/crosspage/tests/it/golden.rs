//! The bytes of a page do not drift: a page that was frozen once is read for ever, and a page made now
//! has the same bytes.

use std::path::Path;

use crosspage::latest::{DynReader, Reader, Writer};
use crosspage::{Layout, Text};

/// The original project's struct.
#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
#[allow(non_snake_case)]
struct SharedData {
    processId: i32,
    message: Text<500>,
    dataReady: bool,
    counter: i32,
    /// In the room, not of the processor.
    #[layout(unit = "°C")]
    temperature: f64,
    coordinates: [f32; 3],
    userName: Text<50>,
    #[layout(unit = "ms")]
    timestamp: i64,
    dataArray: [i32; 10],
}

/// The golden record, as every language's test has it.
fn golden() -> SharedData {
    SharedData {
        processId: 4242,
        message: Text::new("Grüße, 世界").unwrap(),
        dataReady: true,
        counter: 42,
        temperature: 23.5,
        coordinates: [10.5, 20.3, 30.8],
        userName: Text::new("Zoë").unwrap(),
        timestamp: 1_763_800_000_000,
        dataArray: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    }
}

fn frozen() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/shared_data.page");
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn page_in(directory: &tempfile::TempDir) -> String {
    format!(
        "file:{}",
        directory.path().join("shared_data.page").display()
    )
}

#[test]
fn the_frozen_page_is_read() {
    let directory = crate::directory();
    std::fs::write(directory.path().join("shared_data.page"), frozen()).unwrap();
    let locator = page_in(&directory);
    for read_only in [true, false] {
        let reader = Reader::<SharedData>::options()
            .read_only(read_only)
            .open(&locator)
            .unwrap();
        let snapshot = reader.read().unwrap().unwrap();
        assert_eq!(
            snapshot.value,
            golden(),
            "of another boot, but its checksum holds"
        );
        assert_eq!(snapshot.version, 3);
        let record = DynReader::open(&locator).unwrap().read().unwrap().unwrap();
        assert_eq!(record.get("coordinates[1]").unwrap().to_string(), "20.3");
    }
    let mut writer = Writer::<SharedData>::create(&locator).unwrap();
    assert_eq!(writer.write(&golden()).unwrap(), 4);
}

/// What differs from page to page: (offset, length).
const VARYING: &[(usize, usize)] = &[
    (48, 16),   // instance
    (64, 8),    // when it was made
    (72, 4),    // pid of its maker
    (1016, 8),  // the header's checksum
    (1032, 16), // boot
    (4096, 32 * 128),
];

#[test]
fn a_page_made_now_has_the_frozen_bytes() {
    let directory = crate::directory();
    let locator = page_in(&directory);
    let mut writer = Writer::<SharedData>::create(&locator).unwrap();
    for _ in 0..3 {
        writer.write(&golden()).unwrap();
    }
    drop(writer);
    let mut now = std::fs::read(directory.path().join("shared_data.page")).unwrap();
    if let Some(path) = std::env::var_os("CROSSPAGE_FREEZE") {
        std::fs::write(path, &now).unwrap();
    }
    let mut then = frozen();
    assert_eq!(now.len(), 16 << 10);
    assert_eq!(then.len(), now.len());
    let area = u64::from_le_bytes(now[128..136].try_into().unwrap()) as usize;
    for bytes in [&mut now, &mut then] {
        for &(offset, len) in VARYING {
            bytes[offset..offset + len].fill(0);
        }
        for slot in 0..4 {
            let header = area + 256 + slot * 768;
            bytes[header + 16..header + 32].fill(0); // when and by whom it was written
        }
    }
    let differing: Vec<_> = (0..now.len()).filter(|&i| now[i] != then[i]).collect();
    assert!(
        differing.is_empty(),
        "the format drifted at bytes {differing:?}"
    );
    // The value where docs/layout.md says it is: version 3 is in slot 2 of a page whose first write
    // went to slot 0.
    let value = area + 256 + 2 * 768 + 64;
    assert_eq!(now[area..area + 8], (3u64 << 8 | 2).to_le_bytes());
    assert_eq!(
        now[value + 584..value + 592],
        1_763_800_000_000i64.to_le_bytes()
    );
    assert_eq!(now[value + 505..value + 508], [0; 3], "padding is zero");
}
