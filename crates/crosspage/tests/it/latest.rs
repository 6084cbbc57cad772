//! `latest` within one process.

use std::time::Duration;

use crosspage::latest::{DynReader, Reader, Writer};
use crosspage::{Layout, Lifetime, Match, Text, testing};

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct Telemetry {
    id: u8,
    ready: bool,
    #[layout(unit = "°C")]
    temperature: f64,
    name: Text<13>,
    counter: i32,
}

fn sample(counter: i32) -> Telemetry {
    Telemetry {
        id: 7,
        ready: true,
        temperature: 23.5,
        name: Text::new("Zoë").unwrap(),
        counter,
    }
}

#[test]
fn a_value_goes_from_writer_to_reader() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
    let reader = Reader::<Telemetry>::open("telemetry").unwrap();
    assert!(
        reader.read().unwrap().is_none(),
        "nothing yet, and no zeros"
    );
    assert_eq!(writer.write(&sample(42)).unwrap(), 1);
    let snapshot = reader.read().unwrap().unwrap();
    assert_eq!(snapshot.value, sample(42));
    assert_eq!((snapshot.version, snapshot.writer), (1, std::process::id()));
    assert!(snapshot.age() < Duration::from_secs(60));
    assert!(reader.writer_alive(&snapshot));
    drop(writer);
    assert!(!reader.writer_alive(&snapshot));
    assert_eq!(
        reader.read().unwrap().unwrap().value,
        sample(42),
        "a value outlives its writer"
    );
}

#[test]
fn a_new_writer_goes_on_from_the_old_ones_version() {
    let _namespace = testing::namespace();
    for expected in 1..=10 {
        let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
        assert_eq!(writer.write(&sample(expected)).unwrap(), expected as u64);
    }
}

#[test]
fn a_second_writer_is_refused_by_name() {
    let _namespace = testing::namespace();
    let _first = Writer::<Telemetry>::create("telemetry").unwrap();
    let error = Writer::<Telemetry>::create("telemetry").unwrap_err();
    assert!(error.is_already_owned());
    assert!(error.to_string().contains("this process"), "{error}");
}

#[test]
fn several_writers_update_atomically() {
    let namespace = testing::namespace();
    let name = namespace.name().to_owned();
    let mut first = Writer::<Telemetry>::options()
        .writers(4)
        .create("telemetry")
        .unwrap();
    let error = first.update(|v| v.counter += 1).unwrap_err();
    assert!(error.is_no_value(), "{error}");
    first.write(&sample(0)).unwrap();
    drop(name);
    let mut others: Vec<_> = (0..3)
        .map(|_| Writer::<Telemetry>::attach("telemetry").unwrap())
        .collect();
    std::thread::scope(|scope| {
        for writer in &mut others {
            scope.spawn(move || {
                for _ in 0..2000 {
                    writer.update(|v| v.counter += 1).unwrap();
                }
            });
        }
        for _ in 0..2000 {
            first.update(|v| v.counter += 1).unwrap();
        }
    });
    let reader = Reader::<Telemetry>::open("telemetry").unwrap();
    let snapshot = reader.read().unwrap().unwrap();
    assert_eq!((snapshot.value.counter, snapshot.version), (8000, 8001));
}

#[test]
fn waiting_sees_each_change_and_times_out() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
    let reader = Reader::<Telemetry>::open("telemetry").unwrap();
    let error = reader
        .wait_changed(0, Duration::from_millis(20))
        .unwrap_err();
    assert!(error.is_timed_out(), "{error}");
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| reader.wait_changed(0, None).unwrap());
        std::thread::sleep(Duration::from_millis(30));
        writer.write(&sample(1)).unwrap();
        assert_eq!(waiter.join().unwrap().value, sample(1));
    });
    assert!(
        reader
            .wait_changed(1, Duration::ZERO)
            .unwrap_err()
            .is_timed_out()
    );
}

#[test]
fn another_layout_replaces_the_page_only_when_no_writer_lives() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Other {
        x: f64,
    }
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
    writer.write(&sample(1)).unwrap();
    let mut reader = Reader::<Telemetry>::open("telemetry").unwrap();
    assert!(
        Writer::<Other>::create("telemetry")
            .unwrap_err()
            .is_already_owned()
    );
    assert!(
        Writer::<Other>::attach("telemetry")
            .unwrap_err()
            .is_layout_mismatch()
    );
    assert!(
        Reader::<Other>::open("telemetry")
            .unwrap_err()
            .is_layout_mismatch()
    );
    drop(writer);
    let mut other = Writer::<Other>::create("telemetry").unwrap();
    assert!(reader.read().unwrap_err().is_replaced());
    assert!(reader.reopen().unwrap_err().is_layout_mismatch());
    other.write(&Other { x: 1.5 }).unwrap();
    assert_eq!(
        Reader::<Other>::open("telemetry")
            .unwrap()
            .read()
            .unwrap()
            .unwrap()
            .value,
        Other { x: 1.5 }
    );
}

#[test]
fn by_name_reads_a_struct_that_grew() {
    #[derive(Debug, Clone, Copy, PartialEq, Layout)]
    #[repr(C)]
    struct Part {
        counter: i32,
        ready: bool,
    }
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
    writer.write(&sample(5)).unwrap();
    assert!(
        Reader::<Part>::open("telemetry")
            .unwrap_err()
            .is_layout_mismatch()
    );
    let reader = Reader::<Part>::options()
        .match_by(Match::Name)
        .open("telemetry")
        .unwrap();
    assert_eq!(
        reader.read().unwrap().unwrap().value,
        Part {
            counter: 5,
            ready: true
        }
    );
}

#[test]
fn pinned_values_do_not_change() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::options()
        .max_pins(2)
        .create("telemetry")
        .unwrap();
    let reader = Reader::<Telemetry>::open("telemetry").unwrap();
    assert!(reader.read_pinned().unwrap().is_none());
    writer.write(&sample(1)).unwrap();
    let pinned = reader.read_pinned().unwrap().unwrap();
    let before = pinned.as_bytes().to_vec();
    for i in 2..100 {
        writer.write(&sample(i)).unwrap();
    }
    assert_eq!(pinned.as_bytes(), before);
    let _second = reader.read_pinned().unwrap().unwrap();
    assert!(reader.read_pinned().unwrap_err().is_full());
    drop(pinned);
    assert_eq!(reader.read_pinned().unwrap().unwrap().meta().version, 99);
}

#[test]
fn write_with_fills_in_place() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::options()
        .checksum(true)
        .create("telemetry")
        .unwrap();
    for turn in 0..9 {
        writer
            .write_with(|slot| {
                slot.write_at(0, &[turn])?;
                slot.write_at(8, &23.5f64.to_le_bytes())?;
                assert!(
                    slot.write_at(slot.size() - 1, &[0, 0])
                        .unwrap_err()
                        .is_too_large()
                );
                Ok(())
            })
            .unwrap();
        let reader = Reader::<Telemetry>::open("telemetry").unwrap();
        let value = reader.read().unwrap().unwrap().value;
        assert_eq!(
            (value.id, value.ready, value.temperature, value.counter),
            (turn, false, 23.5, 0)
        );
        assert_eq!(
            value.name.as_str().unwrap(),
            "",
            "what is not filled is zero, not an older value"
        );
        writer.write(&sample(1)).unwrap();
    }
}

#[test]
fn contradicting_options_name_both_values() {
    let _namespace = testing::namespace();
    drop(
        Writer::<Telemetry>::options()
            .writers(4)
            .create("telemetry")
            .unwrap(),
    );
    let error = Writer::<Telemetry>::options()
        .writers(2)
        .create("telemetry")
        .unwrap_err();
    assert!(error.is_invalid());
    assert!(
        error
            .to_string()
            .contains("writers is 4 in the page, 2 here"),
        "{error}"
    );
    drop(Writer::<Telemetry>::create("telemetry").unwrap());
}

#[test]
fn while_used_pages_go_with_their_last_participant() {
    let _namespace = testing::namespace();
    let writer = Writer::<Telemetry>::options()
        .lifetime(Lifetime::WhileUsed)
        .create("telemetry")
        .unwrap();
    let reader = Reader::<Telemetry>::open("telemetry").unwrap();
    drop(writer);
    assert_eq!(crosspage::list().unwrap().len(), 1);
    drop(reader);
    assert!(
        Reader::<Telemetry>::open("telemetry")
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn removal_is_refused_while_somebody_lives() {
    let _namespace = testing::namespace();
    let writer = Writer::<Telemetry>::create("telemetry").unwrap();
    let error = crosspage::remove("telemetry").unwrap_err();
    assert!(
        error.is_in_use() && error.to_string().contains("writer pid"),
        "{error}"
    );
    let reader = Reader::<Telemetry>::open("telemetry").unwrap();
    crosspage::remove_forced("telemetry").unwrap();
    assert!(reader.read().unwrap_err().is_replaced());
    drop(writer);
    drop(reader);
    drop(Writer::<Telemetry>::create("telemetry").unwrap());
    crosspage::remove("telemetry").unwrap();
    assert!(crosspage::remove("telemetry").unwrap_err().is_not_found());
}

#[test]
fn names_that_differ_only_in_case_are_refused() {
    let _namespace = testing::namespace();
    let _writer = Writer::<Telemetry>::create("Robot/Arm").unwrap();
    let error = Writer::<Telemetry>::create("robot/arm").unwrap_err();
    assert!(
        error.is_invalid() && error.to_string().contains("\"Robot/Arm\""),
        "{error}"
    );
    assert_eq!(crosspage::list().unwrap()[0].name, "Robot/Arm");
}

#[test]
fn a_missing_page_says_what_there_is() {
    let _namespace = testing::namespace();
    let _writer = Writer::<Telemetry>::create("telemetry").unwrap();
    let error = Reader::<Telemetry>::open("telemtry").unwrap_err();
    assert!(error.is_not_found());
    assert!(error.hint().unwrap().contains("telemetry"), "{error}");
    let error = Reader::<Telemetry>::open_wait("telemtry", Duration::from_millis(10)).unwrap_err();
    assert!(error.is_timed_out(), "{error}");
}

#[test]
fn records_need_no_type() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
    writer.write(&sample(9)).unwrap();
    let snapshot = DynReader::open("telemetry")
        .unwrap()
        .read()
        .unwrap()
        .unwrap();
    assert_eq!(snapshot.get("counter").unwrap().to_string(), "9");
    assert_eq!(snapshot.get("name").unwrap().to_string(), "Zoë");
}

#[test]
fn read_only_handles_are_no_participants() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
    let reader = Reader::<Telemetry>::options()
        .read_only(true)
        .open("telemetry")
        .unwrap();
    writer.write(&sample(1)).unwrap();
    assert_eq!(
        reader
            .wait_changed(0, Duration::from_secs(5))
            .unwrap()
            .value,
        sample(1)
    );
    assert_eq!(writer.participants().len(), 1);
    drop(writer);
    let error = crosspage::remove("telemetry").unwrap_err();
    assert!(error.is_in_use(), "{error}");
}

#[test]
fn a_file_page_survives_and_carries_a_checksum() {
    let directory = crate::directory();
    let locator = format!("file:{}", directory.path().join("state.page").display());
    let mut writer = Writer::<Telemetry>::create(&locator).unwrap();
    writer.write(&sample(3)).unwrap();
    drop(writer);
    assert_eq!(
        Reader::<Telemetry>::open(&locator)
            .unwrap()
            .read()
            .unwrap()
            .unwrap()
            .value,
        sample(3)
    );
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "no temporary files stay"
    );
}

#[test]
fn a_reader_may_come_first() {
    let directory = crate::directory();
    let name = format!("file:{}", directory.path().join("first.page").display());
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let reader = Reader::<Telemetry>::open_wait(&name, Duration::from_secs(10)).unwrap();
            reader
                .wait_changed(0, Duration::from_secs(10))
                .unwrap()
                .value
        });
        std::thread::sleep(Duration::from_millis(20));
        let mut writer = Writer::<Telemetry>::create(&name).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        writer.write(&sample(11)).unwrap();
        assert_eq!(reader.join().unwrap(), sample(11));
    });
    crosspage::remove(&name).unwrap();
}

/// The largest value with CROSSPAGE_LONG=1 (its page takes a GiB), otherwise a large one.
#[test]
fn large_values_are_filled_and_seen_in_place() {
    use crosspage::latest::{Options, RawReader, RawWriter};
    use crosspage::layout::{Field, Scalar, StructType, Type};

    let size: usize = if std::env::var_os("CROSSPAGE_LONG").is_some() {
        256 << 20
    } else {
        4 << 20
    };
    let array = |len: usize| {
        let ty = Type::Array(Box::new(Type::Scalar(Scalar::U8)), len);
        StructType::natural("Image", vec![Field::new("pixels", ty)], None)
    };
    let _namespace = testing::namespace();
    let layout = std::sync::Arc::new(array(size).unwrap());
    let options = || {
        let mut options = Options::default();
        options.max_pins = Some(1);
        options
    };
    let mut writer = RawWriter::create("image", &layout, &options()).unwrap();
    let reader = RawReader::open("image", None, &Options::default()).unwrap();
    for turn in 1..=3u8 {
        let line = vec![turn; 1 << 16];
        writer
            .write_with(&mut |slot| {
                (0..size)
                    .step_by(line.len())
                    .try_for_each(|offset| slot.write_at(offset, &line))
            })
            .unwrap();
        let pinned = reader.read_pinned().unwrap().unwrap();
        assert_eq!(pinned.as_bytes().len(), size);
        assert!(
            pinned
                .as_bytes()
                .iter()
                .step_by(4097)
                .all(|&byte| byte == turn)
        );
        assert_eq!(pinned.as_bytes()[size - 1], turn);
    }
    let refused = array((256 << 20) + 1).and_then(|layout| {
        RawWriter::create("larger", &std::sync::Arc::new(layout), &Options::default())
    });
    assert!(refused.unwrap_err().to_string().contains("268435456"));
}

#[test]
fn damaged_values_are_an_error_and_the_next_write_heals() {
    let directory = crate::directory();
    let path = directory.path().join("state.page");
    let locator = format!("file:{}", path.display());
    let mut writer = Writer::<Telemetry>::create(&locator).unwrap();
    let reader = Reader::<Telemetry>::open(&locator).unwrap();
    writer.write(&sample(1)).unwrap();
    // One byte of the value in slot 0, where docs/layout.md puts it.
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let mut file = std::io::BufWriter::new(file);
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(12288 + 256 + 64)).unwrap();
    std::io::Write::write_all(&mut file, &[8]).unwrap();
    std::io::Write::flush(&mut file).unwrap();
    let error = reader.read().unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("checksum"),
        "{error}"
    );
    writer.write(&sample(2)).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().value, sample(2));
}

#[cfg(unix)]
#[test]
fn a_forked_child_is_told_to_attach_anew() {
    let _namespace = testing::namespace();
    let mut writer = Writer::<Telemetry>::create("telemetry").unwrap();
    writer.write(&sample(1)).unwrap();
    // SAFETY: the child only calls what this library makes fork-safe, and leaves by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = writer.write(&sample(2)).is_err_and(|e| e.is_forked());
        drop(writer); // Leaves the parent's entry alone.
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for the child just made.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
    assert_eq!(writer.write(&sample(3)).unwrap(), 2);
    assert!(
        writer
            .participants()
            .iter()
            .all(|participant| participant.alive)
    );
}
