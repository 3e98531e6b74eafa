//! What a window of folded text shows.

use std::ops::Range;

use super::fold::Folded;
use super::lexicon::{Hit, LEXICON};
use super::signal::{Signal, Signals, Trait, Way};

/// Concepts that are worth the question whether they are given as an order.
const ORDERS: [&str; 9] =
    ["override", "act", "reveal", "onlysay", "role", "obey", "encode", "secrecy", "newtask"];
/// Others that tell a quoted attack from one.
const TOLD: [&str; 2] = ["rules", "prompt"];

/// Words after which a verb is an order still.
const JOINING: [&str; 29] = [
    "and",
    "then",
    "please",
    "also",
    "now",
    "must",
    "should",
    "to",
    "don't",
    "not",
    "y",
    "e",
    "et",
    "puis",
    "und",
    "dann",
    "bitte",
    "и",
    "затем",
    "или",
    "по",
    "же",
    "por",
    "favor",
    "और",
    "फिर",
    "ثم",
    "o",
    "und",
];

/// Words before whom somebody addresses.
const ADDRESSING: [&str; 52] = [
    "to",
    "for",
    "dear",
    "hey",
    "hi",
    "any",
    "every",
    "all",
    "you",
    "are",
    "an",
    "para",
    "a",
    "querido",
    "querida",
    "eres",
    "à",
    "l'",
    "pour",
    "cher",
    "chere",
    "tout",
    "toute",
    "es",
    "die",
    "fur",
    "liebe",
    "lieber",
    "hallo",
    "du",
    "caro",
    "ao",
    "as",
    "se",
    "к",
    "для",
    "уважаемый",
    "уважаемая",
    "дорогой",
    "дорогая",
    "ты",
    "эй",
    "الي",
    "علي",
    "ايها",
    "عزيزي",
    "يا",
    "اي",
    "प्रिय",
    "हे",
    "सुनो",
    "यदि",
];
/// The same where words are not set apart.
const ADDRESSING_UNSPACED: [&str; 11] =
    ["致", "给", "請", "请", "亲爱的", "尊敬的", "各位", "所有", "如果你是", "任何", "親愛なる"];

/// How Japanese and Hindi sentences end that order something.
const ORDER_ENDS: [&str; 36] = [
    "せよ",
    "しろ",
    "なさい",
    "して",
    "ください",
    "下さい",
    "すること",
    "くれ",
    "るな",
    "うな",
    "って",
    "いて",
    "んで",
    "けて",
    "せて",
    "れて",
    "めて",
    "え",
    "け",
    "せ",
    "れ",
    "ो",
    "ना",
    "ाओ",
    "दो",
    "लो",
    "करें",
    "दें",
    "कीजिए",
    "दीजिए",
    "जाए",
    "せる",
    "させろ",
    "べし",
    "こと",
    "रखना",
];
/// The same before a comma.
const ORDER_WITHIN: [&str; 16] = [
    "せよ",
    "しろ",
    "なさい",
    "して",
    "ください",
    "すること",
    "くれ",
    "ओ",
    "दो",
    "करो",
    "लो",
    "रखो",
    "करें",
    "दें",
    "させて",
    "せず",
];

/// Opening quotation marks with those that close them.
const QUOTES: [(char, &[char]); 5] =
    [('«', &['»']), ('„', &['“', '”']), ('“', &['”']), ('「', &['」']), ('『', &['』'])];
/// Longest quotation, bytes.
const QUOTED: usize = 400;

/// The stems of a text, and who may ask for windows of it.
pub(super) struct Scan<'t> {
    text: &'t str,
    hits: Vec<Hit>,
    quotes: Vec<Range<usize>>,
    identifiers: Vec<Range<usize>>,
}

impl<'t> Scan<'t> {
    pub(super) fn of(folded: &'t Folded) -> Self {
        let text = folded.text.as_str();
        let hits = LEXICON.hits(text);
        if !tells(&hits) {
            let (hits, quotes, identifiers) = (Vec::new(), Vec::new(), Vec::new());
            return Self { text, hits, quotes, identifiers };
        }
        Self { text, hits, quotes: quotations(text), identifiers: folded.identifiers.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// The signals of a window; `None` when it says too little to be an attack.
    pub(super) fn signals(&self, span: Range<usize>, whole: bool) -> Option<Signals> {
        let hits = self.within(&span);
        if !tells(hits) {
            return None;
        }
        let mut signals = Signals::default();
        let window = self.text.get(span.clone())?;
        let quotes = overlapping(&self.quotes, &span);
        for hit in hits {
            let name = LEXICON.names.get(hit.concept).copied().unwrap_or_default();
            let place = || Some(hit.span.clone());
            signals.show(Signal::of(hit.concept, Way::Present), place());
            let is_order = ORDERS.contains(&name);
            if is_order && self.begins_a_clause(span.start, hit.span.start) {
                signals.show(Signal::of(hit.concept, Way::Order), place());
            }
            if !quotes.is_empty() && (is_order || TOLD.contains(&name)) {
                let inside = quotes.iter().any(|q| q.contains(&hit.span.start));
                let way = if inside { Way::Quoted } else { Way::Unquoted };
                signals.show(Signal::of(hit.concept, way), place());
            }
            if name == "ai" {
                self.addressed(&mut signals, &span, &hit.span);
            }
        }
        together(&mut signals, hits, quotes);
        let speakers = hits.iter().filter(|hit| LEXICON.names.get(hit.concept) == Some(&"speaker"));
        let shown = [
            (Trait::Quotes, !quotes.is_empty()),
            (Trait::Question, window.contains(['?', '؟'])),
            (Trait::OrderAtEnd, orders_at_end(window)),
            (Trait::OrderWithin, orders_within(window)),
            (Trait::Identifier, !overlapping(&self.identifiers, &span).is_empty()),
            (Trait::Address, has_address(window)),
            (Trait::Query, has_query(window)),
            (Trait::Placeholder, has_placeholder(window)),
            (Trait::Turns, speakers.count() >= 3),
            (Trait::Whole, whole),
        ];
        for (one, _) in shown.into_iter().filter(|(_, holds)| *holds) {
            signals.show(Signal::trait_of(one), None);
        }
        Some(signals)
    }

    fn within(&self, span: &Range<usize>) -> &[Hit] {
        let from = self.hits.partition_point(|hit| hit.span.start < span.start);
        let to = self.hits.partition_point(|hit| hit.span.start < span.end);
        self.hits.get(from..to).unwrap_or_default()
    }

    /// Whether what begins here begins a sentence, a clause, a cell, a comment, or follows an "and".
    fn begins_a_clause(&self, start: usize, at: usize) -> bool {
        let before = last(self.text.get(start..at).unwrap_or_default(), 64);
        let opened = |c: char| c.is_whitespace() || "\"'«„“「『(¡¿*[<".contains(c);
        let before = before.trim_end_matches(opened);
        let Some(last) = before.chars().next_back() else { return true };
        ".!?:;,、，。!-–—>#|/=؟،)।并请再就后而وف".contains(last)
            || JOINING.contains(&last_word(before))
    }

    /// How the assistant is spoken to, if it is.
    fn addressed(&self, signals: &mut Signals, window: &Range<usize>, ai: &Range<usize>) {
        let after = self.text.get(ai.end..window.end).unwrap_or_default();
        let (after, before) =
            (first(after, 64), last(self.text.get(window.start..ai.start).unwrap_or_default(), 64));
        let mut show = |one| signals.show(Signal::trait_of(one), Some(ai.clone()));
        if called(after) {
            show(Trait::Called);
        }
        let clause = after.split(['.', '!', '?', '。']).next().unwrap_or_default();
        if clause.contains(':') {
            show(Trait::Announced);
        }
        let mut words = before.trim_end().rsplit(|c: char| c.is_whitespace()).take(3);
        let tail = last(before, 9);
        if words.any(|word| {
            ADDRESSING.contains(&word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\''))
        }) || ADDRESSING_UNSPACED.iter().any(|word| tail.contains(word))
        {
            show(Trait::Addressed);
        }
        let opened = |c: char| c.is_whitespace() || "\"'«„“「(*<!-#/[".contains(c);
        let led = before.trim_end_matches(opened).chars().next_back();
        if led.is_none_or(|last| ".!?:;([\">-–—#*/=|。(।".contains(last)) {
            show(Trait::Leads);
        }
        if ["は", "よ", "へ", "に告", "、", "宛"].iter().any(|particle| after.starts_with(particle))
        {
            show(Trait::Topic);
        }
    }
}

/// Whether it could be an attack: it takes two concepts to say one.
fn tells(hits: &[Hit]) -> bool {
    hits.first().is_some_and(|first| hits.iter().any(|hit| hit.concept != first.concept))
}

/// Concepts that say together what none of them says alone. What is quoted is told, not meant.
fn together(signals: &mut Signals, hits: &[Hit], quotes: &[Range<usize>]) {
    let meant = |hit: &&Hit| !quotes.iter().any(|quote| quote.contains(&hit.span.start));
    let place = |names: &[&str]| {
        hits.iter()
            .filter(meant)
            .find(|hit| LEXICON.names.get(hit.concept).is_some_and(|name| names.contains(name)))
            .map(|hit| hit.span.clone())
    };
    let ordered = |name: &str| {
        let concept = LEXICON.names.iter().position(|known| *known == name);
        concept.is_some_and(|concept| signals.has(Signal::of(concept, Way::Order)))
    };
    let [overriding, rules, prompt, whose] =
        [&["override"][..], &["rules", "prompt"], &["prompt"], &["prior", "yours"]].map(place);
    let [reveal, verbatim, ai, act] =
        [&["reveal"][..], &["verbatim", "prior", "yours"], &["ai"], &["act"]].map(place);
    let [silent, role, free, newtask, instead] = [
        &["secrecy", "unasked"][..],
        &["role", "newtask"],
        &["free"],
        &["newtask", "override"],
        &["onlysay", "obey"],
    ]
    .map(place);
    let orders = ORDERS.iter().any(|name| ordered(name));
    let found = [
        (Trait::Overrides, overriding.filter(|_| rules.is_some() && whose.is_some())),
        (Trait::Leaks, reveal.filter(|_| prompt.is_some() && verbatim.is_some())),
        (Trait::Commands, ai.clone().filter(|_| orders)),
        (Trait::Unseen, silent.filter(|_| act.is_some() || ai.is_some())),
        (Trait::Unbinds, free.filter(|_| role.is_some())),
        (Trait::Replaces, newtask.filter(|_| instead.is_some() && ai.is_some())),
    ];
    for (one, place) in found.into_iter().filter(|(_, place)| place.is_some()) {
        signals.show(Signal::trait_of(one), place);
    }
}

/// Of spans in order that do not overlap each other, those that overlap one.
fn overlapping<'s>(spans: &'s [Range<usize>], with: &Range<usize>) -> &'s [Range<usize>] {
    let from = spans.partition_point(|span| span.end <= with.start);
    let to = spans.partition_point(|span| span.start < with.end);
    spans.get(from..to.max(from)).unwrap_or_default()
}

/// At most so many characters from the start: what is asked of every stem is asked of a bounded
/// piece, so that a text without spaces costs no more than any other.
fn first(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The same from the end.
fn last(text: &str, most: usize) -> &str {
    let at = most.checked_sub(1).and_then(|back| text.char_indices().rev().nth(back));
    at.and_then(|(at, _)| text.get(at..)).unwrap_or(text)
}

fn last_word(text: &str) -> &str {
    last(text, 16).rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default()
}

/// The rest of a word, at most two more, and then a comma, a colon or a dash.
fn called(after: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '\'' || c == '’' || c == '-';
    let mut rest = after.trim_start_matches(word);
    for _ in 0..2 {
        let next = rest.trim_start();
        if next.len() == rest.len() || !next.starts_with(word) {
            break;
        }
        rest = next.trim_start_matches(word);
    }
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "\"*)".contains(c));
    rest.starts_with([':', ',', '、', '،', '—', '–'])
}

fn orders_at_end(window: &str) -> bool {
    let end = window.trim_end_matches(|c: char| c.is_whitespace() || "。」)!।\".".contains(c));
    ORDER_ENDS.iter().any(|ending| end.ends_with(ending))
}

fn orders_within(window: &str) -> bool {
    window
        .split(['、', ',', '。', '।'])
        .rev()
        .skip(1)
        .any(|clause| ORDER_WITHIN.iter().any(|ending| clause.trim_end().ends_with(ending)))
}

/// Spans in quotation marks that are not those of a programming language.
fn quotations(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut until = 0;
    let mut before = None;
    for (at, letter) in text.char_indices() {
        let last = before.replace(letter);
        if at < until {
            continue;
        }
        let closing: &[char] = match QUOTES.iter().find(|(open, _)| *open == letter) {
            Some((_, closing)) => closing,
            None if letter == '"' && last == Some(' ') => &['"'],
            None => continue,
        };
        let from = at + letter.len_utf8();
        let rest = text.get(from..).unwrap_or_default();
        let near = rest.char_indices().take_while(|(near, _)| *near < QUOTED);
        let end = near.into_iter().find(|(_, c)| closing.contains(c)).map(|(end, _)| from + end);
        if let Some(end) = end {
            spans.push(from..end);
            until = end;
        }
    }
    spans
}

fn has_address(window: &str) -> bool {
    window.split(|c: char| c.is_whitespace() || "\"'<>(),;".contains(c)).any(|word| {
        word.split_once('@').is_some_and(|(name, host)| {
            name.ends_with(char::is_alphanumeric)
                && host.split_once('.').is_some_and(|(host, zone)| {
                    host.starts_with(char::is_alphanumeric) && zone.starts_with(char::is_alphabetic)
                })
        })
    })
}

fn has_query(window: &str) -> bool {
    window.split(|c: char| c.is_whitespace() || "\"'<>)".contains(c)).any(|word| {
        word.find("://")
            .and_then(|at| word.get(at..))
            .and_then(|link| link.split_once('?'))
            .is_some_and(|(_, query)| query.contains('='))
    })
}

fn has_placeholder(window: &str) -> bool {
    window.split('{').skip(1).any(|rest| {
        rest.split_once('}').is_some_and(|(inside, _)| {
            (2..=120).contains(&inside.len()) && !inside.contains(['"', '\n', '{'])
        })
    })
}
