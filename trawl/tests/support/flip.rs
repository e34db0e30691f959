//! A site that is down until somebody says otherwise.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Answers 500 to pages until the flag is up, and 404 to robots.txt.
pub fn flip_server() -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let well = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&well);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while lines.read_line(&mut request).is_ok_and(|n| n > 2) {}
            let (status, body) = match (request.starts_with("GET /robots.txt"), flag.load(Ordering::Relaxed))
            {
                (true, _) => ("404 Not Found", "none"),
                (_, false) => ("500 Internal Server Error", "down"),
                (_, true) => ("200 OK", "<title>up again</title>"),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (port, well)
}
