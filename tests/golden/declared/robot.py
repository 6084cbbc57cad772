import enum
from collections.abc import Sequence
from typing import Annotated

import crosspage


class Mode(enum.IntEnum):
    Idle = 0
    Driving = 2


class Joint(crosspage.Struct):
    angle: crosspage.f32 = crosspage.field(unit="rad")
    torque: crosspage.f64


class Tool(crosspage.Struct, pack=1):
    id: crosspage.u8
    weight: crosspage.f64


class Robot(crosspage.Struct):
    process_id: crosspage.i32 = crosspage.field(doc="says \"who\"")
    temperature: crosspage.f64 = crosspage.field(unit="°C")
    ready: crosspage.bool
    big: crosspage.u64
    label: str = crosspage.text(8, unit="x")
    names: Sequence[str] = crosspage.array(crosspage.text(4), 3)
    position: Sequence[float] = crosspage.array(crosspage.f32, 3, unit="m", doc="of the base")
    grid: Sequence[Sequence[int]] = crosspage.array(crosspage.i16, 2, 3)
    cube: Sequence[Sequence[Sequence[int]]] = crosspage.array(crosspage.u8, 2, 3, 4)
    mode: Mode = crosspage.field(Mode, repr=crosspage.u8)
    modes: Sequence[Mode] = crosspage.array(Annotated[Mode, crosspage.u8], 2, doc="of both")
    class_: crosspage.u16
    arm: Sequence[Joint] = crosspage.array(Joint, 2)
    tool: Tool = crosspage.field(doc="in hand")
