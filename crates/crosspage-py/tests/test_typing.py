"""What type checkers make of crosspage."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "typing"


@pytest.mark.parametrize("checker", [["mypy", "--strict"], ["pyright"]], ids=["mypy", "pyright"])
def test_checkers_accept_what_is_right_and_find_what_is_wrong(checker: list[str]) -> None:
    if importlib.util.find_spec(checker[0]) is None:
        pytest.skip(f"{checker[0]} is not installed")
    program, *options = checker

    def check(file: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", program, *options, str(HERE / file)]
        return subprocess.run(command, capture_output=True, text=True, cwd=HERE)

    right = check("right.py")
    assert right.returncode == 0, right.stdout + right.stderr
    wrong = check("wrong.py")
    lines = (HERE / "wrong.py").read_text().splitlines()
    expected = {n for n, text in enumerate(lines, 1) if "# wrong" in text}
    found = {
        int(message.split(":")[1])
        for message in wrong.stdout.splitlines()
        if "error" in message and ".py:" in message
    }
    assert found == expected, wrong.stdout
