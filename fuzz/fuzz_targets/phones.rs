#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| letshang_fuzz::phones::hold(input));
