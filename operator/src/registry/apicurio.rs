//! What Apicurio's Confluent API leaves out and its own API says: why a schema is incompatible, and whether the first schema of a
//! subject is one. Both are asked by dry runs (`dryRun=true` of Apicurio's API v3), which write nothing.

use millrace_crds::SchemaType;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NewSchema, Reference, Verdict, answer, confluent::segment, invalid, level};

/// Apicurio's own API beside its Confluent API.
pub(super) struct Apicurio {
    http: Client,
    artifacts: String,
}

#[derive(Deserialize)]
struct Problem {
    title: String,
    #[serde(default)]
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    description: String,
    #[serde(default)]
    context: Option<String>,
}

impl Apicurio {
    /// The API beside `base`, if `base` is the Confluent API of an Apicurio Registry.
    pub(super) fn beside(http: &Client, base: &str) -> Option<Self> {
        let (root, _) = base.split_once("/apis/ccompat/")?;
        Some(Self {
            http: http.clone(),
            artifacts: format!("{root}/apis/registry/v3/groups/default/artifacts"),
        })
    }

    /// Why the schema cannot be the subject's next version; nothing if that is not told.
    pub(super) async fn refuses_next(&self, subject: &str, schema: &NewSchema) -> Vec<String> {
        let body = json!({ "content": content(schema) });
        let problem = self
            .dry_run(
                &format!("{}/{}/versions", self.artifacts, segment(subject)),
                &body,
            )
            .await;
        match problem {
            Some((_, Answer::Problem(problem))) if !problem.causes.is_empty() => problem
                .causes
                .into_iter()
                .map(|cause| cause.words(schema.schema_type))
                .collect(),
            Some((_, Answer::Problem(problem))) if schema.references.is_empty() => {
                vec![problem.title]
            }
            _ => Vec::new(),
        }
    }

    /// The verdict on a schema with references as the subject's next version; None if it is not told.
    pub(super) async fn judges_next(&self, subject: &str, schema: &NewSchema) -> Option<Verdict> {
        let url = format!("{}/{}/versions", self.artifacts, segment(subject));
        let body = json!({ "content": content(schema) });
        match self.dry_run(&url, &body).await? {
            (_, Answer::Passed) => Some(Verdict::Compatible),
            (_, Answer::Problem(problem)) if !problem.causes.is_empty() => {
                let causes = problem.causes.into_iter();
                let words = causes.map(|cause| cause.words(schema.schema_type));
                Some(Verdict::Incompatible(words.collect()))
            }
            (StatusCode::UNPROCESSABLE_ENTITY, Answer::Problem(problem)) => {
                Some(Verdict::Invalid(invalid::explain(schema, problem.title)))
            }
            _ => None,
        }
    }

    /// Why the schema cannot be the subject's first version; None if it can or that is not told.
    pub(super) async fn refuses_first(&self, subject: &str, schema: &NewSchema) -> Option<String> {
        // No type: Apicurio then parses the text to find it, as its Confluent API does.
        let body = json!({ "artifactId": subject, "firstVersion": { "content": content(schema) } });
        match self.dry_run(&self.artifacts, &body).await? {
            (
                StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY,
                Answer::Problem(problem),
            ) => Some(problem.title),
            (_, Answer::Found(found)) if found != level::language(schema.schema_type) => {
                Some(format!("the text is a schema of type {found}"))
            }
            _ => None,
        }
    }

    async fn dry_run(&self, url: &str, body: &Value) -> Option<(StatusCode, Answer)> {
        let response = self
            .http
            .post(url)
            .query(&[("dryRun", "true")])
            .json(body)
            .send()
            .await
            .ok()?;
        let status = response.status();
        let answer = answer::read(response).await.ok()?;
        let answer: Value = serde_json::from_slice(&answer).ok()?;
        let found = answer
            .pointer("/artifact/artifactType")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let answer = match found {
            Some(found) => Answer::Found(found),
            None if status.is_success() => Answer::Passed,
            None => Answer::Problem(serde_json::from_value(answer).ok()?),
        };
        Some((status, answer))
    }
}

enum Answer {
    Found(String),
    Passed,
    Problem(Problem),
}

impl Cause {
    /// The cause in Apicurio's words. For Avro these are the messages of Avro's own SchemaCompatibility; two of its kinds consist of
    /// names alone and are told apart here, by their shape.
    fn words(self, schema_type: SchemaType) -> String {
        let words = match self.context {
            Some(context) => format!("{} at {context}", self.description),
            None => self.description.clone(),
        };
        let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match schema_type {
            SchemaType::Avro if is_name(&self.description) => {
                format!("{words} (a field without a default that the other version lacks)")
            }
            SchemaType::Avro if self.description.starts_with('[') => {
                format!("{words} (symbols that the other version lacks)")
            }
            _ => words,
        }
    }
}

/// A subject is an artifact of the default group, and a version's name is its number.
fn reference(reference: &Reference) -> Value {
    json!({
        "groupId": "default",
        "artifactId": reference.subject,
        "version": reference.version.to_string(),
        "name": reference.name,
    })
}

fn content(schema: &NewSchema) -> Value {
    let content_type = match schema.schema_type {
        SchemaType::Avro | SchemaType::Json => "application/json",
        SchemaType::Protobuf => "application/x-protobuf",
    };
    json!({
        "content": schema.text,
        "contentType": content_type,
        "references": schema.references.iter().map(reference).collect::<Vec<_>>(),
    })
}
