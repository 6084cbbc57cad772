//! Between Python objects and the bytes of a field.

use std::ffi::CStr;
use std::fmt::{self, Display, Write};
use std::ptr;

use crosspage::layout::{Scalar, did_you_mean};
use pyo3::buffer::{Element, PyBuffer};
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyDict, PyFloat, PyList, PyMapping, PySequence, PyString, PyTuple, PyType,
};
use pyo3::{IntoPyObjectExt, ffi, intern};

use crate::errors;
use crate::meta::Origin;
use crate::record::{Fresh, Record};
use crate::types::{Field, Kind, RecordType, names};
use crate::values::{Scratch, check_layout};

// ---- bytes to objects ----------------------------------------------------------------------

/// The Python value of `kind` in `bytes`, which are `kind.size()`, or all of a tail.
pub fn decode<'py>(py: Python<'py>, kind: &Kind, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match kind {
        Kind::Scalar(scalar) => decode_scalar(py, *scalar, bytes),
        Kind::Text(_) => decode_text(py, bytes),
        Kind::Array { item, stride, len } => decode_array(py, item, *stride, *len, bytes),
        Kind::Tail { item, stride } => decode_array(py, item, *stride, bytes.len() / stride, bytes),
        Kind::Struct(ty) => Ok(Fresh::copied(py, ty, bytes)?.finish(Origin::default())),
        Kind::Enum { repr, members, .. } => {
            let value = decode_scalar(py, *repr, bytes)?;
            Ok(members.bind(py).get_item(&value)?.unwrap_or(value))
        }
    }
}

/// Runs `$body` with `$load` a function that reads one scalar of the type.
macro_rules! with_scalar {
    ($scalar:expr, |$load:ident| $body:expr) => {
        match $scalar {
            Scalar::Bool => {
                let $load = |bytes: &[u8]| bytes[0] != 0;
                $body
            }
            Scalar::I8 => {
                let $load = |bytes: &[u8]| bytes[0] as i8;
                $body
            }
            Scalar::U8 => {
                let $load = |bytes: &[u8]| bytes[0];
                $body
            }
            Scalar::I16 => {
                let $load = |bytes: &[u8]| i16::from_le_bytes(chunk(bytes));
                $body
            }
            Scalar::U16 => {
                let $load = |bytes: &[u8]| u16::from_le_bytes(chunk(bytes));
                $body
            }
            Scalar::I32 => {
                let $load = |bytes: &[u8]| i32::from_le_bytes(chunk(bytes));
                $body
            }
            Scalar::U32 => {
                let $load = |bytes: &[u8]| u32::from_le_bytes(chunk(bytes));
                $body
            }
            Scalar::I64 => {
                let $load = |bytes: &[u8]| i64::from_le_bytes(chunk(bytes));
                $body
            }
            Scalar::U64 => {
                let $load = |bytes: &[u8]| u64::from_le_bytes(chunk(bytes));
                $body
            }
            Scalar::F32 => {
                let $load = |bytes: &[u8]| f32::from_le_bytes(chunk(bytes));
                $body
            }
            Scalar::F64 => {
                let $load = |bytes: &[u8]| f64::from_le_bytes(chunk(bytes));
                $body
            }
        }
    };
}

fn chunk<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("as many bytes as the type has")
}

fn decode_scalar<'py>(
    py: Python<'py>,
    scalar: Scalar,
    bytes: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    with_scalar!(scalar, |load| load(bytes).into_bound_py_any(py))
}

fn decode_array<'py>(
    py: Python<'py>,
    item: &Kind,
    stride: usize,
    len: usize,
    bytes: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    debug_assert_eq!(bytes.len(), stride * len);
    if let Kind::Scalar(scalar) = item {
        let items = bytes.chunks_exact(stride);
        return with_scalar!(*scalar, |load| Ok(
            PyTuple::new(py, items.map(load))?.into_any()
        ));
    }
    let items = bytes
        .chunks_exact(stride)
        .map(|bytes| decode(py, item, bytes))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, items)?.into_any())
}

/// The bytes of a text field before the first NUL.
fn text(bytes: &[u8]) -> &[u8] {
    CStr::from_bytes_until_nul(bytes).map_or(bytes, CStr::to_bytes)
}

fn decode_text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let text = text(bytes);
    // SAFETY: the pointer and length are those of a slice; the name of the handler is a C string.
    unsafe {
        let object = ffi::PyUnicode_DecodeUTF8(
            text.as_ptr().cast(),
            text.len() as ffi::Py_ssize_t,
            c"replace".as_ptr(),
        );
        Bound::from_owned_ptr_or_err(py, object)
    }
}

/// A value as plain Python: dicts and lists.
pub fn plain<'py>(py: Python<'py>, kind: &Kind, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match kind {
        Kind::Struct(ty) => {
            let dict = PyDict::new(py);
            for field in ty.fields() {
                dict.set_item(&field.name, plain(py, &field.kind, field.of(bytes))?)?;
            }
            Ok(dict.into_any())
        }
        Kind::Array { item, stride, .. } | Kind::Tail { item, stride } => {
            let items = bytes
                .chunks_exact(*stride)
                .map(|bytes| plain(py, item, bytes))
                .collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any())
        }
        _ => decode(py, kind, bytes),
    }
}

/// `SharedData(counter=42, coordinates=(10.5, 20.3, 30.8))`: floats of 32 bits print shortest, and
/// long arrays are cut.
pub fn repr(py: Python<'_>, ty: &RecordType, bytes: &[u8]) -> PyResult<String> {
    let mut out = format!("{}(", ty.name());
    for (i, field) in ty.fields().iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}{}=", field.name).expect("writing to a String");
        repr_value(py, &field.kind, field.of(bytes), &mut out)?;
    }
    out.push(')');
    Ok(out)
}

fn repr_value(py: Python<'_>, kind: &Kind, bytes: &[u8], out: &mut String) -> PyResult<()> {
    const SHOWN: usize = 16;
    match kind {
        Kind::Struct(ty) => out.push_str(&repr(py, ty, bytes)?),
        Kind::Array { item, stride, .. } | Kind::Tail { item, stride } => {
            let len = bytes.len() / stride;
            out.push('(');
            for (i, bytes) in bytes.chunks_exact(*stride).take(SHOWN).enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                repr_value(py, item, bytes, out)?;
            }
            match len {
                1 => out.push_str(",)"),
                0 | 2..=SHOWN => out.push(')'),
                _ => write!(out, ", … {len} items)").expect("writing to a String"),
            }
        }
        // Through f64, a float of 32 bits would print as 20.299999237060547.
        Kind::Scalar(Scalar::F32) => {
            let shortest: f64 = f32::from_le_bytes(chunk(bytes))
                .to_string()
                .parse()
                .unwrap_or(f64::NAN);
            write!(out, "{}", PyFloat::new(py, shortest).repr()?).expect("writing to a String");
        }
        _ => write!(out, "{}", decode(py, kind, bytes)?.repr()?).expect("writing to a String"),
    }
    Ok(())
}

// ---- objects to bytes ----------------------------------------------------------------------

/// Where in a value an error is: `arm.joints[2]`, put together only when it is printed.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Field(Place::Root, name) => f.write_str(name),
            Place::Field(outer, name) => write!(f, "{outer}.{name}"),
            Place::Item(outer, index) => write!(f, "{outer}[{index}]"),
        }
    }
}

/// Writes every field of `ty` from keywords; what is missing needs a default. `out` is zero.
pub fn encode_all(ty: &RecordType, values: &Bound<'_, PyDict>, out: &mut [u8]) -> PyResult<()> {
    encode_struct(ty, values, out, Place::Root)
}

/// How many bytes a value with these fields has: more than the layout, where it ends in a tail.
pub fn size_of(ty: &RecordType, values: &Bound<'_, PyDict>) -> PyResult<usize> {
    let Some((tail, _, stride)) = ty.tail() else {
        return Ok(ty.size());
    };
    if let Some(size) = tail_of(ty, values)? {
        return Ok(size);
    }
    let place = Place::Field(&Place::Root, &tail.name);
    match &tail.default {
        Some(default) => sized(tail, stride, items(default.bind(values.py()), place)?),
        None => Ok(tail.offset), // Encoding says that it is missing.
    }
}

/// The same, where the tail is among these fields.
pub fn tail_of(ty: &RecordType, values: &Bound<'_, PyDict>) -> PyResult<Option<usize>> {
    let Some((tail, _, stride)) = ty.tail() else {
        return Ok(None);
    };
    for (name, value) in values {
        let name = name.extract::<&str>()?;
        if ty
            .field(name)
            .is_some_and(|(_, field)| ptr::eq(field, tail))
        {
            let place = Place::Field(&Place::Root, &tail.name);
            return sized(tail, stride, items(&value, place)?).map(Some);
        }
    }
    Ok(None)
}

fn sized(tail: &Field, stride: usize, items: usize) -> PyResult<usize> {
    let size = items
        .checked_mul(stride)
        .and_then(|size| size.checked_add(tail.offset));
    size.ok_or_else(|| errors::too_large(format!("field {}: {items} items", tail.name)))
}

/// How many items a tail is given.
fn items(value: &Bound<'_, PyAny>, place: Place<'_>) -> PyResult<usize> {
    match value.is_instance_of::<PyString>() {
        true => Err(wrong(place, "a sequence", value)),
        false => value.len().map_err(|_| wrong(place, "a sequence", value)),
    }
}

/// The bytes of a field among those of a value.
fn part<'a>(field: &Field, out: &'a mut [u8]) -> &'a mut [u8] {
    match field.kind.range(field.offset, out.len()) {
        Some(range) => &mut out[range],
        None => &mut [], // A tail of nothing; all else lies inside of every value.
    }
}

/// Whether the defaults are values of their fields: better said where they are declared.
pub fn check_defaults(py: Python<'_>, ty: &RecordType) -> PyResult<()> {
    for field in ty.fields() {
        if let Some(default) = &field.default {
            let place = Place::Field(&Place::Root, &field.name);
            let check = || {
                let size = match &field.kind {
                    Kind::Tail { stride, .. } => stride * items(default.bind(py), place)?,
                    kind => kind.size(),
                };
                let mut bytes = Scratch::new(size);
                encode(&field.kind, default.bind(py), &mut bytes, place)
            };
            check().map_err(|error| declared(py, ty, error))?;
        }
    }
    Ok(())
}

/// The error of a default, as one of its declaration.
fn declared(py: Python<'_>, ty: &RecordType, error: PyErr) -> PyErr {
    let said = PyTypeError::new_err(format!("{}: the default of {}", ty.name(), error.value(py)));
    said.set_cause(py, Some(error));
    said
}

fn encode_struct(
    ty: &RecordType,
    values: &Bound<'_, PyDict>,
    out: &mut [u8],
    place: Place<'_>,
) -> PyResult<()> {
    let mut given = vec![false; ty.fields().len()];
    for (name, value) in values {
        let name = name.extract::<&str>()?;
        let (index, field) = ty.field(name).ok_or_else(|| unknown(ty, name, place))?;
        if std::mem::replace(&mut given[index], true) {
            return Err(PyTypeError::new_err(format!(
                "{}: field {} is given twice",
                ty.name(),
                field.name
            )));
        }
        let out = part(field, out);
        encode(&field.kind, &value, out, Place::Field(&place, &field.name))?;
    }
    let mut missing = Vec::new();
    for (field, _) in ty.fields().iter().zip(given).filter(|(_, given)| !given) {
        match &field.default {
            Some(default) => {
                let out = part(field, out);
                encode(
                    &field.kind,
                    default.bind(values.py()),
                    out,
                    Place::Field(&place, &field.name),
                )?;
            }
            None => missing.push(Place::Field(&place, &field.name).to_string()),
        }
    }
    match &*missing {
        [] => Ok(()),
        [one] => Err(PyTypeError::new_err(format!(
            "{}: field {one} is missing",
            ty.name()
        ))),
        many => Err(PyTypeError::new_err(format!(
            "{}: fields {} are missing",
            ty.name(),
            many.join(", ")
        ))),
    }
}

/// Writes the fields that are named, by name or path, and says which bytes those are.
pub fn encode_some(
    ty: &RecordType,
    values: &Bound<'_, PyDict>,
    out: &mut [u8],
) -> PyResult<Vec<std::ops::Range<usize>>> {
    let mut written = Vec::with_capacity(values.len());
    for (name, value) in values {
        let name = name.extract::<&str>()?;
        let place = Place::Field(&Place::Root, name);
        let (offset, kind) = match ty.field(name) {
            Some((_, field)) => (field.offset, &field.kind),
            None if name.contains(['.', '[']) => ty.find(values.py(), name)?,
            None => return Err(unknown(ty, name, Place::Root)),
        };
        let bytes = kind.range(offset, out.len()).ok_or_else(|| {
            PyIndexError::new_err(format!("field {place}: there are fewer items"))
        })?;
        out[bytes.clone()].fill(0);
        encode(kind, &value, &mut out[bytes.clone()], place)?;
        written.push(bytes);
    }
    Ok(written)
}

fn unknown(ty: &RecordType, name: &str, place: Place<'_>) -> PyErr {
    let hint = match did_you_mean(name, names(ty)) {
        Some(close) => format!("; did you mean {close}?"),
        None => format!("; it has {}", names(ty).collect::<Vec<_>>().join(", ")),
    };
    PyTypeError::new_err(format!(
        "{} has no field {}{hint}",
        ty.name(),
        Place::Field(&place, name)
    ))
}

/// Writes `value` as `kind` into `out`, which is zero and has `kind.size()` bytes.
fn encode(kind: &Kind, value: &Bound<'_, PyAny>, out: &mut [u8], place: Place<'_>) -> PyResult<()> {
    match kind {
        Kind::Scalar(scalar) => encode_scalar(*scalar, value, out, place),
        Kind::Text(_) => encode_text(value, out, place),
        Kind::Array { item, stride, len } => encode_array(item, *stride, *len, value, out, place),
        Kind::Tail { item, stride } => {
            encode_array(item, *stride, out.len() / stride, value, out, place)
        }
        Kind::Struct(ty) => {
            if let Some(record) = Record::of(value) {
                check_layout(ty, record.ty())?;
                out.copy_from_slice(record.bytes());
                return Ok(());
            }
            // A copy, as encoding calls Python code, which may change a dict of the caller's own.
            match value.cast::<PyDict>() {
                Ok(values) => encode_struct(ty, &values.copy()?, out, place),
                Err(_) => match value.cast::<PyMapping>() {
                    Ok(values) => {
                        let copy = PyDict::new(value.py());
                        copy.update(values)?;
                        encode_struct(ty, &copy, out, place)
                    }
                    Err(_) => Err(wrong(place, &format!("a {} or a dict", ty.name()), value)),
                },
            }
        }
        Kind::Enum {
            repr,
            class,
            members,
        } => {
            let class = class.bind(value.py());
            let known = value.is_instance(class)?
                || members.bind(value.py()).contains(value).unwrap_or(false);
            match known {
                true => encode_scalar(*repr, value, out, place),
                false if value.extract::<i128>().is_ok() => {
                    let (class, names) = (class.name()?, member_names(class)?.join(", "));
                    Err(errors::invalid(format!(
                        "field {place}: {value} is not a valid {class}, which has {names}"
                    )))
                }
                false => {
                    let mut expected = format!("a {}", class.name()?);
                    if let Ok(name) = value.extract::<&str>() {
                        let names = member_names(class)?;
                        if let Some(near) = did_you_mean(name, &names) {
                            expected = format!("{expected} such as {}.{near}", class.name()?);
                        }
                    }
                    Err(wrong(place, &expected, value))
                }
            }
        }
    }
}

/// The names of an enum's members.
fn member_names(class: &Bound<'_, PyType>) -> PyResult<Vec<String>> {
    let members = class.getattr(intern!(class.py(), "__members__"))?;
    members.try_iter()?.map(|name| name?.extract()).collect()
}

fn wrong(place: Place<'_>, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let type_name = value
        .get_type()
        .name()
        .map(|name| name.to_string())
        .unwrap_or_default();
    PyTypeError::new_err(format!(
        "field {place}: expected {expected}, got {type_name}"
    ))
}

fn encode_scalar(
    scalar: Scalar,
    value: &Bound<'_, PyAny>,
    out: &mut [u8],
    place: Place<'_>,
) -> PyResult<()> {
    let py = value.py();
    match scalar {
        Scalar::Bool => {
            // numpy's bool is no int and has no __index__.
            let is_bool = value.is_instance_of::<PyBool>()
                || value.get_type().name()?.to_str()?.starts_with("bool");
            out[0] = match is_bool {
                true => value.is_truthy()?.into(),
                false => match value.extract::<u8>() {
                    Ok(value @ 0..=1) => value,
                    _ => return Err(wrong(place, "True or False", value)),
                },
            };
        }
        Scalar::F32 | Scalar::F64 => {
            let number: f64 = value.extract().map_err(|error: PyErr| {
                match error.is_instance_of::<PyOverflowError>(py) {
                    true => errors::invalid(format!(
                        "field {place}: {value} does not fit in {}",
                        scalar.name()
                    )),
                    false => wrong(place, &format!("a number ({})", scalar.name()), value),
                }
            })?;
            if scalar == Scalar::F64 {
                out.copy_from_slice(&number.to_le_bytes());
            } else if number.is_finite() && (number as f32).is_infinite() {
                return Err(errors::invalid(format!(
                    "field {place}: {value} does not fit in f32"
                )));
            } else {
                out.copy_from_slice(&(number as f32).to_le_bytes());
            }
        }
        _ => {
            let (min, max) = scalar
                .int_range()
                .expect("bool and floats are dealt with above");
            let number = value.extract::<i64>().map(i128::from).or_else(|error| {
                // Beyond i64: u64's upper half, or out of every range.
                match error.is_instance_of::<PyOverflowError>(py) {
                    true => Ok(value.extract::<u64>().map_or(i128::MAX, i128::from)),
                    false => Err(wrong(
                        place,
                        &format!("an integer ({})", scalar.name()),
                        value,
                    )),
                }
            })?;
            if number < min || number > max {
                let message = format!(
                    "field {place}: {value} does not fit in {} ({min} to {max})",
                    scalar.name()
                );
                return Err(errors::invalid(message));
            }
            out.copy_from_slice(&number.to_le_bytes()[..out.len()]);
        }
    }
    Ok(())
}

fn encode_text(value: &Bound<'_, PyAny>, out: &mut [u8], place: Place<'_>) -> PyResult<()> {
    let value = value
        .cast::<PyString>()
        .map_err(|_| wrong(place, "a str", value))?;
    let text = value
        .to_str()
        .map_err(|error| errors::invalid(format!("field {place}: {error}")))?
        .as_bytes();
    if text.len() > out.len() {
        let message = format!(
            "field {place}: {} bytes of text do not fit in text[{}]",
            text.len(),
            out.len()
        );
        return Err(errors::too_large(message));
    }
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        let message =
            format!("field {place}: the text has a NUL at {at}, where readers would cut it");
        return Err(errors::invalid(message));
    }
    out[..text.len()].copy_from_slice(text);
    Ok(())
}

fn encode_array(
    item: &Kind,
    stride: usize,
    len: usize,
    value: &Bound<'_, PyAny>,
    out: &mut [u8],
    place: Place<'_>,
) -> PyResult<()> {
    let copied = with_numbers(item, len, value, |bytes| {
        out.copy_from_slice(bytes);
        Ok(())
    });
    if copied? {
        return Ok(());
    }
    // A str is a sequence, too, but never what was meant.
    let items = value
        .cast::<PySequence>()
        .ok()
        .filter(|_| !value.is_instance_of::<PyString>());
    let items = match items {
        Some(items) => items.to_tuple()?,
        // numpy's arrays are sequences in all but name.
        None if value.hasattr("__array__")? => value
            .try_iter()?
            .collect::<PyResult<Vec<_>>>()
            .and_then(|items| PyTuple::new(value.py(), items))?,
        None => return Err(wrong(place, &format!("a sequence of {len}"), value)),
    };
    if items.len() != len {
        let message = format!("field {place}: expected {len} items, got {}", items.len());
        return Err(errors::invalid(message));
    }
    for (i, (value, out)) in items
        .iter_borrowed()
        .zip(out.chunks_exact_mut(stride))
        .enumerate()
    {
        encode(item, &value, out, Place::Item(&place, i))?;
    }
    Ok(())
}

/// Writes a field by its path into a value that is being filled in place.
pub fn encode_into_slot(
    ty: &RecordType,
    path: &str,
    value: &Bound<'_, PyAny>,
    mut write: impl FnMut(usize, &[u8]) -> PyResult<()>,
) -> PyResult<()> {
    let (offset, kind) = ty.find(value.py(), path)?;
    if let Kind::Array { item, len, .. } = kind
        && with_numbers(item, *len, value, |bytes| write(offset, bytes))?
    {
        return Ok(());
    }
    let mut bytes = Scratch::new(kind.size());
    encode(kind, value, &mut bytes, Place::Field(&Place::Root, path))?;
    write(offset, &bytes)
}

/// Hands the bytes of an array of numbers to `take`, where `value` has a buffer of just this type
/// and shape; otherwise false.
fn with_numbers(
    item: &Kind,
    len: usize,
    value: &Bound<'_, PyAny>,
    take: impl FnOnce(&[u8]) -> PyResult<()>,
) -> PyResult<bool> {
    // SAFETY: any object may be asked.
    if unsafe { ffi::PyObject_CheckBuffer(value.as_ptr()) } == 0 {
        return Ok(false);
    }
    let mut shape = vec![len];
    let mut base = item;
    while let Kind::Array { item, len, .. } = base {
        shape.push(*len);
        base = item;
    }
    let Kind::Scalar(scalar) = base else {
        return Ok(false);
    };
    fn bytes_of<T: Element>(
        value: &Bound<'_, PyAny>,
        shape: &[usize],
        take: impl FnOnce(&[u8]) -> PyResult<()>,
    ) -> PyResult<bool> {
        let Ok(buffer) = PyBuffer::<T>::get(value) else {
            return Ok(false);
        };
        if buffer.shape() != shape || !buffer.is_c_contiguous() {
            return Ok(false);
        }
        // SAFETY: a C-contiguous buffer is `len_bytes` bytes at `buf_ptr`, held while `buffer` is, and
        // any bytes are numbers. `take` runs no Python code; who has another thread write to the
        // buffer meanwhile (numpy does so without the GIL) gets some of each, as in any use of it.
        take(unsafe {
            std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), buffer.len_bytes())
        })?;
        Ok(true)
    }
    match scalar {
        // A bool has two values, and its buffers know no type of their own.
        Scalar::Bool => Ok(false),
        Scalar::I8 => bytes_of::<i8>(value, &shape, take),
        Scalar::I16 => bytes_of::<i16>(value, &shape, take),
        Scalar::I32 => bytes_of::<i32>(value, &shape, take),
        Scalar::I64 => bytes_of::<i64>(value, &shape, take),
        Scalar::U8 => bytes_of::<u8>(value, &shape, take),
        Scalar::U16 => bytes_of::<u16>(value, &shape, take),
        Scalar::U32 => bytes_of::<u32>(value, &shape, take),
        Scalar::U64 => bytes_of::<u64>(value, &shape, take),
        Scalar::F32 => bytes_of::<f32>(value, &shape, take),
        Scalar::F64 => bytes_of::<f64>(value, &shape, take),
    }
}
