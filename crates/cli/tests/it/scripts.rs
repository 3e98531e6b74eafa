//! Scripts of a model: confined, calling the agent's own tools, waiting and killed like everything else.

#![cfg(all(target_os = "linux", feature = "code-js"))]

use std::time::Duration;

use largestack_testkit::upstream::{ChatReply, Upstream};
use serde_json::json;

use crate::place::{Done, Place};

const WAITING: i32 = 11;

fn project(upstream: &Upstream, rest: &str) -> Place {
    let place = Place::new();
    place.write("agent.yaml", format!("name: a\ninstructions: Help.\nmodel: local/m\n{rest}"));
    place.write("out/a.txt", "the note");
    let url = upstream.url();
    place.write("largestack.yaml", format!("providers: {{local: {{base-url: \"{url}\"}}}}\n"));
    place
}

async fn run(place: &Place, arguments: &[&str]) -> Done {
    let mut command = place.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

fn script(upstream: &Upstream, code: &str) {
    let arguments = json!({"language": "javascript", "code": code}).to_string();
    upstream.push(ChatReply::tool("code_execute", &arguments));
    upstream.push(ChatReply::text("Done."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confined_script_calls_the_tools_that_are_named_and_nothing_else() {
    let upstream = Upstream::start().await.unwrap();
    let tools = "tools: {read_file: {root: out}, list_files: {root: out}, \
                 code_execute: {tools: [read_file]}}\n";
    let place = project(&upstream, tools);
    script(&upstream, "(await read_file({ path: 'a.txt' })).length + ' ' + typeof list_files");
    run(&place, &["run", ".", "Go on."]).await.expect(0);
    let requests = upstream.requests();
    assert!(requests[0].says("read_file(path: string"), "it is told what it may call");
    assert!(requests[1].says("8 undefined"), "{}", String::from_utf8_lossy(&requests[1].body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_takes_too_much_is_told_to_the_model_with_its_line() {
    let upstream = Upstream::start().await.unwrap();
    let bounds = "tools: {code_execute: {max_cpu: 1s, max_bytes: 100, max_memory: 32000000}}\n";
    let place = project(&upstream, bounds);
    for (code, why) in [
        ("\nwhile (true) {}", "more than 1s"),
        ("const all = []; while (true) all.push('x'.repeat(1000) + all.length)", "memory"),
        ("console.log('x'.repeat(200))", "printed more than 100 bytes"),
        ("\n\nnull.x", "\\\"line\\\":3"),
    ] {
        script(&upstream, code);
        run(&place, &["run", ".", "Go on."]).await.expect(0);
        let told = upstream.requests().pop().unwrap();
        assert!(told.says(why), "{code}: {}", String::from_utf8_lossy(&told.body));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_a_script_waits_for_a_person_and_the_script_goes_on() {
    let upstream = Upstream::start().await.unwrap();
    let rest = "tools: {read_file: {root: out}, write_file: {root: out}, \
                code_execute: {tools: [read_file, write_file]}}\n\
                approvals: {tools: {write_file: {}}}\n";
    let place = project(&upstream, rest);
    script(
        &upstream,
        "const text = await read_file({ path: 'a.txt' });\n\
         await write_file({ path: 'b.txt', text: text.toUpperCase() });\n'written'",
    );
    let asked = run(&place, &["run", ".", "Go on."]).await.expect(WAITING);
    assert!(!place.path("out/b.txt").exists());
    let advice = asked.err.lines().find(|line| line.contains("approvals answer")).unwrap();
    let id = advice.split_whitespace().find(|word| word.starts_with("apr_")).unwrap();
    let answered = run(&place, &["approvals", "answer", id, "--choice", "approve"]).await.expect(0);
    assert!(answered.out.starts_with("Done."), "{}", answered.out);
    assert!(place.read("out/b.txt").contains("THE NOTE"));
    assert!(upstream.requests().pop().unwrap().says("written"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_whose_process_is_killed_makes_no_finished_call_again() {
    let upstream = Upstream::start().await.unwrap();
    let tool = |name: &str, script: &str| {
        format!(
            "  {name}: {{command: [/bin/sh, -c, \"{script}\"], description: Marks., folder: out, \
             writes: [out], answer: text, idempotent: true}}\n"
        )
    };
    let tools = format!(
        "tools:\n{}{}  code_execute: {{tools: [mark, hold]}}\n\
         taint: {{on_untrusted: {{execute: allow}}}}\n",
        tool("mark", "echo x >> marks; echo marked"),
        tool("hold", "echo x >> holds; test -e go || sleep 60; echo held"),
    );
    let place = project(&upstream, &tools);
    script(&upstream, "[await mark(), await hold()].join(' ')");
    let mut running = place.command(&["run", ".", "Go on."]).spawn().unwrap();
    while !place.path("out/holds").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.kill().unwrap();
    running.wait().unwrap();
    place.write("out/go", "");
    let listed = run(&place, &["trace", "--json"]).await.expect(0).json();
    let runs = listed["runs"].as_array().unwrap();
    let top = runs.iter().find(|run| run["run"] == run["root"]).unwrap()["run"].clone();
    let resumed = run(&place, &["resume", top.as_str().unwrap()]).await.expect(0);
    assert!(resumed.out.contains("Done."), "{}", resumed.out);
    assert_eq!(place.read("out/marks").lines().count(), 1, "it had finished");
    assert_eq!(place.read("out/holds").lines().count(), 2, "it was cut off, and may be repeated");
    assert!(upstream.requests().pop().unwrap().says("marked"));
    assert_eq!(upstream.requests().len(), 2, "the model is asked for the script once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_scripts_cannot_be_written_in_here_or_call_is_refused_before_anything_runs() {
    let upstream = Upstream::start().await.unwrap();
    let place = project(&upstream, "tools: {code_execute: {tools: [nobody]}}\n");
    let checked = run(&place, &["check", "agent.yaml"]).await.expect(1);
    assert!(checked.out.contains("scripts may call `nobody`"), "{}", checked.out);
    let place = project(&upstream, "tools: {code_execute: {languages: [cobol]}}\n");
    let checked = run(&place, &["check", "agent.yaml"]).await.expect(1);
    assert!(checked.out.contains("cobol"), "{}", checked.out);
    let place = project(&upstream, "tools: {code_execute: {languages: [python]}}\n");
    let checked = run(&place, &["check", "agent.yaml"]).await;
    if cfg!(feature = "code-python") {
        checked.expect(0);
    } else {
        assert!(checked.out.contains("needs the feature `code-python`"), "{}", checked.out);
    }
}

/// The processes that this one has begun, those that they have begun, and so on.
fn begun_by(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|one: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{one}/stat")).ok()?;
            // Behind the name, which may hold anything.
            let mut rest = stat.rsplit_once(") ")?.1.split(' ');
            (rest.next()? != "Z").then(|| Some((one, rest.next()?.parse().ok()?)))?
        })
        .collect();
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        all.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(one, _)| *one));
        at += 1;
    }
    all.split_off(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_script_that_is_cancelled_no_process_is_left() {
    let upstream = Upstream::start().await.unwrap();
    let place = project(&upstream, "tools: {code_execute: {max_cpu: 50s}}\n");
    script(&upstream, "while (true) {}");
    let mut running = place.command(&["run", ".", "Go on."]).spawn().unwrap();
    let mut begun = Vec::new();
    while begun.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(running.try_wait().unwrap().is_none(), "the script runs on");
        begun = begun_by(running.id());
    }
    let process = rustix::process::Pid::from_raw(running.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let ended = tokio::task::spawn_blocking(move || running.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(130));
    let lives = |one: &u32| std::path::Path::new(&format!("/proc/{one}")).exists();
    for _ in 0..500 {
        if !begun.iter().any(lives) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("of {begun:?} some run on");
}
