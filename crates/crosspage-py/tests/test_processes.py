"""Handles and records in other processes and threads: pickled, forked, closed, and where the page is gone."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import crosspage


class Telemetry(crosspage.Struct):
    counter: crosspage.i32
    temperature: crosspage.f64 = 0.0


class Large(crosspage.Struct):
    counter: crosspage.i32
    data: Any = crosspage.array(crosspage.u8, 100_000)


def read(reader: Any) -> Any:
    return reader.read()


def read_pair(reader: Any, n: int) -> tuple[int, Any]:
    return n, reader.read()


# ---- pickled ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_take_handles_and_give_records(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method}")
    crosspage.latest.create("telemetry", Telemetry).write(counter=5)
    typed = crosspage.latest.open("telemetry", Telemetry)
    untyped = crosspage.latest.open("telemetry")
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        records = pool.map(read, [typed, untyped, typed])
    assert all(record == Telemetry(counter=5) for record in records)
    assert type(records[0]) is Telemetry
    assert type(records[1]) is type(untyped.read()), "classes that nobody declared are the same again"
    assert crosspage.meta(records[0]) == crosspage.meta(typed.read())  # type: ignore[arg-type]
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        assert executor.submit(read_pair, untyped, 3).result() == (3, Telemetry(counter=5))


def test_views_pickle() -> None:
    name = f"crosspage-pickled-{os.getpid()}"
    locator = f"win:Local\\{name}" if sys.platform == "win32" else f"posix:/{name}"
    with crosspage.foreign.create(locator, Telemetry) as view:
        view.write(counter=6)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(read, (view,)) == Telemetry(counter=6)
        pickled = pickle.dumps(view)
        again = pickle.loads(pickled)
        assert again.read() == view.read() and not again.created
        again.close()
    if sys.platform != "win32":  # there it is gone with its last handle
        crosspage.remove(locator, force=True)
    with pytest.raises(FileNotFoundError, match=name):
        pickle.loads(pickled)


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="pages need a file system that is shared")
def test_a_file_is_the_same_in_another_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        monkeypatch.chdir(directory)
        writer = crosspage.latest.create("file:./x.page", Telemetry)
        writer.write(counter=8)
        reader = crosspage.latest.open("file:x.page", Telemetry)
        monkeypatch.chdir(tmp_path)
        again = pickle.loads(pickle.dumps(reader))
        assert again.read() == Telemetry(counter=8)
        whole = again.locator.removeprefix("file:")
        assert os.path.isabs(whole) and os.path.samefile(whole, f"{directory}/x.page")
        reader.reopen()
        assert reader.read() == Telemetry(counter=8)
        for handle in (writer, reader, again):
            handle.close()


def test_unpickling_where_the_page_is_gone_or_another() -> None:
    class Local(crosspage.Struct):
        counter: crosspage.i64

    writer = crosspage.latest.create("telemetry", Telemetry)
    writer.write(counter=1)
    reader = crosspage.latest.open("telemetry", Telemetry)
    handles = [pickle.dumps(handle) for handle in (reader, writer)]
    with pytest.raises(crosspage.AlreadyOwned, match="this process"):
        pickle.loads(handles[1])
    writer.close()
    pickle.loads(handles[1]).close()
    reader.close()
    pickle.loads(pickle.dumps(reader)).close()  # Closed here, but no reason to be closed there.
    crosspage.remove("telemetry")
    with pytest.raises(crosspage.NotFound, match='page "telemetry" does not exist'):
        pickle.loads(handles[0])
    crosspage.latest.create("telemetry", Local)
    with pytest.raises(crosspage.LayoutError, match="counter"):
        pickle.loads(handles[0])
    with pytest.raises((pickle.PicklingError, AttributeError), match="Local"):  # as any local class
        pickle.dumps(crosspage.latest.open("telemetry", Local))


def test_records_of_a_class_that_changed_do_not_unpickle() -> None:
    global Telemetry
    record = pickle.dumps(Telemetry(counter=1))
    before = Telemetry
    try:

        class Telemetry(crosspage.Struct):  # type: ignore[no-redef]
            counter: crosspage.i64

        Telemetry.__qualname__ = "Telemetry"
        with pytest.raises(crosspage.Invalid, match="another layout of Telemetry"):
            pickle.loads(record)
    finally:
        Telemetry = before  # type: ignore[misc]


def follow(subscriber: Any) -> int:
    """How many messages come until one is empty."""
    count = 0
    for message in subscriber:
        if len(message) == 0:
            return count
        count += 1
    return -1


# Not by a fork server: it stays, with the namespace of the test that was the first to use it.
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_topics_between_the_processes_of_a_pool(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method}")
    if sys.platform == "win32":
        pytest.skip("under Wine the followers end well, but the pool does not hand over what they return")
    publisher = crosspage.topic.publisher("bytes", bytes, policy="block", capacity=1 << 16)
    subscriber = crosspage.topic.subscriber("bytes")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
        followers = [executor.submit(follow, subscriber) for _ in range(2)]
        subscriber.close()  # Theirs are their own.
        publisher.wait_subscribers(2, timeout=60)
        for n in range(1000):
            publisher.publish(b"x" * (n % 1000 + 1), timeout=60)
        publisher.publish(bytes(300_000), timeout=60)
        publisher.publish(b"", timeout=60)
        assert [follower.result(timeout=60) for follower in followers] == [1001, 1001]


# ---- forked ----------------------------------------------------------------------------------


def in_child(calls: list[Callable[[], object]]) -> list[str]:
    """What the calls raise in a forked child, which hangs in none of them."""
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        for call in calls:
            try:
                call()
                said = "nothing"
            except BaseException as error:  # noqa: BLE001
                said = type(error).__name__
            os.write(ends[1], said.encode() + b" ")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    os.close(ends[1])
    with os.fdopen(ends[0]) as answers:
        said = answers.read()
    assert status == 0, said
    return said.split()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_lock_that_another_thread_holds_at_a_fork() -> None:
    """In the child it is held for ever: nothing may wait for it."""
    writer = crosspage.latest.create("telemetry", Large)
    large = Large(counter=1, data=bytes(100_000))
    inside, leave = threading.Event(), threading.Event()

    def fill(slot: "crosspage.latest.Slot") -> None:
        inside.set()
        leave.wait()

    thread = threading.Thread(target=writer.write_with, args=(fill,))
    thread.start()
    inside.wait()
    calls = [lambda: writer.update(counter=1), lambda: writer.write(large), writer.participants, writer.close]
    assert in_child(calls) == ["Forked", "Forked", "Forked", "nothing"]
    leave.set()
    thread.join()
    assert writer.write(large) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_publisher_that_waits_at_a_fork() -> None:
    """In the child it is away for ever: nothing may wait for it."""
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    subscriber = crosspage.topic.subscriber("readings")
    while publisher.try_publish(counter=0) is not None:
        pass
    threads = [
        threading.Thread(target=publisher.publish, kwargs={"counter": 1}),
        threading.Thread(target=subscriber.wait_publishers, args=(2, 20)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    record = Telemetry(counter=2)
    calls = [
        lambda: publisher.publish(record), lambda: publisher.publish_many([record]), lambda: publisher.wait_subscribers(3),
        subscriber.try_recv, subscriber.recv, publisher.close, subscriber.close,
    ]  # fmt: skip
    assert in_child(calls) == ["Forked"] * 5 + ["nothing"] * 2
    second = crosspage.topic.publisher("readings", Telemetry)
    while subscriber.recv(timeout=5).counter != 1:
        pass
    for thread in threads:
        thread.join()
    assert second.publish(record) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_views_of_the_parent() -> None:
    locator = f"posix:/crosspage-forked-{os.getpid()}"
    view = crosspage.foreign.create(locator, Telemetry)
    try:
        calls = [view.read, lambda: view.write(counter=1), lambda: view.update(counter=1), view.bytes,
                 lambda: view.read_ready("counter", timeout=5), lambda: view["counter"], view.close]  # fmt: skip
        assert in_child(calls) == ["Forked"] * 6 + ["nothing"]
        thread = threading.Thread(target=lambda: view.read_ready("counter"))
        thread.start()
        time.sleep(0.1)
        assert in_child(calls) == ["Forked"] * 6 + ["nothing"]
        view.update(counter=1)
        thread.join()
        attached = [lambda: crosspage.foreign.open(locator, Telemetry).read()]
        assert in_child(attached) == ["nothing"]  # type: ignore[arg-type]
    finally:
        crosspage.remove(locator, force=True)


# ---- closed, and other threads ---------------------------------------------------------------


def test_every_call_on_a_closed_handle() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry, max_pins=1)
    reader = crosspage.latest.open("telemetry", Telemetry)
    writer.write(counter=1)
    name = f"crosspage-closed-{os.getpid()}"
    locator = f"win:Local\\{name}" if sys.platform == "win32" else f"posix:/{name}"
    view = crosspage.foreign.create(locator, Telemetry)
    for handle in (writer, reader, view):
        handle.close()
        handle.close()
        assert "Telemetry" in repr(handle) and handle.layout.size == 16 and handle.locator
    calls: list[Callable[[], object]] = [
        lambda: writer.write(counter=1), lambda: writer.update(counter=1), lambda: writer.write_with(print),
        writer.participants, reader.read, lambda: reader.read_into(bytearray(16)), reader.read_pinned,
        reader.wait_changed, reader.participants, view.read, lambda: view.read_stable(), view.bytes,
        lambda: view.read_ready("counter"), lambda: view.write(counter=1), lambda: view.update(counter=1),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(crosspage.Closed, match="is closed"):
            call()
    assert list(reader) == []
    if sys.platform != "win32":  # there it is gone with its last handle
        crosspage.remove(locator)


def test_every_call_on_a_closed_handle_of_a_topic() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    untyped = crosspage.topic.subscriber("nothing")
    other = crosspage.topic.publisher("nothing")
    with pytest.raises(crosspage.Closed):
        with publisher.loan(16) as view:
            for handle in (publisher, subscriber, untyped, other):
                handle.close()
                handle.close()
                assert "topic" in repr(handle) and handle.locator
            view[:] = bytes(16)  # It is still mapped.
    assert publisher.layout == subscriber.layout == crosspage.layout_of(Telemetry) and untyped.layout is None
    calls: list[Callable[[], object]] = [
        lambda: publisher.publish(counter=1), lambda: publisher.try_publish(counter=1), lambda: publisher.subscribers,
        lambda: publisher.publish_many([Telemetry(counter=1)]), lambda: publisher.wait_subscribers(0), publisher.participants,
        lambda: publisher.publish(bytes(16)), publisher.loan(16).__enter__,
        subscriber.try_recv, subscriber.recv, lambda: subscriber.recv_many(3), lambda: subscriber.lost,
        lambda: subscriber.publishers, lambda: subscriber.wait_publishers(0), subscriber.participants,
        untyped.try_recv, untyped.recv, lambda: other.publish(b"x"), other.loan(3).__enter__,
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(crosspage.Closed, match="is closed"):
            call()
    assert list(subscriber) == [] and list(untyped) == []


@pytest.mark.skipif(sys.platform != "linux", reason="maps are read in /proc")
def test_closing_unmaps() -> None:
    def mapped() -> bool:
        with open("/proc/self/maps") as maps:
            return any("unmapped" in line for line in maps)

    writer = crosspage.latest.create("unmapped", Telemetry)
    reader = crosspage.latest.open("unmapped", Telemetry)
    assert mapped()
    writer.close()
    reader.close()
    assert not mapped(), "although the handles live"
    reader.reopen()
    assert mapped() and reader.read() is None
    reader.close()

    publisher = crosspage.topic.publisher("unmapped-topic", bytes)
    subscriber = crosspage.topic.subscriber("unmapped-topic")
    publisher.publish(bytes(100_000))
    message = subscriber.recv()
    with publisher.loan(100_000) as loan:
        view = loan[10:]
    publisher.close()
    subscriber.close()
    assert mapped(), "as a message is held, and a loan is seen"
    assert message == bytes(100_000)
    del message
    assert mapped()
    del view
    assert not mapped()


def test_a_large_record_from_within_a_filling() -> None:
    writer = crosspage.latest.create("telemetry", Large)
    large = Large(counter=1, data=bytes(100_000))

    def fill(slot: "crosspage.latest.Slot") -> None:
        with pytest.raises(crosspage.Invalid, match="is filling a value"):
            writer.write(large)

    assert writer.write_with(fill) == 1


def test_closing_while_others_read_and_write() -> None:
    for _ in range(20):
        writer = crosspage.latest.create("telemetry", Telemetry)
        reader = crosspage.latest.open("telemetry", Telemetry)
        failed: list[BaseException] = []

        def work(call: Callable[[], object]) -> None:
            try:
                while True:
                    call()
            except crosspage.Closed:
                pass
            except BaseException as error:  # noqa: BLE001
                failed.append(error)

        calls = [reader.read, lambda: writer.write(counter=1), reader.wait_changed]  # noqa: B023
        threads = [threading.Thread(target=work, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        time.sleep(0.005)
        reader.close()
        writer.close()
        for thread in threads:
            thread.join()
        assert not failed


def test_a_handler_that_writes_to_the_log() -> None:
    """Logging runs Python code in the middle of a call, which may come back to the same handle."""
    program = """
import logging, crosspage
class Telemetry(crosspage.Struct):
    counter: crosspage.i32
with crosspage.testing.namespace():
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry")
    class Handler(logging.Handler):
        def emit(self, record):
            if "again" not in record.getMessage():
                try:
                    writer.write(counter=1)
                    reader.read()
                except crosspage.Error:
                    pass
    logging.getLogger("crosspage").addHandler(Handler())
    logging.getLogger("crosspage").setLevel(logging.DEBUG)
    crosspage.latest.open("telemetry").close()
    crosspage.remove("telemetry", force=True)
    for handle in (writer, reader):
        handle.close()
print("end")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
