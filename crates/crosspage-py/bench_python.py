"""What reading costs in Python, beside what there was before: the Python rows of docs/benchmarks.md.

    python bench_python.py [--quick] [--json]
    pytest bench_python.py                      # a smoke test of the same, without assertions on time

Needs a release build: `maturin develop --release`; and `pip install iceoryx2` for the rows of that
rival, which are left out where it is not installed. Figures are nanoseconds, the median of the
repetitions, each the mean of many calls; all rows of one repetition are measured one behind the
other, so that their ratios are of the same moment.
"""

import ctypes
import json
import mmap
import os
import statistics
import struct
import sys
import tempfile
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import crosspage

try:
    import iceoryx2  # type: ignore[import-untyped, import-not-found, unused-ignore]
except ImportError:
    iceoryx2 = None


class SharedData(crosspage.Struct):
    process_id: crosspage.i32
    message: str = crosspage.text(500)
    data_ready: crosspage.bool
    counter: crosspage.i32
    temperature: crosspage.f64
    coordinates: Sequence[float] = crosspage.array(crosspage.f32, 3)
    user_name: str = crosspage.text(50)
    timestamp: crosspage.i64
    data_array: Sequence[int] = crosspage.array(crosspage.i32, 10)


class CtypesData(ctypes.Structure):
    _fields_ = [
        ("process_id", ctypes.c_int),
        ("message", ctypes.c_char * 500),
        ("data_ready", ctypes.c_bool),
        ("counter", ctypes.c_int),
        ("temperature", ctypes.c_double),
        ("coordinates", ctypes.c_float * 3),
        ("user_name", ctypes.c_char * 50),
        ("timestamp", ctypes.c_longlong),
        ("data_array", ctypes.c_int * 10),
    ]


VALUE = SharedData(
    process_id=4242,
    message="Hello from C++ Process!\nThis is inter-process communication demonstration.\n"
    "Data is being shared through shared memory segment.\nProcess ID: 4242",
    data_ready=True,
    counter=42,
    temperature=23.5,
    coordinates=(10.5, 20.3, 30.8),
    user_name="LinuxUser",
    timestamp=98765,
    data_array=tuple(range(10, 101, 10)),
)


def unpack_naively(data: bytes) -> tuple[Any, ...]:
    """Field by field, as the original project's reader does it (with the right offsets)."""

    def text(raw: bytes) -> str:
        end = raw.find(b"\0")
        return (raw if end < 0 else raw[:end]).decode("utf-8", errors="ignore")

    process_id = struct.unpack("i", data[0:4])[0]
    message = text(data[4:504])
    data_ready = struct.unpack("?", data[504:505])[0]
    counter = struct.unpack("i", data[508:512])[0]
    temperature = struct.unpack("d", data[512:520])[0]
    coordinates = list(struct.unpack("fff", data[520:532]))
    user_name = text(data[532:582])
    timestamp = struct.unpack("q", data[584:592])[0]
    data_array = list(struct.unpack("10i", data[592:632]))
    return (
        process_id,
        message,
        data_ready,
        counter,
        temperature,
        coordinates,
        user_name,
        timestamp,
        data_array,
    )



class Blackboard:
    """A value of iceoryx2's blackboard, in a domain of this process's own; its reader is `entry`."""

    def __init__(self, value: CtypesData) -> None:
        iceoryx2.set_log_level(iceoryx2.LogLevel.Error)
        self.prefix = f"crosspage_bench_{os.getpid()}_"
        config = iceoryx2.config.default()
        config.global_cfg.prefix = iceoryx2.FileName.new(self.prefix)
        self.node = iceoryx2.NodeBuilder.new().config(config).create(iceoryx2.ServiceType.Ipc)
        key = ctypes.c_uint64(0)
        self.service = (
            self.node.service_builder(iceoryx2.ServiceName.new("crosspage bench"))
            .blackboard_creator(ctypes.c_uint64)
            .add(key, value)
            .create()
        )
        self.reader = self.service.reader_builder().create()
        self.entry = self.reader.entry(key, CtypesData)

    def remove_what_it_leaves(self) -> None:
        for path in Path("/dev/shm").glob(self.prefix + "*"):
            path.unlink()


CTYPES_FIELDS = (
    "(v.process_id, v.message.decode(), v.data_ready, v.counter, v.temperature, v.coordinates[:],"
    " v.user_name.decode(), v.timestamp, v.data_array[:])"
)
ALL_FIELDS = "(" + " ".join(f"r.{field.name}," for field in crosspage.layout_of(SharedData).fields) + ")"

# A row: its name, the statement, how many calls make one measurement, and what it is compared with.
ROWS = [
    ("field of a record, f64", "record.temperature", 100_000, "ctypes, f64"),
    ("ctypes, f64", "foreign.temperature", 100_000, None),
    ("field of a record, i32", "record.counter", 100_000, "ctypes, i32"),
    ("ctypes, i32", "foreign.counter", 100_000, None),
    ("field of a record, text", "record.message", 100_000, "ctypes, text decoded"),
    ("ctypes, text decoded", "foreign.message.decode()", 100_000, None),
    ("read()", "reader.read()", 50_000, "ctypes from_buffer_copy"),
    ("ctypes from_buffer_copy", "CtypesData.from_buffer_copy(mapped)", 50_000, None),
    ("read() and all nine fields", f"r = reader.read(); {ALL_FIELDS}", 20_000, "struct.unpack, nine fields"),
    ("the same, again", f"r = reader.read(); {ALL_FIELDS}", 20_000, "iceoryx2 get, nine fields"),
    ("iceoryx2 get, nine fields", f"v = entry.get().decode_as(CtypesData); {CTYPES_FIELDS}", 5_000, None),
    ("nine fields of a record", f"r = record; {ALL_FIELDS}", 20_000, "struct.unpack, nine fields"),
    ("struct.unpack, nine fields", "unpack_naively(mapped[:632])", 20_000, None),
    ("write(record)", "writer.write(record)", 50_000, None),
    ("write(nine fields)", "writer.write(**fields)", 20_000, None),
    ("update(counter=…)", "writer.update(counter=7)", 50_000, None),
    ("read_into(bytearray)", "reader.read_into(buffer)", 50_000, None),
    ("to_numpy(record)", "crosspage.to_numpy(record)", 20_000, None),
    ("to_dict(record)", "crosspage.to_dict(record)", 20_000, None),
]

if iceoryx2 is None:
    ROWS = [row for row in ROWS if not any("iceoryx2" in (part or "") for part in (row[0], row[3]))]


def measure(repetitions: int, part: float = 1.0) -> dict[str, list[float]]:
    """Nanoseconds of each row, once per repetition."""
    with crosspage.testing.namespace(), tempfile.TemporaryFile() as file:
        writer = crosspage.latest.create("bench", SharedData)
        writer.write(VALUE)
        reader = crosspage.latest.open("bench", SharedData)
        record = reader.read()
        assert record is not None
        file.write(bytes(record).ljust(1024, b"\0"))
        file.flush()
        mapped = mmap.mmap(file.fileno(), 1024)
        assert unpack_naively(mapped[:632]) == tuple(
            list(value) if isinstance(value, tuple) else value
            for value in crosspage.to_dict(record).values()
        )
        names: dict[str, Any] = {
            **globals(),
            "writer": writer,
            "reader": reader,
            "record": record,
            "foreign": CtypesData.from_buffer_copy(mapped),
            "mapped": mapped,
            "fields": crosspage.to_dict(record),
            "buffer": bytearray(len(bytes(record))),
        }
        if iceoryx2 is not None:
            blackboard = Blackboard(CtypesData.from_buffer_copy(mapped))
            names["entry"] = blackboard.entry
        timers = {name: timeit.Timer(code, globals=names) for name, code, *_ in ROWS}
        calls = {name: max(1, int(count * part)) for name, _, count, _ in ROWS}
        results: dict[str, list[float]] = {name: [] for name in timers}
        for _ in range(repetitions):
            for name, timer in timers.items():
                results[name].append(timer.timeit(calls[name]) / calls[name] * 1e9)
        writer.close()
        reader.close()
        if iceoryx2 is not None:
            blackboard.remove_what_it_leaves()
    return results


def main(arguments: Sequence[str], show: Callable[[str], None] = print) -> None:
    quick = "--quick" in arguments
    results = measure(3 if quick else 15, 0.01 if quick else 1.0)
    medians = {name: statistics.median(times) for name, times in results.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(results[name], results[base], strict=True))
        for name, _, _, base in ROWS
        if base is not None
    }
    if "--json" in arguments:
        show(json.dumps({"ns": medians, "ratios": ratios}))
        return
    if iceoryx2 is None:
        print("left out: the rows of iceoryx2, which is not installed here", file=sys.stderr)
    for name, _, _, base in ROWS:
        compared = f"   {ratios[name]:.2f} × {base}" if base is not None else ""
        show(f"{name:30} {medians[name]:9.0f} ns{compared}")


def test_smoke() -> None:
    lines: list[str] = []
    main(["--quick"], lines.append)
    assert len(lines) == len(ROWS)


if __name__ == "__main__":
    main(sys.argv[1:])
