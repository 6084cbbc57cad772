//! Models of whole pages: creation, opening, take-over, replacement, removal, leaving, and the reuse of
//! indices. `page`, `liveness`, `registry` and `latest`'s handles run as they are, on the kernel of
//! [`super::files`].

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use super::actor::{self, explore, kill_everywhere};
use super::files;
use crate::atomic::Ordering;
use crate::atomic::local::AtomicU64;
use crate::error::{ErrorKind, Result};
use crate::latest::cell::{Cell, Geometry};
use crate::latest::{Options, RawReader, RawWriter};
use crate::layout::{Field, Scalar, StructType, Type};
use crate::page::Page;
use crate::{Lifetime, registry};

const PAGE: &str = "telemetry";

fn layout_of(name: &str, fields: [&str; 2]) -> Arc<StructType> {
    let fields = fields.map(|field| Field {
        name: field.into(),
        ty: Type::Scalar(Scalar::U64),
        offset: 0,
        unit: None,
        doc: None,
    });
    Arc::new(StructType::natural(name, fields.into(), None).expect("a layout"))
}

static LAYOUT: LazyLock<Arc<StructType>> = LazyLock::new(|| layout_of("Value", ["a", "b"]));
static OTHER: LazyLock<Arc<StructType>> = LazyLock::new(|| layout_of("Other", ["c", "d"]));

/// Three participants, one writer, no pins, kept.
fn options() -> Options {
    Options {
        max_participants: Some(3),
        ..Options::default()
    }
}

/// The same, and waits for ever for the page to exist.
fn patient() -> Options {
    Options {
        timeout: None,
        ..options()
    }
}

fn while_used() -> Options {
    Options {
        lifetime: Some(Lifetime::WhileUsed),
        ..options()
    }
}

struct Writer(RawWriter);

impl Writer {
    fn create() -> Result<Writer> {
        Ok(Writer(RawWriter::create(PAGE, &LAYOUT, &options())?))
    }

    fn create_other() -> Result<Writer> {
        Ok(Writer(RawWriter::create(PAGE, &OTHER, &options())?))
    }

    fn attach() -> Result<Writer> {
        Ok(Writer(RawWriter::attach(PAGE, &LAYOUT, &options())?))
    }

    fn write(&mut self, value: u64) -> Result<u64> {
        let words = [value, !value];
        // SAFETY: both layouts are two u64, which `words` are.
        unsafe { self.0.write(words.as_ptr().cast()) }
    }
}

struct Reader(RawReader);

impl Reader {
    fn open(options: &Options) -> Result<Reader> {
        Ok(Reader(RawReader::open(PAGE, None, options)?))
    }

    /// Version and value, zeros before the first write.
    fn read(&self) -> Result<(u64, u64)> {
        let mut words = [0u64; 2];
        // SAFETY: both layouts are two u64, for which `words` have room.
        let meta = unsafe { self.0.read(words.as_mut_ptr().cast()) }?;
        Ok(meta.map_or((0, 0), |meta| (meta.version, check(words))))
    }

    fn wait_changed(&self, since: u64) -> Result<(u64, u64)> {
        let mut words = [0u64; 2];
        // SAFETY: as in `read`.
        let meta = unsafe { self.0.wait_changed(since, None, words.as_mut_ptr().cast()) }?;
        Ok((meta.version, check(words)))
    }

    /// To be called when nothing else goes on: the page is the one that has the name, or the handle
    /// says that it no longer is.
    fn check_attached(&self) {
        let named = Page::look(&PAGE.parse().expect("a name"), false);
        let mine = self.0.page().facts().instance;
        let is_named = named.is_ok_and(|page| page.facts().instance == mine);
        match self.read() {
            Ok(_) => assert!(
                is_named,
                "attached to a page without a name, and never told"
            ),
            Err(error) => assert!(error.is_replaced() && !is_named, "{error}"),
        }
    }
}

fn check(words: [u64; 2]) -> u64 {
    assert_eq!(words[1], !words[0], "a torn value");
    words[0]
}

fn names() -> Vec<PathBuf> {
    let directory = files::directory(files::current_uid());
    let names = files::names(&directory).expect("the directory can be listed");
    names.into_iter().map(PathBuf::from).collect()
}

/// Whatever has happened before: the next process finds the page or makes it, goes on from a version
/// that is at least `least`, and garbage collection leaves nothing but the page.
fn the_next_goes_on(least: u64) -> u64 {
    let mut writer = Writer::create().expect("nobody alive is its writer");
    let reader = Reader::open(&options()).expect("it exists");
    let (before, _) = reader.read().expect("it is readable");
    assert!(
        before >= least,
        "version {least} was published, {before} is left"
    );
    assert_eq!(writer.write(900).expect("it is writable"), before + 1);
    assert_eq!(reader.read().expect("it is readable"), (before + 1, 900));
    drop((reader, writer));
    registry::gc().expect("garbage can be collected");
    assert_eq!(names(), [PathBuf::from("telemetry.page")]);
    before
}

fn geometry(writers: usize, pins: usize) -> Geometry {
    Geometry::new(writers, pins, 16).expect("a geometry")
}

fn unless_owned(result: Result<Writer>) -> Option<Writer> {
    match result {
        Ok(writer) => Some(writer),
        Err(error) if error.is_already_owned() => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_maker_dies() {
    kill_everywhere(2, |fate| {
        let victim = fate.spawn(|| {
            let mut writer = Writer::create().expect("nobody else is there");
            writer.write(100).expect("it is writable")
        });
        let least = victim.join().unwrap_or(0);
        the_next_goes_on(least);
    });
}

#[test]
fn a_maker_dies_while_a_reader_waits() {
    kill_everywhere(2, |fate| {
        let victim = fate.spawn(|| {
            let mut writer = Writer::create().expect("nobody else is there");
            writer.write(100).expect("it is writable")
        });
        let reader = actor::spawn(|| {
            let reader = Reader::open(&patient()).expect("it comes");
            let (version, value) = reader.wait_changed(0).expect("a value comes");
            assert_eq!(
                value,
                if version == 1 && value != 900 {
                    100
                } else {
                    900
                }
            );
            reader.check_attached();
        });
        let least = victim.join().unwrap_or(0);
        let mut writer = Writer::create().expect("nobody alive is its writer");
        assert!(writer.write(900).expect("it is writable") > least);
        reader.done();
        drop(writer);
        the_next_goes_on(1);
    });
}

#[test]
fn a_maker_dies_beside_another() {
    kill_everywhere(2, |fate| {
        let make = |value| {
            let mut writer = unless_owned(Writer::attach())?;
            Some(writer.write(value).expect("it is writable"))
        };
        let victim = fate.spawn(move || make(100));
        let other = actor::spawn(move || make(200));
        let one = victim.join().flatten().unwrap_or(0);
        let two = other.done().unwrap_or(0);
        the_next_goes_on(one.max(two));
    });
}

#[test]
fn a_writer_dies_and_another_takes_over() {
    kill_everywhere(2, |fate| {
        drop(Writer::create().and_then(|mut writer| writer.write(50)));
        let reader = Reader::open(&options()).expect("it exists");
        let victim = fate.spawn(|| {
            let mut writer = unless_owned(Writer::create())?;
            Some(writer.write(100).expect("it is writable"))
        });
        let other = actor::spawn(|| {
            let mut writer = unless_owned(Writer::create())?;
            Some(writer.write(200).expect("it is writable"))
        });
        let one = victim.join().flatten().unwrap_or(1);
        let two = other.done().unwrap_or(1);
        reader.check_attached();
        drop(reader);
        the_next_goes_on(one.max(two));
    });
}

#[test]
fn a_replacer_dies() {
    kill_everywhere(2, |fate| {
        drop(Writer::create().and_then(|mut writer| writer.write(50)));
        let old = Reader::open(&options()).expect("it exists");
        let victim = fate.spawn(|| {
            let mut writer = Writer::create_other().expect("nobody writes");
            writer.write(100).expect("it is writable")
        });
        let reader = actor::spawn(|| {
            let reader = Reader::open(&options()).expect("there is always a page");
            let _ = reader.read();
            reader
        });
        victim.join();
        let new = reader.done();
        old.check_attached();
        new.check_attached();
        // The next replaces what is there, or takes it over.
        let mut writer = Writer::create_other().expect("nobody alive is its writer");
        let version = writer.write(200).expect("it is writable");
        assert!(version == 1 || version == 2);
        assert!(old.read().is_err_and(|error| error.is_replaced()));
        new.check_attached();
        drop((writer, old, new));
        the_next_goes_on(0);
    });
}

#[test]
fn two_replace_and_one_dies() {
    kill_everywhere(1, |fate| {
        drop(Writer::create().and_then(|mut writer| writer.write(50)));
        let old = Reader::open(&options()).expect("it exists");
        let replace = |value| {
            let mut writer = unless_owned(Writer::create_other())?;
            Some(writer.write(value).expect("it is writable"))
        };
        let victim = fate.spawn(move || replace(100));
        let other = actor::spawn(move || replace(200));
        victim.join();
        other.done();
        assert!(old.read().is_err_and(|error| error.is_replaced()));
        drop(old);
        let reader = Reader::open(&options()).expect("there is always a page");
        assert!(reader.read().is_ok());
        drop(reader);
        the_next_goes_on(0);
    });
}

#[test]
fn a_remover_dies() {
    kill_everywhere(2, |fate| {
        drop(Writer::create().and_then(|mut writer| writer.write(50)));
        let old = Reader::open(&options()).expect("it exists");
        let victim = fate.spawn(|| registry::remove_forced(PAGE).expect("it exists"));
        let opener = actor::spawn(|| match Reader::open(&options()) {
            Ok(reader) => Some(reader),
            Err(error) if error.is_not_found() => None,
            Err(error) => panic!("{error}"),
        });
        let maker = actor::spawn(|| {
            let mut writer = Writer::attach().expect("nobody else writes");
            match writer.write(200) {
                Ok(version) => assert!(version == 1 || version == 2),
                Err(error) => assert!(error.is_replaced(), "{error}"),
            }
        });
        victim.join();
        maker.join();
        if let Some(reader) = opener.done() {
            reader.check_attached();
        }
        old.check_attached();
        drop(old);
        the_next_goes_on(0);
    });
}

/// A damaged file under the page's name, as `rm --force` removes it.
fn make_damaged() {
    let directory = files::directory(files::current_uid());
    files::make_directory(&directory, files::current_uid()).expect("it can be made");
    let file = files::File::create_new(&directory.join("telemetry.page"), 0o600, false);
    file.expect("it is free")
        .allocate(0, 4096)
        .expect("there is room");
}

#[test]
fn removers_of_a_damaged_file_spare_its_successor() {
    explore(2, || {
        make_damaged();
        let remove = || {
            let removed = registry::remove_forced(PAGE);
            assert!(removed.is_ok() || removed.is_err_and(|error| error.is_not_found()));
        };
        let other = actor::spawn(remove);
        let maker = actor::spawn(|| match Writer::attach() {
            Ok(mut writer) => {
                let written = writer.write(100);
                assert!(written.is_ok() || written.is_err_and(|error| error.is_replaced()));
                Some((writer, Reader::open(&options())))
            }
            Err(error) => {
                assert!(error.is_corrupt(), "{error}");
                None
            }
        });
        remove();
        other.done();
        if let Some((writer, Ok(reader))) = maker.done() {
            reader.check_attached();
            drop(writer);
        }
    });
}

#[test]
fn the_last_to_leave_dies() {
    kill_everywhere(2, |fate| {
        let writer = RawWriter::create(PAGE, &LAYOUT, &while_used()).expect("it is free");
        let victim = fate.spawn(move || {
            files::adopt();
            drop(writer);
        });
        let opener = actor::spawn(|| match Reader::open(&options()) {
            Ok(reader) => Some(reader),
            Err(error) if error.is_not_found() => None,
            Err(error) => panic!("{error}"),
        });
        victim.join();
        if let Some(reader) = opener.done() {
            reader.check_attached();
        }
        registry::gc().expect("garbage can be collected");
        assert!(names().is_empty(), "nobody alive uses it");
    });
}

#[test]
fn two_leave_at_once() {
    explore(2, || {
        let writer = RawWriter::create(PAGE, &LAYOUT, &while_used()).expect("it is free");
        let reader = Reader::open(&options()).expect("it exists");
        let one = actor::spawn(move || drop(writer));
        let two = actor::spawn(move || drop(reader));
        one.done();
        two.done();
        assert!(names().is_empty(), "the last to leave removes it");
    });
}

/// A read-only handle is no participant, and nobody who leaves or removes may forget it.
#[test]
fn an_observer_comes_while_the_last_leaves() {
    explore(2, || {
        let writer = RawWriter::create(PAGE, &LAYOUT, &while_used()).expect("it is free");
        let last = actor::spawn(move || drop(writer));
        let read_only = Options {
            read_only: true,
            ..Options::default()
        };
        match Reader::open(&read_only) {
            Ok(reader) => {
                last.done();
                reader.check_attached();
            }
            Err(error) => assert!(error.is_not_found(), "{error}"),
        }
    });
}

#[test]
fn a_collector_dies_beside_a_maker() {
    kill_everywhere(2, |fate| {
        let victim = fate.spawn(|| registry::gc().expect("garbage can be collected"));
        let mut writer = Writer::create().expect("nobody else is there");
        writer.write(100).expect("it is writable");
        victim.join();
        drop(writer);
        assert_eq!(the_next_goes_on(1), 1);
    });
}

#[test]
fn a_maker_dies_beside_a_collector() {
    kill_everywhere(2, |fate| {
        let victim = fate.spawn(|| {
            let mut writer = Writer::create().expect("nobody else is there");
            writer.write(100).expect("it is writable")
        });
        registry::gc().expect("garbage can be collected");
        let least = victim.join().unwrap_or(0);
        the_next_goes_on(least);
    });
}

/// What holds of a handle from the moment it is attached until it leaves.
fn check_place(reader: &RawReader) {
    let page = reader.page();
    let me = page.me().expect("a participant");
    let entry = page.table().entry(me.index).expect("it is entered");
    assert_eq!(
        entry.generation, me.generation,
        "its place was given to another"
    );
    assert!(page.is_alive(me.index));
}

/// A new participant inherits nothing from who had its index before.
fn check_clean(page: &Page, cell_geometry: Geometry) {
    // SAFETY: the model's area has this geometry, and lives as long as the page.
    let cell = unsafe { Cell::new(page.area().0, cell_geometry) };
    let me = page.me().expect("a participant");
    assert!(!cell.is_held_by(me.index), "its index was not healed");
}

fn pinned() -> Options {
    Options {
        max_pins: Some(1),
        ..Options::default()
    }
}

/// Two words that belong together, as both layouts have them.
fn write_value(writer: &mut RawWriter) -> u64 {
    // SAFETY: two u64, which the layout is.
    let written = unsafe { writer.write([7u64, !7].as_ptr().cast()) };
    written.expect("it is writable")
}

/// There is one place only, so who comes next gets the dead one's.
#[test]
fn a_participant_dies_and_its_index_is_used_again() {
    kill_everywhere(2, |fate| {
        files::set_geometry(geometry(1, 1));
        let one = || Options {
            max_participants: Some(1),
            ..pinned()
        };
        let mut writer = RawWriter::create(PAGE, &LAYOUT, &one()).expect("it is free");
        write_value(&mut writer);
        drop(writer);
        let victim = fate.spawn(move || {
            if let Some(reader) = unless_full(RawReader::open(PAGE, None, &one())) {
                check_place(&reader);
                drop(reader.read_pinned().expect("the pin is free"));
                check_place(&reader);
            }
        });
        if let Some(reader) = unless_full(RawReader::open(PAGE, None, &one())) {
            check_clean(reader.page(), geometry(1, 1));
            check_place(&reader);
            loom::thread::yield_now();
            check_place(&reader);
        }
        victim.join();
        let reader = RawReader::open(PAGE, None, &one()).expect("the place is free");
        check_clean(reader.page(), geometry(1, 1));
        assert!(reader.read_pinned().expect("the pin is free").is_some());
    });
}

/// There are places enough, so nobody sweeps but who needs the dead one's pin.
#[test]
fn a_reader_dies_and_its_pin_is_taken_by_another() {
    kill_everywhere(2, |fate| {
        files::set_geometry(geometry(1, 1));
        let mut writer = RawWriter::create(PAGE, &LAYOUT, &pinned()).expect("it is free");
        write_value(&mut writer);
        let reader = RawReader::open(PAGE, None, &pinned()).expect("it exists");
        let victim = fate.spawn(move || {
            let reader = RawReader::open(PAGE, None, &pinned()).expect("it exists");
            drop(unless_full(reader.read_pinned()));
        });
        let pinned = unless_full(reader.read_pinned());
        write_value(&mut writer);
        drop(pinned);
        victim.join();
        let pinned = reader.read_pinned().expect("the pin is free");
        assert_eq!(pinned.expect("a value").meta().version, 2);
        drop(writer);
    });
}

/// `update` is read-modify-write.
#[test]
fn updates_of_two_writers_are_not_lost() {
    explore(2, || {
        files::set_geometry(geometry(2, 0));
        let two = || Options {
            writers: Some(2),
            ..Options::default()
        };
        let mut first = RawWriter::create(PAGE, &LAYOUT, &two()).expect("it is free");
        let mut second = RawWriter::create(PAGE, &LAYOUT, &two()).expect("two may write");
        write_value(&mut first);
        let increment = |writer: &mut RawWriter| {
            let mut words = [0u64; 2];
            let mut add = |words: *mut u8| {
                // SAFETY: two u64, as long as the call.
                let words = unsafe { &mut *words.cast::<[u64; 2]>() };
                check(*words);
                *words = [words[0] + 1, !(words[0] + 1)];
                Ok(())
            };
            // SAFETY: `words` has room for the layout.
            let updated = unsafe { writer.update(words.as_mut_ptr().cast(), &mut add) };
            updated.expect("there is a value")
        };
        let other = actor::spawn(move || increment(&mut second));
        assert_eq!(increment(&mut first) + other.done(), 2 + 3);
        let reader = Reader::open(&Options::default()).expect("it exists");
        assert_eq!(reader.read().expect("it is readable"), (3, 9));
    });
}

fn unless_full<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(handle) => Some(handle),
        Err(error) if error.is_full() => None,
        Err(error) => panic!("{error}"),
    }
}

/// Counts writers that live.
struct Alive(Arc<AtomicU64>);

impl Alive {
    fn enter(count: &Arc<AtomicU64>, limit: u64) -> Alive {
        assert!(
            count.fetch_add(1, Ordering::Relaxed) < limit,
            "too many writers live"
        );
        Alive(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn never_more_writers_than_allowed() {
    kill_everywhere(2, |fate| {
        files::set_geometry(geometry(1, 0));
        drop(Writer::create().expect("it is free"));
        let count = Arc::new(AtomicU64::new(0));
        let write = move || {
            let mut writer = unless_owned(Writer::create())?;
            check_clean(writer.0.page(), geometry(1, 0));
            let _alive = Alive::enter(&count, 1);
            Some(writer.write(100).expect("it is writable"))
        };
        let victim = fate.spawn(write.clone());
        let other = actor::spawn(write.clone());
        let mine = write();
        let versions = [mine, victim.join().flatten(), other.done()];
        the_next_goes_on(versions.into_iter().flatten().max().unwrap_or(0));
    });
}

#[test]
fn one_of_several_writers_dies_and_is_followed() {
    kill_everywhere(2, |fate| {
        let several = || Options {
            writers: Some(2),
            max_participants: Some(2),
            ..Options::default()
        };
        files::set_geometry(geometry(2, 0));
        let first = RawWriter::create(PAGE, &LAYOUT, &several()).expect("it is free");
        let write = move || {
            let mut writer = match RawWriter::create(PAGE, &LAYOUT, &several()) {
                Ok(writer) => writer,
                Err(error) => {
                    assert!(error.is_already_owned(), "{error}");
                    return None;
                }
            };
            check_clean(writer.page(), geometry(2, 0));
            Some(write_value(&mut writer))
        };
        let victim = fate.spawn(write);
        let other = actor::spawn(write);
        let one = victim.join().flatten();
        let two = other.done();
        let next = write().expect("the dead one's place is free");
        assert!(Some(next) > one.max(two));
        drop(first);
    });
}

#[test]
fn closing_ends_a_wait() {
    explore(2, || {
        let _writer = Writer::create().expect("it is free");
        let reader = Arc::new(Reader::open(&options()).expect("it exists"));
        let waiter = {
            let reader = reader.clone();
            actor::spawn(move || reader.wait_changed(0).expect_err("nothing is written"))
        };
        reader.0.close();
        assert!(matches!(waiter.done().kind(), ErrorKind::Closed));
    });
}

/// `close` in one thread, a pin in another: the place in the table stays for as long as the pin is held.
#[test]
fn closing_beside_a_pin() {
    explore(2, || {
        files::set_geometry(geometry(1, 1));
        let mut writer = RawWriter::create(PAGE, &LAYOUT, &pinned()).expect("it is free");
        write_value(&mut writer);
        let reader = Arc::new(RawReader::open(PAGE, None, &pinned()).expect("it exists"));
        let pinner = {
            let reader = reader.clone();
            actor::spawn(move || match reader.read_pinned() {
                Ok(pinned) => {
                    let pinned = pinned.expect("a value");
                    check_place(&reader);
                    let before = pinned.as_bytes().to_vec();
                    loom::thread::yield_now();
                    assert_eq!(pinned.as_bytes(), before);
                    check_place(&reader);
                }
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Closed), "{error}"),
            })
        };
        reader.close();
        for _ in 0..3 {
            write_value(&mut writer);
        }
        pinner.done();
    });
}

/// The same, with another reader that takes the pin as soon as it is given back.
#[test]
fn a_pin_is_given_back_before_the_place() {
    explore(2, || {
        files::set_geometry(geometry(1, 1));
        let mut writer = RawWriter::create(PAGE, &LAYOUT, &pinned()).expect("it is free");
        write_value(&mut writer);
        let reader = Arc::new(RawReader::open(PAGE, None, &pinned()).expect("it exists"));
        let other = RawReader::open(PAGE, None, &pinned()).expect("it exists");
        let pinner = {
            let reader = reader.clone();
            actor::spawn(move || drop(reader.read_pinned()))
        };
        reader.close();
        if let Some(pinned) = unless_full(other.read_pinned()) {
            let pinned = pinned.expect("a value");
            let before = pinned.as_bytes().to_vec();
            for _ in 0..3 {
                write_value(&mut writer);
            }
            assert_eq!(pinned.as_bytes(), before);
        }
        pinner.done();
    });
}

/// Who looks at the table without its lock sees whole entries.
#[test]
fn entries_are_seen_whole() {
    explore(2, || {
        let _writer = Writer::create().expect("it is free");
        let reader = Reader::open(&options()).expect("it exists");
        let other = actor::spawn(|| drop(Reader::open(&options()).expect("it exists")));
        for entry in reader.0.page().table().entries() {
            assert_eq!(entry.pid, std::process::id());
            assert!(entry.attached_at != 0);
        }
        other.done();
    });
}
