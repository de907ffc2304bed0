//! How long the certificate lasts.

use std::fmt;
use std::time::UNIX_EPOCH;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::writer::Writer;
use crate::ServerTls;

#[derive(Debug)]
pub(super) struct TlsCollector(pub ServerTls);

impl Collector for TlsCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let since_epoch = self.0.not_after().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let Some(since_epoch) = since_epoch else { return Ok(()) };
        let help = "When the certificate expires, in seconds since 1970.";
        let name = "chinwag_tls_certificate_not_after_timestamp_seconds";
        Writer(encoder).gauge(name, help, since_epoch.as_secs_f64())
    }
}
