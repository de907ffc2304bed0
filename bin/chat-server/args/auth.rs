//! Who may come in.

use std::path::PathBuf;
use std::str::FromStr;

use chinwag::Error;
use chinwag::auth::{Jwt, Tokens};
use chinwag::chat::ChatBuilder;
use clap::Args;

/// What newcomers have to show.
#[derive(Args)]
#[command(next_help_heading = "Who gets in")]
pub struct Auth {
    /// Lets in only who has a token: one of those in a file (see `chat-server token`), or
    /// one that was signed with the key in a file (JWT: a secret of at least 32 bytes for
    /// HS256, or an Ed25519 public key in PEM). Read again when it changes, and on SIGHUP;
    /// whose token is good no more is disconnected.
    #[arg(long, value_name = "tokens:FILE|jwt:KEYFILE", env = "CHINWAG_AUTH")]
    pub auth: Option<Source>,

    /// Takes only signed tokens that are for this audience (`aud`).
    #[arg(long, value_name = "AUDIENCE", env = "CHINWAG_JWT_AUDIENCE")]
    pub jwt_audience: Option<String>,
}

/// Where it stands who may come in.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file of tokens.
    Tokens(PathBuf),
    /// The key that tokens are signed with.
    Jwt(PathBuf),
}

/// What checks newcomers.
#[derive(Clone)]
pub enum Guard {
    Tokens(Tokens),
    Jwt(Jwt),
}

impl Auth {
    /// Reads the file, where there is one.
    pub fn load(&self) -> Result<Option<Guard>, Error> {
        let guard = match (&self.auth, &self.jwt_audience) {
            (None, None) => return Ok(None),
            (None | Some(Source::Tokens(_)), Some(_)) => {
                return Err(Error::Invalid("--jwt-audience is for --auth jwt:KEYFILE".to_owned()));
            }
            (Some(Source::Tokens(path)), None) => Guard::Tokens(Tokens::open(path)?),
            (Some(Source::Jwt(path)), None) => Guard::Jwt(Jwt::open(path)?),
            (Some(Source::Jwt(path)), Some(audience)) => Guard::Jwt(Jwt::open(path)?.audience(audience)),
        };
        Ok(Some(guard))
    }
}

impl Guard {
    pub fn apply(&self, chat: ChatBuilder) -> ChatBuilder {
        match self.clone() {
            Self::Tokens(tokens) => chat.authenticate(move |request| tokens.identify(request)),
            Self::Jwt(jwt) => chat.authenticate(move |request| jwt.identify(request)),
        }
    }

    pub fn reload(&self) -> Result<(), Error> {
        match self {
            Self::Tokens(tokens) => tokens.reload(),
            Self::Jwt(jwt) => jwt.reload(),
        }
    }

    /// What a reload reads, for the log.
    pub fn was_read(&self) -> &'static str {
        match self {
            Self::Tokens(_) => "the tokens were",
            Self::Jwt(_) => "the key of tokens was",
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("tokens", path)) if !path.is_empty() => Ok(Self::Tokens(path.into())),
            Some(("jwt", path)) if !path.is_empty() => Ok(Self::Jwt(path.into())),
            _ => Err("must be tokens:FILE or jwt:KEYFILE".to_owned()),
        }
    }
}
