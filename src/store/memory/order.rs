//! Which of many was used the longest time ago, at hardly any cost for the use itself.

use std::collections::BTreeSet;

/// Things by when they were used last, as far as that was looked at. Whoever has a thing
/// knows when it really was; only when the oldest is wanted is that put right here, so that
/// a use costs nothing.
#[derive(Debug)]
pub(super) struct Order<T>(BTreeSet<(u64, T)>);

impl<T: Ord + Clone> Order<T> {
    pub(super) fn new() -> Self {
        Self(BTreeSet::new())
    }

    /// One more thing, used now.
    pub(super) fn insert(&mut self, used: u64, thing: T) {
        self.0.insert((used, thing));
    }

    /// Takes out what was used the longest time ago. `used` says when that was.
    pub(super) fn pop_oldest(&mut self, used: impl Fn(&T) -> u64) -> Option<T> {
        loop {
            let (noted, thing) = self.0.pop_first()?;
            let used = used(&thing);
            if used <= noted {
                return Some(thing);
            }
            self.0.insert((used, thing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_is_what_was_used_the_longest_time_ago() {
        let mut order = Order::new();
        for (used, thing) in [(1, 'a'), (2, 'b'), (3, 'c')] {
            order.insert(used, thing);
        }
        let used = |thing: &char| match thing {
            'a' => 5,
            'b' => 4,
            _ => 3,
        };
        let popped = std::iter::from_fn(|| order.pop_oldest(used)).collect::<String>();
        assert_eq!(popped, "cba");
    }
}
