//! PEM files, and what is wrong with them in words.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Error, Result};

/// A chain of certificates, one's own first.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read("certificate", path)?;
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| malformed(path, &error))?;
    if found.is_empty() {
        let what = if has(&bytes, "PRIVATE KEY-----") {
            "a private key, but no certificate,"
        } else {
            "no certificate"
        };
        return Err(Error::Invalid(format!(
            "{} has {what} in it: expected PEM that begins with -----BEGIN CERTIFICATE-----",
            path.display()
        )));
    }
    Ok(found)
}

pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let bytes = read("private key", path)?;
    let found = PrivateKeyDer::from_pem_slice(&bytes);
    if found.is_err() && (has(&bytes, "BEGIN ENCRYPTED PRIVATE KEY") || has(&bytes, "Proc-Type: 4,ENCRYPTED"))
    {
        return Err(Error::Invalid(format!(
            "the private key in {0} is encrypted: decrypt it once with `openssl pkey -in {0} -out NEW`",
            path.display()
        )));
    }
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0) {
        log::warn!("every user of this machine can read the private key {0}: chmod o-r {0}", path.display());
    }
    found.map_err(|error| match error {
        pem::Error::NoItemsFound => {
            Error::Invalid(format!("{} has no private key in it that is PEM", path.display()))
        }
        error => malformed(path, &error),
    })
}

/// The authorities that are trusted.
pub(super) fn authorities<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for path in paths {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| {
                Error::Invalid(format!("a certificate in {} cannot be used: {error}", path.display()))
            })?;
        }
    }
    Ok(roots)
}

fn read(what: &str, path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io(format!("read the {what} {}", path.display())))
}

fn has(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

fn malformed(path: &Path, error: &pem::Error) -> Error {
    Error::Invalid(format!("{} is not the PEM that it begins to be: {error}", path.display()))
}
