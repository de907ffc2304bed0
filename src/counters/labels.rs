//! What is counted by kind. Each kind is one of a few words that stand here, never a
//! peer's own.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;

use super::{add, read};
use crate::CloseCode;

/// A kind among a fixed number of kinds.
pub(crate) trait Label {
    /// The names of all, in order.
    const NAMES: &'static [&'static str];

    fn index(&self) -> usize;
}

/// How often each kind occurred.
pub(crate) struct Counts<L> {
    counts: Box<[AtomicU64]>,
    label: PhantomData<fn(L)>,
}

impl<L: Label> Default for Counts<L> {
    fn default() -> Self {
        Self { counts: L::NAMES.iter().map(|_| AtomicU64::new(0)).collect(), label: PhantomData }
    }
}

impl<L: Label> Counts<L> {
    pub(crate) fn count(&self, label: &L) {
        add(&self.counts[label.index()], 1);
    }

    /// All kinds, also those that have not occurred.
    pub(crate) fn snapshot(&self) -> Vec<(&'static str, u64)> {
        L::NAMES.iter().copied().zip(self.counts.iter().map(read)).collect()
    }
}

/// An enum whose variants have names for the world.
macro_rules! labels {
    ($(#[$doc:meta])* $label:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $label {
            $($(#[$variant_doc])* $variant,)+
        }

        impl Label for $label {
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn index(&self) -> usize {
                *self as usize
            }
        }
    };
}

labels! {
    /// How a handshake ended.
    HandshakeEnd {
        Joined = "joined",
        /// By a page, a health check or the like.
        Answered = "answered",
        Refused = "refused",
        /// The peer left first.
        Gone = "gone",
        /// TLS failed.
        Insecure = "insecure",
    }
}

labels! {
    /// Why somebody was refused.
    RefusalCause {
        BadRequest = "bad_request",
        Unauthorized = "unauthorized",
        Forbidden = "forbidden",
        NotFound = "not_found",
        Conflict = "conflict",
        TooSlow = "too_slow",
        UpgradeNeeded = "upgrade_needed",
        TooMany = "too_many",
        AddressConnections = "address_connections",
        AddressJoins = "address_joins",
        Full = "full",
        Stopping = "stopping",
        Handshakes = "handshakes",
        Threads = "threads",
        Descriptors = "descriptors",
        Failed = "failed",
        Other = "other",
    }
}

impl RefusalCause {
    /// What a status alone tells.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            408 => Self::TooSlow,
            409 => Self::Conflict,
            426 => Self::UpgradeNeeded,
            429 => Self::TooMany,
            500 => Self::Failed,
            503 => Self::Full,
            _ => Self::Other,
        }
    }
}

labels! {
    /// Why a TLS handshake failed.
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "in the clear there is none"))]
    TlsFailure {
        /// The peer does not speak TLS.
        NotTls = "not_tls",
        /// No version that both speak.
        Version = "version",
        NoCertificate = "no_certificate",
        /// The peer's certificate is not trusted.
        BadCertificate = "bad_certificate",
        /// The peer does not take ours, or ended it for another reason of its own.
        RefusedByPeer = "refused_by_peer",
        Other = "other",
    }
}

/// What an error of a handshake carries: words for the log, and a kind to count by.
#[derive(Debug)]
#[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "in the clear there is none"))]
pub(crate) struct TlsFailed {
    pub words: String,
    pub kind: TlsFailure,
}

impl fmt::Display for TlsFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for TlsFailed {}

impl TlsFailure {
    /// The kind that an error of a handshake carries.
    pub(crate) fn of(error: &io::Error) -> Self {
        let failed = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsFailed>());
        failed.map_or(Self::Other, |failed| failed.kind)
    }
}

/// Registered codes each by itself, all others by thousands.
impl Label for CloseCode {
    const NAMES: &'static [&'static str] = &[
        "1000", "1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "1010", "1011",
        "1012", "1013", "1014", "1015", "3xxx", "4xxx", "other",
    ];

    fn index(&self) -> usize {
        match self.value() {
            code @ 1000..=1015 => usize::from(code - 1000),
            3000..=3999 => 16,
            4000..=4999 => 17,
            _ => 18,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_code_a_peer_closes_with_has_one_of_a_few_names() {
        let closes = Counts::default();
        for code in 0..=u16::MAX {
            closes.count(&CloseCode::from(code));
        }
        let counted = closes.snapshot();
        assert_eq!(counted.iter().map(|(_, count)| count).sum::<u64>(), 65536);
        let of = |name| counted.iter().find(|(known, _)| *known == name).map(|(_, count)| *count);
        assert_eq!([of("1000"), of("1013"), of("3xxx"), of("4xxx")], [1, 1, 1000, 1000].map(Some));
    }

    #[test]
    fn every_cause_has_a_name() {
        assert_eq!(RefusalCause::NAMES[RefusalCause::of_status(418).index()], "other");
        assert_eq!(RefusalCause::NAMES[RefusalCause::of_status(409).index()], "conflict");
        assert_eq!(TlsFailure::NAMES[TlsFailure::Other.index()], "other");
    }
}
