//! Lua scripts, embedded at build time from `lua/<area>/<name>-<keys>.lua` with their includes expanded.

/// One script: `build.rs` makes a `static` of each file.
#[derive(Debug)]
pub struct Script {
    /// Area and name, as in `conveyor/fetchNextJob`.
    pub name: &'static str,
    /// The expanded source.
    pub source: &'static str,
    /// SHA-1 of the source in lower-case hex, as EVALSHA takes it.
    pub sha: &'static str,
    /// How many keys it takes: the number in its file name.
    pub keys: usize,
}

include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// The script with this SHA-1, for the day the server has forgotten it.
#[must_use]
pub fn by_sha(sha: &[u8]) -> Option<&'static Script> {
    ALL.iter().copied().find(|script| script.sha.as_bytes() == sha)
}
