//! What a call costs on the thread of JavaScript before and after the socket: encoding, finding the end
//! of the reply, reading it. `cargo bench --manifest-path benches/Cargo.toml`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrodis::conveyor::events::judge;
use ferrodis::redis::{Limits, Repeat, ReplyBuilder, Request, Scanner, Value};

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    let mut buffer = Vec::with_capacity(4096);
    group.bench_function("GET of a key in parts", |b| {
        b.iter(|| {
            buffer.clear();
            let mut request = Request::over(std::mem::take(&mut buffer), Repeat::Freely);
            request.command("GET", 1).parts(&[b"conveyor", b":", black_box(b"mail"), b":meta"]);
            buffer = request.into_bytes();
        });
    });
    group.bench_function("HSET of 12 fields", |b| {
        b.iter(|| {
            buffer.clear();
            let mut request = Request::over(std::mem::take(&mut buffer), Repeat::Freely);
            request.command("HSET", 25).arg(black_box(b"conveyor:mail:job:5f0c"));
            for field in FIELDS {
                request.arg(field.as_bytes()).arg(black_box(VALUE));
            }
            buffer = request.into_bytes();
        });
    });
    group.finish();
}

fn decode(c: &mut Criterion) {
    let hash = hash();
    let mut page = ReplyBuilder::new();
    page.list(50);
    for _ in 0..50 {
        page.value(Value::parse(&hash));
    }
    let page = page.into_bytes();
    let mut group = c.benchmark_group("decode");
    for (name, reply) in
        [("one string", b"$5\r\nhello\r\n".to_vec()), ("12-field hash", hash), ("50 hashes", page)]
    {
        group.throughput(Throughput::Bytes(reply.len() as u64));
        let mut scanner = Scanner::new(Limits::default());
        group.bench_function(format!("scan {name}"), |b| b.iter(|| scanner.scan(black_box(&reply))));
        group.bench_function(format!("read {name}"), |b| b.iter(|| read(Value::parse(black_box(&reply)))));
    }
    group.finish();
}

fn events(c: &mut Criterion) {
    let event = br#"{"type":"job:progress","queueName":"mail","jobId":"5f0c9a1e-2b7d-4c7f-9a53-0d7ab5f5c1aa","data":{"step":5,"of":9},"timestamp":1790000000000,"originId":"d2637b74-33a3-4e07-9d5f-6a2a6c1e9f10"}"#;
    let mut group = c.benchmark_group("events");
    group.throughput(Throughput::Bytes(event.len() as u64));
    group.bench_function("judge a foreign event", |b| {
        b.iter(|| judge(black_box(event), "me", |queue| queue == "x"));
    });
    group.finish();
}

const FIELDS: [&str; 12] = [
    "id",
    "queueName",
    "name",
    "state",
    "attemptsMade",
    "progress",
    "createdAt",
    "processedAt",
    "lockedBy",
    "data",
    "opts",
    "logs",
];
const VALUE: &[u8] = b"a value of ordinary length";

fn hash() -> Vec<u8> {
    let mut reply = ReplyBuilder::new();
    reply.list(24);
    for field in FIELDS {
        reply.text(field.as_bytes()).text(VALUE);
    }
    reply.into_bytes()
}

/// Visits every value; the sum keeps the optimiser from leaving it out.
fn read(value: Value<'_>) -> usize {
    match value {
        Value::List(list) => list.map(read).sum(),
        Value::Text(text) => text.len(),
        _ => 1,
    }
}

criterion_group!(benches, encode, decode, events);
criterion_main!(benches);
