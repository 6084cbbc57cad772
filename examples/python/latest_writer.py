"""The original project's writer, in Python: what `latest_reader`, in any language, shows.

    python latest_writer.py [PAGE]
"""

import getpass
import os
import sys
import time

from latest_reader import SharedData

import crosspage


def main(page: str = "telemetry") -> None:
    with crosspage.latest.create(page, SharedData) as writer:
        writer.write(
            process_id=os.getpid(),
            message="Hello from Python Process!\n"
            "This is inter-process communication demonstration.\n"
            "Data is being shared through shared memory segment.\n"
            f"Process ID: {os.getpid()}",
            data_ready=True,
            counter=42,
            temperature=23.5,
            coordinates=(10.5, 20.3, 30.8),
            user_name=getpass.getuser(),
            timestamp=time.time_ns() // 1_000_000,
            data_array=range(10, 101, 10),
        )
        print(f"Data written to page {page!r}. Any number of readers may read it now.")
        input("Press Enter to exit...")
    # The value stays for whoever reads later: `crosspage rm telemetry` removes it.


if __name__ == "__main__":
    main(*sys.argv[1:])
