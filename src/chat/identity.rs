//! Who a newcomer is, and what that one may do.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use super::permit::{Permit, Use};
use super::state::{Problem, parse_room};
use super::{Name, RoomName};
use crate::protocol::Ask;
use crate::{Client, Refusal, Request};

/// What a person may do in the chat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Talks and listens.
    #[default]
    Member,
    /// Keeps order, too.
    Operator,
}

/// A word that is no [`Role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleError;

impl Role {
    /// As the protocol has it.
    pub(super) fn shown(self) -> Option<String> {
        (self == Self::Operator).then(|| self.to_string())
    }
}

/// Who a newcomer is, as [`ChatBuilder::authenticate`](super::ChatBuilder::authenticate)
/// found out.
///
/// ```
/// use chinwag::chat::{Identity, Role};
///
/// let guest = Identity::default();
/// let adam = Identity::named("Adam").role(Role::Operator);
/// # let _ = (guest, adam);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub(super) name: Option<String>,
    pub(super) role: Role,
    pub(super) subject: Option<String>,
    pub(super) rooms: Option<Arc<[RoomName]>>,
    pub(super) expires: Option<SystemTime>,
    pub(super) permit: Option<Permit>,
}

impl Identity {
    /// Somebody of this name: who asks for another is refused with 403, and cannot take
    /// another later.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// What this one may do. Defaults to [`Role::Member`].
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Whom the credential was given to, for the log and for bans, whatever name this one
    /// goes by: see [`Member::subject`](super::Member::subject). Defaults to nobody that is
    /// known.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The only rooms that this one may come into; others are refused, with 403 before the
    /// upgrade and with the code `forbidden` after it, and are not listed. Who asks for
    /// none comes into the lobby, or else into the first of these. Defaults to all.
    pub fn rooms(mut self, rooms: impl IntoIterator<Item = RoomName>) -> Self {
        self.rooms = Some(rooms.into_iter().collect());
        self
    }

    /// When this ends: the connection is closed with 1008 then, see
    /// [`Client::expires_at`](crate::Client::expires_at). Defaults to never.
    pub fn expires(mut self, time: SystemTime) -> Self {
        self.expires = Some(time);
        self
    }

    /// What lets this one in for as long as it lasts. Defaults to nothing that could be
    /// taken back.
    pub fn permit(mut self, permit: &Permit) -> Self {
        self.permit = Some(permit.clone());
        self
    }

    /// The room to come into: the one that is asked for, or else `lobby`, or else the first
    /// of those that are allowed.
    pub(super) fn first_room(&self, asked: Option<RoomName>, lobby: RoomName) -> Result<RoomName, Refusal> {
        let is_asked = asked.is_some();
        let room = asked.unwrap_or(lobby);
        match self.rooms.as_deref() {
            Some([first, ..]) if !is_asked && !is_among(self.rooms.as_deref(), room.as_str()) => {
                Ok(first.clone())
            }
            rooms if is_among(rooms, room.as_str()) => Ok(room),
            rooms => Err(Refusal::forbidden(outside(rooms, &room))),
        }
    }

    /// What is to be known of it while its owner is here.
    pub(super) fn grant(self) -> Option<Box<Grant>> {
        let Self { name, role: _, subject: _, rooms, expires, permit } = self;
        let grant = Grant { is_named: name.is_some(), rooms, expires, permit, in_use: None };
        (!grant.is_nothing()).then(|| Box::new(grant))
    }
}

/// What a credential gives, and takes, for as long as its owner is here. Who came in
/// without one has none of these, which costs no memory.
#[derive(Default)]
pub(super) struct Grant {
    /// The name is the credential's, and stays.
    is_named: bool,
    rooms: Option<Arc<[RoomName]>>,
    expires: Option<SystemTime>,
    permit: Option<Permit>,
    in_use: Option<Use>,
}

impl Grant {
    fn is_nothing(&self) -> bool {
        let Self { is_named, rooms, expires, permit, in_use: _ } = self;
        !is_named && rooms.is_none() && expires.is_none() && permit.is_none()
    }

    /// The owner's connection is open, and is not to outlast this.
    pub(super) fn hold(&mut self, me: &Client) {
        if let Some(time) = self.expires {
            me.expires_at(time);
        }
        self.in_use = self.permit.as_ref().map(|permit| permit.attach(me));
    }

    pub(super) fn rooms(&self) -> Option<&Arc<[RoomName]>> {
        self.rooms.as_ref()
    }

    /// Why this may not be asked for, if so.
    pub(super) fn forbids(&self, ask: &Ask) -> Option<Problem> {
        let (Ask::Join { room, .. }
        | Ask::Who { room }
        | Ask::Search { room: Some(room), .. }
        | Ask::Lock { room }
        | Ask::Unlock { room }
        | Ask::Erase { room: Some(room), .. }) = ask
        else {
            return None;
        };
        let room = parse_room(room).ok()?;
        let rooms = self.rooms.as_deref();
        (!is_among(rooms, room.as_str())).then(|| Problem::new("forbidden", outside(rooms, &room)))
    }

    /// Why the owner may not be called `name` from now on, if so.
    pub(super) fn forbids_name(&self, now: &Name, name: &Name) -> Option<Problem> {
        let is_other = self.is_named && now.key() != name.key();
        is_other.then(|| Problem::new("forbidden", other_name(now.as_str())))
    }
}

/// Whether `room` is one of those that are allowed, where not all are.
pub(super) fn is_among(rooms: Option<&[RoomName]>, room: &str) -> bool {
    rooms.is_none_or(|rooms| rooms.iter().any(|allowed| allowed.as_str() == room))
}

/// What somebody is told whose token is for another name.
pub(super) fn other_name(name: &str) -> String {
    format!("your token is for {name}: ask for no other name")
}

fn outside(rooms: Option<&[RoomName]>, room: &RoomName) -> String {
    let allowed = rooms.unwrap_or_default().iter().map(RoomName::as_str).collect::<Vec<_>>();
    match &*allowed {
        [] => format!("your token does not allow the room {room}, nor any other"),
        allowed => format!("your token does not allow the room {room}, only {}", allowed.join(", ")),
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Member => "member",
            Self::Operator => "operator",
        })
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(word: &str) -> Result<Self, RoleError> {
        match word {
            "member" => Ok(Self::Member),
            "operator" => Ok(Self::Operator),
            _ => Err(RoleError),
        }
    }
}

impl fmt::Display for RoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a role is member or operator")
    }
}

impl std::error::Error for RoleError {}

/// Finds out who a newcomer is.
pub(super) type Authenticate = Box<dyn Fn(&Request) -> Result<Identity, Refusal> + Send + Sync>;
