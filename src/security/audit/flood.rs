//! Keeps one guest that tries again and again from filling the trail. Of each component and
//! capability the first denials of a second are recorded one by one; the rest are counted,
//! and told by one event when the second is over.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::event::{Event, Kind};
use crate::core::{ComponentName, Timestamp};

const WINDOW: Duration = Duration::from_secs(1);
/// Denials recorded one by one in a window.
const ONE_BY_ONE: u32 = 20;
/// Components × capabilities are fewer. Beyond it all others share one window.
const LARGEST: usize = 10_000;

type Key = (Kind, Option<ComponentName>, Option<Cow<'static, str>>);

pub(super) struct Flood {
    windows: HashMap<Key, Window>,
    swept: Instant,
    largest: usize,
}

struct Window {
    began: Instant,
    recorded: u32,
    /// The first that was not recorded; it counts the others.
    counted: Option<Event>,
}

/// What is to be recorded when an event comes.
#[derive(Default)]
pub(super) struct Admitted {
    /// What the window before it had counted.
    pub summary: Option<Event>,
    /// The event itself, unless it was counted.
    pub event: Option<Event>,
}

impl Flood {
    pub fn new(now: Instant) -> Self {
        Self {
            windows: HashMap::new(),
            swept: now,
            largest: LARGEST,
        }
    }

    pub fn admit(&mut self, event: Event, now: Instant) -> Admitted {
        if !event.kind.is_denial() {
            return Admitted {
                event: Some(event),
                ..Admitted::default()
            };
        }
        let key = self.key(&event);
        let window = self.windows.entry(key).or_insert_with(|| Window::new(now));
        let mut admitted = Admitted::default();
        if window.is_over(now) {
            admitted.summary = window.summary();
            *window = Window::new(now);
        }
        admitted.event = window.admit(event);
        admitted
    }

    fn key(&self, event: &Event) -> Key {
        let (component, capability) = (event.component.clone(), event.capability.clone());
        let key = (event.kind, component, capability);
        match self.windows.len() < self.largest || self.windows.contains_key(&key) {
            true => key,
            false => (event.kind, None, None),
        }
    }

    /// Takes the summaries of all windows that are over; looks once a window.
    pub fn sweep(&mut self, now: Instant) -> Vec<Event> {
        if now.saturating_duration_since(self.swept) < WINDOW {
            return Vec::new();
        }
        self.swept = now;
        self.take(|window| window.is_over(now))
    }

    /// Takes every summary, over or not.
    pub fn finish(&mut self) -> Vec<Event> {
        self.take(|_| true)
    }

    fn take(&mut self, is_over: impl Fn(&Window) -> bool) -> Vec<Event> {
        let over = self.windows.extract_if(|_, window| is_over(window));
        over.filter_map(|(_, mut window)| window.summary())
            .collect()
    }
}

impl Window {
    fn new(began: Instant) -> Self {
        Self {
            began,
            recorded: 0,
            counted: None,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= WINDOW
    }

    fn admit(&mut self, event: Event) -> Option<Event> {
        if self.recorded < ONE_BY_ONE {
            self.recorded += 1;
            return Some(event);
        }
        match &mut self.counted {
            Some(counted) => counted.repeated += event.repeated,
            counted => *counted = Some(event),
        }
        None
    }

    /// It has the time at which it is recorded: whoever asks for what is new since the last
    /// answer must see it.
    fn summary(&mut self) -> Option<Event> {
        let time = Timestamp::now();
        self.counted.take().map(|event| Event { time, ..event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(component: &str) -> Event {
        Event::new(Kind::Denied)
            .of_component(component.parse().unwrap())
            .capability("http")
    }

    /// How many of `count` denials are recorded one by one.
    fn recorded(flood: &mut Flood, component: &str, count: usize, now: Instant) -> usize {
        let admitted = (0..count).map(|_| flood.admit(denial(component), now));
        admitted.filter(|admitted| admitted.event.is_some()).count()
    }

    #[test]
    fn the_first_of_a_second_are_recorded_and_the_rest_is_counted() {
        let now = Instant::now();
        let mut flood = Flood::new(now);
        assert_eq!(recorded(&mut flood, "a", 100, now), 20);
        let next = flood.admit(denial("a"), now + WINDOW);
        assert_eq!(next.summary.unwrap().repeated, 80);
        assert!(next.event.is_some());
    }

    #[test]
    fn components_do_not_share_a_window() {
        let now = Instant::now();
        let mut flood = Flood::new(now);
        assert_eq!(recorded(&mut flood, "a", 100, now), 20);
        assert_eq!(recorded(&mut flood, "b", 100, now), 20);
    }

    #[test]
    fn a_sweep_takes_what_is_over_and_nothing_else() {
        let now = Instant::now();
        let mut flood = Flood::new(now);
        recorded(&mut flood, "a", 30, now);
        recorded(&mut flood, "b", 40, now + WINDOW / 2);
        assert!(flood.sweep(now + WINDOW / 2).is_empty());
        let counts = |events: Vec<Event>| {
            events
                .iter()
                .map(|event| event.repeated)
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(flood.sweep(now + WINDOW)), [10]);
        assert_eq!(counts(flood.finish()), [20]);
        assert!(flood.windows.is_empty());
    }

    #[test]
    fn what_is_not_a_guests_doing_is_never_counted() {
        let now = Instant::now();
        let mut flood = Flood::new(now);
        for _ in 0..100 {
            assert!(
                flood
                    .admit(Event::new(Kind::AdminCall), now)
                    .event
                    .is_some()
            );
        }
    }

    #[test]
    fn too_many_keys_share_one_window() {
        let now = Instant::now();
        let mut flood = Flood::new(now);
        flood.largest = 10;
        let names = (0..100).map(|number| format!("c{number}"));
        let recorded: usize = names.map(|name| recorded(&mut flood, &name, 1, now)).sum();
        assert_eq!((recorded, flood.windows.len()), (30, 11));
    }
}
