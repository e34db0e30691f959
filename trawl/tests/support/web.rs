//! A web server on loopback that remembers what it was asked: for recorded answers, and for folders of files.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, header::HeaderValue, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};
use tokio::{net::TcpListener, sync::oneshot};

/// What is answered to a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn of(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// Whether it is a page of HTML.
    pub fn is_html(&self) -> bool {
        self.headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("content-type") && value.contains("html"))
    }
}

/// A request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Path and query as they were sent.
    pub target: String,
    pub status: u16,
    pub is_html: bool,
}

/// A server that runs while it lives.
pub struct Served {
    pub port: u16,
    log: Arc<Mutex<Vec<Asked>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    /// Answers each request by what it asks for, path and query; the port is known before the first one.
    pub fn start<F>(answer: impl FnOnce(u16) -> F) -> Self
    where
        F: Fn(&str) -> Answer + Send + Sync + 'static,
    {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answer, log) = (Arc::new(answer(port)), Arc::new(Mutex::new(Vec::new())));
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, answer, Arc::clone(&log), stopped);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serving);
        });
        Self { port, log, stop: Some(stop), thread: Some(thread) }
    }

    /// The requests so far, in order of their arrival.
    pub fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

async fn serve<F>(
    listener: std::net::TcpListener,
    answer: Arc<F>,
    log: Arc<Mutex<Vec<Asked>>>,
    mut stopped: oneshot::Receiver<()>,
) where
    F: Fn(&str) -> Answer + Send + Sync + 'static,
{
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => accepted.unwrap(),
        };
        stream.set_nodelay(true).unwrap();
        let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
        let service = service_fn(move |request: Request<Incoming>| {
            let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
            let answer = answer(&target);
            let is_html = answer.is_html();
            log.lock().unwrap().push(Asked { target, status: answer.status, is_html });
            async move { Ok::<_, Infallible>(response(answer)) }
        });
        tokio::spawn(async move {
            // A client that hangs up is no event here.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    response.body(Full::new(answer.body)).unwrap()
}

/// Serves the files of a folder as web servers do: `index.html` for a folder, a redirect to the name with a slash
/// where that lacks, 404 for the rest. An escape that is none stands for itself.
pub fn files(root: PathBuf) -> impl Fn(&str) -> Answer + Send + Sync + 'static {
    move |target| {
        let path = target.split('?').next().unwrap();
        let decoded = percent_decoded(path);
        let is_sound = decoded.starts_with('/') && !decoded.split('/').any(|segment| segment == "..");
        let file = root.join(decoded.trim_start_matches('/'));
        if is_sound && file.is_dir() {
            if !decoded.ends_with('/') {
                let headers = vec![("location".to_owned(), format!("{path}/"))];
                return Answer { status: 301, headers, body: Bytes::new() };
            }
            return read(&file.join("index.html"));
        }
        if is_sound && !decoded.ends_with('/') { read(&file) } else { not_found() }
    }
}

fn read(file: &Path) -> Answer {
    fs::read(file).map_or_else(|_| not_found(), |body| Answer::of(200, content_type(file), body))
}

fn not_found() -> Answer {
    Answer::of(404, "text/plain", "no such file\n")
}

fn content_type(file: &Path) -> &'static str {
    // `extension` has none for a file whose name is nothing else, such as `.html`.
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html" | "htm") => "text/html",
        Some("xhtml") => "application/xhtml+xml",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("txt") => "text/plain",
        Some("xml") => "text/xml",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// A path without its escapes; what is no escape stays.
pub fn percent_decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
