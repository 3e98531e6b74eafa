//! Access tokens of Google Cloud from the application default credentials: a service account's
//! key, a person's refresh token, or the metadata server.

use std::path::PathBuf;

use largestack_ports::transport::Transport;
use largestack_ports::vault::Sensitive;
use largestack_types::time::Timestamp;
use serde::Deserialize;

use super::fetch::Ask;
use super::token::{Kept, Token, after};
use super::{Variables, jwt};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKENS: &str = "https://oauth2.googleapis.com/token";

/// Where tokens come from.
pub(super) struct Source {
    variables: Variables,
    kept: Kept<Sensitive>,
}

/// A file of credentials.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    client_email: Option<String>,
    private_key: Option<String>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
}

/// An answer of a token endpoint (RFC 6749, 5.1).
#[derive(Deserialize)]
pub(super) struct Answer {
    access_token: String,
    /// Some services write it as text.
    expires_in: Option<serde_json::Value>,
}

impl Answer {
    pub(super) fn token(self, now: Timestamp) -> Token {
        let seconds = self.expires_in.and_then(|value| match value {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        });
        let until = Some(after(now, seconds.unwrap_or(0)));
        Token { value: Sensitive::new(self.access_token), until }
    }
}

impl Source {
    pub(super) fn new(variables: Variables) -> Self {
        Self { variables, kept: Kept::default() }
    }

    /// A token, fetched anew shortly before it ends.
    pub(super) async fn token(
        &self,
        transport: &dyn Transport,
        now: Timestamp,
    ) -> Result<Sensitive, String> {
        self.kept.get(now, self.find(transport, now)).await
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).map(|value| value.expose().to_owned()).filter(|v| !v.is_empty())
    }

    async fn find(&self, transport: &dyn Transport, now: Timestamp) -> Result<Token, String> {
        let named = self.variable("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
        let usual = || {
            let home = self.variable("HOME").map(|home| PathBuf::from(home).join(".config"));
            let folder = self.variable("APPDATA").map(PathBuf::from).or(home)?;
            let file = folder.join("gcloud/application_default_credentials.json");
            file.exists().then_some(file)
        };
        let Some(path) = named.or_else(usual) else { return self.metadata(transport, now).await };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let file: File = serde_json::from_str(&text)
            .map_err(|_| format!("{} is no file of credentials", path.display()))?;
        let lacks = |field: &str| format!("{} lacks `{field}`", path.display());
        let url = file.token_uri.as_deref().unwrap_or(TOKENS);
        let who = "Google's token service";
        let ask = match file.kind.as_str() {
            "service_account" => {
                let email = file.client_email.as_deref().ok_or_else(|| lacks("client_email"))?;
                let key = file.private_key.as_deref().ok_or_else(|| lacks("private_key"))?;
                let begun = now.micros() / 1_000_000;
                let claims = serde_json::json!({
                    "iss": email, "scope": SCOPE, "aud": url, "iat": begun, "exp": begun + 3600,
                });
                let assertion = jwt::rs256(&claims, file.private_key_id.as_deref(), key)?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                Ask::form(who, url, &[("grant_type", grant), ("assertion", &assertion)])
            }
            "authorized_user" => {
                let field = |value: &Option<String>, name| value.clone().ok_or_else(|| lacks(name));
                let (id, secret) = (
                    field(&file.client_id, "client_id")?,
                    field(&file.client_secret, "client_secret")?,
                );
                let refresh = field(&file.refresh_token, "refresh_token")?;
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("client_id", &*id),
                    ("client_secret", &*secret),
                    ("refresh_token", &*refresh),
                ];
                Ask::form(who, url, &fields)
            }
            other => return Err(format!("credentials of the type `{other}` are not supported")),
        };
        ask.json::<Answer>(transport).await.map(|answer| answer.token(now))
    }

    async fn metadata(&self, transport: &dyn Transport, now: Timestamp) -> Result<Token, String> {
        let host = self.variable("GCE_METADATA_HOST");
        let host = host.unwrap_or_else(|| "metadata.google.internal".to_owned());
        let path = "computeMetadata/v1/instance/service-accounts/default/token";
        let ask = Ask::get("the metadata server", format!("http://{host}/{path}"));
        let answer = ask.header("metadata-flavor", "Google").json::<Answer>(transport).await;
        answer
            .map(|answer| answer.token(now))
            .map_err(|detail| format!("no Google Cloud credentials are configured, and {detail}"))
    }
}

#[cfg(test)]
mod tests;
