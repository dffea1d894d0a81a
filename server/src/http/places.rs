//! Room for WebSockets that have not said hello (CON 10), given to one after another.
//!
//! When everybody comes at once, after a restart, those beyond the room wait here for the hellos of those before them: a moment,
//! where the gateway would have to send them away for many seconds. Who opens and says nothing keeps a place for a while only; from
//! then on the gateway alone counts them, and refuses newcomers where they are too many. So the silent keep nobody here for long.
//! The places are half of what the gateway lets wait: the other half is for those who kept theirs too long, and for QUIC.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// How long a newcomer waits for a place; then the gateway decides. Less than clients wait for a welcome.
const WAIT_MOST: Duration = Duration::from_secs(5);
/// How long a place is kept for somebody who says nothing: a round trip, also of a slow network, and what a server that everybody
/// comes back to takes to read what they say.
const KEPT_MOST: Duration = Duration::from_secs(3);

/// The room.
#[derive(Debug)]
pub struct Places(Arc<Semaphore>);

/// A place; none, where nobody had said a word for too long.
#[derive(Debug)]
pub(super) struct Place(Option<OwnedSemaphorePermit>);

/// Dropped when a client has said its first word, or never will.
pub(super) type Silence = oneshot::Sender<Infallible>;

impl Places {
    /// For a gateway that lets so many wait.
    pub fn new(waiting_max: u32) -> Places {
        Places(Arc::new(Semaphore::new((waiting_max / 2).max(1) as usize)))
    }

    /// The next one, in the order of those who ask.
    pub(super) async fn take(&self) -> Place {
        let taken = timeout(WAIT_MOST, self.0.clone().acquire_owned()).await;
        Place(taken.ok().map(|permit| permit.expect("it is never closed")))
    }
}

impl Place {
    /// Keeps it while the client is silent, but not for long.
    pub(super) fn keep(self) -> Silence {
        let (silence, spoken) = oneshot::channel();
        if let Some(permit) = self.0 {
            tokio::spawn(async move {
                let _ = timeout(KEPT_MOST, spoken).await;
                drop(permit);
            });
        }
        silence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::yield_now;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn con_10_a_newcomer_waits_for_those_before_it_to_say_hello() {
        let places = Arc::new(Places::new(2));
        let first = places.take().await.keep();
        let began = Instant::now();
        let (of_it, waits) = (places.clone(), Arc::new(Semaphore::new(0)));
        let newcomer = tokio::spawn({
            let waits = waits.clone();
            async move {
                waits.add_permits(1);
                of_it.take().await
            }
        });
        let _it_waits = waits.acquire().await;
        yield_now().await;
        assert!(!newcomer.is_finished());
        drop(first);
        assert!(newcomer.await.expect("it ends").0.is_some());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn con_10_whoever_says_nothing_keeps_no_place_for_long() {
        let places = Places::new(2);
        let _silent = places.take().await.keep();
        let began = Instant::now();
        assert!(places.take().await.0.is_some());
        assert!((KEPT_MOST..KEPT_MOST * 2).contains(&began.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn con_10_without_a_place_in_time_the_gateway_decides() {
        let places = Places::new(2);
        let _upgrading = places.take().await;
        let began = Instant::now();
        assert!(places.take().await.0.is_none());
        assert!((WAIT_MOST..WAIT_MOST * 2).contains(&began.elapsed()));
    }
}
