//! Tools that an agent's file makes.

use largestack_config::{Declared, Environment, Flags};

use crate::support::{LEAST, agent, folder, refused, runnable};

fn stock(rest: &str) -> String {
    format!("{LEAST}tools:\n  stock:\n    description: How many are left.\n{rest}")
}

#[test]
fn a_program_is_a_path_from_the_file_or_a_name_in_the_folders_of_path() {
    let files = [("agent.yaml", ""), ("bin/stock", "#!"), ("elsewhere/stock", "#!")];
    let folder = folder(files);
    let program = |text: &str, path: &str| {
        std::fs::write(folder.path().join("agent.yaml"), text).unwrap();
        let settings = agent(folder.path(), &[("PATH", path)], &Flags::new())?;
        let Some(Declared::Command(command)) = settings.agent.tools[0].declared.clone() else {
            panic!("no command")
        };
        assert_eq!(command.folder, folder.path());
        Ok::<_, largestack_config::Error>(command.program)
    };
    let bin = folder.path().join("elsewhere").display().to_string();
    let by_path = program(&stock("    command: [./bin/stock, --all]\n"), "").unwrap();
    assert_eq!(by_path, folder.path().join("./bin/stock"));
    let by_name = program(&stock("    command: [stock]\n"), &format!("/nowhere:{bin}")).unwrap();
    assert_eq!(by_name, folder.path().join("elsewhere/stock"));
    // A folder of PATH that is relative means another place wherever one stands.
    assert!(program(&stock("    command: [stock]\n"), "elsewhere").is_err());
    assert!(program(&stock("    command: [./bin/none]\n"), &bin).is_err());
    // What nobody may run is no program.
    runnable(&folder.path().join("bin/stock"), false);
    runnable(&folder.path().join("elsewhere/stock"), false);
    if cfg!(unix) {
        assert!(program(&stock("    command: [./bin/stock]\n"), "").is_err());
        assert!(program(&stock("    command: [stock]\n"), &bin).is_err());
    }
}

#[test]
fn web_assembly_need_not_be_allowed_to_run_and_takes_no_key_that_means_nothing_for_it() {
    let files = [("agent.yaml", ""), ("bin/stock.wasm", "\0asm"), ("data/a", "")];
    let folder = folder(files);
    runnable(&folder.path().join("bin/stock.wasm"), false);
    let read = |rest: &str| {
        let text = stock(&format!("    command: [./bin/stock.wasm]\n{rest}"));
        std::fs::write(folder.path().join("agent.yaml"), text).unwrap();
        let settings = agent(folder.path(), &[], &Flags::new()).map_err(|e| e.to_string())?;
        let Some(Declared::Command(command)) = settings.agent.tools[0].declared.clone() else {
            panic!("no command")
        };
        Ok::<_, String>(command.sandbox)
    };
    let usual = read("").unwrap();
    assert_eq!((usual.memory, usual.network), (256 << 20, false));
    let said = read("    reads: [data]\n    max_memory: 16777216\n").unwrap();
    assert_eq!((said.memory, said.reads), (16 << 20, vec![folder.path().join("data")]));
    read("    sandbox: confined\n    network: false\n").unwrap();
    for (key, why) in [
        ("network: true", "WebAssembly opens no connections here"),
        ("sandbox: none", "WebAssembly cannot be run unconfined"),
        ("max_processes: 64", "WebAssembly begins no processes"),
        ("reads: [data/a]", "data/a is no folder, and WebAssembly is given folders"),
        ("writes: [nowhere]", "there is no"),
    ] {
        let refused = read(&format!("    {key}\n")).unwrap_err();
        assert!(refused.contains(why) && refused.contains("agent.yaml:7"), "{key}: {refused}");
    }
    // Any other program has the memory that programs have.
    let text = stock("    command: [/bin/sh]\n    network: true\n    max_processes: 2\n");
    std::fs::write(folder.path().join("agent.yaml"), text).unwrap();
    let settings = agent(folder.path(), &[], &Flags::new()).unwrap();
    let Some(Declared::Command(command)) = &settings.agent.tools[0].declared else {
        panic!("no command")
    };
    assert_eq!(command.sandbox.memory, 2 << 30);
}

#[test]
fn secrets_are_looked_for_when_the_file_is_read_and_held_nowhere() {
    let text = stock(
        "    command: [/bin/sh]\n    env: {TOKEN: \"${SHOP_API_KEY}\", LANG: C, COST: \"$${x}\"}\n",
    );
    let folder = folder([("agent.yaml", text.as_str())]);
    let error = agent(folder.path(), &[], &Flags::new()).unwrap_err();
    assert!(error.to_string().contains("nothing sets the variable SHOP_API_KEY"), "{error}");

    let variables = [("SHOP_API_KEY", "hunter2hunter2")];
    let settings = agent(folder.path(), &variables, &Flags::new()).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
    let Some(Declared::Command(command)) = &settings.agent.tools[0].declared else {
        panic!("no command")
    };
    let environment = Environment::of(variables);
    let value = |name: &str| {
        let text = &command.environment.0[name];
        (text.value(&environment).expose().to_owned(), text.is_secret())
    };
    assert_eq!(value("TOKEN"), ("hunter2hunter2".to_owned(), true));
    assert_eq!(value("LANG"), ("C".to_owned(), false));
    assert_eq!(value("COST"), ("${x}".to_owned(), false));
    let shown = settings.origins.iter().find(|o| o.key == "tools.stock.env").unwrap();
    assert!(shown.value.contains("${SHOP_API_KEY}"), "{}", shown.value);
}

#[test]
fn a_variable_elsewhere_in_a_tool_is_filled_in_as_everywhere() {
    let text = stock("    http: {url: \"https://${HOST}/a\", headers: {x-a: \"${HOST}\"}}\n");
    let folder = folder([("agent.yaml", text.as_str())]);
    let settings = agent(folder.path(), &[("HOST", "a.example")], &Flags::new()).unwrap();
    let Some(Declared::Http(call)) = &settings.agent.tools[0].declared else { panic!("no call") };
    assert_eq!(&*call.url, "https://a.example/a");
    assert!(call.headers.0["x-a"].is_secret());
}

#[test]
fn what_makes_no_tool_is_refused_where_it_stands() {
    for (text, why) in [
        (stock("    command: []\n"), "names no program"),
        (stock("    command: [/bin/none/at/all]\n"), "there is no program"),
        (stock("    command: [/bin/sh]\n    http: {url: x}\n"), "unknown key `http`"),
        (stock("    command: [/bin/sh]\n    root: docs\n"), "unknown key `root`"),
        (stock("    http: {}\n"), "`tools.stock.http.url` is missing"),
        (stock("    http: {url: \"http://x/\", method: BREW}\n"), "`BREW` is none of"),
        (stock("    http: {url: \"http://x/\", result: a}\n"), "JSON pointer"),
        (stock("    http: {url: \"http://x/\", headers: [a]}\n"), "takes"),
        (format!("{LEAST}tools: {{stock: {{command: [/bin/sh]}}}}\n"), "description` is missing"),
        (
            format!("{LEAST}tools: {{calculator: {{command: [/bin/sh], description: d}}}}\n"),
            "name of a built-in tool",
        ),
        (
            format!("{LEAST}tools: {{\"a b\": {{command: [/bin/sh], description: d}}}}\n"),
            "cannot name a tool",
        ),
    ] {
        let refused = refused(&text);
        assert!(refused.contains(why), "{text}: {refused}");
        assert!(refused.contains("agent.yaml:"), "{refused}");
    }
}
