"""The original project's struct."""

from collections.abc import Sequence

import crosspage


class SharedData(crosspage.Struct):
    process_id: crosspage.i32
    message: str = crosspage.text(500)
    data_ready: crosspage.bool
    counter: crosspage.i32
    temperature: crosspage.f64
    coordinates: Sequence[float] = crosspage.array(crosspage.f32, 3)
    user_name: str = crosspage.text(50)
    timestamp: int = crosspage.field(crosspage.i64, unit="ms")
    data_array: Sequence[int] = crosspage.array(crosspage.i32, 10)


OFFSETS = {
    "process_id": 0,
    "message": 4,
    "data_ready": 504,
    "counter": 508,
    "temperature": 512,
    "coordinates": 520,
    "user_name": 532,
    "timestamp": 584,
    "data_array": 592,
}

GOLDEN = SharedData(
    process_id=4242,
    message="Hello from C++ Process!\nZoë",
    data_ready=True,
    counter=42,
    temperature=23.5,
    coordinates=(10.5, 20.3, 30.8),
    user_name="LinuxUser",
    timestamp=98765,
    data_array=range(10, 101, 10),
)
