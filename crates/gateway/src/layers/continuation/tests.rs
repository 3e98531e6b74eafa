use largestack_testkit::question;
use proptest::prelude::*;

use super::*;

fn delivered(text: &str) -> Delivered {
    let mut delivered = Delivered::default();
    delivered.take(&Delta::Text { text: text.to_owned() });
    delivered
}

fn through(mut seam: Seam, pieces: &[&str]) -> String {
    let taken: String = pieces.iter().map(|piece| seam.take(piece)).collect();
    taken + &seam.rest()
}

fn said(text: &str) -> Reply {
    let label = Label::from_origin(Origin::Agent);
    let parts = vec![Part::text(PartId::default(), label, text)];
    Reply { parts, ..Reply::default() }
}

proptest! {
    #[test]
    fn whoever_goes_on_properly_is_heard_as_if_nothing_had_happened(
        text in "[a-c \nö]{0,24}",
        cut in 0_usize..24,
        pieces in proptest::collection::vec(1_usize..5, 1..9),
        echoes: bool,
    ) {
        let whole: Vec<char> = text.chars().collect();
        let before: String = whole.iter().take(cut).collect();
        prop_assume!(!before.trim_end().is_empty());
        // A model continues from the trimmed words, an echoing one says them first.
        let from = if echoes { 0 } else { before.trim_end().chars().count() };
        let mut rest: Vec<char> = whole.iter().skip(from).copied().collect();
        let mut seam = Seam::behind(&before, echoes);
        let mut heard = before.clone();
        for size in pieces.iter().cycle() {
            let piece: String = rest.drain(..(*size).min(rest.len())).collect();
            heard += &seam.take(&piece);
            if rest.is_empty() {
                break;
            }
        }
        heard += &seam.rest();
        prop_assert_eq!(&heard, &text);

        let tail: String = whole.iter().skip(from).collect();
        let mut reply = said(&tail);
        delivered(&before).spliced(&mut reply, Seam::behind(&before, echoes));
        prop_assert_eq!(reply.text(), heard);
        prop_assert!(reply.parts.len() <= 1);
    }
}

#[test]
fn a_model_that_does_not_repeat_although_its_row_says_so_loses_nothing() {
    let seam = || Seam::behind("Hello there", true);
    assert_eq!(through(seam(), &[", world"]), ", world");
    assert_eq!(through(seam(), &["Hel", "icopter"]), "Helicopter");
    assert_eq!(through(seam(), &["Hel"]), "Hel");
    assert_eq!(through(seam(), &["Hello", " there", ", world"]), ", world");
}

#[test]
fn a_call_is_continued_only_from_words_and_where_nothing_is_enforced_from_the_start() {
    let call = question("mock/m", "hi", true);
    let can =
        |delivered: &Delivered, call: &Call, prefill| delivered.continued(call, prefill).is_some();
    assert!(can(&delivered("Hello"), &call, Prefill::Plain));
    assert!(!can(&delivered("Hello"), &call, Prefill::No));
    assert!(!can(&delivered(" \n"), &call, Prefill::Plain));
    let mut declined = delivered("Hello");
    declined.take(&Delta::Refusal { text: "no".to_owned() });
    assert!(!can(&declined, &call, Prefill::Plain));
    let forced = Call { tool_choice: ToolChoice::Required, ..call };
    assert!(!can(&delivered("Hello"), &forced, Prefill::Plain));
}

#[test]
fn the_beginning_goes_along_without_the_space_behind_it_and_the_limit_shrinks_by_it() {
    let settings = Settings { max_output_tokens: Some(100), ..Settings::default() };
    let call = Call { settings: Arc::new(settings), ..question("mock/m", "hi", true) };
    let begun = delivered(&("word".repeat(10) + " \n"));
    let (plain, _) = begun.continued(&call, Prefill::Plain).unwrap();
    let last = plain.messages.last().unwrap();
    assert_eq!((last.role, last.text()), (Role::Assistant, "word".repeat(10)));
    assert_eq!((plain.messages.len(), last.native.is_some()), (2, false));
    assert_eq!(plain.settings.max_output_tokens, Some(90));
    let (marked, _) = begun.continued(&call, Prefill::Prefix).unwrap();
    let native = marked.messages.last().unwrap().native.clone().unwrap();
    assert_eq!(native.fields.as_str(), r#"{"prefix":true}"#);
    let endless = delivered(&"x".repeat(4_000));
    let (last_token, _) = endless.continued(&call, Prefill::Plain).unwrap();
    assert_eq!(last_token.settings.max_output_tokens, Some(1));
}

#[test]
fn thoughts_stay_before_the_words_and_halves_of_tool_calls_vanish() {
    let mut begun = delivered("Half ");
    begun.take(&Delta::Reasoning { text: "hm".to_owned() });
    begun.take(&Delta::ToolCall { index: 0, id: "a".into(), name: "search".into() });
    begun.take(&Delta::Arguments { index: 0, text: "{\"q".to_owned() });
    let mut reply = said("and half.");
    begun.spliced(&mut reply, Seam::behind("Half ", false));
    let bodies: Vec<_> = reply.parts.iter().map(|part| &part.body).collect();
    let [Body::Reasoning(thought), Body::Text(text)] = &bodies[..] else { panic!("{bodies:?}") };
    assert_eq!((&*thought.text, &**text), ("hm", "Half and half."));
    assert_eq!(begun.surfaced().text(), "Half ");
    assert_eq!(begun.surfaced().finish_reason, FinishReason::Error);
}
