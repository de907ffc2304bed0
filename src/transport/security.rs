//! What a connection's TLS handshake agreed on. Names no TLS library, so that the API
//! is the same without one.

/// How a connection is protected, and by whom the peer says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version, such as `TLS 1.3`.
    pub version: String,
    /// The cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The host name that the client asked for (SNI). An IP address is not told.
    pub server_name: Option<String>,
    /// The peer's certificates in DER, its own first, verified; empty where it has
    /// shown none.
    pub peer_certificates: Vec<Vec<u8>>,
}
