"""Both sides of a segment that knows nothing of crosspage, such as the original project's.

    python foreign.py write        # makes it; plain `mmap` and `struct.unpack` can read it
    python foreign.py read         # reads it, or the one that an untouched C++ writer made

The segment is the POSIX object /IPCSharedMemory with 1,024 bytes, its struct is described in
schema.toml beside this file.
"""

import pathlib
import sys

import crosspage

LOCATOR = "posix:/IPCSharedMemory"
LAYOUT = f"{pathlib.Path(__file__).parent}/schema.toml#SharedData"


def main(action: str) -> None:
    if action == "write":
        with crosspage.foreign.create(LOCATOR, LAYOUT, size=1024) as view:
            # Clears the flag, writes everything else, sets the flag, with the barriers that takes.
            view.write_with_ready(
                processId=1,
                message="Hello from Python!",
                dataReady=True,
                counter=42,
                temperature=23.5,
                coordinates=(10.5, 20.3, 30.8),
                userName="nobody",
                timestamp=98765,
                dataArray=range(10, 101, 10),
                flag="dataReady",
            )
    elif action == "read":
        with crosspage.foreign.open(LOCATOR, LAYOUT, timeout=10) as view:
            print(view.read_ready("dataReady", timeout=10))
    else:
        sys.exit(f"{action}: there are write and read")


if __name__ == "__main__":
    main(*sys.argv[1:])
