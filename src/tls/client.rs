//! Whom a client trusts, and what it shows of itself.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore};

use super::{ALPN, pem, provider};
use crate::reloading::Reloading;
use crate::{Error, Result};

/// A client's files, read when they are first needed and again when they change.
/// Clones share what was read, and TLS sessions with it.
#[derive(Clone, Default)]
pub(crate) struct ClientTls {
    files: Files,
    loaded: Arc<Mutex<Option<Arc<Reloading<ClientConfig>>>>>,
}

#[derive(Clone, Default)]
struct Files {
    /// Instead of the system's authorities, where there are any.
    authorities: Vec<PathBuf>,
    /// Certificate and key.
    identity: Option<(PathBuf, PathBuf)>,
}

impl ClientTls {
    pub(crate) fn trust(self, file: PathBuf) -> Self {
        let mut files = self.files;
        files.authorities.push(file);
        Self { files, loaded: Arc::default() }
    }

    pub(crate) fn identify(self, certificate: PathBuf, key: PathBuf) -> Self {
        let files = Files { identity: Some((certificate, key)), ..self.files };
        Self { files, loaded: Arc::default() }
    }

    /// Reads the files where that has not been done.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>> {
        let mut loaded = self.loaded.lock();
        let reloading = match &*loaded {
            Some(reloading) => reloading.clone(),
            None => loaded.insert(Arc::new(self.files.clone().watched()?)).clone(),
        };
        drop(loaded);
        Ok(reloading.current())
    }
}

impl Files {
    fn watched(self) -> Result<Reloading<ClientConfig>> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        let files = self.authorities.iter().chain(identity).cloned().collect();
        Reloading::new(files, move || self.config())
    }

    fn config(&self) -> Result<ClientConfig> {
        let roots = match &*self.authorities {
            [] => system_authorities()?,
            files => pem::authorities(files.iter().map(PathBuf::as_path))?,
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for both versions")
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let (chain, private) = (pem::certificates(certificate)?, pem::private_key(key)?);
                builder.with_client_auth_cert(chain, private).map_err(|error| {
                    Error::Invalid(format!(
                        "the key in {} cannot be used with the certificate in {}: {error}",
                        key.display(),
                        certificate.display()
                    ))
                })?
            }
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }
}

fn system_authorities() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        log::warn!("some of the system's certificate authorities could not be read: {error}");
    }
    let mut roots = RootCertStore::empty();
    // Those that the library cannot parse are not trusted, as elsewhere.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = "this system has no list of certificate authorities: install ca-certificates, or name a PEM \
                   file with the authority";
        return Err(Error::Invalid(why.to_owned()));
    }
    Ok(roots)
}
