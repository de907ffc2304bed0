//! How order is kept.

use std::path::PathBuf;

use chinwag::admin::AdminSocket;
use chinwag::chat::{Chat, ChatBuilder};
use chinwag::{Error, Server};
use clap::Args;

/// Bans, and the operator's way in.
#[derive(Args)]
#[command(next_help_heading = "Keeping order")]
pub struct Admin {
    /// File that bans are kept in, one JSON object a line; begun where it is not there.
    /// Default: bans end with the server.
    #[arg(long, value_name = "FILE", env = "CHINWAG_BANS")]
    pub bans: Option<PathBuf>,

    /// Unix socket for `chat-server ctl`, open to the user that the server runs as.
    /// Default: none.
    #[arg(long, value_name = "PATH", env = "CHINWAG_ADMIN_SOCKET")]
    pub admin_socket: Option<PathBuf>,
}

impl Admin {
    pub fn apply(&self, builder: ChatBuilder) -> Result<ChatBuilder, Error> {
        match &self.bans {
            Some(file) => builder.bans_file(file),
            None => Ok(builder),
        }
    }

    /// Opens the socket, for as long as what this returns is kept; that of the server which
    /// is taken over gives way.
    pub fn open_socket(
        &self,
        chat: &Chat,
        server: &Server,
        is_takeover: bool,
    ) -> Result<Option<AdminSocket>, Error> {
        let bind = if is_takeover { AdminSocket::bind_over } else { AdminSocket::bind };
        self.admin_socket.as_ref().map(|path| bind(path, chat, server.hub())).transpose()
    }
}
