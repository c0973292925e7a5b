use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Client;

use super::{Confluent, Registries, SchemaRegistry};
use crate::error::Error;

/// For one request, from the first byte to the last.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Clients over HTTP that share their connections, one for each URL.
pub struct HttpRegistries {
    http: Client,
    by_url: Mutex<HashMap<String, Arc<Confluent>>>,
}

impl HttpRegistries {
    /// Clients that trust the public and the system's certificate authorities.
    ///
    /// # Errors
    /// When the system's certificate authorities cannot be read.
    pub fn new() -> Result<Self, Error> {
        let http = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("millrace/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Error::Certificate(format!("the HTTP client of the schema registries: {error}"))
            })?;
        Ok(Self {
            http,
            by_url: Mutex::default(),
        })
    }
}

impl Registries for HttpRegistries {
    fn at(&self, url: &str) -> Arc<dyn SchemaRegistry> {
        let mut by_url = self
            .by_url
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        by_url
            .entry(url.to_owned())
            .or_insert_with(|| Arc::new(Confluent::new(self.http.clone(), url)))
            .clone()
    }
}
