//! `workflow.yaml`: what is read, what is refused, and with which words.

use std::collections::BTreeSet;

use largestack_config::keys::Place;
use largestack_config::{
    Environment, Error, Flags, Inputs, Kind, PATTERNS, Settings, Shape, Workflow,
};
use largestack_engine::graph::{Join, OnFailure, Reducer, When, Work, Writes};
use tempfile::TempDir;

use crate::support::{OFFER, folder, shown};

pub(crate) fn read(place: &TempDir) -> Result<Settings<Workflow>, Error> {
    let environment = Environment::of([("LARGESTACK_HOME", "/home/state")]);
    let flags = Flags::new();
    let inputs = Inputs {
        working_folder: place.path(),
        environment: &environment,
        flags: &flags,
        offer: &OFFER,
    };
    inputs.workflow("workflow.yaml".as_ref())
}

pub(crate) fn with(text: &str, others: &[(&str, &str)]) -> TempDir {
    folder(others.iter().copied().chain([("workflow.yaml", text)]))
}

fn accepted(text: &str) -> Workflow {
    let place = with(text, &[]);
    read(&place).unwrap_or_else(|error| panic!("{error}")).agent
}

fn refused(text: &str) -> String {
    let place = with(text, &[]);
    shown(&read(&place).unwrap_err(), place.path())
}

/// Agents and the beginning of the nodes.
const HEAD: &str = "name: w
agents:
  writer: {instructions: Write.}
  critic:
    instructions: Judge.
    output: {schema: {type: object, properties: {verdict: {enum: [good, bad]}, score: {type: number}}}}
nodes:
";

fn nodes(rest: &str) -> String {
    refused(&format!("{HEAD}{rest}"))
}

#[test]
fn nodes_become_the_graph_that_they_say() {
    let text =
        "  draft: {agent: writer, prompt: \"About {{ task }}\", then: judge, retry: 3, timeout: 5s}
  judge:
    agent: critic
    prompt: \"{{ draft }}\"
    choose: verdict
    then: {good: [note, tell], bad: draft}
    on_failure: {to: note}
    join: first
  note: {set: {said: \"{{ draft }}\", count: 1}, writes: [said, count]}
  tell: {pass: true, after: note, join: any}
answer: said
start: draft
";
    let workflow =
        accepted(&format!("{HEAD}{text}").replace("then: judge", "then: judge, join: any"));
    let Shape::Nodes(nodes) = &workflow.shape else { panic!() };
    let node = |name: &str| nodes.graph.find(name).unwrap();
    assert_eq!(node("draft").retry.tries, 3);
    assert_eq!(node("draft").timeout.unwrap().as_secs(), 5);
    assert_eq!(node("judge").choose.as_deref(), Some("/verdict"));
    assert_eq!((node("judge").join, node("judge").on_failure), (Join::First, OnFailure::Route));
    assert_eq!(node("note").writes, Writes::Keys(vec!["said".into(), "count".into()]));
    let edges: BTreeSet<String> = nodes
        .graph
        .edges
        .iter()
        .map(|edge| {
            let when = match &edge.when {
                When::Always => "",
                When::Choice(word) => word,
                When::Failed => "!",
            };
            format!("{}-{when}>{}", edge.from, edge.to)
        })
        .collect();
    let wanted = [
        "draft->judge",
        "judge-good>note",
        "judge-good>tell",
        "judge-bad>draft",
        "judge-!>note",
        "note->tell",
    ];
    assert_eq!(edges, wanted.into_iter().map(str::to_owned).collect());
    assert!(!nodes.asked["judge"].decides, "it has answers of its own shape");
}

#[test]
fn an_agent_without_a_shape_is_made_to_choose() {
    let workflow = accepted(&format!("{HEAD}  a: {{agent: writer, then: {{x: end, y: end}}}}\n"));
    let Shape::Nodes(nodes) = workflow.shape else { panic!() };
    assert!(nodes.asked["a"].decides);
    assert_eq!(nodes.graph.find("a").unwrap().choose.as_deref(), Some("/choice"));
}

#[test]
fn a_state_that_decides_is_a_switch() {
    let text = "name: w
inputs: {score: number, kind: text}
state: {seen: append}
nodes:
  gate:
    switch:
      - if: {score: {at_least: 8, below: 10}, kind: letter}
        to: a
      - if: {kind: {one_of: [bill, note]}}
        to: end
      - to: b
  a: {set: 1, writes: seen}
  b: {set: 2, writes: seen}
";
    let Shape::Nodes(nodes) = accepted(text).shape else { panic!() };
    let Work::Switch { cases } = &nodes.graph.find("gate").unwrap().work else { panic!() };
    assert_eq!(cases[0].when.len(), 3);
    assert_eq!(nodes.graph.find("gate").unwrap().choices.len(), 3);
    assert_eq!(nodes.graph.channels["seen"], Reducer::Append);
    let wrong = text.replace("      - to: b\n", "");
    assert!(refused(&wrong).contains("the last case has to hold always"), "{}", refused(&wrong));
    let wrong = text.replace("at_least", "atleast");
    assert!(refused(&wrong).contains("Did you mean `at_least`?"), "{}", refused(&wrong));
}

#[test]
fn every_pattern_is_read_with_whom_it_needs_and_without_them_is_refused() {
    for pattern in PATTERNS {
        let agents = "  a: {instructions: A.}\n  b: {instructions: B.}\n  c: {instructions: C.}\n";
        let required: Vec<&str> = pattern
            .roles
            .iter()
            .filter(|role| role.otherwise == largestack_config::Otherwise::Required)
            .map(|role| role.key)
            .collect();
        let roles: Vec<String> = required
            .iter()
            .zip(["a", "b"])
            .map(|(role, agent)| format!("{role}: {agent}\n"))
            .collect();
        let roles = roles.concat();
        let words = if pattern.words.is_empty() { "" } else { "options: [p, q]\n" };
        let tools = if pattern.acts { "tools: [calculator]\n" } else { "" };
        let name = pattern.name;
        let text = format!("name: w\npattern: {name}\n{words}{tools}{roles}agents:\n{agents}");
        let workflow = accepted(&text);
        let Shape::Pattern(used) = &workflow.shape else { panic!() };
        assert_eq!(used.pattern.name, pattern.name);
        assert_eq!(workflow.inputs, [(pattern.input.0.into(), pattern.input.1)]);
        if pattern.members.is_some() {
            assert_eq!(used.members.len(), 3, "{}", pattern.name);
        }
        for role in required {
            let lacking = text.replace(&format!("{role}: "), "# ");
            assert!(refused(&lacking).contains(&format!("`{role}` is missing")), "{role}");
        }
        if pattern.members.is_some() {
            let nobody = format!("name: w\npattern: {}\nagents: {{}}\n", pattern.name);
            assert!(refused(&nobody).contains("or more agents"), "{}", refused(&nobody));
        }
    }
}

#[test]
fn what_cannot_work_is_refused_at_the_node_that_has_it() {
    for (text, why) in [
        (
            "  a: {set: 1}\n  b: {set: 2, after: c}\n  c: {set: 3, after: b}\n",
            "nothing leads here from where it begins",
        ),
        (
            "  a: {set: 1, then: b}\n  b: {set: 2, then: a}\nstart: a\n",
            "it comes back to itself, and nothing on the way decides to go on",
        ),
        (
            "  a: {agent: critic, choose: verdict, then: {good: b, bad: c}}\n  b: {set: 1, then: d}\n  \
          c: {set: 2, then: d}\n  d: {pass: true, join: every}\n",
            "it can never be visited",
        ),
        (
            "  a: {set: \"{{ later }}\", then: b}\n  b: {set: 1, writes: later}\n",
            "its value reads `later`, which no node before it writes",
        ),
        (
            "  a: {agent: writer, then: b}\n  b: {set: \"{{ item }}\", over: a}\n",
            "it works on each element of `a`, which `a` writes: it is a text",
        ),
        (
            "  a: {agent: writer, then: b}\n  b:\n    switch:\n      - {if: {a: {above: 1}}, to: end}\n      \
          - {to: end}\n",
            "it compares numbers with `a`, which `a` writes: it is a text",
        ),
        (
            "  a: {agent: writer, writes: sum}\nstate: {sum: add}\n",
            "it writes a text to `sum`, where numbers are added up",
        ),
        (
            "  a: {agent: writer, writes: sum}\nstate: {sum: {type: list}}\n",
            "is said to be a list, and `a` writes a text",
        ),
        (
            "  a: {agent: critic, choose: verdict, then: {good: end, bed: end}}\n",
            "`critic` can never choose `bed` (did you mean `bad`?)",
        ),
        (
            "  a: {agent: critic, choose: verdict, then: {good: end}}\n",
            "`critic` can choose `bad`, and nothing says what follows",
        ),
        (
            "  a: {agent: critic, choose: opinion, then: {good: end, bad: end}}\n",
            "`choose` names `opinion`, which answers of `critic` lack",
        ),
        ("  a: {agent: critic, then: {good: end, bad: end}}\n", "`nodes.a.choose` is missing"),
        (
            "  a: {agent: writer, choose: word, then: {good: end, bad: end}}\n",
            "`writer` has answers of no shape, so nothing stands there",
        ),
        ("  a: {set: 1, then: nobody}\n", "there is no node `nobody`"),
        ("  a: {agent: nobody}\n", "there is no agent `nobody`"),
        ("  a: {ask: Pay?, timeout: 1m}\n", "`timeout` is for work that is done"),
        ("  a: {event: paid, timeout: 1m}\n", "this node only waits: leave it out (event)"),
        ("  a: {sleep: 3s, retry: 3}\n", "`retry` is for work that is done"),
        (
            "  a: {set: [{b: 1}], then: b}\n  b:\n    switch:\n      - {if: {a.b: 1}, to: end}\n      \
          - {to: end}\n",
            "it looks into `a`, which `a` writes: it is a list",
        ),
        (
            "  a: {agent: writer, then: b}\n  b:\n    switch:\n      - {if: {a.0: x}, to: end}\n      \
          - {to: end}\n",
            "it looks into `a`, which `a` writes: it is a text",
        ),
        ("  a: {}\n", "nothing says what happens there"),
        ("  a: {set: 1, sleep: 3s}\n", "one thing happens at a node, not `sleep` and `set`"),
        ("  a: {pass: true, then: {x: end}}\n", "nothing is chosen there"),
        ("  a: {workflow: other}\n", "There is no workflow file"),
        ("  a: {workflow: workflow.yaml}\n", "runs itself"),
        ("  a: {set: 1, on_failure: ignore}\n", "is none of `fail`, `skip`, `end-branch`"),
        ("  a: {agent: writer, prompt: {{ task }}}\n", "workflow.yaml:8"),
        ("pattern: swarm\n", "says its `nodes`, or names a `pattern`"),
    ] {
        let said = nodes(text);
        assert!(said.contains(why), "{text}\n{said}");
        assert!(said.contains("workflow.yaml:"), "{said}");
    }
}

#[test]
fn a_switch_looks_at_elements_of_a_list() {
    let text = format!(
        "{HEAD}  a: {{set: [{{done: true}}], writes: plan, then: b}}\n  b:\n    switch:\n      \
         - {{if: {{plan.0.done: true}}, to: end}}\n      - {{to: end}}\n"
    );
    let Shape::Nodes(nodes) = accepted(&text).shape else { panic!() };
    let Work::Switch { cases } = &nodes.graph.find("b").unwrap().work else { panic!() };
    assert_eq!(&*cases[0].when[0].0, "plan.0.done");
}

#[test]
fn a_bound_makes_a_loop_without_a_choice_right() {
    let text = format!(
        "{HEAD}  a: {{set: 1, then: b, join: any}}\n  b: {{set: 2, then: a}}\nstart: a\nlimits: {{max_visits: 3}}\n"
    );
    assert_eq!(accepted(&text).limits.max_visits, 3);
}

#[test]
fn an_unknown_key_has_its_line_and_the_nearest_known_one() {
    assert!(nodes("  a: {set: 1, time_out: 3s}\n").contains("Did you mean `timeout`?"));
    let said = refused("name: w\npatern: router\n");
    assert!(
        said.contains("workflow.yaml:2:1") && said.contains("Did you mean `pattern`?"),
        "{said}"
    );
    let said = refused("name: w\ninstructions: Help.\nnodes: {a: {set: 1}}\n");
    assert!(said.contains("It belongs in agent.yaml"), "{said}");
    let said = refused("name: w\npattern: router\nagents: {a: {instructions: A., modl: x}}\n");
    assert!(said.contains("Did you mean `model`?"), "{said}");
}

#[test]
fn agents_are_named_by_their_files_or_written_out_and_their_problems_are_said_with_the_rest() {
    let text = "name: w\npattern: sequential\nagents:\n  one: team/one.yaml\n  two: {instructions: Two.}\n";
    let place = with(text, &[("team/one.yaml", "name: first\ninstructions: One.\n")]);
    let workflow = read(&place).unwrap().agent;
    assert_eq!(&*workflow.agent("one").unwrap().name, "first");
    let two = workflow.agent("two").unwrap();
    assert_eq!((&*two.name, &*two.model), ("two", "offline/extractive"));
    assert!(two.file.to_string_lossy().ends_with("workflow.yaml#two"), "{}", two.file.display());
    let place = with(text, &[("team/one.yaml", "name: two\ninstructions: One.\nmodle: x\n")]);
    let said = shown(&read(&place).unwrap_err(), place.path());
    assert!(said.contains("team/one.yaml:3:1: unknown key `modle`"), "{said}");
    let place = with(text, &[("team/one.yaml", "name: two\ninstructions: One.\n")]);
    let said = shown(&read(&place).unwrap_err(), place.path());
    assert!(said.contains("another agent (`one`) has its name `two`"), "{said}");
}

#[test]
fn a_workflow_in_a_workflow_is_read_with_it() {
    let inner = "name: inner\ninputs: {text: text}\nnodes: {a: {set: \"{{ text }}!\"}}\n";
    let text = "name: w\nnodes: {a: {workflow: inner.workflow.yaml, with: {text: task}}}\n";
    let place = with(text, &[("inner.workflow.yaml", inner)]);
    let Shape::Nodes(nodes) = read(&place).unwrap().agent.shape else { panic!() };
    assert_eq!(nodes.workflows["a"].inputs, [("text".into(), Kind::Text)]);
    let judging = "name: inner\npattern: sequential\nagents: {judge: {instructions: J.}}\n";
    let text_only = "name: w\nnodes: {a: {workflow: inner.workflow.yaml}}\n";
    let place = with(text_only, &[("inner.workflow.yaml", judging)]);
    let agents = read(&place).unwrap().agent;
    assert_eq!(&*agents.all_agents()[0].name, "inner-judge");
    let wrong = text.replace("{text: task}", "{txt: task}");
    let place = with(&wrong, &[("inner.workflow.yaml", inner)]);
    let said = shown(&read(&place).unwrap_err(), place.path());
    assert!(said.contains("Did you mean `text`?") && said.contains("is given `text`"), "{said}");
}

/// Files that say everything once.
const ALL: &[&str] = &[
    "name: w\ndescription: d\ninputs: [task, items]\nstart: a\nanswer: a\nacyclic: true\nbudget: 1\n\
     limits: {max_visits: 2, max_parallel: 2, wall_clock: 5s}\n\
     approvals: {approvers: [ada], quorum: 1, expires_after: 1d}\n\
     guardrails: {mode: warn, device: allow, person: allow, secret: allow, card: allow, government_id: allow, account: allow, email: allow, phone: allow}\n\
     state: {a: {type: object, reduce: replace}}\n\
     agents: {x: {instructions: X., output: {schema: {type: object, properties: {c: {type: string}}}}}}\nnodes:\n\
     \x20 a: {agent: x, prompt: p, choose: c, then: {up: b, down: b}, timeout: 1s, approval: why, \
     retry: {tries: 2, pause: 1s, whatever: true}, on_failure: fail, join: any, writes: a}\n\
     \x20 b: {set: 1, over: items, max_parallel: 1, then: [c, d, e, f, g], on_failure: skip}\n\
     \x20 c: {ask: q, after: b}\n  d: {event: e}\n  e: {sleep: 1s}\n  f: {pass: true}\n\
     \x20 g: {switch: [{to: h}]}\n  h: {workflow: o.workflow.yaml, with: {task: task}}\n\
     \x20 i: {tool: calculator, with: {expression: \"{{ task }}\"}, after: {all: [f, {a: up}]}, \
     undo: {tool: current_time, with: {zone: \"{{ i }}\"}, timeout: 1s, when_failed: true, \
     retry: {tries: 2, pause: 1s, whatever: true}}}\n\
     tools: [calculator, current_time]\n\
     supervise: {nodes: [h], restarts: rest-for-one, most: 2, within: 1m, pause: 1s}\n",
    "name: w\npattern: sequential\non_error: {retry: 2}\ninstead: {a: b}\n",
    "name: w\npattern: vote\noptions: [p, q]\nmajority: half\n",
    "name: w\npattern: supervised\nsupervise: {restarts: one-for-all}\n",
    "name: w\npattern: structured_chat\nactor: a\nsteps: 3\ntools: [calculator]\n",
    "name: w\npattern: router\nmembers: [a]\nclassifier: b\notherwise: c\n",
    "name: w\npattern: supervisor\nmanager: a\nrounds: 2\n",
    "name: w\npattern: debate\njudge: a\n",
    "name: w\npattern: swarm\nhands_to: {a: [b]}\nhandoffs: 2\n",
    "name: w\npattern: reflexion\nauthor: a\ncritic: b\ndrafts: 2\n",
    "name: w\npattern: plan_execute\nplanner: a\nworker: b\ncloser: c\nsteps: 2\n",
    "name: w\npattern: map_reduce\nmapper: a\nreducer: b\nask: x\nsum_up: z\nat_once: 2\n",
];

/// The keys that a text speaks of, names of the user's own as `*`.
fn keys_of(text: &str) -> BTreeSet<String> {
    fn walk(value: &serde_json::Value, path: &str, keys: &mut BTreeSet<String>) {
        let known = |path: &str| Place::Workflow.keys().any(|key| key.path == path);
        match value {
            serde_json::Value::Object(fields) if !known(path) => {
                for (name, inner) in fields {
                    let own = ["nodes", "state", "agents"].contains(&path);
                    let name = if own { "*" } else { name };
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(inner, &format!("{path}{dot}{name}"), keys);
                }
            }
            _ => {
                keys.insert(path.to_owned());
            }
        }
    }
    let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    let mut keys = BTreeSet::new();
    walk(&value, "", &mut keys);
    keys
}

#[test]
fn every_key_of_the_table_is_read_and_every_key_that_is_read_is_in_the_table() {
    let agents = "agents: {a: {instructions: A.}, b: {instructions: B.}, c: {instructions: C.}}\n";
    let mut spoken = BTreeSet::new();
    for text in ALL {
        let text =
            if text.contains("agents:") { (*text).to_owned() } else { format!("{text}{agents}") };
        let inner = "name: o\nnodes: {a: {set: 1}}\n";
        let place = with(&text, &[("o.workflow.yaml", inner)]);
        read(&place).unwrap_or_else(|error| panic!("{text}{error}"));
        spoken.extend(keys_of(&text));
    }
    let listed: BTreeSet<String> = Place::Workflow.keys().map(|key| key.path.to_owned()).collect();
    assert_eq!(spoken, listed);
}

#[test]
fn what_an_editor_is_told_accepts_what_is_read() {
    let schema = largestack_config::schema::schema(Place::Workflow);
    let schema = jsonschema::validator_for(&schema).unwrap();
    for text in ALL {
        let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        let problems: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(problems.is_empty(), "{text}{problems:?}");
    }
    for wrong in ["name: w\nnodse: {}\n", "name: w\nnodes: {a: {agnet: x}}\n", "nodes: {}\n"] {
        let value: serde_json::Value = serde_saphyr::from_str(wrong).unwrap();
        assert!(!schema.is_valid(&value), "{wrong}");
    }
}
