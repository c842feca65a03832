//! The part of libuv that the loop lane uses, looked up in the host at run time.
//!
//! Bun exports these names and aborts when they are called, and Deno has none of them, so TypeScript says whether
//! the host is Node before anything here is asked for.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

type Init = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
type PollInit = unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> c_int;
/// Called when a descriptor is ready: handle, status, events.
pub type PollCallback = unsafe extern "C" fn(*mut c_void, c_int, c_int);
type PollStart = unsafe extern "C" fn(*mut c_void, c_int, PollCallback) -> c_int;
type Stop = unsafe extern "C" fn(*mut c_void) -> c_int;
/// Called when a timer fires, or a handle is closed.
pub type HandleCallback = unsafe extern "C" fn(*mut c_void);
type TimerStart = unsafe extern "C" fn(*mut c_void, HandleCallback, u64, u64) -> c_int;
type Close = unsafe extern "C" fn(*mut c_void, Option<HandleCallback>);
type OnHandle = unsafe extern "C" fn(*mut c_void);
type HandleSize = unsafe extern "C" fn(c_int) -> usize;

/// The event mask of a descriptor that can be read.
pub const READABLE: c_int = 1;
/// The event mask of a descriptor that can be written.
pub const WRITABLE: c_int = 2;
const POLL: c_int = 8;
const TIMER: c_int = 13;

/// The functions.
#[derive(Clone, Copy)]
pub struct Uv {
    poll_init: PollInit,
    poll_start: PollStart,
    poll_stop: Stop,
    timer_init: Init,
    timer_start: TimerStart,
    close: Close,
    reference: OnHandle,
    unreference: OnHandle,
    handle_size: HandleSize,
}

impl Uv {
    /// Looks the functions up; `None` when the host lacks one.
    pub fn find() -> Option<Self> {
        macro_rules! symbol {
            ($name:literal as $kind:ty) => {{
                // SAFETY: the name is NUL-terminated, and looking a symbol up has no other condition.
                let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, concat!($name, "\0").as_ptr().cast()) };
                if found.is_null() {
                    return None;
                }
                // SAFETY: libuv's documentation gives the function of this name this type, in all 1.x versions.
                unsafe { std::mem::transmute::<*mut c_void, $kind>(found) }
            }};
        }
        Some(Self {
            poll_init: symbol!("uv_poll_init" as PollInit),
            poll_start: symbol!("uv_poll_start" as PollStart),
            poll_stop: symbol!("uv_poll_stop" as Stop),
            timer_init: symbol!("uv_timer_init" as Init),
            timer_start: symbol!("uv_timer_start" as TimerStart),
            close: symbol!("uv_close" as Close),
            reference: symbol!("uv_ref" as OnHandle),
            unreference: symbol!("uv_unref" as OnHandle),
            handle_size: symbol!("uv_handle_size" as HandleSize),
        })
    }
}

/// What a handle was made with.
///
/// # Safety
/// `handle` is a live handle of this module.
pub unsafe fn data(handle: *mut c_void) -> *mut c_void {
    // SAFETY: libuv promises that each handle begins with its `data` pointer.
    unsafe { *handle.cast::<*mut c_void>() }
}

thread_local! {
    /// Handles of this thread whose memory libuv still has.
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    /// What to do when there is none any more.
    static WHEN_NONE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// Runs `then` when libuv is done with all handles of this thread: at once, or from the event loop.
pub fn when_all_closed(then: impl FnOnce() + 'static) {
    if ALIVE.get() == 0 {
        then();
    } else {
        WHEN_NONE.set(Some(Box::new(then)));
    }
}

/// A handle of the event loop: a timer or a polled descriptor. It does not keep the loop alive unless told to.
/// Dropping it closes it; its memory is given back when libuv is done with it.
pub struct Handle {
    uv: Uv,
    memory: NonNull<c_void>,
}

impl Handle {
    /// A timer.
    ///
    /// # Safety
    /// `event_loop` is the loop of the running thread. `data` is valid whenever the handle calls back.
    pub unsafe fn timer(uv: Uv, event_loop: *mut c_void, data: *mut c_void) -> Option<Self> {
        // SAFETY: the memory has the size libuv asks for; the caller vouches for the loop.
        unsafe { Self::new(uv, TIMER, data, |memory| (uv.timer_init)(event_loop, memory)) }
    }

    /// A polled descriptor, which must stay open until the handle is dropped.
    ///
    /// # Safety
    /// As for [`Handle::timer`].
    pub unsafe fn poll(uv: Uv, event_loop: *mut c_void, fd: c_int, data: *mut c_void) -> Option<Self> {
        // SAFETY: the memory has the size libuv asks for; the caller vouches for the loop.
        unsafe { Self::new(uv, POLL, data, |memory| (uv.poll_init)(event_loop, memory, fd)) }
    }

    unsafe fn new(
        uv: Uv,
        kind: c_int,
        data: *mut c_void,
        init: impl FnOnce(*mut c_void) -> c_int,
    ) -> Option<Self> {
        // SAFETY: `calloc` of libuv's own size, checked for null; a handle that was not initialised is freed at once.
        unsafe {
            let memory = NonNull::new(libc::calloc(1, (uv.handle_size)(kind)))?;
            if init(memory.as_ptr()) != 0 {
                libc::free(memory.as_ptr());
                return None;
            }
            *memory.as_ptr().cast::<*mut c_void>() = data;
            (uv.unreference)(memory.as_ptr());
            ALIVE.set(ALIVE.get() + 1);
            Some(Self { uv, memory })
        }
    }

    /// Calls `callback` every `every` ms from now on.
    pub fn start_timer(&self, callback: HandleCallback, every: u64) {
        // SAFETY: only a timer handle is asked to, on its own thread.
        unsafe { (self.uv.timer_start)(self.memory.as_ptr(), callback, every, every) };
    }

    /// Calls `callback` when the descriptor is ready for one of `events`.
    pub fn start_poll(&self, events: c_int, callback: PollCallback) {
        // SAFETY: only a poll handle is asked to, on its own thread.
        unsafe { (self.uv.poll_start)(self.memory.as_ptr(), events, callback) };
    }

    /// Calls back no more; the descriptor may be closed.
    pub fn stop_poll(&self) {
        // SAFETY: only a poll handle is asked to, on its own thread.
        unsafe { (self.uv.poll_stop)(self.memory.as_ptr()) };
    }

    /// Whether this handle keeps the process alive.
    pub fn hold(&self, alive: bool) {
        // SAFETY: the handle is live; both calls are idempotent.
        unsafe {
            if alive {
                (self.uv.reference)(self.memory.as_ptr());
            } else {
                (self.uv.unreference)(self.memory.as_ptr());
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        unsafe extern "C" fn closed(memory: *mut c_void) {
            // SAFETY: libuv is done with the memory that `new` allocated.
            unsafe { libc::free(memory) };
            ALIVE.set(ALIVE.get() - 1);
            if ALIVE.get() == 0
                && let Some(then) = WHEN_NONE.take()
            {
                then();
            }
        }
        // SAFETY: the handle is live and closed once, on its own thread.
        unsafe { (self.uv.close)(self.memory.as_ptr(), Some(closed)) };
    }
}
