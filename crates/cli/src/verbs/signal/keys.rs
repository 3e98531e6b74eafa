//! Keys that events are signed with: one line in a file that nobody else may read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use largestack_http::OsIds;
use largestack_store::signed::SigningKey;
use largestack_types::errors::{LargestackError, Result};

use super::wrong;
use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;

/// Makes a key in a file that is not there yet, and prints what receivers know it by.
pub(super) fn make(file: &Path, name: &str, screen: &mut Screen) -> Outcome {
    if name.is_empty() || name.len() > 64 || name.contains(char::is_whitespace) {
        return Err(wrong("a key's name has no spaces, and at most 64 bytes", "--as NAME").into());
    }
    let key = SigningKey::random(name, &OsIds::new()?);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut open| writeln!(open, "{}", key.expose()));
    written.map_err(|error| unusable(file, &error))?;
    line(&key, screen)
}

/// Prints what receivers know a key by.
pub(super) fn show(file: &Path, screen: &mut Screen) -> Outcome {
    line(&read(file)?, screen)
}

/// The key in a file.
pub(super) fn read(file: &Path) -> Result<SigningKey> {
    let text = std::fs::read_to_string(file).map_err(|error| unusable(file, &error))?;
    SigningKey::parse(&text).ok_or_else(|| {
        let none = format!("{} holds no key that events are signed with", file.display());
        wrong(&none, "largestack signal --new-key KEYFILE --as NAME")
    })
}

fn line(key: &SigningKey, screen: &mut Screen) -> Outcome {
    screen.print(&format!("{}: {}\n", key.name(), key.public()?))?;
    Ok(exit::DONE)
}

fn unusable(file: &Path, error: &std::io::Error) -> LargestackError {
    wrong(&format!("{} cannot be used: {error}", file.display()), "Name another file")
}
