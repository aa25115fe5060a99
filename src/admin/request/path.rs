//! The names in a path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::admin::answer::Problem;
use crate::admin::api::Shared;
use crate::core::{ComponentName, VersionName};

/// The component that a path names.
pub(in crate::admin) struct ComponentPath(pub ComponentName);

/// The version that a path names.
pub(in crate::admin) struct VersionPath {
    pub component: ComponentName,
    pub version: VersionName,
}

impl FromRequestParts<Shared> for ComponentPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        component(&names::<String>(parts).await?).map(Self)
    }
}

impl FromRequestParts<Shared> for VersionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let (name, version): (String, String) = names(parts).await?;
        let component = component(&name)?;
        let version = version
            .parse()
            .map_err(|error| Problem::bad_request(format!("version: {error}")).field("version"))?;
        Ok(Self { component, version })
    }
}

/// As they are written, percent-encoding undone.
async fn names<T: DeserializeOwned + Send>(parts: &mut Parts) -> Result<T, Problem> {
    let names = Path::<T>::from_request_parts(parts, &()).await;
    let Path(names) = names.map_err(|error| Problem::bad_request(error.body_text()))?;
    Ok(names)
}

/// What cannot be a name is the name of nothing.
fn component(name: &str) -> Result<ComponentName, Problem> {
    let parsed = name.parse();
    parsed.map_err(|_| Problem::not_found(format!("there is no component `{name}`")))
}
