//! Sites that mean no good: servers on loopback that answer as no server should.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::services::pause;

/// What a site does to those who ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malice {
    /// A header that comes byte by byte and never ends.
    Drip,
    /// A body without an end.
    Endless,
    /// What is no HTTP.
    Garbage,
    /// A connection that is closed at once.
    HangUp,
    /// A body that is shorter than it was said to be.
    Short,
    /// A header of a megabyte.
    LargeHeader,
    /// A redirect to a place that redirects, for ever.
    Redirects,
    /// A coding that the body is not in.
    FalseGzip,
    /// Markup of a hundred thousand levels, NULs, broken UTF-8, links that are none.
    Markup,
    /// "Come back in thirty years."
    Never,
}

impl Malice {
    pub(crate) const ALL: [Self; 10] = [
        Self::Drip,
        Self::Endless,
        Self::Garbage,
        Self::HangUp,
        Self::Short,
        Self::LargeHeader,
        Self::Redirects,
        Self::FalseGzip,
        Self::Markup,
        Self::Never,
    ];
}

/// A hostile site that is there while this lives.
pub(crate) struct HostileSite {
    port: u16,
    over: Arc<AtomicBool>,
}

impl HostileSite {
    /// Opens a site on a free port; with `robots` it is hostile to the question for robots.txt as well.
    pub(crate) fn open(malice: Malice, robots: bool) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), ends) = (stream, Arc::clone(&ends)) else { continue };
                // A client that gives up is what this is for.
                thread::spawn(move || drop(answer(stream, malice, robots, port, &ends)));
            }
        });
        Ok(Self { port, over })
    }

    /// Where a crawler walks into it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for HostileSite {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // The listener's thread looks up once more and sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn answer(
    mut stream: TcpStream,
    malice: Malice,
    robots: bool,
    port: u16,
    over: &AtomicBool,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut request = vec![0; 8192];
    let size = stream.read(&mut request)?;
    let request = String::from_utf8_lossy(&request[..size]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
    if path == "/robots.txt" && !robots {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let goes_on = || !over.load(Ordering::Relaxed);
    match malice {
        Malice::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX-Drip: ")?;
            while goes_on() {
                stream.write_all(b"a")?;
                pause(Duration::from_millis(300));
            }
            Ok(())
        }
        Malice::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")?;
            while goes_on() {
                stream.write_all(&[b'a'; 32 * 1024])?;
            }
            Ok(())
        }
        Malice::Garbage => stream.write_all(&[0xff, 0, 0x16, 3, 1, b'\r', b'\n', 0, 0xfe]),
        Malice::HangUp => Ok(()),
        Malice::Short => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<title>short"),
        Malice::LargeHeader => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX-Large: ")?;
            stream.write_all(&vec![b'a'; 1 << 20])?;
            stream.write_all(b"\r\nContent-Length: 0\r\n\r\n")
        }
        Malice::Redirects => {
            let next = path.trim_start_matches('/').parse::<u64>().unwrap_or(0) + 1;
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: /{next}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Malice::FalseGzip => stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 11\r\nConnection: close\r\n\r\nno gzip now",
        ),
        Malice::Markup => {
            let body = markup(port);
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=\"\0no-such\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            )?;
            stream.write_all(&body)
        }
        Malice::Never => stream.write_all(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 946080000\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
    }
}

fn markup(port: u16) -> Vec<u8> {
    let mut body = b"<title>\0\xff\xfe\x1b[31m</title>".to_vec();
    for link in [
        "javascript:alert(1)".to_owned(),
        "http://[::1".to_owned(),
        "http://user:secret@169.254.169.254/latest/meta-data".to_owned(),
        format!("http://127.0.0.1:{port}/{}", "a".repeat(100_000)),
        format!("//127.0.0.1:{port}/%00%ff%2e%2e/"),
        "\u{202e}\0".to_owned(),
        format!("http://127.0.0.1:{port}/"),
    ] {
        body.extend(format!("<a href=\"{link}\">x</a>").as_bytes());
    }
    body.extend("<div>".repeat(100_000).as_bytes());
    body.extend(vec![b'x'; 1 << 20]);
    body
}
