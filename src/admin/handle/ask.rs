//! A request to change how one component is delivered.

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::de::DeserializeOwned;

use crate::admin::access::Bearer;
use crate::admin::answer::{Problem, tagged};
use crate::admin::api::{Shared, carry_out};
use crate::admin::request::{ComponentPath, JsonBody, expected_generation};
use crate::core::ComponentName;
use crate::lifecycle::{Change, ChangeError, Delivery, DeliveryStatus};

/// Who asks for what, on what premise.
pub(in crate::admin) struct Ask<T> {
    pub shared: Shared,
    pub component: ComponentName,
    bearer: Bearer,
    headers: HeaderMap,
    /// `None`: nothing was sent.
    pub body: Option<T>,
}

impl<T: DeserializeOwned> FromRequest<Shared> for Ask<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let ComponentPath(component) =
            ComponentPath::from_request_parts(&mut parts, shared).await?;
        let bearer = bearer(&parts.extensions)?;
        let headers = parts.headers.clone();
        let request = Request::from_parts(parts, body);
        let JsonBody(body) = JsonBody::from_request(request, shared).await?;
        Ok(Self {
            shared: shared.clone(),
            component,
            bearer,
            headers,
            body,
        })
    }
}

/// Who asks.
///
/// # Errors
/// Nobody has looked.
pub(super) fn bearer(extensions: &axum::http::Extensions) -> Result<Bearer, Problem> {
    let bearer = extensions.get().cloned();
    bearer.ok_or_else(|| Problem::internal("nobody is known to ask"))
}

/// How the component is delivered at this moment.
///
/// # Errors
/// There is none.
pub(super) fn status(
    shared: &Shared,
    component: &ComponentName,
) -> Result<DeliveryStatus, Problem> {
    let status = shared.node.delivery().status(component);
    Ok(status.ok_or_else(|| ChangeError::NoComponent(component.to_string()))?)
}

impl<T> Ask<T> {
    pub fn status(&self) -> Result<DeliveryStatus, Problem> {
        status(&self.shared, &self.component)
    }

    /// Makes the change, if the component is as the sender believes.
    ///
    /// # Errors
    /// It is not, or the change cannot be made.
    pub async fn change<F>(
        &self,
        reason: Option<String>,
        make: impl FnOnce(std::sync::Arc<Delivery>, ComponentName, Change) -> F,
    ) -> Result<Response, Problem>
    where
        F: Future<Output = Result<DeliveryStatus, ChangeError>> + Send + 'static,
    {
        let change = Change {
            by: self.bearer.name.to_string(),
            reason,
            expected: expected_generation(&self.headers, &self.status()?)?,
        };
        let place = self.shared.changes.take()?;
        let delivery = self.shared.node.delivery().clone();
        let making = make(delivery, self.component.clone(), change);
        Ok(tagged(&carry_out(place, making).await?))
    }
}
