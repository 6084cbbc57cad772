//! Records: immutable values of a layout, their bytes inline in one Python object.
//!
//! A record's class is a heap type made once per layout, with one getter in C per field whose
//! closure is the field's offset (or its description). That is as fast as ctypes;
//! `__getattr__` would cost twenty times as much, and PyO3's own getters know no closures.

use std::ffi::{CStr, c_int, c_void};
use std::mem::{offset_of, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crosspage::layout::{Scalar, did_you_mean};
use pyo3::exceptions::{PyAttributeError, PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyMemoryView, PyTuple, PyType};
use pyo3::{ffi, intern};

use crate::convert::{self, decode};
use crate::errors;
use crate::meta::{Origin, Pattern};
use crate::types::{Field, Kind, LayoutObject, RecordType, dynamic, names};

/// The object behind every record. `head.ob_size` bytes of the layout follow at [`DATA`].
#[repr(C)]
struct Object {
    head: ffi::PyVarObject,
    ty: &'static RecordType,
    origin: Origin,
}

/// Where the bytes of a record begin.
const DATA: usize = size_of::<Object>();
const _: () = assert!(DATA.is_multiple_of(8) && offset_of!(Object, head) == 0);

/// `crosspage.Record`, the base of every record class.
static BASE: PyOnceLock<Py<PyType>> = PyOnceLock::new();

pub fn base(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    BASE.get_or_try_init(py, || make_base(py))
        .map(|base| base.bind(py))
}

fn make_base(py: Python<'_>) -> PyResult<Py<PyType>> {
    const DOC: &CStr = c"An immutable value of a layout: `record.temperature`, `record[\"arm.joints[2]\"]`.\n\nSee crosspage.meta, crosspage.to_dict and crosspage.to_numpy; bytes(record) are its bytes.";
    let method =
        |name: &'static CStr, call: ffi::PyMethodDefPointer, flags: c_int| ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: call,
            ml_flags: flags,
            ml_doc: ptr::null(),
        };
    // Leaked, as CPython keeps the pointer for as long as the type lives: for ever.
    let methods: &'static mut [ffi::PyMethodDef] = Box::leak(Box::new([
        method(
            c"__reduce__",
            ffi::PyMethodDefPointer {
                PyCFunction: reduce,
            },
            ffi::METH_NOARGS,
        ),
        method(
            c"__buffer__",
            ffi::PyMethodDefPointer {
                PyCFunction: buffer,
            },
            ffi::METH_O,
        ),
        method(
            c"__replace__",
            ffi::PyMethodDefPointer {
                PyCFunctionWithKeywords: replace,
            },
            ffi::METH_VARARGS | ffi::METH_KEYWORDS,
        ),
        ffi::PyMethodDef::zeroed(),
    ]));
    let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_doc, DOC.as_ptr() as *mut c_void),
        slot(ffi::Py_tp_new, new as *mut c_void),
        slot(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        slot(ffi::Py_tp_traverse, traverse as *mut c_void),
        slot(ffi::Py_tp_repr, repr as *mut c_void),
        slot(ffi::Py_tp_hash, hash as *mut c_void),
        slot(ffi::Py_tp_richcompare, richcompare as *mut c_void),
        slot(ffi::Py_tp_getattro, getattro as *mut c_void),
        slot(ffi::Py_tp_setattro, setattro as *mut c_void),
        slot(ffi::Py_mp_subscript, subscript as *mut c_void),
        slot(ffi::Py_bf_getbuffer, getbuffer as *mut c_void),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
        slot(0, ptr::null_mut()),
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"crosspage.Record".as_ptr(),
        basicsize: DATA as c_int,
        itemsize: 1,
        // With GC, as every class that a `class` statement makes has it, and one way to allocate
        // must do for all. Records are never tracked: they refer to nothing but their class.
        flags: (ffi::Py_TPFLAGS_DEFAULT
            | ffi::Py_TPFLAGS_BASETYPE
            | ffi::Py_TPFLAGS_IMMUTABLETYPE
            | ffi::Py_TPFLAGS_HAVE_GC) as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the spec is complete and its slots end with a zero; CPython copies what it keeps of
    // it, except name and methods, which are static or leaked. Each slot has the signature that
    // its number demands.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&mut spec))? };
    Ok(class.cast_into::<PyType>()?.unbind())
}

/// A record that nobody else has seen: its bytes may still be written.
pub struct Fresh<'py>(Bound<'py, PyAny>);

impl<'py> Fresh<'py> {
    /// A record of `ty`, its bytes zero.
    pub fn zeroed(py: Python<'py>, ty: &'static RecordType) -> PyResult<Fresh<'py>> {
        Fresh::zeroed_of(py, ty, ty.size())
    }

    /// A record of `ty` that has `len` bytes, all zero.
    pub fn zeroed_of(py: Python<'py>, ty: &'static RecordType, len: usize) -> PyResult<Fresh<'py>> {
        // SAFETY: the bytes are written before anybody can read them.
        let fresh = unsafe { Fresh::uninit_of(py, ty, len)? };
        // SAFETY: the object has `ob_size` = `len` bytes at `data()`.
        unsafe { ptr::write_bytes(fresh.data(), 0, len) };
        Ok(fresh)
    }

    /// A record of `ty` with these bytes, which are as many as the layout has, or more where it ends in a
    /// tail.
    pub fn copied(py: Python<'py>, ty: &'static RecordType, bytes: &[u8]) -> PyResult<Fresh<'py>> {
        // SAFETY: all bytes are written in the next statement.
        let fresh = unsafe { Fresh::uninit_of(py, ty, bytes.len())? };
        // SAFETY: both regions have `bytes.len()` bytes, and the object is new, so they are apart.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), fresh.data(), bytes.len()) };
        Ok(fresh)
    }

    /// A record of `ty` whose bytes are not initialised.
    ///
    /// # Safety
    /// Every byte at [`data`](Fresh::data) is written before [`finish`](Fresh::finish).
    pub unsafe fn uninit(py: Python<'py>, ty: &'static RecordType) -> PyResult<Fresh<'py>> {
        // SAFETY: handed through from the caller.
        unsafe { Fresh::uninit_of(py, ty, ty.size()) }
    }

    /// The same with `len` bytes.
    ///
    /// # Safety
    /// As for [`uninit`](Fresh::uninit).
    unsafe fn uninit_of(
        py: Python<'py>,
        ty: &'static RecordType,
        len: usize,
    ) -> PyResult<Fresh<'py>> {
        let is_ours = len == ty.size() || ty.fits(len);
        assert!(is_ours, "{len} bytes are no {}", ty.name());
        // SAFETY: `RecordType::new` made sure that the class is a subtype of `Record`, so with GC,
        // and of the same basic size, so this allocates DATA + size bytes and sets the head.
        let object = unsafe {
            ffi::PyObject_GC_NewVar::<Object>(ty.class(py).as_type_ptr(), len as ffi::Py_ssize_t)
        };
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        // SAFETY: `object` is a new allocation of at least DATA bytes; only its head is initialised.
        unsafe {
            (&raw mut (*object).ty).write(ty);
            (&raw mut (*object).origin).write(Origin::default());
            Ok(Fresh(Bound::from_owned_ptr(py, object.cast())))
        }
    }

    /// The bytes: as many as the layout has, aligned to 8.
    pub fn data(&self) -> *mut u8 {
        // SAFETY: the object has DATA bytes before its data.
        unsafe { self.0.as_ptr().cast::<u8>().add(DATA) }
    }

    /// The bytes of a record made by [`zeroed`](Fresh::zeroed) or [`copied`](Fresh::copied).
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: `data()` has `ob_size` bytes, and `&mut self` is the only way to them.
        unsafe { std::slice::from_raw_parts_mut(self.data(), raw_bytes(self.0.as_ptr()).len()) }
    }

    pub fn finish(self, origin: Origin) -> Bound<'py, PyAny> {
        // SAFETY: the object was made by `uninit`, and nobody else has it yet.
        unsafe { (&raw mut (*self.0.as_ptr().cast::<Object>()).origin).write(origin) };
        self.0
    }
}

/// A borrowed record.
#[derive(Clone, Copy)]
pub struct Record<'a, 'py>(&'a Bound<'py, PyAny>);

impl<'a, 'py> Record<'a, 'py> {
    /// `object` as a record, if it is one.
    pub fn of(object: &'a Bound<'py, PyAny>) -> Option<Record<'a, 'py>> {
        let base = base(object.py()).ok()?;
        // Not isinstance(), which believes what an object says of its `__class__`.
        // SAFETY: both are types.
        let is_record =
            unsafe { ffi::PyType_IsSubtype(ffi::Py_TYPE(object.as_ptr()), base.as_type_ptr()) };
        (is_record != 0).then_some(Record(object))
    }

    pub fn ty(self) -> &'static RecordType {
        // SAFETY: its type derives from `Record`, whose instances are only made by `Fresh`, with the
        // field set.
        unsafe { (*self.0.as_ptr().cast::<Object>()).ty }
    }

    pub fn bytes(self) -> &'a [u8] {
        // SAFETY: as in `ty`; records never change, and live as long as `'a`.
        unsafe { raw_bytes(self.0.as_ptr()) }
    }

    pub fn origin(self) -> Origin {
        // SAFETY: as in `ty`.
        unsafe { (*self.0.as_ptr().cast::<Object>()).origin }
    }

    /// The value of a field.
    pub fn get(self, field: &Field) -> PyResult<Bound<'py, PyAny>> {
        decode(self.0.py(), &field.kind, field.of(self.bytes()))
    }

    fn values(self) -> PyResult<Bound<'py, PyTuple>> {
        let values = self
            .ty()
            .fields()
            .iter()
            .map(|field| self.get(field))
            .collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(self.0.py(), values)
    }
}

/// # Safety
/// `object` is a record made by [`Fresh`], alive and no longer written for `'a`.
unsafe fn raw_bytes<'a>(object: *mut ffi::PyObject) -> &'a [u8] {
    // SAFETY: such an object has `ob_size` bytes at DATA, and `ob_size` never changes.
    unsafe {
        let size = (*object.cast::<ffi::PyVarObject>()).ob_size as usize;
        std::slice::from_raw_parts(object.cast::<u8>().add(DATA), size)
    }
}

// ---- fields --------------------------------------------------------------------------------

/// Puts the getter of `field` under `attribute` into `class`.
pub fn add_getter(
    class: &Bound<'_, PyType>,
    attribute: &str,
    field: &'static Field,
) -> PyResult<()> {
    let c_string = |text: &str| {
        std::ffi::CString::new(text.replace('\0', " "))
            .unwrap_or_default()
            .into_raw()
    };
    let (get, closure): (ffi::getter, *mut c_void) = match field.kind {
        Kind::Scalar(scalar) => (
            scalar_getter(scalar),
            ptr::without_provenance_mut(field.offset),
        ),
        _ => (get_any, ptr::from_ref(field).cast_mut().cast()),
    };
    // Leaked, as the descriptor keeps the pointer; the class lives for ever, too.
    let definition = Box::leak(Box::new(ffi::PyGetSetDef {
        name: c_string(attribute),
        get: Some(get),
        set: None,
        doc: c_string(field.describe()),
        closure,
    }));
    // SAFETY: `class` is a type, the definition is complete and lives for ever. The getters check
    // the offset in `closure` against the object that they are called with.
    let descriptor = unsafe {
        let descriptor = ffi::PyDescr_NewGetSet(class.as_type_ptr(), definition);
        Bound::from_owned_ptr_or_err(class.py(), descriptor)?
    };
    class.setattr(attribute, descriptor)
}

/// The bytes of a field in `object`. None where the object is too short: the descriptor of one
/// class may be applied to an instance of a subclass that has another layout.
///
/// # Safety
/// `object` is a record, alive for `'a`.
unsafe fn field_bytes<'a>(
    object: *mut ffi::PyObject,
    offset: usize,
    size: usize,
) -> Option<&'a [u8]> {
    // SAFETY: by contract.
    unsafe { raw_bytes(object) }.get(offset..offset + size)
}

#[cold]
fn out_of_range() -> *mut ffi::PyObject {
    // SAFETY: getters are called with the interpreter attached.
    let py = unsafe { Python::assume_attached() };
    PyTypeError::new_err("this field belongs to another layout").restore(py);
    ptr::null_mut()
}

macro_rules! scalar_getters {
    ($($scalar:ident $name:ident: $type:ty, |$value:ident| $object:expr;)*) => {
        fn scalar_getter(scalar: Scalar) -> ffi::getter {
            match scalar { $(Scalar::$scalar => $name),* }
        }
        $(
            // Called by CPython with a record (the descriptor checks the class) and our closure.
            unsafe extern "C" fn $name(object: *mut ffi::PyObject, closure: *mut c_void) -> *mut ffi::PyObject {
                // SAFETY: the descriptor only calls this for instances of its class, a record.
                let bytes = unsafe { field_bytes(object, closure.addr(), size_of::<$type>()) };
                let Some(bytes) = bytes.and_then(|bytes| bytes.first_chunk()) else { return out_of_range() };
                let $value = <$type>::from_le_bytes(*bytes);
                // SAFETY: the interpreter is attached while it calls us.
                unsafe { $object }
            }
        )*
    };
}

scalar_getters! {
    Bool get_bool: u8, |v| ffi::PyBool_FromLong((v != 0).into());
    I8 get_i8: i8, |v| ffi::PyLong_FromLong(v.into());
    I16 get_i16: i16, |v| ffi::PyLong_FromLong(v.into());
    I32 get_i32: i32, |v| ffi::PyLong_FromLong(v.into());
    I64 get_i64: i64, |v| ffi::PyLong_FromLongLong(v);
    U8 get_u8: u8, |v| ffi::PyLong_FromLong(v.into());
    U16 get_u16: u16, |v| ffi::PyLong_FromLong(v.into());
    U32 get_u32: u32, |v| ffi::PyLong_FromLongLong(v.into());
    U64 get_u64: u64, |v| ffi::PyLong_FromUnsignedLongLong(v);
    F32 get_f32: f32, |v| ffi::PyFloat_FromDouble(v.into());
    F64 get_f64: f64, |v| ffi::PyFloat_FromDouble(v);
}

unsafe extern "C" fn get_any(
    object: *mut ffi::PyObject,
    closure: *mut c_void,
) -> *mut ffi::PyObject {
    // SAFETY: `add_getter` put a `&'static Field` there.
    let field = unsafe { &*closure.cast::<Field>() };
    // SAFETY: the descriptor only calls this for instances of its class, a record.
    let bytes = unsafe { raw_bytes(object) };
    let Some(range) = field.kind.range(field.offset, bytes.len()) else {
        return out_of_range();
    };
    guard(|py| decode(py, &field.kind, &bytes[range]))
}

// ---- slots ---------------------------------------------------------------------------------

/// Runs `f`, whose error or panic becomes the Python exception that null stands for.
fn guard<'py>(f: impl FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>>) -> *mut ffi::PyObject {
    guarded(|py| f(py).map(Bound::into_ptr), ptr::null_mut())
}

fn guarded<'py, R>(f: impl FnOnce(Python<'py>) -> PyResult<R>, failed: R) -> R {
    // SAFETY: only called by functions that CPython calls, attached.
    let py = unsafe { Python::assume_attached() };
    let error = match catch_unwind(AssertUnwindSafe(|| f(py))) {
        Ok(Ok(value)) => return value,
        Ok(Err(error)) => error,
        Err(panic) => pyo3::panic::PanicException::new_err(panic_text(&*panic)),
    };
    error.restore(py);
    failed
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a defect in crosspage").to_owned()
}

/// # Safety
/// As CPython's slots: `object` is a valid borrowed reference.
unsafe fn borrow<'a, 'py>(
    py: Python<'py>,
    object: &'a *mut ffi::PyObject,
) -> &'a Bound<'py, PyAny> {
    // SAFETY: by contract; the reference lives as long as the caller's own.
    unsafe { Bound::ref_from_ptr(py, object) }
}

unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guard(|py| {
        let class = class.cast::<ffi::PyObject>();
        // SAFETY: CPython calls tp_new with a type, a tuple, and a dict or null.
        let (class, args, kwargs) = unsafe {
            (
                borrow(py, &class).cast::<PyType>()?,
                borrow(py, &args).cast::<PyTuple>()?,
                match Bound::from_borrowed_ptr_or_opt(py, kwargs) {
                    Some(kwargs) => kwargs.cast_into::<PyDict>()?,
                    None => PyDict::new(py),
                },
            )
        };
        let ty = RecordType::of(class)?;
        if !args.is_empty() {
            return Err(PyTypeError::new_err(format!(
                "{} takes its fields by keyword",
                ty.name()
            )));
        }
        let mut fresh = Fresh::zeroed_of(py, ty, convert::size_of(ty, &kwargs)?)?;
        convert::encode_all(ty, &kwargs, fresh.bytes())?;
        Ok(fresh.finish(Origin::default()))
    })
}

unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: called once, with the last reference gone. The object came from PyObject_GC_NewVar,
    // has nothing to drop (a `&'static` and integers), and holds one reference to its heap type.
    // It was never tracked, but CPython tracks what it hands to the base class of a Python class.
    unsafe {
        let class = ffi::Py_TYPE(object);
        ffi::PyObject_GC_UnTrack(object.cast());
        ffi::PyObject_GC_Del(object.cast());
        ffi::Py_DECREF(class.cast());
    }
}

unsafe extern "C" fn traverse(
    object: *mut ffi::PyObject,
    visit: ffi::visitproc,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: the garbage collector passes a record and its own function with its argument.
    unsafe { visit(ffi::Py_TYPE(object).cast(), arg) }
}

unsafe extern "C" fn repr(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: a slot of `Record`.
        let record = Record(unsafe { borrow(py, &object) });
        Ok(convert::repr(py, record.ty(), record.bytes())?
            .into_pyobject(py)?
            .into_any())
    })
}

unsafe extern "C" fn hash(object: *mut ffi::PyObject) -> ffi::Py_hash_t {
    // SAFETY: a slot of `Record`.
    guarded(
        |py| Record(unsafe { borrow(py, &object) }).values()?.hash(),
        -1,
    )
}

unsafe extern "C" fn richcompare(
    object: *mut ffi::PyObject,
    other: *mut ffi::PyObject,
    op: c_int,
) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: a slot of `Record`; CPython passes valid references.
        let (object, other) = unsafe { (borrow(py, &object), borrow(py, &other)) };
        let equal = match (op, Record::of(other)) {
            (ffi::Py_EQ | ffi::Py_NE, Some(b)) => {
                let a = Record(object);
                let alike = a.ty().has_same_names(b.ty());
                alike
                    && a.values()?
                        .rich_compare(b.values()?, CompareOp::Eq)?
                        .is_truthy()?
            }
            _ => return Ok(py.NotImplemented().into_bound(py)),
        };
        Ok((equal == (op == ffi::Py_EQ))
            .into_pyobject(py)?
            .to_owned()
            .into_any())
    })
}

/// As any object's, but what is no field is told which one may be meant.
unsafe extern "C" fn getattro(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: a slot of `Record`; CPython passes valid references.
    let found = unsafe { ffi::PyObject_GenericGetAttr(object, name) };
    match found.is_null() {
        // SAFETY: as above.
        true => unsafe { no_attribute(object, name) },
        false => found,
    }
}

/// # Safety
/// As CPython's slots, with the exception of the failed look-up set.
#[cold]
unsafe fn no_attribute(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    guard(|py| {
        let error = PyErr::fetch(py);
        // SAFETY: by contract.
        let (object, name) = unsafe { (borrow(py, &object), borrow(py, &name)) };
        let name = name.extract::<&str>().unwrap_or_default();
        // What libraries ask every object for is not meant to be a field.
        if name.starts_with('_') || !error.is_instance_of::<PyAttributeError>(py) {
            return Err(error);
        }
        let ty = Record(object).ty();
        match did_you_mean(name, names(ty)) {
            Some(near) => Err(PyAttributeError::new_err(format!(
                "{} has no field {name}; did you mean {near}?",
                ty.name()
            ))),
            None => Err(error),
        }
    })
}

unsafe extern "C" fn setattro(
    object: *mut ffi::PyObject,
    name: *mut ffi::PyObject,
    _value: *mut ffi::PyObject,
) -> c_int {
    let refuse = |py| {
        // SAFETY: a slot of `Record`; CPython passes valid references.
        let (object, name) = unsafe { (borrow(py, &object), borrow(py, &name)) };
        Err(PyAttributeError::new_err(format!(
            "{}.{name}: records do not change; writer.update({name}=…) changes the page, crosspage.replace(record, {name}=…) makes another record",
            Record(object).ty().name(),
        )))
    };
    guarded(refuse, -1)
}

unsafe extern "C" fn subscript(
    object: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: a slot of `Record`; CPython passes valid references.
        let (object, key) = unsafe { (borrow(py, &object), borrow(py, &key)) };
        let record = Record(object);
        let key = key.extract::<&str>().map_err(|_| {
            PyTypeError::new_err("a field is named by a str, such as \"arm.joints[2]\"")
        })?;
        let (offset, kind) = record.ty().find(py, key)?;
        let bytes = record.bytes();
        let range = kind
            .range(offset, bytes.len())
            .ok_or_else(|| PyIndexError::new_err(format!("{key}: there are fewer items")))?;
        decode(py, kind, &bytes[range])
    })
}

unsafe extern "C" fn getbuffer(
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: a slot of `Record`. The bytes live and stay as they are as long as the object, which
    // the view keeps; PyBuffer_FillInfo refuses a view that asks to write.
    unsafe {
        let bytes = raw_bytes(object);
        let data = bytes.as_ptr().cast_mut().cast();
        ffi::PyBuffer_FillInfo(view, object, data, bytes.len() as ffi::Py_ssize_t, 1, flags)
    }
}

/// What Python 3.12 and later give every class with a buffer; type checkers ask for it anywhere.
unsafe extern "C" fn buffer(
    object: *mut ffi::PyObject,
    _flags: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: a method of `Record`.
        let object = unsafe { borrow(py, &object) };
        Ok(PyMemoryView::from(object)?.into_any())
    })
}

unsafe extern "C" fn replace(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: a method of `Record`: a record, a tuple, and a dict or null.
        let (object, args, kwargs) = unsafe {
            (
                borrow(py, &object),
                borrow(py, &args).cast::<PyTuple>()?,
                Bound::from_borrowed_ptr_or_opt(py, kwargs),
            )
        };
        let record = Record(object);
        if !args.is_empty() {
            return Err(PyTypeError::new_err("changes are given by keyword"));
        }
        let (ty, bytes) = (record.ty(), record.bytes());
        let Some(kwargs) = kwargs else {
            return Ok(Fresh::copied(py, ty, bytes)?.finish(Origin::default()));
        };
        let kwargs = kwargs.cast::<PyDict>()?;
        let mut fresh = match convert::tail_of(ty, kwargs)? {
            None => Fresh::copied(py, ty, bytes)?,
            // As long as the new tail makes it.
            Some(len) => {
                let mut fresh = Fresh::zeroed_of(py, ty, len)?;
                let both = len.min(bytes.len());
                fresh.bytes()[..both].copy_from_slice(&bytes[..both]);
                fresh
            }
        };
        convert::encode_some(ty, kwargs, fresh.bytes())?;
        Ok(fresh.finish(Origin::default()))
    })
}

unsafe extern "C" fn reduce(
    object: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: a method of `Record`.
        let object = unsafe { borrow(py, &object) };
        let record = Record(object);
        let origin = record.origin();
        let ty = record.ty();
        // A class of the user's own is found by its name, any other is made anew from its layout.
        let class = match ty.is_declared() {
            true => ty.class(py).clone().into_any(),
            false => PyBytes::new(py, &ty.layout().encode()).into_any(),
        };
        let restore = py
            .import(intern!(py, "crosspage._crosspage"))?
            .getattr(intern!(py, "_restore"))?;
        let state = (
            class,
            ty.layout().id(),
            PyBytes::new(py, record.bytes()),
            (origin.pattern as u8, origin.pid, origin.number, origin.at),
        );
        Ok((restore, state).into_pyobject(py)?.into_any())
    })
}

/// A record as a dict, nested structs as dicts and arrays as lists.
#[pyfunction]
pub fn to_dict<'py>(record: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = record.py();
    let record =
        Record::of(record).ok_or_else(|| PyTypeError::new_err("to_dict: expected a record"))?;
    convert::plain(py, &Kind::Struct(record.ty()), record.bytes())
}

/// Unpickles a record.
#[pyfunction(name = "_restore")]
pub fn restore<'py>(
    class: &Bound<'py, PyAny>,
    layout_id: u64,
    bytes: &[u8],
    origin: (u8, u32, u64, u64),
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let ty = match class.cast::<PyType>() {
        Ok(class) => RecordType::of(class)?,
        Err(_) => dynamic(py, &LayoutObject::parse(class.extract()?)?)?,
    };
    if ty.layout().id() != layout_id || !ty.fits(bytes.len()) {
        let message = format!(
            "the record was pickled with another layout of {}",
            ty.name()
        );
        return Err(errors::invalid(message));
    }
    let (pattern, pid, number, at) = origin;
    let pattern = Pattern::from_number(pattern)
        .ok_or_else(|| errors::invalid("the record was pickled by a later version of crosspage"))?;
    Ok(Fresh::copied(py, ty, bytes)?.finish(Origin {
        pattern,
        pid,
        number,
        at,
    }))
}
