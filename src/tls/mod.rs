//! What TLS needs besides a connection: certificates and keys from PEM files, and words
//! for what is wrong with them. Knows no sockets.

mod client;
mod expiry;
mod pem;
mod server;
mod words;
mod x509;

pub(crate) use client::ClientTls;
pub use server::{ClientCertificates, ServerTls, ServerTlsBuilder};
pub(crate) use words::failure;
pub(crate) use x509::subject;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

/// HTTP/1.1, the only protocol that a WebSocket begins with here (RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// The cryptography, whatever else the program has that uses rustls with another.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    PROVIDER.clone()
}
