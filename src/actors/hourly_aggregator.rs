//! hourly_aggregator
use crate::activity::histogram::*;
use crate::domain::*;
use actix::prelude::*;
/// x
#[derive(Debug, Default)]
pub struct HourlyInbox;
impl HourlyInbox {
    /// x
    pub fn presence(&self, _: UserNo, _: Presence, _: bool, _: UnixMs) {}
    /// x
    pub fn mark(&self, _: UserNo, _: Presence, _: UnixMs) {}
}
/// x
pub struct HourlyAggregator;
impl Actor for HourlyAggregator {
    type Context = Context<Self>;
}
/// x
#[derive(Message)]
#[rtype(result = "Result<DayCounts, crate::store::StoreError>")]
pub struct QueryHistogram {
    /// x
    pub date: jiff::civil::Date,
}
impl Handler<QueryHistogram> for HourlyAggregator {
    type Result = Result<DayCounts, crate::store::StoreError>;
    fn handle(&mut self, q: QueryHistogram, _: &mut Self::Context) -> Self::Result {
        Ok(Histogram::default().counts(q.date))
    }
}
/// x
#[derive(Message)]
#[rtype(result = "()")]
pub struct FlushHours;
impl Handler<FlushHours> for HourlyAggregator {
    type Result = ();
    fn handle(&mut self, _: FlushHours, _: &mut Self::Context) {}
}
