"""The golden record from Python; see README.md beside this file."""

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


GOLDEN = SharedData(
    process_id=4242,
    message="Grüße, 世界",
    data_ready=True,
    counter=42,
    temperature=23.5,
    coordinates=(10.5, 20.3, 30.8),
    user_name="Zoë",
    timestamp=1_763_800_000_000,
    data_array=range(10, 101, 10),
)


def main(action: str, page: str) -> None:
    if action == "write":
        with crosspage.latest.create(page, SharedData) as writer:
            writer.write(GOLDEN)
    elif action == "read":
        with crosspage.latest.open(page, SharedData) as reader:
            record = reader.read()
            assert record == GOLDEN, record
        # The same without a declaration: names as their writer spelled them.
        with crosspage.latest.open(page) as reader:
            values = list(crosspage.to_dict(reader.read()).values())
            assert values == list(crosspage.to_dict(GOLDEN).values()), values
        print("golden ok")
    elif action == "hold":
        with crosspage.foreign.create(page, SharedData, size=1024) as view:
            view.write_with_ready(GOLDEN)
            print("golden held", flush=True)
            sys.stdin.readline()
        if not page.startswith("win:"):  # on Windows it went with the view
            crosspage.remove(page)
    elif action == "view":
        with crosspage.foreign.open(page, SharedData) as view:
            record = view.read_ready("data_ready", timeout=10)
            assert record == GOLDEN, record
        print("golden ok")
    elif action == "layout":
        print(crosspage.layout_of(SharedData).canonical().hex())
    else:
        sys.exit(f"{action}: there are write, read, hold, view and layout")


main(*sys.argv[1:])
