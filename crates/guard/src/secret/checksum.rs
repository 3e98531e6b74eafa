//! The checksum that ends the tokens of GitHub and npm: CRC-32 of the rest, in base 62.

/// Characters of the checksum.
const LENGTH: usize = 6;

/// Whether the last six characters are the checksum of those before.
pub(super) fn is_signed(body: &[u8]) -> bool {
    let Some(split) = body.len().checked_sub(LENGTH) else { return false };
    let (Some(payload), Some(sum)) = (body.get(..split), body.get(split..)) else { return false };
    sum == base62(crc32(payload))
}

/// CRC-32 as in zlib (polynomial 0xEDB88320, reflected).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

/// Six digits of base 62: `0-9A-Za-z`, padded with zeros.
fn base62(mut value: u32) -> [u8; LENGTH] {
    let mut digits = [b'0'; LENGTH];
    for digit in digits.iter_mut().rev() {
        let rest = (value % 62) as u8;
        *digit = match rest {
            0..=9 => b'0' + rest,
            10..=35 => b'A' + rest - 10,
            _ => b'a' + rest - 36,
        };
        value /= 62;
    }
    digits
}

/// The checksum of a payload, for tests that need a valid token.
#[cfg(test)]
pub(crate) fn sign(payload: &str) -> String {
    String::from_utf8_lossy(&base62(crc32(payload.as_bytes()))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_one_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_published_token_has_the_checksum_and_a_changed_one_has_not() {
        // The body of the example in GitHub's announcement of the format.
        let body = ["zQWBuTSOoRi4A9spHcVY5ncns", "DkxkJ0mLq17"].concat();
        assert!(is_signed(body.as_bytes()));
        assert!(!is_signed(body.replace("SO", "OS").as_bytes()));
        assert!(!is_signed(b"17"));
    }
}
