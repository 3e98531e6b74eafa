//! Where tests run the binary: a folder of their own, an empty home, no environment.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a command came to.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Standard output as one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The same, when it ended with this code.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }
}

impl Place {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A folder with a project `library` of the template `rag`.
    pub(crate) fn with_library() -> Self {
        let place = Self::new();
        place.run(&["new", "library", "--template", "rag"]).expect(0);
        place
    }

    /// A path in the folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("a file can be read")
    }

    /// The binary, about to run here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_largestack"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.path("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.run_in(".", arguments)
    }

    /// Runs the binary in a folder below.
    pub(crate) fn run_in(&self, folder: &str, arguments: &[&str]) -> Done {
        let output = self.command(arguments).current_dir(self.path(folder)).output();
        Done::of(&output.expect("the binary runs"))
    }

    /// Runs the binary with an environment variable.
    pub(crate) fn run_with(&self, variable: (&str, &str), arguments: &[&str]) -> Done {
        let output = self.command(arguments).env(variable.0, variable.1).output();
        Done::of(&output.expect("the binary runs"))
    }

    /// Runs the binary with something on its standard input.
    pub(crate) fn pipe(&self, input: &[u8], arguments: &[&str]) -> Done {
        let mut child =
            self.command(arguments).stdin(Stdio::piped()).spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // A command that has read enough may go away before everything is written.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("the writer ends");
        Done::of(&output)
    }

    /// The id of the newest run of a project.
    pub(crate) fn last_run(&self, project: &str) -> String {
        let list = self.run(&["trace", project, "--json"]).expect(0).json();
        list["runs"][0]["run"].as_str().expect("a run").to_owned()
    }

    /// The text with everything that differs from run to run replaced.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let real = fs::canonicalize(self.folder.path()).expect("the folder is there");
        let mut text = text.replace(&*real.to_string_lossy(), "[HERE]");
        text = text.replace(&*self.folder.path().to_string_lossy(), "[HERE]");
        for (pattern, with) in [
            (r"run_[0-9a-f]{32}", "[RUN]"),
            (r"own_[0-9a-f]{32}", "[OWNER]"),
            (r"\b[0-9a-f]{64}\b", "[HASH]"),
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
            (r"\b\d{4}-\d\d-\d\d\b", "[DAY]"),
            (r#""at": \d{16}"#, r#""at": [MICROS]"#),
            (r#""at":\d{16}"#, r#""at":[MICROS]"#),
            (r"\d+(\.\d+)? (ms|s)\b", "[LASTED]"),
            (r#""(duration_us|duration_ms|first_byte_us)":( ?)\d+"#, r#""$1":$2[LASTED]"#),
            (r"\d+(\.\d+)? [KMG]iB", "[SIZE]"),
            (r" {2,}\[LASTED\]", "  [LASTED]"),
            (r"(\[TIME\]|\[DAY\]|\[LASTED\]|\[RUN\]) {2,}", "$1  "),
        ] {
            text = Regex::new(pattern).expect("a pattern").replace_all(&text, with).into_owned();
        }
        text
    }
}

/// Copies a folder of the repository.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be read") {
        let entry = entry.expect("an entry can be read");
        let target = to.join(entry.file_name());
        if entry.file_name() == ".largestack" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
