"""docs/python.md is true: its programs run, one behind the other, as one."""

from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "python.md"


@pytest.mark.skipif(not PAGE.exists(), reason="only in the repository")
def test_the_programs_of_the_page_run() -> None:
    text = PAGE.read_text(encoding="utf-8")
    program = ["" for _ in text.splitlines()]  # so that line numbers are the page's
    inside = False
    for n, line in enumerate(text.splitlines()):
        if line.startswith("```"):
            inside = line == "```python"
        elif inside:
            program[n] = line
    assert sum(map(bool, program)) > 50
    exec(compile("\n".join(program), str(PAGE), "exec"), {"__name__": "docs"})
