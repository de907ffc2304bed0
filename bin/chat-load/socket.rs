//! One client's socket, in the clear or behind TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::stop::Stop;

/// What neither waits for its peer nor moves bytes that nobody asked for.
pub enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// How all clients protect their connections.
pub struct Security {
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
}

impl Security {
    /// Trusts the authorities in these files, or those of the system where there are none.
    pub fn new(host: &str, authorities: &[PathBuf]) -> Result<Self, String> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
        let host = name.map_err(|_| format!("{host:?} is no host name for TLS"))?;
        let roots = if authorities.is_empty() { system_roots()? } else { roots(authorities)? };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for both versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), host })
    }

    /// TLS on a socket; it agrees on it when it is first read or written.
    pub fn protect(&self, socket: TcpStream) -> Result<Socket, Stop> {
        let connection = ClientConnection::new(self.config.clone(), self.host.clone());
        let connection = connection.map_err(|error| Stop::Failed(format!("failed to begin TLS: {error}")))?;
        Ok(Socket::Tls(Box::new(StreamOwned::new(connection, socket))))
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this system has no list of certificate authorities: name a PEM file by --ca".to_owned());
    }
    Ok(roots)
}

fn roots(files: &[PathBuf]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for file in files {
        let failed = |error: &dyn std::fmt::Display| {
            format!("failed to read the authorities in {}: {error}", file.display())
        };
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
            let certificate = certificate.map_err(|error| failed(&error))?;
            roots.add(certificate).map_err(|error| failed(&error))?;
        }
        if roots.is_empty() {
            return Err(failed(&"there is none, as PEM"));
        }
    }
    Ok(roots)
}

impl Socket {
    /// What can be waited for.
    pub fn source(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &mut stream.sock,
        }
    }

    /// Whether a read that did not fill its buffer means that nothing more has come.
    pub fn tells_all(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether bytes that were taken have still to go out.
    pub fn has_pending(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.conn.wants_write())
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            // Who vanishes without TLS's own end is gone all the same; frames say what is missing.
            Self::Tls(stream) => match stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                result => result,
            },
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
