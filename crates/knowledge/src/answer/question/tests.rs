use super::*;
use crate::analysis::stem;

fn texts(question: &str) -> Vec<String> {
    clauses(question).into_iter().map(|c| c.text).collect()
}

#[test]
fn a_question_with_two_asks_has_two_clauses() {
    assert_eq!(
        texts("How long do I have to return an item, and who pays the postage?"),
        ["How long do I have to return an item", "who pays the postage?"]
    );
    assert_eq!(texts("When do you open? Where do I park?").len(), 2);
    assert_eq!(texts("Can I return shoes and socks?").len(), 1);
    assert_eq!(texts("What is X and how do I install it").len(), 2);
}

#[test]
fn a_later_clause_inherits_the_topic_of_the_first() {
    let clauses = clauses("How long do I have to return an item, and who pays the postage?");
    let second: Vec<(&str, bool)> =
        clauses[1].subjects.iter().map(|s| (s.word.as_str(), s.role == Role::Inherited)).collect();
    assert_eq!(second, [("pays", false), ("postage", false), ("return", true), ("item", true)]);
}

#[test]
fn the_kind_of_answer_follows_from_how_it_is_asked() {
    for (question, expect) in [
        ("How long is the trial?", Expect::Duration),
        ("How many days of leave do I get?", Expect::Duration),
        ("How many seats are there?", Expect::Count),
        ("How far in advance must I book?", Expect::Duration),
        ("How much is the fee?", Expect::Money),
        ("max speed of trucks", Expect::Number),
        ("What is the price of a lid?", Expect::Money),
        ("When does the shop open?", Expect::Time),
        ("Who approves travel?", Expect::Person),
        ("Where do I park?", Expect::Place),
        ("Can I bring a dog?", Expect::YesNo),
        ("Could you tell me how long delivery takes?", Expect::Duration),
        ("Why is it slow?", Expect::Reason),
        ("How do I log in?", Expect::Manner),
        ("What is the email address of support?", Expect::Email),
        ("Describe the roof", Expect::Other),
    ] {
        assert_eq!(clauses(question)[0].expect, expect, "{question}");
    }
}

#[test]
fn a_statement_that_comes_with_a_question_is_its_background() {
    let clauses = clauses("My lamp was stolen. Will you give me a new one?");
    assert_eq!(clauses.len(), 1);
    assert!(clauses[0].subjects.iter().any(|s| s.word == "lamp" && s.role == Role::Stated));
    assert_eq!(clauses[0].expect, Expect::YesNo);
}

#[test]
fn either_of_two_alternatives_will_do() {
    let clauses = clauses("May I bring a tent or another shelter?");
    assert_eq!(
        clauses[0].subjects.iter().find(|s| s.word == "tent").unwrap().also,
        Some(stem("shelter"))
    );
}

#[test]
fn names_numbers_and_code_are_named_and_opening_capitals_are_not() {
    let clauses = clauses("Does Postage to Brazil cost 5 with the `fast` API?");
    let named: Vec<&str> =
        clauses[0].subjects.iter().filter(|s| s.is_named).map(|s| s.word.as_str()).collect();
    assert_eq!(named, ["postage", "brazil", "5", "fast", "api"]);
}

#[test]
fn a_question_of_nothing_but_little_words_has_no_subject() {
    assert!(clauses("what is it?")[0].subjects.is_empty());
    assert!(clauses("")[0].subjects.is_empty());
}

#[test]
fn a_topic_is_a_few_words_that_ask_nothing_more() {
    for (question, is) in [
        ("sick leave", true),
        ("What is a pick-up point?", true),
        ("What is the name of the ship's first captain?", false),
        ("Can I bring a dog?", false),
        ("fees for a season ticket in the north", false),
    ] {
        assert_eq!(clauses(question)[0].is_topic, is, "{question}");
    }
}

#[test]
fn words_that_stand_together_are_known_as_pairs() {
    let joined = |question: &str| -> Vec<Joined> {
        clauses(question)[0].subjects.iter().map(|subject| subject.joined).collect()
    };
    assert_eq!(joined("cycle lane"), [Joined::Apart, Joined::Compound]);
    assert_eq!(joined("owner of the account"), [Joined::Apart, Joined::Linked]);
    assert_eq!(joined("lamps, tables"), [Joined::Apart, Joined::Apart]);
}

#[test]
fn an_amount_is_no_name_but_a_number_that_identifies_is() {
    let named = |question: &str, word: &str| {
        clauses(question)[0].subjects.iter().any(|s| s.word == word && s.is_named)
    };
    assert!(!named("May I bring 30 friends?", "30"));
    assert!(named("Who sleeps in room 12?", "12"));
}
