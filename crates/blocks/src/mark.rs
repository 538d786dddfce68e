//! Setting and taking away marks.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::http::HeaderMap;
use bucket::marks::{self, DeletionMark, NoCompactMark, NoDownsampleMark, reason};
use ulid::Ulid;

use crate::answer::Failure;
use crate::form::Form;
use crate::routes::BlocksApi;

/// What is done to a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Mark,
    Unmark,
}

/// Reads the block that a request names.
pub(crate) fn block_id(form: &Form) -> Result<Ulid, Failure> {
    let text = form.get("id");
    if text.is_empty() {
        return Err(Failure::bad_data("ID cannot be empty"));
    }
    Ulid::from_string(text).map_err(|error| Failure::bad_data(format!("ULID {text:?} is not valid: {error}")))
}

/// Writes or removes the mark that a request names, and shows it at once.
pub(crate) async fn change(api: &BlocksApi, request: Request, change: Change) -> Result<(), Failure> {
    if !api.admin {
        return Err(Failure::bad_data("Admin operations are disabled"));
    }
    if is_from_another_site(request.headers()) {
        return Err(Failure::forbidden("marks cannot be changed from the pages of another site"));
    }
    let form = Form::read(request).await?;
    if form.get("id").is_empty() {
        return Err(Failure::bad_data("ID cannot be empty"));
    }
    if form.get("action").is_empty() {
        return Err(Failure::bad_data("Action cannot be empty"));
    }
    let id = block_id(&form)?;
    match change {
        Change::Mark => mark(api, id, form.get("action"), form.get("detail")).await,
        Change::Unmark => unmark(api, id, form.get("action")).await,
    }
}

/// Browsers say where a request comes from; other clients say nothing. A form on any page could send one here, CORS or not.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

async fn mark(api: &BlocksApi, id: Ulid, action: &str, details: &str) -> Result<(), Failure> {
    let (bucket, details, version) = (api.bucket.as_ref(), details.to_owned(), marks::VERSION);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    let reason = reason::MANUAL.to_owned();
    match action {
        "DELETION" => {
            let mark = DeletionMark { id, version, details, deletion_time: now };
            if marks::write(bucket, id, &mark).await.map_err(Failure::bad_data)? {
                api.views.change_marks(|marks| drop(marks.deletion.insert(id, mark)));
            }
        }
        "NO_COMPACTION" => {
            let mark = NoCompactMark { id, version, details, no_compact_time: now, reason };
            if marks::write(bucket, id, &mark).await.map_err(Failure::bad_data)? {
                api.views.change_marks(|marks| drop(marks.no_compact.insert(id, mark)));
            }
        }
        "NO_DOWNSAMPLE" => {
            let mark = NoDownsampleMark { id, version, details, no_downsample_time: now, reason };
            if marks::write(bucket, id, &mark).await.map_err(Failure::bad_data)? {
                api.views.change_marks(|marks| drop(marks.no_downsample.insert(id, mark)));
            }
        }
        other => return Err(unsupported(other)),
    }
    Ok(())
}

async fn unmark(api: &BlocksApi, id: Ulid, action: &str) -> Result<(), Failure> {
    let bucket = api.bucket.as_ref();
    let removed = match action {
        "DELETION" => marks::remove::<DeletionMark>(bucket, id).await,
        "NO_COMPACTION" => marks::remove::<NoCompactMark>(bucket, id).await,
        "NO_DOWNSAMPLE" => marks::remove::<NoDownsampleMark>(bucket, id).await,
        other => return Err(unsupported(other)),
    };
    let removed = removed.map_err(Failure::bad_data)?;
    api.views.change_marks(|marks| match action {
        "DELETION" => drop(marks.deletion.remove(&id)),
        "NO_COMPACTION" => drop(marks.no_compact.remove(&id)),
        _ => drop(marks.no_downsample.remove(&id)),
    });
    match removed {
        true => Ok(()),
        false => Err(Failure::bad_data(format!("block {id} has no mark {action}"))),
    }
}

fn unsupported(action: &str) -> Failure {
    Failure::bad_data(format!("not supported marker {action}"))
}
