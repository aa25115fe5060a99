//! Forgets versions that nobody needs any more. What is in use, what had the traffic before,
//! and the newest others always stay.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::book::Book;
use super::engine::{Delivery, Urgency};
use crate::core::{ComponentSpec, Digest};
use crate::lifecycle::journal::{Action, Draft};
use crate::lifecycle::state::collectable;

impl Delivery {
    /// After a change of one component.
    pub(super) async fn collect(&self, book: &mut Book, spec: &Arc<ComponentSpec>) {
        if self.forget(book, spec).await {
            self.sweep(book);
        }
    }

    /// After a change of any.
    pub(super) async fn collect_all(&self, book: &mut Book) {
        let deployments = self.directory.load_full();
        for deployment in deployments.iter() {
            self.forget(book, deployment.spec()).await;
        }
        self.sweep(book);
    }

    /// Takes names out of the state of a component; whether there were any.
    async fn forget(&self, book: &mut Book, spec: &Arc<ComponentSpec>) -> bool {
        let mut state = book.state(&spec.name);
        let keep = self.keep.load(Ordering::Relaxed) as usize;
        let gone = collectable(&state, keep);
        if gone.is_empty() {
            return false;
        }
        state.versions.retain(|it| !gone.contains(&it.name));
        let names: Vec<_> = gone.iter().map(ToString::to_string).collect();
        let draft = Draft {
            by: "collection".into(),
            component: spec.name.clone(),
            action: Action::Collected,
            version: None,
            reason: Some(names.join(", ")),
            verdict: None,
            after: Some(state),
        };
        let made = self.make(book, spec, draft, Urgency::Orderly, &[]).await;
        if let Err(error) = &made {
            tracing::warn!(component = %spec.name, %error, "old versions cannot be forgotten");
        }
        made.is_ok()
    }

    /// Removes bytes that no component keeps, and what was compiled from them.
    pub(super) fn sweep(&self, book: &Book) {
        if self.preparing.is_under_way() {
            // Some of them may be named in a moment; the next collection finds the rest.
            return;
        }
        let states = book.ledger().iter();
        let kept = states.flat_map(|(_, state)| state.versions.iter().map(|it| it.digest));
        let kept: HashSet<Digest> = kept.chain(self.pins.all()).collect();
        // With the book locked, so that nothing is kept anew meanwhile; a few unlinks.
        match self.vault.collect(&kept) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => {
                self.host.forget(&gone);
                tracing::info!(artifacts = gone.len(), "old artifacts removed");
            }
            Err(error) => tracing::warn!(%error, "old artifacts cannot be removed"),
        }
    }
}
