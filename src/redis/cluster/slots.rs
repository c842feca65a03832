//! Which slot a command belongs to, and which node serves a slot.

use std::sync::OnceLock;

use crate::error::{Code, Error};
use crate::redis::config::{Address, tcp};
use crate::redis::{List, Value};

/// How many slots a cluster has.
const SLOTS: usize = 16_384;

/// The slot of a key. Of a key with braces only what is between the first `{` and the next `}` counts, if anything is.
pub fn slot_of(key: &[u8]) -> u16 {
    let tag = memchr::memchr(b'{', key).and_then(|open| {
        let rest = &key[open + 1..];
        memchr::memchr(b'}', rest).filter(|length| *length > 0).map(|length| &rest[..length])
    });
    crc16(tag.unwrap_or(key)) % SLOTS as u16
}

/// A text of the slot of `key`: as a hash tag it puts another key there. The same text for all keys of the slot.
pub fn tag_of(key: &[u8]) -> &'static str {
    static TAGS: OnceLock<Vec<String>> = OnceLock::new();
    let tags = TAGS.get_or_init(|| {
        let mut tags = vec![String::new(); SLOTS];
        let mut left = SLOTS;
        for number in 0_u64.. {
            let text = number.to_string();
            let tag = &mut tags[usize::from(slot_of(text.as_bytes()))];
            if tag.is_empty() {
                *tag = text;
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        tags
    });
    &tags[usize::from(slot_of(key))]
}

/// CRC-16/XMODEM, as the cluster specification says.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// The first key of a command, if it has one.
pub fn first_key(mut words: List<'_>) -> Option<&[u8]> {
    let mut word = |skipped: usize| words.nth(skipped).and_then(Value::text);
    let name = word(0)?.to_ascii_uppercase();
    match name.as_slice() {
        b"ACL" | b"CLIENT" | b"CLUSTER" | b"COMMAND" | b"CONFIG" | b"DBSIZE" | b"ECHO" | b"FLUSHALL"
        | b"FLUSHDB" | b"INFO" | b"KEYS" | b"LASTSAVE" | b"LATENCY" | b"PING" | b"PUBLISH" | b"RANDOMKEY"
        | b"ROLE" | b"SCAN" | b"SCRIPT" | b"TIME" | b"WAIT" => None,
        b"EVAL" | b"EVALSHA" | b"EVAL_RO" | b"EVALSHA_RO" | b"FCALL" | b"FCALL_RO" => {
            let count = word(1)?;
            if count == b"0" { None } else { word(0) }
        }
        b"LMPOP" | b"MEMORY" | b"OBJECT" | b"SINTERCARD" | b"XGROUP" | b"XINFO" | b"ZDIFF" | b"ZINTER"
        | b"ZINTERCARD" | b"ZMPOP" | b"ZUNION" => word(1),
        b"BLMPOP" | b"BZMPOP" => word(2),
        b"XREAD" | b"XREADGROUP" => loop {
            if word(0)?.eq_ignore_ascii_case(b"STREAMS") {
                break word(0);
            }
        },
        _ => word(0),
    }
}

/// Which node serves which slot.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The masters, in the order of their first slots.
    masters: Vec<Address>,
    /// For each slot one more than the index of its master; 0 is nobody.
    owners: Vec<u16>,
    /// The replicas, which may be asked for the next map.
    replicas: Vec<Address>,
}

impl Map {
    /// Reads the answer to `CLUSTER SLOTS`. A node without a host is on `asked`, the host that gave the answer.
    ///
    /// # Errors
    /// [`Code::Protocol`] when it is none.
    pub fn read(ranges: List<'_>, asked: &str) -> Result<Self, Error> {
        let mut found = Vec::with_capacity(ranges.len());
        let mut map = Self { owners: vec![0; SLOTS], ..Self::default() };
        for range in ranges {
            let mut parts = range.list();
            let bounds = parts.next().and_then(slot).zip(parts.next().and_then(slot));
            let (from, to) = bounds.filter(|(from, to)| from <= to).ok_or_else(nonsense)?;
            let mut nodes = parts.map(|node| {
                let mut words = node.list();
                let host = words.next().and_then(Value::text).unwrap_or_default();
                let port = words.next().and_then(Value::int);
                address(host, port, asked).ok_or_else(nonsense)
            });
            found.push((from, to, nodes.next().ok_or_else(nonsense)??));
            for replica in nodes {
                map.replicas.push(replica?);
            }
        }
        found.sort_unstable_by_key(|(from, ..)| *from);
        for (from, to, master) in found {
            let owner = map.index(&master);
            map.owners[usize::from(from)..=usize::from(to)].fill(owner);
        }
        Ok(map)
    }

    /// Whether nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.masters.is_empty()
    }

    /// The masters, in an order that a failover does not change.
    pub fn masters(&self) -> &[Address] {
        &self.masters
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &Address> {
        self.masters.iter().chain(&self.replicas)
    }

    /// The master of a slot.
    pub fn owner(&self, slot: u16) -> Option<&Address> {
        let owner = usize::from(*self.owners.get(usize::from(slot))?);
        self.masters.get(owner.checked_sub(1)?)
    }

    /// A slot has moved.
    pub fn set(&mut self, slot: u16, master: &Address) {
        let owner = self.index(master);
        if let Some(entry) = self.owners.get_mut(usize::from(slot)) {
            *entry = owner;
        }
    }

    fn index(&mut self, master: &Address) -> u16 {
        let known = self.masters.iter().position(|known| known == master).unwrap_or_else(|| {
            self.masters.push(master.clone());
            self.masters.len() - 1
        });
        known as u16 + 1
    }
}

/// Where a node says that a request belongs.
#[derive(Debug, PartialEq, Eq)]
pub struct Redirect {
    /// For good, as opposed to this one time.
    pub moved: bool,
    pub slot: u16,
    pub to: Address,
}

impl Redirect {
    /// Reads `MOVED 3999 127.0.0.1:6381` or `ASK …`, said by a node on `host`.
    pub fn read(text: &[u8], host: &str) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let moved = match words.next()? {
            "MOVED" => true,
            "ASK" => false,
            _ => return None,
        };
        let slot = words.next()?.parse().ok().filter(|slot| usize::from(*slot) < SLOTS)?;
        let (to, port) = words.next()?.rsplit_once(':')?;
        let to = address(to.as_bytes(), port.parse().ok(), host)?;
        Some(Self { moved, slot, to })
    }
}

fn slot(value: Value<'_>) -> Option<u16> {
    value.int().and_then(|slot| u16::try_from(slot).ok()).filter(|slot| usize::from(*slot) < SLOTS)
}

fn address(host: &[u8], port: Option<i64>, asked: &str) -> Option<Address> {
    let port = u16::try_from(port?).ok().filter(|port| *port > 0)?;
    let host = std::str::from_utf8(host).ok()?;
    let host = if host.is_empty() || host == "?" { asked } else { host };
    tcp(Some(host.to_owned()), Some(port)).ok()
}

fn nonsense() -> Error {
    Error::new(Code::Protocol, "a node described the cluster in a way that is not understood").retryable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{Repeat, ReplyBuilder, Request};

    fn at(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.into(), port }
    }

    #[test]
    fn every_slot_has_a_tag_of_its_own() {
        for key in (0..50_000).map(|n| format!("key:{n}")) {
            assert_eq!(slot_of(tag_of(key.as_bytes()).as_bytes()), slot_of(key.as_bytes()));
        }
        assert_eq!(tag_of(b"{a}b"), tag_of(b"c{a}"));
        let longest = (0..50_000).map(|n: u32| tag_of(&n.to_be_bytes()).len()).max();
        assert!(longest <= Some(6), "{longest:?}");
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12_182);
        assert_eq!(slot_of(b"{foo}:bar"), slot_of(b"foo"));
        assert_eq!(slot_of(b"x{foo}{bar}"), slot_of(b"foo"));
        assert_ne!(slot_of(b"{}foo"), slot_of(b"{}bar"), "an empty tag is none");
        assert_eq!(slot_of(b"{foo"), crc16(b"{foo") % 16_384);
    }

    #[test]
    fn the_first_key_is_found() {
        let key = |words: &[&str]| {
            let mut request = Request::new(Repeat::Freely);
            request.command(words[0], words.len() - 1);
            for word in &words[1..] {
                request.arg(word.as_bytes());
            }
            let bytes = request.into_bytes();
            first_key(Value::parse(&bytes).list()).map(|key| String::from_utf8_lossy(key).into_owned())
        };
        assert_eq!(key(&["GET", "k"]).as_deref(), Some("k"));
        assert_eq!(key(&["EVALSHA", "sha", "2", "k", "l", "a"]).as_deref(), Some("k"));
        assert_eq!(key(&["eval", "return 1", "0"]), None);
        assert_eq!(key(&["XREAD", "COUNT", "1", "STREAMS", "s", "0"]).as_deref(), Some("s"));
        assert_eq!(key(&["OBJECT", "ENCODING", "k"]).as_deref(), Some("k"));
        assert_eq!(key(&["ZUNION", "1", "k"]).as_deref(), Some("k"));
        assert_eq!(key(&["PUBLISH", "channel", "m"]), None);
        assert_eq!(key(&["PING"]), None);
    }

    #[test]
    fn a_map_is_read_and_changed() {
        let mut reply = ReplyBuilder::new();
        reply.list(2);
        reply.list(3).int(8192).int(16_383).list(3).text(b"10.0.0.2").int(7001).text(b"id2");
        reply.list(4).int(0).int(8191).list(3).text(b"").int(7000).text(b"id1");
        reply.list(3).text(b"10.0.0.3").int(7002).text(b"id3");
        let bytes = reply.into_bytes();
        let mut map = Map::read(Value::parse(&bytes).list(), "seed").expect("a map");
        assert_eq!(map.masters(), [at("seed", 7000), at("10.0.0.2", 7001)]);
        assert_eq!(map.nodes().count(), 3);
        assert_eq!(map.owner(8191), Some(&at("seed", 7000)));
        assert_eq!(map.owner(8192), Some(&at("10.0.0.2", 7001)));
        map.set(5, &at("10.0.0.3", 7002));
        assert_eq!((map.owner(5), map.owner(6)), (Some(&at("10.0.0.3", 7002)), Some(&at("seed", 7000))));
        assert_eq!(Map::default().owner(5), None);
        assert!(Map::read(Value::parse(b"*1\r\n*2\r\n:0\r\n:99999\r\n").list(), "seed").is_err());
    }

    #[test]
    fn only_a_redirection_to_an_address_is_one() {
        let redirect = |text: &str| Redirect::read(text.as_bytes(), "h");
        assert_eq!(
            redirect("MOVED 3999 127.0.0.1:6381"),
            Some(Redirect { moved: true, slot: 3999, to: at("127.0.0.1", 6381) })
        );
        assert_eq!(redirect("ASK 1 :6381"), Some(Redirect { moved: false, slot: 1, to: at("h", 6381) }));
        assert_eq!(redirect("ASK 1 ::1:6381").map(|redirect| redirect.to), Some(at("::1", 6381)));
        for text in [
            "MOVED __proto__ h:1",
            "MOVED 16384 h:1",
            "MOVED 1 h",
            "MOVED 1 h:0",
            "MOVED 1 a/b:1",
            "MOVED",
            "ERR 1 h:1",
        ] {
            assert_eq!(redirect(text), None, "{text}");
        }
    }
}
