//! TLS on both ends: what it carries, whom it lets in, and what it says when it cannot.

pub mod authority;
mod certificates;
mod expiry;
mod hostile;
mod manual;
mod proxied;
mod reloading;
mod talking;

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use chinwag::chat::Chat;
use chinwag::{ConnectOptions, Connection, Listener, Server, ServerBuilder, ServerTls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use self::authority::{Authority, HERE, Identity};
use crate::support::{PATIENCE, addr};

/// A chat behind TLS.
fn chat(authority: &Authority) -> Server {
    start(Server::builder().paths(Chat::PATHS).handler(Chat::new().gate()), &authority.server(&HERE))
}

fn start(builder: ServerBuilder, identity: &Identity) -> Server {
    start_with(builder, &ServerTls::from_files(&identity.cert, &identity.key).unwrap())
}

fn start_with(builder: ServerBuilder, tls: &ServerTls) -> Server {
    builder.listener(Listener::bind("127.0.0.1:0").unwrap().tls(tls).unwrap()).start().unwrap()
}

/// A server that echoes what the conformance suite sends, as the example does.
pub fn echo(authority: &Authority) -> Server {
    const MAX_MESSAGE_SIZE: usize = 64 * 1024 * 1024;
    let builder = Server::builder()
        .handler(|_: &chinwag::Request| Ok::<_, chinwag::Refusal>(talking::Echo))
        .max_message_size(MAX_MESSAGE_SIZE)
        .max_fragments(u32::MAX)
        .outbox_bytes(2 * MAX_MESSAGE_SIZE)
        .outbox_messages(65_536);
    start(builder, &authority.server(&HERE))
}

fn trusting(authority: &Authority) -> ConnectOptions {
    ConnectOptions::new().ca_file(authority.ca())
}

fn url(server: &Server, name: &str) -> String {
    format!("wss://{}/?name={name}", addr(server))
}

fn join(server: &Server, authority: &Authority, name: &str) -> Connection {
    trusting(authority).connect(&url(server, name)).unwrap()
}

/// A client that is not ours: rustls on a blocking stream.
pub type Foreign = StreamOwned<ClientConnection, TcpStream>;

pub fn foreign(
    addr: SocketAddr,
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> Foreign {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(foreign_session(authority, versions), stream)
}

pub fn foreign_session(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.ca()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap()
}
