//! Logistic regression over windows: a text is as bad as its worst window, so of an attack only the
//! window that says most is taken as one, which is found by fitting, looking, and fitting again.

use largestack_guard::inject::Signal;

/// How much weights are let grow: the inverse of the penalty.
const FREEDOM: f64 = 1.0;
const STEPS: usize = 160;
/// How often the window that says most is looked for.
const ROUNDS: usize = 3;

/// A text, by the signals of its windows.
#[derive(Clone)]
pub(super) struct Example {
    pub(super) attack: bool,
    pub(super) windows: Vec<Vec<usize>>,
}

/// What was fitted.
pub(super) struct Fitted {
    pub(super) weights: Vec<f64>,
    pub(super) bias: f64,
}

/// A window with how much it counts.
struct Row<'a> {
    signals: &'a [usize],
    attack: bool,
    counts: f64,
}

impl Fitted {
    pub(super) fn to(examples: &[&Example]) -> Self {
        let mut fitted = Self { weights: vec![0.0; Signal::all().count()], bias: 0.0 };
        fitted.fit(&rows(examples, |example| {
            let share = 1.0 / count(example.windows.len());
            example.windows.iter().map(|window| (window.as_slice(), share)).collect()
        }));
        for _ in 0..ROUNDS {
            let worst: Vec<Option<usize>> =
                examples.iter().map(|example| fitted.worst(example)).collect();
            let mut worst = worst.into_iter();
            let chosen = rows(examples, |example| {
                let at = worst.next().flatten();
                at.and_then(|at| example.windows.get(at))
                    .map(|window| (window.as_slice(), 1.0))
                    .into_iter()
                    .collect()
            });
            fitted.fit(&chosen);
        }
        fitted
    }

    /// The score of a text; one without any signal has less than any other.
    pub(super) fn score(&self, example: &Example) -> f64 {
        let scores = example.windows.iter().map(|window| self.of(window));
        scores.fold(-20.0, f64::max)
    }

    fn of(&self, window: &[usize]) -> f64 {
        self.bias + window.iter().filter_map(|at| self.weights.get(*at)).sum::<f64>()
    }

    fn worst(&self, example: &Example) -> Option<usize> {
        let scored = example.windows.iter().map(|window| self.of(window)).enumerate();
        scored.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| at)
    }

    /// Accelerated gradient descent. Each weight has a step of its own, which can do no harm: a row's
    /// part of the curvature is at most a quarter for each pair of its signals.
    fn fit(&mut self, rows: &[Row<'_>]) {
        let size = self.weights.len();
        let mut curvature = vec![1.0 / FREEDOM; size + 1];
        for row in rows {
            let each = 0.25 * row.counts * (count(row.signals.len()) + 1.0);
            row.signals.iter().for_each(|at| curvature[*at] += each);
            curvature[size] += each;
        }
        let mut at: Vec<f64> = self.weights.iter().copied().chain([self.bias]).collect();
        let (mut ahead, mut momentum) = (at.clone(), 1.0_f64);
        for _ in 0..STEPS {
            let mut slope: Vec<f64> = ahead.iter().map(|weight| weight / FREEDOM).collect();
            slope[size] = 0.0;
            for row in rows {
                let score = ahead[size] + row.signals.iter().map(|at| ahead[*at]).sum::<f64>();
                let told = 1.0 / (1.0 + (-score).exp());
                let error = row.counts * (told - f64::from(u8::from(row.attack)));
                row.signals.iter().for_each(|at| slope[*at] += error);
                slope[size] += error;
            }
            let next: Vec<f64> =
                ahead.iter().zip(&slope).zip(&curvature).map(|((w, s), c)| w - s / c).collect();
            let faster = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
            let share = (momentum - 1.0) / faster;
            ahead = next.iter().zip(&at).map(|(new, old)| new + share * (new - old)).collect();
            (at, momentum) = (next, faster);
        }
        self.bias = at.pop().unwrap_or_default();
        self.weights = at;
    }
}

/// Rows of all windows of harmless texts, and of an attack's those that are chosen. The windows of a
/// long harmless text count less each, but not so much less that only its length would matter.
fn rows<'a>(
    examples: &[&'a Example],
    mut chosen: impl FnMut(&'a Example) -> Vec<(&'a [usize], f64)>,
) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for example in examples {
        let picked = chosen(example);
        let attack = example.attack;
        if attack {
            rows.extend(picked.into_iter().map(|(signals, counts)| Row {
                signals,
                attack,
                counts,
            }));
        } else {
            let counts = 1.0 / count(example.windows.len().max(1)).sqrt();
            rows.extend(example.windows.iter().map(|signals| Row { signals, attack, counts }));
        }
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "a count of some hundred")]
fn count(of: usize) -> f64 {
    of as f64
}
