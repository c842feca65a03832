//! One key at a time. TTLs are milliseconds and go to the server as they were given: it judges them.

use super::key;
use crate::error::{Code, Error};
use crate::redis::{Args, Request, Script, script};

/// `prefix key` → the value, or nil.
pub fn get(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("GET", 1);
    key(args, request)
}

/// `prefix key value ttl?` → OK. Without a TTL an earlier one is taken away.
pub fn set(args: &Args, request: &mut Request) -> Result<(), Error> {
    let value = args.bytes(2, "value")?;
    let ttl = args.get(3);
    request.command("SET", if ttl.is_some() { 4 } else { 2 });
    key(args, request)?;
    request.arg(value);
    if let Some(ttl) = ttl {
        request.arg(b"PX").arg(ttl);
    }
    Ok(())
}

/// `prefix record place number ttl first (key value)…` → the answers as one text, commas between: `1` for each key that
/// this call has set, `0` for each that existed before, `-` for each that the server refused; a single one that is
/// refused is an error. An empty TTL is none.
///
/// The record tells a call that is sent again, whole or one item of it, what it did: a hash by its full name, a place in
/// it, the number of the call there, and the index of the first item, from 1. In a cluster there is one key, in the
/// slot of the record.
pub fn set_if_not_exist(args: &Args, request: &mut Request) -> Result<(), Error> {
    exactly_once(&script::AYEPI_SET_IF_NOT_EXIST, args, request)
}

/// `prefix record place number ttl first (key by)…` → the sums as one text, and all else as [`set_if_not_exist`]. With a
/// TTL, sum and expiry are one step, and a TTL that the server would refuse is refused before anything is counted.
pub fn increment(args: &Args, request: &mut Request) -> Result<(), Error> {
    let ttl = args.bytes(4, "ttl")?;
    if !ttl.is_empty() {
        check_ttl(ttl)?;
    }
    exactly_once(&script::AYEPI_INCREMENT, args, request)
}

fn exactly_once(script: &Script, args: &Args, request: &mut Request) -> Result<(), Error> {
    /// Where the items begin.
    const ITEMS: usize = 6;
    let prefix = args.bytes(0, "prefix")?;
    let (record, key) = (args.bytes(1, "record")?, args.bytes(ITEMS, "key")?);
    request.script(script, args.len() - 3);
    request.arg(record).parts(&[prefix, key]);
    for (index, name) in (2..ITEMS).zip(["place", "number", "ttl", "first"]) {
        request.arg(args.bytes(index, name)?);
    }
    request.arg(args.bytes(ITEMS + 1, "value")?);
    for index in (ITEMS + 2..args.len()).step_by(2) {
        request.parts(&[prefix, args.bytes(index, "key")?]).arg(args.bytes(index + 1, "value")?);
    }
    Ok(())
}

/// `prefix key` → how many keys were removed.
pub fn delete(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("DEL", 1);
    key(args, request)
}

/// The server's own judgement of an expiry, in its own words.
fn check_ttl(ttl: &[u8]) -> Result<(), Error> {
    /// Far enough from the end of the range that adding the time of day cannot leave it.
    const FARTHEST: i64 = i64::MAX / 2;
    let refused = |message: &str| Error { reply_code: "ERR".to_owned(), ..Error::new(Code::Reply, message) };
    let number = std::str::from_utf8(ttl)
        .ok()
        .and_then(|text| {
            text.parse::<i64>().ok().filter(|number| itoa::Buffer::new().format(*number) == text)
        })
        .ok_or_else(|| refused("ERR value is not an integer or out of range"))?;
    if number.checked_abs().is_none_or(|distance| distance > FARTHEST) {
        return Err(refused("ERR invalid expire time in 'pexpire' command"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_that_the_server_would_refuse_is_refused_before() {
        for good in ["1", "0", "-5", "86400000"] {
            assert!(check_ttl(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", "1.5", "NaN", "Infinity", "+1", "01", " 1", "1e21", "99999999999999999999"] {
            let error = check_ttl(bad.as_bytes()).unwrap_err();
            assert_eq!(error.message, "ERR value is not an integer or out of range", "{bad:?}");
            assert_eq!(error.code, Code::Reply);
        }
        assert_eq!(
            check_ttl(i64::MAX.to_string().as_bytes()).unwrap_err().message,
            "ERR invalid expire time in 'pexpire' command"
        );
    }
}
