//! Signed tokens: who has one is who the signer says.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use parking_lot::Mutex;
use serde::Deserialize;

use super::bearer::{bearer, invalid, missing};
use super::{key, signature};
use crate::chat::{Identity, Name, Permit, RoomName};
use crate::reloading::{Reloading, Watch};
use crate::{CloseCode, Refusal, Request, Result};

/// How far the signer's clock may be off.
const LEEWAY: Duration = Duration::from_secs(30);

/// Lets in who has a JSON Web Token (RFC 7519) that was signed with the key in a file.
/// Cheap to clone.
///
/// The file is either a secret of at least 32 bytes, for HS256, or an Ed25519 public key in
/// PEM, for EdDSA: it alone decides which of the two a token must be signed by.
///
/// | claim | |
/// |---|---|
/// | `sub` | the name, required |
/// | `exp` | required; the connection ends then too, with 1008 |
/// | `nbf` | not before then |
/// | `role` | `member` or `operator`; a member without |
/// | `rooms` | the only rooms that may be entered; all without |
/// | `aud` | must be the [audience](Self::audience), where there is one of either |
///
/// Clocks may be off by 30 s. The file is read again when it changes, as that of
/// [`Tokens`](super::Tokens) is; another key ends the connections of who came in by the old one.
///
/// The `jsonwebtoken` crate has one provider of cryptography a process. A program that
/// installs one of its own does that before it opens this.
#[derive(Clone)]
pub struct Jwt {
    key: Arc<Reloading<Key>>,
    audience: Option<Arc<str>>,
    _watch: Arc<Watch>,
}

/// A key that the server trusts.
struct Key {
    decoding: DecodingKey,
    algorithm: Algorithm,
    permit: Permit,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    exp: Option<f64>,
    role: Option<String>,
    rooms: Option<Vec<String>>,
}

impl Jwt {
    /// Trusts tokens that are signed with the key in this file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where it cannot be read, and
    /// [`Error::Invalid`](crate::Error::Invalid) where it holds no such key.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        signature::install();
        let path = path.as_ref().to_owned();
        let known = Mutex::<Option<(Vec<u8>, Permit)>>::default();
        let files = vec![path.clone()];
        let load = move || {
            let (algorithm, bytes) = key::read(&path)?;
            let old = known.lock().clone();
            let permit = match &old {
                Some((same, permit)) if *same == bytes => permit.clone(),
                _ => Permit::new(),
            };
            *known.lock() = Some((bytes.clone(), permit.clone()));
            let decoding = match algorithm {
                Algorithm::EdDSA => DecodingKey::from_ed_der(&bytes),
                _ => DecodingKey::from_secret(&bytes),
            };
            Ok(Key { decoding, algorithm, permit })
        };
        let key = Arc::new(Reloading::new(files, load)?.on_change(distrust));
        let watch = key.watch("chinwag-jwt")?;
        Ok(Self { key, audience: None, _watch: Arc::new(watch) })
    }

    /// Lets in only tokens whose `aud` names this. Defaults to those that have none: where
    /// one signer serves several, it says by that whom a token is for.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        Self { audience: Some(audience.into().into()), ..self }
    }

    /// Reads the key again now. Callable from any thread.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); then the old key stays in use.
    pub fn reload(&self) -> Result<()> {
        self.key.reload()
    }

    /// Who has sent this request, by the token in it.
    ///
    /// # Errors
    ///
    /// 401 without a token or with one that is not good, 400 with two, 403 where its name
    /// is none that a person can have.
    pub fn identify(&self, request: &Request) -> Result<Identity, Refusal> {
        let token = bearer(request)?.ok_or_else(missing)?;
        let key = self.key.latest();
        let claims = self.claims(&key, &token).map_err(invalid)?;
        identity(claims, &key.permit)
    }

    /// What the token says, where that can be believed; or what is wrong with it.
    fn claims(&self, key: &Key, token: &str) -> Result<Claims, &'static str> {
        let token = decode::<Claims>(token, &key.decoding, &self.validation(key.algorithm))
            .map_err(|error| words(error.kind()))?;
        // What must be understood is not (RFC 7515, section 4.1.11).
        if token.header.crit.is_some() {
            return Err("the token demands an extension that this server does not know");
        }
        Ok(token.claims)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "sub"]);
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        validation
    }
}

/// Ends those who came in by the old key, if it was another.
fn distrust(old: &Key, new: &Key) {
    if old.permit != new.permit {
        old.permit.revoke(CloseCode::POLICY, "the key of your token is trusted no more");
    }
}

fn identity(claims: Claims, permit: &Permit) -> Result<Identity, Refusal> {
    let Claims { sub, exp, role, rooms } = claims;
    let not_allowed = |what: &str, error: &dyn fmt::Display| {
        Refusal::forbidden(format!("{what} in your token is not allowed: {error}"))
    };
    let name = Name::parse(&sub).map_err(|error| not_allowed("the name", &error))?;
    let mut identity = Identity::named(name.as_str()).subject(sub).permit(permit);
    if let Some(role) = role {
        identity = identity.role(role.parse().map_err(|error| not_allowed("the role", &error))?);
    }
    if let Some(rooms) = rooms {
        let rooms: Result<Vec<_>, _> = rooms.iter().map(|room| RoomName::parse(room)).collect();
        identity = identity.rooms(rooms.map_err(|error| not_allowed("a room", &error))?);
    }
    Ok(match exp.and_then(end) {
        Some(end) => identity.expires(end),
        None => identity,
    })
}

/// When a token ends; `None` for a time that no clock will show.
fn end(exp: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(exp).ok()?)?.checked_add(LEEWAY)
}

/// What is wrong with a token, without anything out of it.
fn words(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidAudience => "the token is for another service",
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "exp" => "the token does not say when it expires (exp)",
            "sub" => "the token does not say who it is for (sub)",
            _ => "the token does not say which service it is for (aud)",
        },
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => {
            "the token is not signed by whom this server trusts"
        }
        _ => "the token is malformed",
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("audience", &self.audience).finish_non_exhaustive()
    }
}
