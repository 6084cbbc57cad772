"""What messages of 64 bytes cost in Python, beside other ways of sending them: the rows of docs/benchmarks.md.

    cargo xtask bench python                    # makes what it needs, and runs this
    python bench_topic.py STREAM [--quick] [--json]

STREAM is the program of bench/cpp/stream.cpp, a publisher in C++. Needs a release build
(`maturin develop --release`), and `pip install iceoryx2` for the rows of that rival, which are left
out where it is not installed. Every repetition measures all ways one behind the other, between two processes
that are pinned to two processors; the figures are medians, the ratios medians of those in one repetition.

One way is half a round trip of a message that is sent back as it came. Both sides look all the time; those of
multiprocessing block, as they are meant to, and those called "waiting". Of a stream what has been received is
counted, one field of each message is looked at, and nothing is lost: crosspage's policy is "block".
"""

import contextlib
import ctypes
import json
import multiprocessing
import os
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import crosspage

try:
    import iceoryx2  # type: ignore[import-untyped, import-not-found, unused-ignore]
except ImportError:
    iceoryx2 = None


class Sample(crosspage.Struct):
    sequence: crosspage.u64
    time: crosspage.f64
    values: Sequence[float] = crosspage.array(crosspage.f64, 6)


class CtypesSample(ctypes.Structure):
    _fields_ = [("sequence", ctypes.c_uint64), ("time", ctypes.c_double), ("values", ctypes.c_double * 6)]


VALUES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
FORMAT = struct.Struct("Qd6d")

# Sends what it is given, which may be what has been received; waits for the next message.
Ends = tuple[Callable[[Any], object], Callable[[], Any]]


@contextlib.contextmanager
def crosspage_ends(sends: str, receives: str, waiting: bool) -> Iterator[Ends]:
    with (
        crosspage.topic.publisher(sends, Sample) as publisher,
        crosspage.topic.subscriber(receives, Sample) as subscriber,
    ):
        try_recv = subscriber.try_recv
        publisher.wait_subscribers(1)
        subscriber.wait_publishers(1)

        def receive() -> Sample:
            while (sample := try_recv()) is None:
                pass
            return sample

        yield publisher.publish, subscriber.recv if waiting else receive


@contextlib.contextmanager
def iceoryx2_ends(sends: str, receives: str) -> Iterator[Ends]:
    iceoryx2.set_log_level(iceoryx2.LogLevel.Error)
    config = iceoryx2.config.default()
    config.global_cfg.prefix = iceoryx2.FileName.new(os.environ[PREFIX])
    node = iceoryx2.NodeBuilder.new().config(config).create(iceoryx2.ServiceType.Ipc)

    def service(name: str) -> Any:
        builder = node.service_builder(iceoryx2.ServiceName.new(name))
        return builder.publish_subscribe(CtypesSample).open_or_create()

    publisher = service(sends).publisher_builder().create()
    subscriber = service(receives).subscriber_builder().create()
    while service(sends).dynamic_config.number_of_subscribers == 0:
        time.sleep(0.001)
    while service(receives).dynamic_config.number_of_publishers == 0:
        time.sleep(0.001)
    loan, look = publisher.loan_uninit, subscriber.receive

    def send(value: CtypesSample) -> None:
        loan().write_payload(value).send()

    def receive() -> CtypesSample:
        while (sample := look()) is None:
            pass
        # A copy, as crosspage gives one; the sample goes back to its publisher.
        return CtypesSample.from_buffer_copy(sample.payload().contents)

    yield send, receive


PREFIX = "CROSSPAGE_BENCH_ICEORYX2_PREFIX"

# How the ends are made, and what makes a message.
Way = tuple[Callable[[str, str], contextlib.AbstractContextManager[Ends]], Callable[..., Any]]

WAYS: dict[str, Way] = {
    "crosspage": (lambda sends, receives: crosspage_ends(sends, receives, False), Sample),
    "crosspage, waiting": (lambda sends, receives: crosspage_ends(sends, receives, True), Sample),
}
if iceoryx2 is not None:
    WAYS["iceoryx2"] = (iceoryx2_ends, CtypesSample)


CPUS = "CROSSPAGE_BENCH_CPUS"


def pin(process: int) -> None:
    """The first process to the first processor, the other one to the last."""
    os.sched_setaffinity(0, {int(os.environ[CPUS].split()[-process])})


def echo(way: str) -> None:
    """The other process: sends back what comes, until 0."""
    pin(1)
    with WAYS[way][0]("back", "forth") as (send, receive):
        while (sample := receive()).sequence != 0:
            send(sample)


def play(send: Callable[[Any], object], receive: Callable[[], Any], first: Any, count: int) -> float:
    """Half a round trip of one message that goes to and fro, in nanoseconds."""
    sample = first
    for _ in range(count // 10):
        send(sample)
        sample = receive()
    start = time.perf_counter_ns()
    for _ in range(count):
        send(sample)
        sample = receive()
    return (time.perf_counter_ns() - start) / count / 2


def one_way(way: str, count: int) -> float:
    ends, make = WAYS[way]
    with crosspage.testing.namespace():
        other = subprocess.Popen([sys.executable, __file__, "--echo", way])
        with ends("forth", "back") as (send, receive):
            took = play(send, receive, make(sequence=1, time=0.25, values=VALUES), count)
            send(make(sequence=0, time=0.25, values=VALUES))
        if other.wait() != 0:
            raise RuntimeError("the other process failed")
    return took


def echo_queue(forth: Any, back: Any) -> None:
    pin(1)
    while (data := forth.get()) != b"":
        back.put(data)


def queue_one_way(count: int) -> float:
    spawn = multiprocessing.get_context("spawn")
    forth, back = spawn.Queue(), spawn.Queue()
    other = spawn.Process(target=echo_queue, args=(forth, back))
    other.start()
    took = play(forth.put, back.get, FORMAT.pack(1, 0.25, *VALUES), count)
    forth.put(b"")
    other.join()
    return took


class Clock:
    """Runs from the first message on: the start of the other process is no part of what is measured."""

    def __init__(self) -> None:
        self.began = 0

    def begin(self) -> None:
        self.began = time.perf_counter_ns()


def one_by_one(subscriber: crosspage.topic.Subscriber[Sample], count: int, clock: Clock) -> int:
    recv = subscriber.recv
    last = recv().sequence
    clock.begin()
    for _ in range(count - 1):
        last = recv().sequence
    return last


def by_iteration(subscriber: crosspage.topic.Subscriber[Sample], count: int, clock: Clock) -> int:
    last = next(subscriber).sequence
    clock.begin()
    for sample in subscriber:
        last = sample.sequence
        if last == count:
            break
    return last


def in_arrays(subscriber: crosspage.topic.Subscriber[Sample], count: int, clock: Clock) -> int:
    total = last = subscriber.recv().sequence
    clock.begin()
    left = count - 1
    while left > 0:
        samples = subscriber.recv_many(1024)
        left -= len(samples)
        total += int(samples["sequence"].sum())
        last = int(samples["sequence"][-1])
    assert total == count * (count + 1) // 2
    return last


def out_of_pipe(pipe: int, clock: Clock) -> int:
    read, unpack, size = os.read, FORMAT.unpack, FORMAT.size
    last = unpack(read(pipe, size))[0]
    clock.begin()
    while data := read(pipe, size):
        last = unpack(data)[0]
    return int(last)


Receive = Callable[[crosspage.topic.Subscriber[Sample], int, Clock], int]


def stream(program: str, receive: Receive, count: int) -> float:
    """Nanoseconds a message: from a publisher in C++, each received by this."""
    with crosspage.testing.namespace(), crosspage.topic.subscriber("stream", Sample) as subscriber:
        took = clocked([program, "topic", "stream"], count, lambda _, clock: receive(subscriber, count, clock))
        assert subscriber.lost == 0
        return took


def stream_of_pipe(program: str, count: int) -> float:
    def receive(other: subprocess.Popen[bytes], clock: Clock) -> int:
        assert other.stdout is not None
        return out_of_pipe(other.stdout.fileno(), clock)

    return clocked([program, "pipe"], count, receive)


def clocked(command: list[str], count: int, receive: Callable[[subprocess.Popen[bytes], Clock], int]) -> float:
    clock = Clock()
    with subprocess.Popen([*command, str(count)], stdout=subprocess.PIPE, preexec_fn=lambda: pin(1)) as other:
        last = receive(other, clock)
        took = time.perf_counter_ns() - clock.began
    if other.returncode != 0 or last != count:
        raise RuntimeError(f"{last} of {count} messages came")
    return took / (count - 1)


def measure(program: str, part: float) -> dict[str, float]:
    """Nanoseconds of each row, once."""

    def calls(count: int) -> int:
        return max(100, int(count * part))

    row = {f"one way, {way}": one_way(way, calls(50_000)) for way in WAYS}
    row["one way, multiprocessing.Queue"] = queue_one_way(calls(5_000))
    row["stream from C++, recv_many"] = stream(program, in_arrays, calls(20_000_000))
    row["stream from C++, recv"] = stream(program, one_by_one, calls(3_000_000))
    row["stream from C++, for ... in"] = stream(program, by_iteration, calls(3_000_000))
    row["stream from C++, pipe"] = stream_of_pipe(program, calls(500_000))
    return row


# What the ratios of docs/benchmarks.md are of: slower, faster.
RATIOS = [
    ("one way, iceoryx2", "one way, crosspage"),
    ("one way, multiprocessing.Queue", "one way, crosspage"),
    ("one way, multiprocessing.Queue", "one way, crosspage, waiting"),
    ("stream from C++, pipe", "stream from C++, recv_many"),
    ("stream from C++, pipe", "stream from C++, recv"),
]


def main(arguments: Sequence[str]) -> None:
    program = arguments[0]
    quick = "--quick" in arguments
    os.environ[PREFIX] = f"crosspage_bench_{os.getpid()}_"
    os.environ[CPUS] = " ".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
    pin(0)
    try:
        runs = [measure(program, 0.01 if quick else 1.0) for _ in range(2 if quick else 9)]
    finally:
        for path in Path("/dev/shm").glob(os.environ[PREFIX] + "*"):
            path.unlink()
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    ratios = {
        (slower, faster): statistics.median(run[slower] / run[faster] for run in runs)
        for slower, faster in RATIOS
        if slower in medians
    }
    if "--json" in arguments:
        print(json.dumps({"ns": medians, "runs": runs}))
        return
    if iceoryx2 is None:
        print("left out: the rows of iceoryx2, which is not installed here", file=sys.stderr)
    for name, ns in medians.items():
        print(f"{name:32} {ns:9.0f} ns")
    print()
    for (slower, faster), ratio in ratios.items():
        print(f"{slower} : {faster.removeprefix('stream from C++, ')} = {ratio:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--echo"]:
        echo(sys.argv[2])
    elif len(sys.argv) < 2:
        sys.exit(__doc__)
    else:
        main(sys.argv[1:])
