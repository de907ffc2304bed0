//! Where the server listens, and which web pages may connect.

use std::path::PathBuf;

use chinwag::{ClientCertificates, Error, Listener, ServerTls, Settings};
use clap::{Args, ValueEnum};

/// Listeners, TLS and web pages.
#[derive(Args)]
#[command(next_help_heading = "Listening")]
pub struct Listening {
    /// Address to listen on: HOST:PORT (port 0 takes any free one) or unix:PATH.
    /// Can be given several times.
    #[arg(
        long,
        value_name = "ADDR",
        env = "CHINWAG_LISTEN", value_parser = listen_addr,
        value_delimiter = ',',
        default_value = "127.0.0.1:9001"
    )]
    pub listen: Vec<String>,

    /// Certificate (PEM, with those between it and the authority) for TLS: every TCP
    /// address then speaks wss:// and https:// alone. Read again when it changes, and on
    /// SIGHUP.
    #[arg(long, value_name = "PEM", env = "CHINWAG_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM, not encrypted).
    #[arg(long, value_name = "PEM", env = "CHINWAG_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Lets in only clients with a certificate of an authority in this file.
    #[arg(long, value_name = "PEM", env = "CHINWAG_TLS_CLIENT_CA", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,

    /// Whether clients need a certificate of the client authority's.
    #[arg(long, value_name = "WHICH", env = "CHINWAG_TLS_CLIENT_AUTH", requires = "tls_client_ca")]
    pub tls_client_auth: Option<ClientAuth>,

    /// Origin of web pages that may connect, as SCHEME://HOST:PORT, or * for all.
    /// Pages of this host and port, and programs, always are. Can be given several times.
    #[arg(long, value_name = "ORIGIN", env = "CHINWAG_ALLOW_ORIGIN", value_parser = origin, value_delimiter = ',')]
    pub allow_origin: Vec<String>,

    /// Host name that browsers may use for a server on a loopback address, beside this
    /// machine's own (a reverse proxy's), or * for all. Can be given several times.
    #[arg(long, value_name = "HOST", env = "CHINWAG_ALLOW_HOST", value_delimiter = ',')]
    pub allow_host: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ClientAuth {
    /// Who has none does not get in (the default).
    Required,
    /// Who shows one shows a good one.
    Optional,
}

impl Listening {
    /// The certificate and key, where TLS is asked for.
    pub fn load_tls(&self) -> Result<Option<ServerTls>, Error> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let mut builder = ServerTls::builder(certificate, key);
        if let Some(file) = &self.tls_client_ca {
            let wanted = match self.tls_client_auth {
                Some(ClientAuth::Optional) => ClientCertificates::Optional,
                Some(ClientAuth::Required) | None => ClientCertificates::Required,
            };
            builder = builder.client_ca(file, wanted);
        }
        builder.load().map(Some)
    }

    /// A listener of every address, as `bind` makes them, with TLS where it is asked for.
    pub fn listeners(
        &self,
        tls: Option<&ServerTls>,
        mut bind: impl FnMut(&str) -> Result<Listener, Error>,
    ) -> Result<Vec<Listener>, Error> {
        self.listen.iter().map(|addr| bind(addr).and_then(|listener| secured(listener, tls))).collect()
    }

    pub fn apply(&self, settings: &mut Settings) {
        settings.allowed_origins.clone_from(&self.allow_origin);
        settings.allowed_hosts.clone_from(&self.allow_host);
    }
}

/// Who comes through a Unix socket is on this machine, and needs no TLS.
pub fn secured(listener: Listener, tls: Option<&ServerTls>) -> Result<Listener, Error> {
    match tls.filter(|_| listener.is_tcp()) {
        Some(tls) => listener.tls(tls),
        None => Ok(listener),
    }
}

fn listen_addr(text: &str) -> Result<String, String> {
    let is_tcp =
        text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let is_unix = text.strip_prefix("unix:").is_some_and(|path| !path.is_empty());
    if is_tcp || is_unix { Ok(text.to_owned()) } else { Err("must be HOST:PORT or unix:PATH".to_owned()) }
}

fn origin(text: &str) -> Result<String, String> {
    let is_origin = text.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.contains('/'));
    if text == "*" || is_origin {
        Ok(text.to_owned())
    } else {
        Err("must be SCHEME://HOST:PORT or *".to_owned())
    }
}
