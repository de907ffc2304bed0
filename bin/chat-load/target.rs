//! Where the crowd goes: the address, and each client's request.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use http::Uri;

use crate::args::Protocol;

/// How long the first connection may take, which only asks whether somebody is there.
const REACHING: Duration = Duration::from_secs(5);

/// The server, as its URL says.
pub struct Target {
    host: String,
    port: u16,
    is_secure: bool,
    /// Path and query, ready for more of the query.
    path: String,
}

impl Target {
    /// Reads a `ws://` or `wss://` URL.
    pub fn parse(url: &str, room: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("not a WebSocket URL: {error}"))?;
        let is_secure = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => return Err("not a WebSocket URL: it must begin with ws:// or wss://".to_owned()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("not a WebSocket URL: it has no host")?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let joint = if path.contains('?') { '&' } else { '?' };
        let room: String = form_urlencoded::byte_serialize(room.as_bytes()).collect();
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            is_secure,
            path: format!("{path}{joint}room={room}&name="),
        })
    }

    /// The host's name where TLS is to be spoken with it.
    pub fn secure_host(&self) -> Option<&str> {
        self.is_secure.then_some(&*self.host)
    }

    /// All addresses of the host.
    pub fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let host = self.host.trim_matches(['[', ']']);
        let addrs = (host, self.port).to_socket_addrs();
        let addrs: Vec<_> = addrs.map_err(|error| format!("failed to look up {host}: {error}"))?.collect();
        if addrs.is_empty() { Err(format!("{host} has no address")) } else { Ok(addrs) }
    }

    /// The first of the addresses where somebody listens.
    pub fn reach(&self, addrs: &[SocketAddr]) -> Result<SocketAddr, String> {
        let mut problem = String::new();
        for addr in addrs {
            match TcpStream::connect_timeout(addr, REACHING) {
                Ok(_) => return Ok(*addr),
                Err(error) => problem = format!("failed to connect to {addr}: {error}"),
            }
        }
        Err(problem + "; is chat-server running there?")
    }

    /// The request of a client; its name needs no escapes.
    pub fn request(&self, name: &str, key: &str, protocol: Protocol) -> String {
        let subprotocol = match protocol {
            Protocol::Text => "",
            Protocol::Json => "Sec-WebSocket-Protocol: chinwag.v1\r\n",
        };
        format!(
            "GET {}{name} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{subprotocol}\r\n",
            self.path, self.host, self.port
        )
    }
}

/// Whether all of these are this machine itself.
pub fn are_local(addrs: &[SocketAddr]) -> bool {
    addrs.iter().all(|addr| addr.ip().to_canonical().is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_the_url_is_kept() {
        let target = Target::parse("ws://[::1]:9001/ws?token=t", "tea & more").unwrap();
        let request = target.request("load-1-2", "KEY", Protocol::Json);
        assert!(
            request.starts_with("GET /ws?token=t&room=tea+%26+more&name=load-1-2 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("\r\nHost: [::1]:9001\r\n"), "{request}");
        assert_eq!(target.resolve().unwrap(), ["[::1]:9001".parse().unwrap()]);
    }

    #[test]
    fn only_this_machine_is_local() {
        let local = |addr: &str| are_local(&[addr.parse().unwrap()]);
        assert!(
            local("127.0.0.1:1") && local("127.9.9.9:1") && local("[::1]:1") && local("[::ffff:127.0.0.1]:1")
        );
        assert!(!local("192.0.2.1:1") && !local("0.0.0.0:1") && !local("[2001:db8::1]:1"));
        assert!(!are_local(&["127.0.0.1:1".parse().unwrap(), "192.0.2.1:1".parse().unwrap()]));
    }
}
