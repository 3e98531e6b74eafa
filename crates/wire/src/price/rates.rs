//! The rates of one tier and length, and the lines of a bill that they make.

use largestack_types::money::Money;
use largestack_types::usage::Usage;

use super::{Bounds, NoPrice};

/// Nano-US-dollars per million units of each kind. An absent rate is unknown, or as another one
/// where that is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Tokens of input that no cache held.
    pub input: Option<i64>,
    /// Tokens of output, reasoning included where it has no rate of its own.
    pub output: Option<i64>,
    /// Input read from the provider's cache; as other input when absent.
    pub cache_read: Option<i64>,
    /// Input written to the provider's cache; as other input when absent.
    pub cache_write: Option<i64>,
    /// Input written to the cache for an hour; as other writes when absent.
    pub cache_write_1h: Option<i64>,
    /// Reasoning; as other output when absent.
    pub reasoning: Option<i64>,
    /// Sound; as text when absent.
    pub audio: Medium,
    /// Images; as text when absent.
    pub image: Medium,
    /// Searches of the web or of a reranker.
    pub search: Option<i64>,
    /// A call, in addition to what it uses; nothing when absent.
    pub request: Option<i64>,
}

/// Nano-US-dollars per million tokens of a medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Medium {
    /// Input that no cache held; as text when absent.
    pub input: Option<i64>,
    /// Input read from the provider's cache; as that of text when absent.
    pub cache_read: Option<i64>,
    /// Output; as text when absent.
    pub output: Option<i64>,
}

/// A line of a bill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) units: u64,
    /// Per million units; `None` when nobody knows.
    pub(super) rate: Option<i64>,
    /// Whether the units are tokens: tiers change the price of these only.
    pub(super) tokens: bool,
    pub(super) what: &'static str,
}

/// Lines that a bill has at the most: as many roundings.
const LINES: i64 = 13;
/// No line.
const NONE: Line = Line { units: 0, rate: None, tokens: true, what: "" };

const fn line(units: u64, rate: Option<i64>, what: &'static str) -> Line {
    Line { units, rate, tokens: true, what }
}

const fn counted(units: u64, rate: Option<i64>, what: &'static str) -> Line {
    Line { units, rate, tokens: false, what }
}

impl Rates {
    pub(super) const fn flat(input: i64, output: i64) -> Self {
        const AS_TEXT: Medium = Medium { input: None, cache_read: None, output: None };
        Self {
            input: Some(input),
            output: Some(output),
            cache_read: None,
            cache_write: None,
            cache_write_1h: None,
            reasoning: None,
            audio: AS_TEXT,
            image: AS_TEXT,
            search: None,
            request: None,
        }
    }

    /// Every rate that is stated.
    pub(super) fn stated(&self) -> impl Iterator<Item = i64> {
        let Self { audio, image, .. } = self;
        let text = [self.input, self.output, self.cache_read, self.cache_write];
        let rest = [self.cache_write_1h, self.reasoning, self.search, self.request];
        let media = [audio.input, audio.cache_read, audio.output, image.input, image.cache_read];
        text.into_iter().chain(rest).chain(media).chain([image.output]).flatten()
    }

    pub(super) fn is_free(&self) -> bool {
        self.input == Some(0) && self.output == Some(0) && self.stated().all(|rate| rate == 0)
    }

    /// The lines of a bill for this usage. More of a kind than there is of the whole is a
    /// provider's miscount: no kind of token may count below zero.
    pub(super) fn lines(&self, usage: &Usage) -> impl Iterator<Item = Line> {
        let billed = usage.billed_input_tokens.or(usage.billed_output_tokens).is_some();
        let input = if billed { self.billed_input(usage) } else { self.input_lines(usage) };
        let output = if billed { self.billed_output(usage) } else { self.output_lines(usage) };
        let searches = counted(usage.searches.unwrap_or(0), self.search, "searches");
        input.into_iter().chain(output).chain([searches, self.call()])
    }

    /// The line of the call itself.
    fn call(&self) -> Line {
        counted(u64::from(self.request.is_some()), self.request, "requests")
    }

    /// Who says what is paid for has taken everything else out already.
    fn billed_input(&self, usage: &Usage) -> [Line; 7] {
        let input = usage.billed_input_tokens.or(usage.input_tokens).unwrap_or(0);
        [line(input, self.input, "input"), NONE, NONE, NONE, NONE, NONE, NONE]
    }

    fn billed_output(&self, usage: &Usage) -> [Line; 4] {
        let output = usage.billed_output_tokens.or(usage.output_tokens).unwrap_or(0);
        [line(output, self.output, "output"), NONE, NONE, NONE]
    }

    fn input_lines(&self, usage: &Usage) -> [Line; 7] {
        let count = |count: Option<u64>| count.unwrap_or(0);
        let (read, written) = (count(usage.cache_read_tokens), count(usage.cache_write_tokens));
        let hour = count(usage.cache_write_1h_tokens).min(written);
        let read_audio = count(usage.cache_read_audio_tokens).min(read);
        let audio = count(usage.input_audio_tokens).saturating_sub(read_audio);
        let image = count(usage.input_image_tokens);
        let beside = read.saturating_add(written).saturating_add(audio).saturating_add(image);
        let plain = count(usage.input_tokens).saturating_sub(beside);
        let read_rate = self.cache_read.or(self.input);
        let write_rate = self.cache_write.or(self.input);
        [
            line(plain, self.input, "input"),
            line(read - read_audio, read_rate, "cached input"),
            line(read_audio, self.audio.cache_read.or(read_rate), "cached sound"),
            line(written - hour, write_rate, "cache writes"),
            line(hour, self.cache_write_1h.or(write_rate), "cache writes"),
            line(audio, self.audio.input.or(self.input), "sound"),
            line(image, self.image.input.or(self.input), "images"),
        ]
    }

    fn output_lines(&self, usage: &Usage) -> [Line; 4] {
        let count = |count: Option<u64>| count.unwrap_or(0);
        let all = count(usage.output_tokens);
        let audio = count(usage.output_audio_tokens).min(all);
        let image = count(usage.output_image_tokens).min(all - audio);
        let reasoning = count(usage.reasoning_tokens).min(all - audio - image);
        [
            line(all - audio - image - reasoning, self.output, "output"),
            line(reasoning, self.reasoning.or(self.output), "reasoning"),
            line(audio, self.audio.output.or(self.output), "sound"),
            line(image, self.image.output.or(self.output), "images"),
        ]
    }

    /// The most that a call within these bounds costs at these rates.
    pub(super) fn worst_case(&self, bounds: Bounds, times: u32) -> Result<Money, NoPrice> {
        let media = if bounds.media { [self.audio.input, self.image.input] } else { [None; 2] };
        let cached = [self.cache_read, self.cache_write, self.cache_write_1h];
        let read_media = [self.audio.cache_read.filter(|_| bounds.media), None];
        let kinds = cached.into_iter().chain(media).chain(read_media);
        let input = dearest(self.input, kinds);
        let kinds = [self.reasoning, self.audio.output, self.image.output];
        let output = dearest(self.output, kinds.into_iter());
        let lines = [
            line(bounds.input, input, "input"),
            line(bounds.output, output, "output"),
            counted(bounds.searches, self.search, "searches"),
            self.call(),
        ];
        let mut sum = Money::ZERO;
        for line in lines.into_iter().filter(|line| line.units > 0) {
            let rate = line.rate.ok_or(NoPrice::Unpriced(line.what))?;
            let times = if line.tokens { times } else { super::AS_LISTED };
            sum = sum.checked_add(Money::line(line.units, rate, times)?)?;
        }
        if sum == Money::ZERO && self.stated().all(|rate| rate == 0) {
            return Ok(sum);
        }
        Ok(sum.checked_add(Money::from_nanos(LINES))?)
    }
}

/// The dearest of the kinds that a count may be made of; `None` where the plain one has no rate.
fn dearest(plain: Option<i64>, kinds: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    plain.map(|plain| kinds.flatten().fold(plain, i64::max))
}
