//! SHA-1, SHA-256 and HMAC, written out here: the simulator signs with its own hand what a client
//! checks with another, and the recordings decide who is right.

/// The bytes of a digest in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The message with its padding, in blocks of 64 bytes as sixteen words each.
fn blocks(message: &[u8]) -> Vec<[u32; 16]> {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    let bits = u64::try_from(message.len()).unwrap_or(u64::MAX).wrapping_mul(8);
    padded.extend(bits.to_be_bytes());
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| (word << 8) | u32::from(*byte));
    padded
        .chunks(64)
        .map(|block| {
            let mut words = block.chunks(4).map(word);
            std::array::from_fn(|_| words.next().unwrap_or_default())
        })
        .collect()
}

/// The first words of a block followed by as many as a rule makes from the last sixteen.
fn schedule<const N: usize>(block: [u32; 16], next: impl Fn(&[u32]) -> u32) -> Vec<u32> {
    let mut words = block.to_vec();
    while words.len() < N {
        let word = next(words.get(words.len() - 16..).unwrap_or_default());
        words.push(word);
    }
    words
}

/// SHA-1.
#[expect(clippy::many_single_char_names, reason = "the standard names the words so")]
pub(crate) fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in blocks(message) {
        let words = schedule::<80>(block, |last| match last {
            [a, _, c, _, _, _, _, _, h, _, _, _, _, n, _, _] => (n ^ h ^ c ^ a).rotate_left(1),
            _ => 0,
        });
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (round, word) in words.into_iter().enumerate() {
            let (mixed, constant) = match round {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    bytes(&state)
}

/// The words of a state as bytes.
fn bytes<const N: usize>(state: &[u32]) -> [u8; N] {
    let mut all = state.iter().flat_map(|word| word.to_be_bytes());
    std::array::from_fn(|_| all.next().unwrap_or_default())
}

/// The constants of the rounds: the first bits of the fractional parts of cube roots of primes.
fn constants() -> &'static [u32; 64] {
    const ROUNDS: [u32; 64] = [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ];
    &ROUNDS
}

/// SHA-256.
#[expect(clippy::many_single_char_names, reason = "the standard names the words so")]
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    let mut state: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    for block in blocks(message) {
        let words = schedule::<64>(block, |last| match last {
            [a, b, _, _, _, _, _, _, _, j, _, _, _, _, o, _] => {
                let near = b.rotate_right(7) ^ b.rotate_right(18) ^ (b >> 3);
                let far = o.rotate_right(17) ^ o.rotate_right(19) ^ (o >> 10);
                a.wrapping_add(near).wrapping_add(*j).wrapping_add(far)
            }
            _ => 0,
        });
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (word, constant) in words.into_iter().zip(constants()) {
            let far = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let chosen = (e & f) ^ (!e & g);
            let first = h.wrapping_add(far).wrapping_add(chosen).wrapping_add(*constant).wrapping_add(word);
            let near = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let second = near.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e) = (g, f, e, d.wrapping_add(first));
            (d, c, b, a) = (c, b, a, first.wrapping_add(second));
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *sum = sum.wrapping_add(part);
        }
    }
    bytes(&state)
}

/// HMAC with SHA-256.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    let hashed = sha256(key);
    let key = if key.len() > block.len() { hashed.as_slice() } else { key };
    block.iter_mut().zip(key).for_each(|(slot, byte)| *slot = *byte);
    let padded = |mask: u8| block.iter().map(move |byte| byte ^ mask);
    let inner: Vec<u8> = padded(0x36).chain(message.iter().copied()).collect();
    let outer: Vec<u8> = padded(0x5c).chain(sha256(&inner)).collect();
    sha256(&outer)
}

#[cfg(test)]
mod tests {
    use super::{hex, hmac_sha256, sha1, sha256};

    #[test]
    fn digests_agree_with_the_published_examples() {
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let long = [b'a'; 200];
        assert_eq!(hex(&sha1(&long)), "e61cfffe0d9195a525fc6cf06ca2d77119c24a40");
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
