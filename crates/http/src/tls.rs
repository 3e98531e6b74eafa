//! TLS as a client: whom to believe.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::network::Trust;

/// A client's configuration, without protocols to negotiate; else why there is none.
pub(crate) fn client(trust: &Trust) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("no versions of TLS: {error}"))?;
    if trust.without_system {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trust.roots.iter().cloned());
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let verifier = Verifier::new_with_extra_roots(trust.roots.iter().cloned(), provider)
        .map_err(|error| format!("no certificates to trust: {error}"))?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    Ok(builder.with_no_client_auth())
}
