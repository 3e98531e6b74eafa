//! `largestack explain CODE`: the page about an error code, from inside the binary.

use clap::Args;
use largestack_types::errors::{Code, LargestackError};
use serde::Serialize;

use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;

/// Explains an error code.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code, e.g. LARGESTACK_BUDGET or just budget; without one, every code is listed
    code: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

macro_rules! pages {
    ($($code:ident = $file:literal,)+) => {
        /// The page of a code.
        fn page(code: Code) -> &'static str {
            match code {
                $(Code::$code => include_str!(concat!("../../../../docs/errors/LARGESTACK_", $file, ".md")),)+
            }
        }
    };
}

pages! {
    Unknown = "UNKNOWN",
    Provider = "PROVIDER",
    ProviderTimeout = "PROVIDER_TIMEOUT",
    ProviderAuth = "PROVIDER_AUTH",
    RateLimit = "RATE_LIMIT",
    AllFailed = "ALL_FAILED",
    Budget = "BUDGET",
    Loop = "LOOP",
    Context = "CONTEXT",
    License = "LICENSE",
    Guardrail = "GUARDRAIL",
    KillSwitch = "KILL_SWITCH",
    Tool = "TOOL",
    ToolPerm = "TOOL_PERM",
    Egress = "EGRESS",
    Sandbox = "SANDBOX",
    Hook = "HOOK",
    ModelBlocked = "MODEL_BLOCKED",
    Config = "CONFIG",
    Input = "INPUT",
    Document = "DOCUMENT",
    NotFound = "NOT_FOUND",
    ModelUnknown = "MODEL_UNKNOWN",
    Conflict = "CONFLICT",
    QueueFull = "QUEUE_FULL",
    Signal = "SIGNAL",
    Signature = "SIGNATURE",
    Store = "STORE",
    JournalVersion = "JOURNAL_VERSION",
    Journal = "JOURNAL",
    Definition = "DEFINITION",
    InDoubt = "IN_DOUBT",
    Suspended = "SUSPENDED",
    Approval = "APPROVAL",
    ApprovalDenied = "APPROVAL_DENIED",
    Cancelled = "CANCELLED",
    Output = "OUTPUT",
}

#[derive(Serialize)]
struct Document {
    code: &'static str,
    retryable: bool,
    exit_code: u8,
    http_status: u16,
    suggestion: &'static str,
    docs_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'static str>,
}

impl Document {
    fn of(code: Code, page: Option<&'static str>) -> Self {
        Self {
            code: code.name(),
            retryable: code.retryable(),
            exit_code: code.kind().exit_code(),
            http_status: code.kind().http_status(),
            suggestion: code.suggestion(),
            docs_url: code.docs_url(),
            page,
        }
    }
}

impl Explain {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let Some(name) = &self.code else {
            if self.json {
                let all: Vec<_> = Code::ALL.iter().map(|code| Document::of(*code, None)).collect();
                screen.json(&all)?;
            } else {
                screen.print(&list())?;
            }
            return Ok(exit::DONE);
        };
        let code = find(name)?;
        if self.json {
            screen.json(&Document::of(code, Some(page(code))))?;
        } else {
            screen.print(page(code))?;
        }
        Ok(exit::DONE)
    }
}

/// The code of this name, with or without its prefix, in any case and with `-` for `_`.
fn find(name: &str) -> Result<Code, LargestackError> {
    let upper = name.trim().to_ascii_uppercase().replace('-', "_");
    let short = upper.strip_prefix("LARGESTACK_").unwrap_or(&upper);
    Code::parse(&format!("LARGESTACK_{short}")).ok_or_else(|| {
        LargestackError::with_advice(
            Code::NotFound,
            format!("there is no error code {name}"),
            "`largestack explain` lists every code",
        )
    })
}

fn list() -> String {
    let line = |code: &Code| format!("{:<27} {}\n", code.name(), code.suggestion());
    Code::ALL.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_page() {
        for code in Code::ALL {
            assert!(page(*code).starts_with(&format!("# {}\n", code.name())), "{code}");
        }
    }

    #[test]
    fn codes_are_found_as_people_type_them() {
        for name in ["LARGESTACK_TOOL_PERM", "tool-perm", " Tool_Perm "] {
            assert_eq!(find(name).unwrap(), Code::ToolPerm, "{name}");
        }
        assert!(find("TOOLS").is_err());
    }
}
