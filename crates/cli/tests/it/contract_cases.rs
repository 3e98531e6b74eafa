//! The error contract in YAML: a case of `tests.yaml` reaches each code and expects it. A second case
//! asks the same and expects an answer, so that its failure shows the error whole.

use std::fmt::Write as _;

use largestack_testkit::upstream::{Answer, ChatReply, Upstream};
use regex::Regex;

use crate::place::{Done, Place};

const KEY: &str = "sk-mock-0123456789abcdef";
/// How a code is reached.
#[derive(Clone, Copy, Default)]
struct Way {
    code: &'static str,
    /// Keys of the agent's file, beside its name, instructions and model.
    agent: &'static str,
    /// Keys of the project's file, below those of the provider `openai` and beside it.
    project: &'static str,
    /// What is asked, where it matters.
    ask: &'static str,
    /// What the model says; the provider is asked where it is empty.
    script: &'static str,
    /// What the provider answers, each time; what it never hears where it is none.
    answer: Option<fn() -> Answer>,
}

fn limited() -> Answer {
    Answer::error(429, "Too many requests").header("retry-after", "3600")
}

fn too_long() -> Answer {
    let body = r#"{"error":{"message":"This model's maximum context length is 128000 tokens.",
        "type":"invalid_request_error","code":"context_length_exceeded"}}"#;
    Answer::json(400, body)
}

/// The fifteen, in the order of the catalogue.
fn ways() -> [Way; 15] {
    let way = Way::default();
    let asks = |code, answer| Way { code, answer: Some(answer), ..way };
    [
        Way { code: "UNKNOWN", script: "[{error: LARGESTACK_UNKNOWN}]", ..way },
        asks("PROVIDER", || Answer::error(400, "temperature must be a number")),
        Way {
            project: "    timeouts: {total: 100ms}\n",
            ..asks("PROVIDER_TIMEOUT", || {
                Answer::chat(ChatReply::text("never")).stall_before_head()
            })
        },
        asks("PROVIDER_AUTH", || Answer::error(401, "Incorrect API key provided")),
        asks("RATE_LIMIT", limited),
        Way {
            agent: "fallbacks: [openai/gpt-4o]\n",
            ..asks("ALL_FAILED", || Answer::error(503, "The server is overloaded"))
        },
        Way { code: "BUDGET", agent: "budget: 0.0000001\n", ..way },
        Way {
            agent: "tools: {read_file: {root: notes}}\nlimits: {max_repeats: 2, on_limit: error}\n",
            ..asks("LOOP", || Answer::chat(ChatReply::tool("read_file", r#"{"path":"a.md"}"#)))
        },
        asks("CONTEXT", too_long),
        Way {
            code: "LICENSE",
            project: "license: {issuer: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}\n",
            ..way
        },
        Way {
            code: "GUARDRAIL",
            agent: "guardrails: {card: block}\n",
            ask: "Is 4111 1111 1111 1111 a card?",
            ..way
        },
        Way { code: "KILL_SWITCH", ..way },
        Way {
            code: "TOOL",
            agent: "tools: {read_file: {root: notes, on_error: raise}}\n",
            script: "[{calls: [{tool: read_file, arguments: {path: b.md}}]}]",
            ..way
        },
        Way {
            code: "TOOL_PERM",
            agent: "tools: {read_file: {root: notes}}\npermissions: {allow: [], on_denied: raise}\n",
            script: "[{calls: [{tool: read_file, arguments: {path: a.md}}]}]",
            ..way
        },
        Way { code: "MODEL_BLOCKED", project: "model_requests: block\n", ..way },
    ]
}

impl Way {
    /// The project, with two cases: one expects the code, the other one an answer.
    fn place(&self, url: &str) -> Place {
        let place = Place::new();
        let own = "name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n";
        place.write("agent.yaml", format!("{own}{}", self.agent));
        let provider = format!("providers:\n  openai:\n    base-url: \"{url}\"\n");
        place.write("largestack.yaml", format!("{provider}{}", self.project));
        place.write("notes/a.md", "# Answers\n\nThe answer is 42.\n");
        let ask = if self.ask.is_empty() { "What is the answer?" } else { self.ask };
        let script = match self.script {
            "" => String::new(),
            script => format!("  script: {script}\n"),
        };
        let case = |name: &str, expect: &str| {
            format!("- name: {name}\n  ask: {ask}\n{script}  expect: {{{expect}}}\n")
        };
        let expected = case("expected", &format!("error: LARGESTACK_{}", self.code));
        let shown = case("shown", "status: completed");
        place.write("tests.yaml", format!("cases:\n{expected}{shown}"));
        place
    }

    /// What the failure of the second case says.
    async fn failure(&self) -> String {
        let answer = self.answer;
        let upstream = Upstream::answering(move |_| match answer {
            Some(answer) => answer(),
            None => Answer::error(500, "nobody was to ask this"),
        });
        let upstream = upstream.await.unwrap();
        let place = self.place(&upstream.url());
        if self.code == "KILL_SWITCH" {
            // A first run makes the state; cases have one to themselves, and a switch in it.
            test(&place, &["--only", "expected"]).await.expect(1);
            let state = ["--state", ".largestack/tests"];
            let thrown = [&["kill", "--reason", "a leak", "--by", "ada"], &state[..]].concat();
            place.run(&thrown).expect(0);
        }
        let before = upstream.counts().requests;
        let done = test(&place, &["--json"]).await.expect(1);
        let json = done.json();
        let [expected, shown] = [&json["cases"][0], &json["cases"][1]];
        assert_eq!(expected["passed"], true, "{}: {}", self.code, done.out);
        assert_eq!(upstream.counts().requests > before, self.answer.is_some(), "{}", self.code);
        let failures = shown["asked"][0]["failures"].as_array().unwrap().iter();
        let failures: Vec<&str> = failures.map(|failure| failure.as_str().unwrap()).collect();
        place.redacted(&failures.join("\n"))
    }
}

async fn test(place: &Place, flags: &[&str]) -> Done {
    let mut command = place.command(&[&["test", "."], flags].concat());
    command.env("OPENAI_API_KEY", KEY);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let done = Done::of(&output.unwrap());
    assert!(!done.err.contains(KEY) && !done.out.contains(KEY), "{}", done.err);
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_reaches_each_of_the_fifteen_codes_and_expects_it() {
    let mut shown = String::new();
    for way in ways() {
        let failure = way.failure().await;
        assert!(failure.contains(&format!("/LARGESTACK_{}", way.code)), "{failure}");
        writeln!(shown, "# {}\n{failure}\n", way.code).unwrap();
    }
    let sum = Regex::new(r"\$0\.\d{5,}").unwrap();
    insta::assert_snapshot!("contract_cases", sum.replace_all(&shown, "[SUM]"));
}
