//! What is scanned: a text as it was typed, a file, or standard input. A mistyped name of a file is no
//! text: whoever asks about a file must not hear that nothing was found in its name.

use std::fs;
use std::io::{ErrorKind, IsTerminal as _, Read as _};
use std::path::{self, Path};

use clap::Args;
use largestack_types::errors::{Code, LargestackError, Result};

/// The most bytes that are read, whatever they hold: all of them are held at once.
const MOST: u64 = 256 << 20;
/// Letters that the ending of a file's name has, at most: `backup`, `markdown`.
const LONGEST_ENDING: usize = 8;

/// Where a text comes from.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// The text itself, a file of this name, or - for standard input
    #[arg(value_name = "TEXT|FILE|-")]
    input: Option<String>,
    /// The text, also where it looks like the name of a file
    #[arg(long, value_name = "TEXT", conflicts_with = "input", allow_hyphen_values = true)]
    text: Option<String>,
}

impl Input {
    /// Whether something was given.
    pub(crate) fn is_given(&self) -> bool {
        self.text.is_some() || self.input.is_some() || !std::io::stdin().is_terminal()
    }

    /// The file, where one was named.
    pub(crate) fn file(&self) -> Option<&Path> {
        let named = self.input.as_deref().filter(|given| *given != "-").map(Path::new);
        named.filter(|path| path.is_file())
    }

    /// The text.
    pub(crate) fn read(&self) -> Result<String> {
        if let Some(text) = &self.text {
            return Ok(text.clone());
        }
        match self.input.as_deref() {
            None if std::io::stdin().is_terminal() => Err(LargestackError::with_advice(
                Code::Input,
                "there is nothing to scan",
                "Give a text, a file, or - and pipe it in",
            )),
            None | Some("-") => whole(std::io::stdin().lock(), "standard input", MOST),
            Some(given) => text_or_file(given),
        }
    }
}

/// The file of this name, or the text itself where it cannot have been meant as a name.
fn text_or_file(given: &str) -> Result<String> {
    let unreadable =
        |error| LargestackError::other(Code::Input, format!("{given} cannot be read: {error}"));
    match fs::metadata(given) {
        Ok(found) if found.is_dir() => Err(LargestackError::with_advice(
            Code::Input,
            format!("{given} is a folder, and one text is scanned"),
            "Give a file of it, or --text for these words themselves",
        )),
        Ok(_) => whole(fs::File::open(given).map_err(unreadable)?, given, MOST),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(unreadable(error)),
        // What was given is not repeated: it may be a text after all, and a secret.
        Err(_) if is_like_a_name(given) => Err(LargestackError::with_advice(
            Code::Input,
            "what was given looks like the name of a file, and there is no such file",
            "Look at the spelling; a text is given with --text, or with - and piped in",
        )),
        Err(_) => Ok(given.to_owned()),
    }
}

/// Whether a text could be the name of a file: one word with folders or an ending. Addresses of mail
/// and of the web, numbers and JSON are none.
fn is_like_a_name(text: &str) -> bool {
    let is_word = !text.contains(char::is_whitespace);
    let is_other = text.contains("://") || text.starts_with(['{', '[', '"']);
    let has_folders = text.contains(path::is_separator);
    let ending = text.rsplit_once('.').map_or("", |(_, ending)| ending);
    let has_ending = (1..=LONGEST_ENDING).contains(&ending.len())
        && ending.chars().all(|letter| letter.is_ascii_alphanumeric())
        && ending.contains(|letter: char| letter.is_ascii_alphabetic());
    is_word && !is_other && (has_folders || (has_ending && !text.contains('@')))
}

/// Everything that a reader has, as text; what is not UTF-8 is shown as such.
fn whole(reader: impl std::io::Read, name: &str, most: u64) -> Result<String> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes).map_err(|error| {
        LargestackError::other(Code::Input, format!("{name} cannot be read: {error}"))
    })?;
    if bytes.len() as u64 > most {
        return Err(LargestackError::with_advice(
            Code::Input,
            format!("{name} is longer than {} MiB", most >> 20),
            "Cut it between lines into smaller files, and scan each of them",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        LargestackError::other(Code::Input, format!("{name} is not UTF-8 at byte {at}"))
    })
}

#[cfg(test)]
mod tests {
    use largestack_types::error::Coded as _;

    use super::*;

    #[test]
    fn names_of_files_are_told_from_texts() {
        for name in
            ["log.txt", "./log", "logs/today", "/etc/nothing", ".evn", "a.jsonl", "a.markdown"]
        {
            assert!(is_like_a_name(name), "{name}");
        }
        for text in [
            "",
            "word",
            "two words.txt",
            "and/or so",
            "ada@example.org",
            "https://example.org/a.txt",
            "10.0.0.1",
            "3.5",
            "Hello.",
            r#"{"a":"b/c"}"#,
            "4111-1111-1111-1111",
            "a.morethaneight",
        ] {
            assert!(!is_like_a_name(text), "{text}");
        }
    }

    #[test]
    fn what_is_longer_than_may_be_held_is_refused_with_what_works() {
        assert_eq!(whole(&[b'a'; 8][..], "it", 8).unwrap(), "aaaaaaaa");
        let refused = whole(&[b'a'; 9][..], "it", 8).unwrap_err();
        assert!(refused.message().contains("it is longer than"), "{refused}");
        let advice = refused.suggestion();
        assert!(advice.contains("smaller files") && !advice.contains("--jsonl"), "{advice}");
    }
}
