//! Why there are no settings.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use largestack_types::error::{Code, Coded};

use crate::origin::Source;
use crate::problem::Problem;

/// The largest configuration file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file or folder.
    #[error("{}", self.message())]
    NotFound {
        /// What was looked for, e.g. `an agent file`.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// A file that may have been meant.
        nearest: Option<PathBuf>,
    },
    /// A file cannot be read.
    #[error("{}", self.message())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than [`MAX_FILE_BYTES`].
    #[error("{}", self.message())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A file is not UTF-8.
    #[error("{}", self.message())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first line that is not, from 1.
        line: usize,
    },
    /// What is written does not make settings: everything that is wrong, in order.
    #[error("{}", self.message())]
    Invalid(Vec<Problem>),
}

impl Error {
    /// Everything that is wrong with what is written; empty for the other errors.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid(problems) => problems,
            _ => &[],
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound { .. } => Code::NotFound,
            // What was typed is input; what is written down is configuration.
            Self::Invalid(problems)
                if problems.iter().all(|p| matches!(p.source, Source::Flag(_))) =>
            {
                Code::Input
            }
            _ => Code::Config,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NotFound { what, path, .. } => format!("There is no {what} {}", path.display()),
            Self::Unreadable { path, .. } => format!("Cannot read {}", path.display()),
            Self::TooLarge { path, bytes } => format!(
                "{} has {bytes} bytes; a configuration file has at most {MAX_FILE_BYTES}",
                path.display()
            ),
            Self::NotText { path, line } => {
                format!("{}:{line}: not UTF-8 text", path.display())
            }
            Self::Invalid(problems) => match problems.as_slice() {
                [problem] => problem.message(),
                problems => {
                    let mut text = format!("{} problems in the configuration", problems.len());
                    for problem in problems {
                        text.push_str("\n  - ");
                        text.push_str(&problem.to_string());
                    }
                    text
                }
            },
        }
    }

    fn suggestion(&self) -> Cow<'_, str> {
        match self {
            Self::NotFound { nearest: Some(path), .. } => {
                format!("Did you mean {}?", path.display()).into()
            }
            Self::NotFound { what: "agent file", .. } => {
                "Name a folder with an agent.yaml, or make one: largestack new NAME".into()
            }
            Self::NotFound { what: "workflow file", .. } => {
                "Name a folder with a workflow.yaml, or such a file".into()
            }
            Self::NotFound { .. } => "Check the path".into(),
            Self::Unreadable { .. } => "Check the permissions of the file".into(),
            Self::TooLarge { .. } => "Put long texts into the knowledge folder".into(),
            Self::NotText { .. } => "Save the file as UTF-8".into(),
            Self::Invalid(problems) => match problems.as_slice() {
                [problem] => match problem.advice() {
                    Some(advice) => advice.into(),
                    None => self.code().suggestion().into(),
                },
                _ => self.code().suggestion().into(),
            },
        }
    }
}
