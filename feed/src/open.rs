//! Opening a file as shipped.
