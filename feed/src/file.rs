//! A file as a source.
