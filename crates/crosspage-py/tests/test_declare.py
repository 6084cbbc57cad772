"""Declarations: where their fields lie, and what is refused with which words."""

import ctypes
import dataclasses
import datetime
import enum
import os
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Optional

import pytest
from shared_data import OFFSETS, SharedData

import crosspage

if TYPE_CHECKING:
    from somewhere import Nothing  # type: ignore[import-not-found]

numpy = pytest.importorskip("numpy")


class Mode(enum.IntEnum):
    AUTO = 1
    MANUAL = 2


def offsets(declaration: Any) -> dict[str, int]:
    return {field.name: field.offset for field in crosspage.layout_of(declaration).fields}


def test_the_original_struct_lies_where_a_c_compiler_puts_it() -> None:
    layout = crosspage.layout_of(SharedData)
    assert (layout.size, layout.align, offsets(SharedData)) == (632, 8, OFFSETS)
    assert [field.type for field in layout.fields] == [
        "i32", "text[500]", "bool", "i32", "f64", "f32[3]", "text[50]", "i64", "i32[10]",
    ]  # fmt: skip
    assert layout.fields[7].unit == "ms"


@pytest.mark.parametrize(
    ("pack", "size", "timestamp", "data_array"),
    [(1, 627, 579, 587), (2, 628, 580, 588), (4, 632, 584, 592), (None, 632, 584, 592)],
)
def test_packing(pack: int | None, size: int, timestamp: int, data_array: int) -> None:
    class Packed(SharedData.__base__, pack=pack):  # type: ignore[misc, name-defined]
        process_id: crosspage.i32
        message: str = crosspage.text(500)
        data_ready: crosspage.bool
        counter: crosspage.i32
        temperature: crosspage.f64
        coordinates: Sequence[float] = crosspage.array(crosspage.f32, 3)
        user_name: str = crosspage.text(50)
        timestamp: crosspage.i64
        data_array: Sequence[int] = crosspage.array(crosspage.i32, 10)

    found = offsets(Packed)
    assert crosspage.layout_of(Packed).size == size
    assert (found["timestamp"], found["data_array"]) == (timestamp, data_array)


def test_pack_as_ctypes_spells_it() -> None:
    class Packed(crosspage.Struct):
        _pack_ = 1
        flag: crosspage.u8
        number: crosspage.f64

    assert offsets(Packed) == {"flag": 0, "number": 1}


def test_every_type() -> None:
    class Inner(crosspage.Struct):
        x: crosspage.u8
        y: crosspage.u16

    class All(crosspage.Struct):
        a: crosspage.bool
        a2: bool
        b: crosspage.i8
        c: crosspage.i16
        d: crosspage.i32
        e: crosspage.i64
        f: crosspage.u8
        g: crosspage.u16
        h: crosspage.u32
        i: crosspage.u64
        j: crosspage.f32
        k: crosspage.f64
        l: crosspage.text[7]  # type: ignore[valid-type]
        m: crosspage.array[crosspage.i16, 2, 3]  # type: ignore[valid-type]
        n: Inner
        o: Sequence[Any] = crosspage.array(Inner, 2)
        p: Mode
        q: Annotated[Mode, crosspage.u8]
        r: Mode = crosspage.field(Mode, repr=crosspage.i64)
        s: Sequence[str] = crosspage.array(crosspage.text[16], 4)
        t: ctypes.c_uint16
        u: Sequence[Any] = crosspage.array(Annotated[Mode, crosspage.u8], 2)

    assert [field.type for field in crosspage.layout_of(All).fields] == [
        "bool", "bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "text[7]",
        "i16[2][3]", "Inner", "Inner[2]", "Mode", "Mode", "Mode", "text[16][4]", "u16", "Mode[2]",
    ]  # fmt: skip
    sizes = {field.name: field.size for field in crosspage.layout_of(All).fields}
    assert (sizes["p"], sizes["q"], sizes["r"], sizes["u"]) == (4, 1, 8, 2)


def test_string_annotations_are_resolved() -> None:
    """As `from __future__ import annotations` makes them; also of names that are only local."""

    class Inner(crosspage.Struct):
        x: "crosspage.i32"

    class Outer(crosspage.Struct):
        inner: "Inner"
        counter: "crosspage.i32" = 5
        anything: "Sequence[Nothing]" = crosspage.array(crosspage.f32, 3)
        shared: "ClassVar[int]" = 3

    assert offsets(Outer) == {"inner": 0, "counter": 4, "anything": 8}
    assert Outer.shared == 3


def test_annotations_of_the_future() -> None:
    """The whole module's are strings then; what only an outer function knows has to be given as a type."""
    program = """
        from __future__ import annotations
        import enum, crosspage

        def make():
            class Mode(enum.IntEnum):
                AUTO = 1
            class Inner(crosspage.Struct):
                x: crosspage.i32
            class Outer(crosspage.Struct):
                mode: Mode
                inner: Inner
                name: str = crosspage.text(8)
            def further_in():
                class Hidden(crosspage.Struct):
                    inner: Inner
            def told():
                class Told(crosspage.Struct):
                    inner: Inner = crosspage.field(Inner)
                return Told
            try:
                further_in()
            except TypeError as error:
                assert "crosspage.field(Inner)" in str(error), error
            return crosspage.layout_of(Outer), crosspage.layout_of(told())

        print([layout.size for layout in make()])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.stdout == "[16, 4]\n", done.stderr


def test_names_in_the_page_of_their_own() -> None:
    """For names that Python cannot spell, and for those who look at the page with the CLI."""

    class Inner(crosspage.Struct):
        from_: crosspage.i32 = crosspage.field(rename="from")

    class Renamed(crosspage.Struct):
        data_ready: crosspage.bool = crosspage.field(default=False, rename="isReady")
        message: str = crosspage.text(8, rename="Text", default="")
        values: Sequence[float] = crosspage.array(crosspage.f32, 2, rename="XY", default=(0, 0))
        inner: Inner

    layout = crosspage.layout_of(Renamed)
    assert [field.name for field in layout.fields] == ["isReady", "Text", "XY", "inner"]
    record = Renamed(data_ready=True, message="hello", inner={"from": 3})  # type: ignore[arg-type]
    assert (record.data_ready, record.inner.from_, record["isReady"], record["inner.from"]) == (True, 3, True, 3)
    assert "data_ready=True, message='hello'" in repr(record) and "data_ready" in crosspage.to_dict(record)
    with pytest.raises(AttributeError):
        record.Text  # type: ignore[attr-defined]  # noqa: B018
    writer = crosspage.latest.create("renamed", Renamed)
    writer.write(record)
    plain = crosspage.latest.open("renamed").read()
    assert (plain.isReady, plain.Text, plain["inner.from"]) == (True, "hello", 3) and plain == record
    array = crosspage.to_numpy(record).copy()
    array["Text"] = b"numpy"
    writer.write(array)
    writer.update(data_ready=False, **{"inner.from_": 4})
    seen = crosspage.latest.open("renamed", Renamed).read()
    assert seen is not None and (seen.message, seen.data_ready, seen.inner.from_) == ("numpy", False, 4)
    locator = f"win:Local\\renamed-{os.getpid()}" if sys.platform == "win32" else f"posix:/renamed-{os.getpid()}"
    with crosspage.foreign.create(locator, Renamed) as view:
        view.write_with_ready(message="ready", inner=record.inner, flag="data_ready")
        view.update(**{"inner.from_": 5})
        view["values[1]"] = 2
        assert view.read_ready("data_ready", timeout=0) == crosspage.replace(
            record, message="ready", values=(0, 2), inner=Inner(from_=5)
        )
    if sys.platform != "win32":  # there it is gone with its last handle
        crosspage.remove(locator)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (crosspage.text(3, default="abcd"), "Bad: the default of field field: 4 bytes of text do not fit in text.3"),
        (crosspage.field(crosspage.u8, default=300), "Bad: the default of field field: 300 does not fit in u8"),
        (crosspage.field(crosspage.i32, default="x"), "expected an integer"),
        (crosspage.array(crosspage.f32, 2, default=[1]), "expected 2 items, got 1"),
        (crosspage.field(Mode, default=7), "7 is not a valid Mode"),
        (crosspage.field(crosspage.i32, default=dataclasses.field(default=3)), "expected an integer"),
    ],
)
def test_defaults_that_do_not_fit(field: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        namespace = {"__annotations__": {"field": int}, "__module__": __name__, "field": field}
        type(crosspage.Struct)("Bad", (crosspage.Struct,), namespace)


def test_declarations_inherit() -> None:
    class Base(crosspage.Struct):
        a: crosspage.i32

        def doubled(self) -> int:
            return 2 * self.a

    class Derived(Base):
        b: crosspage.f64 = 0.5

    derived = Derived(a=4)
    assert offsets(Derived) == {"a": 0, "b": 8}
    assert (derived.doubled(), derived.b, isinstance(derived, Base)) == (8, 0.5, True)
    with pytest.raises(TypeError, match="Again.a is a field of the base class already"):

        class Again(Base):
            a: crosspage.i64


def refused(annotation: Any, **options: Any) -> str:
    with pytest.raises(TypeError) as raised:
        namespace = {"__annotations__": {"field": annotation}, "__module__": __name__}
        type(crosspage.Struct)("Bad", (crosspage.Struct,), namespace, **options)
    return str(raised.value)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, ("Bad.field", "crosspage.i32")),
        (float, ("Bad.field", "crosspage.f64", "crosspage.f32")),
        (str, ("Bad.field", "crosspage.text(500)")),
        (bytes, ("Bad.field", "crosspage.array(crosspage.u8")),
        (list[float], ("Bad.field", "crosspage.array(")),
        (tuple[int, ...], ("Bad.field", "crosspage.array(")),
        (Sequence[float], ("Bad.field", "crosspage.array(")),
        (dict[str, int], ("Bad.field", "no struct")),
        (int | None, ("Bad.field", "always has a value")),
        (Optional[crosspage.i32], ("Bad.field", "always has a value")),
        (numpy.int32, ("Bad.field", "crosspage.i32")),
        (numpy.ndarray, ("Bad.field", "crosspage.array(")),
        (datetime.datetime, ("Bad.field", "crosspage.i64")),
        (bytearray, ("Bad.field", "crosspage.array(crosspage.u8")),
        (enum.IntFlag("Bits", "A B"), ("Bad.field", "crosspage.u32")),
        (Annotated[Mode, crosspage.f32], ("an enum is stored as an integer, not as f32",)),
        (crosspage.text, ("Bad.field", "needs its size")),
        (crosspage.array, ("Bad.field", "needs its size")),
        (enum.Enum("Colour", "RED"), ("Bad.field", "enum.IntEnum")),
        (ctypes.POINTER(ctypes.c_int), ("Bad.field", "pointer", "write what it points to")),
        (ctypes.c_char_p, ("Bad.field", "pointer", "ctypes.c_char * 50")),
        (ctypes.c_void_p, ("Bad.field", "pointer")),
        (ctypes.CFUNCTYPE(None), ("Bad.field", "pointer")),
        (ctypes.c_wchar, ("Bad.field", "ctypes.c_char * 50")),
        (ctypes.c_int.__ctype_be__, ("Bad.field", "little-endian only")),
        (ctypes.py_object, ("Bad.field", "no counterpart")),
        pytest.param(
            ctypes.c_longdouble,
            ("Bad.field", "ctypes.c_double"),
            marks=pytest.mark.skipif(ctypes.c_longdouble is ctypes.c_double, reason="long double is double here"),
        ),
        ("Bad", ("Bad.field", "cannot contain itself")),
        ("Sequence[Bad]", ("Bad.field", "cannot contain itself")),
        ("Nowhere", ("Bad.field", "Nowhere", "declared above", "crosspage.field(Nowhere)")),
    ],
)
def test_what_cannot_be_shared(annotation: Any, words: tuple[str, ...]) -> None:
    message = refused(annotation)
    for word in words:
        assert word in message


def test_more_that_is_refused() -> None:
    with pytest.raises(TypeError, match="Plain.message needs an annotation"):

        class Plain(crosspage.Struct):
            message = crosspage.text(5)

    with pytest.raises(TypeError, match="Empty declares no fields"):

        class Empty(crosspage.Struct):
            pass

    with pytest.raises(TypeError, match="nodeId"):  # ambiguous, once case and _ do not count

        class Ambiguous(crosspage.Struct):
            node_id: crosspage.i32
            nodeId: crosspage.i32

    class Mixin:
        pass

    with pytest.raises(TypeError, match="Mixed must derive from crosspage.Struct"):

        class Mixed(Mixin, crosspage.Struct):
            a: crosspage.i32

    with pytest.raises(TypeError, match="at least 1"):
        crosspage.text(0)
    with pytest.raises(TypeError, match="integer"):
        crosspage.array(crosspage.i32, "3")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="too large"):

        class Huge(crosspage.Struct):
            a: Sequence[Any] = crosspage.array(crosspage.f64, 2**40, 2**40)

    with pytest.raises(TypeError, match="AUTO = 1000 does not fit in u8"):

        class Wide(crosspage.Struct):
            mode: Annotated[enum.IntEnum("Big", {"AUTO": 1000}), crosspage.u8]  # type: ignore[valid-type]

    with pytest.raises(TypeError, match=r"\bint\b.*no struct"):
        crosspage.latest.create("x", int)
    with pytest.raises(TypeError, match="'Later' is no type"):
        crosspage.array("Later", 3)
    with pytest.raises(TypeError, match="a value, not a declaration: give its dtype"):
        crosspage.layout_of(numpy.zeros(3, [("a", "i4")]))
    with pytest.raises(TypeError, match="__layout__"):

        class Dunder(crosspage.Struct):
            __layout__: crosspage.i32


def test_ctypes_structures_are_declarations() -> None:
    class Inner(ctypes.Structure):
        _fields_ = [("x", ctypes.c_uint8), ("y", ctypes.c_double)]

    class Data(ctypes.Structure):
        _fields_ = [
            ("processId", ctypes.c_int),
            ("message", ctypes.c_char * 500),
            ("ready", ctypes.c_bool),
            ("inner", Inner),
            ("numbers", (ctypes.c_float * 2) * 3),
            ("stamp", ctypes.c_longlong),
        ]

    layout = crosspage.layout_of(Data)
    assert layout.size == ctypes.sizeof(Data)
    assert {f.name: f.offset for f in layout.fields} == {n: getattr(Data, n).offset for n, *_ in Data._fields_}
    assert [f.type for f in layout.fields] == ["i32", "text[500]", "bool", "Inner", "f32[3][2]", "i64"]
    assert crosspage.layout_of(Data) is layout

    class Packed(ctypes.Structure):
        _pack_ = 1
        _fields_ = [("a", ctypes.c_uint8), ("b", ctypes.c_double)]

    assert offsets(Packed) == {"a": 0, "b": 1}

    class Derived(Inner):
        _fields_ = [("z", ctypes.c_int16)]

    assert offsets(Derived) == {"x": 0, "y": 8, "z": 16}


def test_ctypes_that_cannot_be_shared() -> None:
    class Bits(ctypes.Structure):
        _fields_ = [("a", ctypes.c_int, 3)]

    class Either(ctypes.Union):
        _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_float)]

    class Swapped(ctypes.BigEndianStructure):
        _fields_ = [("a", ctypes.c_int)]

    class Points(ctypes.Structure):
        _fields_ = [("next", ctypes.c_void_p)]

    class Node(ctypes.Structure):
        pass

    Node._fields_ = [("next", ctypes.POINTER(Node))]

    class Unfinished(ctypes.Structure):
        pass

    class Holds(ctypes.Structure):
        _fields_ = [("swapped", Swapped)]

    for declaration, words in {
        Bits: "Bits.a is a bit-field",
        Either: "union",
        Swapped: "little-endian only",
        Points: "Points.next: c_void_p is a pointer",
        Node: "Node.next: .* is a pointer",
        Unfinished: "Unfinished has no _fields_",
        Holds: "Holds.swapped: .*little-endian only",
    }.items():
        with pytest.raises(TypeError, match=words):
            crosspage.layout_of(declaration)


def test_numpy_dtypes_are_declarations() -> None:
    inner = numpy.dtype([("x", "u1"), ("y", "f8")], align=True)
    dtype = numpy.dtype(
        [("counter", "i4"), ("label", "S16"), ("ok", "?"), ("grid", "f4", (2, 3)), ("inner", inner)],
        align=True,
    )
    layout = crosspage.layout_of(dtype)
    assert (layout.size, layout.align) == (dtype.itemsize, 8)
    assert {f.name: f.offset for f in layout.fields} == {n: dtype.fields[n][1] for n in dtype.names}
    assert [f.type for f in layout.fields] == ["i32", "text[16]", "bool", "f32[2][3]", "record"]
    assert layout.dtype == dtype
    # Without align=True, dtypes have no alignment of their own: the offsets tell.
    given = {"names": ["a", "b"], "formats": ["i4", "f8"], "offsets": [0, 8], "itemsize": 16}
    assert crosspage.layout_of(numpy.dtype(given)).align == 8
    assert crosspage.layout_of(numpy.dtype([("a", "i4"), ("b", "f8")])).align == 4
    assert crosspage.layout_of(numpy.dtype([("a", "i1"), ("b", "f8")])).align == 1
    # A packed struct asks for no more than its packing, wherever it lies.
    packed = numpy.dtype([("a", "u1"), ("b", "f8")])
    fields = {"names": ["n", "c", "packed"], "formats": ["u4", "u1", packed], "offsets": [0, 4, 5], "itemsize": 16}
    assert crosspage.layout_of(numpy.dtype(fields)).align == 4


@pytest.mark.parametrize(
    ("format", "words"),
    [("U5", "UTF-32.*'S50'"), ("M8[ns]", "no counterpart.*'i8'"), ("m8[s]", "no counterpart.*'i8'"),
     (">i4", "big-endian; write '<i4'"), ("O", "no counterpart"), ("f2", "no counterpart.*'f4'"),
     ("c8", "no counterpart.*'f8', 2"), ("V4", "no counterpart.*'u1', 4")],
)  # fmt: skip
def test_dtypes_that_cannot_be_shared(format: str, words: str) -> None:
    with pytest.raises(TypeError, match=f"field a.*{words}"):
        crosspage.layout_of(numpy.dtype([("a", format)]))


def test_one_struct_is_the_same_in_every_spelling() -> None:
    class Ours(crosspage.Struct):
        process_id: crosspage.i32
        reading: crosspage.f64

    class Theirs(ctypes.Structure):
        _fields_ = [("processId", ctypes.c_int32), ("Reading", ctypes.c_double)]

    dtype = numpy.dtype([("PROCESSID", "i4"), ("reading", "f8")], align=True)
    forms = {crosspage.layout_of(declaration).canonical() for declaration in (Ours, Theirs, dtype)}
    assert len(forms) == 1
    layout = crosspage.layout_of(Ours)
    assert crosspage.Layout.decode(layout.encode()) == layout
    with pytest.raises(crosspage.Corrupt):
        crosspage.Layout.decode(layout.encode()[:-1])


@pytest.mark.parametrize("source", ["robot.toml#Robot", "tails.toml#Scan", "tails.toml#Cloud"])
def test_what_the_command_line_prints_declares_the_same(source: str) -> None:
    """`crosspage layout robot.toml#Robot --as python` made robot.py."""
    declared = Path(__file__).parents[3] / "tests" / "golden" / "declared"
    _, name = source.split("#")
    made = runpy.run_path(str(declared / f"{name.lower()}.py"))[name]
    schema = crosspage.layout_of(f"{declared / source}")
    ours = crosspage.layout_of(made)
    assert ours.canonical() == schema.canonical()
    notes = [(field.unit, field.doc) for field in schema.fields]
    assert [(field.unit, field.doc) for field in ours.fields] == notes


def test_numpy_is_optional() -> None:
    program = (
        "import sys; sys.modules['numpy'] = None; import crosspage\n"
        "class T(crosspage.Struct):\n  a: crosspage.i32\n"
        "print(T(a=1), crosspage.to_dict(T(a=1)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "T(a=1) {'a': 1}\n", done.stderr
