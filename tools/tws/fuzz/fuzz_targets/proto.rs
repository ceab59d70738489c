//! See `tws_fuzz::proto`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tws_fuzz::proto(bytes));
