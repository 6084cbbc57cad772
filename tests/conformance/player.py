"""The conformance suite's player for Python; see README.md beside this file."""

import enum
import itertools
import os
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import crosspage


class Mode(enum.IntEnum):
    IDLE = 0
    RUNNING = 1
    FAILED = -3


class Pose(crosspage.Struct):
    x: crosspage.f64
    y: crosspage.f64
    mode: Mode


class Sample(crosspage.Struct):
    flag: crosspage.bool = False
    tiny: crosspage.i8 = 0
    port: crosspage.u16 = 0
    number: crosspage.i32 = 0
    stamp: crosspage.u64 = 0
    ratio: crosspage.f32 = 0
    temperature: crosspage.f64 = 0
    name: str = crosspage.text(12, default="")
    axes: Sequence[int] = crosspage.array(crosspage.i32, 3, default=(0, 0, 0))
    grid: Sequence[Sequence[int]] = crosspage.array(crosspage.u8, 2, 3, default=((0, 0, 0), (0, 0, 0)))
    pose: Pose = Pose(x=0, y=0, mode=Mode.IDLE)
    mode: Mode = Mode.IDLE


class Image(crosspage.Struct):
    """One that is held in the page."""

    number: crosspage.i32 = 0
    pixels: Sequence[int] = crosspage.array(crosspage.u8, 8192, default=bytes(8192))


class Brief(crosspage.Struct):
    """Some of Sample's fields, elsewhere."""

    temperature: crosspage.f64 = 0
    number: crosspage.i32 = 0


class Drifted(crosspage.Struct):
    """One of them of another type."""

    temperature: crosspage.f32 = 0
    number: crosspage.i32 = 0


class Status(crosspage.Struct):
    level: crosspage.u32 = 0
    ready: crosspage.bool = False
    mode: Mode = Mode.IDLE


class Newer(crosspage.Struct):
    """The same of a program that knows more modes."""

    level: crosspage.u32 = 0
    ready: crosspage.bool = False
    mode: crosspage.i32 = 0


class Scan(crosspage.Struct):
    """One that ends in a tail."""

    stamp: crosspage.u64 = 0
    points: Sequence[float] = crosspage.tail(crosspage.f32)


KINDS: dict[str, Any] = {
    kind.__name__.lower(): kind for kind in (Sample, Image, Brief, Drifted, Status, Newer, Scan, bytes)
} | {"any": None}


def kind_named(name: str) -> Any:
    return arrays().ndarray if name == "array" else KINDS[name]


def arrays() -> Any:
    """numpy, once somebody needs it: under Wine importing it takes seconds."""
    import numpy

    return numpy


def is_kind_array(kind: Any) -> bool:
    return getattr(kind, "__name__", "") == "ndarray"


def is_array(message: object) -> bool:
    return "numpy" in sys.modules and isinstance(message, arrays().ndarray)


class Usage(Exception):
    """What the player itself cannot do; never the library's."""


# ---- Bytes


def pattern(n: int, k: int) -> bytes:
    turn = bytes((i * 7 + k) % 251 for i in range(251))
    return (turn * (n // 251 + 1))[:n]


def bytes_of(word: str) -> bytes:
    """`-` is nothing, `N*K` a pattern of N bytes, else hex."""
    if "*" in word:
        n, k = word.split("*")
        return pattern(int(n), int(k))
    return b"" if word == "-" else bytes.fromhex(word)


def crc(data: Any) -> str:
    """Length and CRC-32."""
    data = memoryview(data).cast("B") if len(data) else b""
    return f"{len(data)}/{zlib.crc32(data):08x}"


def runs(numbers: Sequence[int]) -> str:
    """Numbers that count up as `from-to`: "1-100,105"."""
    groups = itertools.groupby(enumerate(numbers), lambda at: at[1] - at[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(group) for _, group in groups)]
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ends)


# ---- Fields as text: values separated by commas; floats are their bits as hex, texts their bytes


def kind_of(value: Any, name: str) -> str:
    """How a float is packed."""
    return "f" if name in ("ratio", "points") or isinstance(value, Drifted) else "d"


def cells(value: Any, packed: str = "d") -> Iterator[str]:
    if isinstance(value, crosspage.Struct):
        for inner in crosspage.to_dict(value).values():
            yield from cells(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from cells(inner)
    elif isinstance(value, str):
        yield value.encode().hex()
    elif isinstance(value, float):
        yield struct.pack(">" + packed, value).hex()
    elif isinstance(value, (bool, int)):
        yield str(int(value))
    elif len(value) > 64:
        yield crc(bytes(value))
    else:
        for inner in value:
            yield from cells(inner, packed)


def print_struct(record: Any) -> str:
    """A field that is all zero is not told of."""
    line = ""
    for name, value in crosspage.to_dict(record).items():
        text = ",".join(cells(value, kind_of(record, name)))
        if text.strip("0,"):
            line += f" {name}={text}"
    return line


def parsed(kind: Any, name: str, text: str) -> Any:
    words = text.split(",")
    if name in ("temperature", "ratio"):
        (value,) = struct.unpack(">" + ("f" if len(text) == 8 else "d"), bytes.fromhex(text))
        return value
    if name == "points":
        return [struct.unpack(">f", bytes.fromhex(word))[0] for word in words]
    if name == "name":
        return bytes_of(text).decode()
    if name == "pixels":
        return bytes_of(text)
    if name == "axes":
        return [int(word) for word in words]
    if name == "grid":
        return [[int(word) for word in words[:3]], [int(word) for word in words[3:]]]
    if name == "pose":
        x, y = (struct.unpack(">d", bytes.fromhex(word))[0] for word in words[:2])
        return Pose(x=x, y=y, mode=Mode(int(words[2])))
    if name == "mode" and kind is not Newer:
        return Mode(int(text))
    return bool(int(text)) if name in ("flag", "ready") else int(text)


# ---- Messages


def body(kind: Any, words: list[str]) -> Any:
    if kind is bytes:
        return bytes_of(words[0])
    if is_kind_array(kind):
        dtype, shape, data = words
        lengths = () if shape == "-" else tuple(int(n) for n in shape.split("x"))
        return arrays().frombuffer(bytes_of(data) or bytearray(), dtype).reshape(lengths)
    fields = dict(word.split("=") for word in words)
    tail = {"points": ()} if kind is Scan else {}
    return kind(**tail | {name: parsed(kind, name, text) for name, text in fields.items()})


def nth(kind: Any, n: int, size: int) -> Any:
    """The message with this number, and of this size where each has its own."""
    if kind is bytes:
        return pattern(size, n)
    if is_kind_array(kind):
        return arrays().frombuffer(pattern(size, n), "u1")
    return kind(number=n)


def number_of(message: Any) -> int:
    if isinstance(message, crosspage.topic.Message):
        return bytes(message)[0] if len(message) else 0
    if is_array(message):
        return message.tobytes()[0] if message.size else 0
    return int(message.number)


def known_of(message: Any) -> Any:
    return message if isinstance(message, crosspage.topic.Message) else crosspage.meta(message)


def line(message: Any) -> str:
    meta = known_of(message)
    said = f"seq={meta.sequence} from={meta.publisher}"
    if meta.sent_at is not None:
        said += " sent=now" if abs(time.time() - meta.sent_at) < 60 else " sent=wrongly"
    if isinstance(message, crosspage.topic.Message):
        return f"{said} bytes={crc(message)}"
    if is_array(message):
        shape = "x".join(str(n) for n in message.shape) or "-"
        return f"{said} dtype={message.dtype.str} shape={shape} bytes={crc(message.tobytes())}"
    return said + print_struct(message)


# ---- Handles


class Dropped(Exception):
    """Ends a loan so that nothing is published."""


def seconds(word: str) -> float | None:
    return None if word == "-" else float(word)


OPTIONS: dict[str, Any] = {
    "policy": str,
    "lifetime": str,
    "match": str,
    "send_time": lambda word: word == "yes",
    "checksum": lambda word: word == "yes",
    "timeout": seconds,
}

handles: dict[str, tuple[Any, Any]] = {}
held: dict[str, Any] = {}


def attach(make: Any, page: str, kind: str, words: list[str]) -> tuple[Any, Any]:
    options = dict(word.split("=") for word in words)
    options = {name: OPTIONS.get(name, int)(value) for name, value in options.items()}
    if make is crosspage.topic.subscriber:
        options.pop("timeout", None)
    return make(page, kind_named(kind), **options), kind_named(kind)


def lend(publisher: Any, kind: Any, value: Any, commits: bool) -> None:
    if is_kind_array(kind):
        loan = publisher.loan_array(value.shape, value.dtype)
    else:
        value = bytes(value)
        loan = publisher.loan(len(value))
    try:
        with loan as place:
            place[() if is_kind_array(kind) else slice(None)] = value
            del place
            if not commits:
                raise Dropped
    except Dropped:
        pass


def told(event: crosspage.topic.Event) -> str:
    return f"{event.kind} {event.participant.pid}"


def publish(publisher: Any, kind: Any, verb: str, words: list[str]) -> object:
    match verb:
        case "publish":
            return publisher.publish(body(kind, words))
        case "try_publish":
            sequence = publisher.try_publish(body(kind, words))
            return "none" if sequence is None else sequence
        case "loan" | "abandon":
            return lend(publisher, kind, body(kind, words), verb == "loan")
        case "publish_each":
            first, count = int(words[0]), int(words[1])
            return [publisher.publish(nth(kind, n, int(words[-1]))) for n in range(first, first + count)][-1]
        case "publish_many":
            first, count = int(words[0]), int(words[1])
            return publisher.publish_many([nth(kind, n, 0) for n in range(first, first + count)])
        case "fill":
            first = n = int(words[0])
            while publisher.try_publish(nth(kind, n, int(words[-1]))) is not None:
                n += 1
            return n - first
        case "subscribers":
            return publisher.subscribers
        case "wait_subscribers":
            return publisher.wait_subscribers(int(words[0]), timeout=seconds(words[1]))
        case "event":
            return told(publisher.wait_event(timeout=seconds(words[0])))
    raise Usage("a publisher does not do this")


def drain(subscriber: Any) -> str:
    by_publisher: dict[int, tuple[list[int], list[int]]] = {}
    while (message := subscriber.try_recv()) is not None:
        meta = known_of(message)
        sequences, numbers = by_publisher.setdefault(meta.publisher, ([], []))
        sequences.append(meta.sequence)
        numbers.append(number_of(message))
    count = sum(len(sequences) for sequences, _ in by_publisher.values())
    each = (f"{pid}:{runs(sequences)}:{runs(numbers)}" for pid, (sequences, numbers) in by_publisher.items())
    return " ".join([str(count), *each])


def subscribe(subscriber: Any, kind: Any, verb: str, words: list[str]) -> object:
    match verb:
        case "recv":
            return line(subscriber.recv(timeout=seconds(words[0])))
        case "try_recv":
            message = subscriber.try_recv()
            return "none" if message is None else line(message)
        case "hold":
            held[words[0]] = subscriber.recv(timeout=seconds(words[1]))
            return line(held[words[0]])
        case "recv_many":
            messages = subscriber.recv_many(int(words[0]), timeout=seconds(words[1]))
            # Of structs these are one array.
            numbers = (
                [number_of(message) for message in messages]
                if isinstance(messages, list)
                else [int(n) for n in messages["number"]]
            )
            return f"{len(numbers)} {runs(numbers)}"
        case "drain":
            return drain(subscriber)
        case "lost":
            return subscriber.lost
        case "publishers":
            return subscriber.publishers
        case "wait_publishers":
            return subscriber.wait_publishers(int(words[0]), timeout=seconds(words[1]))
        case "event":
            return told(subscriber.wait_event(timeout=seconds(words[0])))
    raise Usage("a subscriber does not do this")


def act(verb: str, *words: str) -> object:
    match verb, *words:
        case "publisher", name, page, kind, *options:
            handles[name] = attach(crosspage.topic.publisher, page, kind, options)
        case "subscriber", name, page, kind, *options:
            handles[name] = attach(crosspage.topic.subscriber, page, kind, options)
        case "reset",:
            held.clear()
            for handle, _ in handles.values():
                handle.close()
            handles.clear()
        case "remove", page, *force:
            crosspage.remove(page, force=bool(force))
        case "check", slot:
            return line(held[slot])
        case "release", slot:
            del held[slot]
        case "close", name:
            handles.pop(name)[0].close()
        case _, name, *rest:
            handle, kind = handles[name]
            do = publish if isinstance(handle, crosspage.topic.Publisher) else subscribe
            return do(handle, kind, verb, rest)
    return None


NAMES = {"LayoutError": "layout_mismatch", "OSFailure": "io", "InternalError": "internal"}


def name_of(error: crosspage.Error) -> str:
    """TimedOut is timed_out."""
    name = type(error).__name__
    snake = "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
    return NAMES.get(name, snake)


def main() -> None:
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print("ready", os.getpid(), flush=True)
    for told in sys.stdin:
        words = told.split()
        if words == ["quit"]:
            return
        try:
            said = act(*words)
            answer = "ok" if said is None else f"ok {said}"
        except crosspage.Error as error:
            answer = f"error {name_of(error)} {error}"
        except Exception as error:
            answer = f"error usage {type(error).__name__}: {error}: {told}"
        print(answer.strip().replace("\n", " "), flush=True)


main()
