//! Chance that can be had again: all of a storm comes from one seed.

/// SplitMix64: small, and good enough to choose bytes and moments.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Of the seed in `CHINWAG_STORM_SEED`, or of another each time; it is printed, and shown
    /// where the test fails.
    pub fn of_this_run() -> Self {
        let given = std::env::var("CHINWAG_STORM_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or_else(rand::random::<u64>);
        println!("CHINWAG_STORM_SEED={seed}");
        Self(seed)
    }

    /// Another sequence for each `number`.
    pub fn fork(&self, number: u64) -> Self {
        Self(Self(self.0 ^ number.wrapping_mul(0xd134_2543_de82_ef95)).next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}
