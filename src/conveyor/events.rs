//! Which event messages are worth crossing into JavaScript: contract section 5 and D28.
//!
//! Every instance hears the events of every queue. Most concern a queue that nobody here has subscribed
//! to, or are an echo of our own, and only three fields tell.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What to do with a message of the events channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Warn and drop it.
    Malformed(Malformed),
    /// Our own echo, or of a queue without a subscriber here.
    NotInteresting,
    /// Hand it to JavaScript, which parses it in full.
    Deliver,
}

/// What is wrong with a message. The original store words its warnings by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON.
    Syntax,
    /// JSON, but not an object with a string `queueName` and a finite number `timestamp`.
    Shape,
}

/// Judges one message. `own` is the id of the listening store instance, `wanted` says whether a queue has
/// a subscriber.
#[must_use]
pub fn judge(payload: &[u8], own: &str, wanted: impl FnOnce(&str) -> bool) -> Verdict {
    let fields: Fields<'_> = match serde_json::from_slice(payload) {
        Ok(fields) => fields,
        Err(_) => return Verdict::Malformed(Malformed::Syntax),
    };
    match fields {
        Fields { queue: Some(queue), has_timestamp: true, origin } => {
            if origin.is_some_and(|origin| origin == own) || !wanted(&queue) {
                Verdict::NotInteresting
            } else {
                Verdict::Deliver
            }
        }
        _ => Verdict::Malformed(Malformed::Shape),
    }
}

/// The fields that decide. As in `JSON.parse`, the last of several equal names counts, and a value that
/// is no object simply lacks them.
#[derive(Debug, Default)]
struct Fields<'a> {
    queue: Option<Cow<'a, str>>,
    has_timestamp: bool,
    origin: Option<Cow<'a, str>>,
}

/// One value, as far as it matters here.
enum Field<'a> {
    Text(Cow<'a, str>),
    Number,
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldsVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::Number)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::Number)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(entries).map(|_| Field::Other)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let text = |field| if let Field::Text(text) = field { Some(text) } else { None };
        let mut fields = Fields::default();
        while let Some(Field::Text(name)) = entries.next_key()? {
            match &*name {
                "queueName" => fields.queue = text(entries.next_value()?),
                "originId" => fields.origin = text(entries.next_value()?),
                // Numbers too large to be finite are refused by the parser.
                "timestamp" => fields.has_timestamp = matches!(entries.next_value()?, Field::Number),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(fields)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| Fields::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Fields::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Fields::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Fields::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Fields::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Fields::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Fields::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(payload: &str) -> Verdict {
        judge(payload.as_bytes(), "me", |queue| queue == "mail")
    }

    #[test]
    fn what_concerns_us_is_delivered() {
        let event = |queue: &str, origin: &str| {
            format!(
                r#"{{"type":"job:progress","queueName":"{queue}","jobId":"i","data":{{"queueName":7}},"timestamp":1,"originId":"{origin}"}}"#
            )
        };
        assert_eq!(of(&event("mail", "you")), Verdict::Deliver);
        assert_eq!(of(&event("mail", "me")), Verdict::NotInteresting);
        assert_eq!(of(&event("video", "you")), Verdict::NotInteresting);
        assert_eq!(of(&event("m\\u0061il", "you")), Verdict::Deliver, "names are compared unescaped");
        assert_eq!(
            of(r#"{"queueName":"mail","timestamp":1.5e12}"#),
            Verdict::Deliver,
            "the origin is optional"
        );
        assert_eq!(of(r#"{"queueName":"mail","timestamp":1,"originId":5}"#), Verdict::Deliver);
    }

    #[test]
    fn the_last_of_equal_names_counts() {
        assert_eq!(
            of(r#"{"queueName":"video","timestamp":"x","queueName":"mail","timestamp":1}"#),
            Verdict::Deliver
        );
    }

    #[test]
    fn other_json_has_the_wrong_shape() {
        for payload in [
            "null",
            "true",
            "5",
            "-5",
            "1.5",
            r#""text""#,
            "[]",
            r#"[{"queueName":"mail","timestamp":1}]"#,
            "{}",
            r#"{"queueName":"mail"}"#,
            r#"{"timestamp":1}"#,
            r#"{"queueName":7,"timestamp":1}"#,
            r#"{"queueName":null,"timestamp":1}"#,
            r#"{"queueName":["mail"],"timestamp":1}"#,
            r#"{"queueName":"mail","timestamp":"2026-01-01"}"#,
            r#"{"queueName":"mail","timestamp":{"a":1}}"#,
            r#"{"queueName":"mail","timestamp":null}"#,
        ] {
            assert_eq!(of(payload), Verdict::Malformed(Malformed::Shape), "{payload}");
        }
    }

    #[test]
    fn other_text_is_no_json() {
        for payload in [
            "",
            "mail",
            "{",
            r#"{"queueName":"mail","timestamp":1} x"#,
            r#"{"queueName":"mail","timestamp":NaN}"#,
        ] {
            assert_eq!(of(payload), Verdict::Malformed(Malformed::Syntax), "{payload}");
        }
    }

    #[test]
    fn deep_and_odd_data_is_passed_over() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let payload = format!(r#"{{"data":{deep},"queueName":"mail","timestamp":1}}"#);
        assert_eq!(of(&payload), Verdict::Deliver);
        assert_eq!(of(r#"{"data":"\ud800","queueName":"mail","timestamp":1}"#), Verdict::Deliver);
        let deep_name = format!(r#"{{"queueName":{deep},"timestamp":1}}"#);
        assert_eq!(of(&deep_name), Verdict::Malformed(Malformed::Shape));
    }
}
