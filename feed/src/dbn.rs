//! Databento DBN.
