//! Leaves the symbols out of the program. The profile says so, too, but Cargo forgets that of a
//! package whose optimisation is its own.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[expect(clippy::disallowed_methods, reason = "what Cargo tells a build script")]
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|now| now == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}
