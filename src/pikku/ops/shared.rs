//! What several operations need: a command on one key, texts of a list, and hashes by their ids.

use crate::error::Error;
use crate::redis::{Args, Caller, Frames, Repeat, ReplyBuilder, Request, Value};

/// Hashes that one request reads at most: it keeps a reply, and the server's stop for it, small.
pub const CHUNK: usize = 500;

/// Keys that one step of a scan looks at: a millisecond or two of the server's time.
pub const SCAN_COUNT: i64 = 10_000;

/// Names a key of a prefix and an id.
pub type Key = fn(&mut Request, &[u8], &[u8]);

/// One command on the key of the prefix and the id that arguments 0 and 1 are; errors call the latter `name`.
///
/// # Errors
/// When one is absent.
pub fn on_key(
    args: &Args,
    request: &mut Request,
    command: &str,
    (key, name): (Key, &str),
    more: &[&[u8]],
) -> Result<(), Error> {
    let (prefix, id) = (args.bytes(0, "keyPrefix")?, args.bytes(1, name)?);
    request.command(command, 1 + more.len());
    key(request, prefix, id);
    for arg in more {
        request.arg(arg);
    }
    Ok(())
}

/// The texts of a list.
pub fn texts(list: Value<'_>) -> Vec<Vec<u8>> {
    list.list().filter_map(Value::text).map(<[u8]>::to_vec).collect()
}

/// Reads hashes, a chunk per round trip: a list of lists of fields and values in turn, empty where there is no hash.
///
/// # Errors
/// Those of the calls.
pub async fn read_hashes<Id: AsRef<[u8]>>(
    caller: &Caller,
    ids: &[Id],
    key: impl Fn(&mut Request, &[u8]),
) -> Result<ReplyBuilder, Error> {
    let mut chunks: Vec<Frames> = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for id in chunk {
            request.command("HGETALL", 1);
            key(&mut request, id.as_ref());
        }
        chunks.push(caller.call(request).await?);
    }
    let mut reply = ReplyBuilder::new();
    reply.list(ids.len());
    for frames in &chunks {
        for hash in frames.all()? {
            reply.value(hash);
        }
    }
    Ok(reply)
}
