use http_body_util::StreamBody;

use super::*;
use crate::monitoring::Reading;

/// A response of one good frame and then `end`, limited to 9 bytes.
fn streaming(end: Option<Error>) -> (ResponseBody, Arc<Tally>) {
    let good = Ok(Frame::data(Bytes::from_static(b"12345")));
    let frames = std::iter::once(good).chain(end.map(Err));
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let (ready, limit) = (VecDeque::new(), Some(ByteSize(9)));
    let mut body = ResponseBody::streaming(ready, None, body, Verdict::Settled, limit);
    let tally = Arc::new(Tally::default());
    body.count_in(&tally);
    (body, tally)
}

#[tokio::test]
async fn a_response_that_breaks_off_is_counted_as_failed() {
    let (body, tally) = streaming(Some(Error::HttpResponseIncomplete));
    assert!(matches!(body.collect().await, Err(BodyError::Broken(_))));
    let reading = tally.read();
    assert_eq!((reading.errors, reading.requests()), (1, 0));
}

#[tokio::test]
async fn a_response_beyond_its_limit_is_counted_as_failed() {
    let (mut body, tally) = streaming(None);
    body.ready
        .push_back(Frame::data(Bytes::from_static(b"67890")));
    assert!(matches!(body.collect().await, Err(BodyError::TooLarge(_))));
    assert_eq!(tally.read().errors, 1);
}

#[tokio::test]
async fn a_whole_response_and_one_that_nobody_reads_count_as_nothing_more() {
    let (body, tally) = streaming(None);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "12345");
    assert_eq!(tally.read(), Reading::default());
    let (body, tally) = streaming(Some(Error::HttpResponseIncomplete));
    drop(body);
    assert_eq!(tally.read(), Reading::default());
}
