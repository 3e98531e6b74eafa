//! The file of a cassette: lines of JSON, so that a change of one recorded frame is one changed
//! line. An exchange is a `request`, then either a `failure`, or a `response`, its `chunk`s and how
//! they `end`.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::asked::Asked;
use crate::error::Error;
use crate::exchange::{Body, Came, End, Exchange, Head};
use largestack_types::errors::LargestackError;

/// The version of the format.
const VERSION: u32 = 1;

/// One line of a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first.
    Cassette(u32),
    Request(Asked),
    Failure(LargestackError),
    Response(Head),
    Chunk(Body),
    End(End),
}

/// What a file holds; `None` where there is none.
pub(crate) fn read(file: &Path) -> Result<Option<Vec<Exchange>>, Error> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { file: file.to_owned(), source }),
    };
    let mut reader = Reader::default();
    for (number, line) in text.lines().enumerate() {
        let wrong =
            |detail: String| Error::Line { file: file.to_owned(), line: number + 1, detail };
        let line: Line = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        reader.take(line).map_err(|detail| wrong(detail.to_owned()))?;
    }
    let last = text.lines().count();
    let cut =
        |detail: &str| Error::Line { file: file.to_owned(), line: last, detail: detail.to_owned() };
    match reader.open {
        Open::Nothing => Err(cut("it is empty")),
        Open::Between => Ok(Some(reader.exchanges)),
        Open::Asked(_) | Open::Answered(..) => Err(cut("the last exchange is not whole")),
    }
}

#[derive(Default)]
struct Reader {
    exchanges: Vec<Exchange>,
    open: Open,
}

/// What has been read of an exchange.
#[derive(Default)]
enum Open {
    #[default]
    Nothing,
    Between,
    Asked(Asked),
    Answered(Asked, Head, Vec<Body>),
}

impl Reader {
    fn take(&mut self, line: Line) -> Result<(), &'static str> {
        let done = |reader: &mut Self, asked, came| {
            reader.exchanges.push(Exchange { asked, came });
            Open::Between
        };
        self.open = match (std::mem::take(&mut self.open), line) {
            (Open::Nothing, Line::Cassette(VERSION)) => Open::Between,
            (Open::Nothing, Line::Cassette(_)) => return Err("a version that is not known here"),
            (Open::Nothing, _) => return Err("the first line is not that of a cassette"),
            (Open::Between, Line::Request(asked)) => Open::Asked(asked),
            (Open::Asked(asked), Line::Failure(error)) => done(self, asked, Came::Failure(error)),
            (Open::Asked(asked), Line::Response(head)) => Open::Answered(asked, head, Vec::new()),
            (Open::Answered(asked, head, mut chunks), Line::Chunk(chunk)) => {
                if chunk.bytes().is_none() {
                    return Err("bytes that are not in base64");
                }
                chunks.push(chunk);
                Open::Answered(asked, head, chunks)
            }
            (Open::Answered(asked, head, chunks), Line::End(end)) => {
                done(self, asked, Came::Answer { head, chunks, end })
            }
            _ => return Err("a line that cannot follow the one before"),
        };
        Ok(())
    }
}

/// Exchanges as the text of a file.
pub(crate) fn text(exchanges: &[Exchange]) -> String {
    let mut lines = vec![line(&Line::Cassette(VERSION))];
    for Exchange { asked, came } in exchanges {
        lines.push(line(&Line::Request(asked.clone())));
        match came {
            Came::Failure(error) => lines.push(line(&Line::Failure(error.clone()))),
            Came::Answer { head, chunks, end } => {
                lines.push(line(&Line::Response(head.clone())));
                lines.extend(chunks.iter().map(|chunk| line(&Line::Chunk(chunk.clone()))));
                lines.push(line(&Line::End(end.clone())));
            }
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn line(line: &Line) -> String {
    // Values of these types are JSON: none has a key that is no string.
    serde_json::to_string(line).unwrap_or_default()
}

/// Puts a text in the place of a file, whole or not at all.
pub(crate) fn write(file: &Path, text: &str) -> Result<(), Error> {
    let wrong = |source| Error::File { file: file.to_owned(), source };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    let beside = file.with_extension("part");
    let mut open = fs::File::create(&beside).map_err(wrong)?;
    open.write_all(text.as_bytes()).map_err(wrong)?;
    drop(open);
    fs::rename(&beside, file).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.jsonl");
        fs::write(&file, text).unwrap();
        match read(&file) {
            Ok(exchanges) => Ok(exchanges.unwrap_or_default().len()),
            Err(Error::Line { line, detail, .. }) => Err(format!("{line}: {detail}")),
            Err(error) => Err(error.to_string()),
        }
    }

    const HEAD: &str = "{\"cassette\":1}\n";
    const ASKED: &str =
        r#"{"request":{"provider":"p","method":"POST","path":"/x","body":{"json":{"a":1.50}}}}"#;

    #[test]
    fn a_file_reads_as_it_was_written() {
        let text = format!(
            "{HEAD}{ASKED}\n{}\n{}\n{}\n{}\n",
            r#"{"response":{"status":200,"headers":[["content-type","text/event-stream"]]}}"#,
            r#"{"chunk":{"text":"data: {}\n\n"}}"#,
            r#"{"chunk":{"base64":"n5I="}}"#,
            r#"{"end":"complete"}"#,
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/c.jsonl");
        write(&file, &text).unwrap();
        assert_eq!(super::text(&read(&file).unwrap().unwrap()), text);
        assert!(read(&folder.path().join("none.jsonl")).unwrap().is_none());
    }

    #[test]
    fn a_line_that_does_not_fit_is_named() {
        assert_eq!(reads(HEAD), Ok(0));
        assert_eq!(reads(""), Err("0: it is empty".to_owned()));
        assert_eq!(
            reads("{\"cassette\":2}"),
            Err("1: a version that is not known here".to_owned())
        );
        let asked = format!("{HEAD}{ASKED}\n");
        assert_eq!(reads(&asked), Err("2: the last exchange is not whole".to_owned()));
        let twice = format!("{asked}{ASKED}");
        assert_eq!(reads(&twice), Err("3: a line that cannot follow the one before".to_owned()));
        let broken = format!(
            "{asked}{{\"response\":{{\"status\":200}}}}\n{{\"chunk\":{{\"base64\":\"?\"}}}}"
        );
        assert_eq!(reads(&broken), Err("4: bytes that are not in base64".to_owned()));
        assert!(reads(&format!("{HEAD}nothing")).unwrap_err().starts_with("2: expected"));
    }
}
