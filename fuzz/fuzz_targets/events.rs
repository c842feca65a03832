//! Whatever is published on the events channel: the judgement is that of a full parse.

#![no_main]

use ferrodis::conveyor::events::{Malformed, Verdict, judge};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|payload: &[u8]| {
    let verdict = judge(payload, "me", |queue| queue != "other");
    // The full parser also refuses what ours passes over unread: bad UTF-8, lone surrogates, deep nesting.
    let Ok(value) = serde_json::from_slice::<Value>(payload) else { return };
    let text = |name| value.get(name).and_then(Value::as_str);
    let expected = match (text("queueName"), value.get("timestamp").is_some_and(Value::is_number)) {
        (Some(queue), true) if queue != "other" && text("originId") != Some("me") => Verdict::Deliver,
        (Some(_), true) => Verdict::NotInteresting,
        _ => Verdict::Malformed(Malformed::Shape),
    };
    assert_eq!(verdict, expected);
});
