//! Basic authentication against bcrypt hashes.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;

/// Most outcomes kept; hashing is made to be slow, and a scraper comes with the same password every time.
const CACHE_SIZE: usize = 100;
/// Hash of a password nobody has, compared for unknown users, so that time does not tell who is known.
const NOBODY: &str = "$2b$10$abcdefghijklmnopqrstuuhTtVfmxmDJZcIL4k0Fz0X8cS0v3mMZK";

/// User and password of a request with the hash they were held against.
type Key = (String, String, String);

/// Outcomes of recent comparisons.
#[derive(Default)]
pub(super) struct Cache {
    outcomes: Mutex<HashMap<Key, bool>>,
}

/// Users with their bcrypt hashes; none lets everybody in.
#[derive(Debug, Default)]
pub(super) struct Users(HashMap<String, String>);

impl Users {
    /// Takes users with their hashes.
    pub(super) fn new(users: HashMap<String, String>) -> Result<Self, String> {
        for (user, hash) in &users {
            hash.parse::<bcrypt::HashParts>()
                .map_err(|error| format!("password of user {user} is not a bcrypt hash: {error}"))?;
        }
        Ok(Self(users))
    }

    /// Whether the request's `Authorization` names a user with the right password.
    pub(super) async fn admit(&self, headers: &HeaderMap, cache: &Cache) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Some((user, password)) = credentials(headers) else { return false };
        let known = self.0.get(&user);
        let hash = known.map_or(NOBODY, String::as_str).to_owned();
        let key = (user, password, hash);
        let outcome = cache.outcomes.lock().get(&key).copied();
        let matches = match outcome {
            Some(outcome) => outcome,
            None => {
                let (password, hash) = (key.1.clone(), key.2.clone());
                let compare =
                    tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false));
                let matches = compare.await.unwrap_or(false);
                let mut outcomes = cache.outcomes.lock();
                if outcomes.len() >= CACHE_SIZE
                    && let Some(any) = outcomes.keys().next().cloned()
                {
                    outcomes.remove(&any);
                }
                outcomes.insert(key, matches);
                matches
            }
        };
        known.is_some() && matches
    }
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(user: &str, password: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn admits_the_right_password_only() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let users = Users::new(HashMap::from([("ann".to_owned(), hash)])).unwrap();
        let cache = Cache::default();
        for _ in 0..2 {
            assert!(users.admit(&asking("ann", "secret"), &cache).await);
            assert!(!users.admit(&asking("ann", "wrong"), &cache).await);
            assert!(!users.admit(&asking("bob", "secret"), &cache).await);
        }
        assert!(!users.admit(&HeaderMap::new(), &cache).await);
        assert!(Users::default().admit(&HeaderMap::new(), &cache).await);
        assert!(Users::new(HashMap::from([("x".to_owned(), "plain".to_owned())])).is_err());
        assert!(bcrypt::verify("x", NOBODY).is_ok(), "the hash of nobody is well formed");
    }
}
