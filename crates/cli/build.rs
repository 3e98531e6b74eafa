//! How the program is linked: without symbols, and with its relocations packed.
//!
//! The profile asks for the first, too, but Cargo forgets that of a package whose optimisation is
//! its own. The second takes a twentieth off the program and the time to read it off every start;
//! it needs a C library that knows the form (glibc 2.36), so it is asked for only where the machine
//! that builds has one.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if !is("PROFILE", "release") || !is("CARGO_CFG_TARGET_OS", "linux") {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    if is("CARGO_CFG_TARGET_ENV", "gnu") && var("HOST") == var("TARGET") && unpacks_relocations() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether this machine's C library is a glibc of 2.36 or later.
fn unpacks_relocations() -> bool {
    let Ok(output) = Command::new("getconf").arg("GNU_LIBC_VERSION").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().strip_prefix("glibc ").and_then(|version| version.split_once('.'));
    version.is_some_and(|(major, minor)| match (major.parse::<u32>(), minor.parse::<u32>()) {
        (Ok(major), Ok(minor)) => (major, minor) >= (2, 36),
        _ => false,
    })
}

fn is(name: &str, value: &str) -> bool {
    var(name).as_deref() == Some(value)
}

#[expect(clippy::disallowed_methods, reason = "what Cargo tells a build script")]
fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
