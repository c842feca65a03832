//! In place of `loop_lane` and `uv` where there is no `uv_poll` over plain descriptors (Windows): nothing in here can
//! be made, so every call takes the runtime lane.

use std::convert::Infallible;
use std::ffi::c_void;

use super::hub::Hub;
use super::lane::Ready;
use crate::error::Error;
use crate::redis::{Answer, Failure, Mux, PlainSocket};

/// No libuv.
#[derive(Clone, Copy)]
pub struct Uv(Infallible);

impl Uv {
    /// Finds none.
    pub const fn find() -> Option<Self> {
        None
    }
}

/// There are no handles to wait for.
pub fn when_all_closed(then: impl FnOnce() + 'static) {
    then();
}

/// A lane that does not exist.
pub struct LoopLane {
    /// The queue.
    pub mux: Mux,
    never: Infallible,
}

impl LoopLane {
    /// Makes none.
    ///
    /// # Safety
    /// None is needed; the signature is that of the other platforms.
    pub const unsafe fn new(
        uv: Uv,
        _event_loop: *mut c_void,
        _hub: *mut Hub,
        _link: u32,
        _mux: Mux,
    ) -> Option<Self> {
        match uv.0 {}
    }

    /// Cannot be called, like all that follow.
    pub fn attach(&mut self, _stream: PlainSocket) -> Result<(), Error> {
        match self.never {}
    }

    /// See [`LoopLane::attach`].
    pub fn detach(&mut self, _error: &Error, _failures: &mut Vec<Failure>) {
        match self.never {}
    }

    /// See [`LoopLane::attach`].
    pub fn flush(&mut self) -> Result<(), Error> {
        match self.never {}
    }

    /// See [`LoopLane::attach`].
    pub fn receive(&mut self, _ready: Ready, _answers: &mut Vec<Answer>) -> Result<(), Error> {
        match self.never {}
    }

    /// See [`LoopLane::attach`].
    pub fn hold(&mut self, _pending: bool) {
        match self.never {}
    }

    /// See [`LoopLane::attach`].
    pub fn relax(&mut self) {
        match self.never {}
    }
}
