//! iceoryx2's blackboard: the closest rival.

use std::error::Error;
use std::path::PathBuf;

use iceoryx2::config::Config;
use iceoryx2::node::Node;
use iceoryx2::port::reader::{BlackboardValue, EntryHandle, Reader};
use iceoryx2::port::writer::{EntryHandleMut, Writer};
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::blackboard::PortFactory;

use super::Sample;

const KEY: u64 = 1;

/// Where this run keeps iceoryx2's files, apart from those of other users of it.
pub struct Domain {
    /// Who measures, and removes it.
    process: u32,
    prefix: String,
    root: PathBuf,
}

impl Domain {
    pub fn of_this_run() -> Domain {
        let process = std::process::id();
        let prefix = format!("crosspage_bench_{process}_");
        let root = std::env::temp_dir().join(&prefix);
        Domain {
            process,
            prefix,
            root,
        }
    }

    pub fn node(&self) -> Result<Node<ipc::Service>, Box<dyn Error>> {
        set_log_level(LogLevel::Error);
        let mut config = Config::default();
        config.global.prefix = self.prefix.as_str().try_into()?;
        config
            .global
            .set_root_path(&self.root.to_str().ok_or("odd TMPDIR")?.try_into()?);
        Ok(NodeBuilder::new()
            .config(&config)
            .create::<ipc::Service>()?)
    }
}

impl Drop for Domain {
    /// Removes what iceoryx2 leaves behind for the next user of the domain, once the other process is gone.
    fn drop(&mut self) {
        if std::process::id() != self.process {
            return;
        }
        let _ = std::fs::remove_dir_all(&self.root);
        for entry in std::fs::read_dir("/dev/shm")
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(&self.prefix)
            {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Makes a blackboard with one value, and writes it. Dropped in the order of the fields.
pub struct BlackboardWriter {
    entry: EntryHandleMut<ipc::Service, u64, Sample>,
    _writer: Writer<ipc::Service, u64>,
    _service: PortFactory<ipc::Service, u64>,
    _node: Node<ipc::Service>,
}

impl BlackboardWriter {
    pub fn create(domain: &Domain, name: &str) -> Result<BlackboardWriter, Box<dyn Error>> {
        let node = domain.node()?;
        let service = node
            .service_builder(&name.try_into()?)
            .blackboard_creator::<u64>()
            .add::<Sample>(KEY, Sample::new(0))
            .create()?;
        let writer = service.writer_builder().create()?;
        let entry = writer.entry::<Sample>(&KEY)?;
        Ok(BlackboardWriter {
            entry,
            _writer: writer,
            _service: service,
            _node: node,
        })
    }

    #[inline]
    pub fn write(&self, value: &Sample) {
        self.entry.update_with_copy(*value);
    }
}

/// Reads the value of a blackboard. Dropped in the order of the fields.
pub struct BlackboardReader {
    entry: EntryHandle<ipc::Service, u64, Sample>,
    _reader: Reader<ipc::Service, u64>,
    _service: PortFactory<ipc::Service, u64>,
    _node: Node<ipc::Service>,
}

impl BlackboardReader {
    pub fn open(domain: &Domain, name: &str) -> Result<BlackboardReader, Box<dyn Error>> {
        let node = domain.node()?;
        let service = node
            .service_builder(&name.try_into()?)
            .blackboard_opener::<u64>()
            .open()?;
        let reader = service.reader_builder().create()?;
        let entry = reader.entry::<Sample>(&KEY)?;
        Ok(BlackboardReader {
            entry,
            _reader: reader,
            _service: service,
            _node: node,
        })
    }

    #[inline]
    pub fn read(&self) -> BlackboardValue<Sample> {
        self.entry.get()
    }
}
