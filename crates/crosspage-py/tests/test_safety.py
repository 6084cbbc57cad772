"""Python objects that are not what they say: nothing of theirs is taken for ours."""

from typing import Any

import pytest
from shared_data import GOLDEN, SharedData

import crosspage


class Pretender:
    """Says that it is a record."""

    @property
    def __class__(self) -> Any:
        return SharedData


def test_what_only_says_that_it_is_a_record() -> None:
    fake: Any = Pretender()
    assert isinstance(fake, crosspage.Record)
    writer = crosspage.latest.create("telemetry", SharedData)
    for call in (writer.write, crosspage.meta, crosspage.to_dict, crosspage.to_numpy, crosspage.layout_of):
        with pytest.raises(TypeError):
            call(fake)
    assert GOLDEN != fake
    with pytest.raises(TypeError):
        SharedData.__dict__["counter"].__get__(fake)
