use kube::core::{
    DynamicObject,
    admission::{AdmissionRequest, AdmissionResponse, AdmissionReview},
};

use super::Judge;

/// Answers the body of one request of the API server. A body that is no AdmissionReview gets a refusal that says so.
///
/// # Errors
/// The refusal, where the body is no AdmissionReview.
pub async fn answer(
    judge: &Judge,
    body: &[u8],
) -> Result<AdmissionReview<DynamicObject>, Box<AdmissionReview<DynamicObject>>> {
    let request =
        parse(body).map_err(|why| Box::new(AdmissionResponse::invalid(why).into_review()))?;
    Ok(judge.judge(&request).await.respond(&request).into_review())
}

fn parse(body: &[u8]) -> Result<AdmissionRequest<DynamicObject>, String> {
    let review: AdmissionReview<DynamicObject> = serde_json::from_slice(body).map_err(|error| {
        format!("the body is no AdmissionReview of admission.k8s.io/v1: {error}")
    })?;
    review
        .try_into()
        .map_err(|_| "the AdmissionReview has no request".to_owned())
}
