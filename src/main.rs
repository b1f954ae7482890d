//! The `letshang` program: parse, build, run, exit code.
#![forbid(unsafe_code)]
use std::process::ExitCode;

// Gives a spike's memory back to the system; glibc's allocator keeps it (ARCHITECTURE.md, decisions).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    letshang::cli::main()
}
