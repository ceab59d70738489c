//! LOBSTER message and orderbook pairs.
