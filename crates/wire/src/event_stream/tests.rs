use super::*;

type Seen = Vec<(Option<String>, Vec<u8>)>;

fn frames(pieces: &[&[u8]]) -> Result<Seen, DecodeError> {
    let mut parser = Parser::new();
    let mut seen = Vec::new();
    for piece in pieces {
        parser.push(piece, &mut |frame| {
            seen.push((frame.event.map(str::to_owned), frame.data.to_vec()));
        })?;
    }
    parser.finish()?;
    Ok(seen)
}

/// The message `{'foo':'bar'}` with one header, as the botocore and Smithy test suites publish it.
const PUBLISHED: &[u8] = &[
    0x00, 0x00, 0x00, 0x3d, 0x00, 0x00, 0x00, 0x20, 0x07, 0xfd, 0x83, 0x96, 0x0c, b'c', b'o', b'n',
    b't', b'e', b'n', b't', b'-', b't', b'y', b'p', b'e', 0x07, 0x00, 0x10, b'a', b'p', b'p', b'l',
    b'i', b'c', b'a', b't', b'i', b'o', b'n', b'/', b'j', b's', b'o', b'n', b'{', b'\'', b'f',
    b'o', b'o', b'\'', b':', b'\'', b'b', b'a', b'r', b'\'', b'}', 0x8d, 0x9c, 0x08, 0xb1,
];

#[test]
fn a_published_message_is_read_and_written() {
    assert_eq!(frames(&[PUBLISHED]).unwrap(), [(None, b"{'foo':'bar'}".to_vec())]);
    let ours = message(&[("content-type", "application/json")], b"{'foo':'bar'}");
    assert_eq!(ours, PUBLISHED);
}

#[test]
fn messages_are_the_same_at_any_split() {
    let mut body = message(&[(":message-type", "event"), (":event-type", "messageStart")], b"{}");
    body.extend(message(&[(":exception-type", "throttlingException")], b"{\"message\":\"x\"}"));
    body.extend(message(&[], b""));
    let whole = frames(&[&body]).unwrap();
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[0], (Some("messageStart".into()), b"{}".to_vec()));
    assert_eq!(whole[1].0.as_deref(), Some("throttlingException"));
    for at in 0..=body.len() {
        let (head, tail) = body.split_at(at);
        assert_eq!(frames(&[head, tail]).unwrap(), whole, "split at {at}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let good = message(&[(":event-type", "metadata")], b"{\"usage\":{}}");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(frames(&[&bad]).is_err(), "byte {at}");
    }
}

#[test]
fn half_a_message_is_a_truncated_stream() {
    let good = message(&[], b"abc");
    assert_eq!(frames(&[&good[..good.len() - 1]]).unwrap_err(), DecodeError::Truncated);
    assert!(frames(&[&good]).is_ok());
}

#[test]
fn a_message_may_not_claim_more_than_the_limit() {
    let claim = |total: u32| {
        let mut prelude = total.to_be_bytes().to_vec();
        prelude.extend(0u32.to_be_bytes());
        let sum = crc32fast::hash(&prelude);
        prelude.extend(sum.to_be_bytes());
        let mut parser = Parser::new();
        parser.push(&prelude, &mut |_| {})
    };
    let limit = u32::try_from(MAX_EVENT_BYTES).unwrap();
    assert_eq!(claim(limit), Ok(()));
    assert_eq!(claim(limit + 1), Err(DecodeError::EventTooLarge { limit: MAX_EVENT_BYTES }));
    assert!(matches!(claim(15), Err(DecodeError::Malformed { .. })));
    assert_eq!(claim(16), Ok(()));
}
