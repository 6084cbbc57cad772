"""The newest complete value of a struct: one writer (or several), any number of readers.

Readers never hold up writers, writers never hold up readers, a read is never torn, and a writer
that is killed at any instruction leaves the last complete value readable.
"""

from typing import Any, Literal, TypedDict, TypeVar, Unpack, overload

from ._crosspage import Pinned, Reader, Record, Slot, Writer
from ._declare import layout_of

__all__ = ["Options", "Pinned", "Reader", "Slot", "Writer", "attach", "create", "open", "open_async"]

_R = TypeVar("_R", bound=Record)


class Options(TypedDict, total=False):
    """How to make a page. An option that is not given never contradicts a page that exists."""

    writers: int | None
    """How many writers may live at once (1)."""
    max_pins: int | None
    """How many values readers may hold pinned (0)."""
    checksum: bool | None
    """Whether each value carries a checksum (no; in `file:` pages yes)."""
    max_participants: int | None
    """How many handles can be attached (128)."""
    permissions: Literal["owner", "group", "all"] | None
    """Who may attach ("owner")."""
    lifetime: Literal["keep", "while_used"] | None
    """How long the page stays ("keep": until it is removed)."""
    match: Literal["exact", "name"]
    """"name" takes the fields of T wherever they lie in the page ("exact")."""


@overload
def create(name: str, T: type[_R], **options: Unpack[Options]) -> Writer[_R]: ...
@overload
def create(name: str, T: Any, **options: Unpack[Options]) -> Writer[Any]: ...
def create(name: str, T: Any, **options: Unpack[Options]) -> Writer[Any]:
    """Makes the page, or takes over from a writer that is gone; value and version stay then.

    A page of another layout is replaced, unless its writer lives. Options: see `Options`.
    """
    return Writer._make(True, name, (T, layout_of(T)), options)


@overload
def attach(name: str, T: type[_R], **options: Unpack[Options]) -> Writer[_R]: ...
@overload
def attach(name: str, T: Any, **options: Unpack[Options]) -> Writer[Any]: ...
def attach(name: str, T: Any, **options: Unpack[Options]) -> Writer[Any]:
    """Joins the page or makes it, whichever side comes first. A page of another layout is an error."""
    return Writer._make(False, name, (T, layout_of(T)), options)


@overload
def open(
    name: str,
    T: type[_R],
    *,
    timeout: float | None = 0,
    match: Literal["exact", "name"] = "exact",
    read_only: bool = False,
) -> Reader[_R]: ...
@overload
def open(
    name: str,
    T: Any = None,
    *,
    timeout: float | None = 0,
    match: Literal["exact", "name"] = "exact",
    read_only: bool = False,
) -> Reader[Any]: ...
def open(
    name: str,
    T: Any = None,
    *,
    timeout: float | None = 0,
    match: Literal["exact", "name"] = "exact",
    read_only: bool = False,
) -> Reader[Any]:
    """Joins a page that exists, or that comes to exist within `timeout` seconds (None: whenever).

    Without `T` the layout is the page's own. `match="name"` takes the fields of `T` wherever they lie
    in the page. A `read_only` reader leaves no trace in the page, and waits by looking repeatedly.
    """
    declared = None if T is None else (T, layout_of(T))
    return Reader._make(name, declared, {"timeout": timeout, "match": match, "read_only": read_only})


@overload
async def open_async(
    name: str,
    T: type[_R],
    *,
    timeout: float | None = 0,
    match: Literal["exact", "name"] = "exact",
    read_only: bool = False,
) -> Reader[_R]: ...
@overload
async def open_async(
    name: str,
    T: Any = None,
    *,
    timeout: float | None = 0,
    match: Literal["exact", "name"] = "exact",
    read_only: bool = False,
) -> Reader[Any]: ...
async def open_async(
    name: str,
    T: Any = None,
    *,
    timeout: float | None = 0,
    match: Literal["exact", "name"] = "exact",
    read_only: bool = False,
) -> Reader[Any]:
    """`open` for asyncio."""
    declared = None if T is None else (T, layout_of(T))
    options = {"timeout": timeout, "match": match, "read_only": read_only}
    return await Reader._make_async(name, declared, options)
