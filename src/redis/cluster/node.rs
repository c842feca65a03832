//! The connection to one node: opened by the first request, and what it cannot carry out goes back to the router.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedReceiver;

use super::Cluster;
use crate::error::{Code, Error};
use crate::redis::config::Address;
use crate::redis::remote::{News, Order, TICK, exchange, mux_take, tell};
use crate::redis::{Link, Mux, clock};

/// Carries requests until the sender of `orders` is dropped; then gives back what was not answered.
pub async fn serve(
    cluster: Cluster,
    address: Address,
    mut mux: Mux,
    mut orders: UnboundedReceiver<Order>,
    queued: Arc<AtomicUsize>,
    report: impl Fn(News) + Send + Sync,
) {
    while let Some(order) = orders.recv().await {
        mux_take(&mut mux, order);
        let ended = match connect(&cluster, &address, &mut mux, &mut orders, &queued, &report).await {
            None => None,
            Some(Ok(link)) => {
                mux.attach(clock::now());
                report(News::Up);
                exchange(link, &mut mux, &mut orders, &queued, &report).await
            }
            Some(Err(error)) => Some(error),
        };
        let gone = Error::new(Code::Connection, "the node serves no slot any more").retryable();
        let error = ended.as_ref().unwrap_or(&gone);
        let mut failures = Vec::new();
        mux.lost(error, &mut failures);
        if matches!(error.code, Code::Auth | Code::Config) {
            mux.close(error, &mut failures);
        }
        tell(failures, &report);
        report(News::Returned(mux.give_up()));
        queued.store(0, Ordering::Relaxed);
        let Some(error) = ended else { return };
        report(News::Fault(error));
    }
}

/// One attempt, taking orders and keeping deadlines meanwhile. `None`: the orders have ended.
async fn connect(
    cluster: &Cluster,
    address: &Address,
    mux: &mut Mux,
    orders: &mut UnboundedReceiver<Order>,
    queued: &AtomicUsize,
    report: &impl Fn(News),
) -> Option<Result<Link, Error>> {
    let mut dial = std::pin::pin!(cluster.dial(address));
    loop {
        tokio::select! {
            dialled = &mut dial => return Some(dialled),
            order = orders.recv() => mux_take(mux, order?),
            () = tokio::time::sleep(TICK) => {}
        }
        let mut failures = Vec::new();
        // Without a connection a tick only rejects.
        let _ = mux.tick(clock::now(), &mut failures);
        tell(failures, report);
        queued.store(mux.queued_bytes(), Ordering::Relaxed);
    }
}
