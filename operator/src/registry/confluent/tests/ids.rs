//! Under which subjects a schema id is registered.

use super::*;

const GUID: SchemaId = SchemaId::Guid([0; 16]);
const IDS: &str = "/schemas/guids/00000000-0000-0000-0000-000000000000/ids";
const VERSIONS: &str = "/schemas/ids/7/versions?deleted=true";

fn under(subjects: &[&str]) -> Result<KnownId, RegistryError> {
    let subjects = subjects.iter().map(ToString::to_string);
    Ok(KnownId::Under(subjects.collect()))
}

#[tokio::test]
async fn an_id_is_known_by_its_subjects_and_softly_deleted_ones_count() {
    let of = async |recording: &str, number| {
        let registry = apicurio(&[recording]).await;
        registry.subjects_of(SchemaId::Number(number)).await
    };
    assert_eq!(
        of("subjects of an id of two", 1).await,
        under(&["flights-value", "other-value"])
    );
    assert_eq!(
        of("subjects of an id after soft deletion", 2).await,
        under(&["flights-value"])
    );
    for (recording, number) in [
        ("subjects of an unknown id", 9999),
        ("subjects of a number less than 1", -5),
    ] {
        assert_eq!(of(recording, number).await, Ok(KnownId::Nowhere));
    }
    let none = confluent("GET", VERSIONS, 200, "[]").await;
    let none = none.subjects_of(SchemaId::Number(7)).await;
    assert_eq!(none, Ok(KnownId::Nowhere));
}

#[tokio::test]
async fn a_registry_without_guids_is_not_taken_for_one_that_does_not_know_this_one() {
    let apicurio = apicurio(&["ids of a GUID"]).await;
    assert_eq!(apicurio.subjects_of(GUID).await, Ok(KnownId::NotTold));
    let older = r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#;
    let older = confluent("GET", IDS, 404, older).await;
    assert_eq!(older.subjects_of(GUID).await, Ok(KnownId::NotTold));
    let unknown = r#"{"error_code":40403,"message":"Schema not found"}"#;
    let unknown = confluent("GET", IDS, 404, unknown).await;
    assert_eq!(unknown.subjects_of(GUID).await, Ok(KnownId::Nowhere));
}

#[tokio::test]
async fn a_guid_is_that_of_an_id_of_the_default_context() {
    let of = async |ids: &str| {
        let answer = |body: &str| (200, body.to_owned());
        let versions = r#"[{"subject":"flights-value","version":3}]"#;
        let answers = Answers::from([
            (("GET".to_owned(), IDS.to_owned()), answer(ids)),
            (("GET".to_owned(), VERSIONS.to_owned()), answer(versions)),
        ]);
        let registry = Confluent::new(Client::new(), &stub(answers).await);
        registry.subjects_of(GUID).await
    };
    let found = of(r#"[{"context":".other","id":1},{"context":".","id":7}]"#).await;
    assert_eq!(found, under(&["flights-value"]));
    let elsewhere = of(r#"[{"context":".other","id":1}]"#).await;
    assert_eq!(elsewhere, Ok(KnownId::NotTold));
    assert_eq!(of("[]").await, Ok(KnownId::Nowhere));
}
