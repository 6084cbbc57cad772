//! `crosspage._crosspage`: the compiled half of the Python package.

use pyo3::prelude::*;

mod convert;
mod errors;
mod foreign;
mod handle;
mod latest;
mod logging;
mod message;
mod meta;
mod record;
mod registry;
mod tasks;
mod topic;
mod types;
mod values;
mod wait;

// On a free-threaded interpreter, too, threads may call all of this at once: classes are frozen, what
// changes in them is behind locks, and whoever waits for one of those lets go of the interpreter, so
// that it can stop the world. Locks that a call takes without letting go are held for a few
// instructions, and never across a fork, which stops all other threads where they let go.
#[pymodule(gil_used = false)]
mod _crosspage {
    use super::*;

    #[pymodule_export]
    use crate::foreign::{View, from_source};
    #[pymodule_export]
    use crate::handle::end_waits;
    #[pymodule_export]
    use crate::latest::{Participant, PinnedObject, Reader, SlotObject, Writer};
    #[pymodule_export]
    use crate::message::{MessageObject, restore_message};
    #[pymodule_export]
    use crate::meta::{MetaObject, meta};
    #[pymodule_export]
    use crate::record::{restore, to_dict};
    #[pymodule_export]
    use crate::registry::{Garbage, PageInfo, gc, pages, pattern_of, remove, remove_all};
    #[pymodule_export]
    use crate::topic::{EventObject, Loan, Publisher, Subscriber};
    #[pymodule_export]
    use crate::types::{FieldInfo, LayoutObject, declare, layout_of_record};

    #[pymodule_export]
    use crate::wait::{wait, wait_look};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        logging::install();
        let atexit = module.py().import("atexit")?;
        atexit.call_method1("register", (module.getattr("_end_waits")?,))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("Record", record::base(module.py())?)
    }
}
