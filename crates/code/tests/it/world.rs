//! A worker that nothing confines: what holds here is held by the interpreters and the worker itself.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use largestack_code::{Answer, CodeLimits, Ended, Function, Language, Outcome, Request, Scripts};
use largestack_ports::BoxFuture;
use largestack_ports::command::{self, Command, CommandFailure, Commands, Sandbox};
use largestack_tools::Processes;
use serde_json::Value;

pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_largestack-code");

/// Every language of this build.
pub(crate) fn languages() -> Vec<Language> {
    let all = Language::ALL.iter().map(|(_, language)| *language);
    let here: Vec<_> = all.filter(|language| language.is_here()).collect();
    if here.len() < Language::ALL.len() {
        // No service: what is left out here is tested where it is built.
        let _ = writeln!(std::io::stderr(), "skipped: of the languages only {here:?} are built");
    }
    here
}

/// Runs commands as they are.
pub(crate) struct Unconfined;

impl Commands for Unconfined {
    fn run(
        &self,
        mut command: Command,
    ) -> BoxFuture<'static, Result<command::Ended, CommandFailure>> {
        command.sandbox = Sandbox::None;
        // Without a namespace around it everything that starts is limited from its first moment on.
        command.limits.memory = None;
        Processes::default().run(command)
    }
}

pub(crate) fn limits() -> CodeLimits {
    CodeLimits { time: Duration::from_secs(2), output: 4096, calls: 5, ..CodeLimits::default() }
}

pub(crate) fn scripts() -> Scripts {
    Scripts::new(Arc::new(Unconfined), WORKER, languages(), limits())
}

pub(crate) fn request(language: Language, code: &str) -> Request {
    let search = Function {
        name: "search".into(),
        tool: "search".into(),
        parameters: vec!["query".into(), "limit".into()],
    };
    let (functions, answers) = (vec![search], Vec::new());
    Request { language, code: code.to_owned(), functions, answers, limits: limits() }
}

/// What a script comes to whose groups of calls have been answered so.
pub(crate) async fn performed(language: Language, code: &str, answers: &[&[Value]]) -> Outcome {
    let answer = |value: &Value| Answer {
        tool: "search".into(),
        arguments: None,
        failed: false,
        value: value.clone(),
    };
    let answers = answers.iter().map(|group| group.iter().map(answer).collect()).collect();
    let request = Request { answers, ..request(language, code) };
    scripts().perform(&request).await.unwrap()
}

/// What a script that calls nothing comes to.
pub(crate) async fn ended(language: Language, code: &str) -> Ended {
    match performed(language, code, &[]).await {
        Outcome::Ended(ended) => ended,
        Outcome::Calls(calls) => panic!("{code} calls {calls:?}"),
    }
}

/// Why a script did not come to its end.
pub(crate) async fn mistake(language: Language, code: &str) -> (String, Option<u32>) {
    let ended = ended(language, code).await;
    let mistake = ended.error.unwrap_or_else(|| panic!("{code} came to {}", ended.value));
    (mistake.message, mistake.line)
}
