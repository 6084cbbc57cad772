//! What users of the library see, in one binary.

mod derive;
mod golden;
mod latest;
