//! News of failovers, for as long as a link lasts.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Named, Sentinel, address};
use crate::error::{Code, Error};
use crate::redis::backoff::Backoff;
use crate::redis::config::Address;
use crate::redis::dialogue::Dialogue;
use crate::redis::{Repeat, Request, Value};

/// Where sentinels tell of a new master: its name, the old address and the new one, separated by spaces.
pub(super) const CHANNEL: &[u8] = b"+switch-master";

/// Hears from one sentinel at a time; when that one falls silent, asks another what happened meanwhile.
#[derive(Debug)]
pub struct Notices {
    sentinel: Sentinel,
    /// Who is listened to.
    index: usize,
    /// The master of the link, as the sentinels see it.
    server: Address,
    dialogue: Option<Dialogue>,
    pace: Backoff,
}

impl Notices {
    pub(super) fn new(sentinel: Sentinel, index: usize, named: Named) -> Self {
        let Named { address, dialogue } = named;
        Self { sentinel, index, server: address, dialogue: Some(dialogue), pace: Backoff::default() }
    }

    /// Waits until another server is the master.
    pub async fn replaced(&mut self) -> Error {
        loop {
            if self.heard().await {
                self.sentinel.0.helped(self.index);
                return Error::new(Code::Connection, "the sentinels have made another server the master")
                    .retryable();
            }
        }
    }

    /// Takes the next piece of news, or one step towards a sentinel that has some. True: there is another master.
    async fn heard(&mut self) -> bool {
        if let Some(dialogue) = &mut self.dialogue {
            let known = &self.sentinel.0;
            match news(dialogue, &known.settings.name, known.heartbeat).await {
                Ok(named) => return named.is_some_and(|named| named != self.server),
                Err(_) => self.dialogue = None,
            }
        }
        sleep(self.pace.pause()).await;
        self.index = (self.index + 1) % self.sentinel.0.sentinels.len();
        let Ok(named) = self.sentinel.0.ask(self.index).await else { return false };
        self.pace.connected();
        self.dialogue = Some(named.dialogue);
        named.address != self.server
    }
}

/// The address that the next message names, if it is about `master`.
async fn news(dialogue: &mut Dialogue, master: &str, heartbeat: Duration) -> Result<Option<Address>, Error> {
    let frame = if let Ok(frame) = timeout(heartbeat, dialogue.next()).await {
        frame?
    } else {
        let mut ping = Request::new(Repeat::Freely);
        ping.command("PING", 0);
        dialogue.send(&ping).await?;
        let silent = |_| Error::new(Code::Connection, "the sentinel gave no sign of life").retryable();
        timeout(heartbeat, dialogue.next()).await.map_err(silent)??
    };
    let mut items = frame.first()?.list().map(|item| item.text().unwrap_or_default());
    if items.next() != Some(b"message") || items.next() != Some(CHANNEL) {
        return Ok(None);
    }
    Ok(items.next().and_then(|text| switched(text, master)))
}

/// The new address of `master`, if the message is about it.
fn switched(text: &[u8], master: &str) -> Option<Address> {
    let words: Vec<_> = text.split(|&byte| byte == b' ').collect();
    match words.as_slice() {
        [name, _, _, host, port] if *name == master.as_bytes() => {
            address(host, Value::Text(port).int()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_another_master_is_none() {
        let text = b"orders 10.0.0.1 6379 10.0.0.2 6380";
        assert_eq!(switched(text, "orders"), Some(Address::Tcp { host: "10.0.0.2".into(), port: 6380 }));
        assert_eq!(switched(text, "order"), None);
        assert_eq!(switched(b"orders 10.0.0.1 6379 10.0.0.2 x", "orders"), None);
        assert_eq!(switched(b"", "orders"), None);
    }
}
