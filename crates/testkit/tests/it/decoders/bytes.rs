//! Broken replies: tokens of JSON and of framings changed, cut, moved and repeated.

use allocation_counter::{AllocationInfo, measure};
use largestack_testkit::FoundReply;
use largestack_wire::embed::{EMBED_WIRES, EmbedCall, Purpose};
use largestack_wire::rerank::{RERANK_WIRES, RerankCall};
use largestack_wire::{Frame, Provider, Section, Target};
use proptest::prelude::*;
use proptest::sample::Index;

use super::corpus::CORPUS;
use super::sample::{Reading, in_pieces};

/// Memory that reading may hold at once for each byte that came in, and beside: the most that was
/// seen is 11 times. A few bytes of JSON (`{}`) are the smallest of each of our parts, and a buffer
/// that grows is twice as large.
const HELD: (u64, u64) = (40, 4 << 10);
/// The same for all that it ever allocates, of which 21 times was seen.
const MADE: (u64, u64) = (80, 8 << 10);

/// Whether reading this many bytes stayed within the bounds.
fn within(wire: &str, took: &AllocationInfo, bytes: usize) -> Result<(), TestCaseError> {
    let bytes = bytes as u64;
    for (what, used, (times, beside)) in
        [("held", took.bytes_max, HELD), ("made", took.bytes_total, MADE)]
    {
        let most = times * bytes + beside;
        prop_assert!(used <= most, "{wire}: {what} {used} for {bytes} bytes, of {most}");
    }
    Ok(())
}

/// What is put in the place of a token, or beside it.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1",
    "4294967295",
    "18446744073709551616",
    "1e999",
    "-0.0",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"a\"",
    "{}",
    "[]",
    "[{}]",
    "[[]]",
    "{\"a\":1,\"a\":2}",
    "\"text\"",
    "\"index\":3",
    "\"index\":4294967295",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    "\n\n",
    "\r\n",
    "data: ",
    "data:",
    "event: ",
    "event: error\n",
    ": c\n",
    "[DONE]",
    "\u{feff}",
    "\u{2028}",
    "\u{0}",
];

/// One way to break a reply.
#[derive(Clone, Debug)]
enum Change {
    /// A token becomes another.
    Token(Index, usize),
    /// Something is put before a token.
    Insert(Index, usize),
    /// From one token to the next one is missing.
    Cut(Index, Index),
    /// A stretch is there this many times.
    Repeat(Index, Index, usize),
    /// The rest is missing.
    End(Index),
    /// A bit falls over.
    Flip(Index, u8),
    /// Nests what follows.
    Nest(Index, usize, bool),
    /// Goes on as another reply.
    Splice(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let token = || 0..TOKENS.len();
    let at = any::<Index>;
    prop_oneof![
        6 => (at(), token()).prop_map(|(at, token)| Change::Token(at, token)),
        3 => (at(), token()).prop_map(|(at, token)| Change::Insert(at, token)),
        2 => (at(), at()).prop_map(|(from, to)| Change::Cut(from, to)),
        2 => (at(), at(), 2usize..40).prop_map(|(from, to, times)| Change::Repeat(from, to, times)),
        1 => at().prop_map(Change::End),
        1 => (at(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => (at(), 1usize..2_000, any::<bool>()).prop_map(|(at, n, list)| Change::Nest(at, n, list)),
        1 => (at(), at()).prop_map(|(at, other)| Change::Splice(at, other)),
    ]
}

/// Where tokens of JSON begin: strings, numbers, words and marks.
fn tokens(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut last = b' ';
    for (at, byte) in bytes.iter().enumerate() {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if !(byte.is_ascii_whitespace() || word(*byte) && word(last)) {
            starts.push(at);
        }
        last = *byte;
    }
    starts.push(bytes.len());
    starts.dedup();
    starts
}

/// The most that changes make of a reply.
const MOST: usize = 60_000;

fn broken(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let starts = tokens(&bytes);
        let place = |index: &Index| index.index(starts.len());
        let stretch = |a: &Index, b: &Index| {
            let (a, b) = (starts[place(a)], starts[place(b)]);
            a.min(b)..a.max(b)
        };
        match change {
            Change::Token(at, token) => {
                let at = place(at);
                let end = starts.get(at + 1).copied().unwrap_or(bytes.len());
                bytes.splice(starts[at]..end, TOKENS[*token].bytes());
            }
            Change::Insert(at, token) => {
                let at = starts[place(at)];
                bytes.splice(at..at, TOKENS[*token].bytes());
            }
            Change::Cut(from, to) => drop(bytes.drain(stretch(from, to))),
            Change::Repeat(from, to, times) => {
                let stretch = stretch(from, to);
                let piece = bytes[stretch.clone()].to_vec();
                let times = (*times).min(MOST / piece.len().max(1));
                bytes.splice(stretch.end..stretch.end, piece.repeat(times));
            }
            Change::End(at) => bytes.truncate(starts[place(at)]),
            Change::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Change::Flip(..) => {}
            Change::Nest(at, depth, list) => {
                let at = starts[place(at)];
                let opening: &[u8] = if *list { b"[" } else { b"{\"a\":" };
                bytes.splice(at..at, opening.repeat(*depth));
            }
            Change::Splice(at, other) => {
                let other = &CORPUS[other.index(CORPUS.len())].body;
                bytes.truncate(starts[place(at)]);
                bytes.extend_from_slice(&other[other.len() / 2..]);
            }
        }
        bytes.truncate(MOST);
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(change(), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn broken_bodies_in_any_pieces_are_read_within_bounds(
        which in any::<Index>(),
        changes in changes(),
        size in prop_oneof![Just(usize::MAX), 1usize..8, 8usize..4_000],
    ) {
        let sample = which.get(&CORPUS);
        let body = broken(sample.body.clone(), &changes);
        let took = in_pieces(sample, body.chunks(size));
        within(sample.wire, &took, body.len())?;
    }

    #[test]
    fn broken_frames_behind_good_framing_are_read_within_bounds(
        which in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), changes()), 1..4),
        order in prop::option::of((any::<Index>(), any::<Index>())),
    ) {
        let sample = which.get(&CORPUS);
        let mut frames = sample.frames();
        prop_assume!(!frames.is_empty());
        for (at, changes) in &changes {
            let at = at.index(frames.len());
            let data = &mut frames[at].1;
            *data = broken(std::mem::take(data), changes);
        }
        if let Some((one, other)) = order {
            let (one, other) = (one.index(frames.len()), other.index(frames.len()));
            frames.swap(one, other);
        }
        let size: usize = frames.iter().map(|(_, data)| data.len() + 16).sum();
        let (wire, target) = (sample.wire(), sample.target());
        let took = measure(|| {
            let mut reading = Reading::of(wire, sample.mode, &target);
            for (event, data) in &frames {
                reading.take(Frame { event: event.as_deref(), data });
            }
            reading.finish();
        });
        within(sample.wire, &took, size)?;
    }

    #[test]
    fn refusals_of_any_kind_become_errors_within_bounds(
        which in any::<Index>(),
        changes in changes(),
        status in 100u16..600,
        header in "[ -~]{0,20}",
    ) {
        let sample = which.get(&CORPUS);
        let body = broken(sample.body.clone(), &changes);
        let headers = ["retry-after", "date", "x-ratelimit-reset-requests"];
        let headers: Vec<_> =
            headers.iter().map(|name| ((*name).to_owned(), header.clone())).collect();
        let (wire, target) = (sample.wire(), sample.target());
        let took = measure(|| {
            let error = wire.fault(status, &headers, &body, &target);
            assert!(!error.to_string().is_empty());
        });
        within(sample.wire, &took, body.len())?;
    }

    #[test]
    fn broken_vectors_and_orders_are_read_within_bounds(
        changes in changes(),
        count in 1usize..40,
    ) {
        let texts: Vec<String> = (0..count).map(|n| format!("text {n}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for wire in EMBED_WIRES {
            let call = EmbedCall { texts: &texts, purpose: Purpose::Query, dimensions: None };
            let request = wire.encode(&call, &finder(Some(wire.name()), None)).unwrap();
            let body = FoundReply::default().body(&request.url, &request.body).to_vec();
            let body = broken(body, &changes);
            let took = measure(|| drop(wire.decode(&call, &body)));
            within(wire.name(), &took, body.len())?;
        }
        for wire in RERANK_WIRES {
            let call = RerankCall { query: "which?", documents: &texts, top: None };
            let request = wire.encode(&call, &finder(None, Some(wire.name()))).unwrap();
            let body = FoundReply::default().body(&request.url, &request.body).to_vec();
            let body = broken(body, &changes);
            let took = measure(|| drop(wire.decode(&call, &body)));
            within(wire.name(), &took, body.len())?;
        }
    }
}

fn finder(embed: Option<&str>, rerank: Option<&str>) -> Target {
    let section = Section {
        base_url: Some("http://localhost".to_owned()),
        embed: embed.map(str::to_owned),
        rerank: rerank.map(str::to_owned),
        ..Section::default()
    };
    Target::new(Provider::new("loopback").with(section).into(), "m")
}

#[test]
fn a_change_can_make_a_decoder_refuse_what_it_took_before() {
    let sample = CORPUS.iter().find(|sample| sample.wire == "openai-chat").unwrap();
    let whole = |bytes: &[u8]| {
        largestack_wire::decode(sample.wire(), sample.mode, &sample.target(), bytes).is_ok()
    };
    assert!(whole(&sample.body), "the corpus is good");
    let mut cut = sample.body.clone();
    cut[0] ^= 8;
    assert!(!whole(&cut), "what is broken is read as if it were good");
}
