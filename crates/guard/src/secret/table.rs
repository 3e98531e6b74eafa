//! The rules, as data: one row a credential format, after the issuers' own documentation.
//!
//! Rows with the same literal are tried in this order; the longest match wins, then the first row.

mod more;

use super::assign::Name;
use super::rule::{Reads, Rule};
use super::shape::Alphabet::{Alnum, Base32, Base64, Digits, Dotted, Hex, Percent, Url, Word};
use super::shape::{Alphabet, Check, Shape};

const fn body(alphabet: Alphabet, least: usize, most: usize) -> Shape {
    Shape { alphabet, least, most, check: Check::Varied }
}

const fn anything(alphabet: Alphabet, least: usize, most: usize) -> Shape {
    Shape { alphabet, least, most, check: Check::Nothing }
}

/// A token: its prefix, then a body.
const fn token(
    name: &'static str,
    literal: &'static str,
    alphabet: Alphabet,
    least: usize,
    most: usize,
) -> Rule {
    Rule { name, literal, reads: Reads::Token(body(alphabet, least, most)) }
}

/// A token with 30 characters and a checksum of 6.
const fn signed(name: &'static str, literal: &'static str) -> Rule {
    let shape = Shape { alphabet: Alnum, least: 36, most: 36, check: Check::Crc32 };
    Rule { name, literal, reads: Reads::Token(shape) }
}

const fn value(
    name: &'static str,
    literal: &'static str,
    alphabet: Alphabet,
    least: usize,
    most: usize,
) -> Rule {
    Rule { name, literal, reads: Reads::Value(body(alphabet, least, most)) }
}

const fn parts(
    name: &'static str,
    literal: &'static str,
    joint: u8,
    parts: &'static [Shape],
) -> Rule {
    Rule { name, literal, reads: Reads::Parts(joint, parts) }
}

const fn named(literal: &'static str, name: Name) -> Rule {
    Rule { name: "assigned-secret", literal, reads: Reads::Named(name) }
}

/// Every rule.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    let tokens = TOKENS.iter().chain(more::TOKENS);
    tokens.chain(STRUCTURED).chain(more::STRUCTURED).chain(NAMES)
}

/// The words that name a secret, and how strict its value is judged.
pub(super) fn names() -> impl Iterator<Item = (&'static str, Name)> {
    NAMES.iter().filter_map(|rule| match rule.reads {
        Reads::Named(name) if name != Name::Scheme => Some((rule.literal, name)),
        _ => None,
    })
}

const TOKENS: &[Rule] = &[
    // Clouds.
    token("aws-access-key", "AKIA", Base32, 16, 16),
    token("aws-access-key", "ASIA", Base32, 16, 16),
    token("aws-access-key", "ABIA", Base32, 16, 16),
    token("aws-access-key", "ACCA", Base32, 16, 16),
    token("aws-bedrock-key", "ABSK", Base64, 109, 269),
    value("azure-account-key", "AccountKey=", Base64, 43, 88),
    value("azure-access-key", "SharedAccessKey=", Base64, 43, 88),
    value("azure-sas-signature", "sig=", Percent, 43, 90),
    token("google-api-key", "AIza", Url, 35, 35),
    token("google-client-secret", "GOCSPX-", Url, 28, 28),
    token("google-access-token", "ya29.", Url, 30, 512),
    token("digitalocean-token", "dop_v1_", Hex, 64, 64),
    token("digitalocean-token", "doo_v1_", Hex, 64, 64),
    token("digitalocean-token", "dor_v1_", Hex, 64, 64),
    token("heroku-key", "HRKU-", Url, 36, 80),
    token("planetscale-token", "pscale_tkn_", Dotted, 32, 64),
    token("planetscale-password", "pscale_pw_", Dotted, 32, 64),
    token("supabase-token", "sbp_", Hex, 40, 40),
    token("supabase-secret", "sb_secret_", Url, 22, 64),
    token("fly-token", "fm2_", Base64, 100, 1024),
    token("vault-token", "hvs.", Url, 24, 128),
    token("vault-batch-token", "hvb.", Url, 100, 512),
    token("doppler-token", "dp.pt.", Alnum, 40, 44),
    token("pulumi-token", "pul-", Hex, 40, 40),
    token("databricks-token", "dapi", Hex, 32, 32),
    // Code hosts and package registries.
    signed("github-token", "ghp_"),
    signed("github-token", "gho_"),
    signed("github-token", "ghu_"),
    signed("github-token", "ghs_"),
    signed("github-token", "ghr_"),
    token("github-fine-grained-token", "github_pat_", Word, 82, 82),
    token("gitlab-token", "glpat-", Dotted, 20, 300),
    token("gitlab-deploy-token", "gldt-", Url, 20, 64),
    token("gitlab-runner-token", "glrt-", Dotted, 20, 300),
    token("gitlab-trigger-token", "glptt-", Hex, 40, 40),
    token("gitlab-agent-token", "glagent-", Url, 50, 64),
    signed("npm-token", "npm_"),
    token("pypi-token", "pypi-AgEIcHlwaS5vcmc", Url, 50, 512),
    token("pypi-token", "pypi-AgENdGVzdC5weXBpLm9yZw", Url, 50, 512),
    token("rubygems-key", "rubygems_", Hex, 48, 48),
    token("docker-token", "dckr_pat_", Url, 27, 36),
    token("atlassian-token", "ATATT3xFfGF0", Dotted, 100, 300),
    // Models.
    token("anthropic-key", "sk-ant-", Url, 24, 160),
    token("openrouter-key", "sk-or-v1-", Hex, 64, 64),
    token("openai-key", "sk-proj-", Url, 40, 220),
    token("openai-key", "sk-svcacct-", Url, 40, 220),
    token("openai-key", "sk-admin-", Url, 40, 220),
    token("openai-key", "sk-", Alnum, 32, 64),
    token("huggingface-token", "hf_", Alnum, 34, 40),
    token("huggingface-token", "api_org_", Alnum, 34, 40),
    token("groq-key", "gsk_", Alnum, 48, 56),
    token("xai-key", "xai-", Alnum, 70, 90),
    token("perplexity-key", "pplx-", Alnum, 40, 64),
    token("replicate-token", "r8_", Alnum, 37, 40),
    token("tavily-key", "tvly-", Url, 28, 64),
    token("langsmith-key", "lsv2_", Word, 40, 60),
    // Messages and mail.
    token("slack-token", "xoxb-", Url, 30, 120),
    token("slack-token", "xoxp-", Url, 30, 120),
    token("slack-token", "xoxa-", Url, 30, 120),
    token("slack-token", "xoxr-", Url, 30, 120),
    token("slack-token", "xoxs-", Url, 30, 120),
    token("slack-token", "xoxe-", Url, 30, 200),
    token("slack-app-token", "xapp-", Url, 40, 160),
    token("mailgun-key", "key-", Hex, 32, 32),
    token("brevo-key", "xkeysib-", Url, 64, 90),
    // Money and shops.
    token("stripe-key", "sk_live_", Alnum, 16, 128),
    token("stripe-key", "sk_test_", Alnum, 16, 128),
    token("stripe-key", "rk_live_", Alnum, 16, 128),
    token("stripe-key", "rk_test_", Alnum, 16, 128),
    token("stripe-webhook-secret", "whsec_", Base64, 24, 64),
    token("razorpay-key", "rzp_live_", Alnum, 14, 14),
    token("razorpay-key", "rzp_test_", Alnum, 14, 14),
    token("shopify-token", "shpat_", Hex, 32, 32),
    token("shopify-token", "shpca_", Hex, 32, 32),
    token("shopify-token", "shppa_", Hex, 32, 32),
    token("shopify-secret", "shpss_", Hex, 32, 32),
    token("square-token", "sq0atp-", Url, 22, 22),
    token("square-secret", "sq0csp-", Url, 43, 43),
    // Watching and working together.
    token("grafana-token", "glsa_", Word, 40, 48),
    token("grafana-cloud-token", "glc_", Base64, 32, 400),
    token("newrelic-key", "NRAK-", Alnum, 27, 27),
    token("sentry-token", "sntryu_", Hex, 64, 64),
    token("sentry-org-token", "sntrys_", Base64, 80, 400),
    token("linear-key", "lin_api_", Alnum, 40, 40),
    token("notion-token", "ntn_", Alnum, 40, 50),
    token("figma-token", "figd_", Url, 40, 48),
    token("postman-key", "PMAK-", Url, 59, 59),
    token("age-secret-key", "AGE-SECRET-KEY-1", Alnum, 58, 58),
];

const STRUCTURED: &[Rule] = &[
    parts("sendgrid-key", "SG.", b'.', &[body(Url, 22, 22), body(Url, 43, 43)]),
    parts(
        "slack-webhook",
        "hooks.slack.com/services/",
        b'/',
        &[anything(Alnum, 8, 14), anything(Alnum, 8, 14), body(Alnum, 20, 32)],
    ),
    parts(
        "discord-webhook",
        "discord.com/api/webhooks/",
        b'/',
        &[anything(Digits, 17, 20), body(Url, 60, 80)],
    ),
    // The prefix of Twilio's keys is two letters; a third keeps common words out of the search.
    token("twilio-key", "SK0", Hex, 31, 31),
    token("twilio-key", "SK1", Hex, 31, 31),
    token("twilio-key", "SK2", Hex, 31, 31),
    token("twilio-key", "SK3", Hex, 31, 31),
    token("twilio-key", "SK4", Hex, 31, 31),
    token("twilio-key", "SK5", Hex, 31, 31),
    token("twilio-key", "SK6", Hex, 31, 31),
    token("twilio-key", "SK7", Hex, 31, 31),
    token("twilio-key", "SK8", Hex, 31, 31),
    token("twilio-key", "SK9", Hex, 31, 31),
    token("twilio-key", "SKa", Hex, 31, 31),
    token("twilio-key", "SKb", Hex, 31, 31),
    token("twilio-key", "SKc", Hex, 31, 31),
    token("twilio-key", "SKd", Hex, 31, 31),
    token("twilio-key", "SKe", Hex, 31, 31),
    token("twilio-key", "SKf", Hex, 31, 31),
    Rule { name: "json-web-token", literal: "eyJ", reads: Reads::Jwt },
    Rule { name: "private-key", literal: "-----BEGIN ", reads: Reads::Pem },
    Rule { name: "url-password", literal: "://", reads: Reads::UrlPassword },
];

const NAMES: &[Rule] = &[
    named("password", Name::Password),
    named("passphrase", Name::Password),
    named("passwd", Name::Password),
    named("pwd", Name::Password),
    named("secret", Name::Token),
    named("token", Name::Token),
    named("apikey", Name::Token),
    named("api_key", Name::Token),
    named("api-key", Name::Token),
    named("api key", Name::Token),
    named("accesskey", Name::Token),
    named("access_key", Name::Token),
    named("access-key", Name::Token),
    named("auth_key", Name::Token),
    named("account_key", Name::Token),
    named("encryption_key", Name::Token),
    named("private_key", Name::Token),
    named("privatekey", Name::Token),
    named("signing_key", Name::Token),
    named("credential", Name::Token),
    named("bearer ", Name::Scheme),
    named("basic ", Name::Scheme),
];
