//! The runtime thread: one current-thread tokio runtime for each JavaScript environment, begun when it is first
//! needed and ended with the environment.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{Code, Error};

/// How long the end of an environment waits for the thread. It has nothing to wait for but a task's current step.
const PATIENCE: Duration = Duration::from_millis(500);

/// The running thread.
pub struct Runtime {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    stopped: mpsc::Receiver<()>,
}

impl Runtime {
    /// Starts the thread.
    pub fn start() -> Result<Self, Error> {
        let failed = |error: std::io::Error| {
            Error::new(Code::Internal, format!("the runtime thread cannot be started: {}", error.kind()))
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopping) = oneshot::channel();
        let (tell, stopped) = mpsc::channel();
        thread::Builder::new()
            .name("ferrodis".into())
            .spawn(move || {
                // The sender dropped means the same as a message: end.
                let _ = runtime.block_on(stopping);
                // Name resolution may sit in a system call; it is left alone rather than waited for.
                runtime.shutdown_background();
                let _ = tell.send(());
            })
            .map_err(failed)?;
        Ok(Self { handle, stop: Some(stop), stopped })
    }

    /// Runs a task on the thread.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.stopped.recv_timeout(PATIENCE);
    }
}
