//! Avro records in Confluent's framing, with the schemas of a registry that has Confluent's API.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use apache_avro::{Schema, from_avro_datum, from_value, to_avro_datum, to_value};
use reqwest::StatusCode;
use serde::Deserialize;

use crate::flight::Flight;

const POLL: Duration = Duration::from_millis(500);

/// A registry by the base address of its API, such as `http://registry:8080/apis/ccompat/v7`.
pub struct Registry {
    base: String,
    client: reqwest::Client,
    by_id: HashMap<u32, Schema>,
}

/// A registered schema: what to encode with.
pub struct Registered {
    id: u32,
    schema: Schema,
}

#[derive(Deserialize)]
struct Answer {
    id: Option<u32>,
    schema: String,
}

impl Registry {
    /// Talks to nobody yet.
    pub fn new(base: &str) -> Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            client,
            by_id: HashMap::new(),
        })
    }

    /// The latest version of `subject`, waiting for it to be registered, but not longer than `patience`.
    pub async fn latest(&self, subject: &str, patience: Duration) -> Result<Registered> {
        let deadline = Instant::now() + patience;
        loop {
            let failure = match self
                .get(&format!("subjects/{subject}/versions/latest"))
                .await
            {
                Ok(Some(answer)) => {
                    let id = answer
                        .id
                        .context("the registry gave a schema without an id")?;
                    return Ok(Registered {
                        id,
                        schema: parse(&answer.schema)?,
                    });
                }
                Ok(None) => "it is not registered".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() > deadline {
                bail!(
                    "no schema for {subject} after {} s: {failure}",
                    patience.as_secs()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The flight in a framed record, or in words why there is none in it.
    /// Fails only if the record's schema is new and the registry cannot be reached for longer than `patience`.
    pub async fn decode(
        &mut self,
        framed: &[u8],
        patience: Duration,
    ) -> Result<Result<Flight, String>> {
        let (id, datum) = match unframe(framed) {
            Ok(parts) => parts,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let Some(schema) = self.schema(id, patience).await? else {
            return Ok(Err(format!("the registry has no schema with the id {id}")));
        };
        Ok(flight(schema, datum).map_err(|error| error.to_string()))
    }

    async fn schema(&mut self, id: u32, patience: Duration) -> Result<Option<&Schema>> {
        let deadline = Instant::now() + patience;
        while !self.by_id.contains_key(&id) {
            match self.get(&format!("schemas/ids/{id}")).await {
                Ok(Some(answer)) => {
                    self.by_id.insert(id, parse(&answer.schema)?);
                }
                Ok(None) => return Ok(None),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
        Ok(self.by_id.get(&id))
    }

    async fn get(&self, path: &str) -> Result<Option<Answer>> {
        let url = format!("{}/{path}", self.base);
        let response = self
            .client
            .get(&url)
            .send()
            .await
            .with_context(|| format!("cannot reach {url}"))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(response.error_for_status()?.json().await?))
    }
}

impl Registered {
    /// A zero byte, the schema's id in four bytes, and the datum.
    pub fn encode(&self, flight: &Flight) -> Result<Vec<u8>> {
        let value = to_value(flight)?
            .resolve(&self.schema)
            .context("the registered schema does not fit a flight")?;
        let mut framed = vec![0];
        framed.extend(self.id.to_be_bytes());
        framed.extend(to_avro_datum(&self.schema, value)?);
        Ok(framed)
    }
}

fn parse(text: &str) -> Result<Schema> {
    Schema::parse_str(text).context("the registry's schema is not Avro")
}

fn flight(schema: &Schema, mut datum: &[u8]) -> Result<Flight> {
    Ok(from_value(&from_avro_datum(schema, &mut datum, None)?)?)
}

fn unframe(framed: &[u8]) -> Result<(u32, &[u8])> {
    let (head, datum) = framed
        .split_first_chunk::<5>()
        .context("the record is shorter than a schema id")?;
    let [magic, id @ ..] = *head;
    ensure!(
        magic == 0,
        "the record does not begin with a zero byte and a schema id"
    );
    Ok((u32::from_be_bytes(id), datum))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = include_str!("../../flight.avsc");

    fn cancelled() -> Flight {
        Flight {
            year: 2013,
            month: 1,
            day: 1,
            dep_time: None,
            sched_dep_time: 515,
            dep_delay: None,
            arr_time: None,
            sched_arr_time: 819,
            arr_delay: None,
            carrier: "UA".into(),
            flight: 1545,
            tailnum: None,
            origin: "EWR".into(),
            dest: "IAH".into(),
            air_time: None,
            distance: 1400,
            hour: 5,
            minute: 15,
            time_hour: 1_357_034_400_000,
        }
    }

    #[tokio::test]
    async fn a_flight_survives_the_way_through_the_framing() {
        let registered = Registered {
            id: 7,
            schema: parse(SCHEMA).unwrap(),
        };
        let framed = registered.encode(&cancelled()).unwrap();
        assert_eq!(framed[..5], [0, 0, 0, 0, 7]);

        let mut registry = Registry::new("http://unused").unwrap();
        registry.by_id.insert(7, parse(SCHEMA).unwrap());
        assert_eq!(
            registry.decode(&framed, Duration::ZERO).await.unwrap(),
            Ok(cancelled())
        );
        assert!(
            registry
                .decode(&framed[..9], Duration::ZERO)
                .await
                .unwrap()
                .is_err()
        );
    }

    #[test]
    fn what_is_not_framed_is_refused() {
        assert!(unframe(b"\0\0").is_err());
        assert!(unframe(b"{\"year\": 2013}").is_err());
    }
}
