//! OHLCV bars from CSV files.
