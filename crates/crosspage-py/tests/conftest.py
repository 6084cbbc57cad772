"""What the tests share: pages of their own, and other processes."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest

import crosspage


@pytest.fixture(autouse=True)
def own_pages() -> Iterator[None]:
    """Each test has a namespace of its own, which its child processes inherit."""
    with crosspage.testing.namespace():
        yield


@pytest.fixture
def start() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts Python programs, and ends those that are left."""
    children: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-u", "-c", textwrap.dedent(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def run(child: "subprocess.Popen[str]", timeout: float = 30) -> str:
    """What a program prints until it ends, which it must do well."""
    output, _ = child.communicate(timeout=timeout)
    assert child.returncode == 0, output
    return output


def line(child: "subprocess.Popen[str]") -> str:
    """The next line that a program prints."""
    assert child.stdout is not None
    return child.stdout.readline().strip()
