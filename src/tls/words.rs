//! What went wrong with TLS, in words that tell what to do.

use std::io;
use std::time::{Duration, SystemTime};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::counters::{TlsFailed, TlsFailure};

/// The error as a transport reports it, which is still to be asked what it was.
pub(crate) fn failure(error: &Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, TlsFailed { words: words(error), kind: kind(error) })
}

/// What it is counted as.
fn kind(error: &Error) -> TlsFailure {
    match error {
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => TlsFailure::NotTls,
        Error::NoCertificatesPresented => TlsFailure::NoCertificate,
        Error::InvalidCertificate(_) => TlsFailure::BadCertificate,
        Error::AlertReceived(_) => TlsFailure::RefusedByPeer,
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => TlsFailure::Version,
        _ => TlsFailure::Other,
    }
}

fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(what) => certificate(what),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "the peer does not speak TLS: is it ws:// instead of wss://?".to_owned(),
        Error::NoCertificatesPresented => "the peer has shown no certificate".to_owned(),
        Error::AlertReceived(alert) => refused(*alert),
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => "the peer speaks only versions of TLS before 1.2".to_owned(),
        Error::NoApplicationProtocol => "the peer speaks no HTTP/1.1 (ALPN)".to_owned(),
        other => format!("TLS failed: {other}"),
    }
}

/// What is wrong with the peer's certificate.
fn certificate(error: &CertificateError) -> String {
    use CertificateError as Bad;
    match error {
        Bad::Expired => "its certificate has expired".to_owned(),
        Bad::ExpiredContext { not_after, .. } => format!("its certificate expired on {}", date(*not_after)),
        Bad::NotValidYet => "its certificate is not valid yet".to_owned(),
        Bad::NotValidYetContext { not_before, .. } => {
            format!(
                "its certificate is not valid before {}; is this machine's clock right?",
                date(*not_before)
            )
        }
        Bad::NotValidForName => "its certificate is for another name".to_owned(),
        Bad::NotValidForNameContext { expected, presented } => {
            format!("its certificate is not for {}, but for {}", expected.to_str(), names(presented))
        }
        Bad::UnknownIssuer => "its certificate is signed by an authority that is not trusted here".to_owned(),
        Bad::Revoked => "its certificate has been revoked".to_owned(),
        Bad::BadSignature => "its certificate has a signature that is wrong".to_owned(),
        Bad::BadEncoding => "its certificate is malformed".to_owned(),
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => {
            "its certificate is for another purpose than this side of a connection".to_owned()
        }
        Bad::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's own, which is not to be used by a server; sign one with it"
                .to_owned()
        }
        other => format!("its certificate cannot be trusted: {other}"),
    }
}

/// What the peer said of us.
fn refused(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let what = match alert {
        Alert::CertificateRequired => "it asks for a certificate of ours, and got none",
        Alert::UnknownCA => "it does not trust the authority that signed our certificate",
        Alert::BadCertificate | Alert::UnsupportedCertificate | Alert::CertificateUnknown => {
            "it does not take our certificate"
        }
        Alert::CertificateExpired => "it says that our certificate has expired",
        Alert::CertificateRevoked => "it says that our certificate has been revoked",
        Alert::AccessDenied => "it denies access to our certificate",
        Alert::ProtocolVersion => "it speaks no version of TLS that is safe (1.2 or 1.3)",
        Alert::HandshakeFailure => "it found no cipher or certificate that both sides take",
        Alert::UnrecognisedName => "it does not know the host name that we asked for",
        Alert::NoApplicationProtocol => "it speaks no HTTP/1.1 (ALPN)",
        other => return format!("it ended TLS with the alert {other:?}"),
    };
    what.to_owned()
}

fn names(presented: &[String]) -> String {
    // As the library writes them: `DnsName("example.org")`.
    let plain = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, inner)| inner);
        inner.trim_matches(|c| matches!(c, '"' | ')')).to_owned()
    };
    match presented {
        [] => "no name at all".to_owned(),
        [one] => plain(one),
        many => many.iter().take(10).map(plain).collect::<Vec<_>>().join(", "),
    }
}

fn date(time: UnixTime) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    time.map_or_else(
        || "a day beyond reckoning".to_owned(),
        |time| humantime::format_rfc3339_seconds(time).to_string(),
    )
}
