//! Where the data of one workflow run lies, and the fields of a step. `P` is the caller's prefix, `R` the id of a run, `S` the name
//! of a step.

use crate::error::Error;
use crate::redis::{Args, Request};

/// The fields of a step that its state is made of, in the order in which TypeScript reads them. Without the first
/// there is no step.
pub const STATE: [&[u8]; 12] = [
    b"stepId",
    b"rpcName",
    b"status",
    b"attemptCount",
    b"retries",
    b"retryDelay",
    b"fromStepName",
    b"result",
    b"error",
    b"childRunId",
    b"createdAt",
    b"updatedAt",
];

/// `P:run-state:R`, the variables of a run.
pub fn run_state(request: &mut Request, prefix: &[u8], run: &[u8]) {
    request.parts(&[prefix, b":run-state:", run]);
}

/// `P:steps:R`, ours: the names of the steps of a run by the time they were made.
pub fn steps(request: &mut Request, prefix: &[u8], run: &[u8]) {
    request.parts(&[prefix, b":steps:", run]);
}

/// `P:active-runs`, ours: the running runs by the time of their last change.
pub fn active_runs(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":active-runs"]);
}

/// `P:pending-steps`, ours: the ids of the steps that wait for their dispatch, by the time since.
pub fn pending_steps(request: &mut Request, prefix: &[u8]) {
    request.parts(&[prefix, b":pending-steps"]);
}

/// `P:version:NAME:HASH`, a stored version of a workflow.
pub fn version(request: &mut Request, prefix: &[u8], name: &[u8], hash: &[u8]) {
    request.parts(&[prefix, b":version:", name, b":", hash]);
}

/// Adds [`STATE`] to a command.
pub fn state(request: &mut Request) {
    for field in STATE {
        request.arg(field);
    }
}

/// One step: its run and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    prefix: &'a [u8],
    /// The id of its run.
    pub run: &'a [u8],
    /// Its name, in which any character may stand.
    pub name: &'a [u8],
}

impl<'a> Step<'a> {
    /// The step that arguments `P R S` name.
    ///
    /// # Errors
    /// When one is absent.
    pub fn named(args: &'a Args) -> Result<Self, Error> {
        Ok(Self {
            prefix: args.bytes(0, "keyPrefix")?,
            run: args.bytes(1, "runId")?,
            name: args.bytes(2, "stepName")?,
        })
    }

    /// The step of a step id, which is `R:S:<ms>`: there is no other way from an id to its key.
    #[must_use]
    pub fn of_id(prefix: &'a [u8], id: &'a [u8]) -> Self {
        let first = memchr::memchr(b':', id).unwrap_or(id.len());
        let last = memchr::memrchr(b':', id).unwrap_or(id.len());
        Self { prefix, run: &id[..first], name: id.get(first + 1..last).unwrap_or_default() }
    }

    /// `P:step:R:S`, its hash.
    pub fn hash(self, request: &mut Request) {
        request.parts(&[self.prefix, b":step:", self.run, b":", self.name]);
    }

    /// `P:step-history:<id>`, its attempts.
    pub fn history(self, request: &mut Request, id: &[u8]) {
        request.parts(&[self.prefix, b":step-history:", id]);
    }

    /// `P:step-lock:R:S`.
    pub fn lock(self, request: &mut Request) {
        request.parts(&[self.prefix, b":step-lock:", self.run, b":", self.name]);
    }

    /// `P:step-lease:R:S`, ours: there while the process that executes the step is.
    pub fn lease(self, request: &mut Request) {
        request.parts(&[self.prefix, b":step-lease:", self.run, b":", self.name]);
    }

    /// The keys of the scripts that may end a claim of a step with this id.
    pub fn claim_keys(self, request: &mut Request, id: &[u8]) {
        self.keys(request, id);
        self.lease(request);
        self.lock(request);
    }

    /// The keys of the scripts that change a step with this id.
    pub fn keys(self, request: &mut Request, id: &[u8]) {
        self.hash(request);
        self.history(request, id);
        self.side_keys(request);
    }

    /// The two keys of ours that know of its run.
    pub fn run_keys(self, request: &mut Request) {
        steps(request, self.prefix, self.run);
        active_runs(request, self.prefix);
    }

    /// The three keys of ours that know of it.
    pub fn side_keys(self, request: &mut Request) {
        self.run_keys(request);
        pending_steps(request, self.prefix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_id_is_taken_apart_at_its_first_and_last_colon() {
        let of = |id: &'static str| {
            let step = Step::of_id(b"p", id.as_bytes());
            (std::str::from_utf8(step.run).unwrap(), std::str::from_utf8(step.name).unwrap())
        };
        assert_eq!(of("r:step:1"), ("r", "step"));
        assert_eq!(of("r:a:b:c:1"), ("r", "a:b:c"));
        assert_eq!(of("r::1"), ("r", ""));
        assert_eq!(of("r:1"), ("r", ""));
        assert_eq!(of("r"), ("r", ""));
        assert_eq!(of(""), ("", ""));
    }
}
