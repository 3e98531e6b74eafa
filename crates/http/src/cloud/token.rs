//! A token that is kept until shortly before it ends.

use largestack_ports::vault::Sensitive;
use largestack_types::time::Timestamp;
use tokio::sync::Mutex;

/// So long before its end a token is no longer used, in microseconds: five minutes, as the
/// clouds' own clients do.
const MARGIN: i64 = 5 * 60 * 1_000_000;

/// Something fetched that ends at a time; `None` where it never ends.
#[derive(Clone)]
pub(super) struct Lasting<T> {
    pub(super) value: T,
    pub(super) until: Option<Timestamp>,
}

/// The one held. Whoever finds it missing or too old fetches it while the others wait.
pub(super) struct Kept<T>(Mutex<Option<Lasting<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    pub(super) async fn get<E>(
        &self,
        now: Timestamp,
        fetch: impl Future<Output = Result<Lasting<T>, E>>,
    ) -> Result<T, E> {
        let mut held = self.0.lock().await;
        let fresh = held.as_ref().filter(|held| {
            held.until.is_none_or(|until| now.micros().saturating_add(MARGIN) < until.micros())
        });
        if let Some(held) = fresh {
            return Ok(held.value.clone());
        }
        let fetched = fetch.await?;
        Ok(held.insert(fetched).value.clone())
    }
}

/// When something ends that lives for `seconds` from now on.
pub(super) fn after(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(seconds.saturating_mul(1_000_000)))
}

/// A bearer token.
pub(super) type Token = Lasting<Sensitive>;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_is_fetched_again_five_minutes_before_its_end_and_not_sooner() {
        let kept = Kept::default();
        let start = Timestamp::from_micros(0);
        let fetch = |value: u32| async move {
            Ok::<_, ()>(Lasting { value, until: Some(after(start, 3600)) })
        };
        assert_eq!(kept.get(start, fetch(1)).await, Ok(1));
        assert_eq!(kept.get(after(start, 3299), fetch(2)).await, Ok(1));
        assert_eq!(kept.get(after(start, 3300), fetch(3)).await, Ok(3));
    }
}
