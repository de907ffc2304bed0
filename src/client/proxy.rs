//! The proxy that a connection goes through.

use http::Uri;

use super::target::{Place, place, userinfo};

/// An HTTP proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    pub place: Place,
    pub userinfo: Option<(String, String)>,
}

impl Proxy {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let invalid = |why: &str| format!("not a proxy's URL: {why}");
        let uri: Uri = url.parse().map_err(|error| invalid(&format!("{error}")))?;
        if uri.scheme_str() != Some("http") {
            return Err(invalid("it must begin with http://"));
        }
        let authority = uri.authority().ok_or_else(|| invalid("it has no host"))?;
        let place = place(authority, 80).map_err(invalid)?;
        Ok(Self { place, userinfo: userinfo(authority.as_str()) })
    }
}
