"""Writes the struct into a plain segment, for programs that know nothing of crosspage: C with shm_open or
OpenFileMapping, or Python's own mmap and struct.unpack. The field dataReady says when the rest is there.

    python foreign_writer.py
"""

import sys

from foreign_reader import LAYOUT, LOCATOR

import crosspage

with crosspage.foreign.create(LOCATOR, LAYOUT, size=1024) as view:
    view.write_with_ready(
        processId=1,
        message="Hello from Python!",
        counter=42,
        temperature=23.5,
        coordinates=(10.5, 20.3, 30.8),
        userName="nobody",
        timestamp=98765,
        dataArray=range(10, 101, 10),
        flag="dataReady",
    )
    print(f"counter 42 and 23.5 °C are in {LOCATOR} ({view.size} bytes)")
    input("Press Enter to remove it and exit...\n")
if sys.platform != "win32":  # there it is gone with the last program that has it open
    crosspage.remove(LOCATOR)
