//! Looks for texts that break the invariants of the equation language. With `cargo-fuzz` and a
//! nightly compiler:
//!
//!     mkdir -p fuzz/corpus/equation
//!     cargo +nightly fuzz run equation fuzz/corpus/equation fuzz/seeds/equation -- -max_len=256
//!
//! The first folder takes what is found on the way, the second is only read. A text that breaks
//! something becomes a seed when it is mended; an ordinary test runs them all.

#![no_main]

#[path = "../../crates/jetspace-expr/tests/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|text: &str| invariants::check(text));
