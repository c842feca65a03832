//! Event streams: one entry an event, its fields as they are stored.

use crate::error::Error;
use crate::redis::{Args, Request};

/// `subject strategy? maxLen (field value)…` → the entry's id. The strategy is `~` or `=`; without it nothing is
/// trimmed.
pub fn append(args: &Args, request: &mut Request) -> Result<(), Error> {
    const OWN: usize = 3;
    let subject = args.bytes(0, "subject")?;
    let fields = args.len().saturating_sub(OWN);
    match args.get(1) {
        Some(strategy) => {
            request.command("XADD", 5 + fields).arg(subject);
            request.arg(b"MAXLEN").arg(strategy).arg(args.bytes(2, "maxLen")?);
        }
        None => {
            request.command("XADD", 2 + fields).arg(subject);
        }
    }
    request.arg(b"*");
    for field in args.rest(OWN) {
        request.opt(field);
    }
    Ok(())
}

/// `subject order lower upper limit` → list of `[id, [field, value, …]]`, nil when the limit is negative. The order is
/// `asc` or `desc`; the bounds are those of XRANGE.
pub fn read(args: &Args, request: &mut Request) -> Result<(), Error> {
    let subject = args.bytes(0, "subject")?;
    let (lower, upper) = (args.bytes(2, "lower bound")?, args.bytes(3, "upper bound")?);
    let (command, from, to) = match args.bytes(1, "order")? {
        b"desc" => ("XREVRANGE", upper, lower),
        _ => ("XRANGE", lower, upper),
    };
    request.command(command, 5).arg(subject).arg(from).arg(to).arg(b"COUNT").arg(args.bytes(4, "limit")?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Repeat;

    fn sent(build: fn(&Args, &mut Request) -> Result<(), Error>, args: &[&str]) -> String {
        let mut given = Args::default();
        for arg in args {
            match *arg {
                "-absent-" => given.push_absent(),
                text => given.push(text.as_bytes()),
            }
        }
        let mut request = Request::new(Repeat::Freely);
        build(&given, &mut request).unwrap();
        let text = String::from_utf8(request.into_bytes()).unwrap();
        let words: Vec<_> = text.split("\r\n").filter(|word| !word.starts_with(['$'])).collect();
        words.join(" ")
    }

    #[test]
    fn events_are_appended_with_and_without_trimming() {
        let plain = sent(append, &["s", "-absent-", "-absent-", "type", "t"]);
        assert_eq!(plain, "*5 XADD s * type t ");
        let trimmed = sent(append, &["s", "~", "100", "type", "t"]);
        assert_eq!(trimmed, "*8 XADD s MAXLEN ~ 100 * type t ");
    }

    #[test]
    fn the_newest_first_swaps_the_bounds() {
        assert_eq!(sent(read, &["s", "asc", "(1", "+", "5"]), "*6 XRANGE s (1 + COUNT 5 ");
        assert_eq!(sent(read, &["s", "desc", "(1", "+", "5"]), "*6 XREVRANGE s + (1 COUNT 5 ");
    }
}
