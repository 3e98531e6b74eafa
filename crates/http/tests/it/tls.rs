//! Whom the transport believes, and what it says of whom it does not.

use std::sync::Arc;

use largestack_http::Network;
use largestack_ports::transport::{Request, Transport as _};
use largestack_types::errors::{Coded as _, LargestackError, unsent};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::asking::{body, failure, over, request};

/// A certificate authority of our own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self) -> &Certificate {
        self.0.as_ref()
    }

    /// A network that believes it alone.
    pub(crate) fn network(&self) -> Network {
        let pem = self.certificate().pem();
        Network::default().trusting(pem.as_bytes()).unwrap().without_system_roots()
    }

    /// What a server presents itself with.
    pub(crate) fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let (chain, key) = self.issue(change);
        server().with_no_client_auth().with_single_cert(chain, key).unwrap()
    }

    /// The same, asking clients for a certificate.
    fn asking(&self) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate().der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let (chain, key) = self.issue(|_| {});
        let asking = server().with_client_cert_verifier(verifier.build().unwrap());
        asking.with_single_cert(chain, key).unwrap()
    }

    fn issue(
        &self,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (vec![certificate.der().clone()], key.into())
    }
}

fn server() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

/// What a request to a server with these certificates comes to.
async fn asked(config: ServerConfig, network: Network) -> Result<Vec<u8>, LargestackError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    let serve = async {
        let accepted = listener.accept().await.unwrap().0;
        // What goes wrong is the client's to tell.
        let Ok(mut socket) = TlsAcceptor::from(Arc::new(config)).accept(accepted).await else {
            return std::future::pending().await;
        };
        let mut heard = Vec::new();
        while !heard.ends_with(b"}") {
            if socket.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                return std::future::pending().await;
            }
        }
        let _ = socket.write_all(b"HTTP/1.1 200 Fine\r\ncontent-length: 2\r\n\r\n{}").await;
        std::future::pending::<()>().await;
    };
    let transport = over(network);
    let ask = async {
        let response = transport.send(Request { ..request(&url) }).await?;
        body(response).await
    };
    tokio::select! {
        () = serve => unreachable!("it serves until it is dropped"),
        asked = ask => asked,
    }
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_when_its_file_is_named() {
    let authority = Authority::new("ours");
    let answer = asked(authority.server(|_| {}), authority.network()).await.unwrap();
    assert_eq!(answer, b"{}");
}

#[tokio::test]
async fn each_way_in_which_a_certificate_is_wrong_has_its_code_and_its_advice() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let expired = authority.server(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = authority.server(|params| params.not_before = date_time_ymd(4000, 1, 1));
    let elsewhere = authority.server(|params| params.subject_alt_names.clear());
    let cases = [
        (expired, unsent::EXPIRED, "clock"),
        (early, unsent::EXPIRED, "clock"),
        (elsewhere, unsent::WRONG_HOST, "base URL"),
        (other.server(|_| {}), unsent::UNKNOWN_CA, "network.ca_file"),
        (authority.asking(), unsent::CLIENT_REFUSED, "client certificate"),
    ];
    for (config, code, advice) in cases {
        let error = asked(config, authority.network()).await.unwrap_err();
        assert!(error.suggestion().contains(advice), "{code}: {error}");
        assert_eq!(error.code().name(), "LARGESTACK_PROVIDER");
        let failed = failure(error);
        assert_eq!((failed.provider_code.as_deref(), failed.transient), (Some(code), false));
    }
}

#[tokio::test]
async fn the_system_alone_does_not_believe_an_authority_of_ones_own() {
    let error = asked(Authority::new("ours").server(|_| {}), Network::default()).await.unwrap_err();
    let failed = failure(error);
    // A machine without any authorities of its own cannot even begin.
    let codes = [Some(unsent::UNKNOWN_CA), Some(unsent::CONNECT)];
    assert!(codes.contains(&failed.provider_code.as_deref()), "{failed:?}");
    assert!(!failed.transient);
}
