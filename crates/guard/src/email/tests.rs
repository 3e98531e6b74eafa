use crate::finding::Kind;
use crate::layer::run;
use crate::policy::{Action, Policy};

fn addresses(text: &str) -> Vec<&str> {
    let found = run(text, Policy::all(Action::Warn));
    let of_kind = found.findings.iter().filter(|f| f.kind == Kind::Email);
    of_kind.map(|f| &text[f.span.clone()]).collect()
}

#[test]
fn addresses_are_found_where_sentences_put_them() {
    for (text, address) in [
        ("write to ada@example.org.", "ada@example.org"),
        ("<ada.lovelace+tag@mail.example.co.uk>", "ada.lovelace+tag@mail.example.co.uk"),
        ("mailto:ADA@EXAMPLE.ORG?subject=x", "ADA@EXAMPLE.ORG"),
        ("联系ada@example.org。", "ada@example.org"),
        ("(o'brien_1@x-y.io)", "o'brien_1@x-y.io"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("'ada@example.org'", "ada@example.org"),
    ] {
        assert_eq!(addresses(text), [address], "{text}");
    }
    assert_eq!(addresses("ada@example.org,bob@example.org").len(), 2);
}

#[test]
fn what_only_holds_an_at_sign_is_left_alone() {
    for text in [
        "@handle",
        "user@localhost",
        "left-pad@1.3.0",
        "@scope/package@2.0.1",
        "git@github.com:owner/repository.git",
        "https://user@example.org/path",
        "logo@2x.png",
        "a@b@c.org@",
        "a..b@example.org",
        "a@-example.org",
        "a@example.org_",
        "5 @ 3.50",
        "a@example.c",
    ] {
        let found = addresses(text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn sixty_four_characters_of_local_part_are_the_limit() {
    let longest = format!("{}@example.org", "a".repeat(64));
    assert_eq!(addresses(&longest), [longest.as_str()]);
    assert!(addresses(&format!("a{longest}")).is_empty());
}

#[test]
fn a_domain_of_253_characters_is_the_limit() {
    let label = "d".repeat(60);
    let longest = format!("a@{label}.{label}.{label}.{}.example", "e".repeat(62));
    assert_eq!(longest.len(), 2 + 253);
    assert_eq!(addresses(&longest), [longest.as_str()]);
    assert!(addresses(&longest.replace("a@d", "a@dd")).is_empty());
    assert!(addresses(&format!("a@{}.example", "d".repeat(63))).len() == 1);
    assert!(addresses(&format!("a@{}.example", "d".repeat(64))).is_empty());
}
