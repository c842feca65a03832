//! The runtime lane, seen from the JavaScript thread: requests of one tick go over as one order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use crate::error::Error;
use crate::redis::remote::Order;
use crate::redis::{Posted, Repeat, Request, Ticket};

/// This thread's end of a connection that lives on the runtime thread.
pub struct RuntimeLane {
    bytes: Vec<u8>,
    posted: Vec<Posted>,
    /// None once closed: the task then settles what is left and ends.
    orders: Option<UnboundedSender<Order>>,
    /// Bytes that wait on the other side.
    queued: Arc<AtomicUsize>,
    to_cluster: bool,
}

impl RuntimeLane {
    /// A lane whose task reads the other end of `orders`.
    pub const fn new(orders: UnboundedSender<Order>, queued: Arc<AtomicUsize>, to_cluster: bool) -> Self {
        Self { bytes: Vec::new(), posted: Vec::new(), orders: Some(orders), queued, to_cluster }
    }

    /// As [`Lane::submit`](super::lane::Lane::submit).
    pub fn submit(
        &mut self,
        ticket: Ticket,
        repeat: Repeat,
        deadline: u64,
        build: impl FnOnce(&mut Request) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (to_cluster, mut unanswered) = (self.to_cluster, 0);
        let (commands, length) = Request::append(&mut self.bytes, repeat, |request| {
            request.set_to_cluster(to_cluster);
            build(request)?;
            unanswered = request.left_out();
            Ok(())
        })?;
        let mut posted = Posted::new(ticket, commands, length, repeat, deadline);
        posted.unanswered = unanswered;
        self.posted.push(posted);
        Ok(())
    }

    /// Whether it leads to a cluster.
    pub const fn is_to_cluster(&self) -> bool {
        self.to_cluster
    }

    /// As [`Lane::enqueue`](super::lane::Lane::enqueue).
    pub fn enqueue(&mut self, bytes: &[u8], posted: Posted) {
        self.bytes.extend_from_slice(bytes);
        self.posted.push(posted);
    }

    /// Hands over what was queued in this tick.
    pub fn flush(&mut self) {
        if self.posted.is_empty() {
            return;
        }
        let order =
            Order { bytes: std::mem::take(&mut self.bytes), posted: std::mem::take(&mut self.posted) };
        self.queued.fetch_add(order.bytes.len(), Ordering::Relaxed);
        if let Some(orders) = &self.orders {
            // The task lives as long as this sender, so the order always arrives.
            let _ = orders.send(order);
        }
    }

    /// Hands over what is left and ends the task.
    pub fn close(&mut self) {
        self.flush();
        self.orders = None;
    }

    /// Bytes that wait for their answer, here and there.
    pub fn queued_bytes(&self) -> usize {
        self.bytes.len() + self.queued.load(Ordering::Relaxed)
    }

    /// Forgets what was not handed over: a panic left it damaged.
    pub fn clear(&mut self) -> Vec<Ticket> {
        self.bytes.clear();
        self.posted.drain(..).filter_map(|posted| posted.ticket).collect()
    }
}
