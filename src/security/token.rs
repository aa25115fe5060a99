//! Bearer tokens (RFC 6750): compared in constant time, kept only as a hash.

/// Accepts one token.
pub struct TokenCheck(blake3::Hash);

impl TokenCheck {
    pub fn new(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    /// Whether this is the token. Takes the same time for every wrong one: hashes are
    /// compared, and blake3 compares them in constant time.
    pub fn accepts(&self, token: &str) -> bool {
        self.0 == blake3::hash(token.as_bytes())
    }
}

/// 256 random bits in hex.
///
/// # Errors
/// The system has no randomness.
pub fn random_token() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_is_accepted() {
        let check = TokenCheck::new("secret");
        assert!(check.accepts("secret"));
        assert!(!check.accepts("secre") && !check.accepts(""));
    }

    #[test]
    fn random_tokens_differ() {
        let (a, b) = (random_token().unwrap(), random_token().unwrap());
        assert_eq!(a.len(), 64);
        assert_ne!(a, b);
    }
}
