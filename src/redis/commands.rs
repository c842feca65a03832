//! Plain commands, for health checks, benchmarks and the few places where one command is the whole operation.

use super::{Args, Deadline, Operation, Repeat, Request, Run, script};
use crate::error::Error;

/// The table of plain commands.
pub static OPERATIONS: &[Operation] = &[
    Operation {
        name: "redis.command",
        repeat: Repeat::Never,
        deadline: Deadline::Call,
        run: Run::Once(command),
    },
    Operation {
        name: "redis.read",
        repeat: Repeat::Freely,
        deadline: Deadline::Call,
        run: Run::Once(command),
    },
    Operation {
        name: "redis.connect",
        repeat: Repeat::Freely,
        deadline: Deadline::Forever,
        run: Run::Once(ping),
    },
    Operation {
        name: "redis.extendLock",
        repeat: Repeat::Freely,
        deadline: Deadline::Call,
        run: Run::Once(extend_lock),
    },
    #[cfg(debug_assertions)]
    Operation {
        name: "redis.panic",
        repeat: Repeat::Never,
        deadline: Deadline::Call,
        run: Run::Once(panic_now),
    },
    #[cfg(debug_assertions)]
    Operation {
        name: "redis.panicLater",
        repeat: Repeat::Never,
        deadline: Deadline::Call,
        run: Run::Steps(panic_later),
    },
];

/// The command's name and its arguments as they are. `redis.read` is for commands that may be repeated.
fn command(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command(args.text(0, "command")?, args.len() - 1);
    for index in 1..args.len() {
        request.arg(args.bytes(index, "a command argument")?);
    }
    Ok(())
}

/// Waits for a connection that answers, for as long as it takes.
#[expect(clippy::unnecessary_wraps, reason = "the table wants one shape for all operations")]
fn ping(_: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("PING", 0);
    Ok(())
}

/// `key owner ttlMs` → 1, or 0 when the lock is not the owner's.
fn extend_lock(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (key, owner) = (args.bytes(0, "lock")?, args.bytes(1, "owner")?);
    let ttl = args.int(2, "ttl")?;
    request.script(&script::REDIS_EXTEND_LOCK, 2);
    request.arg(key).arg(owner).int(ttl);
    Ok(())
}

/// Panics half-way through encoding. Only in builds that the tests load, which show that nothing else suffers.
#[cfg(debug_assertions)]
fn panic_now(_: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("GET", 1);
    panic!("on purpose: a test asked for it");
}

/// Panics after a round trip.
#[cfg(debug_assertions)]
fn panic_later(_: Args, caller: super::Caller) -> super::StepsFuture {
    Box::pin(async move {
        let mut request = Request::new(Repeat::Never);
        request.command("PING", 0);
        caller.call(request).await?;
        panic!("on purpose: a test asked for it");
    })
}
