use super::*;
use crate::guard::Guard;
use crate::session::Session;

fn session() -> Session {
    Session::new("k7q".parse().unwrap())
}

#[test]
fn prose_flows_at_once() {
    let mut stream = Guard::default().stream();
    let mut session = session();
    for piece in ["The quick brown fox ", "jumped over 12 lazy dogs, ", "on a Monday. "] {
        assert_eq!(stream.push(piece, &mut session).text, piece);
    }
    assert_eq!(stream.held(), 0);
}

#[test]
fn a_card_is_held_until_it_is_whole_and_released_with_what_follows() {
    let mut stream = Guard::default().stream();
    let mut session = session();
    assert_eq!(stream.push("pay 4111 11", &mut session).text, "pay ");
    assert_eq!(stream.push("11 1111 1111", &mut session).text, "");
    let released = stream.push(" now", &mut session);
    assert_eq!(released.text, "<CARD_1:k7q> now");
    assert_eq!((released.action, released.findings[0].span.clone()), (Action::Tokenise, 4..23));
}

#[test]
fn digits_that_cannot_become_a_card_are_released() {
    let mut stream = Guard::default().stream();
    let mut session = session();
    stream.push("4111 1111 111", &mut session);
    assert_eq!(stream.push("x", &mut session).text, "4111 1111 111x");
}

#[test]
fn a_placeholder_of_another_session_is_escaped_wherever_it_is_cut() {
    let mut stream = Guard::default().stream();
    let mut session = session();
    assert_eq!(stream.push("a <CARD_1", &mut session).text, "a ");
    assert_eq!(stream.push(":zzz> of", &mut session).text, "<=k7q=CARD_1:zzz> of");
}

#[test]
fn contact_data_is_reported_and_not_held_unless_the_policy_takes_it_out() {
    let mut session = session();
    let mut stream = Guard::default().stream();
    assert_eq!(stream.push("to ada@exam", &mut session).text, "to ada@exam");
    let released = stream.push("ple.org now", &mut session);
    assert_eq!(released.text, "ple.org now");
    assert_eq!(released.findings[0].span, 3..18);

    let mut stream = Guard::new(Policy::all(Action::Redact)).stream();
    assert_eq!(stream.push("to ada@exam", &mut session).text, "to ");
    assert_eq!(stream.push("ple.org now", &mut session).text, "[EMAIL_REDACTED] ");
    assert_eq!(stream.finish(&mut session).text, "now");
}

#[test]
fn an_open_private_key_is_never_held_beyond_the_stated_limit() {
    let mut stream = Guard::default().stream();
    let mut session = session();
    let limit = stream.limit();
    stream.push("-----BEGIN PRIVATE KEY-----\n", &mut session);
    let line = format!("{}\n", "aB3dE5gH".repeat(8));
    let mut most = 0;
    for _ in 0..(3 * limit / line.len()) {
        stream.push(&line, &mut session);
        most = most.max(stream.held());
    }
    assert!(most > 16_000 && most <= limit, "{most} of {limit}");
}

#[test]
fn reading_an_open_stretch_in_small_pieces_stays_linear() {
    let mut stage = Stage::new(Family::Secret);
    let mut reads = 0;
    for piece in
        std::iter::once("-----BEGIN PRIVATE KEY-----").chain(std::iter::repeat_n("aaa\n", 4000))
    {
        let waited = stage.patience;
        stage.advance(&mut piece.as_bytes().to_vec(), false);
        reads += usize::from(waited != stage.patience || stage.patience == 0);
    }
    assert!(reads < 400, "{reads} reads of 4,000 pieces");
}
