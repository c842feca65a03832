//! The positional arguments of one call, as they crossed from JavaScript.

use crate::error::Error;

/// Marks an argument that was `null` or `undefined`.
const ABSENT: usize = 1 << (usize::BITS - 1);

/// Strings laid end to end in one reusable buffer, so that a call costs no allocation.
#[derive(Clone, Debug, Default)]
pub struct Args {
    bytes: Vec<u8>,
    /// End of each argument in `bytes`, with the [`ABSENT`] bit for `null`.
    ends: Vec<usize>,
}

impl Args {
    /// How many arguments there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Argument `index`, or `None` when it is `null`, `undefined` or past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        if end & ABSENT != 0 {
            return None;
        }
        let start = index.checked_sub(1).map_or(0, |previous| self.ends[previous] & !ABSENT);
        Some(&self.bytes[start..end])
    }

    /// Argument `index`, which must be there; `name` is what the error calls it.
    ///
    /// # Errors
    /// [`Code::Argument`](crate::error::Code::Argument) when it is absent.
    pub fn bytes(&self, index: usize, name: &str) -> Result<&[u8], Error> {
        self.get(index).ok_or_else(|| Error::argument(name, "is missing"))
    }

    /// Argument `index` as text.
    ///
    /// # Errors
    /// When it is absent or not UTF-8.
    pub fn text(&self, index: usize, name: &str) -> Result<&str, Error> {
        std::str::from_utf8(self.bytes(index, name)?).map_err(|_| Error::argument(name, "is not valid UTF-8"))
    }

    /// Argument `index` as a whole number.
    ///
    /// # Errors
    /// When it is absent or not a decimal integer.
    pub fn int(&self, index: usize, name: &str) -> Result<i64, Error> {
        self.text(index, name)?.parse().map_err(|_| Error::argument(name, "must be a whole number"))
    }

    /// Arguments from `index` on.
    pub fn rest(&self, index: usize) -> impl Iterator<Item = Option<&[u8]>> {
        (index..self.len()).map(|i| self.get(i))
    }

    /// Appends an argument.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }

    /// Appends a `null`.
    pub fn push_absent(&mut self) {
        self.ends.push(self.bytes.len() | ABSENT);
    }

    /// Appends what `write` adds to the buffer as one argument, or a `null` when it answers false.
    /// `write` may only append.
    pub fn push_or_absent(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let mark = if write(&mut self.bytes) { 0 } else { ABSENT };
        self.ends.push(self.bytes.len() | mark);
    }

    /// Moves the arguments of `other` behind these.
    pub fn append(&mut self, other: &mut Self) {
        if other.is_empty() {
            return;
        }
        let shift = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + shift));
        other.clear();
    }

    /// Forgets all arguments and keeps the memory, unless one call made it large.
    pub fn clear(&mut self) {
        const KEEP: usize = 1 << 20;
        self.bytes.clear();
        self.ends.clear();
        if self.bytes.capacity() > KEEP {
            self.bytes = Vec::new();
            self.ends = Vec::new();
        }
    }
}

impl<'a> FromIterator<&'a str> for Args {
    fn from_iter<I: IntoIterator<Item = &'a str>>(items: I) -> Self {
        let mut args = Self::default();
        for item in items {
            args.push(item.as_bytes());
        }
        args
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_empty_are_told_apart() {
        let mut args = Args::default();
        args.push(b"queue");
        args.push_absent();
        args.push(b"");
        args.push(b"x");
        assert_eq!(args.get(0), Some(&b"queue"[..]));
        assert_eq!(args.get(1), None);
        assert_eq!(args.get(2), Some(&b""[..]));
        assert_eq!(args.get(3), Some(&b"x"[..]));
        assert_eq!(args.get(4), None);
        assert_eq!(args.rest(2).flatten().count(), 2);
    }

    #[test]
    fn an_error_names_the_argument() {
        let args: Args = std::iter::once("many").collect();
        assert_eq!(args.int(0, "limit").unwrap_err().message, "limit must be a whole number");
        assert_eq!(args.bytes(1, "queueName").unwrap_err().message, "queueName is missing");
    }
}
