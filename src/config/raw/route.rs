//! `[[route]]`.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::config::model::{HostPattern, PathPattern};
use crate::config::read::{Entries, List, shape_table};
use crate::config::text::{FileName, FilePath, Percent, Prefix, RouteName, StripPrefix};
use crate::core::{ComponentName, Topic, TopicPattern};

shape_table! {
    struct RawRoute {
        /// For listings and logs. Default: made from the path.
        optional name: RouteName,
        /// "shop.example.com", "*.example.com", "192.0.2.1" or "[2001:db8::1]". Default: any host.
        optional hosts: List<HostPattern>,
        /// One path, with parameters such as {id} and a last {*rest}.
        optional path: PathPattern,
        /// A path and everything below it, instead of path.
        optional prefix: Prefix,
        /// "GET" brings HEAD with it. Default: any method; POST and PUT beside publish and request,
        /// GET beside events.
        optional methods: List<Method>,
        /// Header fields that must have exactly these values.
        optional headers: Entries<HeaderName, HeaderValue>,
        /// The component that answers.
        optional component: ComponentName,
        /// Another component that gets a copy of some requests; nobody sees its answers.
        optional mirror: RawMirror,
        /// A fixed answer, instead of a component.
        optional respond: RawRespond,
        /// Static files, instead of a component.
        optional files: RawFiles,
        /// A topic that the body of each request is sent to, instead of a component; the client is
        /// told that it was taken.
        optional publish: Topic,
        /// A topic that the body of each request is sent to, instead of a component; the reply is the
        /// answer.
        optional request: Topic,
        /// Until the reply to request, "1ms" to "1h". Default: "5s", beside request.
        optional timeout: Duration,
        /// Topics whose messages the client gets as Server-Sent Events, instead of a component.
        optional events: TopicPattern,
        /// Taken from the front of the path before the component, or who gets the message, sees it.
        optional strip_prefix: StripPrefix,
        /// Changes to the request before the component sees it, or a message is made of it.
        optional request_headers: RawHeaderEdits,
        /// Changes to the response before the client sees it.
        optional response_headers: RawHeaderEdits,
    }

    struct RawMirror {
        /// The component that gets the copies.
        required component: ComponentName,
        /// Of 100 requests, how many are copied, 1 to 100.
        required percent: Percent,
    }

    struct RawRespond {
        /// 200 to 599. Default: 200.
        optional status: StatusCode,
        /// Header fields of the answer.
        optional headers: Entries<HeaderName, HeaderValue>,
        /// Its text. Default: empty.
        optional body: String,
    }

    struct RawFiles {
        /// The directory, relative to this file.
        required dir: FilePath,
        /// Served for a directory. Default: "index.html".
        optional index: FileName,
    }

    struct RawHeaderEdits {
        /// Fields to set, after the removals.
        optional set: Entries<HeaderName, HeaderValue>,
        /// Fields to remove.
        optional remove: List<HeaderName>,
    }
}
