"""The waits of asyncio."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import crosspage


class Telemetry(crosspage.Struct):
    counter: crosspage.i32


def waits() -> int:
    """Threads of this process that wait for a future."""
    count = 0
    for task in Path("/proc/self/task").iterdir():
        try:
            count += (task / "comm").read_text() == "crosspage wait\n"
        except FileNotFoundError:  # It has ended meanwhile.
            pass
    return count


async def settled(count: int) -> None:
    deadline = time.monotonic() + 10
    while waits() != count and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert waits() == count


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


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_cancelling_ends_the_thread() -> None:
    writer = crosspage.latest.create("telemetry", Telemetry)
    reader = crosspage.latest.open("telemetry", Telemetry)

    async def main() -> None:
        await settled(0)
        futures = [asyncio.ensure_future(reader.wait_changed_async()) for _ in range(5)]
        await settled(5)
        for future in futures:
            future.cancel()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.wait_changed_async(), 0.1)
        await settled(0)
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


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_cancelling_loses_no_message() -> None:
    publisher = crosspage.topic.publisher("readings", Telemetry, policy="block", capacity=4096)
    subscriber = crosspage.topic.subscriber("readings")

    async def main() -> None:
        await settled(0)
        waiting = [asyncio.create_task(subscriber.recv_async()) for _ in range(5)]
        await settled(5)
        for task in waiting:
            task.cancel()
        await settled(0)
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
        await settled(1)
        task.cancel()
        await settled(0)
        while subscriber.try_recv() is not None:
            pass
        await publisher.publish_async(counter=7, timeout=5)
        assert (await subscriber.recv_async(timeout=5)).counter == 7

    asyncio.run(main())


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
