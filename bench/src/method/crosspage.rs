//! crosspage's `latest`, with its defaults.

use crosspage::latest::{Meta, Reader, Snapshot, Writer};
use crosspage::{Lifetime, Result};

use super::Sample;

/// The page's one writer.
pub struct PageWriter(Writer<Sample>);

impl PageWriter {
    pub fn create(name: &str) -> Result<PageWriter> {
        let mut writer = Writer::options()
            .lifetime(Lifetime::WhileUsed)
            .create(name)?;
        writer.write(&Sample::new(0))?;
        Ok(PageWriter(writer))
    }

    #[inline]
    pub fn write(&mut self, value: &Sample) -> u64 {
        self.0
            .write(value)
            .expect("nobody else writes or removes the page")
    }
}

/// One of its readers.
pub struct PageReader(Reader<Sample>);

impl PageReader {
    pub fn open(name: &str) -> Result<PageReader> {
        Reader::open(name).map(PageReader)
    }

    #[inline]
    pub fn read(&self) -> Result<Option<Snapshot<Sample>>> {
        self.0.read()
    }

    #[inline]
    pub fn read_into(&self, value: &mut Sample) -> Result<Option<Meta>> {
        self.0.read_into(value)
    }

    /// The current value and its version, which must be there.
    pub fn value(&self) -> (Sample, u64) {
        let snapshot = self
            .0
            .read()
            .expect("nobody removes the page")
            .expect("the first value is there");
        (snapshot.value, snapshot.version)
    }

    /// Waits for a version after `since`.
    pub fn wait_changed(&self, since: u64) -> u64 {
        self.0
            .wait_changed(since, None)
            .expect("the writer lives")
            .version
    }
}
