//! The one error type of the crate, and the stable codes that JavaScript sees.
//!
//! It knows no JavaScript: `bridge` sends its fields across and `ts/errors.ts` builds the class.
//! A message names the option, argument or command at fault, never a value, a URL or a secret.

/// What went wrong, as a stable name. JavaScript sees `ERR_FERRODIS_` followed by [`Code::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// An argument of a call is missing or has the wrong form. Correct the call.
    Argument,
    /// A connection option is wrong. The message names its path, as in `tls.ca`.
    Config,
    /// What was asked for cannot be done with this client, server or platform.
    Unsupported,
    /// No connection, or the connection broke. Look at `outcome` before calling again.
    Connection,
    /// The server refused the credentials or the permission. Correct them; nothing is retried.
    Auth,
    /// The deadline of the call passed.
    Timeout,
    /// The store or connection was closed before or during the call.
    Closed,
    /// Too many calls or bytes are waiting, and the caller asked to fail fast.
    Backpressure,
    /// The value or reply is larger than the limit allows.
    TooLarge,
    /// The server answered with an error; `reply_code` has its first word.
    Reply,
    /// The server sent something that is not RESP. The connection was replaced.
    Protocol,
    /// The lease or lock is no longer held by this caller.
    LeaseLost,
    /// A defect of ferrodis. Please report it.
    Internal,
}

impl Code {
    /// The part after `ERR_FERRODIS_`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argument => "ARGUMENT",
            Self::Config => "CONFIG",
            Self::Unsupported => "UNSUPPORTED",
            Self::Connection => "CONNECTION",
            Self::Auth => "AUTH",
            Self::Timeout => "TIMEOUT",
            Self::Closed => "CLOSED",
            Self::Backpressure => "BACKPRESSURE",
            Self::TooLarge => "TOO_LARGE",
            Self::Reply => "REPLY",
            Self::Protocol => "PROTOCOL",
            Self::LeaseLost => "LEASE_LOST",
            Self::Internal => "INTERNAL",
        }
    }
}

/// What is known about the effect of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call had no effect.
    None,
    /// The call may or may not have had its effect, once.
    Unknown,
    /// The call had its effect; only what came after failed.
    Done,
}

impl Outcome {
    /// The word JavaScript sees.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Done => "done",
        }
    }
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What went wrong.
    pub code: Code,
    /// What is known about the effect.
    pub outcome: Outcome,
    /// Whether the same call may succeed later without a change.
    pub retryable: bool,
    /// One sentence for a person.
    pub message: String,
    /// The first word of a server error, such as `WRONGTYPE`; empty otherwise.
    pub reply_code: String,
}

impl Error {
    /// An error without effect that a retry will not mend.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            outcome: Outcome::None,
            retryable: false,
            message: message.into(),
            reply_code: String::new(),
        }
    }

    /// Marks the error as one that a later call may not meet.
    #[must_use]
    pub const fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Sets what is known about the effect.
    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// An argument at fault: `argument("queueName", "must not be empty")`.
    #[must_use]
    pub fn argument(name: &str, problem: &str) -> Self {
        Self::new(Code::Argument, format!("{name} {problem}"))
    }
}
