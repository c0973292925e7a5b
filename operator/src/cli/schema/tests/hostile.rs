use proptest::prelude::*;

use super::*;
use crate::avro::hostile::texts;

/// Longest reason, in characters: what the parser says, and what is said around it.
const LONGEST: usize = 800;

/// The Schemas of a file; None where it has characters that YAML does not permit, which is told of the file.
fn read(documents: &[Value]) -> Option<Declarations> {
    let mut manifests = Manifests::default();
    for document in documents {
        manifests.add("shop.yaml", &document.to_string()).ok()?;
    }
    Some(Declarations::of(&manifests, ""))
}

proptest! {
    #[test]
    fn hostile_texts_are_judged_offline_or_told_why_not(
        now in texts(),
        then in texts(),
        named in texts(),
        refers in any::<bool>(),
        language in prop::sample::select(vec!["Avro", "Avro", "Avro", "Json", "Protobuf"]),
    ) {
        let of = |text: &str| {
            let mut spec = json!({ "schema": text, "compatibility": "FullTransitive", "type": language });
            if refers {
                spec["references"] = json!([{ "name": "R", "schemaRef": { "name": "carrier" } }]);
            }
            [flight(spec), carrier(&named)]
        };
        let (Some(now), Some(then)) = (read(&of(&now)), read(&of(&then))) else {
            return Ok(());
        };
        let verdict = offline::check(&now, &then, "main").swap_remove(0).verdict;
        let words = match verdict {
            Verdict::Breaks(words) => words,
            Verdict::Refused(words) | Verdict::NotJudged(words) => vec![words],
            Verdict::Unchanged | Verdict::New | Verdict::Compatible => Vec::new(),
        };
        prop_assert!(words.len() <= 2);
        for words in words {
            prop_assert!(words.chars().count() <= LONGEST, "{words}");
        }
    }
}
