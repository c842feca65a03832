//! The channels that are wanted, and how far the server has agreed.

use std::collections::HashMap;
use std::sync::Arc;

use super::Command;

/// How far the server has agreed to a channel, on the present connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Not asked, or asked and not answered.
    #[default]
    Open,
    /// Confirmed.
    Ready,
    /// Refused for now: the server is busy or loading.
    Later,
    /// Refused, and reported.
    Refused,
}

#[derive(Debug, Default)]
pub(super) struct Channel {
    pub state: State,
    /// Until when nothing was missed, in milliseconds since 1970, once a connection was lost.
    pub heard_until: Option<u64>,
}

/// The channels wanted. It outlives the connections.
#[derive(Debug, Default)]
pub(super) struct Desired {
    channels: HashMap<Arc<str>, Channel>,
}

impl Desired {
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    pub fn apply(&mut self, command: Command) {
        match command {
            Command::Subscribe(channel) => {
                let entry = self.channels.entry(channel).or_default();
                // Whoever asks again wants to hear the answer again.
                if entry.state == State::Refused {
                    entry.state = State::Open;
                }
            }
            Command::Unsubscribe(channel) => drop(self.channels.remove(&channel)),
        }
    }

    pub fn get_mut(&mut self, channel: &str) -> Option<&mut Channel> {
        self.channels.get_mut(channel)
    }

    /// The channels in `state`.
    pub fn in_state(&self, state: State) -> Vec<Arc<str>> {
        self.channels
            .iter()
            .filter(|(_, entry)| entry.state == state)
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// The connection is gone: what was confirmed is open again, and has a gap from `heard_until` on.
    /// A refusal is remembered, so that it is reported once and not with every connection.
    pub fn lost(&mut self, heard_until: u64) {
        for channel in self.channels.values_mut() {
            if channel.state == State::Ready {
                channel.heard_until = Some(heard_until);
            }
            if channel.state != State::Refused {
                channel.state = State::Open;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_confirmed_has_a_gap() {
        let mut desired = Desired::default();
        for channel in ["a", "b", "c"] {
            desired.apply(Command::Subscribe(channel.into()));
        }
        desired.get_mut("a").expect("wanted").state = State::Ready;
        desired.get_mut("b").expect("wanted").state = State::Refused;
        desired.lost(42);
        assert_eq!(desired.get_mut("a").expect("wanted").heard_until, Some(42));
        assert_eq!(desired.get_mut("b").expect("wanted").state, State::Refused);
        assert_eq!(desired.get_mut("c").expect("wanted").heard_until, None);
        assert_eq!(desired.in_state(State::Open).len(), 2);
        desired.lost(99);
        assert_eq!(
            desired.get_mut("a").expect("wanted").heard_until,
            Some(42),
            "the gap began with the first loss"
        );
    }
}
