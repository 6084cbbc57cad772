"""Typed shared memory that Rust, C, C++ and Python processes agree on.

>>> import crosspage
>>> class Telemetry(crosspage.Struct):
...     counter: crosspage.i32
...     temperature: crosspage.f64
...     label: str = crosspage.text(16)
>>> writer = crosspage.latest.create("telemetry", Telemetry)
>>> writer.write(counter=42, temperature=23.5, label="kitchen")
1
>>> reader = crosspage.latest.open("telemetry")  # in any other program, in any language
>>> reader.read().temperature
23.5
"""

import builtins as _builtins
import logging as _logging
import os as _os
from collections.abc import Iterable as _Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from . import _crosspage, _handles, foreign, latest, testing, topic
from ._crosspage import (
    FieldInfo,
    Garbage,
    Layout,
    Meta,
    PageInfo,
    Participant,
    Record,
    __version__,
    meta,
    remove,
    to_dict,
    wait,
)
from ._crosspage import gc as gc
from ._crosspage import pages as list
from ._declare import bool as bool
from ._declare import (
    Struct,
    array,
    f32,
    f64,
    field,
    i8,
    i16,
    i32,
    i64,
    layout_of,
    tail,
    text,
    u8,
    u16,
    u32,
    u64,
)
from ._errors import (
    AlreadyOwned,
    Closed,
    Corrupt,
    Difference,
    Error,
    Forked,
    Full,
    InternalError,
    InUse,
    Invalid,
    LayoutError,
    NoSpace,
    NotFound,
    NoValue,
    OSFailure,
    PermissionDenied,
    Replaced,
    TimedOut,
    TooLarge,
    UnknownField,
    Unsupported,
)

if TYPE_CHECKING:
    import numpy as _numpy

# Not here, as they would shadow builtins or a module of the standard library: bool, list, open, gc.
__all__ = [
    "AlreadyOwned",
    "Closed",
    "Corrupt",
    "Difference",
    "Error",
    "FieldInfo",
    "Forked",
    "Full",
    "Garbage",
    "InUse",
    "InternalError",
    "Invalid",
    "Layout",
    "LayoutError",
    "Meta",
    "NoSpace",
    "NoValue",
    "NotFound",
    "OSFailure",
    "PageInfo",
    "Participant",
    "PermissionDenied",
    "Record",
    "Replaced",
    "Struct",
    "TimedOut",
    "TooLarge",
    "UnknownField",
    "Unsupported",
    "__version__",
    "array",
    "f32",
    "f64",
    "field",
    "foreign",
    "i8",
    "i16",
    "i32",
    "i64",
    "latest",
    "layout_of",
    "meta",
    "open_async",
    "remove",
    "replace",
    "tail",
    "testing",
    "text",
    "to_dict",
    "to_numpy",
    "topic",
    "u8",
    "u16",
    "u32",
    "u64",
    "wait",
    "wait_async",
]

_R = TypeVar("_R", bound=Record)
_H = TypeVar("_H", bound="latest.Reader[Any] | topic.Subscriber[Any]")


def open(name: str, *, timeout: float | None = 0) -> Any:
    """A reader or a subscriber of whatever page has this name, waiting up to `timeout` seconds for it.

    A `latest.Reader` or a `topic.Subscriber`, as its pattern is.
    """
    try:
        return latest.open(name, timeout=timeout)
    except Error:
        if _crosspage._pattern_of(name) != "topic":
            raise
        return topic.subscriber(name)


async def open_async(name: str, *, timeout: float | None = 0) -> Any:
    """`open` for asyncio."""
    try:
        return await latest.open_async(name, timeout=timeout)
    except Error:
        if _crosspage._pattern_of(name) != "topic":
            raise
        return topic.subscriber(name)


async def wait_async(handles: _Iterable[_H], timeout: float | None = None) -> "_builtins.list[_H]":
    """`wait` for asyncio."""
    found: "_builtins.list[_H]" = await _handles._wait_async([*handles], timeout)
    return found


def replace(record: _R, /, **changes: Any) -> _R:
    """A record like this one with other values in the fields that are named."""
    replaced: _R = record.__replace__(**changes)
    return replaced


def to_numpy(value: "Record | latest.Pinned[Any]") -> "_numpy.ndarray[Any, Any]":
    """A record, or a pinned value, as a structured array without dimensions, without a copy.

    `to_numpy(record)["image"]` is the field as an array, a tail with as many items as it has; it cannot be written.
    """
    import numpy

    layout = value.layout if isinstance(value, latest.Pinned) else layout_of(value)
    # Not numpy.ndarray(buffer=value), which would let go of the buffer while it looks at it.
    memory = memoryview(value)
    return numpy.frombuffer(memory, layout._dtype_of_value(memory.nbytes)).reshape(())


def _log_to_stderr() -> None:
    """CROSSPAGE_LOG=debug (or info, warn, error) shows the log of crosspage in any program."""
    logger = _logging.getLogger("crosspage")
    logger.addHandler(_logging.NullHandler())
    level = _os.environ.get("CROSSPAGE_LOG", "").upper()
    level = {"WARN": "WARNING", "TRACE": "DEBUG"}.get(level, level)
    if level in ("DEBUG", "INFO", "WARNING", "ERROR"):
        handler = _logging.StreamHandler()
        handler.setFormatter(_logging.Formatter("crosspage: %(levelname)s: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(level)


_log_to_stderr()
