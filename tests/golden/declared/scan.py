from collections.abc import Sequence

import crosspage


class Scan(crosspage.Struct):
    stamp: crosspage.u64 = crosspage.field(unit="ns")
    frame: str = crosspage.text(4)
    points: Sequence[Sequence[float]] = crosspage.tail(crosspage.f32, 3, unit="m", doc="in the frame")
