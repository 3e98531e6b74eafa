//! A value that a person types, unseen.

use largestack_ports::vault::Sensitive;
use largestack_types::errors::{Code, LargestackError, Result};

/// Asks on standard error and reads a line of the terminal at standard input without showing it.
#[cfg(unix)]
pub(super) fn unseen(question: &str) -> Result<Sensitive> {
    use std::io::Write as _;
    let failed = |error: std::io::Error| {
        LargestackError::other(Code::Input, format!("the terminal cannot be read: {error}"))
    };
    // Silent before it asks: whoever types at once is not shown either.
    let silence = silent::Silence::begin().map_err(failed)?;
    let mut err = std::io::stderr();
    let _shown = err.write_all(question.as_bytes()).and_then(|()| err.flush());
    let line = read_line(std::io::stdin().lock()).map_err(failed);
    drop(silence);
    let _shown = err.write_all(b"\n");
    line?.map(Sensitive::new).ok_or_else(|| {
        LargestackError::other(Code::Cancelled, "no value was given; nothing was changed")
    })
}

/// Elsewhere a terminal cannot be told to be silent without unsafe code.
#[cfg(not(unix))]
pub(super) fn unseen(_: &str) -> Result<Sensitive> {
    Err(LargestackError::with_advice(
        Code::Input,
        "a value typed here would be shown",
        "Pipe it in: largestack secret set NAME < FILE",
    ))
}

/// A line, as a terminal without a discipline of its own gives it; `None` when it was given up
/// with Ctrl-C, or with Ctrl-D before anything.
#[cfg(unix)]
fn read_line(input: impl std::io::BufRead) -> std::io::Result<Option<String>> {
    let mut line: Vec<u8> = Vec::new();
    for byte in input.bytes() {
        match byte? {
            end if end == 3 || (end == 4 && line.is_empty()) => return Ok(None),
            b'\r' | b'\n' | 4 => return text(line).map(Some),
            // Backspace takes a whole character.
            8 | 127 => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            // Ctrl-U takes the line.
            21 => line.clear(),
            byte => line.push(byte),
        }
    }
    Ok(None)
}

#[cfg(unix)]
fn text(line: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(line).map_err(|_| std::io::Error::other("what was typed is not UTF-8"))
}

#[cfg(unix)]
mod silent {
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };

    /// A terminal that shows nothing and hands on every key; put back when this is dropped. Ctrl-C
    /// arrives as a key, so that nothing ends the program before the terminal is as it was.
    pub(super) struct Silence(Termios);

    impl Silence {
        pub(super) fn begin() -> std::io::Result<Self> {
            let before = tcgetattr(std::io::stdin())?;
            let mut silent = before.clone();
            silent.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            // Every key by itself, however long it takes.
            silent.special_codes[SpecialCodeIndex::VMIN] = 1;
            silent.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
            Ok(Self(before))
        }
    }

    impl Drop for Silence {
        fn drop(&mut self) {
            // A terminal that is gone needs nothing.
            let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &str) -> Option<String> {
        read_line(keys.as_bytes()).unwrap()
    }

    #[test]
    fn a_line_is_what_is_left_when_enter_is_pressed() {
        assert_eq!(read("abc\n").as_deref(), Some("abc"));
        assert_eq!(read("abc\r").as_deref(), Some("abc"));
        assert_eq!(read("axü\u{7f}\u{8}bc\n").as_deref(), Some("abc"));
        assert_eq!(read("\u{7f}wrong\u{15}right\n").as_deref(), Some("right"));
        assert_eq!(read("abc\u{4}").as_deref(), Some("abc"));
    }

    #[test]
    fn a_line_that_is_given_up_is_none() {
        assert_eq!(read("abc\u{3}"), None);
        assert_eq!(read("\u{4}"), None);
        assert_eq!(read("abc"), None, "the terminal went away");
    }
}
