//! Access tokens of Microsoft Entra for Azure: an application's secret, a workload's federated
//! token, or a managed identity.

use largestack_ports::transport::Transport;
use largestack_ports::vault::Sensitive;
use largestack_types::percent::encoded;
use largestack_types::time::Timestamp;

use super::Variables;
use super::fetch::Ask;
use super::google::Answer;
use super::token::{Kept, Token};

/// What the token is for, as Azure's AI services ask for it.
const RESOURCE: &str = "https://cognitiveservices.azure.com";

/// Where tokens come from.
pub(super) struct Source {
    variables: Variables,
    kept: Kept<Sensitive>,
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
        let (tenant, client) = (self.variable("AZURE_TENANT_ID"), self.variable("AZURE_CLIENT_ID"));
        let scope = format!("{RESOURCE}/.default");
        let ask = match (tenant, client) {
            (Some(tenant), Some(client)) => {
                let authority = self.variable("AZURE_AUTHORITY_HOST");
                let authority =
                    authority.unwrap_or_else(|| "https://login.microsoftonline.com".into());
                let url = format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/'));
                let mut fields = vec![
                    ("grant_type", "client_credentials"),
                    ("client_id", &client),
                    ("scope", &scope),
                ];
                let secret = self.variable("AZURE_CLIENT_SECRET");
                let federated = self.federated()?;
                match (&secret, &federated) {
                    (Some(secret), _) => fields.push(("client_secret", secret)),
                    (None, Some(token)) => {
                        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                        fields.push(("client_assertion_type", kind));
                        fields.push(("client_assertion", token));
                    }
                    (None, None) => return self.managed(transport, Some(&client), now).await,
                }
                Ask::form("Microsoft Entra", url, &fields)
            }
            (_, client) => return self.managed(transport, client.as_deref(), now).await,
        };
        ask.json::<Answer>(transport).await.map(|answer| answer.token(now))
    }

    fn federated(&self) -> Result<Option<String>, String> {
        let Some(file) = self.variable("AZURE_FEDERATED_TOKEN_FILE") else { return Ok(None) };
        let token = std::fs::read_to_string(file);
        token
            .map(|token| Some(token.trim().to_owned()))
            .map_err(|error| format!("the federated token cannot be read: {error}"))
    }

    /// The identity of the machine or the app service.
    async fn managed(
        &self,
        transport: &dyn Transport,
        client: Option<&str>,
        now: Timestamp,
    ) -> Result<Token, String> {
        let own = self.variable("IDENTITY_ENDPOINT").zip(self.variable("IDENTITY_HEADER"));
        let (base, version, header) = match own {
            Some((url, secret)) => (url, "2019-08-01", ("x-identity-header", secret)),
            None => (
                "http://169.254.169.254/metadata/identity/oauth2/token".to_owned(),
                "2018-02-01",
                ("metadata", "true".to_owned()),
            ),
        };
        let mut url = format!("{base}?api-version={version}&resource={}", encoded(RESOURCE));
        if let Some(client) = client {
            url.push_str("&client_id=");
            url.push_str(&encoded(client));
        }
        let ask = Ask::get("Azure's identity endpoint", url).header(header.0, header.1);
        let answer = ask.json::<Answer>(transport).await;
        answer.map(|answer| answer.token(now)).map_err(|detail| {
            format!("no key and no Azure credentials are configured, and {detail}")
        })
    }
}

#[cfg(test)]
mod tests;
