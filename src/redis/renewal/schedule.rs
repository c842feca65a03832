//! When which lock is to be extended, and when it has to count as lost. No clock and no connection in here.

use std::collections::HashMap;

/// A lock that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Its key.
    pub key: Vec<u8>,
    /// What it holds while it is its owner's.
    pub owner: Vec<u8>,
    /// Its time to live in ms.
    pub ttl: u64,
    /// It is extended no more when the event loop has been silent for longer than this, in ms.
    pub max_silence: u64,
}

impl Lock {
    /// How long it is left alone between two renewals.
    #[must_use]
    pub const fn interval(&self) -> u64 {
        self.ttl / 3
    }

    /// How soon it is looked at again after a renewal that failed or was not due to be made.
    const fn retry(&self) -> u64 {
        self.ttl / 12
    }
}

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The lock lives on.
    Extended,
    /// It is not the owner's any more.
    Lost,
    /// Nobody knows.
    Failed,
}

/// What to do now.
#[derive(Debug, Default)]
pub struct Plan {
    /// Locks to extend.
    pub renewed: Vec<(u32, Lock)>,
    /// Locks that have not been extended for their time to live.
    pub lost: Vec<u32>,
    /// When to ask again; `None`: when a lock is added.
    pub next: Option<u64>,
}

#[derive(Debug)]
struct Held {
    lock: Lock,
    /// It lives until at least this instant and its time to live.
    since: u64,
    /// When it is to be extended next.
    due: u64,
    /// When the renewal that is under way began.
    asked: Option<u64>,
}

impl Held {
    const fn lapses(&self) -> u64 {
        self.since.saturating_add(self.lock.ttl)
    }
}

/// All locks, by their numbers.
#[derive(Debug, Default)]
pub struct Schedule {
    locks: HashMap<u32, Held>,
    /// When the task comes by anyway.
    next: Option<u64>,
    closed: bool,
}

impl Schedule {
    /// Adds a lock that was taken just now. True: the task must be woken to come in time.
    pub fn add(&mut self, id: u32, lock: Lock, now: u64) -> bool {
        let due = now.saturating_add(lock.interval());
        let too_late = self.next.is_none_or(|next| next > due);
        if too_late {
            self.next = Some(due);
        }
        self.locks.insert(id, Held { lock, since: now, due, asked: None });
        too_late
    }

    /// Forgets a lock.
    pub fn remove(&mut self, id: u32) {
        self.locks.remove(&id);
    }

    /// Nobody asks any more.
    pub fn close(&mut self) {
        self.locks.clear();
        self.closed = true;
    }

    /// Whether nobody asks any more.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// What to do at `now`, when the event loop gave its last sign of life at `beat`.
    pub fn plan(&mut self, now: u64, beat: u64) -> Plan {
        let mut plan = Plan::default();
        self.locks.retain(|&id, held| {
            let lives = now < held.lapses();
            if !lives {
                plan.lost.push(id);
            }
            lives
        });
        for (&id, held) in &mut self.locks {
            if held.due <= now {
                let silent = now.saturating_sub(beat) > held.lock.max_silence;
                if silent || held.asked.is_some() {
                    held.due = now.saturating_add(held.lock.retry().max(1));
                } else {
                    held.asked = Some(now);
                    held.due = now.saturating_add(held.lock.interval().max(1));
                    plan.renewed.push((id, held.lock.clone()));
                }
            }
        }
        plan.next = self.locks.values().map(|held| held.due.min(held.lapses())).min();
        self.next = plan.next;
        plan
    }

    /// Enters what became of a renewal. True: the lock is lost, and forgotten.
    pub fn answered(&mut self, id: u32, outcome: Outcome, now: u64) -> bool {
        let Some(held) = self.locks.get_mut(&id) else { return false };
        let asked = held.asked.take();
        match outcome {
            Outcome::Extended => held.since = asked.unwrap_or(held.since),
            Outcome::Failed => held.due = now.saturating_add(held.lock.retry()),
            Outcome::Lost => {
                self.locks.remove(&id);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(ttl: u64) -> Lock {
        Lock { key: b"key".to_vec(), owner: b"owner".to_vec(), ttl, max_silence: ttl }
    }

    fn renewed(plan: &Plan) -> Vec<u32> {
        plan.renewed.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn a_lock_is_extended_every_third_of_its_time_to_live() {
        let mut schedule = Schedule::default();
        assert!(schedule.add(1, lock(300), 1000));
        assert_eq!(schedule.plan(1000, 1000).next, Some(1100));
        assert_eq!(renewed(&schedule.plan(1100, 1100)), [1]);
        assert!(!schedule.answered(1, Outcome::Extended, 1101));
        assert!(renewed(&schedule.plan(1150, 1150)).is_empty());
        assert_eq!(renewed(&schedule.plan(1200, 1200)), [1]);
    }

    #[test]
    fn the_task_is_woken_only_by_a_lock_that_it_would_miss() {
        let mut schedule = Schedule::default();
        assert!(schedule.add(1, lock(300), 1000));
        assert!(!schedule.add(2, lock(300), 1001));
        assert!(schedule.add(3, lock(30), 1002));
        schedule.remove(3);
        assert_eq!(schedule.plan(1003, 1003).next, Some(1100));
    }

    #[test]
    fn a_loop_that_is_silent_for_too_long_loses_its_lock_once() {
        let mut schedule = Schedule::default();
        schedule.add(1, lock(300), 1000);
        for now in [1100, 1200, 1300] {
            assert_eq!(renewed(&schedule.plan(now, 1000)), [1], "at {now}");
            schedule.answered(1, Outcome::Extended, now);
        }
        for now in [1400, 1450, 1599] {
            assert!(renewed(&schedule.plan(now, 1000)).is_empty(), "at {now}");
        }
        assert_eq!(schedule.plan(1600, 1000).lost, [1]);
        assert!(schedule.plan(2000, 1000).lost.is_empty());
    }

    #[test]
    fn a_loop_that_comes_back_in_time_keeps_its_lock() {
        let mut schedule = Schedule::default();
        schedule.add(1, lock(300), 1000);
        schedule.plan(1290, 1290);
        schedule.answered(1, Outcome::Extended, 1291);
        assert!(renewed(&schedule.plan(1400, 1000)).is_empty());
        assert_eq!(renewed(&schedule.plan(1430, 1428)), [1]);
    }

    #[test]
    fn a_failure_is_tried_again_until_the_lock_has_lapsed() {
        let mut schedule = Schedule::default();
        schedule.add(1, lock(300), 1000);
        assert_eq!(renewed(&schedule.plan(1100, 1100)), [1]);
        assert!(!schedule.answered(1, Outcome::Failed, 1150));
        assert_eq!(renewed(&schedule.plan(1175, 1175)), [1]);
        assert!(schedule.plan(1299, 1299).lost.is_empty());
        assert_eq!(schedule.plan(1300, 1300).lost, [1]);
    }

    #[test]
    fn a_lock_of_another_is_lost_and_forgotten() {
        let mut schedule = Schedule::default();
        schedule.add(1, lock(300), 1000);
        schedule.plan(1100, 1100);
        assert!(schedule.answered(1, Outcome::Lost, 1101));
        assert!(!schedule.answered(1, Outcome::Lost, 1102));
        assert_eq!(schedule.plan(1103, 1103).next, None);
    }
}
