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

impl TlsInfo {
    /// Whose the peer's certificate is, such as `CN=John,O=Example` (RFC 4514); `None` where
    /// it has shown none. What an authority let the peer write: show it through
    /// [`Escaped`](crate::Escaped).
    ///
    /// ```no_run
    /// # fn gate(request: &chinwag::Request) -> Result<(), chinwag::Refusal> {
    /// let subject = request.tls().and_then(|tls| tls.peer_subject());
    /// if subject.as_deref() != Some("CN=operator") {
    ///     return Err(chinwag::Refusal::forbidden("the operator's certificate is needed"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn peer_subject(&self) -> Option<String> {
        crate::tls::subject(self.peer_certificates.first()?)
    }
}
