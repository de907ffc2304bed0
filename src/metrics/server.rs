//! The server's own metrics.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::writer::Writer;
use crate::{Monitor, Statistics};

#[derive(Debug)]
pub(super) struct ServerCollector(pub Monitor);

impl Collector for ServerCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        let version = ("version", env!("CARGO_PKG_VERSION"));
        writer.fact("chinwag_build_info", "The version that runs.", version)?;
        let Some(statistics) = self.0.statistics() else { return Ok(()) };
        let ready = u32::from(self.0.ready().is_ok());
        writer.gauge("chinwag_ready", "Whether the server takes clients, as /readyz says.", ready)?;
        clients(&mut writer, &statistics)?;
        comings_and_goings(&mut writer, &statistics)?;
        messages(&mut writer, &statistics)?;
        hub(&mut writer, &statistics)?;
        slowness(&mut writer, &statistics)
    }
}

fn clients(writer: &mut Writer<'_>, now: &Statistics) -> fmt::Result {
    writer.gauge("chinwag_clients", "Clients that are connected.", now.clients)?;
    writer.gauge("chinwag_clients_max", "Clients at the most; further ones get 503.", now.max_clients)?;
    writer.gauge("chinwag_rooms", "Rooms that have members.", now.rooms)
}

fn comings_and_goings(writer: &mut Writer<'_>, now: &Statistics) -> fmt::Result {
    writer.counter("chinwag_connections", "Connections that were accepted.", now.connections)?;
    let help = "Handshakes under way, and refusals being read.";
    writer.gauge("chinwag_handshakes_under_way", help, now.handshakes_under_way)?;
    writer.counters("chinwag_handshakes", "Handshakes by their outcome.", "outcome", &now.handshakes)?;
    let help = "Time from accepting a connection to its client's thread, where it came to that.";
    writer.histogram("chinwag_handshake_seconds", help, &now.handshake_seconds)?;
    writer.counters("chinwag_refusals", "Refusals by their reason.", "reason", &now.refusals)?;
    let help = "TLS handshakes that failed, by the reason.";
    writer.counters("chinwag_tls_failures", help, "reason", &now.tls_failures)?;
    writer.counters("chinwag_closes", "WebSockets that ended, by close code.", "code", &now.closes)
}

fn messages(writer: &mut Writer<'_>, now: &Statistics) -> fmt::Result {
    let help = "Messages of clients that were taken.";
    writer.counter("chinwag_messages_received", help, now.messages_received)?;
    let help = "Bytes of frames that clients sent.";
    writer.counter("chinwag_bytes_received", help, now.bytes_received)?;
    let help = "Messages that came in over the message rate and had to wait.";
    writer.counter("chinwag_delayed_messages", help, now.messages_delayed)?;
    let help = "Messages sent to clients, one for each recipient; with those dropped for slowness.";
    writer.counter("chinwag_messages_sent", help, now.messages_sent)?;
    writer.counter("chinwag_bytes_sent", "Bytes of those messages as frames.", now.bytes_sent)?;
    let help = "Messages that a slow recipient did not get.";
    writer.counter("chinwag_dropped_messages", help, now.messages_dropped)
}

fn hub(writer: &mut Writer<'_>, now: &Statistics) -> fmt::Result {
    let help = "Time of a turn of the hub that sent something.";
    writer.histogram("chinwag_fan_out_seconds", help, &now.fan_out_seconds)?;
    let help = "Messages that one such turn encoded.";
    writer.histogram("chinwag_batch_messages", help, &now.batch_messages)?;
    writer.histogram("chinwag_batch_bytes", "Bytes of those messages.", &now.batch_bytes)?;
    writer.counter("chinwag_hub_busy_seconds", "Time in all turns of the hub.", now.hub_busy_seconds)?;
    writer.gauge("chinwag_hub_queue", "Commands that wait for the hub.", now.hub_queue)?;
    let help = "Commands that may wait for the hub; beyond that clients wait.";
    writer.gauge("chinwag_hub_queue_capacity", help, now.hub_queue_capacity)
}

fn slowness(writer: &mut Writer<'_>, now: &Statistics) -> fmt::Result {
    writer.gauge("chinwag_outbox_bytes", "Bytes that wait in all outboxes.", now.outbox_bytes)?;
    writer.gauge("chinwag_outbox_messages", "Messages that wait in all outboxes.", now.outbox_messages)?;
    let help = "Clients that are behind by more than half of their outbox or missed something.";
    writer.gauge("chinwag_slow_clients", help, now.slow_clients)?;
    let help = "Times that an outbox was full and something gave way, by the policy.";
    writer.counters("chinwag_gaps", help, "policy", &[(now.overflow_policy, now.gaps)])?;
    let help = "Time from a ping to its pong.";
    writer.histogram("chinwag_round_trip_seconds", help, &now.round_trip_seconds)
}
