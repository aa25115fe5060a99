//! The version choice made for one request, which follows it through every call it causes.

use super::RequestId;

/// Leads one request to one version of each component, however often and by whatever way it
/// comes by. Nobody else's choice has a part in it.
///
/// In one component a cohort leads back to the version it was picked with, as long as the
/// weights stay. What holds between components depends on its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cohort {
    /// A point in the whole of all traffic, which every component's versions divide among
    /// them in their order: the last 5% of one component are the last 5% of the next, so
    /// components with the same weights choose alike.
    Point(u64),
    /// A hash of what the client is known by. Each component's versions compete for it by
    /// their names and weights: a client that comes back meets the same versions of all
    /// components, and raising a weight takes nobody away from the version that is raised.
    /// Components whose versions have the same names and weights choose alike; where the
    /// names differ, one choice says nothing of the other.
    Key(u64),
}

impl Cohort {
    /// Where no request is.
    pub const NONE: Self = Self::Point(0);

    /// A point of its own for each request, evenly spread over them.
    pub fn of(request: RequestId) -> Self {
        Self::Point(request.spread())
    }

    /// The cohort in the middle of a point out of `total`.
    pub fn at(point: u64, total: u64) -> Self {
        let middle = (u128::from(point) << 64 | 1 << 63) / u128::from(total.max(1));
        Self::Point(middle as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_points_of_their_own() {
        let points = (0..1_000).map(|_| match Cohort::of(RequestId::next()) {
            Cohort::Point(point) => point,
            Cohort::Key(key) => panic!("nobody gave a key, and here is {key}"),
        });
        let points: std::collections::HashSet<u64> = points.collect();
        assert_eq!(points.len(), 1_000);
    }
}
