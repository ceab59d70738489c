//! Errors of sources.
