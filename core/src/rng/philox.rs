//! Philox4x32-10: ten rounds of multiply and exchange turn a counter into 128 random bits.

use pulp::Simd;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The 128 bits that belong to `counter` under `key`.
///
/// A pure function, so a stream can be entered anywhere and filled by any number of lanes.
/// Source: Salmon et al., SC11; checked against the known-answer vectors of Random123.
///
/// ```
/// use isotherm_core::rng::philox4x32_10;
/// assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
#[must_use]
#[inline(always)]
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(a);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c);
        a = (second >> 32) as u32 ^ b ^ k0;
        b = second as u32;
        c = (first >> 32) as u32 ^ d ^ k1;
        d = first as u32;
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [a, b, c, d]
}

/// Counters that [`philox_lanes`] works on side by side.
pub(super) const LANES: usize = 16;

/// One word of each of them.
pub(super) type Words = [u32; LANES];

/// [`philox4x32_10`] of sixteen counters, each kind of word by itself. In explicit vectors: a product of 64 bits, of which halves are taken, is more than
/// the compiler makes vectors of everywhere.
#[inline(always)]
pub(super) fn philox_lanes<S: Simd>(simd: S, counters: &[Words; 4], key: [u32; 2]) -> [Words; 4] {
    let mut out = [[0; LANES]; 4];
    let multipliers = [simd.splat_u32s(MULTIPLIERS[0]), simd.splat_u32s(MULTIPLIERS[1])];
    for column in 0..LANES / S::U32_LANES {
        let word = |kind: usize| S::as_simd_u32s(&counters[kind]).0[column];
        let (mut a, mut b, mut c, mut d) = (word(0), word(1), word(2), word(3));
        let [mut k0, mut k1] = key;
        for _ in 0..10 {
            let (first_low, first_high) = simd.widening_mul_u32s(multipliers[0], a);
            let (second_low, second_high) = simd.widening_mul_u32s(multipliers[1], c);
            a = simd.xor_u32s(simd.xor_u32s(second_high, b), simd.splat_u32s(k0));
            b = second_low;
            c = simd.xor_u32s(simd.xor_u32s(first_high, d), simd.splat_u32s(k1));
            d = first_low;
            k0 = k0.wrapping_add(WEYL[0]);
            k1 = k1.wrapping_add(WEYL[1]);
        }
        for (kind, word) in [a, b, c, d].into_iter().enumerate() {
            S::as_mut_simd_u32s(&mut out[kind]).0[column] = word;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::philox4x32_10;

    /// `kat_vectors` of the Random123 distribution, lines `philox4x32 10`.
    #[test]
    fn known_answers() {
        assert_eq!(philox4x32_10([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox4x32_10([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
