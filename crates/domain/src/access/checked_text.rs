//! Secrets that callers present: a prefix, 30 random base-62 characters (178 bits) and a checksum of 6, so
//! that a mistyped one is refused without a look into the database.

use crate::clock::Entropy;

const RANDOM_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new secret that begins with the prefix.
pub(super) fn mint(prefix: &str, entropy: &dyn Entropy) -> String {
    let mut text = String::with_capacity(prefix.len() + RANDOM_LENGTH + CHECKSUM_LENGTH);
    text.push_str(prefix);
    while text.len() < prefix.len() + RANDOM_LENGTH {
        let mut byte = [0_u8; 1];
        entropy.fill(&mut byte);
        // 248 is the largest multiple of 62 in a byte: beyond it the draw would be skewed.
        if byte[0] < 248 {
            text.push(char::from(ALPHABET[usize::from(byte[0] % 62)]));
        }
    }
    let checksum = checksum(&text);
    text.push_str(&checksum);
    text
}

/// Whether prefix, length, alphabet and checksum fit.
pub(super) fn is_well_formed(prefix: &str, text: &str) -> bool {
    let Some(body) = text.strip_prefix(prefix) else {
        return false;
    };
    if body.len() != RANDOM_LENGTH + CHECKSUM_LENGTH
        || !body.bytes().all(|byte| ALPHABET.contains(&byte))
    {
        return false;
    }
    let (signed, given) = text.split_at(prefix.len() + RANDOM_LENGTH);
    checksum(signed) == given
}

/// CRC-32 in base 62, most significant digit first. 62^6 exceeds 2^32, so six digits always fit.
fn checksum(signed: &str) -> String {
    let mut rest = crc32fast::hash(signed.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
}
