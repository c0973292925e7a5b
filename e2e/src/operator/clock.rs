//! The operator's clock, which a case can set: only the operator reads it, and its monotonic clock goes on as before.
//!
//! libfaketime is loaded into the operator's process. It adds what a file says to the time of day.

use std::{env::consts::ARCH, time::Duration};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    ByteString,
    api::{
        coordination::v1::Lease,
        core::v1::{ConfigMap, Pod},
    },
};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::{NAME, leader, pods};
use crate::{OPERATOR_NAMESPACE, exec::exec, resources, wait};

const CONFIG_MAP: &str = "millrace-e2e-clock";
/// How long a rollout of the operator, or the next renewal of its Lease, may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How far a time that the operator wrote may be from its clock now.
const CLOSE: SignedDuration = SignedDuration::from_secs(60);

/// A clock that is the operator's own until [`give_back`](Self::give_back).
pub struct Clock<'a> {
    client: &'a Client,
}

impl<'a> Clock<'a> {
    /// Rolls the operator out anew, with a clock that can be set and is right at first. One that an earlier case has left is given back
    /// before; so is this one, where the operator does not come up with it.
    ///
    /// # Errors
    /// When libfaketime is not installed, or the operator does not come up.
    pub async fn take(client: &'a Client) -> Result<Self> {
        let library = library();
        let library = std::fs::read(&library)
            .with_context(|| format!("{library}; is the package libfaketime installed?"))?;
        let config_map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": CONFIG_MAP, "namespace": OPERATOR_NAMESPACE },
            "binaryData": { "libfaketime.so.1": ByteString(library) },
        });
        roll_out(client, false).await?;
        resources::apply(client, &config_map).await?;
        let clock = Self { client };
        match roll_out(client, true).await {
            Ok(()) => Ok(clock),
            Err(error) => {
                clock.give_back().await?;
                Err(error)
            }
        }
    }

    /// Sets the clock so many seconds before or behind the time of day; returns once the operator has written such a time.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn set(&self, ahead: SignedDuration) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE);
        let pod = leader(self.client).await?.pod;
        let seconds = format!("{:+}", ahead.as_secs());
        let write = ["sh", "-c", "echo $0 >/clock/offset && echo set", &seconds];
        let (output, errors) = exec(&pods, &pod, &write, "").await?;
        ensure!(output.trim() == "set", "the clock of {pod}: {errors}");
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE);
        let what = format!("the Lease is renewed at a time {ahead} ahead");
        wait::object(&leases, NAME, &what, PATIENCE, |lease: &Lease| {
            let renewed = lease
                .spec
                .as_ref()
                .and_then(|spec| spec.renew_time.as_ref());
            renewed.is_some_and(|at| shows(at.0, ahead))
        })
        .await
        .map(drop)
    }

    /// Rolls the operator out as it was.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn give_back(self) -> Result<()> {
        roll_out(self.client, false).await?;
        let config_maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE);
        resources::delete(&config_maps, CONFIG_MAP).await
    }
}

/// Whether a time was written by a clock that is so far ahead.
pub fn shows(written: Timestamp, ahead: SignedDuration) -> bool {
    let off = written.duration_since(Timestamp::now()) - ahead;
    off.abs() < CLOSE
}

/// Where Debian's package `libfaketime` puts it.
fn library() -> String {
    format!("/usr/lib/{ARCH}-linux-gnu/faketime/libfaketime.so.1")
}

fn with_a_clock() -> Value {
    json!({ "template": { "spec": {
        "containers": [{
            "name": "operator",
            "env": [
                { "name": "LD_PRELOAD", "value": "/faketime/libfaketime.so.1" },
                { "name": "FAKETIME_TIMESTAMP_FILE", "value": "/clock/offset" },
                { "name": "FAKETIME_CACHE_DURATION", "value": "1" },
                { "name": "FAKETIME_DONT_FAKE_MONOTONIC", "value": "1" },
            ],
            "volumeMounts": [
                { "name": "faketime", "mountPath": "/faketime", "readOnly": true },
                { "name": "clock", "mountPath": "/clock" },
            ],
        }],
        "volumes": [
            { "name": "faketime", "configMap": { "name": CONFIG_MAP } },
            { "name": "clock", "emptyDir": {} },
        ],
    } } })
}

/// Has the Deployment's pods run with a clock that can be set, or without one, and returns once one of them leads and those that are
/// otherwise are gone.
async fn roll_out(client: &Client, with: bool) -> Result<()> {
    // Applying no fields takes away those that were applied before.
    let spec = if with { with_a_clock() } else { json!({}) };
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": NAME, "namespace": OPERATOR_NAMESPACE },
        "spec": spec,
    });
    resources::apply(client, &deployment).await?;
    let what = "the operator runs with the clock that is wanted, and leads";
    wait::answer(what, PATIENCE, || async {
        let pods = pods(client).await?;
        Ok(if pods.iter().any(|pod| has_a_clock(pod) != with) {
            Err(format!("{} pods are there", pods.len()))
        } else {
            let leads = leader(client).await;
            leads.map(drop).map_err(|error| format!("{error:#}"))
        })
    })
    .await
}

fn has_a_clock(pod: &Pod) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| &spec.volumes).flatten();
    volumes.into_iter().any(|volume| volume.name == "clock")
}
