"""Nothing is left behind: no descriptors, maps, locks, participants or memory."""

import asyncio
import ctypes
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import crosspage

LONG = "CROSSPAGE_LONG" in os.environ
NAME = f"crosspage-leaks-{os.getpid()}"
LOCATOR = f"win:Local\\{NAME}" if sys.platform == "win32" else f"posix:/{NAME}"


class Telemetry(crosspage.Struct):
    counter: crosspage.i32
    temperature: crosspage.f64


class Other(crosspage.Struct):
    counter: crosspage.i64


@pytest.fixture
def page() -> Iterator["crosspage.latest.Writer[Telemetry]"]:
    with crosspage.latest.create("telemetry", Telemetry, writers=2, max_pins=2, max_participants=8) as writer:
        writer.write(counter=1, temperature=0.5)
        yield writer


@pytest.fixture
def segment() -> Iterator["crosspage.foreign.View[Telemetry]"]:
    with crosspage.foreign.create(LOCATOR, Telemetry) as view:
        yield view
    if sys.platform != "win32":  # there it is gone with its last handle
        crosspage.remove(LOCATOR)


def handles() -> int:
    """The handles of this process on Windows: out of all there are, as Wine's GetProcessHandleCount says 0."""
    extended_handle_information, too_small = 64, 0xC0000004
    query = ctypes.WinDLL("ntdll").NtQuerySystemInformation  # type: ignore[attr-defined]
    size = 1 << 20
    while True:
        words = (ctypes.c_size_t * (size // ctypes.sizeof(ctypes.c_size_t)))()
        status = query(extended_handle_information, words, ctypes.c_ulong(ctypes.sizeof(words)), None)
        if status & 0xFFFFFFFF != too_small:
            break
        size *= 2
    assert status == 0
    # How many, a reserved word, and five words for each: the second is its process.
    count = sum(pid == os.getpid() for pid in words[3 : 2 + 5 * words[0] : 5])
    assert count > 0
    return count


def held() -> dict[str, int]:
    """What the operating system holds for this process."""
    gc.collect()
    if sys.platform == "win32":
        return {"handles": handles()}
    if sys.platform != "linux":
        return {"descriptors": len(os.listdir("/dev/fd")), "threads": threading.active_count()}
    with open("/proc/self/maps") as maps:
        mapped = [line.split() for line in maps if "/dev/shm/" in line or "SYSV" in line]
    # Device and inode: another file system has the same numbers for what others do meanwhile.
    files = {f"{line[3]}:{line[4]}" for line in mapped}
    with open("/proc/locks") as locks:
        locked = [line for line in locks if line.split()[-3] in files]
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "maps": len(mapped),
        "locks": len(locked),
    }


class Allocated(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def memory() -> dict[str, int]:
    """Bytes that are in use: of Rust's, where the C library says it, and Python's."""
    gc.collect()
    use = {"blocks of Python": 64 * sys.getallocatedblocks()}
    if sys.platform == "linux":
        with open("/proc/self/statm") as statm:
            use["resident"] = int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
        if mallinfo2 is not None:  # not musl's, nor one before glibc 2.33
            mallinfo2.restype = Allocated
            use["allocated"] = mallinfo2().uordblks
    return use


def repeat(times: int, cycle: Callable[[], object], noise: float = 8) -> None:
    """Runs `cycle` so often, after which all is as it was but for `noise` bytes a time."""
    for _ in range(max(times // 10, 20)):  # caches are filled, and threads have their stores
        cycle()
    before, used = held(), memory()
    for _ in range(times):
        cycle()
    now = memory()
    assert held() == before
    grown = {what: now[what] - used[what] for what in used}
    limits = dict.fromkeys(grown, (32 << 10) + int(noise * times)) | {"resident": 1 << 20}
    assert all(grown[what] <= limits[what] for what in grown), grown


def read(reader: "crosspage.latest.Reader[Any]") -> None:
    record = reader.read()
    assert record is not None and record.counter == 1


def test_ten_thousand_readers(page: Any) -> None:
    def cycle() -> None:
        with crosspage.latest.open("telemetry", Telemetry) as reader:
            read(reader)

    repeat(10_000, cycle)
    assert [p.role for p in page.participants()] == ["writer"]


def unclosed() -> None:
    read(crosspage.latest.open("telemetry"))


def read_only() -> None:
    read(crosspage.latest.open("telemetry", Telemetry, read_only=True))


def pinned() -> None:
    reader = crosspage.latest.open("telemetry", Telemetry)
    value = reader.read_pinned()
    assert value is not None and memoryview(value)[0] == 1


def second_writer() -> None:
    with crosspage.latest.create("telemetry", Telemetry) as writer:
        writer.write(counter=1, temperature=2)


def unclosed_writer() -> None:
    crosspage.latest.attach("telemetry", Telemetry).update(counter=1)


def unpickled() -> None:
    read(pickle.loads(pickle.dumps(crosspage.latest.open("telemetry", Telemetry))))


def refused() -> None:
    for name, declared in (("telemetry", Other), ("nothing", None)):
        with pytest.raises(crosspage.Error):
            crosspage.latest.open(name, declared)
    third = crosspage.latest.attach("telemetry", Telemetry)
    with pytest.raises(crosspage.AlreadyOwned):
        crosspage.latest.create("telemetry", Telemetry)
    third.close()


def part_of_a_cycle() -> None:
    """What only the garbage collector finds."""
    knot: list[Any] = [crosspage.latest.open("telemetry")]
    knot.append(knot)
    read(knot[0])
    del knot
    gc.collect()


def whole_page() -> None:
    with crosspage.latest.create("another", Telemetry, lifetime="while_used") as writer:
        writer.write(counter=1, temperature=2)


def replaced_page() -> None:
    for declared in (Telemetry, Other):
        writer = crosspage.latest.create("another", declared)
        reader = crosspage.latest.open("another")
        crosspage.remove("another", force=True)
        with pytest.raises(crosspage.Replaced):
            reader.read()
        writer.close()


@pytest.mark.parametrize(
    ("cycle", "times"),
    [
        (unclosed, 1000), (read_only, 1000), (pinned, 1000), (second_writer, 1000), (unclosed_writer, 1000),
        (unpickled, 1000), (refused, 500), (part_of_a_cycle, 50), (whole_page, 300), (replaced_page, 100),
    ],
    ids=lambda of: getattr(of, "__name__", ""),
)  # fmt: skip
@pytest.mark.usefixtures("page")
def test_handles(cycle: Callable[[], object], times: int) -> None:
    if sys.platform == "win32" and cycle is replaced_page:
        pytest.skip("a page that is used is not removed at once there")
    repeat(10 * times if LONG else times, cycle)


@pytest.mark.usefixtures("segment")
def test_views() -> None:
    def cycle() -> None:
        with crosspage.foreign.open(LOCATOR, Telemetry) as view:
            assert view.read().counter == 0
        crosspage.foreign.open(LOCATOR, Telemetry, read_only=True).read_stable(timeout=1)

    repeat(10_000 if LONG else 1000, cycle)


def test_calls(page: Any, segment: Any) -> None:
    """What is called a million times, on one handle."""
    reader, record = crosspage.latest.open("telemetry", Telemetry), Telemetry(counter=1, temperature=1)
    into = bytearray(bytes(record))

    def cycle() -> None:
        page.write(counter=1, temperature=2)
        page.write(record)
        page.update(counter=1)
        read(reader)
        reader.read_into(into)
        reader.wait_changed(since=0)
        crosspage.replace(record, counter=1)
        pickle.loads(pickle.dumps(record))
        crosspage.to_dict(record)
        repr(record)
        segment.write(record)
        segment.update(counter=1)
        for wrong in ({"countr": 1}, {"counter": 2**40}, {"counter": "x"}):
            with pytest.raises((TypeError, ValueError)):
                page.update(**wrong)
        with pytest.raises(AttributeError):
            record.countr  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(KeyError):
            record["countr"]

    repeat(5000 if LONG else 500, cycle)


def test_awaiting(page: Any) -> None:
    reader = crosspage.latest.open("telemetry", Telemetry)

    async def cycles() -> None:
        for n in range(20):
            waiting = [asyncio.ensure_future(reader.wait_changed_async()) for _ in range(3)]
            waiting[2].cancel()
            version = page.write(counter=1, temperature=n)
            await asyncio.gather(*waiting[:2])
            with pytest.raises(TimeoutError):
                await reader.wait_changed_async(since=version, timeout=0)
            (await crosspage.latest.open_async("telemetry", Telemetry)).close()

    def cycle() -> None:
        asyncio.run(cycles())
        while sys.platform == "linux" and len(os.listdir("/proc/self/task")) > threads:
            pass  # A cancelled wait ends within its slice.

    threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0
    repeat(20 if LONG else 5, cycle, noise=2048)


# ---- topics ----------------------------------------------------------------------------------


@pytest.fixture
def topic() -> Iterator["crosspage.topic.Publisher[Any]"]:
    with crosspage.topic.publisher("bytes", bytes, max_participants=8, capacity=1 << 20, max_held=2) as publisher:
        publisher.publish(b"first")
        yield publisher


def subscribers() -> None:
    for T in (bytes, None):
        subscriber = crosspage.topic.subscriber("bytes", T)
        assert subscriber.try_recv() is None and subscriber.publishers >= 1
    subscriber.close()


def publishers() -> None:
    crosspage.topic.publisher("bytes").publish(b"x")
    with crosspage.topic.publisher("bytes", bytes) as publisher:
        publisher.publish(bytes(20_000))


def held_messages() -> None:
    publisher = crosspage.topic.publisher("bytes", bytes)
    subscriber = crosspage.topic.subscriber("bytes")
    for n in range(5):  # more than may be held
        publisher.publish(bytes([n]) * 20_000)
    messages = subscriber.recv_many(10)
    views = [memoryview(message) for message in messages]
    subscriber.close()
    publisher.close()
    assert [view[0] for view in views] == list(range(5))


def loans() -> None:
    publisher = crosspage.topic.publisher("bytes", bytes)
    for n in range(5):
        with publisher.loan(20_000) as view:
            view[0] = n
    with pytest.raises(RuntimeError):
        with publisher.loan(20_000):
            raise RuntimeError
    with publisher.loan(20_000) as view:
        part = view[1:]
    publisher.close()
    part[0] = 1
    publisher.loan(10)
    never = crosspage.topic.publisher("bytes").loan(20_000)
    never.__enter__()


def knotted_messages() -> None:
    """What only the garbage collector finds."""
    publisher = crosspage.topic.publisher("bytes", bytes)
    knot: list[Any] = [publisher, crosspage.topic.subscriber("bytes")]
    publisher.publish(bytes(20_000))
    knot += [knot, knot[1].recv()]
    del knot, publisher
    gc.collect()


def whole_topic() -> None:
    publisher = crosspage.topic.publisher("another", Telemetry)
    subscriber = crosspage.topic.subscriber("another")
    publisher.publish(counter=1, temperature=2)
    assert subscriber.recv().counter == 1


def refused_topics() -> None:
    for T in (Telemetry, Other):
        with pytest.raises(crosspage.Error):
            crosspage.topic.subscriber("bytes", T)
        with pytest.raises(crosspage.Error):
            crosspage.topic.publisher("bytes", T)
    with pytest.raises(crosspage.Error):
        crosspage.topic.subscriber("bytes", policy="block")


def unpickled_topics() -> None:
    publisher = pickle.loads(pickle.dumps(crosspage.topic.publisher("bytes", bytes)))
    subscriber = pickle.loads(pickle.dumps(crosspage.topic.subscriber("bytes")))
    publisher.publish(b"x")
    assert pickle.loads(pickle.dumps(subscriber.recv())) == b"x"


@pytest.mark.parametrize(
    ("cycle", "times"),
    [
        (subscribers, 1000), (publishers, 1000), (held_messages, 300), (loans, 300), (knotted_messages, 50),
        (whole_topic, 200), (refused_topics, 300), (unpickled_topics, 300),
    ],
    ids=lambda of: getattr(of, "__name__", ""),
)  # fmt: skip
@pytest.mark.usefixtures("topic")
def test_topics(cycle: Callable[[], object], times: int) -> None:
    repeat(10 * times if LONG else times, cycle)


def test_messages(topic: Any) -> None:
    """What is called a million times, on one handle."""
    numpy = pytest.importorskip("numpy")
    readings = crosspage.topic.publisher("readings", Telemetry, send_time=True, policy="block", capacity=4096)
    records = crosspage.topic.subscriber("readings", Telemetry)
    messages = crosspage.topic.subscriber("bytes")
    frames = crosspage.topic.publisher("frames", numpy.ndarray, max_held=2, capacity=1 << 20)
    arrays = crosspage.topic.subscriber("frames")
    record, frame = Telemetry(counter=1, temperature=2), numpy.ones((100, 100), "f4")

    def cycle() -> None:
        readings.publish(record)
        readings.publish(counter=1, temperature=2)
        readings.publish_many([record, bytes(record)])
        assert crosspage.meta(records.recv()).sent_at
        assert len(records.recv_many(10)) == 3
        assert records.try_recv() is None
        with pytest.raises(TimeoutError):
            records.recv(timeout=0)
        for value in (b"x", bytes(30_000)):
            topic.publish(value)
            message = messages.recv()
            assert message == value and memoryview(message) == value
            repr(message)
        frames.publish(frame)
        with frames.loan_array((100, 100), "f4") as array:
            array[:] = 3
        with frames.loan_array((100, 100), "f4") as array:
            view = array[1:]
        view[:] = 2
        kept = [arrays.recv() for _ in range(3)]
        assert crosspage.meta(kept[1][3:]).sequence and kept[1].sum() == 30_000
        for wrong in ({"countr": 1}, {"counter": 2**40, "temperature": 1}, {"counter": "x", "temperature": 1}):
            with pytest.raises((TypeError, ValueError)):
                readings.publish(**wrong)
        for array in (frame[:, 1], numpy.array([None])):
            with pytest.raises(ValueError):
                frames.publish(array)

    for _ in range(100):  # until every publisher has all the memory that it takes
        cycle()
    repeat(2000 if LONG else 300, cycle)


def test_awaiting_messages(topic: Any) -> None:
    subscriber = crosspage.topic.subscriber("bytes")
    full = crosspage.topic.publisher("full", bytes, policy="block", capacity=4096)
    crosspage_full = crosspage.topic.subscriber("full")
    while full.try_publish(b"x" * 100) is not None:
        pass

    async def cycles() -> None:
        for _ in range(20):
            waiting = [asyncio.create_task(subscriber.recv_async()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[2].cancel()
            topic.publish_many([b"a", b"b"])
            await asyncio.gather(*waiting[:2])
            with pytest.raises(TimeoutError):
                await subscriber.recv_many_async(3, timeout=0)
            await topic.publish_async(b"c")
            await subscriber.recv_async()
            sending = asyncio.ensure_future(full.publish_async(b"y" * 100))
            await asyncio.sleep(0)
            sending.cancel()

    def cycle() -> None:
        asyncio.run(cycles())
        while sys.platform == "linux" and len(os.listdir("/proc/self/task")) > threads:
            pass  # A cancelled wait ends within its slice.

    threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0
    repeat(20 if LONG else 5, cycle, noise=2048)
    assert crosspage_full.try_recv() == b"x" * 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forked_workers_of_a_topic(topic: Any) -> None:
    subscriber = crosspage.topic.subscriber("bytes")
    topic.publish(bytes(30_000))
    message = subscriber.recv()
    mine, before = left(topic), held()
    for n in range(60):  # more than the page has places for
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for call in (subscriber.try_recv, lambda: topic.publish(b"x")):
                    with pytest.raises(crosspage.Forked):
                        call()
                own = crosspage.topic.publisher("bytes", bytes)
                others = crosspage.topic.subscriber("bytes")
                own.publish(bytes([n]) * 30_000)
                kept = others.recv(timeout=20)
                if n % 3 == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                elif n % 3 == 1:
                    for handle in (own, others, subscriber, topic):
                        handle.close()
                    del message
                assert kept == bytes([n]) * 30_000
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        assert status == (signal.SIGKILL if n % 3 == 0 else 0)
        assert subscriber.recv(timeout=20) == bytes([n]) * 30_000
        if n % 10 == 0:
            assert left(topic) == mine
    assert left(topic) == mine
    assert message == bytes(30_000), "what is held stays, whoever dies"
    del message
    subscriber.close()
    subscriber = crosspage.topic.subscriber("bytes")
    assert held()["descriptors"] == before["descriptors"]


# ---- processes -------------------------------------------------------------------------------


def left(page: Any) -> list[tuple[str, int]]:
    return [(p.role, p.pid) for p in page.participants() if p.alive]


def attach_anew() -> list[Any]:
    """Handles of a child's own."""
    reader = crosspage.latest.open("telemetry", Telemetry)
    read(reader)
    writer = crosspage.latest.attach("telemetry", Telemetry)
    writer.update(temperature=1.5)
    return [reader, writer]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_hundred_forked_workers(page: Any) -> None:
    reader = crosspage.latest.open("telemetry", Telemetry)
    mine, before = left(page), held()
    for n in range(100):  # more than the page has places for
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for handle in (reader, page):
                    with pytest.raises(crosspage.Forked):
                        getattr(handle, "read", page.update)(**({} if handle is reader else {"counter": 2}))
                handles = attach_anew()
                if n % 3 == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                elif n % 3 == 1:
                    for handle in (*handles, reader, page):
                        handle.close()
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        assert status == (signal.SIGKILL if n % 3 == 0 else 0)
        if n % 10 == 0:
            read(reader)
            assert left(page) == mine
    assert (held(), left(page)) == (before, mine)
    anew = attach_anew()
    assert len(page.participants()) == len(mine) + 2, "the places of the dead are free again"
    del anew
    assert page.write(counter=1, temperature=0) == 103


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_keeps_nothing_of_its_parents_alive(page: Any) -> None:
    """A fork copies descriptors, and with them locks: of a dead writer they would say that it lives."""
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ends[1])
        os.read(ends[0], 1)  # until the parent has closed it
        os._exit(0)
    try:
        page.close()
        both = [crosspage.latest.create("telemetry", Telemetry) for _ in range(2)]
        assert [role for role, _ in left(both[0])] == ["writer"] * 2
        with pytest.raises(crosspage.AlreadyOwned):
            crosspage.latest.create("telemetry", Telemetry)
    finally:
        os.close(ends[1])
        os.waitpid(pid, 0)


def work(reader: Any, writer: Any, n: int) -> Any:
    writer.update(temperature=n)
    return reader.read()


def die_attached() -> None:
    handles = attach_anew()
    os.kill(os.getpid(), signal.SIGTERM)
    del handles


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method}")
    context: Any = multiprocessing.get_context(method)
    # Its resource tracker is a process that stays, with a pipe.
    started = context.Process(target=int)
    started.start()
    started.join()
    page = crosspage.latest.create("telemetry", Telemetry, writers=4)
    page.write(counter=1, temperature=0)
    reader = crosspage.latest.open("telemetry", Telemetry)
    mine, before = left(page), held()
    with context.Pool(2) as pool:
        done = pool.starmap(work, [(reader, page, n) for n in range(50 if LONG else 10)])
        assert all(type(record) is Telemetry for record in done)
        assert crosspage.meta(done[0]).writer != os.getpid()
    pool.join()
    for _ in range(10 if LONG else 2):
        killed = context.Process(target=die_attached)
        killed.start()
        killed.join()
        assert killed.exitcode not in (0, 1)
        killed.close()
    del pool, killed
    assert (held(), left(page)) == (before, mine)
    read(reader)
