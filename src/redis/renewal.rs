//! Keeps locks alive from the runtime thread, while the event loop that works under them is busy.
//!
//! A lock is a key that holds its owner's token and expires. Every third of its time to live a script extends it if it is
//! still the owner's. That goes on only while the event loop proves life: a process that hangs must lose its locks. A loss
//! is told once.

mod schedule;

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::remote::{News, Order};
use super::{Config, Limits, Mux, Posted, Repeat, Request, Topology, Value, Watch, clock, remote, script};

pub use schedule::Lock;
use schedule::{Outcome, Schedule};

/// The last sign of life of an event loop, in [`clock::now`].
#[derive(Clone, Debug, Default)]
pub struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    /// The event loop runs.
    pub fn beat(&self) {
        self.0.store(clock::now(), Ordering::Relaxed);
    }

    fn last(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The locks of one connection that are being renewed.
#[derive(Debug)]
pub struct Renewals {
    shared: Arc<Shared>,
    heartbeat: Heartbeat,
}

#[derive(Debug, Default)]
struct Shared {
    schedule: Mutex<Schedule>,
    wake: Notify,
}

impl Shared {
    /// A panic elsewhere does not make the schedule wrong.
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Renewals {
    /// No locks yet, and the task that renews them. `lost` is told the number of a lock that is lost.
    pub fn new(
        topology: Topology,
        config: &Config,
        heartbeat: Heartbeat,
        lost: Box<dyn Fn(u32) + Send + Sync>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let shared = Arc::<Shared>::default();
        let limits = Limits { bytes: config.max_reply_bytes, ..Limits::default() };
        let task = renew(Arc::clone(&shared), heartbeat.clone(), topology, limits, lost);
        (Self { shared, heartbeat }, task)
    }

    /// Begins to renew a lock that was just taken. The task is woken only when it would come too late otherwise: most locks
    /// are given back long before their first renewal.
    pub fn add(&self, id: u32, lock: Lock) {
        self.heartbeat.beat();
        if self.shared.schedule().add(id, lock, clock::now()) {
            self.shared.wake.notify_one();
        }
    }

    /// Stops renewing a lock.
    pub fn remove(&self, id: u32) {
        self.shared.schedule().remove(id);
    }
}

impl Drop for Renewals {
    fn drop(&mut self) {
        self.shared.schedule().close();
        self.shared.wake.notify_one();
    }
}

/// See [`Renewals::new`]. Its own connection is opened with the first renewal.
async fn renew(
    shared: Arc<Shared>,
    heartbeat: Heartbeat,
    topology: Topology,
    limits: Limits,
    lost: Box<dyn Fn(u32) + Send + Sync>,
) {
    let (tell, mut answers) = unbounded_channel();
    let mut orders: Option<UnboundedSender<Order>> = None;
    loop {
        let now = clock::now();
        let plan = {
            let mut schedule = shared.schedule();
            if schedule.is_closed() {
                return;
            }
            schedule.plan(now, heartbeat.last())
        };
        plan.lost.into_iter().for_each(&lost);
        if let Some(order) = order_of(&plan.renewed, now) {
            let orders = orders.get_or_insert_with(|| {
                let (orders, inbox) = unbounded_channel();
                let tell = tell.clone();
                let report = move |news| {
                    // Whoever listened has ended, and so does this connection.
                    let _ = tell.send(news);
                };
                let mux = Mux::new(limits, Watch::default());
                tokio::spawn(remote::carry(
                    topology.clone(),
                    mux,
                    inbox,
                    Arc::new(AtomicUsize::new(0)),
                    report,
                ));
                orders
            });
            // The carrying task lives as long as this sender.
            let _ = orders.send(order);
        }
        let pause =
            plan.next.map_or(Duration::MAX, |next| Duration::from_millis(next.saturating_sub(now).max(1)));
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
            news = answers.recv() => {
                if let Some(news) = news {
                    take(&shared, news).into_iter().for_each(&lost);
                }
            }
        }
    }
}

/// One order that extends locks.
fn order_of(locks: &[(u32, Lock)], now: u64) -> Option<Order> {
    let mut request = Request::new(Repeat::Freely);
    let mut posted = Vec::with_capacity(locks.len());
    let mut end = 0;
    for (id, lock) in locks {
        request.script(&script::REDIS_EXTEND_LOCK, 2).arg(&lock.key).arg(&lock.owner).int(lock.ttl as i64);
        let length = request.encoded().len() - end;
        end += length;
        posted.push(Posted::new(*id, 1, length, Repeat::Freely, now + lock.interval()));
    }
    (!posted.is_empty()).then(|| Order { bytes: request.into_bytes(), posted })
}

/// Enters answers into the schedule; the numbers of the locks that are lost.
fn take(shared: &Shared, news: News) -> Vec<u32> {
    let mut schedule = shared.schedule();
    let now = clock::now();
    match news {
        News::Answers { bytes, answers } => answers
            .into_iter()
            .filter(|answer| {
                let outcome = match Value::parse(&bytes[answer.start..answer.end]) {
                    Value::Int(1) => Outcome::Extended,
                    Value::Int(_) => Outcome::Lost,
                    _ => Outcome::Failed,
                };
                schedule.answered(answer.ticket, outcome, now)
            })
            .map(|answer| answer.ticket)
            .collect(),
        News::Failures(failures) => {
            for failure in failures {
                schedule.answered(failure.ticket, Outcome::Failed, now);
            }
            Vec::new()
        }
        News::Up | News::Fault(_) | News::Returned(_) | News::Ended => Vec::new(),
    }
}
