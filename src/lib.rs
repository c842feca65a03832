//! The native core of ferrodis: Redis and Valkey for the job, workflow, event and lock libraries of
//! TypeScript. `docs/architecture.md` says what lives where and which layer may name which.

pub mod ayepi;
pub mod conveyor;
pub mod error;
pub mod go_go_scope;
pub mod nvent;
pub mod pikku;
pub mod redis;

#[cfg(feature = "node")]
mod bridge;
