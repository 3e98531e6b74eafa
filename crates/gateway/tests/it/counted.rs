//! What is reserved where somebody counts the words of a call: what they are, and never more than
//! without it.

use std::sync::Arc;

use largestack_ports::ledger::BudgetKey;
use largestack_ports::tokenizer::Tokenizer;
use largestack_testkit::{ChatReply, budgeted, question};
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use largestack_wire::price::{Bounds, Price};
use largestack_wire::profile::Profile;
use largestack_wire::tokens;

use crate::rig::{HastyClock, ask, rig_with};

const PRICE: Price = Price::flat(1_000_000_000, 2_000_000_000);
/// The smallest output that is asked for.
const FLOOR: u64 = 256;

/// Knows one model, whose tokens are words.
struct Words;

impl Tokenizer for Words {
    fn encoding(&self, model: &str) -> Option<&str> {
        (model == "mock/priced").then_some("words")
    }

    fn count(&self, encoding: &str, text: &str) -> Option<u64> {
        let counted = encoding == "words" && !text.contains("uncounted");
        counted.then(|| text.split_whitespace().count() as u64)
    }
}

/// What a question comes to under a budget that covers an input of so many tokens and no more.
async fn asked(text: &str, input: u64, counts: bool) -> Result<(), Code> {
    let rig = rig_with(HastyClock::default(), |builder| {
        if counts { builder.tokenizer(Arc::new(Words)) } else { builder }
    });
    let rig = rig.await;
    let budget = PRICE.worst_case(Bounds::tokens(input, FLOOR)).unwrap();
    rig.ledger.set_limit(&BudgetKey::run_tree(&Scope::local(), RunId::from_u128(1)), Some(budget));
    rig.upstream.push(ChatReply::text("ok").usage(10, 5));
    let heard = ask(&rig.gateway, &budgeted(1), question("mock/priced", text, false)).await;
    heard.end.unwrap().map(|_| ()).map_err(|error| error.code())
}

#[tokio::test]
async fn a_call_whose_words_are_counted_fits_a_budget_to_the_token() {
    let text = "word ".repeat(500);
    let bytes = tokens::upper_bound(&question("mock/priced", &text, false), &Profile::default());
    let words = bytes - text.len() as u64 + 500;
    assert_eq!(asked(&text, words, true).await, Ok(()));
    assert_eq!(asked(&text, words - 1, true).await, Err(Code::Budget));
    // Nobody counts: as many as bytes.
    assert_eq!(asked(&text, bytes, false).await, Ok(()));
    assert_eq!(asked(&text, bytes - 1, false).await, Err(Code::Budget));
}

#[tokio::test]
async fn a_text_that_nobody_counts_has_as_many_as_bytes() {
    let text = "uncounted ".repeat(50);
    let bytes = tokens::upper_bound(&question("mock/priced", &text, false), &Profile::default());
    assert_eq!(asked(&text, bytes, true).await, Ok(()));
    assert_eq!(asked(&text, bytes - 1, true).await, Err(Code::Budget));
}

#[test]
fn what_is_counted_is_never_more_than_without() {
    let profile = Profile::default();
    for text in ["", "a", "a b", &"x".repeat(99)] {
        let call = question("mock/priced", text, false);
        let whole = tokens::message_bound(&call.messages[0], &profile);
        for count in [0, 1, 50, u64::MAX] {
            let counted = tokens::message_bound_by(&call.messages[0], &profile, &|_| Some(count));
            assert!(counted <= whole, "{text}: {counted} of {whole}");
        }
    }
}
