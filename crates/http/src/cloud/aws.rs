//! The default chain of AWS credentials, in its documented order: variables, shared files, a web
//! identity, the container's endpoint, the instance's metadata.

use std::path::PathBuf;

use largestack_ports::transport::{Method, Transport};
use largestack_ports::vault::Sensitive;
use largestack_types::time::Timestamp;
use serde::Deserialize;

use super::Variables;
use super::fetch::Ask;
use super::token::{Kept, Lasting};

/// Keys that sign.
#[derive(Clone)]
pub(super) struct AwsKeys {
    pub(super) id: String,
    pub(super) secret: Sensitive,
    pub(super) token: Option<Sensitive>,
}

/// Where keys come from.
pub(super) struct Chain {
    variables: Variables,
    kept: Kept<AwsKeys>,
}

/// Keys as the endpoints of containers, instances and STS write them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    expiration: Option<serde_json::Value>,
}

impl Written {
    fn keys(self) -> Lasting<AwsKeys> {
        let until = self.expiration.and_then(|value| match value {
            serde_json::Value::String(text) => Timestamp::parse(&text),
            // STS writes seconds.
            other => other.as_f64().map(seconds),
        });
        let keys = AwsKeys {
            id: self.access_key_id,
            secret: Sensitive::new(self.secret_access_key),
            token: self.token.map(Sensitive::new),
        };
        Lasting { value: keys, until }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
fn seconds(since_1970: f64) -> Timestamp {
    Timestamp::from_micros((since_1970 * 1e6) as i64)
}

impl Chain {
    pub(super) fn new(variables: Variables) -> Self {
        Self { variables, kept: Kept::default() }
    }

    /// The keys, fetched anew shortly before they end.
    pub(super) async fn keys(
        &self,
        transport: &dyn Transport,
        now: Timestamp,
        region: &str,
    ) -> Result<AwsKeys, String> {
        self.kept.get(now, self.find(transport, region)).await
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).map(|value| value.expose().to_owned()).filter(|v| !v.is_empty())
    }

    async fn find(
        &self,
        transport: &dyn Transport,
        region: &str,
    ) -> Result<Lasting<AwsKeys>, String> {
        let own = (self.variable("AWS_ACCESS_KEY_ID"), self.variable("AWS_SECRET_ACCESS_KEY"));
        if let (Some(id), Some(secret)) = own {
            let token = self.variable("AWS_SESSION_TOKEN").map(Sensitive::new);
            let keys = AwsKeys { id, secret: Sensitive::new(secret), token };
            return Ok(Lasting { value: keys, until: None });
        }
        if let Some(keys) = self.files()? {
            return Ok(Lasting { value: keys, until: None });
        }
        if let Some(file) = self.variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
            return self.web_identity(transport, &file, region).await;
        }
        if let Some(ask) = self.container()? {
            return ask.json::<Written>(transport).await.map(Written::keys);
        }
        if self
            .variable("AWS_EC2_METADATA_DISABLED")
            .is_some_and(|v| v.eq_ignore_ascii_case("true"))
        {
            return Err("no AWS credentials are configured".to_owned());
        }
        let found = self.instance(transport).await;
        found.map_err(|detail| format!("no AWS credentials are configured, and {detail}"))
    }

    /// `~/.aws/credentials` and `~/.aws/config`, of the profile that is chosen.
    fn files(&self) -> Result<Option<AwsKeys>, String> {
        let profile = self.variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let home = || self.variable("HOME").or_else(|| self.variable("USERPROFILE"));
        let at = |variable: &str, name: &str| {
            let named = self.variable(variable).map(PathBuf::from);
            named.or_else(|| Some(PathBuf::from(home()?).join(".aws").join(name)))
        };
        let read = |path: Option<PathBuf>| std::fs::read_to_string(path?).ok();
        let credentials = read(at("AWS_SHARED_CREDENTIALS_FILE", "credentials"));
        let config = read(at("AWS_CONFIG_FILE", "config"));
        let sections = [
            (credentials, profile.clone()),
            (
                config,
                if profile == "default" { profile.clone() } else { format!("profile {profile}") },
            ),
        ];
        let mut other = None;
        for (text, name) in &sections {
            let fields = text.as_deref().map(|text| section(text, name)).unwrap_or_default();
            let field =
                |key: &str| fields.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned());
            if let (Some(id), Some(secret)) =
                (field("aws_access_key_id"), field("aws_secret_access_key"))
            {
                let token = field("aws_session_token").map(Sensitive::new);
                return Ok(Some(AwsKeys { id, secret: Sensitive::new(secret), token }));
            }
            other = other.or_else(|| {
                ["role_arn", "credential_process", "sso_session", "sso_start_url"]
                    .into_iter()
                    .find(|key| field(key).is_some())
            });
        }
        match other {
            Some(key) => Err(format!(
                "the AWS profile `{profile}` uses `{key}`, which is not supported: export its keys \
                 (aws configure export-credentials --format env)"
            )),
            None => Ok(None),
        }
    }

    /// STS exchanges a token of the cluster for keys of a role.
    async fn web_identity(
        &self,
        transport: &dyn Transport,
        file: &str,
        region: &str,
    ) -> Result<Lasting<AwsKeys>, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            assume_role_with_web_identity_response: Response,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Response {
            assume_role_with_web_identity_result: Outcome,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Outcome {
            credentials: Written,
        }
        let token = std::fs::read_to_string(file)
            .map_err(|error| format!("the web identity token cannot be read: {error}"))?;
        let role = self.variable("AWS_ROLE_ARN").ok_or("AWS_ROLE_ARN is not set")?;
        let session = self.variable("AWS_ROLE_SESSION_NAME");
        let endpoint = self.variable("AWS_ENDPOINT_URL_STS");
        let url = endpoint.unwrap_or_else(|| format!("https://sts.{region}.amazonaws.com/"));
        let ask = Ask::form(
            "AWS STS",
            url,
            &[
                ("Action", "AssumeRoleWithWebIdentity"),
                ("Version", "2011-06-15"),
                ("RoleArn", &role),
                ("RoleSessionName", session.as_deref().unwrap_or("largestack")),
                ("WebIdentityToken", token.trim()),
            ],
        );
        let answer: Answer = ask.json(transport).await?;
        let outcome = answer.assume_role_with_web_identity_response;
        Ok(outcome.assume_role_with_web_identity_result.credentials.keys())
    }

    /// The endpoint that ECS and EKS give a container.
    fn container(&self) -> Result<Option<Ask<'static>>, String> {
        let relative = self.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let url = relative.map(|path| format!("http://169.254.170.2{path}"));
        let Some(url) = url.or_else(|| self.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) else {
            return Ok(None);
        };
        let ask = Ask::get("the container's credentials endpoint", url);
        let token = match self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .map_err(|error| format!("the container's token cannot be read: {error}"))?,
            ),
            None => self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        };
        Ok(Some(match token {
            Some(token) => ask.header("authorization", token.trim()),
            None => ask,
        }))
    }

    /// The metadata service of an instance, version 2.
    async fn instance(&self, transport: &dyn Transport) -> Result<Lasting<AwsKeys>, String> {
        const WHO: &str = "the instance's metadata service";
        let base = self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let base = base.unwrap_or_else(|| "http://169.254.169.254".to_owned());
        let base = base.trim_end_matches('/');
        let ask = Ask { method: Method::Put, ..Ask::get(WHO, format!("{base}/latest/api/token")) };
        let token =
            ask.header("x-aws-ec2-metadata-token-ttl-seconds", "21600").text(transport).await?;
        let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
        let ask = |url: &str| Ask::get(WHO, url).header("x-aws-ec2-metadata-token", token.trim());
        let role = ask(&roles).text(transport).await?;
        let role = role.lines().next().unwrap_or_default().trim().to_owned();
        let written: Written = ask(&format!("{roles}{role}")).json(transport).await?;
        Ok(written.keys())
    }
}

/// The fields of a section of an INI file.
fn section<'t>(text: &'t str, name: &str) -> Vec<(&'t str, &'t str)> {
    let mut inside = false;
    let mut fields = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = title.trim() == name;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside)
            && !line.starts_with(['#', ';'])
        {
            fields.push((key.trim(), value.trim()));
        }
    }
    fields
}

#[cfg(test)]
mod tests;
