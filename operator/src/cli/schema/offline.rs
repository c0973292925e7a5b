use millrace_crds::{Schema, SchemaType};

use super::{
    avro::{Avro, Reading},
    declared::{Declarations, Declared, laid_out},
    verdict::{Judged, Verdict},
};
use crate::{avro::Unparsed, plan};

const ONE_VERSION: &str =
    "only the text of that revision was compared; the registry compares with every version";

/// Compares each Schema with what it was `then`, at a revision of git.
pub(super) fn check<'a>(
    now: &'a Declarations,
    then: &Declarations,
    revision: &str,
) -> Vec<Judged<'a>> {
    let one = |declared: &'a Declared| {
        let before = then.find(&declared.namespace, declared.name());
        let verdict = judge(
            Side { declared, all: now },
            before.map(|declared| Side {
                declared,
                all: then,
            }),
            revision,
        );
        let judged = matches!(verdict, Verdict::Compatible | Verdict::Breaks(_));
        Judged {
            declared,
            before: before.and_then(|before| before.text.clone()),
            note: (judged && is_transitive(declared)).then_some(ONE_VERSION),
            verdict,
        }
    };
    now.0.iter().map(one).collect()
}

/// A Schema and the manifests it stands among.
#[derive(Clone, Copy)]
struct Side<'a> {
    declared: &'a Declared,
    all: &'a Declarations,
}

fn judge(now: Side<'_>, then: Option<Side<'_>>, revision: &str) -> Verdict {
    let schema = match &now.declared.schema {
        Ok(schema) => schema,
        Err(words) => return Verdict::Refused(words.clone()),
    };
    let Some(text) = &now.declared.text else {
        return not_judged("its text is in a ConfigMap that is not in these files");
    };
    let parsed = match parse(now) {
        Ok(parsed) => Ok(parsed),
        Err(Unread::Unknown(why)) => Err(why),
        Err(Unread::Invalid(words)) => {
            return Verdict::Refused(format!("it is not an Avro schema: {words}"));
        }
    };
    let Some(then) = then else {
        return Verdict::New;
    };
    if then.declared.language() != now.declared.language() {
        return not_judged("its type is another than before");
    }
    match &then.declared.text {
        Some(before) if laid_out(before) == laid_out(text) => return Verdict::Unchanged,
        Some(_) => {}
        None => return not_judged("its text before is in a ConfigMap that was not in these files"),
    }
    match (parsed, parse(then)) {
        (Err(why), _) => Verdict::NotJudged(why),
        (Ok(_), Err(_)) => not_judged(&format!(
            "its text at {revision} is no Avro schema, or names what was not in these files"
        )),
        (Ok(now), Ok(then)) => compare(schema, &now, &then, revision),
    }
}

fn not_judged(why: &str) -> Verdict {
    Verdict::NotJudged(why.to_owned())
}

/// What breaks at the level that is declared now.
fn compare(schema: &Schema, now: &Avro, then: &Avro, revision: &str) -> Verdict {
    let [backward, forward, _] = plan::asks(schema.spec.compatibility);
    let directions = [
        backward.then(|| {
            let whom = format!(
                "readers with the new schema cannot read what was written with the one at {revision}"
            );
            (whom, now.reads(then))
        }),
        forward.then(|| {
            let whom = format!(
                "readers with the schema at {revision} cannot read what is written with the new one"
            );
            (whom, then.reads(now))
        }),
    ];
    let mut breaks = Vec::new();
    let mut unclear = false;
    for (whom, reading) in directions.into_iter().flatten() {
        match reading {
            Reading::Works => {}
            Reading::Fails(words) => breaks.push(format!("{whom}: {words}")),
            Reading::Unclear => unclear = true,
        }
    }
    match (breaks.is_empty(), unclear) {
        (false, _) => Verdict::Breaks(breaks),
        (true, true) => not_judged(
            "whether defaults of enums or aliases of types make up for the change is not judged offline: ask the registry, without --against",
        ),
        (true, false) => Verdict::Compatible,
    }
}

fn is_transitive(declared: &Declared) -> bool {
    let schema = declared.schema.as_ref().ok();
    schema.is_some_and(|schema| plan::asks(schema.spec.compatibility)[2])
}

/// Why a text was not parsed.
enum Unread {
    /// Nobody here can tell whether it is a schema.
    Unknown(String),
    /// It is no schema, in the parser's words.
    Invalid(String),
}

/// The text as Avro, with those that it names.
fn parse(side: Side<'_>) -> Result<Avro, Unread> {
    if let Some(language @ (SchemaType::Json | SchemaType::Protobuf)) = side.declared.language() {
        return Err(Unread::Unknown(format!(
            "{language:?} schemas are not judged offline: ask the registry, without --against"
        )));
    }
    let text = side.declared.text.as_deref().unwrap_or_default();
    let named = named(side)?;
    Avro::parse(text, &named).map_err(|why| match why {
        Unparsed::Invalid(words) => Unread::Invalid(words),
        Unparsed::Unjudged(why) => Unread::Unknown(format!(
            "{why}, which is not judged offline: ask the registry, without --against"
        )),
    })
}

/// The texts that a Schema names, and those that these name, each once.
fn named(side: Side<'_>) -> Result<Vec<String>, Unread> {
    let mut texts = Vec::new();
    let mut ahead = vec![side.declared];
    while let Some(declared) = ahead.pop() {
        let schema = declared.schema.as_ref();
        let references = schema.map_or(&[][..], |schema| &schema.spec.references);
        for reference in references {
            let found = match (&reference.schema_ref, &reference.subject) {
                (Some(other), _) => side.all.find(&declared.namespace, &other.name),
                (None, Some(subject)) => side.all.with_subject(subject),
                (None, None) => None,
            };
            let missing = || {
                Unread::Unknown(format!(
                    "it names `{}`, whose text is not in these files",
                    reference.name
                ))
            };
            let found = found.ok_or_else(missing)?;
            let text = found.text.clone().ok_or_else(missing)?;
            if !texts.contains(&text) {
                texts.push(text);
                ahead.push(found);
            }
        }
    }
    Ok(texts)
}
