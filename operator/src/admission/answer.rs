use kube::core::{
    DynamicObject,
    admission::{AdmissionRequest, AdmissionResponse},
};

/// Longest warning that clients show whole, in bytes (Kubernetes' advice for admission webhooks).
const MAX_WARNING: usize = 256;

/// What the webhook says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing stands against it.
    Admit,
    /// It is admitted, and the person is told this.
    Warn(String),
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
            Self::Deny(why) => {
                response = response.deny(why);
                response.result.reason = "Forbidden".to_owned();
                response.result.code = 403;
            }
        }
        response
    }
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
    fn a_long_warning_ends_on_a_whole_character() {
        assert_eq!(shorten("short".into()), "short");
        let long = shorten("é".repeat(200));
        assert!(long.len() <= MAX_WARNING && long.ends_with("é…"), "{long}");
    }
}
