//! What was typed and is no command: said as text, or as the JSON document that was asked for.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use largestack_types::errors::{Code, LargestackError};

use crate::exit;
use crate::render::problem::Problem;
use crate::screen::{Colour, Screen};

/// Verbs whose output is always JSON.
const ALWAYS: &[&str] = &["wire", "schema"];

/// Says why the words are no command; or the help, where that was asked for.
pub(crate) fn refused(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let form = if asked_for { None } else { form(&words) };
    let Some(lines) = form else { error.exit() };
    let error = coded(&error.render().to_string());
    let mut screen = Screen::new(Colour::Never, true);
    let problem = Problem::of(&error);
    // A reader that is gone needs no document.
    let _gone = if lines { screen.json_line(&problem) } else { screen.json(&problem) };
    ExitCode::from(exit::of_error(&error))
}

/// Whether JSON was asked for, and then whether as a line.
fn form(words: &[OsString]) -> Option<bool> {
    let options = || words.iter().take_while(|word| *word != "--");
    if options().any(|word| word == "--events") && options().all(|word| word != "--json") {
        return Some(true);
    }
    let verb = options().find(|word| !word.to_string_lossy().starts_with('-'));
    let always = verb.is_some_and(|verb| ALWAYS.iter().any(|always| verb == always));
    (always || options().any(|word| word == "--json")).then_some(false)
}

/// The parser's words as an error of the contract: what is wrong, and then what helps.
fn coded(text: &str) -> LargestackError {
    let blocks =
        text.split("\n\n").map(|block| block.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut blocks = blocks.filter(|block| !block.is_empty());
    let what = blocks.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    let help: Vec<String> = blocks.map(|block| block.trim_end_matches('.').to_owned()).collect();
    LargestackError::with_advice(Code::Input, what, help.join(". "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::errors::Coded as _;

    fn of(words: &[&str]) -> Option<bool> {
        form(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_document_is_for_whoever_asked_for_one() {
        assert_eq!(of(&["trace", "--json", "--limit", "x"]), Some(false));
        assert_eq!(of(&["run", "a", "--events", "--bogus"]), Some(true));
        assert_eq!(of(&["run", "a", "--json", "--events"]), Some(false));
        assert_eq!(of(&["-q", "wire", "decode"]), Some(false));
        assert_eq!(of(&["trace", "--limit", "x"]), None);
        assert_eq!(of(&["run", "a", "--", "--json"]), None);
    }

    #[test]
    fn the_first_words_are_what_is_wrong_and_the_rest_is_what_helps() {
        let text = "error: invalid value 'x' for '--by <WHAT>'\n  [possible values: a, b]\n\nUsage: \
                    largestack cost\n\nFor more information, try '--help'.\n";
        let error = coded(text);
        assert_eq!(error.message(), "invalid value 'x' for '--by <WHAT>' [possible values: a, b]");
        let help = "Usage: largestack cost. For more information, try '--help'";
        assert_eq!(error.suggestion(), help);
        assert_eq!(exit::of_error(&error), 2);
    }
}
