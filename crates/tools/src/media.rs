//! Media that a run is asked with, from a file, an address, bytes in memory or a provider's own
//! store: read within the folders and up to the size that the operator allows, fetched by the one
//! way out, and held against what they say they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use largestack_ports::egress::{Egress, Errand, Reach};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::part::{Media, MediaKind, MediaSource};

use crate::files::{Refused, Root};

mod kind;

pub use kind::{of_name, sniffed};

/// Bytes of one medium when nobody says.
pub const DEFAULT_MAX_BYTES: usize = 20 << 20;
/// How long an address may take.
const FETCH: Duration = Duration::from_secs(30);

/// Where a medium comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A file.
    Path(PathBuf),
    /// An `http` or `https` address, fetched here and not by the provider.
    Url(String),
    /// Bytes, with the file name and the media type where they are known.
    Bytes {
        /// The bytes.
        bytes: Bytes,
        /// The name of the file.
        name: Option<Arc<str>>,
        /// The media type, e.g. `image/png`.
        mime: Option<Arc<str>>,
    },
    /// Uploaded to the provider before.
    ProviderFile {
        /// The provider's id of it.
        id: Arc<str>,
        /// Its media type.
        mime: Arc<str>,
    },
}

/// Which media may be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The only folders whose files are read; none for no file at all.
    pub folders: Vec<PathBuf>,
    /// Bytes of one medium.
    pub max_bytes: usize,
    /// What may be fetched.
    pub reach: Arc<Reach>,
}

impl Default for Rules {
    /// No files, every public address, 20 MiB.
    fn default() -> Self {
        Self { folders: Vec::new(), max_bytes: DEFAULT_MAX_BYTES, reach: Arc::default() }
    }
}

/// Takes media in.
#[derive(Clone)]
pub struct Intake {
    rules: Rules,
    egress: Option<Arc<dyn Egress>>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("rules", &self.rules).finish_non_exhaustive()
    }
}

fn refused(detail: String, advice: &'static str) -> LargestackError {
    LargestackError::with_advice(Code::Input, detail, advice)
}

impl Intake {
    /// By these rules; addresses are fetched by this way out, or not at all.
    pub fn new(rules: Rules, egress: Option<Arc<dyn Egress>>) -> Self {
        Self { rules, egress }
    }

    /// Takes one in. `LARGESTACK_INPUT` where it is missing, too large, outside the folders or not
    /// what it says; `LARGESTACK_EGRESS` where its address may not be reached.
    pub async fn take(&self, from: From) -> Result<Media> {
        match from {
            From::Path(path) => self.file(path).await,
            From::Url(url) => self.address(&url).await,
            From::Bytes { bytes, name, mime } => {
                self.fits(bytes.len(), name.as_deref().unwrap_or("the medium"))?;
                medium(&bytes, name, mime.as_deref())
            }
            From::ProviderFile { id, mime } => {
                let kind = kind_of(&mime);
                Ok(Media { kind, mime, source: MediaSource::ProviderFile(id), name: None })
            }
        }
    }

    fn fits(&self, bytes: usize, what: &str) -> Result<()> {
        let most = self.rules.max_bytes;
        if bytes <= most {
            return Ok(());
        }
        let detail = format!("{what} has more than {most} bytes");
        Err(refused(detail, "Make it smaller, or raise `media.max_bytes`"))
    }

    async fn file(&self, path: PathBuf) -> Result<Media> {
        let rules = self.rules.clone();
        let shown = path.display().to_string();
        let name = path.file_name().map(|name| Arc::from(name.to_string_lossy()));
        let read = tokio::task::spawn_blocking(move || read(&rules, &path)).await;
        let broken = |_| refused(format!("reading {shown} broke off"), "Try again");
        let bytes = read.map_err(broken)??;
        medium(&bytes, name, None)
    }

    async fn address(&self, url: &str) -> Result<Media> {
        let Some(egress) = &self.egress else {
            return Err(refused(
                format!("{url} cannot be fetched: there is no way out"),
                "Give the agent a network, or attach a file",
            ));
        };
        let errand = Errand {
            method: "GET".into(),
            url: url.into(),
            headers: Vec::new(),
            credentials: Vec::new(),
            body: None,
            reach: Arc::clone(&self.rules.reach),
            accepts: &[],
            most: self.rules.max_bytes,
            total: FETCH,
        };
        let fetched = egress.run(errand).await.map_err(|error| {
            let advice = "Check the address, and whether it may be reached";
            LargestackError::with_advice(error.code(), error.message(), advice)
        })?;
        if fetched.status != 200 {
            let detail = format!("{url} answered with status {}", fetched.status);
            return Err(refused(detail, "Check the address"));
        }
        self.fits(fetched.body.len().saturating_add(usize::from(fetched.cut)), url)?;
        let path = fetched.url.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().filter(|name| !name.is_empty()).map(Arc::from);
        // What serves everything under this type says nothing by it.
        let said = Some(&*fetched.content_type)
            .filter(|said| !matches!(*said, "" | "application/octet-stream"));
        medium(&fetched.body, name, said)
    }
}

/// Reads a file below one of the folders.
fn read(rules: &Rules, path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|error| refused(format!("{shown}: {error}"), "Check the path"))
    };
    let wanted = absolute(path)?;
    for folder in &rules.folders {
        let Ok(within) = wanted.strip_prefix(absolute(folder)?).map(Path::to_path_buf) else {
            continue;
        };
        let root = Root::open(folder, rules.max_bytes);
        return root
            .and_then(|root| root.read_bytes(&within.to_string_lossy()))
            .map_err(|error| unread(&error, &shown.to_string()));
    }
    let detail = format!("{shown} is in none of the folders that media are taken from");
    Err(refused(detail, "Name its folder under `media.folders`"))
}

fn unread(error: &Refused, path: &str) -> LargestackError {
    match error {
        Refused::Missing(_) => refused(format!("there is no file {path}"), "Check the path"),
        Refused::Outside(_) => refused(
            format!("{path} leads outside the folders that media are taken from"),
            "Name its folder under `media.folders`",
        ),
        Refused::TooLarge(_, most) => refused(
            format!("{path} has more than {most} bytes"),
            "Make it smaller, or raise `media.max_bytes`",
        ),
        other => refused(format!("{path} cannot be read: {other}"), "Check the file"),
    }
}

fn kind_of(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::Document,
    }
}

/// A medium of these bytes. What they say they are, by type or by name, has to be what they are.
fn medium(bytes: &[u8], name: Option<Arc<str>>, said: Option<&str>) -> Result<Media> {
    let what = name.as_deref().unwrap_or("the medium");
    if bytes.is_empty() {
        return Err(refused(format!("{what} is empty"), "Attach a file that holds something"));
    }
    let by_name = name.as_deref().and_then(of_name);
    let said = said.or(by_name);
    let mime = match (said, sniffed(bytes)) {
        (Some(said), Some(found)) if kind::same(said, found) => said,
        (Some(said), None) if kind::is_text(said) && std::str::from_utf8(bytes).is_ok() => said,
        (None, Some(found)) => found,
        (Some(said), found) => {
            let found = found.unwrap_or("something else");
            let detail = format!("{what} says that it is {said}, and is {found}");
            return Err(refused(detail, "Name the file as what it is"));
        }
        (None, None) => {
            let detail = format!("{what} is of no kind that is known");
            return Err(refused(detail, "Attach an image, sound, film, PDF or text"));
        }
    };
    let source = MediaSource::Base64(STANDARD.encode(bytes).into());
    Ok(Media { kind: kind_of(mime), mime: mime.into(), source, name })
}

#[cfg(test)]
mod tests;
