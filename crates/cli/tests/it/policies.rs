//! `policy test`: what an agent's policies say of calls, held against what is expected.

use crate::place::Place;

const AGENT: &str = "\
name: clerk
instructions: You are a clerk.
model: offline/extractive
tools:
  current_time: {}
  mail:
    description: Sends a mail.
    command: [/bin/false]
    parameters: {type: object, properties: {to: {type: string}}, required: [to]}
    capabilities: [send]
  page:
    description: Reads a page.
    command: [/bin/false]
    parameters: {type: object}
    capabilities: [read]
    origin: web
";

fn clerk(more: &str, cases: &str) -> Place {
    let place = Place::new();
    place.write("clerk/agent.yaml", format!("{AGENT}{more}"));
    place.write("clerk/policy-tests.yaml", cases);
    place
}

const CASES: &str = "\
cases:
  - name: before anything was read
    tool: mail
    arguments: {to: a@example.com}
    expect: allow
  - name: after a page
    reads: [{tool: page, text: The harbour is open.}]
    tool: mail
    arguments: {to: a@example.com}
    expect: require_approval
    by: taint.on_untrusted.send
  - name: after a text of the operator's
    reads: [{origin: operator, text: Mails go out on Mondays.}]
    tool: mail
    arguments: {to: a@example.com}
    expect: allow
  - name: with a patient's file read
    reads: [{origin: web, classes: [health], text: The patient has a broken arm.}]
    tool: mail
    arguments: {to: a@example.com}
    expect: refuse
    by: taint.on_private
  - name: looking at the time
    reads: [{origin: web, text: The harbour is open.}]
    tool: current_time
    expect: allow
";

#[test]
fn what_an_agents_policies_say_is_held_against_what_is_expected_and_nothing_is_done() {
    let place = clerk("", CASES);
    let done = place.run(&["policy", "test", "clerk"]).expect(0);
    assert!(done.out.contains("5 cases passed."), "{}", done.out);
    let json = place.run(&["policy", "test", "clerk", "--json"]).expect(0).json();
    assert_eq!(json["cases"][1]["decided"], "require_approval", "{json}");
    assert_eq!(json["cases"][1]["reasons"][0]["policy"], "taint.on_untrusted.send", "{json}");
    let run = json["cases"][3]["run"].as_str().unwrap();
    place.run(&["trace", run, "--state", "clerk/.largestack/policy-tests"]).expect(0);
}

#[test]
fn a_changed_policy_breaks_the_cases_that_it_concerns() {
    let place = clerk("taint:\n  on_untrusted: {send: allow}\n", CASES);
    let done = place.run(&["policy", "test", "clerk"]).expect(1);
    assert!(done.out.contains("expected require_approval, and it is allow"), "{}", done.out);
    assert!(done.out.contains("1 of 5 cases failed."), "{}", done.out);
    let place = clerk("permissions:\n  deny: [mail]\n", CASES);
    let json = place.run(&["policy", "test", "clerk", "--json"]).expect(1).json();
    assert_eq!(json["cases"][0]["decided"], "refuse", "{json}");
    let place = clerk("permissions:\n  deny: [mail]\n  on_denied: raise\n", CASES);
    let json = place.run(&["policy", "test", "clerk", "--json"]).expect(1).json();
    assert_eq!(json["cases"][0]["decided"], "refuse", "{json}");
    let place = clerk("permissions:\n  allow: [mail, page]\n", CASES);
    let json = place.run(&["policy", "test", "clerk", "--json"]).expect(1).json();
    let all = json["cases"].as_array().unwrap();
    let passed: Vec<bool> = all.iter().map(|case| case["passed"] == true).collect();
    assert_eq!(passed, [true, true, true, true, false], "the time may not be looked at: {json}");
}

#[test]
fn what_is_decided_for_another_reason_than_is_said_fails() {
    let place = clerk(
        "approvals:\n  capabilities: [send]\n",
        "cases:\n  - name: asked always\n    tool: mail\n    arguments: {to: a@example.com}\n    \
         expect: require_approval\n  - name: by labels\n    tool: mail\n    \
         arguments: {to: a@example.com}\n    expect: require_approval\n    by: taint.on_untrusted.send\n",
    );
    let json = place.run(&["policy", "test", "clerk", "--json"]).expect(1).json();
    assert_eq!(json["cases"][0]["passed"], true, "{json}");
    let failure = json["cases"][1]["failure"].as_str().unwrap();
    assert!(failure.contains("`taint.on_untrusted.send` has not said so"), "{json}");
}

#[test]
fn a_call_that_is_never_judged_fails_with_the_reason() {
    let of = |case: &str| {
        let place = clerk("", &format!("cases:\n  - {{name: x, expect: allow, {case}}}\n"));
        let json = place.run(&["policy", "test", "clerk", "--json"]).expect(1).json();
        assert!(json["cases"][0]["decided"].is_null(), "{json}");
        json["cases"][0]["failure"].as_str().unwrap().to_owned()
    };
    let malformed = of("tool: mail, arguments: {to: 5}");
    assert!(malformed.starts_with("the call was not judged:"), "{malformed}");
    let held = of("tool: page, reads: [{origin: web, text: A.}, \
                   {tool: mail, arguments: {to: a@example.com}, text: sent}]");
    assert!(held.contains("needs an approval itself"), "{held}");
}

#[test]
fn a_file_that_is_wrong_is_refused_where_it_is_wrong() {
    let refused = |cases: &str| {
        let done = clerk("", cases).run(&["policy", "test", "clerk"]);
        assert_ne!(done.code, 0, "{}", done.out);
        done.err
    };
    let unknown = refused("cases:\n  - {name: x, tool: male, expect: allow}\n");
    assert!(unknown.contains("names `male`") && unknown.contains("mail, page"), "{unknown}");
    let key = refused("cases:\n  - name: x\n    tool: mail\n    expects: allow\n");
    assert!(key.contains("expect") && key.contains("policy-tests.yaml:"), "{key}");
    let word = refused("cases:\n  - {name: x, tool: mail, expect: refused}\n");
    assert!(word.contains("Did you mean `refuse`?"), "{word}");
    let both = refused("cases:\n  - {name: x, tool: mail, expect: allow, reads: [{text: a}]}\n");
    assert!(both.contains("has an `origin`"), "{both}");
    let twice = refused(
        "cases:\n  - {name: x, tool: mail, expect: allow}\n  - {name: x, tool: page, expect: allow}\n",
    );
    assert!(twice.contains("stands twice"), "{twice}");
    let place = Place::new();
    place.write("clerk/agent.yaml", AGENT);
    let none = place.run(&["policy", "test", "clerk"]);
    assert!(none.err.contains("there is no clerk/policy-tests.yaml"), "{}", none.err);
}

const OWN: &str = "\
permit(principal, action, resource);
@id(\"outside\") forbid(principal, action, resource == Tool::\"mail\")
unless { context.arguments.to like \"*@example.com\" };
";

/// The clerk, with policies of its own in a file.
fn clerk_under(policies: &str, cases: &str) -> Place {
    let place = clerk("policies: own.cedar\n", cases);
    place.write("clerk/own.cedar", policies);
    place
}

#[test]
fn policies_are_read_or_the_agent_is_refused() {
    let place = clerk_under(OWN, CASES);
    let code = if cfg!(feature = "cedar") { 0 } else { 2 };
    let done = place.run(&["policy", "test", "clerk"]);
    let checked = place.run(&["check", "clerk"]);
    let asked = place.run(&["run", "clerk", "What is new?"]);
    if code == 0 {
        assert_eq!((done.code, checked.code), (0, 0), "{}{}", done.err, checked.err);
        return;
    }
    for refused in [&done, &checked, &asked] {
        let said = format!("{}{}", refused.out, refused.err);
        assert_ne!(refused.code, 0, "{said}");
        assert!(
            said.contains("own.cedar holds policies") && said.contains("--features cedar"),
            "{said}"
        );
    }
}

#[test]
fn a_file_of_policies_that_is_not_there_is_refused_where_it_is_named() {
    let done = clerk("policies: [own.cedar]\n", CASES).run(&["check", "clerk"]);
    let said = format!("{}{}", done.out, done.err);
    assert_ne!(done.code, 0, "{said}");
    assert!(said.contains("there is no file") && said.contains("own.cedar"), "{said}");
}

#[cfg(feature = "cedar")]
mod cedar {
    use super::{CASES, OWN, clerk_under};

    #[test]
    fn the_example_is_as_its_cases_say() {
        let till = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/till");
        let place = crate::place::Place::new();
        for file in ["agent.yaml", "policies.cedar", "policy-tests.yaml"] {
            place.write(
                &format!("till/{file}"),
                std::fs::read_to_string(format!("{till}/{file}")).unwrap(),
            );
        }
        let done = place.run(&["policy", "test", "till"]);
        assert_eq!(done.code, 0, "{}{}", done.out, done.err);
        assert!(done.out.contains("10 cases passed."), "{}", done.out);
    }

    #[test]
    fn the_policy_that_decided_is_named_in_tests_and_in_the_trace() {
        let cases = "cases:\n  - name: to a stranger\n    tool: mail\n    \
                     arguments: {to: a@example.org}\n    expect: refuse\n    by: cedar.outside\n  \
                     - name: to one of ours\n    tool: mail\n    arguments: {to: a@example.com}\n    \
                     expect: allow\n    by: cedar.own.cedar:1\n";
        let place = clerk_under(OWN, cases);
        let json = place.run(&["policy", "test", "clerk", "--json"]).expect(0).json();
        assert_eq!(json["cases"][0]["reasons"][0]["policy"], "cedar.outside", "{json}");
        let run = json["cases"][0]["run"].as_str().unwrap();
        let state = ["--state", "clerk/.largestack/policy-tests"];
        let trace = place.run(&[&["trace", run][..], &state].concat()).expect(0);
        assert!(
            trace.out.contains("policy mail refuse: a policy forbids it (cedar.outside)"),
            "{}",
            trace.out
        );
    }

    #[test]
    fn what_anything_else_says_of_a_call_no_policy_opens() {
        // The cases of labels hold beside a policy that permits everything.
        clerk_under("permit(principal, action, resource);", CASES)
            .run(&["policy", "test", "clerk"])
            .expect(0);
        // And where labels would ask a person, a policy refuses without anybody being asked.
        let shut = "permit(principal, action, resource);\n@id(\"shut\") forbid(principal, action, \
                    resource in Capability::\"send\") when { context.untrusted };";
        let cases = "cases:\n  - name: after a page\n    reads: [{tool: page, text: x}]\n    tool: mail\n    \
                     arguments: {to: a@example.com}\n    expect: refuse\n    by: cedar.shut\n";
        clerk_under(shut, cases).run(&["policy", "test", "clerk"]).expect(0);
    }

    #[test]
    fn what_cannot_be_meant_is_an_error_of_check_with_its_place() {
        for (policy, place, said) in [
            ("permit(principal, action, resource == Tool::\"male\");", "own.cedar:1:1", "male"),
            (
                "permit(principal, action, resource);\nforbid(principal, action, resource == \
                 Tool::\"mail\")\nwhen { context.arguments.too == \"\" };",
                "own.cedar:3:8",
                "too",
            ),
            ("permit(principal, action);", "own.cedar:1", ""),
        ] {
            let done = clerk_under(policy, CASES).run(&["check", "clerk"]);
            let text = format!("{}{}", done.out, done.err);
            assert_ne!(done.code, 0, "{text}");
            assert!(text.contains(place) && text.contains(said), "{text}");
        }
    }
}
