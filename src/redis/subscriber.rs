//! Subscriptions that survive their connections.
//!
//! The caller names the channels it wants; one task per target makes the server agree. Every channel is
//! confirmed by the server or reported as refused, on every connection anew, a heartbeat finds the
//! connection that only looks alive, and what may have been missed in between is reported as a gap.

mod desired;
mod session;

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use self::desired::Desired;
use self::session::{Ended, Session};
use super::{Config, Purpose, Topology};
use crate::error::Error;

/// What a subscriber reports. The borrowed parts live as long as the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriberEvent<'a> {
    /// The server confirmed the channel: messages published from now on arrive.
    Ready {
        /// The channel.
        channel: &'a str,
    },
    /// The server refuses the channel. It is asked again from time to time.
    Refused {
        /// The channel.
        channel: &'a str,
        /// Why.
        error: Error,
    },
    /// A message.
    Message {
        /// The channel it came on.
        channel: &'a str,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// All messages that came with one look at the socket have been told: whoever gathers them passes them on now.
    Drained,
    /// The channel is confirmed again; messages published in between are lost.
    Gap {
        /// The channel.
        channel: &'a str,
        /// When the server was last heard before, in milliseconds since 1970.
        from_ms: u64,
        /// When the channel was confirmed again.
        to_ms: u64,
    },
    /// The connection is down, or an attempt to connect failed. The next is under way.
    Down {
        /// Why.
        error: Error,
    },
}

/// The caller's end of a subscriber. Dropping it ends the subscriber and closes its connection.
#[derive(Clone, Debug)]
pub struct Subscriber {
    commands: UnboundedSender<Command>,
}

#[derive(Debug)]
enum Command {
    Subscribe(Arc<str>),
    Unsubscribe(Arc<str>),
}

impl Subscriber {
    /// A subscriber and the task that does its work, to be spawned on the runtime. `sink` hears every
    /// event on the runtime's thread, in order, and must not block.
    ///
    /// There is a connection only while a channel is wanted, and a grace time after.
    pub fn new<F: FnMut(SubscriberEvent<'_>) + Send>(
        topology: Topology,
        config: &Config,
        sink: F,
    ) -> (Self, impl Future<Output = ()> + Send + use<F>) {
        let (commands, inbox) = mpsc::unbounded_channel();
        (Self { commands }, run(topology, config.clone(), inbox, sink))
    }

    /// Wants `channel`. [`SubscriberEvent::Ready`] follows each call, at once when it is already confirmed.
    pub fn subscribe(&self, channel: impl Into<Arc<str>>) {
        self.send(Command::Subscribe(channel.into()));
    }

    /// Wants `channel` no more; nothing is reported of it from then on.
    pub fn unsubscribe(&self, channel: impl Into<Arc<str>>) {
        self.send(Command::Unsubscribe(channel.into()));
    }

    fn send(&self, command: Command) {
        // The task is gone only when its runtime is, and then nobody is left to hear.
        self.commands.send(command).ok();
    }
}

async fn run(
    topology: Topology,
    config: Config,
    mut commands: UnboundedReceiver<Command>,
    mut sink: impl FnMut(SubscriberEvent<'_>) + Send,
) {
    let mut desired = Desired::default();
    loop {
        while desired.is_empty() {
            let Some(command) = commands.recv().await else { return };
            desired.apply(command);
        }
        let connecting =
            topology.connect_forever(Purpose::Events, |error| sink(SubscriberEvent::Down { error }));
        let link = tokio::select! {
            link = connecting => link,
            change = until_nothing_is_wanted(&mut desired, &mut commands) => match change {
                Ended::Closed => return,
                _ => continue,
            },
        };
        let session = Session::new(&config, &mut desired, &mut sink);
        match session.run(link.stream, link.notices, &mut commands).await {
            Ended::Closed => return,
            Ended::Idle => {}
            Ended::Lost(error) => sink(SubscriberEvent::Down { error }),
        }
    }
}

/// Takes commands while there is no connection to carry them out.
async fn until_nothing_is_wanted(desired: &mut Desired, commands: &mut UnboundedReceiver<Command>) -> Ended {
    while let Some(command) = commands.recv().await {
        desired.apply(command);
        if desired.is_empty() {
            return Ended::Idle;
        }
    }
    Ended::Closed
}
