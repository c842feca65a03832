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

/// `prefix key value ttl?` → OK, or nil when the key exists.
pub fn set_if_not_exists(args: &Args, request: &mut Request) -> Result<(), Error> {
    let value = args.bytes(2, "value")?;
    let ttl = args.get(3);
    request.command("SET", if ttl.is_some() { 5 } else { 3 });
    key(args, request)?;
    request.arg(value);
    if let Some(ttl) = ttl {
        request.arg(b"PX").arg(ttl);
    }
    request.arg(b"NX");
    Ok(())
}

/// `prefix key value record place call ttl?` → OK, or nil when the key existed before. The record tells a call that
/// is sent again what it did: a hash by its full name, a place in it, and the number of the call there.
pub fn set_if_not_exists_once(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_record(&script::AYEPI_SET_IF_NOT_EXISTS_ONCE, args, "value", request)
}

/// `prefix key` → how many keys were removed.
pub fn delete(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("DEL", 1);
    key(args, request)
}

/// `prefix key by ttl?` → the sum. With a TTL, sum and expiry are one step, and a TTL that the server would refuse is
/// refused before anything is counted.
pub fn increment(args: &Args, request: &mut Request) -> Result<(), Error> {
    let by = args.bytes(2, "by")?;
    let Some(ttl) = args.get(3) else {
        request.command("INCRBY", 2);
        key(args, request)?;
        request.arg(by);
        return Ok(());
    };
    check_ttl(ttl)?;
    request.script(&script::AYEPI_INCREMENT, 2);
    key(args, request)?;
    request.arg(by).arg(ttl);
    Ok(())
}

/// `prefix key by record place call ttl?` → the sum. As [`increment`], with a record as in [`set_if_not_exists_once`].
pub fn increment_once(args: &Args, request: &mut Request) -> Result<(), Error> {
    args.get(6).map_or(Ok(()), check_ttl)?;
    on_record(&script::AYEPI_INCREMENT_ONCE, args, "by", request)
}

fn on_record(script: &Script, args: &Args, given: &str, request: &mut Request) -> Result<(), Error> {
    let (value, record) = (args.bytes(2, given)?, args.bytes(3, "record")?);
    let (place, call) = (args.bytes(4, "place")?, args.bytes(5, "call")?);
    let ttl = args.get(6);
    request.script(script, if ttl.is_some() { 4 } else { 3 });
    key(args, request)?;
    request.arg(record).arg(value).arg(place).arg(call);
    if let Some(ttl) = ttl {
        request.arg(ttl);
    }
    Ok(())
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
