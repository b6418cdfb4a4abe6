//! Secrets at rest: sealed with a key that lives outside the store.
//!
//! XChaCha20-Poly1305 with a random nonce per sealing; the secret's name is bound in, so that one sealed value
//! cannot be put in another's place. Secrets never enter the journal.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use crate::ground::world::World;

const VERSION: u8 = 1;
const NONCE_LEN: usize = 24;

/// The key that seals and opens. Its bytes come from a file or from systemd's credentials.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// The sealed bytes are not what this key and name sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stored secret cannot be opened with this key file; use the key file that belongs to this data folder"
)]
pub struct CannotOpen;

impl SecretKey {
    /// A key from its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key for another purpose that follows from this one, and says nothing of it.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, &self.0)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(self.0))
    }

    /// Seals a secret under its name.
    pub fn seal(&self, name: &str, secret: &[u8], world: &World) -> Result<Vec<u8>, CannotOpen> {
        let nonce: [u8; NONCE_LEN] = world.bytes();
        let payload = Payload { msg: secret, aad: name.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| CannotOpen)?;
        let mut out = vec![VERSION];
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what was sealed under this name.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(CannotOpen)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| CannotOpen)?;
        let payload = Payload { msg: sealed, aad: name.as_bytes() };
        self.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| CannotOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::world;

    #[test]
    fn only_the_same_key_and_name_open_it() {
        let (key, other) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let world = world(1);
        let sealed = key.seal("twenty", b"token", &world).unwrap();
        assert_eq!(key.open("twenty", &sealed).unwrap(), b"token");
        assert!(!sealed.windows(5).any(|w| w == b"token"));
        assert_ne!(sealed, key.seal("twenty", b"token", &world).unwrap());
        assert_eq!(key.open("stripe", &sealed), Err(CannotOpen));
        assert_eq!(other.open("twenty", &sealed), Err(CannotOpen));
        for i in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[i] ^= 1;
            assert_eq!(key.open("twenty", &flipped), Err(CannotOpen), "{i}");
        }
        assert_eq!(key.open("twenty", &[]), Err(CannotOpen));
    }
}
