//! The figures of a run.

use crate::gateway::host::Host;

/// Prints them, and notes what they should be.
pub(super) fn print(host: &Host) {
    let (counters, measure) = (host.engine.counters(), &host.measure);
    let asked = (counters.hits + counters.misses).max(1);
    let percent = 100.0 * counters.hits as f64 / asked as f64;
    let twice = host.world.issuer.spent_twice();
    host.narrator.chapter("figures");
    let row = |name: &str, value: String| host.narrator.row(format!("{name:<28} {value:>10}"));
    row("requests by name", measure.requests().to_string());
    row("reads through handles", measure.total_reads().to_string());
    row("hit rate of the engine", format!("{percent:.0} %"));
    row("provider calls", counters.provider_calls.to_string());
    row("… that failed", counters.provider_failures.to_string());
    row("renewals ahead of an end", counters.renewals.to_string());
    row("requests denied", counters.denied.to_string());
    row("latency of a request, p50", format!("{:.1?}", measure.percentile(50)));
    row("latency of a request, p99", format!("{:.1?}", measure.percentile(99)));
    row("refresh tokens spent twice", twice.to_string());
    host.checks.expect(twice == 0, "no refresh token is spent twice");
}
