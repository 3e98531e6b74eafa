//! Every example runs offline and says what its chapter of the guide shows.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

/// Runs a program without anything of the environment and compares what it says.
fn says(name: &str, program: &str) {
    let output = Command::new(program).env_clear().output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {error}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("outputs/{name}.txt"));
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said,
        expected,
        "to keep what it says now: cargo run -q -p largestack-examples --bin {name} > {}",
        file.display()
    );
}

macro_rules! examples {
    ($($test:ident = $name:literal,)+) => {
        $(#[test]
        fn $test() {
            says($name, env!(concat!("CARGO_BIN_EXE_", $name)));
        })+

        const NAMES: &[&str] = &[$($name),+];
    };
}

examples! {
    hello = "hello",
    tools = "tools",
    typed_output = "typed-output",
    streaming = "streaming",
    images = "images",
    approval = "approval",
    memory = "memory",
    multi_tenant = "multi-tenant",
    custom_provider = "custom-provider",
    research_team = "research-team",
    saga = "saga",
    nightly_batch = "nightly-batch",
    testing = "testing",
}

#[test]
fn every_example_has_a_chapter_with_its_code_and_its_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in NAMES {
        let chapter = root.join(format!("../docs/guide/{name}.md"));
        let text = std::fs::read_to_string(&chapter).unwrap_or_default();
        for part in ["example", "output"] {
            let mark = format!("<!-- generated:{part} {name} -->");
            assert!(text.contains(&mark), "docs/guide/{name}.md lacks {mark}");
        }
    }
    let programs = std::fs::read_dir(root).unwrap().flatten();
    let programs = programs.filter(|e| e.path().extension().is_some_and(|e| e == "rs"));
    assert_eq!(programs.count(), NAMES.len(), "a program without a test");
}
