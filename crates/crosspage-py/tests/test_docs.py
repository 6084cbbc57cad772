"""docs/python.md is true: its programs run, one behind the other, as one."""

import sys
import types
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "python.md"


@pytest.mark.skipif(not PAGE.exists(), reason="only in the repository")
def test_the_programs_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    text = PAGE.read_text(encoding="utf-8")
    program = ["" for _ in text.splitlines()]  # so that line numbers are the page's
    inside = False
    for n, line in enumerate(text.splitlines()):
        if line.startswith("```"):
            inside = line == "```python"
        elif inside:
            program[n] = line
    assert sum(map(bool, program)) > 50
    if sys.platform == "win32":  # A foreign segment has another name there, and is gone with its last handle.
        program = [line for line in program if not line.startswith('crosspage.remove("posix:')]
        program = [line.replace("posix:/telemetry", r"win:Local\\telemetry") for line in program]
    module = types.ModuleType("docs")
    monkeypatch.setitem(sys.modules, "docs", module)  # Records pickle by the name of their class.
    exec(compile("\n".join(program), str(PAGE), "exec"), module.__dict__)
