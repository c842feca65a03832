//! What the owner of a connection says before each attempt to dial: how long to wait first, and as whom to log in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::secret::Secret;
use super::topology::Purpose;

/// An attempt that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// What the connection is for.
    pub purpose: Purpose,
    /// 0 for the very first; from 1 on after a lost connection, counting the failures since.
    pub number: u32,
}

/// How to go about it.
#[derive(Clone, Debug, Default)]
pub struct Advice {
    /// How long to wait before; our own pace when absent.
    pub pause: Option<Duration>,
    /// As whom; as the options say when absent.
    pub credentials: Option<Credentials>,
}

/// User and password.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// ACL user; absent means the default user.
    pub username: Option<String>,
    /// Password; absent means none is sent.
    pub password: Option<Secret>,
}

/// Who is asked. The answer may take its time; an answer that can no longer come ends the dialling.
#[derive(Clone)]
pub struct Advisor(Arc<dyn Fn(Attempt) -> oneshot::Receiver<Advice> + Send + Sync>);

impl Advisor {
    /// Has `ask` asked.
    pub fn new(ask: impl Fn(Attempt) -> oneshot::Receiver<Advice> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// Asks and waits. For ever when there is nobody left to answer: whoever waits for a connection hears
    /// otherwise that it has ended.
    pub(super) async fn advice(&self, attempt: Attempt) -> Advice {
        match (self.0)(attempt).await {
            Ok(advice) => advice,
            Err(_) => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Advisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Advisor")
    }
}
