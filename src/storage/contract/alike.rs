//! Histories by chance, which both backends must answer alike.

use proptest::prelude::*;

use super::help::{Both, all, cart, delete, key, set_for};
use crate::core::{ByteSize, KvStore, Quota, StoreSpec, Swap, Write};

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Write>),
    Increment(u8, i64),
    Swap(u8, bool, u8),
    Pass(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = (
        0..6_u8,
        any::<bool>(),
        0..20_usize,
        prop::option::of(0..300_u64),
    );
    let write = write.prop_map(|(key, sets, size, ttl)| match sets {
        true => set_for(&format!("k{key}"), &"7".repeat(size), ttl),
        false => delete(&format!("k{key}")),
    });
    let step = prop_oneof![
        prop::collection::vec(write, 0..5).prop_map(Step::Write),
        (0..6_u8, -9..9_i64).prop_map(|(key, delta)| Step::Increment(key, delta)),
        (0..6_u8, any::<bool>(), 0..9_u8).prop_map(|(key, right, n)| Step::Swap(key, right, n)),
        (1..200_u16).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..25)
}

/// What a step answers, without revisions, which differ between stores.
async fn take(store: &dyn KvStore, step: &Step) -> String {
    let name = |n: &u8| key(&format!("k{n}"));
    match step {
        Step::Write(writes) => format!("{:?}", store.write(&cart(), writes.clone()).await),
        Step::Increment(key, delta) => {
            format!("{:?}", store.increment(&cart(), &name(key), *delta).await)
        }
        Step::Swap(key, right, n) => {
            let there = store.get(&cart(), &name(key)).await.unwrap();
            let expected = there.map(|stored| stored.revision).filter(|_| *right);
            let (space, key, value) = (cart(), name(key), n.to_string().into());
            match store.swap(&space, &key, expected, value, None).await {
                Ok(Swap::Swapped(_)) => "swapped".into(),
                Ok(Swap::Changed(there)) => format!("{:?}", there.map(|there| there.value)),
                Err(error) => error.to_string(),
            }
        }
        Step::Pass(_) => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_backends_answer_alike(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let quota = Quota { bytes: ByteSize(60), keys: 4 };
            let both = Both::new(StoreSpec { quota, ..StoreSpec::default() });
            let [memory, file] = &both.stores;
            for step in &steps {
                if let Step::Pass(millis) = step {
                    both.hands.pass(u64::from(*millis));
                }
                let answers = (take(&**memory, step).await, take(&**file, step).await);
                assert_eq!(answers.0, answers.1, "{step:?}");
                let records = both.backups.each_ref().map(|backup| backup.export());
                let [one, two] = records;
                assert_eq!(all(one.await.unwrap()).await, all(two.await.unwrap()).await);
            }
        });
    }
}
