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
