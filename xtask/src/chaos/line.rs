//! A line between the services and a server: a small TCP proxy on loopback, on which the network can be cut, go silent,
//! or be slow.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::services::{pause, ports};

/// How often a connection that moves nothing looks at the weather.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const CHUNK: usize = 64 * 1024;

/// What the line does to those who use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Everything passes.
    Fair,
    /// Connections break, and no new one comes about.
    Cut,
    /// Connections stay, and nothing passes: what a firewall does that drops packets.
    Silent,
    /// Everything passes, each way this much later.
    Slow(Duration),
}

/// A line that is open while it lives.
pub(crate) struct Line {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: AtomicU16,
    weather: Mutex<Weather>,
    /// One end of each connection, by which it is broken.
    open: Mutex<Vec<TcpStream>>,
    over: AtomicBool,
}

impl Line {
    /// Opens a line on a free port. It leads nowhere until [`Line::lead_to`].
    pub(crate) fn open() -> Result<Self> {
        let [port] = ports::free()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context("cannot open a line")?;
        let shared = Arc::new(Shared {
            target: AtomicU16::new(0),
            weather: Mutex::new(Weather::Fair),
            open: Mutex::new(Vec::new()),
            over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Ok(Self { port, shared })
    }

    /// Where clients connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Names the server's port.
    pub(crate) fn lead_to(&self, port: u16) {
        self.shared.target.store(port, Ordering::Relaxed);
    }

    /// Changes what the line does, to connections that are open as well.
    pub(crate) fn set(&self, weather: Weather) {
        *lock(&self.shared.weather) = weather;
        if weather == Weather::Cut {
            self.shared.break_all();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.shared.break_all();
        // The listener's thread looks up once more and sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn weather(&self) -> Weather {
        *lock(&self.weather)
    }

    fn break_all(&self) {
        for stream in lock(&self.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            // A connection that cannot be made is one that the client sees break.
            if let (Ok(client), false) = (client, self.weather() == Weather::Cut) {
                let _ = self.connect(client);
            }
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target.load(Ordering::Relaxed)))?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LOOK_EVERY))?;
        }
        let mut open = lock(&self.open);
        open.retain(|stream| stream.peer_addr().is_ok());
        open.push(client.try_clone()?);
        drop(open);
        for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
            let line = Arc::clone(self);
            thread::spawn(move || {
                let _ = line.carry(&from, &to);
                // Half a connection is none: whichever side ends, both do.
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
        Ok(())
    }

    fn wait_out_silence(&self) {
        while self.weather() == Weather::Silent && !self.over.load(Ordering::Relaxed) {
            pause(LOOK_EVERY);
        }
    }

    /// Carries bytes one way until an end is reached.
    fn carry(&self, mut from: &TcpStream, mut to: &TcpStream) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            self.wait_out_silence();
            match from.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    if let Weather::Slow(delay) = self.weather() {
                        pause(delay);
                    }
                    self.wait_out_silence();
                    to.write_all(&chunk[..count])?;
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that gives back what it gets, and a line to it.
    fn echo() -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Line::open().unwrap();
        line.lead_to(listener.local_addr().unwrap().port());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
            }
        });
        line
    }

    fn ask(line: &Line) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", line.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    fn answer(mut stream: &TcpStream) -> std::io::Result<[u8; 5]> {
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).map(|()| answer)
    }

    #[test]
    fn what_is_sent_arrives_also_over_a_slow_line() {
        let line = echo();
        for weather in [Weather::Fair, Weather::Slow(Duration::from_millis(30))] {
            line.set(weather);
            let began = std::time::Instant::now();
            let mut stream = ask(&line);
            stream.write_all(b"hello").unwrap();
            assert_eq!(&answer(&stream).unwrap(), b"hello");
            assert!(weather == Weather::Fair || began.elapsed() >= Duration::from_millis(60));
        }
    }

    #[test]
    fn a_cut_breaks_connections_and_refuses_new_ones_until_it_is_mended() {
        let line = echo();
        let mut stream = ask(&line);
        stream.write_all(b"hello").unwrap();
        answer(&stream).unwrap();
        line.set(Weather::Cut);
        assert!(answer(&stream).is_err());
        let mut refused = ask(&line);
        let _ = refused.write_all(b"hello");
        assert!(answer(&refused).is_err());
        line.set(Weather::Fair);
        let mut stream = ask(&line);
        stream.write_all(b"again").unwrap();
        assert_eq!(&answer(&stream).unwrap(), b"again");
    }

    #[test]
    fn silence_loses_nothing() {
        let line = echo();
        line.set(Weather::Silent);
        let mut stream = ask(&line);
        stream.write_all(b"hello").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(answer(&stream).is_err());
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        line.set(Weather::Fair);
        assert_eq!(&answer(&stream).unwrap(), b"hello");
    }
}
