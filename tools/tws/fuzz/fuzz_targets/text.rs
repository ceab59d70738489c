//! See `tws_fuzz::text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tws_fuzz::text(bytes));
