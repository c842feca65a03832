//! `ferrodis/ayepi`: store, cache and broker of `@ayepi/redis` 0.4.0.
//!
//! Every key is a prefix and a key that follow each other; every value is a string that somebody else encoded.

mod cache;
mod store;

use crate::error::Error;
use crate::redis::{Args, Deadline, Operation, Repeat, Request, Run};

/// Everything that store, cache and broker can ask for.
pub const OPERATIONS: &[Operation] = &[
    once("ayepi.get", Repeat::Freely, store::get),
    once("ayepi.set", Repeat::Freely, store::set),
    once("ayepi.delete", Repeat::Freely, store::delete),
    // Sent again after a lost reply, these know themselves by the record of calls.
    once("ayepi.setIfNotExist", Repeat::Freely, store::set_if_not_exist),
    once("ayepi.increment", Repeat::Freely, store::increment),
    once("ayepi.publish", Repeat::Freely, publish),
    Operation {
        name: "ayepi.clear",
        repeat: Repeat::Freely,
        deadline: Deadline::Bulk,
        run: Run::Steps(|args, caller| Box::pin(cache::clear(args, caller))),
    },
    Operation {
        name: "ayepi.page",
        repeat: Repeat::Freely,
        deadline: Deadline::Bulk,
        run: Run::Steps(|args, caller| Box::pin(cache::page(args, caller))),
    },
    Operation {
        deadline: Deadline::Bulk,
        ..once("ayepi.deleteUnchanged", Repeat::Freely, cache::delete_unchanged)
    },
];

const fn once(
    name: &'static str,
    repeat: Repeat,
    run: fn(&Args, &mut Request) -> Result<(), Error>,
) -> Operation {
    Operation { name, repeat, deadline: Deadline::Call, run: Run::Once(run) }
}

/// Writes the key of a call: its prefix and the key itself.
fn key(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.parts(&[args.bytes(0, "prefix")?, args.bytes(1, "key")?]);
    Ok(())
}

/// `channel message` → how many subscribers got it.
fn publish(args: &Args, request: &mut Request) -> Result<(), Error> {
    let (channel, message) = (args.bytes(0, "channel")?, args.bytes(1, "message")?);
    request.command("PUBLISH", 2).arg(channel).arg(message);
    Ok(())
}
