//! How a store's positions are written.

use crate::store::Position;

/// Positions of one store.
#[derive(Debug, Clone)]
pub(super) struct Positions {
    epoch: String,
}

impl Positions {
    pub(super) fn of(epoch: &str) -> Self {
        Self { epoch: epoch.to_owned() }
    }

    pub(super) fn show(&self, position: Position) -> String {
        format!("{}-{position}", self.epoch)
    }

    /// The position that was shown so; none where it is not of this store.
    pub(super) fn parse(&self, text: &str) -> Option<Position> {
        let number = text.strip_prefix(&*self.epoch)?.strip_prefix('-')?;
        let position = Position(number.parse().ok()?);
        // A sign, or a zero before it, would be another spelling.
        (self.show(position) == text).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_has_one_spelling() {
        let positions = Positions::of("1a2b");
        assert_eq!(positions.parse("1a2b-17"), Some(Position(17)));
        for foreign in ["", "17", "1a2b", "1a2b-", "1a2b-+17", "1a2b-017", "1a2c-17", "1a2b-17 ", "1A2B-17"] {
            assert_eq!(positions.parse(foreign), None, "{foreign}");
        }
    }
}
