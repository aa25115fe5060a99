//! Lets the bearers of tokens do what their roles allow.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::core::Role;

const NO_TOKEN: &str = "send `Authorization: Bearer TOKEN`; the token is one of [admin] in the configuration, or in admin.token of the state directory";

/// Who asks; an extension of each request that needs a token, and of its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Bearer {
    /// The name of the token.
    pub name: Arc<str>,
    pub role: Role,
}

/// Lets those through whose role is enough.
pub(in crate::admin) async fn require(
    State((shared, needed)): State<(Shared, Role)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(bearer) = shared.tokens.bearer(request.headers()).cloned() else {
        let challenge = HeaderValue::from_static("Bearer");
        let problem = Problem::unauthorized(NO_TOKEN).header(WWW_AUTHENTICATE, challenge);
        return problem.into_response();
    };
    let mut response = if bearer.role >= needed {
        request.extensions_mut().insert(bearer.clone());
        next.run(request).await
    } else {
        too_small(&bearer, needed).into_response()
    };
    response.extensions_mut().insert(bearer);
    response
}

fn too_small(bearer: &Bearer, needed: Role) -> Problem {
    let detail = format!(
        "this takes the role `{}`; the token of `{}` has the role `{}`",
        needed.as_str(),
        bearer.name,
        bearer.role.as_str()
    );
    Problem::forbidden(detail).needs(needed)
}
