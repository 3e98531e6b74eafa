use super::*;

/// Pieces that make naive detectors start over at every byte.
const HOSTILE: &[&str] = &[
    "a.",
    "a@",
    "a@b.",
    "1 ",
    "4",
    "4111 ",
    "4111-",
    "+1",
    "+1 ",
    "(415) ",
    "415-",
    "sk-",
    "sk-ant-",
    "ghp_",
    "eyJ",
    "eyJa.",
    "eyJhbGciOiJIUzI1NiJ9.",
    "password=",
    "password:",
    "password: \"",
    "token ",
    "tokentoken",
    "secret_",
    "bearer ",
    "://a:",
    "://",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\naaaaaaaa",
    "-----BEGIN ",
    "-",
    "<",
    "<CARD_1:",
    "<=",
    "[CARD_",
    "glpat-a.",
    "xoxb-1-",
    "key-",
    "SG.",
    "AKIA",
    "=",
    "\"",
    "४",
    "𝟎",
    "日",
    "A",
    "\n",
    "call 415 ",
    "sig=",
    "ABSK",
    "fm2_",
    "https://hooks.slack.com/services/T01234567/",
    "api_key=a1b2",
    "2341 2341 2346 ",
    "AB 12 34 56 ",
    "tax 123456789 ",
    "GB29 NWBK 6016 ",
    "A-A-A-1",
    "passport 123456789 ",
];

#[test]
fn work_grows_with_the_length_of_the_text_and_not_faster() {
    let policy = Policy::all(Action::Warn);
    for unit in HOSTILE {
        let work = |bytes: usize| run(&unit.repeat(bytes / unit.len()), policy).work;
        let (short, long) = (work(32 * 1024), work(256 * 1024));
        assert!(long <= 9 * short + 4096, "{unit:?}: {short} for 32 KiB, {long} for 256 KiB");
        assert!(long <= 64 * 256 * 1024, "{unit:?}: {} reads a byte", long / (256 * 1024));
    }
}
