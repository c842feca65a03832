//! Sessions of users.

use super::once;
use super::shared::{Key, on_key};
use crate::error::Error;
use crate::pikku::keys;
use crate::redis::{Args, Operation, Request};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    once("pikku.getSession", get_session),
    once("pikku.setSession", set_session),
    once("pikku.clearSession", clear_session),
];

const SESSION: (Key, &str) = (keys::session, "pikkuUserId");

/// `P userId` → text or nil.
fn get_session(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_key(args, request, "GET", SESSION, &[])
}

/// `P userId json ttlSeconds?` → `OK`. Without a time to live the session stays, whatever held before.
fn set_session(args: &Args, request: &mut Request) -> Result<(), Error> {
    let json = args.bytes(2, "session")?;
    match args.get(3) {
        Some(ttl) => on_key(args, request, "SET", SESSION, &[json, b"EX", ttl]),
        None => on_key(args, request, "SET", SESSION, &[json]),
    }
}

/// `P userId` → how many sessions that were.
fn clear_session(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_key(args, request, "DEL", SESSION, &[])
}
