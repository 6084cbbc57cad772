"""Reads SharedData from /dev/shm/NAME as a program that knows nothing of crosspage would."""

import mmap
import struct
import sys

with open(f"/dev/shm/{sys.argv[1]}", "rb") as file:
    memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
# Native alignment: the same rules as the C++ compiler's.
fields = struct.unpack_from("@i500s?id3f50sq10i", memory)
process_id, message, ready, counter, temperature = fields[:5]
print(len(memory), process_id, message.rstrip(b"\0").decode(), ready, counter, temperature)
print([round(x, 4) for x in fields[5:8]], fields[8].rstrip(b"\0").decode(), fields[9], list(fields[10:]))
