//! Bearer tokens (RFC 6750): compared in constant time, kept only as a hash.

/// Bearers, each known by a token.
pub struct TokenSet<B>(Vec<(blake3::Hash, B)>);

impl<B> Default for TokenSet<B> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<B> TokenSet<B> {
    /// Lets a token stand for a bearer.
    ///
    /// # Errors
    /// It stands for this other one already.
    pub fn add(&mut self, token: &str, bearer: B) -> Result<(), &B> {
        match self.place(token) {
            Some(place) => Err(&self.0[place].1),
            None => {
                self.0.push((blake3::hash(token.as_bytes()), bearer));
                Ok(())
            }
        }
    }

    /// Whom a token stands for. Takes the same time for every wrong one.
    pub fn bearer(&self, token: &str) -> Option<&B> {
        self.place(token).map(|place| &self.0[place].1)
    }

    /// Hashes are compared, which blake3 does in constant time, and every one of them, so
    /// that nobody learns how far down the list a token is.
    fn place(&self, token: &str) -> Option<usize> {
        let shown = blake3::hash(token.as_bytes());
        let places = self.0.iter().enumerate();
        places.fold(
            None,
            |found, (place, (hash, _))| {
                if *hash == shown { Some(place) } else { found }
            },
        )
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
    fn each_token_stands_for_its_bearer_and_others_for_none() {
        let mut tokens = TokenSet::default();
        for (token, bearer) in [("secret", 1), ("hidden", 2), ("last", 3)] {
            tokens.add(token, bearer).unwrap();
        }
        assert_eq!(tokens.bearer("secret"), Some(&1));
        assert_eq!(tokens.bearer("hidden"), Some(&2));
        assert_eq!(tokens.bearer("last"), Some(&3));
        for wrong in ["secre", "secrets", "Secret", ""] {
            assert_eq!(tokens.bearer(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_stands_for_one_bearer() {
        let mut tokens = TokenSet::default();
        tokens.add("secret", 1).unwrap();
        assert_eq!(tokens.add("secret", 2), Err(&1));
        assert_eq!(tokens.bearer("secret"), Some(&1));
    }

    #[test]
    fn nobody_bears_a_token_of_an_empty_set() {
        assert_eq!(TokenSet::<()>::default().bearer(""), None);
    }

    #[test]
    fn random_tokens_differ() {
        let (a, b) = (random_token().unwrap(), random_token().unwrap());
        assert_eq!(a.len(), 64);
        assert_ne!(a, b);
    }
}
