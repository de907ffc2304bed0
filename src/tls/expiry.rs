//! Tells an operator in time that a certificate will expire.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::x509::Validity;

const DAY: Duration = Duration::from_secs(24 * 3600);
const SOON: Duration = Duration::from_secs(30 * DAY.as_secs());
/// One that lives for a few days is renewed when this part of its life is left.
const SHORT_LIVED: u32 = 3;

/// Logs that the certificate in `file` has expired, or will within 30 days.
pub(super) fn tell(file: &Path, validity: Option<Validity>) {
    let Some(Validity { not_before, not_after }) = validity else { return };
    let (file, date) = (file.display(), humantime::format_rfc3339_seconds(not_after));
    let life = not_after.duration_since(not_before).unwrap_or_default();
    match not_after.duration_since(SystemTime::now()) {
        Err(_) => log::error!("the certificate in {file} expired on {date}: who checks it does not connect"),
        Ok(left) if left < SOON.min(life / SHORT_LIVED) => {
            let days = left.as_secs() / DAY.as_secs();
            log::warn!("the certificate in {file} expires on {date}, in {days} days: renew it");
        }
        Ok(_) => {}
    }
}
