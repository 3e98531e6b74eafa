//! From text to a number, by recursive descent of bounded depth. Nothing is built and run later:
//! what is read is calculated.

use super::number::Number;
use super::{MAX_DEPTH, MAX_LENGTH};

/// An expression that comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is longer or deeper than is read.
    TooLarge,
    /// Something else was expected here, in characters from 1.
    Syntax(usize),
    /// No function or constant has this name.
    Unknown(String),
    /// A function was given another number of arguments than it takes.
    Arguments(&'static str),
    /// Division by zero.
    ByZero,
    /// The result is too large, or no real number.
    NoNumber,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge => {
                write!(
                    f,
                    "the expression has more than {MAX_LENGTH} characters or {MAX_DEPTH} levels"
                )
            }
            Self::Syntax(at) => write!(f, "the expression cannot be read at character {at}"),
            Self::Unknown(name) => write!(f, "there is no `{name}` here"),
            Self::Arguments(name) => write!(f, "`{name}` takes another number of arguments"),
            Self::ByZero => f.write_str("division by zero"),
            Self::NoNumber => f.write_str("the result is too large, or no real number"),
        }
    }
}

impl std::error::Error for Wrong {}

/// What an expression comes to.
pub(super) fn evaluate(text: &str) -> Result<Number, Wrong> {
    if text.chars().count() > MAX_LENGTH {
        return Err(Wrong::TooLarge);
    }
    let mut reader = Reader { text, at: 0, depth: 0 };
    let number = reader.sum()?;
    if reader.peek().is_some() { Err(reader.wrong()) } else { Ok(number) }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn wrong(&self) -> Wrong {
        let before = self.text.get(..self.at).unwrap_or_default();
        Wrong::Syntax(before.chars().count() + 1)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if self.depth == MAX_DEPTH {
            return Err(Wrong::TooLarge);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn sum(&mut self) -> Result<Number, Wrong> {
        let mut left = self.product()?;
        loop {
            left = if self.take("+") {
                left.plus(self.product()?)?
            } else if self.take("-") || self.take("\u{2212}") {
                left.minus(self.product()?)?
            } else {
                return Ok(left);
            };
        }
    }

    fn product(&mut self) -> Result<Number, Wrong> {
        let mut left = self.signed()?;
        loop {
            // `**` is a power, and stands further in.
            left = if self.take("*") || self.take("×") {
                left.times(self.signed()?)?
            } else if self.take("/") || self.take("÷") {
                left.over(self.signed()?)?
            } else if self.take("%") {
                left.remainder(self.signed()?)?
            } else {
                return Ok(left);
            };
        }
    }

    /// Signs bind less than powers: -2^2 is -4.
    fn signed(&mut self) -> Result<Number, Wrong> {
        if self.take("-") || self.take("\u{2212}") {
            return self.deeper(|inner| inner.signed()?.negated());
        }
        if self.take("+") {
            return self.deeper(Self::signed);
        }
        self.power()
    }

    /// Powers are read from the right: 2^3^2 is 2^9.
    fn power(&mut self) -> Result<Number, Wrong> {
        let base = self.atom()?;
        if self.take("**") || self.take("^") {
            return base.power(self.deeper(Self::signed)?);
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Number, Wrong> {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let inner = self.deeper(Self::sum)?;
                if self.take(")") { Ok(inner) } else { Err(self.wrong()) }
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            _ => Err(self.wrong()),
        }
    }

    fn number(&mut self) -> Result<Number, Wrong> {
        let rest = self.rest();
        let digits = |text: &str| {
            text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len())
        };
        let mut end = digits(rest);
        let behind = rest.get(end..).unwrap_or_default();
        if let Some(exponent) = behind.strip_prefix(['e', 'E']) {
            let signed = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            let length = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
            if length > 0 {
                end += 1 + (exponent.len() - signed.len()) + length;
            }
        }
        let text = rest.get(..end).unwrap_or_default().replace('_', "");
        let number = Number::parse(&text).ok_or_else(|| self.wrong())?;
        self.at += end;
        Number::plus(number, Number::whole(0))
    }

    fn name(&mut self) -> Result<Number, Wrong> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        self.at += end;
        if !self.take("(") {
            return match name {
                "pi" => Number::near(std::f64::consts::PI),
                "e" => Number::near(std::f64::consts::E),
                _ => Err(Wrong::Unknown(name.to_owned())),
            };
        }
        let mut arguments = vec![self.deeper(Self::sum)?];
        while self.take(",") {
            arguments.push(self.deeper(Self::sum)?);
        }
        if !self.take(")") {
            return Err(self.wrong());
        }
        call(name, &arguments)
    }
}

fn call(name: &str, arguments: &[Number]) -> Result<Number, Wrong> {
    let near = |function: fn(f64) -> f64, name: &'static str| match arguments {
        [x] => Number::near(function(x.float())),
        _ => Err(Wrong::Arguments(name)),
    };
    match (name, arguments) {
        ("min", all) => all
            .iter()
            .copied()
            .reduce(|a, b| if b.compare(a).is_lt() { b } else { a })
            .ok_or(Wrong::Arguments("min")),
        ("max", all) => all
            .iter()
            .copied()
            .reduce(|a, b| if b.compare(a).is_gt() { b } else { a })
            .ok_or(Wrong::Arguments("max")),
        ("abs", [x]) => x.absolute(),
        ("floor", [x]) => x.floor(),
        ("ceil", [x]) => x.negated()?.floor()?.negated(),
        ("round", [x]) => x.rounded(0),
        ("round", [x, Number::Exact(digits @ 0..=28, 1)]) => {
            x.rounded(u32::try_from(*digits).unwrap_or_default())
        }
        ("sqrt", [x]) => x.root(),
        ("abs" | "floor" | "ceil" | "round" | "sqrt", _) => {
            let known = ["abs", "floor", "ceil", "round", "sqrt"];
            let name = known.into_iter().find(|known| *known == name);
            Err(Wrong::Arguments(name.unwrap_or_default()))
        }
        ("ln", _) => near(f64::ln, "ln"),
        ("log10", _) => near(f64::log10, "log10"),
        ("exp", _) => near(f64::exp, "exp"),
        ("sin", _) => near(f64::sin, "sin"),
        ("cos", _) => near(f64::cos, "cos"),
        ("tan", _) => near(f64::tan, "tan"),
        _ => Err(Wrong::Unknown(name.to_owned())),
    }
}
