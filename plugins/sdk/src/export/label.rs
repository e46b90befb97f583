//! The label in a library's data, and the names that may stand in it.

/// Text as bytes of a static: the label must be in the file itself.
#[must_use]
pub const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let (text, mut bytes, mut at) = (text.as_bytes(), [0; N], 0);
    while at < N {
        bytes[at] = text[at];
        at += 1;
    }
    bytes
}

/// Whether a name is `owner/name`: lower-case letters, digits and hyphens on both sides of one slash.
#[must_use]
pub const fn is_name(name: &str) -> bool {
    let (bytes, mut slash, mut at) = (name.as_bytes(), None, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => {}
            b'/' if slash.is_none() => slash = Some(at),
            _ => return false,
        }
        at += 1;
    }
    matches!(slash, Some(at) if at > 0 && at + 1 < bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_an_owner() {
        for name in ["acme/cool-first", "a/b", "isotherm/ttt", "7/x-1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "cool-first", "/x", "x/", "a/b/c", "Acme/x", "a/b c", "a/b\n", "a/ü"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
