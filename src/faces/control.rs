//! The control socket: how a command reaches a ledger that a running server holds.
//!
//! The server listens on the Unix socket `control.sock` in its data folder (mode 0600). One connection carries one
//! command. Whoever connects as another user than the server's own or root gets nothing at all: the kernel says who the
//! peer is. The caller sends one line of JSON, at most 4 KiB: the command with its arguments
//! (`{"command":"journal_export","since":8123}`). The server answers frames, each `[kind u8][length u32 LE][bytes]`,
//! at most 64 KiB long:
//!
//! | kind | bytes | meaning |
//! | --- | --- | --- |
//! | `w` | none | the server has the command and is at it; at once, and when there was nothing else to say for 5 s |
//! | `o` | some output | to be passed on as it is |
//! | `e` | UTF-8 text | the command failed, and why; the last frame |
//! | `x` | one byte | the command came to its end with this exit code; the last frame |
//!
//! An answer without a last frame was cut and is no answer. The server waits for a slow reader without holding a
//! snapshot; one that takes nothing for ten minutes is cut off.

mod listen;
mod place;

use std::io::{self, Read};

pub use listen::start;
pub use place::{NAME, Place};

/// A request line is no longer than this.
const REQUEST_BYTES_MAX: usize = 4 * 1024;
/// A frame carries no more than this.
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Kind byte and length.
const FRAME_HEAD: usize = 5;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The server is at it.
    Working,
    /// Output.
    Output(Vec<u8>),
    /// The command failed. The last frame.
    Failed(String),
    /// The command ended with this exit code. The last frame.
    Ended(u8),
}

impl Frame {
    /// The frame as it goes over the socket. Longer texts are cut: an answer always fits.
    fn bytes(&self) -> Vec<u8> {
        let (kind, content): (u8, &[u8]) = match self {
            Self::Working => (b'w', &[]),
            Self::Output(bytes) => (b'o', bytes),
            Self::Failed(text) => (b'e', text.as_bytes()),
            Self::Ended(code) => (b'x', std::slice::from_ref(code)),
        };
        let content = &content[..content.len().min(FRAME_BYTES_MAX)];
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(FRAME_HEAD + content.len());
        bytes.push(kind);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(content);
        bytes
    }

    /// Reads the next frame. `UnexpectedEof` when the other side is gone, `InvalidData` when it talks otherwise.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0_u8; FRAME_HEAD];
        from.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut content = vec![0; length];
        from.read_exact(&mut content)?;
        match (kind, content.as_slice()) {
            (b'w', []) => Ok(Self::Working),
            (b'o', _) => Ok(Self::Output(content)),
            (b'e', text) => Ok(Self::Failed(String::from_utf8_lossy(text).into_owned())),
            (b'x', [code]) => Ok(Self::Ended(*code)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Who we are, as the kernel would tell a peer. Needs a runtime around it.
pub fn own_uid() -> io::Result<u32> {
    let (one, _other) = tokio::net::UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

/// Whether a peer may talk to us: the account we run under, or root, which could read our files anyway.
const fn may_talk(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_back_and_a_cut_one_is_noticed() {
        let frames = [
            Frame::Working,
            Frame::Output(b"a\n\0b".to_vec()),
            Frame::Output(Vec::new()),
            Frame::Failed("no".into()),
            Frame::Ended(1),
        ];
        let all: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        let mut rest = all.as_slice();
        for frame in &frames {
            assert_eq!(Frame::read(&mut rest).unwrap(), *frame);
        }
        assert!(rest.is_empty());
        for frame in &frames {
            let bytes = frame.bytes();
            for cut in 0..bytes.len() {
                let error = Frame::read(&mut &bytes[..cut]).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{frame:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for bytes in [&b"w\x01\0\0\0x"[..], b"x\0\0\0\0", b"x\x02\0\0\0ab", b"?\0\0\0\0", b"o\x01\0\x01\0"] {
            assert_eq!(
                Frame::read(&mut &*bytes).unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_still_arrives() {
        let long = Frame::Failed("x".repeat(FRAME_BYTES_MAX + 1));
        assert_eq!(
            Frame::read(&mut long.bytes().as_slice()).unwrap(),
            Frame::Failed("x".repeat(FRAME_BYTES_MAX))
        );
    }

    #[test]
    fn only_our_own_account_and_root_may_talk() {
        assert!(may_talk(1000, 1000) && may_talk(0, 1000) && may_talk(0, 0));
        assert!(!may_talk(1001, 1000) && !may_talk(1000, 0) && !may_talk(u32::MAX, 1000));
    }
}
