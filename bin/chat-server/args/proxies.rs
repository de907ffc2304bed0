//! Reverse proxies, and how they say whom they speak for.

use chinwag::{ServerBuilder, TrustedProxy};
use clap::Args;
use clap::builder::BoolishValueParser;

/// Whose word counts for who a client is.
#[derive(Args)]
#[command(next_help_heading = "Behind a proxy")]
pub struct Proxies {
    /// Address or network of a reverse proxy, such as 10.0.0.0/8, or unix for those who come
    /// through a Unix socket: X-Forwarded-For and X-Forwarded-Proto of its requests are
    /// believed, and limits count the clients behind it. Can be given several times.
    #[arg(long, value_name = "NETWORK", env = "CHINWAG_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<TrustedProxy>,

    /// Trusted proxies begin each connection with a PROXY header (version 1 or 2), before
    /// TLS too; the fields of their requests are not read then.
    #[arg(long, env = "CHINWAG_PROXY_PROTOCOL", requires = "trusted_proxy", value_parser = BoolishValueParser::new())]
    pub proxy_protocol: bool,
}

impl Proxies {
    pub fn apply(&self, builder: ServerBuilder) -> ServerBuilder {
        let builder = self.trusted_proxy.iter().copied().fold(builder, ServerBuilder::trusted_proxy);
        builder.proxy_protocol(self.proxy_protocol)
    }
}
