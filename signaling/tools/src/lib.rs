//! What was captured of browsers and native peers, as it would be said in calls; and how many bytes it costs.

pub mod captures;
pub mod measure;
