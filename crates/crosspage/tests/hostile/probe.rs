//! Everything that one can do to a page, and what may come of it when the page is not what it should be.

use std::time::Duration;

use crosspage::latest::{Options, RawReader, RawWriter};
use crosspage::layout::Record;
use crosspage::{ErrorKind, Result, registry};

use crate::harness::kit::{self, Kind};

/// What a call did.
pub struct Outcome {
    pub call: &'static str,
    pub result: Result<()>,
}

/// Every call that looks at a page, joins it or makes it; in the end it is removed.
pub fn everything(kind: &Kind) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut call = |call, result: Result<()>| outcomes.push(Outcome { call, result });
    call("inspect", registry::inspect(&kind.locator).map(|_| ()));
    call("list", registry::list_all().map(|_| ()));
    call("gc", crosspage::registry::garbage().map(|_| ()));
    call("show", show(kind));
    let mut read_only = Options::default();
    read_only.read_only = true;
    for (name, options) in [("read read-only", read_only), ("read", Options::default())] {
        let opened = RawReader::open(&kind.locator, Some(kit::layout()), &options);
        call(name, opened.and_then(|reader| read(&reader)));
    }
    if kind.options.checksum == Some(true) {
        // Whatever is read must be whole.
        let seen = kind.open().and_then(|reader| kit::read(&reader));
        call("value", seen.map(|_| ()));
    }
    call(
        "write",
        kind.attach().and_then(|mut writer| write(&mut writer)),
    );
    call(
        "create",
        kind.create().and_then(|mut writer| write(&mut writer)),
    );
    call("remove politely", registry::remove(&kind.locator));
    call("remove", registry::remove_forced(&kind.locator));
    outcomes
}

/// What `crosspage show` does.
fn show(kind: &Kind) -> Result<()> {
    let reader = RawReader::open(&kind.locator, None, &Options::default())?;
    let layout = reader.layout().clone();
    let mut bytes = vec![0; layout.size()];
    // SAFETY: `bytes` has the layout's size.
    let meta = unsafe { reader.read(bytes.as_mut_ptr()) }?;
    if meta.is_some() {
        assert!(!Record::new(layout, bytes.into()).to_json().is_empty());
    }
    Ok(())
}

/// Every call of a reader.
pub fn read(reader: &RawReader) -> Result<()> {
    let mut bytes = [0; kit::SIZE];
    // SAFETY: `bytes` has the layout's size, here and below.
    let meta = unsafe { reader.read(bytes.as_mut_ptr()) }?;
    if let Some(meta) = meta {
        reader.writer_alive(&meta);
        let _ = (meta.age(), meta.time());
    }
    reader.version()?;
    reader.participants();
    // SAFETY: as above.
    match unsafe { reader.wait_changed(u64::MAX, Some(Duration::ZERO), bytes.as_mut_ptr()) } {
        Err(error) if error.is_timed_out() => {}
        other => drop(other?),
    }
    match reader.read_pinned() {
        Ok(Some(pinned)) => assert_eq!(pinned.as_bytes().len(), kit::SIZE),
        Ok(None) => {}
        Err(error) if error.is_invalid() || error.is_unsupported() => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Every call of a writer.
pub fn write(writer: &mut RawWriter) -> Result<()> {
    kit::write(writer, 900)?;
    kit::write_with(writer, 901)?;
    let mut bytes = [0; kit::SIZE];
    // SAFETY: `bytes` has the layout's size; the change leaves it as it is.
    unsafe { writer.update(bytes.as_mut_ptr(), &mut |_| Ok(())) }?;
    writer.participants();
    Ok(())
}

impl Outcome {
    /// An error must say which page it is about, and be one that comes of bad input.
    pub fn is_clear(&self, kind: &Kind) {
        let Err(error) = &self.result else { return };
        let expected = [
            ErrorKind::Corrupt,
            ErrorKind::Unsupported,
            ErrorKind::NotFound,
            ErrorKind::Replaced,
            ErrorKind::LayoutMismatch,
            ErrorKind::Invalid,
            ErrorKind::Full,
            ErrorKind::InUse,
            ErrorKind::TooLarge,
        ];
        let what = self.call;
        assert!(expected.contains(&error.kind()), "{what}: {error:?}");
        assert!(error.message().contains(&kind.locator), "{what}: {error}");
    }
}
