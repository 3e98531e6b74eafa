use largestack_types::usage::Usage;

use super::*;
use crate::event::Place;

fn fold(events: &[WireEvent<'_>]) -> Outcome {
    let mut accumulator = Accumulator::new();
    for event in events {
        accumulator.push(event);
    }
    accumulator.finish()
}

fn text(part: u32, text: &'static str) -> WireEvent<'static> {
    WireEvent::Text { part, text: text.into() }
}

fn finish(reason: FinishReason) -> WireEvent<'static> {
    WireEvent::Finish { reason, raw: reason.name().into() }
}

#[test]
fn parts_come_in_the_order_of_their_numbers_with_ids_of_their_own() {
    let outcome = fold(&[text(2, "c"), text(0, "a"), text(2, "d")]);
    let parts: Vec<_> = outcome.reply.parts.iter().map(|p| (p.id, p.as_text().unwrap())).collect();
    assert_eq!(parts, [(PartId::new(0, 0), "a"), (PartId::new(0, 1), "cd")]);
    assert_eq!(outcome.reply.parts[0].label, Label::from_origin(Origin::Agent));
}

#[test]
fn a_tool_call_is_put_together_and_its_deltas_count_from_zero() {
    let call = |part, id: &'static str, name: &'static str| WireEvent::ToolCall {
        part,
        id: id.into(),
        name: name.into(),
    };
    let arguments = |part, text: &'static str| WireEvent::Arguments { part, text: text.into() };
    let mut accumulator = Accumulator::new();
    let events = [
        text(0, "Let me look."),
        call(1, "", "search"),
        arguments(1, "{\"q\""),
        call(2, "b", "search"),
        arguments(1, ":1}"),
        arguments(2, "nonsense"),
        call(1, "a", ""),
    ];
    let deltas: Vec<_> = events.iter().filter_map(|event| accumulator.push_live(event)).collect();
    assert_eq!(deltas.len(), 7);
    assert_eq!(deltas[1], Delta::ToolCall { index: 0, id: "".into(), name: "search".into() });
    assert_eq!(deltas[5], Delta::Arguments { index: 1, text: "nonsense".into() });
    assert_eq!(deltas[6], Delta::ToolCall { index: 0, id: "a".into(), name: "search".into() });
    let reply = accumulator.finish().reply;
    let calls: Vec<_> = reply.parts.iter().filter_map(Part::as_tool_call).collect();
    assert_eq!(calls[0].arguments, Arguments::from_text("{\"q\":1}"));
    assert_eq!(calls[1].arguments, Arguments::Malformed("nonsense".into()));
}

#[test]
fn a_reply_of_nothing_but_a_refusal_did_not_just_stop() {
    let refusal = WireEvent::Refusal { part: 0, text: "No.".into() };
    let stop = finish(FinishReason::Stop);
    let refused = fold(&[refusal.clone(), stop.clone()]).reply;
    assert_eq!(refused.finish_reason, FinishReason::Refusal);
    assert_eq!(refused.finish_reason_raw.as_deref(), Some("stop"));
    let both = fold(&[refusal.clone(), text(1, "But"), stop]).reply;
    assert_eq!(both.finish_reason, FinishReason::Stop);
    assert_eq!(
        fold(&[refusal, finish(FinishReason::Length)]).reply.finish_reason,
        FinishReason::Length
    );
}

#[test]
fn a_fault_keeps_what_came_before_it_and_never_reads_as_done() {
    let fault = |detail: &str| {
        WireEvent::Fault(LargestackError::other(largestack_types::error::Code::Provider, detail))
    };
    let outcome = fold(&[text(0, "Half an ans"), fault("first"), fault("second")]);
    assert_eq!(outcome.reply.text(), "Half an ans");
    assert_eq!(outcome.reply.finish_reason, FinishReason::Error);
    assert!(format!("{}", outcome.fault.unwrap()).starts_with("first"));
    let said = fold(&[finish(FinishReason::Length), fault("late")]);
    assert_eq!(said.reply.finish_reason, FinishReason::Length);
}

#[test]
fn reports_are_kept_up_to_a_limit_and_counted_beyond_it() {
    let events = |count: usize| vec![WireEvent::Ignored { what: "ping".into() }; count];
    assert_eq!(fold(&events(MAX_REPORTS)).reports.len(), MAX_REPORTS);
    let more = fold(&events(MAX_REPORTS + 2)).reports;
    assert_eq!(more.len(), MAX_REPORTS + 1);
    assert_eq!(more[MAX_REPORTS], "and 2 more");
}

#[test]
fn later_usage_and_identity_replace_earlier() {
    let raw: Box<serde_json::value::RawValue> = serde_json::from_str("{\"n\": 1}").unwrap();
    let usage = |count| WireEvent::Usage {
        usage: Usage { input_tokens: Some(count), ..Usage::default() },
        raw: &raw,
    };
    let named = |id: &'static str| WireEvent::Identity { id: Some(id.into()), model: None };
    let extra = WireEvent::Extra { place: Place::Top, key: "created".into(), value: &raw };
    let reply = fold(&[usage(1), named("a"), extra, usage(2), named("b")]).reply;
    assert_eq!(reply.usage.input_tokens, Some(2));
    assert_eq!(reply.id.as_deref(), Some("b"));
    assert_eq!(reply.raw_usage.unwrap().as_str(), "{\"n\": 1}");
    assert_eq!(reply.extras.unwrap().as_str(), "{\"created\":{\"n\": 1}}");
}
