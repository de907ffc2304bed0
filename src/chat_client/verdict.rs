//! Whether to connect again after a connection ended or an attempt failed.

use std::time::{Duration, SystemTime};

use crate::{CloseReason, ClosedBy, Error, RefusedResponse};

/// The longest `Retry-After` that is taken at its word.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Trying again would end in the same way.
    Final,
    Again,
    /// Again, and not before this long.
    NotBefore(Duration),
    /// Again a few times: our own dead connection may hold the name.
    NameTaken,
}

/// What an end, or a failed attempt to come back, means.
pub(super) fn judge(why: &Error) -> Verdict {
    match why {
        Error::Io { .. } | Error::TimedOut(_) | Error::Handshake(_) => Verdict::Again,
        Error::Closed(reason) => judge_close(reason),
        Error::Refused(response) => judge_refusal(response),
        _ => Verdict::Final,
    }
}

fn judge_close(reason: &CloseReason) -> Verdict {
    match (reason.by, reason.code.value()) {
        // Keepalive missed: this side gave up a line that is dead.
        (ClosedBy::Local, 1006 | 1008) => Verdict::Again,
        (ClosedBy::Local, _) => Verdict::Final,
        // 3000 and 3003 are registered as unauthorized and forbidden.
        (ClosedBy::Peer, 1000 | 1002 | 1003 | 1007..=1010 | 3000 | 3003) => Verdict::Final,
        (ClosedBy::Peer, _) => Verdict::Again,
    }
}

/// There was a chat at this address before: what does not sound like one, such as a
/// redirect, a page, 404, is somebody else's while it is away.
fn judge_refusal(response: &RefusedResponse) -> Verdict {
    match response.status {
        400 => Verdict::Final,
        401 | 403 if is_reason(response) => Verdict::Final,
        409 => Verdict::NameTaken,
        _ => retry_after(response).map_or(Verdict::Again, Verdict::NotBefore),
    }
}

/// Whether the body tells why, as a chat server does: in one line of plain text.
fn is_reason(response: &RefusedResponse) -> bool {
    let media_type = response.header("content-type").unwrap_or_default();
    let is_plain =
        media_type.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case("text/plain"));
    is_plain && response.body.trim().lines().count() == 1
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3). A date is
/// reckoned from the server's own, where it tells that.
fn retry_after(response: &RefusedResponse) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    let date = |value: &str| httpdate::parse_http_date(value).ok();
    let wait = if let Some(at) = date(value) {
        let now = response.header("date").and_then(date).unwrap_or_else(SystemTime::now);
        at.duration_since(now).unwrap_or_default()
    } else if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are more than the longest, too.
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        return None;
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CloseCode;

    fn refused(status: u16, headers: &[(&str, &str)]) -> Verdict {
        refused_with(status, headers, "")
    }

    fn refused_with(status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
        let body = body.to_owned();
        let headers = headers.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        judge(&Error::Refused(Box::new(RefusedResponse { status, headers, body })))
    }

    #[test]
    fn codes_that_mean_do_not_are_final_and_others_are_not() {
        let peer = |code: u16| judge(&Error::Closed(CloseReason::peer(code.into(), "")));
        for code in [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003] {
            assert_eq!(peer(code), Verdict::Final, "{code}");
        }
        for code in [1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 3008, 4000] {
            assert_eq!(peer(code), Verdict::Again, "{code}");
        }
        let keepalive = CloseReason::local(CloseCode::POLICY, "no answer to a ping");
        assert_eq!(judge(&Error::Closed(keepalive)), Verdict::Again);
        let too_big = CloseReason::local(CloseCode::TOO_BIG, "");
        assert_eq!(judge(&Error::Protocol("too big".to_owned(), too_big)), Verdict::Final);
    }

    #[test]
    fn refusals_that_pass_are_tried_again() {
        for status in [200, 301, 308, 401, 403, 404, 405, 408, 410, 425, 426, 429, 500, 502, 503, 504] {
            assert_eq!(refused(status, &[]), Verdict::Again, "{status}");
        }
        assert_eq!(refused(409, &[]), Verdict::NameTaken);
    }

    #[test]
    fn a_chat_server_s_own_no_is_final_and_a_page_is_not() {
        let plain = [("content-type", "text/plain; charset=utf-8")];
        assert_eq!(refused(400, &[]), Verdict::Final);
        for status in [401, 403] {
            assert_eq!(refused_with(status, &plain, "members only\n"), Verdict::Final);
            assert_eq!(refused_with(status, &plain, "log\nin"), Verdict::Again);
            assert_eq!(refused_with(status, &[("content-type", "text/html")], "log in"), Verdict::Again);
        }
    }

    #[test]
    fn retry_after_is_understood_in_both_forms() {
        let wait = |value| refused(503, &[("retry-after", value), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let seconds = |seconds| Verdict::NotBefore(Duration::from_secs(seconds));
        assert_eq!(wait("7"), seconds(7));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT"), seconds(30));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT"), seconds(0));
        assert_eq!(wait("99999999999999999999999"), seconds(24 * 3600));
        assert_eq!(wait("soon"), Verdict::Again);
        assert_eq!(wait("-1"), Verdict::Again);
    }
}
