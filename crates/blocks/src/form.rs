//! Parameters of a request, from its URL and, as Go reads them, from a body that says it is a form.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header;

use crate::answer::Failure;

/// Largest body, bytes: an id, an action and a sentence.
const MAX_BODY: usize = 64 << 10;

/// The parameters in their order, those of the body first.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) async fn read(request: Request) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = kind.is_some_and(|kind| {
            kind.split(';').next().unwrap_or("").trim() == "application/x-www-form-urlencoded"
        });
        let body = match is_form {
            true => to_bytes(body, MAX_BODY)
                .await
                .map_err(|error| Failure::bad_data(format!("read request body: {error}")))?,
            false => Default::default(),
        };
        let pairs = [body.as_ref(), parts.uri.query().unwrap_or("").as_bytes()]
            .into_iter()
            .flat_map(|text| url::form_urlencoded::parse(text).into_owned())
            .collect();
        Ok(Self(pairs))
    }

    /// The first value of `name`, or nothing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }
}
