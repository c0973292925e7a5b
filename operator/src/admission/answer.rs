use kube::core::{
    DynamicObject,
    admission::{AdmissionRequest, AdmissionResponse},
};

/// Longest warning that clients show whole, in bytes (Kubernetes' advice for admission webhooks).
const MAX_WARNING: usize = 256;
/// Longest that the warnings of one answer may be together, in bytes: beyond it the API server drops some.
const MAX_WARNINGS: usize = 4096;
/// What a warning begins with that tells a step of the plan.
pub const PLAN: &str = "plan: ";
/// What it says where there is no step, so that silence means that the webhook was not asked.
pub const NOTHING: &str = "nothing to do in Kafka";

/// What the webhook says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing stands against it.
    Admit,
    /// It is admitted, and the person is told this.
    Warn(String),
    /// It is a dry run that would be admitted, and these would be the steps, a sentence each.
    Foretell(Vec<String>),
    /// It is refused, and this is why.
    Deny(String),
}

impl Answer {
    /// The answer to `request`, as the API server wants it.
    pub fn respond(self, request: &AdmissionRequest<DynamicObject>) -> AdmissionResponse {
        let mut response = AdmissionResponse::from(request);
        match self {
            Self::Admit => {}
            Self::Warn(text) => response.warnings = Some(vec![shorten(text)]),
            Self::Foretell(steps) if steps.is_empty() => {
                response.warnings = Some(vec![format!("{PLAN}{NOTHING}")]);
            }
            Self::Foretell(steps) => response.warnings = Some(within_limits(&steps)),
            Self::Deny(why) => {
                response = response.deny(why);
                response.result.reason = "Forbidden".to_owned();
                response.result.code = 403;
            }
        }
        response
    }
}

/// The steps as warnings, as many as fit; where some do not, the last one says how many.
fn within_limits(steps: &[String]) -> Vec<String> {
    let lines: Vec<String> = steps
        .iter()
        .map(|step| shorten(format!("{PLAN}{step}")))
        .collect();
    if lines.iter().map(String::len).sum::<usize>() <= MAX_WARNINGS {
        return lines;
    }
    let more = |left: usize| format!("{PLAN}and {left} more");
    let mut room = MAX_WARNINGS - more(lines.len()).len();
    let total = lines.len();
    let mut shown: Vec<String> = lines
        .into_iter()
        .take_while(|line| {
            let fits = line.len() <= room;
            room = room.saturating_sub(line.len());
            fits
        })
        .collect();
    shown.push(more(total - shown.len()));
    shown
}

fn shorten(mut text: String) -> String {
    const ELLIPSIS: char = '…';
    if text.len() > MAX_WARNING {
        let mut end = MAX_WARNING - ELLIPSIS.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push(ELLIPSIS);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_within_the_limits_is_told_whole() {
        let steps = ["create topic `a`".to_owned(), "set x".to_owned()];
        assert_eq!(
            within_limits(&steps),
            ["plan: create topic `a`", "plan: set x"]
        );
    }

    #[test]
    fn a_plan_beyond_the_limits_ends_with_how_many_are_left_out() {
        let steps = vec!["é".repeat(200); 30];
        let told = within_limits(&steps);
        assert!(told.iter().map(String::len).sum::<usize>() <= MAX_WARNINGS);
        assert!(told.iter().all(|line| line.len() <= MAX_WARNING));
        let left = 30 - (told.len() - 1);
        assert_eq!(told.last().unwrap(), &format!("plan: and {left} more"));
        assert_eq!(told.len(), 16, "as many as fit");
    }

    #[test]
    fn a_long_warning_ends_on_a_whole_character() {
        assert_eq!(shorten("short".into()), "short");
        let long = shorten("é".repeat(200));
        assert!(long.len() <= MAX_WARNING && long.ends_with("é…"), "{long}");
    }
}
