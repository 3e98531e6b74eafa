use super::*;

fn session() -> Session {
    Session::new("k7q".parse().unwrap())
}

#[test]
fn the_same_value_gets_the_same_placeholder_and_another_the_next_number() {
    let mut session = session();
    assert_eq!(session.placeholder(Kind::Card, "a").unwrap(), "<CARD_1:k7q>");
    assert_eq!(session.placeholder(Kind::Card, "b").unwrap(), "<CARD_2:k7q>");
    assert_eq!(session.placeholder(Kind::Card, "a").unwrap(), "<CARD_1:k7q>");
    assert_eq!(session.placeholder(Kind::Secret, "a").unwrap(), "<SECRET_1:k7q>");
    assert_eq!(session.take_fresh().len(), 3);
    assert!(session.take_fresh().is_empty());
}

#[test]
fn values_show_neither_in_debug_nor_in_json() {
    let mut session = session();
    session.placeholder(Kind::Card, "very-private");
    let json = serde_json::to_string(&session).unwrap();
    let debug = format!("{session:?} {:?}", session.take_fresh());
    assert!(!json.contains("private") && !debug.contains("private"), "{json} {debug}");
    assert_eq!(json, r#"{"nonce":"k7q","issued":{"card":1}}"#);
}

#[test]
fn a_session_that_was_read_back_goes_on_counting_and_adopts_what_the_vault_kept() {
    let mut first = session();
    let placeholder = first.placeholder(Kind::Card, "a").unwrap();
    let mut second: Session =
        serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
    assert_eq!(second.clone().placeholder(Kind::Card, "a").unwrap(), "<CARD_2:k7q>");
    second.adopt(&placeholder, "a");
    second.adopt("<CARD_7:other>", "b");
    second.adopt("no placeholder", "b");
    assert_eq!(second.placeholder(Kind::Card, "a").unwrap(), placeholder);
    assert_eq!(second.placeholder(Kind::Card, "b").unwrap(), "<CARD_2:k7q>");
}

#[test]
fn when_the_numbers_run_out_a_marker_stands_in() {
    let mut session = session();
    session.adopt("<CARD_999998:k7q>", "a");
    assert_eq!(session.placeholder(Kind::Card, "b").unwrap(), "<CARD_999999:k7q>");
    assert_eq!(session.placeholder(Kind::Card, "c"), None);
    let mut out = String::new();
    let change = crate::rewrite::Change::Take(Kind::Card, crate::policy::Action::Tokenise);
    crate::rewrite::write(&mut out, "c", change, &mut session);
    assert_eq!(out, "[CARD_REDACTED]");
}

#[test]
fn a_nonce_has_three_to_twelve_small_letters_and_digits() {
    for good in ["k7q", "abcdef012345"] {
        assert!(good.parse::<Nonce>().is_ok());
    }
    for bad in ["k7", "abcdef0123456", "K7Q", "k-q", "", "ключ"] {
        let error = bad.parse::<Nonce>().unwrap_err();
        assert_eq!(error.length, bad.len());
        assert_eq!(error.code(), Code::Input);
    }
    assert!(serde_json::from_str::<Nonce>("\"K7Q\"").is_err());
}

#[test]
fn random_bits_make_a_valid_nonce() {
    for bits in [0, 1, 42, u64::MAX] {
        let nonce = Nonce::from_random(bits);
        assert_eq!(nonce.as_str().parse::<Nonce>().unwrap(), nonce);
    }
    assert_ne!(Nonce::from_random(1), Nonce::from_random(2));
}
