//! Whether a delivery comes from GitHub: HMAC-SHA256 over the bytes as they came, under a shared secret.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "sha256=";

/// What GitHub and the daemon both know. Never shown, not even in debug output.
#[derive(Clone)]
pub struct WebhookSecret(Box<[u8]>);

impl WebhookSecret {
    /// A secret; `None` for an empty one, which would let anybody sign.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        (!secret.is_empty()).then(|| Self(secret.as_bytes().into()))
    }

    /// Whether `signature` (the value of `X-Hub-Signature-256`) is that of `body`; compared in constant time.
    #[must_use]
    pub fn signed(&self, body: &[u8], signature: &str) -> bool {
        let Some(claimed) = signature.strip_prefix(PREFIX).and_then(|digits| hex::decode(digits).ok()) else {
            return false;
        };
        self.mac(body).is_some_and(|mac| mac.verify_slice(&claimed).is_ok())
    }

    /// The value of `X-Hub-Signature-256` for `body`; for whoever plays GitHub.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        let digits = self.mac(body).map(|mac| hex::encode(mac.finalize().into_bytes()));
        format!("{PREFIX}{}", digits.unwrap_or_default())
    }

    /// HMAC takes keys of every length, so there always is one; a missing one would verify nothing.
    fn mac(&self, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(body);
        Some(mac)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that GitHub's documentation gives to check an implementation.
    #[test]
    fn githubs_own_vector_verifies() {
        let secret = WebhookSecret::new("It's a Secret to Everybody").unwrap();
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(secret.signed(b"Hello, World!", signature));
        assert_eq!(secret.sign(b"Hello, World!"), signature);
    }

    /// RFC 4231, test case 2.
    #[test]
    fn the_rfcs_vector_verifies() {
        let secret = WebhookSecret::new("Jefe").unwrap();
        let signature = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(secret.signed(b"what do ya want for nothing?", signature));
    }

    #[test]
    fn anything_else_does_not() {
        let secret = WebhookSecret::new("s").unwrap();
        let good = secret.sign(b"body");
        let other = WebhookSecret::new("t").unwrap().sign(b"body");
        for bad in
            ["", "sha256=", "sha1=00", &good[..good.len() - 2], &good.replace("sha256=", ""), "sha256=zz", &other]
        {
            assert!(!secret.signed(b"body", bad), "{bad}");
        }
        assert!(!secret.signed(b"Body", &good));
    }

    #[test]
    fn an_empty_secret_is_none_and_no_secret_is_shown() {
        assert!(WebhookSecret::new("").is_none());
        assert!(!format!("{:?}", WebhookSecret::new("hush")).contains("hush"));
    }
}
