//! What holds for every text and every policy.

use std::collections::HashMap;

use largestack_guard::{
    Action, Finding, Guard, Kind, Mode, Nonce, Policy, Projection, Session, detokenise,
    detokenise_json,
};
use proptest::prelude::*;

use crate::texts::text;

const NONCE: &str = "k7q9";

fn nonce() -> Nonce {
    NONCE.parse().unwrap_or_else(|_| Nonce::from_random(0))
}

fn session() -> Session {
    Session::new(nonce())
}

fn action() -> impl Strategy<Value = Action> {
    use Action::{Allow, Block, Redact, Tokenise, Warn};
    prop::sample::select(vec![Allow, Warn, Redact, Tokenise, Block])
}

fn policy() -> impl Strategy<Value = Policy> {
    let drawn = prop::collection::vec(action(), Kind::ALL.len()).prop_map(|actions| {
        let said = |kind| Kind::ALL.into_iter().zip(&actions).find(|(known, _)| *known == kind);
        Policy::of(Mode::Protect, |kind| said(kind).map(|(_, action)| *action))
    });
    prop_oneof![Just(Policy::default()), Just(Policy::all(Action::Tokenise)), drawn]
}

/// What the vault would know.
fn vault(session: &mut Session) -> HashMap<String, String> {
    session.take_fresh().into_iter().map(|e| (e.placeholder, e.value)).collect()
}

/// The text and findings of a stream cut into these pieces.
fn streamed(guard: Guard, pieces: &[&str]) -> (String, Vec<Finding>) {
    let mut session = session();
    let mut stream = guard.stream();
    let limit = stream.limit();
    let (mut text, mut findings) = (String::new(), Vec::new());
    for piece in pieces {
        let released = stream.push(piece, &mut session);
        assert!(stream.held() <= limit);
        text.push_str(&released.text);
        findings.extend(released.findings);
    }
    let released = stream.finish(&mut session);
    text.push_str(&released.text);
    findings.extend(released.findings);
    findings.sort_by_key(|f| f.span.start);
    (text, findings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn a_stream_cut_anywhere_equals_the_whole(text in text(), policy in policy()) {
        let guard = Guard::new(policy);
        let whole = guard.protect(&text, &mut session());
        let cuts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        for cut in cuts {
            let (head, tail) = text.split_at(cut);
            let (streamed, findings) = streamed(guard, &[head, tail]);
            prop_assert_eq!(&streamed, &whole.text, "cut at {}", cut);
            prop_assert_eq!(&findings, &whole.findings, "cut at {}", cut);
        }
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let pieces: Vec<&str> = characters.iter().map(String::as_str).collect();
        prop_assert_eq!(streamed(guard, &pieces), (whole.text.into_owned(), whole.findings));
    }

    #[test]
    fn protecting_twice_changes_nothing_more(text in text(), policy in policy()) {
        let guard = Guard::new(policy);
        let mut session = session();
        let once = guard.protect(&text, &mut session).text.into_owned();
        let twice = guard.protect(&once, &mut session);
        prop_assert_eq!(twice.text.as_ref(), once.as_str());
    }

    #[test]
    fn what_was_tokenised_comes_back(text in text()) {
        let mut session = session();
        let guard = Guard::new(Policy::all(Action::Tokenise));
        let protected = guard.protect(&text, &mut session).text.into_owned();
        let vault = vault(&mut session);
        let back = detokenise(&protected, session.nonce(), |p| vault.get(p).cloned());
        prop_assert_eq!(back, text);
    }

    #[test]
    fn a_projection_cut_anywhere_equals_the_whole(text in text()) {
        let mut session = session();
        let protected = Guard::default().protect(&text, &mut session).text.into_owned();
        let vault = vault(&mut session);
        let mut projection = Projection::new(nonce());
        let mut shown = String::new();
        for c in protected.chars() {
            shown.push_str(&projection.push(c.encode_utf8(&mut [0; 4]), |p| vault.get(p).cloned()));
            prop_assert!(projection.held() <= Projection::LIMIT);
        }
        shown.push_str(&projection.finish());
        prop_assert_eq!(shown, text);
    }

    #[test]
    fn findings_are_ordered_apart_and_on_character_boundaries(text in text(), policy in policy()) {
        let scan = Guard::new(policy).scan(&text);
        let mut end = 0;
        for finding in &scan.findings {
            prop_assert!(finding.span.start >= end && finding.span.start < finding.span.end);
            prop_assert!(text.get(finding.span.clone()).is_some());
            prop_assert!(policy.action(finding.kind) != Action::Allow);
            end = finding.span.end;
        }
    }

    #[test]
    fn no_value_that_was_taken_out_is_left(text in text()) {
        let mut session = session();
        let guard = Guard::new(Policy::all(Action::Tokenise));
        let protected = guard.protect(&text, &mut session).text.into_owned();
        prop_assert!(guard.scan(&protected).findings.is_empty(), "{}", protected);
    }

    #[test]
    fn json_stays_json_with_the_same_keys_and_comes_back(
        texts in prop::collection::vec((text(), text()), 0..4)
    ) {
        let map: serde_json::Map<String, serde_json::Value> =
            texts.into_iter().map(|(k, v)| (k, serde_json::Value::from(vec![v]))).collect();
        let json = serde_json::to_string(&map).unwrap();
        let mut session = session();
        let protected = Guard::default().protect_json(&json, &mut session).text.into_owned();
        let parsed: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&protected).unwrap();
        prop_assert!(parsed.keys().eq(map.keys()));
        let vault = vault(&mut session);
        let back = detokenise_json(&protected, session.nonce(), |p| vault.get(p).cloned());
        let back: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&back).unwrap();
        prop_assert_eq!(back, map);
        let again = Guard::default().protect_json(&protected, &mut session);
        prop_assert_eq!(again.text.as_ref(), protected.as_str());
    }

    #[test]
    fn any_text_is_survived(text in "\\PC*", policy in policy()) {
        let guard = Guard::new(policy);
        guard.protect(&text, &mut session());
        guard.protect_json(&text, &mut session());
        detokenise_json(&text, &nonce(), |_| None);
    }
}

#[test]
fn a_user_cannot_forge_a_placeholder_and_gets_back_what_was_written() {
    let guard = Guard::default();
    let mut session = session();
    guard.protect("4111 1111 1111 1111", &mut session);
    let vault = vault(&mut session);
    for forged in ["<CARD_1:zzzz>", "<CARD_2:k7q9>", "<SECRET_1:k7q9>"] {
        let protected = guard.protect(forged, &mut session).text.into_owned();
        assert_ne!(protected, forged);
        let back = detokenise(&protected, session.nonce(), |p| vault.get(p).cloned());
        assert_eq!(back, forged);
    }
    // The session's own stays: a model repeats it. Nobody outside names it.
    let own = "<CARD_1:k7q9>";
    assert_eq!(guard.protect(own, &mut session).text, own);
    let outside = guard.protect_from_outside(own, &mut session).text.into_owned();
    assert_eq!(outside, "<=k7q9=CARD_1:k7q9>");
    assert_eq!(detokenise(&outside, session.nonce(), |p| vault.get(p).cloned()), own);
}

proptest! {
    /// Whatever stands around them, the only values that come back are those that the text held.
    #[test]
    fn a_text_from_outside_gets_back_what_it_says_and_no_value_that_it_names(
        pieces in prop::collection::vec(prop_oneof![
            Just("<CARD_1:k7q9>".to_owned()),
            Just("<EMAIL_1:k7q9>".to_owned()),
            Just("<=k7q9=CARD_1:".to_owned()),
            Just("<".to_owned()),
            Just("4012 8888 8888 1881".to_owned()),
            "[ -~]{0,6}",
        ], 0..8),
        policy in policy(),
    ) {
        let mut session = session();
        Guard::default().protect("4111 1111 1111 1111", &mut session);
        let theirs = vault(&mut session);
        let text = pieces.concat();
        let guard = Guard::new(policy);
        let guarded = guard.protect_from_outside(&text, &mut session).text.into_owned();
        let mut all = vault(&mut session);
        all.extend(theirs);
        let back = detokenise(&guarded, session.nonce(), |p| all.get(p).cloned());
        prop_assert!(!back.contains("4111 1111 1111 1111"), "{back}");
        let json = serde_json::json!({ "said": text }).to_string();
        let guarded = guard.protect_json_from_outside(&json, &mut session).text.into_owned();
        all.extend(vault(&mut session));
        let back = detokenise_json(&guarded, session.nonce(), |p| all.get(p).cloned());
        prop_assert!(!back.contains("4111 1111 1111 1111"), "{back}");
    }
}

#[test]
fn a_number_beside_one_that_is_taken_out_is_read_the_same_the_second_time() {
    let guard = Guard::new(Policy::all(Action::Tokenise));
    for text in [
        "+1 (415) 555-2671 \u{968}\u{969}\u{96a}\u{96b} \u{96c}\u{96d}\u{96e}\u{96f} \u{966}\u{967}\u{968}\u{96a}",
        "2345 6789 0124 4111 1111 1111 1111",
        "ABCPE1234F.4111 1111 1111 1111",
    ] {
        let mut session = session();
        let once = guard.protect(text, &mut session).text.into_owned();
        assert_ne!(once, text);
        assert_eq!(guard.protect(&once, &mut session).text, once, "{text}");
    }
}

#[test]
fn a_clean_text_is_borrowed() {
    let mut session = session();
    let text = "Returns are accepted within 30 days; the customer pays the postage.";
    let protected = Guard::default().protect(text, &mut session);
    assert!(matches!(protected.text, std::borrow::Cow::Borrowed(_)));
    assert_eq!(protected.action, Action::Allow);
}

#[test]
fn the_strictest_action_of_all_findings_is_reported() {
    let policy = Policy { email: Action::Block, ..Policy::default() };
    let scan = Guard::new(policy).scan("ada@example.org paid with 4111 1111 1111 1111");
    assert_eq!((scan.findings.len(), scan.action), (2, Action::Block));
}

#[test]
fn a_secret_wins_over_what_it_overlaps() {
    let text = format!("a.{}@example.org", crate::texts::token());
    let scan = Guard::default().scan(&text);
    assert_eq!(scan.findings[0].detector, "huggingface-token");
    assert_eq!(scan.findings.len(), 1);
}
