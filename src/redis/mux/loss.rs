//! What becomes of the queue without its connection.

use super::posted::Parked;
use super::{Failure, MAX_ATTEMPTS, Mux, Returned};
use crate::error::{Code, Error, Outcome};
use crate::redis::Repeat;

impl Mux {
    /// The connection is gone. What may be sent again stays queued; the rest fails.
    pub fn lost(&mut self, error: &Error, failures: &mut Vec<Failure>) {
        let guilty = matches!(error.code, Code::Protocol | Code::TooLarge);
        let mut kept = Vec::with_capacity(self.out.len() - self.base);
        let mut offset = self.base;
        for (index, mut posted) in std::mem::take(&mut self.queue).into_iter().enumerate() {
            let range = offset..offset + posted.bytes;
            let written = range.start < self.sent;
            offset = range.end;
            let Some(ticket) = posted.ticket else { continue };
            posted.attempts += u8::from(written);
            let again =
                posted.repeat == Repeat::Freely && posted.attempts < MAX_ATTEMPTS && !(guilty && index == 0);
            if !written || again {
                kept.extend_from_slice(&self.out[range]);
                self.queue.push_back(posted);
            } else {
                failures.push(Failure { ticket, error: error.clone().outcome(Outcome::Unknown) });
            }
        }
        self.out = kept;
        self.base = 0;
        self.sent = 0;
        self.filled = 0;
        self.frame = 0;
        self.frames = 0;
        self.answer = 0;
        self.scanner.reset();
        self.connected = false;
        self.demoted = false;
    }

    /// Rejects everything: the owner closes, or the queue itself was damaged by a panic.
    pub fn close(&mut self, error: &Error, failures: &mut Vec<Failure>) {
        let mut offset = self.base;
        for posted in std::mem::take(&mut self.queue) {
            let outcome = if offset < self.sent { Outcome::Unknown } else { Outcome::None };
            offset += posted.bytes;
            failures.extend(
                posted.ticket.map(|ticket| Failure { ticket, error: error.clone().outcome(outcome) }),
            );
        }
        for parked in std::mem::take(&mut self.parked) {
            failures.extend(parked.posted.ticket.map(|ticket| Failure { ticket, error: error.clone() }));
        }
        self.out = Vec::new();
        self.base = 0;
        self.sent = 0;
        self.lost(error, failures);
    }

    /// Gives up everything that waits. After [`Mux::lost`] that is what may be written somewhere else.
    pub fn give_up(&mut self) -> Vec<Returned> {
        let mut offset = self.base;
        let queued: Vec<_> = self
            .queue
            .drain(..)
            .map(|posted| {
                offset += posted.bytes;
                Returned { posted, bytes: self.out[offset - posted.bytes..offset].to_vec(), redirect: None }
            })
            .collect();
        self.out.clear();
        (self.base, self.sent) = (0, 0);
        let parked = self.parked.drain(..).map(|Parked { posted, bytes, .. }| Returned {
            posted,
            bytes,
            redirect: None,
        });
        queued.into_iter().chain(parked).filter(|returned| returned.posted.ticket.is_some()).collect()
    }
}
