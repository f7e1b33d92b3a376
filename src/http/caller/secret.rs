//! A token's secret: made once, shown once, recognised by its digest.

use std::fmt;

use conductor_core::port::Entropy;
use conductor_core::token::TokenDigest;
use sha2::{Digest, Sha256};

/// By which people and secret scanners know what they have found.
const PREFIX: &str = "cet_";
/// 256 bits as hexadecimal digits.
const DIGITS: usize = 64;

/// What a client shows: `cet_` and 256 random bits. Nobody keeps it but the client.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

impl TokenSecret {
    /// A fresh one.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(format!("{PREFIX}{:032x}{:032x}", entropy.random(), entropy.random()))
    }

    /// The text itself, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// By what it is recognised.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        digest(&self.0)
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(…)")
    }
}

/// The digest of what a client has shown; `None` for what was never a token, which is not worth a look at the store.
#[must_use]
pub fn digest_of_shown(text: &str) -> Option<TokenDigest> {
    let digits = text.strip_prefix(PREFIX)?;
    let sane = digits.len() == DIGITS && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    sane.then(|| digest(text))
}

/// A plain digest will do: 256 random bits can't be guessed, with salt or without.
fn digest(text: &str) -> TokenDigest {
    TokenDigest(Sha256::digest(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_adapters::system_entropy::SystemEntropy;

    #[test]
    fn a_secret_is_random_recognisable_and_not_shown_by_accident() {
        let entropy = SystemEntropy::new();
        let (one, two) = (TokenSecret::generate(&entropy), TokenSecret::generate(&entropy));
        assert!(one.expose().starts_with("cet_") && one.expose().len() == 68, "{}", one.expose());
        assert_ne!(one, two);
        assert_eq!(format!("{one:?}"), "TokenSecret(…)");
        assert_eq!(digest_of_shown(one.expose()), Some(one.digest()));
        assert_ne!(one.digest(), two.digest());
    }

    #[test]
    fn what_never_was_a_token_has_no_digest() {
        let hex = "0".repeat(64);
        for text in
            ["", "cet_", hex.as_str(), &format!("cet_{hex}0"), &format!("cet_{}G", &hex[1..]), &format!("CET_{hex}")]
        {
            assert_eq!(digest_of_shown(text), None, "{text}");
        }
    }
}
