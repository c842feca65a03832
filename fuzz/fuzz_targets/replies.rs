//! Whatever a server sends: the scanner never panics, arrives at the same ends however the bytes come in,
//! and what it lets through can be read to the last value.

#![no_main]

use ferrodis::redis::{Limits, ReplyBuilder, Scanner, Value};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { bytes: 4096, elements: 512, depth: 16 };

fuzz_target!(|bytes: &[u8]| {
    let whole = ends(bytes, bytes.len().max(1));
    // The pieces are as long as the first byte says, so that the fuzzer chooses where reads end.
    let piece = bytes.first().map_or(1, |byte| usize::from(byte % 7) + 1);
    assert_eq!(whole, ends(bytes, piece));
    let mut begin = 0;
    for end in whole {
        read(&bytes[begin..end]);
        begin = end;
    }
});

/// The ends of the replies, until the bytes or their sense are at an end.
fn ends(bytes: &[u8], piece: usize) -> Vec<usize> {
    let (mut scanner, mut ends, mut begin, mut arrived) = (Scanner::new(LIMITS), Vec::new(), 0, 0);
    while arrived < bytes.len() {
        arrived = (arrived + piece).min(bytes.len());
        loop {
            match scanner.scan(&bytes[begin..arrived]) {
                Ok(Some(length)) => {
                    assert!(length > 0 && length <= LIMITS.bytes);
                    begin += length;
                    ends.push(begin);
                }
                Ok(None) => break,
                Err(_) => return ends,
            }
        }
    }
    ends
}

/// Reads one reply as operations do, and copies it: the copy is RESP again.
fn read(frame: &[u8]) {
    let value = Value::parse(frame);
    walk(value);
    let mut copy = ReplyBuilder::new();
    copy.value(value);
    let copy = copy.into_bytes();
    let scanned = Scanner::new(Limits::default()).scan(&copy).expect("our own RESP");
    assert_eq!(scanned, Some(copy.len()));
    walk(Value::parse(&copy));
}

fn walk(value: Value<'_>) {
    let _ = (value.int(), value.text());
    if let Value::List(list) = value {
        assert_eq!(list.count(), list.len());
        list.for_each(walk);
    }
}
