//! What a server's error means: the classes of answers, in one table.

use crate::error::{Code, Error};

/// What to do with a request that was answered by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The script is unknown to the server: send its source.
    NoScript,
    /// Not executed, and passing: send again after a pause.
    Wait,
    /// Not executed; this node is not, or no longer, the one to ask: replace the connection, send again.
    Demoted,
    /// Not executed; another node of the cluster is the one to ask.
    Elsewhere,
    /// Not executed; nobody serves this slot of the cluster at the moment, as far as this node knows.
    Unserved,
    /// Belongs to the caller.
    Final,
}

/// The class of a server error, told by its first word.
#[must_use]
pub fn classify(text: &[u8]) -> Class {
    match word(unwrapped(text)) {
        b"NOSCRIPT" => Class::NoScript,
        b"LOADING" | b"MASTERDOWN" | b"TRYAGAIN" | b"BUSY" => Class::Wait,
        b"READONLY" | b"UNBLOCKED" => Class::Demoted,
        b"MOVED" | b"ASK" => Class::Elsewhere,
        b"CLUSTERDOWN" => Class::Unserved,
        _ => Class::Final,
    }
}

/// A server error as our own, with the server's text as its message, except for what it quotes of the
/// arguments: they are values and passwords.
#[must_use]
pub fn error_of(text: &[u8]) -> Error {
    let text = unwrapped(text);
    let word = word(text);
    let code = match word {
        b"NOAUTH" | b"WRONGPASS" | b"NOPERM" => Code::Auth,
        _ if text.starts_with(b"ERR The user executing the script can't") => Code::Auth,
        _ => Code::Reply,
    };
    let quoted = memchr::memmem::find(text, b", with args").unwrap_or(text.len());
    let mut error = Error::new(code, String::from_utf8_lossy(&text[..quoted]).into_owned());
    error.reply_code = String::from_utf8_lossy(word).into_owned();
    error.retryable = !matches!(classify(text), Class::Final | Class::Elsewhere)
        || matches!(word, b"OOM" | b"MISCONF" | b"NOREPLICAS")
        || text.starts_with(b"ERR max number of clients");
    error
}

/// The error of the command inside a script: Redis before 7 puts a sentence about the script in front of it, later
/// ones append where it was raised.
fn unwrapped(text: &[u8]) -> &[u8] {
    const PLACE: &[u8] = b"@user_script";
    const RAISED: &[u8] = b" script: ";
    const SHA: usize = 40;
    if let Some(at) = memchr::memmem::rfind(text, RAISED) {
        // Redis names the script's digest, Valkey 9 does not.
        let place = &text[at + RAISED.len()..];
        let place = place.get(SHA..).and_then(|rest| rest.strip_prefix(b", ")).unwrap_or(place);
        if place.strip_prefix(b"on ").is_some_and(|place| place.starts_with(PLACE)) {
            return &text[..at];
        }
    }
    if !text.starts_with(b"ERR Error running script") {
        return text;
    }
    let after = memchr::memmem::rfind(text, PLACE).map_or(text, |at| &text[at + PLACE.len()..]);
    let start = after.iter().position(u8::is_ascii_alphabetic).unwrap_or(0);
    &after[start..]
}

fn word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_their_first_word() {
        assert_eq!(classify(b"LOADING Redis is loading the dataset in memory"), Class::Wait);
        assert_eq!(classify(b"READONLY You can't write against a read only replica."), Class::Demoted);
        assert_eq!(classify(b"NOSCRIPT No matching script. Please use EVAL."), Class::NoScript);
        assert_eq!(classify(b"MOVED 3999 127.0.0.1:6381"), Class::Elsewhere);
        assert_eq!(classify(b"CLUSTERDOWN The cluster is down"), Class::Unserved);
        assert_eq!(classify(b"BUSYGROUP Consumer Group name already exists"), Class::Final);
        assert_eq!(error_of(b"WRONGTYPE Operation against a key").reply_code, "WRONGTYPE");
        assert_eq!(error_of(b"NOPERM no permission").code, Code::Auth);
        assert!(error_of(b"OOM command not allowed").retryable);
    }

    #[test]
    fn what_redis_6_says_of_a_script_is_taken_off() {
        let text = b"ERR Error running script (call to f_0a9f): @user_script:1: @user_script: 1: -READONLY You can't write";
        assert_eq!(classify(text), Class::Demoted);
        assert_eq!(error_of(text).message, "READONLY You can't write");
        let text =
            b"ERR Error running script (call to f_0a9f): @user_script:17: WRONGTYPE Operation against a key";
        assert_eq!(error_of(text).reply_code, "WRONGTYPE");
        let text = b"ERR Error running script (call to f_0a9f): @user_script:1: @user_script: 1: -OOM command not allowed";
        assert!(error_of(text).retryable);
    }

    #[test]
    fn what_redis_7_says_of_a_script_is_taken_off() {
        let text = b"WRONGTYPE Operation against a key holding the wrong kind of value script: \
            3b64a469b71295f66c36745e2afb6594ac9aaed3, on @user_script:1.";
        assert_eq!(
            error_of(text).message,
            "WRONGTYPE Operation against a key holding the wrong kind of value"
        );
        assert_eq!(error_of(b"ERR x, on @user_script:1.").message, "ERR x, on @user_script:1.");
    }

    #[test]
    fn arguments_that_the_server_quotes_are_left_out() {
        let error = error_of(b"ERR unknown command 'AUTH', with args beginning with: 's3cret' ");
        assert_eq!(error.message, "ERR unknown command 'AUTH'");
    }
}
