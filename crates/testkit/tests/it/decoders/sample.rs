//! A reply in a protocol's form, and everything that reads it.

use allocation_counter::{AllocationInfo, measure};
use largestack_testkit::replay::{Exchange, protocol};
use largestack_wire::{
    Accumulator, Decoder, Frame, Frames, Framing, Mode, Provider, Section, Target, Wire, wire,
};

/// A reply as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) wire: &'static str,
    pub(super) mode: Mode,
    pub(super) body: Vec<u8>,
}

impl Sample {
    /// The reply of a recorded exchange.
    pub(super) fn of(exchange: &Exchange) -> Option<Self> {
        let path = exchange.uri.split('?').next()?;
        let (wire, mode) = protocol(path)?;
        let stream = exchange.request["stream"] == true;
        let mode = mode.unwrap_or(if stream { Mode::Stream } else { Mode::Whole });
        Some(Self { wire, mode, body: exchange.body.clone() })
    }

    pub(super) fn wire(&self) -> &'static dyn Wire {
        wire(self.wire).unwrap()
    }

    pub(super) fn target(&self) -> Target {
        let section = Section { wire: Some(self.wire.to_owned()), ..Section::default() };
        Target::new(Provider::new("loopback").with(section).into(), "m")
    }

    pub(super) fn framing(&self) -> Framing {
        self.wire().framing(self.mode)
    }

    /// The frames that it consists of.
    pub(super) fn frames(&self) -> Vec<(Option<String>, Vec<u8>)> {
        let mut frames = Frames::new(self.framing());
        let mut all = Vec::new();
        let mut take = |frame: Frame<'_>| {
            all.push((frame.event.map(str::to_owned), frame.data.to_vec()));
        };
        let _broken =
            frames.push(&self.body, &mut take).and_then(|()| frames.finish(&mut take)).is_err();
        all
    }
}

/// Somebody who reads a reply and keeps what it says.
pub(super) struct Reading {
    decoder: Box<dyn Decoder>,
    accumulator: Accumulator,
    broken: bool,
}

impl Reading {
    pub(super) fn of(wire: &dyn Wire, mode: Mode, target: &Target) -> Self {
        Self { decoder: wire.decoder(mode, target), accumulator: Accumulator::new(), broken: false }
    }

    pub(super) fn take(&mut self, frame: Frame<'_>) {
        if !self.broken {
            let accumulator = &mut self.accumulator;
            let result = self.decoder.push(frame, &mut |event| {
                accumulator.push_live(&event);
            });
            self.broken = result.is_err();
        }
    }

    pub(super) fn finish(mut self) {
        let accumulator = &mut self.accumulator;
        let _result = self.decoder.finish(&mut |event| accumulator.push(&event));
        drop(self.accumulator.finish());
    }
}

/// What it takes to read a body in pieces.
pub(super) fn in_pieces<'b>(
    sample: &Sample,
    pieces: impl Iterator<Item = &'b [u8]>,
) -> AllocationInfo {
    let (wire, target) = (sample.wire(), sample.target());
    measure(|| {
        let mut frames = Frames::new(sample.framing());
        let mut reading = Reading::of(wire, sample.mode, &target);
        for piece in pieces {
            if frames.push(piece, &mut |frame| reading.take(frame)).is_err() {
                break;
            }
        }
        let _end = frames.finish(&mut |frame| reading.take(frame));
        reading.finish();
    })
}
