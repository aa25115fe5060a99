//! Who gets the messages of a topic.
//!
//! What was looked up is kept, for a bounded number of topics, until a subscription comes or
//! goes.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::index::Tree;
use super::listener::Listener;
use crate::core::{GroupName, Topic};

/// Those who listen to one topic.
#[derive(Default)]
pub struct Route {
    /// Who each gets a copy.
    pub everybody: Vec<Arc<Listener>>,
    pub groups: Vec<Group>,
}

/// Those of one group who listen to one topic.
pub struct Group {
    name: GroupName,
    pub members: Vec<Arc<Listener>>,
    turn: AtomicUsize,
}

impl Group {
    /// The members, the best choice first: with room, with least to do, and in turn.
    pub fn in_turn(&self) -> impl Iterator<Item = &Arc<Listener>> {
        let turn = match self.members.len() {
            1 => 0,
            members => self.turn.fetch_add(1, Ordering::Relaxed) % members.max(1),
        };
        let (behind, first) = self.members.split_at(turn);
        let in_turn = || first.iter().chain(behind);
        let best = match self.members.len() {
            1 => 0,
            _ => least(in_turn().map(|member| member.load())),
        };
        in_turn()
            .skip(best)
            .take(1)
            .chain(in_turn().take(best))
            .chain(in_turn().skip(best + 1))
    }
}

/// Where the first of the least is.
fn least(loads: impl Iterator<Item = (bool, u64)>) -> usize {
    let least = loads.enumerate().min_by_key(|(_, load)| *load);
    least.map_or(0, |(at, _)| at)
}

impl Route {
    fn find(tree: &Tree<Arc<Listener>>, topic: &Topic, turns: &AtomicUsize) -> Self {
        let mut route = Self::default();
        tree.find(topic, &mut |listener| route.add(listener, turns));
        route
    }

    fn add(&mut self, listener: &Arc<Listener>, turns: &AtomicUsize) {
        let Some(name) = &listener.subscription.spec.group else {
            return self.everybody.push(listener.clone());
        };
        let mut groups = self.groups.iter_mut();
        if let Some(group) = groups.find(|group| group.name == *name) {
            return group.members.push(listener.clone());
        }
        // Many topics with one message each must not all begin with the same member.
        let turn = turns.fetch_add(1, Ordering::Relaxed);
        self.groups.push(Group {
            name: name.clone(),
            members: vec![listener.clone()],
            turn: AtomicUsize::new(turn),
        });
    }

    pub fn is_empty(&self) -> bool {
        self.receivers() == 0
    }

    /// The best choice, where one alone gets the message.
    pub fn only(&self) -> Option<&Arc<Listener>> {
        match (&*self.everybody, &*self.groups) {
            ([listener], []) => Some(listener),
            ([], [group]) => group.in_turn().next(),
            _ => None,
        }
    }

    fn receivers(&self) -> usize {
        let groups = self.groups.iter().map(|group| group.members.len());
        self.everybody.len() + groups.sum::<usize>()
    }
}

/// The routes of all topics.
pub struct Routes {
    tree: Tree<Arc<Listener>>,
    hasher: RandomState,
    kept: [Shelf; SHELVES],
    turns: Arc<AtomicUsize>,
}

/// By the hash of the topic.
type Shelf = RwLock<HashMap<u64, (Topic, Arc<Route>)>>;

const SHELVES: usize = 16;
/// Topics on each shelf.
const KEPT: usize = 256;
/// A route with more is not kept: finding it is little beside sending to all of them.
const MOST_RECEIVERS: usize = 64;

impl Default for Routes {
    fn default() -> Self {
        Self::of(Tree::default(), Arc::default())
    }
}

impl Routes {
    fn of(tree: Tree<Arc<Listener>>, turns: Arc<AtomicUsize>) -> Self {
        Self {
            tree,
            hasher: RandomState::new(),
            kept: Default::default(),
            turns,
        }
    }

    #[must_use]
    pub fn with(&self, listener: &Arc<Listener>) -> Self {
        let pattern = &listener.subscription.spec.topic;
        let tree = self.tree.with(pattern, listener.clone());
        Self::of(tree, self.turns.clone())
    }

    #[must_use]
    pub fn without(&self, listener: &Listener) -> Self {
        let pattern = &listener.subscription.spec.topic;
        let tree = self.tree.without(pattern, |it| it.id == listener.id);
        Self::of(tree, self.turns.clone())
    }

    pub fn of_topic(&self, topic: &Topic) -> Arc<Route> {
        let hash = self.hasher.hash_one(topic);
        let shelf = &self.kept[(hash >> 60) as usize % SHELVES];
        let kept = shelf.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, route)) = kept.get(&hash).filter(|(kept, _)| kept == topic) {
            return route.clone();
        }
        drop(kept);
        let route = Arc::new(Route::find(&self.tree, topic, &self.turns));
        if (1..=MOST_RECEIVERS).contains(&route.receivers()) {
            let mut kept = shelf.write().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT {
                kept.clear();
            }
            kept.insert(hash, (topic.clone(), route.clone()));
        }
        route
    }
}
