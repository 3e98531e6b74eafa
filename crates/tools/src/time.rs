//! `current_time`: the date and time, in the zone that was asked for.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use largestack_ports::clock::Clock;
use largestack_ports::tool::{Capability, ToolFailure, ToolOutput};
use largestack_types::label::Origin;
use serde::Deserialize;

use crate::DynamicTool;
use crate::built_in::{About, built_in};

/// The tool's name.
pub const NAME: &str = "current_time";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    zone: Option<String>,
}

/// The tool over a clock; `zone` is the one that is taken when the model names none.
pub fn tool(clock: Arc<dyn Clock>, zone: impl Into<Arc<str>>) -> DynamicTool {
    let usual = zone.into();
    let about = About {
        name: NAME,
        description: format!(
            "Says what date and time it is, in the zone {usual} if no other is named. Returns JSON: \
`time` (ISO 8601 with offset), `zone`, `weekday`, `unix` (seconds)."
        ),
        arguments: serde_json::json!({
            "zone": {
                "type": "string",
                "maxLength": 64,
                "description": "A name of the IANA database, e.g. Europe/Berlin or UTC."
            }
        }),
        required: &[],
        idempotent: true,
        origin: Origin::Operator,
        capabilities: &[Capability::Read],
    };
    built_in(about, move |_, Arguments { zone }| {
        let name = zone.map_or_else(|| Arc::clone(&usual), Arc::from);
        std::future::ready(say(clock.now().micros(), &name))
    })
}

/// Whether a zone has this name.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

fn say(micros: i64, name: &str) -> Result<ToolOutput, ToolFailure> {
    let zone = zone(name).ok_or_else(|| {
        ToolFailure::new(format!("there is no zone `{name}`; names are like Europe/Berlin or UTC"))
    })?;
    let now = Timestamp::from_microsecond(micros)
        .map_err(|_| ToolFailure::new("the clock is out of range"))?;
    let local = now.to_zoned(zone);
    ToolOutput::json(&serde_json::json!({
        "time": local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        "zone": name,
        "weekday": local.strftime("%A").to_string(),
        "unix": now.as_second(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_its_zone_with_the_summer_time_of_that_day() {
        let of = |micros, zone| say(micros, zone).map(|output| output.text);
        let winter = 1_767_225_600_000_000;
        assert_eq!(
            of(winter, "Europe/Berlin").unwrap(),
            r#"{"time":"2026-01-01T01:00:00+01:00","zone":"Europe/Berlin","weekday":"Thursday","unix":1767225600}"#
        );
        let summer = winter + 182 * 86_400_000_000;
        assert!(of(summer, "Europe/Berlin").unwrap().contains("T02:00:00+02:00"));
        assert!(of(winter, "Asia/Kolkata").unwrap().contains("T05:30:00+05:30"));
        assert!(of(winter, "UTC").unwrap().contains("T00:00:00+00:00"));
        let error = of(winter, "Mars/Base").unwrap_err();
        assert!(error.message.contains("no zone `Mars/Base`"));
    }
}
