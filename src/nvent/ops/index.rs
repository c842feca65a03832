//! Indexes: a sorted set, and a hash of metadata for each member.

#![expect(clippy::unnecessary_wraps, reason = "the table wants one shape for all operations")]

use crate::error::Error;
use crate::nvent::keys::Index;
use crate::redis::{Args, Call, Caller, Frames, Repeat, ReplyBuilder, Request, Value, error_of, script};

/// Hashes that one request reads. Requests of one call share a round trip; a reply must not become too large.
const CHUNK: usize = 500;

/// `key id score (field value)…` → 1. The hash is merged into.
pub fn add(args: &Args, request: &mut Request) -> Result<(), Error> {
    const OWN: usize = 3;
    let index = Index::of(args);
    let fields = args.len().saturating_sub(OWN);
    request.script(&script::NVENT_INDEX_ADD, 2 + fields);
    index.order(request);
    index.meta(request, args.get(1));
    request.opt(args.get(1)).opt(args.get(2));
    for field in args.rest(OWN) {
        request.opt(field);
    }
    Ok(())
}

/// `key id score` → 1 when the member is new. The hash stays as it is.
pub fn rank(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.command("ZADD", 3);
    Index::of(args).order(request);
    request.opt(args.get(2)).opt(args.get(1));
    Ok(())
}

/// `key id` → nil, or list of score and HASH: fields and values in turn.
pub fn get(args: &Args, request: &mut Request) -> Result<(), Error> {
    let index = Index::of(args);
    request.script(&script::NVENT_INDEX_GET, 1);
    index.order(request);
    index.meta(request, args.get(1));
    request.opt(args.get(1));
    Ok(())
}

/// `key id count (field value)… path…` → 1, or 0 when the entry has no version to count up. `count` is that of the fields
/// and values; the paths are deleted with all below them.
pub fn update(args: &Args, request: &mut Request) -> Result<(), Error> {
    const OWN: usize = 2;
    let index = Index::of(args);
    request.script(&script::NVENT_INDEX_UPDATE, args.len().saturating_sub(OWN));
    index.meta(request, args.get(1));
    for arg in args.rest(OWN) {
        request.opt(arg);
    }
    Ok(())
}

/// `key id field by` → the field's new value.
pub fn increment(args: &Args, request: &mut Request) -> Result<(), Error> {
    request.script(&script::NVENT_INCREMENT, 2);
    Index::of(args).meta(request, args.get(1));
    request.opt(args.get(2)).opt(args.get(3));
    Ok(())
}

/// `key id` → 1 when it was a member.
pub fn delete(args: &Args, request: &mut Request) -> Result<(), Error> {
    let index = Index::of(args);
    request.script(&script::NVENT_INDEX_DELETE, 1);
    index.order(request);
    index.meta(request, args.get(1));
    request.opt(args.get(1));
    Ok(())
}

/// `key start stop field…` → list of: ids and scores in turn, the highest score first; for each its HASH, as
/// [`hashes`] has it, or the list of the fields' values where fields are named.
pub async fn page(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let ranks = ranks(&args, &caller).await?;
    let members = members(&ranks)?;
    let ids: Vec<_> = members.iter().map(|member| Some(member.id)).collect();
    let fields: Vec<_> = args.rest(3).flatten().collect();
    let calls = read_all(&caller, Index::of(&args), &ids, &fields);
    let mut reply = ReplyBuilder::new();
    reply.list(2).list(2 * members.len());
    for member in members {
        reply.text(member.id).text(member.score);
    }
    reply.list(ids.len());
    if fields.is_empty() {
        append_hashes(&mut reply, calls).await?;
    } else {
        append(&mut reply, calls).await?;
    }
    Ok(reply)
}

/// `key id…` → list of each id's HASH: a list of its fields' names, nil where they are those of the hash before, and
/// their values. Empty where there are no fields.
pub async fn hashes(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let ids: Vec<_> = args.rest(1).collect();
    let calls = read_all(&caller, Index::of(&args), &ids, &[]);
    let mut reply = ReplyBuilder::new();
    reply.list(ids.len());
    append_hashes(&mut reply, calls).await?;
    Ok(reply)
}

async fn ranks(args: &Args, caller: &Caller) -> Result<Frames, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command("ZREVRANGE", 4);
    Index::of(args).order(&mut request);
    request.arg(args.bytes(1, "start")?).arg(args.bytes(2, "stop")?).arg(b"WITHSCORES");
    caller.call(request).await
}

/// A member of an index.
struct Member<'a> {
    id: &'a [u8],
    score: &'a [u8],
}

/// Members and scores of a range: pairs under RESP3, in turn under RESP2.
fn members(ranks: &Frames) -> Result<Vec<Member<'_>>, Error> {
    let mut flat = Vec::new();
    for item in ranks.first()?.list() {
        match item {
            Value::List(pair) => flat.extend(pair.filter_map(Value::text)),
            one => flat.extend(one.text()),
        }
    }
    Ok(flat.chunks_exact(2).map(|pair| Member { id: pair[0], score: pair[1] }).collect())
}

/// Asks for the hashes of `ids`, or for some fields of them, all in one round trip.
fn read_all(caller: &Caller, index: Index<'_>, ids: &[Option<&[u8]>], fields: &[&[u8]]) -> Vec<Call> {
    ids.chunks(CHUNK)
        .map(|chunk| {
            let mut request = Request::new(Repeat::Freely);
            for id in chunk {
                if fields.is_empty() {
                    request.command("HGETALL", 1);
                } else {
                    request.command("HMGET", 1 + fields.len());
                }
                index.meta(&mut request, *id);
                for field in fields {
                    request.arg(field);
                }
            }
            caller.call(request)
        })
        .collect()
}

/// Adds what the calls are answered with, each reply a value.
async fn append(reply: &mut ReplyBuilder, calls: Vec<Call>) -> Result<(), Error> {
    for call in calls {
        let frames = call.await?;
        frames.all()?;
        reply.frames(&frames);
    }
    Ok(())
}

/// Adds the hashes that the calls are answered with.
async fn append_hashes(reply: &mut ReplyBuilder, calls: Vec<Call>) -> Result<(), Error> {
    for call in calls {
        write_hashes(reply, &call.await?)?;
    }
    Ok(())
}

/// Adds hashes of fields and values in turn. The entries of an index mostly have the same fields in the same order,
/// so JavaScript is spared most of their names.
fn write_hashes(reply: &mut ReplyBuilder, hashes: &Frames) -> Result<(), Error> {
    let (mut before, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for hash in hashes.each() {
        // Not `all`, which would read everything once more.
        if let Value::Error(text) = hash {
            return Err(error_of(text));
        }
        let mut fields = hash.list();
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            names.push(name);
            values.push(value);
        }
        if values.is_empty() {
            reply.list(0);
            continue;
        }
        reply.list(1 + values.len());
        if names == before {
            reply.nil();
        } else {
            reply.list(names.len());
            for name in &names {
                reply.value(*name);
            }
        }
        for value in &values {
            reply.value(*value);
        }
        std::mem::swap(&mut before, &mut names);
        names.clear();
        values.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(build: fn(&Args, &mut Request) -> Result<(), Error>, args: &[Option<&str>]) -> Vec<String> {
        let mut given = Args::default();
        for arg in args {
            match arg {
                Some(text) => given.push(text.as_bytes()),
                None => given.push_absent(),
            }
        }
        let mut request = Request::new(Repeat::Freely);
        build(&given, &mut request).unwrap();
        let text = String::from_utf8(request.into_bytes()).unwrap();
        text.split("\r\n").filter(|word| !word.starts_with(['*', '$'])).map(str::to_owned).collect()
    }

    #[test]
    fn an_entry_is_a_member_and_the_hash_beside_it() {
        let sent = words(add, &[Some("i"), Some("e"), Some("5"), Some("version"), Some("0")]);
        assert_eq!(sent[2..], ["2", "i", "i:meta:e", "e", "5", "version", "0", ""]);
        assert_eq!(words(rank, &[Some("i"), Some("e"), Some("5")]), ["ZADD", "i", "5", "e", ""]);
    }

    #[test]
    fn what_is_absent_is_empty_in_a_command_and_undefined_in_a_name() {
        let sent = words(get, &[None, None]);
        assert_eq!(sent[2..], ["2", "", "undefined:meta:undefined", "", ""]);
    }

    #[test]
    fn names_that_were_just_there_are_not_repeated() {
        let sent = b"*2\r\n$1\r\na\r\n$1\r\n1\r\n%1\r\n$1\r\na\r\n$1\r\n2\r\n*0\r\n\
            *2\r\n$1\r\na\r\n$1\r\n3\r\n*2\r\n$1\r\nb\r\n$1\r\n4\r\n";
        let mut reply = ReplyBuilder::new();
        write_hashes(&mut reply, &Frames::new(sent.to_vec(), 5)).unwrap();
        let expected = b"*2\r\n*1\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$-1\r\n$1\r\n2\r\n*0\r\n\
            *2\r\n$-1\r\n$1\r\n3\r\n*2\r\n*1\r\n$1\r\nb\r\n$1\r\n4\r\n";
        assert_eq!(reply.into_bytes(), expected);
    }

    #[test]
    fn one_key_of_another_type_fails_the_call() {
        let sent = b"*2\r\n$1\r\na\r\n$1\r\n1\r\n-WRONGTYPE no hash\r\n".to_vec();
        let error = write_hashes(&mut ReplyBuilder::new(), &Frames::new(sent, 2)).unwrap_err();
        assert_eq!(error.message, "WRONGTYPE no hash");
    }

    #[test]
    fn members_come_in_turn_or_in_pairs() {
        let in_turn = b"*4\r\n$1\r\na\r\n$1\r\n2\r\n$1\r\nb\r\n$1\r\n1\r\n".to_vec();
        let in_pairs = b"*2\r\n*2\r\n$1\r\na\r\n,2\r\n*2\r\n$1\r\nb\r\n,1\r\n".to_vec();
        for bytes in [in_turn, in_pairs] {
            let frames = Frames::new(bytes, 1);
            let found: Vec<_> = members(&frames).unwrap().into_iter().map(|m| (m.id, m.score)).collect();
            assert_eq!(found, [(&b"a"[..], &b"2"[..]), (b"b", b"1")]);
        }
    }
}
