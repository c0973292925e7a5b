//! Whatever answers at a registry's address, the client ends with an answer of its own, in bounded room.

use std::sync::LazyLock;

use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

use super::*;
use crate::registry::answer::LARGEST;

/// What the sockets of both sides may hold on top of what is read.
const SOCKETS: usize = 16 << 20;
/// Longest message, in characters: a thousand of the registry's, and what is said around them.
const LONGEST: usize = 1_700;

/// A registry that gives the same answer to everything, whatever was set last.
struct Always {
    root: String,
    answer: Arc<Mutex<(u16, Vec<u8>)>>,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static ALWAYS: LazyLock<Always> = LazyLock::new(|| {
    let answer = Arc::new(Mutex::new((200, Vec::new())));
    let shared = answer.clone();
    let root = RUNTIME.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(async move || {
            let (status, body) = shared.lock().unwrap().clone();
            Response::builder()
                .status(status)
                .body(axum::body::Body::from(body))
                .unwrap()
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        root
    });
    Always { root, answer }
});

/// Asks one of the questions, and gives all words of what comes of it.
async fn words(registry: &Confluent, question: usize) -> Vec<String> {
    let schema = avro(BROKEN);
    let told = |error: RegistryError| vec![error.to_string()];
    match question {
        0 => registry
            .versions(SUBJECT)
            .await
            .map_or_else(told, |_| Vec::new()),
        1 => registry
            .lookup(SUBJECT, &schema)
            .await
            .map_or_else(told, |_| Vec::new()),
        2 => registry
            .register(SUBJECT, &schema)
            .await
            .map_or_else(told, |_| Vec::new()),
        3 => registry
            .level(SUBJECT)
            .await
            .map_or_else(told, |_| Vec::new()),
        4 => registry
            .delete(SUBJECT, true)
            .await
            .map_or_else(told, |()| Vec::new()),
        5 => registry
            .set_level(SUBJECT, Compatibility::Full)
            .await
            .map_or_else(told, |()| Vec::new()),
        _ => match registry.check(SUBJECT, &schema, Against::Every).await {
            Ok(Verdict::Incompatible(words)) => words,
            Ok(Verdict::Invalid(words)) => vec![words],
            Ok(Verdict::Compatible) => Vec::new(),
            Err(error) => told(error),
        },
    }
}

/// Answers of registries, with more and other things in them than they should have.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        r#"[1,2,3]"#,
        r#"[-1,0,2147483647]"#,
        r#"[99999999999999999999]"#,
        r#"{"id":7,"version":3}"#,
        r#"{"id":7}"#,
        r#"{"id":"W","version":3}"#,
        r#"["W"]"#,
        r#"{"title":"W"}"#,
        r#"{"id":1e400,"version":-0}"#,
        r#"{"is_compatible":false,"messages":["W","{oldSchema W"]}"#,
        r#"{"is_compatible":false,"messages":null}"#,
        r#"{"is_compatible":"no","messages":{}}"#,
        r#"{"compatibilityLevel":"W"}"#,
        r#"{"error_code":42201,"message":"W"}"#,
        r#"{"error_code":40401,"message":"\ud800"}"#,
        r#"{"error_code":42201,"error_code":40401,"message":"a","message":"b"}"#,
        r#"{"title":"W","causes":[{"description":"W","context":"W"}]}"#,
        r#"{"artifact":{"artifactType":"W"}}"#,
    ]);
    let long = (known.clone(), 0_usize..3_000, "[^\"\\\\\\x00-\\x1f]")
        .prop_map(|(text, times, letter)| text.replace('W', &letter.repeat(times)).into_bytes());
    let many = (0_usize..5_000).prop_map(|count| {
        let messages = vec!["\"m\""; count].join(",");
        format!(r#"{{"is_compatible":false,"messages":[{messages}]}}"#).into_bytes()
    });
    let nested = (
        0_usize..400,
        prop::sample::select(vec!["[", r#"{"a":"#, r#"{"messages":["#]),
    )
        .prop_map(|(levels, open)| open.repeat(levels).into_bytes());
    let damaged = (
        known,
        any::<prop::sample::Index>(),
        any::<u8>(),
        any::<bool>(),
    )
        .prop_map(|(text, at, byte, cut)| {
            let mut text = text.as_bytes().to_vec();
            let at = at.index(text.len());
            match cut {
                true => text.truncate(at),
                false => text[at] = byte,
            }
            text
        });
    let any_bytes = prop::collection::vec(any::<u8>(), 0..64);
    prop_oneof![2 => long, 1 => many, 1 => nested, 4 => damaged, 1 => any_bytes]
}

proptest! {
    #[test]
    fn hostile_answers_end_in_an_answer_of_bounded_length(
        status in prop::sample::select(vec![200_u16, 201, 204, 301, 400, 404, 409, 422, 429, 500, 503]),
        answer in answers(),
        question in 0_usize..7,
        apicurio in any::<bool>(),
    ) {
        *ALWAYS.answer.lock().unwrap() = (status, answer);
        let path = if apicurio { "/apis/ccompat/v7" } else { "" };
        let registry = Confluent::new(CLIENT.clone(), &format!("{}{path}", ALWAYS.root));
        let words = RUNTIME.block_on(words(&registry, question));
        prop_assert!(words.len() <= 21, "{} messages", words.len());
        for message in words {
            prop_assert!(message.chars().count() <= LONGEST, "{} characters", message.chars().count());
        }
    }
}

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

/// Sends `head` and then zeros until nobody takes them any more; gives how many bytes it got rid of.
async fn flood(mut stream: TcpStream, head: &str) -> usize {
    let mut request = [0; 4_096];
    let _ = stream.read(&mut request).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b' '; 1 << 16];
    let mut sent = 0;
    while stream.write_all(&chunk).await.is_ok() {
        sent += chunk.len();
    }
    sent
}

#[tokio::test]
async fn an_answer_without_end_is_given_up_after_some_mebibytes() {
    for (status, apicurio) in [("200 OK", false), ("503 Busy", false), ("422 No", true)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let path = if apicurio { "/apis/ccompat/v7" } else { "" };
        let root = format!("http://{}{path}", listener.local_addr().unwrap());
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n");
        let flooding = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            flood(stream, &head).await
        });
        let answer = Confluent::new(Client::new(), &root)
            .check(SUBJECT, &avro(V1), Against::Every)
            .await;
        let sent = flooding.await.unwrap();
        assert!(
            sent <= LARGEST + SOCKETS,
            "{status}: {sent} bytes were taken"
        );
        match answer {
            Err(RegistryError::Unreachable(words)) if status.starts_with("503") => {
                assert!(words.contains("too great a length"), "{words}");
            }
            Err(RegistryError::Refused { message, .. }) => {
                assert!(message.contains("longer than 4 MiB"), "{message}");
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn long_words_are_told_in_part() {
    let long = "é".repeat(5_000);
    let body = json!({ "error_code": 42205, "message": long }).to_string();
    let refused = codes::always(422, body)
        .await
        .register(SUBJECT, &avro(V1))
        .await;
    let Err(RegistryError::Refused { message, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(message.chars().count(), 1_001);
    assert!(message.ends_with("é…"));
    let messages = vec![long; 100];
    let body = json!({ "is_compatible": false, "messages": messages }).to_string();
    let verdict = codes::always(200, body)
        .await
        .check(SUBJECT, &avro(V1), Against::Every)
        .await;
    let Ok(Verdict::Incompatible(words)) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(words.len(), 21);
    assert_eq!(words[20], "and 80 more");
    let text = format!(r#""{}""#, "x".repeat(100_000));
    let level = codes::always(200, text).await.level(SUBJECT).await;
    let words = level.unwrap_err().to_string();
    assert!(words.len() < 2_000, "{} bytes", words.len());
}
