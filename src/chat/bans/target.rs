//! Whom a ban keeps out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::PeerAddr;
use crate::chat::state::{Problem, parse_name};
use crate::chat::{Name, NameKey};

/// What somebody typed who meant an address, and mistyped it: banned as a name, it would
/// keep out nobody.
fn looks_like_an_address(text: &str) -> bool {
    let has = |wanted: fn(char) -> bool| text.chars().any(wanted);
    text.chars().all(|char| char.is_ascii_hexdigit() || ".:/".contains(char))
        && has(|char| ".:/".contains(char))
        && has(|char| char.is_ascii_digit())
}

/// Of an IPv6 address, so many bits are one household's.
const HOUSEHOLD: u8 = 64;
/// The longest subject, in bytes.
const MAX_SUBJECT: usize = 256;

/// A name and all its look-alikes, the addresses of a network, or whoever a credential
/// was given to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::chat) enum Target {
    Name(NameKey),
    Network(IpNet),
    Subject(Arc<str>),
}

/// Whom an operator means.
pub(in crate::chat) enum Meant {
    /// A target, and how it is shown.
    Target(Target, String),
    /// The address of somebody who is here, by name.
    AddressOf(String),
}

impl Meant {
    /// `Eve` and `name:Eve`, `192.0.2.7`, `address:192.0.2.0/24`, `address:Eve`,
    /// `subject:eve`.
    pub(in crate::chat) fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("name:") {
            return Self::name(name);
        }
        if let Some(subject) = text.strip_prefix("subject:") {
            return Self::subject(subject);
        }
        let address = text.strip_prefix("address:");
        match (network(address.unwrap_or(text).trim()), address) {
            (Some(network), _) => Self::network(network),
            (None, Some(name)) => Ok(Self::AddressOf(name.trim().to_owned())),
            (None, None) if looks_like_an_address(text) => Err(Problem::new(
                "bad_request",
                format!(
                    "{text} is no address and no network such as 192.0.2.0/24; if it is a name, say name:{text}"
                ),
            )),
            (None, None) => Self::name(text),
        }
    }

    fn name(name: &str) -> Result<Self, Problem> {
        parse_name(name).map(|name| Self::Target(Target::Name(name.key()), shown_name(&name)))
    }

    fn subject(subject: &str) -> Result<Self, Problem> {
        if subject.is_empty() || subject.len() > MAX_SUBJECT {
            return Err(Problem::new("bad_request", format!("a subject has 1 to {MAX_SUBJECT} bytes")));
        }
        Ok(Self::Target(Target::Subject(subject.into()), format!("subject:{subject}")))
    }

    /// A network that is not this machine's own: all who come through a proxy on it would
    /// be shut out with one of them.
    fn network(network: IpNet) -> Result<Self, Problem> {
        let own = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        if own.iter().any(|own| network.contains(own)) {
            let words = format!(
                "{network} has this machine's own address in it, and with it everyone who comes through a proxy here"
            );
            return Err(Problem::new("bad_request", words));
        }
        Ok(Self::Target(Target::Network(network), format!("address:{network}")))
    }

    /// Where somebody comes from: that address, or of IPv6 the network that is one
    /// household's.
    pub(in crate::chat) fn address_of(name: &Name, peer: PeerAddr) -> Result<Self, Problem> {
        let Some(addr) = peer.tcp() else {
            return Err(Problem::new("bad_request", format!("{name} comes from no address, but by {peer}")));
        };
        Self::network(household(addr.ip()))
    }
}

pub(in crate::chat) fn shown_name(name: &Name) -> String {
    format!("name:{name}")
}

/// The networks that have this address, the smallest first.
pub(super) fn networks_of(addr: IpAddr) -> impl Iterator<Item = IpNet> {
    let addr = addr.to_canonical();
    let bits = if addr.is_ipv4() { 32 } else { 128 };
    (0..=bits).rev().filter_map(move |bits| IpNet::new(addr, bits).ok()).map(|network| network.trunc())
}

impl Target {
    /// Whether a client at `addr` is meant.
    pub(in crate::chat) fn has_address(&self, addr: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(&addr.to_canonical()))
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network.trunc(),
        Err(_) => household(text.parse().ok()?),
    };
    Some(as_matched(network))
}

fn household(addr: IpAddr) -> IpNet {
    match addr.to_canonical() {
        IpAddr::V4(addr) => IpNet::from(IpAddr::V4(addr)),
        IpAddr::V6(addr) => {
            Ipv6Net::new(addr, HOUSEHOLD).map_or(IpNet::from(IpAddr::V6(addr)), Into::into).trunc()
        }
    }
}

/// IPv4 within IPv6 is looked up as IPv4.
fn as_matched(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let inner = mapped.addr().to_ipv4_mapped().zip(mapped.prefix_len().checked_sub(96));
    inner.and_then(|(addr, bits)| Ipv4Net::new(addr, bits).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        match Meant::parse(text) {
            Ok(Meant::Target(_, shown)) => Ok(shown),
            Ok(Meant::AddressOf(name)) => Ok(format!("where {name} is")),
            Err(problem) => Err(problem.to_string()),
        }
    }

    #[test]
    fn names_addresses_and_subjects_are_told_apart() {
        for (text, expected) in [
            ("Eve", "name:Eve"),
            ("name:192.0.2.7", "name:192.0.2.7"),
            ("192.0.2.7", "address:192.0.2.7/32"),
            ("192.0.2.7/24", "address:192.0.2.0/24"),
            ("address:2001:db8::1", "address:2001:db8::/64"),
            ("2001:db8::1/128", "address:2001:db8::1/128"),
            ("::ffff:192.0.2.7", "address:192.0.2.7/32"),
            ("::ffff:192.0.2.0/120", "address:192.0.2.0/24"),
            ("address:Eve", "where Eve is"),
            ("subject:eve@example.org", "subject:eve@example.org"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn this_machine_and_nonsense_are_refused() {
        for text in [
            "10.0.0.0/40",
            "10.0.0",
            "300.1.2.3",
            "2001:db8::/129",
            "127.0.0.1",
            "::1",
            "127.0.0.0/8",
            "0.0.0.0/0",
            "::/0",
            "",
            "subject:",
            "a:b",
        ] {
            assert!(shown(text).is_err(), "{text}");
        }
        assert!(shown("127.0.0.2").is_ok());
    }

    #[test]
    fn an_address_is_in_all_its_networks() {
        let networks = networks_of("::ffff:192.0.2.7".parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(networks.len(), 33);
        assert_eq!(networks[8].to_string(), "192.0.2.0/24");
    }
}
