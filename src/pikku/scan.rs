//! Keys of one kind, found by walking through the database: for what has no index, and never on a path of the engine.

use crate::error::Error;
use crate::redis::keyspace::{beginning_with, matching, scan_step};
use crate::redis::{Caller, Request, Value};

/// All keys that begin with a stem; what follows is an id. Glob characters in the stem mean themselves.
#[derive(Debug)]
pub struct Pattern {
    stem: Vec<u8>,
    glob: Vec<u8>,
}

impl Pattern {
    /// The keys that begin with `prefix` and `family`.
    #[must_use]
    pub fn of(prefix: &[u8], family: &[u8]) -> Self {
        let stem = [prefix, family].concat();
        let glob = beginning_with(&stem);
        Self { stem, glob }
    }

    /// The workflow runs of a prefix.
    #[must_use]
    pub fn runs(prefix: &[u8]) -> Self {
        Self::of(prefix, b":run:")
    }

    /// The secrets of a prefix.
    #[must_use]
    pub fn secrets(prefix: &[u8]) -> Self {
        Self::of(prefix, b":secret:")
    }

    /// The agents of a prefix that have a set of threads.
    #[must_use]
    pub fn agent_threads(prefix: &[u8]) -> Self {
        Self::of(prefix, b":agent-threads:")
    }

    /// The id in a key that the scan has found.
    #[must_use]
    pub fn id<'a>(&self, key: Value<'a>) -> Option<&'a [u8]> {
        key.text()?.strip_prefix(self.stem.as_slice())
    }

    /// Writes one step of the walk, which looks at about `count` keys.
    pub fn scan(&self, request: &mut Request, cursor: &[u8], count: i64) {
        scan_step(request, cursor, &self.glob, count);
    }

    /// All ids, each once, in steps of about `count` keys of the whole database.
    ///
    /// # Errors
    /// Those of the calls.
    pub async fn all(&self, caller: &Caller, count: i64) -> Result<Vec<Vec<u8>>, Error> {
        let found = matching(caller, &self.glob, count).await?;
        let mut ids: Vec<_> = found
            .iter()
            .filter_map(|key| key.strip_prefix(self.stem.as_slice()))
            .map(<[u8]>::to_vec)
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_literally() {
        let pattern = Pattern::secrets(b"app[1]*?\\^");
        assert_eq!(pattern.glob, b"app\\[1\\]\\*\\?\\\\^:secret:*");
        assert_eq!(pattern.id(Value::Text(b"app[1]*?\\^:secret:a:b")), Some(&b"a:b"[..]));
        assert_eq!(pattern.id(Value::Text(b"app1:secret:a")), None);
    }
}
