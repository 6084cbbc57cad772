//! Schema files (TOML). (in progress)

use std::path::Path;
use std::sync::Arc;

use super::StructType;
use crate::{Error, ErrorKind, Result};

/// The types of one schema file.
pub struct Schema(Vec<Arc<StructType>>);

impl Schema {
    /// Reads a schema file.
    pub fn load(path: &Path) -> Result<Schema> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::os(format!("cannot read the schema {}", path.display()), &e))?;
        Schema::parse(&text, &path.display().to_string())
    }

    /// Reads a schema from its text; `file` is its name in messages.
    pub fn parse(_text: &str, _file: &str) -> Result<Schema> {
        Ok(Schema(Vec::new()))
    }

    /// The struct of this name.
    pub fn get(&self, type_name: &str) -> Result<Arc<StructType>> {
        let found = self.0.iter().find(|st| st.name() == type_name).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no struct {type_name:?}")))
    }

    /// The names of the structs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|st| st.name())
    }
}
