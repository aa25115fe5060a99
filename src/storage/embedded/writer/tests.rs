use super::super::queue::queue;
use super::super::shared::Condition;
use super::*;
use crate::storage::clock::StoreClock;

#[test]
fn nobody_hears_that_nothing_was_written_when_nobody_knows() {
    // A directory in the place of the file: it cannot be opened anew.
    let dir = tempfile::tempdir().unwrap();
    let (name, path) = ("default".parse().unwrap(), dir.path().to_owned());
    let closed = Condition::Refused(Refusal::of(&name, Fault::Closed));
    let (spec, clock) = (Default::default(), StoreClock::of_this_machine());
    let shared = Shared::new(name, path, spec, clock, closed);
    let mut writer = Writer::new(Arc::new(shared), queue().1, None);
    let fault = [
        Fault::Disk("it is gone".into()),
        Fault::Damaged("a panic".into()),
    ];
    for (fault, begun) in fault
        .iter()
        .flat_map(|fault| [(fault, true), (fault, false)])
    {
        let committing = begun.then(|| (vec![Ok(Reply::Gone(0))], 1));
        let fault = fault.clone();
        let replies = writer.recover(Failure { fault, committing }, 1);
        let unknown = matches!(replies[..], [Err(StoreError::Unknown(_))]);
        assert_eq!(unknown, begun, "{replies:?}");
    }
}
