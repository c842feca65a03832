//! Who listens to which channel of one connection's subscriber, and what of it crosses.
//!
//! Payloads are judged on the runtime thread, so an event that nobody in this environment asked for costs
//! JavaScript nothing. What has crossed but was not taken yet is bounded; beyond that messages are dropped and
//! the gap is told.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::delivery::write_error;
use super::post::{Item, Post};
use crate::conveyor::events::{Verdict, judge};
use crate::redis::{Config, ReplyBuilder, Subscriber, SubscriberEvent, Topology};

/// Bytes of messages that may wait for JavaScript.
const BACKLOG: usize = 64 << 20;

/// Room that is kept for the next messages at most, however many came last.
const ROOM: usize = 128 << 10;

/// One listener.
struct Listener {
    id: u32,
    channel: Arc<str>,
    /// Conveyor events of other stores only, and only of these queues.
    filter: Option<(String, HashSet<String>)>,
}

/// What the two threads share.
#[derive(Default)]
struct Shared {
    listeners: Vec<Listener>,
    /// Channels on which messages were dropped, and since when.
    dropped: HashMap<Arc<str>, u64>,
}

/// The listeners of one connection.
pub struct Listeners {
    subscriber: Subscriber,
    shared: Arc<Mutex<Shared>>,
    backlog: Arc<AtomicUsize>,
}

impl Listeners {
    /// No listeners yet, and the subscriber's task.
    pub fn new(
        topology: Topology,
        config: &Config,
        link: u32,
        post: Post,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let backlog = Arc::new(AtomicUsize::new(0));
        let sink = {
            let (shared, backlog) = (Arc::clone(&shared), Arc::clone(&backlog));
            let mut events = Events::default();
            move |event: SubscriberEvent<'_>| {
                let full = backlog.load(Ordering::Relaxed) + events.bytes.len() > BACKLOG;
                events.gather(&mut lock(&shared), &event, full);
                // Messages go on together: each crossing wakes JavaScript.
                if !matches!(event, SubscriberEvent::Message { .. }) && !events.ends.is_empty() {
                    // The next ones will be about as many.
                    let next = Events::with_room_for(&events);
                    let events = std::mem::replace(&mut events, next);
                    backlog.fetch_add(events.bytes.len(), Ordering::Relaxed);
                    post.send(link, Item::Events(events));
                }
            }
        };
        let (subscriber, task) = Subscriber::new(topology, config, sink);
        (Self { subscriber, shared, backlog }, task)
    }

    /// Adds a listener; `origin` is given for conveyor events.
    pub fn add(&self, id: u32, channel: &str, origin: Option<&str>) {
        let channel: Arc<str> = channel.into();
        let filter = origin.map(|origin| (origin.to_owned(), HashSet::new()));
        lock(&self.shared).listeners.push(Listener { id, channel: Arc::clone(&channel), filter });
        self.subscriber.subscribe(channel);
    }

    /// Says whether a listener wants the events of `key`.
    pub fn interest(&self, id: u32, key: &str, wanted: bool) {
        let mut shared = lock(&self.shared);
        let Some(listener) = shared.listeners.iter_mut().find(|listener| listener.id == id) else { return };
        if let Some((_, keys)) = &mut listener.filter {
            if wanted {
                keys.insert(key.to_owned());
            } else {
                keys.remove(key);
            }
        }
    }

    /// Takes a listener away. False: there was none.
    pub fn remove(&self, id: u32) -> bool {
        let mut shared = lock(&self.shared);
        let Some(index) = shared.listeners.iter().position(|listener| listener.id == id) else {
            return false;
        };
        let gone = shared.listeners.swap_remove(index);
        if !shared.listeners.iter().any(|listener| listener.channel == gone.channel) {
            shared.dropped.remove(&gone.channel);
            self.subscriber.unsubscribe(gone.channel);
        }
        true
    }

    /// How many listeners there are.
    pub fn len(&self) -> usize {
        lock(&self.shared).listeners.len()
    }

    /// JavaScript took an event of `bytes`.
    pub fn delivered(&self, bytes: usize) {
        self.backlog.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A panic elsewhere does not make the list wrong.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Events that cross together: RESP lists of a name, its fields, and for messages the listeners.
#[derive(Debug, Default)]
pub struct Events {
    pub bytes: Vec<u8>,
    /// Where each ends.
    pub ends: Vec<usize>,
}

impl Events {
    fn with_room_for(others: &Self) -> Self {
        Self {
            bytes: Vec::with_capacity(others.bytes.len().min(ROOM)),
            ends: Vec::with_capacity(others.ends.len().min(ROOM / size_of::<usize>())),
        }
    }

    fn gather(&mut self, shared: &mut Shared, event: &SubscriberEvent<'_>, full: bool) {
        match event {
            SubscriberEvent::Message { channel, payload } => self.message(shared, channel, payload, full),
            SubscriberEvent::Drained => {}
            SubscriberEvent::Ready { channel } => self.add(|reply| named(reply, "ready", channel, 0)),
            SubscriberEvent::Refused { channel, error } => self.add(|reply| {
                named(reply, "refused", channel, 5);
                write_error(reply, error);
            }),
            SubscriberEvent::Gap { channel, from_ms, to_ms } => self.gap(channel, *from_ms, *to_ms),
            SubscriberEvent::Down { error } => {
                self.add(|reply| write_error(reply.list(6).text(b"silent"), error));
            }
        }
    }

    fn message(&mut self, shared: &mut Shared, channel: &str, payload: &[u8], full: bool) {
        let (mut wanted, mut malformed) = (Vec::new(), Vec::new());
        for listener in shared.listeners.iter().filter(|listener| &*listener.channel == channel) {
            match &listener.filter {
                None => wanted.push(listener.id),
                Some((origin, keys)) => match judge(payload, origin, |queue| keys.contains(queue)) {
                    Verdict::Deliver => wanted.push(listener.id),
                    Verdict::Malformed(_) => malformed.push(listener.id),
                    Verdict::NotInteresting => {}
                },
            }
        }
        if wanted.is_empty() && malformed.is_empty() {
            return;
        }
        if full {
            shared.dropped.entry(channel.into()).or_insert_with(now);
            return;
        }
        if !shared.dropped.is_empty()
            && let Some(from) = shared.dropped.remove(channel)
        {
            self.gap(channel, from, now());
        }
        for (name, ids) in [("message", wanted), ("malformed", malformed)] {
            if !ids.is_empty() {
                self.add(|reply| {
                    reply.list(2 + ids.len()).text(name.as_bytes()).text(payload);
                    for id in ids {
                        reply.int(i64::from(id));
                    }
                });
            }
        }
    }

    fn gap(&mut self, channel: &str, from: u64, to: u64) {
        self.add(|reply| {
            named(reply, "gap", channel, 2);
            reply.int(from as i64).int(to as i64);
        });
    }

    fn add(&mut self, write: impl FnOnce(&mut ReplyBuilder)) {
        let mut reply = ReplyBuilder::over(std::mem::take(&mut self.bytes));
        write(&mut reply);
        self.bytes = reply.into_bytes();
        self.ends.push(self.bytes.len());
    }
}

fn named(reply: &mut ReplyBuilder, name: &str, channel: &str, more: usize) {
    reply.list(2 + more).text(name.as_bytes()).text(channel.as_bytes());
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
