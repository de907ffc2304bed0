//! What becomes of a password or a token that goes along with a request.

use super::ConnectOptions;
use super::target::Target;
use crate::{PeerAddr, RefusedResponse};

/// What is shorter is no secret, and may stand in any text.
const MIN_SECRET: usize = 8;

impl ConnectOptions {
    /// Warns where others can read what goes to `target`: it leaves this machine without TLS.
    pub(super) fn warn_of_readers(&self, target: &Target, peer: PeerAddr) {
        let has_secret = self.authorization.is_some() || target.userinfo.is_some();
        // A proxy on this machine sends it on to another.
        if has_secret && !target.is_secure && (!peer.is_this_machine() || self.proxy.is_some()) {
            log::warn!(
                "your token or password goes to {} in the clear, for all on the way to read: is there a wss:// address?",
                target.host()
            );
        }
    }

    /// The same response without the token, which some servers repeat in their answers.
    pub(super) fn conceal(&self, mut response: RefusedResponse) -> RefusedResponse {
        let field = self.authorization.as_ref().and_then(|field| field.to_str().ok());
        let token = field.and_then(|field| field.strip_prefix("Bearer "));
        if let Some(token) = token.filter(|token| token.len() >= MIN_SECRET) {
            let values = response.headers.iter_mut().map(|(_, value)| value);
            for text in values.chain([&mut response.body]) {
                *text = text.replace(token, "...");
            }
        }
        response
    }
}
