"""Typed shared memory that Rust, C, C++ and Python processes agree on."""

from ._crosspage import FieldInfo, Layout, Record, __version__
from ._declare import (
    Struct,
    array,
    bool,
    f32,
    f64,
    field,
    i8,
    i16,
    i32,
    i64,
    layout_of,
    text,
    u8,
    u16,
    u32,
    u64,
)
from ._errors import *
