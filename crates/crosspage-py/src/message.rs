//! What goes through a topic: messages as they are published and received, and memory that is lent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crosspage::topic::{ArrayType, Kind, RawLoan, RawMessage, RawPublisher};
use crosspage::{Error, ErrorKind, Result};
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyMemoryView, PyString, PyTuple, PyType};
use pyo3::{ffi, intern};

use crate::errors::{self, raise};
use crate::handle::Target;
use crate::meta::{Origin, Pattern, in_seconds};
use crate::record::{Fresh, Record};
use crate::types::{LayoutObject, RecordType, dynamic};
use crate::values::{Buffer, Source};

// ---- what messages are ---------------------------------------------------------------------

/// What the messages of a topic are, as Python has them.
#[derive(Clone, Copy)]
pub enum Shape {
    Record(&'static RecordType),
    Bytes,
    Array,
}

impl Shape {
    /// Of what `crosspage.topic` makes of a declaration: a layout, "bytes" or "ndarray".
    pub fn declared(means: &Bound<'_, PyAny>) -> PyResult<Shape> {
        if let Ok(layout) = means.cast::<LayoutObject>() {
            return Ok(Shape::Record(layout.get().0));
        }
        match means.extract()? {
            "bytes" => Ok(Shape::Bytes),
            _ => Ok(Shape::Array),
        }
    }

    /// Of a page's own.
    pub fn of(py: Python<'_>, kind: &Kind) -> PyResult<Shape> {
        Ok(match kind {
            Kind::Struct(layout) => Shape::Record(dynamic(py, layout)?),
            Kind::Bytes => Shape::Bytes,
            Kind::Array => {
                // Before a message is taken that could not be shown.
                py.import(intern!(py, "numpy"))?;
                Shape::Array
            }
        })
    }

    /// Of the first message that is published where nobody has said.
    pub fn of_value(value: &Bound<'_, PyAny>) -> PyResult<Shape> {
        if let Some(record) = Record::of(value) {
            return Ok(Shape::Record(record.ty()));
        }
        let py = value.py();
        let layout = py
            .import(intern!(py, "crosspage._declare"))?
            .getattr(intern!(py, "_layout_of_value"))?;
        if let Some(layout) = layout
            .call1((value,))?
            .extract::<Option<PyRef<'_, LayoutObject>>>()?
        {
            return Ok(Shape::Record(layout.0));
        }
        if is_array(value) {
            return Ok(Shape::Array);
        }
        // SAFETY: any object may be asked.
        match unsafe { ffi::PyObject_CheckBuffer(value.as_ptr()) } {
            1 => Ok(Shape::Bytes),
            _ => Err(PyTypeError::new_err(format!(
                "expected a record, bytes or a numpy array, got {}",
                value.get_type().name()?
            ))),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Shape::Record(ty) => Kind::Struct(ty.layout().clone()),
            Shape::Bytes => Kind::Bytes,
            Shape::Array => Kind::Array,
        }
    }

    /// The name that messages go by.
    pub fn name(shape: Option<&Shape>) -> &'static str {
        match shape {
            Some(Shape::Record(ty)) => ty.name(),
            Some(Shape::Bytes) => "bytes",
            Some(Shape::Array) => "ndarray",
            None => "what nobody has declared yet",
        }
    }
}

/// `numpy.ndarray`, where this program uses numpy at all.
fn ndarray(py: Python<'_>) -> Option<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if let Some(class) = CLASS.get(py) {
        return Some(class.bind(py));
    }
    let modules = py.import("sys").and_then(|sys| sys.getattr("modules"));
    modules.ok()?.get_item("numpy").ok()?;
    CLASS.import(py, "numpy", "ndarray").ok()
}

pub fn is_array(object: &Bound<'_, PyAny>) -> bool {
    // Not isinstance(), which believes what an object says of its `__class__`.
    // SAFETY: both are types.
    ndarray(object.py()).is_some_and(|class| unsafe {
        ffi::PyType_IsSubtype(ffi::Py_TYPE(object.as_ptr()), class.as_type_ptr()) != 0
    })
}

/// The type of the elements as numpy writes it, where other processes can share them.
fn name_of_dtype(dtype: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = dtype.py();
    if dtype.getattr(intern!(py, "hasobject"))?.is_truthy()? {
        return Err(errors::invalid(format!(
            "{dtype} holds Python objects, which mean nothing in another process"
        )));
    }
    if !dtype.getattr(intern!(py, "names"))?.is_none() {
        return Err(errors::invalid(
            "the elements of this array are structs: declare the topic's type, \
             publisher(name, array.dtype), and publish_many(array)",
        ));
    }
    let name: String = dtype.getattr(intern!(py, "str"))?.extract()?;
    match name.strip_prefix('>') {
        Some(rest) => Err(errors::invalid(format!(
            "{name} is big-endian; publish array.astype(\"<{rest}\"), crosspage is little-endian only"
        ))),
        None => Ok(name),
    }
}

// ---- what is published ---------------------------------------------------------------------

/// A message that is about to be published, and what keeps its bytes.
pub enum Outgoing<'a> {
    Value(Source<'a>, &'static RecordType),
    Bytes(Buffer),
    Array(ArrayType, Buffer),
}

impl<'a> Outgoing<'a> {
    /// Either `value` or, for a struct, its `fields`.
    pub fn new(
        py: Python<'_>,
        shape: Shape,
        value: Option<&'a Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Outgoing<'a>> {
        if let Shape::Record(ty) = shape {
            return Ok(Outgoing::Value(Source::new(py, ty, value, fields)?, ty));
        }
        let (Some(value), None) = (value, fields) else {
            return Err(PyTypeError::new_err(format!(
                "messages of this topic are {}: one is given, and no fields",
                Shape::name(Some(&shape))
            )));
        };
        match shape {
            Shape::Array => Outgoing::array(value),
            _ => Outgoing::bytes(value),
        }
    }

    fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Outgoing<'a>> {
        let buffer = Buffer::of(value, false, || {
            let hint = match value.is_instance_of::<PyString>() {
                true => "; for text write text.encode()",
                false => "",
            };
            let given = value.get_type().name()?;
            Ok(PyTypeError::new_err(format!(
                "expected bytes, or an object with a buffer, got {given}{hint}"
            )))
        });
        Ok(Outgoing::Bytes(
            buffer.map_err(|error| in_the_way(value).unwrap_or(error))?,
        ))
    }

    fn array(value: &Bound<'_, PyAny>) -> PyResult<Outgoing<'a>> {
        let py = value.py();
        if !is_array(value) {
            let given = value.get_type().name()?;
            let message = format!("expected a numpy array, got {given}");
            return Err(PyTypeError::new_err(message));
        }
        let array = ArrayType {
            dtype: name_of_dtype(&value.getattr(intern!(py, "dtype"))?)?,
            shape: value.getattr(intern!(py, "shape"))?.extract()?,
        };
        let buffer = Buffer::of(value, false, || {
            Ok(PyTypeError::new_err("this array has no buffer"))
        });
        let buffer = buffer.map_err(|error| in_the_way(value).unwrap_or(error))?;
        Ok(Outgoing::Array(array, buffer))
    }

    /// The bytes, for a thread that is not attached. Good as long as `self`.
    pub fn parcel(&self) -> Parcel<'_> {
        let (what, data, len) = match self {
            Outgoing::Value(source, ty) => (What::value(ty), source.as_ptr(), source.len()),
            Outgoing::Bytes(buffer) => (What::Bytes, buffer.as_ptr().cast_const(), buffer.len()),
            Outgoing::Array(array, buffer) => (
                What::Array(array),
                buffer.as_ptr().cast_const(),
                buffer.len(),
            ),
        };
        Parcel {
            what,
            data: Target(data.cast_mut()),
            len,
        }
    }

    /// A copy that belongs to nobody else.
    pub fn packed(&self) -> Packed {
        let parcel = self.parcel();
        Packed {
            array: match self {
                Outgoing::Array(array, _) => Some(array.clone()),
                _ => None,
            },
            is_value: matches!(parcel.what, What::Value),
            bytes: parcel.bytes().to_vec(),
        }
    }
}

/// What is in the way of an array's buffer, where that can be said better.
fn in_the_way(value: &Bound<'_, PyAny>) -> Option<PyErr> {
    let contiguous = value
        .getattr("flags")
        .and_then(|flags| flags.getattr("c_contiguous"));
    match contiguous.and_then(|yes| yes.is_truthy()) {
        Ok(false) => Some(errors::invalid(
            "this array is not contiguous (in C's order); publish numpy.ascontiguousarray(array)",
        )),
        _ => None,
    }
}

/// A message with bytes of its own.
pub struct Packed {
    array: Option<ArrayType>,
    is_value: bool,
    bytes: Vec<u8>,
}

impl Packed {
    pub fn parcel(&self) -> Parcel<'_> {
        Parcel {
            what: match &self.array {
                Some(array) => What::Array(array),
                None if self.is_value => What::Value,
                None => What::Bytes,
            },
            data: Target(self.bytes.as_ptr().cast_mut()),
            len: self.bytes.len(),
        }
    }
}

#[derive(Clone, Copy)]
enum What<'a> {
    /// A struct of a fixed size.
    Value,
    Bytes,
    Array(&'a ArrayType),
}

impl What<'_> {
    /// What values of a struct are.
    fn value(ty: &RecordType) -> What<'static> {
        match ty.tail() {
            None => What::Value,
            Some(_) => What::Bytes,
        }
    }
}

/// The bytes of a message, and what they are.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    what: What<'a>,
    data: Target,
    len: usize,
}

impl<'a> Parcel<'a> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bytes(&self) -> &'a [u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: as many bytes as `len` are held for `'a` by whoever made this. Who lets another thread
        // write to a buffer of theirs meanwhile gets some of each, as with any buffer.
        unsafe { std::slice::from_raw_parts(self.data.get(), self.len) }
    }

    pub fn publish(&self, raw: &mut RawPublisher) -> Result<u64> {
        match self.what {
            // SAFETY: the data are a value's of this side's layout.
            What::Value => unsafe { raw.publish(self.data.get()) },
            What::Bytes => raw.publish_bytes(self.bytes()),
            What::Array(array) => raw.publish_array(array, self.bytes()),
        }
    }
}

// ---- what is received ----------------------------------------------------------------------

/// What a subscriber gives for one message.
pub fn received(py: Python<'_>, shape: Shape, message: RawMessage) -> PyResult<Bound<'_, PyAny>> {
    let origin = Origin::from(message.meta());
    match shape {
        Shape::Record(ty) => {
            let bytes = message.bytes();
            if !ty.fits(bytes.len()) {
                let what = format!("a message of {} bytes is no {}", bytes.len(), ty.name());
                return Err(raise(Error::new(ErrorKind::Corrupt, what)));
            }
            Ok(Fresh::copied(py, ty, bytes)?.finish(origin))
        }
        Shape::Bytes => Ok(Bound::new(py, MessageObject::new(message))?.into_any()),
        Shape::Array => array(py, message),
    }
}

/// A message as an array that looks at its bytes, and keeps them.
fn array(py: Python<'_>, message: RawMessage) -> PyResult<Bound<'_, PyAny>> {
    static DTYPE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let said = message.array().cloned();
    let message = Bound::new(py, MessageObject::new(message))?;
    let corrupt = |what: String| raise(Error::new(ErrorKind::Corrupt, what));
    let said = said.ok_or_else(|| corrupt("the message is no array".to_owned()))?;
    let dtype = DTYPE
        .import(py, "numpy", "dtype")?
        .call1((&said.dtype,))
        .map_err(|error| {
            let what = format!("the message's dtype {:?}: {}", said.dtype, error.value(py));
            corrupt(what)
        })?;
    // Objects would be pointers that a peer has chosen.
    if dtype.getattr(intern!(py, "hasobject"))?.is_truthy()? {
        let what = format!("the message's dtype {:?} holds objects", said.dtype);
        return Err(corrupt(what));
    }
    let itemsize: u64 = dtype.getattr(intern!(py, "itemsize"))?.extract()?;
    let size = said
        .shape
        .iter()
        .try_fold(itemsize, |size, length| size.checked_mul(*length));
    if size != Some(message.get().bytes(py).len() as u64) {
        return Err(corrupt(format!(
            "the message's bytes are not those of {} of {:?}",
            said.dtype, said.shape
        )));
    }
    let shape = PyTuple::new(py, &said.shape)?;
    // The message itself becomes the array's base: it lives, and its bytes stay, as long as any view.
    ARRAY
        .import(py, "numpy", "ndarray")?
        .call1((shape, dtype, message))
}

/// A message of a topic: bytes, and what is known of them. It has a buffer, as `bytes` have:
/// `bytes(message)`, `memoryview(message)`, `numpy.frombuffer(message, "u1")`.
#[pyclass(frozen, name = "Message", module = "crosspage.topic")]
pub struct MessageObject {
    body: Body,
    origin: Origin,
}

enum Body {
    Received(RawMessage),
    Copied(Py<PyBytes>),
}

impl MessageObject {
    fn new(message: RawMessage) -> MessageObject {
        MessageObject {
            origin: message.meta().into(),
            body: Body::Received(message),
        }
    }

    /// The message that an array or a view looks at, if it is one's.
    pub fn behind<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, MessageObject>>> {
        let mut object = object.clone();
        loop {
            let of = match object.cast_into::<MessageObject>() {
                Ok(message) => return Ok(Some(message)),
                Err(other) => other.into_inner(),
            };
            object = if is_array(&of) {
                of.getattr("base")?
            } else if let Ok(view) = of.cast_exact::<PyMemoryView>() {
                view.getattr("obj")?
            } else {
                return Ok(None);
            };
        }
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    fn bytes<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match &self.body {
            Body::Received(message) => message.bytes(),
            Body::Copied(bytes) => bytes.as_bytes(py),
        }
    }
}

#[pymethods]
impl MessageObject {
    /// Counts up by one with each message of its publisher; the first is 1.
    #[getter]
    fn sequence(&self) -> u64 {
        self.origin.number
    }

    /// The process that published it, as numbered in its own PID namespace.
    #[getter]
    fn publisher(&self) -> u32 {
        self.origin.pid
    }

    /// When it was sent, in seconds since 1970; None where the topic's messages do not say (`send_time`).
    #[getter]
    fn sent_at(&self) -> Option<f64> {
        self.origin.time().map(in_seconds)
    }

    /// The same in nanoseconds.
    #[getter]
    fn sent_at_ns(&self) -> Option<u64> {
        self.origin.time()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.bytes(py).len()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.bytes(py))
    }

    /// As bytes compare: with whatever has a buffer.
    fn __richcmp__(
        &self,
        py: Python<'_>,
        other: &Bound<'_, PyAny>,
        op: CompareOp,
    ) -> PyResult<Py<PyAny>> {
        // SAFETY: any object may be asked.
        let comparable = unsafe { ffi::PyObject_CheckBuffer(other.as_ptr()) } == 1;
        if !comparable || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(py.NotImplemented());
        }
        let equal = self.__bytes__(py).rich_compare(other, op)?;
        Ok(equal.unbind())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let restore = py
            .import(intern!(py, "crosspage._crosspage"))?
            .getattr(intern!(py, "_restore_message"))?;
        let Origin {
            number, pid, at, ..
        } = self.origin;
        let state = (self.__bytes__(py), number, pid, at);
        Ok((restore, state).into_pyobject(py)?.into_any())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "<message {} of process {}, {} bytes>",
            self.origin.number,
            self.origin.pid,
            self.bytes(py).len()
        )
    }

    /// What Python 3.12 and later give every class with a buffer; type checkers ask for it anywhere.
    fn __buffer__<'py>(slf: &Bound<'py, Self>, _flags: i32) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(slf.as_any())
    }

    /// # Safety
    /// As CPython's: `view` is valid for writing.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: i32,
    ) -> PyResult<()> {
        let bytes = slf.get().bytes(slf.py());
        let (data, len) = (
            bytes.as_ptr().cast_mut().cast(),
            bytes.len() as ffi::Py_ssize_t,
        );
        // SAFETY: `view` is valid. The bytes stay where they are, and as they are, as long as the
        // message, which the view keeps. PyBuffer_FillInfo refuses a view that asks to write.
        match unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), data, len, 1, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}

/// Unpickles a message.
#[pyfunction(name = "_restore_message")]
pub fn restore_message(bytes: Py<PyBytes>, number: u64, pid: u32, at: u64) -> MessageObject {
    MessageObject {
        body: Body::Copied(bytes),
        origin: Origin {
            pattern: Pattern::Topic,
            pid,
            number,
            at,
        },
    }
}

// ---- what is lent --------------------------------------------------------------------------

/// Lent memory: what the views of a loan look at, and refer to.
#[pyclass(frozen, name = "_Lent", module = "crosspage.topic")]
pub struct Lent {
    /// None once it is published. One that is dropped goes back to its publisher by itself.
    loan: Mutex<Option<RawLoan>>,
    data: Target,
    len: usize,
}

impl Lent {
    pub fn new(mut loan: RawLoan) -> Lent {
        Lent {
            data: Target(loan.as_mut_ptr()),
            len: loan.len(),
            loan: Mutex::new(Some(loan)),
        }
    }

    /// Never held while something else is waited for.
    fn loan(&self) -> MutexGuard<'_, Option<RawLoan>> {
        self.loan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes as a message to copy.
    fn parcel<'a>(&'a self, shape: Option<Shape>, array: Option<&'a ArrayType>) -> Parcel<'a> {
        Parcel {
            what: match (array, shape) {
                (Some(array), _) => What::Array(array),
                (None, Some(Shape::Record(ty))) => What::value(ty),
                _ => What::Bytes,
            },
            data: self.data,
            len: self.len,
        }
    }
}

#[pymethods]
impl Lent {
    /// # Safety
    /// As CPython's: `view` is valid for writing.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: i32,
    ) -> PyResult<()> {
        let lent = slf.get();
        if lent.loan().is_none() {
            return Err(PyBufferError::new_err("this loan was published"));
        }
        let (data, len) = (lent.data.get().cast(), lent.len as ffi::Py_ssize_t);
        // SAFETY: `view` is valid. The memory is lent, so nobody else looks at it, until it is published,
        // which it is not while a view refers to this object.
        match unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), data, len, 0, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}

/// What a loan is asked for.
pub enum Wanted {
    Bytes(usize),
    Array(ArrayType, Py<PyAny>),
}

impl Wanted {
    /// An array of `shape` (an integer or several) and `dtype` (whatever numpy takes for one).
    pub fn array(shape: &Bound<'_, PyAny>, dtype: &Bound<'_, PyAny>) -> PyResult<Wanted> {
        let dtype = shape
            .py()
            .import("numpy")?
            .getattr("dtype")?
            .call1((dtype,))?;
        let shape = match shape.extract::<u64>() {
            Ok(length) => vec![length],
            Err(_) => shape.extract().map_err(|_| {
                PyTypeError::new_err("a shape is an integer, or several: (1080, 1920, 3)")
            })?,
        };
        let array = ArrayType {
            dtype: name_of_dtype(&dtype)?,
            shape,
        };
        Ok(Wanted::Array(array, dtype.unbind()))
    }

    pub fn lend(&self, raw: &mut RawPublisher) -> Result<RawLoan> {
        match self {
            Wanted::Bytes(len) => raw.loan(*len),
            Wanted::Array(array, _) => raw.loan_array(array),
        }
    }

    fn array_type(&self) -> Option<&ArrayType> {
        match self {
            Wanted::Bytes(_) => None,
            Wanted::Array(array, _) => Some(array),
        }
    }

    /// What the user fills.
    fn view<'py>(&self, lent: &Bound<'py, Lent>) -> PyResult<Bound<'py, PyAny>> {
        let py = lent.py();
        match self {
            Wanted::Bytes(_) => Ok(PyMemoryView::from(lent.as_any())?.into_any()),
            Wanted::Array(array, dtype) => {
                let shape = PyTuple::new(py, &array.shape)?;
                let class = py.import("numpy")?.getattr("ndarray")?;
                class.call1((shape, dtype.bind(py), lent))
            }
        }
    }

    /// Takes the memory away from the view, where that can be done; what still looks at it keeps it.
    fn end(&self, view: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = view.py();
        match self {
            Wanted::Bytes(_) => match view.call_method0(intern!(py, "release")) {
                Err(error) if error.is_instance_of::<PyBufferError>(py) => Ok(()),
                done => done.map(drop),
            },
            // Views of an array keep the array, but would not keep the memory without it.
            // SAFETY: a living object. Two are usual: the loan's, and the variable of the `with`.
            Wanted::Array(..) if unsafe { ffi::Py_REFCNT(view.as_ptr()) } > 2 => Ok(()),
            // It becomes an array of no elements, in its own memory.
            Wanted::Array(_, dtype) => {
                let state = (1, (0,), dtype.bind(py), false, PyBytes::new(py, b""));
                view.call_method1(intern!(py, "__setstate__"), (state,))
                    .map(drop)
            }
        }
    }
}

/// What is to become of a loan at the end of its `with`.
pub enum Ended {
    /// Nobody looks at it any more.
    Free(RawLoan),
    /// Somebody does: what is published has to be a copy, and the loan stays with the views.
    Seen,
}

/// A loan in use.
pub struct InUse {
    lent: Py<Lent>,
    view: Py<PyAny>,
}

impl InUse {
    /// What is handed to the user, too.
    pub fn new<'py>(
        py: Python<'py>,
        wanted: &Wanted,
        loan: RawLoan,
    ) -> PyResult<(InUse, Bound<'py, PyAny>)> {
        let lent = Bound::new(py, Lent::new(loan))?;
        let view = wanted.view(&lent)?;
        let in_use = InUse {
            lent: lent.unbind(),
            view: view.clone().unbind(),
        };
        Ok((in_use, view))
    }

    pub fn end(&self, py: Python<'_>, wanted: &Wanted) -> PyResult<Ended> {
        wanted.end(self.view.bind(py))?;
        // SAFETY: a living object. Whatever looks at the memory refers to it.
        let alone = unsafe { ffi::Py_REFCNT(self.lent.as_ptr()) } == 1;
        let loan = self.lent.get().loan().take_if(|_| alone);
        Ok(loan.map_or(Ended::Seen, Ended::Free))
    }

    /// The bytes as a message to copy.
    pub fn parcel<'a>(&'a self, shape: Option<Shape>, wanted: &'a Wanted) -> Parcel<'a> {
        self.lent.get().parcel(shape, wanted.array_type())
    }
}
