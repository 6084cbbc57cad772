"""`topic` between Python processes: what is promised for every one of its calls."""

import asyncio
import ctypes
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
    temperature: crosspage.f64 = 0.0
    label: str = crosspage.text(16, default="")


class Scan(crosspage.Struct):
    stamp: crosspage.u64
    moving: crosspage.bool = False
    points: Sequence[Sequence[float]] = crosspage.tail(crosspage.f32, 3)


class Other(crosspage.Struct):
    stamp: crosspage.u64
    moving: crosspage.bool = False
    points: Sequence[Sequence[float]] = crosspage.tail(crosspage.f64, 3)


DECLARATION = """
import sys, time, crosspage
class Telemetry(crosspage.Struct):
    counter: crosspage.i32
    temperature: crosspage.f64 = 0.0
    label: str = crosspage.text(16, default="")
"""


def counters(received: Any) -> list[int]:
    return [int(counter) for counter in received["counter"]]


def drain(subscriber: Any) -> list[Any]:
    """All that is there."""
    received = []
    while (message := subscriber.try_recv()) is not None:
        received.append(message)
    return received


# ---- structs ---------------------------------------------------------------------------------


def test_every_subscriber_gets_every_message() -> None:
    with crosspage.topic.publisher("readings", Telemetry) as publisher:
        subscribers = [crosspage.topic.subscriber("readings", Telemetry) for _ in range(2)]
        untyped = crosspage.topic.subscriber("readings")
        assert subscribers[0].try_recv() is None
        assert publisher.publish(Telemetry(counter=1, temperature=0.5)) == 1
        assert publisher.publish(counter=2, label="kitchen") == 2
        assert publisher.try_publish(counter=3) == 3
        for subscriber in subscribers:
            first = subscriber.recv()
            assert type(first) is Telemetry and first == Telemetry(counter=1, temperature=0.5)
            assert [record.counter for record in drain(subscriber)] == [2, 3]
            assert subscriber.lost == 0
            with pytest.raises(TimeoutError, match="readings"):
                subscriber.recv(timeout=0)
        record = untyped.recv()
        assert record == Telemetry(counter=1, temperature=0.5) and record["temperature"] == 0.5
        assert (publisher.subscribers, untyped.publishers) == (3, 1)
    assert [record.counter for record in drain(untyped)] == [2, 3], "messages outlive their publisher"
    with pytest.raises(crosspage.Closed):
        publisher.publish(counter=4)


def test_what_is_known_of_a_message() -> None:
    before = time.time()
    publisher = crosspage.topic.publisher("timed", Telemetry, send_time=True)
    subscriber = crosspage.topic.subscriber("timed")
    publisher.publish(counter=1)
    publisher.publish(counter=2)
    assert crosspage.meta(subscriber.recv()).sequence == 1
    meta = crosspage.meta(subscriber.recv())
    assert (meta.sequence, meta.publisher) == (2, os.getpid())
    assert meta.sent_at is not None and before - 1e-3 <= meta.sent_at <= time.time() and 0 <= meta.age < 10
    assert abs(meta.sent_at_ns / 1e9 - meta.sent_at) < 1e-3  # type: ignore[operator]
    assert "sequence=2" in repr(meta) and "age=" in repr(meta)
    with pytest.raises(AttributeError, match="sequence, publisher"):
        meta.version  # noqa: B018
    writer = crosspage.latest.create("value", Telemetry)
    writer.write(counter=1)
    value = crosspage.meta(crosspage.latest.open("value").read())
    with pytest.raises(AttributeError, match="version"):
        value.sequence  # noqa: B018

    plain = crosspage.topic.publisher("plain", bytes)
    messages = crosspage.topic.subscriber("plain")
    plain.publish(b"x")
    message = messages.recv()
    assert (message.sequence, message.publisher, message.sent_at, message.sent_at_ns) == (1, os.getpid(), None, None)
    assert crosspage.meta(message).sent_at is None
    with pytest.raises(AttributeError, match="send_time"):
        crosspage.meta(message).age  # noqa: B018


def test_sequences_count_for_each_publisher() -> None:
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    publishers = [crosspage.topic.publisher("readings", Telemetry) for _ in range(3)]
    for n in range(4):
        for which, publisher in enumerate(publishers):
            assert publisher.publish(counter=which, temperature=n) == n + 1
    seen: dict[int, list[tuple[int, float]]] = {}
    for record in drain(subscriber):
        seen.setdefault(record.counter, []).append((crosspage.meta(record).sequence, record.temperature))
    assert seen == {which: [(n + 1, n) for n in range(4)] for which in range(3)}


def test_bytes_and_arrays_of_a_struct() -> None:
    class Data(ctypes.Structure):
        _fields_ = [("counter", ctypes.c_int), ("temperature", ctypes.c_double), ("label", ctypes.c_char * 16)]

    publisher = crosspage.topic.publisher("readings", Data)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    array = numpy.zeros((), crosspage.layout_of(Telemetry).dtype)
    array["counter"], array["label"] = 1, b"numpy"
    for value in (array, array[()], bytes(array), Data(1, 0.0, b"numpy"), Telemetry(counter=1, label="numpy")):
        publisher.publish(value)
        assert subscriber.recv() == Telemetry(counter=1, label="numpy")
    for wrong, error in [(b"short", ValueError), (3, TypeError), (GOLDEN, crosspage.LayoutError), (numpy.zeros(3), ValueError)]:
        with pytest.raises(error):
            publisher.publish(wrong)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="not both"):
        publisher.publish(array, counter=1)
    with pytest.raises(TypeError, match="did you mean counter"):
        publisher.publish(countr=1)
    assert drain(subscriber) == []


def test_many_at_once() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings")
    assert publisher.publish_many([Telemetry(counter=n) for n in range(10)]) == 10
    array = numpy.zeros(30, crosspage.layout_of(Telemetry).dtype)
    array["counter"] = numpy.arange(10, 40)
    assert publisher.publish_many(array) == 30
    assert publisher.publish_many(iter([])) == 0
    some = subscriber.recv_many(3)
    assert some.dtype == subscriber.layout.dtype and counters(some) == [0, 1, 2]
    rest = subscriber.recv_many(1000, timeout=1)
    assert counters(rest) == list(range(3, 40)) and rest.flags.writeable and rest.base is None
    with pytest.raises(TimeoutError):
        subscriber.recv_many(3, timeout=0.05)
    publisher.publish_many([array[0], bytes(array[1]), Telemetry(counter=2)])
    assert counters(subscriber.recv_many(4)) == [10, 11, 2]
    with pytest.raises(ValueError, match="n = 0"):
        subscriber.recv_many(0)
    for wrong, error in [
        ([Telemetry(counter=1), 3], TypeError),
        (array[::2], ValueError),
        (numpy.zeros(3, [("a", "i4")]), crosspage.LayoutError),
        (3, TypeError),
    ]:
        with pytest.raises(error):
            publisher.publish_many(wrong)
    assert drain(subscriber) == [], "all or nothing, where it is known before"


def test_large_structs() -> None:
    class Image(crosspage.Struct):
        stamp: crosspage.u64
        pixels: Any = crosspage.array(crosspage.u8, 480, 640)

    publisher = crosspage.topic.publisher("camera", Image)
    subscriber = crosspage.topic.subscriber("camera", Image)
    pixels = numpy.arange(480 * 640, dtype="u4").astype("u1").reshape(480, 640)
    publisher.publish(stamp=1, pixels=pixels)
    publisher.publish(stamp=2, pixels=pixels[::-1])
    publisher.publish_many([Image(stamp=n, pixels=pixels) for n in (3, 4)])
    record = subscriber.recv()
    assert record.stamp == 1 and (crosspage.to_numpy(record)["pixels"] == pixels).all()
    assert list(subscriber.recv_many(5)["stamp"]) == [2, 3, 4]


def test_tails() -> None:
    publisher = crosspage.topic.publisher("scan", Scan)
    typed, untyped = crosspage.topic.subscriber("scan", Scan), crosspage.topic.subscriber("scan")
    points = numpy.random.default_rng(1).random((1000, 3), "f4")
    scan = Scan(stamp=1, points=[(1, 2, 3), (4, 5, 6)])
    publisher.publish(scan)
    publisher.publish(stamp=2, points=())
    publisher.publish(stamp=3, moving=True, points=points)
    publisher.publish(bytes(scan))
    assert publisher.publish_many([scan, scan]) == 2
    for subscriber in (typed, untyped):
        assert subscriber.recv() == scan
        assert subscriber.recv().points == ()
        large = subscriber.recv()
        assert large.moving is True and len(large.points) == 1000 and large["points[999]"] == tuple(points[999].tolist())
        assert (numpy.array(large.points, "f4") == points).all()
        array = crosspage.to_numpy(large)
        assert array["stamp"] == 3 and (array["points"] == points).all() and array["points"].dtype == "f4"
        assert numpy.shares_memory(array["points"], crosspage.to_numpy(large)) and not array.flags.writeable
        assert crosspage.meta(large).sequence == 3
        assert subscriber.recv_many(10) == [scan] * 3, "a list: they are not all of one size"
    with publisher.loan(12 + 24) as view:
        view[:] = bytes(scan)
    assert typed.recv() == scan
    empty = crosspage.to_numpy(Scan(stamp=1, points=()))
    assert empty["points"].shape == (0, 3) and empty["stamp"] == 1
    for size in (11, 13):
        with pytest.raises(crosspage.Invalid, match="Scan"):
            publisher.loan(size).__enter__()
        with pytest.raises(crosspage.Invalid, match="elements|items|Scan"):
            publisher.publish(bytes(size))
    with pytest.raises(crosspage.LayoutError, match="points"):
        crosspage.topic.subscriber("scan", Other)
    assert crosspage.list()[0].layout == crosspage.layout_of(Scan)
    # The same in the tests of Rust and of C++.
    assert crosspage.layout_of(Scan).canonical().hex() == (
        "0122100000000800000003000000050000007374616d700000000009060000006d6f76696e67080000000106000000"
        "706f696e74730c0000002321030000000a"
    )


def test_by_name() -> None:
    class Part(crosspage.Struct):
        label: str = crosspage.text(16)
        counter: crosspage.i32

    publisher = crosspage.topic.publisher("readings", Telemetry)
    with pytest.raises(crosspage.LayoutError) as raised:
        crosspage.topic.subscriber("readings", Part)
    assert raised.value.differences
    subscriber = crosspage.topic.subscriber("readings", Part, match="name")
    other = crosspage.topic.publisher("readings", Part, match="name")
    publisher.publish(counter=3, label="name")
    other.publish(counter=4, label="part")
    assert sorted(record.counter for record in drain(subscriber)) == [3, 4]
    other.publish_many([Part(label="many", counter=n) for n in range(3)])
    assert counters(subscriber.recv_many(5)) == [0, 1, 2]


def test_tails_by_name() -> None:
    class Motor(crosspage.Struct):
        speed: crosspage.u32
        ready: crosspage.bool = False

    class Grown(crosspage.Struct):
        ident: crosspage.u16
        ready: crosspage.bool
        speed: crosspage.u32
        current: crosspage.f64 = 0.5

    class Arm(crosspage.Struct):
        stamp: crosspage.u64
        motors: Sequence[Motor] = crosspage.tail(Motor)

    class Robot(crosspage.Struct):
        name: str = crosspage.text(20)
        stamp: crosspage.u64
        motors: Sequence[Grown] = crosspage.tail(Grown)

    class Stamp(crosspage.Struct):
        stamp: crosspage.u64

    robots = crosspage.topic.publisher("robot", Robot)
    subscriber = crosspage.topic.subscriber("robot", Arm, match="name")
    stamps = crosspage.topic.subscriber("robot", Stamp, match="name")
    whole = crosspage.topic.subscriber("robot")
    robots.publish(name="r", stamp=7, motors=[Grown(ident=n, ready=n == 1, speed=n) for n in range(3)])
    expected = Arm(stamp=7, motors=[Motor(speed=n, ready=n == 1) for n in range(3)])
    assert subscriber.recv() == expected and stamps.recv() == Stamp(stamp=7)
    assert whole.recv().motors[2].current == 0.5
    crosspage.topic.publisher("robot", Arm, match="name").publish(expected)
    received = whole.recv()
    assert (received.name, received.stamp, [motor.speed for motor in received.motors]) == ("", 7, [0, 1, 2])
    assert subscriber.recv() == expected


# ---- bytes -----------------------------------------------------------------------------------


def test_bytes() -> None:
    publisher = crosspage.topic.publisher("bytes", bytes)
    subscriber = crosspage.topic.subscriber("bytes", bytes)
    for n, value in enumerate([b"hello", bytearray(b"hello"), memoryview(b"hello"), numpy.frombuffer(b"hello", "u1")]):
        assert publisher.publish(value) == n + 1
        message = subscriber.recv()
        assert bytes(message) == b"hello" and message == b"hello" and b"hello" == message and message != b"hell"
        assert len(message) == 5 and memoryview(message).readonly and memoryview(message)[1] == ord("e")
        assert (message == "hello") is False and message.sequence == n + 1
        assert "5 bytes" in repr(message)
    publisher.publish(b"")
    assert bytes(subscriber.recv()) == b"" and subscriber.try_recv() is None
    large = os.urandom(3_000_000)
    publisher.publish(large)
    message = subscriber.recv()
    assert message == large
    publisher.publish(message)
    again = subscriber.recv()
    del message
    assert numpy.array_equal(numpy.frombuffer(again, "u1"), numpy.frombuffer(large, "u1"))
    assert publisher.publish_many([b"a", b"b", large]) == 3
    received = subscriber.recv_many(10)
    assert received == [b"a", b"b", large]
    with pytest.raises(TypeError):
        hash(received[0])
    restored = pickle.loads(pickle.dumps(received[1]))
    assert restored == b"b" and crosspage.meta(restored) == crosspage.meta(received[1])
    with pytest.raises(TypeError, match=r"text\.encode"):
        publisher.publish("text")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="no fields"):
        publisher.publish(counter=1)
    with pytest.raises(TypeError):
        publisher.publish(3)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="contiguous"):
        publisher.publish(numpy.zeros((4, 4))[:, 1])


def test_what_is_held_does_not_change() -> None:
    publisher = crosspage.topic.publisher("held", bytes, capacity=1 << 20, max_held=2)
    subscriber = crosspage.topic.subscriber("held")
    held: list[Any] = []
    for n in range(200):
        publisher.publish(bytes([n]) * 100_000)
        message = subscriber.recv()
        held = [*held[-5:], message]  # more than may be held: those beyond are copies
        for m in held:
            assert m == bytes([m.sequence - 1]) * 100_000
    subscriber.close()
    publisher.close()
    assert all(m == bytes([m.sequence - 1]) * 100_000 for m in held), "although nobody is attached any more"


# ---- arrays ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [
        numpy.arange(6, dtype="u1").reshape(2, 3),
        numpy.arange(1_000_000, dtype="f4").reshape(100, 100, 100),
        numpy.array(3.5),
        numpy.zeros((0, 3), "i8"),
        numpy.array([True, False]),
        numpy.array([1 + 2j]),
        numpy.array(["2024-01-01"], "M8[ns]"),
        numpy.array([b"abc", b"de"]),
        numpy.array(["Zoë"]),
        numpy.arange(4, dtype="f2"),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_arrays(array: Any) -> None:
    publisher = crosspage.topic.publisher("arrays", numpy.ndarray)
    subscriber = crosspage.topic.subscriber("arrays", numpy.ndarray)
    assert publisher.publish(array) == 1
    received = subscriber.recv()
    assert type(received) is numpy.ndarray
    assert received.dtype == array.dtype and received.shape == array.shape and numpy.array_equal(received, array)
    assert not received.flags.writeable
    with pytest.raises(ValueError):
        received.flags.writeable = True
    assert crosspage.meta(received).sequence == 1
    if array.nbytes > 64:
        assert received.ctypes.data % 64 == 0
        assert crosspage.meta(received[1:].reshape(-1)[::2]).publisher == os.getpid()
    with pytest.raises(TypeError, match="a message"):
        crosspage.meta(array)


def test_an_array_keeps_its_message() -> None:
    publisher = crosspage.topic.publisher("arrays", numpy.ndarray, capacity=1 << 20, max_held=2)
    subscriber = crosspage.topic.subscriber("arrays")
    publisher.publish(numpy.full(50_000, 7, "u1"))
    view = subscriber.recv()[10:20]
    assert type(view.base.base) is crosspage.topic.Message
    for n in range(100):
        publisher.publish(numpy.full(50_000, n, "u1"))
        subscriber.recv()
    subscriber.close()
    publisher.close()
    assert (view == 7).all()


def test_arrays_that_cannot_be_shared() -> None:
    publisher = crosspage.topic.publisher("arrays", numpy.ndarray)
    for wrong, error, words in [
        (numpy.zeros((4, 4))[:, 1], ValueError, "ascontiguousarray"),
        (numpy.zeros((4, 4)).T[:, :3], ValueError, "ascontiguousarray"),
        (numpy.array([object()]), ValueError, "Python objects"),
        (numpy.zeros(3, ">f4"), ValueError, 'astype\\("<f4"\\)'),
        (numpy.zeros(3, [("a", "i4")]), ValueError, "publish_many"),
        (b"bytes", TypeError, "numpy array"),
        ([1, 2], TypeError, "numpy array"),
    ]:
        with pytest.raises(error, match=words):
            publisher.publish(wrong)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="Python objects"):
        publisher.loan_array(3, object)
    subscriber = crosspage.topic.subscriber("arrays")
    publisher.publish(numpy.asfortranarray(numpy.ones((3, 3))).T)  # which is contiguous
    assert subscriber.recv().sum() == 9


# ---- who decides -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "name"),
    [(Telemetry(counter=1), "Telemetry"), (b"bytes", "bytes"), (numpy.ones(3), "ndarray"), (numpy.zeros((), [("a", "<i4")]), "record")],
    ids=["struct", "bytes", "ndarray", "dtype"],
)
def test_the_first_message_decides(first: Any, name: str) -> None:
    subscriber = crosspage.topic.subscriber("any")
    publisher = crosspage.topic.publisher("any")
    later = crosspage.topic.publisher("any")
    assert "nobody has declared" in repr(publisher) and publisher.layout is None
    with pytest.raises(TypeError, match="nobody has said"):
        publisher.publish(counter=1)
    with pytest.raises(TypeError, match="expected a record, bytes or a numpy array, got int"):
        publisher.publish(1)
    with pytest.raises(TimeoutError):
        subscriber.recv(timeout=0.05)
    assert publisher.publish(first) == 1
    assert f" of {name} in " in repr(publisher)
    received = subscriber.recv(timeout=1)
    assert bytes(memoryview(received)) == bytes(memoryview(first))
    later.publish(first)
    assert subscriber.recv() is not None and f" of {name} in " in repr(subscriber)
    if name == "Telemetry":
        assert later.publish(counter=2, temperature=0, label="") == 2, "of the page's own type"
        assert subscriber.layout == crosspage.layout_of(Telemetry)
    other = crosspage.topic.subscriber("any")
    assert f" of {name} in " in repr(other)
    with pytest.raises((TypeError, ValueError, crosspage.LayoutError)):
        publisher.publish(b"bytes" if name != "bytes" else Telemetry)  # type: ignore[call-overload]


def test_types_that_differ() -> None:
    publisher = crosspage.topic.publisher("one", Telemetry)
    for T in (SharedData, bytes, numpy.ndarray):
        for attach in (crosspage.topic.publisher, crosspage.topic.subscriber):
            with pytest.raises(crosspage.LayoutError, match="one"):
                attach("one", T)
    with pytest.raises(TypeError, match="Struct"):
        crosspage.topic.subscriber("one", int)
    with pytest.raises(crosspage.Invalid, match="latest"):
        crosspage.latest.open("one")
    publisher.close()


def test_a_subscriber_that_comes_first(start: Start) -> None:
    child = start(
        DECLARATION
        + """
subscriber = crosspage.topic.subscriber("readings")
print("waiting")
print(subscriber.recv(timeout=20).counter, subscriber.recv(timeout=20).counter)
"""
    )
    assert line(child) == "waiting"
    publisher = crosspage.topic.publisher("readings", Telemetry)
    assert publisher.wait_subscribers(1, timeout=10) == 1
    publisher.publish(counter=42)
    publisher.publish(counter=43)
    assert run(child) == "42 43\n"


def test_history() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, history=3)
    for n in range(10):
        publisher.publish(counter=n)
    subscriber = crosspage.topic.subscriber("readings")
    assert counters(subscriber.recv_many(10)) == [7, 8, 9]
    assert subscriber.lost == 0


# ---- policies --------------------------------------------------------------------------------


def test_overwrite_tells_how_many_are_lost() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, capacity=4096)
    subscriber = crosspage.topic.subscriber("readings")
    for n in range(1000):
        assert publisher.publish(counter=n, timeout=0) == n + 1
    received = [record.counter for record in drain(subscriber)]
    assert 0 < len(received) < 1000 and received == list(range(1000 - len(received), 1000))
    assert subscriber.lost == 1000 - len(received)
    bytes_ = crosspage.topic.publisher("bytes", bytes, capacity=4096)
    with pytest.raises(crosspage.TooLarge, match="4096"):
        bytes_.publish(bytes(5000))


def test_block_waits_for_the_slowest() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    for _ in range(1000):
        publisher.publish(counter=0, timeout=0)  # nobody is attached
    subscriber = crosspage.topic.subscriber("readings")
    sent = 0
    while publisher.try_publish(counter=sent) is not None:
        sent += 1
    assert 10 < sent < 1000
    before = time.monotonic()
    with pytest.raises(TimeoutError, match=f"pid {os.getpid()}"):
        publisher.publish(counter=-1, timeout=0.12)
    assert 0.1 < time.monotonic() - before < 5
    with pytest.raises(TimeoutError):
        publisher.publish_many([Telemetry(counter=-1)] * 5, timeout=0.05)
    impatient = crosspage.topic.publisher("readings", Telemetry, timeout=0)
    while impatient.try_publish(counter=-2):
        pass
    with pytest.raises(TimeoutError):
        impatient.publish(counter=-2)
    threading.Timer(0.2, lambda: drain(subscriber)).start()
    assert publisher.publish(counter=sent) > 0, "waits for ever"
    assert subscriber.lost == 0


def test_block_delivers_all(start: Start) -> None:
    child = start(
        DECLARATION
        + """
subscriber = crosspage.topic.subscriber("readings", Telemetry)
print("attached")
expected = 0
while expected < 20000:
    batch = subscriber.recv_many(100, timeout=20)
    assert list(batch["counter"]) == list(range(expected, expected + len(batch)))
    expected += len(batch)
assert subscriber.lost == 0
print("all")
"""
    )
    assert line(child) == "attached"
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    array = numpy.zeros(15_000, crosspage.layout_of(Telemetry).dtype)
    array["counter"] = numpy.arange(15_000)
    assert publisher.publish_many(array, timeout=20) == 15_000
    for n in range(15_000, 20_000):
        publisher.publish(counter=n, timeout=20)
    assert run(child) == "all\n"


def test_messages_larger_than_the_capacity() -> None:
    publisher = crosspage.topic.publisher("bytes", bytes, policy="block", capacity=1 << 16)
    subscriber = crosspage.topic.subscriber("bytes")
    large = os.urandom(1_000_000)
    with pytest.raises(TimeoutError):
        publisher.publish(large, timeout=0.2)
    assert publisher.try_publish(large) is None
    received: list[Any] = []
    thread = threading.Thread(target=lambda: received.extend(subscriber.recv(timeout=20) for _ in range(3)))
    thread.start()
    sequences = [publisher.publish(large, timeout=20), publisher.publish(b"small"), publisher.publish(large[::-1])]
    thread.join()
    assert [message.sequence for message in received] == sequences == list(range(sequences[0], sequences[0] + 3))
    assert received[0] == large and received[1] == b"small" and received[2] == large[::-1]


def test_a_killed_subscriber_holds_nobody_up(start: Start) -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    child = start(DECLARATION + 's = crosspage.topic.subscriber("readings"); print(1); time.sleep(60)')
    assert line(child) == "1"
    while publisher.try_publish(counter=0) is not None:
        pass
    child.kill()
    child.wait()
    publisher.publish(counter=1, timeout=20)
    assert publisher.subscribers == 0


def test_a_killed_publisher_leaves_whole_messages(start: Start) -> None:
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    child = start(
        DECLARATION
        + """
publisher = crosspage.topic.publisher("readings", Telemetry)
n = 0
while True:
    n += 1
    publisher.publish(counter=n, temperature=n * 0.5, label=str(n))
    if n == 1000: print("going")
"""
    )
    assert line(child) == "going"
    child.kill()
    child.wait()
    seen = drain(subscriber)
    assert all(r.temperature == r.counter * 0.5 and r.label == str(r.counter) for r in seen)
    assert [crosspage.meta(r).sequence for r in seen] == [r.counter for r in seen]
    assert seen[-1].counter == len(seen) + subscriber.lost
    publisher = crosspage.topic.publisher("readings", Telemetry)
    assert publisher.publish(counter=-1) == 1
    assert subscriber.recv(timeout=1).counter == -1


# ---- loans -----------------------------------------------------------------------------------


def test_loans() -> None:
    publisher = crosspage.topic.publisher("bytes", bytes)
    subscriber = crosspage.topic.subscriber("bytes")
    with publisher.loan(5) as view:
        assert isinstance(view, memoryview) and not view.readonly and len(view) == 5
        view[:] = b"hello"
        assert subscriber.try_recv() is None, "not before the end"
    assert subscriber.recv() == b"hello"
    with pytest.raises(ValueError, match="released"):
        view[0]
    with pytest.raises(RuntimeError, match="no message today"):
        with publisher.loan(5) as view:
            raise RuntimeError("no message today")
    with publisher.loan(0):
        pass
    assert [bytes(message) for message in drain(subscriber)] == [b""]
    loan = publisher.loan(3)
    with loan as view:
        view[:] = b"abc"
        with pytest.raises(crosspage.Invalid, match="in use"):
            loan.__enter__()
    with loan as view:
        view[:] = b"def"
    assert [bytes(message) for message in drain(subscriber)] == [b"abc", b"def"]
    with pytest.raises(crosspage.Invalid, match="not in use"):
        loan.__exit__()
    with pytest.raises(crosspage.LayoutError):
        publisher.loan_array(3, "u1").__enter__()
    with pytest.raises(OverflowError):
        publisher.loan(-1)
    with pytest.raises(crosspage.TooLarge):
        publisher.loan(1 << 40).__enter__()


def test_loans_of_arrays() -> None:
    publisher = crosspage.topic.publisher("camera", numpy.ndarray)
    subscriber = crosspage.topic.subscriber("camera")
    for n in range(30):
        with publisher.loan_array((480, 640, 3), "u1") as frame:
            assert frame.shape == (480, 640, 3) and frame.flags.writeable and frame.ctypes.data % 64 == 0
            frame[:] = n
        assert frame.shape == (0,) and frame.base is None, "the message is no longer ours"
        received = subscriber.recv()
        assert received.shape == (480, 640, 3) and (received == n).all()
        assert crosspage.meta(received).sequence == n + 1
    with pytest.raises(RuntimeError):
        with publisher.loan_array(10, numpy.float64) as frame:
            raise RuntimeError
    assert frame.shape == (0,) and subscriber.try_recv() is None
    with publisher.loan_array((), "i4") as single:
        single[()] = 7
    assert subscriber.recv() == 7
    first = crosspage.topic.publisher("untyped")
    with first.loan_array(3, "f4") as array:
        array[:] = 1
    assert " of ndarray in " in repr(first)
    for wrong, error in [((-1, 3), OverflowError), ("abc", TypeError), (1.5, TypeError)]:
        with pytest.raises((error, TypeError)):
            publisher.loan_array(wrong, "u1")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        publisher.loan_array(3, "no such type")


def test_views_that_outlive_their_loan() -> None:
    """What was published is a copy then, and what the views do is nobody's business."""
    publisher = crosspage.topic.publisher("camera", numpy.ndarray)
    subscriber = crosspage.topic.subscriber("camera")
    kept: list[Any] = []
    for n in range(5):
        with publisher.loan_array((100, 100), "u1") as frame:
            frame[:] = n
            kept.append(frame[50:])
        kept[-1][:] = 99
        received = subscriber.recv()
        assert (received == n).all() and (kept[-1] == 99).all()
        del frame
    publisher.close()
    subscriber.close()
    assert all((view == 99).all() for view in kept), "mapped as long as somebody looks"

    publisher = crosspage.topic.publisher("bytes", bytes)
    messages = crosspage.topic.subscriber("bytes")
    for look in (
        memoryview,
        lambda view: view[1:],
        lambda view: numpy.frombuffer(view, "u1"),
        lambda view: numpy.ndarray((4,), "u1", buffer=view),
    ):
        with publisher.loan(4) as view:
            view[:] = b"abcd"
            other = look(view)
        other[0] = 1
        assert messages.recv() == b"abcd"
        del other, view
    with publisher.loan(4) as view:
        view[:] = b"efgh"
        other = view
    assert messages.recv() == b"efgh"
    with pytest.raises(ValueError, match="released"):
        other[0] = 1


# ---- waiting ---------------------------------------------------------------------------------


def test_waiting() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    before = time.monotonic()
    with pytest.raises(TimeoutError) as raised:
        subscriber.recv(timeout=0.12)
    assert 0.1 < time.monotonic() - before < 5 and isinstance(raised.value, crosspage.TimedOut)
    with pytest.raises(TimeoutError):
        subscriber.recv(timeout=0)
    threading.Timer(0.2, lambda: publisher.publish(counter=2)).start()
    assert subscriber.recv(timeout=10).counter == 2
    threading.Timer(0.2, lambda: publisher.publish(counter=3)).start()
    assert subscriber.recv().counter == 3
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            subscriber.recv(timeout=wrong)
        with pytest.raises(ValueError, match="timeout"):
            publisher.publish(counter=1, timeout=wrong)


def test_waiting_for_the_other_side() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    assert publisher.wait_subscribers(0, timeout=0) == 0
    with pytest.raises(TimeoutError):
        publisher.wait_subscribers(1, timeout=0.05)
    made: list[Any] = []
    threading.Timer(0.1, lambda: made.append(crosspage.topic.subscriber("readings"))).start()
    assert publisher.wait_subscribers(1, timeout=10) == 1
    while not made:
        time.sleep(0.001)
    assert made[0].wait_publishers(1, timeout=0) == 1
    with pytest.raises(TimeoutError):
        made[0].wait_publishers(2, timeout=0.05)
    roles = sorted((p.role, p.pid, p.alive, p.language) for p in publisher.participants())
    assert roles == [("publisher", os.getpid(), True, "Python"), ("subscriber", os.getpid(), True, "Python")]
    assert [p.role for p in made[0].participants()] == [p.role for p in publisher.participants()]


def test_iteration_ends_with_the_handle() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)

    def publish() -> None:
        for n in range(5):
            time.sleep(0.02)
            publisher.publish(counter=n)
        time.sleep(0.1)
        subscriber.close()

    threading.Thread(target=publish).start()
    assert [record.counter for record in subscriber] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("which", "wait"),
    [
        (1, lambda _, subscriber: subscriber.recv()),
        (1, lambda _, subscriber: subscriber.recv_many(3)),
        (1, lambda _, subscriber: subscriber.wait_publishers(2)),
        (0, lambda publisher, _: publisher.wait_subscribers(5)),
        (0, lambda publisher, _: [publisher.publish(counter=n) for n in range(10_000)]),
    ],
    ids=["recv", "recv_many", "wait_publishers", "wait_subscribers", "publish"],
)
def test_closing_wakes_whoever_waits(which: int, wait: Callable[[Any, Any], object]) -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    subscriber = crosspage.topic.subscriber("readings")
    handle = (publisher, subscriber)[which]
    threading.Timer(0.2, handle.close).start()
    before = time.monotonic()
    with pytest.raises(crosspage.Closed):
        wait(publisher, subscriber)
    assert 0.1 < time.monotonic() - before < 5
    for _ in range(2):
        handle.close()
        with pytest.raises(crosspage.Closed):
            wait(publisher, subscriber)


def test_waits_let_other_threads_run() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    crosspage.topic.subscriber("other", bytes)
    subscriber = crosspage.topic.subscriber("readings")
    while publisher.try_publish(counter=0):
        pass
    quiet = crosspage.topic.subscriber("other")

    def receive() -> None:
        with pytest.raises(TimeoutError):
            quiet.recv(timeout=0.5)

    def publish() -> None:
        with pytest.raises(TimeoutError):
            publisher.publish(counter=0, timeout=0.5)

    for wait in (receive, publish):
        counted = 0
        thread = threading.Thread(target=wait)
        thread.start()
        while thread.is_alive():
            counted += 1
            # What does not wait does not wait for the one that does.
            assert quiet.try_recv() is None and quiet.lost == 0 and quiet.publishers == 0
            assert publisher.try_publish(counter=1) is None and publisher.subscribers == 1
            time.sleep(0.001)
        assert counted > 50
    assert subscriber.try_recv() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is not sent to a child there")
@pytest.mark.parametrize(
    "wait",
    [
        "subscriber.recv()",
        "next(iter(subscriber))",
        "subscriber.recv_many(10)",
        "subscriber.wait_publishers(3)",
        "publisher.wait_subscribers(3)",
        "publisher.publish_many([Telemetry(counter=n) for n in range(100000)])",
        "large.publish(bytes(10_000_000))",
    ],
)
def test_ctrl_c_ends_a_wait(start: Start, wait: str) -> None:
    child = start(
        DECLARATION
        + f"""
import signal
# Whoever runs the tests in the background has it ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
subscriber = crosspage.topic.subscriber("readings")
large = crosspage.topic.publisher("large", bytes, policy="block", capacity=4096)
slow = crosspage.topic.subscriber("large")
print("waiting")
try:
    {wait}
except KeyboardInterrupt:
    print("interrupted")
assert publisher.subscribers == 1
"""
    )
    assert line(child) == "waiting"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert run(child, timeout=10) == "interrupted\n"


# ---- threads and processes -------------------------------------------------------------------


def test_threads_share_handles() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    received: list[tuple[int, int]] = []
    failed: list[BaseException] = []

    def publish(n: int) -> None:
        try:
            for i in range(500):
                publisher.publish(counter=n * 1000 + i, label=str(n * 1000 + i))
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    def receive() -> None:
        try:
            for record in subscriber:
                assert record.label == str(record.counter)
                received.append((crosspage.meta(record).sequence, record.counter))
                if len(received) == 2000:
                    subscriber.close()
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(4)]
    threads += [threading.Thread(target=receive) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failed
    assert [sequence for sequence, _ in sorted(received)] == list(range(1, 2001))
    by_thread = [[c for _, c in sorted(received) if c // 1000 == n] for n in range(4)]
    assert by_thread == [list(range(n * 1000, n * 1000 + 500)) for n in range(4)]


def test_publishing_from_within_a_publish() -> None:
    """Encoding a message calls Python, which may come back to the same handle."""
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings")

    class Devious:
        def __index__(self) -> int:
            publisher.publish(counter=1, label="inner")
            return 2

    assert publisher.publish(counter=Devious(), label="outer") == 2
    assert [record.label for record in drain(subscriber)] == ["inner", "outer"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_to_attach_anew() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    untyped = crosspage.topic.subscriber("readings")
    publisher.publish(counter=1)
    held = crosspage.topic.publisher("bytes", bytes)
    messages = crosspage.topic.subscriber("bytes")
    held.publish(bytes(100_000))
    message = messages.recv()
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        seen: list[Any] = []
        for call in (
            subscriber.try_recv, lambda: subscriber.recv(timeout=1), lambda: untyped.recv_many(3), messages.try_recv,
            lambda: publisher.publish(counter=2), lambda: publisher.publish_many([Telemetry(counter=2)]),
            lambda: held.loan(3).__enter__(), lambda: held.publish(bytes(100_000)),
            lambda: publisher.wait_subscribers(1), lambda: subscriber.wait_publishers(1),
        ):  # fmt: skip
            try:
                call()
                seen.append("nothing")
            except crosspage.Forked as error:
                seen.append("attach anew" in str(error))
            except BaseException as error:  # noqa: BLE001
                seen.append(repr(error))
        seen.append(len(bytes(message)))
        del message
        anew = crosspage.topic.subscriber("readings", Telemetry)
        crosspage.topic.publisher("readings", Telemetry).publish(counter=5)
        seen.append(anew.recv(timeout=5).counter)
        os.write(ends[1], repr(seen).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(ends[0], 10_000).decode() == repr([True] * 10 + [100_000, 5])
    assert publisher.publish(counter=3) == 2, "the parent's go on"
    assert message == bytes(100_000)
    assert sorted(record.counter for record in drain(subscriber)) == [1, 3, 5]


def pass_on(subscriber: Any, publisher: Any, n: int) -> Any:
    """What a pool's process does."""
    publisher.wait_subscribers(1)
    publisher.publish(counter=n)
    return subscriber.publishers


def test_handles_pickle_as_what_attaches_anew() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", send_time=True)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(pass_on, (subscriber, publisher, 7)) >= 1
    record = subscriber.recv(timeout=5)
    assert record.counter == 7 and crosspage.meta(record).publisher != os.getpid()
    again = pickle.loads(pickle.dumps(record))
    assert type(again) is Telemetry and crosspage.meta(again) == crosspage.meta(record)
    for handle in (
        crosspage.topic.publisher("b", bytes), crosspage.topic.subscriber("a", numpy.ndarray), crosspage.topic.subscriber("u"),
    ):  # fmt: skip
        unpickled = pickle.loads(pickle.dumps(handle))
        assert repr(unpickled) == repr(handle)


def test_options() -> None:
    publisher = crosspage.topic.publisher(
        "readings", Telemetry, policy="block", capacity=8192, max_message=4096, max_held=3, history=2, send_time=True,
        checksum=True, max_participants=8, permissions="group", lifetime="keep", timeout=1.5,
    )  # fmt: skip
    subscriber = crosspage.topic.subscriber("readings", policy="block", capacity=8192, checksum=True)
    publisher.publish(counter=1)
    assert subscriber.recv().counter == 1
    (page,) = crosspage.list()
    assert (page.name, page.pattern, page.lifetime) == ("readings", "topic", "keep")
    assert page.layout == crosspage.layout_of(Telemetry) and (page.version, page.age) == (None, None)
    assert sorted(p.role for p in page.participants) == ["publisher", "subscriber"]
    for wrong in ({"policy": "overwrite"}, {"capacity": 1 << 20}, {"send_time": False}, {"history": 7}):
        with pytest.raises(crosspage.Invalid, match=next(iter(wrong))):
            crosspage.topic.subscriber("readings", **wrong)  # type: ignore[call-overload]
    for bad, error in [
        ({"policy": "maybe"}, ValueError), ({"capacity": "big"}, TypeError), ({"writers": 2}, ValueError),
        ({"max_held": -1}, ValueError), ({"polcy": "block"}, ValueError), ({"lifetime": "long"}, ValueError),
    ]:  # fmt: skip
        with pytest.raises(error, match=next(iter(bad))):
            crosspage.topic.publisher("other", Telemetry, **bad)  # type: ignore[call-overload]
    with pytest.raises(crosspage.InUse):
        crosspage.remove("readings")
    publisher.close()
    subscriber.close()
    assert [page.name for page in crosspage.list()] == ["readings"], "kept"
    with crosspage.topic.publisher("gone", bytes):
        assert len(crosspage.list()) == 2
    assert len(crosspage.list()) == 1, "while_used: gone with the last"


@pytest.mark.skipif(sys.platform != "linux", reason="the page's file is found in /proc")
def test_a_checksum_that_does_not_hold() -> None:
    """The next receive goes on; in a batch the error comes behind what is good."""
    publisher = crosspage.topic.publisher("bytes", bytes, checksum=True, lifetime="keep")
    subscriber = crosspage.topic.subscriber("bytes")
    for text in (b"first message", b"second message", b"third message"):
        publisher.publish(text)
    path = page_file("bytes")
    with open(path, "r+b") as page:
        at = page.read().index(b"second message")
        page.seek(at)
        page.write(b"SECOND")
    assert subscriber.recv_many(10) == [b"first message"]
    with pytest.raises(crosspage.Corrupt, match="bytes"):
        subscriber.try_recv()
    assert subscriber.try_recv() == b"third message"


def page_file(name: str) -> str:
    """The file of a page of this namespace."""
    with open("/proc/self/maps") as maps:
        paths = {text.split()[-1] for text in maps if text.rstrip().endswith(f"@{name}.page")}
    return paths.pop()


def test_open_whatever_it_is() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.open("readings")
    assert isinstance(subscriber, crosspage.topic.Subscriber)
    publisher.publish(counter=1)
    assert subscriber.recv(timeout=1).counter == 1
    with pytest.raises(crosspage.NotFound, match="reading"):
        crosspage.open("reading")
    with pytest.raises(TimeoutError):
        crosspage.open("nothing", timeout=0.05)
    assert [page.name for page in crosspage.list()] == ["readings"], "open makes nothing"


def test_removal() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings")
    crosspage.remove("readings", force=True)
    for call in (subscriber.try_recv, lambda: subscriber.recv(timeout=1), lambda: publisher.publish(counter=1)):
        with pytest.raises(crosspage.Replaced):
            call()


def test_handles_say_what_they_are() -> None:
    publisher = crosspage.topic.publisher("robot1/arm", Telemetry)
    subscriber = crosspage.topic.subscriber("robot1/arm", Telemetry)
    assert repr(publisher) == '<crosspage.topic.Publisher of Telemetry in "robot1/arm">'
    assert repr(subscriber) == '<crosspage.topic.Subscriber of Telemetry in "robot1/arm">'
    assert "loan" in repr(publisher.loan(3)) and publisher.locator == subscriber.locator == "robot1/arm"
    assert publisher.layout == subscriber.layout == crosspage.layout_of(Telemetry)
    assert crosspage.topic.Publisher[Telemetry] is not None and crosspage.topic.Subscriber[Telemetry] is not None


def test_without_numpy(start: Start) -> None:
    """Records and bytes need none; only arrays do."""
    child = start(
        DECLARATION
        + """
sys.modules["numpy"] = None
publisher = crosspage.topic.publisher("readings", Telemetry)
subscriber = crosspage.topic.subscriber("readings")
publisher.publish(counter=1)
publisher.publish_many([Telemetry(counter=2)])
assert [subscriber.recv().counter, subscriber.recv().counter] == [1, 2]
publisher.publish(counter=3)
try:
    subscriber.recv_many(3)
except ImportError:
    assert subscriber.recv().counter == 3
publisher = crosspage.topic.publisher("bytes")
subscriber = crosspage.topic.subscriber("bytes")
publisher.publish(bytearray(b"x"))
assert subscriber.recv_many(3) == [b"x"]
with publisher.loan(1) as view:
    view[0] = 65
assert subscriber.recv() == b"A"
print("end")
"""
    )
    assert run(child) == "end\n"


def test_who_came_and_who_went():
    with crosspage.topic.publisher("events", bytes) as publisher:
        assert publisher.try_event() is None
        with pytest.raises(TimeoutError):
            publisher.wait_event(0.01)
        with crosspage.topic.subscriber("events") as subscriber:
            matched = publisher.wait_event(20)
            assert (matched.kind, matched.participant.role) == ("matched", "subscriber")
            assert matched.participant.pid == os.getpid()
            assert subscriber.wait_event(20).kind == "matched"
            assert subscriber.try_event() is None

        async def goes():
            return await publisher.wait_event_async(20)

        assert asyncio.run(goes()).kind == "gone"
        assert publisher.try_event() is None
        assert "subscriber" in repr(matched)
