//! What several operations need: call tokens, numbers, windows, and reading jobs by their ids.

use std::time::{SystemTime, UNIX_EPOCH};

use super::CHUNK;
use crate::conveyor::keys::{Queue, registry};
use crate::conveyor::record::{exists, number, read_job, texts};
use crate::error::Error;
use crate::redis::{Args, Caller, Frames, Repeat, ReplyBuilder, Request, Value};

/// The token of a call: the store instance and its call counter.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    instance: &'a [u8],
    call: &'a [u8],
    slot: i64,
}

impl<'a> Token<'a> {
    /// How many script arguments [`Token::write`] adds.
    pub const ARGS: usize = 3;

    /// The token in arguments `index` and `index + 1`.
    ///
    /// # Errors
    /// When one is absent or the counter is no number.
    pub fn of(args: &'a Args, index: usize) -> Result<Self, Error> {
        let instance = args.bytes(index, "instance")?;
        let slot = args.int(index + 1, "call counter")?.rem_euclid(64);
        Ok(Self { instance, call: args.bytes(index + 1, "call counter")?, slot })
    }

    /// Writes instance, slot and token of one script call of the operation, the `step`th.
    pub fn write(self, request: &mut Request, step: usize) {
        request.arg(self.instance).int(self.slot);
        request.parts(&[self.call, b".", itoa::Buffer::new().format(step).as_bytes()]);
    }
}

/// The client's clock in milliseconds: for the instants that clients write into records.
pub fn client_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_millis() as f64)
}

/// Argument `index` as a finite number, if it is there.
///
/// # Errors
/// When it is there and no finite number.
pub fn optional_number(args: &Args, index: usize, name: &str) -> Result<Option<f64>, Error> {
    args.get(index)
        .map(|text| number(text).ok_or_else(|| Error::argument(name, "must be a finite number")))
        .transpose()
}

/// Argument `index` as a duration, rounded up to whole milliseconds.
///
/// # Errors
/// When it is not a positive, finite number.
pub fn duration(args: &Args, index: usize, name: &str) -> Result<i64, Error> {
    match number(args.bytes(index, name)?) {
        Some(ms) if ms > 0.0 => Ok(ms.ceil() as i64),
        _ => Err(Error::argument(name, "must be a positive number")),
    }
}

/// Argument `index` as JavaScript reads a position: any number, infinities too.
///
/// # Errors
/// When it is absent or no number.
pub fn position(args: &Args, index: usize, name: &str) -> Result<f64, Error> {
    match args.text(index, name)? {
        "Infinity" => Ok(f64::INFINITY),
        "-Infinity" => Ok(f64::NEG_INFINITY),
        text => text.parse().map_err(|_| Error::argument(name, "must be a number")),
    }
}

/// What `slice(start, end)` takes of an array of `len` elements.
pub fn slice_range(len: usize, start: f64, end: f64) -> std::ops::Range<usize> {
    let at = |bound: f64| {
        let bound = if bound < 0.0 { bound.trunc() + len as f64 } else { bound.trunc() };
        bound.clamp(0.0, len as f64) as usize
    };
    let (start, end) = (at(start), at(end));
    start..end.max(start)
}

/// All queue names of a prefix.
pub async fn queue_names(caller: &Caller, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut request = Request::new(Repeat::Freely);
    request.command("SMEMBERS", 1);
    registry(&mut request, prefix);
    Ok(texts(caller.call(request).await?.first()?.list()))
}

/// Jobs as they were read, in the order of the ids that were asked for.
#[derive(Default)]
pub struct Jobs {
    frames: Vec<Frames>,
}

impl Jobs {
    /// Reads the jobs with these ids, a chunk per round trip.
    pub async fn read<'a>(
        caller: &Caller,
        ids: impl Iterator<Item = (Queue<'a>, &'a [u8])>,
    ) -> Result<Self, Error> {
        let mut ids = ids.peekable();
        let mut jobs = Self::default();
        while ids.peek().is_some() {
            let mut request = Request::new(Repeat::Freely);
            for (queue, id) in ids.by_ref().take(CHUNK) {
                read_job(&mut request, queue, id);
            }
            jobs.frames.push(caller.call(request).await?);
        }
        Ok(jobs)
    }

    /// The jobs that are there. One that is gone, or whose key is no hash, is left out.
    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        self.frames.iter().flat_map(Frames::each).filter(|job| exists(*job))
    }

    /// Writes the list of the jobs that are there.
    pub fn write(&self, reply: &mut ReplyBuilder) {
        write_jobs(&self.iter().collect::<Vec<_>>(), reply);
    }
}

/// Writes a list of jobs.
pub fn write_jobs(jobs: &[Value<'_>], reply: &mut ReplyBuilder) {
    reply.list(jobs.len());
    for job in jobs {
        reply.value(*job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_javascript_slices() {
        assert_eq!(slice_range(5, 0.0, 100.0), 0..5);
        assert_eq!(slice_range(5, 1.9, 3.2), 1..3);
        assert_eq!(slice_range(5, -3.0, -1.0), 2..4);
        assert_eq!(slice_range(5, -2.0, 1.0), 3..3);
        assert_eq!(slice_range(5, 0.0, f64::INFINITY), 0..5);
    }

    #[test]
    fn a_duration_is_rounded_up_and_must_be_positive() {
        let args: Args = ["0.5", "30000", "0", "-1", "NaN", "Infinity"].into_iter().collect();
        assert_eq!(duration(&args, 0, "lockDuration").unwrap(), 1);
        assert_eq!(duration(&args, 1, "lockDuration").unwrap(), 30_000);
        for index in 2..6 {
            let error = duration(&args, index, "lockDuration").unwrap_err();
            assert_eq!(error.message, "lockDuration must be a positive number");
        }
    }
}
