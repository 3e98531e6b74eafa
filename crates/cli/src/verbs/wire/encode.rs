//! `largestack wire encode`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError};
use largestack_wire::{HttpRequest, Registry, Session, shape, wire};
use serde::Serialize;

use super::request::Written;
use crate::exit;
use crate::failure::{Failure, Outcome, coded};
use crate::screen::Screen;

/// Prints the request that messages become.
#[derive(Debug, Args)]
pub(crate) struct Encode {
    /// The model, e.g. openai/gpt-4o-mini
    #[arg(long, value_name = "PROVIDER/MODEL")]
    model: String,
    /// Ask for an event stream
    #[arg(long)]
    stream: bool,
    /// Print method, address and headers too, without credentials
    #[arg(long)]
    http: bool,
    /// A file with the messages, or `-` for standard input: a list, or an object with `messages`
    /// and perhaps `tools`, `tool_choice`, `settings`
    file: PathBuf,
}

#[derive(Serialize)]
struct Http<'a> {
    method: &'static str,
    url: &'a str,
    headers: serde_json::Map<String, serde_json::Value>,
    body: &'a serde_json::value::RawValue,
    dropped: &'a [&'static str],
}

impl Encode {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let target = Registry::builtin().resolve(&self.model).map_err(|error| coded(&error))?;
        let codec = wire(&target.provider.wire).ok_or_else(|| {
            let detail = format!("there is no wire {}", target.provider.wire);
            LargestackError::other(Code::Config, detail)
        })?;
        let written: Written = parse(&super::read(&self.file)?)?;
        let call = Call {
            model: self.model.as_str().into(),
            messages: Arc::new(written.messages()?),
            tools: written.tools()?,
            tool_choice: written.tool_choice,
            settings: Arc::new(written.settings),
            stream: self.stream,
        };
        let request = shape::encode(codec, &call, &target, &mut Session::default());
        let (request, _) = request.map_err(|error| coded(&error))?;
        for dropped in &request.dropped {
            screen.note(&format!("Left out, because {} does not take it: {dropped}", self.model));
        }
        self.print(&request, screen)?;
        Ok(exit::DONE)
    }

    fn print(&self, request: &HttpRequest, screen: &mut Screen) -> Outcome<()> {
        let body: &serde_json::value::RawValue =
            serde_json::from_slice(&request.body).map_err(|error| Failure::unwritable(&error))?;
        if !self.http {
            // The very bytes that would be sent.
            return screen.print_bytes(format!("{}\n", body.get()).as_bytes());
        }
        let headers = request.headers.iter();
        screen.json(&Http {
            method: request.method,
            url: &request.url,
            headers: headers.map(|(name, value)| (name.to_string(), (**value).into())).collect(),
            body,
            dropped: &request.dropped,
        })
    }
}

/// Reads the messages: a list, or an object around one.
fn parse(bytes: &[u8]) -> Result<Written, LargestackError> {
    let is_list = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
    let read = if is_list {
        serde_json::from_slice(bytes).map(Written::of)
    } else {
        serde_json::from_slice(bytes)
    };
    read.map_err(|error| {
        LargestackError::with_advice(
            Code::Input,
            format!("the messages cannot be read: {error}"),
            "Write a list of {\"role\": ..., \"content\": \"...\"} or {\"role\": ..., \"parts\": [...]}",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::errors::Coded as _;

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let error = parse(br#"{"messages": [], "tool": []}"#).unwrap_err().message();
        assert!(error.contains("tool") && error.contains("line 1"), "{error}");
        assert!(parse(br#"[{"role": "user", "content": "hi", "contents": ""}]"#).is_err());
        assert!(parse(br#" [{"role": "user", "content": "hi"}]"#).is_ok());
    }
}
