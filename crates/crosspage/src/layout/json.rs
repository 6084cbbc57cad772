//! JSON for values. (in progress)
