use http::{HeaderMap, header::WARNING};

/// The texts of all `Warning` headers (RFC 7234, section 5.5), in their order. A header may hold several, and what is not
/// written as the RFC says is passed over.
pub(super) fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(WARNING)
        .iter()
        .flat_map(|value| values(&String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

/// `1#( warn-code SP warn-agent SP warn-text [ SP warn-date ] )`
fn values(header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = header;
    while let Some((text, after)) = value(rest.trim_start_matches([' ', '\t', ','])) {
        texts.push(text);
        rest = after;
    }
    texts
}

/// The text of the first value, and what follows it.
fn value(header: &str) -> Option<(String, &str)> {
    let (code, rest) = header.split_once(' ')?;
    let three_digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    let (_agent, rest) = three_digits.then_some(rest)?.split_once(' ')?;
    let (text, rest) = quoted(rest)?;
    let after_date = rest
        .strip_prefix(' ')
        .and_then(quoted)
        .map_or(rest, |(_date, rest)| rest);
    Some((text, after_date))
}

/// A quoted-string (RFC 7230, section 3.2.6) without its quotes and backslashes, and what follows it.
fn quoted(header: &str) -> Option<(String, &str)> {
    let body = header.strip_prefix('"')?;
    let mut text = String::new();
    let mut characters = body.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, &body[at + 1..])),
            '\\' => text.push(characters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(headers: &[&str]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(WARNING, HeaderValue::from_bytes(header.as_bytes()).unwrap());
        }
        warnings(&map)
    }

    #[test]
    fn each_header_and_each_value_of_a_header_counts() {
        assert_eq!(
            of(&[
                r#"299 - "plan: one""#,
                r#"299 - "two, with a comma", 299 host:80 "three""#
            ]),
            ["plan: one", "two, with a comma", "three"]
        );
    }

    #[test]
    fn quotes_backslashes_dates_and_other_alphabets_are_read() {
        assert_eq!(
            of(&[r#"299 - "a \"b\" \\ c" "Sat, 25 Aug 2012 23:34:45 GMT", 199 - "…""#]),
            [r#"a "b" \ c"#, "…"]
        );
    }

    #[test]
    fn what_is_malformed_is_passed_over() {
        assert!(
            of(&[
                "",
                "299",
                "299 -",
                "299 - text",
                r#"x - "text""#,
                r#"299 - "open"#,
                r#"299 - "open\"#
            ])
            .is_empty()
        );
    }

    proptest! {
        #[test]
        fn any_text_survives_quoting(texts in proptest::collection::vec("[^\\x00-\\x1f\\x7f]{0,40}", 0..4)) {
            let quoted: Vec<String> = texts
                .iter()
                .map(|text| format!("299 - \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            prop_assert_eq!(of(&[&quoted.join(", ")]), texts);
        }
    }
}
