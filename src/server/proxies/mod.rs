//! Whom to believe that a connection is made for somebody else, and for whom. What a
//! trusted proxy says makes its client the peer, for limits, bans and the log; what
//! anybody else says of that kind is ignored.

pub(super) mod forwarded;
pub(super) mod header;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

use crate::{Error, PeerAddr};

/// Whose word counts where a connection is made for somebody else: an address, a network,
/// or whoever comes through a Unix domain socket. See
/// [`ServerBuilder::trusted_proxy`](crate::ServerBuilder::trusted_proxy).
///
/// ```
/// use chinwag::TrustedProxy;
///
/// let network: TrustedProxy = "10.0.0.0/8".parse()?;
/// let address: TrustedProxy = "2001:db8::1".parse()?;
/// let local: TrustedProxy = "unix".parse()?;
/// assert!("proxy.example".parse::<TrustedProxy>().is_err());
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxy(Place);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Network(IpNet),
    Unix,
}

impl FromStr for TrustedProxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "unix" {
            return Ok(Self(Place::Unix));
        }
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let network = network.map_err(|_| {
            Error::Invalid(
                "a trusted proxy is an IP address, a network such as 10.0.0.0/8, or unix".to_owned(),
            )
        })?;
        Ok(Self(Place::Network(network)))
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::Network(network) => network.fmt(f),
            Place::Unix => f.write_str("unix"),
        }
    }
}

/// The proxies of one server.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    pub trusted: Vec<TrustedProxy>,
    /// They begin each connection with a PROXY header, instead of adding fields to requests.
    pub speak_first: bool,
}

/// What a trusted proxy says of a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Introduction {
    /// Whose it is; `None` where it is the proxy's own.
    pub client: Option<SocketAddr>,
    /// Whether it came to the proxy encrypted, where that is told.
    pub is_secure: Option<bool>,
}

impl Proxies {
    pub(super) fn trust(&self, peer: PeerAddr) -> bool {
        match peer {
            PeerAddr::Tcp(addr) => self.trust_ip(addr.ip()),
            PeerAddr::Unix => self.trusted.contains(&TrustedProxy(Place::Unix)),
            PeerAddr::Memory => false,
        }
    }

    fn trust_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.trusted.iter().any(|proxy| matches!(proxy.0, Place::Network(network) if network.contains(&ip)))
    }
}
