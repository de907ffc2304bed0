//! What a certificate says of itself. Nothing is checked here: rustls does that.

use std::time::SystemTime;

use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::time::Time;

fn read(der: &[u8]) -> Option<Certificate> {
    Certificate::from_der(der).ok()
}

/// From when on and until when it is good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity {
    pub not_before: SystemTime,
    pub not_after: SystemTime,
}

/// `None` where it cannot be read.
pub(super) fn validity(der: &[u8]) -> Option<Validity> {
    let certificate = read(der)?;
    let validity = certificate.tbs_certificate().validity();
    let moment = |time: &Time| SystemTime::UNIX_EPOCH.checked_add(time.to_unix_duration());
    Some(Validity { not_before: moment(&validity.not_before)?, not_after: moment(&validity.not_after)? })
}

/// Whose it is, as RFC 4514 writes names; `None` where it cannot be read.
pub(crate) fn subject(der: &[u8]) -> Option<String> {
    let certificate = read(der)?;
    Some(certificate.tbs_certificate().subject().to_string())
}
