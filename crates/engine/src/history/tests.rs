use largestack_types::part::Arguments;
use proptest::prelude::*;

use super::*;

fn call(id: u8) -> Body {
    Body::ToolCall(ToolCall {
        call: call_id(id),
        provider_id: format!("p{id}").into(),
        name: "look".into(),
        arguments: Arguments::from_text("{}"),
    })
}

fn result(id: u8) -> Body {
    Body::ToolResult(ToolResult {
        call: call_id(id),
        provider_id: format!("p{id}").into(),
        name: "look".into(),
        text: "found".into(),
        media: Vec::new(),
        is_error: false,
        handle: None,
    })
}

fn call_id(id: u8) -> CallId {
    CallId::of(largestack_types::id::EffectId::new(u32::from(id)))
}

fn message(role: Role, bodies: Vec<Body>) -> Arc<Message> {
    let part = |(at, body)| Part::new(PartId::new(1, at), Label::default(), body);
    Arc::new(Message::new(role, (0..).zip(bodies).map(part).collect()))
}

fn text(role: Role) -> Arc<Message> {
    message(role, vec![Body::Text("words".into())])
}

/// Messages as they may come from anywhere: calls without results, results without calls, ids that
/// repeat.
fn any_messages() -> impl Strategy<Value = Vec<Arc<Message>>> {
    let one = prop_oneof![
        Just(text(Role::User)),
        Just(text(Role::Assistant)),
        Just(message(Role::Assistant, vec![])),
        Just(message(Role::Assistant, vec![Body::Text("  ".into())])),
        Just(message(Role::Assistant, vec![Body::Text("".into()), call(1)])),
        prop::collection::vec(0..3_u8, 1..3)
            .prop_map(|ids| message(Role::Assistant, ids.into_iter().map(call).collect())),
        prop::collection::vec(0..3_u8, 1..3)
            .prop_map(|ids| message(Role::Tool, ids.into_iter().map(result).collect())),
    ];
    prop::collection::vec(one, 0..14)
}

/// Whether every call has its one result, before anybody else than a tool speaks, and every result
/// its call.
fn is_whole(messages: &[Arc<Message>]) -> bool {
    let mut open: Vec<CallId> = Vec::new();
    for message in messages {
        if message.role != Role::Tool && !open.is_empty() {
            return false;
        }
        if message.parts.is_empty() || message.parts.iter().any(is_blank) {
            return false;
        }
        for part in &message.parts {
            match &part.body {
                Body::ToolCall(call) => open.push(call.call),
                Body::ToolResult(result) => match open.iter().position(|id| *id == result.call) {
                    Some(at) => drop(open.remove(at)),
                    None => return false,
                },
                _ => {}
            }
        }
    }
    open.is_empty()
}

proptest! {
    #[test]
    fn what_is_repaired_is_whole_and_what_is_whole_stays_as_it_is(messages in any_messages()) {
        let whole = repaired(&messages);
        prop_assert!(is_whole(&whole), "{whole:?}");
        prop_assert_eq!(&repaired(&whole), &whole);
        if is_whole(&messages) {
            prop_assert_eq!(&whole, &messages);
        }
        let words = |messages: &[Arc<Message>]| {
            messages.iter().filter(|message| !message.text().trim().is_empty()).count()
        };
        prop_assert_eq!(words(&whole), words(&messages), "nothing that was said is lost");
    }

    #[test]
    fn no_window_parts_a_tool_call_from_its_result(
        messages in any_messages(),
        most in prop::option::of(0..16_u32),
        tokens in prop::option::of(0..60_u64),
    ) {
        let whole = repaired(&messages);
        let of = |message: &Message| 1 + 4 * message.parts.len() as u64;
        let window = Window { messages: most, tokens };
        let kept = window.of(&whole, of);
        prop_assert!(is_whole(kept), "{kept:?}");
        prop_assert!(whole.ends_with(kept));
        prop_assert!(kept.first().is_none_or(|first| first.role == Role::User));
        let fits = |kept: &[Arc<Message>]| {
            most.is_none_or(|most| kept.len() <= most as usize)
                && tokens.is_none_or(|most| kept.iter().map(|m| of(m)).sum::<u64>() <= most)
        };
        prop_assert!(fits(kept));
        // And no longer end would have done.
        for at in 0..whole.len() - kept.len() {
            let longer = &whole[at..];
            let could = longer[0].role == Role::User && is_whole(longer) && fits(longer);
            prop_assert!(!could, "{at} of {}", whole.len());
        }
    }
}

#[test]
fn a_call_without_a_result_is_answered_before_the_next_question() {
    let messages = [
        text(Role::User),
        message(Role::Assistant, vec![call(1), call(2)]),
        message(Role::Tool, vec![result(2)]),
        text(Role::User),
    ];
    let whole = repaired(&messages);
    assert_eq!(whole.len(), 5);
    let Body::ToolResult(given) = &whole[3].parts[0].body else { panic!("{:?}", whole[3]) };
    assert_eq!((given.call, given.is_error, &*given.text), (call_id(1), true, NO_RESULT));
}

#[test]
fn a_result_that_stands_too_late_is_put_where_it_belongs_and_one_too_many_is_left_out() {
    let messages = [
        message(Role::Tool, vec![result(7)]),
        text(Role::User),
        message(Role::Assistant, vec![call(1)]),
        text(Role::User),
        message(Role::Tool, vec![result(1)]),
        message(Role::Tool, vec![result(1)]),
        message(Role::Assistant, vec![call(1)]),
    ];
    let whole = repaired(&messages);
    let roles: Vec<_> = whole.iter().map(|message| message.role).collect();
    let [user, assistant, tool] = [Role::User, Role::Assistant, Role::Tool];
    assert_eq!(roles, [user, assistant, tool, user, assistant, tool]);
    let texts = [2, 5].map(|at: usize| match &whole[at].parts[0].body {
        Body::ToolResult(result) => result.text.as_ref().to_owned(),
        other => panic!("{other:?}"),
    });
    assert_eq!(texts, ["found", NO_RESULT], "the second call has none of its own");
}

#[test]
fn a_window_has_two_sides() {
    let messages: Vec<_> = (0..3).flat_map(|_| [text(Role::User), text(Role::Assistant)]).collect();
    let kept = |messages_most, tokens| {
        Window { messages: messages_most, tokens }.of(&messages, |_| 10).len()
    };
    assert_eq!([kept(None, None), kept(Some(6), None), kept(Some(5), None)], [6, 6, 4]);
    assert_eq!([kept(None, Some(40)), kept(None, Some(39)), kept(Some(0), None)], [4, 2, 0]);
    assert_eq!(kept(Some(2), Some(19)), 0, "half of an exchange is none");
}

#[test]
fn what_was_sent_back_and_notes_of_the_engine_are_not_remembered() {
    let note = |text: &str| message(Role::User, vec![Body::Text(text.into())]);
    let own = [
        note("question"),
        message(Role::Assistant, vec![call(1)]),
        message(Role::Tool, vec![result(1)]),
        message(Role::Assistant, vec![Body::Text("wrong".into()), call(2)]),
        message(Role::Tool, vec![result(2)]),
        note("try again"),
        message(Role::Assistant, vec![call(3)]),
        message(Role::Tool, vec![result(3)]),
        note(LAST_TURN),
        message(Role::Assistant, vec![Body::Text("right".into())]),
    ];
    let kept: Vec<_> = [0, 1, 2, 6, 7, 9].into_iter().map(|at: usize| own[at].clone()).collect();
    assert_eq!(memorable(&own), kept);
    assert!(is_whole(&kept));
}
