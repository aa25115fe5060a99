//! From a request to whoever answers it: find the route, prepare the request, ask.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri, Version};
use hyper::body::Incoming;

use super::body::Body;
use super::files::Directory;
use super::messages::{Post, Sent, listen};
use super::service::{Inbound, Peer};
use super::snapshot::{Entry, Snapshot, Target};
use super::{affinity, forced, forwarded, head, respond};
use crate::component::{Call, InvokeError, RequestBody, RequestWatch, Scheme};
use crate::config::{PathPattern, Respond, Route};
use crate::core::{ByteSize, Fault, Origin, RequestId};
use crate::lifecycle::{Ask, Deployment};

/// A response, and where it came from.
pub(crate) struct Answer {
    pub response: Response<Body>,
    pub fault: Option<usize>,
    pub entry: Option<Arc<Entry>>,
    /// Of the entry's deployment.
    pub version: Option<usize>,
    pub received: Option<RequestWatch>,
}

impl Answer {
    fn new(response: Response<Body>) -> Self {
        Self {
            response,
            fault: None,
            entry: None,
            version: None,
            received: None,
        }
    }

    /// Tells a fault to the client who sent `inbound`.
    pub fn fault(fault: &Fault, inbound: &Inbound) -> Self {
        let request = &inbound.request;
        Self::failed(
            fault,
            &Asker::new(inbound.id, request.version(), request.headers()),
        )
    }

    fn failed(fault: &Fault, asker: &Asker) -> Self {
        let response = respond::respond(fault, asker.id, asker.version, asker.json);
        Self {
            fault: Some(fault.index()),
            ..Self::new(response)
        }
    }
}

/// What a fault must know of the client, kept while a guest has its request.
struct Asker {
    id: RequestId,
    version: Version,
    json: bool,
}

impl Asker {
    fn new(id: RequestId, version: Version, headers: &HeaderMap) -> Self {
        Self {
            id,
            version,
            json: respond::accepts_json(headers),
        }
    }
}

/// Answers a request, always.
pub(crate) async fn dispatch(peer: Arc<Peer>, inbound: Inbound) -> Result<Answer, Infallible> {
    let Inbound {
        id,
        arrived,
        snapshot,
        request,
    } = inbound;
    let (mut parts, body) = request.into_parts();
    let asker = Asker::new(id, parts.version, &parts.headers);
    let (entry, ask) = match find(&snapshot, &mut parts, &peer, id) {
        Ok(found) => found,
        Err(fault) => return Ok(Answer::failed(&fault, &asker)),
    };
    let idle = snapshot.limits.body_idle_timeout;
    // A guest may take its time; the old table must not live as long.
    drop(snapshot);
    let route = &entry.route;
    let mut answer = match &entry.target {
        Target::Component(deployment) => {
            let scheme = forwarded::scheme(&parts.headers, &peer);
            let came = Came {
                arrived,
                scheme,
                ask,
            };
            ask_component(&entry, deployment, parts, body, came, idle, &asker).await
        }
        Target::Respond(fixed) => Answer::new(fixed_answer(fixed)),
        Target::Files(directory) => ask_directory(route, directory, parts, &asker).await,
        Target::Message(post) => {
            let sent = Sent {
                body: RequestBody::empty(),
                parts,
                id,
                arrived,
                forced: ask.forced,
                connection: peer.number,
            };
            // Apart, so that the futures of other requests stay small.
            Box::pin(ask_bus(route, post, sent, body, idle, &asker)).await
        }
        Target::Events(ring) => match listen(ring, &parts, &peer.gate) {
            Ok(response) => Answer::new(response),
            Err(fault) => Answer::failed(&fault, &asker),
        },
    };
    if answer.fault.is_none() && !route.response_headers.is_empty() {
        route.response_headers.apply(answer.response.headers_mut());
    }
    answer.entry = Some(entry);
    Ok(answer)
}

/// The route of a request, which is checked and normalised on the way, and what decides
/// between versions.
fn find(
    snapshot: &Snapshot,
    parts: &mut Parts,
    peer: &Peer,
    id: RequestId,
) -> Result<(Arc<Entry>, Ask), Fault> {
    head::check(parts, &snapshot.limits)?;
    forwarded::set(&mut parts.headers, peer, &snapshot.trusted_proxies);
    let host = forwarded::host(&parts.headers);
    let place = snapshot
        .router
        .find(host, &parts.method, parts.uri.path(), &parts.headers)?;
    let entry = snapshot.entries[place].clone();
    let forced = forced::take(&mut parts.headers, snapshot.forceable.as_ref())?;
    let affinity = entry
        .deployment()
        .and_then(|it| it.spec().affinity.as_ref());
    let client = || forwarded::client(&parts.headers, peer.address, &snapshot.trusted_proxies);
    let key = affinity.and_then(|affinity| affinity::key(affinity, &parts.headers, client));
    Ok((entry, Ask { id, key, forced }))
}

/// When and how a request came, and for what version.
struct Came {
    arrived: Instant,
    scheme: Scheme,
    ask: Ask,
}

async fn ask_component(
    entry: &Entry,
    deployment: &Deployment,
    mut parts: Parts,
    body: Incoming,
    came: Came,
    idle: Duration,
    asker: &Asker,
) -> Answer {
    strip_prefix(&mut parts, &entry.route);
    entry.route.request_headers.apply(&mut parts.headers);
    let (index, cohort) = deployment.pick(&came.ask, &parts.headers);
    let version = &deployment.versions()[index];
    let limit = version.limits().max_request_body;
    if announces_more(&parts.headers, limit) {
        return Answer::failed(&Fault::BodyTooLarge, asker);
    }
    let mirror = entry.mirror.as_ref();
    let copy = mirror.and_then(|it| it.copy(asker.id, &parts.method, &parts.uri, &parts.headers));
    let body = match &copy {
        None => RequestBody::new(body, limit, idle),
        Some(copy) => RequestBody::new(copy.tape(body), limit, idle),
    };
    let received = body.watch();
    let call = Call {
        origin: Origin::at_the_edge(asker.id, cohort, came.ask.forced),
        arrived: came.arrived,
        scheme: came.scheme,
    };
    let mut answer = match version.serve(Request::from_parts(parts, body), call).await {
        Ok(response) => Answer::new(response.map(Body::Guest)),
        Err(error) => {
            log_failure(&error, deployment, version.name().as_str(), asker.id);
            Answer::failed(&error.fault(), asker)
        }
    };
    if let Some(copy) = copy {
        let status = answer.fault.is_none().then(|| answer.response.status());
        copy.send(came.ask, call, status, came.arrived.elapsed());
    }
    answer.version = Some(index);
    answer.received = Some(received);
    answer
}

async fn ask_bus(
    route: &Route,
    post: &Post,
    mut sent: Sent,
    body: Incoming,
    idle: Duration,
    asker: &Asker,
) -> Answer {
    let limit = Some(post.largest());
    if let Err(fault) = post.admit(&sent.parts.method, route) {
        return Answer::failed(&fault, asker);
    }
    if announces_more(&sent.parts.headers, limit) {
        return Answer::failed(&Fault::BodyTooLarge, asker);
    }
    strip_prefix(&mut sent.parts, route);
    route.request_headers.apply(&mut sent.parts.headers);
    sent.body = RequestBody::new(body, limit, idle);
    let received = sent.body.watch();
    let mut answer = match post.answer(sent).await {
        Ok(response) => Answer::new(response),
        Err(fault) => Answer::failed(&fault, asker),
    };
    answer.received = Some(received);
    answer
}

/// The client says beforehand that it will send too much.
fn announces_more(headers: &HeaderMap, limit: Option<ByteSize>) -> bool {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    matches!((announced, limit), (Some(length), Some(limit)) if ByteSize(length) > limit)
}

fn log_failure(error: &InvokeError, deployment: &Deployment, version: &str, id: RequestId) {
    let component = deployment.name();
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let (fault, cause) = (error.fault().label(), cause.as_deref());
    match error {
        InvokeError::Overloaded | InvokeError::BodyTooLarge | InvokeError::BodyStalled => {
            tracing::debug!(%component, version, request_id = %id, fault, %error, "request refused");
        }
        _ => {
            tracing::warn!(%component, version, request_id = %id, fault, %error, cause, "guest failed")
        }
    }
}

async fn ask_directory(
    route: &Route,
    directory: &Directory,
    parts: Parts,
    asker: &Asker,
) -> Answer {
    let path = parts.uri.path();
    // What follows the prefix names the file; the request keeps all of it.
    let path = match (&route.path, &route.strip_prefix) {
        (_, Some(prefix)) | (PathPattern::Prefix(prefix), None) => {
            without_prefix(path, prefix).unwrap_or(path).to_owned()
        }
        _ => path.to_owned(),
    };
    match directory.serve(&path, Request::from_parts(parts, ())).await {
        Ok(response) => Answer::new(response),
        Err(fault) => Answer::failed(&fault, asker),
    }
}

fn fixed_answer(fixed: &Respond) -> Response<Body> {
    let mut response = Response::new(Body::Bytes(Bytes::from(fixed.body.clone())));
    *response.status_mut() = fixed.status;
    for (name, value) in &fixed.headers {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response
}

/// `None` where the path is not below the prefix; always starts with `/`.
fn without_prefix<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
    match rest {
        "" => Some("/"),
        _ => rest.starts_with('/').then_some(rest),
    }
}

fn strip_prefix(parts: &mut Parts, route: &Route) {
    let Some(prefix) = &route.strip_prefix else {
        return;
    };
    let Some(path) = without_prefix(parts.uri.path(), prefix) else {
        return;
    };
    let target = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    // A path without its front is still a path.
    let Ok(path_and_query) = PathAndQuery::try_from(target) else {
        return;
    };
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.path_and_query = Some(path_and_query);
    parts.uri = Uri::from_parts(uri).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_a_segment() {
        assert_eq!(without_prefix("/api/cart", "/api"), Some("/cart"));
        assert_eq!(without_prefix("/api", "/api"), Some("/"));
        assert_eq!(without_prefix("/apis", "/api"), None);
        assert_eq!(without_prefix("/x", "/"), Some("/x"));
    }
}
