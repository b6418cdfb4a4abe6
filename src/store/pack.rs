//! Compression of what the journal keeps: zstd with a trained dictionary.
//!
//! Dictionaries are numbered and append-only: an entry names the one it was packed with, so none may ever change or
//! go. They are trained on simulated data only (`cargo bench --bench dictionary -- --train`), since a dictionary is
//! shipped to everybody. Number 0 stands for no dictionary.

use std::sync::{LazyLock, Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::CParameter;

use super::error::StoreError;

/// Every dictionary that ever landed, in the order of its number, which begins at 1.
const SHIPPED: [&[u8]; 1] = [include_bytes!("../../assets/dictionaries/1.zdict")];
/// The one that new entries are packed with.
const NEWEST: u16 = 1;
/// Beyond this, more effort shrinks records of a kilobyte by a per cent only (measured).
const LEVEL: i32 = 3;
/// For what is packed anew and not while somebody waits: a few per cent smaller, at seven times the work.
const STRONG: i32 = 12;
/// Every frame begins with these bytes, so none of them is stored.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Contents of one entry beyond this are a damaged length and not a record.
const LENGTH_MAX: u32 = 64 * 1024 * 1024;

/// Packed content and what is needed to unpack it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// The dictionary's number.
    pub(super) dictionary: u16,
    /// Bytes of the content before packing.
    pub(super) length: u32,
    /// The frame without its magic number.
    pub(super) bytes: Vec<u8>,
}

/// Contexts to be used again: one costs more to make than a record to pack.
struct Contexts {
    packers: Mutex<Vec<Compressor<'static>>>,
    strong: Mutex<Vec<Compressor<'static>>>,
    /// By number of the dictionary.
    unpackers: Vec<Mutex<Vec<Decompressor<'static>>>>,
}

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(SHIPPED[usize::from(NEWEST) - 1], LEVEL));
static STRONG_ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(SHIPPED[usize::from(NEWEST) - 1], STRONG));
static DECODERS: LazyLock<Vec<DecoderDictionary<'static>>> =
    LazyLock::new(|| SHIPPED.iter().map(|bytes| DecoderDictionary::copy(bytes)).collect());
static CONTEXTS: LazyLock<Contexts> = LazyLock::new(|| Contexts {
    packers: Mutex::default(),
    strong: Mutex::default(),
    unpackers: (0..=SHIPPED.len()).map(|_| Mutex::default()).collect(),
});

/// How much work packing is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Somebody waits.
    Quick,
    /// Nobody waits.
    Strong,
}

fn packer(effort: Effort) -> std::io::Result<Compressor<'static>> {
    let dictionary = match effort {
        Effort::Quick => &ENCODER,
        Effort::Strong => &STRONG_ENCODER,
    };
    let mut packer = Compressor::with_prepared_dictionary(dictionary)?;
    // We keep the length and the dictionary's number ourselves, and every body has a hash of its own.
    packer.set_parameter(CParameter::ContentSizeFlag(false))?;
    packer.set_parameter(CParameter::DictIdFlag(false))?;
    packer.set_parameter(CParameter::ChecksumFlag(false))?;
    Ok(packer)
}

fn unpacker(dictionary: usize) -> std::io::Result<Decompressor<'static>> {
    match dictionary.checked_sub(1) {
        None => Decompressor::new(),
        Some(n) => Decompressor::with_prepared_dictionary(&DECODERS[n]),
    }
}

/// Takes a context that lies ready, or makes one; whoever is done puts it back.
fn take<C>(ready: &Mutex<Vec<C>>, make: impl FnOnce() -> std::io::Result<C>) -> std::io::Result<C> {
    let found = ready.lock().unwrap_or_else(PoisonError::into_inner).pop();
    found.map_or_else(make, Ok)
}

fn put_back<C>(ready: &Mutex<Vec<C>>, context: C) {
    ready.lock().unwrap_or_else(PoisonError::into_inner).push(context);
}

/// Packs; nothing when that would not make it smaller.
pub(super) fn pack(content: &[u8], effort: Effort) -> Result<Option<Packed>, StoreError> {
    let cannot = |error: std::io::Error| StoreError::Unavailable(format!("cannot compress: {error}"));
    let Ok(length) = u32::try_from(content.len()) else { return Ok(None) };
    let shelf = match effort {
        Effort::Quick => &CONTEXTS.packers,
        Effort::Strong => &CONTEXTS.strong,
    };
    let mut ready = take(shelf, || packer(effort)).map_err(cannot)?;
    let frame = ready.compress(content);
    put_back(shelf, ready);
    let frame = frame.map_err(cannot)?;
    let packed = frame.strip_prefix(&MAGIC).filter(|bytes| bytes.len() < content.len());
    Ok(packed.map(|bytes| Packed { dictionary: NEWEST, length, bytes: bytes.to_vec() }))
}

/// Unpacks what [`pack`] made, now or in any earlier version.
pub(super) fn unpack(dictionary: u16, length: u32, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let number = usize::from(dictionary);
    let Some(shelf) = CONTEXTS.unpackers.get(number) else {
        return Err(StoreError::Newer { what: "a compression dictionary", found: dictionary.into() });
    };
    let bad = || StoreError::corrupt("a packed entry", bytes.len());
    if length > LENGTH_MAX {
        return Err(bad());
    }
    let mut ready = take(shelf, || unpacker(number))
        .map_err(|error| StoreError::Unavailable(format!("cannot decompress: {error}")))?;
    let content = ready.decompress(&[&MAGIC, bytes].concat(), length as usize);
    put_back(shelf, ready);
    content.ok().filter(|content| content.len() == length as usize).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_damage_is_noticed() {
        let content = br#"{"id":"x","name":"Ada Lovelace"}"#.repeat(20);
        let packed = pack(&content, Effort::Quick).unwrap().expect("it repeats itself");
        let strong = pack(&content, Effort::Strong).unwrap().expect("it repeats itself");
        assert_eq!(unpack(strong.dictionary, strong.length, &strong.bytes).unwrap(), content);
        assert!(packed.bytes.len() < content.len() / 4);
        assert_eq!(unpack(packed.dictionary, packed.length, &packed.bytes).unwrap(), content);
        assert!(unpack(packed.dictionary, packed.length - 1, &packed.bytes).is_err());
        assert!(unpack(packed.dictionary, packed.length + 1, &packed.bytes).is_err());
        assert!(unpack(packed.dictionary, u32::MAX, &packed.bytes).is_err());
        assert!(unpack(packed.dictionary, packed.length, &packed.bytes[1..]).is_err());
        assert!(matches!(
            unpack(999, packed.length, &packed.bytes),
            Err(StoreError::Newer { found: 999, .. })
        ));
        // A damaged entry must not spoil the context for the next one.
        assert_eq!(unpack(packed.dictionary, packed.length, &packed.bytes).unwrap(), content);
    }

    #[test]
    fn what_does_not_shrink_stays_as_it_is() {
        assert_eq!(pack(&[], Effort::Quick).unwrap(), None);
        assert_eq!(pack(&[1, 200, 3], Effort::Strong).unwrap(), None);
    }

    /// A dictionary that changes strands every entry that was packed with it.
    #[test]
    fn the_dictionaries_are_the_ones_that_landed() {
        let hashes = SHIPPED.map(|bytes| blake3::hash(bytes).to_hex().to_string());
        assert_eq!(hashes, LANDED);
        assert_eq!(usize::from(NEWEST), SHIPPED.len());
    }

    const LANDED: [&str; 1] = ["0b87805fa92b2b60650d6ba0904cc1a2c75bc398f36cf00fd3cbfdeb0e6032cd"];
}
