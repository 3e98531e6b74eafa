//! The error catalogue: stable codes, what kind each is, whether a retry can help, what to do.
//!
//! One small set of [`Kind`]s maps to the outside (HTTP status, exit code, log level); nothing
//! else does. Adding a code here needs a page `docs/errors/<CODE>.md`, which `cargo xtask tidy`
//! checks.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where the error pages live; the code is appended.
pub const DOCS_BASE: &str = "https://largestack.ai/docs/errors/";

/// What kind of failure a code is. The only thing mapped to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A defect or something unforeseen.
    Internal,
    /// The input or configuration is wrong.
    Invalid,
    /// Credentials are missing or wrong.
    Auth,
    /// A policy, guard or switch said no.
    Denied,
    /// What was named does not exist.
    NotFound,
    /// Something else holds or changed it.
    Conflict,
    /// A limit, budget or rate was reached.
    Limited,
    /// Another system failed.
    Unavailable,
    /// Another system did not answer in time.
    Timeout,
    /// The caller gave up.
    Cancelled,
}

impl Kind {
    /// Exit code of the command line. 1 is left to internal errors, 2 is the shell's habit for
    /// wrong usage.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Invalid => 2,
            Self::Auth => 3,
            Self::Denied => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::Limited => 7,
            Self::Unavailable => 8,
            Self::Timeout => 9,
            Self::Cancelled => 130,
        }
    }

    /// HTTP status of a problem document.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Internal => 500,
            Self::Invalid => 400,
            Self::Auth => 401,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Limited => 429,
            Self::Unavailable => 502,
            Self::Timeout => 504,
            Self::Cancelled => 499,
        }
    }
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident, retryable: $retryable:literal, $suggestion:literal;)+) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)+
        }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, e.g. `LARGESTACK_BUDGET`. Never changes.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => concat!("LARGESTACK_", $name),)+ }
            }

            /// What kind of failure it is.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }

            /// Whether the same call can succeed later, unchanged.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)+ }
            }

            /// What to do, where the error itself knows nothing better.
            pub const fn suggestion(self) -> &'static str {
                match self { $(Self::$variant => $suggestion,)+ }
            }
        }
    };
}

catalogue! {
    /// Something unforeseen.
    Unknown = "UNKNOWN", Internal, retryable: false,
        "Report it with the run id; `largestack trace RUN` shows what led to it";
    /// A provider failed in a way no other code names.
    Provider = "PROVIDER", Unavailable, retryable: false,
        "Read the provider's message; add a fallback model";
    /// A provider did not answer in time.
    ProviderTimeout = "PROVIDER_TIMEOUT", Timeout, retryable: true,
        "Raise the provider's timeout or add a fallback model";
    /// A provider refused the credentials, or none were configured.
    ProviderAuth = "PROVIDER_AUTH", Auth, retryable: false,
        "Set the provider's API key, e.g. export LARGESTACK_OPENAI_API_KEY=...";
    /// A provider's rate limit.
    RateLimit = "RATE_LIMIT", Limited, retryable: true,
        "Wait and try again; add a fallback model";
    /// Every provider that was tried failed.
    AllFailed = "ALL_FAILED", Unavailable, retryable: false,
        "Look at each attempt; add a local fallback such as ollama/llama3.2";
    /// The budget cannot cover the call, or is gone.
    Budget = "BUDGET", Limited, retryable: false,
        "Raise `budget` or ask for less";
    /// The run went in circles or reached a limit with `on_limit: error`.
    Loop = "LOOP", Limited, retryable: false,
        "Make the instructions more precise, or raise the limit it names";
    /// The request is larger than the model's context.
    Context = "CONTEXT", Invalid, retryable: false,
        "Use a model with a larger context, or sum conversations up (`memory.strategy: summary`)";
    /// The operator requires a licence file and there is no valid one.
    License = "LICENSE", Denied, retryable: false,
        "Name a valid licence file in `license.file`, or remove the operator's requirement";
    /// A guard blocked input or output.
    Guardrail = "GUARDRAIL", Denied, retryable: false,
        "Rephrase, or change the guard's action in `guardrails`";
    /// The kill switch is on.
    KillSwitch = "KILL_SWITCH", Denied, retryable: false,
        "Lift it when it is safe: largestack resume --reason ...";
    /// A tool failed, with `on_error: raise`.
    Tool = "TOOL", Internal, retryable: false,
        "Check the tool and the arguments it was called with";
    /// The agent may not use the tool.
    ToolPerm = "TOOL_PERM", Denied, retryable: false,
        "Add the tool to the agent's allow list";
    /// A tool was to reach an address that it may not reach.
    Egress = "EGRESS", Denied, retryable: false,
        "Name the host in the tool's `hosts`, or its network in `networks`, if the agent may reach it";
    /// A command or code cannot be confined here, and is not run unconfined.
    Sandbox = "SANDBOX", Denied, retryable: false,
        "`largestack doctor` says what is missing; `sandbox: none` runs the tool's commands unconfined";
    /// A hook of the agent failed.
    Hook = "HOOK", Internal, retryable: false,
        "Look at the hook that is named; it was asked once and is not asked again for this step";
    /// A real provider call was attempted where model requests are blocked.
    ModelBlocked = "MODEL_BLOCKED", Denied, retryable: false,
        "Use a TestModel, or allow model requests again (`model_requests: allow`)";
    /// A configuration file, key or value is wrong.
    Config = "CONFIG", Invalid, retryable: false,
        "Fix the place named; `largestack config explain` shows where each value comes from";
    /// What was asked cannot be used as it is.
    Input = "INPUT", Invalid, retryable: false,
        "Correct the input and try again";
    /// A document cannot be read as text.
    Document = "DOCUMENT", Invalid, retryable: false,
        "Convert it to UTF-8 text or markdown, or exclude it";
    /// What was named does not exist.
    NotFound = "NOT_FOUND", NotFound, retryable: false,
        "Check the name or id; `largestack trace` lists runs";
    /// No provider knows the model.
    ModelUnknown = "MODEL_UNKNOWN", NotFound, retryable: false,
        "Write models as provider/model, e.g. openai/gpt-4o-mini";
    /// Another process holds the run or changed it first.
    Conflict = "CONFLICT", Conflict, retryable: true,
        "Wait for the other process, or end it";
    /// As many runs wait for a worker as may.
    QueueFull = "QUEUE_FULL", Limited, retryable: true,
        "Try again when workers have taken some, start more of them, or raise `worker.max_queued`";
    /// The store cannot be read or written.
    Store = "STORE", Unavailable, retryable: false,
        "Check the disk's space and the folder's permissions; `largestack doctor` tests both";
    /// A journal was written by a newer version.
    JournalVersion = "JOURNAL_VERSION", Invalid, retryable: false,
        "Use the version that wrote it, or a newer one; nothing was changed";
    /// A journal does not fold: it is damaged or not one.
    Journal = "JOURNAL", Internal, retryable: false,
        "Run `largestack doctor`; restore the store from a backup if it is damaged";
    /// The agent's definition changed since the run began.
    Definition = "DEFINITION", Conflict, retryable: false,
        "Resume with the definition the run began with";
    /// A tool with side effects was cut off and nobody knows whether it happened.
    InDoubt = "IN_DOUBT", Conflict, retryable: false,
        "Check the tool's effect by hand, then: largestack resume RUN --in-doubt tell-model|rerun";
    /// The run waits for an answer from outside.
    Suspended = "SUSPENDED", Conflict, retryable: false,
        "Answer what the run waits for, then resume it";
    /// An answer to a question came too late or again.
    Approval = "APPROVAL", Conflict, retryable: false,
        "See how the run went on: largestack trace RUN";
    /// An answer to a question came from somebody without the right to it, or was tampered with.
    ApprovalDenied = "APPROVAL_DENIED", Denied, retryable: false,
        "Let one of those answer whom the question names, or hand on the right to";
    /// An event for a run cannot be taken.
    Signal = "SIGNAL", Limited, retryable: false,
        "See what waits for the run already: largestack signal RUN --list";
    /// An event for a run is not signed as it has to be.
    Signature = "SIGNATURE", Denied, retryable: false,
        "Sign it anew with a key that `signals.keys` names: largestack signal --sign KEYFILE";
    /// The caller cancelled the run.
    Cancelled = "CANCELLED", Cancelled, retryable: false,
        "Start the run again, or resume it";
    /// The reply does not fit what was asked for.
    Output = "OUTPUT", Unavailable, retryable: false,
        "Simplify the output type, or use a model with native structured output";
}

impl Code {
    /// The code with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// The page about this code.
    pub fn docs_url(self) -> String {
        format!("{DOCS_BASE}{}", self.name())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Code {
    /// A code of a newer version reads as [`Code::Unknown`]: a journal stays readable.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::parse(&name).unwrap_or(Self::Unknown))
    }
}

/// An error of the contract: code, retryability, suggestion and page. A crate's own error enums
/// implement it by pointing each variant at its code.
pub trait Coded: std::error::Error {
    /// The stable code.
    fn code(&self) -> Code;

    /// What happened, in one line, without suggestion or page.
    fn message(&self) -> String;

    /// Whether the same call can succeed later.
    fn retryable(&self) -> bool {
        self.code().retryable()
    }

    /// What to do about it.
    fn suggestion(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.code().suggestion())
    }

    /// The page about the code.
    fn docs_url(&self) -> String {
        self.code().docs_url()
    }
}

/// Prints an error as the contract shows it: message, `Suggestion:`, `Docs:`.
pub fn render(error: &(impl Coded + ?Sized), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&error.message())?;
    let suggestion = error.suggestion();
    if !suggestion.is_empty() {
        write!(f, "\n  Suggestion: {suggestion}")?;
    }
    write!(f, "\n  Docs: {}", error.docs_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifteen_codes_of_the_contract_keep_their_names_and_retryability() {
        let contract = [
            ("UNKNOWN", false),
            ("PROVIDER", false),
            ("PROVIDER_TIMEOUT", true),
            ("PROVIDER_AUTH", false),
            ("RATE_LIMIT", true),
            ("ALL_FAILED", false),
            ("BUDGET", false),
            ("LOOP", false),
            ("CONTEXT", false),
            ("LICENSE", false),
            ("GUARDRAIL", false),
            ("KILL_SWITCH", false),
            ("TOOL", false),
            ("TOOL_PERM", false),
            ("MODEL_BLOCKED", false),
        ];
        for (name, retryable) in contract {
            let code = Code::parse(&format!("LARGESTACK_{name}")).expect(name);
            assert_eq!(code.retryable(), retryable, "{name}");
            assert!(!code.suggestion().is_empty(), "{name}");
            assert!(code.docs_url().ends_with(code.name()), "{name}");
        }
    }

    #[test]
    fn a_code_of_a_newer_version_reads_as_unknown() {
        assert_eq!(serde_json::from_str::<Code>("\"LARGESTACK_NEW\"").unwrap(), Code::Unknown);
        let text = serde_json::to_string(&Code::Budget).unwrap();
        assert_eq!(text, "\"LARGESTACK_BUDGET\"");
        assert_eq!(serde_json::from_str::<Code>(&text).unwrap(), Code::Budget);
    }
}
