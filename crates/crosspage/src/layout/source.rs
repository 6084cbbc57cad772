//! Layout sources: `PATH#TYPE`.

use std::sync::Arc;

use super::StructType;
use crate::{Error, ErrorKind, Result};

/// The struct that a layout source names: `PATH#TYPE`, split at the last `#`.
///
/// # Errors
/// (in progress)
pub fn from_source(source: &str) -> Result<Arc<StructType>> {
    let Some((path, name)) = source.rsplit_once('#') else {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("{source:?} is no layout source"),
        ));
    };
    super::schema::Schema::load(std::path::Path::new(path))?.get(name)
}
