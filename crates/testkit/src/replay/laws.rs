//! The laws, one after the other, over the exchanges of one recording.

use largestack_types::reply::Reply;
use largestack_wire::{Accumulator, DecodeError, Frames, Mode, Outcome, Wire};
use serde_json::Value;

use super::counts::{self, Said};
use super::exchange::Exchange;
use super::history;
use super::report::Report;
use super::row::{self, Row};
use super::seen;

/// Bodies up to this many bytes are also cut in two at every byte.
const CUT_IN_TWO: usize = 4 << 10;

/// A law that did not hold: the place in the exchange, and what is wrong there.
pub(super) type Broken = (String, String);

pub(super) fn check(recording: &str, exchanges: &[Exchange], report: &mut Report) {
    let mut before: Option<(&Exchange, Row, Option<Reply>)> = None;
    for exchange in exchanges {
        let Some(row) = row::of(exchange) else {
            report.skipped += 1;
            continue;
        };
        let name = row.target.provider.name.clone();
        let mut broken = Vec::new();
        let reply = one(exchange, &row, &mut broken);
        let mut edited = None;
        let mut seen = seen::of(history::read(exchange, &row).as_ref(), reply.as_ref(), row.mode);
        if exchange.request.is_object() {
            history::requests(exchange, &row, &mut broken);
            if let Some((earlier, earlier_row, Some(reply))) = &before
                && earlier_row.target.provider.wire == row.target.provider.wire
            {
                let earlier = (*earlier, mode(earlier, earlier_row));
                edited = history::continues(earlier, reply, exchange, &row, &mut broken);
                if edited.is_none() {
                    seen.insert("history");
                }
            }
        }
        if broken.is_empty() {
            report.saw(&name, seen);
        }
        report.took(&name, recording, exchange.index, broken, edited.is_some());
        before = Some((exchange, row, reply));
    }
}

/// The reply or the error of one exchange.
fn one(exchange: &Exchange, row: &Row, broken: &mut Vec<Broken>) -> Option<Reply> {
    let Ok(wire) = row.target.wire() else { return None };
    if !(200..300).contains(&exchange.status) {
        error(exchange, row, wire, broken);
        return None;
    }
    let mode = mode(exchange, row);
    let outcome = match decode(wire, row, mode, [&exchange.body[..]]) {
        Ok(outcome) => outcome,
        Err(_) if !is_reply(wire.name(), mode, &exchange.body) => return None,
        Err(error) => {
            broken.push(("/response".into(), error.to_string()));
            return None;
        }
    };
    let values = counts::values(wire.framing(mode), &exchange.body);
    says(&outcome, &counts::said(wire.name(), mode, &values), broken);
    if mode == Mode::Stream {
        split(exchange, row, wire, &outcome, broken);
    }
    Some(outcome.reply)
}

/// Whether a body holds a reply at all. A page or a JSON object of something else must be refused,
/// and is.
fn is_reply(wire: &str, mode: Mode, body: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return mode == Mode::Stream };
    let keys: &[&str] = match wire {
        "openai-chat" => &["choices", "error"],
        "openai-responses" => &["output", "error"],
        "gemini" => &["candidates", "promptFeedback", "error"],
        "bedrock-converse" => &["output"],
        "cohere-v2" | "ollama" => &["message"],
        _ => &["content"],
    };
    keys.iter().any(|key| value.get(key).is_some_and(|value| !value.is_null()))
}

/// As it was asked for, unless the body shows that the provider answered otherwise.
fn mode(exchange: &Exchange, row: &Row) -> Mode {
    let whole = exchange.body.trim_ascii_start().first() == Some(&b'{');
    let lines = row.target.provider.wire == "ollama";
    if row.mode == Mode::Stream && whole && !lines { Mode::Whole } else { row.mode }
}

fn decode<'b>(
    wire: &dyn Wire,
    row: &Row,
    mode: Mode,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<Outcome, DecodeError> {
    let mut decoder = wire.decoder(mode, &row.target);
    let mut accumulator = Accumulator::new();
    let mut frames = Frames::new(wire.framing(mode));
    let mut failed = Ok(());
    let mut take = |frame: largestack_wire::Frame<'_>| {
        if failed.is_ok() {
            failed = decoder.push(frame, &mut |event| accumulator.push(&event));
        }
    };
    for piece in pieces {
        frames.push(piece, &mut take)?;
    }
    frames.finish(&mut take)?;
    failed?;
    decoder.finish(&mut |event| accumulator.push(&event))?;
    Ok(accumulator.finish())
}

/// What was decoded says what the JSON says.
fn says(outcome: &Outcome, said: &Said, broken: &mut Vec<Broken>) {
    let reply = &outcome.reply;
    let mut differ = |place: &str, ours: String, theirs: String| {
        if ours != theirs {
            broken.push((place.to_owned(), format!("decoded {ours}, the wire says {theirs}")));
        }
    };
    if let Some(raw) = &said.raw_usage {
        let ours = reply.raw_usage.as_ref().and_then(|raw| raw.to::<Value>().ok());
        let same = ours.as_ref().is_some_and(|ours| super::json::equal(ours, raw));
        if !same {
            differ("/raw_usage", format!("{ours:?}"), format!("{raw:?}"));
        }
        differ("/usage", format!("{:?}", reply.usage), format!("{:?}", said.usage));
    }
    if let Some(finish) = &said.finish {
        let ours = reply.finish_reason_raw.as_deref().unwrap_or_default();
        differ("/finish_reason_raw", ours.to_owned(), finish.clone());
    }
    if let Some(text) = &said.text {
        differ("/text", reply.text(), text.clone());
    }
    if let Some(calls) = &said.calls {
        let ours = reply.parts.iter().filter_map(|part| part.as_tool_call());
        let ours: Vec<String> = ours.map(|call| call.name.to_string()).collect();
        differ("/tool_calls", format!("{ours:?}"), format!("{calls:?}"));
    }
    for line in &outcome.reports {
        broken.push(("/response".into(), format!("reported: {line}")));
    }
}

/// A stream means the same however it is cut.
fn split(
    exchange: &Exchange,
    row: &Row,
    wire: &dyn Wire,
    whole: &Outcome,
    broken: &mut Vec<Broken>,
) {
    let body = &exchange.body;
    let same = |pieces: Vec<&[u8]>| {
        let cut = decode(wire, row, Mode::Stream, pieces);
        cut.is_ok_and(|cut| cut.reply == whole.reply && cut.reports == whole.reports)
    };
    if !same(body.chunks(1).collect()) {
        broken.push(("/response".into(), "differs when it comes byte by byte".into()));
    }
    let most = if body.len() <= CUT_IN_TWO { body.len() } else { 0 };
    for at in 1..most {
        let (head, tail) = body.split_at(at);
        if !same(vec![head, tail]) {
            broken.push(("/response".into(), format!("differs when cut at byte {at}")));
            return;
        }
    }
}

/// The error is of the right kind, and keeps what the provider said.
fn error(exchange: &Exchange, row: &Row, wire: &dyn Wire, broken: &mut Vec<Broken>) {
    use largestack_types::error::{Code, Coded as _};
    let error = wire.fault(exchange.status, &exchange.headers, &exchange.body, &row.target);
    let code = error.code();
    let fits = match exchange.status {
        401 | 403 => matches!(code, Code::ProviderAuth | Code::Provider),
        404 => matches!(code, Code::Provider | Code::ModelUnknown),
        408 | 504 => matches!(code, Code::ProviderTimeout | Code::Provider),
        413 => matches!(code, Code::Context | Code::Provider),
        429 => matches!(code, Code::RateLimit | Code::Provider | Code::Budget),
        // Bedrock says of a model it does not have that the request is not valid.
        400 if code == Code::ModelUnknown => true,
        400..=499 => matches!(code, Code::Provider | Code::Context | Code::ProviderAuth),
        _ => matches!(code, Code::Provider | Code::ProviderTimeout | Code::Context),
    };
    let lasting =
        (400..=499).contains(&exchange.status) && ![408, 409, 425, 429].contains(&exchange.status);
    if !fits {
        broken.push(("/status".into(), format!("{} became {code:?}", exchange.status)));
    }
    if lasting && error.retryable() {
        broken.push(("/status".into(), format!("{} is called retryable", exchange.status)));
    }
    let said = serde_json::from_slice::<Value>(&exchange.body).unwrap_or_default();
    let sentence = super::json::at(&said, &["/error/message", "/message", "/error"]);
    let sentence = sentence.and_then(Value::as_str).unwrap_or_default();
    let begin: String = sentence.chars().take(24).collect();
    if !error.to_string().contains(&begin) {
        broken.push(("/error".into(), format!("the provider's words are lost: {error}")));
    }
}
