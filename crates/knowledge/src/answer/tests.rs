use super::*;

fn passage(path: &str, heading: &str, first: u32, text: &str) -> Passage {
    let last = first + u32::try_from(text.lines().count()).unwrap() - 1;
    Passage {
        path: path.into(),
        lines: (first, last),
        heading: heading.into(),
        title: heading.into(),
        text: text.into(),
        score: 1.0,
    }
}

fn shop() -> Vec<Passage> {
    vec![
        passage(
            "returns.md",
            "Returns",
            5,
            "You may return any item within 30 days of delivery.\nKeep the receipt.\n\nWe pay the postage for faulty items; otherwise the customer pays it.",
        ),
        passage(
            "hours.md",
            "Opening hours",
            1,
            "The shop is open on weekdays from 9:00 to 18:00. On Sundays it is closed.",
        ),
        passage(
            "staff.md",
            "Staff",
            1,
            "New staff start with a probation period of three months. Your manager approves leave.",
        ),
    ]
}

fn ask(question: &str) -> Reply {
    compose(&find(question, &shop(), &Corpus::default(), &Weights::default()))
}

#[test]
fn each_clause_is_answered_by_its_sentence_with_its_lines() {
    let reply = ask("How long do I have to return an item, and who pays the postage?");
    assert!(reply.text.contains("within 30 days of delivery. [1]"), "{}", reply.text);
    assert!(reply.text.contains("the customer pays it. [2]"), "{}", reply.text);
    assert_eq!(reply.citations[0].lines, (5, 6));
    assert_eq!(reply.citations[1].lines, (8, 8));
    assert!(reply.unanswered.is_empty());
}

#[test]
fn what_is_not_in_the_passages_is_not_answered() {
    for question in [
        "Do you accept bitcoin?",
        "What is the capital of France?",
        "How long is the warranty on lamps?",
        "",
        "???",
    ] {
        let reply = ask(question);
        assert!(!reply.is_answered(), "{question}: {}", reply.text);
        assert_eq!(reply.text, "The documents do not answer this question.");
    }
}

#[test]
fn a_half_answered_question_says_which_half_is_open() {
    let reply = ask("Who approves leave? Where is the sauna?");
    assert!(
        reply.text.contains("Your manager approves leave. [1]")
            && reply.text.contains("do not answer: \"Where is the sauna?\""),
        "{}",
        reply.text
    );
}

#[test]
fn no_passages_give_no_answer() {
    assert!(!compose(&find("Who?", &[], &Corpus::default(), &Weights::default())).is_answered());
}
