//! Symbols and instruments.
