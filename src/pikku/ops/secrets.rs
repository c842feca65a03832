//! Secrets: sealed texts that are opaque here, the salts of their key encryption keys, and rotation.

use super::shared::{Key, on_key};
use super::{once, steps};
use crate::error::Error;
use crate::pikku::keys;
use crate::pikku::scan::Pattern;
use crate::redis::{Args, Caller, Deadline, Operation, Repeat, ReplyBuilder, Request, Value, script};

/// The operations of this file.
pub const OPERATIONS: &[Operation] = &[
    steps("pikku.readSecrets", Deadline::Bulk, |args, caller| Box::pin(read(args, caller))),
    once("pikku.writeSecret", write),
    once("pikku.hasSecret", has),
    once("pikku.deleteSecret", delete),
    once("pikku.kekSalt", kek_salt),
    steps("pikku.scanSecrets", Deadline::Bulk, |args, caller| Box::pin(scan(args, caller))),
    steps("pikku.rewrapSecrets", Deadline::Bulk, |args, caller| Box::pin(rewrap(args, caller))),
];

const SECRET: (Key, &str) = (keys::secret, "key");

/// Keys that one step of a scan looks at: few, because the secrets among them are all unwrapped before the next.
const SCAN_COUNT: i64 = 1_000;

/// `P withSalts name…` → list of the salts, as field and value in turn (nil unless `withSalts` is `1`), and of
/// `ciphertext`, `wrapped_dek` and `key_version` of each name, all nil where there is none. One round trip.
async fn read(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let with_salts = args.get(1) == Some(b"1");
    let mut request = Request::new(Repeat::Freely);
    if with_salts {
        request.command("HGETALL", 1);
        keys::kek_salts(&mut request, prefix);
    }
    for index in 2..args.len() {
        let name = args.bytes(index, "key")?;
        request.command("HMGET", 4);
        keys::secret(&mut request, prefix, name);
        request.arg(b"ciphertext").arg(b"wrapped_dek").arg(b"key_version");
    }
    let mut reply = ReplyBuilder::new();
    if request.commands() == 0 {
        reply.list(1).nil();
        return Ok(reply);
    }
    let frames = caller.call(request).await?;
    let mut answers = frames.all()?;
    reply.list(answers.len() + usize::from(!with_salts));
    reply.value(if with_salts { answers.next().unwrap_or(Value::Nil) } else { Value::Nil });
    for answer in answers {
        reply.value(answer);
    }
    Ok(reply)
}

/// `P name ciphertext wrappedDek keyVersion` → nothing of interest.
fn write(args: &Args, request: &mut Request) -> Result<(), Error> {
    let ciphertext = args.bytes(2, "ciphertext")?;
    let (wrapped, version) = (args.bytes(3, "wrappedDEK")?, args.bytes(4, "keyVersion")?);
    let fields: [&[u8]; 6] = [b"ciphertext", ciphertext, b"wrapped_dek", wrapped, b"key_version", version];
    on_key(args, request, "HSET", SECRET, &fields)
}

/// `P name` → 1 or 0.
fn has(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_key(args, request, "EXISTS", SECRET, &[])
}

/// `P name` → how many secrets that were.
fn delete(args: &Args, request: &mut Request) -> Result<(), Error> {
    on_key(args, request, "DEL", SECRET, &[])
}

/// `P keyVersion candidate` → 1 or 0, and the salt: the candidate, unless there is one already.
fn kek_salt(args: &Args, request: &mut Request) -> Result<(), Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let (version, candidate) = (args.bytes(1, "keyVersion")?, args.bytes(2, "salt")?);
    request.command("HSETNX", 3);
    keys::kek_salts(request, prefix);
    request.arg(version).arg(candidate);
    request.command("HGET", 2);
    keys::kek_salts(request, prefix);
    request.arg(version);
    Ok(())
}

/// `P cursor` → list of the next cursor (`0`: that was all) and, for each secret of this step, `name`, `wrapped_dek` and
/// `key_version` (nil where there is none). A secret may come twice.
async fn scan(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let (prefix, cursor) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "cursor")?);
    let secrets = Pattern::secrets(prefix);
    let mut request = Request::new(Repeat::Freely);
    secrets.scan(&mut request, cursor, SCAN_COUNT);
    let page = caller.call(request).await?;
    let mut page = page.first()?.list();
    let next = page.next().unwrap_or(Value::Nil);
    let names: Vec<_> = page.next().unwrap_or(Value::Nil).list().filter_map(|key| secrets.id(key)).collect();

    let mut reply = ReplyBuilder::new();
    if names.is_empty() {
        reply.list(1).value(next);
        return Ok(reply);
    }
    let mut request = Request::new(Repeat::Freely);
    for name in &names {
        request.command("HMGET", 3);
        keys::secret(&mut request, prefix, name);
        request.arg(b"wrapped_dek").arg(b"key_version");
    }
    let rows = caller.call(request).await?;
    reply.list(1 + 3 * names.len()).value(next);
    for (name, row) in names.iter().zip(rows.each()) {
        // A key of another type is no secret.
        let mut fields = row.list();
        reply.text(name);
        reply.value(fields.next().unwrap_or(Value::Nil)).value(fields.next().unwrap_or(Value::Nil));
    }
    Ok(reply)
}

/// `P keyVersion (name oldWrappedDek newWrappedDek)…` → list of 1 for each row that was changed, and 0 for each whose
/// wrapped key is no longer the one that was read. One round trip.
async fn rewrap(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let (prefix, version) = (args.bytes(0, "keyPrefix")?, args.bytes(1, "keyVersion")?);
    // Twice does no harm: what is written is no longer what is looked for.
    let mut request = Request::new(Repeat::Freely);
    for row in (2..args.len()).step_by(3) {
        let name = args.bytes(row, "key")?;
        let (old, new) = (args.bytes(row + 1, "wrappedDEK")?, args.bytes(row + 2, "wrappedDEK")?);
        request.script(&script::PIKKU_REWRAP_SECRET, 3);
        keys::secret(&mut request, prefix, name);
        request.arg(old).arg(new).arg(version);
    }
    let frames = caller.call(request).await?;
    let answers = frames.all()?;
    let mut reply = ReplyBuilder::new();
    reply.list(answers.len());
    for answer in answers {
        reply.value(answer);
    }
    Ok(reply)
}
