//! Every endpoint of the admin API.

use super::endpoint::{Endpoint, Method};
use super::{bus_table, store_table};
use crate::admin::handle::{audit, components, delivery, deploy, events, node, steer, traffic};
use crate::admin::views;
use crate::core::Role;
use crate::lifecycle::{DeliveryEvent, DeliveryStatus, VersionStatus};

const IF_MATCH: &str =
    "The entity tag that the component must have, or `*`: the change is made only then.";
const ETAG: &str = "The generation of the component: send it back as `If-Match`.";

pub(super) fn get<H, T>(path: &'static str, role: impl Into<Option<Role>>, handler: H) -> Endpoint
where
    H: axum::handler::Handler<T, super::Shared>,
    T: 'static,
{
    Endpoint::new(Method::Get, path, role, handler)
}

pub(super) fn put<H, T>(path: &'static str, role: Role, handler: H) -> Endpoint
where
    H: axum::handler::Handler<T, super::Shared>,
    T: 'static,
{
    Endpoint::new(Method::Put, path, role, handler)
}

pub(super) fn post<H, T>(path: &'static str, role: Role, handler: H) -> Endpoint
where
    H: axum::handler::Handler<T, super::Shared>,
    T: 'static,
{
    Endpoint::new(Method::Post, path, role, handler)
}

pub(super) fn delete<H, T>(path: &'static str, role: Role, handler: H) -> Endpoint
where
    H: axum::handler::Handler<T, super::Shared>,
    T: 'static,
{
    Endpoint::new(Method::Delete, path, role, handler)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = of_the_node();
    endpoints.extend(of_components());
    endpoints.extend(of_changes());
    endpoints.extend(of_runs());
    endpoints.extend(store_table::endpoints());
    endpoints.extend(bus_table::endpoints());
    endpoints
}

fn of_the_node() -> Vec<Endpoint> {
    vec![
        get("/livez", None, node::livez)
            .summary("Whether the process lives")
            .answers_text(200, "It does."),
        get("/readyz", None, node::readyz)
            .summary("Whether the node takes requests")
            .answers_text(200, "It does.")
            .answers_text(503, "It drains."),
        get("/metrics", Role::Read, node::metrics)
            .summary("All metrics")
            .description("In the Prometheus text format.")
            .answers_text(200, "One line a series."),
        get("/v1/openapi.json", Role::Read, node::openapi)
            .summary("This document")
            .answers::<serde_json::Map<String, serde_json::Value>>(200, "OpenAPI 3.1."),
        get("/v1/routes", Role::Read, node::routes)
            .summary("The routes, in the order of the configuration")
            .answers::<Vec<views::RouteView>>(200, "What each one matches and where it leads."),
        get("/v1/audit", Role::Read, audit::audit)
            .summary("The audit trail")
            .description("Denials, changes of grants, deploys and calls of this API.")
            .query::<audit::AuditParameters>()
            .answers::<views::AuditView>(200, "The newest first."),
        post("/v1/reload", Role::Admin, node::reload)
            .summary("Reads the configuration again")
            .answers::<views::Reloaded>(200, "The new configuration serves.")
            .problems(&[422]),
        post("/v1/drain", Role::Admin, node::drain)
            .summary("Drains the node, as SIGTERM does")
            .answers::<views::Draining>(202, "It has begun."),
    ]
}

fn of_components() -> Vec<Endpoint> {
    vec![
        get("/v1/components", Role::Read, components::all)
            .summary("All components")
            .answers::<Vec<views::ComponentView>>(200, "By name."),
        get("/v1/components/{name}", Role::Read, components::one)
            .summary("One component")
            .answers::<views::ComponentView>(200, "Its versions, instances, limits and delivery.")
            .problems(&[404]),
        get("/v1/delivery", Role::Read, delivery::all)
            .summary("How all components are delivered")
            .answers::<Vec<DeliveryStatus>>(200, "By name."),
        get("/v1/components/{name}/delivery", Role::Read, delivery::one)
            .summary("How one component is delivered")
            .header("If-None-Match", "Entity tags that are known already.")
            .answers::<DeliveryStatus>(200, "Versions, traffic and rollout.")
            .with("ETag", ETAG)
            .answers_nothing(304, "It has not changed.")
            .with("ETag", ETAG)
            .problems(&[404]),
        get("/v1/components/{name}/history", Role::Read, delivery::history)
            .summary("Who has changed a component, when and why")
            .query::<delivery::HistoryParameters>()
            .answers::<Vec<views::HistoryEntry>>(200, "The newest first.")
            .problems(&[404]),
        get(VERSION, Role::Read, delivery::version)
            .summary("One version")
            .answers::<VersionStatus>(200, "What it is.")
            .problems(&[404]),
        get("/v1/events", Role::Read, events::events)
            .summary("What happens to versions and traffic, as it happens")
            .description("Server-sent events. `event` is the kind, `data` the event. Who is too slow, or comes back too late, is told by an event `lagged`, with the number of those it `missed` where that is known.")
            .query::<events::EventParameters>()
            .header("Last-Event-ID", "As `after`, which it overrules.")
            .answers_events::<DeliveryEvent>(200, "Until the node drains.")
            .problems(&[503]),
    ]
}

const VERSION: &str = "/v1/components/{name}/versions/{version}";

fn of_changes() -> Vec<Endpoint> {
    let deploy = put(VERSION, Role::Deploy, deploy::deploy)
        .summary("Deploys a version")
        .description("Verifies, compiles and warms it, keeps it, and gives it traffic by the strategy of the component. Answers as soon as the rollout has begun.")
        .query::<deploy::DeployParameters>()
        .header("Content-Digest", "What the body must be: `sha-256=:BASE64:` (RFC 9530).")
        .header("X-Airgate-Signature", "A detached signature of the body, in base64.")
        .header("If-Match", IF_MATCH)
        .wasm()
        .answers::<DeliveryStatus>(200, "These bytes were there under this name already.")
        .with("ETag", ETAG)
        .answers::<DeliveryStatus>(201, "The version is new.")
        .with("ETag", ETAG)
        .with("Location", "The version.")
        .problems(&[404, 409, 412, 422, 503, 507]);
    let traffic = put("/v1/components/{name}/traffic", Role::Deploy, traffic::set)
        .summary("Sets the weights of versions at once")
        .description("A rollout under way is aborted. Versions that are not named get nothing.")
        .json::<traffic::Weights>(true);
    let rollback = post(
        "/v1/components/{name}/rollback",
        Role::Deploy,
        steer::rollback,
    )
    .summary("Goes back to the traffic before the last change, or to a version")
    .json::<steer::Back>(false);
    let promote = post(
        "/v1/components/{name}/promote",
        Role::Deploy,
        steer::promote,
    )
    .summary("Gives the candidate of the rollout all traffic")
    .json::<steer::Why>(false);
    let pause = post("/v1/components/{name}/pause", Role::Deploy, steer::pause)
        .summary("Keeps the rollout at its step")
        .description("A failure still rolls back.")
        .json::<steer::Why>(false);
    let resume = post("/v1/components/{name}/resume", Role::Deploy, steer::resume)
        .summary("Lets a paused rollout go on")
        .json::<steer::Why>(false);
    let abort = post("/v1/components/{name}/abort", Role::Deploy, steer::abort)
        .summary("Ends the rollout and brings back the traffic of before")
        .json::<steer::Why>(false);
    let changes = [traffic, rollback, promote, pause, resume, abort].into_iter();
    let changes = changes.map(|endpoint| {
        endpoint
            .header("If-Match", IF_MATCH)
            .answers::<DeliveryStatus>(200, "The component afterwards.")
            .with("ETag", ETAG)
            .problems(&[404, 409, 412, 422, 503, 507])
    });
    [deploy].into_iter().chain(changes).collect()
}

fn of_runs() -> Vec<Endpoint> {
    let restart = post(
        "/v1/components/{name}/restart",
        Role::Deploy,
        components::restart,
    )
    .summary("Ends the instances of a component and starts it anew")
    .description("Also one that has stopped.");
    let stop = post("/v1/components/{name}/stop", Role::Deploy, components::stop)
        .summary("Ends the instances of a component")
        .description("Requests are answered with 503 until it is restarted.");
    let runs = [restart, stop].into_iter().map(|endpoint| {
        endpoint
            .query::<components::WhichVersion>()
            .answers::<views::ComponentView>(200, "The component, as it has begun.")
            .problems(&[404])
    });
    runs.collect()
}
