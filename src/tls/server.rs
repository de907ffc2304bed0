//! A server's certificate and key, and whom it wants to see a certificate of.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::x509::{self, Validity};
use super::{ALPN, expiry, pem, provider};
use crate::reloading::Reloading;
use crate::{Error, Result};

/// What a server shows and wants to see over TLS (1.2 and 1.3): its certificate and key
/// from PEM files, and whether clients need a certificate too. Cheap to clone.
///
/// The files are read again when they change, as a handshake finds, at most once a
/// second. Where the new ones are no good the old stay in use, and the log says so.
/// Connections that stand are not touched. The log says so when a certificate has expired or
/// will within 30 days: when it is read, and then once a day.
///
/// ```no_run
/// use chinwag::{Listener, Server, ServerTls};
///
/// let tls = ServerTls::from_files("chat.pem", "chat.key")?;
/// let server = Server::builder().listener(Listener::bind("0.0.0.0:9443")?.tls(&tls)?).start()?;
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Clone)]
pub struct ServerTls(pub(crate) Arc<Reloading<Loaded>>);

/// What the files held.
pub(crate) struct Loaded {
    config: Arc<ServerConfig>,
    /// Of the certificate that expires first, of all in the chain.
    validity: Option<Validity>,
}

/// Whether clients need a certificate of an authority that the server trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientCertificates {
    /// Who has none does not get in.
    Required,
    /// Who shows one shows a good one; [`Request::tls`](crate::Request::tls) tells.
    Optional,
}

/// Makes a [`ServerTls`].
#[derive(Debug, Clone)]
#[must_use = "files are read by `load`"]
pub struct ServerTlsBuilder {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<(PathBuf, ClientCertificates)>,
}

impl ServerTls {
    /// A certificate, followed in its file by those between it and the authority, and
    /// its key, not encrypted.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where a file cannot be read, and
    /// [`Error::Invalid`](crate::Error::Invalid) where it holds something else, or the
    /// key belongs to another certificate.
    pub fn from_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        Self::builder(certificate, key).load()
    }

    /// The same, with more options.
    pub fn builder(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> ServerTlsBuilder {
        ServerTlsBuilder {
            certificate: certificate.as_ref().to_owned(),
            key: key.as_ref().to_owned(),
            client_ca: None,
        }
    }

    /// Reads the files again now, for connections from here on. Callable from any thread.
    ///
    /// # Errors
    ///
    /// As [`from_files`](Self::from_files); then the old ones stay in use.
    pub fn reload(&self) -> Result<()> {
        self.0.reload()
    }

    /// When the certificate that is in use expires, or one between it and the authority
    /// does before it; `None` where they do not say it in a way that can be read.
    pub fn not_after(&self) -> Option<SystemTime> {
        self.0.current().validity.map(|validity| validity.not_after)
    }

    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.0.current().config.clone()
    }

    /// Logs it where the certificate expires soon, read again if it has changed.
    pub(crate) fn remind(&self) {
        expiry::tell(self.0.main_file(), self.0.current().validity);
    }
}

impl ServerTlsBuilder {
    /// Asks clients for a certificate that an authority in this PEM file has signed.
    /// Defaults to asking for none.
    pub fn client_ca(mut self, file: impl AsRef<Path>, wanted: ClientCertificates) -> Self {
        self.client_ca = Some((file.as_ref().to_owned(), wanted));
        self
    }

    /// Reads the files.
    ///
    /// # Errors
    ///
    /// As [`ServerTls::from_files`].
    pub fn load(self) -> Result<ServerTls> {
        let mut files = vec![self.certificate.clone(), self.key.clone()];
        files.extend(self.client_ca.iter().map(|(file, _)| file.clone()));
        Ok(ServerTls(Arc::new(Reloading::new(files, move || self.read())?)))
    }

    fn read(&self) -> Result<Loaded> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for both versions");
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some((file, wanted)) => builder.with_client_cert_verifier(verifier(file, *wanted)?),
        };
        let (chain, key) = (pem::certificates(&self.certificate)?, pem::private_key(&self.key)?);
        let certificates = chain.iter().filter_map(|certificate| x509::validity(certificate));
        let validity = certificates.min_by_key(|validity| validity.not_after);
        let mut config = builder.with_single_cert(chain, key).map_err(|error| self.mismatch(&error))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A connection lasts, so resuming saves little; and a record that comes unasked right
        // behind the handshake meets clients that read on one thread and write on another.
        config.send_tls13_tickets = 0;
        expiry::tell(&self.certificate, validity);
        Ok(Loaded { config: Arc::new(config), validity })
    }

    fn mismatch(&self, error: &rustls::Error) -> Error {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        Error::Invalid(match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("the private key in {key} does not belong to the certificate in {certificate}")
            }
            error => format!("the certificate in {certificate} or the key in {key} cannot be used: {error}"),
        })
    }
}

fn verifier(file: &Path, wanted: ClientCertificates) -> Result<Arc<dyn ClientCertVerifier>> {
    let roots = Arc::new(pem::authorities([file])?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, provider());
    let builder = match wanted {
        ClientCertificates::Required => builder,
        ClientCertificates::Optional => builder.allow_unauthenticated(),
    };
    let invalid =
        |error| Error::Invalid(format!("the authorities in {} cannot be used: {error}", file.display()));
    builder.build().map_err(invalid)
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls")
    }
}
