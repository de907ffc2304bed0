//! The command line of `chat-server token`.

use std::path::{Path, PathBuf};

use chinwag::chat::Role;
use clap::{Args, Subcommand};

use super::auth::Source;

/// What to do with the tokens in which file.
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub struct TokenCommand {
    #[command(subcommand)]
    pub action: TokenAction,

    /// The file that the tokens are in. Default: that of --auth.
    #[arg(long, global = true, value_name = "FILE")]
    file: Option<PathBuf>,

    /// As for the server: tokens:FILE.
    #[arg(long, global = true, value_name = "tokens:FILE", env = "CHINWAG_AUTH")]
    auth: Option<Source>,
}

#[derive(Subcommand)]
pub enum TokenAction {
    /// Make a token for a name, add its hash to the file, and print it, this once. It is the
    /// only line on stdout.
    Add {
        /// The name that it is for; it lets in no other.
        name: String,

        /// What it allows: member or operator.
        #[arg(long, default_value_t)]
        role: Role,
    },
    /// List who has a token. The tokens themselves are not in the file.
    List,
    /// Take back all tokens of a name, and end the connections that came in by them.
    Revoke {
        /// The name.
        name: String,
    },
}

impl TokenCommand {
    pub fn file(&self) -> Result<&Path, String> {
        match (&self.file, &self.auth) {
            (Some(file), _) | (None, Some(Source::Tokens(file))) => Ok(file),
            (None, Some(Source::Jwt(_))) => {
                Err("whoever has the key makes signed tokens (jwt:); name a file of others by --file"
                    .to_owned())
            }
            (None, None) => Err("name the file by --file FILE, or CHINWAG_AUTH=tokens:FILE".to_owned()),
        }
    }
}
