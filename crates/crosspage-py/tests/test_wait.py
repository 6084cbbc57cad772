"""Waiting for several handles at once, and in event loops that know descriptors."""

import asyncio
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import line, run

import crosspage

Start = Callable[..., "subprocess.Popen[str]"]


class Telemetry(crosspage.Struct):
    counter: crosspage.i32


def later(act: Callable[[], Any]) -> None:
    threading.Timer(0.1, act).start()


def test_whichever_has_news() -> None:
    writer = crosspage.latest.create("page", Telemetry)
    first = crosspage.topic.publisher("first", bytes)
    second = crosspage.topic.publisher("second", bytes)
    reader = crosspage.latest.open("page")
    one, two = crosspage.topic.subscriber("first"), crosspage.topic.subscriber("second")
    handles = [one, reader, two]
    with pytest.raises(TimeoutError, match="3 handles"):
        crosspage.wait(handles, timeout=0)
    before = time.monotonic()
    with pytest.raises(crosspage.TimedOut):
        crosspage.wait(handles, timeout=0.12)
    assert 0.1 < time.monotonic() - before < 5

    later(lambda: second.publish(b"2"))
    assert crosspage.wait(handles, timeout=10) == [two]
    first.publish(b"1")
    assert crosspage.wait(handles) == [one, two], "what is ready is not taken"
    assert (one.try_recv(), two.try_recv()) == (b"1", b"2")
    later(lambda: writer.write(counter=1))
    assert crosspage.wait(iter(handles)) == [reader]
    assert reader.read().counter == 1
    with pytest.raises(TimeoutError):
        crosspage.wait(handles, timeout=0)
    later(lambda: writer.write(counter=2))
    assert crosspage.wait([reader]) == [reader] and reader.wait_changed(timeout=0).counter == 2

    later(one.close)
    assert crosspage.wait(handles, timeout=10) == [one]
    with pytest.raises(crosspage.Closed):
        one.recv()
    later(reader.close)
    assert crosspage.wait([reader, two], timeout=10) == [reader]


def test_what_cannot_be_waited_for() -> None:
    publisher = crosspage.topic.publisher("bytes", bytes)
    with pytest.raises(TypeError, match="not Publisher"):
        crosspage.wait([publisher])  # type: ignore[type-var]
    with pytest.raises(TypeError):
        crosspage.wait(publisher)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="for ever"):
        crosspage.wait([])
    with pytest.raises(TimeoutError):
        crosspage.wait([], timeout=0.01)
    with pytest.raises(ValueError):
        crosspage.wait([crosspage.topic.subscriber("bytes")], timeout=-1)


def test_more_than_a_system_waits_for_at_once() -> None:
    publishers = [crosspage.topic.publisher(f"topic/{n}", bytes) for n in range(10)]
    subscribers = [crosspage.topic.subscriber(f"topic/{n % 10}") for n in range(150)]
    later(lambda: publishers[9].publish(b"x"))
    ready = crosspage.wait(subscribers, timeout=10)
    assert ready and all(subscriber in subscribers[9::10] for subscriber in ready)


def test_a_reader_that_leaves_no_trace() -> None:
    writer = crosspage.latest.create("page", Telemetry)
    quiet = crosspage.latest.open("page", read_only=True)
    later(lambda: writer.write(counter=3))
    assert crosspage.wait([quiet, crosspage.topic.subscriber("bytes")], timeout=10) == [quiet]


def test_tasks() -> None:
    writer = crosspage.latest.create("page", Telemetry)
    reader = crosspage.latest.open("page")
    publisher = crosspage.topic.publisher("bytes", bytes)
    subscriber = crosspage.topic.subscriber("bytes")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            await crosspage.wait_async([reader, subscriber], timeout=0)
        with pytest.raises(TimeoutError):
            await crosspage.wait_async([reader, subscriber], timeout=0.1)
        loop.call_later(0.1, lambda: publisher.publish(b"x"))
        assert await crosspage.wait_async([reader, subscriber], timeout=10) == [subscriber]
        assert subscriber.try_recv() == b"x"
        loop.call_later(0.1, lambda: writer.write(counter=1))
        assert await crosspage.wait_async([reader, subscriber], timeout=10) == [reader]
        assert reader.read().counter == 1
        loop.call_later(0.1, subscriber.close)
        assert await crosspage.wait_async([reader, subscriber], timeout=10) == [subscriber]

    asyncio.run(main())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no descriptors there")
def test_descriptors() -> None:
    writer = crosspage.latest.create("page", Telemetry)
    reader = crosspage.latest.open("page", Telemetry)
    publisher = crosspage.topic.publisher("bytes", bytes)
    subscriber = crosspage.topic.subscriber("bytes")
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        selector.register(subscriber, selectors.EVENT_READ)

        def ready(timeout: float) -> list[Any]:
            return [key.fileobj for key, _ in selector.select(timeout)]

        assert ready(0.05) == []
        for n in range(3):
            later(lambda: publisher.publish(b"x"))
            assert ready(10) == [subscriber]
            assert subscriber.try_recv() == b"x" and subscriber.try_recv() is None
            later(lambda n=n: writer.write(counter=n))  # type: ignore[misc]
            assert ready(10) == [reader]
            assert reader.read().counter == n
            deadline = time.monotonic() + 5  # It may be ready for nothing, once.
            while ready(0.05) and time.monotonic() < deadline:
                assert subscriber.try_recv() is None and reader.read().counter == n
            assert ready(0.05) == []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        got: asyncio.Future[Any] = loop.create_future()
        loop.add_reader(reader, lambda: got.done() or got.set_result(reader.read()))
        loop.call_later(0.1, lambda: writer.write(counter=7))
        assert (await asyncio.wait_for(got, 10)).counter == 7
        loop.remove_reader(reader)

    asyncio.run(main())
    assert reader.fileno() == reader.fileno() >= 0
    reader.close()
    with pytest.raises(crosspage.Closed):
        reader.fileno()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is not sent to a child there")
def test_ctrl_c_ends_a_wait(start: Start) -> None:
    child = start("""
import signal, crosspage
signal.signal(signal.SIGINT, signal.default_int_handler)
handles = [crosspage.topic.subscriber("first"), crosspage.topic.subscriber("second")]
print("waiting")
try:
    crosspage.wait(handles)
except KeyboardInterrupt:
    print("interrupted")
""")
    assert line(child) == "waiting"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert run(child, timeout=10) == "interrupted\n"
