//! The way from the runtime thread to the JavaScript thread: the mailbox, and the one threadsafe function that
//! rings.

use std::ptr;
use std::sync::{Arc, Mutex};

use napi::sys;

use super::listeners::Events;
use super::mailbox::Mailbox;
use crate::error::Error;
use crate::redis::{PlainSocket, remote::News};

/// What is posted, for one connection.
pub enum Item {
    /// A handshaken socket for the loop lane, or why it could not be handed over.
    Socket(Result<PlainSocket, Error>),
    /// Dialling for the loop lane failed; it goes on.
    Fault(Error),
    /// Another server has taken over from the one that the loop lane is connected to.
    Replaced(Error),
    /// From the runtime lane.
    News(News),
    /// Events for JavaScript, from the subscriber.
    Events(Events),
    /// A lock that was being renewed is lost.
    Lost(u32),
    /// A question for JavaScript, as a RESP list.
    Question(Vec<u8>),
}

/// The posting end, for any thread.
#[derive(Clone)]
pub struct Post {
    mailbox: Arc<Mailbox<(u32, Item)>>,
    bell: Arc<Mutex<Option<Bell>>>,
}

struct Bell(sys::napi_threadsafe_function);

// SAFETY: a threadsafe function may be called from any thread; the mutex around it keeps calls off after its release.
unsafe impl Send for Bell {}

impl Post {
    /// A post whose bell runs `ring` with `context` on the JavaScript thread. It does not keep the process alive.
    ///
    /// # Safety
    /// `env` is live, and `context` is valid until [`Post::end`].
    pub unsafe fn new(
        env: sys::napi_env,
        context: *mut std::ffi::c_void,
        ring: sys::napi_threadsafe_function_call_js,
    ) -> Option<Self> {
        let mut function = ptr::null_mut();
        // SAFETY: all pointers are live; no JavaScript function is given, `ring` does the work.
        let status = unsafe {
            let name = super::raw::utf8(env, "ferrodis");
            sys::napi_create_threadsafe_function(
                env,
                ptr::null_mut(),
                ptr::null_mut(),
                name,
                0,
                1,
                ptr::null_mut(),
                None,
                context,
                ring,
                &raw mut function,
            )
        };
        if status != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: just made, on its own thread.
        unsafe { sys::napi_unref_threadsafe_function(env, function) };
        Some(Self { mailbox: Arc::new(Mailbox::new()), bell: Arc::new(Mutex::new(Some(Bell(function)))) })
    }

    /// Posts an item and rings if nobody has yet.
    pub fn send(&self, link: u32, item: Item) {
        if self.mailbox.post((link, item))
            && let Ok(bell) = self.bell.lock()
            && let Some(Bell(function)) = &*bell
        {
            // SAFETY: it is released only under the lock that is held here.
            unsafe {
                sys::napi_call_threadsafe_function(
                    *function,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                );
            }
        }
    }

    /// Everything posted since.
    pub fn take(&self) -> Vec<(u32, Item)> {
        self.mailbox.take()
    }

    /// Whether the process stays alive for what may be posted.
    pub fn hold(&self, env: sys::napi_env, alive: bool) {
        if let Ok(bell) = self.bell.lock()
            && let Some(Bell(function)) = &*bell
        {
            // SAFETY: live, and this is the JavaScript thread.
            unsafe {
                if alive {
                    sys::napi_ref_threadsafe_function(env, *function);
                } else {
                    sys::napi_unref_threadsafe_function(env, *function);
                }
            }
        }
    }

    /// Rings no more.
    pub fn end(&self) {
        if let Ok(mut bell) = self.bell.lock()
            && let Some(Bell(function)) = bell.take()
        {
            // SAFETY: live until here, and taken out so that nobody uses it again.
            unsafe {
                sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::abort);
            }
        }
    }
}
