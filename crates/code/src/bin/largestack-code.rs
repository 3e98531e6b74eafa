//! A program that performs scripts and does nothing else, for libraries whose own program cannot be
//! started a second time.

use std::process::ExitCode;

fn main() -> ExitCode {
    largestack_code::worked(std::env::args_os()).unwrap_or(ExitCode::from(2))
}
