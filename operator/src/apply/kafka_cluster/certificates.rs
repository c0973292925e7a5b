use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::PostParams};

use crate::{
    apply::apply,
    certificates::{Authority, Pair, is_current},
    context::Context,
    desire::kafka_cluster::{
        Names, authority_config_map, authority_secret, node_request, node_secret, operator_request,
        operator_secret,
    },
    error::Error,
    resolve::{Rejection, ResolvedCluster},
    status::reasons,
};

/// The certificates of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// PEM of the authority.
    pub authority_pem: String,
    /// PEM of the nodes' certificate behind its key, as it is mounted.
    pub node_pem: String,
    /// The operator's.
    pub operator: Pair,
}

/// The certificates of a cluster: those that are there and still serve, or new ones.
///
/// # Errors
/// The outer one when the API server refuses or the machine yields no randomness; the inner one when the Secret of the
/// authority does not hold one. It is never replaced unasked: every client trusts it.
pub async fn certificates(
    context: &Context,
    cluster: &ResolvedCluster,
    now: Timestamp,
) -> Result<Result<Certificates, Rejection>, Error> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &cluster.key.namespace);
    let authority = match authority(context, &api, cluster, now).await? {
        Ok(authority) => authority,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let authority_pem = authority.pair().certificate_pem.clone();
    apply(context, &authority_config_map(cluster, &authority_pem)).await?;
    let node_pem = node(context, &api, cluster, &authority, now).await?;
    let operator = operator(context, &api, cluster, &authority, now).await?;
    Ok(Ok(Certificates {
        authority_pem,
        node_pem,
        operator,
    }))
}

async fn authority(
    context: &Context,
    api: &Api<Secret>,
    cluster: &ResolvedCluster,
    now: Timestamp,
) -> Result<Result<Authority, Rejection>, Error> {
    let name = Names(&cluster.key).authority();
    let Some(found) = api.get_opt(&name).await? else {
        let made = Authority::generate(&format!("millrace {}", cluster.key), now)?;
        let (params, secret) = (
            PostParams::default(),
            authority_secret(cluster, made.pair()),
        );
        let create = api.create(&params, &secret);
        context.writes.any("Secret", create).await?;
        return Ok(Ok(made));
    };
    let parsed = pair(&found).and_then(|pair| Authority::from_pair(pair).ok());
    Ok(parsed.ok_or_else(|| {
        Rejection::no(
            reasons::INVALID_SPEC,
            format!(
                "Secret {name} does not hold a certificate authority in tls.crt and tls.key: restore it, or delete it and every client has to trust the new one that is made"
            ),
        )
    }))
}

async fn node(
    context: &Context,
    api: &Api<Secret>,
    cluster: &ResolvedCluster,
    authority: &Authority,
    now: Timestamp,
) -> Result<String, Error> {
    let (request, authority_pem) = (
        node_request(&cluster.key),
        &authority.pair().certificate_pem,
    );
    let found = api.get_opt(&Names(&cluster.key).node_certificate()).await?;
    let trusted = found.as_ref().and_then(|secret| text(secret, "ca.crt"));
    let there = found.as_ref().and_then(|secret| text(secret, "node.pem"));
    if let Some(there) = there.filter(|pem| is_current(pem, authority_pem, &request, now))
        && trusted.as_ref() == Some(authority_pem)
    {
        return Ok(there);
    }
    let secret = node_secret(cluster, &authority.issue(&request, now)?, authority_pem);
    apply(context, &secret).await?;
    Ok(text(&secret, "node.pem").unwrap_or_default())
}

async fn operator(
    context: &Context,
    api: &Api<Secret>,
    cluster: &ResolvedCluster,
    authority: &Authority,
    now: Timestamp,
) -> Result<Pair, Error> {
    let (request, authority_pem) = (operator_request(), &authority.pair().certificate_pem);
    let found = api
        .get_opt(&Names(&cluster.key).operator_certificate())
        .await?;
    if let Some(there) = found.as_ref().and_then(pair)
        && is_current(&there.certificate_pem, authority_pem, &request, now)
    {
        return Ok(there);
    }
    let issued = authority.issue(&request, now)?;
    apply(context, &operator_secret(cluster, &issued)).await?;
    Ok(issued)
}

fn pair(secret: &Secret) -> Option<Pair> {
    Some(Pair {
        certificate_pem: text(secret, "tls.crt")?,
        key_pem: text(secret, "tls.key")?,
    })
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok()
}
