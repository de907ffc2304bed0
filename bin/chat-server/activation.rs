//! Listening sockets that systemd opened, and passes on (sd_listen_fds(3)).

use std::os::fd::AsFd;

use chinwag::{Error, Listener};
use listenfd::ListenFd;

/// The sockets that this process was started with; none where it was started without. To be
/// called before the first thread, for it takes away the variables that tell of them.
pub fn listeners() -> Result<Vec<Listener>, Error> {
    let mut sockets = ListenFd::from_env();
    (0..sockets.len()).map(|number| take(&mut sockets, number)).collect()
}

fn take(sockets: &mut ListenFd, number: usize) -> Result<Listener, Error> {
    if let Ok(Some(socket)) = sockets.take_tcp_listener(number) {
        return checked(number, socket);
    }
    match sockets.take_unix_listener(number) {
        Ok(Some(socket)) => checked(number, socket),
        Ok(None) => Err(unusable(number, "it was given twice")),
        Err(error) => Err(unusable(number, &error.to_string())),
    }
}

/// A connection that was accepted already (`Accept=yes`) is no listener.
fn checked(number: usize, socket: impl AsFd + Into<Listener>) -> Result<Listener, Error> {
    match is_listening(&socket) {
        Ok(true) => Ok(socket.into().shared()),
        Ok(false) => Err(unusable(number, "nobody listens on it (is Accept=yes set?)")),
        Err(error) => Err(unusable(number, &error.to_string())),
    }
}

#[cfg(not(target_vendor = "apple"))]
fn is_listening(socket: impl AsFd) -> rustix::io::Result<bool> {
    rustix::net::sockopt::socket_acceptconn(socket)
}

/// There the system does not tell.
#[cfg(target_vendor = "apple")]
fn is_listening(_socket: impl AsFd) -> rustix::io::Result<bool> {
    Ok(true)
}

fn unusable(number: usize, why: &str) -> Error {
    Error::Invalid(format!("cannot use socket {number} of those that systemd passed: {why}"))
}
