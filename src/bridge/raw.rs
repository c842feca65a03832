//! The few raw N-API calls that hot paths need, each wrapped once.

use std::ffi::{CString, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use napi::sys;

use crate::redis::Args;

/// A native function as N-API calls it.
pub type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// At most this many arguments reach a native function; `stage` carries longer lists in pieces.
pub const MAX_ARGS: usize = 64;

/// The arguments of one native call, and the data pointer of its function.
pub struct CallInfo {
    argv: [MaybeUninit<sys::napi_value>; MAX_ARGS],
    /// How many of `argv` are initialised.
    argc: usize,
    /// What [`define`] was given.
    pub data: *mut c_void,
}

impl CallInfo {
    /// Reads the call.
    ///
    /// # Safety
    /// `env` and `info` are those of the running callback.
    pub unsafe fn read(env: sys::napi_env, info: sys::napi_callback_info) -> Self {
        // N-API fills the room that it does not need with `undefined`: there is little of it at first.
        const FEW: usize = 8;
        let mut call =
            Self { argv: [const { MaybeUninit::uninit() }; MAX_ARGS], argc: 0, data: ptr::null_mut() };
        for room in [FEW, MAX_ARGS] {
            let mut count = room;
            // SAFETY: the array has room for that many values, and lives across the call.
            let status = unsafe {
                let argv = call.argv.as_mut_ptr().cast();
                sys::napi_get_cb_info(env, info, &raw mut count, argv, ptr::null_mut(), &raw mut call.data)
            };
            if status != sys::Status::napi_ok {
                break;
            }
            // The count comes back as what the caller passed, which may exceed the room.
            call.argc = count.min(room);
            if count <= room {
                break;
            }
        }
        call
    }

    /// The argument values.
    pub const fn values(&self) -> &[sys::napi_value] {
        // SAFETY: N-API has written the first `argc`.
        unsafe { std::slice::from_raw_parts(self.argv.as_ptr().cast(), self.argc) }
    }

    /// Argument `index` as a small number; 0 when it is none.
    ///
    /// # Safety
    /// `env` is that of the running callback.
    pub unsafe fn number(&self, env: sys::napi_env, index: usize) -> u32 {
        let mut number = 0;
        if let Some(&value) = self.values().get(index) {
            // SAFETY: `value` is an argument of the running callback; a wrong type leaves `number` alone.
            unsafe { sys::napi_get_value_uint32(env, value, &raw mut number) };
        }
        number
    }
}

/// A JavaScript number; None for anything else.
///
/// # Safety
/// `value` is live in the current scope.
pub unsafe fn float(env: sys::napi_env, value: sys::napi_value) -> Option<f64> {
    let mut number = f64::NAN;
    // SAFETY: as this function's own contract; a wrong type leaves `number` alone.
    let status = unsafe { sys::napi_get_value_double(env, value, &raw mut number) };
    (status == sys::Status::napi_ok && !number.is_nan()).then_some(number)
}

/// Appends a JavaScript value to `args`: a string as UTF-8, anything else as absent.
///
/// # Safety
/// `env` and `value` belong to the running callback.
pub unsafe fn push_arg(env: sys::napi_env, value: sys::napi_value, args: &mut Args) {
    const GUESS: usize = 256;
    args.push_or_absent(|out| {
        let start = out.len();
        out.reserve(GUESS);
        let room = out.capacity() - start;
        let mut length = 0;
        // SAFETY: N-API writes at most `room` bytes, a NUL included, behind `start`.
        let status = unsafe {
            sys::napi_get_value_string_utf8(
                env,
                value,
                out.as_mut_ptr().add(start).cast(),
                room,
                &raw mut length,
            )
        };
        if status != sys::Status::napi_ok {
            return false;
        }
        // It stops before a character that does not fit whole, so a nearly full buffer means: ask for the length.
        if length + 4 >= room {
            let mut needed = 0;
            // SAFETY: a null buffer asks for the length only; then there is room for it and the NUL.
            unsafe {
                sys::napi_get_value_string_utf8(env, value, ptr::null_mut(), 0, &raw mut needed);
                out.reserve(needed + 1);
                let room = out.capacity() - start;
                sys::napi_get_value_string_utf8(
                    env,
                    value,
                    out.as_mut_ptr().add(start).cast(),
                    room,
                    &raw mut length,
                );
            }
        }
        // SAFETY: N-API initialised `length` bytes from `start` on, and that is within the capacity.
        unsafe { out.set_len(start + length) };
        true
    });
}

/// Makes `name` a function of `object`.
///
/// # Safety
/// `env` and `object` are live; `data` outlives the function.
pub unsafe fn define(
    env: sys::napi_env,
    object: sys::napi_value,
    name: &str,
    callback: Callback,
    data: *mut c_void,
) {
    let Ok(name) = CString::new(name) else { return };
    let mut function = ptr::null_mut();
    // SAFETY: the caller vouches for the pointers, and the name is NUL-terminated.
    unsafe {
        sys::napi_create_function(env, name.as_ptr(), -1, Some(callback), data, &raw mut function);
        sys::napi_set_named_property(env, object, name.as_ptr(), function);
    }
}

/// A JavaScript string of bytes that are all ASCII.
///
/// # Safety
/// `env` is live and a handle scope is open.
pub unsafe fn ascii(env: sys::napi_env, text: &[u8]) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: pointer and length come from one slice, which N-API copies.
    unsafe { sys::napi_create_string_latin1(env, text.as_ptr().cast(), text.len() as isize, &raw mut value) };
    value
}

/// A JavaScript string of UTF-16 units.
///
/// # Safety
/// As for [`ascii`].
pub unsafe fn utf16(env: sys::napi_env, text: &[u16]) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: pointer and length come from one slice, which N-API copies.
    unsafe { sys::napi_create_string_utf16(env, text.as_ptr(), text.len() as isize, &raw mut value) };
    value
}

/// A JavaScript string of UTF-8 text.
///
/// # Safety
/// As for [`ascii`].
pub unsafe fn utf8(env: sys::napi_env, text: &str) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: pointer and length come from one slice, which N-API copies.
    unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &raw mut value) };
    value
}

/// A JavaScript number.
///
/// # Safety
/// As for [`ascii`].
pub unsafe fn number(env: sys::napi_env, number: f64) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: `value` is where the result goes.
    unsafe { sys::napi_create_double(env, number, &raw mut value) };
    value
}

/// Calls a JavaScript function that ferrodis itself supplies. An exception of it is a defect of ours or the end
/// of a worker: it is reported if JavaScript can still run, and never left pending.
///
/// `entry` tells that nothing of JavaScript is on the stack, so that microtasks run before this returns.
///
/// # Safety
/// `env` is live, a handle scope is open, and no Rust reference into the hub is held: the function may call back.
pub unsafe fn call(env: sys::napi_env, function: sys::napi_ref, argv: &[sys::napi_value], entry: bool) {
    let (mut callee, mut receiver, mut result) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the reference is strong, so it has a value; the arguments live in the open scope.
    let status = unsafe {
        sys::napi_get_reference_value(env, function, &raw mut callee);
        sys::napi_get_global(env, &raw mut receiver);
        if entry {
            sys::napi_make_callback(
                env,
                ptr::null_mut(),
                receiver,
                callee,
                argv.len(),
                argv.as_ptr(),
                &raw mut result,
            )
        } else {
            sys::napi_call_function(env, receiver, callee, argv.len(), argv.as_ptr(), &raw mut result)
        }
    };
    if status != sys::Status::napi_ok {
        let mut exception = ptr::null_mut();
        // SAFETY: clearing and reporting an exception is allowed in any state of the environment.
        unsafe {
            let cleared = sys::napi_get_and_clear_last_exception(env, &raw mut exception);
            if status == sys::Status::napi_pending_exception
                && cleared == sys::Status::napi_ok
                && !exception.is_null()
            {
                sys::napi_fatal_exception(env, exception);
            }
        }
    }
}
