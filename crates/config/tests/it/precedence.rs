//! Defaults, then files, then the environment, then flags; and who said what.

use largestack_config::{Flags, Origin};
use proptest::prelude::*;

use crate::support::{LEAST, accepted, agent, folder};

/// Who decides `limits.max_turns` when these speak.
fn decided(file: bool, variable: bool, flag: bool) -> (u32, String) {
    let text = if file { format!("{LEAST}limits: {{max_turns: 2}}\n") } else { LEAST.to_owned() };
    let folder = folder([("agent.yaml", text.as_str())]);
    let environment: &[_] = if variable { &[("LARGESTACK_LIMITS__MAX_TURNS", "3")] } else { &[] };
    let flags =
        if flag { Flags::new().set("limits.max_turns", "--max-turns", "4") } else { Flags::new() };
    let settings = agent(folder.path(), environment, &flags).unwrap();
    let source = origin(&settings.origins, "limits.max_turns").source.to_string();
    (settings.agent.limits.max_turns, source.rsplit('/').next().unwrap().to_owned())
}

fn origin<'o>(origins: &'o [Origin], key: &str) -> &'o Origin {
    let found: Vec<_> = origins.iter().filter(|origin| origin.key == key).collect();
    assert_eq!(found.len(), 1, "{key}");
    found[0]
}

#[test]
fn the_strongest_that_speaks_decides() {
    for file in [false, true] {
        for variable in [false, true] {
            let expected = (4, "--max-turns".to_owned());
            assert_eq!(decided(file, variable, true), expected);
        }
        assert_eq!(decided(file, true, false), (3, "$LARGESTACK_LIMITS__MAX_TURNS".to_owned()));
    }
    assert_eq!(decided(true, false, false), (2, "agent.yaml:3:21".to_owned()));
    assert_eq!(decided(false, false, false), (25, "default".to_owned()));
}

#[test]
fn layers_add_up_key_by_key_and_a_list_is_replaced_whole() {
    let text = format!("{LEAST}limits: {{max_turns: 2, max_repeats: 9}}\ntools: [calculator]\n");
    let folder = folder([("agent.yaml", text.as_str())]);
    let environment = [("LARGESTACK_LIMITS__MAX_TURNS", "3"), ("LARGESTACK_TOOLS", "current_time")];
    let agent = agent(folder.path(), &environment, &Flags::new()).unwrap().agent;
    assert_eq!((agent.limits.max_turns, agent.limits.max_repeats), (3, 9));
    let tools: Vec<_> = agent.tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(tools, ["current_time"]);
}

#[test]
fn a_short_knowledge_path_and_the_rest_of_its_keys_come_from_different_layers() {
    let text = format!("{LEAST}knowledge: docs\ntools: [search_knowledge]\n");
    let folder = folder([("agent.yaml", text.as_str()), ("docs/a.md", "a")]);
    let environment = [("LARGESTACK_KNOWLEDGE__TOP_K", "3")];
    let knowledge = agent(folder.path(), &environment, &Flags::new()).unwrap().agent.knowledge;
    let knowledge = knowledge.unwrap();
    assert_eq!((knowledge.folder, knowledge.top_k), (folder.path().join("docs"), 3));
}

#[test]
fn an_empty_variable_is_as_if_it_were_not_there() {
    let folder = folder([("agent.yaml", LEAST)]);
    let environment = [("LARGESTACK_LIMITS__MAX_TURNS", ""), ("OPENAI_API_KEY", "")];
    let settings = agent(folder.path(), &environment, &Flags::new()).unwrap();
    assert_eq!(settings.agent.limits.max_turns, 25);
    assert_eq!(&*settings.agent.model, "offline/extractive");
}

/// The model and who decided it.
fn model(
    agent_says: &str,
    project_says: &str,
    environment: &[(&str, &str)],
    flags: &Flags,
) -> (String, String) {
    let agent_text = format!("{LEAST}{agent_says}");
    let folder = folder([("agent.yaml", agent_text.as_str()), ("largestack.yaml", project_says)]);
    let settings = agent(folder.path(), environment, flags).unwrap();
    let source = origin(&settings.origins, "model").source.to_string();
    assert_eq!(origin(&settings.origins, "model").value, *settings.agent.model);
    (settings.agent.model.to_string(), source.rsplit('/').next().unwrap().to_owned())
}

#[test]
fn a_model_that_nobody_names_is_that_of_a_provider_with_a_key_else_the_offline_one() {
    let none = Flags::new();
    let of = |model: &str, source: &str| (model.to_owned(), source.to_owned());
    let key = [("OPENAI_API_KEY", "sk-x")];
    assert_eq!(model("", "", &[], &none), of("offline/extractive", "default"));
    assert_eq!(model("model: auto\n", "", &[], &none), of("offline/extractive", "default"));
    assert_eq!(model("", "", &key, &none), of("openai/gpt-4o-mini", "$OPENAI_API_KEY"));
    let project = "model: openai/gpt-4o\n";
    assert_eq!(model("", project, &key, &none), of("openai/gpt-4o", "largestack.yaml:1:8"));
    let own = "model: groq/llama\n";
    assert_eq!(model(own, project, &key, &none), of("groq/llama", "agent.yaml:3:8"));
    let variable = [("LARGESTACK_MODEL", "offline/extractive")];
    assert_eq!(
        model(own, project, &variable, &none),
        of("offline/extractive", "$LARGESTACK_MODEL")
    );
    let flag = Flags::new().set("model", "--model", "openai/o3");
    assert_eq!(model(own, project, &variable, &flag), of("openai/o3", "--model"));
}

#[test]
fn a_provider_of_the_project_serves_models_and_a_variable_changes_its_row() {
    let folder = folder([
        ("agent.yaml", "name: a\ninstructions: Help.\nmodel: my-vendor/x\n"),
        (
            "largestack.yaml",
            "providers:\n  my-vendor:\n    base-url: http://a/v1\n    key-env: [K]\n",
        ),
    ]);
    let environment = [("LARGESTACK_PROVIDERS__MY_VENDOR__BASE_URL", "http://b/v1")];
    let settings = agent(folder.path(), &environment, &Flags::new()).unwrap();
    let row = settings.project.providers.provider("my-vendor").unwrap();
    assert_eq!(row.base_url.as_deref(), Some("http://b/v1"));
    assert_eq!(row.key_env, ["K"]);
    assert_eq!(&*settings.agent.model, "my-vendor/x");
}

#[test]
fn no_secret_shows_in_what_is_explained() {
    let folder = folder([("agent.yaml", LEAST)]);
    let environment = [("LARGESTACK_OPENAI_API_KEY", "sk-secret"), ("OPENAI_API_KEY", "sk-other")];
    let settings = agent(folder.path(), &environment, &Flags::new()).unwrap();
    let shown = format!("{settings:?} {}", serde_json::to_string(&settings.origins).unwrap());
    assert!(!shown.contains("sk-"), "{shown}");
    assert_eq!(origin(&settings.origins, "model").source.to_string(), "$LARGESTACK_OPENAI_API_KEY");
}

proptest! {
    #[test]
    fn a_budget_is_the_amount_that_is_written(dollars in 0i64..9_000_000_000, nanos in 0i64..1_000_000_000, quoted: bool) {
        let amount = format!("{dollars}.{nanos:09}");
        let written = if quoted { format!("\"${amount}\"") } else { amount };
        let agent = accepted(&format!("{LEAST}budget: {written}\n"));
        prop_assert_eq!(agent.limits.budget.unwrap().nanos(), dollars * 1_000_000_000 + nanos);
    }
}

#[test]
fn a_limit_can_be_lifted_by_name() {
    let agent = accepted(&format!("{LEAST}budget: none\nlimits: {{wall_clock: none}}\n"));
    assert_eq!((agent.limits.budget, agent.limits.wall_clock), (None, None));
    assert!(accepted(LEAST).limits.budget.is_some());
}
