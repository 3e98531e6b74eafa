//! What is measured of a unit against a clause. Every number lies about between 0 and 1, so that the weights that
//! `weights.txt` gives them can be compared.

/// One measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Feature {
    /// Always 1.
    Bias,
    /// Share of the asked words, by weight, that the unit says itself.
    Own,
    /// Share that the unit or what introduces it says.
    Led,
    /// Share that the unit or anything around it says.
    Coverage,
    /// Geometric mean of what is found of each word: one missing word makes it small.
    Even,
    /// Weight share of the heaviest asked word that is not found.
    Hole,
    /// The same among words that no passage at all says, in no form.
    Absent,
    /// How far a name, number or code of the question is missing from the unit and its frame.
    NamedMissing,
    /// How far one is missing from all passages.
    NamedAbsent,
    /// How far it is not said; 0 when there is none.
    FocusMissing,
    /// Fit of a kind of answer that can be recognised.
    StrictKind,
    /// 1 where such a kind was asked for and is not there.
    KindMissing,
    /// How near a number stands to an asked word, where one was asked for: 1 beside it.
    Proximity,
    /// Fit of any other kind of answer.
    LooseKind,
    /// How far down the hits its passage is: 0 for the first, 1 from the sixth on.
    Place,
    /// Score of its passage against the best possible one.
    Retrieval,
    /// How far it is longer than a plain sentence.
    Long,
    /// Share of its own words that were asked for.
    Pointed,
    /// Share of the words that introduce it that was asked for.
    LeadPointed,
    /// How much is said of the asked words that are neither ordinary nor names: 1 from two on.
    RareSaid,
    /// How much of them is said elsewhere only.
    RareElse,
    /// How much of them is said by no passage.
    RareAbsent,
    /// How much is said of the ordinary ones.
    PlainSaid,
    /// In a table: share of the row's label that was asked for.
    RowLabel,
    /// In a table: share of the row's label that was not.
    RowOther,
    /// It is code and no command was asked for.
    StrayCode,
    /// Its block of the text is a list under its lead-in.
    IsList,
    /// 1 where the kind of answer can be recognised.
    IsStrict,
    /// 1 where a yes or no was asked for.
    IsYesNo,
    /// 1 where nothing is known of the kind of answer.
    IsOpen,
    /// How far the verb that is asked about is not said around it; 0 when there is none.
    ActionMissing,
    /// How far the last asked word is not said around it: it is mostly what is new in a question.
    LastMissing,
    /// How far two words that stand together in the question (`cycle lane`) are not both said by the unit and what introduces it.
    CompoundApart,
    /// How far one word of two that a preposition joins (`owner of the account`) is said without the other.
    LinkSplit,
    /// How many are not said anywhere around: 1 from three on.
    MissCount,
    /// Weight of the asked words that are said, not as a share.
    SaidMass,
    /// Its score in the order.
    Score,
    /// Share of its passage in the odds of all units.
    Mass,
    /// How many of the five best units are from its document.
    Agree,
    /// How much more of the asked words another of the five best units covers.
    Better,
    /// How many words are asked: 1 from eight on.
    Length,
    /// 1 where a person was asked for.
    IsPerson,
    /// 1 where a place was asked for.
    IsPlace,
    /// 1 where a manner or reason was asked for.
    IsManner,
    /// 1 where a time or a length of it was asked for.
    IsTime,
    /// Share of the words of its title that was asked for.
    TitlePointed,
    /// It opens the section whose heading or title names what an open question asks about.
    OpensTopic,
    /// It only says on which other page something is told.
    Refers,
    /// 1 where only a topic was named.
    IsTopic,
    /// How much is not said around it of the asked words that end like a verb, as a share of all asked words: documents say them in
    /// other words.
    MissingVerbal,
    /// The same of those that end in `s`: mostly the things that are asked about.
    MissingPlural,
    /// The same of the ordinary ones.
    MissingOrdinary,
    /// The same of those that are neither ordinary nor names.
    MissingRare,
    /// The same of those with an article.
    MissingDefinite,
    /// The same of the first one that is no frame word.
    MissingFirst,
    /// The same of those that follow another at once.
    MissingCompound,
}

impl Feature {
    /// All of them in order.
    pub const ALL: [Self; FEATURES] = [
        Self::Bias,
        Self::Own,
        Self::Led,
        Self::Coverage,
        Self::Even,
        Self::Hole,
        Self::Absent,
        Self::NamedMissing,
        Self::NamedAbsent,
        Self::FocusMissing,
        Self::StrictKind,
        Self::KindMissing,
        Self::Proximity,
        Self::LooseKind,
        Self::Place,
        Self::Retrieval,
        Self::Long,
        Self::Pointed,
        Self::LeadPointed,
        Self::RareSaid,
        Self::RareElse,
        Self::RareAbsent,
        Self::PlainSaid,
        Self::RowLabel,
        Self::RowOther,
        Self::StrayCode,
        Self::IsList,
        Self::IsStrict,
        Self::IsYesNo,
        Self::IsOpen,
        Self::ActionMissing,
        Self::LastMissing,
        Self::CompoundApart,
        Self::LinkSplit,
        Self::MissCount,
        Self::SaidMass,
        Self::Score,
        Self::Mass,
        Self::Agree,
        Self::Better,
        Self::Length,
        Self::IsPerson,
        Self::IsPlace,
        Self::IsManner,
        Self::IsTime,
        Self::TitlePointed,
        Self::OpensTopic,
        Self::Refers,
        Self::IsTopic,
        Self::MissingVerbal,
        Self::MissingPlural,
        Self::MissingOrdinary,
        Self::MissingRare,
        Self::MissingDefinite,
        Self::MissingFirst,
        Self::MissingCompound,
    ];

    /// Whether it can only speak for a unit, or only against it.
    pub fn sign(self) -> Sign {
        match self {
            Self::Own
            | Self::Led
            | Self::Coverage
            | Self::Even
            | Self::StrictKind
            | Self::Proximity
            | Self::LooseKind
            | Self::Retrieval
            | Self::Pointed
            | Self::LeadPointed
            | Self::RareSaid
            | Self::PlainSaid
            | Self::RowLabel
            | Self::SaidMass
            | Self::TitlePointed
            | Self::OpensTopic
            | Self::Score
            | Self::Mass => Sign::For,
            Self::Hole
            | Self::Absent
            | Self::NamedMissing
            | Self::NamedAbsent
            | Self::FocusMissing
            | Self::KindMissing
            | Self::Place
            | Self::Long
            | Self::RareElse
            | Self::RareAbsent
            | Self::RowOther
            | Self::ActionMissing
            | Self::LastMissing
            | Self::CompoundApart
            | Self::LinkSplit
            | Self::MissCount
            | Self::Better
            | Self::Refers
            | Self::StrayCode => Sign::Against,
            _ => Sign::Either,
        }
    }

    /// Its name in `weights.txt`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// Which sign a weight may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// None below zero.
    For,
    /// None above zero.
    Against,
    /// Any.
    Either,
}

/// How many there are.
pub const FEATURES: usize = Feature::MissingCompound as usize + 1;

/// The measures of one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features([f64; FEATURES]);

impl Default for Features {
    fn default() -> Self {
        Self([0.0; FEATURES])
    }
}

impl Features {
    /// One of them.
    pub fn get(&self, feature: Feature) -> f64 {
        self.0.get(feature as usize).copied().unwrap_or(0.0)
    }

    /// The same with one of them changed.
    #[must_use]
    pub fn with(mut self, feature: Feature, value: f64) -> Self {
        self.set(feature, value);
        self
    }

    /// Sets one of them.
    pub(super) fn set(&mut self, feature: Feature, value: f64) {
        if let Some(slot) = self.0.get_mut(feature as usize) {
            *slot = value;
        }
    }

    /// All of them in the order of the enum.
    pub fn values(&self) -> &[f64; FEATURES] {
        &self.0
    }

    /// The sum of the measures, each times its weight.
    pub fn dot(&self, weights: &[f64; FEATURES]) -> f64 {
        self.0.iter().zip(weights).map(|(value, weight)| value * weight).sum()
    }
}
