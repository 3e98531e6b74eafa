//! Sessions as text.

use std::fmt::Write as _;

use largestack_ports::sessions::{Conversation, Session};
use largestack_types::message::{Message, Role};
use largestack_types::part::Body;

use super::amount::moment;
use super::style::{FAINT, STRONG, painted};
use super::table::{Flush, Table};
use super::text::{clean, one_line};

/// Characters of a tool's arguments or result that are shown.
const SHOWN: usize = 200;

/// What a session is called: by its name, else by its id.
pub(crate) fn name(session: &Session) -> String {
    session.name.as_ref().map_or_else(|| session.id.to_string(), |name| clean(name).into_owned())
}

/// The sessions as a table, one a line.
pub(crate) fn list(sessions: &[Session]) -> String {
    let mut table = Table::new(&[
        ("session", Flush::Left),
        ("last said (UTC)", Flush::Left),
        ("runs", Flush::Right),
        ("kept until (UTC)", Flush::Left),
    ]);
    for session in sessions {
        table.row(vec![
            one_line(&name(session), 60),
            moment(session.updated),
            session.exchanges.to_string(),
            session.expires().map_or_else(|| "for ever".to_owned(), moment),
        ]);
    }
    table.lines(|_, column, cell| match column {
        0 => painted(STRONG, cell),
        1 => painted(FAINT, cell),
        _ => cell,
    })
}

/// What was said in a session.
pub(crate) fn show(said: &Conversation) -> String {
    let mut text = String::new();
    if let Some(digest) = &said.digest {
        let _ = writeln!(
            text,
            "Up to {}, summed up:\n{}",
            digest.through,
            clean(&digest.message.text())
        );
    }
    for exchange in &said.exchanges {
        let _ = writeln!(text, "\n{} ({} UTC)", exchange.run, moment(exchange.at));
        for message in &exchange.messages {
            speak(&mut text, message);
        }
    }
    text
}

fn speak(text: &mut String, message: &Message) {
    let who = match message.role {
        Role::System => "operator",
        Role::User => "user",
        Role::Assistant => "agent",
        Role::Tool => "tool",
    };
    for part in &message.parts {
        let said = match &part.body {
            Body::Text(words) | Body::Refusal(words) => clean(words).into_owned(),
            Body::ToolCall(call) => {
                format!("calls {} {}", clean(&call.name), one_line(call.arguments.as_str(), SHOWN))
            }
            Body::ToolResult(result) => {
                format!("{}: {}", clean(&result.name), one_line(&result.text, SHOWN))
            }
            Body::Media(_) => "[media]".to_owned(),
            _ => continue,
        };
        let _ = writeln!(text, "  {who}: {said}");
    }
}
