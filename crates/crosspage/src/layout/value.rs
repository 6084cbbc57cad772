//! Values whose type is only known at run time. (in progress)

use std::fmt;
use std::sync::Arc;

use super::{StructType, Type};
use crate::{Error, ErrorKind, Result};

/// A value of any type.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Uint(u64),
    F32(f32),
    F64(f64),
    Text(String),
    /// An enum: its integer, and its name where it has one.
    Enum { name: Option<String>, value: i128 },
    Array(Vec<Value>),
    /// The fields in order of their offsets.
    Struct(Vec<(String, Value)>),
}

/// The value of type `ty` in `bytes`.
///
/// # Panics
/// Where `bytes` is shorter than the type.
pub fn read(ty: &Type, bytes: &[u8]) -> Value {
    let _ = (ty, bytes);
    Value::Array(Vec::new())
}

/// The value of a struct in `bytes`.
///
/// # Panics
/// Where `bytes` is shorter than the struct.
pub fn read_struct(st: &StructType, bytes: &[u8]) -> Value {
    let _ = (st, bytes);
    Value::Array(Vec::new())
}

/// Writes `value` as a `ty` into `bytes`.
///
/// # Errors
/// Where the value does not fit the type; the message names what is expected.
pub fn write(ty: &Type, bytes: &mut [u8], value: &Value) -> Result<()> {
    let _ = (ty, bytes, value);
    Err(Error::new(ErrorKind::Unsupported, "in progress"))
}

/// Reads a value as it stands on a command line: `23.5`, `[1, 2]`, `true`, an enum's name, text.
///
/// # Errors
/// Where the text is no value of the type; the message names what is expected.
pub fn parse(ty: &Type, text: &str) -> Result<Value> {
    let _ = (ty, text);
    Err(Error::new(ErrorKind::Unsupported, "in progress"))
}

/// The value as JSON.
pub fn to_json(value: &Value) -> String {
    let _ = value;
    String::new()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_json(self))
    }
}

/// One value of a struct whose type is only known at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    layout: Arc<StructType>,
    bytes: Box<[u8]>,
}

impl Record {
    /// A record of `bytes` that are laid out as `layout`.
    ///
    /// # Panics
    /// Where `bytes` is shorter than the struct.
    pub fn new(layout: Arc<StructType>, bytes: Box<[u8]>) -> Record {
        assert!(bytes.len() >= layout.size(), "a record of too few bytes");
        Record { layout, bytes }
    }

    /// The value at `path`, such as `arm.joints[2]`.
    ///
    /// # Errors
    /// As [`StructType::resolve`].
    pub fn get(&self, path: &str) -> Result<Value> {
        let (offset, ty) = self.layout.resolve(path)?;
        Ok(read(ty, &self.bytes[offset..]))
    }

    /// Sets the value at `path`.
    ///
    /// # Errors
    /// As [`StructType::resolve`] and [`write`]; the record is unchanged then.
    pub fn set(&mut self, path: &str, value: &Value) -> Result<()> {
        let (offset, ty) = self.layout.resolve(path)?;
        write(ty, &mut self.bytes[offset..], value)
    }

    /// The layout of the record.
    pub fn layout(&self) -> &Arc<StructType> {
        &self.layout
    }

    /// The record's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record as a JSON object.
    pub fn to_json(&self) -> String {
        to_json(&read_struct(&self.layout, &self.bytes))
    }
}
