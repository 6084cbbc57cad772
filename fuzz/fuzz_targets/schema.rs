#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| crosspage_fuzz::fuzz_schema(bytes));
