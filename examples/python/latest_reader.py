"""The original project's reader: shows what `latest_writer`, in C++ or Python, has written.

    python latest_reader.py [PAGE]
    python latest_reader.py win:Local\\IPCSharedMemory     # a program that knows nothing of crosspage

Either may start first. No field is unpacked by hand, and no offset is written down anywhere: the page
carries its layout, which is compared with the class below before a byte is read.
"""

import os
import sys
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
    timestamp: crosspage.i64
    data_array: Sequence[int] = crosspage.array(crosspage.i32, 10)


def read(locator: str) -> SharedData:
    """The page's value, or what lies in the segment of a program that knows nothing of crosspage."""
    if locator.startswith(("posix:", "win:")):
        with crosspage.foreign.open(locator, SharedData, timeout=30) as view:
            return view.read_ready("data_ready", timeout=30)
    with crosspage.latest.open(locator, SharedData, timeout=30) as reader:
        return reader.wait_changed(timeout=30)  # at once, where there is a value already


def main(locator: str = "telemetry") -> None:
    print("=== Python Program - Shared Memory Reader ===\n")
    print(f"Attempting to connect to shared memory: {locator}")
    data = read(locator)
    print("Successfully connected to shared memory\n")

    # C++'s float holds 20.3 as 20.299999237060547: seven digits are what it knows.
    coordinates = [float(f"{c:.7g}") for c in data.coordinates]
    print("=== Data Retrieved from Shared Memory ===")
    print(f"Data Ready Flag: {data.data_ready}")
    print(f"C++ Process ID: {data.process_id}")
    print(f"Counter: {data.counter}")
    print(f"Temperature: {data.temperature} °C")
    print(f"Coordinates: {coordinates}")
    print(f"Username: {data.user_name}")
    print(f"Timestamp: {data.timestamp} ms")
    print(f"Data Array: {list(data.data_array)}")
    print("\nMessage from C++ Program:")
    print("-" * 50)
    print(data.message)
    print("-" * 50)
    print("\n=== Python Program Output ===")
    print(f"Successfully read {len(data.message)} characters from shared memory")
    print(f"Python Process ID: {os.getpid()}")
    print("=" * 50)
    print("\nShared memory connection closed.")


if __name__ == "__main__":
    main(*sys.argv[1:])
