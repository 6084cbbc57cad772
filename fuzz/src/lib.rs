//! What must hold for any bytes. The fuzz targets call these, and so does a test that replays the
//! corpora; this file depends on nothing but crosspage's public interface.

pub mod page;

use crosspage::Match;
use crosspage::layout::schema::Schema;
use crosspage::layout::value::{read_struct, struct_from_json, to_json};
use crosspage::layout::{Plan, StructType, Type, WordOp, compare};

/// Any bytes are a layout or an error; a layout holds everything that the library relies on.
pub fn fuzz_descriptor(bytes: &[u8]) {
    read_descriptor(bytes);
    // The length is in the header, which a fuzzer that adds and drops bytes rarely gets right.
    if bytes.len() >= 32 {
        let mut bytes = bytes.to_vec();
        let total = bytes.len() as u32;
        bytes[8..12].copy_from_slice(&total.to_le_bytes());
        read_descriptor(&bytes);
    }
}

fn read_descriptor(bytes: &[u8]) {
    match StructType::decode(bytes) {
        Ok(st) => check_layout(&st, bytes),
        Err(e) => assert!(e.is_corrupt(), "{e}"),
    }
}

/// Any text is a schema or an error with file and line.
pub fn fuzz_schema(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Schema::parse(text, "fuzz.toml") {
        Ok(schema) => {
            let names: Vec<&str> = schema.names().collect();
            for name in names {
                check_layout(&schema.get(name).expect("a name that it lists"), bytes);
            }
            let _ = schema.get("no such struct");
        }
        Err(e) => {
            assert!(e.is_invalid(), "{e}");
            let rest = e.message().strip_prefix("fuzz.toml:").expect("the file");
            let line: usize = rest
                .split(':')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a line");
            assert!(line >= 1 && line <= text.lines().count().max(1) + 1, "{e}");
        }
    }
}

fn check_layout(st: &StructType, noise: &[u8]) {
    let encoded = st.encode();
    let again = StructType::decode(&encoded).expect("what was just encoded");
    assert_eq!(again, *st);
    assert_eq!(again.canonical(), st.canonical());
    assert!(
        compare(st, &again, Match::Exact)
            .expect("the same layout")
            .is_empty()
    );
    let mut end = 0;
    for field in st.fields() {
        assert!(field.offset >= end && field.offset + field.ty.size() <= st.size());
        end = field.offset + field.ty.size();
        let (offset, ty) = st.resolve(&field.name).expect("a field's name");
        assert_eq!((offset, ty), (field.offset, &field.ty));
        assert!(!format!("{ty}").is_empty());
    }
    let plan = Plan::new(st, st, Match::Exact).expect("the same layout");
    check_plan(&plan, st.size());
    if st.size() <= 1 << 12 {
        check_values(st, &plan, noise);
    }
    // Against a packed sibling: other offsets, the same fields.
    let packed = StructType::natural(st.name(), st.fields().to_vec(), Some(1)).expect("packed");
    if let Err(differences) = compare(st, &packed, Match::Exact) {
        assert!(!differences.is_empty());
    }
    let by_name = Plan::new(st, &packed, Match::Name).expect("the same fields");
    for block in by_name.runs().take(1000) {
        for run in block.ops {
            assert!(block.page + run.page + run.len <= st.size());
            assert!(block.here + run.here + run.len <= packed.size());
        }
    }
}

/// Operations stay inside, in order and apart from each other.
fn check_plan(plan: &Plan, size: usize) {
    let mut end = 0;
    for block in plan.runs().take(1000) {
        for run in block.ops {
            let start = block.here + run.here;
            assert!(start >= end && run.len > 0);
            end = start + run.len;
            assert!(end <= size);
        }
    }
    let mut end = 0;
    for block in plan.words().take(1000) {
        assert_eq!(block.page, block.here);
        for op in block.ops {
            let (offset, len) = match *op {
                WordOp::Bulk { offset, len } => (offset, len),
                WordOp::Partial { offset, mask } => {
                    assert!(mask != 0);
                    (offset, 8)
                }
            };
            let start = block.page + offset;
            assert!(start % 8 == 0 && len % 8 == 0 && len > 0 && start >= end);
            end = start + len;
            assert!(end <= size.next_multiple_of(8));
        }
    }
}

fn check_values(st: &StructType, plan: &Plan, noise: &[u8]) {
    let mut bytes = vec![0; st.size()];
    if !noise.is_empty() {
        bytes
            .iter_mut()
            .zip(noise.iter().cycle())
            .for_each(|(to, from)| *to = *from);
    }
    let before = to_json(&read_struct(st, &bytes));
    plan.normalise(&mut bytes);
    let _ = plan.validate(&bytes);
    let json = to_json(&read_struct(st, &bytes));
    assert_eq!(json, before, "normalising changed a value");
    let value = struct_from_json(st, &json).expect("what was just printed");
    assert_eq!(to_json(&value), json);
    let ty = Type::Struct(std::sync::Arc::new(st.clone()));
    if st.tail().is_none() {
        let mut written = vec![0; st.size()];
        // A text may have grown when what is not UTF-8 in it was replaced.
        if crosspage::layout::value::write(&ty, &mut written, &value).is_ok() {
            assert_eq!(to_json(&read_struct(st, &written)), json);
        }
    }
    for at in [0, st.size() / 2, st.size() - 1] {
        if let Some(path) = st.path_at(at) {
            let (offset, ty) = st.resolve(&path).expect("a path that it gave");
            assert!(offset <= at && at < offset + ty.size());
        }
    }
}
