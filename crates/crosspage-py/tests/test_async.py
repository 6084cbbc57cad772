"""The waits of asyncio."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

import crosspage


class Telemetry(crosspage.Struct):
    counter: crosspage.i32


def threads() -> int:
    """How many threads this process has."""
    return len(list(Path("/proc/self/task").iterdir())) if sys.platform == "linux" else 0


def test_waiting_lets_the_loop_run() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)

    async def write() -> None:
        for n in range(5):
            await asyncio.sleep(0.02)
            writer.write(counter=n)
        await asyncio.sleep(0.1)
        reader.close()

    async def main() -> list[int]:
        task = asyncio.create_task(write())
        seen = [record.counter async for record in reader]
        await task
        return seen

    seen = asyncio.run(main())
    assert seen == sorted(set(seen)) and seen[-1] == 4, "ends with the handle"


def test_what_is_there_already_and_what_never_comes() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    writer.write(counter=1)

    async def main() -> None:
        record = await reader.wait_changed_async()
        assert record.counter == 1 and crosspage.meta(record).version == 1
        before = time.monotonic()
        with pytest.raises(TimeoutError):
            await reader.wait_changed_async(timeout=0.12)
        assert 0.1 < time.monotonic() - before < 5
        assert (await reader.wait_changed_async(since=0, timeout=0)).counter == 1
        with pytest.raises(ValueError):
            await reader.wait_changed_async(timeout=-1)

    asyncio.run(main())


def test_a_close_wakes_the_waiting() -> None:
    crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.1, reader.close)
        with pytest.raises(crosspage.Closed):
            await reader.wait_changed_async()

    asyncio.run(main())


def test_a_thousand_waits_on_one_loop() -> None:
    """They share a few threads, each is woken by what it waits for, and idle they cost next to nothing."""
    pages = [crosspage.latest.create(f"page/{n}", Telemetry) for n in range(20)]
    topics = [crosspage.topic.publisher(f"topic/{n}", Telemetry) for n in range(20)]
    readers = [(n, crosspage.latest.open(f"page/{n}", Telemetry)) for n in range(20) for _ in range(5)]
    subscribers = [(n, crosspage.topic.subscriber(f"topic/{n}")) for n in range(20) for _ in range(25)]

    async def main() -> None:
        before = threads()
        waits = [(n, asyncio.create_task(subscriber.recv_async())) for n, subscriber in subscribers]
        waits += [(n, asyncio.ensure_future(reader.wait_changed_async())) for n, reader in readers for _ in range(5)]
        matched = [asyncio.ensure_future(publisher.wait_subscribers_async(26)) for publisher in topics]
        opened = [asyncio.ensure_future(crosspage.latest.open_async(f"late/{n % 2}", timeout=None)) for n in range(4)]
        assert len(waits) == 1000
        await asyncio.sleep(0.5)
        used = time.process_time()
        await asyncio.sleep(1)
        used = time.process_time() - used
        if sys.platform != "win32":  # where Wine does some of it
            assert used < 0.5, f"{used} s of a second while nothing happens"
        assert threads() < before + 20
        assert not any(wait.done() for _, wait in waits)
        for n in range(20):
            topics[n].publish(counter=n)
            pages[n].write(counter=n)
        for n, wait in waits:
            assert (await asyncio.wait_for(wait, 20)).counter == n
        assert not any(wait.done() for wait in [*matched, *opened])
        last = [crosspage.topic.subscriber(f"topic/{n}") for n in range(20)]
        for wait in matched:
            assert await asyncio.wait_for(wait, 20) == 26
        writers = [crosspage.latest.create(f"late/{n}", Telemetry) for n in range(2)]
        for opening in opened:
            assert (await asyncio.wait_for(opening, 20)).read() is None
        assert len(last) == 20 and len(writers) == 2

    asyncio.run(main())


def test_cancelled_waits_are_gone() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)

    async def main() -> None:
        for _ in range(10):
            futures = [asyncio.ensure_future(reader.wait_changed_async()) for _ in range(100)]
            await asyncio.sleep(0.02)
            for future in futures:
                future.cancel()
            with pytest.raises(asyncio.CancelledError):
                await futures[0]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.wait_changed_async(), 0.1)
        # What waited kept a hold of the reader's memory.
        alive = weakref.ref(futures[0])
        del futures, future
        deadline = time.monotonic() + 10
        while alive() is not None and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert alive() is None
        threading.Timer(0.05, lambda: writer.write(counter=9)).start()
        assert (await reader.wait_changed_async()).counter == 9

    asyncio.run(main())


def test_what_a_cancelled_wait_has_found_is_not_lost() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    writer.write(counter=1)
    reader.read()

    async def main() -> None:
        future = asyncio.ensure_future(reader.wait_changed_async())
        await asyncio.sleep(0.05)
        writer.write(counter=2)
        time.sleep(0.3)  # Its thread has found the value by now; the loop does not know.
        future.cancel()
        assert (await reader.wait_changed_async(timeout=5)).counter == 2
        with pytest.raises(TimeoutError):
            await reader.wait_changed_async(timeout=0)

    asyncio.run(main())


def test_cancelling_whatever_waits() -> None:
    """Neither opening nor iterating outlives its task, nor is the handle the worse for it."""
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    name = f"crosspage-cancelled-{os.getpid()}"
    locator = f"win:Local\\{name}" if sys.platform == "win32" else f"posix:/{name}"

    async def follow() -> None:
        async for record in reader:
            assert record.counter == 1

    async def main() -> None:
        writer.write(counter=1)
        waits = [
            asyncio.create_task(follow()),
            asyncio.create_task(crosspage.latest.open_async("nowhere", timeout=None)),
            asyncio.create_task(crosspage.foreign.open_async(locator, Telemetry, timeout=None)),
            asyncio.create_task(crosspage.open_async("nowhere", timeout=None)),
        ]
        await asyncio.sleep(0.1)
        for task in waits:
            task.cancel()
        before = time.monotonic()
        for outcome in await asyncio.gather(*waits, return_exceptions=True):
            assert isinstance(outcome, asyncio.CancelledError)
        assert time.monotonic() - before < 1
        writer.write(counter=2)
        assert (await anext(reader)).counter == 2

    asyncio.run(main())


def test_reopening() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry, timeout=20)
    at_once = crosspage.latest.open("telemetry")
    writer.close()
    crosspage.remove("telemetry", force=True)

    async def main() -> None:
        with pytest.raises(crosspage.NotFound):
            await at_once.reopen_async()
        with pytest.raises(crosspage.Replaced):
            await reader.wait_changed_async()
        reopening = asyncio.ensure_future(reader.reopen_async())
        await asyncio.sleep(0.1)
        assert not reopening.done()
        crosspage.latest.create("telemetry", Telemetry).write(counter=3)
        await reopening
        assert (await reader.wait_changed_async(timeout=5)).counter == 3

    asyncio.run(main())


def test_many_tasks_wait_on_one_handle_and_in_many_loops() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)
    seen: list[int] = []

    async def main() -> None:
        waits = [reader.wait_changed_async(since=0) for _ in range(10)]
        seen.extend(record.counter for record in await asyncio.gather(*waits))

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    writer.write(counter=7)
    for thread in threads:
        thread.join()
    assert seen == [7] * 30


def test_ending_while_something_waits() -> None:
    """Neither a closed loop nor a program that ends is held up or brought down by a wait."""
    program = """
import asyncio, crosspage
class Telemetry(crosspage.Struct):
    counter: crosspage.i32
writer = crosspage.latest.create("telemetry", Telemetry)
reader = crosspage.latest.open("telemetry", Telemetry)
async def main():
    reader.wait_changed_async(timeout=0.2)
    task = asyncio.create_task(anext(reader))
    await asyncio.sleep(0.05)
asyncio.run(main())
reader_2 = crosspage.latest.open("telemetry", Telemetry)
async def more():
    for _ in range(3): reader_2.wait_changed_async()
    writer.write(counter=1)
asyncio.run(more())
print("end")
"""
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
    assert time.monotonic() - before < 10


def test_outside_of_a_loop() -> None:
    crosspage.latest.create("telemetry", Telemetry)
    with pytest.raises(RuntimeError, match="no running event loop"):
        crosspage.latest.open("telemetry").wait_changed_async()


def test_opening_and_foreign_waits() -> None:
    name = f"crosspage-async-{os.getpid()}"
    locator = f"win:Local\\{name}" if sys.platform == "win32" else f"posix:/{name}"

    async def main() -> None:
        with pytest.raises(FileNotFoundError):
            await crosspage.latest.open_async("telemetry", Telemetry)
        with pytest.raises(TimeoutError):
            await crosspage.foreign.open_async(locator, Telemetry, timeout=0.1)
        opening = asyncio.create_task(crosspage.latest.open_async("telemetry", Telemetry, timeout=20))
        finding = asyncio.create_task(crosspage.foreign.open_async(locator, Telemetry, timeout=20))
        await asyncio.sleep(0.1)
        crosspage.latest.create("telemetry", Telemetry).write(counter=3)
        made = crosspage.foreign.create(locator, Telemetry)
        record = (await opening).read()
        assert record is not None and record.counter == 3
        assert (await (await crosspage.open_async("telemetry")).wait_changed_async()).counter == 3
        view = await finding
        assert (await view.read_stable_async(timeout=20)).counter == 0
        with pytest.raises(TimeoutError):
            await view.read_ready_async("counter", timeout=0.1)
        ready = asyncio.ensure_future(view.read_ready_async("counter"))
        await asyncio.sleep(0.1)
        made.update(counter=1)
        assert (await ready).counter == 1
        made.update(counter=0)
        waiting = asyncio.ensure_future(view.read_ready_async("counter"))
        view.close()
        with pytest.raises(crosspage.Closed):
            await waiting
        made.close()

    try:
        asyncio.run(main())
    finally:
        if sys.platform != "win32":  # there it is gone with its last handle
            crosspage.remove(locator, force=True)


# ---- topics ----------------------------------------------------------------------------------


def test_messages_are_awaited() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings", Telemetry)
    messages = crosspage.topic.subscriber("bytes")

    async def publish() -> None:
        await publisher.wait_subscribers_async(1, timeout=5)
        for n in range(5):
            await asyncio.sleep(0.02)
            await publisher.publish_async(counter=n)
        await asyncio.sleep(0.1)
        subscriber.close()

    async def main() -> None:
        task = asyncio.create_task(publish())
        assert await subscriber.wait_publishers_async(1, timeout=5) == 1
        assert [record.counter async for record in subscriber] == list(range(5)), "ends with the handle"
        await task
        before = time.monotonic()
        with pytest.raises(TimeoutError):
            await messages.recv_async(timeout=0.12)
        with pytest.raises(TimeoutError):
            await messages.recv_many_async(3, timeout=0)
        with pytest.raises(TimeoutError):
            await messages.wait_publishers_async(1, timeout=0.1)
        assert 0.2 < time.monotonic() - before < 5
        with pytest.raises(ValueError):
            await messages.recv_async(timeout=-1)
        asyncio.get_running_loop().call_later(0.1, lambda: crosspage.topic.publisher("bytes", bytes).publish_many([b"a", b"b"]))
        assert await messages.recv_many_async(3) == [b"a", b"b"]
        with pytest.raises(crosspage.Closed):
            await subscriber.recv_async()

    asyncio.run(main())


def test_publishing_waits_for_room() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    subscriber = crosspage.topic.subscriber("readings")
    large = crosspage.topic.publisher("large", bytes, policy="block", capacity=1 << 16)
    pieces = crosspage.topic.subscriber("large")

    async def main() -> None:
        while publisher.try_publish(counter=0) is not None:
            pass
        before = time.monotonic()
        with pytest.raises(TimeoutError):
            await publisher.publish_async(counter=1, timeout=0.1)
        with pytest.raises(TimeoutError):
            await publisher.publish_many_async([Telemetry(counter=1)], timeout=0.1)
        assert 0.15 < time.monotonic() - before < 5
        waiting = asyncio.ensure_future(publisher.publish_async(counter=-1))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        seen = 0
        while (await subscriber.recv_async(timeout=5)).counter != -1:
            seen += 1
        assert seen > 10 and await waiting > seen
        many = asyncio.ensure_future(publisher.publish_many_async([Telemetry(counter=n) for n in range(1000)]))
        assert [(await subscriber.recv_async(timeout=5)).counter for n in range(1000)] == list(range(1000))
        assert await many == 1000
        value = os.urandom(500_000)
        sending = asyncio.ensure_future(large.publish_async(value))
        assert await pieces.recv_async(timeout=5) == value
        assert await sending > 0

    asyncio.run(main())


def test_cancelling_loses_no_message() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    subscriber = crosspage.topic.subscriber("readings")

    async def main() -> None:
        waiting = [asyncio.create_task(subscriber.recv_async()) for _ in range(5)]
        await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        received: list[int] = []

        async def receive() -> None:
            received.append((await subscriber.recv_async()).counter)

        for n in range(300):
            task = asyncio.create_task(receive())
            await asyncio.sleep(0)
            await publisher.publish_async(counter=n)
            if n % 3:
                await asyncio.sleep(0.0002 * (n % 7))
            task.cancel()
            await asyncio.wait([task])
        while (record := subscriber.try_recv()) is not None:
            received.append(record.counter)
        assert received == list(range(300))

        # Nor is a publisher the worse for it.
        while publisher.try_publish(counter=0) is not None:
            pass
        task = asyncio.ensure_future(publisher.publish_async(counter=1))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.sleep(0.1)
        while subscriber.try_recv() is not None:
            pass
        await publisher.publish_async(counter=7, timeout=5)
        assert (await subscriber.recv_async(timeout=5)).counter == 7

    asyncio.run(main())


def test_cancelling_many_waits_while_a_publisher_runs() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=8192)
    subscriber = crosspage.topic.subscriber("readings")
    count = 20_000

    def publish() -> None:
        for n in range(count):
            publisher.publish(counter=n)
            if n % 100 == 0:
                time.sleep(0.0005)  # So that the others wait, too.

    async def main() -> None:
        received: list[int] = []

        async def receive() -> None:
            while True:
                received.append((await subscriber.recv_async()).counter)

        thread = threading.Thread(target=publish)
        thread.start()
        cancelled = 0
        while thread.is_alive():
            tasks = [asyncio.create_task(receive()) for _ in range(10)]
            await asyncio.sleep(0.002)
            for task in tasks:
                cancelled += task.cancel()
            await asyncio.wait(tasks)
        thread.join()
        while (record := subscriber.try_recv()) is not None:
            received.append(record.counter)
        assert received == list(range(count)) and cancelled > 100

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_waiting_in_a_forked_child() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings")

    async def before() -> None:
        with pytest.raises(TimeoutError):
            await subscriber.recv_async(timeout=0.01)

    async def child() -> int:
        with pytest.raises(crosspage.Forked):
            await subscriber.recv_async(timeout=5)
        anew = crosspage.topic.subscriber("readings")
        ours = crosspage.topic.publisher("readings", Telemetry)
        waiting = asyncio.create_task(anew.recv_async(timeout=5))
        await asyncio.sleep(0.05)
        ours.publish(counter=5)
        return (await waiting).counter

    asyncio.run(before())
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(30)
            os._exit(asyncio.run(child()))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    publisher.publish(counter=6)
    asyncio.run(subscriber.recv_async(timeout=5))


def test_many_tasks_receive_with_one_handle() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry)
    subscriber = crosspage.topic.subscriber("readings")

    async def main() -> list[int]:
        tasks = [asyncio.create_task(subscriber.recv_async(timeout=10)) for _ in range(10)]
        await asyncio.sleep(0.1)
        publisher.publish_many([Telemetry(counter=n) for n in range(10)])
        return sorted([record.counter for record in await asyncio.gather(*tasks)])

    assert asyncio.run(main()) == list(range(10))


def test_ending_while_a_message_is_awaited() -> None:
    program = """
import asyncio, crosspage
with crosspage.testing.namespace():
    publisher = crosspage.topic.publisher("b", bytes, policy="block", capacity=4096)
    subscriber = crosspage.topic.subscriber("b")
    async def main():
        task = asyncio.create_task(anext(subscriber))
        await asyncio.sleep(0.05)
        publisher.wait_subscribers_async(3)
    asyncio.run(main())
    async def more():
        while publisher.try_publish(b"x" * 100): pass
        publisher.publish_async(b"y")
        await asyncio.sleep(0.05)
    asyncio.run(more())
    print("end")
"""
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
    assert time.monotonic() - before < 10
