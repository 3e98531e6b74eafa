//! What is wrong, in which words, where, and what to do.

use insta::assert_snapshot;
use largestack_config::{Environment, Flags, Inputs, MAX_FILE_BYTES, Source};
use largestack_types::error::Coded;
use proptest::prelude::*;

use crate::support::{LEAST, OFFER, accepted, agent, folder, project, refused, shown};

fn with(line: &str) -> String {
    refused(&format!("{LEAST}{line}"))
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let all = [
        refused("name: a\ninstuctions: Help.\ninstructions: Help.\n"),
        with("limits:\n  max_turn: 3\n"),
        with("colour: red\n"),
        with("settings: {Temperature: 1.0}\n"),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn all_problems_of_a_file_are_reported_together_in_order() {
    assert_snapshot!(refused(
        "name: two words\nbudget: lots\ntools: [serch_knowledge, calculator, nothing]\n\
         limits: {max_turns: 0, wall_clock: 5}\npermissions: {deny: [calculater]}\n"
    ));
}

#[test]
fn a_key_that_stands_twice_names_both_lines() {
    let all = [
        with("budget: 1\nmodel: auto\nbudget: 2\n"),
        with("limits:\n  max_turns: 1\n  max_turns: 2\n"),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn merge_keys_are_no_keys() {
    assert_snapshot!(with("limits:\n  <<: {max_turns: 1}\n"));
}

#[test]
fn a_bare_word_that_older_yaml_reads_as_a_boolean_is_no_text() {
    let mut all = vec![refused("name: no\ninstructions: Help.\n"), with("description: Yes\n")];
    assert_eq!(&*accepted("name: \"no\"\ninstructions: Help.\n").name, "no");
    all.push(with("settings: {parallel_tool_calls: yes}\n"));
    let agent = accepted(&format!("{LEAST}settings: {{parallel_tool_calls: true}}\n"));
    assert_eq!(agent.settings.parallel_tool_calls, Some(true));
    assert_snapshot!(all.join("\n"));
}

#[test]
fn a_number_or_a_boolean_is_no_text_without_quotes() {
    assert_snapshot!(refused("name: 42\ninstructions: true\n"));
    assert_eq!(&*accepted("name: '42'\ninstructions: 'true'\n").instructions, "true");
}

#[test]
fn a_missing_key_is_named() {
    let all = [
        refused("name: a\n"),
        refused(""),
        refused("# nothing but a remark\n"),
        with("output:\n  name: shape\n"),
        refused("name: a\ninstructions: \"  \"\n"),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn broken_yaml_is_refused_at_its_place() {
    let all = [
        refused("name: a\n\tinstructions: x\n"),
        refused("name: [a\n"),
        refused("- a\n- b\n"),
        refused("name: a\n---\nname: b\n"),
        refused("name: *nobody\n"),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn lists_and_groups_nest_up_to_a_depth() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{LEAST}settings:\n  extra:\n    a: {open}{close}\n")
    };
    assert!(accepted(&nested(20)).settings.extra.is_some());
    let text = refused(&nested(40));
    assert!(text.contains("too deep inside each other"), "{text}");
}

#[test]
fn guards_are_never_off_by_a_value_of_another_kind() {
    for wrong in ["true", "false", "1", "all", "none", "[secret]", "{secret: true}", "{pii: block}"]
    {
        let text = with(&format!("guardrails: {wrong}\n"));
        assert!(text.starts_with("LARGESTACK_CONFIG: agent.yaml:3:"), "{wrong}: {text}");
    }
    let guards = accepted(&format!("{LEAST}guardrails: {{email: redact}}\n")).guardrails;
    let unless_said = accepted(LEAST).guardrails;
    assert_eq!((guards.secret, guards.card), (unless_said.secret, unless_said.card));
}

#[test]
fn amounts_are_dollars_with_at_most_nine_decimals() {
    for wrong in ["1e-3", "-1", "0.1234567891", ".nan", "true", "1_000", "five", "[1]"] {
        let text = with(&format!("budget: {wrong}\n"));
        assert!(text.starts_with("LARGESTACK_CONFIG: agent.yaml:3:9: `budget`"), "{wrong}: {text}");
    }
    assert_snapshot!(with("budget: 1e-3\n"));
}

#[test]
fn durations_have_a_unit_are_not_zero_and_at_most_a_year() {
    let mut all = Vec::new();
    assert!(
        accepted(&format!("{LEAST}limits: {{wall_clock: 365d}}\n")).limits.wall_clock.is_some()
    );
    assert!(
        with("limits: {wall_clock: 365d1ms}\n")
            .contains("`limits.wall_clock`: is longer than 365d")
    );
    all.push(with("limits: {wall_clock: 300}\n"));
    all.push(with("limits: {wall_clock: 0s}\n"));
    assert!(accepted(&format!("{LEAST}limits: {{wall_clock: 1ms}}\n")).limits.wall_clock.is_some());
    assert_snapshot!(all.join("\n"));
}

#[test]
fn numbers_are_held_to_their_bounds_on_both_sides() {
    let fits = |line: &str| {
        accepted(&format!(
            "{LEAST}knowledge: {{folder: docs, top_k: {line}}}\ntools: [search_knowledge]\n"
        ))
    };
    assert_eq!(fits("1").knowledge.unwrap().top_k, 1);
    assert_eq!(fits("20").knowledge.unwrap().top_k, 20);
    for (wrong, reason) in [
        ("limits: {max_turns: 0}", "0 is not 1 or more"),
        ("limits: {max_turns: 4294967296}", "4294967296 is not 1 or more"),
        ("limits: {max_parallel_tools: -1}", "-1 is not 1 or more"),
        ("limits: {max_turns: 1.5}", "takes a whole number, not the number `1.5`"),
        ("settings: {temperature: 2.1}", "2.1 is not between 0 and 2"),
        ("settings: {temperature: .nan}", "takes a number"),
        ("settings: {top_p: -0.1}", "-0.1 is not between 0 and 1"),
        ("settings: {max_output_tokens: 0}", "0 is not 1 or more"),
        (
            "knowledge: {folder: docs, top_k: 0}\ntools: [search_knowledge]",
            "0 is not between 1 and 20",
        ),
        (
            "knowledge: {folder: docs, top_k: 21}\ntools: [search_knowledge]",
            "21 is not between 1 and 20",
        ),
    ] {
        let text = with(&format!("{wrong}\n"));
        assert!(text.contains(reason), "{wrong}: {text}");
    }
    assert!(
        accepted(&format!("{LEAST}settings: {{temperature: 2, top_p: 0.0}}\n"))
            .settings
            .temperature
            .is_some()
    );
}

#[test]
fn names_are_checked_against_what_exists() {
    let all = [
        with("tools:\n  - current_time\n  - serch_knowledge\n"),
        with("tools: [\"\"]\n"),
        with("permissions:\n  allow: [calculater]\n"),
        with("model: opnai/gpt-4o\n"),
        with("fallbacks: [offline/extractive, nobody/nothing]\n"),
        with("in_doubt: tell_model\n"),
        with("guardrails: {email: mask}\n"),
    ];
    let longest = format!("name: {}\ninstructions: Help.\n", "a".repeat(64));
    assert_eq!(accepted(&longest).name.len(), 64);
    assert!(refused(&longest.replace("name: ", "name: b")).contains("a name is 1 to 64"));
    assert_snapshot!(all.join("\n"));
}

#[test]
fn knowledge_and_the_tool_that_searches_it_need_each_other() {
    let all = [
        with("tools: [search_knowledge]\n"),
        with("knowledge: docs\n"),
        with("knowledge: doks\ntools: [search_knowledge]\n"),
        with("knowledge: {top_k: 3}\ntools: [search_knowledge]\n"),
    ];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn text_is_no_list_and_a_list_no_group() {
    let all =
        [with("tools: calculator\n"), with("limits: [1, 2]\n"), with("settings: {extra: [1]}\n")];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn a_variable_that_means_nothing_is_refused_with_the_nearest_one() {
    let mut all = Vec::new();
    let folder = folder([("agent.yaml", LEAST)]);
    let error = |name: &str, value: &str| {
        let error = agent(folder.path(), &[(name, value)], &Flags::new()).unwrap_err();
        shown(&error, folder.path())
    };
    all.push(error("LARGESTACK_LIMITS__MAX_TURN", "3"));
    all.push(error("LARGESTACK_MODLE", "x"));
    all.push(error("LARGESTACK_LIMITS__MAX_TURNS", "many"));
    all.push(error("LARGESTACK_SETTINGS__EXTRA", "{"));
    assert_snapshot!(all.join("\n"));
}

#[test]
fn a_flag_that_does_not_fit_is_wrong_input_and_not_wrong_configuration() {
    let mut all = Vec::new();
    let folder = folder([("agent.yaml", LEAST)]);
    let flags = Flags::new().set("budget", "--budget", "much");
    all.push(shown(&agent(folder.path(), &[], &flags).unwrap_err(), folder.path()));
    let flags = Flags::new().set("limits.max_turn", "--set", "3");
    all.push(shown(&agent(folder.path(), &[], &flags).unwrap_err(), folder.path()));
    assert_snapshot!(all.join("\n"));
}

#[test]
fn a_provider_of_the_projects_own_is_checked_like_everything_else() {
    let folder = folder([(
        "largestack.yaml",
        "model: mine/x\nproviders:\n  mine:\n    base_url: http://x\n    wire: openai-chet\n  \
         Other: {}\n  third:\n    base-url: ftp://x\n    auth: basic\n    quirks: [speaks-latin]\n  \
         fourth: {base-url: 'https://user:pass@host/v1'}\n",
    )]);
    let error = project(folder.path(), &[], &Flags::new()).unwrap_err();
    assert_snapshot!(shown(&error, folder.path()));
}

#[test]
fn keys_of_one_file_are_unknown_in_the_other() {
    let mut all = vec![with("providers: {}\n")];
    let folder = folder([("largestack.yaml", "instructions: Help.\n")]);
    let error = project(folder.path(), &[], &Flags::new()).unwrap_err();
    all.push(shown(&error, folder.path()));
    assert_snapshot!(all.join("\n"));
}

#[test]
fn a_file_that_is_not_there_not_text_or_too_large_says_so() {
    let mut all = Vec::new();
    let folder = folder([("near/agent.yml", LEAST), ("empty/x.txt", "")]);
    let environment = Environment::of([("HOME", "/h")]);
    let flags = Flags::new();
    let inputs = Inputs {
        working_folder: folder.path(),
        environment: &environment,
        flags: &flags,
        offer: &OFFER,
    };
    let error = |path: &str| shown(&inputs.agent(path.as_ref()).unwrap_err(), folder.path());
    all.push(error("near"));
    all.push(error("empty"));
    all.push(error("nowhere"));
    std::fs::write(folder.path().join("binary.yaml"), b"name: a\n\xff\xfe").unwrap();
    all.push(error("binary.yaml"));
    let largest = format!("{LEAST}#{}", "x".repeat((1 << 20) - LEAST.len() - 1));
    assert_eq!(largest.len() as u64, MAX_FILE_BYTES);
    std::fs::write(folder.path().join("large.yaml"), &largest).unwrap();
    assert!(inputs.agent("large.yaml".as_ref()).is_ok());
    std::fs::write(folder.path().join("large.yaml"), format!("{largest}x")).unwrap();
    all.push(error("large.yaml"));
    assert_eq!(inputs.agent("nowhere".as_ref()).unwrap_err().code().kind().exit_code(), 5);
    assert_snapshot!(all.join("\n"));
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_refused_within_the_file_or_accepted(
        text in "(name|limits|tools|settings|budget|[a-z]{1,3}|: |:|- |\\n|\\n  |[\\[\\]{}&*!|>'\"#%@,?~é0-9.])*"
    ) {
        let folder = folder([("agent.yaml", text.as_str())]);
        let lines = u32::try_from(text.lines().count()).unwrap() + 1;
        if let Err(error) = agent(folder.path(), &[], &Flags::new()) {
            for problem in error.problems() {
                let Source::File { line, .. } = problem.source else {
                    return Err(TestCaseError::fail(format!("{problem}")));
                };
                prop_assert!((1..=lines).contains(&line), "{problem}");
            }
        }
    }
}

#[test]
fn who_may_be_told_what_names_kinds_of_data_and_providers_that_there_are() {
    for (line, says) in [
        ("providers: {helth: [openai]}", "there is no data class `helth`"),
        ("providers: {health: [opnai]}", "there is no provider `opnai`"),
        ("residency: {health: []}", "needs a label"),
        ("provider: {health: [openai]}", "Did you mean `providers`?"),
    ] {
        let refused = with(&format!("provider_policy:\n  {line}\n"));
        assert!(refused.contains(says), "{refused}");
    }
    accepted(&format!("{LEAST}provider_policy:\n  providers: {{secret: []}}\n"));
}
