//! The head of the stream.
