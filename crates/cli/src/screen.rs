//! The terminal: everything the program writes goes through here, so that colours, quiet mode and
//! a reader that went away are decided once.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// Standard output and standard error.
pub(crate) struct Screen {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    quiet: bool,
}

impl Screen {
    /// A screen that colours as asked; a quiet one shows errors only on standard error.
    pub(crate) fn new(colour: Colour, quiet: bool) -> Self {
        let choice = match colour {
            Colour::Auto => None,
            Colour::Always => Some(ColorChoice::Always),
            Colour::Never => Some(ColorChoice::Never),
        };
        let (out, err) = (io::stdout(), io::stderr());
        Self {
            out: AutoStream::new(out, choice.unwrap_or_else(|| AutoStream::choice(&io::stdout()))),
            err: AutoStream::new(err, choice.unwrap_or_else(|| AutoStream::choice(&io::stderr()))),
            quiet,
        }
    }

    /// Writes to standard output and sees to it that it is shown.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Writes bytes to standard output as they are.
    #[expect(clippy::unused_self, reason = "the screen is the one way to standard output")]
    pub(crate) fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
    }

    /// Writes one JSON document to standard output.
    pub(crate) fn json(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let mut text =
            serde_json::to_string_pretty(document).map_err(|error| Failure::unwritable(&error))?;
        text.push('\n');
        self.print_bytes(text.as_bytes())
    }

    /// Writes one line of JSON to standard output.
    pub(crate) fn json_line(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let mut text =
            serde_json::to_string(document).map_err(|error| Failure::unwritable(&error))?;
        text.push('\n');
        self.print_bytes(text.as_bytes())
    }

    /// A remark on standard error, unless quiet.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// A line on standard error that is never left out. When nobody can read it there is nobody
    /// left to tell.
    pub(crate) fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Whether remarks are left out.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a person sits at the terminal who can be asked something.
    pub(crate) fn can_ask(&self) -> bool {
        !self.quiet && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks the person at the terminal; nothing when nobody answers any more.
    pub(crate) fn ask(&mut self, question: &str) -> Option<String> {
        let shown = self.err.write_all(question.as_bytes()).and_then(|()| self.err.flush());
        let mut line = String::new();
        let read = shown.and_then(|()| io::stdin().lock().read_line(&mut line));
        match read {
            Ok(1..) => Some(line.trim().to_owned()),
            Ok(0) | Err(_) => None,
        }
    }

    /// Whether a person watches standard error, so that progress is worth drawing.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}
