//! Keys by what their names begin with: found page by page with SCAN, which never stops the server for long.

use std::collections::HashSet;

use super::{Caller, Frames, Repeat, Request, Value};
use crate::error::{Code, Error};

/// Keys that one SCAN looks at: a millisecond or so of the server's time.
pub const SCAN_COUNT: i64 = 5_000;
/// Keys that one command removes at most.
const REMOVED_AT_ONCE: usize = 1_000;

/// The start and the end of a scan.
pub const SCAN_ENDS: &[u8] = b"0";

/// `text` as a part of a glob pattern that stands for nothing but itself.
#[must_use]
pub fn escape_glob(text: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(text.len() + 4);
    for &byte in text {
        if matches!(byte, b'\\' | b'*' | b'?' | b'[' | b']') {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern
}

/// The pattern of all keys that begin with `prefix`.
#[must_use]
pub fn beginning_with(prefix: &[u8]) -> Vec<u8> {
    let mut pattern = escape_glob(prefix);
    pattern.push(b'*');
    pattern
}

/// A step of a scan.
#[derive(Debug)]
pub struct ScanPage {
    /// Where the next step begins; [`SCAN_ENDS`] after the last.
    pub cursor: Vec<u8>,
    /// Keys that match. A key may come again in a later page.
    pub keys: Vec<Vec<u8>>,
}

/// Writes one step of a scan for `pattern`, which looks at about `count` keys.
pub fn scan_step(request: &mut Request, cursor: &[u8], pattern: &[u8], count: i64) {
    request.command("SCAN", 5).arg(cursor).arg(b"MATCH").arg(pattern).arg(b"COUNT").int(count);
}

/// One step of a scan, as [`scan_step`] writes it.
///
/// # Errors
/// What the server or the connection says.
pub async fn scan(caller: &Caller, cursor: &[u8], pattern: &[u8], count: i64) -> Result<ScanPage, Error> {
    let mut request = Request::new(Repeat::Freely);
    scan_step(&mut request, cursor, pattern, count);
    let frames = caller.call(request).await?;
    page(&frames)
}

fn page(frames: &Frames) -> Result<ScanPage, Error> {
    let mut reply = frames.first()?.list();
    let cursor = reply.next().and_then(Value::text).unwrap_or(SCAN_ENDS).to_vec();
    let keys = reply.next().map(Value::list).into_iter().flatten();
    Ok(ScanPage { cursor, keys: keys.filter_map(Value::text).map(<[u8]>::to_vec).collect() })
}

/// All keys that match `pattern`, each once, in steps that look at about `count` keys of the whole database.
///
/// # Errors
/// What the server or the connection says.
pub async fn matching(caller: &Caller, pattern: &[u8], count: i64) -> Result<HashSet<Vec<u8>>, Error> {
    let mut found = HashSet::new();
    let mut cursor = SCAN_ENDS.to_vec();
    loop {
        let page = scan(caller, &cursor, pattern, count).await?;
        found.extend(page.keys);
        cursor = page.cursor;
        if cursor == SCAN_ENDS {
            return Ok(found);
        }
    }
}

/// Removes the keys that match `pattern` and are `doomed`, of whatever type, and tells how many there were.
///
/// The keys of a page go while the next page is looked for, so that nothing is removed that was not just seen.
///
/// # Errors
/// What the server or the connection says; some keys may be gone then.
pub async fn remove_matching(
    caller: &Caller,
    pattern: &[u8],
    doomed: impl Fn(&[u8]) -> bool,
) -> Result<i64, Error> {
    let mut removed = 0;
    let mut page = scan(caller, SCAN_ENDS, pattern, SCAN_COUNT).await?;
    loop {
        page.keys.retain(|key| doomed(key));
        let removals: Vec<_> =
            page.keys.chunks(REMOVED_AT_ONCE).map(|keys| (keys, caller.call(unlink(keys)))).collect();
        let next = if page.cursor == SCAN_ENDS {
            None
        } else {
            Some(scan(caller, &page.cursor, pattern, SCAN_COUNT).await?)
        };
        for (keys, removal) in removals {
            let frames = match removal.await {
                // In a cluster keys of several slots go one by one.
                Err(error) if error.code == Code::Unsupported => caller.call(unlink_each(keys)).await?,
                frames => frames?,
            };
            removed += frames.all()?.filter_map(Value::int).sum::<i64>();
        }
        match next {
            Some(next) => page = next,
            None => return Ok(removed),
        }
    }
}

fn unlink(keys: &[Vec<u8>]) -> Request {
    let mut request = Request::new(Repeat::Freely);
    request.command("UNLINK", keys.len());
    for key in keys {
        request.arg(key);
    }
    request
}

fn unlink_each(keys: &[Vec<u8>]) -> Request {
    let mut request = Request::new(Repeat::Freely);
    for key in keys {
        request.command("UNLINK", 1).arg(key);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_for_nothing_but_itself() {
        assert_eq!(beginning_with(b"cache:"), b"cache:*");
        assert_eq!(beginning_with(br"a*b?[c]\:"), br"a\*b\?\[c\]\\:*");
        assert_eq!(beginning_with(br"{P:z[1]*}:"), br"{P:z\[1\]\*}:*");
        assert_eq!(beginning_with(b""), b"*");
    }
}
