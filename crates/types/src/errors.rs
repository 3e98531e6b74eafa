//! The errors a user matches on by name. Each is plain data, so that a journal can keep it and a
//! resumed run raises the same one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::render;
pub use crate::error::{Code, Coded, Kind};
use crate::id::RunId;
use crate::money::Money;

pub mod unsent;

/// Any error of Largestack.
pub type Result<T, E = LargestackError> = std::result::Result<T, E>;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident / $code:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    } |$this:ident| $message:expr $(, suggestion $suggestion:expr)? $(, retryable $retryable:expr)?;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
            }

            impl Coded for $name {
                fn code(&self) -> Code { Code::$code }
                fn message(&self) -> String { let $this = self; $message }
                $(fn suggestion(&self) -> Cow<'_, str> { let $this = self; Cow::from($suggestion) })?
                $(fn retryable(&self) -> bool { let $this = self; $retryable })?
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { render(self, f) }
            }

            impl std::error::Error for $name {}

            impl From<$name> for LargestackError {
                fn from(error: $name) -> Self { Self::$name(Box::new(error)) }
            }
        )+

        /// Any error of Largestack: match on a variant, or branch on [`Coded::retryable`].
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum LargestackError {
            $($(#[$doc])* $name(Box<$name>),)+
        }

        impl LargestackError {
            fn as_coded(&self) -> &dyn Coded {
                match self { $(Self::$name(error) => &**error,)+ }
            }
        }
    };
}

errors! {
    /// A provider failed in a way no other error names.
    ProviderError / Provider {
        /// The provider.
        provider: Arc<str>,
        /// HTTP status, when one arrived.
        status: Option<u16>,
        /// What the provider said, without secrets.
        detail: String,
        /// The provider's own error code or type.
        provider_code: Option<String>,
        /// The provider's id of the request.
        request_id: Option<String>,
        /// Whether trying again can help.
        transient: bool,
    } |e| match e.status {
        Some(status) => format!("{} HTTP {status}: {}", e.provider, e.detail),
        None => format!("{}: {}", e.provider, e.detail),
    }, suggestion {
        let known = e.provider_code.as_deref().filter(|_| e.status.is_none());
        known.and_then(unsent::advice).unwrap_or(Code::Provider.suggestion())
    }, retryable e.transient;
    /// A provider did not answer in time.
    ProviderTimeoutError / ProviderTimeout {
        /// The provider.
        provider: Arc<str>,
        /// What was waited for: `connect`, `first byte`, `next chunk` or `the whole reply`.
        phase: Cow<'static, str>,
        /// How long, in milliseconds.
        after_ms: u64,
    } |e| format!("{} timed out waiting for {} after {} ms", e.provider, e.phase, e.after_ms);
    /// A provider refused the credentials, or none were configured.
    ProviderAuthError / ProviderAuth {
        /// The provider.
        provider: Arc<str>,
        /// What the provider said, without secrets; empty when no key was configured.
        detail: String,
        /// The environment variable that holds the key.
        key_variable: String,
    } |e| if e.detail.is_empty() {
        format!("{} API key invalid", e.provider)
    } else {
        format!("{} API key invalid: {}", e.provider, e.detail)
    }, suggestion format!("Set: export {}=...", e.key_variable);
    /// A provider's rate limit.
    ProviderRateLimitError / RateLimit {
        /// The provider.
        provider: Arc<str>,
        /// What the provider said.
        detail: String,
        /// How long the provider asked to wait, in milliseconds.
        retry_after_ms: Option<u64>,
        /// Whether a quota is used up, so that waiting does not help.
        exhausted: bool,
    } |e| match e.retry_after_ms {
        Some(ms) => format!("{} rate limit: {} (retry after {ms} ms)", e.provider, e.detail),
        None => format!("{} rate limit: {}", e.provider, e.detail),
    }, suggestion if e.exhausted {
        "The quota is used up: raise it with the provider, or add a fallback model"
    } else {
        Code::RateLimit.suggestion()
    }, retryable !e.exhausted;
    /// A limit per minute that the operator has set.
    RateLimitExceededError / RateLimit {
        /// Whose: `key`, `user`, `tenant`, `model` or `provider`.
        scope: Cow<'static, str>,
        /// Which one.
        name: Arc<str>,
        /// Of what: `requests`, `input tokens`, `output tokens` or `nano-dollars`.
        measure: Cow<'static, str>,
        /// The limit.
        per_minute: u64,
        /// What the call could use at the most.
        needed: u64,
        /// When there is room again, in milliseconds; `None` when the call is larger than the
        /// limit, so that there never is.
        retry_after_ms: Option<u64>,
    } |e| {
        let limit = format!("{} {} per minute for {} {}", e.per_minute, e.measure, e.scope, e.name);
        match e.retry_after_ms {
            Some(ms) => format!("The limit of {limit} is reached (retry after {ms} ms)"),
            None => format!("A call of up to {} is larger than the limit of {limit}", e.needed),
        }
    }, suggestion match e.retry_after_ms {
        Some(_) => "Wait and repeat the call, raise `limits`, or set `limits.when_reached: wait`",
        None => "Raise the limit in `limits`, or ask for less output",
    }, retryable e.retry_after_ms.is_some();
    /// Every provider that was tried failed; each attempt is kept.
    AllProvidersFailedError / AllFailed {
        /// What was tried, in order: the model and its error.
        attempts: Vec<(Arc<str>, LargestackError)>,
    } |e| {
        let said = |(model, error): &(Arc<str>, LargestackError)| {
            format!("{model} ({}): {}", error.code(), error.message())
        };
        let tried: Vec<String> = e.attempts.iter().map(said).collect();
        format!("All providers failed: {}", tried.join("; "))
    };
    /// The budget cannot cover the call, or is gone.
    BudgetExceededError / Budget {
        /// The scope whose budget it is: `run`, `agent`, `user`, `key`, `team` or `tenant`, with
        /// the window before it where it is not all time: `daily agent`.
        scope: Cow<'static, str>,
        /// Spent and reserved so far.
        committed: Money,
        /// What the call could cost at the least.
        needed: Money,
        /// The limit.
        budget: Money,
    } |e| format!(
        "The {} budget of {} cannot cover {} more ({} spent or reserved)",
        e.scope, e.budget, e.needed, e.committed
    ), suggestion {
        let least = Money::from_nanos(e.committed.nanos().saturating_add(e.needed.nanos()));
        match &*e.scope {
            "run" => format!("Raise `budget` to at least {least} or ask for less"),
            scope => format!("Raise the {scope} limit in `budgets` to at least {least}"),
        }
    };
    /// The run went in circles or reached a limit.
    LoopDetectedError / Loop {
        /// Turns taken.
        turns: u32,
        /// Which limit: `max_turns`, `wall_clock`, `repeated_calls`, `no_progress`,
        /// `max_tool_calls`.
        reason: Cow<'static, str>,
    } |e| format!("Agent stuck after {} turns ({})", e.turns, e.reason),
    suggestion match &*e.reason {
        "max_turns" => "Raise `limits.max_turns`, or make the instructions more precise",
        "wall_clock" => "Raise `limits.wall_clock`, or use a faster model",
        "max_tool_calls" => "Raise `limits.max_tool_calls`, or offer fewer tools",
        _ => Code::Loop.suggestion(),
    };
    /// The request is larger than the model's context.
    ContextWindowExceededError / Context {
        /// The model.
        model: Arc<str>,
        /// Tokens the request has, as far as known.
        tokens: Option<u64>,
        /// Tokens the model takes.
        maximum: Option<u64>,
    } |e| match (e.tokens, e.maximum) {
        (Some(tokens), Some(maximum)) => format!(
            "The request of {tokens} tokens does not fit the {maximum} of {}", e.model),
        _ => format!("The request does not fit the context of {}", e.model),
    };
    /// The operator requires a licence file and there is no valid one.
    LicenseRequiredError / License {
        /// What is wrong with the licence.
        detail: String,
    } |e| format!("A valid licence is required: {}", e.detail);
    /// A guard blocked input or output.
    GuardrailBlockedError / Guardrail {
        /// The guard, e.g. `secrets`.
        guard_type: Cow<'static, str>,
        /// What was blocked and why, without the value.
        detail: String,
    } |e| format!("Blocked by guardrail {}: {}", e.guard_type, e.detail);
    /// The kill switch is on.
    KillSwitchActivatedError / KillSwitch {
        /// Who threw it.
        by: String,
        /// Why.
        reason: String,
    } |e| format!("The kill switch is on (by {}: {})", e.by, e.reason);
    /// A tool failed.
    ToolExecutionError / Tool {
        /// The tool.
        tool: Arc<str>,
        /// What went wrong, without secrets.
        detail: String,
        /// Whether trying again can help.
        transient: bool,
    } |e| format!("Tool {} failed: {}", e.tool, e.detail), retryable e.transient;
    /// The agent may not use the tool.
    ToolPermissionError / ToolPerm {
        /// The tool.
        tool: Arc<str>,
        /// The agent.
        agent: Arc<str>,
        /// What of the arguments is not allowed, where the tool itself is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments: Option<String>,
    } |e| match &e.arguments {
        None => format!("Agent {} may not use tool {}", e.agent, e.tool),
        Some(why) => format!("Agent {} may not call tool {} like this: {why}", e.agent, e.tool),
    }, suggestion match e.arguments {
        None => format!("Add `{}` to the agent's allow list", e.tool),
        Some(_) => format!("Change the rules for the arguments of `{}`, or ask for less", e.tool),
    };
    /// An answer does not fit what was asked for.
    OutputError / Output {
        /// What is wrong, each with its place in the answer.
        problems: Vec<String>,
        /// How many answers there were.
        attempts: u32,
    } |e| {
        let answers = if e.attempts == 1 { "The answer does" } else { "The last answer does" };
        let of = if e.attempts == 1 { String::new() } else { format!(" (of {})", e.attempts) };
        format!("{answers} not fit what was asked for{of}: {}", e.problems.join("; "))
    };
    /// A real provider call was attempted where model requests are blocked.
    ModelRequestsBlockedError / ModelBlocked {
        /// The model.
        model: Arc<str>,
    } |e| format!("A request to {} was attempted while model requests are blocked", e.model);
    /// An error of any other code.
    OtherError / Unknown {
        /// The code.
        code: Code,
        /// What happened.
        detail: String,
        /// What to do, where it is more precise than the catalogue.
        advice: Option<String>,
        /// Whether trying again can help, where it is otherwise than the code says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retryable: Option<bool>,
        /// The run, where one was under way.
        run: Option<RunId>,
    } |e| e.detail.clone();
}

impl LargestackError {
    /// An error of a code that has no struct of its own.
    pub fn other(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        OtherError { code, detail, advice: None, retryable: None, run: None }.into()
    }

    /// The same with advice more precise than the catalogue's.
    pub fn with_advice(code: Code, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice = Some(advice.into());
        OtherError { code, detail: detail.into(), advice, retryable: None, run: None }.into()
    }

    /// Any coded error, reduced to its contract.
    pub fn from_coded(error: &(impl Coded + ?Sized)) -> Self {
        let suggestion = error.suggestion();
        let advice = (suggestion != error.code().suggestion()).then(|| suggestion.into_owned());
        let mut detail = error.message();
        // The chain of causes is part of what happened; each link says only its own line.
        let mut cause = error.source();
        while let Some(error) = cause {
            detail = format!("{detail}: {error}");
            cause = error.source();
        }
        let (code, retryable) = (error.code(), error.retryable());
        let retryable = (retryable != code.retryable()).then_some(retryable);
        OtherError { code, detail, advice, retryable, run: None }.into()
    }

    /// The guard that blocked, for a guardrail error.
    pub fn guard_type(&self) -> Option<&str> {
        match self {
            Self::GuardrailBlockedError(error) => Some(&error.guard_type),
            _ => None,
        }
    }
}

impl Coded for LargestackError {
    fn code(&self) -> Code {
        match self {
            Self::OtherError(error) => error.code,
            _ => self.as_coded().code(),
        }
    }

    fn message(&self) -> String {
        self.as_coded().message()
    }

    fn retryable(&self) -> bool {
        match self {
            Self::OtherError(error) => error.retryable.unwrap_or(error.code.retryable()),
            _ => self.as_coded().retryable(),
        }
    }

    fn suggestion(&self) -> Cow<'_, str> {
        match self {
            Self::OtherError(error) => {
                error.advice.as_deref().unwrap_or(error.code.suggestion()).into()
            }
            _ => self.as_coded().suggestion(),
        }
    }
}

impl fmt::Display for LargestackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render(self, f)
    }
}

impl fmt::Debug for LargestackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(self.code().name()).field(&self.message()).finish()
    }
}

impl std::error::Error for LargestackError {}

#[cfg(test)]
mod tests;
