"""Foreign segments, from both sides: programs that know nothing of crosspage read and write them."""

import itertools
import mmap
import os
import pickle
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from shared_data import GOLDEN, OFFSETS, SharedData

import crosspage

WINDOWS = sys.platform == "win32"
# Windows maps whole pages, and does not say what was asked for.
SIZE = 4096 if WINDOWS else 1024

SCHEMA = """
[struct.SharedData]
fields = [
  { name = "processId",   type = "i32" },
  { name = "message",     type = "text[500]" },
  { name = "dataReady",   type = "bool" },
  { name = "counter",     type = "i32" },
  { name = "temperature", type = "f64" },
  { name = "coordinates", type = "f32[3]" },
  { name = "userName",    type = "text[50]" },
  { name = "timestamp",   type = "i64", unit = "ms", offset = 584 },
  { name = "dataArray",   type = "i32[10]" },
]
"""


COUNT = itertools.count()


@pytest.fixture
def locator() -> Iterator[str]:
    name = f"crosspage-test-{os.getpid()}-{next(COUNT)}"
    if WINDOWS:
        yield f"win:Local\\{name}"
        return  # it goes with the last who has it open
    locator = f"posix:/{name}"
    yield locator
    try:
        # By force: a view that another thread is closing may still have it mapped.
        crosspage.remove(locator, force=True)
    except FileNotFoundError:
        pass


@pytest.fixture
def schema(tmp_path: Path) -> str:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    return f"{tmp_path}/schema.toml#SharedData"


def plain(locator: str, *, make: bool = False) -> mmap.mmap:
    """The segment as a Python program has it that knows nothing of crosspage."""
    if sys.platform == "win32":
        return mmap.mmap(-1, 1024, tagname=locator.removeprefix("win:"))
    with open(shm_path(locator), "w+b" if make else "r+b") as file:
        file.truncate(1024)
        return mmap.mmap(file.fileno(), 1024)


def shm_path(locator: str) -> str:
    return "/dev/shm/" + locator.removeprefix("posix:/")


def test_plain_python_reads_what_we_write(locator: str) -> None:
    with crosspage.foreign.create(locator, SharedData, size=1024) as view:
        assert (view.created, view.size, view.locator) == (True, SIZE, locator)
        view.write(GOLDEN)
        with plain(locator) as data:
            assert struct.unpack_from("<i", data, OFFSETS["process_id"]) == (4242,)
            assert data[4:504].split(b"\0")[0].decode() == GOLDEN.message
            assert struct.unpack_from("<d", data, OFFSETS["temperature"]) == (23.5,)
            assert struct.unpack_from("<3f", data, OFFSETS["coordinates"]) == GOLDEN.coordinates
            assert struct.unpack_from("<10i", data, OFFSETS["data_array"]) == GOLDEN.data_array
    with pytest.raises(crosspage.Closed):
        view.read()


def test_we_read_what_plain_python_writes(locator: str, schema: str) -> None:
    data = plain(locator, make=True)
    data.write(bytes(GOLDEN))
    view = crosspage.foreign.open(locator, schema)
    assert not view.created
    record = view.read()
    assert record.processId == record.process_id == 4242
    assert record.message == GOLDEN.message and record.dataArray == GOLDEN.data_array
    assert view["counter"] == 42 and view["coordinates[0]"] == 10.5
    assert view.read_stable(timeout=1) == record
    assert crosspage.foreign.open(locator, SharedData).read() == GOLDEN
    assert view.bytes() == bytes(GOLDEN).ljust(SIZE, b"\0")
    data.close()


@pytest.mark.skipif(WINDOWS, reason="Windows has no System V")
def test_system_v() -> None:
    sysv_ipc = pytest.importorskip("sysv_ipc")
    key = 0x7A000000 + os.getpid() % 0xFFFF
    locator = f"sysv:{key}"
    view = crosspage.foreign.create(locator, SharedData, size=1024)
    try:
        view.write(GOLDEN)
        memory = sysv_ipc.SharedMemory(key)
        assert memory.size == 1024 and memory.read(632) == bytes(GOLDEN)
        memory.write(struct.pack("<i", 43), OFFSETS["counter"])
        assert view["counter"] == 43
        memory.detach()
    finally:
        view.close()
        del view
        crosspage.remove(locator, force=True)
    with pytest.raises(FileNotFoundError):
        crosspage.foreign.open(locator, SharedData)


def test_fields_are_set_alone(locator: str) -> None:
    view = crosspage.foreign.create(locator, SharedData)
    view.write(GOLDEN)
    view.update(counter=1, message="short", **{"data_array[9]": -5})
    view["temperature"] = -1.5
    view["userName"] = "Zoë"
    record = view.read()
    assert (record.counter, record.message, record.temperature, record.user_name) == (1, "short", -1.5, "Zoë")
    assert record.data_array[8:] == (90, -5) and record.timestamp == GOLDEN.timestamp
    for change in ({"counter": 2**40}, {"message": "x" * 501}):
        with pytest.raises(ValueError):
            view.update(counter=9, **change) if "counter" not in change else view.update(**change)
    with pytest.raises(TypeError, match="did you mean"):
        view.update(countr=1)
    with pytest.raises(KeyError):
        view["countr"] = 1
    assert view["counter"] == 1, "all or nothing"


def test_the_ready_convention(locator: str) -> None:
    view = crosspage.foreign.create(locator, SharedData)
    before = time.monotonic()
    with pytest.raises(TimeoutError):
        view.read_ready("data_ready", timeout=0.12)
    assert 0.1 < time.monotonic() - before < 5
    other = crosspage.foreign.open(locator, SharedData)
    threading.Timer(0.2, lambda: other.write_with_ready(GOLDEN, "data_ready")).start()
    assert view.read_ready("data_ready", timeout=20) == GOLDEN
    other.write_with_ready(GOLDEN)  # dataReady, as it was called
    fields = crosspage.to_dict(GOLDEN)
    del fields["data_ready"]
    other.write_with_ready(flag="dataReady", **{**fields, "counter": 5})
    assert view.read_ready("data_ready", timeout=20) == crosspage.replace(GOLDEN, counter=5)
    with pytest.raises(crosspage.Error):
        view.read_ready("nothing", timeout=1)
    with pytest.raises(crosspage.Error):
        other.write_with_ready(GOLDEN, "nothing")


def test_waits_end_with_the_view(locator: str) -> None:
    view = crosspage.foreign.create(locator, SharedData)
    threading.Timer(0.2, view.close).start()
    with pytest.raises(crosspage.Closed):
        view.read_ready("data_ready")


def test_what_is_not_there_and_what_does_not_fit(locator: str, schema: str) -> None:
    with pytest.raises(FileNotFoundError):
        crosspage.foreign.open(locator, SharedData)
    with pytest.raises(TimeoutError):
        crosspage.foreign.open(locator, SharedData, timeout=0.1)
    made = []
    threading.Timer(0.2, lambda: made.append(crosspage.foreign.create(locator, SharedData))).start()
    assert crosspage.foreign.open(locator, SharedData, timeout=20).read().counter == 0
    with pytest.raises(crosspage.Error):
        crosspage.foreign.create(locator + "-small", SharedData, size=100)
    with pytest.raises(crosspage.PermissionDenied):
        crosspage.foreign.open(locator, SharedData, read_only=True).write(GOLDEN)
    with pytest.raises(crosspage.Error, match="page"):
        crosspage.foreign.open("telemetry", SharedData)
    with pytest.raises(crosspage.Error, match="did you mean|SharedData"):
        crosspage.foreign.open(locator, schema.replace("#SharedData", "#SharedDate"))
    with pytest.raises(crosspage.Error):
        crosspage.foreign.open(locator, "/nowhere/schema.toml#SharedData")


def test_views_pickle(locator: str, schema: str) -> None:
    view = crosspage.foreign.create(locator, SharedData, size=1024, permissions="group")
    view.write(GOLDEN)
    if not WINDOWS:
        assert os.stat(shm_path(locator)).st_mode & 0o777 == 0o660
    assert pickle.loads(pickle.dumps(view)).read() == GOLDEN
    assert pickle.loads(pickle.dumps(crosspage.foreign.open(locator, schema))).read().counter == 42


def test_views_take_every_kind_of_value(locator: str) -> None:
    view = crosspage.foreign.create(locator, SharedData)
    for value in (GOLDEN, bytes(GOLDEN), bytearray(bytes(GOLDEN))):
        view.write(value)
        assert view.read() == GOLDEN
    view.write(**crosspage.to_dict(GOLDEN))
    with pytest.raises(TypeError, match="missing"):
        view.write(counter=1)
    with pytest.raises(TypeError, match="not both"):
        view.write(GOLDEN, counter=1)  # type: ignore[call-overload]
