//! Pages of a pattern that carries no layout and grows: `latest` does neither.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::extents::EXTENT;
use super::*;
use crate::atomic::AtomicU64;
use crate::layout::{Field, Scalar, Type};
use crate::testing;

const AREA: u64 = 8192;

const fn pattern(has_layout: bool) -> Pattern {
    Pattern {
        // No pattern of the library has this number.
        id: 0x7e57,
        name: "test",
        roles: &["one", "other"],
        lifetime: Lifetime::Keep,
        has_layout,
        check: |facts, _| match facts.area.len {
            AREA => Ok(()),
            other => Err(format!("an area of {other} bytes")),
        },
        limit: |_, _| None,
        heal: |_, _| {},
        recover: |_| {},
    }
}

static BARE: Pattern = pattern(false);
static LAID_OUT: Pattern = pattern(true);

static LAYOUT: LazyLock<Arc<StructType>> = LazyLock::new(|| {
    let field = Field {
        name: "a".into(),
        ty: Type::Scalar(Scalar::U64),
        offset: 0,
        unit: None,
        doc: None,
    };
    Arc::new(StructType::natural("Value", vec![field], None).unwrap())
});

fn attach_with(pattern: &'static Pattern, intent: Intent, terms: &Terms) -> Result<Page> {
    Page::attach(&Request {
        locator: &"grows".parse()?,
        pattern,
        role: 1,
        intent,
        terms,
        layout: pattern.has_layout.then_some(&*LAYOUT),
        timeout: Some(Duration::ZERO),
        design: &|layout| {
            assert_eq!(layout.is_some(), pattern.has_layout);
            Ok(Design {
                parameters: [0; 8],
                area: AREA,
            })
        },
        contradictions: &|_| Vec::new(),
    })
}

fn attach(pattern: &'static Pattern, intent: Intent) -> Result<Page> {
    attach_with(pattern, intent, &Terms::default())
}

fn grow(page: &Page, at: u64, len: u64) -> Result<()> {
    let _registration = page.register(deadline_of(Some(Duration::ZERO)))?;
    page.check_stands()?;
    page.extend(at, len)
}

fn words(mapping: &Mapping) -> &[AtomicU64] {
    // SAFETY: all of the mapping, which begins at a multiple of the system's page.
    unsafe { mapping.slice(0, mapping.len() / 8) }
}

#[test]
fn a_page_without_a_layout() {
    let _namespace = testing::namespace();
    let made = attach(&BARE, Intent::Attach).unwrap();
    let facts = made.facts();
    assert_eq!(facts.layout.len, 0);
    // Header, 128 participants, and the area right behind them.
    assert_eq!((facts.area.offset, facts.area.len), (8192, AREA));
    assert_eq!(facts.total, 16 << 10);
    for intent in [Intent::Attach, Intent::Open, Intent::Create] {
        let joined = attach(&BARE, intent).unwrap();
        assert_eq!(joined.facts(), made.facts());
        assert!(joined.layout().is_none() && joined.agreement().is_none());
    }
    assert_eq!(made.area().1 as u64, AREA);
    let info = crate::registry::info(&made);
    assert!(info.layout.is_none() && info.version.is_none());
    assert_eq!(info.size, 16 << 10);
    grow(&made, made.extents_start(), EXTENT).unwrap();
    assert_eq!(crate::registry::info(&made).size, 128 << 10);
}

#[test]
fn a_layout_too_many_or_too_few_is_damage() {
    for (maker, joiner, what) in [
        (&BARE, &LAID_OUT, "it has no layout, and test needs one"),
        (&LAID_OUT, &BARE, "it has a layout, and test has none"),
    ] {
        let _namespace = testing::namespace();
        let made = attach(maker, Intent::Attach).unwrap();
        assert_eq!(made.layout(), maker.has_layout.then_some(&*LAYOUT));
        let error = attach(joiner, Intent::Open).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn a_layout_is_needed_where_the_pattern_has_one() {
    let _namespace = testing::namespace();
    let error = Page::attach(&Request {
        locator: &"grows".parse().unwrap(),
        pattern: &LAID_OUT,
        role: 1,
        intent: Intent::Attach,
        terms: &Terms::default(),
        layout: None,
        timeout: Some(Duration::ZERO),
        design: &|_| unreachable!("not asked without a layout"),
        contradictions: &|_| Vec::new(),
    })
    .unwrap_err();
    assert!(error.is_invalid(), "{error}");
}

#[test]
fn handles_see_each_others_extents() {
    let _namespace = testing::namespace();
    let one = attach(&BARE, Intent::Attach).unwrap();
    let other = attach(&BARE, Intent::Open).unwrap();
    let start = one.extents_start();
    assert!(start >= one.facts().total && start.is_multiple_of(EXTENT));
    assert_eq!(one.file_size().unwrap(), one.facts().total);

    grow(&one, start, 2 * EXTENT).unwrap();
    let first = one.map_extent(start, 2 * EXTENT).unwrap();
    assert!(words(&first).iter().all(|w| w.load(Ordering::Relaxed) == 0));
    words(&first)[3].store(7, Ordering::Relaxed);
    let last = words(&first).len() - 1;
    words(&first)[last].store(8, Ordering::Relaxed);

    // The other handle appends while the first is mapped.
    let next = start + 2 * EXTENT;
    grow(&other, next, EXTENT).unwrap();
    let seen = other.map_extent(start, 2 * EXTENT).unwrap();
    assert_eq!(words(&seen)[3].load(Ordering::Relaxed), 7);
    assert_eq!(words(&seen)[last].load(Ordering::Relaxed), 8);
    let second = other.map_extent(next, EXTENT).unwrap();
    words(&second)[0].store(9, Ordering::Relaxed);
    // One handle's mapping of all is the bytes of both.
    let whole = one.map_extent(start, 3 * EXTENT).unwrap();
    assert_eq!(words(&whole)[last].load(Ordering::Relaxed), 8);
    assert_eq!(words(&whole)[last + 1].load(Ordering::Relaxed), 9);
    assert_eq!(one.file_size().unwrap(), next + EXTENT);

    // What is asked for again is there already: nothing is cut, nothing is cleared.
    grow(&one, start, EXTENT).unwrap();
    assert_eq!(one.file_size().unwrap(), next + EXTENT);
    assert_eq!(words(&seen)[3].load(Ordering::Relaxed), 7);

    // Mappings are the extents' own: they outlive the handle.
    drop((one, other));
    assert_eq!(words(&second)[0].load(Ordering::Relaxed), 9);
    let late = attach(&BARE, Intent::Open).unwrap();
    let late = late.map_extent(next, EXTENT).unwrap();
    assert_eq!(words(&late)[0].load(Ordering::Relaxed), 9);
}

#[test]
fn extents_that_are_not_there_are_damage() {
    let _namespace = testing::namespace();
    let page = attach(&BARE, Intent::Attach).unwrap();
    let start = page.extents_start();
    let refused = |at, len, what: &str| {
        let error = page.map_extent(at, len).unwrap_err();
        assert!(error.is_corrupt(), "{at} {len}: {error}");
        assert!(error.to_string().contains(what), "{at} {len}: {error}");
    };
    refused(start, EXTENT, "its file has 16384");
    grow(&page, start, EXTENT).unwrap();
    page.map_extent(start, EXTENT).unwrap();
    refused(start, EXTENT + 1, "its file has 131072");
    refused(start + EXTENT, EXTENT, "its file has 131072");
    refused(start + 4096, 4096, "no multiple of 65536");
    refused(0, EXTENT, "inside the first 16384 bytes");
    refused(start, 0, "an extent of 0 bytes");
    refused(u64::MAX - EXTENT + 1, EXTENT, "an extent of 65536 bytes");
    refused(start, u64::MAX, "an extent of 18446744073709551615 bytes");
    refused(start, header::MAX_TOTAL, "an extent of 70368744177664");
    // The same numbers make no file grow.
    for (at, len) in [(0, EXTENT), (start + 1, 1), (start, 0), (start, u64::MAX)] {
        assert!(page.extend(at, len).unwrap_err().is_corrupt());
    }
    assert_eq!(page.file_size().unwrap(), start + EXTENT);
}

#[test]
fn extents_of_read_only_handles_are_read_only() {
    let _namespace = testing::namespace();
    let page = attach(&BARE, Intent::Attach).unwrap();
    let start = page.extents_start();
    grow(&page, start, EXTENT).unwrap();
    let terms = Terms {
        read_only: true,
        ..Terms::default()
    };
    let reader = attach_with(&BARE, Intent::Open, &terms).unwrap();
    assert!(page.map_extent(start, EXTENT).unwrap().writable());
    assert!(!reader.map_extent(start, EXTENT).unwrap().writable());
    assert!(reader.extend(start + EXTENT, EXTENT).is_err());
}

#[test]
fn a_removed_page_does_not_stand() {
    let _namespace = testing::namespace();
    let page = attach(&BARE, Intent::Attach).unwrap();
    assert!(page.check_stands().is_ok());
    // No library knows this pattern, so only the name goes, which an open file of Wine's does not tell.
    if cfg!(windows) {
        println!("not on Windows: whether a file has lost its name is not seen under Wine");
        return;
    }
    Page::remove_file(&page.place.path);
    let error = grow(&page, page.extents_start(), EXTENT).unwrap_err();
    assert!(error.is_replaced(), "{error}");
}
