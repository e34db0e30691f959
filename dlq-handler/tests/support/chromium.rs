//! Chromium, headless, by its DevTools protocol.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page. It ends with its guard.
pub(crate) struct Chromium {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    calls: u64,
    complaints: Vec<String>,
    _child: Child,
    _profile: tempfile::TempDir,
}

/// Where the browser is: as `CHROMIUM` says, or in the path.
fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let folders = std::env::split_paths(&std::env::var_os("PATH")?).collect::<Vec<_>>();
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

impl Chromium {
    /// Starts one; `None`, and a line on stderr that says so, where there is none.
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = program() else {
            eprintln!(
                "skipped: no Chromium is installed (Debian: apt-get install chromium), and CHROMIUM names none"
            );
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--remote-debugging-port=0", "--window-size=1280,900", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, address)) = line.split_once("DevTools listening on ") {
                    return address.to_owned();
                }
            }
            panic!("Chromium ended before it listened")
        };
        let address = tokio::time::timeout(PATIENCE, listening).await.unwrap();
        // Whatever else it says must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (socket, _) = connect_async(address).await.unwrap();
        let mut browser = Self {
            socket,
            session: String::new(),
            calls: 0,
            complaints: Vec::new(),
            _child: child,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.session =
            browser.call("Target.attachToTarget", attach).await["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, json!({})).await;
        }
        browser.size(1280, 900).await;
        Some(browser)
    }

    /// One command of the protocol; answers its result.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut call = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            call["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(call.to_string())).await.unwrap();
        let answered = async {
            loop {
                let message = self.socket.next().await.unwrap().unwrap();
                let Ok(text) = message.into_text() else { continue };
                let Ok(said) = serde_json::from_str::<Value>(&text) else { continue };
                if said["id"] == id {
                    assert!(said.get("error").is_none(), "{method}: {}", said["error"]);
                    return said["result"].clone();
                }
                let level = said["params"]["entry"]["level"].as_str();
                if said["method"] == "Runtime.exceptionThrown" || level == Some("error") {
                    self.complaints.push(said["params"].to_string());
                }
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap_or_else(|_| panic!("{method} was not answered"))
    }

    /// Errors of the page: exceptions, refusals of its own policy.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Opens a page and waits until it is there.
    pub(crate) async fn open(&mut self, url: &str) {
        self.evaluate("window.before = true").await;
        let opened = self.call("Page.navigate", json!({"url": url})).await;
        assert!(opened.get("errorText").is_none(), "{url}: {opened}");
        self.wait_for("window.before !== true && document.readyState === 'complete'").await;
    }

    /// The value of an expression.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> Value {
        let call = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", call).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression holds.
    pub(crate) async fn wait_for(&mut self, expression: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        // A page that is just going has no document to ask.
        let guarded =
            format!("(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()");
        loop {
            let call = json!({"expression": guarded, "returnByValue": true});
            if self.call("Runtime.evaluate", call).await["result"]["value"] == true {
                return;
            }
            if tokio::time::Instant::now() > until {
                let shown = self.evaluate("location.href + '\\n' + document.body.innerText").await;
                panic!("never: {expression}\n{}", shown.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub(crate) async fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({}).textContent", json!(selector))).await;
        text.as_str().unwrap().to_owned()
    }

    pub(crate) async fn count(&mut self, selector: &str) -> u64 {
        self.evaluate(&format!("document.querySelectorAll({}).length", json!(selector)))
            .await
            .as_u64()
            .unwrap()
    }

    /// Clicks where the element stands, as a mouse does.
    pub(crate) async fn click(&mut self, selector: &str) {
        let place = format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()",
            json!(selector)
        );
        let place = self.evaluate(&place).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types into a field instead of what is there.
    pub(crate) async fn fill(&mut self, selector: &str, text: &str) {
        self.evaluate(&format!("document.querySelector({}).select()", json!(selector))).await;
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// One key, where the page has its focus.
    pub(crate) async fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { key } else { "" };
            self.call("Input.dispatchKeyEvent", json!({"type": kind, "key": key, "text": text})).await;
        }
    }

    pub(crate) async fn size(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// A picture of the page, where somebody wants to see it; in any case the page can be painted.
    pub(crate) async fn screenshot(&mut self, name: &str) {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let picture =
            base64::Engine::decode(&base64::prelude::BASE64_STANDARD, picture["data"].as_str().unwrap())
                .unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 5_000, "{name} is an empty page");
        if let Some(folder) = std::env::var_os("TRAWL_SCREENSHOTS") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(PathBuf::from(folder).join(format!("{name}.png")), picture).unwrap();
        }
    }
}
