//! `mirror` of a route: another component that gets copies of its requests.

use crate::config::model::Mirror;
use crate::config::raw::{RawMirror, RawRoute};
use crate::config::read::{At, Problems};
use crate::core::ComponentName;

use super::component::Components;

pub(super) fn mirror(
    raw: &RawRoute,
    components: &mut Components,
    problems: &mut Problems<'_>,
) -> Option<Mirror> {
    let mirror = raw.mirror.given()?;
    if raw.component.is_absent() {
        problems
            .error(
                &mirror.place,
                "only what goes to a component can be mirrored",
            )
            .help("leave it out, or write component = \"…\"");
    }
    let component = component(mirror, raw, components, problems);
    Some(Mirror {
        component: component?,
        percent: mirror.percent.value()?.0,
    })
}

fn component(
    mirror: &At<RawMirror>,
    raw: &RawRoute,
    components: &mut Components,
    problems: &mut Problems<'_>,
) -> Option<ComponentName> {
    let name = mirror.component.given()?;
    components.expect(name, &name.place, problems);
    if raw.component.value() == Some(&name.value) {
        problems
            .error(
                &name.place,
                format!("{} would get each of these requests twice", name.value),
            )
            .help("a mirror is another component, such as one with the next version");
    }
    Some(name.value.clone())
}
