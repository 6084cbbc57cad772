"""Reads a segment that some program filled which may know nothing of crosspage, such as the original
project's writer, and waits for it. Its struct is described in schema.toml beside this file.

    python foreign_reader.py
"""

import sys
from pathlib import Path

import crosspage

LOCATOR = r"win:Local\IPCSharedMemory" if sys.platform == "win32" else "posix:/IPCSharedMemory"
LAYOUT = f"{Path(__file__).parent / 'schema.toml'}#SharedData"

if __name__ == "__main__":
    with crosspage.foreign.open(LOCATOR, LAYOUT, timeout=10) as view:
        data = view.read_ready("dataReady", timeout=10)
        print(f"counter {data.counter}, {data.temperature} °C: {data.message}")
