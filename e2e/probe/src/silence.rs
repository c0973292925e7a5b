//! `probe silence`

use std::net::Ipv4Addr;

use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failure::Failure;

#[derive(Args)]
pub struct Arguments {
    #[arg(long)]
    port: u16,
}

/// Takes every connection and says nothing on it, as a server that hangs. Prints `{"connections": N}` with each, N of them so far.
/// It ends in failures alone.
pub async fn run(Arguments { port }: Arguments) -> Result<Value, Failure> {
    let local = |error: std::io::Error| Failure::local(error.to_string());
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .await
        .map_err(local)?;
    let mut connections = Vec::new();
    loop {
        let (connection, _) = listener.accept().await.map_err(local)?;
        connections.push(connection);
        println!("{}", json!({ "connections": connections.len() }));
    }
}
