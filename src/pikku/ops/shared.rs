//! What several operations need: texts of a list, and hashes by their ids.

use crate::error::Error;
use crate::redis::{Caller, Frames, Repeat, ReplyBuilder, Request, Value};

/// Hashes that one request reads at most: it keeps a reply, and the server's stop for it, small.
pub const CHUNK: usize = 500;

/// Keys that one step of a scan looks at: a millisecond or two of the server's time.
pub const SCAN_COUNT: i64 = 10_000;

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
