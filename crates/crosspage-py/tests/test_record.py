"""Records: what their fields read as, and that nothing changes them."""

import copy
import ctypes
import enum
import gc
import json
import math
import pickle
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from shared_data import GOLDEN, OFFSETS, SharedData

import crosspage
from crosspage import _crosspage

numpy = pytest.importorskip("numpy")


class Mode(enum.IntEnum):
    AUTO = 1
    MANUAL = 2


class Joint(crosspage.Struct):
    angle: crosspage.f32
    mode: Mode


class Arm(crosspage.Struct):
    joints: Sequence[Joint] = crosspage.array(Joint, 3)
    grid: Sequence[Sequence[int]] = crosspage.array(crosspage.i16, 2, 3)


class Robot(crosspage.Struct):
    name: str = crosspage.text(8)
    arm: Arm


ROBOT = Robot(
    name="r2",
    arm=Arm(joints=[Joint(angle=n / 10, mode=Mode.MANUAL) for n in range(3)], grid=[[1, 2, 3], [4, 5, 6]]),
)


def of_bytes(declaration: type[crosspage.Record], data: bytes) -> Any:
    """A record with these bytes, as a page could hold them."""
    writer = crosspage.latest.create("bytes", declaration)
    writer.write(data)
    writer.close()
    return crosspage.latest.open("bytes", declaration).read()


def test_fields() -> None:
    assert GOLDEN.process_id == 4242
    assert GOLDEN.message == "Hello from C++ Process!\nZoë"
    assert GOLDEN.data_ready is True
    assert (GOLDEN.counter, GOLDEN.temperature, GOLDEN.timestamp) == (42, 23.5, 98765)
    assert GOLDEN.coordinates == (10.5, struct.unpack("f", struct.pack("f", 20.3))[0], 30.799999237060547)
    assert GOLDEN.user_name == "LinuxUser"
    assert GOLDEN.data_array == (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


def test_the_bytes_are_those_of_c() -> None:
    data = bytes(GOLDEN)
    assert len(data) == 632 == len(memoryview(GOLDEN))
    assert struct.unpack_from("<i", data, OFFSETS["counter"]) == (42,)
    assert struct.unpack_from("<d", data, OFFSETS["temperature"]) == (23.5,)
    assert data[505:508] == b"\0\0\0", "padding is zero"
    assert memoryview(GOLDEN).readonly


def test_paths() -> None:
    assert ROBOT["name"] == "r2"
    assert ROBOT["arm.joints[2].mode"] is Mode.MANUAL
    assert ROBOT["arm.joints[1]"] == ROBOT.arm.joints[1]
    assert ROBOT["arm.grid[1][2]"] == 6
    assert ROBOT["arm.grid[1]"] == (4, 5, 6)
    assert GOLDEN["processId"] == 4242, "a name may be spelled as in other languages"
    for path in ["nme", "arm.joint", "arm.joints[3]", "arm.joints[-1]", "arm.joints[x]", "name[0]", "name.x",
                 "", ".", "arm..grid", "arm.grid[1", "arm.grid1]", "arm.grid[0]]", "arm.joints[99999999999999999999]"]:  # fmt: skip
        with pytest.raises(KeyError) as raised:
            ROBOT[path]
        assert isinstance(raised.value, crosspage.Error)
    with pytest.raises(KeyError, match="did you mean"):
        ROBOT["nme"]
    with pytest.raises(TypeError, match="named by a str"):
        ROBOT[0]  # type: ignore[index]


def test_nothing_changes_a_record() -> None:
    with pytest.raises(AttributeError, match=r"records do not change.*writer\.update\(counter="):
        GOLDEN.counter = 1  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del GOLDEN.counter
    with pytest.raises(AttributeError):
        GOLDEN.other = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        GOLDEN.__class__ = Robot  # type: ignore[assignment]
    with pytest.raises(TypeError):
        memoryview(GOLDEN)[0] = 1
    with pytest.raises(TypeError):
        (ctypes.c_char * 632).from_buffer(GOLDEN)
    changed = crosspage.replace(GOLDEN, counter=43, message="")
    assert (changed.counter, changed.message, GOLDEN.counter) == (43, "", 42)
    assert type(changed) is SharedData
    assert crosspage.replace(ROBOT, **{"arm.joints[0].angle": 0.5}).arm.joints[0].angle == 0.5


def test_equality_is_of_the_fields() -> None:
    assert GOLDEN == crosspage.replace(GOLDEN) and hash(GOLDEN) == hash(crosspage.replace(GOLDEN))
    assert GOLDEN != crosspage.replace(GOLDEN, counter=43)
    assert GOLDEN != 1 and GOLDEN != ROBOT
    other = numpy.dtype([("processId", "i4"), ("MESSAGE", "S4")], align=True)
    one = crosspage.layout_of(other).record_class(processId=1, MESSAGE="x")

    class Same(crosspage.Struct):
        process_id: crosspage.i32
        message: str = crosspage.text(4)

    class Different(crosspage.Struct):
        process_id: crosspage.i32
        text: str = crosspage.text(4)

    assert one == Same(process_id=1, message="x") and hash(one) == hash(Same(process_id=1, message="x"))
    assert one != Different(process_id=1, text="x")
    dirty = bytearray(bytes(GOLDEN))
    dirty[505] = 7  # padding
    dirty[531] = dirty[531]
    dirty[560] = 65  # behind the text's end
    assert of_bytes(SharedData, bytes(dirty)) == GOLDEN
    assert {GOLDEN: 1}[crosspage.replace(GOLDEN)] == 1
    with pytest.raises(TypeError):
        GOLDEN < GOLDEN  # type: ignore[operator]


def test_repr_shows_floats_as_they_were_written() -> None:
    assert "coordinates=(10.5, 20.3, 30.8)" in repr(GOLDEN)
    assert repr(Joint(angle=0.1, mode=1)) == "Joint(angle=0.1, mode=<Mode.AUTO: 1>)"
    for value in (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, 3.4e38):
        shown = repr(Joint(angle=value, mode=1)).removeprefix("Joint(angle=").split(",")[0]
        assert shown == repr(value) or struct.pack("f", float(shown)) == struct.pack("f", value)

    class Long(crosspage.Struct):
        samples: Sequence[int] = crosspage.array(crosspage.u8, 1000)
        one: Sequence[int] = crosspage.array(crosspage.u8, 1)

    assert repr(Long(samples=bytes(1000), one=[3])).endswith("0, … 1000 items), one=(3,))")


def test_records_pickle_and_copy() -> None:
    for record in (GOLDEN, ROBOT):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            restored = pickle.loads(pickle.dumps(record, protocol))
            assert restored == record and type(restored) is type(record)
        assert copy.copy(record) == record == copy.deepcopy(record)
    writer = crosspage.latest.create("pickled", SharedData)
    writer.write(GOLDEN)
    record = crosspage.latest.open("pickled").read()
    restored = pickle.loads(pickle.dumps(record))
    assert type(restored) is type(record) is not SharedData
    assert crosspage.meta(restored) == crosspage.meta(record)


def test_a_pickle_of_another_layout_is_refused() -> None:
    restore, (class_, layout_id, data, *rest) = GOLDEN.__reduce__()
    with pytest.raises(crosspage.Invalid, match="another layout"):
        restore(class_, layout_id + 1, data, *rest)
    with pytest.raises(crosspage.Invalid, match="another layout"):
        restore(class_, layout_id, data[:-1], *rest)
    with pytest.raises(crosspage.Corrupt):
        restore(b"no descriptor", layout_id, data, *rest)


def test_plain_python() -> None:
    plain = crosspage.to_dict(ROBOT)
    assert plain["arm"]["grid"] == [[1, 2, 3], [4, 5, 6]]
    assert json.loads(json.dumps(plain))["arm"]["joints"][1]["mode"] == 2
    assert list(crosspage.to_dict(GOLDEN)) == list(OFFSETS)
    with pytest.raises(TypeError):
        crosspage.to_dict({})  # type: ignore[arg-type]


def test_numpy_looks_at_the_same_memory() -> None:
    array = crosspage.to_numpy(GOLDEN)
    assert array.shape == () and array["counter"] == 42
    assert array.__array_interface__["data"][0] == numpy.frombuffer(GOLDEN, "u1").__array_interface__["data"][0]
    assert array["message"].item().decode() == GOLDEN.message
    assert array["data_array"].tolist() == list(GOLDEN.data_array)
    with pytest.raises(ValueError, match="read-only"):
        array["counter"] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.setflags(write=True)
    assert numpy.shares_memory(array, crosspage.to_numpy(GOLDEN)), "no copy"
    assert not numpy.shares_memory(array, crosspage.to_numpy(crosspage.replace(GOLDEN)))
    robot = crosspage.to_numpy(ROBOT)
    assert robot["arm"]["grid"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert robot["arm"]["joints"]["mode"].tolist() == [2, 2, 2]
    kept = crosspage.to_numpy(crosspage.replace(GOLDEN, counter=7))
    field = crosspage.to_numpy(crosspage.replace(GOLDEN, data_array=range(10)))["data_array"]
    gc.collect()
    assert kept["counter"] == 7, "the array keeps the record"
    assert field.tolist() == list(range(10)) and not field.flags.writeable
    writable = kept.copy()
    writable["counter"] = 8
    assert (writable["counter"], kept["counter"]) == (8, 7)
    for wrong in (5, {}, "robot.toml"):
        with pytest.raises((TypeError, crosspage.Error)):
            crosspage.to_numpy(wrong)  # type: ignore[arg-type]


# ---- values that a peer left there -----------------------------------------------------------


def test_values_are_never_trusted() -> None:
    class Loose(crosspage.Struct):
        flag: crosspage.bool
        mode: Mode
        label: str = crosspage.text(6)
        flags: Sequence[bool] = crosspage.array(crosspage.bool, 2)
        number: crosspage.f64

    at = {field.name: field.offset for field in crosspage.layout_of(Loose).fields}
    data = bytearray(crosspage.layout_of(Loose).size)
    data[at["flag"]] = 7
    struct.pack_into("<i", data, at["mode"], 99)
    data[at["label"] : at["label"] + 6] = b"a\xff\xfebcd"
    data[at["flags"] : at["flags"] + 2] = b"\x00\x80"
    struct.pack_into("<d", data, at["number"], math.nan)
    record = of_bytes(Loose, bytes(data))
    assert record.flag is True
    assert record.mode == 99 and not isinstance(record.mode, Mode)
    assert record.label == "a\ufffd\ufffdbcd", "text may fill all bytes, and what is no UTF-8 is replaced"
    assert record.flags == (False, True)
    assert math.isnan(record.number)


def test_enums_without_a_declaration() -> None:
    writer = crosspage.latest.create("enums", Joint)
    writer.write(angle=1, mode=Mode.MANUAL)
    mode = crosspage.latest.open("enums").read().mode
    assert isinstance(mode, enum.IntEnum) and mode.name == "MANUAL" and mode == 2


# ---- classes ---------------------------------------------------------------------------------


def test_a_layout_without_a_declaration_has_one_class() -> None:
    class Telemetry(ctypes.Structure):
        _fields_ = [("processId", ctypes.c_int), ("class", ctypes.c_int), ("HTTPPort2Use", ctypes.c_int)]

    writer = crosspage.latest.create("classes", Telemetry)
    writer.write(processId=1, **{"class": 2}, HTTPPort2Use=3)
    one, two = (crosspage.latest.open("classes").read() for _ in range(2))
    assert type(one) is type(two) and isinstance(one, crosspage.Record)
    assert one.processId == one.process_id == 1, "the page's spelling, and Python's"
    assert one.class_ == one["class"] == 2
    assert one.http_port2_use == 3
    assert "processId=1" in repr(one)


def test_a_page_cannot_redefine_python() -> None:
    dtype = numpy.dtype([("__class__", "i4"), ("__eq__", "i4"), ("__layout__", "i4")])
    writer = crosspage.latest.create("hostile", dtype)
    writer.write(numpy.zeros((), dtype))
    record = crosspage.latest.open("hostile").read()
    assert record.__class__ is type(record) and record == record
    assert record["__class__"] == 0


def test_getters_of_another_layout_stay_inside() -> None:
    class Wide(crosspage.Struct):
        start: crosspage.u8
        number: crosspage.f64
        label: str = crosspage.text(8)

    class Narrow(Wide, pack=1):
        more: crosspage.u8

    narrow = Narrow(start=1, number=2.5, label="12345678", more=3)
    assert (narrow.number, narrow.label) == (2.5, "12345678")
    assert len(bytes(narrow)) == 18
    with pytest.raises(TypeError, match="another layout"):
        Wide.__dict__["label"].__get__(narrow)
    with pytest.raises(TypeError):
        Wide.__dict__["number"].__get__(GOLDEN)


def test_another_class_forced_on_a_record_harms_nothing() -> None:
    small, large = Joint(angle=1, mode=1), crosspage.replace(GOLDEN)  # type: ignore[arg-type]
    for record, other in ((small, SharedData), (large, Joint)):
        try:
            object.__setattr__(record, "__class__", other)
        except TypeError:  # before Python 3.13
            continue
        for field in crosspage.layout_of(other).fields:
            try:
                getattr(record, field.name)
            except TypeError as error:
                assert "another layout" in str(error)
        assert len(bytes(record)) in (8, 632) and repr(record)


def test_classes_behind_the_back_of_struct() -> None:
    with pytest.raises(TypeError):
        crosspage.Record()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        type("Sneaky", (crosspage.Record,), {})()
    dynamic = type(crosspage.latest.open("x").read()) if crosspage.list() else None
    assert dynamic is None
    made = crosspage.layout_of(numpy.dtype([("a", "i4")])).record_class
    sneaky = type("Sneaky", (made,), {})
    with pytest.raises(TypeError):
        sneaky(a=1)
    assert made(a=1)["a"] == 1


def test_records_are_freed() -> None:
    import tracemalloc

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            crosspage.replace(GOLDEN)
            ROBOT.arm.joints[0]
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()


# ---- making records --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"counter": 2**31}, crosspage.Invalid, "field counter: 2147483648 does not fit in i32"),
        ({"counter": -(2**31) - 1}, crosspage.Invalid, "field counter"),
        ({"counter": 10**30}, crosspage.Invalid, "field counter"),
        ({"counter": 1.5}, TypeError, r"field counter: expected an integer \(i32\), got float"),
        ({"counter": "1"}, TypeError, "got str"),
        ({"counter": None}, TypeError, "got NoneType"),
        ({"temperature": "warm"}, TypeError, r"field temperature: expected a number \(f64\)"),
        ({"temperature": 10**400}, crosspage.Invalid, "does not fit in f64"),
        ({"coordinates": [1, 2]}, crosspage.Invalid, "field coordinates: expected 3 items, got 2"),
        ({"coordinates": [1, 2, 1e300]}, crosspage.Invalid, r"field coordinates\[2\]: 1e\+?300 does not fit in f32"),
        ({"coordinates": "abc"}, TypeError, "expected a sequence of 3, got str"),
        ({"coordinates": {1, 2, 3}}, TypeError, "expected a sequence of 3, got set"),
        ({"coordinates": 5}, TypeError, "expected a sequence of 3, got int"),
        ({"message": "x" * 501}, crosspage.TooLarge, r"field message: 501 bytes of text do not fit in text\[500\]"),
        ({"message": "ü" * 251}, ValueError, "502 bytes"),
        ({"message": b"bytes"}, TypeError, "expected a str, got bytes"),
        ({"message": "a\0b"}, crosspage.Invalid, "NUL at 1"),
        ({"message": "\ud800"}, crosspage.Invalid, "field message"),
        ({"data_ready": 2}, TypeError, "True or False"),
        ({"data_ready": "yes"}, TypeError, "True or False"),
        ({"countr": 1}, TypeError, "did you mean counter"),
    ],
)
def test_values_that_do_not_fit(change: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        crosspage.replace(GOLDEN, **change)


def test_values_that_fit() -> None:
    fits = crosspage.replace(
        GOLDEN,
        message="ü" * 250,
        counter=numpy.int64(-(2**31)),
        temperature=3,
        data_ready=numpy.bool_(True),
        coordinates=numpy.array([1, 2, 3], "f4"),
        data_array=numpy.arange(10),
        user_name="x" * 50,
    )
    assert (fits.message, fits.counter, fits.temperature) == ("ü" * 250, -(2**31), 3.0)
    assert (fits.coordinates, fits.data_array, fits.user_name) == ((1, 2, 3), tuple(range(10)), "x" * 50)
    assert crosspage.replace(GOLDEN, data_ready=0).data_ready is False


def test_large_integers() -> None:
    class Large(crosspage.Struct):
        a: crosspage.i64
        b: crosspage.u64

    record = Large(a=-(2**63), b=2**64 - 1)
    assert (record.a, record.b) == (-(2**63), 2**64 - 1)
    for change in ({"a": 2**63}, {"b": -1}, {"b": 2**64}):
        with pytest.raises(crosspage.Invalid):
            crosspage.replace(record, **change)


def test_arrays_come_from_buffers_at_once() -> None:
    class Image(crosspage.Struct):
        pixels: Any = crosspage.array(crosspage.u16, 480, 640)

    pixels = numpy.arange(480 * 640, dtype="u2").reshape(480, 640)
    for given in (pixels, pixels[:], numpy.asfortranarray(pixels), pixels.astype("i8").tolist()):
        assert (crosspage.to_numpy(Image(pixels=given))["pixels"] == pixels).all()
    with pytest.raises(crosspage.Invalid, match="expected 480 items, got 640"):
        Image(pixels=pixels.T)
    with pytest.raises((crosspage.Invalid, TypeError)):
        Image(pixels=pixels.astype("i8") - 1)


def test_nested_values() -> None:
    joints = [{"angle": 1, "mode": 1}] * 3
    arm = Arm(joints=joints, grid=((1, 2, 3), (4, 5, 6)))  # type: ignore[arg-type]
    assert Robot(name="", arm=arm) == Robot(name="", arm={"joints": joints, "grid": arm.grid})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"field arm\.joints\[1\]\.angle is missing"):
        Robot(name="", arm={"joints": [joints[0], {"mode": 1}, joints[0]], "grid": arm.grid})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"field arm: expected a Arm or a dict, got int"):
        Robot(name="", arm=3)  # type: ignore[arg-type]
    with pytest.raises(crosspage.Invalid, match=r"field mode: 3 is not a valid Mode"):
        Joint(angle=1, mode=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="field mode: expected a Mode such as Mode.AUTO, got str"):
        Joint(angle=1, mode="AUTO")  # type: ignore[arg-type]


def test_every_field_is_said() -> None:
    with pytest.raises(TypeError, match="Joint: field mode is missing"):
        Joint(angle=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Joint: fields angle, mode are missing"):
        Joint()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="by keyword"):
        Joint(1, Mode.AUTO)  # type: ignore[misc]
    with pytest.raises(TypeError, match="given twice"):
        Joint(angle=1, Angle=2, mode=1)  # type: ignore[call-arg, arg-type]

    class Defaults(crosspage.Struct):
        a: crosspage.i32 = 5
        b: str = crosspage.text(4, default="none")
        c: Sequence[int] = crosspage.array(crosspage.u8, 2, default=(1, 2))

    assert Defaults() == Defaults(a=5, b="none", c=[1, 2])
    assert Defaults(a=1).a == 1


def test_meta_is_of_pages() -> None:
    with pytest.raises(crosspage.NoValue, match="made here"):
        crosspage.meta(GOLDEN)
    with pytest.raises(TypeError):
        crosspage.meta(1)  # type: ignore[arg-type]


def test_help_says_type_and_unit() -> None:
    assert SharedData.__dict__["timestamp"].__doc__ == "i64, in ms"
    assert _crosspage.Record.__doc__
