"""Declaring structs: the types, `Struct`, and what ctypes and numpy declarations become.

Runs once per class; nothing here is on the path of a read or a write.
"""

import builtins
import ctypes
import datetime
import enum
import inspect
import sys
import types
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    TypeAlias,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

from . import _crosspage
from ._crosspage import Layout, Record

_T = TypeVar("_T")

# What `_crosspage._declare` understands: a scalar's name, a Layout, or a tuple that starts with
# "text", "array", "tail" or "enum".
_Spec: TypeAlias = str | Layout | tuple[Any, ...]

_REQUIRED: Any = object()


class _Scalar:
    """What makes `Annotated[int, …]` a type of crosspage."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"crosspage.{self.name}"


bool = Annotated[builtins.bool, _Scalar("bool")]
i8 = Annotated[int, _Scalar("i8")]
i16 = Annotated[int, _Scalar("i16")]
i32 = Annotated[int, _Scalar("i32")]
i64 = Annotated[int, _Scalar("i64")]
u8 = Annotated[int, _Scalar("u8")]
u16 = Annotated[int, _Scalar("u16")]
u32 = Annotated[int, _Scalar("u32")]
u64 = Annotated[int, _Scalar("u64")]
f32 = Annotated[float, _Scalar("f32")]
f64 = Annotated[float, _Scalar("f64")]


class _Field:
    """A field's type, where it is known, and what else its declaration says."""

    __slots__ = ("default", "doc", "rename", "spec", "unit")

    def __init__(
        self,
        spec: _Spec | None,
        default: Any = _REQUIRED,
        unit: str | None = None,
        doc: str | None = None,
        rename: str | None = None,
    ) -> None:
        self.spec = spec
        self.default = default
        self.unit = unit
        self.doc = doc
        self.rename = rename


def field(
    type: Any = None,
    *,
    repr: Any = None,
    default: Any = _REQUIRED,
    unit: str | None = None,
    doc: str | None = None,
    rename: str | None = None,
) -> Any:
    """A field with a default, a unit, a meaning, or another name in the page.

    `timestamp: int = crosspage.field(crosspage.i64, unit="ms")`. Without a type, the annotation
    says it. `repr` is the integer that stores an enum: crosspage.i32 unless given, as in C.
    """
    spec = None if type is None else _spec(type if repr is None else Annotated[type, repr])
    return _Field(spec, default, unit, doc, rename)


if TYPE_CHECKING:

    def text(
        size: int,
        *,
        default: Any = _REQUIRED,
        unit: str | None = None,
        doc: str | None = None,
        rename: str | None = None,
    ) -> Any:
        """UTF-8 text in `size` bytes: C's `char[size]`."""

    def array(
        type: Any,
        *shape: int,
        default: Any = _REQUIRED,
        unit: str | None = None,
        doc: str | None = None,
        rename: str | None = None,
    ) -> Any:
        """An array: `array(f32, 3)`, or `array(f32, 4, 2)` for C's `float[4][2]`."""

    def tail(
        type: Any,
        *shape: int,
        default: Any = _REQUIRED,
        unit: str | None = None,
        doc: str | None = None,
        rename: str | None = None,
    ) -> Any:
        """As many as a message has: its last field, C's flexible `float[]`, or `tail(f32, 3)` for `float[][3]`."""

else:

    class _Text:
        """UTF-8 text in so many bytes: `crosspage.text(500)`; as an annotation also `text[500]`."""

        __slots__ = ()

        def __call__(self, size, **options):
            return _Field(("text", _size(size, "text")), **options)

        __getitem__ = __call__

        def __repr__(self):
            return "crosspage.text"

    class _Array:
        """An array: `crosspage.array(crosspage.f32, 3)`; as an annotation also `array[f32, 3]`."""

        __slots__ = ()

        def __call__(self, type, *shape, **options):
            if not shape:
                raise TypeError(
                    "an array needs its length: crosspage.array(crosspage.f32, 3);"
                    " the last field of a message may be crosspage.tail(crosspage.f32)"
                )
            return _Field(_array(type, shape), **options)

        def __getitem__(self, args):
            return self(*args) if isinstance(args, tuple) else self(args)

        def __repr__(self):
            return "crosspage.array"

    class _Tail:
        """As many as a message has: `crosspage.tail(crosspage.f32)`; as an annotation also `tail[f32]`."""

        __slots__ = ()

        def __call__(self, type, *shape, **options):
            return _Field(("tail", _array(type, shape)), **options)

        def __getitem__(self, args):
            return self(*args) if isinstance(args, tuple) else self(args)

        def __repr__(self):
            return "crosspage.tail"

    def _array(type, shape):
        spec = _spec(type)
        for size in reversed(shape):
            spec = ("array", spec, _size(size, "array"))
        return spec

    text = _Text()
    array = _Array()
    tail = _Tail()


def _size(size: Any, what: str) -> int:
    try:
        size = size.__index__()
    except AttributeError:
        raise TypeError(f"the size of {what} is an integer, not {size!r}") from None
    if size < 1:
        raise TypeError(f"the size of {what} is at least 1, not {size}")
    return int(size)


_SAY_INSTEAD: dict[Any, str] = {
    int: "int has no size in memory; write crosspage.i32 (C's int), crosspage.i64 or another of i8 … u64",
    float: "float can be 4 or 8 bytes; write crosspage.f64 (C's double) or crosspage.f32",
    str: "str has no size in memory; write `name: str = crosspage.text(500)`",
    complex: "complex has no counterpart in C; write crosspage.array(crosspage.f64, 2)",
    datetime.datetime: "a datetime means nothing to C; write `at: int = crosspage.field(crosspage.i64, unit=\"ns\")`",
    Union: "a field always has a value of one type; write that type, and a crosspage.bool beside it where it may be missing",
    types.UnionType: "a field always has a value of one type; write that type, and a crosspage.bool beside it where it may be missing",
}
_SAY_INSTEAD |= dict.fromkeys((bytes, bytearray, memoryview), "bytes have no size; write crosspage.array(crosspage.u8, 16)")
_SAY_INSTEAD |= dict.fromkeys(
    (list, tuple, set, frozenset), "what has no size cannot be shared; write crosspage.array(crosspage.f32, 3)"
)


def _spec(of: Any) -> _Spec:
    """What `_crosspage._declare` is told of the type `of`."""
    if isinstance(of, _Field) and of.spec is not None:
        return of.spec
    return _spec_of_type(of)


def _spec_of_type(of: Any) -> _Spec:
    origin = get_origin(of)
    if origin is Annotated:
        plain, *notes = get_args(of)
        for note in notes:
            if isinstance(note, _Field) and note.spec is not None:
                return note.spec
            if isinstance(note, _Scalar) and isinstance(plain, type) and issubclass(plain, enum.Enum):
                return _enum(plain, note.name)
            if isinstance(note, _Scalar):
                return note.name
            if get_origin(note) is Annotated:  # Annotated[Mode, crosspage.u8]
                return _spec(Annotated[plain, get_args(note)[1]])
        return _spec(plain)
    if of is builtins.bool:
        return "bool"
    if of is text or of is array or of is tail:
        raise TypeError(
            f"{of!r} needs its size, such as crosspage.text(500) or crosspage.array(crosspage.f32, 3),"
            " and a tail its type: crosspage.tail(crosspage.f32)"
        )
    if isinstance(of, type) and issubclass(of, enum.Enum):
        return _enum(of, "i32")
    scalar = _ctypes_scalar(of)
    if scalar is not None:
        return scalar
    if (instead := _SAY_INSTEAD.get(origin or of)) is not None:
        raise TypeError(instead)
    if getattr(origin or of, "__module__", None) == "collections.abc":
        raise TypeError(f"{_name(of)} has no size; write crosspage.array(crosspage.f32, 3)")
    if _is_dtype(of) and of.names is None:
        return _dtype_spec(of)
    if isinstance(of, str) and "#" not in of:
        raise TypeError(f"{of!r} is no type; write the class itself, which stands above")
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(of, type) and issubclass(of, numpy.generic):
        try:
            spec = _dtype_spec(numpy.dtype(of))
        except TypeError:
            spec = ""
        if isinstance(spec, str) and spec:
            raise TypeError(f"numpy.{of.__name__}: records have Python's own numbers; write crosspage.{spec}")
    if numpy is not None and (origin or of) is numpy.ndarray:
        raise TypeError("an ndarray has no size; write `image: Any = crosspage.array(crosspage.u8, 480, 640)`")
    return layout_of(of)


def _name(of: Any) -> str:
    return getattr(of, "__qualname__", None) or repr(of)


def _enum(of: type, stored_as: str) -> _Spec:
    if not issubclass(of, enum.IntEnum):
        instead = "crosspage.u32" if issubclass(of, enum.Flag) else "an enum.IntEnum"
        raise TypeError(f"{_name(of)} is no enum.IntEnum, and only integers are shared; write {instead}")
    return ("enum", of, stored_as)


# ---- Struct ----------------------------------------------------------------------------------


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(field, text, array, tail)
)
class _StructMeta(type):
    """Makes a class whose instances are records, with a getter in C for each field."""

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        pack: int | None = None,
        **options: Any,
    ) -> Any:
        namespace.setdefault("__slots__", ())
        cls: Any = super().__new__(mcls, name, bases, namespace, **options)
        if bases == (Record,):
            return cls
        pack = namespace.get("_pack_", pack)
        fields: dict[str, tuple[Any, ...]] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(base.__dict__.get("__crosspage_fields__", {}))
        own = _own_fields(cls, namespace, sys._getframe(1))
        if twice := [field for field in own if field in fields]:
            raise TypeError(f"{name}.{twice[0]} is a field of the base class already")
        fields.update(own)
        type.__setattr__(cls, "__crosspage_fields__", fields)
        if not fields:
            raise TypeError(f"{name} declares no fields; write for example `counter: crosspage.i32`")
        _crosspage._declare(name, list(fields.values()), pack=pack, record_class=cls)
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **_: Any) -> None:
        super().__init__(name, bases, namespace)


def _own_fields(
    cls: type, namespace: dict[str, Any], frame: types.FrameType
) -> dict[str, tuple[Any, ...]]:
    fields = {}
    for name, annotation in _annotations(cls).items():
        where = f"{cls.__name__}.{name}"
        value = namespace.get(name, _REQUIRED)
        declared = value if isinstance(value, _Field) else _Field(None, value)
        spec = declared.spec
        if spec is None:
            # Only now: a specifier may stand beside an annotation that nothing can resolve at run
            # time, such as `Sequence[float]` imported for type checkers alone.
            if isinstance(annotation, str):
                annotation = _resolve(annotation, cls, name, frame)
            if annotation is ClassVar or get_origin(annotation) is ClassVar:
                continue
            try:
                spec = _spec(annotation)
            except TypeError as error:
                raise TypeError(f"{where}: {error}") from None
        if name.startswith("__"):
            raise TypeError(f"{where}: names that start with two underscores are Python's own")
        default = None if declared.default is _REQUIRED else (declared.default,)
        fields[name] = (name, spec, None, declared.unit, declared.doc, default, declared.rename)
    for name, value in namespace.items():
        if isinstance(value, _Field) and name not in fields:
            raise TypeError(f"{cls.__name__}.{name} needs an annotation, such as `{name}: str = …`")
    return fields


def _annotations(cls: type) -> dict[str, Any]:
    try:
        return inspect.get_annotations(cls)
    except NameError as error:  # Python 3.14 evaluates them only here.
        name = getattr(error, "name", None)
        if name == cls.__name__:
            raise TypeError(f"{name} cannot contain itself: a struct has a fixed size and no pointers") from None
        raise TypeError(f"{cls.__name__}: {error}; it has to be declared above") from None


def _resolve(annotation: str, cls: type, name: str, frame: types.FrameType) -> Any:
    if annotation.strip("\"' ") == cls.__name__:
        raise TypeError(f"{cls.__name__}.{name}: a struct cannot contain itself")
    names = {**vars(sys.modules.get(cls.__module__, builtins)), **frame.f_globals, **frame.f_locals}
    try:
        resolved = eval(annotation, names)
    except NameError as error:
        if getattr(error, "name", None) == cls.__name__:
            raise TypeError(f"{cls.__name__}.{name}: a struct cannot contain itself") from None
        raise TypeError(
            f"{cls.__name__}.{name}: {error}; it has to be declared above, and where this function does not see it"
            f" write `{name}: {annotation} = crosspage.field({annotation})`"
        ) from None
    except Exception as error:
        raise TypeError(f"{cls.__name__}.{name}: cannot resolve the annotation {annotation!r}: {error}") from None
    return _resolve(resolved, cls, name, frame) if isinstance(resolved, str) else resolved


class Struct(Record, metaclass=_StructMeta):
    """A struct to share, declared like a dataclass::

        class SharedData(crosspage.Struct):
            process_id: crosspage.i32
            message: str = crosspage.text(500)
            coordinates: Sequence[float] = crosspage.array(crosspage.f32, 3)

    Instances are records: complete, checked, and unchanging. `class Wire(Struct, pack=1)` is C's
    `#pragma pack(1)`.
    """

    if TYPE_CHECKING:

        def __init_subclass__(cls, *, pack: int | None = None) -> None: ...


# ---- other declarations ----------------------------------------------------------------------

_layouts: dict[Any, Layout] = {}


def layout_of(of: Any) -> Layout:
    """The layout of a declaration: a Struct, a ctypes.Structure, a numpy dtype, or "PATH#TYPE"."""
    if isinstance(of, Layout):
        return of
    layout = _crosspage._layout_of_record(of)
    if layout is not None:
        return layout
    if isinstance(of, str):
        return _crosspage._from_source(of)
    dtype = getattr(of, "dtype", None)
    if isinstance(of, ctypes.Structure) or _is_dtype(dtype):
        raise TypeError(f"this is a value, not a declaration: give its {'dtype' if _is_dtype(dtype) else 'type'}")
    if isinstance(of, type) and issubclass(of, (ctypes.Structure, ctypes.Union)):
        if of not in _layouts:
            _layouts[of] = _from_ctypes(of)
        return _layouts[of]
    if _is_dtype(of):
        if of not in _layouts:
            _layouts[of] = _from_dtype(of)
        return _layouts[of]
    raise TypeError(
        f"{_name(of)} is no struct; declare a class that derives from crosspage.Struct,"
        " or give a ctypes.Structure or a numpy structured dtype"
    )


def _layout_of_value(value: Any) -> Layout | None:
    """The layout of an object that is about to be written, where it says one beside its bytes."""
    if isinstance(value, ctypes.Structure):
        return layout_of(type(value))
    dtype: Any = getattr(value, "dtype", None)
    if _is_dtype(dtype) and dtype.names is not None:
        return layout_of(dtype)
    return None


_CTYPES: dict[Any, str] = {ctypes.c_bool: "bool", ctypes.c_float: "f32", ctypes.c_double: "f64"}
for _kind, _names in {
    "i": ("c_byte", "c_short", "c_int", "c_long", "c_longlong"),
    "u": ("c_ubyte", "c_ushort", "c_uint", "c_ulong", "c_ulonglong"),
}.items():
    for _one in _names:
        _CTYPES[getattr(ctypes, _one)] = f"{_kind}{8 * ctypes.sizeof(getattr(ctypes, _one))}"
# C's long has another size on Windows, but cannot be refused: c_long is only another name of c_int64
# here and of c_int32 there, as c_size_t is of c_uint64.
_CTYPES_INSTEAD: dict[Any, str] = {
    ctypes.c_longdouble: "has another size on each platform; write ctypes.c_double",
    ctypes.c_wchar: "has another size on each platform; write ctypes.c_char * 50, for UTF-8",
    ctypes.c_char_p: "is a pointer, which means nothing in another process; write ctypes.c_char * 50",
    ctypes.c_wchar_p: "is a pointer, which means nothing in another process; write ctypes.c_char * 50, for UTF-8",
}
_POINTS = "is a pointer, which means nothing in another process; write what it points to, or an index"

_POINTERS: tuple[type, ...] = (type(ctypes.POINTER(ctypes.c_int)), type(ctypes.CFUNCTYPE(None)))
_CTYPES_KINDS: tuple[type, ...] = (type(ctypes.c_int), type(ctypes.c_int * 1), *_POINTERS)


def _ctypes_scalar(of: Any) -> _Spec | None:
    """The type that a ctypes type is, unless it is a struct or none of ctypes'."""
    if not issubclass(type(of), _CTYPES_KINDS):
        return None
    if of in _CTYPES:
        return _CTYPES[of]
    if of is ctypes.c_char:
        return ("text", 1)
    if issubclass(of, ctypes.Array):
        if of._type_ is ctypes.c_char:
            return ("text", of._length_)
        item = _ctypes_scalar(of._type_)
        return ("array", layout_of(of._type_) if item is None else item, of._length_)
    name: str = of.__name__
    if of in _CTYPES_INSTEAD:
        raise TypeError(f"{name} {_CTYPES_INSTEAD[of]}")
    if isinstance(of, _POINTERS) or of is ctypes.c_void_p:
        raise TypeError(f"{name} {_POINTS}")
    if name.endswith(("_be", "_le")):
        raise TypeError(f"{name} has its bytes swapped; crosspage is little-endian only")
    raise TypeError(f"{name} has no counterpart in other languages; write a number or bytes of fixed size")


def _from_ctypes(of: Any) -> Layout:
    name = of.__name__
    if issubclass(of, ctypes.Union):
        raise TypeError(f"{name} is a union; write a struct with all its fields, or its bytes as ctypes.c_uint8 * 8")
    if hasattr(of, "_swappedbytes_"):
        raise TypeError(f"{name} has the bytes of its numbers swapped; write a ctypes.Structure, crosspage is little-endian only")
    if not hasattr(of, "_fields_"):
        raise TypeError(f"{name} has no _fields_")
    declared = [entry for base in reversed(of.__mro__) for entry in base.__dict__.get("_fields_", ())]
    fields = []
    for field, type_, *bits in declared:
        if bits:
            raise TypeError(
                f"{name}.{field} is a bit-field, and compilers disagree where its bits are; write a ctypes.c_uint32 of flags"
            )
        try:
            fields.append((field, _spec(type_), getattr(of, field).offset, None, None, None, None))
        except TypeError as error:
            raise TypeError(f"{name}.{field}: {error}") from None
    return _crosspage._declare(name, fields, size_align=(ctypes.sizeof(of), ctypes.alignment(of)))


def _is_dtype(of: Any) -> builtins.bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(of, numpy.dtype)


def _dtype_spec(of: Any) -> _Spec:
    """The type that a numpy dtype is."""
    if of.subdtype is not None:
        item, shape = of.subdtype
        spec = _dtype_spec(item)
        for size in reversed(shape):
            spec = ("array", spec, size)
        return spec
    if of.names is not None:
        return layout_of(of)
    if of.kind == "U":
        raise TypeError(f"{of} stores text as UTF-32; write a bytes dtype, such as 'S50'")
    if of.kind == "S":
        return ("text", of.itemsize)
    if of.kind in "mM":
        raise TypeError(f"{of} has no counterpart in other languages; write 'i8' and say the unit elsewhere")
    if of.byteorder == ">" or (of.byteorder == "=" and sys.byteorder == "big"):
        raise TypeError(f"{of} is big-endian; write '<{of.str[1:]}', crosspage is little-endian only")
    if of.kind == "b":
        return "bool"
    name = {"i": "i", "u": "u", "f": "f"}.get(of.kind, "?") + str(8 * of.itemsize)
    if name not in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"):
        instead = {"f": "'f4' or 'f8'", "c": "('f8', 2)", "V": f"('u1', {of.itemsize})"}
        write = instead.get(of.kind, "numbers or bytes of fixed size")
        raise TypeError(f"{of} has no counterpart in other languages; write {write}")
    return name


def _from_dtype(of: Any) -> Layout:
    if of.names is None:
        raise TypeError(f"{of} has no fields; write numpy.dtype([('counter', 'i4'), …])")
    fields = []
    for name in of.names:
        type_, offset = of.fields[name][:2]
        try:
            fields.append((name, _dtype_spec(type_), offset, None, None, None, None))
        except TypeError as error:
            raise TypeError(f"field {name}: {error}") from None
    # numpy's dtypes know no alignment unless made with align=True. Where everything lies as a C
    # compiler would put it, it is C's; else the largest that the offsets allow.
    fields.sort(key=lambda field: int(field[2]))
    return _crosspage._declare("record", fields, size_align=(of.itemsize, _alignment(of)))


def _alignment(of: Any) -> int:
    return int(of.alignment) if of.isalignedstruct else max(_alignments(of))


def _alignments(of: Any) -> "builtins.filter[int]":
    """The alignments, of those C knows, that every field and the size of a dtype agree with."""

    def natural(type_: Any) -> int:
        type_ = type_.base
        if type_.names is not None:
            return _alignment(type_)
        return 1 if type_.kind == "S" else int(type_.itemsize)

    def fits(pack: int) -> builtins.bool:
        places = [(min(pack, natural(of.fields[name][0])), of.fields[name][1]) for name in of.names]
        align = max(align for align, _ in places)
        return align == pack and of.itemsize % align == 0 and all(offset % align == 0 for align, offset in places)

    return filter(fits, (1, 2, 4, 8))
