//! The runtime thread: one current-thread tokio runtime for each JavaScript environment, begun when it is first
//! needed and ended with the environment.

use std::future::Future;
use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::error::{Code, Error};

/// How long the end of an environment waits for the thread. It has nothing to wait for but a task's current step.
const PATIENCE: Duration = Duration::from_millis(500);

/// Panics are told on standard error by place, not by message, which could hold a user's value. They are caught
/// wherever foreign code calls in; this only says whose fault it was.
pub fn report_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let text = format!(
                "ferrodis: a defect of ferrodis at {place}; one operation was rejected. Please report it.\n"
            );
            // Nothing is left to do when even standard error fails.
            let _ = std::io::stderr().write_all(text.as_bytes());
        }));
    });
}

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
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.handle.spawn(task).abort_handle()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.stopped.recv_timeout(PATIENCE);
    }
}
