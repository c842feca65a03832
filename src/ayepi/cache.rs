//! Whole caches: clearing, and removing what a predicate in JavaScript picks.

use crate::error::Error;
use crate::redis::keyspace::{beginning_with, remove_matching, scan};
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, script};

/// Keys that one step of an invalidation looks at: their entries are in memory together.
const PAGE: i64 = 500;

/// `prefix` → OK. Removes every key that begins with it.
pub async fn clear(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    remove_matching(&caller, &beginning_with(args.bytes(0, "prefix")?), |_| true).await?;
    let mut reply = ReplyBuilder::new();
    reply.int(0);
    Ok(reply)
}

/// `prefix cursor` → list of the next cursor (`0` after the last page) and, for each entry of the page that has a
/// value, its key without the prefix, its value, and the digest by which [`delete_unchanged`] knows the value again.
/// A key that holds no string fails the call.
pub async fn page(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "prefix")?;
    let page = scan(&caller, args.bytes(1, "cursor")?, &beginning_with(prefix), PAGE).await?;
    let mut reply = ReplyBuilder::new();
    if page.keys.is_empty() {
        reply.list(1).text(&page.cursor);
        return Ok(reply);
    }
    let mut request = Request::new(Repeat::Freely);
    for key in &page.keys {
        request.command("GET", 1).arg(key);
    }
    let frames = caller.call(request).await?;
    let entries: Vec<_> = page
        .keys
        .iter()
        .zip(frames.all()?)
        .filter_map(|(key, value)| Some((key, value.text().filter(|value| !value.is_empty())?)))
        .collect();
    reply.list(1 + 3 * entries.len()).text(&page.cursor);
    for (key, value) in entries {
        let digest = sha1_smol::Sha1::from(value).digest().to_string();
        reply.text(key.get(prefix.len()..).unwrap_or_default()).text(value).text(digest.as_bytes());
    }
    Ok(reply)
}

/// `prefix (key digest)…` → a list of 1 for each entry that was removed and 0 for each that is another by now.
pub fn delete_unchanged(args: &Args, request: &mut Request) -> Result<(), Error> {
    let prefix = args.bytes(0, "prefix")?;
    for index in (1..args.len()).step_by(2) {
        let (key, digest) = (args.bytes(index, "key")?, args.bytes(index + 1, "digest")?);
        request.script(&script::AYEPI_DELETE_UNCHANGED, 1).parts(&[prefix, key]).arg(digest);
    }
    Ok(())
}
