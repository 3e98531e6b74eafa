//! Recordings as they lie on disk: YAML files with the requests and responses of one test.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// One recorded request and its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Place in its recording, from 0.
    pub index: usize,
    /// The address.
    pub uri: String,
    /// The request's body; null when it was no JSON.
    pub request: Value,
    /// The status of the response.
    pub status: u16,
    /// Headers of the response, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The response's body, as it was sent or written again from the parsed one.
    pub body: Vec<u8>,
}

/// A file with exchanges.
#[derive(Debug)]
pub struct Recording {
    /// Folder and file.
    pub name: String,
    /// What it holds, or why it cannot be read.
    pub exchanges: Result<Vec<Exchange>, String>,
}

#[derive(Deserialize)]
struct Cassette {
    interactions: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    uri: String,
    #[serde(default)]
    parsed_body: Option<Value>,
    #[serde(default)]
    body: Option<Value>,
}

#[derive(Deserialize)]
struct Response {
    status: Status,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    parsed_body: Option<Value>,
    #[serde(default)]
    body: Option<Text>,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    string: Option<String>,
}

/// Every recording under a folder, in order of name.
pub fn load(folder: &Path) -> std::io::Result<Vec<Recording>> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    files.sort();
    files.iter().map(|file| read(folder, file)).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml")
            // Samples of another protocol (gRPC), which no wire here speaks.
            && !path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(".xai"))
        {
            files.push(path);
        }
    }
    Ok(())
}

fn read(folder: &Path, file: &Path) -> std::io::Result<Recording> {
    let bytes = std::fs::read(file)?;
    let name = file.strip_prefix(folder).unwrap_or(file).display().to_string();
    let text = String::from_utf8_lossy(&bytes);
    // Binary bodies stand in the files as base64; they are taken as that text.
    let options = serde_saphyr::options! { ignore_binary_tag_for_string: true };
    let cassette = serde_saphyr::from_str_with_options::<Cassette>(&text, options);
    let exchanges = cassette.map_err(|error| error.to_string()).map(|cassette| {
        let numbered = cassette.interactions.into_iter().enumerate();
        numbered.map(|(index, interaction)| exchange(index, interaction)).collect()
    });
    Ok(Recording { name, exchanges })
}

fn exchange(index: usize, Interaction { request, response }: Interaction) -> Exchange {
    let parsed = request.parsed_body.filter(|body| !body.is_null());
    let written = || match &request.body {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(Value::Object(body)) => body
            .get("string")
            .and_then(Value::as_str)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
        _ => Value::Null,
    };
    let body = match (response.parsed_body, response.body.and_then(|body| body.string)) {
        (Some(value), _) if !value.is_null() => value.to_string().into_bytes(),
        (_, Some(text)) => bytes(text),
        _ => Vec::new(),
    };
    Exchange {
        index,
        request: parsed.unwrap_or_else(written),
        uri: request.uri,
        status: response.status.code,
        headers: headers(&response.headers),
        body,
    }
}

/// A body that is one run of base64 was binary: nothing that providers send in words looks so.
fn bytes(text: String) -> Vec<u8> {
    let binary = text.len() > 16
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=\r\n ".contains(&b));
    let packed: String =
        if binary { text.split_ascii_whitespace().collect() } else { String::new() };
    match STANDARD.decode(packed) {
        Ok(bytes) if binary => bytes,
        _ => text.into_bytes(),
    }
}

fn headers(recorded: &Value) -> Vec<(String, String)> {
    let pairs = recorded.as_object().into_iter().flatten();
    pairs
        .flat_map(|(name, value)| {
            let values: Vec<&str> = match value {
                Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect(),
            };
            values.into_iter().map(|value| (name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect()
}
