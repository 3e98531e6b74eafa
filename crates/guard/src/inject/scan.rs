//! What a window of folded text shows.

use std::ops::Range;

use super::Channel;
use super::address::{Address, addressed, first, last};
use super::fold::Folded;
use super::lexicon::{Hit, LEXICON, TONGUE, Tongue};
use super::relate::{Said, related};
use super::signal::{Signal, Signals, Trait, Way};

/// Concepts that are worth the question whether they are given as an order.
const ORDERS: [&str; 10] = [
    "override", "act", "reveal", "onlysay", "role", "obey", "encode", "secrecy", "newtask", "rate",
];
/// What may be spoken to.
const MACHINES: [&str; 2] = ["ai", "machine"];
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

/// What names of tools follow.
const DOING: [&str; 4] = ["act", "obey", "tool", "reveal"];
/// How far behind, bytes.
const NAMED_WITHIN: usize = 48;

/// Opening quotation marks with those that close them.
const QUOTES: [(char, &[char]); 5] =
    [('«', &['»']), ('„', &['“', '”']), ('“', &['”']), ('「', &['」']), ('『', &['』'])];
/// Concepts of whoever speaks about an attack.
const TELLING: [&str; 3] = ["lecture", "report", "quoting"];
/// How far from a quotation, bytes.
const TOLD_WITHIN: usize = 160;
/// Longest quotation, bytes.
const QUOTED: usize = 400;

/// The stems of a text, and who may ask for windows of it.
pub(super) struct Scan<'t> {
    text: &'t str,
    hits: Vec<Hit>,
    /// Where words stand that tell a language.
    tongues: Vec<(usize, Tongue)>,
    quotes: Vec<Range<usize>>,
    identifiers: Vec<Range<usize>>,
    /// It speaks of attacks, tests or stories somewhere.
    teaches: bool,
}

impl<'t> Scan<'t> {
    pub(super) fn of(folded: &'t Folded, channel: Channel) -> Self {
        let text = folded.text.as_str();
        let mut hits = LEXICON.hits(text);
        let is_tongue = |hit: &&Hit| hit.concept == TONGUE;
        let tongues = hits.iter().filter(is_tongue).map(|hit| (hit.span.start, hit.tongue));
        let mut scan = Self {
            text,
            tongues: tongues.collect(),
            hits: Vec::new(),
            quotes: Vec::new(),
            identifiers: Vec::new(),
            teaches: hits.iter().any(|hit| LEXICON.names.get(hit.concept) == Some(&"lecture")),
        };
        hits.retain(|hit| !is_tongue(&hit) && !named(text, hit, &folded.identifiers));
        if tells(hits.iter()) {
            scan.hits = hits;
            scan.quotes = quotations(text, channel == Channel::Data);
            if channel == Channel::Data {
                let told = |quote: &Range<usize>| scan.is_told_of(quote);
                let quotes = scan.quotes.iter().filter(|quote| told(quote)).cloned().collect();
                scan.quotes = quotes;
            }
            scan.identifiers.clone_from(&folded.identifiers);
        }
        scan
    }

    /// Whether the line speaks of what it quotes, as of an attack or an example: somebody else's line that only
    /// puts marks around an order gives it.
    fn is_told_of(&self, quote: &Range<usize>) -> bool {
        let before = last(self.text.get(..quote.start).unwrap_or_default(), TOLD_WITHIN);
        let before = before.rsplit('\n').next().unwrap_or_default().len();
        let after = first(self.text.get(quote.end..).unwrap_or_default(), TOLD_WITHIN);
        let after = after.split('\n').next().unwrap_or_default().len();
        let line = quote.start - before..quote.end + after;
        let from = self.hits.partition_point(|hit| hit.span.start < line.start);
        let near = self.hits.get(from..).unwrap_or_default().iter();
        near.take_while(|hit| hit.span.start < line.end).any(|hit| {
            let tells = LEXICON.names.get(hit.concept).is_some_and(|name| TELLING.contains(name));
            tells && !quote.contains(&hit.span.start)
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    /// The signals of a window; `None` when it says too little to be an attack.
    pub(super) fn signals(&self, span: Range<usize>, whole: bool) -> Option<Signals> {
        let hits = self.within(&span);
        if !tells(hits.iter().copied()) {
            return None;
        }
        let mut signals = Signals::default();
        let window = self.text.get(span.clone())?;
        let quotes = overlapping(&self.quotes, &span);
        let mut said = Vec::with_capacity(hits.len());
        let is_machine =
            |hit: &&Hit| LEXICON.names.get(hit.concept).is_some_and(|name| MACHINES.contains(name));
        let machines = hits.iter().copied().any(|hit| is_machine(&hit));
        for &hit in &hits {
            let name = LEXICON.names.get(hit.concept).copied().unwrap_or_default();
            let place = || Some(hit.span.clone());
            let inside = quotes.iter().any(|quote| quote.contains(&hit.span.start));
            if LEXICON.is_silent(hit.concept) {
                let ordered = machines && self.begins_a_clause(span.start, hit.span.start);
                if !inside {
                    said.push(Said { hit, ordered, address: Address::None });
                }
                continue;
            }
            signals.show(Signal::of(hit.concept, Way::Present), place());
            let is_order = ORDERS.contains(&name);
            let ordered = is_order
                && (self.begins_a_clause(span.start, hit.span.start)
                    || self.ends_as_an_order(&hit.span, span.end));
            if ordered {
                signals.show(Signal::of(hit.concept, Way::Order), place());
            }
            if !quotes.is_empty() && (is_order || TOLD.contains(&name)) {
                let way = if inside { Way::Quoted } else { Way::Unquoted };
                signals.show(Signal::of(hit.concept, way), place());
            }
            let address = if MACHINES.contains(&name) {
                addressed(self.text, &mut signals, &span, &hit.span)
            } else {
                Address::None
            };
            if !inside {
                said.push(Said { hit, ordered, address });
            }
        }
        related(self.text, &said, &mut signals);
        let (at_end, order_within) = (orders_at_end(window), orders_within(window));
        let hears = said.iter().find(|said| said.address == Address::Called);
        if let Some(hears) = hears.filter(|_| at_end || order_within) {
            signals.show(Signal::trait_of(Trait::Bids), Some(hears.hit.span.clone()));
        }
        let speakers = hits.iter().filter(|hit| LEXICON.names.get(hit.concept) == Some(&"speaker"));
        let shown = [
            (Trait::Quotes, !quotes.is_empty()),
            (Trait::Question, window.contains(['?', '؟'])),
            (Trait::OrderAtEnd, at_end),
            (Trait::OrderWithin, order_within),
            (Trait::Taught, self.teaches && !quotes.is_empty()),
            (Trait::Identifier, self.uses_a_name(&hits, &span)),
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

    /// The stems in a window, of the languages that it is written in.
    fn within(&self, span: &Range<usize>) -> Vec<&Hit> {
        let from = self.hits.partition_point(|hit| hit.span.start < span.start);
        let to = self.hits.partition_point(|hit| hit.span.start < span.end);
        let all = self.hits.get(from..to).unwrap_or_default();
        let written = |tongue: Tongue| {
            let from = self.tongues.partition_point(|(at, _)| *at < span.start);
            let to = self.tongues.partition_point(|(at, _)| *at < span.end);
            if self
                .tongues
                .get(from..to)
                .is_some_and(|near| near.iter().any(|(_, of)| *of == tongue))
            {
                return true;
            }
            let count = |of: Tongue| {
                let mut starts: Vec<usize> =
                    all.iter().filter(|hit| hit.tongue == of).map(|hit| hit.span.start).collect();
                starts.dedup();
                starts.len()
            };
            let own = count(tongue);
            own > 1 && own > count(Tongue::Any)
        };
        let foreign = [Tongue::Romance, Tongue::German].map(|tongue| {
            (tongue, !all.iter().any(|hit| hit.tongue == tongue) || !written(tongue))
        });
        let reads = |hit: &&Hit| !foreign.contains(&(hit.tongue, true));
        all.iter().filter(reads).collect()
    }

    /// Whether a name as of a tool follows soon on what is to be done.
    fn uses_a_name(&self, hits: &[&Hit], span: &Range<usize>) -> bool {
        let doing =
            |hit: &&&Hit| LEXICON.names.get(hit.concept).is_some_and(|name| DOING.contains(name));
        let names = overlapping(&self.identifiers, span);
        names.iter().any(|name| {
            let before = |hit: &&Hit| {
                hit.span.start <= name.start && name.start - hit.span.start <= NAMED_WITHIN
            };
            hits.iter().filter(doing).any(before)
        })
    }

    /// Whether what stands here ends a clause as orders of Japanese and Hindi do, which come last.
    fn ends_as_an_order(&self, hit: &Range<usize>, end: usize) -> bool {
        if self.text.get(hit.clone()).is_none_or(str::is_ascii) {
            return false;
        }
        let rest = first(self.text.get(hit.start..end).unwrap_or_default(), 24);
        let ends = |c: char| "、,。।.!;:\n".contains(c);
        let clause = rest.split(ends).next().unwrap_or_default();
        let clause = clause.split(" और ").next().unwrap_or(clause).trim_end();
        let last = clause.len() == rest.trim_end().len();
        ORDER_WITHIN.iter().any(|ending| clause.ends_with(ending))
            || !last && ORDER_ENDS.iter().any(|ending| clause.ends_with(ending))
            || last && rest.len() < 72 && orders_at_end(clause)
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
}

/// Whether it could be an attack: it takes two concepts to say one.
fn tells<'h>(hits: impl Iterator<Item = &'h Hit>) -> bool {
    let mut hits = hits.filter(|hit| !LEXICON.is_silent(hit.concept));
    hits.next().is_some_and(|first| hits.any(|hit| hit.concept != first.concept))
}

/// Whether a word is only a name here, as of a role, a key or a folder: alone between quotation marks of
/// a program, in a path, or in a name of two or three words.
fn named(text: &str, hit: &Hit, identifiers: &[Range<usize>]) -> bool {
    if hit.concept >= LEXICON.words {
        return false;
    }
    let opens = text.get(..hit.span.start).and_then(|before| before.chars().next_back());
    if opens.is_some_and(|mark| "\"'`/[.:".contains(mark)) {
        let rest = text.get(hit.span.end..).unwrap_or_default();
        let rest = first(rest, 16).trim_start_matches(char::is_alphanumeric);
        if rest.starts_with(['"', '\'', '`', '/', ']']) || rest.starts_with("::") {
            return true;
        }
    }
    let inside = overlapping(identifiers, &hit.span).first();
    inside.is_some_and(|name| {
        let short = text.get(name.clone()).is_some_and(|name| name.matches(' ').count() < 3);
        let acts = LEXICON.names.get(hit.concept).is_some_and(|name| DOING.contains(name));
        short && !acts && name.contains(&hit.span.start)
    })
}

/// Of spans in order that do not overlap each other, those that overlap one.
fn overlapping<'s>(spans: &'s [Range<usize>], with: &Range<usize>) -> &'s [Range<usize>] {
    let from = spans.partition_point(|span| span.end <= with.start);
    let to = spans.partition_point(|span| span.start < with.end);
    spans.get(from..to.max(from)).unwrap_or_default()
}

fn last_word(text: &str) -> &str {
    last(text, 16).rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default()
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

/// What somebody quotes within something of their own: not the strings of a program or of data, and not a
/// line that is nothing but a quotation, which says of itself what it says.
fn quotations(text: &str, data: bool) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut until = 0;
    for (at, letter) in text.char_indices() {
        if at < until {
            continue;
        }
        let before = || text.get(..at).unwrap_or_default();
        let closing: &[char] = match QUOTES.iter().find(|(open, _)| *open == letter) {
            Some((_, closing)) => closing,
            None if letter == '"' && is_spoken(before(), data) => &['"'],
            None => continue,
        };
        if !is_within_a_line(before()) {
            continue;
        }
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

/// Whether a straight quotation mark behind this is one as people write it.
fn is_spoken(before: &str, data: bool) -> bool {
    let near = last(before, 32);
    let word = near.trim_end_matches(' ');
    let Some(mark) = word.chars().next_back() else { return false };
    if word.len() == near.len() {
        // Of scripts without spaces.
        return !mark.is_ascii();
    }
    let word_before = || last_word(word.trim_end_matches(mark));
    match mark {
        ',' => {
            let word = word_before();
            word.ends_with(char::is_alphabetic) && !matches!(word, "true" | "false" | "null")
        }
        ':' => !data && word_before().ends_with(char::is_alphabetic),
        mark => mark.is_alphabetic() || ".?!—–".contains(mark) || !mark.is_ascii(),
    }
}

/// Whether something was said in the line before.
fn is_within_a_line(before: &str) -> bool {
    let line = last(before, 200).rsplit('\n').next().unwrap_or_default();
    line.contains(char::is_alphabetic)
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
