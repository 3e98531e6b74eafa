//! `shell`: commands that an operator has allowed, word by word. No shell reads them, nothing is
//! inherited, and what the model may put into one is never an option and never leads out of the folder.
//! What an allowed program does then, it does confined: to the folder, without a network.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use largestack_ports::command::{Command, CommandLimits, Commands, Confinement, Ended, Sandbox};
use largestack_ports::tool::{Capability, ToolFailure, ToolOutput};
use largestack_types::label::Origin;
use serde::Deserialize;

use crate::DynamicTool;
use crate::built_in::{About, built_in};
use crate::command::failure;
use crate::withheld::readable;

/// The tool's name.
pub const NAME: &str = "shell";
/// Words of a command.
pub const MAX_WORDS: usize = 64;
/// Characters of a word.
pub const MAX_WORD: usize = 4_096;
/// Processor time of each process.
const PROCESSOR: Duration = Duration::from_secs(30);

/// Any one word that is no option and does not lead out of the folder.
const ONE: &str = "*";
/// Any number of such words; the last of an allowed command.
const REST: &str = "**";

/// A command that may be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The program's file.
    pub program: PathBuf,
    /// The command's words, the program's name first. `*` stands for one word and `**`, at the end,
    /// for any number of words that are no options and do not lead out of the folder.
    pub words: Vec<String>,
}

/// A folder and what may be run in it.
#[derive(Clone)]
pub struct Shell {
    /// What runs commands.
    pub commands: Arc<dyn Commands>,
    /// The folder that commands run in.
    pub root: PathBuf,
    /// What may be run; nothing else may.
    pub allow: Vec<Allowed>,
    /// What a command may use.
    pub limits: CommandLimits,
    /// What a command may reach.
    pub sandbox: Sandbox,
}

impl Shell {
    /// Commands in a folder that they may change, with nothing else of anybody's and without a network,
    /// with 1 MiB of output and 30 seconds of processor time each.
    pub fn within(
        commands: Arc<dyn Commands>,
        root: impl Into<PathBuf>,
        allow: Vec<Allowed>,
    ) -> Self {
        let root = root.into();
        let writes = vec![root.clone()];
        Self {
            commands,
            root,
            allow,
            limits: CommandLimits { processor: Some(PROCESSOR), ..CommandLimits::default() },
            sandbox: Sandbox::Confined(Confinement { writes, ..Confinement::default() }),
        }
    }
}

/// The tool over one folder.
pub fn tool(shell: Shell) -> DynamicTool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        command: Vec<String>,
    }
    let allowed: Vec<String> = shell.allow.iter().map(|one| one.words.join(" ")).collect();
    let about = About {
        name: NAME,
        description: format!(
            "Runs one command, given word by word; no shell reads it. Allowed are: {}. `*` stands for one \
word and `**` for any number, none of which begins with `-` or leads out of the folder.",
            allowed.join("; ")
        ),
        arguments: serde_json::json!({
            "command": {"type": "array", "minItems": 1, "maxItems": MAX_WORDS,
                "items": {"type": "string", "maxLength": MAX_WORD}}
        }),
        required: &["command"],
        idempotent: false,
        origin: Origin::Tool,
        capabilities: &[Capability::Execute],
    };
    built_in(about, move |_, Arguments { command }| {
        let shell = shell.clone();
        async move {
            let ended =
                shell.commands.run(shell.checked(&command).map_err(ToolFailure::new)?).await;
            Ok(ToolOutput::text(told(&ended.map_err(|error| failure(&error))?)))
        }
    })
}

impl Shell {
    /// The command, if it is one of the allowed.
    fn checked(&self, words: &[String]) -> Result<Command, String> {
        if words.len() > MAX_WORDS || words.iter().any(|word| word.chars().count() > MAX_WORD) {
            return Err(format!(
                "a command has at most {MAX_WORDS} words of {MAX_WORD} characters"
            ));
        }
        let fits = |one: &&Allowed| self.fits(&one.words, words);
        let allowed = self.allow.iter().find(fits).ok_or("this command is not allowed")?;
        Ok(Command {
            program: allowed.program.clone(),
            arguments: words.get(1..).unwrap_or_default().to_vec(),
            folder: Some(self.root.clone()),
            environment: Vec::new(),
            input: Bytes::new(),
            limits: self.limits,
            sandbox: self.sandbox.clone(),
        })
    }

    fn fits(&self, pattern: &[String], words: &[String]) -> bool {
        match (pattern.split_first(), words.split_first()) {
            (None, None) => true,
            (Some((last, [])), _) if last == REST => words.iter().all(|word| self.is_plain(word)),
            (Some((first, pattern)), Some((word, words))) => {
                let fits = if first == ONE { self.is_plain(word) } else { first == word };
                fits && self.fits(pattern, words)
            }
            _ => false,
        }
    }

    /// Whether a word is no option, and no part of it is a path out of the folder.
    fn is_plain(&self, word: &str) -> bool {
        let begins_well = !word.is_empty() && !word.starts_with(['-', '+', '@']);
        begins_well
            && !word.chars().any(char::is_control)
            && word.split(['=', ':', ',']).all(|part| self.stays(part))
    }

    fn stays(&self, part: &str) -> bool {
        let path = Path::new(part);
        let inside =
            path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !inside || part.starts_with('~') {
            return false;
        }
        let Ok(root) = self.root.canonicalize() else { return false };
        // A link may lead out: so what is there decides, of what is not the deepest folder that is.
        for above in self.root.join(path).ancestors() {
            match above.canonicalize() {
                Ok(real) => return real.starts_with(&root),
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return false,
                // A link to what is not there would be made by whoever writes to it.
                Err(_) if above.symlink_metadata().is_ok() => return false,
                Err(_) => {}
            }
        }
        false
    }
}

/// What a model reads: a command that ends with another code than 0 has often said something all the
/// same.
fn told(ended: &Ended) -> String {
    let mut text = readable(&ended.output);
    let errors = readable(&ended.errors);
    let how = match (ended.code, ended.signal) {
        (Some(0), _) => String::new(),
        (Some(code), _) => format!("[code {code}]\n"),
        (None, signal) => format!("[signal {}]\n", signal.unwrap_or_default()),
    };
    if !how.is_empty() || !errors.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&how);
        text.push_str(&errors);
    }
    if text.is_empty() { "[no output]".to_owned() } else { text }
}

#[cfg(test)]
mod tests;
