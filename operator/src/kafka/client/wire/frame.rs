use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiKey, RequestHeader, ResponseHeader},
    protocol::{Decodable, HeaderVersion, Request, StrBytes, encode_request_header_into_buffer},
};

use crate::kafka::client::connection::CLIENT_ID;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Name of a request in Kafka's protocol, such as `OffsetFetch`.
pub(super) fn api<R: Request>() -> String {
    ApiKey::try_from(R::KEY).map_or_else(|()| R::KEY.to_string(), |api| format!("{api:?}"))
}

/// A request as it is sent: its length in bytes, its header, itself.
pub(super) fn request<R: Request>(
    request: &R,
    version: i16,
    correlation: i32,
) -> Result<BytesMut, Error> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(StrBytes::from_static_str(CLIENT_ID)));
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    encode_request_header_into_buffer(&mut frame, &header)?;
    request.encode(&mut frame, version)?;
    let length = i32::try_from(frame.len() - size_of::<i32>())?;
    frame[..size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// The response in an answer, which begins with its header. It must be the one to the request of this correlation id.
pub(super) fn response<R: Request>(
    mut answer: Bytes,
    version: i16,
    correlation: i32,
) -> Result<R::Response, Error> {
    let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version))?;
    if header.correlation_id != correlation {
        let answered = header.correlation_id;
        return Err(format!("an answer to request {answered} in place of {correlation}").into());
    }
    let response = R::Response::decode(&mut answer, version)?;
    match answer.remaining() {
        0 => Ok(response),
        more => Err(format!("{more} bytes more than expected in the answer").into()),
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::{
        messages::{
            FindCoordinatorRequest, FindCoordinatorResponse, find_coordinator_response::Coordinator,
        },
        protocol::{Encodable, decode_request_header_from_buffer},
    };

    use super::*;

    const VERSION: i16 = 4;

    fn answer(correlation: i32) -> BytesMut {
        let mut answer = BytesMut::new();
        let header = ResponseHeader::default().with_correlation_id(correlation);
        let version = FindCoordinatorResponse::header_version(VERSION);
        header.encode(&mut answer, version).unwrap();
        let coordinator = Coordinator::default().with_port(9092);
        let response = FindCoordinatorResponse::default().with_coordinators(vec![coordinator]);
        response.encode(&mut answer, VERSION).unwrap();
        answer
    }

    #[test]
    fn a_request_says_how_long_it_is_and_who_asks_what() {
        let key = StrBytes::from_static_str("billing");
        let wanted = FindCoordinatorRequest::default().with_coordinator_keys(vec![key]);
        let mut frame = request(&wanted, VERSION, 7).unwrap().freeze();
        let length = usize::try_from(frame.get_i32()).unwrap();
        assert_eq!(frame.remaining(), length);
        let header = decode_request_header_from_buffer(&mut frame).unwrap();
        assert_eq!(
            (header.request_api_key, header.request_api_version),
            (FindCoordinatorRequest::KEY, VERSION)
        );
        assert_eq!(header.correlation_id, 7);
        assert_eq!(header.client_id.as_deref(), Some(CLIENT_ID));
        let sent = FindCoordinatorRequest::decode(&mut frame, VERSION).unwrap();
        assert_eq!(sent, wanted);
    }

    #[test]
    fn only_the_whole_answer_to_this_very_request_is_taken() {
        let read = |answer: BytesMut| {
            response::<FindCoordinatorRequest>(answer.freeze(), VERSION, 7)
                .map(|response| response.coordinators[0].port)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(answer(7)), Ok(9092));
        let other = read(answer(6)).unwrap_err();
        assert_eq!(other, "an answer to request 6 in place of 7");
        let mut long = answer(7);
        long.put_u8(0);
        assert!(read(long).unwrap_err().starts_with("1 bytes more"));
        let mut short = answer(7);
        short.truncate(10);
        assert!(read(short).is_err());
    }

    #[test]
    fn requests_have_the_names_of_kafkas_protocol() {
        assert_eq!(api::<FindCoordinatorRequest>(), "FindCoordinator");
    }
}
