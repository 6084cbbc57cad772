import enum
from collections.abc import Sequence

import crosspage


class Kind(enum.IntEnum):
    Inner = 0
    Outer = 1


class Corner(crosspage.Struct):
    at: Sequence[float] = crosspage.array(crosspage.f64, 2)
    kind: Kind = crosspage.field(Kind, repr=crosspage.u8)
    label: str = crosspage.text(3)


class Cloud(crosspage.Struct):
    count: crosspage.u8
    class_: Sequence[Corner] = crosspage.tail(Corner)
