//! Locks: a string with the owner's name and a time to live in ms. Only the owner may prolong or give up.

use super::key;
use crate::error::Error;
use crate::redis::{Args, Request, script};

/// `prefix key owner ttl` → OK, or nil when the lock is held.
pub fn acquire(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (owner, ttl) = (args.bytes(2, "owner")?, args.bytes(3, "ttl")?);
    request.command("SET", 5);
    key(args, request)?;
    request.arg(owner).arg(b"PX").arg(ttl).arg(b"NX");
    Ok(())
}

/// `prefix key owner ttl token` → the fencing number, or nil when the lock is held. The token names this call:
/// repeated after a lost reply, it gets the number it has drawn.
pub fn acquire_fenced(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (prefix, name) = (args.bytes(0, "prefix")?, args.bytes(1, "key")?);
    let (owner, ttl, token) = (args.bytes(2, "owner")?, args.bytes(3, "ttl")?, args.bytes(4, "token")?);
    request.script(&script::GO_GO_SCOPE_ACQUIRE_FENCED, 3);
    key(args, request)?;
    fence(prefix, name, request);
    request.arg(owner).arg(ttl).arg(token);
    Ok(())
}

/// The counter beside a lock, in the same hash slot: the lock's whole name is the tag, unless it has one.
fn fence(prefix: &[u8], name: &[u8], request: &mut Request) {
    let tagged = prefix.contains(&b'{') || name.contains(&b'{');
    let (open, close): (&[u8], &[u8]) = if tagged { (b"", b"") } else { (b"{", b"}") };
    request.parts(&[open, prefix, name, close, b":x:fence"]);
}

/// `prefix key owner ttl` → 1 prolonged, 0 not this owner's.
pub fn extend(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (owner, ttl) = (args.bytes(2, "owner")?, args.bytes(3, "ttl")?);
    request.script(&script::GO_GO_SCOPE_EXTEND, 2);
    key(args, request)?;
    request.arg(owner).arg(ttl);
    Ok(())
}

/// `prefix key owner` → 1 given up, 0 not this owner's.
pub fn release(args: &Args, request: &mut Request) -> Result<(), Error> {
    let owner = args.bytes(2, "owner")?;
    request.script(&script::GO_GO_SCOPE_RELEASE, 1);
    key(args, request)?;
    request.arg(owner);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Repeat;

    #[test]
    fn lock_and_fence_share_a_slot() {
        let written = |prefix: &[u8], name: &[u8]| {
            let mut request = Request::new(Repeat::Freely);
            request.command("X", 1);
            fence(prefix, name, &mut request);
            String::from_utf8(request.into_bytes()).unwrap().split("\r\n").nth(4).unwrap().to_owned()
        };
        assert_eq!(written(b"app:lock:", b"k"), "{app:lock:k}:x:fence");
        assert_eq!(written(b"lock:", b"{user}:k"), "lock:{user}:k:x:fence");
    }
}
