use super::declared::Declared;

/// What is known of one Schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The text is the same.
    Unchanged,
    /// There is nothing to compare it with.
    New,
    /// It breaks nobody.
    Compatible,
    /// It breaks somebody, in these words.
    Breaks(Vec<String>),
    /// It would be refused for another reason, in these words.
    Refused(String),
    /// It could not be judged, for this reason.
    NotJudged(String),
}

/// One Schema, judged.
pub(super) struct Judged<'a> {
    pub(super) declared: &'a Declared,
    /// The text before; None where there is none, or it is not known.
    pub(super) before: Option<String>,
    pub(super) verdict: Verdict,
    /// What the verdict leaves out.
    pub(super) note: Option<&'static str>,
}
