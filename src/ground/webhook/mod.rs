//! Signatures and contents of what other systems tell us by themselves. Pure: bytes in, a verdict out.

pub mod qbo;
pub mod twenty;
