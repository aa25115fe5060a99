use std::sync::atomic::AtomicUsize;

use futures_util::StreamExt as _;
use http_body_util::StreamBody;
use tokio::sync::oneshot;

use super::*;
use crate::monitoring::Reading;
use crate::runtime::detached::End;

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

/// A body of these frames, how many of them were read, and how its guest is told.
fn counted(
    frames: impl Iterator<Item = &'static [u8]> + Send + 'static,
) -> (ResponseBody, Arc<AtomicUsize>, oneshot::Receiver<()>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let frames = frames.map(move |data| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from_static(data)))
    });
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let (cancel, cancelled) = oneshot::channel();
    let verdict = Verdict::Own {
        end: End::Known(None),
        cancel: Some(cancel),
    };
    let body = ResponseBody::streaming(VecDeque::new(), None, body, verdict, None);
    (body, count, cancelled)
}

#[tokio::test]
async fn a_guest_whose_body_is_read_ahead_is_done_before_its_client() {
    let (body, _, mut told) = counted([&b"12"[..], b"", b"345"].into_iter());
    let body = body.read_ahead();
    (&mut told).await.expect("it may finish");
    assert_eq!(body.collect().await.unwrap().to_bytes(), "12345");
}

#[tokio::test]
async fn no_more_is_read_ahead_than_there_is_room_for() {
    for (frame, most) in [(&[7; 60_000][..], 6), (b"1", 258)] {
        let (body, count, mut told) = counted(std::iter::repeat(frame));
        let mut body = body.read_ahead();
        let mut before = usize::MAX;
        while before != count.load(Ordering::Relaxed) {
            before = count.load(Ordering::Relaxed);
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
        }
        assert!((most / 2..=most).contains(&before), "{before} frames");
        assert!(told.try_recv().is_err(), "it is not done");
        // What is read makes room.
        for _ in 0..1_000 {
            let read = body.frame().await.unwrap().unwrap();
            assert_eq!(read.into_data().unwrap(), frame);
        }
        drop(body);
        assert!(told.await.is_err(), "it is cancelled with its client");
    }
}

#[tokio::test]
async fn what_breaks_off_breaks_off_when_it_is_read_ahead() {
    let (body, tally) = streaming(Some(Error::HttpResponseIncomplete));
    let mut body = body.read_ahead();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(matches!(
        body.frame().await,
        Some(Err(BodyError::Broken(_)))
    ));
    assert_eq!(tally.read().errors, 1);
    let (body, _, _) =
        counted(std::iter::once(&b"1"[..]).chain(std::iter::from_fn(|| panic!("on purpose"))));
    let mut body = body.read_ahead();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(
        matches!(body.frame().await, Some(Err(BodyError::Guest(_)))),
        "this is not all"
    );
}

/// What a client sends: frames, and then what it ends in.
fn sent(frames: Vec<Result<Frame<Bytes>, Error>>, forever: bool) -> RequestBody {
    let frames = futures_util::stream::iter(frames);
    let limit = Some(ByteSize(1 << 20));
    let idle = Duration::from_secs(20);
    match forever {
        true => RequestBody::new(
            Box::pin(StreamBody::new(
                frames.chain(futures_util::stream::pending()),
            )),
            limit,
            idle,
        ),
        false => RequestBody::new(Box::pin(StreamBody::new(frames)), limit, idle),
    }
}

fn in_time() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

#[tokio::test(start_paused = true)]
async fn a_request_is_gathered_with_all_that_belongs_to_it() {
    let trailers = http::HeaderMap::from_iter([(http::header::ETAG, "x".parse().unwrap())]);
    let frames = [
        Frame::data("12".into()),
        Frame::data("345".into()),
        Frame::trailers(trailers.clone()),
    ];
    let body = sent(frames.map(Ok).into(), false)
        .gathered(in_time())
        .await
        .unwrap();
    assert_eq!(body.watch().received(), Some(5));
    assert_eq!(body.body.size_hint().exact(), Some(5));
    let body = body.body.collect().await.unwrap();
    assert_eq!(body.trailers(), Some(&trailers));
    assert_eq!(body.to_bytes(), "12345");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_large_is_not_waited_for() {
    let piece = Bytes::from(vec![7; 100_000]);
    let frames = (0..4).map(|_| Ok(Frame::data(piece.clone()))).collect();
    let mut body = sent(frames, true).gathered(in_time()).await.unwrap();
    let first = body.body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap().len(), 300_000);
    let next = body.body.frame().await.unwrap().unwrap();
    assert_eq!(next.into_data().unwrap().len(), 100_000);
    assert!(!body.body.is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_only_lacks_its_end_is_waited_for() {
    let all = || Ok(Frame::data(Bytes::from(vec![7; 256 << 10])));
    let open = sent(vec![all()], true).gathered(in_time()).await;
    assert!(matches!(open, Err(InvokeError::BodyStalled)));
    let ended = sent(vec![all()], false).gathered(in_time()).await.unwrap();
    assert_eq!(ended.body.size_hint().exact(), Some(256 << 10));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_late_too_large_or_broken_off_is_refused() {
    let start = || Ok(Frame::data(Bytes::from_static(b"12345")));
    let late = sent(vec![start()], true).gathered(in_time()).await;
    assert!(matches!(late, Err(InvokeError::BodyStalled)));
    let broken = sent(vec![start(), Err(Error::ConnectionTerminated)], false);
    let broken = broken.gathered(in_time()).await;
    assert!(matches!(broken, Err(InvokeError::Interrupted)));
    let large = Bytes::from(vec![7; 2 << 20]);
    let large = sent(vec![start(), Ok(Frame::data(large))], false);
    let large = large.gathered(in_time()).await;
    assert!(matches!(large, Err(InvokeError::BodyTooLarge)));
}
