//! Models of chunks.
