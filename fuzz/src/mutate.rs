//! Mutations of a seed, the same for the same random state.

/// xorshift64*.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; the state must not be 0, so the seed is mixed with a constant.
    pub fn new(seed: u64) -> Self {
        Self((seed ^ 0x9E37_79B9_7F4A_7C15).max(1))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `n`, which is at least 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }
}

/// Values that length fields and counters like least.
const NASTY: [u64; 10] =
    [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX];

/// Changes `data` in one to four places: flipped bits, nasty integers, cut, doubled, removed or swapped runs.
pub fn mutate(data: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let len = data.len();
        let at = random.below(len.max(1));
        match random.below(8) {
            _ if data.is_empty() => data.push(random.bits() as u8),
            0 | 1 => data[at] ^= 1 << random.below(8),
            2 => data[at] = random.bits() as u8,
            3 => data.truncate(at),
            4 => {
                let value = NASTY[random.below(NASTY.len())];
                let width = [1, 2, 4, 8][random.below(4)].min(len - at);
                let bytes = value.to_be_bytes();
                data[at..at + width].copy_from_slice(&bytes[8 - width..]);
            }
            5 => {
                let run = (1 + random.below(32)).min(len - at);
                data.drain(at..at + run);
            }
            6 => {
                let run = data[at..(at + 1 + random.below(64)).min(len)].to_vec();
                let to = random.below(len);
                data.splice(to..to, run);
            }
            _ => {
                let other = random.below(len);
                data.swap(at, other);
            }
        }
    }
}
