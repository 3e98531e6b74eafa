use proptest::prelude::*;

use super::*;

type Event = (Option<String>, Vec<u8>);

fn events(parser: &mut Parser, chunks: &[&[u8]]) -> Result<Vec<Event>, DecodeError> {
    let mut events = Vec::new();
    let mut take =
        |frame: Frame<'_>| events.push((frame.event.map(str::to_owned), frame.data.to_vec()));
    for chunk in chunks {
        parser.push(chunk, &mut take)?;
    }
    parser.finish(&mut take)?;
    Ok(events)
}

fn whole(text: &[u8]) -> Vec<Event> {
    events(&mut Parser::new(), &[text]).unwrap()
}

fn data(texts: &[&str]) -> Vec<Event> {
    texts.iter().map(|text| (None, text.as_bytes().to_vec())).collect()
}

#[test]
fn every_kind_of_line_end_ends_a_line() {
    for end in ["\n", "\r", "\r\n"] {
        let text = ["data: a", "", "data:b", "", ""].join(end);
        assert_eq!(whole(text.as_bytes()), data(&["a", "b"]), "{end:?}");
    }
}

#[test]
fn several_data_lines_are_one_event_and_comments_are_none() {
    assert_eq!(whole(b": hi\ndata: a\n: there\ndata:  b\ndata\n\n"), data(&["a\n b\n"]));
    assert_eq!(whole(b": PROCESSING\n\n: PROCESSING\n\n"), data(&[]));
}

#[test]
fn an_event_has_its_name_and_the_next_has_not() {
    let got = whole(b"event: error\ndata: x\nid: 7\nretry: 3\n\nevent: lost\n\ndata: y\n\n");
    assert_eq!(got, [(Some("error".into()), b"x".to_vec()), (None, b"y".to_vec())]);
}

#[test]
fn a_byte_order_mark_at_the_start_is_no_part_of_a_name() {
    assert_eq!(whole(b"\xEF\xBB\xBFdata: a\n\n"), data(&["a"]));
    assert_eq!(whole(b"\n\xEF\xBB\xBFdata: a\n\n"), data(&[]));
}

#[test]
fn an_event_cut_off_by_the_end_is_handed_over() {
    assert_eq!(whole(b"data: a\n\ndata: b"), data(&["a", "b"]));
    assert_eq!(whole(b"data: a\n"), data(&["a"]));
    assert_eq!(whole(b""), data(&[]));
}

#[test]
fn the_limit_holds_for_a_line_and_for_an_event() {
    let mut parser = Parser::with_limit(8);
    assert_eq!(events(&mut parser, &[b"data: ab\n\n"]).unwrap(), data(&["ab"]));
    let too_large = Err(DecodeError::EventTooLarge { limit: 8 });
    assert_eq!(events(&mut Parser::with_limit(8), &[b"data: abc\n\n"]), too_large);
    assert_eq!(events(&mut Parser::with_limit(8), &[b"data: ", b"abc"]), too_large);
    let lines = |last: &str| format!("data:abc\ndata:abc\ndata:{last}\n\n");
    assert_eq!(whole(lines("").as_bytes()), data(&["abc\nabc\n"]));
    assert!(events(&mut Parser::with_limit(8), &[lines("").as_bytes()]).is_ok());
    assert_eq!(events(&mut Parser::with_limit(8), &[lines("a").as_bytes()]), too_large);
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events_as_the_whole(
        lines in prop::collection::vec("(data|event|id|)(: ?|)[a\u{e9}\u{1F600}:]{0,6}(\n|\r|\r\n)|\n|\r\n", 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let text = lines.concat().into_bytes();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        places.sort_unstable();
        let mut chunks = Vec::new();
        let mut rest = &text[..];
        let mut taken = 0;
        for place in places {
            let (chunk, tail) = rest.split_at(place - taken);
            chunks.push(chunk);
            rest = tail;
            taken = place;
        }
        chunks.push(rest);
        let bytewise: Vec<&[u8]> = text.chunks(1).collect();
        let expected = whole(&text);
        prop_assert_eq!(&events(&mut Parser::new(), &chunks).unwrap(), &expected);
        prop_assert_eq!(&events(&mut Parser::new(), &bytewise).unwrap(), &expected);
    }

    #[test]
    fn any_bytes_at_all_are_survived_and_split_alike(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), any::<u8>()], 0..64),
        cut in any::<prop::sample::Index>(),
    ) {
        let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
        prop_assert_eq!(events(&mut Parser::new(), &[head, tail]).unwrap(), whole(&bytes));
    }
}
