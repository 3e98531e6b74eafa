//! Recorded provider traffic, where it is at hand: exchanges of any wire, in YAML.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// One recorded exchange.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Folder and file.
    pub(crate) file: String,
    pub(crate) address: String,
    /// The request's JSON; null where it had none.
    pub(crate) request: Value,
    pub(crate) status: u16,
    /// Header names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body as it was sent, or written again from the parsed one.
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// Whether the request asked for a stream by `stream: true`, and got one.
    pub(crate) fn streams(&self) -> bool {
        self.request.get("stream") == Some(&Value::Bool(true)) && self.status == 200
    }

    /// The reply's JSON, where it is one value.
    pub(crate) fn reply(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

#[derive(Deserialize)]
struct Cassette {
    #[serde(default)]
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
    parsed_body: Value,
    #[serde(default)]
    body: Value,
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
    string: String,
}

/// The folder: what was set at build time in `LARGESTACK_RECORDINGS`, else `../shared/recordings`
/// beside the workspace.
fn folder() -> PathBuf {
    let set = option_env!("LARGESTACK_RECORDINGS").map(PathBuf::from);
    set.unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings")
    })
}

/// Every exchange of the wire `openai-chat`.
pub(crate) fn exchanges() -> Vec<Exchange> {
    exchanges_at("/chat/completions", 100)
}

/// Every exchange whose address has `path` in it, of which there are more than `at_least`. Where
/// the folder is absent, none, and the output says so.
pub(crate) fn exchanges_at(path: &str, at_least: usize) -> Vec<Exchange> {
    let folder = folder();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("NO RECORDINGS at {}: nothing of this test was checked", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| std::fs::read_dir(entry.unwrap().path()).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .filter(|path| !path.to_string_lossy().ends_with(".xai.yaml"))
        .collect();
    files.sort();
    let exchanges: Vec<_> = files.iter().flat_map(|file| of_file(file, path)).collect();
    let place = folder.display();
    assert!(exchanges.len() > at_least, "only {} exchanges at {place}", exchanges.len());
    exchanges
}

fn of_file(path: &Path, wanted: &str) -> Vec<Exchange> {
    let text = std::fs::read_to_string(path).unwrap();
    if !text.contains(wanted) {
        return Vec::new();
    }
    let parent = path.parent().and_then(|p| p.file_name()).unwrap_or_default();
    let file = format!("{}/{}", parent.display(), path.file_name().unwrap_or_default().display());
    // Bytes come as base64, in YAML's own notation.
    let has_bytes = text.contains("string: !!binary");
    let options = serde_saphyr::options! { ignore_binary_tag_for_string: true };
    let cassette: Cassette = serde_saphyr::from_str_with_options(&text, options)
        .unwrap_or_else(|error| panic!("{file}: {error}"));
    let wanted = cassette.interactions.into_iter().filter(|i| i.request.uri.contains(wanted));
    wanted
        .map(|Interaction { request, response }| Exchange {
            file: file.clone(),
            address: request.uri,
            request: match (request.parsed_body, request.body) {
                (Value::Null, Value::String(text)) => {
                    serde_json::from_str(&text).unwrap_or_default()
                }
                (parsed, _) => parsed,
            },
            status: response.status.code,
            headers: headers(&response.headers),
            body: match (response.parsed_body, response.body) {
                (Some(value), _) => serde_json::to_vec(&value).unwrap(),
                (None, Some(text)) => bytes(text.string, has_bytes),
                (None, None) => Vec::new(),
            },
        })
        .collect()
}

fn bytes(text: String, may_be_base64: bool) -> Vec<u8> {
    let packed: String = text.split_whitespace().collect();
    let decoded = may_be_base64.then(|| STANDARD.decode(&packed).ok()).flatten();
    decoded.unwrap_or_else(|| text.into_bytes())
}

/// Each name with its values, which are kept as lists.
fn headers(recorded: &Value) -> Vec<(String, String)> {
    let Some(recorded) = recorded.as_object() else { return Vec::new() };
    let pairs = recorded.iter().flat_map(|(name, values)| {
        let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
        values.into_iter().map(|value| {
            (name.to_ascii_lowercase(), value.as_str().map_or(value.to_string(), str::to_owned))
        })
    });
    pairs.collect()
}
