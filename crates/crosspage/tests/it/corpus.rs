//! Replays what the fuzzers have found worth keeping.

#[path = "../../../../fuzz/src/lib.rs"]
mod checks;

use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let files = std::fs::read_dir(&dir).unwrap();
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // So that a failure names the input.
        println!("{}", path.display());
        check(&bytes);
        count += 1;
    }
    assert!(count > 0, "no corpus in {}", dir.display());
}

#[test]
fn descriptors() {
    replay("descriptor", checks::fuzz_descriptor);
}

#[test]
fn pages() {
    replay("page", checks::page::fuzz_page);
}

#[test]
fn schemas() {
    replay("schema", checks::fuzz_schema);
}
