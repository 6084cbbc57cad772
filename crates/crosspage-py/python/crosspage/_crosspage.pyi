"""The compiled half of crosspage: records, handles, and the registry."""

import sys
from asyncio import Future
from collections.abc import Callable, Coroutine, Iterable
from types import GenericAlias, TracebackType
from typing import Any, ClassVar, Generic, Literal, Self, final, overload

import numpy
from typing_extensions import Buffer, TypeVar, disjoint_base

__all__ = [
    "Event",
    "FieldInfo",
    "Garbage",
    "Layout",
    "Loan",
    "Message",
    "Meta",
    "PageInfo",
    "Participant",
    "Pinned",
    "Publisher",
    "Reader",
    "Record",
    "Slot",
    "Subscriber",
    "View",
    "Writer",
    "__version__",
    "_declare",
    "_end_waits",
    "_from_source",
    "_layout_of_record",
    "_pattern_of",
    "_remove_all",
    "_restore",
    "_restore_message",
    "_wait_look",
    "gc",
    "meta",
    "pages",
    "remove",
    "to_dict",
    "wait",
]

__version__: str

# What a reader gives and a writer takes: a record class, or Any where none is declared.
_R = TypeVar("_R", default=Any)

# What can be waited for.
_H = TypeVar("_H", bound="Reader[Any] | Subscriber[Any]")

@disjoint_base
class Record:
    """An immutable value of a layout: `record.temperature`, `record["arm.joints[2]"]`.

    See crosspage.meta, crosspage.to_dict and crosspage.to_numpy; bytes(record) are its bytes.
    """

    def __getitem__(self, path: str, /) -> Any: ...
    def __replace__(self, **changes: Any) -> Self: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class FieldInfo:
    """One field of a layout."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def doc(self) -> str | None: ...

@final
class Layout:
    """A layout with the class of its records."""

    @property
    def name(self) -> str:
        """The name of the struct."""

    @property
    def size(self) -> int:
        """Bytes of one value."""

    @property
    def align(self) -> int:
        """Alignment in bytes."""

    @property
    def fields(self) -> list[FieldInfo]:
        """The fields, by offset."""

    @property
    def record_class(self) -> type[Record]:
        """The class of the records."""

    @property
    def dtype(self) -> numpy.dtype[numpy.void]:
        """The numpy dtype with the same offsets."""

    def _dtype_of_value(self, size: int) -> numpy.dtype[numpy.void]:
        """The numpy dtype of one value of so many bytes, whose tail has as many items as they hold."""

    def canonical(self) -> bytes:
        """The canonical form: the same bytes for the same struct in every language."""

    def encode(self) -> bytes:
        """The descriptor, as a page stores it."""

    @staticmethod
    def decode(descriptor: bytes) -> Layout:
        """The layout that a descriptor describes."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Meta:
    """What a page says about a value.

    A value of `latest` has version, written_at and writer; a message of a topic has sequence, sent_at and
    publisher. The others are an AttributeError.
    """

    @property
    def version(self) -> int:
        """Counts up by one with each write; the first is 1."""

    @property
    def written_at(self) -> float:
        """When it was written, in seconds since 1970, as `time.time()` says it."""

    @property
    def written_at_ns(self) -> int:
        """The same in nanoseconds."""

    @property
    def writer(self) -> int:
        """The process that wrote it, as numbered in its own PID namespace."""

    @property
    def age(self) -> float:
        """Seconds since it was written or sent, now."""

    @property
    def sequence(self) -> int:
        """Counts up by one with each message of its publisher; the first is 1."""

    @property
    def publisher(self) -> int:
        """The process that published it, as numbered in its own PID namespace."""

    @property
    def sent_at(self) -> float | None:
        """When it was sent, in seconds since 1970; None where the topic's messages do not say."""

    @property
    def sent_at_ns(self) -> int | None:
        """The same in nanoseconds."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Participant:
    """One participant of a page."""

    @property
    def role(self) -> str: ...
    @property
    def pid(self) -> int: ...
    @property
    def alive(self) -> bool: ...
    @property
    def language(self) -> str: ...

@final
class Writer(Generic[_R]):
    """Writes the value of a page. Made by `crosspage.latest.create` and `attach`."""

    @staticmethod
    def _make(
        create: bool, locator: str, declared: tuple[Any, Layout], keywords: Any
    ) -> Writer[Any]: ...
    @overload
    def write(self, value: _R | Buffer, /) -> int:
        """Writes a whole value and returns its version.

        A record, the fields by keyword, or an object with a buffer that holds the struct's bytes (a
        numpy array of its dtype, a ctypes.Structure).
        """

    @overload
    def write(self, value: None = None, /, **fields: Any) -> int: ...
    def update(self, **fields: Any) -> int:
        """Changes the fields that are named and leaves the others as they are; returns the version.

        Atomic among writers. Fields can be named by path: `**{"arm.joints[2]": 0.5}`.
        """

    def write_with(self, fill: Callable[[Slot], object]) -> int:
        """Fills the next value in place, for large ones: `slot["image"] = array` copies once.

        What `fill` does not write is zero; if it raises, nothing is published. Returns the version.
        """

    def close(self) -> None:
        """Detaches; the value stays. Leaving a `with` does the same."""

    @property
    def locator(self) -> str:
        """The page's locator."""

    @property
    def layout(self) -> Layout:
        """The layout of the values."""

    def participants(self) -> list[Participant]:
        """Who is attached to the page."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        type: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...

@final
class Slot:
    """A value that `Writer.write_with` is filling in place: `slot["image"] = array`."""

    def __setitem__(self, path: str, value: Any, /) -> None: ...
    def write_at(self, offset: int, data: bytes | bytearray) -> None:
        """Copies bytes to an offset of the value."""

    @property
    def layout(self) -> Layout:
        """The layout of the value."""

@final
class Reader(Generic[_R]):
    """Reads the value of a page. Made by `crosspage.latest.open`."""

    @staticmethod
    def _make(
        locator: str, declared: tuple[Any, Layout] | None, keywords: dict[str, Any]
    ) -> Reader[Any]: ...
    @staticmethod
    def _make_async(
        locator: str, declared: tuple[Any, Layout] | None, keywords: dict[str, Any]
    ) -> Future[Reader[Any]]: ...
    def read(self) -> _R | None:
        """The newest value; None before the first write."""

    def read_into(self, buffer: Buffer) -> Meta | None:
        """Copies the newest value into a writable buffer of its size.

        Such as a bytearray, or a numpy array of the page's dtype. Returns what `crosspage.meta` would;
        None before the first write.
        """

    def wait_changed(self, since: int | None = None, timeout: float | None = None) -> _R:
        """Waits for a value of another version than `since` (the last that this handle gave).

        Raises TimeoutError after `timeout` seconds.
        """

    def wait_changed_async(
        self, since: int | None = None, timeout: float | None = None
    ) -> Future[_R]:
        """`wait_changed` for asyncio."""

    def read_pinned(self) -> Pinned[_R] | None:
        """The newest value in place, without a copy, for as long as it is held.

        `with reader.read_pinned() as value: …`. None before the first write. The page's creator has to
        allow it: `max_pins`.
        """

    if sys.platform != "win32":
        def fileno(self) -> int:
            """A descriptor for `select`, `selectors` and `loop.add_reader`.

            Ready while there may be a value of another version than was read last, or an error to tell. It
            belongs to this handle, and is gone with it.
            """

    def reopen(self) -> None:
        """Attaches to the page that has the name now, after the error `Replaced`.

        Waits for it as long as `open` was told to.
        """

    def reopen_async(self) -> Future[None]:
        """`reopen` for asyncio."""

    def close(self) -> None:
        """Detaches; whoever waits on this handle gets the error `Closed`."""

    @property
    def locator(self) -> str:
        """The page's locator."""

    @property
    def layout(self) -> Layout:
        """The layout of the values."""

    def participants(self) -> list[Participant]:
        """Who is attached to the page."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        type: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _R: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> _R: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...

@final
class Pinned(Generic[_R]):
    """A value in the page that stays as it is while this is held.

    `value["image"]`, `memoryview(value)` and `crosspage.to_numpy(value)` look at it in place.
    """

    def __getitem__(self, path: str, /) -> Any: ...
    @property
    def meta(self) -> Meta:
        """Version, time and writer."""

    @property
    def layout(self) -> Layout:
        """The layout of the value."""

    def release(self) -> None:
        """Lets go of the value. Refused while views of it exist."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        type: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...

@final
class Event:
    """Who came or went: a publisher learns of subscribers, a subscriber of publishers."""

    @property
    def kind(self) -> Literal["matched", "gone"]:
        """It is attached; or it had been, and has left or died. What it published can still be received."""

    @property
    def participant(self) -> Participant: ...

@final
class Publisher(Generic[_R]):
    """Publishes to a topic. Made by `crosspage.topic.publisher`."""

    @staticmethod
    def _make(
        locator: str, declared: tuple[Any, Any] | None, keywords: Any
    ) -> Publisher[Any]: ...
    @overload
    def publish(self, value: _R | Buffer, /, *, timeout: float | None = ...) -> int:
        """Publishes a message and returns its sequence.

        As the topic's type is: a record, the fields by keyword, or an object that holds the struct's bytes;
        bytes, or an object with a buffer; a numpy array. Waits for room, with the policy "block", as long
        as the publisher was told to, or `timeout` seconds.
        """

    @overload
    def publish(self, value: None = None, /, *, timeout: float | None = ..., **fields: Any) -> int: ...
    @overload
    def try_publish(self, value: _R | Buffer, /) -> int | None:
        """As `publish`, but never waits: None where there is no room."""

    @overload
    def try_publish(self, value: None = None, /, **fields: Any) -> int | None: ...
    def publish_many(
        self,
        values: Iterable[_R | Buffer] | numpy.ndarray[Any, Any],
        /,
        *,
        timeout: float | None = ...,
    ) -> int:
        """Publishes many messages: several, or for a struct an array of its dtype.

        Returns how many, which are fewer where the time is over.
        """

    @overload
    def publish_async(
        self, value: _R | Buffer, /, *, timeout: float | None = ...
    ) -> Future[int]:
        """`publish` for asyncio."""

    @overload
    def publish_async(
        self, value: None = None, /, *, timeout: float | None = ..., **fields: Any
    ) -> Future[int]: ...
    def publish_many_async(
        self,
        values: Iterable[_R | Buffer] | numpy.ndarray[Any, Any],
        /,
        *,
        timeout: float | None = ...,
    ) -> Future[int]:
        """`publish_many` for asyncio."""

    def loan(self, size: int) -> Loan[memoryview]:
        """Memory of the topic for a message of so many bytes: `with publisher.loan(n) as view:`.

        It is published at the end, or dropped where that is by an exception. What is not filled is what was
        there before.
        """

    def loan_array(self, shape: int | tuple[int, ...], dtype: Any) -> Loan[numpy.ndarray[Any, Any]]:
        """The same as a numpy array: `with publisher.loan_array((1080, 1920, 3), "u1") as array:`."""

    @property
    def subscribers(self) -> int:
        """How many subscribers are attached."""

    def wait_subscribers(self, n: int, timeout: float | None = None) -> int:
        """Waits until at least `n` subscribers are attached, and returns how many there are."""

    def wait_subscribers_async(self, n: int, timeout: float | None = None) -> Future[int]:
        """`wait_subscribers` for asyncio."""

    def try_event(self) -> Event | None:
        """The next subscriber that came or went, or None.

        Each that is attached is told of once, also one that came first.
        """

    def wait_event(self, timeout: float | None = None) -> Event:
        """Waits until a subscriber comes or goes. One that is killed is found within a second."""

    def wait_event_async(self, timeout: float | None = None) -> Future[Event]:
        """`wait_event` for asyncio."""

    def close(self) -> None:
        """Detaches; what was published stays, and who waits on this handle gets the error `Closed`."""

    @property
    def locator(self) -> str:
        """The topic's locator."""

    @property
    def layout(self) -> Layout | None:
        """The layout of the messages; None where they are no structs, or nobody has said what they are."""

    def participants(self) -> list[Participant]:
        """Who is attached to the topic."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        type: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...

_V = TypeVar("_V", default=Any)

@final
class Loan(Generic[_V]):
    """Memory of a topic for the time of a `with`. Made by `Publisher.loan` and `loan_array`."""

    def __enter__(self) -> _V: ...
    def __exit__(
        self,
        type: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...

@final
class Subscriber(Generic[_R]):
    """Receives from a topic. Made by `crosspage.topic.subscriber`."""

    @staticmethod
    def _make(
        locator: str, declared: tuple[Any, Any] | None, keywords: Any
    ) -> Subscriber[Any]: ...
    def _look(
        self, n: int | None, timeout: float | None
    ) -> tuple[Any, None] | tuple[None, Future[None]]: ...
    def try_recv(self) -> _R | None:
        """The next message; None where there is none yet."""

    def recv(self, timeout: float | None = None) -> _R:
        """Waits for the next message. Raises TimeoutError after `timeout` seconds."""

    def recv_many(self, n: int, timeout: float | None = None) -> Any:
        """Waits for at least one message, and takes up to `n` that are there.

        For a struct they are one numpy array of its dtype, otherwise a list.
        """

    def recv_async(self, timeout: float | None = None) -> Coroutine[Any, Any, _R]:
        """`recv` for asyncio."""

    def recv_many_async(self, n: int, timeout: float | None = None) -> Coroutine[Any, Any, Any]:
        """`recv_many` for asyncio."""

    if sys.platform != "win32":
        def fileno(self) -> int:
            """A descriptor for `select`, `selectors` and `loop.add_reader`.

            Ready while there may be a message, or an error to tell, until `try_recv` finds none. It belongs to
            this handle, and is gone with it.
            """

    @property
    def lost(self) -> int:
        """How many messages were overwritten before this subscriber received them."""

    @property
    def publishers(self) -> int:
        """How many publishers are attached."""

    def wait_publishers(self, n: int, timeout: float | None = None) -> int:
        """Waits until at least `n` publishers are attached, and returns how many there are."""

    def wait_publishers_async(self, n: int, timeout: float | None = None) -> Future[int]:
        """`wait_publishers` for asyncio."""

    def try_event(self) -> Event | None:
        """The next publisher that came or went, or None.

        Each that is attached is told of once, also one that came first.
        """

    def wait_event(self, timeout: float | None = None) -> Event:
        """Waits until a publisher comes or goes. One that is killed is found within a second."""

    def wait_event_async(self, timeout: float | None = None) -> Future[Event]:
        """`wait_event` for asyncio."""

    def close(self) -> None:
        """Detaches; whoever waits on this handle gets the error `Closed`."""

    @property
    def locator(self) -> str:
        """The topic's locator."""

    @property
    def layout(self) -> Layout | None:
        """The layout of the messages; None where they are no structs, or nobody has said what they are."""

    def participants(self) -> list[Participant]:
        """Who is attached to the topic."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        type: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _R: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> _R: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...

@final
class Message:
    """A message of a topic: bytes, and what is known of them.

    It has a buffer, as `bytes` have: `bytes(message)`, `memoryview(message)`,
    `numpy.frombuffer(message, "u1")`. What it holds never changes.
    """

    @property
    def sequence(self) -> int:
        """Counts up by one with each message of its publisher; the first is 1."""

    @property
    def publisher(self) -> int:
        """The process that published it, as numbered in its own PID namespace."""

    @property
    def sent_at(self) -> float | None:
        """When it was sent, in seconds since 1970; None where the topic's messages do not say."""

    @property
    def sent_at_ns(self) -> int | None:
        """The same in nanoseconds."""

    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class View(Generic[_R]):
    """A foreign segment as a struct. Made by `crosspage.foreign.open` and `create`."""

    @staticmethod
    def _make(
        create: bool,
        locator: str,
        declared: tuple[Any, Layout],
        size: int | None,
        keywords: dict[str, Any],
    ) -> View[Any]: ...
    @staticmethod
    def _make_async(
        locator: str, declared: tuple[Any, Layout], keywords: dict[str, Any]
    ) -> Future[View[Any]]: ...
    def read(self) -> _R:
        """The struct as it lies there now; it may be torn."""

    def read_stable(self, timeout: float | None = None) -> _R:
        """The struct as soon as two copies of it agree."""

    def read_ready(self, flag: str, timeout: float | None = None) -> _R:
        """The struct as soon as the field `flag` is set."""

    def read_stable_async(self, timeout: float | None = None) -> Future[_R]:
        """`read_stable` for asyncio."""

    def read_ready_async(self, flag: str, timeout: float | None = None) -> Future[_R]:
        """`read_ready` for asyncio."""

    @overload
    def write(self, value: _R | Buffer, /) -> None:
        """Writes the whole struct: a record, the fields by keyword, or an object with its bytes."""

    @overload
    def write(self, value: None = None, /, **fields: Any) -> None: ...
    @overload
    def write_with_ready(self, value: _R | Buffer, /, flag: str = "dataReady") -> None:
        """Clears the field `flag`, writes all others, sets the flag: for those who wait for it."""

    @overload
    def write_with_ready(self, value: None = None, /, flag: str = "dataReady", **fields: Any) -> None: ...
    def update(self, **fields: Any) -> None:
        """Writes the fields that are named, and only their bytes."""

    def __getitem__(self, path: str, /) -> Any: ...
    def __setitem__(self, path: str, value: Any, /) -> None: ...
    def bytes(self) -> bytes:
        """All bytes of the segment, also those behind the struct."""

    @property
    def locator(self) -> str:
        """The segment's locator."""

    @property
    def layout(self) -> Layout:
        """The layout of the struct."""

    @property
    def size(self) -> int:
        """Bytes of the segment, which may be more than the struct's."""

    @property
    def created(self) -> bool:
        """Whether this view made the segment."""

    def close(self) -> None:
        """Detaches; whoever waits on this view gets the error `Closed`.

        The segment stays: see `crosspage.remove`.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        type: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...

@final
class PageInfo:
    """What is known of one page without attaching to it."""

    @property
    def name(self) -> str: ...
    @property
    def locator(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    @property
    def layout(self) -> Layout | None: ...
    @property
    def size(self) -> int: ...
    @property
    def owner(self) -> str: ...
    @property
    def mode(self) -> int: ...
    @property
    def lifetime(self) -> Literal["keep", "while_used"]: ...
    @property
    def participants(self) -> list[Participant]: ...
    @property
    def version(self) -> int | None: ...
    @property
    def age(self) -> float | None: ...

@final
class Garbage:
    """Something that `gc` removed, or would."""

    @property
    def name(self) -> str: ...
    @property
    def reason(self) -> str: ...

def meta(record: Record | Pinned[Any] | Message | numpy.ndarray[Any, Any] | memoryview) -> Meta:
    """What a page says about a value: of a record, a pinned value, a message, or an array that is one."""

def to_dict(record: Record) -> dict[str, Any]:
    """A record as a dict, nested structs as dicts and arrays as lists."""

def pages() -> list[PageInfo]:
    """The pages of this user in this namespace, by name."""

def remove(locator: str, *, force: bool = False) -> None:
    """Removes a segment. One that living participants use is only removed with `force`."""

def gc(*, dry_run: bool = False) -> list[Garbage]:
    """Removes what nobody can use any more, never pages that are to be kept; says what that was.

    With `dry_run` only says what it would be.
    """

def wait(handles: Iterable[_H], timeout: float | None = None) -> list[_H]:
    """Waits until any of several handles has news, and returns a list of those that have.

    The handles are subscribers of topics and readers of latest. A subscriber has news when there is a message,
    a reader when there is a value of another version than it gave last; and either when its next call raises an
    error, such as that it is closed. What is ready is not taken: call `try_recv` or `read`. Raises TimeoutError
    after `timeout` seconds.
    """

def _wait_look(
    handles: Iterable[Any], timeout: float | None
) -> tuple[Any, None] | tuple[None, Future[None]]: ...
def _restore(
    class_: type[Record] | bytes,
    layout_id: int,
    bytes: bytes,
    origin: tuple[int, int, int, int],
) -> Record: ...
def _restore_message(bytes: bytes, number: int, pid: int, at: int) -> Message: ...
def _pattern_of(locator: str) -> str | None: ...
def _layout_of_record(object: object) -> Layout | None: ...
def _declare(
    name: str,
    fields: Any,
    *,
    size_align: tuple[int, int] | None = None,
    pack: int | None = None,
    record_class: type[Record] | None = None,
) -> Layout: ...
def _from_source(source: str) -> Layout: ...
def _remove_all() -> None: ...
def _end_waits() -> None: ...
