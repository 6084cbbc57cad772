//! The Python class of each layout, and what its fields look like from Python.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crosspage::layout::{self, EnumType, Scalar, StructType, Type};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::{MutexExt, PyOnceLock};
use pyo3::types::{PyBytes, PyDict, PyTuple, PyType};

use crate::convert;
use crate::errors;
use crate::record::{Record, add_getter, base};

/// A layout and the class of its records. Lives as long as the process: descriptors and records
/// point into it, and there is one per declared class and per layout met.
pub struct RecordType {
    class: Py<PyType>,
    layout: Arc<StructType>,
    fields: Vec<Field>,
    index: HashMap<String, usize>,
    declared: bool,
    dtype: PyOnceLock<Py<PyAny>>,
}

/// A field as Python sees it.
pub struct Field {
    /// As its class declares it; the page may have another name for it.
    pub name: String,
    pub offset: usize,
    pub kind: Kind,
    pub default: Option<Py<PyAny>>,
    doc: String,
}

/// How a field's bytes become a Python value and back: its [`Type`] with the classes to use.
pub enum Kind {
    Scalar(Scalar),
    Text(usize),
    Array {
        item: Box<Kind>,
        stride: usize,
        len: usize,
    },
    /// As many items as there are bytes for: the last field of a message.
    Tail {
        item: Box<Kind>,
        stride: usize,
    },
    Struct(&'static RecordType),
    Enum {
        repr: Scalar,
        class: Py<PyType>,
        members: Py<PyDict>,
    },
}

impl Kind {
    pub fn size(&self) -> usize {
        match self {
            Kind::Scalar(scalar) | Kind::Enum { repr: scalar, .. } => scalar.size(),
            Kind::Text(size) => *size,
            Kind::Array { stride, len, .. } => stride * len,
            Kind::Tail { .. } => 0,
            Kind::Struct(ty) => ty.size(),
        }
    }

    /// Where its bytes are in a value of `total` bytes, from `offset` on; None where they are not inside.
    pub fn range(&self, offset: usize, total: usize) -> Option<Range<usize>> {
        let size = match self {
            Kind::Tail { stride, .. } => total.checked_sub(offset)? / stride * stride,
            _ => self.size(),
        };
        Some(offset..offset.checked_add(size)?).filter(|range| range.end <= total)
    }

    fn array(item: Kind, len: usize) -> Kind {
        Kind::Array {
            stride: item.size(),
            item: Box::new(item),
            len,
        }
    }

    fn tail(item: Kind) -> Kind {
        Kind::Tail {
            stride: item.size(),
            item: Box::new(item),
        }
    }

    fn enumeration(repr: Scalar, class: &Bound<'_, PyType>) -> PyResult<Kind> {
        let members = class
            .getattr(intern!(class.py(), "_value2member_map_"))?
            .cast_into::<PyDict>()?;
        Ok(Kind::Enum {
            repr,
            class: class.clone().unbind(),
            members: members.unbind(),
        })
    }

    /// The kind of a type that no Python class declares.
    fn of(py: Python<'_>, ty: &Type) -> PyResult<Kind> {
        Ok(match ty {
            Type::Scalar(scalar) => Kind::Scalar(*scalar),
            Type::Text(size) => Kind::Text(*size),
            Type::Array(item, len) => Kind::array(Kind::of(py, item)?, *len),
            Type::Struct(layout) => Kind::Struct(dynamic(py, layout)?),
            // An enum that Python cannot express (no values, or names it reserves) stays an integer.
            Type::Enum(of) => {
                match int_enum(py, of).and_then(|class| Kind::enumeration(of.repr, &class)) {
                    Ok(kind) => kind,
                    Err(_) => Kind::Scalar(of.repr),
                }
            }
            Type::Tail(item) => Kind::tail(Kind::of(py, item)?),
        })
    }

    /// What numpy calls the type.
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let scalar = |scalar: Scalar| match scalar {
            Scalar::Bool => "?".to_owned(),
            Scalar::F32 | Scalar::F64 => format!("<f{}", scalar.size()),
            _ => format!("<{}{}", &scalar.name()[..1], scalar.size()),
        };
        let format = match self {
            Kind::Scalar(of) | Kind::Enum { repr: of, .. } => scalar(*of),
            Kind::Text(size) => format!("S{size}"),
            Kind::Tail { .. } => {
                return Err(errors::unsupported(
                    "a struct with a tail has no fixed size, and so no dtype",
                ));
            }
            Kind::Array { .. } => {
                // numpy tells an array of arrays from one of two dimensions.
                let (mut item, mut shape) = (self, Vec::new());
                while let Kind::Array {
                    item: inner, len, ..
                } = item
                {
                    shape.push(*len);
                    item = inner;
                }
                let shape = PyTuple::new(py, shape)?;
                return Ok((item.dtype(py)?, shape).into_pyobject(py)?.into_any());
            }
            Kind::Struct(ty) => return Ok(ty.dtype(py)?.clone()),
        };
        Ok(format.into_pyobject(py)?.into_any())
    }
}

fn int_enum<'py>(py: Python<'py>, of: &EnumType) -> PyResult<Bound<'py, PyType>> {
    let class = py
        .import("enum")?
        .getattr("IntEnum")?
        .call1((class_name(&of.name), of.variants.clone()))?;
    Ok(class.cast_into()?)
}

/// `ns::Outer<int>::SharedData` is called `SharedData` in Python.
fn class_name(type_name: &str) -> &str {
    type_name
        .rsplit("::")
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or("record")
}

/// The name a C++ `processId` has in Python, `process_id`; a keyword gets a `_` behind it.
fn snake_case(name: &str, is_keyword: impl Fn(&str) -> bool) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let letters: Vec<char> = name.chars().collect();
    for (i, c) in letters.iter().enumerate() {
        // A word begins at a capital after a small letter or digit, and at the last capital of a
        // run before a small letter: HTTPServer2Go is http_server2_go.
        let after_small = i > 0 && !letters[i - 1].is_uppercase() && letters[i - 1] != '_';
        let ends_run = i > 0
            && letters[i - 1].is_uppercase()
            && letters.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_small || ends_run) {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    if is_keyword(&snake) {
        snake.push('_');
    }
    snake
}

impl RecordType {
    /// Gives `class` (or a new one) the fields of `layout`, whose kinds are `kinds`.
    fn new(
        py: Python<'_>,
        class: Option<&Bound<'_, PyType>>,
        layout: Arc<StructType>,
        kinds: Vec<(Kind, Option<Py<PyAny>>, Option<String>)>,
    ) -> PyResult<&'static RecordType> {
        let base = base(py)?;
        let declared = class.is_some();
        let class = match class {
            Some(class) => class.clone(),
            None => {
                let members = PyDict::new(py);
                members.set_item("__slots__", PyTuple::empty(py))?;
                members.set_item("__module__", "crosspage")?;
                let bases = PyTuple::new(py, [base])?;
                py.get_type::<PyType>()
                    .call1((class_name(layout.name()), bases, members))?
                    .cast_into()?
            }
        };
        // What `Fresh::uninit` relies on: records have nothing but their head before their bytes.
        let shape = |class: &Bound<'_, PyType>| -> PyResult<(usize, isize)> {
            let get = |name| class.getattr(name);
            Ok((
                get(intern!(py, "__basicsize__"))?.extract()?,
                get(intern!(py, "__dictoffset__"))?.extract()?,
            ))
        };
        if !class.is_subclass(base)? || shape(&class)? != shape(base)? {
            let name = class.name()?;
            return Err(PyTypeError::new_err(format!(
                "{name} must derive from crosspage.Struct, and from nothing that gives its instances a __dict__ or __slots__"
            )));
        }
        let fields: Vec<Field> = layout
            .fields()
            .iter()
            .zip(kinds)
            .map(|(field, (kind, default, name))| Field {
                name: name.unwrap_or_else(|| field.name.clone()),
                offset: field.offset,
                kind,
                default,
                doc: describe(field),
            })
            .collect();
        let keyword = py.import("keyword")?.getattr("iskeyword")?;
        let is_keyword = |name: &str| {
            keyword
                .call1((name,))
                .and_then(|yes| yes.is_truthy())
                .unwrap_or(false)
        };
        let mut index: HashMap<_, _> = fields
            .iter()
            .enumerate()
            .map(|(i, field)| (field.name.clone(), i))
            .collect();
        for (i, field) in layout.fields().iter().enumerate() {
            index.entry(field.name.clone()).or_insert(i);
        }
        if !declared {
            // Whoever declares nothing may still write Python's spelling of a C++ name.
            for (i, field) in fields.iter().enumerate() {
                index
                    .entry(snake_case(&field.name, is_keyword))
                    .or_insert(i);
            }
        }
        let class = class.unbind();
        let ty = RecordType {
            class,
            layout,
            fields,
            index,
            declared,
            dtype: PyOnceLock::new(),
        };
        let ty: &'static RecordType = Box::leak(Box::new(ty));
        for (attribute, i) in &ty.index {
            if declared && *attribute != ty.fields[*i].name {
                continue; // A name of the page's that the class has another one for.
            }
            // Python's own, such as `__class__`, are not a page's to redefine: record["__class__"].
            if !(attribute.starts_with("__") && attribute.ends_with("__")) {
                add_getter(ty.class(py), attribute, &ty.fields[*i])?;
            }
        }
        ty.class(py)
            .setattr(intern!(py, "__layout__"), LayoutObject(ty))?;
        Ok(ty)
    }

    /// The layout that `class` was made for.
    pub fn of(class: &Bound<'_, PyType>) -> PyResult<&'static RecordType> {
        let ty = class.getattr(intern!(class.py(), "__layout__")).ok();
        let ty = ty
            .as_ref()
            .and_then(|ty| ty.cast::<LayoutObject>().ok())
            .map(|ty| ty.get().0);
        // A subclass made behind the back of `Struct` inherits the attribute, but has no layout.
        ty.filter(|ty| ty.class.is(class)).ok_or_else(|| {
            let name = class
                .name()
                .map(|name| name.to_string())
                .unwrap_or_default();
            PyTypeError::new_err(format!(
                "{name} declares no fields; write class {name}(crosspage.Struct): …"
            ))
        })
    }

    pub fn class<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.class.bind(py)
    }

    pub fn layout(&self) -> &Arc<StructType> {
        &self.layout
    }

    pub fn name(&self) -> &str {
        class_name(self.layout.name())
    }

    pub fn size(&self) -> usize {
        self.layout.size()
    }

    /// The last field, where it is a tail.
    pub fn tail(&self) -> Option<(&Field, &Kind, usize)> {
        let last = self.fields.last()?;
        match &last.kind {
            Kind::Tail { item, stride } => Some((last, item, *stride)),
            _ => None,
        }
    }

    /// Whether a value can have so many bytes.
    pub fn fits(&self, len: usize) -> bool {
        match self.tail() {
            None => len == self.size(),
            Some((tail, _, stride)) => {
                let behind = len.checked_sub(tail.offset);
                behind.is_some_and(|behind| behind.is_multiple_of(stride))
            }
        }
    }

    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether the class is one of the user's own.
    pub fn is_declared(&self) -> bool {
        self.declared
    }

    /// Whether the fields have the same names, spelled as they may be in different languages.
    pub fn has_same_names(&self, other: &RecordType) -> bool {
        let alike = |(ours, theirs): (&layout::Field, &layout::Field)| {
            let found = || other.layout.field(&ours.name);
            ours.name == theirs.name || found().is_some_and(|found| found.name == theirs.name)
        };
        let (ours, theirs) = (self.layout.fields(), other.layout.fields());
        std::ptr::eq(self, other)
            || ours.len() == theirs.len() && ours.iter().zip(theirs).all(alike)
    }

    /// The field of this name: as spelled in the page, in snake_case, or otherwise the same but for
    /// case and `_`.
    pub fn field(&self, name: &str) -> Option<(usize, &Field)> {
        let folded = || {
            let found = self.layout.field(name)?;
            self.layout
                .fields()
                .iter()
                .position(|field| std::ptr::eq(field, found))
        };
        let index = self.index.get(name).copied().or_else(folded)?;
        Some((index, &self.fields[index]))
    }

    /// The place that `path` names, such as `arm.joints[2]`.
    pub fn find(&self, py: Python<'_>, path: &str) -> PyResult<(usize, &Kind)> {
        if let Some(index) = self.index.get(path) {
            let field = &self.fields[*index];
            return Ok((field.offset, &field.kind));
        }
        self.walk(path)
            .ok_or_else(|| match self.layout.resolve(path) {
                Err(error) => errors::unknown_field(py, error),
                Ok(_) => PyKeyError::new_err(path.to_owned()),
            })
    }

    fn walk(&self, path: &str) -> Option<(usize, &Kind)> {
        let (head, rest) = match path.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (path, None),
        };
        let (name, indices) = head.split_at(head.find('[').unwrap_or(head.len()));
        let (_, field) = self.field(name)?;
        let (mut offset, mut kind) = (field.offset, &field.kind);
        for index in indices.split_inclusive(']') {
            let index: usize = index.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            // How many items a tail has is known where its bytes are.
            let (item, stride, len) = match kind {
                Kind::Array { item, stride, len } => (item, stride, *len),
                Kind::Tail { item, stride } => (item, stride, isize::MAX as usize / stride),
                _ => return None,
            };
            let index = Some(index).filter(|index| *index < len)?;
            (offset, kind) = (offset.checked_add(stride.checked_mul(index)?)?, item);
        }
        match (rest, kind) {
            (None, _) => Some((offset, kind)),
            (Some(rest), Kind::Struct(inner)) => inner
                .walk(rest)
                .map(|(inside, kind)| (offset + inside, kind)),
            (Some(_), _) => None,
        }
    }

    /// A path as the page spells it.
    pub fn spelled(&self, path: &str) -> Option<String> {
        let (head, rest) = match path.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (path, None),
        };
        let (name, indices) = head.split_at(head.find('[').unwrap_or(head.len()));
        let (index, field) = self.field(name)?;
        let spelled = format!("{}{indices}", self.layout.fields()[index].name);
        let mut kind = &field.kind;
        while let Kind::Array { item, .. } = kind {
            kind = item;
        }
        match (rest, kind) {
            (None, _) => Some(spelled),
            (Some(rest), Kind::Struct(inner)) => {
                Some(format!("{spelled}.{}", inner.spelled(rest)?))
            }
            (Some(_), _) => None,
        }
    }

    /// The numpy dtype, with explicit offsets.
    pub fn dtype<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let make = || {
            let formats = self.fields.iter().map(|f| f.kind.dtype(py));
            self.dtype_with(py, formats.collect::<PyResult<_>>()?, self.size())
                .map(Bound::unbind)
        };
        Ok(self.dtype.get_or_try_init(py, make)?.bind(py))
    }

    /// What numpy calls one value of so many bytes: with a tail, of as many items as it has.
    fn dtype_of_value<'py>(&self, py: Python<'py>, len: usize) -> PyResult<Bound<'py, PyAny>> {
        let Some((tail, item, stride)) = self.tail() else {
            return self.dtype(py).cloned();
        };
        let fixed = &self.fields[..self.fields.len() - 1];
        let mut formats: Vec<_> = fixed
            .iter()
            .map(|f| f.kind.dtype(py))
            .collect::<PyResult<_>>()?;
        let count = len.saturating_sub(tail.offset) / stride;
        let items = (item.dtype(py)?, (count,)).into_pyobject(py)?;
        formats.push(items.into_any());
        self.dtype_with(py, formats, len)
    }

    fn dtype_with<'py>(
        &self,
        py: Python<'py>,
        formats: Vec<Bound<'py, PyAny>>,
        size: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let names: Vec<_> = self.layout.fields().iter().map(|f| &*f.name).collect();
        let offsets: Vec<_> = self.fields.iter().map(|f| f.offset).collect();
        let description = PyDict::new(py);
        description.set_item("names", names)?;
        description.set_item("formats", formats)?;
        description.set_item("offsets", offsets)?;
        description.set_item("itemsize", size)?;
        py.import("numpy")?.getattr("dtype")?.call1((description,))
    }
}

impl Field {
    /// Its bytes in those of a value.
    pub fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        match self.kind.range(self.offset, bytes.len()) {
            Some(range) => &bytes[range],
            None => &[], // A tail of nothing; all else lies inside of every value.
        }
    }

    /// Type, unit and meaning, for `help()`.
    pub fn describe(&self) -> &str {
        &self.doc
    }
}

fn describe(field: &layout::Field) -> String {
    let unit = field
        .unit
        .as_ref()
        .map(|unit| format!(", in {unit}"))
        .unwrap_or_default();
    let doc = field
        .doc
        .as_ref()
        .map(|doc| format!(": {doc}"))
        .unwrap_or_default();
    format!("{}{unit}{doc}", field.ty)
}

/// The class for records of a layout that no Python class declares. The same layout, with the same
/// names, always has the same class.
pub fn dynamic(py: Python<'_>, layout: &Arc<StructType>) -> PyResult<&'static RecordType> {
    static KNOWN: Mutex<Option<HashMap<Vec<u8>, &'static RecordType>>> = Mutex::new(None);
    let known = || {
        KNOWN
            .lock_py_attached(py)
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    };
    let key = layout.encode();
    if let Some(ty) = known().as_ref().and_then(|known| known.get(&key).copied()) {
        return Ok(ty);
    }
    let kinds = layout
        .fields()
        .iter()
        .map(|field| Ok((Kind::of(py, &field.ty)?, None, None)))
        .collect::<PyResult<_>>()?;
    let ty = RecordType::new(py, None, layout.clone(), kinds)?;
    // Another thread may have been faster; then its class is the one.
    Ok(known().get_or_insert_default().entry(key).or_insert(ty))
}

// ---- declarations --------------------------------------------------------------------------

/// A layout with the class of its records.
#[pyclass(frozen, name = "Layout", module = "crosspage")]
pub struct LayoutObject(pub &'static RecordType);

impl LayoutObject {
    /// A layout from the bytes of its descriptor.
    pub fn parse(descriptor: &[u8]) -> PyResult<Arc<StructType>> {
        StructType::decode(descriptor)
            .map(Arc::new)
            .map_err(errors::raise)
    }
}

/// One field of a layout.
#[pyclass(frozen, get_all, name = "FieldInfo", module = "crosspage")]
pub struct FieldInfo {
    name: String,
    r#type: String,
    offset: usize,
    size: usize,
    unit: Option<String>,
    doc: Option<String>,
}

#[pymethods]
impl FieldInfo {
    fn __repr__(&self) -> String {
        format!("{} {} at {}", self.name, self.r#type, self.offset)
    }
}

#[pymethods]
impl LayoutObject {
    /// The name of the struct.
    #[getter]
    fn name(&self) -> &str {
        self.0.layout.name()
    }

    /// Bytes of one value.
    #[getter]
    fn size(&self) -> usize {
        self.0.size()
    }

    /// Alignment in bytes.
    #[getter]
    fn align(&self) -> usize {
        self.0.layout.align()
    }

    /// The fields, by offset.
    #[getter]
    fn fields(&self) -> Vec<FieldInfo> {
        let info = |field: &layout::Field| FieldInfo {
            name: field.name.clone(),
            r#type: field.ty.to_string(),
            offset: field.offset,
            size: field.ty.size(),
            unit: field.unit.clone(),
            doc: field.doc.clone(),
        };
        self.0.layout.fields().iter().map(info).collect()
    }

    /// The class of the records.
    #[getter]
    fn record_class<'py>(&self, py: Python<'py>) -> Bound<'py, PyType> {
        self.0.class(py).clone()
    }

    /// The numpy dtype with the same offsets.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.dtype(py).cloned()
    }

    /// The numpy dtype of one value of so many bytes, whose tail has as many items as they hold.
    fn _dtype_of_value<'py>(&self, py: Python<'py>, size: usize) -> PyResult<Bound<'py, PyAny>> {
        self.0.dtype_of_value(py, size)
    }

    /// The canonical form: the same bytes for the same struct in every language.
    fn canonical<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.layout.canonical())
    }

    /// The descriptor, as a page stores it.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.layout.encode())
    }

    /// The layout that a descriptor describes.
    #[staticmethod]
    fn decode(py: Python<'_>, descriptor: &[u8]) -> PyResult<LayoutObject> {
        dynamic(py, &LayoutObject::parse(descriptor)?).map(LayoutObject)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<LayoutObject>()
            .is_ok_and(|other| other.get().0.layout == self.0.layout)
    }

    fn __hash__(&self) -> u64 {
        self.0.layout.id()
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0.layout)
    }
}

/// The layout of a record or its class, if it is one.
#[pyfunction(name = "_layout_of_record")]
pub fn layout_of_record(object: &Bound<'_, PyAny>) -> PyResult<Option<LayoutObject>> {
    if let Some(record) = Record::of(object) {
        return Ok(Some(LayoutObject(record.ty())));
    }
    match object.cast::<PyType>() {
        Ok(class) if class.is_subclass(base(object.py())?)? => {
            RecordType::of(class).map(|ty| Some(LayoutObject(ty)))
        }
        _ => Ok(None),
    }
}

/// A field as `_declare.py` hands it over: name, type, offset where it is given, unit, doc, the
/// default in a tuple of one where there is one, and the page's name where that is another.
type Declared<'py> = (
    String,
    Bound<'py, PyAny>,
    Option<usize>,
    Option<String>,
    Option<String>,
    Option<(Bound<'py, PyAny>,)>,
    Option<String>,
);

/// The layout of these fields: at their offsets with `size` and `align`, or else where C would put
/// them. `record_class` becomes the class of its records.
#[pyfunction(name = "_declare")]
#[pyo3(signature = (name, fields, *, size_align=None, pack=None, record_class=None))]
pub fn declare(
    py: Python<'_>,
    name: &str,
    fields: Vec<Declared<'_>>,
    size_align: Option<(usize, usize)>,
    pack: Option<usize>,
    record_class: Option<&Bound<'_, PyType>>,
) -> PyResult<LayoutObject> {
    let mut kinds = Vec::new();
    let mut described = Vec::new();
    for (name, spec, offset, unit, doc, default, rename) in fields {
        let (ty, kind) = type_of(&spec)?;
        let default = default.map(|(value,)| value.unbind());
        kinds.push((kind, default, rename.is_some().then(|| name.clone())));
        described.push(layout::Field {
            name: rename.unwrap_or(name),
            ty,
            offset: offset.unwrap_or(0),
            unit,
            doc,
        });
    }
    let layout = match size_align {
        Some((size, align)) => StructType::new(name, size, align, described),
        None => StructType::natural(name, described, pack),
    };
    let layout = Arc::new(layout.map_err(|error| PyTypeError::new_err(error.to_string()))?);
    match record_class {
        Some(class) => {
            let ty = RecordType::new(py, Some(class), layout, kinds)?;
            convert::check_defaults(py, ty)?;
            Ok(ty)
        }
        None => dynamic(py, &layout),
    }
    .map(LayoutObject)
}

/// The type that `_declare.py` describes: a scalar's name, a `Layout`, or a tuple that starts with
/// "text", "array", "tail" or "enum".
fn type_of(spec: &Bound<'_, PyAny>) -> PyResult<(Type, Kind)> {
    if let Ok(layout) = spec.cast::<LayoutObject>() {
        let ty = layout.get().0;
        return Ok((Type::Struct(ty.layout.clone()), Kind::Struct(ty)));
    }
    let scalar = |name: &Bound<'_, PyAny>| {
        let name: String = name.extract()?;
        Scalar::from_name(&name)
            .ok_or_else(|| PyTypeError::new_err(format!("no type is called {name:?}")))
    };
    let Ok(parts) = spec.cast::<PyTuple>() else {
        return scalar(spec).map(|scalar| (Type::Scalar(scalar), Kind::Scalar(scalar)));
    };
    match &*parts.get_item(0)?.extract::<String>()? {
        "text" => {
            let size = parts.get_item(1)?.extract()?;
            Ok((Type::Text(size), Kind::Text(size)))
        }
        "array" => {
            let (item, kind) = type_of(&parts.get_item(1)?)?;
            let len = parts.get_item(2)?.extract()?;
            let ty = Type::Array(Box::new(item), len);
            // Nothing that large gets past `StructType`; here it must only not overflow.
            if ty.size() > layout::MAX_SIZE {
                return Err(PyTypeError::new_err(format!(
                    "an array of {len} {} is too large for a struct",
                    kind_name(&ty)
                )));
            }
            Ok((ty, Kind::array(kind, len)))
        }
        "tail" => {
            let (item, kind) = type_of(&parts.get_item(1)?)?;
            Ok((Type::Tail(Box::new(item)), Kind::tail(kind)))
        }
        "enum" => {
            let class = parts.get_item(1)?.cast_into::<PyType>()?;
            let repr = scalar(&parts.get_item(2)?)?;
            let (min, max) = repr.int_range().ok_or_else(|| {
                PyTypeError::new_err(format!(
                    "an enum is stored as an integer, not as {}",
                    repr.name()
                ))
            })?;
            let mut variants = Vec::new();
            for pair in class
                .getattr("__members__")?
                .call_method0("items")?
                .try_iter()?
            {
                let (name, member): (String, Bound<'_, PyAny>) = pair?.extract()?;
                let value: i128 = member.extract()?;
                if value < min || value > max {
                    let class = class.name()?;
                    return Err(PyTypeError::new_err(format!(
                        "{class}.{name} = {value} does not fit in {}",
                        repr.name()
                    )));
                }
                variants.push((name, value));
            }
            let name = class.name()?.to_string();
            Ok((
                Type::Enum(Arc::new(EnumType {
                    name,
                    repr,
                    variants,
                })),
                Kind::enumeration(repr, &class)?,
            ))
        }
        other => Err(PyTypeError::new_err(format!("no type is called {other:?}"))),
    }
}

fn kind_name(array: &Type) -> String {
    array.base_and_dims().0.to_string()
}

/// The names of the fields, for messages that say what there is.
pub fn names(ty: &RecordType) -> impl Iterator<Item = &str> {
    ty.fields.iter().map(|field| &*field.name)
}
