//! See `tws_fuzz::connection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tws_fuzz::connection(bytes));
