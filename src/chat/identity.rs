//! Who a newcomer is, and what that one may do.

use crate::{Refusal, Request};

/// What a person may do in the chat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Talks and listens.
    #[default]
    Member,
    /// Keeps order, too.
    Operator,
}

impl Role {
    /// As the protocol has it.
    pub(super) fn shown(self) -> Option<String> {
        (self == Self::Operator).then(|| "operator".to_owned())
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
}

impl Identity {
    /// Somebody of this name: who asks for another is refused with 403.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// What this one may do. Defaults to [`Role::Member`].
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Whom the credential was given to, for the log and for bans, whatever name this one
    /// goes by.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}

/// Finds out who a newcomer is.
pub(super) type Authenticate = Box<dyn Fn(&Request) -> Result<Identity, Refusal> + Send + Sync>;
