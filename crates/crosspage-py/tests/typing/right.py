"""A program that both type checkers accept; test_typing.py checks it, and what they infer."""

import enum
from collections.abc import Sequence
from typing import Any, assert_type

import crosspage


class Mode(enum.IntEnum):
    AUTO = 1
    MANUAL = 2


class Arm(crosspage.Struct):
    joints: Sequence[float] = crosspage.array(crosspage.f64, 3)
    mode: Mode


class SharedData(crosspage.Struct, pack=4):
    process_id: crosspage.i32
    message: str = crosspage.text(500)
    data_ready: crosspage.bool = False
    timestamp: int = crosspage.field(crosspage.i64, unit="ms", doc="since the start", default=0)
    arm: Arm


data = SharedData(process_id=1, message="hello", arm=Arm(joints=[1.0, 2.0, 3.0], mode=Mode.AUTO))
assert_type(data.process_id, int)
assert_type(data.message, str)
assert_type(data.data_ready, bool)
assert_type(data.arm.mode, Mode)
assert_type(crosspage.replace(data, process_id=2), SharedData)

with crosspage.latest.create("typed", SharedData, writers=2, permissions="owner") as writer:
    assert_type(writer, crosspage.latest.Writer[SharedData])
    assert_type(writer.write(data), int)
    assert_type(writer.update(process_id=3), int)

reader = crosspage.latest.open("typed", SharedData, timeout=1, match="name")
assert_type(reader.read(), SharedData | None)
assert_type(reader.wait_changed(timeout=1), SharedData)
for record in reader:
    assert_type(record, SharedData)
    assert_type(crosspage.meta(record).version, int)
    assert_type(crosspage.to_dict(record), dict[str, Any])
    break

untyped = crosspage.latest.open("typed")
assert_type(untyped.read(), Any | None)

with crosspage.topic.publisher("readings", SharedData, policy="block", timeout=1.5) as publisher:
    assert_type(publisher, crosspage.topic.Publisher[SharedData])
    assert_type(publisher.publish(data, timeout=0), int)
    assert_type(publisher.try_publish(bytes(data)), int | None)
    assert_type(publisher.publish_many([data, data]), int)
    assert_type(publisher.wait_subscribers(1, timeout=1), int)
    with publisher.loan(10) as memory:
        assert_type(memory, memoryview)
subscriber = crosspage.topic.subscriber("readings", SharedData, history=3)
assert_type(subscriber.try_recv(), SharedData | None)
assert_type(subscriber.recv(timeout=1), SharedData)
assert_type(crosspage.meta(subscriber.recv()).sent_at, float | None)
for reading in subscriber:
    assert_type(reading.process_id, int)
    assert_type(subscriber.lost, int)
    break
messages = crosspage.topic.subscriber("bytes", bytes)
assert_type(messages.recv(), crosspage.topic.Message)
assert_type(bytes(messages.recv()), bytes)
memoryview(messages.recv())
crosspage.topic.publisher("bytes", bytes).publish(bytearray(3))
assert_type(crosspage.topic.subscriber("any").recv(), Any)


class Scan(crosspage.Struct):
    points: Sequence[float] = crosspage.tail(crosspage.f32, default=())


assert_type(Scan(points=[1.0]).points, Sequence[float])

view = crosspage.foreign.create("posix:/typed", SharedData, size=1024)
assert_type(view.read_stable(timeout=1), SharedData)


async def follow() -> None:
    assert_type(await crosspage.latest.open_async("typed", SharedData), crosspage.latest.Reader[SharedData])
    assert_type(await reader.wait_changed_async(), SharedData)
    assert_type(await view.read_ready_async("data_ready"), SharedData)
    async for record in reader:
        assert_type(record, SharedData)
    assert_type(await subscriber.recv_async(timeout=1), SharedData)
    assert_type(await publisher.publish_async(data), int)
    async for reading in subscriber:
        assert_type(reading, SharedData)


try:
    crosspage.latest.open("other", SharedData)
except crosspage.LayoutError as error:
    assert_type(error.differences[0].page, str | None)
except FileNotFoundError:
    pass
