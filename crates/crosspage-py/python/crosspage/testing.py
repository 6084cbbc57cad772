"""For tests: a namespace of their own."""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import _crosspage

__all__ = ["namespace"]

_count = itertools.count()
_VARIABLE = "CROSSPAGE_NAMESPACE"


@contextmanager
def namespace() -> Iterator[str]:
    """Plain names are in a fresh namespace inside of the `with`; at its end all its pages are removed.

    In this process, all of its threads, and the processes that it starts meanwhile. As a pytest
    fixture::

        @pytest.fixture(autouse=True)
        def own_pages():
            with crosspage.testing.namespace():
                yield
    """
    before = os.environ.get(_VARIABLE)
    # With the time, because process ids are used again, and a test that was killed has left its pages.
    name = f"test-{os.getpid()}-{time.time_ns():x}-py{next(_count)}"
    os.environ[_VARIABLE] = name
    try:
        yield name
    finally:
        os.environ[_VARIABLE] = name  # Whatever the test has made of it.
        try:
            _crosspage._remove_all()
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before
