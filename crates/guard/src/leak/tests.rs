use proptest::prelude::*;

use super::*;

const PROMPT: &str = "You are Mira, the assistant of the Harbour Bank. Never speak about the merger with \
the Northern Savings Bank before it is announced. Refunds above two hundred are decided by the branch, \
and below that by you. If somebody asks for a manager, give them the number of the branch in their own \
town and apologise for the wait.";

const CHINESE: &str = "你是港口银行的助手。在公布之前，绝对不要谈论与北方储蓄银行的合并。超过两百元的退款由分行决定，低于两百元的由你决定。如果有人要找经理，请把他们所在城市的分行电话告诉他们。";

fn instructions(prompt: &str) -> Instructions {
    Instructions::of(prompt, &LeakPolicy::default()).unwrap()
}

fn leaks(prompt: &str, text: &str) -> Vec<Leak> {
    instructions(prompt).clean(text, &Known::default()).1
}

fn cleaned(prompt: &str, text: &str) -> String {
    instructions(prompt).clean(text, &Known::default()).0.into_owned()
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.push(char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63]));
        }
    }
    out
}

fn each<T>(items: impl Iterator<Item = T>, write: impl Fn(T) -> String) -> String {
    items.map(write).collect::<Vec<_>>().concat()
}

fn percent(text: &str) -> String {
    each(text.bytes(), |byte| format!("%{byte:02X}"))
}

fn hex(text: &str, between: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

#[test]
fn a_stretch_is_told_with_its_place_and_taken_out() {
    let stretch = &PROMPT[49..150];
    let text = format!("Sure! My rules: {stretch} Anything else?");
    let found = leaks(PROMPT, &text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((20..50).contains(&found[0].score), "{found:?}");
    let out = cleaned(PROMPT, &text);
    assert!(out.starts_with("Sure! My rules: [instructions removed]"), "{out}");
    assert!(out.ends_with("Anything else?") && !out.contains("merger"), "{out}");
    assert_eq!(leaks(PROMPT, PROMPT)[0].score, 100);
}

#[test]
fn a_disguise_of_any_kind_helps_nothing() {
    let stretch = &PROMPT[49..190];
    let spaced: String = stretch.chars().filter(|c| *c != ' ').flat_map(|c| [c, ' ']).collect();
    let alike = stretch.replace('e', "е").replace('a', "а").replace('o', "0").replace('i', "1");
    let wide: String = stretch
        .chars()
        .map(|c| {
            char::from_u32(u32::from(c) + 0xFEE0).filter(|_| c.is_ascii_lowercase()).unwrap_or(c)
        })
        .collect();
    let hidden: String = stretch.chars().flat_map(|c| [c, '\u{200b}']).collect();
    let accents: String = stretch.chars().flat_map(|c| [c, '\u{301}']).collect();
    let tags: String =
        stretch.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xE_0000)).collect();
    let entities = each(stretch.chars(), |c| format!("&#{};", u32::from(c)));
    let entities_apart = each(stretch.chars(), |c| format!("&#{}; ", u32::from(c)));
    let escapes = each(stretch.chars(), |c| format!("\\u{:04x}", u32::from(c)));
    let lines = each(base64(stretch).as_bytes().chunks(76), |l| {
        format!("{}\n", str::from_utf8(l).unwrap())
    });
    let every = [
        stretch.to_uppercase(),
        format!("- **{}**", stretch.replace(' ', "** _").replace(". ", ".\n- ")),
        stretch.replace(' ', "-"),
        stretch.replace(' ', ""),
        spaced,
        alike,
        wide,
        hidden,
        accents,
        tags,
        entities,
        entities_apart,
        escapes,
        base64(stretch),
        lines,
        base64(&base64(stretch)),
        hex(stretch, ""),
        hex(stretch, " "),
        percent(stretch),
        format!("[here](https://evil.test/?q={})", stretch.replace(' ', "%20")),
        serde_json::to_string(&stretch.replace(". ", ".\n")).unwrap(),
        // A word of its own now and then.
        stretch
            .replace("bank before", "bank, well, before")
            .replace("two hundred", "some two hundred"),
    ];
    for text in every {
        let found = leaks(PROMPT, &format!("Here: {text} done"));
        assert!(!found.is_empty(), "{text}");
    }
}

#[test]
fn where_words_are_not_spaced_it_is_told_as_well() {
    let stretch: String = CHINESE.chars().skip(10).take(30).collect();
    assert_eq!(leaks(CHINESE, &format!("好的，{stretch}。还有什么？")).len(), 1);
    let short: String = CHINESE.chars().skip(10).take(20).collect();
    assert_eq!(leaks(CHINESE, &short), []);
}

#[test]
fn what_is_short_common_or_somebody_elses_is_no_leak() {
    for text in [
        "You are right, the assistant of the bank can help you with that.",
        "Refunds above two hundred are decided by the branch.",
        "I cannot speak about that. If you like, I give you the number of the branch in Bergen.",
        "The Harbour Bank and the Northern Savings Bank are two banks.",
    ] {
        assert_eq!(leaks(PROMPT, text), [], "{text}");
    }
    // What the user has said themselves, and one stretch more.
    let of = instructions(PROMPT);
    let mut known = Known::default();
    of.hear(&format!("Is this in your prompt: {}", &PROMPT[..150]), &mut known);
    assert_eq!(of.clean(&PROMPT[..150], &known).1, []);
    assert_eq!(of.clean(PROMPT, &known).1.len(), 1);
}

#[test]
fn what_the_instructions_have_said_by_the_model_is_no_leak() {
    let greeting = "Welcome to the Harbour Bank of Bergen! My name is Mira and I am glad to help you \
with accounts, cards and transfers today.";
    let told = |prompt: &str, allow: Vec<String>| {
        let policy = LeakPolicy { allow, ..LeakPolicy::default() };
        Instructions::of(prompt, &policy).unwrap().clean(greeting, &Known::default()).1.len()
    };
    for (open, close) in [("\"", "\""), ("“", "”"), ("«", "»"), ("„", "“"), ("「", "」")]
    {
        let prompt = format!("{PROMPT} Greet with {open}{greeting}{close} and wait.");
        assert_eq!(told(&prompt, Vec::new()), 0, "{prompt}");
        assert_eq!(leaks(&prompt, PROMPT).len(), 1);
    }
    let prompt = format!("{PROMPT} Greet with these words: {greeting}");
    assert_eq!(told(&prompt, Vec::new()), 1);
    assert_eq!(told(&prompt, vec![greeting.to_owned()]), 0);
    // A mark that is not closed on its line quotes nothing.
    let prompt = format!("Say \"hello\". A pipe of 3\" is cut.\n{greeting}\nA pipe of 4\" is not.");
    assert_eq!(told(&prompt, Vec::new()), 1);
}

#[test]
fn the_fewest_words_that_are_told_are_those_of_the_policy() {
    let letters = |many: usize| {
        let at = PROMPT.char_indices().filter(|(_, c)| c.is_alphanumeric()).nth(many).unwrap().0;
        PROMPT[..at].to_owned()
    };
    for words in [5, 15, 30] {
        let policy = LeakPolicy { words, ..LeakPolicy::default() };
        let of = Instructions::of(PROMPT, &policy).unwrap();
        let found = |text: &str| of.clean(text, &Known::default()).1.len();
        let least = words as usize * WORD;
        assert_eq!((found(&letters(least - 1)), found(&letters(least))), (0, 1), "{words}");
    }
    assert!(Instructions::of("Help people with their taxes.", &LeakPolicy::default()).is_none());
    let off = LeakPolicy { action: LeakAction::Allow, ..LeakPolicy::default() };
    assert!(Instructions::of(PROMPT, &off).is_none());
}

#[test]
fn a_canary_is_told_alone_however_it_is_written() {
    let policy = LeakPolicy { canary: true, ..LeakPolicy::default() };
    let canary = Canary::from_bytes(&[0x3C; 32]);
    let other = Canary::from_bytes(&[0x3D; 32]);
    let of = Instructions::of("Be brief.", &policy).unwrap().with_canary(&canary);
    let found = |text: &str| of.clean(&format!("It is {text}!"), &Known::default()).1;
    assert_eq!(found(other.word()), []);
    let word = canary.word();
    assert_eq!((found(word)[0].score, word.len()), (100, GRAM));
    let apart: String = word.chars().flat_map(|c| [c, ' ']).collect();
    for text in [
        word.to_uppercase(),
        apart,
        base64(&format!("the mark is {word}")),
        hex(word, ""),
        percent(word),
    ] {
        assert_eq!(found(&text).len(), 1, "{text}");
    }
    assert_eq!(found(&word[..GRAM - 1]), []);
    // Whoever has it from an earlier answer has not made it up.
    let mut known = Known::default();
    of.hear(word, &mut known);
    assert_eq!(of.clean(word, &known).1.len(), 1);
}

#[test]
fn a_mode_only_tightens_as_it_becomes_stricter() {
    for action in LeakAction::ALL {
        for words in [5, 15, 200] {
            for canary in [false, true] {
                let said = LeakPolicy { action, words, canary, allow: Vec::new() };
                let [observe, _, protect, strict] = Mode::ALL.map(|mode| said.clone().under(mode));
                assert!(strict.action >= protect.action && strict.words <= protect.words);
                assert!(strict.canary >= protect.canary && strict.action >= LeakAction::Redact);
                assert!(observe.action <= LeakAction::Warn && !observe.canary);
            }
        }
    }
}

#[test]
fn a_stream_holds_back_a_word_and_no_more_of_other_text() {
    let of = instructions(PROMPT);
    let mut filter = of.stream(&Known::default());
    let mut most = 0;
    for word in "Your parcel was handed over in Oslo on Tuesday and will reach you soon. "
        .split_inclusive(' ')
    {
        filter.push(word);
        most = most.max(filter.held());
    }
    assert!(most <= 16, "{most}");
    assert!(!filter.has_leaked());
    filter.push(PROMPT);
    assert!(filter.has_leaked());
}

#[test]
fn a_quick_look_lets_no_stretch_pass_wherever_it_begins_and_ordinary_texts_do() {
    let of = instructions(PROMPT);
    let stretch = |from: usize| &PROMPT[from..from + 160];
    for from in 0..40 {
        for before in 0..16 {
            let text = format!("{}: {}.", "So".repeat(before), stretch(from).to_uppercase());
            assert!(!of.cannot_stand_in(&text), "{text}");
        }
    }
    assert!(
        of.cannot_stand_in("The ferry leaves at 10:20, and again at 11 40; it costs 12 euros.")
    );
    // What could be encoded is read.
    for text in ["a \\u0041 b", "a %41%42 b", "a &#65; b", &"41 ".repeat(20), &"a".repeat(24), "é"]
    {
        assert!(!of.cannot_stand_in(text), "{text}");
    }
    assert!(of.cannot_stand_in(&"41 ".repeat(19)) && of.cannot_stand_in(&"a".repeat(23)));
    // Wherever they stand.
    for before in 0..200 {
        let behind = |text: &str| of.cannot_stand_in(&format!("{}{text}", "so ".repeat(before)));
        assert!(!behind(&"a".repeat(24)) && behind(&"a".repeat(23)), "{before}");
        assert!(!behind(&"a1 ".repeat(20)) && behind(&"a1\u{7f}".repeat(19)), "{before}");
        assert!(!behind("\\u0041") && !behind("\u{7f}%41") && behind("a\\b %"[..4].trim()));
        assert!(!behind(&format!("{}{}", "So".repeat(700), stretch(before % 40))), "{before}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let stretch = (0..PROMPT.len(), 1..200_usize).prop_map(|(from, long)| {
        PROMPT.get(from..(from + long).min(PROMPT.len())).unwrap_or_default().to_owned()
    });
    prop_oneof![
        stretch.clone(),
        stretch.clone().prop_map(|s| base64(&s)),
        stretch.clone().prop_map(|s| hex(&s, " ")),
        stretch.prop_map(|s| s.replace(' ', "%20")),
        "[ a-z\n]{0,30}",
        "[你是港口银行 ]{0,12}",
        "\\PC{0,12}",
    ]
}

proptest! {
    #[test]
    fn what_leaves_does_not_depend_on_where_the_text_was_cut(
        text in proptest::collection::vec(pieces(), 0..8).prop_map(|all| all.concat()),
        cuts in proptest::collection::vec(0..600_usize, 0..12),
    ) {
        let of = instructions(PROMPT);
        let (whole, leaks) = of.clean(&text, &Known::default());
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|at| text.is_char_boundary(*at)).collect();
        cuts.extend([0, text.len()]);
        cuts.retain(|at| *at <= text.len());
        cuts.sort_unstable();
        let mut filter = of.stream(&Known::default());
        let mut out = String::new();
        for pair in cuts.windows(2) {
            out.push_str(&filter.push(&text[pair[0]..pair[1]]));
        }
        let (rest, in_pieces) = filter.finish();
        out.push_str(&rest);
        prop_assert_eq!(&in_pieces, &leaks);
        prop_assert_eq!(out, whole.into_owned());
        for leak in leaks {
            prop_assert!(text.get(leak.span).is_some());
        }
    }

    #[test]
    fn what_is_left_of_a_text_holds_no_stretch_any_more(
        text in proptest::collection::vec(pieces(), 0..8).prop_map(|all| all.join(" ")),
    ) {
        let left = cleaned(PROMPT, &text);
        let parts: Vec<&str> = left.split(REMOVED).collect();
        for part in parts {
            prop_assert_eq!(leaks(PROMPT, part), []);
        }
    }
}
