//! Percent-encoding, as addresses and forms want it.

use std::fmt::Write as _;

/// The text with everything encoded but the unreserved characters of RFC 3986 (2.3), so that it
/// cannot leave its place in a path, a query or a form.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn only_unreserved_characters_stay_as_they_are() {
        assert_eq!(encoded("aZ09-._~"), "aZ09-._~");
        assert_eq!(encoded("a/../b?c=d&e+f g%"), "a%2F..%2Fb%3Fc%3Dd%26e%2Bf%20g%25");
        assert_eq!(encoded("ö"), "%C3%B6");
    }
}
