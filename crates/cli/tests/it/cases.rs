//! `test`: agents held against their cases, each check on both sides.

use std::path::Path;

use serde_json::Value;

use crate::place::{Place, copy};

const AGENT: &str = "name: shop\ninstructions: Help.\nmodel: offline/extractive\nknowledge: docs\n\
                     tools: [search_knowledge]\n";

fn shop(cases: &str) -> Place {
    let place = Place::new();
    place.write("shop/agent.yaml", AGENT);
    place.write("shop/docs/returns.md", "# Returns\n\nYou may return an item within 30 days.\n");
    place.write("shop/tests.yaml", cases);
    place
}

/// A case of one scripted answer after one search, and what is expected of it.
fn scripted(expect: &str) -> String {
    format!(
        "cases:\n- name: it\n  ask: How long?\n  script:\n  - calls: [{{tool: search_knowledge, \
         arguments: {{query: return}}}}]\n  - text: '{{\"days\": 30}}'\n  expect: {{{expect}}}\n"
    )
}

fn failures(expect: &str) -> Vec<String> {
    let place = shop(&scripted(expect));
    let done = place.run(&["test", "shop", "--json"]);
    let json: Value = serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("{}", done.err));
    assert_eq!(json["passed"].as_bool().unwrap(), done.code == 0);
    let all = json["cases"][0]["asked"][0]["failures"].as_array().unwrap();
    all.iter().map(|failure| failure.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_check_passes_what_is_right_and_fails_what_is_not() {
    let both = [
        ("status: completed", "status: incomplete", "expected status incomplete"),
        ("exact: '{\"days\": 30}'", "exact: '30'", "expected exactly `30`"),
        ("contains: ['30']", "contains: ['31']", "`31` is not in the answer"),
        ("excludes: ['31']", "excludes: ['30']", "`30` is in the answer"),
        ("matches: ['days.*3\\d']", "matches: ['^3']", "/^3/ does not fit"),
        ("schema: {required: [days]}", "schema: {required: [cost]}", "does not fit the schema"),
        ("tools: [search_knowledge]", "tools: []", "expected the calls []"),
        ("uses: [search_knowledge]", "uses: [pay]", "`pay` was not called"),
        ("avoids: [pay]", "avoids: [search_knowledge]", "`search_knowledge` was called"),
        ("max_turns: 2", "max_turns: 1", "expected at most 1 turns, got 2"),
        ("max_tool_calls: 1", "max_tool_calls: 0", "expected at most 0 tool calls, got 1"),
        ("max_cost: 0", "error: LARGESTACK_TOOL", "there was no error"),
    ];
    for (right, wrong, says) in both {
        assert_eq!(failures(right), Vec::<String>::new(), "{right}");
        let failed = failures(wrong);
        assert!(failed.iter().any(|failure| failure.contains(says)), "{wrong}: {failed:?}");
    }
}

#[test]
fn the_agents_own_model_is_asked_where_there_is_no_script() {
    let cases = "cases:\n- name: returns\n  ask: Within how many days may I return an item?\n  \
                 repeats: 2\n  expect: {contains: [30 days], cites: [returns.md]}\n\
                 - name: silence\n  ask: Who is the chairman of the board?\n  \
                 expect: {contains: [thirty days]}\n";
    let place = shop(cases);
    let junit = place.path("report.xml");
    let done = place.run(&["test", "shop", "--junit", junit.to_str().unwrap()]).expect(1);
    assert!(done.out.contains("ok      returns  2 of 2, 2 needed"), "{}", done.out);
    assert!(done.out.contains("FAILED  silence"), "{}", done.out);
    assert!(done.out.contains("1 of 2 cases failed"), "{}", done.out);
    let report = place.read("report.xml");
    assert!(report.contains("<testsuite name=\"shop\" tests=\"2\" failures=\"1\">"), "{report}");
    assert!(report.contains("<testcase classname=\"shop\" name=\"returns\"/>"), "{report}");
    assert!(report.contains("is not in the answer"), "{report}");
    let run = done.out.split_whitespace().find(|word| word.starts_with("run_")).unwrap();
    place.run(&["trace", run, "--state", "shop/.largestack/tests"]).expect(0);
    place.run(&["test", "shop", "--only", "returns"]).expect(0);
    place.run(&["test", "shop", "--only", "nothing"]).expect(5);
}

#[test]
fn a_check_that_could_not_be_made_has_failed() {
    let place =
        shop(&scripted("contains: ['30']").replace("- text", "- calls: [{tool: pay}]\n    text"));
    let done = place.run(&["test", "shop"]).expect(1);
    assert!(done.out.contains("the script has 2 turns"), "{}", done.out);
    let place = shop("cases:\n- name: long\n  ask: Hi\n  expect: {excludes: [x]}\n");
    place.write("shop/agent.yaml", AGENT.replace("offline/extractive", "openai/gpt-4o-mini"));
    let done = place.run(&["test", "shop"]).expect(1);
    assert!(
        done.out.contains("LARGESTACK_PROVIDER_AUTH") || done.out.contains("key"),
        "{}",
        done.out
    );
}

#[test]
fn an_expected_error_passes_and_another_does_not() {
    let case = "cases:\n- name: guarded\n  ask: My card is 4111 1111 1111 1111\n  expect: {error: ";
    let place = shop(&format!("{case}LARGESTACK_GUARDRAIL}}\n"));
    place.write("shop/agent.yaml", format!("{AGENT}guardrails: {{card: block}}\n"));
    place.run(&["test", "shop"]).expect(0);
    place.write("shop/tests.yaml", format!("{case}LARGESTACK_TOOL}}\n"));
    let done = place.run(&["test", "shop"]).expect(1);
    assert!(done.out.contains("LARGESTACK_GUARDRAIL"), "{}", done.out);
}

#[test]
fn cases_that_say_nothing_or_nonsense_are_refused_before_anything_is_asked() {
    let refused = |cases: &str| {
        let place = shop(cases);
        let done = place.run(&["test", "shop"]).expect(2);
        assert!(!place.path("shop/.largestack/tests").exists(), "{cases}");
        done.err
    };
    let says = |cases: &str, words: &str| {
        let error = refused(cases);
        assert!(error.contains(words), "{cases}: {error}");
    };
    says("cases: []\n", "`cases` is missing");
    says("cases:\n- name: a\n  ask: b\n", "expects nothing");
    says("cases:\n- name: a\n  ask: b\n  expect: {contain: [x]}\n", "Did you mean `contains`?");
    says(&scripted("matches: ['(']"), "case `it`: `matches`");
    says(&scripted("schema: {type: 7}"), "case `it`: `schema`");
    says(&scripted("error: LARGESTACK_TOOLS"), "Did you mean `LARGESTACK_TOOL`?");
    let twice = "- {name: a, ask: b, expect: {max_turns: 1}}\n";
    says(&format!("cases:\n{twice}{twice}"), "the name `a` stands twice");
    says(
        "cases:\n- {name: a, ask: b, repeats: 2, passes: 3, expect: {max_turns: 1}}\n",
        "not between 1 and 2",
    );
    says(
        "cases:\n- {name: a, ask: b, repeats: 1001, expect: {max_turns: 1}}\n",
        "not between 1 and 1000",
    );
    let place = Place::new();
    place.write("shop/agent.yaml", AGENT);
    place.write("shop/docs/a.md", "a");
    let done = place.run(&["test", "shop"]).expect(5);
    assert!(done.err.contains("there is no shop/tests.yaml"), "{}", done.err);
}

#[test]
fn the_cases_of_the_handbook_hold() {
    let place = Place::new();
    let handbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/handbook");
    copy(&handbook, &place.path("handbook"));
    let done = place.run(&["test", "handbook"]).expect(0);
    assert!(done.out.contains("2 cases passed"), "{}", done.out);
}
