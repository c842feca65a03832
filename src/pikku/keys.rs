//! Names of keys, written into a request without a copy between. `P` is the caller's prefix, as it is.

use crate::redis::Request;

/// `P:run:R`, the hash of a run.
pub fn run(request: &mut Request, prefix: &[u8], id: &[u8]) {
    request.parts(&[prefix, b":run:", id]);
}
