//! The synthetic market.
