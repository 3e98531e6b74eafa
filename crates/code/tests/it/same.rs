//! A script performed again comes to where it was, with its calls answered as they were.

use std::slice::from_ref;

use largestack_code::Language::{Javascript, Python};
use largestack_code::{Answer, Outcome, Request, Wanted};
use serde_json::{Value, json};

use crate::world::{ended, languages, performed, request, scripts};

fn wanted(outcome: Outcome) -> Vec<Value> {
    match outcome {
        Outcome::Calls(calls) => {
            calls.into_iter().map(|Wanted { arguments, .. }| Value::Object(arguments)).collect()
        }
        Outcome::Ended(ended) => panic!("it ended: {ended:?}"),
    }
}

fn value(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Ended(ended) if ended.error.is_none() => ended.value,
        other => panic!("it has no value: {other:?}"),
    }
}

#[tokio::test]
async fn values_and_what_was_printed_come_back() {
    for language in languages() {
        let code = match language {
            Python => "print('one', 2)\n{'a': [1, 2.5, None, True, 'ü'], 'b': (1,)}",
            Javascript => "console.log('one', 2); ({ a: [1, 2.5, null, true, 'ü'], b: [1] })",
        };
        let ended = ended(language, code).await;
        assert_eq!(ended.value, json!({"a": [1, 2.5, null, true, "ü"], "b": [1]}), "{language:?}");
        assert_eq!(ended.output, "one 2\n");
    }
}

#[tokio::test]
async fn a_call_is_asked_for_and_its_answer_is_what_it_returns() {
    for language in languages() {
        let code = match language {
            Python => "r = search('a')\nq = search(query=r['next'], limit=2)\n[r, q]",
            Javascript => {
                "const r = await search({ query: 'a' });\n\
                 const q = await search({ query: r.next, limit: 2 });\n[r, q]"
            }
        };
        let (first, second) = (json!({"next": "b"}), json!("two"));
        assert_eq!(wanted(performed(language, code, &[]).await), [json!({"query": "a"})]);
        let asked = performed(language, code, &[from_ref(&first)]).await;
        assert_eq!(wanted(asked), [json!({"query": "b", "limit": 2})]);
        let done = performed(language, code, &[from_ref(&first), from_ref(&second)]).await;
        assert_eq!(value(done), json!([first, second]));
    }
}

#[tokio::test]
async fn calls_of_one_moment_are_asked_for_together_and_kept_in_their_groups() {
    if !languages().contains(&Javascript) {
        return;
    }
    // The first chain goes on as soon as its call is answered, beside one that takes a detour: called
    // in another order than the first time, the answers would be mixed up.
    let code = "const chain = async () => (await search({ query: 'a' })) + (await search({ query: 'd' }));
        const detour = async () => { for (let i = 0; i < 9; i++) await 0; return search({ query: 'b' }) };
        await Promise.all([chain(), detour()])";
    let first = wanted(performed(Javascript, code, &[]).await);
    assert_eq!(first, [json!({"query": "a"}), json!({"query": "b"})]);
    let known = [json!("A"), json!("B")];
    assert_eq!(wanted(performed(Javascript, code, &[&known]).await), [json!({"query": "d"})]);
    let done = performed(Javascript, code, &[&known, &[json!("D")]]).await;
    assert_eq!(value(done), json!(["AD", "B"]));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_made_all_the_same() {
    if languages().contains(&Javascript) {
        let code = "search({ query: 'a' }); 7";
        assert_eq!(wanted(performed(Javascript, code, &[]).await).len(), 1);
        assert_eq!(value(performed(Javascript, code, &[&[json!("x")]]).await), 7);
    }
}

#[tokio::test]
async fn a_call_that_failed_is_an_error_that_can_be_caught() {
    for language in languages() {
        let (caught, uncaught) = match language {
            Python => (
                "try:\n  search('a')\nexcept Exception as e:\n  said = str(e)\nsaid",
                "search('a')",
            ),
            Javascript => (
                "let said; try { await search({ query: 'a' }) } catch (e) { said = e.message }; said",
                "await search({ query: 'a' })",
            ),
        };
        let failed =
            Answer { tool: "search".into(), arguments: None, failed: true, value: "denied".into() };
        let answers = vec![vec![failed]];
        let asked = Request { answers: answers.clone(), ..request(language, caught) };
        assert_eq!(value(scripts().perform(&asked).await.unwrap()), "denied", "{language:?}");
        let asked = Request { answers, ..request(language, uncaught) };
        let Outcome::Ended(ended) = scripts().perform(&asked).await.unwrap() else {
            panic!("calls")
        };
        let error = ended.error.unwrap().message;
        assert!(error.contains("denied"), "{language:?}: {error}");
    }
}

#[tokio::test]
async fn as_many_calls_as_may_be_are_made_and_one_more_stops_it() {
    for language in languages() {
        let code = |n: u32| match language {
            Python => format!("for i in range({n}): search('a')\n'done'"),
            Javascript => {
                format!("for (let i = 0; i < {n}; i++) await search({{ query: 'a' }}); 'done'")
            }
        };
        let one = [json!("x")];
        let known: Vec<&[Value]> = vec![&one; 6];
        assert_eq!(value(performed(language, &code(5), &known[..5]).await), "done");
        let Outcome::Ended(ended) = performed(language, &code(6), &known).await else {
            panic!("a sixth call")
        };
        assert!(ended.error.unwrap().message.contains("more than 5 calls"), "{language:?}");
    }
}

#[tokio::test]
async fn chance_order_and_names_are_the_same_each_time() {
    for language in languages() {
        let code = match language {
            Python => "[list({'b', 'a', 'd', 'c'}), hash('x'), id([]), repr(lambda: 0)]",
            Javascript => {
                "[Math.random(), Math.random(), `${new Date('2024-01-01')}`, `${() => 0}`]"
            }
        };
        let (one, other) = (ended(language, code).await, ended(language, code).await);
        assert_eq!(one, other, "{language:?}");
        assert_eq!(one.error, None);
    }
}

#[tokio::test]
async fn a_script_whose_calls_differ_from_those_recorded_goes_no_further() {
    for language in languages() {
        let code = if language == Python { "search('a')" } else { "await search({ query: 'a' })" };
        let other =
            Answer { tool: "pay".into(), arguments: None, failed: false, value: "paid".into() };
        let asked = Request { answers: vec![vec![other]], ..request(language, code) };
        let Outcome::Ended(ended) = scripts().perform(&asked).await.unwrap() else {
            panic!("calls")
        };
        assert!(ended.error.unwrap().message.contains("other calls than before"), "{language:?}");
    }
}

#[tokio::test]
async fn arguments_have_a_place_or_a_name_and_not_both() {
    for language in languages() {
        let code = if language == Python { "search(1, 2, 3)" } else { "await search(1, 2, 3)" };
        let ended = ended(language, code).await;
        let error = ended.error.unwrap().message;
        assert!(error.contains("takes 2 arguments, and 3 were given"), "{language:?}: {error}");
    }
}
