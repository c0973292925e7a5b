//! What a registry answers, in bounded room: whatever answers at its address decides on the length of each of its words.

use reqwest::Response;

use super::Verdict;

/// Largest answer that is read, in bytes. One may repeat a schema, of at most 1 MiB, in quotes.
pub(super) const LARGEST: usize = 4 << 20;
/// Most characters of one message: all of them end up in a condition, and a resource holds no more than some hundred KiB.
const MOST_WORDS: usize = 1_000;
/// Most messages of one verdict.
const MOST_MESSAGES: usize = 20;

/// Why the body of an answer was not read.
pub(super) enum Unread {
    /// It did not come whole.
    Failed(reqwest::Error),
    /// It is larger than [`LARGEST`].
    TooLarge,
}

/// The body of an answer.
///
/// # Errors
/// [`Unread`], where it does not come whole or is too large; of the latter no more than [`LARGEST`] is held.
pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::Failed)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The registry's words, as many as are told.
pub(super) fn short(mut words: String) -> String {
    if let Some((end, _)) = words.char_indices().nth(MOST_WORDS) {
        words.truncate(end);
        words.push('…');
    }
    words
}

/// A verdict with as many words as are told.
pub(super) fn told(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Compatible => Verdict::Compatible,
        Verdict::Invalid(words) => Verdict::Invalid(short(words)),
        Verdict::Incompatible(messages) => {
            let more = messages.len().saturating_sub(MOST_MESSAGES);
            let messages = messages.into_iter().take(MOST_MESSAGES).map(short);
            let rest = (more > 0).then(|| format!("and {more} more"));
            Verdict::Incompatible(messages.chain(rest).collect())
        }
    }
}
