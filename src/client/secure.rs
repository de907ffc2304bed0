//! Agreeing on TLS over a transport that stands already.

#[cfg(feature = "tls")]
pub(super) use with::Secure;
#[cfg(not(feature = "tls"))]
pub(super) use without::Secure;

#[cfg(feature = "tls")]
mod with {
    use std::sync::Arc;

    use rustls::ClientConfig;
    use rustls::pki_types::ServerName;

    use crate::client::ConnectOptions;
    use crate::client::dial::Slot;
    use crate::client::exchange::{Exchange, Limit};
    use crate::client::target::{Place, Target};
    use crate::transport::{Tls, Transport};
    use crate::{Error, Result};

    /// What TLS with one server needs.
    pub(in crate::client) struct Secure {
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        host: String,
    }

    impl Secure {
        /// Fails where an option cannot be used, before anything is sent.
        pub(in crate::client) fn prepare(target: &Target, options: &ConnectOptions) -> Result<Self> {
            let Place::Tcp { host, .. } = &target.place else {
                return Err(Error::Invalid("a Unix domain socket speaks no TLS".to_owned()));
            };
            let name = ServerName::try_from(host.clone());
            let name = name.map_err(|_| Error::Invalid(format!("{host:?} is no host name for TLS")))?;
            Ok(Self { config: options.tls.config()?, name, host: target.host() })
        }

        pub(in crate::client) fn agree(
            self,
            transport: Arc<dyn Transport>,
            limit: Limit,
            slot: &Slot,
        ) -> Result<Arc<dyn Transport>> {
            let attempt = format!("agree on TLS with {}", self.host);
            slot.begin(&attempt)?;
            let tls = Tls::client(transport, self.config, self.name).map_err(Error::io(attempt.as_str()))?;
            Exchange::new(&tls, limit, None, attempt).shake_hands()?;
            Ok(Arc::new(tls))
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    use std::sync::Arc;

    use crate::client::ConnectOptions;
    use crate::client::dial::Slot;
    use crate::client::exchange::Limit;
    use crate::client::target::Target;
    use crate::transport::Transport;
    use crate::{Error, Result};

    /// No value of it exists.
    pub(in crate::client) enum Secure {}

    impl Secure {
        pub(in crate::client) fn prepare(_: &Target, _: &ConnectOptions) -> Result<Self> {
            Err(Error::Invalid("wss:// needs TLS, which this build does not have".to_owned()))
        }

        pub(in crate::client) fn agree(
            self,
            _: Arc<dyn Transport>,
            _: Limit,
            _: &Slot,
        ) -> Result<Arc<dyn Transport>> {
            match self {}
        }
    }
}
