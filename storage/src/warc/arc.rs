//! The header lines of ARC, the format before WARC: read as the WARC fields they mean.

use super::Fields;

/// `URL IP date type length`; none where a line has fewer words. The first line of a file names the file
/// instead of a URL. The words themselves may be anything: as other readers do, a length that is none is taken
/// as nothing, and a date that is none as the end of time.
pub(super) fn fields(line: &str) -> Option<Fields> {
    // A URL may hold spaces, the other four can't.
    let mut parts = line.trim_end().rsplitn(5, ' ');
    let (length, media_type, date, address, url) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let mut fields = Fields::default();
    match url.strip_prefix("filedesc://") {
        Some(file) => {
            fields.push("WARC-Type", "warcinfo");
            fields.push("WARC-Filename", file);
            fields.push("Content-Type", media_type);
        }
        None => {
            fields.push("WARC-Type", "response");
            fields.push("WARC-Target-URI", url);
            fields.push("Content-Type", "application/http;msgtype=response");
        }
    }
    fields.push("WARC-IP-Address", address);
    fields.push("WARC-Date", instant(date).unwrap_or_else(|| END_OF_TIME.to_owned()));
    fields.push("Content-Length", length);
    Some(fields)
}

const END_OF_TIME: &str = "2999-12-31T23:59:59Z";

/// `20140216050221` as `2014-02-16T05:02:21Z`; times of day may be missing.
fn instant(date: &str) -> Option<String> {
    if !(8..=14).contains(&date.len()) || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let full = format!("{date:0<14}");
    let part = |from: usize, to: usize| &full[from..to];
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let (hour, minute, second) = (part(8, 10), part(10, 12), part(12, 14));
    Some(format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_five_things() {
        let fields = fields("http://a.example/a b 10.0.0.1 20140216050221 text/html 12\n").unwrap();
        assert_eq!(fields.get("WARC-Target-URI"), Some("http://a.example/a b"));
        assert_eq!(fields.get("WARC-Date"), Some("2014-02-16T05:02:21Z"));
        assert_eq!(fields.get("Content-Length"), Some("12"));
        for line in ["", "Connection: close", "http://a.example/ 10.0.0.1 20140216050221 12"] {
            assert_eq!(super::fields(line), None, "{line}");
        }
        let odd = super::fields("http://a.example/ ip day text/html long").unwrap();
        assert_eq!(odd.get("WARC-Date"), Some("2999-12-31T23:59:59Z"));
    }
}
