"""A notebook: cells that are run again, in a process that keeps what they made."""

from typing import Any

import pytest

import crosspage

CELL = """
import crosspage

class Telemetry(crosspage.Struct):
    counter: crosspage.i32
    temperature: crosspage.f64

writer = crosspage.latest.create("telemetry", Telemetry)
writer.write(counter=1, temperature=23.5)
"""
CHANGED = CELL.replace("f64", "f32")


def notebook(*cells: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    names = {"__name__": "__main__"} if names is None else names
    for n, cell in enumerate(cells):
        exec(compile(cell, f"<cell {n}>", "exec"), names)
    return names


def test_a_cell_that_is_run_twice() -> None:
    names = notebook(CELL)
    with pytest.raises(crosspage.AlreadyOwned) as raised:
        notebook(CELL, names=names)
    said = str(raised.value)
    for words in ("this process", "close()", "a variable that is assigned anew", "writers(n)"):
        assert words in said
    assert names["writer"].write(counter=2, temperature=0) == 2, "the old one goes on"
    notebook("writer.close()", CELL, names=names)
    assert names["writer"].write(counter=3, temperature=0) == 4


@pytest.mark.parametrize(
    "cell",
    [
        CELL.replace("writer = ", "with ").replace("Telemetry)\nw", "Telemetry) as writer:\n    w"),
        CELL.replace("Telemetry)\nw", "Telemetry, writers=2)\nw"),
        CELL.replace("writer = ", "writer = None; writer = "),
    ],
    ids=["with", "writers=2", "None before"],
)
def test_cells_that_can_be_run_twice(cell: str) -> None:
    names = notebook(cell, cell, cell)
    assert crosspage.meta(crosspage.latest.open("telemetry").read()).version == 3
    assert names["Telemetry"] is not None


def test_a_class_that_is_declared_anew_and_is_the_same() -> None:
    names = notebook(CELL, 'reader = crosspage.latest.open("telemetry", Telemetry); old = Telemetry')
    notebook("writer.close()", CELL, names=names)
    record, old, new = names["reader"].read(), names["old"], names["Telemetry"]
    assert type(record) is old and old is not new
    assert record == new(counter=1, temperature=23.5), "records compare by their fields"
    assert names["writer"].write(record) == 3, "and are written by their layout"


def test_a_class_that_is_declared_anew_with_another_field() -> None:
    names = notebook(CELL, 'reader = crosspage.latest.open("telemetry", Telemetry)')
    with pytest.raises(crosspage.AlreadyOwned) as owned:
        notebook(CHANGED, names=names)
    assert "this process" in str(owned.value) and "f32" in str(owned.value), "both reasons at once"
    assert names["reader"].read().temperature == 23.5, "what was open goes on"
    with pytest.raises(crosspage.LayoutError, match="f64 at 8 +f32 at 4"):
        notebook('crosspage.latest.open("telemetry", Telemetry)', names=names)
    notebook("writer.close()", CHANGED, names=names)
    with pytest.raises(crosspage.Replaced, match="another layout"):
        names["reader"].read()
    with pytest.raises(crosspage.LayoutError):
        names["reader"].reopen()  # It was opened with the old class.
    notebook('reader = crosspage.latest.open("telemetry", Telemetry)', names=names)
    assert names["reader"].read().temperature == 23.5
