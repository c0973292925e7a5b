use std::collections::BTreeSet;

use async_trait::async_trait;
use millrace_crds::Compatibility;
use reqwest::{Client, Method, StatusCode, header::ACCEPT};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    Against, KnownId, NewSchema, Registered, RegistryError, SchemaRegistry, Verdict,
    answer::{self, LARGEST, Unread, short},
    apicurio::Apicurio,
    invalid, level,
    wire::{
        ContextIdBody, ErrorBody, FoundBody, LevelBody, NewLevelBody, RegisteredBody, SchemaBody,
        UseBody, VerdictBody,
    },
};
use crate::conformance::SchemaId;

/// Most characters of an answer that is not JSON which end up in a message.
const MAX_WORDS: usize = 300;
/// The HTTP status, without an `error_code`.
const NO_SUCH_PATH: u32 = 404;
const SUBJECT_NOT_FOUND: u32 = 40401;
const SCHEMA_NOT_FOUND: u32 = 40403;
const SUBJECT_SOFT_DELETED: u32 = 40404;
const SUBJECT_WITHOUT_LEVEL: u32 = 40408;
const INVALID_SCHEMA: u32 = 42201;
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A registry with Confluent's API (Confluent, Karapace, Apicurio's `/apis/ccompat/v7`, Redpanda).
pub struct Confluent {
    http: Client,
    base: String,
    apicurio: Option<Apicurio>,
}

impl Confluent {
    /// The registry at `base`, such as `http://registry:8080/apis/ccompat/v7`.
    pub fn new(http: Client, base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self {
            apicurio: Apicurio::beside(&http, &base),
            http,
            base,
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, RegistryError> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header(ACCEPT, MEDIA_TYPE);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = answer::read(response)
            .await
            .map_err(|unread| match unread {
                Unread::Failed(error) => unreachable(error),
                Unread::TooLarge if is_in_trouble(status) => RegistryError::Unreachable(format!(
                    "it answered {status} at too great a length"
                )),
                Unread::TooLarge => refused(
                    status,
                    format!(
                        "{path}: the answer is longer than {} MiB: is this a schema registry?",
                        LARGEST >> 20
                    ),
                ),
            })?;
        if status.is_success() {
            serde_json::from_slice(&bytes).map_err(|error| {
                let words = short(error.to_string());
                refused(
                    status,
                    format!("{path}: the answer is not one of Confluent's API: {words}"),
                )
            })
        } else {
            Err(failure(status, path, &bytes))
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RegistryError> {
        self.ask(Method::GET, path, None::<&()>).await
    }

    async fn delete_path(&self, path: &str) -> Result<Vec<i32>, RegistryError> {
        self.ask(Method::DELETE, path, None::<&()>).await
    }

    /// The verdict on a schema with references, where Apicurio tells it: its check through the Confluent API leaves references out, and
    /// then takes the text for no schema (Avro, Protobuf) or fails (JSON Schema).
    async fn judge_with_references(
        &self,
        subject: &str,
        schema: &NewSchema,
        against: Against,
    ) -> Option<Verdict> {
        let apicurio = self.apicurio.as_ref()?;
        let judges = !schema.references.is_empty() && against != Against::Nothing;
        match judges {
            true => apicurio.judges_next(subject, schema).await,
            false => None,
        }
    }

    /// What is known of a schema for a subject that does not exist yet: Confluent's own registry judges such ones, Apicurio's API does not.
    async fn check_new(&self, subject: &str, schema: &NewSchema) -> Verdict {
        match &self.apicurio {
            Some(apicurio) if schema.references.is_empty() => {
                match apicurio.refuses_first(subject, schema).await {
                    Some(words) => Verdict::Invalid(invalid::explain(schema, words)),
                    None => Verdict::Compatible,
                }
            }
            _ => Verdict::Compatible,
        }
    }

    async fn judge(
        &self,
        subject: &str,
        schema: &NewSchema,
        against: Against,
    ) -> Result<Verdict, RegistryError> {
        if let Some(verdict) = self.judge_with_references(subject, schema, against).await {
            return Ok(verdict);
        }
        let versions = match against {
            Against::Latest => "versions/latest",
            Against::Nothing | Against::Every => "versions",
        };
        let path = format!(
            "/compatibility/subjects/{}/{versions}?verbose=true&normalize=true",
            segment(subject)
        );
        match self
            .ask::<VerdictBody>(Method::POST, &path, Some(&SchemaBody::from(schema)))
            .await
        {
            Ok(body) if body.is_compatible => Ok(Verdict::Compatible),
            Ok(body) => {
                let words = self
                    .explain_break(subject, schema, body.messages.unwrap_or_default())
                    .await;
                Ok(Verdict::Incompatible(words))
            }
            Err(RegistryError::Refused {
                code: INVALID_SCHEMA,
                message,
            }) => Ok(Verdict::Invalid(invalid::explain(schema, message))),
            Err(RegistryError::Refused {
                code: SUBJECT_NOT_FOUND | SUBJECT_SOFT_DELETED,
                ..
            }) => Ok(self.check_new(subject, schema).await),
            Err(error) => Err(error),
        }
    }

    async fn subjects_of_number(&self, number: i32) -> Result<KnownId, RegistryError> {
        let path = format!("/schemas/ids/{number}/versions?deleted=true");
        let uses: Option<Vec<UseBody>> = none_on(&[SCHEMA_NOT_FOUND], self.get(&path).await)?;
        let subjects = uses.into_iter().flatten().map(|found| found.subject);
        let subjects: BTreeSet<String> = subjects.collect();
        Ok(if subjects.is_empty() {
            KnownId::Nowhere
        } else {
            KnownId::Under(subjects)
        })
    }

    /// Confluent's registry knows GUIDs since version 8. Where the path is not there, there are none to ask for.
    async fn subjects_of_guid(&self, guid: SchemaId) -> Result<KnownId, RegistryError> {
        let ids = self.get(&format!("/schemas/guids/{guid}/ids")).await;
        let ids: Vec<ContextIdBody> = match none_on(&[SCHEMA_NOT_FOUND], ids) {
            Ok(ids) => ids.unwrap_or_default(),
            Err(RegistryError::Refused {
                code: NO_SUCH_PATH, ..
            }) => return Ok(KnownId::NotTold),
            Err(error) => return Err(error),
        };
        let default = |id: &&ContextIdBody| id.context.as_deref().is_none_or(|c| c == ".");
        match ids.iter().find(default) {
            Some(found) => self.subjects_of_number(found.id).await,
            None if ids.is_empty() => Ok(KnownId::Nowhere),
            None => Ok(KnownId::NotTold),
        }
    }

    async fn explain_break(
        &self,
        subject: &str,
        schema: &NewSchema,
        messages: Vec<String>,
    ) -> Vec<String> {
        match &self.apicurio {
            Some(apicurio) if messages.is_empty() => apicurio.refuses_next(subject, schema).await,
            _ => messages
                .into_iter()
                .filter(|message| !is_context(message))
                .collect(),
        }
    }
}

#[async_trait]
impl SchemaRegistry for Confluent {
    async fn versions(&self, subject: &str) -> Result<Vec<i32>, RegistryError> {
        let versions: Option<Vec<i32>> = none_on(
            &[SUBJECT_NOT_FOUND, SUBJECT_SOFT_DELETED],
            self.get(&format!("/subjects/{}/versions", segment(subject)))
                .await,
        )?;
        let mut versions = versions.unwrap_or_default();
        versions.sort_unstable();
        Ok(versions)
    }

    async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Option<Registered>, RegistryError> {
        let path = format!("/subjects/{}?normalize=true", segment(subject));
        let found = self
            .ask(Method::POST, &path, Some(&SchemaBody::from(schema)))
            .await;
        let found: Option<FoundBody> = none_on(
            &[
                SUBJECT_NOT_FOUND,
                SCHEMA_NOT_FOUND,
                SUBJECT_SOFT_DELETED,
                INVALID_SCHEMA,
            ],
            found,
        )?;
        Ok(found.map(|found| Registered {
            id: found.id,
            version: found.version,
        }))
    }

    async fn check(
        &self,
        subject: &str,
        schema: &NewSchema,
        against: Against,
    ) -> Result<Verdict, RegistryError> {
        let verdict = self.judge(subject, schema, against).await;
        verdict.map(answer::told)
    }

    async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
    ) -> Result<Registered, RegistryError> {
        let path = format!("/subjects/{}/versions?normalize=true", segment(subject));
        let body: RegisteredBody = self
            .ask(Method::POST, &path, Some(&SchemaBody::from(schema)))
            .await?;
        if let Some(version) = body.version {
            return Ok(Registered {
                id: body.id,
                version,
            });
        }
        self.lookup(subject, schema).await?.ok_or_else(|| {
            let message = format!(
                "schema {} was registered for subject `{subject}` and is not there a moment later",
                body.id
            );
            RegistryError::Unreachable(message)
        })
    }

    async fn level(&self, subject: &str) -> Result<Option<Compatibility>, RegistryError> {
        let body: Option<LevelBody> = none_on(
            &[
                SUBJECT_NOT_FOUND,
                SUBJECT_SOFT_DELETED,
                SUBJECT_WITHOUT_LEVEL,
            ],
            self.get(&format!(
                "/config/{}?defaultToGlobal=true",
                segment(subject)
            ))
            .await,
        )?;
        Ok(body
            .and_then(|body| body.level)
            .and_then(|word| level::parse(&word)))
    }

    async fn set_level(&self, subject: &str, level: Compatibility) -> Result<(), RegistryError> {
        let body = NewLevelBody {
            compatibility: level::word(level),
        };
        self.ask::<IgnoredAny>(
            Method::PUT,
            &format!("/config/{}", segment(subject)),
            Some(&body),
        )
        .await
        .map(drop)
    }

    async fn delete(&self, subject: &str, permanent: bool) -> Result<(), RegistryError> {
        let path = format!("/subjects/{}", segment(subject));
        none_on(
            &[SUBJECT_NOT_FOUND, SUBJECT_SOFT_DELETED],
            self.delete_path(&path).await,
        )?;
        if permanent {
            // Confluent's API deletes for good only what is softly deleted already.
            none_on(
                &[SUBJECT_NOT_FOUND],
                self.delete_path(&format!("{path}?permanent=true")).await,
            )?;
        }
        Ok(())
    }

    async fn subjects_of(&self, id: SchemaId) -> Result<KnownId, RegistryError> {
        match id {
            SchemaId::Number(number) => self.subjects_of_number(number).await,
            SchemaId::Guid(_) => self.subjects_of_guid(id).await,
        }
    }
}

/// A name as one segment of a path (RFC 3986: everything but unreserved characters is escaped).
pub(super) fn segment(name: &str) -> String {
    name.bytes()
        .fold(String::with_capacity(name.len()), |mut path, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    path.push(char::from(byte))
                }
                _ => path.push_str(&format!("%{byte:02X}")),
            }
            path
        })
}

/// Whether a message of Confluent's registry only repeats what was compared, such as the whole old schema.
fn is_context(message: &str) -> bool {
    ["{oldSchema", "{validateFields", "{compatibility"]
        .iter()
        .any(|start| message.starts_with(start))
}

fn none_on<T>(codes: &[u32], answer: Result<T, RegistryError>) -> Result<Option<T>, RegistryError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(RegistryError::Refused { code, .. }) if codes.contains(&code) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The innermost cause alone: what wraps it only repeats the URL, which may hold a password.
fn unreachable(error: reqwest::Error) -> RegistryError {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    RegistryError::Unreachable(cause.to_string())
}

fn refused(status: StatusCode, message: String) -> RegistryError {
    RegistryError::Refused {
        code: u32::from(status.as_u16()),
        message,
    }
}

/// Whether a status says that the registry, or a proxy in front of it, cannot answer now.
fn is_in_trouble(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn failure(status: StatusCode, path: &str, bytes: &[u8]) -> RegistryError {
    let error = serde_json::from_slice::<ErrorBody>(bytes);
    if is_in_trouble(status) {
        let words = error.map_or_else(|_| words(bytes), |error| short(error.message));
        return RegistryError::Unreachable(format!("it answered {status}: {words}"));
    }
    match error {
        Ok(error) => RegistryError::Refused {
            code: error.error_code,
            message: short(error.message),
        },
        Err(_) => refused(status, format!("{path}: {status}: {}", words(bytes))),
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .take(MAX_WORDS)
        .collect()
}

#[cfg(test)]
mod tests;
