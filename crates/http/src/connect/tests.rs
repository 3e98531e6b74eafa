use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::Network;

#[test]
fn a_proxy_is_told_the_port_of_the_scheme() {
    let with = |text: &str| with_port(text.parse().unwrap()).to_string();
    assert_eq!(with("http://a.example/v1"), "http://a.example:80/v1");
    assert_eq!(with("http://[::1]/v1"), "http://[::1]:80/v1");
    assert_eq!(with("http://a.example:8080/v1"), "http://a.example:8080/v1");
    assert_eq!(with("https://a.example/v1"), "https://a.example:443/v1");
}

/// A proxy that reads a request of this length, or up to an empty line, and agrees to all of it.
async fn agreeable(listener: TcpListener, steps: &[(usize, &[u8])]) -> Vec<u8> {
    let mut socket = listener.accept().await.unwrap().0;
    let mut heard = Vec::new();
    for (length, answer) in steps {
        let before = heard.len();
        while heard.len() - before < *length && !heard.ends_with(b"\r\n\r\n") {
            assert_ne!(socket.read_buf(&mut heard).await.unwrap(), 0);
        }
        socket.write_all(answer).await.unwrap();
    }
    heard
}

/// Connects to `address` through what listens, and says whether the connection waits (Nagle).
async fn no_delay(scheme: &str, except: &str, address: &str, steps: &[(usize, &[u8])]) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    let proxy = format!("{scheme}://user:pass@{here}");
    let network = Network::default().through(&proxy, except).unwrap();
    let address: Uri = address.replace("HERE", &here.to_string()).parse().unwrap();
    let via = Via::new(network.proxy);
    let (made, heard) = tokio::join!(via.connect(address), agreeable(listener, steps));
    assert!(made.unwrap().inner().nodelay().unwrap());
    heard
}

#[tokio::test]
async fn no_connection_waits_for_acknowledgements_however_it_is_made() {
    let nothing = no_delay("http", "127.0.0.0/8", "http://HERE/v1", &[]).await;
    assert!(nothing.is_empty(), "an exception is reached directly");
    let agreed = (usize::MAX, &b"HTTP/1.1 200 Fine\r\n\r\n"[..]);
    let heard = no_delay("http", "", "https://provider.invalid/v1", &[agreed]).await;
    let heard = String::from_utf8(heard).unwrap();
    assert!(heard.starts_with("CONNECT provider.invalid:443 HTTP/1.1\r\n"), "{heard}");
    // The Base64 of `user:pass`.
    assert!(heard.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), "{heard}");
}

#[tokio::test]
async fn a_socks_proxy_gets_name_and_password_and_resolves_the_host_itself() {
    // RFC 1928 and 1929: the greeting, the password, the request.
    let host = b"provider.invalid";
    let steps: [(usize, &[u8]); 3] =
        [(3, &[5, 2]), (11, &[1, 0]), (7 + host.len(), &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80])];
    for scheme in ["socks5", "socks5h"] {
        let heard = no_delay(scheme, "", "http://provider.invalid/v1", &steps).await;
        assert!(heard.windows(host.len()).any(|window| window == host), "{heard:?}");
        assert!(heard.windows(10).any(|window| window == b"\x04user\x04pass"), "{heard:?}");
        assert!(heard.ends_with(&[0, 80]), "{heard:?}");
    }
}
