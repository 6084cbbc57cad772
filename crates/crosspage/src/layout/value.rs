//! Values whose type is only known at run time.

use std::fmt;
use std::sync::Arc;

use super::path::list;
use super::{EnumType, Scalar, StructType, Type, did_you_mean};
use crate::text::{fit, until_nul};
use crate::{Error, ErrorKind, Result};

pub use super::json::{from_json, parse, struct_from_json, to_json};

/// A value of any type.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Bool(bool),
    /// An `i8` to `i64`.
    Int(i64),
    /// A `u8` to `u64`.
    Uint(u64),
    F32(f32),
    F64(f64),
    Text(String),
    /// An enum: its integer, and the name of that, where it has one.
    Enum {
        name: Option<String>,
        value: i128,
    },
    Array(Vec<Value>),
    /// The fields by name; as read, in order of their offsets.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The integer, also of an enum.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Value::Int(n) => Some(i128::from(*n)),
            Value::Uint(n) => Some(i128::from(*n)),
            Value::Enum { value, .. } => Some(*value),
            _ => None,
        }
    }

    /// The number, rounded where it is an integer beyond 2^53.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::F32(x) => Some(f64::from(*x)),
            Value::F64(x) => Some(*x),
            Value::Enum { .. } => None,
            number => number.as_int().map(|n| n as f64),
        }
    }

    /// The text, or the name of an enum's value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Enum { name, .. } => name.as_deref(),
            _ => None,
        }
    }

    /// What it is, in a message: `the number 3`, `a list of 2`.
    pub(super) fn describe(&self) -> String {
        match self {
            Value::Bool(b) => format!("{b}"),
            Value::Text(text) => format!("the text {text:?}"),
            Value::Enum {
                name: Some(name), ..
            } => format!("the name {name:?}"),
            Value::Array(values) => format!("a list of {}", values.len()),
            Value::Struct(_) => "a struct".to_owned(),
            number => format!("the number {number}"),
        }
    }
}

/// The value of type `ty` in `bytes`; of a tail, as many elements as there are bytes for.
///
/// Whatever the bytes are, there is a value: a bool of 7 is true, text that is not UTF-8 is
/// replaced, an enum that has no such name is its integer.
///
/// # Panics
/// Where `bytes` is shorter than the type.
pub fn read(ty: &Type, bytes: &[u8]) -> Value {
    let elements = |elem: &Type, n: usize| {
        let size = elem.size();
        Value::Array((0..n).map(|i| read(elem, &bytes[i * size..])).collect())
    };
    match ty {
        Type::Scalar(s) => read_scalar(*s, bytes),
        Type::Text(n) => Value::Text(String::from_utf8_lossy(until_nul(&bytes[..*n])).into_owned()),
        Type::Array(elem, n) => elements(elem, *n),
        Type::Tail(elem) => elements(elem, bytes.len() / elem.size()),
        Type::Struct(st) => read_struct(st, bytes),
        Type::Enum(e) => {
            let value = read_int(e.repr, bytes);
            Value::Enum {
                name: e.name_of(value).map(str::to_owned),
                value,
            }
        }
    }
}

/// The value of a struct in `bytes`. A tail has as many elements as the bytes behind its offset
/// hold.
///
/// # Panics
/// Where `bytes` is shorter than the fields before the tail.
pub fn read_struct(st: &StructType, bytes: &[u8]) -> Value {
    let field = |f: &super::Field| (f.name.clone(), read(&f.ty, &bytes[f.offset..]));
    Value::Struct(st.fields().iter().map(field).collect())
}

fn read_scalar(scalar: Scalar, bytes: &[u8]) -> Value {
    match scalar {
        Scalar::Bool => Value::Bool(bytes[0] != 0),
        Scalar::F32 => Value::F32(f32::from_le_bytes(first(bytes))),
        Scalar::F64 => Value::F64(f64::from_le_bytes(first(bytes))),
        Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 => {
            Value::Int(read_int(scalar, bytes) as i64)
        }
        Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64 => {
            Value::Uint(read_int(scalar, bytes) as u64)
        }
    }
}

/// The integer of type `scalar` in `bytes`; of a bool or float, its bits.
pub(super) fn read_int(scalar: Scalar, bytes: &[u8]) -> i128 {
    match scalar {
        Scalar::I8 => i8::from_le_bytes(first(bytes)).into(),
        Scalar::I16 => i16::from_le_bytes(first(bytes)).into(),
        Scalar::I32 => i32::from_le_bytes(first(bytes)).into(),
        Scalar::I64 => i64::from_le_bytes(first(bytes)).into(),
        Scalar::U8 | Scalar::Bool => bytes[0].into(),
        Scalar::U16 => u16::from_le_bytes(first(bytes)).into(),
        Scalar::U32 | Scalar::F32 => u32::from_le_bytes(first(bytes)).into(),
        Scalar::U64 | Scalar::F64 => u64::from_le_bytes(first(bytes)).into(),
    }
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes
        .first_chunk()
        .expect("the caller promised enough bytes")
}

/// Writes `value` as a `ty` into `bytes`.
///
/// Integers must be in range; floats take any number; an enum takes one of its names or any
/// integer of its size, since C's flags combine; an array needs as many elements as it has, a
/// struct a value for every field; padding is left alone.
///
/// # Errors
/// [`ErrorKind::TooLarge`] where a text does not fit, otherwise [`ErrorKind::Invalid`]: the
/// message says where the value is wrong and what is expected. Parts may have been written then.
///
/// # Panics
/// Where `bytes` is shorter than the type.
pub fn write(ty: &Type, bytes: &mut [u8], value: &Value) -> Result<()> {
    put(ty, bytes, value).map_err(|misfit| misfit.into_error(""))
}

/// A value that does not fit its type.
struct Misfit {
    /// Where in the value: `.joints[2]`.
    path: String,
    error: Error,
}

impl Misfit {
    fn inside(self, step: &str) -> Misfit {
        Misfit {
            path: format!("{step}{}", self.path),
            ..self
        }
    }

    fn into_error(self, path: &str) -> Error {
        let path = format!("{path}{}", self.path);
        let path = path.trim_start_matches('.');
        if path.is_empty() {
            return self.error;
        }
        let error = Error::new(
            self.error.kind(),
            format!("{path}: {}", self.error.message()),
        );
        match self.error.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

impl From<Error> for Misfit {
    fn from(error: Error) -> Misfit {
        Misfit {
            path: String::new(),
            error,
        }
    }
}

fn put(ty: &Type, bytes: &mut [u8], value: &Value) -> Result<(), Misfit> {
    match (ty, value) {
        (Type::Scalar(s), value) => put_scalar(*s, bytes, value)?,
        (Type::Enum(e), value) => put_int(e.repr, bytes, enum_value(e, value)?)?,
        (Type::Text(n), Value::Text(text)) => {
            fit(text, *n)?;
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            bytes[text.len()..*n].fill(0);
        }
        (Type::Array(elem, n), Value::Array(values)) => {
            if values.len() != *n {
                return Err(invalid(format!("expected {n} values, got {}", values.len())).into());
            }
            put_elements(elem, bytes, values)?;
        }
        (Type::Tail(elem), Value::Array(values)) => {
            let room = bytes.len() / elem.size();
            if values.len() > room {
                let message = format!("{} values are more than the {room} it has", values.len());
                return Err(Error::new(ErrorKind::TooLarge, message).into());
            }
            put_elements(elem, bytes, values)?;
        }
        (Type::Struct(st), Value::Struct(values)) => put_struct(st, bytes, values)?,
        (ty, value) => return Err(expected(ty, value).into()),
    }
    Ok(())
}

fn put_elements(elem: &Type, bytes: &mut [u8], values: &[Value]) -> Result<(), Misfit> {
    for (i, (bytes, value)) in bytes.chunks_exact_mut(elem.size()).zip(values).enumerate() {
        put(elem, bytes, value).map_err(|misfit| misfit.inside(&format!("[{i}]")))?;
    }
    Ok(())
}

fn put_struct(st: &StructType, bytes: &mut [u8], values: &[(String, Value)]) -> Result<(), Misfit> {
    let mut missing: Vec<&str> = st.fields().iter().map(|f| f.name.as_str()).collect();
    for (name, value) in values {
        let field = st.field(name).ok_or_else(|| st.unknown_field(name))?;
        let before = missing.len();
        missing.retain(|m| *m != field.name);
        if missing.len() == before {
            return Err(invalid(format!("two values for {}", field.name)).into());
        }
        put(&field.ty, &mut bytes[field.offset..], value)
            .map_err(|misfit| misfit.inside(&format!(".{}", field.name)))?;
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(invalid(format!(
        "no value for {} of {}",
        list(missing.into_iter()),
        st.name()
    ))
    .into())
}

fn put_scalar(scalar: Scalar, bytes: &mut [u8], value: &Value) -> Result<()> {
    let wrong = || expected(&Type::Scalar(scalar), value);
    match scalar {
        Scalar::Bool => bytes[0] = value.as_bool().ok_or_else(wrong)?.into(),
        Scalar::F32 => {
            let x = match value {
                Value::F32(x) => *x,
                value => value.as_f64().ok_or_else(wrong)? as f32,
            };
            // NaN and infinities pass; a number that becomes one does not.
            if x.is_infinite() && value.as_f64().is_some_and(f64::is_finite) {
                return Err(invalid(format!(
                    "{} is out of range for f32",
                    value.describe()
                )));
            }
            bytes[..4].copy_from_slice(&x.to_le_bytes());
        }
        Scalar::F64 => {
            bytes[..8].copy_from_slice(&value.as_f64().ok_or_else(wrong)?.to_le_bytes());
        }
        int => match value {
            Value::Int(_) | Value::Uint(_) | Value::Enum { .. } => {
                put_int(int, bytes, value.as_int().ok_or_else(wrong)?)?;
            }
            _ => return Err(wrong()),
        },
    }
    Ok(())
}

fn put_int(scalar: Scalar, bytes: &mut [u8], value: i128) -> Result<()> {
    check_range(scalar, value)?;
    let size = scalar.size();
    bytes[..size].copy_from_slice(&value.to_le_bytes()[..size]);
    Ok(())
}

pub(super) fn check_range(scalar: Scalar, value: i128) -> Result<()> {
    match scalar.int_range() {
        Some((min, max)) if value < min || value > max => {
            let name = scalar.name();
            Err(invalid(format!(
                "{value} is out of range for {name}: {min} to {max}"
            )))
        }
        _ => Ok(()),
    }
}

fn enum_value(e: &Arc<EnumType>, value: &Value) -> Result<i128> {
    match value {
        Value::Text(name) => enum_value_of(e, name),
        Value::Int(_) | Value::Uint(_) | Value::Enum { .. } => Ok(value.as_int().unwrap_or(0)),
        value => Err(expected(&Type::Enum(Arc::clone(e)), value)),
    }
}

/// The value that an enum gives this name.
pub(super) fn enum_value_of(e: &EnumType, name: &str) -> Result<i128> {
    e.value_of(name).ok_or_else(|| {
        let names = e.variants.iter().map(|(name, _)| name.as_str());
        let error = invalid(format!("{name:?} is not a value of {}", e.name));
        match did_you_mean(name, names.clone()) {
            Some(near) => error.with_hint(format!("did you mean {near}?")),
            None => error.with_hint(format!("its values are {}, or an integer", list(names))),
        }
    })
}

fn expected(ty: &Type, got: &Value) -> Error {
    let what = match ty {
        Type::Enum(e) => {
            let names = list(e.variants.iter().map(|(name, _)| name.as_str()));
            format!("a value of {} ({names})", e.name)
        }
        Type::Array(elem, n) => format!("a list of {n} {elem}"),
        Type::Tail(elem) => format!("a list of {elem}"),
        Type::Struct(st) => format!("the fields of {}", st.name()),
        Type::Scalar(Scalar::Bool) => "a bool (true or false)".to_owned(),
        ty => ty.to_string(),
    };
    invalid(format!("expected {what}, got {}", got.describe()))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

/// One value of a struct whose type is only known at run time.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    layout: Arc<StructType>,
    bytes: Box<[u8]>,
}

impl Record {
    /// A record of `bytes` that are laid out as `layout`.
    ///
    /// # Panics
    /// Where `bytes` is shorter than the struct (with a tail: than what lies before the tail).
    pub fn new(layout: Arc<StructType>, bytes: Box<[u8]>) -> Record {
        let tail = layout.fields().last().filter(|_| layout.tail().is_some());
        let least = tail.map_or(layout.size(), |tail| tail.offset);
        assert!(
            bytes.len() >= least,
            "{} bytes are too few for {}",
            bytes.len(),
            layout.name()
        );
        Record { layout, bytes }
    }

    /// A record whose bytes are all zero.
    pub fn zeroed(layout: Arc<StructType>) -> Record {
        let bytes = vec![0; layout.size()].into_boxed_slice();
        Record { layout, bytes }
    }

    /// The value at `path`, such as `arm.joints[2]`.
    ///
    /// # Errors
    /// As [`StructType::resolve`].
    pub fn get(&self, path: &str) -> Result<Value> {
        let (at, ty) = self.locate(path)?;
        Ok(read(ty, &self.bytes[at]))
    }

    /// Sets the value at `path`.
    ///
    /// # Errors
    /// As [`StructType::resolve`] and [`write`](write()); the record is unchanged then.
    pub fn set(&mut self, path: &str, value: &Value) -> Result<()> {
        let (at, ty) = self.locate(path)?;
        let mut bytes = self.bytes[at.clone()].to_vec();
        put(ty, &mut bytes, value).map_err(|misfit| misfit.into_error(path))?;
        self.bytes[at].copy_from_slice(&bytes);
        Ok(())
    }

    /// Where `path` lies in the bytes. A tail goes to the end of them.
    fn locate(&self, path: &str) -> Result<(std::ops::Range<usize>, &Type)> {
        let (offset, ty) = self.layout.resolve(path)?;
        let end = match ty {
            Type::Tail(_) => self.bytes.len(),
            ty => offset.saturating_add(ty.size()),
        };
        if end > self.bytes.len() {
            let message = format!("{path} lies beyond the end of this record");
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        Ok((offset..end, ty))
    }

    /// The layout of the record.
    pub fn layout(&self) -> &Arc<StructType> {
        &self.layout
    }

    /// The record's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All fields.
    pub fn value(&self) -> Value {
        read_struct(&self.layout, &self.bytes)
    }

    /// The record as a JSON object.
    pub fn to_json(&self) -> String {
        to_json(&self.value())
    }
}

/// The type's name and the fields as JSON.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.layout.name(), self.to_json())
    }
}

#[cfg(test)]
mod tests;
