//! Pseudo-random numbers that stay the same in every release.

/// SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets. It is here because the generators of
/// the `rand` crate may give other numbers after an upgrade, and recorded results would no longer
/// compare.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A stream for these numbers; any other numbers give an unrelated one.
    pub(crate) fn from_parts(parts: &[u64]) -> Self {
        let mut state = 0x5851_f42d_4c95_7f2d;
        for part in parts {
            state = Self(state ^ part.wrapping_mul(0xff51_afd7_ed55_8ccd)).next();
        }
        Self(state)
    }

    /// A stream for a text.
    pub(crate) fn from_text(text: &str, seed: u64) -> Self {
        // FNV-1a, 64 bits.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self::from_parts(&[seed, hash])
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number under `end`; 0 when `end` is 0. The bias of the remainder does not matter here.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    /// A number from 0 to under 1.
    #[allow(
        clippy::cast_precision_loss,
        reason = "53 bits are what a number of this type holds"
    )]
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of them.
    ///
    /// # Panics
    /// When there are none.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// A version 4 GUID in lower case.
    pub(crate) fn guid(&mut self) -> String {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes())
            .into_uuid()
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        // The first outputs for the state 1234567, from the reference implementation.
        let mut rng = Rng(1_234_567);
        assert_eq!(rng.next(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn streams_of_different_parts_differ() {
        let first = Rng::from_parts(&[1, 2]).next();
        assert_ne!(first, Rng::from_parts(&[2, 1]).next());
        assert_ne!(first, Rng::from_parts(&[1, 3]).next());
        assert_eq!(first, Rng::from_parts(&[1, 2]).next());
    }
}
