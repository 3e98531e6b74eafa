//! Recorded provider traffic, where it is at hand: exchanges of the `openai-chat` wire in YAML.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

/// One recorded exchange.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) file: String,
    pub(crate) address: String,
    pub(crate) request: Value,
    pub(crate) status: u16,
    /// The body as it was sent, or written again from the parsed one.
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    pub(crate) fn streams(&self) -> bool {
        self.request.get("stream") == Some(&Value::Bool(true)) && self.status == 200
    }
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
    parsed_body: Value,
}

#[derive(Deserialize)]
struct Response {
    status: Status,
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

/// Every exchange of this wire. Where the folder is absent, none, and the output says so.
pub(crate) fn exchanges() -> Vec<Exchange> {
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
        .collect();
    files.sort();
    let exchanges: Vec<_> = files.iter().flat_map(of_file).collect();
    assert!(exchanges.len() > 100, "only {} exchanges at {}", exchanges.len(), folder.display());
    exchanges
}

fn of_file(path: &PathBuf) -> Vec<Exchange> {
    let text = std::fs::read_to_string(path).unwrap();
    if !text.contains("/chat/completions") {
        return Vec::new();
    }
    let parent = path.parent().and_then(|p| p.file_name()).unwrap_or_default();
    let file = format!("{}/{}", parent.display(), path.file_name().unwrap_or_default().display());
    // Fetched files stand in the same recordings as base64; their bytes do not matter here.
    let options = serde_saphyr::options! { ignore_binary_tag_for_string: true };
    let cassette: Cassette = serde_saphyr::from_str_with_options(&text, options)
        .unwrap_or_else(|error| panic!("{file}: {error}"));
    let chat =
        cassette.interactions.into_iter().filter(|i| i.request.uri.contains("/chat/completions"));
    chat.map(|Interaction { request, response }| Exchange {
        file: file.clone(),
        address: request.uri,
        request: request.parsed_body,
        status: response.status.code,
        body: match (response.parsed_body, response.body) {
            (Some(value), _) => serde_json::to_vec(&value).unwrap(),
            (None, Some(text)) => text.string.into_bytes(),
            (None, None) => Vec::new(),
        },
    })
    .collect()
}
