//! Time as the tests count it.

use std::time::Duration;

use super::watch;

/// What has passed since it was started, without times in which the machine stood still (its processors
/// were somebody else's, or it was suspended): nobody gets ahead then, and nobody hangs.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Duration);

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch(watch::awake())
    }

    pub fn elapsed(self) -> Duration {
        watch::awake().saturating_sub(self.0)
    }
}
