//! Metrics buckets: written by the update script, read and folded here.

use super::CHUNK;
use super::shared::queue_names;
use crate::conveyor::keys::Queue;
use crate::conveyor::record::{number, texts};
use crate::error::Error;
use crate::redis::{Args, Caller, Repeat, ReplyBuilder, Request, Value, script};

/// `P q granularity fromMs toMs` → list of `[jobName, periodStart ms, completed, failed, totalMs, minMs or nil,
/// maxMs or nil]`, by period and then by name; both ends are inclusive.
pub async fn get_metrics(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let queue = Queue::of(&args)?;
    let granularity @ (b"minute" | b"hour") = args.bytes(2, "granularity")? else {
        return Err(Error::argument("granularity", "must be minute or hour"));
    };
    let mut request = Request::new(Repeat::Freely);
    request.command("ZRANGEBYSCORE", 3);
    queue.metric_periods(&mut request, granularity);
    request.arg(args.bytes(3, "from")?).arg(args.bytes(4, "to")?);
    let periods = texts(caller.call(request).await?.first()?.list());

    let mut rows = Vec::new();
    for chunk in periods.chunks(CHUNK) {
        let mut request = Request::new(Repeat::Freely);
        for period in chunk {
            request.command("HGETALL", 1);
            queue.metric_bucket(&mut request, granularity, period);
        }
        let frames = caller.call(request).await?;
        for (period, bucket) in chunk.iter().zip(frames.each()) {
            rows.extend(Row::all(period, bucket));
        }
    }
    let mut reply = ReplyBuilder::new();
    reply.list(rows.len());
    for row in &rows {
        row.write(&mut reply);
    }
    Ok(reply)
}

/// `P retentionMinutes retentionHours` → how many minute buckets were looked at.
///
/// Adds what minute buckets have gained since the last run to their hours, and drops what is past its retention.
pub async fn aggregate_metrics(args: Args, caller: Caller) -> Result<ReplyBuilder, Error> {
    let prefix = args.bytes(0, "keyPrefix")?;
    let (minutes, hours) = (args.bytes(1, "retentionMinutes")?, args.bytes(2, "retentionHours")?);
    for (index, name) in [(1, "retentionMinutes"), (2, "retentionHours")] {
        number(args.bytes(index, name)?).ok_or_else(|| Error::argument(name, "must be a finite number"))?;
    }
    let mut seen = 0;
    for name in queue_names(&caller, prefix).await? {
        let queue = Queue { prefix, name: &name };
        let mut after = b"-inf".to_vec();
        loop {
            let mut request = Request::new(Repeat::Freely);
            request.script(&script::CONVEYOR_AGGREGATE_METRICS, 4);
            queue.base(&mut request);
            request.arg(minutes).arg(hours).arg(&after).int(CHUNK as i64);
            let frames = caller.call(request).await?;
            let mut answer = frames.first()?.list();
            seen += answer.next().and_then(Value::int).unwrap_or(0);
            match answer.next() {
                Some(Value::Text(last)) => after = last.to_vec(),
                _ => break,
            }
        }
    }
    let mut reply = ReplyBuilder::new();
    reply.int(seen);
    Ok(reply)
}

/// What one bucket holds for one job name.
struct Row {
    name: Vec<u8>,
    period: Vec<u8>,
    /// completed, failed, total, minimum, maximum; `-` where there is none.
    values: Vec<Vec<u8>>,
}

impl Row {
    /// The rows of a bucket, by name. Fields that are not the script's own are left out.
    fn all(period: &[u8], bucket: Value<'_>) -> Vec<Self> {
        let mut fields = bucket.list();
        let mut rows = Vec::new();
        while let (Some(field), Some(value)) = (fields.next(), fields.next()) {
            let name = field.text().and_then(|field| field.strip_prefix(b"v"));
            let values: Vec<_> =
                value.text().unwrap_or_default().split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect();
            if let Some(name) = name.filter(|_| values.len() == 5) {
                rows.push(Self { name: name.to_vec(), period: period.to_vec(), values });
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    fn write(&self, reply: &mut ReplyBuilder) {
        reply.list(7).text(&self.name).text(&self.period);
        for value in &self.values {
            if value == b"-" {
                reply.nil();
            } else {
                reply.text(value);
            }
        }
    }
}
