"""Segments that somebody else made, or will read without knowing crosspage: bytes without a header.

There is no promise against tearing: whoever writes such a segment does so whenever it likes. `read`
takes the bytes as they are, `read_stable` waits until two copies agree, `read_ready` and
`write_with_ready` follow the convention of a ready flag. What must never tear belongs into a page:
see `crosspage.latest`.
"""

from typing import Any, Literal, TypeVar, overload

from ._crosspage import Record, View
from ._declare import layout_of

__all__ = ["View", "create", "open", "open_async"]

_R = TypeVar("_R", bound=Record)


@overload
def open(
    locator: str, layout: type[_R], *, timeout: float | None = 0, read_only: bool = False
) -> View[_R]: ...
@overload
def open(
    locator: str, layout: Any, *, timeout: float | None = 0, read_only: bool = False
) -> View[Any]: ...
def open(
    locator: str, layout: Any, *, timeout: float | None = 0, read_only: bool = False
) -> View[Any]:
    """The segment at `locator`, such as "posix:/IPCSharedMemory" or "sysv:5678", as a struct.

    `layout` is a declaration (a crosspage.Struct, a ctypes.Structure, a numpy dtype), or "PATH#TYPE"
    with the path of a schema. Waits up to `timeout` seconds for the segment to be there.
    """
    options = {"timeout": timeout, "read_only": read_only}
    return View._make(False, locator, (layout, layout_of(layout)), None, options)


@overload
async def open_async(
    locator: str, layout: type[_R], *, timeout: float | None = 0, read_only: bool = False
) -> View[_R]: ...
@overload
async def open_async(
    locator: str, layout: Any, *, timeout: float | None = 0, read_only: bool = False
) -> View[Any]: ...
async def open_async(
    locator: str, layout: Any, *, timeout: float | None = 0, read_only: bool = False
) -> View[Any]:
    """`open` for asyncio."""
    options = {"timeout": timeout, "read_only": read_only}
    return await View._make_async(locator, (layout, layout_of(layout)), options)


@overload
def create(
    locator: str,
    layout: type[_R],
    *,
    size: int | None = None,
    permissions: Literal["owner", "group", "all"] | None = None,
) -> View[_R]: ...
@overload
def create(
    locator: str,
    layout: Any,
    *,
    size: int | None = None,
    permissions: Literal["owner", "group", "all"] | None = None,
) -> View[Any]: ...
def create(
    locator: str,
    layout: Any,
    *,
    size: int | None = None,
    permissions: Literal["owner", "group", "all"] | None = None,
) -> View[Any]:
    """The segment at `locator`, made with `size` bytes (the struct's, unless given) if it is not there.

    A program that knows nothing of crosspage can read it.
    """
    return View._make(True, locator, (layout, layout_of(layout)), size, {"permissions": permissions})


def _attach(locator: str, layout: Any, **options: Any) -> View[Any]:
    """Unpickles a view: the segment is there already, whoever made it."""
    options.pop("permissions", None)
    return open(locator, layout, **options)
