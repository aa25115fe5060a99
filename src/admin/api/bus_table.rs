//! The endpoints of the bus. Messages may hold secrets of components: admins alone see them.

use super::endpoint::Endpoint;
use super::table::{delete, get, post};
use crate::admin::handle::bus;
use crate::admin::views;
use crate::core::Role;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/v1/bus", Role::Read, bus::status)
            .summary("How the bus stands: who listens, and what waits")
            .answers::<views::BusView>(200, "Subscriptions with their queues."),
        publish(),
        post("/v1/bus/request", Role::Deploy, bus::request)
            .summary("Sends a message and waits for the reply")
            .description("The body is that of the message, `Content-Type` its type. 503: nobody listens, or the queue is full; 502: no reply from who does; 504: not in time.")
            .query::<bus::RequestParameters>()
            .bytes()
            .answers_bytes(200, "*/*", "The reply, with its type.")
            .problems(&[409, 502, 503, 504]),
        get("/v1/bus/messages", Role::Admin, bus::watch)
            .summary("Messages, as they are sent")
            .description("Server-sent events `message`. Who is too slow loses the oldest, and is told by an event `lagged` how many it `missed`.")
            .query::<bus::WatchParameters>()
            .answers_events::<views::MessageView>(200, "Until the node drains.")
            .problems(&[503]),
        get("/v1/bus/dead-letters", Role::Admin, bus::letters)
            .summary("Messages that were given up")
            .query::<bus::LetterParameters>()
            .answers::<views::DeadLettersView>(200, "The newest first."),
        post("/v1/bus/dead-letters/{id}/redeliver", Role::Deploy, bus::redeliver)
            .summary("Sends a dead letter to where it came from, as if for the first time")
            .answers::<views::Redelivered>(200, "It is on its way.")
            .problems(&[404, 409, 413, 503]),
        delete("/v1/bus/dead-letters/{id}", Role::Admin, bus::discard)
            .summary("Forgets a dead letter")
            .answers_nothing(204, "It is gone.")
            .problems(&[404]),
    ]
}

fn publish() -> Endpoint {
    post("/v1/bus/publish", Role::Deploy, bus::publish)
        .summary("Sends a message to who listens to its topic")
        .description("The body is that of the message, `Content-Type` its type. With `count` it is sent many times, and the answer says how many were taken.")
        .query::<bus::PublishParameters>()
        .bytes()
        .answers::<views::PublishAnswer>(200, "It was taken.")
        .problems(&[409, 503])
}
