//! Where the socket is. A socket's address has room for about a hundred bytes; a data folder may lie deeper.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The socket's name in the data folder.
pub const NAME: &str = "control.sock";

/// The longest path that fits an address, without the zero at its end.
const ADDRESS_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The address of a socket in a folder. A long one goes through the folder's open handle, so it holds only as long as
/// this value lives.
#[derive(Debug)]
pub struct Place {
    address: PathBuf,
    _folder: Option<File>,
}

impl Place {
    /// The address of the socket `name` in `folder`.
    pub fn new(folder: &Path, name: &str) -> io::Result<Self> {
        let address = folder.join(name);
        if address.as_os_str().as_bytes().len() <= ADDRESS_MAX {
            return Ok(Self { address, _folder: None });
        }
        if !cfg!(target_os = "linux") {
            let says = format!("the path {} is too long for a socket on this system", address.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, says));
        }
        let open = File::open(folder)?;
        let address = PathBuf::from(format!("/proc/self/fd/{}/{name}", open.as_raw_fd()));
        Ok(Self { address, _folder: Some(open) })
    }

    /// The address to bind or connect to.
    pub fn address(&self) -> &Path {
        &self.address
    }
}
