"""What is raised, and its numbers."""

import enum
import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest

import crosspage
from crosspage import _errors


def test_the_numbers_are_those_of_rust_and_c() -> None:
    numbers = {cls.__name__: number for number, cls in _errors._CLASSES.items()}
    assert numbers == {
        "NotFound": 1, "PermissionDenied": 2, "TimedOut": 3, "LayoutError": 4, "AlreadyOwned": 5,
        "Replaced": 6, "Corrupt": 7, "Full": 8, "TooLarge": 9, "NoSpace": 10, "Unsupported": 11,
        "Invalid": 12, "InUse": 13, "Closed": 14, "Forked": 15, "NoValue": 16, "OSFailure": 17,
        "InternalError": 18,
    }  # fmt: skip
    assert all(cls.code == number for number, cls in _errors._CLASSES.items())


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [("NotFound", FileNotFoundError), ("PermissionDenied", PermissionError), ("TimedOut", TimeoutError),
     ("TooLarge", ValueError), ("Invalid", ValueError), ("NoSpace", OSError), ("UnknownField", KeyError)],
)  # fmt: skip
def test_pythons_own_kinds(cls: str, builtin: type[Exception]) -> None:
    assert issubclass(getattr(crosspage, cls), (crosspage.Error, builtin))


def test_every_error_is_public() -> None:
    for name, cls in inspect.getmembers(_errors, inspect.isclass):
        if issubclass(cls, Exception):
            assert getattr(crosspage, name) is cls and name in crosspage.__all__


def test_message_and_hint() -> None:
    with pytest.raises(crosspage.NotFound) as raised:
        crosspage.latest.open("nowhere")
    error = raised.value
    assert error.message == 'page "nowhere" does not exist'
    assert str(error).startswith(error.message)
    assert error.hint is None or str(error).endswith(f"\nhint: {error.hint}")
    assert error.errno == 2


def test_what_is_no_name() -> None:
    layout = crosspage.layout_of(type("Layout", (crosspage.Struct,), {"__annotations__": {"counter": crosspage.i32}}))
    calls: list[Any] = [
        crosspage.open, crosspage.remove, crosspage.latest.open, lambda name: crosspage.latest.create(name, layout),
        lambda name: crosspage.foreign.open(name, layout), lambda name: crosspage.foreign.create(name, layout),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(TypeError, match="a name is a str, not int"):
            call(5)
        with pytest.raises(TypeError, match='f"file:{path}"'):
            call(Path("x.page"))


def test_options() -> None:
    layout = crosspage.layout_of(type("Layout", (crosspage.Struct,), {"__annotations__": {"counter": crosspage.i32}}))
    for options, error, words in [
        ({"writer": 4}, ValueError, "no option writer; did you mean writers?"),
        ({"quality": 4}, ValueError, "no option quality; there are writers, "),
        ({"writers": "four"}, TypeError, "writers = 'four': expected an integer"),
        ({"writers": -1}, ValueError, "writers = -1: out of range"),
        ({"checksum": "yes"}, TypeError, "checksum = 'yes': expected True or False"),
        ({"permissions": 0o600}, TypeError, "permissions = 384: expected a str"),
        ({"lifetime": "kept"}, ValueError, "lifetime = 'kept': allowed are \"keep\" and"),
        ({"match": None}, TypeError, "match = None: expected a str"),
    ]:
        with pytest.raises(error) as raised:
            crosspage.latest.create("telemetry", layout, **options)  # type: ignore[call-overload]
        assert words in str(raised.value)
    with pytest.raises(TypeError, match="timeout = 'long': expected seconds"):
        crosspage.latest.open("telemetry", timeout="long")  # type: ignore[call-overload]


def test_did_you_mean() -> None:
    class Mode(enum.IntEnum):
        MANUAL = 0
        AUTO = 1

    class Telemetry(crosspage.Struct):
        temperature: crosspage.f64
        mode: Mode = Mode.AUTO

        def warm(self) -> bool:
            return self.temperature > 20

    writer = crosspage.latest.create("telemetry", Telemetry)
    writer.write(temperature=23.5)
    record = crosspage.latest.open("telemetry", Telemetry).read()
    assert record is not None and record.warm()
    calls: list[tuple[Any, type[Exception], str]] = [
        (lambda: crosspage.latest.open("telemetyr"), FileNotFoundError, 'did you mean "telemetry"'),
        (lambda: crosspage.open("telemetyr", timeout=0.01), TimeoutError, 'did you mean "telemetry"'),
        (lambda: crosspage.remove("telemetyr"), FileNotFoundError, 'did you mean "telemetry"'),
        (lambda: record.temprature, AttributeError, "Telemetry has no field temprature; did you mean temperature"),
        (lambda: record.nothing, AttributeError, "nothing"),
        (lambda: record.__array_interface__, AttributeError, "__array_interface__"),
        (lambda: record["temprature"], KeyError, 'did you mean "temperature"'),
        (lambda: writer.write(temprature=1), TypeError, "did you mean temperature"),
        (lambda: writer.update(temprature=1), TypeError, "did you mean temperature"),
        (lambda: writer.write({"temperature": 1}), TypeError, "by keyword"),
        (lambda: writer.update(mode="AUTOO"), TypeError, "such as Mode.AUTO, got str"),
        (lambda: writer.update(mode="x"), TypeError, "expected a Mode, got str"),
        (lambda: writer.update(mode=7), ValueError, "7 is not a valid Mode, which has MANUAL, AUTO"),
    ]
    for call, error, words in calls:
        with pytest.raises(error) as raised:
            call()
        assert words in str(raised.value)
    assert getattr(record, "temprature", None) is None and not hasattr(record, "temprature")


def test_a_dict_that_changes_while_it_is_written() -> None:
    class Inner(crosspage.Struct):
        x: crosspage.i32
        y: crosspage.i32

    class Outer(crosspage.Struct):
        inner: Inner

    class Devious:
        def __index__(self) -> int:
            fields["z"] = 1
            return 1

    fields: dict[str, Any] = {"x": Devious(), "y": 2}
    assert Outer(inner=fields) == Outer(inner={"x": 1, "y": 2})  # type: ignore[arg-type]


def test_errors_pickle() -> None:
    class Telemetry(crosspage.Struct):
        counter: crosspage.i32

    class Other(crosspage.Struct):
        counter: crosspage.i64

    crosspage.latest.create("telemetry", Telemetry)
    for open in (lambda: crosspage.latest.open("telemetri"), lambda: crosspage.latest.open("telemetry", Other)):
        with pytest.raises(crosspage.Error) as raised:
            open()
        error = raised.value
        restored = pickle.loads(pickle.dumps(error))
        assert type(restored) is type(error) and str(restored) == str(error) and restored.code == error.code
        assert getattr(restored, "differences", None) == getattr(error, "differences", None)


def test_names_that_shadow_builtins_are_not_exported_by_a_star() -> None:
    import builtins

    assert not set(crosspage.__all__) & set(dir(builtins))
    assert all(hasattr(crosspage, name) for name in (*crosspage.__all__, "bool", "list", "open", "gc"))
