//! `ferrodis/conveyor`: the job queue store of `@conveyor/store-redis` 1.5.0.

pub mod events;
