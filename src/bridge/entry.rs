//! Every native function that TypeScript calls, and the life of the hub behind them. `ts/native.ts` has their types.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::Duration;

use napi::bindgen_prelude::FromNapiValue;
use napi::sys;

use super::delivery::write_error;
use super::hub::Hub;
use super::options::NativeOptions;
use super::post::Post;
use super::raw::{self, CallInfo, define};
use super::runtime;
use super::uv::{Uv, when_all_closed};
use crate::error::{Code, Error};
use crate::redis::{
    Advice, Args, Config, Credentials, Lock, Operation, RawOptions, ReplyBuilder, Secret, Target, Topology,
    Value,
};

/// No answer may put dialling off for longer: one day.
const LONGEST_PAUSE: f64 = 86_400_000.0;

/// The operations of all layers; a call names one by its place in this order.
fn operations() -> Vec<&'static Operation> {
    let tables = [
        crate::redis::OPERATIONS,
        crate::ayepi::OPERATIONS,
        crate::conveyor::OPERATIONS,
        crate::go_go_scope::OPERATIONS,
        crate::nvent::OPERATIONS,
    ];
    tables.into_iter().chain(crate::pikku::OPERATIONS.iter().copied()).flatten().collect()
}

/// Makes the functions, and the hub of this environment.
///
/// # Safety
/// `env` and `exports` are those of the module's initialisation.
pub unsafe fn register(env: sys::napi_env, exports: sys::napi_value) -> Result<(), Error> {
    runtime::report_panics();
    let hub: *mut Hub = Box::into_raw(Box::<Hub>::new_uninit()).cast();
    // SAFETY: the hub's memory is live from here on to its end, and is initialised before anything can use it.
    unsafe {
        let post = Post::new(env, hub.cast(), Some(on_bell))
            .ok_or_else(|| Error::new(Code::Internal, "this host refuses a threadsafe function"))?;
        hub.write(Hub::new(env, post, operations()));
        let data = hub.cast();
        for (name, callback) in [
            ("attach", attach as raw::Callback),
            ("tokens", tokens),
            ("operations", operation_names),
            ("check", check),
            ("open", open),
            ("advise", advise),
            ("submit", submit),
            ("stage", stage),
            ("flush", flush),
            ("listen", listen),
            ("interest", interest),
            ("unlisten", unlisten),
            ("renew", renew),
            ("unrenew", unrenew),
            ("beat", beat),
            ("slotTag", slot_tag),
            ("close", close),
        ] {
            define(env, exports, name, callback, data);
        }
    }
    Ok(())
}

/// Runs `body` with the call and its hub; a panic becomes `undefined` after `on_panic`.
unsafe fn guarded(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&CallInfo, *mut Hub) -> sys::napi_value,
    on_panic: impl FnOnce(&CallInfo, *mut Hub),
) -> sys::napi_value {
    // SAFETY: `info` is that of the running callback.
    let call = unsafe { CallInfo::read(env, info) };
    let hub = call.data.cast::<Hub>();
    catch_unwind(AssertUnwindSafe(|| body(&call, hub))).unwrap_or_else(|_| {
        on_panic(&call, hub);
        ptr::null_mut()
    })
}

/// A native function over [`guarded`] for which a panic needs no repair.
macro_rules! function {
    ($name:ident, |$env:ident, $call:ident, $hub:ident| $body:expr) => {
        unsafe extern "C" fn $name($env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            // SAFETY: N-API calls this with a live environment; the hub lives as long as the functions do.
            unsafe { guarded($env, info, |$call, $hub| $body, |_, _| {}) }
        }
    };
}

// attach(settle, grow, isNode): connects the JavaScript side, once.
function!(attach, |env, call, hub| {
    let (mut settle, mut grow, mut is_node) = (ptr::null_mut(), ptr::null_mut(), false);
    if let &[on_settle, on_grow, node, ..] = call.values() {
        sys::napi_create_reference(env, on_settle, 1, &raw mut settle);
        sys::napi_create_reference(env, on_grow, 1, &raw mut grow);
        sys::napi_get_value_bool(env, node, &raw mut is_node);
    }
    let event_loop = if is_node { Uv::find().zip(event_loop(env)) } else { None };
    (*hub).attach(settle, grow, event_loop);
    if is_node {
        let data = hub.cast();
        sys::napi_add_async_cleanup_hook(env, Some(on_async_end), data, ptr::null_mut());
    } else {
        sys::napi_add_env_cleanup_hook(env, Some(on_end), hub.cast());
    }
    ptr::null_mut()
});

// tokens(array): where replies are described from now on.
function!(tokens, |env, call, hub| {
    if let Some(&array) = call.values().first() {
        let (mut kind, mut length, mut content, mut buffer, mut offset) =
            (0, 0, ptr::null_mut(), ptr::null_mut(), 0);
        // The array must be kept alive; its reference is never given back, as it is replaced a few times at most.
        let mut keep = ptr::null_mut();
        sys::napi_create_reference(env, array, 1, &raw mut keep);
        sys::napi_get_typedarray_info(
            env,
            array,
            &raw mut kind,
            &raw mut length,
            &raw mut content,
            &raw mut buffer,
            &raw mut offset,
        );
        (*hub).set_tokens(content.cast(), length);
    }
    ptr::null_mut()
});

// operations(): string[]
function!(operation_names, |env, _call, hub| {
    let hub = &*hub;
    strings(env, hub.operation_names())
});

// check(options): the fields of an error when they cannot be used.
function!(check, |env, call, _hub| {
    match resolve(env, call).and_then(|(target, config)| Topology::new(target, &config)) {
        Ok(_) => ptr::null_mut(),
        Err(error) => error_fields(env, &error),
    }
});

// open(options, owner): number, or the fields of an error.
function!(open, |env, call, hub| {
    let opened =
        resolve(env, call).and_then(|(target, config)| (*hub).open(target, config, call.number(env, 1)));
    match opened {
        Ok(link) => raw::number(env, f64::from(link)),
        Err(error) => error_fields(env, &error),
    }
});

// advise(question, pause in ms | undefined, credentials 0 | 1, username?, password?): answers a `dial` event.
function!(advise, |env, call, hub| {
    let text = |index: usize| {
        let mut arg = Args::default();
        if let Some(&value) = call.values().get(index) {
            raw::push_arg(env, value, &mut arg);
        }
        arg.get(0).filter(|bytes| !bytes.is_empty()).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
    };
    let pause = call.values().get(1).and_then(|&value| raw::float(env, value));
    let credentials = (call.number(env, 2) == 1)
        .then(|| Credentials { username: text(3), password: text(4).map(Secret::from) });
    let pause = pause.map(|millis| Duration::from_secs_f64(millis.clamp(0.0, LONGEST_PAUSE) / 1000.0));
    (*hub).questions.answer(call.number(env, 0), Advice { pause, credentials });
    ptr::null_mut()
});

// submit(link, operation, slot, ...args): true when new calls should wait.
unsafe extern "C" fn submit(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    const OWN: usize = 3;
    // SAFETY: N-API calls this with a live environment; the hub lives as long as the functions do, and nothing in
    // here runs JavaScript.
    unsafe {
        guarded(
            env,
            info,
            |call, hub| {
                let hub = &mut *hub;
                for &value in call.values().get(OWN..).unwrap_or_default() {
                    raw::push_arg(env, value, &mut hub.args);
                }
                hub.args.append(&mut hub.staged);
                if hub.submit(call.number(env, 0), call.number(env, 1), call.number(env, 2)) {
                    let mut yes = ptr::null_mut();
                    sys::napi_get_boolean(env, true, &raw mut yes);
                    return yes;
                }
                ptr::null_mut()
            },
            |call, hub| (*hub).recover(call.number(env, 0), call.number(env, 2)),
        )
    }
}

// stage(...args): arguments that follow those of the next submit.
function!(stage, |env, call, hub| {
    for &value in call.values() {
        raw::push_arg(env, value, &mut (*hub).staged);
    }
    ptr::null_mut()
});

// flush(): sends what was submitted in this tick.
function!(flush, |_env, _call, hub| {
    Hub::flush(hub);
    ptr::null_mut()
});

// listen(link, listener, channel, origin?): error fields when it cannot be done.
function!(listen, |env, call, hub| {
    let args = texts(env, call);
    let (link, id) = (call.number(env, 0), call.number(env, 1));
    let text = |index| args.get(index).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match (*hub).listeners(link) {
        Ok(Some(listeners)) => {
            listeners.add(id, text(2).unwrap_or_default(), text(3));
            (*hub).hold(true);
            ptr::null_mut()
        }
        Ok(None) => ptr::null_mut(),
        Err(error) => error_fields(env, &error),
    }
});

// interest(link, listener, key, wanted 0 | 1)
function!(interest, |env, call, hub| {
    let args = texts(env, call);
    if let Ok(Some(listeners)) = (*hub).listeners(call.number(env, 0))
        && let Some(key) = args.get(2).and_then(|bytes| std::str::from_utf8(bytes).ok())
    {
        listeners.interest(call.number(env, 1), key, call.number(env, 3) == 1);
    }
    ptr::null_mut()
});

// unlisten(link, listener)
function!(unlisten, |env, call, hub| {
    if let Ok(Some(listeners)) = (*hub).listeners(call.number(env, 0))
        && listeners.remove(call.number(env, 1))
    {
        (*hub).hold(false);
    }
    ptr::null_mut()
});

// renew(link, lock, key, owner, ttlMs, maxSilenceMs): error fields when it cannot be done.
function!(renew, |env, call, hub| {
    let args = texts(env, call);
    let lock = Lock {
        key: args.get(2).unwrap_or_default().to_vec(),
        owner: args.get(3).unwrap_or_default().to_vec(),
        ttl: u64::from(call.number(env, 4)),
        max_silence: u64::from(call.number(env, 5)),
    };
    match (*hub).renewals(call.number(env, 0)) {
        Ok(Some(renewals)) => {
            renewals.add(call.number(env, 1), lock);
            ptr::null_mut()
        }
        Ok(None) => ptr::null_mut(),
        Err(error) => error_fields(env, &error),
    }
});

// unrenew(link, lock)
function!(unrenew, |env, call, hub| {
    if let Ok(Some(renewals)) = (*hub).renewals(call.number(env, 0)) {
        renewals.remove(call.number(env, 1));
    }
    ptr::null_mut()
});

// beat(): the event loop runs.
function!(beat, |_env, _call, hub| {
    (*hub).heartbeat.beat();
    ptr::null_mut()
});

// slotTag(key): a hash tag of the key's slot.
function!(slot_tag, |env, call, _hub| {
    let args = texts(env, call);
    raw::utf8(env, crate::redis::tag_of(args.get(0).unwrap_or_default()))
});

// close(link): rejects what is pending.
function!(close, |env, call, hub| {
    Hub::close(hub, call.number(env, 0));
    ptr::null_mut()
});

/// The options that are the first argument.
unsafe fn resolve(env: sys::napi_env, call: &CallInfo) -> Result<(Target, Config), Error> {
    let options = call.values().first().copied().unwrap_or(ptr::null_mut());
    // SAFETY: the value is that of the running callback.
    unsafe { NativeOptions::from_napi_value(env, options) }
        .map_err(|error| Error::new(Code::Config, error.reason))
        .and_then(|options| RawOptions::from(options).resolve())
}

unsafe fn texts(env: sys::napi_env, call: &CallInfo) -> Args {
    let mut args = Args::default();
    for &value in call.values() {
        // SAFETY: the values are those of the running callback.
        unsafe { raw::push_arg(env, value, &mut args) };
    }
    args
}

unsafe fn event_loop(env: sys::napi_env) -> Option<*mut c_void> {
    let mut event_loop = ptr::null_mut();
    // SAFETY: the environment is live.
    let status = unsafe { sys::napi_get_uv_event_loop(env, &raw mut event_loop) };
    (status == sys::Status::napi_ok && !event_loop.is_null()).then_some(event_loop.cast())
}

unsafe fn strings<'a>(env: sys::napi_env, items: impl Iterator<Item = &'a str>) -> sys::napi_value {
    let mut array = ptr::null_mut();
    // SAFETY: the environment is live and the callback's scope is open.
    unsafe {
        sys::napi_create_array(env, &raw mut array);
        for (index, item) in items.enumerate() {
            sys::napi_set_element(env, array, index as u32, raw::utf8(env, item));
        }
    }
    array
}

/// The fields of an error as an array of strings, in the order of [`write_error`].
unsafe fn error_fields(env: sys::napi_env, error: &Error) -> sys::napi_value {
    let mut reply = ReplyBuilder::new();
    write_error(reply.list(5), error);
    let bytes = reply.into_bytes();
    let texts: Vec<String> = Value::parse(&bytes)
        .list()
        .map(|value| match value {
            Value::Int(n) => n.to_string(),
            other => String::from_utf8_lossy(other.text().unwrap_or_default()).into_owned(),
        })
        .collect();
    // SAFETY: as for `strings`.
    unsafe { strings(env, texts.iter().map(String::as_str)) }
}

unsafe extern "C" fn on_bell(
    env: sys::napi_env,
    _function: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() {
        return; // the environment ends
    }
    let hub = context.cast::<Hub>();
    // SAFETY: the bell is released before the hub ends, and no reference into the hub is held here.
    let _ = catch_unwind(AssertUnwindSafe(|| unsafe { Hub::on_post(hub) }));
}

/// The end of an environment on Node: the handles must be closed before it goes on.
unsafe extern "C" fn on_async_end(hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: called once; no JavaScript runs any more, so nobody else uses the hub.
    unsafe {
        on_end(data);
        let hook = hook as usize;
        when_all_closed(move || {
            sys::napi_remove_async_cleanup_hook(hook as sys::napi_async_cleanup_hook_handle);
        });
    }
}

unsafe extern "C" fn on_end(data: *mut c_void) {
    // SAFETY: as for `on_async_end`.
    unsafe {
        let mut hub = Box::from_raw(data.cast::<Hub>());
        hub.end();
    }
}
