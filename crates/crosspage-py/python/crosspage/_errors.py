"""What crosspage raises. The numbers in `code` are the same in Rust and C and never change."""

import errno
from typing import NamedTuple

__all__ = [
    "AlreadyOwned",
    "Closed",
    "Corrupt",
    "Difference",
    "Error",
    "Forked",
    "Full",
    "InUse",
    "InternalError",
    "Invalid",
    "LayoutError",
    "NoSpace",
    "NoValue",
    "NotFound",
    "OSFailure",
    "PermissionDenied",
    "Replaced",
    "TimedOut",
    "TooLarge",
    "UnknownField",
    "Unsupported",
]


class Difference(NamedTuple):
    """One difference of two layouts: a field, and what each side says; None where it has none."""

    field: str
    page: str | None
    here: str | None


class Error(Exception):
    """What every failure of crosspage is."""

    code: int = 0
    """The number of the kind of failure, the same in every language."""
    hint: str | None = None
    """What to do next, where there is something to do."""

    @property
    def message(self) -> str:
        """What happened, without the hint."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class NotFound(Error, FileNotFoundError):
    """No segment, type or file of this name."""

    code: int = 1


class PermissionDenied(Error, PermissionError):
    """The operating system refused the access."""

    code: int = 2


class TimedOut(Error, TimeoutError):
    """The time-out elapsed."""

    code: int = 3


class LayoutError(Error):
    """Two layouts do not agree; `differences` lists in what."""

    code: int = 4
    differences: tuple[Difference, ...] = ()


class AlreadyOwned(Error):
    """Somebody alive holds the role already."""

    code: int = 5


class Replaced(Error):
    """The page was replaced or removed; `reopen()` attaches to its successor."""

    code: int = 6


class Corrupt(Error):
    """The segment's bytes break the format or a checksum."""

    code: int = 7


class Full(Error):
    """A bounded resource (participants, pins, capacity) is used up."""

    code: int = 8


class TooLarge(Error, ValueError):
    """A value, text or message exceeds its limit."""

    code: int = 9


class NoSpace(Error, OSError):
    """The file system (often /dev/shm) has no room."""

    code: int = 10


class Unsupported(Error):
    """This platform, file system or format version cannot do it."""

    code: int = 11


class Invalid(Error, ValueError):
    """A bad name, argument, option, schema or value."""

    code: int = 12


class InUse(Error):
    """Participants are alive, so the page may not be removed."""

    code: int = 13


class Closed(Error, ValueError):
    """The handle was closed."""

    code: int = 14


class Forked(Error):
    """The handle belongs to the parent process of this fork; attach anew."""

    code: int = 15


class NoValue(Error):
    """There is no value yet."""

    code: int = 16


class OSFailure(Error, OSError):
    """Any other failure of the operating system."""

    code: int = 17


class InternalError(Error):
    """A defect in crosspage itself."""

    code: int = 18


class UnknownField(Error, KeyError):
    """A record has no field of this name."""

    code: int = NotFound.code


_CLASSES = {
    cls.code: cls
    for cls in (
        NotFound,
        PermissionDenied,
        TimedOut,
        LayoutError,
        AlreadyOwned,
        Replaced,
        Corrupt,
        Full,
        TooLarge,
        NoSpace,
        Unsupported,
        Invalid,
        InUse,
        Closed,
        Forked,
        NoValue,
        OSFailure,
        InternalError,
    )
}
_ERRNO = {1: errno.ENOENT, 2: errno.EACCES, 3: errno.ETIMEDOUT, 10: errno.ENOSPC}


def _make(
    code: int,
    message: str,
    hint: str | None,
    differences: list[tuple[str, str | None, str | None]],
    os_code: int | None,
) -> Error:
    """The exception for an error of the core."""
    error = _CLASSES.get(code, Error)(message)
    error.code = code
    error.hint = hint
    if isinstance(error, LayoutError):
        error.differences = tuple(Difference(*row) for row in differences)
    if isinstance(error, OSError):
        error.errno = os_code or _ERRNO.get(code)
    return error
