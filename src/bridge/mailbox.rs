//! From other threads to the JavaScript thread: items pile up, and one wake-up is under way at a time.

#[cfg(feature = "model")]
use loom::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(feature = "model"))]
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

/// A queue with many senders and one reader that sleeps.
#[derive(Debug)]
pub struct Mailbox<T> {
    items: Mutex<Vec<T>>,
    /// Whether the reader has been woken and has not looked yet.
    awake: AtomicBool,
}

impl<T> Mailbox<T> {
    /// An empty mailbox.
    #[cfg_attr(
        not(feature = "model"),
        expect(clippy::missing_const_for_fn, reason = "loom's locks are not const")
    )]
    pub fn new() -> Self {
        Self { items: Mutex::new(Vec::new()), awake: AtomicBool::new(false) }
    }

    /// Adds an item. True: the sender must wake the reader.
    #[must_use]
    pub fn post(&self, item: T) -> bool {
        if let Ok(mut items) = self.items.lock() {
            items.push(item);
        }
        !self.awake.swap(true, Ordering::AcqRel)
    }

    /// Takes all items. The flag falls first, so that an item posted after the taking wakes the reader again.
    pub fn take(&self) -> Vec<T> {
        self.awake.store(false, Ordering::Release);
        self.items.lock().map(|mut items| std::mem::take(&mut *items)).unwrap_or_default()
    }
}

#[cfg(all(test, feature = "model"))]
mod tests {
    use super::*;
    use loom::sync::Arc;

    /// Run with `cargo test --manifest-path model/Cargo.toml`.
    #[test]
    fn no_item_is_left_behind_and_every_item_has_a_wake_up_after_it() {
        loom::model(|| {
            let mailbox = Arc::new(Mailbox::new());
            let wakes = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
            let senders: Vec<_> = (0..2)
                .map(|item| {
                    let (mailbox, wakes) = (Arc::clone(&mailbox), Arc::clone(&wakes));
                    loom::thread::spawn(move || {
                        if mailbox.post(item) {
                            wakes.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            // The reader looks once while senders are at work, as a wake-up would make it.
            let mut seen = Vec::new();
            if wakes.load(Ordering::SeqCst) > 0 {
                wakes.fetch_sub(1, Ordering::SeqCst);
                seen = mailbox.take();
            }
            for sender in senders {
                sender.join().unwrap();
            }
            // Afterwards each wake-up that is left leads to one more look.
            while wakes.load(Ordering::SeqCst) > 0 {
                wakes.fetch_sub(1, Ordering::SeqCst);
                seen.extend(mailbox.take());
            }
            seen.sort_unstable();
            assert_eq!(seen, [0, 1]);
        });
    }
}
