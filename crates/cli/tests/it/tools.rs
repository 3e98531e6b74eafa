//! Built-in tools as an agent's file names them.

use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::{Done, Place};

const TOOLS: &str = "tools:
  calculator: {}
  current_time: {zone: Asia/Kolkata}
  read_file: {root: notes}
  list_files: {root: notes}
  write_file: {root: notes}
  web_fetch: {}
  sql_query: {database: shop.db}
";

fn place(upstream: &Upstream, tools: &str) -> Place {
    let place = Place::new();
    let agent = format!("name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n{tools}");
    place.write("agent.yaml", agent);
    place.write("notes/a.txt", "the note");
    place.write("shop.db", "");
    let url = upstream.url();
    place.write("largestack.yaml", format!("providers: {{openai: {{base-url: \"{url}\"}}}}\n"));
    place
}

async fn ask(place: &Place) -> Done {
    let mut command = place.command(&["run", ".", "Go on.", "--json"]);
    command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn built_in_tools_answer_the_model_within_what_the_file_says() {
    let upstream = Upstream::start().await.unwrap();
    let place = place(&upstream, TOOLS);
    let here = format!("{{\"url\":\"http://{}/\"}}", upstream.address());
    for (tool, arguments, result) in [
        ("calculator", r#"{"expression":"0.1 + 0.2"}"#, "0.3"),
        ("current_time", "{}", "+05:30"),
        ("read_file", r#"{"path":"a.txt"}"#, "the note"),
        ("read_file", r#"{"path":"../agent.yaml"}"#, "leads outside the folder"),
        ("list_files", "{}", "a.txt"),
        ("write_file", r#"{"path":"b/c.txt","text":"new"}"#, "wrote 3 bytes"),
        ("web_fetch", &here, "LARGESTACK_EGRESS"),
        ("sql_query", r#"{"statement":"SELECT 6 * 7 AS answer"}"#, "42"),
        ("sql_query", r#"{"statement":"DROP TABLE t"}"#, "only questions may be asked"),
    ] {
        upstream.push(ChatReply::tool(tool, arguments));
        upstream.push(ChatReply::text("done"));
        ask(&place).await.expect(0);
        let requests = upstream.requests();
        let told = String::from_utf8_lossy(&requests.last().unwrap().body).into_owned();
        assert!(told.contains(result), "{tool} {arguments}: {told}");
    }
    assert_eq!(place.read("notes/b/c.txt"), "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_is_told_too_little_or_something_else_is_refused_before_anything_runs() {
    let upstream = Upstream::start().await.unwrap();
    for (tools, why) in [
        ("tools: [read_file]\n", "root"),
        ("tools: {read_file: {root: nowhere}}\n", "there is no folder"),
        ("tools: {calculator: {root: notes}}\n", "root"),
        ("tools: {web_fetch: {networks: [intranet]}}\n", "is no network"),
        ("tools: {web_search: {engine: altavista}}\n", "no search engine `altavista`"),
        ("tools: {web_search: {engine: searxng}}\n", "needs `url`"),
        ("tools: {current_time: {zone: Mars/Base}}\n", "no time zone"),
        ("tools: [shell]\n", "shell"),
    ] {
        let refused = ask(&place(&upstream, tools)).await.expect(2);
        assert!(refused.out.contains(why), "{tools}: {}", refused.out);
    }
    assert_eq!(upstream.counts().requests, 0);
}
