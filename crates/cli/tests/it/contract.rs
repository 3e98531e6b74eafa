//! The error contract at the command line: each code is reached for real by a YAML agent that runs
//! as a process, and its message, suggestion and page are kept as they are shown.

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};

use crate::place::{Done, Place};

const ASKED: &str = "What is the answer?";
const KEY: &str = "sk-mock-0123456789abcdef";

/// A project with one agent whose models are the upstream's.
struct Case<'a> {
    agent: &'a str,
    project: &'a str,
    question: &'a str,
    flags: &'a [&'a str],
    answers: Vec<Answer>,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self { agent: "", project: "", question: ASKED, flags: &[], answers: Vec::new() }
    }
}

impl Case<'_> {
    async fn run(self) -> (Place, Done) {
        let upstream = Upstream::start().await.unwrap();
        for answer in self.answers {
            upstream.push(answer);
        }
        let place = Place::new();
        let model = if self.agent.contains("model:") { "" } else { "model: openai/gpt-4o-mini\n" };
        place.write("agent.yaml", format!("name: a\ninstructions: Answer.\n{model}{}", self.agent));
        let (url, more) = (upstream.url(), self.project);
        let project = format!("providers:\n  openai:\n    base-url: \"{url}\"\n{more}");
        place.write("largestack.yaml", project);
        let mut command = place.command(&[&["run", ".", self.question][..], self.flags].concat());
        command.env("OPENAI_API_KEY", KEY);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        let done = Done::of(&output.unwrap());
        assert!(!done.err.contains(KEY) && !done.out.contains(KEY), "{}", done.err);
        (place, done)
    }

    /// What is said on standard error, with the upstream's port and small sums, which follow the
    /// price book, taken out.
    async fn said(self, code: &str, exit: i32) -> String {
        let (place, done) = self.run().await;
        let done = done.expect(exit);
        assert!(done.err.contains(&format!("/{code}")), "{code}: {}", done.err);
        let port = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
        let sum = regex::Regex::new(r"\$0\.\d{5,}").unwrap();
        let said = port.replace_all(&place.redacted(&done.err), "[UPSTREAM]").into_owned();
        sum.replace_all(&said, "[SUM]").into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_refuses_is_its_own_error() {
    let answers = vec![Answer::error(400, "temperature must be a number")];
    let said = Case { answers, ..Case::default() }.said("LARGESTACK_PROVIDER", 8).await;
    insta::assert_snapshot!("contract_provider", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_silent_runs_into_the_time_limit_of_the_project() {
    let stalled = || Answer::chat(ChatReply::text("never said")).stall_before_head();
    let answers = (0..6).map(|_| stalled()).collect();
    let project = "    timeouts: {first-byte: 100ms}\n";
    let case = Case { project, answers, ..Case::default() };
    let said = case.said("LARGESTACK_PROVIDER_TIMEOUT", 9).await;
    insta::assert_snapshot!("contract_provider_timeout", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_provider_refuses_is_an_error_of_authentication() {
    let answers = vec![Answer::error(401, "Incorrect API key provided")];
    let said = Case { answers, ..Case::default() }.said("LARGESTACK_PROVIDER_AUTH", 3).await;
    insta::assert_snapshot!("contract_provider_auth", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_that_asks_for_an_hour_is_reported_at_once() {
    let limited = || Answer::error(429, "Too many requests").header("retry-after", "3600");
    let answers = (0..6).map(|_| limited()).collect();
    let said = Case { answers, ..Case::default() }.said("LARGESTACK_RATE_LIMIT", 7).await;
    insta::assert_snapshot!("contract_rate_limit", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_provider_fails_each_attempt_is_listed() {
    let agent = "model: openai/gpt-4o-mini\nfallbacks: [openai/gpt-4o]\n";
    let answers = (0..16).map(|_| Answer::error(503, "The server is overloaded")).collect();
    let case = Case { agent, answers, ..Case::default() };
    let said = case.said("LARGESTACK_ALL_FAILED", 8).await;
    assert!(said.contains("openai/gpt-4o-mini (") && said.contains("openai/gpt-4o ("), "{said}");
    insta::assert_snapshot!("contract_all_failed", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_cannot_cover_a_call_refuses_it() {
    let agent = "budget: 0.0000001\n";
    let said = Case { agent, ..Case::default() }.said("LARGESTACK_BUDGET", 7).await;
    insta::assert_snapshot!("contract_budget", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_an_error_ends_the_run_with_its_reason() {
    let agent =
        "knowledge: docs\ntools: [search_knowledge]\nlimits: {max_repeats: 2, on_limit: error}\n";
    let call = || Answer::chat(ChatReply::tool("search_knowledge", r#"{"query":"answer"}"#));
    let place_with_documents = |case: Case<'static>| async move {
        let upstream = Upstream::start().await.unwrap();
        for answer in case.answers {
            upstream.push(answer);
        }
        let place = Place::new();
        place.write("docs/a.md", "# Answers\n\nThe answer is 42.\n");
        let agent = format!("name: a\ninstructions: Answer.\nmodel: local/m\n{}", case.agent);
        place.write("agent.yaml", agent);
        let project = format!("providers:\n  local:\n    base-url: \"{}\"\n", upstream.url());
        place.write("largestack.yaml", project);
        let mut command = place.command(&["run", ".", ASKED, "-q"]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        (place, Done::of(&output.unwrap()))
    };
    let answers = (0..8).map(|_| call()).collect();
    let (place, done) = place_with_documents(Case { agent, answers, ..Case::default() }).await;
    let done = done.expect(7);
    assert!(done.err.contains("/LARGESTACK_LOOP"), "{}", done.err);
    insta::assert_snapshot!("contract_loop", place.redacted(&done.err));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_beyond_the_models_context_is_refused_by_name() {
    let body = r#"{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
    let answers = vec![Answer::json(400, body)];
    let said = Case { answers, ..Case::default() }.said("LARGESTACK_CONTEXT", 2).await;
    insta::assert_snapshot!("contract_context", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_blocks_refuses_the_question_without_repeating_it() {
    let agent = "guardrails: {card: block}\n";
    let question = "Is 4111 1111 1111 1111 a card?";
    let case = Case { agent, question, ..Case::default() };
    let said = case.said("LARGESTACK_GUARDRAIL", 4).await;
    assert!(!said.contains("4111"), "{said}");
    insta::assert_snapshot!("contract_guardrail", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thrown_kill_switch_refuses_a_run() {
    let place = Place::with_library();
    place.run(&["run", "library", "How long may I keep a book?"]).expect(0);
    place.run(&["kill", "library", "--reason", "a leak", "--by", "ada"]).expect(0);
    let done = place.run(&["run", "library", "How long may I keep a book?", "-q"]).expect(4);
    assert!(done.err.contains("/LARGESTACK_KILL_SWITCH"), "{}", done.err);
    insta::assert_snapshot!("contract_kill_switch", place.redacted(&done.err));
}
