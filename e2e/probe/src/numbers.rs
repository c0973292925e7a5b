//! Which of the records that `probe produce` wrote are there.

use std::str;

use serde_json::{Value, json};

/// How often each of the records with a number below a limit was seen.
pub struct Numbers {
    times: Vec<u8>,
    strange: usize,
}

impl Numbers {
    /// None of the records 0 to `limit` - 1 has been seen.
    pub fn new(limit: usize) -> Self {
        Self {
            times: vec![0; limit],
            strange: 0,
        }
    }

    /// One was seen.
    pub fn see(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        match number(key, value).and_then(|number| self.times.get_mut(number)) {
            Some(times) => *times = times.saturating_add(1),
            None => self.strange += 1,
        }
    }

    /// `{"missing": N, "repeated": N, "strange": N}`: numbers that were never seen, numbers that were seen more than once, and records
    /// that are none of these.
    pub fn json(&self) -> Value {
        let count = |test: fn(u8) -> bool| self.times.iter().filter(|times| test(**times)).count();
        json!({
            "missing": count(|times| times == 0),
            "repeated": count(|times| times > 1),
            "strange": self.strange,
        })
    }
}

/// The number in a value `record-N`, which may be filled up with dots; the key is the same number.
fn number(key: Option<&[u8]>, value: Option<&[u8]>) -> Option<usize> {
    let (key, value) = (str::from_utf8(key?).ok()?, str::from_utf8(value?).ok()?);
    let number = value.strip_prefix("record-")?.trim_end_matches('.');
    (number == key).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Numbers;

    #[test]
    fn each_record_is_told_from_the_others() {
        let mut numbers = Numbers::new(3);
        let mut see = |key: &str, value: &str| {
            numbers.see(Some(key.as_bytes()), Some(value.as_bytes()));
        };
        see("0", "record-0");
        see("2", "record-2....");
        see("2", "record-2");
        see("3", "record-3");
        see("1", "record-0");
        see("1", "letter-1");
        numbers.see(None, Some(b"record-1"));
        let told = json!({ "missing": 1, "repeated": 1, "strange": 4 });
        assert_eq!(numbers.json(), told);
    }
}
