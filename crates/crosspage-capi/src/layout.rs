//! Layouts: C's tables to the core's descriptions, and back.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt::Write;
use std::ptr::null;
use std::rc::Rc;
use std::sync::Arc;

use crosspage::layout::{EnumType, Field, MAX_DEPTH, Scalar, StructType, Type, from_source, value};
use crosspage::{Error, ErrorKind, Result};

use crate::error::{CError, guard, guard_quietly};
use crate::{check_value, into_c, invalid, put, put_handle, ref_arg, str_arg};

/// `crosspage_enumerator`.
#[repr(C)]
pub struct CEnumerator {
    name: *const c_char,
    value: i64,
}

/// `crosspage_enum`.
#[repr(C)]
pub struct CEnum {
    struct_size: u32,
    repr: u32,
    name: *const c_char,
    values: *const CEnumerator,
    count: usize,
}

const MAX_DIMS: usize = 4;

/// `crosspage_field`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CField {
    name: *const c_char,
    offset: u64,
    size: u64,
    ty: u32,
    ndims: u32,
    dims: [u64; MAX_DIMS],
    nested: *const CStruct,
    enumeration: *const CEnum,
    unit: *const c_char,
    doc: *const c_char,
}

/// `crosspage_struct`.
#[repr(C)]
pub struct CStruct {
    struct_size: u32,
    field_size: u32,
    name: *const c_char,
    size: u64,
    align: u64,
    fields: *const CField,
    count: usize,
}

const TEXT: u32 = 12;
const STRUCT: u32 = 13;
const ENUM: u32 = 14;

/// In the order of their numbers in C, from 1.
const SCALARS: [Scalar; 11] = [
    Scalar::Bool,
    Scalar::I8,
    Scalar::I16,
    Scalar::I32,
    Scalar::I64,
    Scalar::U8,
    Scalar::U16,
    Scalar::U32,
    Scalar::U64,
    Scalar::F32,
    Scalar::F64,
];

fn scalar(number: u32) -> Option<Scalar> {
    SCALARS.get((number as usize).wrapping_sub(1)).copied()
}

fn number(scalar: Scalar) -> u32 {
    SCALARS
        .iter()
        .position(|&s| s == scalar)
        .map_or(0, |at| at as u32 + 1)
}

// ---- From C ----

/// The layout that a table describes.
///
/// # Safety
/// `table` is null or points to a table as the header describes it, with all it refers to.
pub unsafe fn from_table(table: *const CStruct) -> Result<Arc<StructType>> {
    // SAFETY: handed through.
    unsafe { from_struct(table, 1) }.map(Arc::new)
}

unsafe fn from_struct(table: *const CStruct, level: usize) -> Result<StructType> {
    // SAFETY: handed through.
    let table = unsafe { ref_arg(table, "layout") }?;
    // SAFETY: handed through.
    let name = unsafe { str_arg(table.name, "the name of a struct") }?;
    let fail = |what: &str| invalid(format!("struct {name}: {what}"));
    if (table.struct_size as usize) < size_of::<CStruct>()
        || (table.field_size as usize) < size_of::<CField>()
    {
        return Err(fail(
            "struct_size and field_size are not those of this version's tables",
        ));
    }
    if level > MAX_DEPTH {
        return Err(fail(&format!(
            "it is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    if table.fields.is_null() {
        return Err(fail("it has no fields"));
    }
    let number =
        |n: u64| usize::try_from(n).map_err(|_| fail(&format!("{n} is more than any size here")));
    let mut fields = Vec::new();
    for i in 0..table.count {
        // SAFETY: the table has `count` fields, `field_size` bytes apart.
        let field = unsafe { &*table.fields.byte_add(i * table.field_size as usize) };
        // SAFETY: the contract covers what the field refers to.
        let made = unsafe {
            let mut made = Field::new(
                str_arg(field.name, "the name of a field")?,
                from_field(name, field, level)?,
            );
            made.unit = optional(field.unit)?;
            made.doc = optional(field.doc)?;
            made
        };
        fields.push(made.at(number(field.offset)?));
    }
    StructType::new(name, number(table.size)?, number(table.align)?, fields)
}

unsafe fn optional(text: *const c_char) -> Result<Option<String>> {
    match text.is_null() {
        true => Ok(None),
        // SAFETY: the caller's contract, and it is not null.
        false => unsafe { str_arg(text, "a unit or doc") }.map(|text| Some(text.to_owned())),
    }
}

unsafe fn from_field(struct_name: &str, field: &CField, level: usize) -> Result<Type> {
    // SAFETY: the caller's contract.
    let name = unsafe { CStr::from_ptr(field.name) }.to_string_lossy();
    let fail = |what: String| invalid(format!("struct {struct_name}: field {name:?}: {what}"));
    let dims = (field.dims.get(..field.ndims as usize)).ok_or_else(|| {
        fail(format!(
            "{} dimensions; at most {MAX_DIMS} fit",
            field.ndims
        ))
    })?;
    // A first dimension of 0 is a tail, whose size is that of one element.
    let tail = dims.first() == Some(&0);
    let dims = if tail { &dims[1..] } else { dims };
    let elements = dims
        .iter()
        .try_fold(1u64, |n, &dim| n.checked_mul(dim))
        .filter(|&n| n > 0);
    let elements = elements.ok_or_else(|| fail(format!("an array of {dims:?} elements")))?;
    let base = match field.ty {
        TEXT => Type::Text(usize::try_from(field.size / elements).unwrap_or(usize::MAX)),
        // SAFETY: the caller's contract.
        STRUCT => Type::Struct(Arc::new(unsafe { from_struct(field.nested, level + 1) }?)),
        // SAFETY: the caller's contract.
        ENUM => Type::Enum(Arc::new(unsafe { from_enum(field.enumeration) }?)),
        other => Type::Scalar(
            scalar(other).ok_or_else(|| fail(format!("{other} is no crosspage_type")))?,
        ),
    };
    let ty = dims.iter().rev().fold(base, |ty, &n| {
        Type::Array(Box::new(ty), usize::try_from(n).unwrap_or(usize::MAX))
    });
    match ty.size() as u64 == field.size {
        true if tail => Ok(Type::Tail(Box::new(ty))),
        true => Ok(ty),
        false => Err(fail(format!(
            "{ty} has {} bytes, the table says {}",
            ty.size(),
            field.size
        ))),
    }
}

unsafe fn from_enum(table: *const CEnum) -> Result<EnumType> {
    // SAFETY: the caller's contract.
    let table = unsafe { ref_arg(table, "the enum of a field") }?;
    // SAFETY: the caller's contract.
    let name = unsafe { str_arg(table.name, "the name of an enum") }?;
    let repr = scalar(table.repr)
        .ok_or_else(|| invalid(format!("enum {name}: {} is no integer type", table.repr)))?;
    let mut variants = Vec::new();
    for i in 0..if table.values.is_null() {
        0
    } else {
        table.count
    } {
        // SAFETY: the table has `count` values.
        let one = unsafe { &*table.values.add(i) };
        let value = if repr == Scalar::U64 {
            i128::from(one.value as u64)
        } else {
            i128::from(one.value)
        };
        // SAFETY: the caller's contract.
        variants.push((
            unsafe { str_arg(one.name, "a name of an enum") }?.to_owned(),
            value,
        ));
    }
    Ok(EnumType {
        name: name.to_owned(),
        repr,
        variants,
    })
}

// ---- To C ----

/// A layout with the tables that C reads it by.
pub struct Layout {
    layout: Arc<StructType>,
    root: *const CStruct,
    tables: Tables,
}

/// Owns what the tables refer to. An `Rc`'s content stays where it is, and (unlike a `Box`'s) may be
/// pointed to while the `Rc` moves.
#[derive(Default)]
struct Tables {
    structs: Vec<Rc<CStruct>>,
    fields: Vec<Rc<[CField]>>,
    enums: Vec<Rc<CEnum>>,
    values: Vec<Rc<[CEnumerator]>>,
    strings: Vec<Rc<CStr>>,
    /// By the address of what they describe, which `Layout::layout` keeps.
    found: HashMap<*const c_void, *const c_void>,
}

impl Layout {
    pub fn new(layout: Arc<StructType>) -> Result<Layout> {
        let mut tables = Tables::default();
        let root = tables.add_struct(&layout)?;
        Ok(Layout {
            layout,
            root,
            tables,
        })
    }
}

impl Tables {
    fn string(&mut self, text: &str) -> *const c_char {
        // The core refuses names, units and docs with a NUL.
        self.strings
            .push(CString::new(text).unwrap_or_default().into());
        self.strings.last().map_or(null(), |text| text.as_ptr())
    }

    fn add_struct(&mut self, st: &StructType) -> Result<*const CStruct> {
        let key = std::ptr::from_ref(st).cast::<c_void>();
        if let Some(&found) = self.found.get(&key) {
            return Ok(found.cast());
        }
        let fields = (st.fields().iter())
            .map(|field| {
                let mut made = self.describe(&field.ty).map_err(|what| {
                    Error::new(
                        ErrorKind::Unsupported,
                        format!("struct {}: field {:?}: {what}", st.name(), field.name),
                    )
                })?;
                made.name = self.string(&field.name);
                made.offset = field.offset as u64;
                made.unit = field
                    .unit
                    .as_deref()
                    .map_or(null(), |text| self.string(text));
                made.doc = field
                    .doc
                    .as_deref()
                    .map_or(null(), |text| self.string(text));
                Ok(made)
            })
            .collect::<Result<Rc<[CField]>>>()?;
        let table = Rc::new(CStruct {
            struct_size: size_of::<CStruct>() as u32,
            field_size: size_of::<CField>() as u32,
            name: self.string(st.name()),
            size: st.size() as u64,
            align: st.align() as u64,
            fields: fields.as_ptr(),
            count: fields.len(),
        });
        let pointer = Rc::as_ptr(&table);
        self.fields.push(fields);
        self.structs.push(table);
        self.found.insert(key, pointer.cast());
        Ok(pointer)
    }

    /// A field of this type, without name, offset, unit and doc.
    fn describe(&mut self, ty: &Type) -> std::result::Result<CField, String> {
        let (base, extents) = ty.base_and_dims();
        let one = match ty {
            Type::Tail(element) => &**element,
            _ => ty,
        };
        if extents.len() > MAX_DIMS || one.base_and_dims().1.contains(&0) {
            return Err(format!(
                "{ty} cannot be described in C (arrays have up to {MAX_DIMS} dimensions)"
            ));
        }
        let mut dims = [0; MAX_DIMS];
        dims.iter_mut()
            .zip(&extents)
            .for_each(|(to, &n)| *to = n as u64);
        let mut field = CField {
            name: null(),
            offset: 0,
            size: one.size() as u64,
            ty: 0,
            ndims: extents.len() as u32,
            dims,
            nested: null(),
            enumeration: null(),
            unit: null(),
            doc: null(),
        };
        field.ty = match base {
            Type::Scalar(scalar) => number(*scalar),
            Type::Text(_) => TEXT,
            Type::Struct(st) => {
                field.nested = self.add_struct(st).map_err(|e| e.message().to_owned())?;
                STRUCT
            }
            Type::Enum(e) => {
                field.enumeration = self.add_enum(e);
                ENUM
            }
            Type::Array(..) | Type::Tail(_) => {
                return Err(format!("{ty} cannot be described in C"));
            }
        };
        Ok(field)
    }

    fn add_enum(&mut self, e: &EnumType) -> *const CEnum {
        let key = std::ptr::from_ref(e).cast::<c_void>();
        if let Some(&found) = self.found.get(&key) {
            return found.cast();
        }
        let values: Rc<[CEnumerator]> = (e.variants.iter())
            .map(|(name, value)| CEnumerator {
                name: self.string(name),
                value: *value as i64,
            })
            .collect();
        let table = Rc::new(CEnum {
            struct_size: size_of::<CEnum>() as u32,
            repr: number(e.repr),
            name: self.string(&e.name),
            values: values.as_ptr(),
            count: values.len(),
        });
        let pointer = Rc::as_ptr(&table);
        self.values.push(values);
        self.enums.push(table);
        self.found.insert(key, pointer.cast());
        pointer
    }

    /// What a part of the layout looks like; all its structs and enums are in the tables.
    fn lookup(&self, ty: &Type) -> std::result::Result<CField, String> {
        let (base, _) = ty.base_and_dims();
        let mut plain = Tables::default();
        let known = match base {
            Type::Struct(st) => Some(Arc::as_ptr(st).cast::<c_void>()),
            Type::Enum(e) => Some(Arc::as_ptr(e).cast::<c_void>()),
            _ => None,
        };
        if let Some(table) = known.and_then(|key| self.found.get_key_value(&key)) {
            plain.found.insert(*table.0, *table.1);
        }
        plain.describe(ty)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_layout_from_struct(
    table: *const CStruct,
    out: *mut *mut Layout,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            put_handle(out, || Layout::new(from_table(table)?))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_layout_from_source(
    source: *const c_char,
    out: *mut *mut Layout,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            put_handle(out, || {
                Layout::new(from_source(str_arg(source, "source")?)?)
            })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_layout_free(layout: *mut Layout) {
    if !layout.is_null() {
        // SAFETY: by the header's contract it came from `put_handle`, and is freed once.
        guard_quietly((), || drop(unsafe { Box::from_raw(layout) }));
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_layout_struct(layout: *const Layout) -> *const CStruct {
    // SAFETY: the header's contract.
    unsafe { layout.as_ref() }.map_or(null(), |layout| layout.root)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_layout_find(
    layout: *const Layout,
    path: *const c_char,
    field: *mut CField,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let layout = ref_arg(layout, "layout")?;
            let path = str_arg(path, "path")?;
            let (offset, ty) = layout.layout.resolve(path)?;
            let mut found = layout.tables.lookup(ty).map_err(invalid)?;
            found.offset = offset as u64;
            put(field, found);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_layout_canonical(
    layout: *const Layout,
    out: *mut c_void,
    capacity: usize,
) -> usize {
    guard_quietly(0, || {
        // SAFETY: the header's contract.
        let Some(layout) = (unsafe { layout.as_ref() }) else {
            return 0;
        };
        let bytes = layout.layout.canonical();
        if !out.is_null() {
            // SAFETY: by the header's contract `out` has `capacity` writable bytes.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.cast(), bytes.len().min(capacity))
            };
        }
        bytes.len()
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_layout_json(layout: *const Layout) -> *mut c_char {
    guard_quietly(std::ptr::null_mut(), || {
        // SAFETY: the header's contract.
        let Some(layout) = (unsafe { layout.as_ref() }) else {
            return std::ptr::null_mut();
        };
        into_c(json(&layout.layout))
    })
}

fn json(st: &StructType) -> String {
    let quoted = |text: &str| value::to_json(&value::Value::Text(text.to_owned()));
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{{\"type\":{},\"size\":{},\"align\":{},\"fields\":[",
        quoted(st.name()),
        st.size(),
        st.align()
    );
    for (i, field) in st.fields().iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let unit = field.unit.as_deref().map_or("null".to_owned(), quoted);
        let _ = write!(
            out,
            "{comma}{{\"name\":{},\"type\":{},\"offset\":{},\"size\":{},\"unit\":{unit}}}",
            quoted(&field.name),
            quoted(&field.ty.to_string()),
            field.offset,
            field.ty.size(),
        );
    }
    out + "]}"
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_value_json(
    layout: *const Layout,
    value: *const c_void,
    size: usize,
    out: *mut *mut c_char,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let st = &ref_arg(layout, "layout")?.layout;
            match st.fields().last().filter(|_| st.tail().is_some()) {
                Some(tail) if size >= tail.offset && !value.is_null() => {}
                _ => check_value(value, size, st.size(), || st.name().to_owned())?,
            }
            let bytes = std::slice::from_raw_parts(value.cast::<u8>(), size);
            put(out, into_c(value::to_json(&value::read_struct(st, bytes))));
            Ok(())
        })
    }
}
