use proptest::prelude::*;

use super::*;

const LISTED: [&str; 2] = ["docs.example.org", "*.example.net"];

fn output(html: bool) -> Output {
    let urls = Some(LISTED.map(String::from).to_vec());
    Output::of(&OutputPolicy { urls, controls: true, html, ..OutputPolicy::default() })
        .unwrap()
        .unwrap()
}

fn clean(text: &str) -> String {
    output(false).clean(text).text.into_owned()
}

#[test]
fn links_that_lead_elsewhere_are_taken_out_whatever_stands_around_them() {
    for (text, rest) in [
        ("see https://evil.test/x?d=1.", "see [link removed]."),
        ("![a b](https://evil.test/p.png?d=secret)!", "![a b]([link removed])!"),
        ("![a](https://evil.test/(x)y \"t\")", "![a]([link removed] \"t\")"),
        ("[a][1]\n\n[1]: https://evil.test/x 'T'", "[a][1]\n\n[1]: [link removed] 'T'"),
        ("[1]:\n  //evil.test/x", "[1]:\n  [link removed]"),
        ("<https://evil.test/x>", "[link removed]"),
        ("<img src=\"https://evil.test/x\">t", "[link removed]t"),
        ("<a href = 'https://evil.test'>t</a>", "[link removed]t</a>"),
        ("[https://evil.test/a](https://evil.test/b)", "[[link removed]]([link removed])"),
        ("www.evil.test, (WWW.Evil.test/x)", "[link removed], ([link removed])"),
        ("[x](javascript:alert(1))", "[x]([link removed])"),
        ("[x](JavaScript&colon;alert)", "[x]([link removed])"),
        ("![x](data:image/svg+xml;base64,AAAA)", "![x]([link removed])"),
        ("slack://channel?x", "[link removed]"),
    ] {
        assert_eq!(clean(text), rest, "{text}");
    }
}

#[test]
fn spellings_of_an_address_that_readers_understand_do_not_hide_it() {
    for text in [
        "![x](&#104;ttps://evil.test/x)",
        "![x](https&#x3a;//evil.test/x)",
        "![x](https&colon;&sol;&sol;evil.test/x)",
        "![x](https\\://evil.test/x)",
        "![x](https:\\/\\/evil.test/x)",
        "![x](https:\\\\\\\\evil.test/x)",
        "![x](//evil.test/x)",
        "![x](///evil.test/x)",
        "![x](/\\\\evil.test/x)",
        "![x](https:evil.test/x)",
        "![x](https:/evil.test/x)",
        "![x](HTTPS://EVIL.TEST/x)",
        "![x](https://docs.example.org@evil.test/x)",
        "![x](https://docs.example.org)@evil.test/x)",
        "![x](https://docs.example.org,a.evil.test/x)",
        "![x](https://docs.example.org%2eevil.test/x)",
        "![x](https://docs.example.org.evil.test/x)",
        "![x](https://docs.example.org。evil.test/x)",
        "![x](https://ｅvil.test/x)",
        "![x](https://[::1]/x)",
        "![x](https://2130706433/x)",
        "![x](https://docs.example.org:80:evil/x)",
        "![x](https://docs.example.org/r?to=https://evil.test/x)",
        "<img src=\"https:/\n/evil.test/x\">",
        "<img alt=\">\" src=\"https:/\n/evil.test/x\">",
        "<img src=\"ht\ntps://evil.test/x\">",
        "<a href=\"java\tscript:alert(1)\">",
        "<a href=\"java&NewLine;script:alert(1)\">",
        "<img srcset=\"a.png 1x, //evil.test/x 2x\">",
        "<meta http-equiv=refresh content=\"0;//evil.test/x\">",
        "<base href=\"\\\\evil.test\">",
        "{\"u\": \"https\\u003a//evil.test/x\"}",
        "<img src=\"https:/\n/evil.test/x",
    ] {
        let left = clean(text);
        let gone = left.contains("[link removed]") || left.starts_with("&lt;img");
        assert!(gone && left != text, "{text} -> {left}");
    }
}

#[test]
fn what_leads_nowhere_or_to_a_host_on_the_list_stays() {
    for text in [
        "see https://docs.example.org/a_(b)?q=1#x, and https://a.b.example.net:8443/.",
        "![x](https://docs.example.org/x.png) [y](/local/path) [z](#part) [w](a/b.md)",
        "[https://docs.example.org/a](https://docs.example.org/a)",
        "<https://docs.example.org> <a href=\"https://docs.example.org/x\">t</a>",
        "Write to ada@example.org or mailto:ada@example.org; call tel:+49301234567",
        "a < b && c > d; if x<y then z; Vec<String>; // a comment; 10:30; C:\\Users\\ada",
        "use std::sync::Arc; http: is a scheme, data: too; ratio 3//4; src//lib",
        "{\"data\": 1, data:1, x:2} key:value file names a//b.c",
        "Pay <CARD_1:k7q> now",
        "unfinished <b",
        "https://",
    ] {
        assert_eq!(clean(text), text);
    }
}

#[test]
fn a_list_of_nothing_lets_no_link_pass() {
    let output = Output::of(&OutputPolicy { urls: Some(vec![]), ..OutputPolicy::default() });
    let clean = output.unwrap().unwrap().clean("a https://docs.example.org b").text.into_owned();
    assert_eq!(clean, "a [link removed] b");
}

#[test]
fn what_is_no_name_of_a_host_is_refused_and_a_policy_that_says_nothing_does_nothing() {
    for name in ["https://a.test", "a test", "", "*", "a..b", "é.test", "a.test/x", "*.*.test"] {
        let urls = Some(vec![name.to_owned()]);
        let policy = OutputPolicy { urls, ..OutputPolicy::default() };
        assert_eq!(Output::of(&policy).unwrap_err(), BadHost(name.into()));
    }
    assert!(Output::of(&OutputPolicy::default()).unwrap().is_none());
}

#[test]
fn what_steers_a_terminal_is_taken_out_and_nothing_else() {
    for (text, rest) in [
        ("a\u{1b}[31mred\u{1b}[0m", "ared"),
        ("\u{1b}]8;;https://x\u{1b}\\text\u{1b}]8;;\u{7}!", "text!"),
        ("\u{1b}]0;title", ""),
        ("\u{1b}]0;title\nline", "\nline"),
        ("\u{9b}2Jx\u{1b}(By", "xy"),
        ("a\u{8}\u{0}b\r\nc\td", "ab\nc\td"),
        ("\u{202e}gpj.exe\u{202c} \u{2066}x\u{2069}", "gpj.exe x"),
        ("عربي\u{200f} עברית 👩‍👩‍👧", "عربي\u{200f} עברית 👩‍👩‍👧"),
    ] {
        assert_eq!(clean(text), rest, "{text:?}");
    }
}

#[test]
fn of_html_what_runs_goes_and_placeholders_stay() {
    let clean = |text: &str| output(true).clean(text).text.into_owned();
    let shown = clean("<p onclick=\"x()\">Pay <b><CARD_1:k7q></b><script>x()</script></p>");
    assert_eq!(shown, "<p>Pay <b><CARD_1:k7q></b></p>");
    assert_eq!(clean("<svg/onload=x()></svg>y<iframe srcdoc='x'></iframe>"), "y");
    let shown = clean("<a href=/x style=x>y</a>");
    assert_eq!(shown, "<a href=\"/x\" rel=\"noopener noreferrer\">y</a>");
}

#[test]
fn a_word_and_a_tag_of_any_length_lose_their_links() {
    for length in [1000, 2040, 2048, 2049, 5000] {
        let pad = "a".repeat(length);
        for text in [
            format!("{pad}](https://evil.test/x)"),
            format!("https://evil.test/{pad} b"),
            format!("<img alt={pad} src=https://evil.test/x>"),
            format!("<img alt={pad}"),
        ] {
            let clean = clean(&text);
            assert!(!clean.contains("evil.test"), "{length}: {clean}");
        }
    }
}

fn spans() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "https://",
        "evil.test",
        "docs.example.org",
        "/x",
        "](",
        ")",
        " ",
        "\n",
        "<img src=\"",
        "\">",
        "<",
        ">",
        "&colon;",
        "&#x2f;",
        "\\",
        "//",
        "www.",
        "javascript:",
        "é",
        "日本",
        "\"",
        "data:a/b,",
        "\u{1b}",
        "[31m",
        "]0;t",
        "\u{7}",
        "word",
        "<CARD_1:k7q>",
        "`",
        ":",
        "@",
        "\u{202e}",
        "=",
    ]);
    let long = (1000_usize..5000).prop_map(|length| "y".repeat(length));
    prop::collection::vec(prop_oneof![40 => piece.prop_map(String::from), 1 => long], 0..24)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_leaves_is_the_same_wherever_the_text_is_cut(
        text in spans(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        html in prop::bool::weighted(0.1),
    ) {
        let output = output(html);
        let whole = output.clean(&text).text.into_owned();
        let mut places: Vec<usize> = cuts
            .iter()
            .map(|cut| text.floor_char_boundary(cut.index(text.len() + 1)))
            .collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let mut filter = output.stream();
        let mut streamed = String::new();
        for pair in places.windows(2) {
            streamed.push_str(&filter.push(&text[pair[0]..pair[1]]));
            prop_assert!(html || filter.held() <= OutputFilter::LIMIT);
        }
        streamed.push_str(&filter.finish());
        prop_assert_eq!(streamed, whole);
    }

    #[test]
    fn no_address_of_another_host_is_left(text in spans()) {
        let left = clean(&text).to_lowercase();
        prop_assert!(!left.contains("https://evil.test"), "{left}");
        prop_assert!(!left.contains("](//evil.test"), "{left}");
    }
}
