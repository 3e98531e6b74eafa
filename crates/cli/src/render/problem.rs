//! Errors as the contract shows them: message, suggestion and page for people, one document for
//! programs.

use std::borrow::Cow;

use largestack_types::errors::{Coded, LargestackError};
use serde::Serialize;

/// An error as one JSON document.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    /// The stable code.
    pub(crate) code: &'static str,
    /// What happened.
    pub(crate) message: String,
    /// Whether the same call can succeed later, unchanged.
    retryable: bool,
    /// What to do.
    pub(crate) suggestion: String,
    /// The page about the code.
    docs_url: String,
    /// The guard that blocked, for a guardrail error.
    #[serde(skip_serializing_if = "Option::is_none")]
    guard_type: Option<String>,
    /// What was tried, where every provider failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Attempt>,
    /// The exit code of the command.
    exit_code: u8,
}

/// One provider that failed.
#[derive(Debug, Serialize)]
struct Attempt {
    model: String,
    code: &'static str,
    message: String,
}

impl Problem {
    /// The document of an error.
    pub(crate) fn of(error: &LargestackError) -> Self {
        let attempts = match error {
            LargestackError::AllProvidersFailedError(all) => all.attempts.as_slice(),
            _ => &[],
        };
        let attempt = |(model, error): &(std::sync::Arc<str>, LargestackError)| Attempt {
            model: model.to_string(),
            code: error.code().name(),
            message: error.message(),
        };
        Self {
            code: error.code().name(),
            message: error.message(),
            retryable: error.retryable(),
            suggestion: error.suggestion().into_owned(),
            docs_url: error.docs_url(),
            guard_type: error.guard_type().map(str::to_owned),
            attempts: attempts.iter().map(attempt).collect(),
            exit_code: crate::exit::of_error(error),
        }
    }
}

/// The lines of an error, for a person.
pub(crate) fn text(error: &LargestackError) -> String {
    let text = error.to_string();
    match super::text::clean(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::errors::{AllProvidersFailedError, Code, GuardrailBlockedError};

    #[test]
    fn a_document_says_everything_the_lines_say() {
        let error = LargestackError::other(Code::Store, "no space");
        let document = serde_json::to_value(Problem::of(&error)).unwrap();
        assert_eq!(document["code"], "LARGESTACK_STORE");
        assert_eq!(document["exit_code"], 8);
        let lines = text(&error);
        for field in ["message", "suggestion", "docs_url"] {
            assert!(lines.contains(document[field].as_str().unwrap()), "{field}");
        }
        assert!(document.get("guard_type").is_none() && document.get("attempts").is_none());
    }

    #[test]
    fn guards_and_attempts_are_named() {
        let guard = GuardrailBlockedError { guard_type: "secrets".into(), detail: "a key".into() };
        let document = serde_json::to_value(Problem::of(&guard.into())).unwrap();
        assert_eq!(document["guard_type"], "secrets");
        let failed = LargestackError::other(Code::Provider, "down");
        let all = AllProvidersFailedError { attempts: vec![("a/b".into(), failed)] };
        let document = serde_json::to_value(Problem::of(&all.into())).unwrap();
        assert_eq!(document["attempts"][0]["code"], "LARGESTACK_PROVIDER");
    }
}
