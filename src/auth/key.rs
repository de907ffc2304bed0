//! The key that signed tokens are checked with, from its file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jsonwebtoken::Algorithm;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

use crate::{Error, Result};

/// As long as the hash (RFC 7518, section 3.2); a shorter one could be tried through.
const MIN_SECRET: usize = 32;
/// What comes before the 32 bytes of an Ed25519 public key (RFC 8410, section 4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PEM: &[u8] = b"-----BEGIN ";

/// The key in a file, and the one algorithm that it is for. PEM is never taken for a secret:
/// a public key is no secret at all.
pub(super) fn read(path: &Path) -> Result<(Algorithm, Vec<u8>)> {
    let bytes = fs::read(path).map_err(Error::io(format!("read the key {}", path.display())))?;
    let wrong = |what: String| Error::Invalid(format!("{} {what}", path.display()));
    if bytes.windows(PEM.len()).any(|window| window == PEM) {
        return Ok((Algorithm::EdDSA, public_key(path, &bytes).map_err(wrong)?));
    }
    if looks_public(&bytes) {
        return Err(wrong(
            "looks like a public key, but is not PEM: convert it, for a secret it is not".to_owned(),
        ));
    }
    let secret = without_line_break(&bytes);
    if secret.len() < MIN_SECRET {
        let length = secret.len();
        return Err(wrong(format!(
            "is too short for a secret: {length} bytes, and at least {MIN_SECRET} are needed; make one with `openssl rand -hex 32`"
        )));
    }
    if secret.contains(&b'\n') && is_text(secret) {
        return Err(wrong(
            "has several lines, and so is no secret; make one with `openssl rand -hex 32`".to_owned(),
        ));
    }
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0) {
        return Err(wrong(format!(
            "can be read by every user of this machine, who could make themselves operators: chmod o-r {}",
            path.display()
        )));
    }
    Ok((Algorithm::HS256, secret.to_vec()))
}

fn public_key(path: &Path, pem: &[u8]) -> Result<Vec<u8>, String> {
    let found = SubjectPublicKeyInfoDer::from_pem_slice(pem);
    let is_private = pem.windows(11).any(|window| window == b"PRIVATE KEY");
    if is_private {
        return Err(format!(
            "is the private key, which belongs where tokens are made: give this server the public one, by `openssl pkey -in {} -pubout`",
            path.display()
        ));
    }
    let key = found.map_err(|_| "has no public key in it that is PEM".to_owned())?;
    match key.as_ref().strip_prefix(&ED25519) {
        Some(bytes) if bytes.len() == 32 => Ok(bytes.to_vec()),
        _ => Err("is not an Ed25519 public key, which alone is understood here".to_owned()),
    }
}

/// Whether this is a key in another format, or a certificate. Taken for a secret, it would let
/// in everybody who has it.
fn looks_public(bytes: &[u8]) -> bool {
    let is_der = match bytes {
        [0x30, length @ ..=0x7f, rest @ ..] => rest.len() == usize::from(*length),
        [0x30, 0x81, length, rest @ ..] => rest.len() == usize::from(*length),
        [0x30, 0x82, high, low, rest @ ..] => rest.len() == usize::from(u16::from_be_bytes([*high, *low])),
        _ => false,
    };
    let text = bytes.trim_ascii_start();
    is_der || [&b"{"[..], b"[", b"ssh-", b"ecdsa-", b"sk-ssh-"].iter().any(|start| text.starts_with(start))
}

/// A secret that is text ends before the line break that an editor or `echo` puts behind it.
fn without_line_break(bytes: &[u8]) -> &[u8] {
    let text = bytes.strip_suffix(b"\n").filter(|_| is_text(bytes));
    text.map_or(bytes, |text| text.strip_suffix(b"\r").unwrap_or(text))
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_may_have_is_no_secret() {
        let der = [&ED25519[..], &[7; 32]].concat();
        let ssh = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1V1V1V1V1V1V1V1V1V1V1V1V1V1 john@example\n";
        let jwk = br#" {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        for public in [&der[..], ssh, jwk] {
            assert!(looks_public(public));
        }
        assert!(!looks_public(b"0123456789abcdef0123456789abcdef"));
        assert!(!looks_public(&[0x30; 32]));
    }

    #[test]
    fn a_line_break_counts_only_where_the_secret_is_no_text() {
        assert_eq!(without_line_break(b"secret\n"), b"secret");
        assert_eq!(without_line_break(b"secret\r\n"), b"secret");
        assert_eq!(without_line_break(b"\xff\n"), b"\xff\n");
        assert_eq!(without_line_break(b"secret"), b"secret");
    }
}
