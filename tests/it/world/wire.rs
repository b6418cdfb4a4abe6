//! The wire to Twenty, on which a process can die.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use almoner::rails::{Sending, Transport, TransportError};
use almoner::sim::faults::Broken;
use almoner::sim::twenty::Twenty;
use almoner::store::disk::SimDisk;
use bytes::Bytes;

/// The wire to Twenty, on which the process can die: before or after a call.
pub struct Wire {
    pub(super) twenty: Twenty,
    pub(super) disk: SimDisk,
    /// Moments until death; each call has two: before and after.
    pub(super) fuse: AtomicU64,
    pub(super) dead: AtomicBool,
    /// A server error for every request whose body holds this, for ever.
    pub(super) poison: Mutex<Option<String>>,
}

/// The fuse that never burns down.
pub(super) const NEVER: u64 = u64::MAX;

impl Wire {
    fn moment(&self) -> Result<(), TransportError> {
        let left = self.fuse.load(Ordering::SeqCst);
        if left == NEVER {
            return Ok(());
        }
        if left == 0 {
            self.dead.store(true, Ordering::SeqCst);
            // A dead process writes nothing any more.
            self.disk.fail_in(0);
            return Err(TransportError::Broken("the process died".into()));
        }
        self.fuse.store(left - 1, Ordering::SeqCst);
        Ok(())
    }

    fn call(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        self.moment()?;
        let poison = self.poison.lock().unwrap().clone();
        if poison.is_some_and(|poison| String::from_utf8_lossy(request.body()).contains(&poison)) {
            let body = r#"{"statusCode":500,"error":"Error","messages":["Data validation error."]}"#;
            return Ok(http::Response::builder().status(500).body(Bytes::from(body)).unwrap());
        }
        let answer = self.twenty.answer(request);
        self.moment()?;
        answer.map_err(|broken| match broken {
            Broken::Refused => TransportError::Refused(broken.to_string()),
            Broken::Reset | Broken::TimedOut => TransportError::Broken(broken.to_string()),
        })
    }
}

impl Transport for Wire {
    fn send(&self, request: http::Request<Bytes>) -> Sending<'_> {
        let answer = self.call(request);
        Box::pin(async move { answer })
    }
}
