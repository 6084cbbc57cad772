"""`latest` between Python processes: what is promised for every one of its calls."""

import ctypes
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from conftest import line, run
from shared_data import GOLDEN, SharedData

import crosspage

numpy = pytest.importorskip("numpy")

Start = Callable[..., "subprocess.Popen[str]"]


class Telemetry(crosspage.Struct):
    counter: crosspage.i32
    temperature: crosspage.f64
    label: str = crosspage.text(16, default="")


DECLARATION = """
import sys, time, crosspage
class Telemetry(crosspage.Struct):
    counter: crosspage.i32
    temperature: crosspage.f64
    label: str = crosspage.text(16, default="")
"""


def test_write_and_read() -> None:
    with crosspage.latest.create("telemetry", Telemetry) as writer:
        reader = crosspage.latest.open("telemetry", Telemetry)
        assert reader.read() is None, "nothing yet is not zeros"
        before = time.time()
        assert writer.write(Telemetry(counter=1, temperature=0.5)) == 1
        assert writer.write(counter=2, temperature=1.5, label="kitchen") == 2
        record = reader.read()
        assert record is not None and type(record) is Telemetry
        assert (record.counter, record.temperature, record.label) == (2, 1.5, "kitchen")
        meta = crosspage.meta(record)
        assert (meta.version, meta.writer) == (2, os.getpid())
        assert before - 1e-3 <= meta.written_at <= time.time() and 0 <= meta.age < 10
        assert abs(meta.written_at_ns / 1e9 - meta.written_at) < 1e-3
    assert reader.read() == record, "the value outlives its writer"
    with pytest.raises(crosspage.Closed):
        writer.write(counter=3, temperature=0)


def test_without_a_declaration() -> None:
    crosspage.latest.create("telemetry", SharedData).write(GOLDEN)
    with crosspage.latest.open("telemetry") as reader:
        record = reader.read()
    assert record == GOLDEN and type(record) is not SharedData
    assert record["coordinates[1]"] == GOLDEN.coordinates[1]
    assert reader.layout == crosspage.layout_of(SharedData)
    assert crosspage.open("telemetry").read() == GOLDEN


def test_update() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    with pytest.raises(crosspage.NoValue):
        writer.update(counter=1)
    writer.write(counter=1, temperature=2.5, label="long label")
    assert writer.update(label="x", counter=2) == 2
    record = crosspage.latest.open("telemetry", Telemetry).read()
    assert record == Telemetry(counter=2, temperature=2.5, label="x")
    for change, error in [({"countr": 1}, TypeError), ({"label": "x" * 17}, crosspage.TooLarge), ({}, TypeError)]:
        with pytest.raises(error):
            writer.update(**change)
    assert crosspage.latest.open("telemetry", Telemetry).read() == record, "all or nothing"
    with pytest.raises(TypeError, match="fields label, counter are missing|field counter is missing"):
        writer.write(temperature=1)
    with pytest.raises(TypeError, match="not both"):
        writer.write(record, counter=1)


def test_update_by_path() -> None:
    writer = crosspage.latest.create("shared", SharedData)
    writer.write(GOLDEN)
    writer.update(**{"data_array[3]": -1})
    record = crosspage.latest.open("shared", SharedData).read()
    assert record is not None
    assert record.data_array == (10, 20, 30, -1, 50, 60, 70, 80, 90, 100)


def test_bytes_and_arrays() -> None:
    class Data(ctypes.Structure):
        _fields_ = [("counter", ctypes.c_int), ("temperature", ctypes.c_double), ("label", ctypes.c_char * 16)]

    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    array = numpy.zeros((), crosspage.layout_of(Telemetry).dtype)
    array["counter"], array["label"] = 1, b"numpy"
    for n, value in enumerate([array, array.reshape(1), array[()], bytes(array), bytearray(bytes(array)),
                               memoryview(bytes(array)), Data(1, 0.0, b"numpy")]):  # fmt: skip
        assert writer.write(value) == n + 1
        assert reader.read() == Telemetry(counter=1, temperature=0, label="numpy")
    for wrong, error in [
        (b"short", ValueError),
        (3, TypeError),
        (numpy.zeros(3, array.dtype)[::2], ValueError),
        (numpy.zeros((), [("other", "i4"), ("pad", "V4"), ("x", "f8"), ("y", "S16")]), Exception),
        (GOLDEN, crosspage.LayoutError),
        (ctypes.c_int(3), ValueError),
    ]:
        with pytest.raises(error):
            writer.write(wrong)  # type: ignore[arg-type]
    with pytest.raises(crosspage.LayoutError, match="counter.*\n.*other|other.*\n.*counter"):
        writer.write(numpy.zeros((), numpy.dtype([("other", "i4"), ("temperature", "f8"), ("label", "S16")], align=True)))

    meta = reader.read_into(array)
    assert meta is not None and meta.version == 7
    buffer = bytearray(32)
    reader.read_into(buffer)
    assert bytes(buffer) == bytes(reader.read())  # type: ignore[arg-type]
    for unfit, error in [(bytes(32), BufferError), (bytearray(31), ValueError), (3, TypeError)]:
        with pytest.raises(error):
            reader.read_into(unfit)  # type: ignore[arg-type]


def test_a_record_of_another_class_with_the_same_layout() -> None:
    crosspage.latest.create("one", Telemetry).write(counter=5, temperature=0)
    writer = crosspage.latest.create("two", Telemetry)
    writer.write(crosspage.latest.open("one").read())
    assert crosspage.latest.open("two").read().counter == 5


def test_a_reader_that_comes_first(start: Start) -> None:
    child = start(
        DECLARATION
        + """
reader = crosspage.latest.open("telemetry", Telemetry, timeout=20)
print(reader.wait_changed(timeout=20).counter)
"""
    )
    time.sleep(0.3)
    crosspage.latest.create("telemetry", Telemetry).write(counter=42, temperature=0)
    assert run(child) == "42\n"


def test_a_page_that_is_not_there() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    with pytest.raises(FileNotFoundError, match="did you mean") as raised:
        crosspage.latest.open("telemetri")
    assert isinstance(raised.value, crosspage.NotFound) and raised.value.code == 1 and raised.value.hint
    before = time.monotonic()
    with pytest.raises(TimeoutError) as timed_out:
        crosspage.latest.open("other", timeout=0.12)
    assert isinstance(timed_out.value, crosspage.TimedOut)
    assert 0.1 < time.monotonic() - before < 5
    for bad in ("", "no spaces", "../x", "a" * 201, "posix:/x"):
        with pytest.raises(crosspage.Error):
            crosspage.latest.open(bad)
    with pytest.raises(crosspage.Error, match="TELEMETRY|case"):
        crosspage.latest.create("TELEMETRY", Telemetry)
    writer.close()


def test_layouts_that_differ() -> None:
    class Other(crosspage.Struct):
        counter: crosspage.i64
        temperature: crosspage.f64

    writer = crosspage.latest.create("telemetry", Telemetry)
    with pytest.raises(crosspage.LayoutError) as raised:
        crosspage.latest.open("telemetry", Other)
    error = raised.value
    assert error.code == 4
    assert [d.field for d in error.differences] == ["counter", "label", "(size)"]
    assert error.differences[0] == ("counter", "i32 at 0", "i64 at 0")
    assert f"in the page (Python, pid {os.getpid()})" in str(error)
    assert "Other (Python, this process)" in str(error)
    with pytest.raises(crosspage.Error):
        crosspage.latest.attach("telemetry", Other)
    writer.close()
    with pytest.raises(crosspage.LayoutError):
        crosspage.latest.attach("telemetry", Other)
    crosspage.latest.create("telemetry", Other).write(counter=1, temperature=2)


def test_by_name() -> None:
    class Part(crosspage.Struct):
        label: str = crosspage.text(16)
        counter: crosspage.i32

    class Wrong(crosspage.Struct):
        counter: crosspage.i64

    writer = crosspage.latest.create("telemetry", Telemetry)
    writer.write(counter=3, temperature=1, label="name")
    reader = crosspage.latest.open("telemetry", Part, match="name")
    assert reader.read() == Part(label="name", counter=3)
    with pytest.raises(crosspage.LayoutError):
        crosspage.latest.open("telemetry", Wrong, match="name")
    writer.close()
    with crosspage.latest.attach("telemetry", Part, match="name") as part:
        part.write(counter=4, label="part")
    whole = crosspage.latest.open("telemetry", Telemetry).read()
    assert whole == Telemetry(counter=4, temperature=1, label="part")


def test_options() -> None:
    writer = crosspage.latest.create(
        "telemetry", Telemetry, writers=2, checksum=True, max_pins=1, max_participants=8,
        permissions="group", lifetime="while_used",
    )  # fmt: skip
    writer.write(counter=1, temperature=0)
    (page,) = crosspage.list()
    # Wine keeps no group in the access list of a file.
    modes = (0o600, 0o660) if sys.platform == "win32" else (0o660,)
    assert page.mode in modes
    assert (page.name, page.pattern, page.lifetime, page.version) == ("telemetry", "latest", "while_used", 1)
    assert page.layout == crosspage.layout_of(Telemetry) and page.age is not None
    assert [(p.role, p.pid, p.alive, p.language) for p in page.participants] == [("writer", os.getpid(), True, "Python")]
    with pytest.raises(crosspage.Invalid, match="checksum"):
        crosspage.latest.attach("telemetry", Telemetry, checksum=False)
    second = crosspage.latest.attach("telemetry", Telemetry)
    with pytest.raises(crosspage.AlreadyOwned):
        crosspage.latest.attach("telemetry", Telemetry)
    with pytest.raises(crosspage.InUse):
        crosspage.remove("telemetry")
    writer.close()
    second.close()
    assert crosspage.list() == [], "while_used: gone with the last"
    for wrong in ({"permissions": "everybody"}, {"lifetime": "long"}, {"match": "maybe"}, {"writers": 0}, {"policy": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            crosspage.latest.create("other", Telemetry, **wrong)
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            crosspage.latest.open("telemetry", timeout=timeout)
    with pytest.raises(TypeError):
        crosspage.latest.create("other", Telemetry, writers="two")  # type: ignore[call-overload]


def test_removal_and_reopening() -> None:
    crosspage.latest.create("telemetry", Telemetry).write(counter=1, temperature=0)
    reader = crosspage.latest.open("telemetry")
    crosspage.remove("telemetry", force=True)
    with pytest.raises(crosspage.Replaced):
        reader.read()
    with pytest.raises(crosspage.NotFound):
        reader.reopen()
    crosspage.latest.create("telemetry", SharedData).write(GOLDEN)
    reader.reopen()
    assert reader.read() == GOLDEN, "also where the layout is another"
    with pytest.raises(FileNotFoundError):
        crosspage.remove("nothing")


def test_a_file() -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:
        locator = f"file:{directory}/x.page"

        writer = crosspage.latest.create(locator, Telemetry)
        writer.write(counter=1, temperature=2)
        reader = crosspage.latest.open(locator)
        assert reader.read().counter == 1 and reader.locator == locator
        # Windows removes no directory with a file in it that is mapped: what is closed must not be,
        # although the handles live on.
        for handle in (writer, reader):
            handle.close()
        crosspage.remove(locator)
        os.rmdir(directory)
        os.mkdir(directory)  # which the end of the `with` expects
        assert "file:" in repr(writer) + repr(reader)


def test_two_writers_share_a_page(start: Start) -> None:
    writer = crosspage.latest.create("telemetry", Telemetry, writers=3)
    writer.write(counter=0, temperature=0)
    program = DECLARATION + """
writer = crosspage.latest.attach("telemetry", Telemetry)
reader = crosspage.latest.open("telemetry", Telemetry)
for _ in range(300):
    writer.update(temperature=1.5)
"""
    children = [start(program), start(program)]
    for child in children:
        run(child)
    record = crosspage.latest.open("telemetry", Telemetry).read()
    assert record is not None and crosspage.meta(record).version == 601 and record.temperature == 1.5


def test_a_killed_writer_is_taken_over_from(start: Start) -> None:
    child = start(
        DECLARATION
        + """
writer = crosspage.latest.create("telemetry", Telemetry)
n = 0
while True:
    n += 1
    writer.write(counter=n, temperature=n * 0.5, label=str(n))
    if n == 1000: print("going")
"""
    )
    assert line(child) == "going"
    reader = crosspage.latest.open("telemetry", Telemetry)
    with pytest.raises(crosspage.AlreadyOwned, match=str(child.pid)):
        crosspage.latest.create("telemetry", Telemetry)
    for _ in range(2000):
        record = reader.read()
        assert record is not None and record.label == str(record.counter) and record.temperature == record.counter * 0.5
    child.kill()
    child.wait()
    last = reader.read()
    assert last is not None
    writer = crosspage.latest.create("telemetry", Telemetry)
    assert writer.write(counter=-1, temperature=0) == crosspage.meta(last).version + 1


def test_waiting(start: Start) -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    writer.write(counter=1, temperature=0)
    assert reader.wait_changed().counter == 1, "what was there already, but not yet seen"
    before = time.monotonic()
    with pytest.raises(TimeoutError):
        reader.wait_changed(timeout=0.12)
    assert 0.1 < time.monotonic() - before < 5
    with pytest.raises(TimeoutError):
        reader.wait_changed(timeout=0)
    assert reader.wait_changed(since=0, timeout=0).counter == 1
    threading.Timer(0.2, lambda: writer.write(counter=2, temperature=0)).start()
    assert reader.wait_changed(timeout=10).counter == 2
    threading.Timer(0.2, lambda: writer.write(counter=3, temperature=0)).start()
    read_only = crosspage.latest.open("telemetry", Telemetry, read_only=True)
    assert read_only.wait_changed(since=2, timeout=10).counter == 3
    with pytest.raises(ValueError):
        reader.wait_changed(timeout=-1)


def test_iteration_ends_with_the_handle() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    writer.write(counter=0, temperature=0)

    def write() -> None:
        for n in range(1, 6):
            time.sleep(0.02)
            writer.write(counter=n, temperature=0)
        time.sleep(0.1)
        reader.close()

    threading.Thread(target=write).start()
    seen = [record.counter for record in reader]
    assert seen == sorted(set(seen)) and seen[-1] == 5


def test_closing_wakes_whoever_waits() -> None:
    crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    threading.Timer(0.2, reader.close).start()
    before = time.monotonic()
    with pytest.raises(crosspage.Closed):
        reader.wait_changed()
    assert time.monotonic() - before < 5
    with pytest.raises(crosspage.Closed):
        reader.read()
    reader.close()


def test_waits_let_other_threads_run() -> None:
    crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    counted = 0

    def wait() -> None:
        with pytest.raises(TimeoutError):
            reader.wait_changed(timeout=0.5)

    thread = threading.Thread(target=wait)
    thread.start()
    while thread.is_alive():
        counted += 1
        time.sleep(0.001)
    assert counted > 50


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is not sent to a child there")
@pytest.mark.parametrize(
    "wait",
    [
        'crosspage.latest.open("telemetry", Telemetry).wait_changed()',
        'crosspage.latest.open("nowhere", timeout=None)',
        'next(iter(crosspage.latest.open("telemetry")))',
    ],
)
def test_ctrl_c_ends_a_wait(start: Start, wait: str) -> None:
    child = start(
        DECLARATION
        + f"""
import signal
# Whoever runs the tests in the background has it ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
writer = crosspage.latest.create("telemetry", Telemetry)
print("waiting")
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted")
"""
    )
    assert line(child) == "waiting"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert run(child, timeout=10) == "interrupted\n"


def test_threads_share_handles() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    writer.write(counter=0, temperature=0, label="0")
    reader = crosspage.latest.open("telemetry", Telemetry)
    failed: list[BaseException] = []

    def work(n: int) -> None:
        try:
            for i in range(300):
                writer.write(counter=n * 1000 + i, temperature=0, label=str(n * 1000 + i))
                writer.update(temperature=1)
                record = reader.read()
                assert record is not None and record.label == str(record.counter)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    record = reader.read()
    assert record is not None and crosspage.meta(record).version == 1 + 4 * 600


def test_writing_from_within_a_write() -> None:
    """Encoding a value calls Python, which may come back to the same handle."""
    writer = crosspage.latest.create("telemetry", Telemetry)

    class Devious:
        def __index__(self) -> int:
            writer.write(counter=1, temperature=0, label="inner")
            return 2

    assert writer.write(counter=Devious(), temperature=0, label="outer") == 2  # type: ignore[arg-type]
    record = crosspage.latest.open("telemetry", Telemetry).read()
    assert record == Telemetry(counter=2, temperature=0, label="outer")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_to_attach_anew() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    writer.write(counter=1, temperature=0)
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        seen = []
        for call in (reader.read, lambda: writer.write(counter=2, temperature=0), lambda: reader.wait_changed(timeout=1)):
            try:
                call()
            except crosspage.Forked as error:
                seen.append("attach anew" in str(error))
            except BaseException as error:  # noqa: BLE001
                seen.append(repr(error))
        seen.append(crosspage.latest.open("telemetry", Telemetry).read().counter)  # type: ignore[union-attr]
        os.write(ends[1], repr(seen).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(ends[0], 1000) == b"[True, True, True, 1]"
    assert writer.write(counter=3, temperature=0) == 2, "the parent's go on"


def read_elsewhere(reader: Any, writer: Any) -> Any:
    writer.write(counter=7, temperature=0)
    return reader.read()


def test_handles_pickle_as_what_attaches_anew() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry, writers=2)
    reader = crosspage.latest.open("telemetry", Telemetry)
    untyped = pickle.loads(pickle.dumps(crosspage.latest.open("telemetry", timeout=1)))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        record = pool.apply(read_elsewhere, (reader, writer))
    assert type(record) is Telemetry and record.counter == 7
    assert crosspage.meta(record).writer != os.getpid()
    assert untyped.read() == record == reader.read()


def test_large_values() -> None:
    class Image(crosspage.Struct):
        stamp: crosspage.u64
        pixels: Any = crosspage.array(crosspage.u8, 1080, 1920, 3)

    pixels = numpy.random.default_rng(1).integers(0, 256, (1080, 1920, 3), dtype="u1")
    writer = crosspage.latest.create("camera", Image, max_pins=2)
    reader = crosspage.latest.open("camera", Image)
    writer.write(stamp=1, pixels=pixels)
    record = reader.read()
    assert record is not None
    assert (crosspage.to_numpy(record)["pixels"] == pixels).all()
    assert record["pixels[1079][1919]"] == tuple(pixels[1079, 1919])
    writer.write(record)
    frame = numpy.zeros((), crosspage.layout_of(Image).dtype)
    frame["pixels"] = pixels[::-1]
    writer.write(frame)
    into = numpy.zeros_like(frame)
    meta = reader.read_into(into)
    assert meta is not None and meta.version == 3 and (into["pixels"] == pixels[::-1]).all()


def test_values_filled_in_place() -> None:
    class Image(crosspage.Struct):
        stamp: crosspage.u64
        flag: crosspage.bool
        pixels: Any = crosspage.array(crosspage.u8, 480, 640)
        label: str = crosspage.text(16)

    writer = crosspage.latest.create("camera", Image)
    reader = crosspage.latest.open("camera", Image)
    pixels = numpy.arange(480 * 640, dtype="u4").astype("u1").reshape(480, 640)
    slots: list[crosspage.latest.Slot] = []

    def fill(slot: crosspage.latest.Slot) -> None:
        slots.append(slot)
        slot["pixels"] = pixels
        slot["pixels[1]"] = [7] * 640
        slot["label"] = "in place"
        slot.write_at(0, b"\x05")

    for version in (1, 2):
        assert writer.write_with(fill) == version
        record = reader.read()
        assert record is not None and (record.stamp, record.flag, record.label) == (5, False, "in place")
        seen = crosspage.to_numpy(record)["pixels"]
        assert (seen[1] == 7).all() and (seen[2:] == pixels[2:]).all() and (seen[0] == pixels[0]).all()

    with pytest.raises(crosspage.Closed, match="inside of write_with"):
        slots[0]["stamp"] = 1

    def fail(slot: crosspage.latest.Slot) -> None:
        slot["stamp"] = 99
        raise RuntimeError("no image today")

    def come_back(slot: crosspage.latest.Slot) -> None:
        writer.update(stamp=3)

    def misname(slot: crosspage.latest.Slot) -> None:
        slot["pixel"] = 3

    def exceed(slot: crosspage.latest.Slot) -> None:
        slot.write_at(slot.layout.size, b"x")

    for wrong, error, words in [
        (fail, RuntimeError, "no image today"),
        (come_back, crosspage.Invalid, "filling a value"),
        (misname, KeyError, "did you mean"),
        (exceed, crosspage.TooLarge, "reach beyond"),
    ]:
        with pytest.raises(error, match=words):
            writer.write_with(wrong)
    record = reader.read()
    assert record is not None and (record.stamp, crosspage.meta(record).version) == (5, 2)
    assert writer.update(stamp=6) == 3


def test_pins() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry, max_pins=2)
    reader = crosspage.latest.open("telemetry", Telemetry)
    assert reader.read_pinned() is None
    writer.write(counter=1, temperature=0.5, label="pinned")
    with reader.read_pinned() as value:  # type: ignore[union-attr]
        for n in range(2, 50):
            writer.write(counter=n, temperature=0)
        assert (value["counter"], value["label"], value.meta.version) == (1, "pinned", 1)
        array = crosspage.to_numpy(value)
        assert array["counter"] == 1 and memoryview(value).readonly
        with pytest.raises(BufferError, match="views"):
            value.release()
        with pytest.raises(crosspage.InUse, match="still held"):
            reader.close()
        del array
    with pytest.raises(crosspage.Closed):
        value["counter"]
    with pytest.raises(crosspage.Closed):
        memoryview(value)
    held = [reader.read_pinned(), reader.read_pinned()]
    with pytest.raises(crosspage.Full):
        reader.read_pinned()
    del held
    reader.read_pinned().release()  # type: ignore[union-attr]
    reader.close()
    crosspage.latest.create("none", Telemetry).write(counter=1, temperature=0)
    with pytest.raises(crosspage.Error, match="pins"):
        crosspage.latest.open("none").read_pinned()


def test_handles_say_what_they_are() -> None:
    writer = crosspage.latest.create("robot1/arm", Telemetry)
    reader = crosspage.latest.open("robot1/arm")
    assert repr(writer) == '<crosspage.latest.Writer of Telemetry in "robot1/arm">'
    assert repr(reader) == '<crosspage.latest.Reader of Telemetry in "robot1/arm">'
    assert [p.role for p in reader.participants()] == [p.role for p in writer.participants()] == ["writer", "reader"]
    assert crosspage.latest.Reader[Telemetry] is not None


def test_garbage(start: Start) -> None:
    child = start(DECLARATION + 'w = crosspage.latest.create("x", Telemetry, lifetime="while_used"); print(1); time.sleep(60)')
    assert line(child) == "1"
    child.kill()
    child.wait()
    assert any(found.name == "x" for found in crosspage.gc(dry_run=True))
    assert [page.name for page in crosspage.list()] == ["x"]
    assert any(found.name == "x" and found.reason for found in crosspage.gc())
    assert crosspage.list() == []


def test_the_log_is_pythons(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="crosspage"):
        crosspage.latest.create("telemetry", Telemetry)
    assert any("page=telemetry" in record.getMessage() for record in caplog.records)
    program = DECLARATION + 'crosspage.latest.create("logged", Telemetry)'
    env = {**os.environ, "CROSSPAGE_LOG": "debug"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert "crosspage: DEBUG: made: page=logged" in done.stderr


def test_namespaces_are_apart() -> None:
    crosspage.latest.create("same", Telemetry).write(counter=1, temperature=0)
    outer = os.environ["CROSSPAGE_NAMESPACE"]
    with crosspage.testing.namespace() as name:
        assert name != outer and crosspage.list() == []
        kept = crosspage.latest.create("same", Telemetry)
        kept.write(counter=2, temperature=0)
        assert crosspage.latest.open("same").read().counter == 2
    assert crosspage.latest.open("same").read().counter == 1
    with pytest.raises(crosspage.Replaced):
        kept.write(counter=3, temperature=0)
