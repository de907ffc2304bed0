//! What operators do, as all hear of it.

use serde::{Deserialize, Serialize};

/// What an operator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moderated {
    /// What.
    pub action: Action,
    /// Who did it.
    pub by: String,
    /// Whom it befell, where that is one who is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who is banned or not any more, for the operator alone: [`Ban::who`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The room that it befell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Until when it lasts; without it, for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When.
    pub time: u64,
}

/// A kind of deed of an operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Action {
    /// Somebody's connection was ended.
    Kick,
    /// Somebody was shut out.
    Ban,
    /// Somebody may come in again.
    Unban,
    /// Somebody may only listen.
    Mute,
    /// Somebody may talk again.
    Unmute,
    /// A room takes no newcomers.
    Lock,
    /// A room takes newcomers again.
    Unlock,
    /// Something of a later version.
    #[serde(other)]
    Unknown,
}

/// Who is kept out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// `name:Eve`, `address:192.0.2.0/24` or `subject:eve@example.org`.
    pub who: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub time: u64,
    /// Until when; without it, for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What somebody said is deleted: a client shows it no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Under which name it was said.
    pub name: String,
    /// How else that name was spelled: look-alikes are the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<String>,
    /// In which room; without it, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// How many messages, for the operator alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// Who did it.
    pub by: String,
    /// When.
    pub time: u64,
}

/// What only operators are told of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// The address that the person comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whom the person's credential was given to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The person may only listen.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub muted: bool,
}
