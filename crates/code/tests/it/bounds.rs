//! Values at their bounds: levels, whole numbers, what calls return, and calls that are not those of
//! before.

use std::sync::Arc;

use largestack_agent::Agent;
use largestack_code::Language::{Javascript, Python};
use largestack_code::{Answer, CodeExecute, CodeLimits, Outcome, Request};
use largestack_testkit::Turn;
use serde_json::{Value, json};

use crate::runs::{Look, World, script};
use crate::world::{Unconfined, WORKER, ended, languages, performed, request, scripts};

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |value, _| json!([value]))
}

#[tokio::test]
async fn values_and_arguments_have_64_levels_at_most() {
    for language in languages() {
        let deep = |levels: usize, then: &str| match language {
            Python => format!("a = []\nfor i in range({levels} - 1): a = [a]\n{then}"),
            Javascript => format!("let a = []; for (let i = 1; i < {levels}; i++) a = [a]; {then}"),
        };
        assert_eq!(ended(language, &deep(64, "a")).await.value, nested(64), "{language:?}");
        let failed = ended(language, &deep(65, "a")).await.error.unwrap().message;
        assert!(failed.contains("more than 64 levels"), "{language:?}: {failed}");
        let call = if language == Python { "search(a)" } else { "await search({ query: a })" };
        let asked = performed(language, &deep(64, call), &[]).await;
        assert!(matches!(asked, Outcome::Calls(_)), "{language:?}: {asked:?}");
        let refused = ended(language, &deep(65, call)).await.error.unwrap().message;
        assert!(refused.contains("more than 64 levels"), "{language:?}: {refused}");
    }
}

#[tokio::test]
async fn whole_numbers_come_through_as_they_were() {
    let numbers = json!([(1_u64 << 53) - 1, 1_u64 << 53, i64::MIN, i64::MAX, u64::MAX, 1.5]);
    for language in languages() {
        let code = if language == Python { "search('a')" } else { "await search({ query: 'a' })" };
        let Outcome::Ended(ended) =
            performed(language, code, &[std::slice::from_ref(&numbers)]).await
        else {
            panic!("it has been answered")
        };
        let expected = match language {
            Python => numbers.clone(),
            Javascript => json!([
                9_007_199_254_740_991_u64,
                "9007199254740992",
                "-9223372036854775808",
                "9223372036854775807",
                "18446744073709551615",
                1.5
            ]),
        };
        assert_eq!(ended.value, expected, "{language:?}");
    }
}

#[tokio::test]
async fn a_call_with_other_arguments_is_not_the_one_that_was_answered() {
    for language in languages() {
        let code = match language {
            Python => "search(query='4111', limit=2)",
            Javascript => "await search({ query: '4111', limit: 2 })",
        };
        for (recorded, same) in [
            (json!({"query": "4111", "limit": 2}), true),
            (json!({"query": "<CARD_1:abcdef>", "limit": 2}), true),
            (json!({"query": "[CARD_REDACTED]", "limit": 2}), true),
            (json!({"query": "4112", "limit": 2}), false),
            (json!({"query": "4111", "limit": 3}), false),
            (json!({"query": "4111"}), false),
        ] {
            let arguments = recorded.as_object().cloned();
            let answer =
                Answer { tool: "search".into(), arguments, failed: false, value: json!("found") };
            let request = Request { answers: vec![vec![answer]], ..request(language, code) };
            let Outcome::Ended(ended) = scripts().perform(&request).await.unwrap() else {
                panic!("it has been answered")
            };
            let said = ended.error.map(|error| error.message);
            assert_eq!(said.is_none(), same, "{language:?} {recorded}: {said:?}");
            let told = said.is_none_or(|said| said.contains("other calls than before"));
            assert!(told, "{language:?} {recorded}");
        }
    }
}

#[tokio::test]
async fn what_all_calls_of_a_script_return_together_has_an_end() {
    for language in languages() {
        // Each answer has seven bytes.
        for (answers, enough) in [(14, true), (13, false)] {
            let code = if language == Python {
                "look(n=1)\nlook(n=2)\n3"
            } else {
                "await look({ n: 1 }); await look({ n: 2 }); 3"
            };
            let world = World::new([script(language, code), Turn::text("done")]);
            let look = Look::named("look");
            let limits = CodeLimits { answers, ..CodeLimits::default() };
            let code = CodeExecute::new(Arc::new(Unconfined), WORKER).calling(["look"]);
            let builder = Agent::builder("coder").model("test/model").tool(look.clone());
            let agent = builder.script_tool(code.limits(limits)).build(world.runtime()).unwrap();
            world.run(&agent).await;
            let told = world.told().await;
            assert_eq!(told.is_error, !enough, "{language:?}: {told:?}");
            assert!(enough || told.text.contains("returned more than 13 bytes"), "{told:?}");
        }
    }
}
