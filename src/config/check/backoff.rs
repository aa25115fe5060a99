//! `backoff` and `max_backoff`: pauses that double.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::read::{Field, Problems};
use crate::core::{Backoff, format_duration};

use super::server::duration;

const PAUSE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3_600);

pub(super) fn backoff(
    first: &Field<Duration>,
    most: &Field<Duration>,
    problems: &mut Problems<'_>,
) -> Backoff {
    let default = Backoff::default();
    let before = problems.count();
    let backoff = Backoff {
        first: duration(first, default.first, &PAUSE, problems),
        most: duration(most, default.most, &PAUSE, problems),
    };
    let is_sound = problems.count() == before;
    let given = first.given().or(most.given()).filter(|_| is_sound);
    if let Some(given) = given.filter(|_| backoff.first > backoff.most) {
        let [first, most] = [backoff.first, backoff.most].map(format_duration);
        problems
            .error(
                &given.place,
                format!("backoff {first} is longer than max_backoff {most}"),
            )
            .help("pauses begin with backoff and grow up to max_backoff");
    }
    backoff
}
