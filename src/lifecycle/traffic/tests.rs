//! What a split promises: exact shares, and clients that stay where they are.

use proptest::prelude::*;

use super::Split;
use crate::core::{Cohort, RequestId, VersionName, Weight, stable_hash};
use crate::lifecycle::state::Traffic;

fn name(version: &str) -> VersionName {
    version.parse().unwrap()
}

/// Of versions `v0`, `v1` and so on.
fn split(weights: &[Weight]) -> Split {
    let versions = weights.iter().enumerate();
    let weights: Vec<_> = versions
        .map(|(index, weight)| (name(&format!("v{index}")), *weight))
        .collect();
    Split::new(&weights).unwrap()
}

/// Keys as hashing makes them of what clients send.
fn keys(number: u64) -> impl Iterator<Item = u64> {
    (0..number).map(|user| stable_hash(format!("user-{user}").as_bytes()))
}

fn picks(split: &Split, requests: u64, versions: usize) -> Vec<u32> {
    let mut picks = vec![0; versions];
    (0..requests).for_each(|_| picks[split.pick(RequestId::next()).0] += 1);
    picks
}

fn sticks(split: &Split, keys: impl Iterator<Item = u64>, versions: usize) -> Vec<u32> {
    let mut sticks = vec![0; versions];
    keys.for_each(|key| sticks[split.sticky(key).0] += 1);
    sticks
}

/// Which version each of 10,000 users meets under this traffic.
fn met(traffic: &Traffic) -> Vec<VersionName> {
    let shares = traffic.iter();
    let weights: Vec<_> = shares
        .map(|share| (share.version.clone(), share.weight))
        .collect();
    let split = Split::new(&weights).unwrap();
    let meets = |key| weights[split.sticky(key).0].0.clone();
    keys(10_000).map(meets).collect()
}

#[test]
fn shares_are_exact_over_one_round_wherever_it_begins() {
    let split = split(&[95, 5]);
    for _ in 0..7 {
        assert_eq!(picks(&split, 100, 2), [95, 5]);
        split.pick(RequestId::next());
    }
}

#[test]
fn a_small_share_is_spread_out() {
    let split = split(&[90, 10]);
    let gaps: Vec<usize> = (0..100)
        .filter(|_| split.pick(RequestId::NONE).0 == 1)
        .collect();
    let even = |pair: &[usize]| (5..=20).contains(&(pair[1] - pair[0]));
    assert!(gaps.windows(2).all(even), "{gaps:?}");
}

#[test]
fn a_version_without_weight_gets_nothing() {
    let uneven = split(&[0, 3, 0]);
    assert_eq!(picks(&uneven, 10, 3), [0, 10, 0]);
    assert_eq!(sticks(&uneven, keys(10), 3), [0, 10, 0]);
    assert!(Split::new(&[(name("a"), 0), (name("b"), 0)]).is_none());
    assert!(Split::new(&[]).is_none());
}

#[test]
fn splits_that_are_made_anew_for_each_request_favour_nobody() {
    let second = (0..10_000)
        .filter(|_| split(&[50, 50]).pick(RequestId::next()).0 == 1)
        .count();
    assert!((4_700..=5_300).contains(&second), "{second}");
}

#[test]
fn ten_percent_of_100_000_are_ten_percent() {
    for weights in [[90, 10], [9, 1], [3_865_470_567, 429_496_729]] {
        let split = split(&weights);
        let picked = picks(&split, 100_000, 2)[1];
        assert!((9_990..=10_010).contains(&picked), "{weights:?} {picked}");
        let stuck = sticks(&split, keys(100_000), 2)[1];
        assert!((9_500..=10_500).contains(&stuck), "{weights:?} {stuck}");
    }
}

#[test]
fn keys_are_shared_out_by_weight_whatever_they_look_like() {
    let weights = [60, 30, 10];
    let split = split(&weights);
    let high_bits = (0..100_000).map(|key| key << 40);
    let rows = [
        sticks(&split, keys(100_000), 3),
        sticks(&split, 0..100_000, 3),
        sticks(&split, high_bits, 3),
    ];
    for row in rows {
        for (count, weight) in row.iter().zip(weights) {
            let expected = weight * 1_000;
            assert!(count.abs_diff(expected) <= 1_000, "{row:?}");
        }
    }
}

#[test]
fn nobody_leaves_a_version_that_rises_and_nobody_moves_among_the_others() {
    let (old, older, candidate) = (name("1.5.0"), name("1.4.2"), name("1.6.0"));
    let before = [
        Traffic::only(old.clone()),
        Traffic::new([(older.clone(), 70), (old.clone(), 30)]),
        Traffic::new([(older, 999_983), (old, 1_000_003)]),
    ];
    for traffic in before {
        let mut last = met(&traffic);
        for percent in [5, 25, 50, 75, 99, 100] {
            let now = met(&traffic.shifted(&candidate, percent));
            for (was, is) in last.iter().zip(&now) {
                assert!(is == was || *is == candidate, "{percent}: {was} to {is}");
            }
            let there = now.iter().filter(|version| **version == candidate).count();
            assert!(there.abs_diff(usize::from(percent) * 100) <= 200, "{there}");
            last = now;
        }
    }
}

#[test]
fn raising_one_weight_alone_moves_nobody_but_to_it() {
    let shares = |weight| Traffic::new([(name("a"), 40), (name("b"), 60), (name("c"), weight)]);
    let mut last = met(&shares(1));
    for weight in [5, 20, 100, 1_000, Weight::MAX] {
        let now = met(&shares(weight));
        let stays = |(was, is): (&VersionName, &VersionName)| is == was || is.as_str() == "c";
        assert!(last.iter().zip(&now).all(stays), "{weight}");
        last = now;
    }
}

#[test]
fn a_rollback_brings_everybody_back_to_where_they_were() {
    let before = Traffic::new([(name("a"), 70), (name("b"), 30)]);
    let during = before.shifted(&name("c"), 50);
    assert_ne!(met(&during), met(&before));
    let back = during.shifted(&name("c"), 0);
    assert_eq!(met(&back), met(&before));
}

#[test]
fn neither_the_order_of_versions_nor_the_name_of_a_loser_matters() {
    let forth = Traffic::new([(name("a"), 20), (name("b"), 30), (name("c"), 50)]);
    let back = Traffic::new([(name("c"), 50), (name("b"), 30), (name("a"), 20)]);
    assert_eq!(met(&forth), met(&back));
    let renamed = Traffic::new([(name("a"), 20), (name("b"), 30), (name("d"), 50)]);
    for (was, is) in met(&forth).iter().zip(&met(&renamed)) {
        assert!(was == is || was.as_str() == "c" || is.as_str() == "d");
    }
}

/// An upgrade that changes this sends users to other versions: it must not.
#[test]
fn users_meet_the_versions_they_have_always_met() {
    let weights = [("1.4.2", 60), ("1.5.0", 30), ("1.6.0", 10)];
    let split = Split::new(&weights.map(|(version, weight)| (name(version), weight))).unwrap();
    let met: String = keys(64)
        .map(|key| split.sticky(key).0.to_string())
        .collect();
    assert_eq!(
        met,
        "0000121001000021100001110020000001002100000001010000000000000101"
    );
}

#[test]
fn a_point_leads_to_its_like_where_weights_are_the_same() {
    let (one, other) = (split(&[90, 10]), split(&[45, 5]));
    for _ in 0..1_000 {
        let (index, cohort) = one.pick(RequestId::next());
        assert_eq!(other.follow(cohort), index);
    }
}

#[test]
fn requests_without_a_choice_are_spread_over_those_who_have_one() {
    let (only, split) = (split(&[1]), split(&[90, 10]));
    let cohorts = (0..100_000).map(|_| only.pick(RequestId::next()).1);
    let second = cohorts.filter(|cohort| split.follow(*cohort) == 1).count();
    assert!((9_500..=10_500).contains(&second), "{second}");
}

#[test]
fn a_key_is_followed_through_a_component_with_one_version() {
    let (only, split) = (split(&[1]), split(&[50, 50]));
    for key in keys(100) {
        let (index, cohort) = only.sticky(key);
        assert_eq!((index, cohort), (0, Cohort::Key(key)));
        assert_eq!(split.follow(cohort), split.sticky(key).0);
    }
}

fn some_weights() -> impl Strategy<Value = Vec<Weight>> {
    prop::collection::vec(0..1_000_u32, 1..8).prop_filter("somebody has a weight", |weights| {
        weights.iter().any(|it| *it > 0)
    })
}

proptest! {
    #[test]
    fn every_round_is_exact(weights in some_weights()) {
        let split = split(&weights);
        let total: u32 = weights.iter().sum();
        prop_assert_eq!(picks(&split, u64::from(total), weights.len()), weights);
    }

    #[test]
    fn a_cohort_leads_to_the_version_it_was_picked_with(
        weights in prop::collection::vec(1..=Weight::MAX, 1..8), keys: [u64; 16],
    ) {
        let split = split(&weights);
        for key in keys {
            let (index, cohort) = split.sticky(key);
            prop_assert_eq!(split.follow(cohort), index);
            let (index, cohort) = split.pick(RequestId::next());
            prop_assert_eq!(split.follow(cohort), index);
        }
    }

    #[test]
    fn a_rising_weight_takes_from_others_and_gives_to_none(
        weights in some_weights(), raised: prop::sample::Index, by in 1..1_000_u32, keys: [u64; 32],
    ) {
        let mut risen = weights.clone();
        let raised = raised.index(risen.len());
        risen[raised] += by;
        let (before, after) = (split(&weights), split(&risen));
        for key in keys {
            let (was, is) = (before.sticky(key).0, after.sticky(key).0);
            prop_assert!(is == was || is == raised, "{} to {}", was, is);
        }
    }
}
