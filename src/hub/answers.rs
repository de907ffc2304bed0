//! What the hub's state answers to questions.

use std::sync::Arc;

use super::command::RoomKey;
use super::members::Members;
use super::state::State;
use super::{Client, ClientId};

impl State {
    pub(super) fn client(&self, id: ClientId) -> Option<Client> {
        self.clients.get(&id).map(|entry| entry.client.clone())
    }

    pub(super) fn rooms(&self) -> Vec<(Arc<str>, usize)> {
        let rooms = self.rooms.iter();
        rooms.filter_map(|(name, members)| Some((name.clone()?, members.len()))).collect()
    }

    pub(super) fn rooms_of(&self, id: ClientId) -> Vec<Arc<str>> {
        let entry = self.clients.get(&id).into_iter();
        entry.flat_map(|entry| &entry.rooms).flatten().cloned().collect()
    }

    pub(super) fn members(&self, room: &RoomKey) -> Vec<Client> {
        let ids = self.rooms.get(room).into_iter().flat_map(Members::ids);
        ids.filter_map(|id| self.client(id)).collect()
    }

    pub(super) fn member_count(&self, room: &RoomKey) -> usize {
        self.rooms.get(room).map_or(0, Members::len)
    }

    pub(super) fn is_member(&self, room: &RoomKey, id: ClientId) -> bool {
        self.rooms.get(room).is_some_and(|members| members.contains(id))
    }
}
