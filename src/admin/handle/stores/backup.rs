//! `GET …/backup` and `POST …/restore`: a whole store, while it is in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::admin::answer::{Problem, bytes};
use crate::admin::api::Shared;
use crate::admin::request::{BackupPath, FlowError, Pace, flow};
use crate::admin::views::Restored;
use crate::core::Timestamp;
use crate::storage::{self, BackupError, encode};

/// Lines of JSON.
const JSONL: HeaderValue = HeaderValue::from_static("application/jsonl");

const PACE: Pace = Pace {
    stall: Duration::from_secs(30),
    whole: Duration::from_secs(600),
};

/// A backup that fails in the middle breaks off: it has no last line, and nobody takes it.
pub(in crate::admin) async fn backup(
    State(shared): State<Shared>,
    BackupPath { name, backup }: BackupPath,
) -> Result<Response, Problem> {
    let place = shared.backups.take()?;
    let records = backup.export().await?;
    let lines = encode(&name, Timestamp::now(), records).inspect(move |_| {
        // Given back with the connection.
        let _ = &place;
    });
    let mut response = bytes(JSONL, Body::from_stream(lines));
    let file = format!("attachment; filename=\"{name}.jsonl\"");
    // The name of a store can be that of a file, and stand in a field.
    let file = HeaderValue::try_from(file).ok();
    let headers = response.headers_mut();
    headers.extend(file.map(|file| (CONTENT_DISPOSITION, file)));
    Ok(response)
}

pub(in crate::admin) async fn restore(
    State(shared): State<Shared>,
    BackupPath { name, backup }: BackupPath,
    body: Body,
) -> Result<Json<Restored>, Problem> {
    let _place = shared.backups.take()?;
    let too_slow = Arc::new(AtomicBool::new(false));
    let slow = too_slow.clone();
    let chunks = flow(body, PACE).inspect_err(move |error| {
        slow.store(matches!(error, FlowError::TooSlow), Ordering::Relaxed);
    });
    match storage::restore(&*backup, Some(&name), chunks).await {
        Ok(records) => Ok(Json(Restored { records })),
        Err(BackupError::Upload(_)) if too_slow.load(Ordering::Relaxed) => {
            Err(Problem::request_timeout(FlowError::TooSlow.to_string()))
        }
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: BackupError) -> Problem {
    let detail = error.to_string();
    match error {
        BackupError::Line { line, .. } => Problem::bad_request(detail).line(line),
        BackupError::CutOff { lines } => Problem::bad_request(detail).line(lines + 1),
        BackupError::Altered { .. } | BackupError::Upload(_) => Problem::bad_request(detail),
        BackupError::TooLarge { .. } => Problem::too_large(detail),
        BackupError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{ByteSize, StoreError};

    #[test]
    fn a_backup_that_is_not_taken_says_where_and_why() {
        let what = || "neither a record nor the end of a backup".to_owned();
        let line = BackupError::Line {
            line: 7,
            what: what(),
        };
        for (error, status, line) in [
            (line, 400, Some(7)),
            (BackupError::CutOff { lines: 3 }, 400, Some(4)),
            (BackupError::Altered { what: what() }, 400, None),
            (BackupError::Upload("gone".into()), 400, None),
            (BackupError::TooLarge { limit: ByteSize(1) }, 413, None),
            (StoreError::Busy.into(), 503, None),
        ] {
            let text = error.to_string();
            let document = refused(error).document();
            assert_eq!(
                (&document["status"], &document["detail"]),
                (&status.into(), &text.into())
            );
            assert_eq!(document["line"].as_u64(), line);
        }
    }
}
