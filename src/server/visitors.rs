//! How much one address may have at once, and how often it may come: one peer must not
//! take the places of all. Addresses of this machine are not counted, nor is a proxy that
//! speaks for others: they are.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use crate::counters::RefusalCause;
use crate::{PeerAddr, Refusal};

/// What is forgotten of an address that has nothing open, after its last visit.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Addresses are looked through for those to forget when there are so many more.
const SWEEP: usize = 1024;

/// The limits for one address; `None` is no limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct PerAddress {
    /// Connections at once, of any kind.
    pub connections: Option<usize>,
    /// Upgrades in a minute.
    pub joins: Option<NonZeroU32>,
}

pub(super) struct Visitors {
    seen: Mutex<Seen>,
}

struct Seen {
    limits: PerAddress,
    networks: HashMap<IpAddr, Visitor>,
    /// How many there may be until the next look for old ones.
    sweep_at: usize,
}

struct Visitor {
    connections: usize,
    joins: Option<Box<DefaultDirectRateLimiter>>,
    since: Instant,
}

/// One open connection, counted until it is dropped.
pub(super) struct Visit {
    visitors: Arc<Visitors>,
    network: Option<IpAddr>,
}

impl Visitors {
    pub(super) fn new(limits: PerAddress) -> Arc<Self> {
        let seen = Seen { limits, networks: HashMap::new(), sweep_at: 0 };
        Arc::new(Self { seen: Mutex::new(seen) })
    }

    /// Other limits from now on. Where that for joins is another, all begin anew.
    pub(super) fn limit(&self, limits: PerAddress) {
        let mut seen = self.seen.lock();
        let before = std::mem::replace(&mut seen.limits, limits);
        if before.joins != limits.joins {
            seen.networks.values_mut().for_each(|visitor| visitor.joins = limits.joins_limiter());
        }
    }

    /// Counts a connection; `None` where its address has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, peer: PeerAddr) -> Option<Visit> {
        self.count(peer.tcp().filter(|_| !peer.is_this_machine()))
    }

    /// Counts a connection behind a trusted proxy, of whatever address: what a proxy takes
    /// for its own machine is not therefore this one.
    pub(super) fn enter_behind(self: &Arc<Self>, client: SocketAddr) -> Option<Visit> {
        self.count(Some(client))
    }

    fn count(self: &Arc<Self>, addr: Option<SocketAddr>) -> Option<Visit> {
        let network = addr.map(|addr| network(addr.ip()));
        if let Some(network) = network {
            let mut seen = self.seen.lock();
            seen.forget_old();
            let limits = seen.limits;
            let visitor = seen.networks.entry(network).or_insert_with(|| Visitor::new(limits));
            if limits.connections.is_some_and(|most| visitor.connections >= most) {
                return None;
            }
            visitor.connections += 1;
            visitor.since = Instant::now();
        }
        Some(Visit { visitors: self.clone(), network })
    }
}

impl Visitor {
    fn new(limits: PerAddress) -> Self {
        Self { connections: 0, joins: limits.joins_limiter(), since: Instant::now() }
    }
}

impl PerAddress {
    fn joins_limiter(self) -> Option<Box<DefaultDirectRateLimiter>> {
        self.joins.map(|most| Box::new(RateLimiter::direct(Quota::per_minute(most))))
    }
}

impl Visit {
    /// Takes one of the joins that this address has in a minute.
    pub(super) fn join(&self) -> Result<(), Refusal> {
        let seen = self.visitors.seen.lock();
        let visitor = self.network.and_then(|network| seen.networks.get(&network));
        let Some(joins) = visitor.and_then(|visitor| visitor.joins.as_ref()) else { return Ok(()) };
        let Err(refused) = joins.check() else { return Ok(()) };
        let wait = refused.wait_time_from(DefaultClock::default().now());
        let refusal = Refusal::new(429, "too many connections from your address lately; wait a little");
        Err(refusal.retry_after(wait + Duration::from_secs(1)).because(RefusalCause::AddressJoins))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(network) = self.network
            && let Some(visitor) = self.visitors.seen.lock().networks.get_mut(&network)
        {
            visitor.connections -= 1;
        }
    }
}

impl Seen {
    fn forget_old(&mut self) {
        if self.networks.len() < self.sweep_at.max(SWEEP) {
            return;
        }
        self.networks.retain(|_, visitor| visitor.connections > 0 || visitor.since.elapsed() < FORGOTTEN);
        self.sweep_at = self.networks.len() * 2;
    }
}

/// What counts as one address: of IPv6 the first 64 bits, for a subscriber has all of
/// the rest.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn peer(ip: &str) -> PeerAddr {
        PeerAddr::Tcp(std::net::SocketAddr::new(ip.parse().unwrap(), 1))
    }

    fn visitors() -> Arc<Visitors> {
        Visitors::new(PerAddress { connections: Some(2), joins: NonZeroU32::new(3) })
    }

    #[test]
    fn an_address_has_so_many_connections_and_gets_the_places_back() {
        let visitors = visitors();
        let _first = visitors.enter(peer("192.0.2.1")).unwrap();
        let second = visitors.enter(peer("::ffff:192.0.2.1")).unwrap();
        assert!(visitors.enter(peer("192.0.2.1")).is_none());
        assert!(visitors.enter(peer("192.0.2.2")).is_some());
        drop(second);
        assert!(visitors.enter(peer("192.0.2.1")).is_some());
    }

    #[test]
    fn of_ipv6_the_subscriber_counts_and_this_machine_does_not() {
        let visitors = visitors();
        let _open = ["2001:db8::1", "2001:db8::2:3"].map(|ip| visitors.enter(peer(ip)).unwrap());
        assert!(visitors.enter(peer("2001:db8:0:0:ffff::")).is_none());
        assert!(visitors.enter(peer("2001:db8:0:1::")).is_some());
        let own = (0..10).map(|_| visitors.enter(peer("127.0.0.1")).unwrap()).collect::<Vec<_>>();
        assert!(own.iter().all(|visit| visit.join().is_ok()));
    }

    #[test]
    fn limits_that_change_hold_for_those_who_are_known_too() {
        let visitors = visitors();
        let open = ["192.0.2.1"; 2].map(|ip| visitors.enter(peer(ip)).unwrap());
        assert!((0..3).all(|_| open[0].join().is_ok()));
        visitors.limit(PerAddress { connections: Some(3), joins: NonZeroU32::new(1) });
        assert!(visitors.enter(peer("192.0.2.1")).is_some());
        assert!(open[0].join().is_ok() && open[1].join().is_err());
        visitors.limit(PerAddress { connections: None, joins: None });
        let _more = [(); 5].map(|()| visitors.enter(peer("192.0.2.1")).unwrap());
        assert!(open[0].join().is_ok());
    }

    #[test]
    fn an_address_joins_so_often_in_a_minute() {
        let visitors = visitors();
        let visit = visitors.enter(peer("192.0.2.1")).unwrap();
        assert!((0..3).all(|_| visit.join().is_ok()));
        let refusal = visit.join().unwrap_err();
        assert_eq!(refusal.status(), 429);
        assert!(visitors.enter(peer("192.0.2.2")).unwrap().join().is_ok());
    }
}
