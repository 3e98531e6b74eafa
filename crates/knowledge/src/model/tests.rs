use std::sync::Arc;

use largestack_ports::model::{CallContext, RunSlot};
use largestack_types::call::{OutputSchema, Settings, ToolChoice};
use largestack_types::id::{CallId, EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall, ToolResult};
use largestack_types::reply::{FinishReason, Reply};
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;

use super::*;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(future).unwrap()
}

fn spec(name: &str, parameters: &str) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: "A tool.".into(),
        parameters: Json::parse(parameters).unwrap(),
        idempotent: true,
        origin: Origin::Tool,
        native: None,
        server: false,
    }
}

fn search() -> ToolSpec {
    spec(
        "search_knowledge",
        r#"{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer"}},"required":["query"]}"#,
    )
}

fn call(messages: Vec<Message>, tools: Vec<ToolSpec>) -> Call {
    Call {
        model: NAME.into(),
        messages: Arc::new(messages.into_iter().map(Arc::new).collect()),
        tools: tools.into(),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(Settings::default()),
        stream: false,
    }
}

fn user(text: &str) -> Message {
    Message::user(PartId::new(0, 0), text)
}

fn asked() -> Message {
    let body = Body::ToolCall(ToolCall {
        call: CallId::default(),
        provider_id: "search-0".into(),
        name: "search_knowledge".into(),
        arguments: Arguments::from_text(r#"{"query":"x"}"#),
    });
    Message {
        role: Role::Assistant,
        parts: vec![Part {
            id: PartId::new(1, 0),
            label: Label::from_origin(Origin::Agent),
            body,
            native: None,
        }],
        native: None,
    }
}

fn returned(text: &str, is_error: bool) -> Message {
    let body = Body::ToolResult(ToolResult {
        call: CallId::default(),
        provider_id: "search-0".into(),
        name: "search_knowledge".into(),
        text: text.into(),
        media: Vec::new(),
        is_error,
        handle: None,
    });
    Message {
        role: Role::Tool,
        parts: vec![Part {
            id: PartId::new(2, 0),
            label: Label::from_origin(Origin::Retrieval),
            body,
            native: None,
        }],
        native: None,
    }
}

fn context() -> CallContext {
    CallContext {
        scope: Scope::local(),
        run: RunId::from_u128(1),
        effect: EffectId::new(1),
        agent: "test".into(),
        budgets: Arc::new([]),
        keep_for_last_turn: false,
        deadline: None,
        slot: RunSlot::default(),
    }
}

fn events(call: Call) -> Vec<largestack_ports::model::ModelEvent> {
    block_on(async {
        let stream = Extractive::default().call(&context(), call).await.unwrap();
        futures::StreamExt::collect::<Vec<_>>(stream)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect()
    })
}

fn reply(call: Call) -> Reply {
    match events(call).pop() {
        Some(largestack_ports::model::ModelEvent::Done(answer)) => answer.reply,
        other => panic!("{other:?}"),
    }
}

const HITS: &str = r#"{"query":"x","passages":9,"terms":{"return":1,"item":2,"long":1},"hits":[{"n":1,"path":"returns.md","lines":[3,4],"heading":"Shop > Returns","score":3.1,"text":"Keep the box.\nYou may return any item within 30 days of delivery."}]}"#;

#[test]
fn the_first_turn_searches_once_for_each_thing_asked_and_once_for_all() {
    let one = reply(call(vec![user("How long may I return an item?")], vec![search()]));
    assert_eq!(one.finish_reason, FinishReason::ToolCalls);
    assert_eq!(one.parts.len(), 1);
    let two = reply(call(
        vec![user("How long may I return an item, and who pays the postage?")],
        vec![search()],
    ));
    let arguments: Vec<&str> = two
        .parts
        .iter()
        .filter_map(Part::as_tool_call)
        .map(|call| call.arguments.as_str())
        .collect();
    assert_eq!(
        arguments,
        [
            r#"{"query":"How long may I return an item, and who pays the postage?"}"#,
            r#"{"query":"How long may I return an item"}"#,
            r#"{"query":"who pays the postage?"}"#,
        ]
    );
}

#[test]
fn the_second_turn_answers_with_citations_or_says_that_the_documents_do_not() {
    let history = |question: &str| vec![user(question), asked(), returned(HITS, false)];
    let yes = reply(call(history("How long may I return an item?"), vec![search()]));
    assert_eq!(yes.text(), "You may return any item within 30 days of delivery. [1]");
    let cited: Vec<_> = yes
        .parts
        .iter()
        .filter_map(|part| match &part.body {
            Body::Citation(citation) => Some((citation.source.to_string(), citation.lines)),
            _ => None,
        })
        .collect();
    assert_eq!(cited, [("returns.md".to_owned(), Some((3, 4)))]);
    assert_eq!(yes.finish_reason, FinishReason::Stop);
    let no = reply(call(history("Do you sell submarines?"), vec![search()]));
    assert_eq!(no.text(), "The documents do not answer this question.");
    assert_eq!(no.parts.len(), 1);
}

#[test]
fn what_it_streams_is_what_it_says_and_every_token_count_is_an_estimate() {
    let mut asked_for = call(
        vec![user("How long may I return an item?"), asked(), returned(HITS, false)],
        vec![search()],
    );
    asked_for.stream = true;
    let mut streamed = String::new();
    let mut last = None;
    for event in events(asked_for) {
        match event {
            largestack_ports::model::ModelEvent::Delta(largestack_types::delta::Delta::Text {
                text,
            }) => streamed.push_str(&text),
            largestack_ports::model::ModelEvent::Done(answer) => last = Some(answer),
            other => panic!("{other:?}"),
        }
    }
    let answer = last.unwrap();
    assert_eq!(streamed, answer.reply.text());
    assert!(answer.reply.usage.input_tokens > answer.reply.usage.output_tokens);
    assert_eq!(answer.call.flags, ["estimated".into()]);
    assert_eq!(answer.call.cost, largestack_types::money::Money::default());
}

#[test]
fn without_a_search_tool_it_says_what_it_needs() {
    let text = reply(call(
        vec![user("How long may I return an item?")],
        vec![spec("add", r#"{"type":"object"}"#)],
    ))
    .text();
    assert!(text.contains("none is offered") && text.contains(NAME), "{text}");
    let mut forbidden = call(vec![user("How long?")], vec![search()]);
    forbidden.tool_choice = ToolChoice::None;
    assert!(reply(forbidden).text().contains("told not to call"));
}

#[test]
fn what_stands_between_the_marks_of_a_run_is_read_as_it_was_returned() {
    let marked = format!("<data-bcdfgh>\n{HITS}\n</data-bcdfgh>");
    let history = |text: &str| {
        let asked = [user("How long may I return an item?"), asked(), returned(text, false)];
        reply(call(asked.into(), vec![search()])).text()
    };
    assert_eq!(history(&marked), history(HITS));
    // Another's end is none.
    assert_ne!(history(&marked.replace("/data-bcdfgh", "/data-kmnpqr")), history(HITS));
}

#[test]
fn a_search_tool_of_another_name_is_used_and_its_plain_text_is_quoted() {
    let tool = spec(
        "wiki_lookup",
        r#"{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}"#,
    );
    let first = reply(call(vec![user("How high is the tower?")], vec![tool.clone()]));
    assert_eq!(
        first.parts[0].as_tool_call().unwrap().arguments.as_str(),
        r#"{"q":"How high is the tower?"}"#
    );
    let history = vec![
        user("How high is the tower?"),
        asked(),
        returned("The tower is 40 metres high.", false),
    ];
    assert_eq!(reply(call(history, vec![tool])).text(), "The tower is 40 metres high. [1]");
}

#[test]
fn a_failed_search_is_told_and_not_repeated() {
    let reply = reply(call(
        vec![user("How long may I return an item?"), asked(), returned("the index is gone", true)],
        vec![search()],
    ));
    assert!(reply.text().contains("search_knowledge: the index is gone"), "{}", reply.text());
    assert_eq!(reply.finish_reason, FinishReason::Stop);
}

#[test]
fn a_new_question_is_searched_anew() {
    let history = vec![
        user("How long may I return an item?"),
        asked(),
        returned(HITS, false),
        user("And who pays the postage?"),
    ];
    assert_eq!(reply(call(history, vec![search()])).finish_reason, FinishReason::ToolCalls);
}

#[test]
fn asked_who_it_is_it_says_so() {
    assert!(reply(call(vec![user("What are you?")], vec![search()])).text().contains(DESCRIPTION));
}

#[test]
fn the_output_limit_cuts_and_says_so() {
    let history = || vec![user("How long may I return an item?"), asked(), returned(HITS, false)];
    let limited = |tokens| {
        let mut call = call(history(), vec![search()]);
        call.settings =
            Arc::new(Settings { max_output_tokens: Some(tokens), ..Settings::default() });
        reply(call)
    };
    // The answer is 55 bytes long, which is 14 tokens.
    assert_eq!(limited(14).finish_reason, FinishReason::Stop);
    let cut = limited(13);
    assert_eq!(cut.finish_reason, FinishReason::Length);
    assert_eq!(cut.parts.len(), 1);
}

#[test]
fn a_schema_is_refused_rather_than_ignored() {
    let mut call = call(vec![user("x")], vec![]);
    let output_schema = Some(OutputSchema { name: "x".into(), schema: Json::empty_object() });
    call.settings = Arc::new(Settings { output_schema, ..Settings::default() });
    let error = block_on(Extractive::default().call(&context(), call)).err().unwrap();
    assert_eq!(largestack_types::error::Coded::code(&error), Code::Output);
}
