//! `[storage.NAME]`, `[bus]`, `[[component.NAME.subscribe]]` and `[component.NAME.supervision]`.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::config::read::shape_table;
use crate::config::text::{AtMost, BusBackend, UpTo};
use crate::core::{
    ByteSize, GroupName, Overflow, StoreBackend, SupervisionStrategy, Topic, TopicPattern,
};

shape_table! {
    struct RawStore {
        /// "embedded", in a file of the state directory; or "memory", gone with the process.
        /// Default: "embedded".
        optional backend: StoreBackend,
        /// What each component may have in it, keys and values together, "1KiB" to "1024GiB".
        /// Default: "64MiB".
        optional max_bytes: ByteSize,
        /// How many keys each component may have in it. Default: 100000.
        optional max_keys: NonZeroU64,
        /// One value, "1" to "16MiB". Default: "1MiB".
        optional max_value: ByteSize,
    }

    struct RawBus {
        /// "local": within this process. Default: "local".
        optional backend: BusBackend,
        /// The body of one message, "1" to "16MiB". Default: "1MiB".
        optional max_message: ByteSize,
        /// The topic that messages are sent to once they were tried too often.
        /// Default: "airgate.dead-letters".
        optional dead_letters: Topic,
        /// Messages that one request may cause through components, 1 to 1000000000; beyond it they
        /// count as a loop. Default: 100000.
        optional max_caused: UpTo<1_000_000_000>,
    }

    struct RawSubscription {
        /// Whose messages it gets, such as "orders.created"; "*" stands for one token, ">" at the end
        /// for the rest.
        required topic: TopicPattern,
        /// Its members share the messages. Default: every subscriber gets a copy.
        optional group: GroupName,
        /// Messages that wait at once, 1 to 1000000. Default: 1024.
        optional queue: UpTo<1_000_000>,
        /// What waits at once, "1KiB" to "1GiB". Default: "16MiB".
        optional queue_bytes: ByteSize,
        /// "reject": a message that finds the queue full is not taken, and its sender is told.
        /// "drop-oldest": the one that has waited longest makes room. Default: "reject".
        optional overflow: Overflow,
        /// Messages that are handled at once, 1 to 10000; an actor without key handles one.
        /// Default: 16.
        optional concurrency: UpTo<10_000>,
        /// How often a message is tried in all, 1 to 100. Default: 5.
        optional attempts: UpTo<100>,
        /// Before the second try; it doubles each time. "1ms" to "1h". Default: "100ms".
        optional backoff: Duration,
        /// The longest it becomes, "1ms" to "1h". Default: "30s".
        optional max_backoff: Duration,
    }

    struct RawSupervision {
        /// What follows a failure. "restart": a restart, and after too many a stop. "stop": a stop at
        /// once. "escalate": after too many restarts its group is restarted, and where that does not
        /// help the node is not ready. Default: "restart".
        optional strategy: SupervisionStrategy,
        /// Restarts within that time, 0 to 1000; one more, and it is given up. Default: 5.
        optional max_restarts: AtMost<1_000>,
        /// The time in which they are counted, "1s" to "24h". Default: "1m".
        optional within: Duration,
        /// Before the first restart; it doubles each time. "1ms" to "1h". Default: "100ms".
        optional backoff: Duration,
        /// The longest it becomes, "1ms" to "1h". Default: "30s".
        optional max_backoff: Duration,
        /// Components that are restarted together, where one of them escalates. Default: none.
        optional group: GroupName,
        /// Between two health checks, "100ms" to "1h". Default: "10s".
        optional health_interval: Duration,
        /// Until the answer of one, "1ms" to "10m". Default: "1s".
        optional health_timeout: Duration,
        /// So many bad answers, one after the other, are a failure; 1 to 100. Default: 3.
        optional health_failures: UpTo<100>,
        /// Until an instance that is told to end is dropped, "0s" to "1h". Default: "5s".
        optional shutdown_timeout: Duration,
    }
}
