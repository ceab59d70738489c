//! See `tws_fuzz::handshake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tws_fuzz::handshake(bytes));
