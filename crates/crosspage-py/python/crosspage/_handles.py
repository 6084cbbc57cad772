"""What handles need from Python: to be made anew elsewhere, and asyncio."""

import asyncio
import importlib
import time
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from . import _crosspage
from ._errors import Closed

if TYPE_CHECKING:
    from ._crosspage import Subscriber

_T = TypeVar("_T")


def _attach(function: str, locator: str, declared: Any, options: dict[str, Any]) -> Any:
    """Unpickles a handle: calls `crosspage.<function>` in this process."""
    module, name = function.split(".")
    attach = getattr(importlib.import_module(f"crosspage.{module}"), name)
    return attach(locator, declared, **options)


def _deliver(future: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    """Completes a future, in its event loop, unless its task was cancelled meanwhile."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)


async def _receive_async(subscriber: "Subscriber[Any]", n: int | None, timeout: float | None) -> Any:
    """The next message, or up to `n` of them.

    Whatever is found is returned before anything is awaited again: a task that is cancelled loses none.
    """
    begin = time.monotonic()
    left = timeout
    while True:
        found, ready = subscriber._look(n, left)
        if ready is None:
            return found
        await ready
        if timeout is not None:
            left = max(begin + timeout - time.monotonic(), 0)


async def _wait_async(handles: Sequence[Any], timeout: float | None) -> Any:
    """The handles that have news."""
    begin = time.monotonic()
    left = timeout
    while True:
        found, ready = _crosspage._wait_look(handles, left)
        if ready is None:
            return found
        await ready
        if timeout is not None:
            left = max(begin + timeout - time.monotonic(), 0)


async def _next_async(value: Awaitable[_T]) -> _T:
    """The next item of an `async for`, which ends when the handle is closed."""
    try:
        return await value
    except Closed:
        raise StopAsyncIteration from None
