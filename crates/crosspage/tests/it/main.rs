//! What users of the library see, in one binary.

mod golden;
mod latest;
