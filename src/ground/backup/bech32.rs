//! Bech32 (BIP 173), as age writes its keys: without the limit of 90 characters.

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// Letters of the checksum.
const SUM: usize = 6;

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    let mut sum: u32 = 1;
    for value in values {
        let top = sum >> 25;
        sum = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        for (bit, generator) in GENERATORS.iter().enumerate() {
            if top >> bit & 1 == 1 {
                sum ^= generator;
            }
        }
    }
    sum
}

fn expanded(prefix: &str) -> impl Iterator<Item = u8> {
    let high = prefix.bytes().map(|byte| byte >> 5);
    high.chain(std::iter::once(0)).chain(prefix.bytes().map(|byte| byte & 31))
}

/// Regroups bits; none when what is left over at the end is not padding.
fn regroup(values: &[u8], from: u32, to: u32, pad: bool) -> Option<Vec<u8>> {
    let (mut held, mut bits, mut out) = (0_u32, 0, Vec::new());
    for value in values {
        held = held << from | u32::from(*value);
        bits += from;
        while bits >= to {
            bits -= to;
            out.push(u8::try_from(held >> bits & ((1 << to) - 1)).ok()?);
        }
        held &= (1 << bits) - 1;
    }
    if pad {
        if bits > 0 {
            out.push(u8::try_from(held << (to - bits) & ((1 << to) - 1)).ok()?);
        }
    } else if bits >= from || held != 0 {
        return None;
    }
    Some(out)
}

/// The text of these bytes, in small letters.
pub(super) fn encode(prefix: &str, bytes: &[u8]) -> String {
    let values = regroup(bytes, 8, 5, true).unwrap_or_default();
    let sum = polymod(expanded(prefix).chain(values.iter().copied()).chain([0; SUM])) ^ 1;
    let sums = (0..SUM).map(|n| (sum >> (5 * (5 - n)) & 31) as u8);
    let letters = values.iter().copied().chain(sums).map(|value| char::from(LETTERS[usize::from(value)]));
    std::iter::once(format!("{prefix}1")).chain(letters.map(String::from)).collect()
}

/// The bytes of a text in small letters; none when it has another prefix or a mistake in it.
pub(super) fn decode(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let rest = text.strip_prefix(prefix)?.strip_prefix('1')?;
    let value =
        |byte: u8| LETTERS.iter().position(|letter| *letter == byte).and_then(|at| u8::try_from(at).ok());
    let values: Vec<u8> = rest.bytes().map(value).collect::<Option<_>>()?;
    if values.len() < SUM || polymod(expanded(prefix).chain(values.iter().copied())) != 1 {
        return None;
    }
    regroup(&values[..values.len() - SUM], 5, 8, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_mistake_is_found() {
        // BIP 173's own examples of valid and invalid texts.
        assert_eq!(decode("a", "a12uel5l"), Some(Vec::new()));
        assert_eq!(
            decode("split", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w").map(|b| b.len()),
            Some(30)
        );
        assert_eq!(decode("a", "a12uel5m"), None);
        for len in 0..40_u8 {
            let bytes: Vec<u8> = (0..len).map(|n| n.wrapping_mul(37)).collect();
            let text = encode("age", &bytes);
            assert_eq!(decode("age", &text), Some(bytes));
            for at in 4..text.len() {
                let mut wrong = text.clone().into_bytes();
                wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
                assert_eq!(decode("age", &String::from_utf8(wrong).unwrap()), None);
            }
        }
    }
}
