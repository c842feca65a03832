//! Sends each command to the node that serves its slot, follows redirections, and keeps what no node can take at
//! present until the next map of the cluster.
//!
//! Commands travel alone here: those of one request may belong to several nodes, and their replies are put together
//! again. Every command has a ticket of the router's own while it is under way.

mod calls;

use std::collections::HashMap;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use self::calls::Calls;
use super::slots::{Map, Redirect, first_key, slot_of};
use super::{Cluster, host, node};
use crate::error::{Code, Error};
use crate::redis::config::Address;
use crate::redis::remote::{News, Order, TICK};
use crate::redis::{Mux, Posted, Repeat, Request, Returned, Value, clock, error_of};

/// Pause between two questions for the map (ms), doubled while they follow each other.
const SOON: u64 = 50;
/// The longest such pause (ms).
const LATE: u64 = 1_000;
/// Pause before a command is sent again whose slot is moving (ms).
const MOVING: u64 = 50;
/// How many redirections in a row are followed without a pause.
const AT_ONCE: u8 = 4;

/// Carries requests until the sender of `orders` is dropped. `queued` always has the bytes that wait. Each node gets a
/// queue like `mux`.
pub async fn route(
    cluster: Cluster,
    mux: Mux,
    mut orders: UnboundedReceiver<Order>,
    queued: Arc<AtomicUsize>,
    report: impl Fn(News) + Send + Sync,
) {
    // A connection that nobody calls on is not opened.
    let Some(first) = orders.recv().await else { return report(News::Ended) };
    let (news, mut inbox) = unbounded_channel();
    let mut router = Router::new(cluster.clone(), mux, news);
    router.take(&first);
    let mut discovery: Option<Discovery> = None;
    let mut ticker = tokio::time::interval(TICK);
    loop {
        if discovery.is_none() && router.wants_map() {
            discovery = Some(Box::pin(cluster.clone().discover()));
        }
        tokio::select! {
            biased;
            Some((address, news)) = inbox.recv() => {
                router.hear(&address, news, &report);
                while let Ok((address, news)) = inbox.try_recv() {
                    router.hear(&address, news, &report);
                }
            }
            order = orders.recv() => {
                let Some(order) = order else { break };
                router.take(&order);
                while let Ok(order) = orders.try_recv() {
                    router.take(&order);
                }
            }
            found = ended(&mut discovery) => {
                discovery = None;
                router.learn(found, &report);
            }
            _ = ticker.tick() => router.tick(),
        }
        router.flush(&report);
        queued.store(router.queued_bytes(), Ordering::Relaxed);
    }
    router.calls.fail_all(&Error::new(Code::Closed, "the connection was closed"));
    router.flush(&report);
    report(News::Ended);
}

type Discovery = Pin<Box<dyn Future<Output = Result<Map, Error>> + Send>>;

async fn ended(discovery: &mut Option<Discovery>) -> Result<Map, Error> {
    match discovery {
        Some(discovery) => discovery.await,
        None => pending().await,
    }
}

struct Router {
    cluster: Cluster,
    mux: Mux,
    news: UnboundedSender<(Address, News)>,
    map: Map,
    /// Whether the map is known to be wrong, how often in a row that was so, and when to ask for the next one.
    stale: bool,
    fruitless: u32,
    ask_at: u64,
    nodes: HashMap<Address, Node>,
    calls: Calls,
    waiting: Vec<Waiting>,
    /// Which master takes commands without a key: always the same while it lives, so that they keep their order.
    keyless: usize,
}

/// A node as the router sees it.
struct Node {
    orders: UnboundedSender<Order>,
    outbox: Order,
    queued: Arc<AtomicUsize>,
}

/// A command that no node can take at present.
struct Waiting {
    posted: Posted,
    bytes: Vec<u8>,
    /// When to try again without a new map.
    due: u64,
}

impl Router {
    fn new(cluster: Cluster, mux: Mux, news: UnboundedSender<(Address, News)>) -> Self {
        Self {
            cluster,
            mux,
            news,
            map: Map::default(),
            stale: true,
            fruitless: 0,
            ask_at: 0,
            nodes: HashMap::new(),
            calls: Calls::default(),
            waiting: Vec::new(),
            keyless: fastrand::usize(..1024),
        }
    }

    /// Takes new requests.
    fn take(&mut self, order: &Order) {
        let mut rest = order.bytes.as_slice();
        for request in &order.posted {
            let (bytes, later) = rest.split_at(request.bytes);
            rest = later;
            for (posted, bytes) in self.calls.begin(*request, bytes) {
                self.send(posted, bytes);
            }
        }
    }

    /// Sends a command to where it belongs, as far as is known.
    fn send(&mut self, posted: Posted, bytes: Vec<u8>) {
        let ticket = posted.ticket.unwrap_or_default();
        let masters = self.map.masters();
        let target = if let Some(index) = self.calls.scanned(ticket) {
            masters.get(index)
        } else if let Some(key) = first_key(Value::parse(&bytes).list()) {
            self.map.owner(slot_of(key))
        } else {
            masters.get(self.keyless % masters.len().max(1))
        };
        match target.cloned() {
            Some(target) => self.hand_over(&target, [posted], &bytes),
            None => self.wait(posted, bytes),
        }
    }

    /// Keeps a command until there is another map.
    fn wait(&mut self, posted: Posted, bytes: Vec<u8>) {
        self.stale = true;
        self.waiting.push(Waiting { posted, bytes, due: u64::MAX });
    }

    /// Keeps a command until its slot may have moved.
    fn pause(&mut self, mut posted: Posted, bytes: Vec<u8>) {
        posted.excuse();
        self.waiting.push(Waiting { posted, bytes, due: clock::now() + MOVING });
    }

    fn hand_over(&mut self, target: &Address, posted: impl IntoIterator<Item = Posted>, bytes: &[u8]) {
        if !self.nodes.contains_key(target) {
            self.nodes.insert(target.clone(), self.connect(target));
        }
        if let Some(node) = self.nodes.get_mut(target) {
            node.outbox.bytes.extend_from_slice(bytes);
            node.outbox.posted.extend(posted);
        }
    }

    fn connect(&self, target: &Address) -> Node {
        let (orders, inbox) = unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let (news, address) = (self.news.clone(), target.clone());
        // The router is gone when nobody is left to hear.
        let report = move |item| drop(news.send((address.clone(), item)));
        let (cluster, mux) = (self.cluster.clone(), self.mux.for_node());
        tokio::spawn(node::serve(cluster, target.clone(), mux, inbox, Arc::clone(&queued), report));
        Node { orders, outbox: Order { bytes: Vec::new(), posted: Vec::new() }, queued }
    }

    /// Takes what a node reports.
    fn hear(&mut self, address: &Address, news: News, report: &impl Fn(News)) {
        match news {
            News::Answers { bytes, answers } => {
                for answer in answers {
                    self.calls.answer(
                        answer.ticket,
                        &bytes[answer.start..answer.end],
                        self.map.masters().len(),
                    );
                }
            }
            News::Failures(failures) => {
                for failure in failures {
                    self.calls.fail(failure.ticket, failure.error);
                }
            }
            News::Returned(returned) => {
                for returned in returned {
                    self.redirect(address, returned);
                }
            }
            News::Fault(error) => {
                self.stale = true;
                self.keyless += 1;
                report(News::Fault(error));
            }
            News::Up | News::Ended => {}
        }
    }

    /// Sends a command on that a node did not carry out.
    fn redirect(&mut self, from: &Address, returned: Returned) {
        let Returned { mut posted, bytes, redirect } = returned;
        let Some(text) = redirect else { return self.wait(posted, bytes) };
        match Redirect::read(&text, host(from)) {
            Some(Redirect { moved: true, slot, to }) => {
                self.stale = true;
                self.map.set(slot, &to);
                // Nodes that point at each other come to terms with time.
                if posted.attempts() > AT_ONCE { self.pause(posted, bytes) } else { self.send(posted, bytes) }
            }
            Some(Redirect { to, .. }) if !is_script(&bytes) => {
                let mut asking = Request::new(Repeat::Freely);
                asking.command("ASKING", 0);
                let mut ahead = Posted::new(0, 1, asking.encoded().len(), Repeat::Freely, u64::MAX);
                ahead.ticket = None;
                self.hand_over(&to, [ahead, posted], &[asking.encoded(), &bytes].concat());
            }
            // A script works on keys that it does not name, and they are on both nodes while the slot moves.
            Some(_) => self.pause(posted, bytes),
            // The node has lost the others; one of them may know better.
            None if text.starts_with(b"CLUSTERDOWN") => {
                posted.excuse();
                self.wait(posted, bytes);
            }
            None => self.calls.fail(posted.ticket.unwrap_or_default(), error_of(&text)),
        }
    }

    /// Whether it is time to ask for the map.
    fn wants_map(&self) -> bool {
        self.stale && clock::now() >= self.ask_at
    }

    /// Takes a new map, or hears that there is none.
    fn learn(&mut self, found: Result<Map, Error>, report: &impl Fn(News)) {
        let now = clock::now();
        // All is well again only when no map was wanted for a while.
        self.fruitless = if now > self.ask_at + 2 * LATE { 0 } else { (self.fruitless + 1).min(5) };
        self.ask_at = now + (SOON << self.fruitless).min(LATE);
        match found {
            Ok(map) => {
                self.stale = false;
                self.map = map;
                let masters = self.map.masters();
                // A node without slots still answers what it was asked.
                self.nodes.retain(|address, node| {
                    masters.contains(address) || node.queued.load(Ordering::Relaxed) > 0
                });
                report(News::Up);
                for Waiting { posted, bytes, .. } in std::mem::take(&mut self.waiting) {
                    self.send(posted, bytes);
                }
            }
            Err(error) => {
                if matches!(error.code, Code::Auth | Code::Config) {
                    for waiting in std::mem::take(&mut self.waiting) {
                        self.calls.fail(waiting.posted.ticket.unwrap_or_default(), error.clone());
                    }
                }
                report(News::Fault(error));
            }
        }
    }

    /// Rejects what is past its deadline and tries again what is due.
    fn tick(&mut self) {
        let now = clock::now();
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.posted.deadline <= now {
                let message = "no node of the cluster took the call within the deadline";
                let error = Error::new(Code::Timeout, message).retryable();
                self.calls.fail(waiting.posted.ticket.unwrap_or_default(), error);
            } else if waiting.due <= now {
                self.send(waiting.posted, waiting.bytes);
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    /// Hands over what was sent and reports what was settled.
    fn flush(&mut self, report: &impl Fn(News)) {
        for node in self.nodes.values_mut().filter(|node| !node.outbox.posted.is_empty()) {
            let order = std::mem::replace(&mut node.outbox, Order { bytes: Vec::new(), posted: Vec::new() });
            node.queued.fetch_add(order.bytes.len(), Ordering::Relaxed);
            // The task lives as long as this sender, so the order always arrives.
            let _ = node.orders.send(order);
        }
        self.calls.report(report);
    }

    fn queued_bytes(&self) -> usize {
        let nodes: usize = self.nodes.values().map(|node| node.queued.load(Ordering::Relaxed)).sum();
        nodes + self.waiting.iter().map(|waiting| waiting.bytes.len()).sum::<usize>()
    }
}

fn is_script(bytes: &[u8]) -> bool {
    let name = Value::parse(bytes).list().next().and_then(Value::text).unwrap_or_default();
    [&b"EVALSHA"[..], b"EVAL"].iter().any(|script| name.eq_ignore_ascii_case(script))
}
