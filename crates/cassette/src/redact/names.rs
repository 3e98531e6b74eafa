//! Names under which keys, tokens and accounts stand, in JSON, forms, XML and addresses.

/// Names whose value is never kept, without case, `-` and `_`.
const SECRETS: &[&str] = &[
    "accesskey",
    "accesskeyid",
    "accesstoken",
    "apikey",
    "assertion",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientassertion",
    "clientsecret",
    "code",
    "cookie",
    "credential",
    "credentials",
    "idtoken",
    "key",
    "passwd",
    "password",
    "privatekey",
    "privatekeyid",
    "proxyauthorization",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "securitytoken",
    "sessiontoken",
    "setcookie",
    "sig",
    "signature",
    "subjecttoken",
    "token",
    "xapikey",
    "xamzsecuritytoken",
    "xgoogapikey",
];

/// Of these, those that are names of harmless things in the body of a conversation: an error's
/// code, a property's key, a thought's seal.
const PLAIN_IN_JSON: &[&str] = &["code", "key", "sig", "signature"];

/// Names of accounts, where they stand at the top of a body.
const ACCOUNTS: &[&str] = &[
    "account",
    "accountid",
    "clientemail",
    "clientid",
    "customerid",
    "organization",
    "organizationid",
    "orgid",
    "project",
    "projectid",
    "subscriptionid",
    "tenantid",
    "workspaceid",
];

/// Segments of a path that the id of an account follows.
const HOLDERS: &[&str] = &[
    "accounts",
    "orgs",
    "organizations",
    "projects",
    "subscriptions",
    "tenants",
    "workspaces",
    "resourcegroups",
];

/// Parameters of an address that say how, not who.
const OPEN_PARAMETERS: &[&str] =
    &["alt", "api-version", "beta", "limit", "pagesize", "stream", "version"];

/// Fields of a form that say how, not who.
const OPEN_FIELDS: &[&str] =
    &["action", "durationseconds", "granttype", "requestedtokenuse", "scope", "version"];

/// Headers of a reply that are read, or tell a reader something.
const OPEN_HEADERS: &[&str] = &[
    "content-type",
    "date",
    "retry-after",
    "retry-after-ms",
    "request-id",
    "x-request-id",
    "x-amzn-errortype",
];

/// A name without case and joints.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a JSON property of this name holds a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = plain(name);
    SECRETS.contains(&name.as_str()) && !PLAIN_IN_JSON.contains(&name.as_str())
}

/// Whether an element of XML of this name holds a secret.
pub(crate) fn is_secret_element(name: &str) -> bool {
    is_secret(name)
}

/// Whether a JSON property of this name at the top of a body names an account.
pub(crate) fn is_account(name: &str) -> bool {
    ACCOUNTS.contains(&plain(name).as_str())
}

/// Whether the segment after this one of a path is the id of an account.
pub(crate) fn holds_account(segment: &str) -> bool {
    HOLDERS.contains(&segment.to_ascii_lowercase().as_str())
}

/// Whether the value of a parameter of an address may be kept.
pub(crate) fn is_open_parameter(name: &str) -> bool {
    OPEN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether the value of a field of a form may be kept.
pub(crate) fn is_open_field(name: &str) -> bool {
    OPEN_FIELDS.contains(&plain(name).as_str())
}

/// Whether a header of a reply may be kept.
pub(crate) fn is_open_header(name: &str) -> bool {
    OPEN_HEADERS.contains(&name)
        || name.starts_with("x-ratelimit-")
        || name.starts_with("anthropic-ratelimit-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_every_spelling() {
        for name in ["api_key", "apiKey", "X-Api-Key", "access_token", "SecretAccessKey"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["max_tokens", "tokens", "signature", "tokenizer", "code"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
