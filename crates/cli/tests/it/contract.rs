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
        place.write("notes/a.md", "# Answers\n\nThe answer is 42.\n");
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
    let agent = "tools: {read_file: {root: notes}}\nlimits: {max_repeats: 2, on_limit: error}\n";
    let call = || Answer::chat(ChatReply::tool("read_file", r#"{"path":"a.md"}"#));
    let answers = (0..8).map(|_| call()).collect();
    let case = Case { agent, answers, flags: &["-q"], ..Case::default() };
    let said = case.said("LARGESTACK_LOOP", 7).await;
    insta::assert_snapshot!("contract_loop", said);
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

#[test]
fn an_output_that_takes_nothing_is_an_error_that_nobody_foresaw() {
    let place = Place::with_library();
    let mut command = place.command(&["run", "library", "How long may I keep a book?", "-q"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = Done::of(&command.stdout(full).output().unwrap()).expect(1);
    assert!(done.err.contains("/LARGESTACK_UNKNOWN"), "{}", done.err);
    insta::assert_snapshot!("contract_unknown", place.redacted(&done.err));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operator_asks_for_a_licence_no_run_begins_without_one() {
    let project = "license: {issuer: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}\n";
    let said = Case { project, ..Case::default() }.said("LARGESTACK_LICENSE", 4).await;
    insta::assert_snapshot!("contract_license", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_raises_ends_the_run_with_what_it_says() {
    let agent = "tools: {read_file: {root: notes, on_error: raise}}\n";
    let answers = vec![Answer::chat(ChatReply::tool("read_file", r#"{"path":"b.md"}"#))];
    let case = Case { agent, answers, flags: &["-q"], ..Case::default() };
    let said = case.said("LARGESTACK_TOOL", 1).await;
    insta::assert_snapshot!("contract_tool", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_not_on_the_list_ends_the_run_where_denials_are_raised() {
    let agent = "tools: {read_file: {root: notes}}\npermissions: {allow: [], on_denied: raise}\n";
    let answers = vec![Answer::chat(ChatReply::tool("read_file", r#"{"path":"a.md"}"#))];
    let case = Case { agent, answers, flags: &["-q"], ..Case::default() };
    let said = case.said("LARGESTACK_TOOL_PERM", 4).await;
    insta::assert_snapshot!("contract_tool_perm", said);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_requests_are_blocked_no_provider_is_asked() {
    let project = "model_requests: block\n";
    let said = Case { project, ..Case::default() }.said("LARGESTACK_MODEL_BLOCKED", 4).await;
    insta::assert_snapshot!("contract_model_blocked", said);
}
