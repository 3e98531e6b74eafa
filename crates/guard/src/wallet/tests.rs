use crate::finding::Kind;
use crate::layer::run;
use crate::policy::{Action, Policy};

fn found(text: &str) -> Vec<(&str, &'static str, bool)> {
    let all = run(text, Policy::all(Action::Warn)).findings;
    let accounts = all.into_iter().filter(|finding| finding.kind == Kind::Account);
    accounts.map(|f| (&text[f.span], f.detector, f.validated)).collect()
}

#[test]
fn published_addresses_are_found_in_sentences() {
    for (address, detector, validated) in [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc-address", true),
        ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "btc-address", true),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bech32-address", true),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bech32-address", true),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "eth-address", true),
        ("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "eth-address", false),
    ] {
        for text in
            [address.to_owned(), format!("pay to {address}, please"), format!("({address})")]
        {
            assert_eq!(found(&text), [(address, detector, validated)], "{text}");
        }
    }
}

#[test]
fn an_address_with_one_character_changed_is_none() {
    for address in [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    ] {
        for (at, _) in address.char_indices().skip(5) {
            let mut bytes = address.as_bytes().to_vec();
            bytes[at] = match bytes[at] {
                b'a'..=b'z' if address.starts_with("0x") => bytes[at].to_ascii_uppercase(),
                b'A'..=b'Z' => bytes[at].to_ascii_lowercase(),
                b'2' => b'3',
                _ => b'2',
            };
            let changed = String::from_utf8(bytes).unwrap();
            let digits_only = changed[2..].bytes().all(|b| !b.is_ascii_uppercase());
            let hex = address.starts_with("0x")
                && (digits_only || address.as_bytes()[at].is_ascii_digit());
            assert!(hex || found(&changed).is_empty(), "{changed}");
        }
    }
}

#[test]
fn hashes_and_words_are_no_addresses() {
    for text in [
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "0x0000000000000000000000000000000000000000",
        "0xdeadbeef",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "bc1 is how they begin",
        "1234567890123456789012345678901",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}
