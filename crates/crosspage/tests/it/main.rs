//! What users of the library see, in one binary.

mod corpus;
mod derive;
mod golden;
mod latest;
