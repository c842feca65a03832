//! Questions of the runtime thread to JavaScript before it dials, and where the answers go.
//!
//! A question travels through the mailbox like any event; its answer comes back by number. Nobody waits for an answer
//! without also hearing of the connection's end, so a question that is dropped costs nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::post::{Item, Post};
use crate::redis::{Advice, Advisor, Purpose, ReplyBuilder};

/// The questions that are not answered yet. Clones share them.
#[derive(Clone, Default)]
pub struct Questions(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    asked: u32,
    waiting: HashMap<u32, (u32, oneshot::Sender<Advice>)>,
}

impl Questions {
    /// Who asks JavaScript on behalf of a connection.
    pub fn advisor(&self, link: u32, post: Post) -> Advisor {
        let questions = self.clone();
        Advisor::new(move |attempt| {
            let (answer, answered) = oneshot::channel();
            let id = questions.ask(link, answer);
            let mut question = ReplyBuilder::new();
            let events = i64::from(attempt.purpose == Purpose::Events);
            question.list(4).text(b"dial").int(i64::from(id)).int(events).int(i64::from(attempt.number));
            post.send(link, Item::Question(question.into_bytes()));
            answered
        })
    }

    fn ask(&self, link: u32, answer: oneshot::Sender<Advice>) -> u32 {
        let mut open = self.lock();
        open.asked = open.asked.wrapping_add(1);
        let id = open.asked;
        open.waiting.insert(id, (link, answer));
        id
    }

    /// Answers a question, if anybody still waits.
    pub fn answer(&self, id: u32, advice: Advice) {
        if let Some((_, answer)) = self.lock().waiting.remove(&id) {
            let _ = answer.send(advice);
        }
    }

    /// A connection has ended: its questions have nobody left to answer them.
    pub fn forget(&self, link: u32) {
        self.lock().waiting.retain(|_, (asker, _)| *asker != link);
    }

    /// A panic elsewhere does not make the list wrong.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
