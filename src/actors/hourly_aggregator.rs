//! hourly_aggregator
