//! Scripted models.

use futures::StreamExt;
use largestack_ports::model::{Model, ModelEvent};
use largestack_testkit::{FunctionModel, TestModel, Turn, context, question};
use largestack_types::delta::Delta;
use largestack_types::errors::{Code, Coded, LargestackError};
use largestack_types::reply::{FinishReason, Reply};

async fn ask(model: &dyn Model, stream: bool) -> (Vec<Delta>, Result<Reply, LargestackError>) {
    let context = context(1);
    let call = question("test/scripted", "hello", stream);
    let mut events = match model.call(&context, call).await {
        Ok(events) => events,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut deltas = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(ModelEvent::Delta(delta)) => deltas.push(delta),
            Ok(ModelEvent::Restarted { .. }) => deltas.clear(),
            Ok(ModelEvent::Continued { .. }) => {}
            Ok(ModelEvent::Done(answer)) => return (deltas, Ok(answer.reply)),
            Err(error) => return (deltas, Err(error)),
        }
    }
    panic!("a stream ended without an end");
}

#[tokio::test]
async fn a_script_is_followed_turn_by_turn_and_recorded() {
    let model = TestModel::new([
        Turn::tool("search", r#"{"q":"x"}"#).and_tool("today", "{}").usage(7, 3),
        Turn::text("done"),
    ]);
    let (deltas, first) = ask(&model, false).await;
    let first = first.unwrap();
    assert!(deltas.is_empty());
    assert_eq!(first.finish_reason, FinishReason::ToolCalls);
    assert_eq!((first.usage.input_tokens, first.usage.output_tokens), (Some(7), Some(3)));
    assert_eq!(first.parts.iter().filter_map(|p| p.as_tool_call()).count(), 2);
    assert_eq!(ask(&model, false).await.1.unwrap().text(), "done");
    assert_eq!(ask(&model, false).await.1.unwrap_err().code(), Code::Unknown);
    assert_eq!(model.calls().len(), 3);
}

#[tokio::test]
async fn a_listener_hears_the_pieces_of_what_the_reply_says() {
    let model = TestModel::repeating([Turn::text("größer").pieces(3).and_tool("f", "{}")]);
    for _ in 0..2 {
        let (deltas, reply) = ask(&model, true).await;
        let heard: String = deltas
            .iter()
            .filter_map(|delta| match delta {
                Delta::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(heard, reply.unwrap().text());
        // Three pieces of the text, the call, and two pieces of `{}`.
        assert_eq!(deltas.len(), 3 + 1 + 2);
    }
}

#[tokio::test]
async fn a_turn_can_fail_at_once_or_after_it_has_spoken() {
    let error = || LargestackError::other(Code::Provider, "gone");
    let model = TestModel::new([Turn::error(error()), Turn::text("half").then_error(error())]);
    assert_eq!(ask(&model, true).await, (Vec::new(), Err(error())));
    let (deltas, end) = ask(&model, true).await;
    assert_eq!((deltas.len(), end), (1, Err(error())));
}

#[tokio::test]
async fn a_function_answers_what_it_is_asked() {
    let model = FunctionModel::new(|call| Turn::text(format!("to {}", call.model)));
    assert_eq!(ask(&model, false).await.1.unwrap().text(), "to test/scripted");
}
