//! The N-API boundary: the only place that names `napi`, and the only one with `unsafe`.
//!
//! `entry` has every native function; `hub` is what they act on; a `link` is one connection, over one of the two
//! lanes; `delivery` takes replies into JavaScript; `post` brings news from the runtime thread.
#![expect(unsafe_code, reason = "N-API and libuv are C; each block says why it is sound")]

mod delivery;
mod entry;
mod hub;
mod lane;
mod link;
mod listeners;
#[cfg(unix)]
mod loop_lane;
#[cfg(not(unix))]
#[path = "no_loop_lane.rs"]
mod loop_lane;
mod mailbox;
mod options;
mod post;
mod questions;
mod raw;
mod runtime;
mod runtime_lane;
mod tokens;
#[cfg(unix)]
mod uv;
#[cfg(not(unix))]
use loop_lane as uv;

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue, Status};
use napi_derive::napi;

/// A bridge of its own for the calling environment: an object of native functions, whose types are in
/// `ts/native.ts`. Nothing is shared with other bridges.
#[napi(ts_return_type = "object")]
pub fn bridge(env: Env) -> napi::Result<Object<'static>> {
    let mut object = Object::new(&env)?;
    // SAFETY: the environment is that of the running call, and the object was just made in it.
    unsafe { entry::register(env.raw(), object.raw()) }
        .map_err(|error| napi::Error::new(Status::GenericFailure, error.message))?;
    object.set("version", env!("CARGO_PKG_VERSION"))?;
    // SAFETY: the object belongs to the callback's scope, in which it is returned at once.
    Ok(unsafe { std::mem::transmute::<Object<'_>, Object<'static>>(object) })
}
