//! The age file format, version 1, with X25519 recipients (age-encryption.org/v1): seals for public keys, opens with a
//! secret one. Files made here open with `age` and `rage`, and theirs open here. Why not their crate: decision 0020.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as B64;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use ring::{hkdf, hmac};
use x25519_dalek::{PublicKey, StaticSecret};

use super::bech32;
use crate::ground::world::World;

const INTRO: &str = "age-encryption.org/v1";
const STANZA: &str = "X25519";
const WRAP_INFO: &[u8] = b"age-encryption.org/v1/X25519";
/// Plain bytes under one tag.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
/// Longest line of a stanza's body.
const LINE: usize = 64;
const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";

/// A public key: whoever has its identity can open what is sealed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

/// A secret key.
#[derive(Clone)]
pub struct Identity(StaticSecret);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// Why something cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// A public key that is none.
    #[error("this is not a public key; it begins with age1, and `almoner backup key` makes one")]
    Recipient,
    /// A secret key that is none.
    #[error("this is not an identity; it begins with AGE-SECRET-KEY-1, and `almoner backup key` makes one")]
    Identity,
    /// Not the beginning of an age file.
    #[error("this is not an age file, or its beginning is damaged")]
    Header,
    /// Sealed for others.
    #[error("it was sealed for other keys than the one given")]
    NotForUs,
    /// The header is not as it was written.
    #[error("its header is damaged")]
    HeaderDamaged,
    /// The content is not as it was written.
    #[error("its content is damaged or cut short")]
    Damaged,
}

impl std::str::FromStr for Recipient {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let bytes = bech32::decode(RECIPIENT, text.trim()).ok_or(AgeError::Recipient)?;
        bytes.try_into().map(Self).map_err(|_| AgeError::Recipient)
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&bech32::encode(RECIPIENT, &self.0))
    }
}

impl Identity {
    /// A new one.
    pub fn new(world: &World) -> Self {
        Self(StaticSecret::from(world.bytes::<32>()))
    }

    /// The first identity of a file as `age-keygen` and `almoner backup key` write it: comments begin with `#`.
    pub fn of_file(text: &str) -> Result<Self, AgeError> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let bytes = bech32::decode(IDENTITY, &line.ok_or(AgeError::Identity)?.to_ascii_lowercase());
        let bytes: Result<[u8; 32], _> = bytes.ok_or(AgeError::Identity)?.try_into();
        Ok(Self(StaticSecret::from(bytes.map_err(|_| AgeError::Identity)?)))
    }

    /// Its public key.
    pub fn recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.0).to_bytes())
    }

    /// The text of the secret key, for its file and for nothing else.
    pub fn secret_text(&self) -> String {
        bech32::encode(IDENTITY, &self.0.to_bytes()).to_ascii_uppercase()
    }
}

struct Wanted;

impl hkdf::KeyType for Wanted {
    fn len(&self) -> usize {
        32
    }
}

fn derived(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let expanded = pseudo_random.expand(&[info], Wanted).and_then(|okm| okm.fill(&mut out));
    // HKDF gives up to 8,160 bytes; 32 are always there.
    debug_assert!(expanded.is_ok());
    out
}

fn cipher(key: [u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(key))
}

fn wrap_key(shared: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> [u8; 32] {
    derived(shared, &[share.as_slice(), recipient.as_slice()].concat(), WRAP_INFO)
}

fn header_mac(file_key: &[u8; 16], header: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &derived(file_key, b"", b"header")), header)
}

/// The nonce of a chunk: eleven bytes of its number, and whether it is the last.
fn nonce(chunk: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&chunk.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::from(nonce)
}

/// Seals `plain` for every recipient.
pub fn seal(recipients: &[Recipient], plain: &[u8], world: &World) -> Result<Vec<u8>, AgeError> {
    let file_key: [u8; 16] = world.bytes();
    let mut out = format!("{INTRO}\n").into_bytes();
    for recipient in recipients {
        let ephemeral = StaticSecret::from(world.bytes::<32>());
        let share = PublicKey::from(&ephemeral).to_bytes();
        let shared = ephemeral.diffie_hellman(&PublicKey::from(recipient.0));
        if !shared.was_contributory() {
            return Err(AgeError::Recipient);
        }
        let key = wrap_key(shared.as_bytes(), &share, &recipient.0);
        let body = cipher(key).encrypt(&Nonce::from([0; 12]), file_key.as_slice());
        let body = body.map_err(|_| AgeError::Recipient)?;
        out.extend_from_slice(
            format!("-> {STANZA} {}\n{}\n", B64.encode(share), B64.encode(body)).as_bytes(),
        );
    }
    out.extend_from_slice(b"---");
    let mac = header_mac(&file_key, &out);
    out.extend_from_slice(format!(" {}\n", B64.encode(mac.as_ref())).as_bytes());
    let salt: [u8; 16] = world.bytes();
    out.extend_from_slice(&salt);
    let cipher = cipher(derived(&file_key, &salt, b"payload"));
    let chunks = plain.len().div_ceil(CHUNK).max(1);
    for (number, chunk) in (0_u64..).zip(0..chunks) {
        let bytes = &plain[chunk * CHUNK..plain.len().min((chunk + 1) * CHUNK)];
        let sealed = cipher.encrypt(&nonce(number, chunk + 1 == chunks), bytes);
        out.extend(sealed.map_err(|_| AgeError::Damaged)?);
    }
    Ok(out)
}

/// The header of a file, taken apart.
struct Head<'f> {
    /// Of every X25519 stanza: the share and the wrapped file key.
    stanzas: Vec<([u8; 32], Vec<u8>)>,
    /// What the code is over.
    signed: &'f [u8],
    mac: Vec<u8>,
    rest: &'f [u8],
}

struct Lines<'f> {
    file: &'f [u8],
    at: usize,
}

impl<'f> Lines<'f> {
    fn next(&mut self) -> Result<&'f str, AgeError> {
        let rest = &self.file[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(AgeError::Header)?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| AgeError::Header)
    }
}

fn head(file: &[u8]) -> Result<Head<'_>, AgeError> {
    let mut lines = Lines { file, at: 0 };
    if lines.next()? != INTRO {
        return Err(AgeError::Header);
    }
    let mut stanzas = Vec::new();
    loop {
        let before = lines.at;
        let line = lines.next()?;
        if let Some(mac) = line.strip_prefix("--- ") {
            let mac = B64.decode(mac).map_err(|_| AgeError::Header)?;
            let (signed, rest) = (&file[..before + 3], &file[lines.at..]);
            return Ok(Head { stanzas, signed, mac, rest });
        }
        let arguments = line.strip_prefix("-> ").ok_or(AgeError::Header)?;
        let mut body = String::new();
        loop {
            let line = lines.next()?;
            body.push_str(line);
            if line.len() < LINE {
                break;
            }
        }
        // Stanzas of other kinds are for others.
        if let Some(share) = arguments.strip_prefix(STANZA).and_then(|rest| rest.strip_prefix(' ')) {
            let share = B64.decode(share).ok().and_then(|share| share.try_into().ok());
            let body = B64.decode(body).map_err(|_| AgeError::Header)?;
            stanzas.push((share.ok_or(AgeError::Header)?, body));
        }
    }
}

/// Opens a file with the first of these identities that it was sealed for.
pub fn open(identities: &[Identity], file: &[u8]) -> Result<Vec<u8>, AgeError> {
    let head = head(file)?;
    let unwrapped = |identity: &Identity, (share, body): &([u8; 32], Vec<u8>)| {
        let shared = identity.0.diffie_hellman(&PublicKey::from(*share));
        let key = wrap_key(shared.as_bytes(), share, &identity.recipient().0);
        let file_key = cipher(key).decrypt(&Nonce::from([0; 12]), body.as_slice()).ok();
        file_key.filter(|_| shared.was_contributory()).and_then(|key| <[u8; 16]>::try_from(key).ok())
    };
    let file_key = identities
        .iter()
        .find_map(|identity| head.stanzas.iter().find_map(|stanza| unwrapped(identity, stanza)))
        .ok_or(AgeError::NotForUs)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &derived(&file_key, b"", b"header"));
    hmac::verify(&key, head.signed, &head.mac).map_err(|_| AgeError::HeaderDamaged)?;
    let (salt, sealed) = head.rest.split_at_checked(16).ok_or(AgeError::Damaged)?;
    let cipher = cipher(derived(&file_key, salt, b"payload"));
    let mut plain = Vec::with_capacity(sealed.len());
    let chunks = sealed.len().div_ceil(CHUNK + TAG);
    for (number, chunk) in (0_u64..).zip(sealed.chunks(CHUNK + TAG)) {
        let last = number + 1 == chunks as u64;
        let opened = cipher.decrypt(&nonce(number, last), chunk).map_err(|_| AgeError::Damaged)?;
        // An empty chunk is allowed only where there is nothing at all.
        if opened.is_empty() && number > 0 {
            return Err(AgeError::Damaged);
        }
        plain.extend(opened);
    }
    if chunks == 0 { Err(AgeError::Damaged) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::time::Instant;
    use crate::ground::world::{Clock, Entropy};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    struct Still;
    struct Counting(AtomicU8);

    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant(0)
        }
    }

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) {
            let salt = self.0.fetch_add(1, Ordering::SeqCst);
            let stream = blake3::Hasher::new().update(&[salt]).finalize_xof();
            let mut stream = stream;
            stream.fill(out);
        }
    }

    fn world() -> World {
        World { clock: Arc::new(Still), entropy: Arc::new(Counting(AtomicU8::new(0))) }
    }

    /// Made by another implementation (rage, through pyrage 1.4.0): a key pair, and a text sealed for it.
    const THEIR_IDENTITY: &str = include_str!("testdata/identity.txt");
    const THEIR_RECIPIENT: &str = include_str!("testdata/recipient.txt");
    const THEIR_SMALL: &[u8] = include_bytes!("testdata/small.age");
    const THEIR_LONG: &[u8] = include_bytes!("testdata/long.age");

    #[test]
    fn files_of_another_implementation_open_here() {
        let identity = Identity::of_file(THEIR_IDENTITY).unwrap();
        assert_eq!(identity.recipient().to_string(), THEIR_RECIPIENT.trim());
        assert_eq!(identity.secret_text(), THEIR_IDENTITY.lines().last().unwrap());
        assert_eq!(open(std::slice::from_ref(&identity), THEIR_SMALL).unwrap(), b"for the poor box");
        let long: Vec<u8> = (0..150_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        assert_eq!(open(&[identity], THEIR_LONG).unwrap(), long);
    }

    #[test]
    fn only_those_it_is_for_open_it() {
        let world = world();
        let (one, other, third) = (Identity::new(&world), Identity::new(&world), Identity::new(&world));
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
            let plain = vec![7; len];
            let sealed = seal(&[one.recipient(), other.recipient()], &plain, &world).unwrap();
            assert_eq!(open(std::slice::from_ref(&one), &sealed).unwrap(), plain);
            assert_eq!(open(&[third.clone(), other.clone()], &sealed).unwrap(), plain);
            assert_eq!(open(std::slice::from_ref(&third), &sealed), Err(AgeError::NotForUs));
        }
        assert!("age1qqqq".parse::<Recipient>().is_err());
        assert_eq!(one.recipient().to_string().parse(), Ok(one.recipient()));
        assert_eq!(seal(&[Recipient([0; 32])], b"x", &world), Err(AgeError::Recipient));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_or_a_cut_is_never_taken_for_the_content(
            len in 0..3_000_usize, at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<bool>(),
        ) {
            let world = world();
            let identity = Identity::new(&world);
            let plain = vec![3; len];
            let mut sealed = seal(&[identity.recipient()], &plain, &world).unwrap();
            let at = at.index(sealed.len());
            if cut { sealed.truncate(at) } else { sealed[at] ^= 1 << bit }
            prop_assert!(open(&[identity], &sealed).is_err());
        }
    }
}
