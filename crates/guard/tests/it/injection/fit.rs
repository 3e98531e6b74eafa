//! Logistic regression over windows: a text is as bad as its worst window, so of an attack only the
//! window that says most is taken as one, which is found by fitting, looking, and fitting again. In the
//! last rounds most weight is on what lies about the threshold, and less on attacks that no weight
//! finds and on harmless texts that no weight flags. Weights grow away from what is known of them
//! beforehand (`known`), and keep its sign.

use super::known::Known;

/// How much weights are let grow: the inverse of the penalty.
const FREEDOM: f64 = 0.2;
const STEPS: usize = 160;
/// How often the window that says most is looked for.
const ROUNDS: usize = 3;
/// How often after that with most weight about the threshold.
const FOCUSED: usize = 3;
/// How far below the score that one harmless text in a hundred has.
const ABOUT: f64 = 3.0;
/// What the others count.
const FAR: f64 = 0.3;

/// A text, by the signals of its windows.
#[derive(Clone)]
pub(super) struct Example {
    pub(super) attack: bool,
    /// How much it counts.
    pub(super) counts: f64,
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
        let known = Known::of_all();
        let mut fitted = Self { weights: known.expected.clone(), bias: 0.0 };
        fitted.fit(
            &known,
            &rows(
                examples,
                |_| 1.0,
                |example| {
                    let share = 1.0 / count(example.windows.len());
                    example.windows.iter().map(|window| (window.as_slice(), share)).collect()
                },
            ),
        );
        for round in 0..ROUNDS + FOCUSED {
            let from =
                if round < ROUNDS { f64::NEG_INFINITY } else { fitted.common(examples) - ABOUT };
            let chosen = {
                let weighs = |window: &[usize]| if fitted.of(window) > from { 1.0 } else { FAR };
                rows(examples, weighs, |example| {
                    let at = fitted.worst(example).and_then(|at| example.windows.get(at));
                    at.map(|window| (window.as_slice(), 1.0)).into_iter().collect()
                })
            };
            fitted.fit(&known, &chosen);
        }
        fitted
    }

    /// The score that one harmless text in a hundred exceeds.
    fn common(&self, examples: &[&Example]) -> f64 {
        let harmless = examples.iter().filter(|one| !one.attack && !one.windows.is_empty());
        let mut scores: Vec<f64> = harmless.map(|one| self.score(one)).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.get(scores.len() / 100).copied().unwrap_or_default()
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
    fn fit(&mut self, known: &Known, rows: &[Row<'_>]) {
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
            let pulled =
                ahead.iter().zip(&known.expected).map(|(weight, to)| (weight - to) / FREEDOM);
            let mut slope: Vec<f64> = pulled.chain([0.0]).collect();
            for row in rows {
                let score = ahead[size] + row.signals.iter().map(|at| ahead[*at]).sum::<f64>();
                let told = 1.0 / (1.0 + (-score).exp());
                let error = row.counts * (told - f64::from(u8::from(row.attack)));
                row.signals.iter().for_each(|at| slope[*at] += error);
                slope[size] += error;
            }
            let mut next: Vec<f64> =
                ahead.iter().zip(&slope).zip(&curvature).map(|((w, s), c)| w - s / c).collect();
            next.iter_mut()
                .zip(&known.limits)
                .for_each(|(w, (low, high))| *w = w.clamp(*low, *high));
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
    weighs: impl Fn(&[usize]) -> f64,
    chosen: impl Fn(&'a Example) -> Vec<(&'a [usize], f64)>,
) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for example in examples {
        let attack = example.attack;
        let windows: Vec<(&[usize], f64)> = if attack {
            chosen(example)
        } else {
            let each = 1.0 / count(example.windows.len().max(1)).sqrt();
            example.windows.iter().map(|window| (window.as_slice(), each)).collect()
        };
        rows.extend(windows.into_iter().map(|(signals, counts)| Row {
            signals,
            attack,
            counts: counts * example.counts * weighs(signals),
        }));
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "a count of some hundred")]
fn count(of: usize) -> f64 {
    of as f64
}
