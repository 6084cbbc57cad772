"""What is raised, and its numbers."""

import inspect
import pickle

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
