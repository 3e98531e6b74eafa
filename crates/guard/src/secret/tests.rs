use super::checksum::sign;
use super::rule::Reads;
use super::table;
use crate::finding::{Finding, Kind};
use crate::layer::run;
use crate::policy::{Action, Policy};

/// Forty characters that look drawn at random, and are not.
const BODY: &str = "q7Zk2Wm9Xc4Vb8Nj3Hf6Gd1Ls5Pt0RyQ7aKeUo2x";
const HEX: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a0";

fn secrets(text: &str) -> Vec<Finding> {
    let found = run(text, Policy::all(Action::Warn));
    found.findings.into_iter().filter(|f| f.kind == Kind::Secret).collect()
}

/// The secrets of a text as they stand in it.
fn found(text: &str) -> Vec<&str> {
    secrets(text).into_iter().map(|f| &text[f.span]).collect()
}

/// A body of the alphabet and length that a token rule asks for.
fn body(rule: &super::rule::Rule) -> Option<String> {
    let Reads::Token(shape) = rule.reads else { return None };
    let pool: Vec<char> =
        "9f2B7d6Q5b4aZ3c8e1G0K".chars().filter(|c| shape.alphabet.has(*c as u8)).collect();
    Some(pool.iter().cycle().take(shape.least).collect())
}

#[test]
fn every_token_of_the_table_is_found_alone_in_a_sentence_and_in_code() {
    let mut seen = 0;
    for rule in table::rules() {
        let Some(body) = body(rule) else { continue };
        let token = format!("{}{body}", rule.literal);
        for text in [token.clone(), format!("use {token}, then"), format!("f(\"{token}\");")] {
            let hits = secrets(&text);
            assert_eq!(hits.len(), 1, "{}: {text}", rule.name);
            assert_eq!(&text[hits[0].span.clone()], token, "{}", rule.name);
        }
        seen += 1;
    }
    assert!(seen > 80, "{seen} rules");
}

#[test]
fn a_token_one_character_too_short_or_inside_a_word_is_left_alone() {
    for rule in table::rules() {
        let Some(body) = body(rule) else { continue };
        let token = format!("{}{body}", rule.literal);
        assert!(found(&token[..token.len() - 1]).is_empty(), "{}: {token}", rule.name);
        assert!(found(&format!("x{token}")).is_empty(), "{}: x{token}", rule.name);
    }
}

#[test]
fn a_token_that_repeats_one_character_is_an_example() {
    for rule in table::rules() {
        let Reads::Token(shape) = rule.reads else { continue };
        let token = format!("{}{}", rule.literal, "a".repeat(shape.least));
        assert!(found(&token).is_empty(), "{}: {token}", rule.name);
    }
    assert!(found(&["AKIA", "IOSFODNN7", "EXAMPLE"].concat()).is_empty());
}

#[test]
fn the_ends_of_page_addresses_are_no_tokens() {
    for text in [
        "https://www.example.com/news/pa-supreme-court-election-results-2025-justices-retained",
        "https://example.com/docs/sdk-reference-for-python-and-typescript-users",
        "/docs/sdk-reference-for-python-and-typescript",
        "a secret-live-music-venues-of-the-old-harbour-quarter",
    ] {
        assert_eq!(found(text), Vec::<&str>::new(), "{text}");
    }
    let voyage = format!("pa-{}-_{}", &BODY[..30], &BODY[..11]);
    let darkly = ["sdk-", "9f8e7d6c-5b4a-4928-b170-6f5e4d3c2b1a"].concat();
    let axiom = ["xaat-", "9f8e7d6c-5b4a-4928-b170-6f5e4d3c2b1a"].concat();
    for token in [voyage, darkly, axiom] {
        assert_eq!(found(&format!("use {token}, then")), [token.as_str()]);
    }
}

#[test]
fn no_rule_matches_more_than_the_family_states() {
    for rule in table::rules() {
        assert!(rule.longest() <= super::LONGEST, "{}", rule.name);
    }
    let names = table::rules().map(|rule| rule.name).collect::<std::collections::BTreeSet<_>>();
    assert!(names.len() > 55, "{} detectors", names.len());
}

#[test]
fn the_checksum_of_a_token_is_verified() {
    let payload = &BODY[..30];
    for prefix in ["ghp_", "npm_"] {
        let good = format!("{prefix}{payload}{}", sign(payload));
        assert!(secrets(&good)[0].validated, "{good}");
        let bad = format!("{prefix}{payload}000000");
        assert!(!secrets(&bad)[0].validated, "{bad}");
        assert!(secrets(&bad)[0].score < secrets(&good)[0].score);
    }
}

#[test]
fn tokens_in_parts_are_found_whole() {
    for text in [
        format!("SG.{}.{}{}", &BODY[..22], BODY, &BODY[..3]),
        format!("https://hooks.slack.com/services/T01234567/B01234567/{}", &BODY[..24]),
        format!("discord.com/api/webhooks/123456789012345678/{BODY}{}", &BODY[..28]),
        format!("SK{HEX}"),
    ] {
        let hits = found(&text);
        assert_eq!(hits.len(), 1, "{text}");
        assert!(text.ends_with(hits[0]), "{text}: {hits:?}");
    }
}

#[test]
fn a_json_web_token_is_told_by_its_header() {
    // {"alg":"HS256","typ":"JWT"}, {"typ":"JWT","alg":"none"}, {"a":1}
    let header = ["eyJhbGciOiJIUzI1NiIs", "InR5cCI6IkpXVCJ9"].concat();
    let token = format!("{header}.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{BODY}");
    assert_eq!(found(&format!("Authorization: {token};")), [token.as_str()]);
    assert!(secrets(&token)[0].validated);
    let encrypted = format!("{header}.{BODY}.{BODY}.{BODY}.{BODY}");
    assert_eq!(found(&encrypted), [encrypted.as_str()]);
    let unsigned = format!("{header}.eyJzdWIiOiIxMjM0NTY3ODkwIn0.");
    assert_eq!(found(&format!("{unsigned} and on")), [unsigned.as_str()]);
    assert!(found(&unsigned[..unsigned.len() - 1]).is_empty());
    let other = format!("{}.{BODY}.{BODY}", ["eyJh", "IjoxfQ"].concat());
    assert!(found(&other).is_empty());
    assert!(found(&header).is_empty());
}

#[test]
fn private_keys_are_found_with_real_and_escaped_line_ends_and_without_their_end() {
    let line = format!("MIIE{BODY}{BODY}");
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
    {
        for end in ["\n", "\\n", " ", "\r\n"] {
            let begin = format!("-----BEGIN {label}-----");
            let block = format!("{begin}{end}{line}{end}{line}{end}ab=={end}-----END {label}-----");
            assert_eq!(found(&format!("key: {block} end")), [block.as_str()]);
            let open = format!("{begin}{end}{line}{end}{line}");
            assert_eq!(found(&format!("{open}, and so on")), [open.as_str()]);
        }
    }
    let headers = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\n{line}\n\
         -----END RSA PRIVATE KEY-----"
    );
    assert_eq!(found(&headers), [headers.as_str()]);
    assert!(found("-----BEGIN PRIVATE KEY----- is how a key begins in such files").is_empty());
    assert!(
        found(&format!("-----BEGIN PUBLIC KEY-----\n{line}\n-----END PUBLIC KEY-----")).is_empty()
    );
    assert!(found(&format!("-----BEGIN CERTIFICATE-----\n{line}\n")).is_empty());
}

#[test]
fn the_password_of_a_connection_string_is_found_and_the_rest_is_left() {
    for (text, password) in [
        ("postgres://app:s3cr3t@db.example:5432/x", "s3cr3t"),
        ("redis://:hunter2@10.0.0.1:6379", "hunter2"),
        ("mongodb+srv://a:p%40ss@host/x?y=z", "p%40ss"),
        ("jdbc:mysql://root:тайна@host", "тайна"),
    ] {
        assert_eq!(found(text), [password], "{text}");
    }
    for text in [
        "http://localhost:8080/path@x",
        "https://user@example.org",
        "http://host:80 a@b.org",
        "https://user:${PASSWORD}@host",
        "https://user:<password>@host",
        "see https://example.org: ada@example.org",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}

#[test]
fn assigned_secrets_are_found_by_name_sign_and_value() {
    for (before, value, after) in [
        ("password=", "Tr0ub4dor&3x"[..8].into(), ""),
        ("DB_PASSWORD: \"", "correct!horse7".to_owned(), "\""),
        ("api_key = '", BODY.to_owned(), "'"),
        ("\"client_secret\": \"", BODY.to_owned(), "\","),
        ("{\\\"password\\\": \\\"", "hunter2-hunter".to_owned(), "\\\"}"),
        ("accessToken := ", BODY.to_owned(), "\n"),
        ("Authorization: Bearer ", BODY.to_owned(), "\r\n"),
        ("aws_secret_access_key=", format!("{}/+", &BODY[..38]), ""),
        ("secrets[\"api-key\"] = \"", BODY.to_owned(), "\""),
        ("api_key: ", format!("{HEX}-us12"), ", "),
    ] {
        let text = format!("{before}{value}{after}");
        assert_eq!(found(&text), [value.as_str()], "{text}");
    }
}

#[test]
fn names_without_a_random_value_are_left_alone() {
    for text in [
        "password: see the wiki page",
        "password = get_password(user)",
        "password = os.environ[\"DB_PASSWORD\"]",
        "password=${DB_PASSWORD}",
        "password: <your password>",
        "api_key = \"YOUR_API_KEY_1234\"",
        "api_key=xxxxxxxxxxxxxxxx1",
        "if password == \"abc12345xyz\"",
        "max_tokens: 4096, tokens=123456789012",
        "tokenizer: gpt2-medium-v1.0",
        "TOKENIZER=gpt2-medium-v1.0",
        "token_type: bearer-v2-abc1",
        "secret_name = \"prod-db-credentials-2024\"",
        "next_page_token=CAUQAA7Zk2Wm9Xc4Vb8",
        "password: ********",
        "password=[SECRET_REDACTED]",
        "the token limit is 8k, show tokens used",
        "Show me where to reset my password: settings, then profile",
        "bearer of good news",
        "basic understanding",
        "token: 2024-01-15T10:30:00",
        "const PrivateKeyFlags: X509CertificateTemplatePrivateKeyFlag",
        "const ERROR_PASSWORD: WIN32_ERROR",
        "secret_key_len = MLKEM1024_SECRET_KEY_BYTES",
        "password: super::super::Win32::Foundation",
        "or1_token: node.or1_token",
    ] {
        let hits = found(text);
        assert!(hits.is_empty(), "{text}: {hits:?}");
    }
}

#[test]
fn identifiers_that_only_look_random_are_left_alone() {
    for text in [
        "550e8400-e29b-41d4-a716-446655440000",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "task-list sk-learn risk-free key-value",
        "run_0190c0f5-6b7e-7cc0-98a7-3f2b1d0e4a5c",
        "base64 aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=",
    ] {
        let hits = found(text);
        assert!(hits.is_empty(), "{text}: {hits:?}");
    }
}

#[test]
fn a_value_with_a_prefix_of_its_own_is_named_after_it() {
    let token = format!("hf_{}", &BODY[..34]);
    let hits = secrets(&format!("token={token}"));
    assert_eq!((hits.len(), hits[0].detector), (1, "huggingface-token"));
}

#[test]
fn of_a_value_longer_than_the_limit_the_first_part_is_found() {
    for (open, close) in [("", "\n"), ("\"", "\"")] {
        for (length, found_length) in [(1023, 1023), (1024, 1024), (1025, 1024)] {
            let value: String = BODY.chars().cycle().take(length).collect();
            let text = format!("api_key={open}{value}{close}");
            assert_eq!(found(&text), [&value[..found_length]], "{length}");
        }
    }
}

#[test]
fn the_longest_user_and_password_of_a_url_are_limits() {
    let url = |user: usize, password: usize| {
        format!("amqp://{}:{}@host", "u".repeat(user), "p".repeat(password))
    };
    assert_eq!(found(&url(64, 256)).len(), 1);
    assert!(found(&url(65, 256)).is_empty());
    assert!(found(&url(64, 257)).is_empty());
}

#[test]
fn a_json_web_token_longer_than_the_limit_is_found_up_to_there() {
    let header = ["eyJhbGciOiJIUzI1NiIs", "InR5cCI6IkpXVCJ9"].concat();
    for length in [4_000, 8_000, 20_000] {
        let token = format!("{header}.{}.{BODY}", "aB3dE5gH".repeat(length / 8));
        let longest = token.len().min(super::jwt::LONGEST);
        assert_eq!(found(&token), [&token[..longest]], "{length}");
    }
}

#[test]
fn a_private_key_longer_than_the_limit_is_found_up_to_there() {
    let block = |lines: usize| {
        let line = format!("MIIE{BODY}\n").repeat(lines);
        format!("-----BEGIN PRIVATE KEY-----\n{line}-----END PRIVATE KEY-----")
    };
    let fits = block(300);
    assert_eq!(found(&fits), [fits.as_str()]);
    let longer = block(400);
    let hits = found(&longer);
    assert!(hits[0].len() <= super::LONGEST && hits[0].len() > super::LONGEST - 256);
}
