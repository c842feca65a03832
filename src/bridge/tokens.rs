//! Scanned replies as tokens: what `delivery` writes into the shared array.

use std::borrow::Cow;

/// Integers a token.
pub const TOKEN: usize = 3;

/// One value of a reply, as offsets.
pub enum Token {
    Text(usize, usize),
    Digits(usize, usize),
    Nil,
    Int(i32),
    Ok,
    List(usize),
}

/// Calls `visit` for each value of `frames` scanned replies, lists before their content.
pub fn walk<E>(bytes: &[u8], frames: u32, mut visit: impl FnMut(Token) -> Result<(), E>) -> Result<(), E> {
    let (mut at, mut owed) = (0, frames as usize);
    while owed > 0 && at < bytes.len() {
        let kind = bytes[at];
        let line = at + 1;
        if kind == b'$'
            && let Some((length, header)) = crate::redis::plain(&bytes[line..])
        {
            visit(Token::Text(line + header, line + header + length))?;
            at = line + header + length + 2;
            owed -= 1;
            continue;
        }
        let end = line + memchr::memchr(b'\r', &bytes[line..]).unwrap_or(bytes.len() - line);
        let number = || crate::redis::decimal(&bytes[line..end]);
        at = end + 2;
        owed -= 1;
        match kind {
            b'$' | b'=' | b'!' => {
                let Ok(length) = usize::try_from(number()) else {
                    visit(Token::Nil)?;
                    continue;
                };
                let mark = if kind == b'=' { 4.min(length) } else { 0 };
                visit(Token::Text(at + mark, at + length))?;
                at += length + 2;
            }
            b':' => match i32::try_from(number()) {
                Ok(n) => visit(Token::Int(n))?,
                Err(_) => visit(Token::Digits(line, end))?,
            },
            b'#' => visit(Token::Int(i32::from(bytes[line] == b't')))?,
            b'_' => visit(Token::Nil)?,
            b'*' | b'~' | b'>' | b'%' => match usize::try_from(number()) {
                Ok(n) => {
                    let n = if kind == b'%' { n * 2 } else { n };
                    visit(Token::List(n))?;
                    owed += n;
                }
                Err(_) => visit(Token::Nil)?,
            },
            b'|' => {
                let n = usize::try_from(number()).unwrap_or(0) * 2;
                at = bytes.len() - crate::redis::skip(&bytes[at..], n).len();
                owed += 1;
            }
            b'+' if &bytes[line..end] == b"OK" => visit(Token::Ok)?,
            _ => visit(Token::Text(line, end))?,
        }
    }
    Ok(())
}

/// A reply that is not all ASCII, as UTF-16 with tokens that point into it: offsets in JavaScript count units.
pub struct Wide {
    /// The texts, end to end.
    pub text: Vec<u16>,
    /// The tokens.
    pub tokens: Vec<[i32; TOKEN]>,
}

pub fn transcode(bytes: &[u8]) -> Wide {
    let mut wide = Wide { text: Vec::with_capacity(bytes.len()), tokens: Vec::new() };
    let frames = u32::MAX;
    // `walk` ends with the bytes, so the number of frames need not be known here.
    let Ok(()) = walk::<std::convert::Infallible>(bytes, frames, |token| {
        let token = match token {
            Token::Text(start, end) => {
                let from = wide.text.len();
                let text = String::from_utf8_lossy(&bytes[start..end]);
                let tag = if matches!(text, Cow::Borrowed(_)) { 0 } else { 6 };
                wide.text.extend(text.encode_utf16());
                [tag, from as i32, wide.text.len() as i32]
            }
            Token::Digits(start, end) => {
                let from = wide.text.len();
                wide.text.extend(bytes[start..end].iter().map(|&digit| u16::from(digit)));
                [5, from as i32, wide.text.len() as i32]
            }
            Token::Nil => [1, 0, 0],
            Token::Int(n) => [2, n, 0],
            Token::Ok => [3, 0, 0],
            Token::List(n) => [4, n as i32, 0],
        };
        wide.tokens.push(token);
        Ok(())
    });
    wide
}
