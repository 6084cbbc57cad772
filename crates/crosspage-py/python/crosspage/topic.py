"""Every message to every subscriber, in order per publisher: records, bytes of any length, numpy arrays.

Any number of publishers and subscribers, started in any order, in any mix of languages. With the policy
"overwrite" a publisher never waits, and a slow subscriber learns by `lost` exactly how many messages it
lost; with "block" it waits for the slowest subscriber that lives. What was published outlives its
publisher.
"""

import sys
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack, get_origin, overload

from ._crosspage import Event, Loan, Message, Publisher, Record, Subscriber
from ._declare import layout_of

if TYPE_CHECKING:
    import numpy

__all__ = ["Event", "Loan", "Message", "Options", "Publisher", "PublisherOptions", "Subscriber", "publisher", "subscriber"]

_R = TypeVar("_R", bound=Record)


class Options(TypedDict, total=False):
    """How to attach. An option that is not given never contradicts the topic.

    The first participant that states one decides it for the topic, the first publisher decides the rest.
    """

    policy: Literal["overwrite", "block"] | None
    """What a publisher does when a subscriber is slow ("overwrite")."""
    capacity: int | None
    """How many bytes a publisher keeps (256 KiB for small structs, otherwise 16 MiB)."""
    max_message: int | None
    """Bytes of the largest message (the capacity; with "block" 1 GiB)."""
    max_held: int | None
    """How many messages of one publisher a subscriber holds in place (8); those beyond are copies."""
    history: int | None
    """How many past messages of each publisher a new subscriber gets first (0)."""
    send_time: bool | None
    """Whether messages carry the time they were sent (no)."""
    checksum: bool | None
    """Whether messages carry a checksum (no)."""
    max_participants: int | None
    """How many handles can be attached (128)."""
    permissions: Literal["owner", "group", "all"] | None
    """Who may attach ("owner")."""
    lifetime: Literal["keep", "while_used"] | None
    """How long the topic stays ("while_used": until the last participant leaves)."""
    match: Literal["exact", "name"]
    """"name" takes the fields of T wherever they lie in the messages ("exact")."""


class PublisherOptions(Options, total=False):
    """How to attach a publisher."""

    timeout: float | None
    """How many seconds a publish waits for room, with "block": 0 never waits (None: for ever)."""


def _declared(T: Any) -> tuple[Any, Any] | None:
    """A declaration, and what it means."""
    if T is None:
        return None
    if T is bytes:
        return T, "bytes"
    numpy = sys.modules.get("numpy")
    if numpy is not None and (get_origin(T) or T) is numpy.ndarray:
        return T, "ndarray"
    return T, layout_of(T)


@overload
def publisher(name: str, T: type[_R], **options: Unpack[PublisherOptions]) -> Publisher[_R]: ...
@overload
def publisher(name: str, T: type[bytes], **options: Unpack[PublisherOptions]) -> Publisher[bytes]: ...
@overload
def publisher(
    name: str, T: "type[numpy.ndarray[Any, Any]]", **options: Unpack[PublisherOptions]
) -> "Publisher[numpy.ndarray[Any, Any]]": ...
@overload
def publisher(name: str, T: Any = None, **options: Unpack[PublisherOptions]) -> Publisher[Any]: ...
def publisher(name: str, T: Any = None, **options: Unpack[PublisherOptions]) -> Publisher[Any]:
    """Joins the topic as a publisher, or makes it, whichever side comes first.

    `T` is a crosspage.Struct, another declaration of a struct (a ctypes.Structure, a numpy structured
    dtype), `bytes`, or `numpy.ndarray`. Without it the messages are what the topic's are; where nobody has
    said, what this publishes first decides. Options: see `PublisherOptions`.
    """
    return Publisher._make(name, _declared(T), options)


@overload
def subscriber(name: str, T: type[_R], **options: Unpack[Options]) -> Subscriber[_R]: ...
@overload
def subscriber(name: str, T: type[bytes], **options: Unpack[Options]) -> Subscriber[Message]: ...
@overload
def subscriber(
    name: str, T: "type[numpy.ndarray[Any, Any]]", **options: Unpack[Options]
) -> "Subscriber[numpy.ndarray[Any, Any]]": ...
@overload
def subscriber(name: str, T: Any = None, **options: Unpack[Options]) -> Subscriber[Any]: ...
def subscriber(name: str, T: Any = None, **options: Unpack[Options]) -> Subscriber[Any]:
    """Joins the topic as a subscriber, or makes it, whichever side comes first.

    It gets what is published from now on, and `history` messages from before. Without `T` the messages are
    what the topic's are, and a subscriber that comes first waits until somebody has said. Options: see
    `Options`.
    """
    return Subscriber._make(name, _declared(T), options)
