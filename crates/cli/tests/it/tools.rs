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

const MADE: &str = r#"tools:
  stock:
    description: How many are left.
    command: [/bin/sh, -c, 'read line; echo "[$line, \"$TOKEN $(pwd)\"]"']
    folder: notes
    env: {TOKEN: "${SHOP_TOKEN}"}
    parameters: {type: object, required: [sku], properties: {sku: {type: string, maxLength: 9}}}
  broken:
    description: Fails.
    command: [/bin/sh, -c, "echo no such shop >&2; exit 4"]
  service:
    description: Asks.
    http: {url: "http://ADDRESS/v1/things/{thing}", headers: {authorization: "Bearer ${SHOP_TOKEN}"}}
    networks: [127.0.0.0/8]
    parameters: {type: object, required: [thing], properties: {thing: {type: string}}}
  walled:
    description: Asks where it may not.
    http: {url: "http://ADDRESS/"}
"#;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_and_calls_that_the_file_makes_answer_the_model() {
    let upstream = Upstream::start().await.unwrap();
    let address = upstream.address().to_string();
    let place = place(&upstream, &MADE.replace("ADDRESS", &address));
    let ask = || async {
        let mut command = place.command(&["run", ".", "Go on.", "--json"]);
        command
            .env("OPENAI_API_KEY", "sk-mock-0123456789abcdef")
            .env("SHOP_TOKEN", "hunter2-hunter2");
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        Done::of(&output.unwrap()).expect(0)
    };
    for (tool, arguments, result) in [
        ("stock", r#"{"sku":"$(id)"}"#, r#"[{\\\"sku\\\":\\\"$(id)\\\"},\\\"[redacted] /"#),
        ("stock", r#"{"sku":"0123456789"}"#, "maxLength"),
        ("broken", "{}", "the command ended with code 4: no such shop"),
        ("walled", "{}", "LARGESTACK_EGRESS"),
    ] {
        upstream.push(ChatReply::tool(tool, arguments));
        upstream.push(ChatReply::text("done"));
        ask().await;
        let requests = upstream.requests();
        let told = String::from_utf8_lossy(&requests.last().unwrap().body).into_owned();
        let plain = result.replace("\\\\\\\"", "\\\"");
        assert!(told.contains(result) || told.contains(&plain), "{tool} {arguments}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    upstream.push(ChatReply::tool("service", r#"{"thing":"a/../b"}"#));
    upstream.push(ChatReply::text("from the service"));
    upstream.push(ChatReply::text("done"));
    ask().await;
    let requests = upstream.requests();
    let asked = requests.iter().find(|request| request.path().contains("things")).unwrap();
    assert!(asked.path().ends_with("/v1/things/a%2F..%2Fb"), "{}", asked.path());
    assert_eq!(asked.header("authorization").as_deref(), Some("Bearer hunter2-hunter2"));
}

#[test]
fn check_says_which_tool_cannot_be_made() {
    let place = Place::new();
    place.write(
        "agent.yaml",
        "name: a\ninstructions: Answer.\nmodel: offline/extractive\ntools:\n  weather:\n    \
         description: d\n    http: {url: \"https://a.example/{city}\"}\n",
    );
    let checked = place.run(&["check"]).expect(1);
    assert!(
        checked.out.contains("tools.weather: `city` is not among the parameters"),
        "{}",
        checked.out
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_of_a_document_are_tools_and_a_wrong_one_says_its_line() {
    let upstream = Upstream::start().await.unwrap();
    let address = upstream.address();
    let tools = "tools:\n  shop:\n    openapi: {document: shop.yaml, include: [get*], headers: \
                 {authorization: \"Bearer ${SHOP_TOKEN}\"}}\n    networks: [127.0.0.0/8]\n\
                 permissions: {allow: [getThing]}\n";
    let place = place(&upstream, tools);
    let document = format!(
        "openapi: 3.1.0\nservers: [{{url: \"http://{address}/v1\"}}]\npaths:\n  /things/{{id}}:\n    \
         get:\n      operationId: getThing\n      parameters:\n      - {{name: id, in: path, \
         required: true, schema: {{type: string}}}}\n      - {{name: n, in: query, schema: \
         {{type: integer}}}}\n    post: {{operationId: postThing, parameters: [{{in: nowhere}}]}}\n"
    );
    place.write("shop.yaml", &document);
    upstream.push(ChatReply::tool("getThing", r#"{"id":"a/b","n":2}"#));
    upstream.push(ChatReply::text("from the service"));
    upstream.push(ChatReply::text("done"));
    let mut command = place.command(&["run", ".", "Go on.", "--json"]);
    command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef").env("SHOP_TOKEN", "hunter2-hunter2");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap()).expect(0);
    let requests = upstream.requests();
    let asked = requests.iter().find(|request| request.path().contains("things")).unwrap();
    assert_eq!(asked.path(), "/v1/things/a%2Fb?n=2");
    assert_eq!(asked.header("authorization").as_deref(), Some("Bearer hunter2-hunter2"));

    place.write(
        "agent.yaml",
        place.read("agent.yaml").replace("include: [get*]", "include: [post*]"),
    );
    let checked = place.run_with(("SHOP_TOKEN", "hunter2-hunter2"), &["check"]).expect(1);
    assert!(checked.out.contains("shop.yaml:10: "), "{}", checked.out);
    assert!(checked.out.contains("has no `name`"), "{}", checked.out);
    place.write("shop.yaml", "openapi: [3.1.0\n");
    let checked = place.run_with(("SHOP_TOKEN", "hunter2-hunter2"), &["check"]).expect(1);
    assert!(checked.out.contains("shop.yaml:"), "{}", checked.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_of_another_file_is_a_tool_and_neither_calls_itself() {
    let upstream = Upstream::start().await.unwrap();
    let place =
        place(&upstream, "tools:\n  helper: {agent: helper, description: Looks things up.}\n");
    let helper = "name: helper\ninstructions: Look things up.\nmodel: openai/gpt-4o-mini\n";
    place.write("helper/agent.yaml", helper);
    upstream.push(ChatReply::tool("helper", r#"{"task":"the weather"}"#));
    upstream.push(ChatReply::text("sunny"));
    upstream.push(ChatReply::text("It is sunny."));
    let done = ask(&place).await.expect(0);
    assert!(done.out.contains("It is sunny."), "{}", done.out);
    let requests = upstream.requests();
    assert!(requests[1].says("Look things up.") && requests[1].says("the weather"));
    assert!(requests[2].says("sunny"));

    place.write(
        "helper/agent.yaml",
        format!("{helper}tools: {{up: {{agent: .., description: d}}}}\n"),
    );
    let checked = place.run(&["check", "agent.yaml"]).expect(1);
    assert!(checked.out.contains("it calls itself: "), "{}", checked.out);
    assert!(checked.out.contains("agent.yaml -> "), "{}", checked.out);
    place.write("helper/agent.yaml", helper.replace("name: helper", "name: a"));
    let checked = place.run(&["check", "agent.yaml"]).expect(1);
    assert!(checked.out.contains("another agent has its name"), "{}", checked.out);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_runs_what_is_allowed_and_a_search_finds_what_was_kept_back() {
    let upstream = Upstream::start().await.unwrap();
    let tools = "tools:\n  calculator: {}\n  shell: {root: notes, allow: [\"/bin/cat *\"]}\n\
                 search_tools: {above: 1, keep: [calculator]}\n\
                 taint: {on_untrusted: {execute: allow}}\n";
    let place = place(&upstream, tools);
    upstream.push(ChatReply::tool("search_tools", r#"{"query":"run a command"}"#));
    upstream.push(ChatReply::tool("shell", r#"{"command":["/bin/cat","a.txt"]}"#));
    upstream.push(ChatReply::tool("shell", r#"{"command":["/bin/cat","../agent.yaml"]}"#));
    upstream.push(ChatReply::text("done"));
    ask(&place).await.expect(0);
    let requests = upstream.requests();
    assert!(!requests[0].says("Allowed are") && requests[1].says("Allowed are"));
    assert!(requests[2].says("the note"));
    assert!(requests[3].says("this command is not allowed"));
    // A confined program finds neither what is beside its folder nor the runs.
    let outside = "tools:\n  look: {description: Looks., answer: text, folder: notes, \
command: [/bin/sh, -c, \"ls; cat ../agent.yaml /etc/shadow || echo nothing; touch new || echo read-only\"]}\n";
    let confined = self::place(&upstream, outside);
    upstream.push(ChatReply::tool("look", "{}"));
    upstream.push(ChatReply::text("done"));
    ask(&confined).await.expect(0);
    let told = upstream.requests().pop().unwrap();
    assert!(told.says("a.txt") && told.says("nothing") && told.says("read-only"));
    let early = "tools: {shell: {root: notes, allow: [\"/bin/cat ** x\"]}}\n";
    place.write("agent.yaml", format!("name: a\ninstructions: A.\n{early}"));
    assert!(place.run(&["check"]).expect(1).out.contains("`**` is the last word"));
}
