"""Reads {processId, message[900], dataReady} by its key with the sysv_ipc package."""

import struct
import sys

import sysv_ipc

memory = sysv_ipc.SharedMemory(int(sys.argv[1]))
process_id, message, ready = struct.unpack_from("@i900s?", memory.read())
print(memory.size, process_id, message.rstrip(b"\0").decode(), ready)
